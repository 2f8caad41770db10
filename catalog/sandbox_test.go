package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// tried is what a world's gateway knows of sandboxes.
type tried struct {
	open   []Exposure
	closed []uuid.UUID
}

func (w *world) sandboxes() *tried {
	s := &tried{}
	w.ExposeSandbox = func(_ context.Context, _ pgx.Tx, e Exposure) error {
		s.open = append(s.open, e)
		document, err := e.Document()
		if err == nil && !json.Valid(document) {
			err = errors.New("the document is no JSON")
		}
		return err
	}
	w.ConcealSandbox = func(_ context.Context, _ pgx.Tx, id uuid.UUID) error { s.closed = append(s.closed, id); return nil }
	return s
}

// TestSandboxOfADraft: a draft that is described is tried without a system
// behind it, seen by everybody, changed freely, and published from there with
// its sandbox beside it; one that ends has none.
func TestSandboxOfADraft(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	gateway := w.sandboxes()
	v := w.draft(t, procedures(t))
	_, err := w.OpenSandbox(ctx, w.publisher, v.ID)
	refused(t, err, problem.Invalid, "operations/danh-sach-thu-tuc/access:operation-unmarked", "operations/lay-thu-tuc/access:operation-unmarked", "plan:plan-missing")
	if _, err := w.MarkOperations(ctx, w.publisher, v.ID, marks); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetPlan(ctx, w.publisher, v.ID, "standard-approval"); err != nil {
		t.Fatal(err)
	}
	if v, err = w.OpenSandbox(ctx, w.publisher, v.ID); err != nil {
		t.Fatal(err)
	}
	if v.State != Sandbox || !v.HasSandbox() || v.PublishedAt != nil {
		t.Fatalf("opened: %+v", v)
	}
	if len(gateway.open) != 1 || len(gateway.open[0].Operations) != 2 || len(gateway.open[0].Upstreams) != 0 || len(w.exposed) != 0 {
		t.Fatalf("the gateway knows of %+v, and live of %+v", gateway.open, w.exposed)
	}
	_, err = w.OpenSandbox(ctx, w.publisher, v.ID)
	refused(t, err, problem.Conflict)
	for name, who := range map[string]auth.Principal{"nobody": {}, "another agency's": w.stranger} {
		if seen, err := w.VersionBySlug(ctx, who, w.agency.Slug, "thu-tuc", "v1"); err != nil || seen.State != Sandbox || len(seen.Findings) != 0 {
			t.Errorf("%s sees %+v, %v", name, seen, err)
		}
	}
	served, err := w.SpecJSON(ctx, auth.Principal{}, v.ID, "https://cong.example.vn")
	var document struct{ Servers []struct{ URL string } }
	if err != nil || json.Unmarshal(served, &document) != nil || len(document.Servers) != 1 || document.Servers[0].URL != "https://cong.example.vn"+v.Prefix()+SandboxSuffix {
		t.Errorf("servers: %+v, %v", document, err)
	}
	_, err = w.Offer(ctx, v.ID)
	refused(t, err, problem.NotFound) // nobody agrees on what may change
	if found, err := w.Find(ctx, FindQuery{Kind: "api", Text: "thủ tục hành chính"}); err != nil || slices.ContainsFunc(found.Hits, func(h Hit) bool { return h.ID == v.APIID }) {
		t.Errorf("search offers what is on trial: %+v, %v", found, err)
	}
	if _, err := w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: procedures(t)}); err != nil || len(gateway.open) != 2 {
		t.Errorf("a changed document: %v, exposed %d times", err, len(gateway.open))
	}
	if _, err := w.ApproveUpstream(ctx, w.operator, w.agency.ID, "127.0.0.1:4012"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetUpstream(ctx, w.publisher, v.ID, "http://127.0.0.1:4012"); err != nil {
		t.Fatal(err)
	}
	if v, err = w.PublishVersion(ctx, w.publisher, v.ID); err != nil || v.State != Published || !v.HasSandbox() || len(w.exposed) != 1 {
		t.Fatalf("published: %+v, %v", v, err)
	}
	if v, err = w.RetireVersion(ctx, w.publisher, v.ID); err != nil || v.HasSandbox() || !slices.Equal(gateway.closed, []uuid.UUID{v.ID}) {
		t.Errorf("retired: %+v, %v, closed %v", v, err, gateway.closed)
	}
	_, err = w.CloseSandbox(ctx, w.publisher, v.ID)
	refused(t, err, problem.Conflict)
}

// TestSandboxBesideAPublishedVersion is opened and closed without a change of state.
func TestSandboxBesideAPublishedVersion(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	gateway := w.sandboxes()
	v := w.readyVersion(t)
	_, err := w.CloseSandbox(ctx, w.publisher, v.ID)
	refused(t, err, problem.Conflict)
	if v, err = w.PublishVersion(ctx, w.publisher, v.ID); err != nil || v.HasSandbox() || len(gateway.open) != 0 {
		t.Fatalf("published: %+v, %v", v, err)
	}
	for _, who := range []auth.Principal{w.stranger, {}} {
		if _, err := w.OpenSandbox(ctx, who, v.ID); !problem.Is(err, problem.Forbidden) {
			t.Errorf("opened by %+v: %v", who, err)
		}
	}
	if v, err = w.OpenSandbox(ctx, w.publisher, v.ID); err != nil || v.State != Published || !v.HasSandbox() || len(gateway.open) != 1 {
		t.Fatalf("opened: %+v, %v", v, err)
	}
	if v, err = w.CloseSandbox(ctx, w.publisher, v.ID); err != nil || v.State != Published || v.HasSandbox() || len(gateway.closed) != 1 {
		t.Fatalf("closed: %+v, %v", v, err)
	}
	if !slices.Contains(w.acts, "version.sandbox") || !slices.Contains(w.acts, "version.sandbox-close") {
		t.Errorf("the ledger was told %v", w.acts)
	}
	other := w.sandboxes()
	w.ExposeSandbox = func(context.Context, pgx.Tx, Exposure) error { return problem.Errorf(problem.Invalid, "too large") }
	if _, err := w.OpenSandbox(ctx, w.publisher, v.ID); !problem.Is(err, problem.Invalid) {
		t.Errorf("what the gateway refuses: %v", err)
	}
	if after, err := w.anyVersion(ctx, v.ID); err != nil || after.HasSandbox() || len(other.open) != 0 {
		t.Errorf("after that: %+v, %v", after, err)
	}
}
