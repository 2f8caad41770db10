package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"lgsp/internal/egress"
)

// upstreams is where the gateway may connect to: what the operator approved,
// never the platform's own listeners, and this machine only for the demo's
// simulated systems.
type upstreams struct {
	egress.Upstream
	read     func(ctx context.Context) ([]string, error) // every approved host:port
	approved atomic.Pointer[map[string]bool]
	loopback []netip.AddrPort // set before the first call
}

func (u *upstreams) wire(own []string) {
	u.Approved = u.isApproved
	u.Loopback = func(at netip.AddrPort) bool { return slices.Contains(u.loopback, at) }
	u.Own = func() []netip.AddrPort { return addrPorts(own) }
}

// isApproved looks at what was approved when the gateway last loaded its
// configuration. An address that is not there is looked up once more: its
// approval may be younger.
func (u *upstreams) isApproved(hostPort string) bool {
	if known := u.approved.Load(); known != nil && (*known)[hostPort] {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTime) // a call waits
	defer cancel()
	if err := u.refresh(ctx); err != nil {
		slog.ErrorContext(ctx, "read approved upstreams", "err", err)
		return false
	}
	return (*u.approved.Load())[hostPort]
}

// stands is isApproved by what is known, without a look-up.
func (u *upstreams) stands(hostPort string) bool {
	known := u.approved.Load()
	return known == nil || (*known)[hostPort]
}

// lookTime is how long looking an upstream up may take.
const lookTime = 3 * time.Second

func (u *upstreams) refresh(ctx context.Context) error {
	list, err := u.read(ctx)
	if err != nil {
		return fmt.Errorf("read approved upstreams: %w", err)
	}
	u.set(list)
	return nil
}

// set puts what is approved in force.
func (u *upstreams) set(list []string) {
	known := make(map[string]bool, len(list))
	for _, hostPort := range list {
		known[hostPort] = true
	}
	u.approved.Store(&known)
}

// list is what is approved, as far as is known.
func (u *upstreams) list() []string {
	known := u.approved.Load()
	if known == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(*known))
}

// allowLoopback lets the gateway reach the demo's simulated systems.
func (u *upstreams) allowLoopback(hostPorts []string) { u.loopback = addrPorts(hostPorts) }

// addrPorts reads listening addresses; one without a host is every address of
// the machine.
func addrPorts(addresses []string) []netip.AddrPort {
	var list []netip.AddrPort
	for _, text := range addresses {
		host, port, err := net.SplitHostPort(text)
		if err != nil {
			continue // checked with the settings
		}
		if host == "" {
			host = "0.0.0.0"
		}
		if at, err := netip.ParseAddrPort(net.JoinHostPort(host, port)); err == nil {
			list = append(list, at)
		}
	}
	return list
}
