package ledger

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

// An entry whose transaction commits after later ones were numbered is
// numbered once, in its turn.
func TestSequenceTakesALateCommit(t *testing.T) {
	t.Parallel()
	l, pool := newLedger(t)
	ctx := t.Context()
	late, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Record(ctx, late, auth.Act{Verb: "x.late"}); err != nil {
		t.Fatal(err)
	}
	fill(t, l, 3)
	if err := late.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if got := sequence(t, l); got != 1 {
		t.Errorf("numbered: got %d, want 1", got)
	}
	if report := verify(t, l); !report.OK() || report.Size != 4 {
		t.Errorf("report: got %+v", report)
	}
}

func TestSequencersOnSeveralNodesTakeTurns(t *testing.T) {
	t.Parallel()
	l, pool := newLedger(t)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	nodes := []*Ledger{l, {DB: l.DB, Now: func() time.Time { return noon }, Dir: t.TempDir(), Origin: l.Origin, Seed: l.Seed}}
	nodes[0].Now = nodes[1].Now
	for _, node := range nodes {
		wait.Go(func() {
			if err := node.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	const writers, each = 4, 25
	for range writers {
		wait.Go(func() {
			for range each {
				err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return l.Record(ctx, tx, auth.Act{Verb: "x.y", About: uuid.New()}) })
				if err != nil {
					t.Errorf("record: %v", err)
				}
			}
		})
	}
	deadline := time.Now().Add(10 * time.Second)
	for count(t, ctx, pool, `select count(*) from ledger.entry where seq is not null`) < writers*each && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	// Each node's own directory comes to hold the newest head.
	for _, node := range nodes {
		for time.Now().Before(deadline) {
			if head, err := node.readHead(); err == nil && head.N == writers*each {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if report := verify(t, node); !report.OK() || report.Size != writers*each {
			t.Errorf("report: got %+v", report)
		}
	}
	cancel()
	wait.Wait()
}

// A node that stopped between the commit and the writing of the file goes on.
func TestSequenceMendsAMissingCheckpointFile(t *testing.T) {
	t.Parallel()
	l, _ := newLedger(t)
	fill(t, l, 3)
	remove(t, filepath.Join(l.Dir, headFile))
	sequence(t, l)
	if report := verify(t, l); !report.OK() || report.Size != 3 {
		t.Errorf("report: got %+v", report)
	}
}

func TestSequenceRefuses(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, l *Ledger){
		"a tail that was cut":               sqlHarm(`delete from ledger.entry where seq = 2`),
		"a tree row that was altered":       sqlHarm(`update ledger.hash set hash = sha256('x')`),
		"a tree row that is missing":        sqlHarm(`delete from ledger.hash`),
		"a checkpoint that we did not sign": sqlHarm(`update ledger.checkpoint set note = replace(note, 'example', 'elsewhere')`),
		"numbers that nobody signed": sqlHarm(`insert into ledger.entry (id, kind, at, payload, nonce, leaf, seq)
			values (gen_random_uuid(), 'act', now(), '{}', sha256('x'), sha256('y'), 3)`),
		"a checkpoint file that we did not sign": func(t *testing.T, l *Ledger) {
			if err := os.WriteFile(filepath.Join(l.Dir, headFile), []byte("x\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, _ := newLedger(t)
			fill(t, l, 3)
			harm(t, l)
			ship(t, l, false, exchange(uuid.New()))
			if n, err := l.Sequence(t.Context()); err == nil {
				t.Errorf("numbered %d", n)
			}
		})
	}
}

func sqlHarm(sql string) func(t *testing.T, l *Ledger) {
	return func(t *testing.T, l *Ledger) {
		if _, err := l.DB.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}
