package catalog

import (
	"encoding/json"
	"errors"
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
			w.CheckTraffic = func(_ json.RawMessage, operations []Operation, document func() ([]byte, error)) error {
				if text, err := document(); err != nil || len(text) == 0 {
					t.Errorf("the document: %s, %v", text, err)
				}
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
	w.CheckTraffic = func(json.RawMessage, []Operation, func() ([]byte, error)) error { return nil }
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

// TestTrafficGoesToApprovedAddresses: what a version's traffic names beside its
// own addresses is its agency's, approved, and written in one way.
func TestTrafficGoesToApprovedAddresses(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	w.CheckTraffic = func(json.RawMessage, []Operation, func() ([]byte, error)) error { return nil }
	var to []TrafficAddress
	w.TrafficAddresses = func(json.RawMessage) ([]TrafficAddress, error) { return to, nil }
	id := w.readyVersion(t).ID
	if _, err := w.ApproveUpstream(ctx, w.operator, w.agency.ID, "10.7.7.7:8080"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.RequestUpstream(ctx, w.publisher, w.agency.ID, "10.7.7.8:8080"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ url, code string }{
		{"http://10.7.7.7:8080/moi", ""},
		{"http://10.7.7.7:8080", ""},
		{"http://10.7.7.7:8081", "upstream-not-approved"},
		{"http://10.7.7.8:8080", "upstream-not-approved"}, // asked for only
		{"http://169.254.169.254", "upstream-form"},
		{"http://10.7.7.7:8080/", "upstream-form"},
		{"HTTP://10.7.7.7:8080", "upstream-form"},
		{"http://10.7.7.7:8080/a/../b", "upstream-form"},
	} {
		to = []TrafficAddress{{Field: "canary/upstreams/0/url", URL: tt.url}}
		_, err := w.SetTraffic(ctx, w.publisher, id, json.RawMessage(`{}`))
		var told *problem.Error
		switch {
		case tt.code == "" && err == nil:
		case tt.code != "" && errors.As(err, &told) && len(told.Fields) == 1 && told.Fields[0].Code == tt.code && told.Fields[0].Name == to[0].Field:
		default:
			t.Errorf("%s: got %v, want %q", tt.url, err, tt.code)
		}
	}
	to = []TrafficAddress{{Field: "canary/upstreams/0/url", URL: "http://10.7.7.9"}}
	if _, err := w.PublishVersion(ctx, w.publisher, id); !problem.Is(err, problem.Invalid) {
		t.Errorf("published with an address that is not approved: %v", err)
	}
	to = nil
	if _, err := w.PublishVersion(ctx, w.publisher, id); err != nil {
		t.Error(err)
	}
}
