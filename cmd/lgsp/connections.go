package main

import (
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lgsp/internal/entrance"
)

// What is meant for each door where no setting says otherwise.
const (
	usualConns      = 20_000
	usualPerAddress = 2_000
)

// readConnections reads how many connections may be open.
func (r *settingsReader) readConnections(c *config) {
	c.MaxConns = r.count("LGSP_MAX_CONNECTIONS")
	c.MaxPerAddress = r.count("LGSP_MAX_CONNECTIONS_PER_ADDRESS")
	if c.MaxConns > 0 && c.MaxPerAddress > c.MaxConns {
		r.wrong("LGSP_MAX_CONNECTIONS_PER_ADDRESS", "%d are more than LGSP_MAX_CONNECTIONS=%d lets in", c.MaxPerAddress, c.MaxConns)
	}
}

// count reads a number above 0; 0: it is not set.
func (r *settingsReader) count(name string) int {
	text := r.env[name]
	if text == "" {
		return takes(r, name, 0)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > math.MaxInt32 {
		r.wrong(name, "%q is not a number above 0", text)
	}
	return takes(r, name, n)
}

// bounds are those of each door. A connection is an open file, and a process
// that has no more of them can neither call upstreams nor keep evidence: so the
// doors share what there is, and one share is for what is behind them.
func (c config) bounds() (entrance.Bounds, error) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return entrance.Bounds{}, fmt.Errorf("how many files may be open: %w", err)
	}
	return c.boundsWithin(int(min(files.Cur, math.MaxInt32)))
}

func (c config) boundsWithin(files int) (entrance.Bounds, error) {
	shares := 1
	for _, address := range []string{c.PortalAddr, c.GatewayAddr, c.MTLSAddr} {
		if address != "" {
			shares++
		}
	}
	b := entrance.Bounds{InAll: c.MaxConns, OfOne: c.MaxPerAddress, Exempt: c.isTrusted}
	if b.InAll > files/shares {
		return b, fmt.Errorf("LGSP_MAX_CONNECTIONS: %d at each of %d doors, and as many behind them, are %d open files, and the process may have %d: raise LimitNOFILE", b.InAll, shares-1, b.InAll*shares, files)
	}
	if b.InAll == 0 {
		b.InAll = min(usualConns, files/shares)
	}
	if b.OfOne == 0 {
		b.OfOne = max(1, min(usualPerAddress, b.InAll/4))
	}
	return b, nil
}

// gatewayDoor is the gateway's. Connections that wait for their next request
// give way to new ones before the door has to turn anybody away.
func (p *platform) gatewayDoor(l net.Listener) door {
	s := p.node.Server(p.config.files.server(tls.NoClientCert))
	if bounded, ok := l.(*entrance.Bounded); ok {
		s.MaxConns = max(1, bounded.InAll*4/5)
	}
	return door{l, s}
}

// guard lets in at a door what may come in.
func (c config) guard(l net.Listener, bounds entrance.Bounds) net.Listener {
	if c.ProxyProtocol {
		l = entrance.BehindProxies(l, c.isTrusted, proxyHeaderWithin)
	}
	return entrance.Bound(l, bounds)
}

// proxyHeaderWithin is how long a proxy has for its PROXY header.
const proxyHeaderWithin = 5 * time.Second

// tell tells metrics of the connections at the doors.
func (d doors) tell(metrics prometheus.Registerer) {
	for name, l := range map[string]net.Listener{"portal": d.portal, "gateway": d.gateway, "mtls": d.mtls} {
		bounded, ok := l.(*entrance.Bounded)
		if !ok {
			continue
		}
		metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lgsp_connections", Help: "Open connections of clients, by door.", ConstLabels: prometheus.Labels{"door": name},
		}, func() float64 {
			open, _ := bounded.Figures()
			return float64(open)
		}))
		metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lgsp_connections_max", Help: "Connections of clients beyond which new ones are closed, by door.", ConstLabels: prometheus.Labels{"door": name},
		}, func() float64 { return float64(bounded.InAll) }))
		for why, count := range refusals(bounded) {
			metrics.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
				Name: "lgsp_connections_refused_total", Help: "Connections closed at once, by door and reason.",
				ConstLabels: prometheus.Labels{"door": name, "why": why},
			}, count))
		}
	}
}

// refusals count what a door turned away, by reason.
func refusals(door *entrance.Bounded) map[string]func() float64 {
	counts := map[string]func() float64{
		"all":     func() float64 { _, r := door.Figures(); return float64(r.InAll) },
		"address": func() float64 { _, r := door.Figures(); return float64(r.OfOne) },
	}
	if proxied, ok := door.Listener.(*entrance.Proxied); ok {
		counts["stranger"] = func() float64 { strangers, _ := proxied.CutOff(); return float64(strangers) }
		counts["no-header"] = func() float64 { _, silent := proxied.CutOff(); return float64(silent) }
	}
	return counts
}
