package agreement

import (
	"reflect"
	"testing"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestDraftIsWhatRequestWouldKeep(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	draft, err := w.Draft(ctx, w.developer, w.asked())
	if err != nil {
		t.Fatal(err)
	}
	if list, err := w.Mine(ctx, w.developer, Filter{}); err != nil || len(list.Items) != 0 || len(*w.acts) != 0 {
		t.Errorf("a draft left %v, %v, %v", list, *w.acts, err)
	}
	kept := w.request(t, w.asked())
	draft.ID, draft.Revision, draft.RequestedAt = kept.ID, kept.Revision, kept.RequestedAt
	if !reflect.DeepEqual(draft, kept) {
		t.Errorf("got\n%+v, want\n%+v", draft, kept)
	}
	summary, err := w.Summary(ctx, draft, "vi")
	if err != nil || summary.Service != "Người có công v1" || summary.From != "23/11/2026" {
		t.Errorf("summary: got %+v, %v", summary, err)
	}
}

func TestDraftRefusesAsRequestDoes(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	if _, err := w.Draft(ctx, w.other, w.asked()); !problem.Is(err, problem.NotFound) {
		t.Errorf("another's application: got %v", err)
	}
	r := w.asked()
	r.VersionID = r.ApplicationID
	if _, err := w.Draft(ctx, w.developer, r); !problem.Is(err, problem.NotFound) {
		t.Errorf("no such version: got %v", err)
	}
	r = w.asked()
	r.Operations, r.PurposeText = nil, ""
	if _, err := w.Draft(ctx, w.developer, r); problem.Code(err) != "request-invalid" || len(problem.Of(err).Fields) != 2 {
		t.Errorf("two things wrong: got %v", err)
	}
}
