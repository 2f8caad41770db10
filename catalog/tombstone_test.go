package catalog

import (
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// stoneOf is what everybody is told of a withdrawn dataset.
func (s *shelf) stoneOf(t *testing.T, slug string) Tombstone {
	t.Helper()
	_, err := s.DatasetBySlug(t.Context(), auth.Principal{}, slug)
	stone, ok := TombstoneOf(problem.Of(err))
	if !ok || problem.Code(err) != "dataset-withdrawn" {
		t.Fatalf("%s: %v", slug, err)
	}
	return stone
}

func TestWithdrawnIsGoneWithItsReason(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "cu", "Cũ", subscribers)
	draft, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("nhap", "Nháp"))
	if err != nil {
		t.Fatal(err)
	}
	for name, by := range map[string]string{"unknown": "khong-co", "itself": "cu", "a draft": draft.Slug} {
		if _, err := s.WithdrawFor(ctx, s.publisher, d.ID, Withdrawal{"sai", by}); problem.Code(err) != "replacement-unknown" {
			t.Errorf("replaced by what is %s: %v", name, err)
		}
	}
	by, part := s.published(t, "moi", "Mới", subscribers)
	s.now = s.now.Add(time.Hour)
	if _, err := s.WithdrawFor(ctx, s.publisher, d.ID, Withdrawal{" Số liệu sai. ", " moi "}); err != nil {
		t.Fatal(err)
	}
	want := Tombstone{ID: d.ID, Slug: "cu", At: s.now, Why: "Số liệu sai.", ReplacedBy: &Replacement{by.ID, "moi", "Mới", by.TitleEN}}
	got := s.stoneOf(t, "cu")
	if got.ReplacedBy == nil || *got.ReplacedBy != *want.ReplacedBy || got.ID != want.ID || got.Slug != want.Slug || !got.At.Equal(want.At) || got.Why != want.Why {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := s.WithdrawDataset(ctx, s.publisher, by.ID, "cũng sai"); err != nil {
		t.Fatal(err)
	}
	if got := s.stoneOf(t, "cu"); got.ReplacedBy != nil {
		t.Errorf("what replaces it is withdrawn too: %+v", got.ReplacedBy)
	}
	if _, err := s.Distribution(ctx, auth.Principal{}, part.ID); problem.Code(err) != "dataset-withdrawn" {
		t.Errorf("its file: %v", err)
	}
	if got, err := s.DatasetBySlug(ctx, s.publisher, "cu"); err != nil || got.WithdrawnAt == nil || *got.ReplacedBy != by.ID {
		t.Errorf("its agency sees %+v, %v", got, err)
	}
	stones, err := s.Tombstones(ctx, DumpFilter{Agency: s.agency.ID, Since: s.now}, nil)
	if err != nil || len(stones) != 2 {
		t.Errorf("%d tombstones, %v", len(stones), err)
	}
	if stones, err = s.Tombstones(ctx, DumpFilter{Agency: s.agency.ID}, &s.now); err != nil || len(stones) != 0 {
		t.Errorf("%d tombstones before, %v", len(stones), err)
	}
}

// What is restricted was never for everyone: its data stay absent, its
// description is gone.
func TestRestrictedWithdrawn(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, part := s.published(t, "han-che", "Hạn chế", subscribers)
	if _, err := s.DB.Exec(ctx, `update catalog.dataset set access_rights = 'RESTRICTED' where id = $1`, d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WithdrawDataset(ctx, s.publisher, d.ID, "sai"); err != nil {
		t.Fatal(err)
	}
	s.stoneOf(t, "han-che")
	if _, err := s.Distribution(ctx, s.stranger, part.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("its file: %v", err)
	}
}

// A harvest that brings it back makes it public again, and nothing is left of
// its going; so it is whoever moves it, a release before this one too.
func TestBackIsNotGone(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "di-roi-ve", "Đi rồi về", subscribers)
	for _, move := range []string{"withdrawn", "published"} {
		if _, err := s.DB.Exec(ctx, `update catalog.dataset set state = $2, updated_at = $3 where id = $1`, d.ID, move, s.now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if move == "withdrawn" {
			if stone := s.stoneOf(t, "di-roi-ve"); !stone.At.Equal(s.now.Add(time.Hour)) || stone.Why != "" {
				t.Errorf("moved by another: %+v", stone)
			}
		}
	}
	got, err := s.DatasetBySlug(ctx, auth.Principal{}, "di-roi-ve")
	if err != nil || got.WithdrawnAt != nil || got.ReplacedBy != nil {
		t.Errorf("back: %+v, %v", got, err)
	}
}
