package portal

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"lgsp/internal/problem"
)

// At most maxAttempts failed sign-ins from one address within attemptWindow.
const (
	maxAttempts   = 20
	attemptWindow = 10 * time.Minute
	maxAddresses  = 10_000 // remembered at once; beyond that, everything is forgotten
)

// attempts counts failed sign-ins by client address. Its zero value is ready.
type attempts struct {
	mu     sync.Mutex
	failed map[netip.Addr][]time.Time
}

// check refuses an address that has failed too often with TooMany.
func (a *attempts) check(from netip.Addr, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	recent := a.failed[from]
	for len(recent) > 0 && now.Sub(recent[0]) >= attemptWindow {
		recent = recent[1:]
	}
	if len(recent) == 0 {
		delete(a.failed, from)
		return nil
	}
	a.failed[from] = recent
	if len(recent) < maxAttempts {
		return nil
	}
	return problem.Errorf(problem.TooMany, "too many failed sign-ins from this address").
		Coded("too-many-sign-ins").Sends("Retry-After", "600")
}

// fail remembers a failed sign-in.
func (a *attempts) fail(from netip.Addr, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil || len(a.failed) >= maxAddresses {
		a.failed = map[netip.Addr][]time.Time{}
	}
	a.failed[from] = append(a.failed[from], now)
}

// client is the address a request came from: the right-most one in
// X-Forwarded-For that no trusted proxy of ours has.
func (p *Portal) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	from := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trusts(from); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return from
		}
		from = hop.Unmap()
	}
	return from
}

func (p *Portal) trusts(from netip.Addr) bool {
	for _, network := range p.Proxies {
		if network.Contains(from) {
			return true
		}
	}
	return false
}
