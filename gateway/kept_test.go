package gateway

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
)

// nowhere is the address of no database.
const nowhere = "postgres://nobody@127.0.0.1:1/none?connect_timeout=1"

// startAway is start in dir with the database away.
func (w *world) startAway(dir string, change func(n *Node)) (*Node, *site) {
	w.t.Helper()
	db := w.db
	pool, err := pg.Pool(nowhere)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(pool.Close)
	w.db = pool
	defer func() { w.db = db }()
	return w.startWith(dir, change)
}

// TestStartsByWhatItKept: with the database away a node serves as it did when
// it stopped; calls under agreements only as long as that may be believed.
func TestStartsByWhatItKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := w.newGrant("khac") // of the same application and version
	second.State = "suspended"
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return PutGrant(ctx, tx, second) })
	w.mu.Lock()
	w.revoked = []string{"j-over"}
	w.keys[0].Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	w.notBefore = map[uuid.UUID]time.Time{uuid.Must(uuid.NewV7()): w.now()}
	w.mu.Unlock()
	w.tell("revoked")
	w.until("all is known", func() bool {
		s := w.node.current.Load()
		return s.revoked["j-over"] && s.grants.of(w.app, w.route.Version).next != nil && len(s.notBefore) == 1
	})
	w.node.Beside = func() ([]byte, error) { return []byte("keys of tokens"), nil }
	if err := w.node.keep(); err != nil {
		t.Fatal(err)
	}
	dir, besides := t.TempDir(), make(chan string, 1)
	text, err := os.ReadFile(filepath.Join(w.node.DataDir, keptFile))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), w.key) {
		t.Error("the key itself is on disk")
	}
	if info, err := os.Stat(filepath.Join(w.node.DataDir, keptFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the snapshot is for others to read: %v, %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(dir, keptFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	n, server := w.startAway(dir, func(n *Node) {
		n.Restore = func(beside []byte) error { besides <- string(beside); return nil }
	})
	if got := <-besides; got != "keys of tokens" {
		t.Errorf("restored beside it: %q", got)
	}
	was, is := w.node.current.Load(), n.current.Load()
	key := is.keys.of(w.keys[0].Lookup)
	for what, same := range map[string]bool{
		"version": was.version == is.version, "revoked": reflect.DeepEqual(was.revoked, is.revoked), "disabled": len(is.disabled) == 0,
		"routes": len(is.routes) == 1 && reflect.DeepEqual(was.byVersion[w.route.Version].Route, is.byVersion[w.route.Version].Route),
		"keys":   is.keys.count() == 1 && string(key.Hash) == string(w.keys[0].Hash) && key.Application == w.app && slices.Equal(key.Networks, w.keys[0].Networks) && key.Expires.Equal(w.keys[0].Expires),
	} {
		if !same {
			t.Errorf("%s differ", what)
		}
	}
	grants := map[uuid.UUID]*grant{}
	for g := range is.grants.all {
		grants[g.Agreement] = g
	}
	for g := range was.grants.all {
		kept := grants[g.Agreement]
		if kept == nil || kept.state != g.state || kept.starts != g.starts || kept.ends != g.ends || *kept.Plan != *g.Plan || kept.Purpose != g.Purpose ||
			!reflect.DeepEqual(kept.terms.operations, g.terms.operations) || kept.Revision != g.Revision {
			t.Errorf("agreement %s was %+v and is %+v", g.Agreement, g, kept)
		}
	}
	calls := func(when string, key, open int) {
		t.Helper()
		if got := w.send(server, "GET", "/ho-so", "", "X-API-Key", w.key); got.status != key {
			t.Errorf("%s, with a key: got %d %s", when, got.status, got.body)
		}
		if got := w.send(server, "GET", "/danh-muc/1", ""); got.status != open {
			t.Errorf("%s, an open call: got %d %s", when, got.status, got.body)
		}
	}
	calls("at once", 200, 200)
	w.clock.Add(int64(9 * time.Minute))
	calls("nine minutes later", 200, 200)
	w.clock.Add(int64(2 * time.Minute))
	calls("eleven minutes later", 503, 200)
}

// TestKeptIsNotBelieved: a file that is cut off, changed, of another secret or
// of another release serves nothing.
func TestKeptIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node.KeptKey = []byte("a key")
	if err := w.node.keep(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.node.DataDir, keptFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), good...)
	flipped[len(good)/2] ^= 1
	for name, tt := range map[string]struct {
		text []byte
		key  string
	}{
		"cut off":               {good[:len(good)-40], "a key"},
		"of nothing":            {nil, "a key"},
		"changed":               {flipped, "a key"},
		"of another platform's": {good, "another"},
	} {
		n := &Node{DataDir: t.TempDir(), KeptKey: []byte(tt.key)}
		if err := os.WriteFile(filepath.Join(n.DataDir, keptFile), tt.text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := n.restore(); err == nil || n.current.Load() != nil {
			t.Errorf("a file %s was believed: %v", name, err)
		}
	}
	n := &Node{DataDir: w.node.DataDir, KeptKey: []byte("a key")}
	n.Restore = func([]byte) error { return errors.New("not these") }
	if err := n.restore(); err == nil || n.current.Load() != nil {
		t.Errorf("what is beside cannot be restored, and it was put in force: %v", err)
	}
	n.Restore = nil
	if err := n.restore(); err != nil || n.current.Load() == nil {
		t.Errorf("the file itself: %v", err)
	}
	if (&Node{DataDir: t.TempDir()}).HasKept() || !n.HasKept() {
		t.Error("HasKept is wrong")
	}
}

// TestKeepsAtTheEnd: a node that is stopped leaves what the next starts by.
func TestKeepsAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := &Node{DB: pgtest.New(t), Now: w.now, DataDir: t.TempDir(), Metrics: NewMetrics()}
	n.current.Store(newSnapshot())
	n.fresh.Store(w.now().UnixNano())
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.keepAlways(ctx) }()
	stop()
	if err := <-done; err != nil || !n.HasKept() {
		t.Errorf("kept %v, %v", n.HasKept(), err)
	}
}
