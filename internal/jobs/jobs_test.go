package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"lgsp/internal/pgtest"
)

// start runs jobs until the test ends or stop is called; stop waits for the end.
func start(t *testing.T, pool *pgxpool.Pool, grace time.Duration, kinds ...Job) (*Jobs, func()) {
	t.Helper()
	j, err := New(pool, 2, grace, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()
	stopped := false
	stop := func() {
		cancel()
		if stopped {
			return
		}
		stopped = true
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("jobs do not stop")
		}
	}
	t.Cleanup(stop)
	return j, stop
}

func ask(t *testing.T, pool *pgxpool.Pool, asking func(context.Context, pgx.Tx, string, any) error, kind string, about any) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return asking(t.Context(), tx, kind, about) })
	if err != nil {
		t.Fatal(err)
	}
}

func TestWorkIsDoneOnceItsTransactionIsCommitted(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	done := make(chan string, 10)
	j, _ := start(t, pool, time.Second, Job{Kind: "letter", Work: func(_ context.Context, args []byte) error {
		done <- string(args)
		return nil
	}})
	given := errors.New("given up")
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		return errors.Join(j.Ask(t.Context(), tx, "letter", map[string]int{"n": 1}), given)
	})
	if !errors.Is(err, given) {
		t.Fatal(err)
	}
	ask(t, pool, j.Ask, "letter", map[string]int{"n": 2})
	if got, want := <-done, `{"n": 2}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return j.Ask(t.Context(), tx, "poem", struct{}{}) }); err == nil {
		t.Error("a kind that nobody does was taken")
	}
}

func TestTheSameWorkWaitsOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var runs atomic.Int32
	begun, let := make(chan struct{}, 10), make(chan struct{})
	work := func(context.Context, []byte) error {
		runs.Add(1)
		begun <- struct{}{}
		<-let
		return nil
	}
	j, stop := start(t, pool, 10*time.Second, Job{Kind: "index", Work: work})
	for range 3 {
		ask(t, pool, j.AskOnce, "index", map[string]int{"n": 7})
	}
	<-begun
	ask(t, pool, j.AskOnce, "index", map[string]int{"n": 7}) // under way
	ask(t, pool, j.AskOnce, "index", map[string]int{"n": 8}) // about another
	<-begun
	close(let)
	stop()
	if got := runs.Load(); got != 2 {
		t.Errorf("worked %d times, want once for each of two", got)
	}
	again, stop := start(t, pool, time.Second, Job{Kind: "index", Work: work})
	ask(t, pool, again.AskOnce, "index", map[string]int{"n": 7}) // what is done does not stand in the way
	<-begun
	stop()
}

func TestPeriodicWorkBeginsAtStartAndComesAgain(t *testing.T) {
	t.Parallel()
	done := make(chan string, 10)
	start(t, pgtest.New(t), time.Second, Job{Kind: "sweep", Every: time.Second, Work: func(_ context.Context, args []byte) error {
		done <- string(args)
		return errors.New("which does not keep the next one from coming")
	}})
	for range 2 {
		select {
		case got := <-done:
			if got != "{}" {
				t.Errorf("got %s, want {}", got)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no periodic work")
		}
	}
}

func TestFailedWorkIsTriedAgain(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var runs atomic.Int32
	done := make(chan struct{})
	j, _ := start(t, pool, time.Second, Job{Kind: "letter", Work: func(context.Context, []byte) error {
		switch runs.Add(1) {
		case 1:
			return errors.New("the server of letters is away")
		case 2:
			close(done)
		}
		return nil
	}})
	ask(t, pool, j.Ask, "letter", struct{}{})
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("not tried again")
	}
}

// TestAStopFinishesOrGivesBack: what ends within the grace is done, what does
// not is begun again by the next process, and at once.
func TestAStopFinishesOrGivesBack(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	begun := make(chan string, 10)
	var finished atomic.Int32
	slow := Job{Kind: "slow", Work: func(context.Context, []byte) error {
		begun <- "slow"
		time.Sleep(300 * time.Millisecond)
		finished.Add(1)
		return nil
	}}
	endless := Job{Kind: "endless", Work: func(ctx context.Context, _ []byte) error {
		begun <- "endless"
		<-ctx.Done()
		return ctx.Err()
	}}
	j, stop := start(t, pool, 2*time.Second, slow, endless)
	ask(t, pool, j.Ask, "slow", struct{}{})
	ask(t, pool, j.Ask, "endless", struct{}{})
	<-begun
	<-begun
	stop()
	if finished.Load() != 1 {
		t.Error("work that ends within the grace was cut off")
	}
	done := make(chan struct{})
	endless.Work = func(context.Context, []byte) error { close(done); return nil }
	start(t, pool, time.Second, slow, endless)
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("work that was cut off is not begun again")
	}
	if finished.Load() != 1 {
		t.Error("finished work was begun again")
	}
}

// TestTheMigrationIsRivers: a new version of the module that brings a migration
// needs one of ours.
func TestTheMigrationIsRivers(t *testing.T) {
	t.Parallel()
	migrator, err := rivermigrate.New(riverpgxv5.New(pgtest.New(t)), &rivermigrate.Config{Schema: schema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	result, err := migrator.Validate(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !result.OK {
		t.Errorf("River's migrations are not all in migrations/: %v", result.Messages)
	}
}
