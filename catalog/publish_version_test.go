package catalog

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

func TestPublishVersion(t *testing.T) {
	t.Parallel()
	broken := []byte("openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths:\n  /a/{b}: {get: {operationId: a, responses: {'200': {description: d}}}}\n")
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, w *world) Version
		who     string
		kind    problem.Kind
		fields  []string
	}{
		{name: "complete", prepare: func(t *testing.T, w *world) Version { return w.readyVersion(t) }},
		{name: "in review", prepare: func(t *testing.T, w *world) Version {
			v, err := w.SubmitVersion(t.Context(), w.publisher, w.readyVersion(t).ID)
			if err != nil || v.State != Review {
				t.Fatalf("got %+v, %v", v, err)
			}
			return v
		}},
		{name: "nothing chosen", prepare: func(t *testing.T, w *world) Version { return w.draft(t, procedures(t)) }, kind: problem.Invalid,
			fields: []string{"operations/danh-sach-thu-tuc/access:operation-unmarked", "operations/lay-thu-tuc/access:operation-unmarked", "plan:plan-missing", "upstream_url:upstream-missing"}},
		{name: "errors in the document", prepare: func(t *testing.T, w *world) Version { return w.draft(t, broken) }, kind: problem.Invalid,
			fields: []string{"spec:spec-has-errors", "operations/a/access:operation-unmarked", "plan:plan-missing", "upstream_url:upstream-missing"}},
		{name: "an open plan for a restricted operation", prepare: func(t *testing.T, w *world) Version {
			v, err := w.SetPlan(t.Context(), w.publisher, w.readyVersion(t).ID, "open")
			if err != nil {
				t.Fatal(err)
			}
			return v
		}, kind: problem.Invalid, fields: []string{"plan:plan-open-mismatch"}},
		{name: "the upstream's approval was taken back", prepare: func(t *testing.T, w *world) Version {
			v := w.readyVersion(t)
			if _, err := w.DB.Exec(t.Context(), `update catalog.upstream set approved_at = null`); err != nil {
				t.Fatal(err)
			}
			return v
		}, kind: problem.Invalid, fields: []string{"upstream_url:upstream-not-approved"}},
		{name: "published already", prepare: func(t *testing.T, w *world) Version {
			v, err := w.PublishVersion(t.Context(), w.publisher, w.readyVersion(t).ID)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}, kind: problem.Conflict},
		{name: "not to be seen", prepare: func(t *testing.T, w *world) Version { return w.readyVersion(t) }, who: "stranger", kind: problem.NotFound},
		{name: "not allowed", prepare: func(t *testing.T, w *world) Version { return w.readyVersion(t) }, who: "steward", kind: problem.Forbidden},
		{name: "unknown", prepare: func(*testing.T, *world) Version { return Version{ID: uuid.Max} }, kind: problem.NotFound},
		{name: "the gateway refuses, all is undone", prepare: func(t *testing.T, w *world) Version {
			w.Expose = func(context.Context, pgx.Tx, Exposure) error { return problem.Errorf(problem.Conflict, "prefix taken") }
			return w.readyVersion(t)
		}, kind: problem.Conflict},
		{name: "the ledger fails, all is undone", prepare: func(t *testing.T, w *world) Version {
			v := w.readyVersion(t)
			w.Record = func(context.Context, pgx.Tx, auth.Act) error { return problem.Errorf(problem.Unavailable, "no ledger") }
			return v
		}, kind: problem.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := txWorld(t)
			before := tt.prepare(t, w)
			steward := auth.Principal{Memberships: []auth.Membership{{Agency: w.agency.ID, Role: "steward"}}}
			who := map[string]auth.Principal{"": w.publisher, "stranger": w.stranger, "steward": steward}[tt.who]
			v, err := w.PublishVersion(t.Context(), who, before.ID)
			if tt.kind == 0 {
				if err != nil {
					t.Fatal(err)
				}
				w.isExposed(t, v)
				return
			}
			refused(t, err, tt.kind, tt.fields...)
			if before.ID == uuid.Max {
				return
			}
			if after, err := w.anyVersion(t.Context(), before.ID); err != nil || after.State != before.State {
				t.Errorf("state: got %s, %v, want %s", after.State, err, before.State)
			}
		})
	}
}

func (w *world) isExposed(t *testing.T, v Version) {
	t.Helper()
	if v.State != Published || v.PublishedAt == nil || !v.PublishedAt.Equal(w.Now()) {
		t.Errorf("got %+v", v)
	}
	if len(w.exposed) != 1 {
		t.Fatalf("exposed %d times, want once", len(w.exposed))
	}
	e := w.exposed[0]
	if e.VersionID != v.ID || e.AgencySlug != w.agency.Slug || e.APISlug != "thu-tuc" || e.Number != "v1" || e.State != Published ||
		!slices.Equal(e.Upstreams, []UpstreamShare{{"https://api.example.vn/tthc", 1}}) || e.Plan.RatePerMinute != 600 || len(e.Operations) != 2 ||
		e.Operations[0].Access != Open || len(e.Operations[1].Doc.Fields) == 0 {
		t.Errorf("exposed %+v", e)
	}
	if last := w.acts[len(w.acts)-1]; last != "version.publish" {
		t.Errorf("last act: got %s", last)
	}
}

func TestVersionAfterPublishing(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	v := w.readyVersion(t)
	_, err := w.DeprecateVersion(ctx, w.publisher, v.ID, Ending{Sunset: w.Now().Add(time.Hour)})
	refused(t, err, problem.Conflict)
	_, err = w.RetireVersion(ctx, w.publisher, v.ID)
	refused(t, err, problem.Conflict)
	_, err = w.Offer(ctx, v.ID)
	refused(t, err, problem.NotFound)
	if _, err := w.PublishVersion(ctx, w.publisher, v.ID); err != nil {
		t.Fatal(err)
	}
	offer, err := w.Offer(ctx, v.ID)
	if err != nil || len(offer.Operations) != 1 || offer.Operations[0].Slug != "lay-thu-tuc" || offer.Plan.Slug != "standard-approval" || offer.Version.UpstreamURL != "" {
		t.Errorf("offer: got %+v, %v", offer, err)
	}
	if _, err = w.MarkOperations(ctx, w.publisher, v.ID, marks); err != nil {
		t.Errorf("the marks that it has: %v", err)
	}
	_, err = w.MarkOperations(ctx, w.publisher, v.ID, map[string]Mark{"lay-thu-tuc": {Access: Open, Classification: "public"}})
	refused(t, err, problem.Conflict)
	_, err = w.SubmitVersion(ctx, w.publisher, v.ID)
	refused(t, err, problem.Conflict)
	_, err = w.SetPlan(ctx, w.publisher, v.ID, "open")
	refused(t, err, problem.Invalid, "plan:plan-open-mismatch")
	if _, err := w.SetPlan(ctx, w.publisher, v.ID, "high"); err != nil {
		t.Fatal(err)
	}
	if last := w.exposed[len(w.exposed)-1]; last.Plan.Slug != "high" {
		t.Errorf("the gateway was not told of the plan: %+v", last.Plan)
	}
	_, err = w.DeprecateVersion(ctx, w.publisher, v.ID, Ending{Sunset: w.Now()})
	refused(t, err, problem.Invalid, "sunset:sunset-invalid")
	sunset := w.Now().AddDate(0, 6, 0)
	if v, err = w.DeprecateVersion(ctx, w.publisher, v.ID, Ending{Sunset: sunset}); err != nil || v.State != Deprecated || !v.Sunset.Equal(sunset) {
		t.Errorf("got %+v, %v", v, err)
	}
	if last := w.exposed[len(w.exposed)-1]; last.State != Deprecated || !last.Sunset.Equal(sunset) {
		t.Errorf("the gateway was not told of the sunset: %+v", last)
	}
	if v, err = w.RetireVersion(ctx, w.publisher, v.ID); err != nil || v.State != Retired || !slices.Equal(w.withdrawn, []Ended{{VersionID: v.ID, At: w.Now()}}) {
		t.Errorf("got %+v, %v, withdrawn %v", v, err, w.withdrawn)
	}
	_, err = w.RetireVersion(ctx, w.publisher, v.ID)
	refused(t, err, problem.Conflict)
	_, err = w.Offer(ctx, v.ID)
	refused(t, err, problem.NotFound)
	want := []string{"version.mark", "version.plan", "version.deprecate", "version.retire"}
	if got := w.acts[len(w.acts)-4:]; !slices.Equal(got, want) {
		t.Errorf("acts: got %q, want %q", got, want)
	}
}

func TestWithdrawFailureKeepsTheVersion(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	v, err := w.PublishVersion(t.Context(), w.publisher, w.readyVersion(t).ID)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("gateway tables are gone")
	w.Withdraw = func(context.Context, pgx.Tx, Ended) error { return broken }
	if _, err := w.RetireVersion(t.Context(), w.publisher, v.ID); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if after, err := w.anyVersion(t.Context(), v.ID); err != nil || after.State != Published {
		t.Errorf("got %+v, %v", after, err)
	}
}
