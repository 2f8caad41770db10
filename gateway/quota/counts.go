package quota

import (
	"encoding/binary"
	"sync"
	"time"
)

// Use is how many calls of a period somebody used.
type Use struct {
	Key    [16]byte
	Period Period
	Begins time.Time // as Period.Begin gives it
	Used   int64
}

// Counts counts the calls of each key in the current day or month. What other
// nodes counted comes in through Known and Saved; what this node counted goes
// out through Unsaved. The zero Counts is ready to use; it is safe for
// concurrent use.
type Counts struct {
	shards [64]countShard
}

type countShard struct {
	mu    sync.Mutex
	uses  map[counted]*use
	dirty map[counted]struct{}
}

// counted is a key in one period.
type counted struct {
	key    [16]byte
	period Period
	begins int64 // Unix seconds
}

type use struct {
	known   int64 // saved, by all nodes
	pending int64 // counted here, not saved yet
	saving  int64 // of pending, on its way
}

func (c *Counts) shard(key [16]byte) *countShard {
	return &c.shards[(binary.BigEndian.Uint64(key[8:])*0x9e3779b97f4a7c15)>>58]
}

func (s *countShard) at(k counted) *use {
	u := s.uses[k]
	if u == nil {
		if s.uses == nil {
			s.uses, s.dirty = map[counted]*use{}, map[counted]struct{}{}
		}
		u = &use{}
		s.uses[k] = u
	}
	return u
}

// Take counts a call unless the period's quota is used up, and says how many are left.
func (c *Counts) Take(key [16]byte, p Period, quota int, now time.Time) (left int, ok bool) {
	k := counted{key, p, p.Begin(now).Unix()}
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.at(k)
	if u.known+u.pending >= int64(quota) {
		return 0, false
	}
	u.pending++
	s.dirty[k] = struct{}{}
	return quota - int(u.known+u.pending), true
}

// Used is how many calls of the period are used: of all nodes, as this one last
// heard, and of this one beside them.
func (c *Counts) Used(key [16]byte, p Period, now time.Time) (known, pending int64) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uses[counted{key, p, p.Begin(now).Unix()}]
	if u == nil {
		return 0, 0
	}
	return u.known, u.pending
}

// Return gives a call back that was refused later on; now is as it was taken.
func (c *Counts) Return(key [16]byte, p Period, now time.Time) {
	k := counted{key, p, p.Begin(now).Unix()}
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(k).pending--
	s.dirty[k] = struct{}{}
}

// Unsaved gives what was counted here since it was last given, of periods that
// are over too, and forgets those of them that are saved. Each Unsaved is
// followed by Saved, with what became of it.
func (c *Counts) Unsaved(now time.Time) []Use {
	var list []Use
	current := [...]int64{Day: Day.Begin(now).Unix(), Month: Month.Begin(now).Unix()}
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for k := range s.dirty {
			u := s.uses[k]
			if u.saving = u.pending; u.saving != 0 {
				list = append(list, Use{Key: k.key, Period: k.period, Begins: time.Unix(k.begins, 0).UTC(), Used: u.saving})
			}
		}
		clear(s.dirty)
		for k, u := range s.uses {
			if u.pending == 0 && k.begins < current[k.period] {
				delete(s.uses, k)
			}
		}
		s.mu.Unlock()
	}
	return list
}

// Saved takes the totals that saving gave back: all of them, or none when it failed.
func (c *Counts) Saved(given, totals []Use) {
	if len(totals) == 0 {
		for _, g := range given {
			c.change(g, func(s *countShard, k counted) {
				s.at(k).saving = 0
				s.dirty[k] = struct{}{}
			})
		}
		return
	}
	for _, t := range totals {
		c.change(t, func(s *countShard, k counted) {
			u := s.at(k)
			u.known, u.pending, u.saving = t.Used, u.pending-u.saving, 0
		})
	}
}

// Known takes totals of all nodes, as they are stored.
func (c *Counts) Known(totals []Use) {
	for _, t := range totals {
		c.change(t, func(s *countShard, k counted) { s.at(k).known = t.Used })
	}
}

func (c *Counts) change(of Use, do func(s *countShard, k counted)) {
	s := c.shard(of.Key)
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s, counted{of.Key, of.Period, of.Begins.Unix()})
}
