package recall

import (
	"context"
	"errors"
	"testing"
	"time"

	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
)

// waitFor asks until yes, for two seconds.
func waitFor(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Second); !yes(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 2 s: %s", what)
		}
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	feed := &Feed{DB: db, Channel: "gateway"}
	ended := make(chan error)
	go func() { ended <- feed.Run(ctx) }()
	now := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	memory := &Memory[string, int]{Feed: feed, Now: func() time.Time { return now }, Life: time.Minute, Most: 2}
	asked := 0
	get := func(key string) int {
		t.Helper()
		value, err := memory.Get(ctx, key, func(context.Context) (int, error) { asked++; return asked, nil })
		if err != nil {
			t.Fatal(err)
		}
		return value
	}

	waitFor(t, "the feed is live", func() bool { return feed.live.Load() })
	first := get("a")
	if got := get("a"); got != first {
		t.Errorf("asked again: got %d, want %d", got, first)
	}
	if err := pg.Notify(ctx, db, "gateway", "credential"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a notice makes it ask again", func() bool { return get("a") != first })

	second := get("a")
	now = now.Add(time.Minute)
	if got := get("a"); got == second {
		t.Error("remembered beyond its life")
	}
	get("b")
	get("c")
	if len(memory.kept) > 2 {
		t.Errorf("keeps %d, want at most 2", len(memory.kept))
	}
	_, err := memory.Get(ctx, "d", func(context.Context) (int, error) { return 0, errors.New("away") })
	if err == nil {
		t.Error("an error was lost")
	}
	if _, found := memory.kept["d"]; found {
		t.Error("an error was remembered")
	}

	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	before := asked
	get("a")
	get("a")
	if asked != before+2 {
		t.Error("remembered without a feed")
	}
}

// What was asked before a notice and comes after it is not given to others:
// the change may have been made in between.
func TestAnAnswerOvertakenByANotice(t *testing.T) {
	t.Parallel()
	feed := &Feed{}
	feed.live.Store(true)
	memory := &Memory[string, string]{Feed: feed, Now: time.Now, Life: time.Minute, Most: 10}
	old, err := memory.Get(t.Context(), "a", func(context.Context) (string, error) {
		feed.age.Add(1) // the change, and its notice
		return "old", nil
	})
	if err != nil || old != "old" {
		t.Fatal(old, err)
	}
	if got, _ := memory.Get(t.Context(), "a", func(context.Context) (string, error) { return "new", nil }); got != "new" {
		t.Errorf("got %q, want what the database says now", got)
	}
}
