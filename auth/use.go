package auth

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/keyring"
	"lgsp/internal/pg"
)

// Use is what was seen of a credential, or a honey key, since it was last told.
type Use struct {
	Lookup string     // of the credential
	At     time.Time  // of the last use
	From   netip.Addr // of the last use
	Count  int64
	Where  string // it was shown, of a honey key: AtGateway …; "" of a credential

	// Hash is what is to be stored of the credential, under the pepper of
	// Version, in the place of what is stored under an older one; nil: nothing.
	Hash    []byte
	Version int
}

// Renewing is the use of a key that is stored under the pepper of a version:
// with what is to be stored instead when there is a newer one.
func (u Use) Renewing(key Key, peppers keyring.Ring, version int) Use {
	if peppers.Old(version) {
		u.Hash, u.Version = key.Hash(peppers.Key()), peppers.Current()
	}
	return u
}

// Uses counts the use of credentials in memory, so that no call waits for a
// write; Tell passes it on, in one statement for all. Its zero value is ready,
// for any number of goroutines.
type Uses struct{ byLookup sync.Map } // lookup → *seen

type seen struct {
	mu  sync.Mutex
	use Use
}

// Note counts one use.
func (u *Uses) Note(one Use) {
	one.Count = 1
	u.add(one)
}

func (u *Uses) add(more Use) {
	found, known := u.byLookup.Load(more.Lookup)
	if !known {
		found, _ = u.byLookup.LoadOrStore(more.Lookup, &seen{})
	}
	s := found.(*seen)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !more.At.Before(s.use.At) {
		s.use.At, s.use.From, s.use.Where = more.At, more.From, more.Where
	}
	s.use.Lookup, s.use.Count = more.Lookup, s.use.Count+more.Count
	if more.Version > s.use.Version {
		s.use.Hash, s.use.Version = more.Hash, more.Version
	}
}

// Tell gives what was counted since it last did to touch. What touch does not
// take is counted again.
func (u *Uses) Tell(ctx context.Context, touch func(context.Context, []Use) error) error {
	var list []Use
	u.byLookup.Range(func(lookup, found any) bool {
		s := found.(*seen)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.use.Count > 0 {
			list = append(list, s.use)
			s.use.Count, s.use.Hash, s.use.Version = 0, nil, 0
		}
		return true
	})
	if len(list) == 0 {
		return nil
	}
	err := touch(ctx, list)
	if err != nil {
		for _, one := range list {
			u.add(one)
		}
	}
	return err
}

const touchCredentialsSQL = `
update auth.credential c
   set uses = c.uses + u.count,
       last_used_from = case when c.last_used_at >= u.at then c.last_used_from else u.network end,
       last_used_at = greatest(c.last_used_at, u.at),
       hash = case when u.version > c.pepper_version then u.hash else c.hash end,
       pepper_version = greatest(c.pepper_version, u.version)
  from unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[], $5::bytea[], $6::int[]) as u (lookup, at, network, count, hash, version)
 where c.lookup = u.lookup`

// TouchCredentials keeps when, from which network and how often credentials
// were used: one statement for all that a node saw since it last told, every
// minute or so. An address is kept as the network that limits are counted by:
// itself, or the /64 of IPv6. What is stored under an old pepper is replaced by
// what a use says (Use.Renewing). Who has a honey key is told of its use.
func (a *Auth) TouchCredentials(ctx context.Context, uses []Use) error {
	uses = slices.SortedFunc(slices.Values(uses), func(a, b Use) int { return strings.Compare(a.Lookup, b.Lookup) })
	var credentials, honey []Use
	for _, u := range uses {
		if u.Where == "" {
			credentials = append(credentials, u)
		} else {
			honey = append(honey, u)
		}
	}
	if len(honey) == 0 {
		return touch(ctx, a.DB, credentials)
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if err := touch(ctx, tx, credentials); err != nil {
			return err
		}
		return a.touchHoney(ctx, tx, honey)
	})
}

func touch(ctx context.Context, db pg.DB, uses []Use) error {
	c := columnsOf(uses)
	if _, err := db.Exec(ctx, touchCredentialsSQL, c.lookups, c.times, c.networks, c.counts, c.hashes, c.versions); err != nil {
		return fmt.Errorf("note use of %d credentials: %w", len(uses), err)
	}
	return nil
}

// useColumns are uses as unnest takes them.
type useColumns struct {
	lookups, networks []string
	times             []time.Time
	counts            []int64
	hashes            [][]byte
	versions          []int
}

func columnsOf(uses []Use) useColumns {
	var c useColumns
	for _, u := range uses {
		c.lookups, c.networks = append(c.lookups, u.Lookup), append(c.networks, networkOf(u.From))
		c.times, c.counts = append(c.times, u.At.UTC()), append(c.counts, u.Count)
		c.hashes, c.versions = append(c.hashes, u.Hash), append(c.versions, u.Version)
	}
	return c
}

// networkOf is the network of an address as people read it; "" for none.
func networkOf(from netip.Addr) string {
	from = from.Unmap().WithZone("")
	switch {
	case from.Is4():
		return from.String()
	case from.Is6():
		return netip.PrefixFrom(from, 64).Masked().String()
	}
	return ""
}

// SaveUses keeps the use of client secrets that VerifySecret has seen since it
// was last called.
func (a *Auth) SaveUses(ctx context.Context) error { return a.uses.Tell(ctx, a.TouchCredentials) }
