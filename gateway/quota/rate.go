// Package quota answers whether one more call fits: rates in memory, by the
// generic cell rate algorithm, or shared by all nodes; and counts by day and
// month that outlive the node.
package quota

import (
	"hash/maphash"
	"sync"
	"time"
)

// Key names a bucket: two 16-byte names, such as application and agreement,
// and which of their limits it is.
type Key struct {
	Who, What [16]byte
	Limit     uint32
}

// Rates holds the buckets of many keys. The zero Rates is ready to use; it is
// safe for concurrent use.
type Rates struct {
	once   sync.Once
	seed   maphash.Seed
	shards [64]shard
}

type shard struct {
	mu      sync.Mutex
	buckets map[Key]bucket
	limit   int // sweep when it holds so many
}

// bucket is when it will be as at first, in Unix nanoseconds, if no more is
// taken; a call takes gap of it.
type bucket struct{ clear, gap int64 }

// maxKeys bounds the buckets of one shard: some 300 MiB in all. Beyond it, which
// takes 4 million callers within a minute, buckets are forgotten at random.
const maxKeys = 65536

// Answer says whether a call fits, and what is left.
type Answer struct {
	OK        bool
	Remaining int           // calls that fit at once
	Reset     time.Duration // until the bucket is as at first
	Retry     time.Duration // until one more call fits; 0 when OK
}

// Take takes a call from the bucket, which holds the window's calls and fills
// steadily. A call that does not fit takes nothing.
func (r *Rates) Take(key Key, w Window, now time.Time) Answer {
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	b, at := s.bucket(key, w, now)
	if wait := b.clear + b.gap - at - b.gap*int64(w.Calls); wait > 0 {
		return Answer{Reset: time.Duration(b.clear - at), Retry: time.Duration(wait)}
	}
	b.clear += b.gap
	if s.buckets == nil || len(s.buckets) >= s.limit {
		s.sweep(at)
	}
	s.buckets[key] = b
	return b.answer(w.Calls, at)
}

// Look says what Take would have left to take, and takes nothing.
func (r *Rates) Look(key Key, w Window, now time.Time) Answer {
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	b, at := s.bucket(key, w, now)
	return b.answer(w.Calls, at)
}

// Return gives a call back that was refused later on.
func (r *Rates) Return(key Key) {
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.buckets[key]; ok {
		b.clear -= b.gap
		s.buckets[key] = b
	}
}

func (r *Rates) shard(key Key) *shard {
	r.once.Do(func() { r.seed = maphash.MakeSeed() })
	return &r.shards[maphash.Comparable(r.seed, key)%uint64(len(r.shards))]
}

// bucket gives a key's bucket as it is now. When the rate was another before,
// as many calls stay taken, but no more than the bucket holds: nor when the
// clock was put back.
func (s *shard) bucket(key Key, w Window, now time.Time) (bucket, int64) {
	at, gap := now.UnixNano(), max(1, int64(w.Length)/int64(w.Calls))
	b := s.buckets[key]
	if b.clear <= at {
		return bucket{clear: at, gap: gap}, at
	}
	if b.gap != gap {
		b.clear, b.gap = at+(b.clear-at+b.gap-1)/b.gap*gap, gap
	}
	b.clear = min(b.clear, at+gap*int64(w.Calls))
	return b, at
}

func (b bucket) answer(calls int, at int64) Answer {
	taken := int((b.clear - at + b.gap - 1) / b.gap)
	left := max(0, calls-taken)
	return Answer{OK: true, Remaining: left, Reset: time.Duration(b.clear - at)}
}

// sweep drops the buckets that are as at first and, of a full shard, any eighth:
// each call that comes with a new key would look through all of them again.
func (s *shard) sweep(now int64) {
	if s.buckets == nil {
		s.buckets = map[Key]bucket{}
	}
	most := len(s.buckets)
	if most >= maxKeys {
		most = maxKeys / 8 * 7
	}
	for key, b := range s.buckets {
		if b.clear <= now || len(s.buckets) > most {
			delete(s.buckets, key)
		}
	}
	s.limit = min(max(1024, 2*len(s.buckets)), maxKeys)
}
