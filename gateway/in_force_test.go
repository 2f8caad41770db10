package gateway

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TestInForceOnEveryNode: while 100 agreements change a second, each approval
// and each suspension is in force on both of two nodes within a second.
func TestInForceOnEveryNode(t *testing.T) {
	t.Parallel()
	took := newWorld(t).inForce(60)
	t.Logf("p50 %s, p99 %s", took[len(took)/2], took[len(took)*99/100])
	if last := took[len(took)-1]; last > time.Second {
		t.Errorf("one was in force after %s", last)
	}
}

// BenchmarkInForce is the same, as a figure: how long it takes from the commit.
func BenchmarkInForce(b *testing.B) {
	w := newWorld(b)
	var took []time.Duration
	for b.Loop() {
		took = append(took, w.inForce(200)...)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// inForce suspends and resumes the agreement so many times, while 100 others
// change a second, and gives how long each took from its commit until both
// nodes answered calls by it, the shortest first.
func (w *world) inForce(changes int) []time.Duration {
	w.t.Helper()
	_, second := w.start(w.t.TempDir())
	servers := []*site{w.server, second}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.keepChanging(ctx) }()
	var took []time.Duration
	for i := range changes {
		w.grant.State = []string{"suspended", "active"}[i%2]
		w.grant.Revision++
		w.commit(func(ctx context.Context, tx pgx.Tx) error { return PutGrant(ctx, tx, w.grant) })
		began := time.Now()
		for _, server := range servers {
			w.until("in force", func() bool {
				got := w.send(server, "GET", "/ho-so", "", "X-API-Key", w.key)
				return (got.code == "agreement-suspended") == (w.grant.State == "suspended")
			})
		}
		took = append(took, time.Since(began))
	}
	stop()
	if err := <-ended; err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(took)
	return took
}

// keepChanging changes 100 agreements of other applications a second until ctx ends.
func (w *world) keepChanging(ctx context.Context) error {
	others := make([]Grant, 50)
	for i := range others {
		others[i] = w.newGrant("khac")
		others[i].Application = uuid.Must(uuid.NewV7())
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		g := &others[i%len(others)]
		g.Revision++
		err := pgx.BeginFunc(context.WithoutCancel(ctx), w.db, func(tx pgx.Tx) error { return PutGrant(ctx, tx, *g) })
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}
