package catalog

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// approved takes a dataset up to its approval.
func (s *shelf) approved(t testing.TB, slug string) Dataset {
	t.Helper()
	ctx := t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text(slug, "Thuê bao "+slug))
	if err == nil {
		err = s.upload(ctx, d.ID, "a.csv", "a\n1\n")
	}
	if err == nil {
		_, err = s.SubmitDataset(ctx, s.publisher, d.ID)
	}
	if err == nil {
		d, err = s.ApproveDataset(ctx, s.steward, d.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestScheduledDatasetBecomesPublicAtItsTime(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, returned := s.approved(t, "thue-bao"), s.approved(t, "tra-lai")
	at := s.now.Add(2 * time.Hour)
	for _, id := range []Dataset{d, returned} {
		got, err := s.ScheduleDataset(ctx, s.publisher, id.ID, &at)
		if err != nil || got.PublishAt == nil || !got.PublishAt.Equal(at) || got.State != Approved {
			t.Fatalf("scheduled as %+v, error %v", got, err)
		}
	}
	if got, err := s.ReturnDataset(ctx, s.steward, returned.ID, "sai"); err != nil || got.PublishAt != nil {
		t.Errorf("what is returned keeps the time %v, error %v", got.PublishAt, err)
	}
	publishes := func(want int) {
		t.Helper()
		if n, err := s.PublishDue(ctx); err != nil || n != want {
			t.Errorf("at %s: published %d, error %v; want %d", s.now, n, err, want)
		}
	}
	s.now = at.Add(-time.Second)
	publishes(0)
	s.hidden(t, d.ID, "thue-bao", d.Distributions[0].ID, problem.NotFound)
	s.now = at
	var act auth.Act
	s.Record = func(_ context.Context, _ pgx.Tx, a auth.Act) error { act = a; return nil }
	publishes(1)
	publishes(0)
	got, err := s.DatasetBySlug(ctx, auth.Principal{}, "thue-bao")
	if err != nil || got.State != Published || got.PublishAt != nil || !got.PublishedAt.Equal(at) || !got.ReviewedAt.Equal(at) {
		t.Errorf("a citizen sees %+v, error %v", got, err)
	}
	if act.Verb != "dataset.publish" || act.Who.Person != s.publisher.Person || act.About != d.ID || !strings.Contains(act.Detail["reason"].(string), "2025-08-01T11:00:00Z") {
		t.Errorf("recorded %+v", act)
	}
	if found, err := s.Find(ctx, FindQuery{Text: "thuê bao"}); err != nil || len(found.Hits) != 1 {
		t.Errorf("search finds %d, error %v", len(found.Hits), err)
	}
}

func TestScheduleRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d := s.approved(t, "thue-bao")
	schedule := func(who auth.Principal, at time.Time) error {
		_, err := s.ScheduleDataset(ctx, who, d.ID, &at)
		return err
	}
	for _, tt := range []struct {
		name string
		try  func() error
		code string
	}{
		{"now", func() error { return schedule(s.publisher, s.now) }, "schedule-time"},
		{"in more than a year", func() error { return schedule(s.publisher, s.now.Add(longestSchedule+time.Second)) }, "schedule-time"},
		{"by the steward", func() error { return schedule(s.steward, s.now.Add(day)) }, "forbidden"},
		{"by another agency", func() error { return schedule(s.stranger, s.now.Add(day)) }, "dataset-unknown"},
		{"in a year", func() error { return schedule(s.publisher, s.now.Add(longestSchedule)) }, ""},
		{"taken back", func() error { _, err := s.ScheduleDataset(ctx, s.publisher, d.ID, nil); return err }, ""},
		{"published at once", func() error { _, err := s.PublishDataset(ctx, s.publisher, d.ID); return err }, ""},
		{"what is public", func() error { return schedule(s.publisher, s.now.Add(day)) }, "dataset-state"},
	} {
		if err := tt.try(); problem.Code(err) != tt.code {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.code)
		}
	}
}

func TestNodesPublishWhatIsDueOnce(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.New(t)), t.Context()
	at := s.now.Add(time.Hour)
	const many = 4
	for _, slug := range []string{"mot", "hai", "ba", "bon"} {
		if _, err := s.ScheduleDataset(ctx, s.publisher, s.approved(t, slug).ID, &at); err != nil {
			t.Fatal(err)
		}
	}
	s.now = at
	var mu sync.Mutex
	total, acts := 0, 0
	var nodes sync.WaitGroup
	for range 4 {
		node := s.node(func(context.Context, pgx.Tx, auth.Act) error {
			mu.Lock()
			defer mu.Unlock()
			acts++
			return nil
		})
		nodes.Go(func() {
			n, err := node.PublishDue(ctx)
			mu.Lock()
			defer mu.Unlock()
			if total += n; err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	if total != many || acts != many {
		t.Errorf("published %d times with %d acts, want %d", total, acts, many)
	}
}

func TestOneThatCannotBePublishedKeepsNoOtherBack(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	at := s.now.Add(time.Hour)
	broken, sound := s.approved(t, "hong"), s.approved(t, "lanh")
	for _, d := range []Dataset{broken, sound} {
		if _, err := s.ScheduleDataset(ctx, s.publisher, d.ID, &at); err != nil {
			t.Fatal(err)
		}
	}
	s.now = at
	s.Record = func(_ context.Context, _ pgx.Tx, act auth.Act) error {
		if act.About == broken.ID {
			return errors.New("the ledger is full")
		}
		return nil
	}
	if n, err := s.PublishDue(ctx); n != 1 || err == nil || !strings.Contains(err.Error(), broken.ID.String()) {
		t.Errorf("published %d, error %v; want 1 and the name of the other", n, err)
	}
	if got, err := s.Dataset(ctx, s.publisher, broken.ID); err != nil || got.State != Approved {
		t.Errorf("the broken one is %s, error %v; want approved still", got.State, err)
	}
	if _, err := s.DatasetBySlug(ctx, auth.Principal{}, "lanh"); err != nil {
		t.Error(err)
	}
}
