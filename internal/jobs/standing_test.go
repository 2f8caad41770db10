package jobs

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// TestFailedWorkIsToldAndDoneAgain: until it was done, once for the same work.
func TestFailedWorkIsToldAndDoneAgain(t *testing.T) {
	t.Parallel()
	pool, ctx := pgtest.New(t), t.Context()
	var works atomic.Bool
	done := make(chan struct{}, 1)
	j, _ := start(t, pool, time.Second, Job{Kind: "sweep", Every: time.Hour, Work: func(context.Context, []byte) error {
		if !works.Load() {
			return errors.New("the disk is full")
		}
		done <- struct{}{}
		return nil
	}}, Job{Kind: "letter", Work: func(context.Context, []byte) error { return nil }})
	var failures []Failure
	until(t, func() bool {
		var err error
		if _, failures, err = j.Standings(ctx); err != nil {
			t.Fatal(err)
		}
		return len(failures) == 1
	})
	if f := failures[0]; f.Kind != "sweep" || f.Error != "the disk is full" || f.Times != 1 || f.Tries != 1 {
		t.Errorf("got %+v", f)
	}
	again := func(id int64) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { _, err := j.Again(ctx, tx, id); return err })
	}
	if err := again(failures[0].ID + 1000); !problem.Is(err, problem.NotFound) {
		t.Errorf("work that is not there: %v", err)
	}
	works.Store(true)
	if err := again(failures[0].ID); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it is not done again")
	}
	var kinds []Standing
	until(t, func() bool {
		var err error
		if kinds, failures, err = j.Standings(ctx); err != nil {
			t.Fatal(err)
		}
		return len(failures) == 0 && kinds[1].LastDone != nil
	})
	if len(kinds) != 2 || kinds[0].Kind != "letter" || kinds[0].LastDone != nil || kinds[1].EveryMinutes() != 60 || kinds[1].Failed != 0 {
		t.Errorf("got %+v", kinds)
	}
	var id int64
	if err := pool.QueryRow(ctx, `select id from jobs.river_job where kind = 'sweep' and state = 'completed' limit 1`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	if err := again(id); !problem.Is(err, problem.NotFound) {
		t.Errorf("work that is done: %v", err)
	}
}

// until waits for what is to become true, for a minute at most.
func until(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); {
		if time.Now().After(end) {
			t.Fatal("it does not become so")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
