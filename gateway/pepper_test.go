package gateway

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/internal/keyring"
)

// TestKeyOfAnotherPepper: a key is compared under the pepper it was stored
// with; one that is not there opens nothing, whatever stands in the database.
func TestKeyOfAnotherPepper(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := auth.ParseKey(w.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range [][]byte{w.keys[0].Hash, key.Hash(nil)} {
		w.mu.Lock()
		w.keys = []auth.GatewayCredential{{Lookup: w.keys[0].Lookup, Hash: hash, PepperVersion: 2, Application: w.app, Expires: w.now().Add(time.Hour)}}
		w.mu.Unlock()
		w.tell("credential")
		w.until("refused", func() bool {
			return slices.Equal(w.node.knows(key.Lookup).Hash, hash) && w.do("GET", "/ho-so", "X-API-Key", w.key).code == "key-wrong"
		})
	}
}

// TestAKeyUnderAnOldPepperIsStoredAnew: once a newer secret is in use, the use
// of a key carries what is to be stored of it; before, and after, it does not.
func TestAKeyUnderAnOldPepperIsStoredAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var inUse atomic.Int64
	inUse.Store(1)
	newer := []byte("pepper of the next secret, 32 b!")
	w.peppers = keyring.New(map[int][]byte{1: pepper, 2: newer}, func() int { return int(inUse.Load()) })
	node, server := w.start(t.TempDir())
	key, err := auth.ParseKey(w.key)
	if err != nil {
		t.Fatal(err)
	}
	told := func() auth.Use {
		t.Helper()
		if got := w.send(server, "GET", "/ho-so", "", "X-API-Key", w.key); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		if err := within(t.Context(), askPatience, node.touch); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.used[len(w.used)-1]
	}
	if u := told(); u.Hash != nil || u.Version != 0 {
		t.Errorf("before the newer one is in use: told %+v", u)
	}
	inUse.Store(2)
	u := told()
	if u.Version != 2 || !key.Matches(w.peppers, 2, u.Hash) {
		t.Errorf("told %+v, want the key's hash under version 2", u)
	}
	w.mu.Lock()
	w.keys[0].Hash, w.keys[0].PepperVersion = u.Hash, 2
	w.mu.Unlock()
	w.tell("credential")
	w.until("stored anew", func() bool { return node.knows(key.Lookup).PepperVersion == 2 })
	if u := told(); u.Hash != nil {
		t.Errorf("stored anew already: told %+v", u)
	}
}
