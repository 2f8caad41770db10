package auth

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"
)

// office is where the people of these tests sit.
var office = netip.MustParseAddr("192.0.2.1")

// useSeen is what a credential's list tells of its use.
type useSeen struct {
	At    *time.Time
	From  string
	Count int64
}

func (s shop) used(t *testing.T) map[string]useSeen {
	t.Helper()
	list, err := s.Credentials(t.Context(), s.who, s.app.ID)
	ok(t, "list", err)
	used := map[string]useSeen{}
	for _, c := range list {
		used[c.Kind] = useSeen{c.LastUsedAt, c.LastUsedFrom, c.Uses}
	}
	return used
}

func TestUseIsKept(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	later := monday.Add(time.Minute)
	home := netip.MustParseAddr("2001:db8:1:2:3:4:5:6")
	ok(t, "touch", s.TouchCredentials(ctx, []Use{{Lookup: s.key.Lookup, At: later, From: home, Count: 3}, {Lookup: "unknown", At: later, From: home, Count: 1}}))
	ok(t, "what another node saw before", s.TouchCredentials(ctx, []Use{{Lookup: s.key.Lookup, At: monday, From: office, Count: 4}}))
	ok(t, "nothing", s.TouchCredentials(ctx, nil))
	for range 2 {
		err := s.VerifySecret(ctx, s.app.ID.String(), s.secret.Secret, netip.MustParseAddr("::ffff:192.0.2.1"))
		ok(t, "verify", err)
	}
	if got := s.used(t)[ClientSecret]; got != (useSeen{}) {
		t.Errorf("a verification wrote %+v, before the use was saved", got)
	}
	ok(t, "save", s.SaveUses(ctx))
	ok(t, "save again", s.SaveUses(ctx))
	wanted := map[string]useSeen{APIKey: {&later, "2001:db8:1:2::/64", 7}, ClientSecret: {&monday, "192.0.2.1", 2}}
	if got := s.used(t); !reflect.DeepEqual(got, wanted) {
		t.Errorf("got %+v, want %+v", got, wanted)
	}
}

func TestUseThatIsNotTakenIsToldAgain(t *testing.T) {
	t.Parallel()
	var uses Uses
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				uses.Note(Use{Lookup: "a", At: monday, From: office})
			}
		})
	}
	all.Wait()
	away := errors.New("the database is away")
	if err := uses.Tell(t.Context(), func(context.Context, []Use) error { return away }); !errors.Is(err, away) {
		t.Fatalf("got %v", err)
	}
	uses.Note(Use{Lookup: "a", At: monday.Add(-time.Second)})
	var got []Use
	keep := func(_ context.Context, list []Use) error { got = list; return nil }
	ok(t, "tell", uses.Tell(t.Context(), keep))
	if wanted := []Use{{Lookup: "a", At: monday, From: office, Count: 801}}; !reflect.DeepEqual(got, wanted) {
		t.Errorf("got %+v, want %+v", got, wanted)
	}
	got = nil
	ok(t, "tell nothing", uses.Tell(t.Context(), keep))
	if got != nil {
		t.Errorf("told %+v twice", got)
	}
}
