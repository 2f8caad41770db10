// Package upstream answers which of a version's addresses a call goes to: by
// weight among those that answer, one trial call at a time to one that did not
// when its time out is over, and to none while all of them are out. An address
// may be asked beside calls whether it is well, too.
package upstream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How many addresses a version has at most, and how much one weighs at most.
const (
	MaxAddresses = 8
	MaxWeight    = 100
)

// An address goes out after so many calls in a row that failed: when another
// is there soon, but the last one only when there is little doubt.
const (
	failuresOfOne  = 3
	failuresOfLast = 10
)

// How long an address is out at first and at most, and after which time of
// answering the first holds again.
const (
	shortestOut = time.Second
	longestOut  = 30 * time.Second
	forgiven    = time.Minute
)

// Address is one system behind a version.
type Address struct {
	URL    string // base URL, http or https, no user, query or fragment
	Weight int    // 1 to MaxWeight: its share of the calls
}

// Outcome is what became of a call to an address.
type Outcome int

// The outcomes.
const (
	Left     Outcome = iota // the caller went away: it says nothing of the address
	Answered                // with anything but a gateway's fault
	Failed                  // not reached, broken off, too slow, or 502, 503, 504
)

// Change is an address that went out or came back.
type Change struct {
	Host string // host, or host:port, of the address
	Back bool   // it answers again; else it is out
	Fit  int    // how many addresses of the pool are in from now on; 0: the pool is down
}

// Pool is the addresses of one version, or of a part of its calls. Now, Changed
// and Spare are set before the first call. The zero Pool has no address; New
// makes one that has.
type Pool struct {
	Now     func() time.Time // time.Now outside tests
	Changed func(Change)     // nil, or told of each change, one after the other
	Spare   bool             // calls have somewhere else to go: the last address goes out as any other

	addresses []Address
	servers   []*server
	turns     []uint8       // servers in the order of their turns, each as often as it weighs
	turn      atomic.Uint32 // how many turns were taken
	mu        sync.Mutex    // held while an address goes out or comes back, never by a call that goes well
}

// server is an address and how it has been doing.
type server struct {
	Target
	weight   int
	failures atomic.Int32  // in a row, while it is in
	until    atomic.Int64  // when its time out is over, Unix nanoseconds; 0: it is in
	times    atomic.Uint32 // it went out
	trying   atomic.Bool   // a trial call is on its way
	under    atomic.Int32  // calls on their way
	answered atomic.Uint64 // calls and checks that went well
	changed  atomic.Int64  // when it went out or came back last, Unix nanoseconds; 0: never
	probe

	spell time.Duration // of its last time out; guarded by Pool.mu
	back  time.Time     // when it came back last; guarded by Pool.mu
}

// Target is where a call goes.
type Target struct {
	Scheme string
	Host   string // with the port, when the URL has one
	Path   string // escaped, without a slash at the end

	HostPort string      // to connect to: with the port in any case
	TLS      *tls.Config // of https
}

// Try is one call to one address. Whoever picks it tells Done what became of it.
type Try struct {
	server *server
	times  uint32 // server.times when it was picked
	trial  bool
}

// Target is where the call goes.
func (t Try) Target() Target { return t.server.Target }

// New makes a pool, all of it in. It fails for what nothing can be sent to.
func New(addresses []Address) (*Pool, error) {
	if len(addresses) == 0 || len(addresses) > MaxAddresses {
		return nil, fmt.Errorf("%d upstream addresses are not 1 to %d", len(addresses), MaxAddresses)
	}
	p := &Pool{addresses: slices.Clone(addresses)}
	for _, a := range addresses {
		u, err := url.Parse(a.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, errors.New("the upstream is no http or https address without user and query")
		}
		if a.Weight < 1 || a.Weight > MaxWeight {
			return nil, fmt.Errorf("the upstream's weight %d is not 1 to %d", a.Weight, MaxWeight)
		}
		p.servers = append(p.servers, &server{weight: a.Weight,
			Target: Target{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(u.EscapedPath(), "/"), HostPort: hostPort(u), TLS: secured(u)}})
	}
	p.turns = turns(p.servers)
	return p, nil
}

func secured(u *url.URL) *tls.Config {
	if u.Scheme != "https" {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// turns orders one round so that each server comes as often as it weighs, and
// a heavy one not all at once (smooth weighted round robin, as nginx has it).
func turns(servers []*server) []uint8 {
	total, part := 0, 0
	for _, s := range servers {
		total, part = total+s.weight, divisor(s.weight, part)
	}
	lead := make([]int, len(servers))
	round := make([]uint8, total/part)
	for i := range round {
		best := 0
		for j, s := range servers {
			lead[j] += s.weight
			if lead[j] > lead[best] {
				best = j
			}
		}
		lead[best] -= total
		round[i] = uint8(best)
	}
	return round
}

func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Has reports whether the pool is of just these addresses.
func (p *Pool) Has(addresses []Address) bool { return slices.Equal(p.addresses, addresses) }

// Addresses are what the pool was made of.
func (p *Pool) Addresses() []Address { return slices.Clone(p.addresses) }

// Targets are where calls may go.
func (p *Pool) Targets() []Target {
	list := make([]Target, len(p.servers))
	for i, s := range p.servers {
		list[i] = s.Target
	}
	return list
}

// Pick gives the address whose turn it is; false when all are out and none is
// due for a trial. It takes no lock and allocates nothing.
func (p *Pool) Pick() (Try, bool) { return p.pick(nil) }

// Other gives an address for a second try, never the first one's.
func (p *Pool) Other(first Try) (Try, bool) { return p.pick(first.server) }

func (p *Pool) pick(been *server) (Try, bool) {
	turn := 0
	if len(p.turns) > 1 {
		turn = int(p.turn.Add(1) % uint32(len(p.turns)))
	}
	for i := range p.turns {
		s := p.servers[p.turns[(turn+i)%len(p.turns)]]
		if s == been {
			continue
		}
		if t, ok := p.try(s); ok {
			s.under.Add(1)
			return t, true
		}
	}
	return Try{}, false
}

// try takes a server that is in, or that is due for a trial nobody makes.
func (p *Pool) try(s *server) (Try, bool) {
	t := Try{server: s, times: s.times.Load()}
	until := s.until.Load()
	if s.sick.Load() {
		return Try{}, false
	}
	if until == 0 {
		return t, true
	}
	if p.Now().UnixNano() < until || !s.trying.CompareAndSwap(false, true) {
		return Try{}, false
	}
	if s.until.Load() != until { // an earlier trial has just ended
		s.trying.Store(false)
		return Try{}, false
	}
	t.trial = true
	return t, true
}

// Done tells what became of a call.
func (p *Pool) Done(t Try, what Outcome) {
	s := t.server
	s.under.Add(-1)
	if what == Answered {
		s.answered.Add(1)
	}
	if t.trial {
		p.tried(s, what)
		s.trying.Store(false)
		return
	}
	switch {
	case what == Answered && s.failures.Load() != 0:
		s.failures.Store(0)
	case what == Failed && s.times.Load() == t.times: // else the call began before the address went out
		if s.failures.Add(1) >= failuresOfOne {
			p.putOut(t)
		}
	}
}

// putOut takes an address out, unless it is the last and may yet do.
func (p *Pool) putOut(t Try) {
	s := t.server
	p.mu.Lock()
	defer p.mu.Unlock()
	others := p.fit()
	if _, out := s.isOut(); !out {
		others--
	}
	if s.times.Load() != t.times || others == 0 && !p.Spare && s.failures.Load() < failuresOfLast {
		return
	}
	now := p.Now()
	if now.Sub(s.back) > forgiven {
		s.spell = 0
	}
	s.out(now)
	if !s.sick.Load() {
		p.tell(s, Change{Host: s.Host, Fit: others})
	}
}

// tried brings an address back, or leaves it out for longer.
func (p *Pool) tried(s *server, what Outcome) {
	if what == Left {
		return // the next call is a trial
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	if what == Failed {
		s.out(now)
		return
	}
	s.back = now
	s.failures.Store(0)
	s.until.Store(0)
	if !s.sick.Load() {
		p.tell(s, Change{Host: s.Host, Back: true, Fit: p.fit()})
	}
}

// out begins a time out, twice as long as the last one.
func (s *server) out(now time.Time) {
	s.spell = min(max(2*s.spell, shortestOut), longestOut)
	s.times.Add(1)
	s.failures.Store(0)
	s.until.Store(now.Add(s.spell).UnixNano())
}

func (p *Pool) tell(s *server, c Change) {
	s.changed.Store(p.Now().UnixNano())
	if p.Changed != nil {
		p.Changed(c)
	}
}

func (p *Pool) fit() int {
	n := 0
	for _, s := range p.servers {
		if _, out := s.isOut(); !out {
			n++
		}
	}
	return n
}

// Down reports whether none of the addresses gets calls.
func (p *Pool) Down() bool { return p.fit() == 0 }

// Wait is how long until a call may be tried again when all are out, at least a second.
func (p *Pool) Wait() time.Duration {
	now, least := p.Now().UnixNano(), int64(longestOut)
	for _, s := range p.servers {
		until, _ := s.isOut()
		least = min(least, until-now)
	}
	return max(time.Duration(least), time.Second)
}

// Standing is how one address does.
type Standing struct {
	Host  string
	Out   bool
	Until time.Time // when it is tried again, UTC; of one that is out
}

// Standings tell how the addresses do, in their order, when one of them is
// out; nil when none is.
func (p *Pool) Standings() []Standing {
	if p.fit() == len(p.servers) {
		return nil
	}
	list := make([]Standing, len(p.servers))
	for i, s := range p.servers {
		list[i].Host = s.Host
		if until, out := s.isOut(); out {
			list[i].Out, list[i].Until = true, time.Unix(0, until).UTC()
		}
	}
	return list
}
