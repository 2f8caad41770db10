package catalog

import (
	"testing"
	"time"

	"lgsp/internal/pgtest"
)

// TestLatelyTellsWhatEveryoneMaySee: what is public and changed since then, new
// or changed, and nothing of drafts or of what was withdrawn.
func TestLatelyTellsWhatEveryoneMaySee(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	begin := s.now
	d, _ := s.published(t, "moi", "Mới", subscribers)
	gone, _ := s.published(t, "rut", "Rút", subscribers)
	if _, err := s.WithdrawDataset(ctx, s.publisher, gone.ID, "Sai nguồn."); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, DatasetText{Slug: "nhap", TitleVI: "Nháp", NotesVI: "Nháp.", Theme: "TECH"}); err != nil {
		t.Fatal(err)
	}
	lately := func(since time.Time) string {
		t.Helper()
		list, err := s.Lately(ctx, since, 10)
		if err != nil {
			t.Fatal(err)
		}
		told := ""
		for _, n := range list {
			told += n.Kind + " " + n.What + " " + n.Address() + " " + n.Agency.Slug + "\n"
		}
		return told
	}
	if got, want := lately(begin), "dataset new /dataset/moi "+s.agency.Slug+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.now = s.now.Add(8 * 24 * time.Hour)
	since := s.now.Add(-time.Hour)
	if got := lately(since); got != "" {
		t.Errorf("of a quiet week there is told %q", got)
	}
	changed := d.DatasetText
	changed.NotesVI = "Viết lại."
	s.rewritten(t, d, changed)
	if got, want := lately(since), "dataset changed /dataset/moi "+s.agency.Slug+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
