package gateway

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"lgsp/gateway/quota"
	"lgsp/internal/pgtest"
	"lgsp/internal/redistest"
)

// shares lets nodes that start from now on count their rates in a Redis.
func (w *world) shares(address string) *quota.Redis {
	w.t.Helper()
	r, err := quota.NewRedis("redis://"+address, time.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = r.Close() })
	r.Within = 10 * time.Second // however slow the machine is
	w.shared = r
	return r
}

// metric is what a node tells of itself.
func metric(t *testing.T, n *Node, name string) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(n.Metrics)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return fmt.Sprint(f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue())
		}
	}
	return "none"
}

// TestNodesShareRates: through whichever node, and when the store goes away
// each by itself, without a call that fails.
func TestNodesShareRates(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	w := newWorld(t)
	if got := metric(t, w.node, "lgsp_gateway_shared_limits_up"); got != "none" {
		t.Errorf("a node that shares nothing tells %s", got)
	}
	w.route.Traffic.Limits = []Limit{{Per: "api", Calls: 12, Window: "12h"}}
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	var nodes []*Node
	var sites []*site
	for range 2 {
		w.shares(server.Addr)
		n, s := w.start(t.TempDir())
		nodes, sites = append(nodes, n), append(sites, s)
	}
	begun := time.Now()
	call := func(i int) reply { return w.send(sites[i%2], "GET", "/ho-so", "", "X-API-Key", w.key) }
	for i := range 12 {
		got := call(i)
		if left := fmt.Sprintf(`"api-12h";r=%d;`, 11-i); got.status != 200 || !strings.Contains(got.header.Get("RateLimit"), left) {
			t.Fatalf("call %d: got %d %s, %q, want %s", i, got.status, got.code, got.header.Get("RateLimit"), left)
		}
	}
	for i := range 4 {
		if got := call(i); got.status != 429 || got.code != "rate-exceeded" {
			t.Errorf("one too many: got %d %s", got.status, got.code)
		}
	}
	left, ok := nodes[0].Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement)
	again := time.Since(begun) > 700*time.Millisecond // 12 of 1000 a minute have come back
	if !ok || left.LeftNow < 1000-12 || left.LeftNow == 1000 && !again {
		t.Errorf("remaining: got %+v, want what both nodes took", left)
	}
	if got := metric(t, nodes[0], "lgsp_gateway_shared_limits_up"); got != "1" {
		t.Errorf("up: got %s", got)
	}
	server.Kill()
	for i := range 24 {
		if got := call(i); got.status != 200 {
			t.Errorf("the store is away, call %d: got %d %s", i, got.status, got.code)
		}
	}
	if got := call(0); got.status != 429 {
		t.Errorf("away, and its own count is full: got %d", got.status)
	}
	if up, fell := metric(t, nodes[0], "lgsp_gateway_shared_limits_up"), metric(t, nodes[0], "lgsp_gateway_shared_limits_fallbacks_total"); up != "0" || fell != "13" {
		t.Errorf("away: up %s, fallbacks %s; want 0 and 13", up, fell)
	}
	server.Restart()
	back := time.Now()
	for !nodes[0].Shared.Up() || !nodes[1].Shared.Up() {
		call(0)
		call(1)
		if time.Since(back) > 30*time.Second {
			t.Fatal("the store is not asked again")
		}
	}
}

// TestSharedRatesAreGivenBack: what a refused call took, to the store.
func TestSharedRatesAreGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.route.Traffic.Limits = []Limit{{Per: "agreement", Calls: 5, Window: "12h"}}
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.shares(redistest.Start(t).Addr)
	_, s := w.start(t.TempDir())
	for range 9 { // refused for a field that was not agreed, after the count
		if got := w.send(s, "GET", "/ho-so?hoTen=An", "", "X-API-Key", w.key); got.status != 403 {
			t.Fatalf("got %d %s", got.status, got.code)
		}
	}
	if got := w.send(s, "GET", "/ho-so", "", "X-API-Key", w.key); got.status != 200 || !strings.Contains(got.header.Get("RateLimit"), `"agreement-12h";r=4;`) {
		t.Errorf("got %d %s, %q", got.status, got.code, got.header.Get("RateLimit"))
	}
}

// TestQuotaOfNodes: nodes that count a day together in the database let through
// at most what they counted between two saves beyond the quota, and no call is
// lost or counted twice, whatever the order.
func TestQuotaOfNodes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	noon := time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC)
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 6))
		nodes := []*Node{{DB: db, Now: func() time.Time { return noon }}, {DB: db, Now: func() time.Time { return noon }}}
		const quotaOfDay = 300
		take := quota.Take{Key: quota.Key{What: uuid.Must(uuid.NewV7())}, Window: quota.Window{Name: "day", Calls: quotaOfDay, Period: quota.Day}}
		taken, most := 0, 0 // calls in all, and most between two saves
		for taken < 3*quotaOfDay {
			var group sync.WaitGroup
			var mu sync.Mutex
			interval, refused := 0, true
			for _, n := range nodes {
				calls := random.IntN(40)
				group.Go(func() {
					for range calls {
						ok := n.limiter.Take(t.Context(), []quota.Take{take}, noon, nil)[0].OK
						mu.Lock()
						if ok {
							interval, refused = interval+1, false
						}
						mu.Unlock()
					}
				})
			}
			group.Wait()
			taken, most = taken+interval, max(most, interval)
			for _, i := range random.Perm(2) {
				if err := nodes[i].saveUse(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if refused && taken >= quotaOfDay {
				break
			}
		}
		var stored int
		if err := db.QueryRow(t.Context(), `select used from gateway.quota_count where key = $1`, uuid.UUID(take.Key.What)).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		if stored != taken {
			t.Errorf("seed %d: %d calls are stored, %d were let through", seed, stored, taken)
		}
		if taken < quotaOfDay || taken > quotaOfDay+most {
			t.Errorf("seed %d: %d calls were let through, want %d and at most %d more", seed, taken, quotaOfDay, most)
		}
	}
}
