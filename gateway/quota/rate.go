// Package quota answers whether one more call fits: a rate in memory, by the
// generic cell rate algorithm, and a count by day that outlives the node.
package quota

import (
	"hash/maphash"
	"sync"
	"time"
)

// Key names a bucket: two 16-byte names, such as application and agreement.
type Key [32]byte

// Rates holds the buckets of many keys. The zero Rates is ready to use; it is
// safe for concurrent use.
type Rates struct {
	once   sync.Once
	seed   maphash.Seed
	shards [64]shard
}

type shard struct {
	mu    sync.Mutex
	full  map[Key]int64 // when the bucket is empty again, Unix nanoseconds
	limit int           // sweep when it holds so many
}

// maxKeys bounds the buckets of one shard: some 100 MiB in all. Beyond it, which
// takes 4 million callers within a minute, buckets are forgotten at random.
const maxKeys = 65536

// Answer says whether a call fits, and what is left.
type Answer struct {
	OK        bool
	Limit     int           // calls a minute
	Remaining int           // calls that fit at once
	Reset     time.Duration // until the bucket is as at first
	Retry     time.Duration // until one more call fits; 0 when OK
}

// Take takes a call from the bucket, which holds perMinute calls and fills
// steadily. A call that does not fit takes nothing.
func (r *Rates) Take(key Key, perMinute int, now time.Time) Answer {
	gap := int64(time.Minute) / int64(perMinute)
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.UnixNano()
	full := max(s.full[key], at)
	if wait := full + gap - at - gap*int64(perMinute); wait > 0 {
		return Answer{Limit: perMinute, Reset: time.Duration(full - at), Retry: time.Duration(wait)}
	}
	if s.full == nil || len(s.full) >= s.limit {
		s.sweep(at)
	}
	s.full[key] = full + gap
	return Answer{OK: true, Limit: perMinute, Remaining: perMinute - int((full+gap-at+gap-1)/gap), Reset: time.Duration(full + gap - at)}
}

// Look says what Take would, and takes nothing.
func (r *Rates) Look(key Key, perMinute int, now time.Time) Answer {
	gap := int64(time.Minute) / int64(perMinute)
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.UnixNano()
	used := max(s.full[key], at) - at
	left := perMinute - int((used+gap-1)/gap)
	return Answer{OK: left > 0, Limit: perMinute, Remaining: max(left, 0), Reset: time.Duration(used)}
}

// Return gives a call back that was refused later on.
func (r *Rates) Return(key Key, perMinute int) {
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if full, ok := s.full[key]; ok {
		s.full[key] = full - int64(time.Minute)/int64(perMinute)
	}
}

func (r *Rates) shard(key Key) *shard {
	r.once.Do(func() { r.seed = maphash.MakeSeed() })
	return &r.shards[maphash.Bytes(r.seed, key[:])%uint64(len(r.shards))]
}

// sweep drops the buckets that are as at first.
func (s *shard) sweep(now int64) {
	if s.full == nil {
		s.full = map[Key]int64{}
	}
	for key, full := range s.full {
		if full <= now || len(s.full) >= maxKeys {
			delete(s.full, key)
		}
	}
	s.limit = min(max(1024, 2*len(s.full)), maxKeys)
}
