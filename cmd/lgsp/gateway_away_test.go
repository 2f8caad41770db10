package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"lgsp/internal/pg"
)

// beginNode starts a gateway node as lgsp gateway does; stop ends it.
func (w *world) beginNode(dir string) (stop func()) {
	w.t.Helper()
	c := w.config
	c.DataDir, c.DatabaseURL = dir, w.db.URL
	db, err := lazyDatabase(c)
	w.must(err)
	p, err := assemble(c, db)
	w.must(err)
	p.upstreams.loopback = w.upstreams.loopback
	met := p.meetDatabase(w.t.Context())
	if met != nil && !(pg.IsAway(met) && p.node.HasKept()) {
		w.t.Fatal(met)
	}
	opened, err := openDoors(config{GatewayAddr: c.GatewayAddr, OpsAddr: "127.0.0.1:0"})
	w.must(err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.runNode(ctx, opened, met) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the node ended with: %v", err)
		}
		db.close()
	}
}

// A gateway node starts and serves with the database away, keys and tokens
// too, and what it answered meanwhile is in the ledger afterwards.
func TestNodeStartsWithTheDatabaseAway(t *testing.T) {
	t.Parallel()
	db := newOwnDatabase(t)
	w := newWorldOn(t, db.URL, func(*world, *config) {})
	w.doors.gateway.Close()
	w.doors.gateway = nil
	w.serve()
	token := w.tokenFor(w.config.GatewayURL + "/so-a/dich-vu-public/v1")
	served := 0
	call := func(path, name, value string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.config.GatewayURL+"/so-a/dich-vu-public/v1"+path, nil)
		w.must(err)
		r.Header.Set("LGSP-Purpose", "dich-vu")
		r.Header.Set(name, value)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0
		}
		_ = answer.Body.Close()
		if answer.StatusCode == 200 {
			served++
		}
		return answer.StatusCode
	}
	well := func(when string) {
		t.Helper()
		for _, a := range []struct {
			path, name, value string
			want              int
		}{
			{"/danh-muc", "Accept", "*/*", 200}, {"/thua-dat/1", "X-Api-Key", w.key, 200}, {"/thua-dat/1", "Authorization", "Bearer " + token, 200},
			{"/thua-dat/1", "X-Api-Key", strings.Replace(w.key, "lgsp_key_", "lgsp_key_0", 1)[:len(w.key)], 401}, {"/thua-dat/1", "Accept", "*/*", 401},
		} {
			w.until(when+": "+a.path, func() bool { return call(a.path, a.name, a.value) == a.want })
		}
	}
	dir := t.TempDir()
	stop := w.beginNode(dir)
	well("with the database")
	stop()

	db.Stop()
	c := w.config
	c.DataDir, c.DatabaseURL = t.TempDir(), w.db.URL
	none, err := lazyDatabase(c)
	w.must(err)
	defer none.close()
	p, err := assemble(c, none)
	w.must(err)
	if err := p.meetDatabase(t.Context()); !pg.IsAway(err) || p.node.HasKept() {
		t.Errorf("a node that kept nothing: %v", err)
	}
	stop = w.beginNode(dir)
	well("with the database away")
	db.start()
	count := func() (n int) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_ = w.db.Pool.QueryRow(ctx, `select count(*) from ledger.entry where status = 200`).Scan(&n) // the pool finds out that the server is back
		return n
	}
	w.until("all calls are in the ledger", func() bool { return count() == served })
	well("with the database again")
	stop()
}
