package catalog

import (
	"encoding/json"
	"slices"
	"testing"

	"lgsp/internal/problem"
)

func TestSetTraffic(t *testing.T) {
	t.Parallel()
	const limits = `{"limits": [{"per": "api", "calls": 9, "window": "1s"}]}`
	for _, tt := range []struct {
		name    string
		traffic string
		checked error
		want    string
		kind    problem.Kind
	}{
		{name: "an object", traffic: limits, want: limits},
		{name: "nothing", traffic: `{}`, want: `{}`},
		{name: "null", traffic: `null`, kind: problem.Invalid},
		{name: "a list", traffic: `[]`, kind: problem.Invalid},
		{name: "no JSON", traffic: `{`, kind: problem.Invalid},
		{name: "what the gateway cannot do rolls back", traffic: limits, checked: problem.Errorf(problem.Invalid, "no"), kind: problem.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, ctx := txWorld(t), t.Context()
			w.CheckTraffic = func(_ json.RawMessage, operations []Operation) error {
				if len(operations) != 2 {
					t.Errorf("checked with %d operations, want the version's 2", len(operations))
				}
				return tt.checked
			}
			id := w.draft(t, procedures(t)).ID
			v, err := w.SetTraffic(ctx, w.publisher, id, json.RawMessage(tt.traffic))
			if tt.kind != 0 {
				if now, _ := w.Traffic(ctx, w.publisher, id); !problem.Is(err, tt.kind) || string(now) != "{}" || slices.Contains(w.acts, "version.traffic") {
					t.Errorf("got %v, traffic now %s, acts %v", err, now, w.acts)
				}
				return
			}
			if err != nil || string(v.Traffic) != tt.want || !slices.Contains(w.acts, "version.traffic") {
				t.Errorf("got %s, %v, acts %v, want %s", v.Traffic, err, w.acts, tt.want)
			}
		})
	}
}

// TestTrafficIsTheAgencysOwn: others neither see nor set it, of a published
// version either; the gateway is handed it.
func TestTrafficIsTheAgencysOwn(t *testing.T) {
	t.Parallel()
	const limits = `{"limits": [{"per": "api", "calls": 9, "window": "1s"}]}`
	w, ctx := txWorld(t), t.Context()
	w.CheckTraffic = func(json.RawMessage, []Operation) error { return nil }
	id := w.readyVersion(t).ID
	if _, err := w.PublishVersion(ctx, w.publisher, id); err != nil {
		t.Fatal(err)
	}
	if got := w.exposed[len(w.exposed)-1].Traffic; string(got) != "{}" {
		t.Errorf("published with traffic %s, want none", got)
	}
	if _, err := w.SetTraffic(ctx, w.publisher, id, json.RawMessage(limits)); err != nil {
		t.Fatal(err)
	}
	if got := w.exposed[len(w.exposed)-1].Traffic; string(got) != limits {
		t.Errorf("exposed with traffic %s, want %s", got, limits)
	}
	if _, err := w.SetTraffic(ctx, w.stranger, id, json.RawMessage(limits)); !problem.Is(err, problem.Forbidden) {
		t.Errorf("another agency's publisher: got %v", err)
	}
	if _, err := w.Traffic(ctx, w.stranger, id); !problem.Is(err, problem.NotFound) {
		t.Errorf("another agency reads: got %v", err)
	}
	if v, err := w.VersionByID(ctx, w.stranger, id); err != nil || string(v.Traffic) != "{}" {
		t.Errorf("another agency sees %s, %v", v.Traffic, err)
	}
	if _, err := w.RetireVersion(ctx, w.publisher, id); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetTraffic(ctx, w.publisher, id, json.RawMessage(limits)); !problem.Is(err, problem.Conflict) {
		t.Errorf("of a retired version: got %v", err)
	}
}
