package catalog

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// rewritten gives a public dataset another description, proposed and approved.
func (s *shelf) rewritten(t testing.TB, d Dataset, text DatasetText) Dataset {
	t.Helper()
	d, err := s.EditDataset(t.Context(), s.publisher, d.ID, text)
	if err == nil {
		d, err = s.ApproveEdit(t.Context(), s.steward, d.ID, d.Edit.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestThePublicSeesTheOldTextUntilTheNewIsApproved(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao viễn thông", subscribers)
	changed := d.DatasetText
	changed.TitleVI, changed.BBox = "Trạm phát sóng", []float64{108.1, 14.5, 109.2, 15.5}
	s.now = s.now.Add(time.Hour)
	pending, err := s.EditDataset(ctx, s.publisher, d.ID, changed)
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{{"title_vi", "Thuê bao viễn thông", "Trạm phát sóng"}, {"bbox", "", "108.1\n14.5\n109.2\n15.5"}}
	if e := pending.Edit; e == nil || e.State != Review || !reflect.DeepEqual(e.Changes, want) || !e.ReviewBy.Equal(s.now.Add(5*day)) {
		t.Fatalf("pending %+v, want %+v in review for five days", e, want)
	}
	if pending.TitleVI != d.TitleVI || !pending.UpdatedAt.Equal(d.UpdatedAt) || pending.State != Published {
		t.Errorf("the dataset itself is now %q, %s, of %s", pending.TitleVI, pending.State, pending.UpdatedAt)
	}
	for _, who := range []auth.Principal{{}, s.stranger} {
		got, err := s.DatasetBySlug(ctx, who, "thue-bao")
		if err != nil || got.TitleVI != d.TitleVI || got.Edit != nil {
			t.Errorf("others see %q with edit %v, error %v", got.TitleVI, got.Edit, err)
		}
	}
	for query, want := range map[string]int{"viễn thông": 1, "trạm phát sóng": 0} {
		if found, err := s.Find(ctx, FindQuery{Text: query}); err != nil || len(found.Hits) != want {
			t.Errorf("before: search of %q finds %d, error %v; want %d", query, len(found.Hits), err, want)
		}
	}
	if got, err := s.Dataset(ctx, s.steward, d.ID); err != nil || got.Edit == nil || got.Edit.ID != pending.Edit.ID {
		t.Errorf("the steward sees edit %+v, error %v", got.Edit, err)
	}

	after, err := s.ApproveEdit(ctx, s.steward, d.ID, pending.Edit.ID)
	if err != nil || after.TitleVI != "Trạm phát sóng" || after.Edit != nil || !after.ReviewedAt.Equal(s.now) || !after.UpdatedAt.Equal(s.now) {
		t.Fatalf("approved: %+v, error %v", after, err)
	}
	if got, err := s.DatasetBySlug(ctx, auth.Principal{}, "thue-bao"); err != nil || got.TitleVI != "Trạm phát sóng" || len(got.BBox) != 4 {
		t.Errorf("a citizen sees %q, %v, error %v", got.TitleVI, got.BBox, err)
	}
	if found, err := s.Find(ctx, FindQuery{Text: "trạm phát sóng"}); err != nil || len(found.Hits) != 1 {
		t.Errorf("after: search finds %d, error %v", len(found.Hits), err)
	}
	if got := strings.Join(s.acts[len(s.acts)-2:], " "); got != "dataset.propose dataset.approve-edit" {
		t.Errorf("recorded %s", got)
	}
}

func TestPendingEditRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	both := s.publisher
	both.Memberships = append(both.Memberships, auth.Membership{Agency: s.agency.ID, Role: "steward"})
	changed := d.DatasetText
	changed.TitleVI = "Thuê bao 2"
	var edit uuid.UUID
	save := func(who auth.Principal, text DatasetText) error {
		got, err := s.EditDataset(ctx, who, d.ID, text)
		if err == nil {
			edit = got.Edit.ID
		}
		return err
	}
	first := func() uuid.UUID { return edit }
	var old uuid.UUID
	for _, tt := range []struct {
		name string
		try  func() error
		code string
	}{
		{"nothing pending to approve", func() error { _, err := s.ApproveEdit(ctx, s.steward, d.ID, uuid.New()); return err }, "dataset-edit-none"},
		{"nothing pending to discard", func() error { _, err := s.DiscardEdit(ctx, s.publisher, d.ID); return err }, "dataset-edit-none"},
		{"nothing changed", func() error { return save(s.publisher, d.DatasetText) }, "dataset-edit-empty"},
		{"without notes", func() error { text := changed; text.NotesVI = ""; return save(s.publisher, text) }, "dataset-incomplete"},
		{"another slug", func() error { text := changed; text.Slug = "khac"; return save(s.publisher, text) }, "dataset-slug-fixed"},
		{"another agency", func() error { return save(s.stranger, changed) }, "forbidden"},
		{"steward", func() error { return save(s.steward, changed) }, "forbidden"},
		{"propose", func() error { return save(both, changed) }, ""},
		{"approve one's own", func() error { _, err := s.ApproveEdit(ctx, both, d.ID, first()); return err }, "dataset-own-approval"},
		{"publisher approves", func() error { _, err := s.ApproveEdit(ctx, s.publisher, d.ID, first()); return err }, "forbidden"},
		{"return without a reason", func() error { _, err := s.ReturnEdit(ctx, s.steward, d.ID, first(), " "); return err }, "reason-required"},
		{"save anew", func() error { old = edit; changed.TitleVI = "Thuê bao 3"; return save(s.publisher, changed) }, ""},
		{"approve what was read before", func() error { _, err := s.ApproveEdit(ctx, s.steward, d.ID, old); return err }, "dataset-edit-changed"},
		{"return what was read before", func() error { _, err := s.ReturnEdit(ctx, s.steward, d.ID, old, "vì"); return err }, "dataset-edit-changed"},
		{"return", func() error { _, err := s.ReturnEdit(ctx, s.steward, d.ID, edit, "thiếu năm"); return err }, ""},
		{"approve what was returned", func() error { _, err := s.ApproveEdit(ctx, s.steward, d.ID, edit); return err }, "dataset-state"},
		{"put up again", func() error { return save(s.publisher, changed) }, ""},
		{"steward discards", func() error { _, err := s.DiscardEdit(ctx, s.steward, d.ID); return err }, "forbidden"},
		{"discard", func() error { _, err := s.DiscardEdit(ctx, s.publisher, d.ID); return err }, ""},
		{"approve what is gone", func() error { _, err := s.ApproveEdit(ctx, s.steward, d.ID, edit); return err }, "dataset-edit-none"},
		{"propose again", func() error { return save(s.publisher, changed) }, ""},
		{"withdraw", func() error { _, err := s.WithdrawDataset(ctx, s.publisher, d.ID, "sai"); return err }, ""},
		{"approve for what is withdrawn", func() error { _, err := s.ApproveEdit(ctx, s.steward, d.ID, edit); return err }, "dataset-state"},
	} {
		if err := tt.try(); problem.Code(err) != tt.code {
			t.Errorf("%s: got %v (%s), want %q", tt.name, err, problem.Code(err), tt.code)
		}
	}
	if got, err := s.Dataset(ctx, s.publisher, d.ID); err != nil || got.TitleVI != "Thuê bao" || got.Edit != nil {
		t.Errorf("withdrawn as %q with edit %+v, error %v", got.TitleVI, got.Edit, err)
	}
}

func TestAnEditIsApprovedOnce(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.New(t)), t.Context()
	var mu sync.Mutex
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	text := d.DatasetText
	text.TitleVI = "Thuê bao 2"
	d, err := s.EditDataset(ctx, s.publisher, d.ID, text)
	if err != nil {
		t.Fatal(err)
	}
	var approved, none int
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			catalog := s.node(func(context.Context, pgx.Tx, auth.Act) error { return nil })
			_, err := catalog.ApproveEdit(ctx, s.steward, d.ID, d.Edit.ID)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				approved++
			case problem.Code(err) == "dataset-edit-none":
				none++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if approved != 1 || none != 7 {
		t.Errorf("approved %d times, refused %d times; want 1 and 7", approved, none)
	}
}
