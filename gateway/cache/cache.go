// Package cache answers which stored answer may be given in an upstream's
// place, and what may be stored (RFC 9111, RFC 5861). It is a shared cache of
// answers that everybody may have: whoever uses it lets no call with a
// credential come near it. An answer is found by every input of the caller's
// that reached the upstream, so that no caller chooses what another one gets;
// it is fresh for as long as it or its agency says, never by a guess.
package cache

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
)

// MaxBody is the size of the largest body that is stored.
const MaxBody = 1 << 20

// maxKey is how long what the caller chose of a key may be.
const maxKey = 4 << 10

// Key is what an answer is found by: all that the upstream was told. The method
// is GET.
type Key struct {
	Version  uuid.UUID
	Edition  uint64 // of the version, as it was published: a change of it is another
	Path     string // canonical, behind the version's prefix
	Query    string // as it was sent on
	Accept   string
	Language string // Accept-Language
	Canary   bool   // the upstream was another one than for most callers
}

// Fits reports whether the key is short enough to be kept.
func (k Key) Fits() bool {
	return len(k.Path)+len(k.Query)+len(k.Accept)+len(k.Language) <= maxKey
}

// Selecting joins the lines of a request's header that may choose between
// answers, in one spelling.
func Selecting(lines []string) string {
	if len(lines) == 1 && !strings.ContainsAny(lines[0], " \t\"") {
		return lines[0]
	}
	var parts []string
	for _, line := range lines {
		if strings.Contains(line, `"`) {
			parts = append(parts, line) // spaces may count in it
			continue
		}
		for part := range strings.SplitSeq(line, ",") {
			if part = spaces.Replace(part); part != "" {
				parts = append(parts, part)
			}
		}
	}
	return strings.Join(parts, ",")
}

var spaces = strings.NewReplacer(" ", "", "\t", "")

// Store keeps answers in memory, up to so many bytes.
type Store struct {
	answers   *otter.Cache[Key, *Answer]
	size      int64
	beside    atomic.Int64 // bytes, see room.go
	evictions atomic.Int64

	// changes are counted by path, many paths to a place: who changes one makes
	// answers of a few others be fetched again, and nobody can choose which.
	changes [4096]atomic.Uint32
	seed    maphash.Seed
}

// NewStore makes a store of so many bytes.
func NewStore(size int64) *Store {
	s := &Store{size: size, seed: maphash.MakeSeed()}
	s.answers = otter.Must(&otter.Options[Key, *Answer]{
		MaximumWeight: uint64(size),
		Weigher:       func(k Key, a *Answer) uint32 { return a.weight(k) },
		OnAtomicDeletion: func(e otter.DeletionEvent[Key, *Answer]) {
			if e.Cause == otter.CauseOverflow {
				s.evictions.Add(1)
			}
		},
	})
	return s
}

// Get gives what is stored under the key, fresh or not; nil: nothing, or
// nothing since its path was changed.
func (s *Store) Get(k Key) *Answer {
	a, ok := s.answers.GetIfPresent(k)
	if !ok || a.since.count != s.changes[a.since.place].Load() {
		return nil
	}
	return a
}

// Since is a moment in the life of a path: what is fetched now may be stored
// as long as the path is not changed meanwhile.
type Since struct{ place, count uint32 }

// Now is the moment of the key's path. It is taken before the upstream is asked.
func (s *Store) Now(k Key) Since {
	place := s.place(k.Version, k.Path)
	return Since{place, s.changes[place].Load()}
}

// Changed says that what is at the path may be another now (RFC 9111 §4.4),
// whatever the query.
func (s *Store) Changed(version uuid.UUID, path string) {
	s.changes[s.place(version, path)].Add(1)
}

func (s *Store) place(version uuid.UUID, path string) uint32 {
	type resource struct {
		version uuid.UUID
		path    string
	}
	return uint32(maphash.Comparable(s.seed, resource{version, path}) % uint64(len(s.changes)))
}

// Put stores an answer that was fetched since then. The store is within its
// bound when Put returns, and may have let this answer go rather than one that
// is asked for more often.
func (s *Store) Put(k Key, a *Answer, since Since) {
	a.since = since
	k.Path, k.Query, k.Accept, k.Language = strings.Clone(k.Path), strings.Clone(k.Query), strings.Clone(k.Accept), strings.Clone(k.Language)
	s.answers.Set(k, a)
	s.answers.CleanUp()
}

// Drop forgets what is stored under the key.
func (s *Store) Drop(k Key) { s.answers.Invalidate(k) }

// Keep forgets the answers of all other editions than these.
func (s *Store) Keep(editions map[uint64]bool) {
	var gone []Key
	for k := range s.answers.Keys() {
		if !editions[k.Edition] {
			gone = append(gone, k)
		}
	}
	for _, k := range gone {
		s.answers.Invalidate(k)
	}
	s.answers.CleanUp()
}

// Figures are what the store holds, what is held beside it, and how many
// answers it let go for want of room.
type Figures struct {
	Answers, Bytes, Beside, Evictions int64
}

// Figures tells them as of now.
func (s *Store) Figures() Figures {
	return Figures{Answers: int64(s.answers.EstimatedSize()), Bytes: int64(s.answers.WeightedSize()), Beside: s.beside.Load(), Evictions: s.evictions.Load()}
}

// Flights let those who want the same at once ask for it once. The zero
// Flights is ready.
type Flights[T any] struct {
	mu    sync.Mutex
	under map[Key]*Flight[T]
}

// Flight is one asking, for all who wait for it.
type Flight[T any] struct {
	landed  chan struct{}
	outcome T
}

// NewFlight is a flight that nobody else joins.
func NewFlight[T any]() *Flight[T] { return &Flight[T]{landed: make(chan struct{})} }

// Join gives the flight under way for the key, or a new one; whoever is first
// lands it.
func (f *Flights[T]) Join(k Key) (flight *Flight[T], first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if flight = f.under[k]; flight != nil {
		return flight, false
	}
	if f.under == nil {
		f.under = map[Key]*Flight[T]{}
	}
	flight = NewFlight[T]()
	f.under[k] = flight
	return flight, true
}

// Land tells everybody who waits what came of it, and lets the next one ask
// anew.
func (f *Flights[T]) Land(k Key, flight *Flight[T], outcome T) {
	f.mu.Lock()
	if f.under[k] == flight {
		delete(f.under, k)
	}
	f.mu.Unlock()
	flight.outcome = outcome
	close(flight.landed)
}

// Landed is closed when the outcome is there.
func (f *Flight[T]) Landed() <-chan struct{} { return f.landed }

// Outcome is what came of it, once it has landed.
func (f *Flight[T]) Outcome() T { return f.outcome }
