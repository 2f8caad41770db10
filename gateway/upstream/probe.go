package upstream

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// An address that is asked whether it is well gets no calls after so many
// answers in a row that it is not, and calls again after so many that it is.
const (
	sickAfter = 3
	wellAfter = 2
)

// probe is what asking an address came to. It says nothing until it was asked.
type probe struct {
	sick    atomic.Bool
	next    atomic.Int64 // when it is asked again, Unix nanoseconds
	asked   atomic.Bool  // and has not answered yet
	checked atomic.Int64 // when it was asked last, Unix nanoseconds; 0: never
	row     int          // how many times in a row it was otherwise; guarded by Pool.mu
}

// Due gives the places, among Targets, of the addresses that are to be asked
// now, each every so often; whoever has them tells Probed.
func (p *Pool) Due(every time.Duration) []int {
	var list []int
	now := p.Now().UnixNano()
	for i, s := range p.servers {
		if s.next.Load() > now || !s.asked.CompareAndSwap(false, true) {
			continue
		}
		s.next.Store(now + int64(every) - rand.Int64N(int64(every)/10+1)) // nodes do not ask all at once
		list = append(list, i)
	}
	return list
}

// Probed tells whether an address that was asked is well.
func (p *Pool) Probed(i int, well bool) {
	s := p.servers[i]
	defer s.asked.Store(false)
	s.checked.Store(p.Now().UnixNano())
	if well {
		s.answered.Add(1)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	sick := s.sick.Load()
	if well != sick {
		s.row = 0
		return
	}
	if s.row++; sick && s.row < wellAfter || !sick && s.row < sickAfter {
		return
	}
	s.row = 0
	s.sick.Store(!sick)
	if s.until.Load() == 0 { // else calls are kept from it anyway
		p.tell(s, Change{Host: s.Host, Back: sick, Fit: p.fit()})
	}
}

// isOut reports whether an address gets no calls, and when that is seen to again.
func (s *server) isOut() (until int64, out bool) {
	until = s.until.Load()
	if s.sick.Load() {
		return max(until, s.next.Load()), true
	}
	return until, until != 0
}
