package gateway

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
)

// TestKeys compares the tables, changed again and again, with a plain map, and
// an older table with what it was.
func TestKeys(t *testing.T) {
	t.Parallel()
	model := map[string]auth.GatewayCredential{}
	var applications []uuid.UUID
	for range 50 {
		applications = append(applications, uuid.New())
	}
	make := func(owner uuid.UUID) (list []auth.GatewayCredential) {
		for range rand.IntN(4) {
			list = append(list, auth.GatewayCredential{Lookup: auth.NewKey(auth.KindKey).Lookup, Application: owner})
		}
		return list
	}
	k := newKeys(nil)
	for round := range 300 {
		before, had := k, k.count()
		changed := []uuid.UUID{applications[rand.IntN(50)], applications[rand.IntN(50)]}
		var list []auth.GatewayCredential
		for _, owner := range slices.Compact(changed) {
			list = append(list, make(owner)...)
		}
		k = k.with(slices.Compact(changed), list)
		for lookup, c := range model {
			if slices.Contains(changed, c.Application) {
				delete(model, lookup)
			}
		}
		for _, c := range list {
			model[c.Lookup] = c
		}
		if k.count() != len(model) || before.count() != had {
			t.Fatalf("round %d: %d keys, want %d; the older table has %d, had %d", round, k.count(), len(model), before.count(), had)
		}
		for lookup, want := range model {
			if got := k.of(lookup); got == nil || got.Application != want.Application {
				t.Fatalf("round %d: %s is %+v, want %+v", round, lookup, got, want)
			}
		}
	}
}

// TestGrants does the same for agreements.
func TestGrants(t *testing.T) {
	t.Parallel()
	var applications, versions []uuid.UUID
	for i := range 5 {
		a, v := uuid.New(), uuid.New()
		if i > 1 { // of one page, and in part of one seat
			copy(a[12:], []byte{0, byte(i/3) << 4, 0, 0})
			copy(v[12:], []byte{0, 0, 0, 0})
		}
		applications, versions = append(applications, a), append(versions, v)
	}
	model := map[uuid.UUID]grant{}
	g := newGrants()
	listed := func(g grants) string {
		var all []string
		for _, a := range applications {
			for _, v := range versions {
				for c := g.of(a, v); c != nil; c = c.next {
					all = append(all, fmt.Sprint(c.Agreement, c.Revision, c.Application == a, c.Version == v))
				}
			}
		}
		slices.Sort(all)
		return fmt.Sprint(all)
	}
	for round := range 500 {
		c := grant{Agreement: uuid.New(), Application: applications[rand.IntN(5)], Version: versions[rand.IntN(5)], terms: nothing}
		for _, old := range model {
			if rand.IntN(2) == 0 { // a new revision of one that is there
				c = old
				break
			}
		}
		c.Revision++
		before, had := g, listed(g)
		fresh := c
		g = g.copyFor([]*grant{&fresh})
		g.put(&fresh)
		model[c.Agreement] = c
		var want []string
		for _, m := range model {
			want = append(want, fmt.Sprint(m.Agreement, m.Revision, true, true))
		}
		slices.Sort(want)
		if got := listed(g); got != fmt.Sprint(want) || listed(before) != had {
			t.Fatalf("round %d: got %s, want %s, or the older table changed", round, got, want)
		}
	}
}

// TestKeysOfOneApplication: a notice that names an application loads its keys
// and asks for no others.
func TestKeysOfOneApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.code)
	}
	key := auth.NewKey(auth.KindKey)
	w.mu.Lock()
	old := w.keys[0]
	fresh := old
	fresh.Lookup, fresh.Hash = key.Lookup, key.Hash(pepper)
	w.keys = []auth.GatewayCredential{fresh}
	w.disabled = []uuid.UUID{w.app} // not asked for: only keys are said to have changed
	w.mu.Unlock()
	w.tell("credential " + uuid.NewString())
	w.tell("credential " + w.app.String())
	w.until("replaced", func() bool { return w.node.knows(old.Lookup).Lookup == "" })
	if got := w.do("GET", "/ho-so", "X-API-Key", key.Secret()); got.status != 200 {
		t.Errorf("the new key: got %d %s", got.status, got.code)
	}
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.code != "key-wrong" {
		t.Errorf("the old key: got %d %s", got.status, got.code)
	}
	w.tell("credential")
	w.until("disabled", func() bool { return w.do("GET", "/ho-so", "X-API-Key", key.Secret()).code == "caller-disabled" })
}
