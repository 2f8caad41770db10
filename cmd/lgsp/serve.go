package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lgsp/internal/entrance"
)

// runServe is the whole platform in one process: portal, gateway, operator's
// listener, and with --demo the demo province.
func runServe(ctx context.Context, p program) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(p.Stderr)
	demo := flags.Bool("demo", false, "add the demo province and its simulated systems, on 127.0.0.1 unless an address is set")
	if err := flags.Parse(p.Args); err != nil {
		return err
	}
	c, err := readConfig(p.Environ, *demo)
	if err := errors.Join(err, c.certifiesPortal()); err != nil {
		return err
	}
	if !*demo {
		c.notice = c.Drain / 4
	}
	slog.SetDefault(c.logger(p.Stderr, *demo))
	return serve(ctx, p, c, *demo)
}

func serve(ctx context.Context, p program, c config, demo bool) error {
	if err := c.makeDataDir(); err != nil {
		return err
	}
	unlock, err := lockDir(c.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	if c.files, err = openTLS(c); err != nil {
		return err
	}
	doors, err := openDoors(c)
	if err != nil {
		return err
	}
	defer doors.close()
	db, err := openDatabase(ctx, c)
	if err != nil {
		return err
	}
	defer db.close()
	platform, err := wireToServe(ctx, c, db)
	if err != nil {
		return err
	}
	if !demo {
		if err := platform.refuseDemoData(ctx); err != nil {
			return err
		}
		return platform.run(ctx, doors, func() { fmt.Fprintln(p.Stderr, "lgsp: serving", c.PortalURL, "and", c.GatewayURL) })
	}
	province, err := platform.startDemo(ctx)
	if err != nil {
		return err
	}
	return platform.run(ctx, doors, func() { province.Print(p.Stdout) })
}

// logger writes lines for people in the demo and JSON for machines elsewhere.
func (c config) logger(w io.Writer, demo bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if demo {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// The most connections that are open at a door at once: the files that a
// process may open (LimitNOFILE) are to last for the doors and what is behind
// them.
const (
	mostInAll = 20_000
	mostOfOne = 2_000 // address; of IPv6, network
)

// doors are the listeners, opened before anything slow, so that a taken port
// is told at once. The one for clients with certificates is nil when it is off.
type doors struct{ portal, gateway, mtls, ops net.Listener }

func openDoors(c config) (doors, error) {
	var d doors
	var all []error
	for _, door := range []struct {
		name, addr string
		listener   *net.Listener
	}{
		{"LGSP_PORTAL_ADDR", c.PortalAddr, &d.portal},
		{"LGSP_GATEWAY_ADDR", c.GatewayAddr, &d.gateway},
		{"LGSP_MTLS_ADDR", c.MTLSAddr, &d.mtls},
		{"LGSP_OPS_ADDR", c.OpsAddr, &d.ops},
	} {
		if door.addr == "" {
			continue
		}
		listener, err := net.Listen("tcp", door.addr)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%s: %s is taken by another program; stop it or set another address", door.name, door.addr)
		} else if err != nil {
			err = fmt.Errorf("%s: %w", door.name, err)
		}
		if err != nil {
			all = append(all, err)
			continue
		}
		*door.listener = listener
		if door.listener != &d.ops {
			*door.listener = c.guard(listener)
		}
	}
	if err := errors.Join(all...); err != nil {
		d.close()
		return doors{}, err
	}
	return d, nil
}

func (d doors) close() {
	for _, l := range []net.Listener{d.portal, d.gateway, d.mtls, d.ops} {
		if l != nil {
			_ = l.Close() // closed already by the server's own shutdown
		}
	}
}

// guard lets in at a door what may come in.
func (c config) guard(l net.Listener) net.Listener {
	if c.ProxyProtocol {
		l = entrance.BehindProxies(l, c.isTrusted, proxyHeaderWithin)
	}
	return entrance.Bound(l, entrance.Bounds{InAll: mostInAll, OfOne: mostOfOne, Exempt: c.isTrusted})
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

// lockDir makes sure that one process at a time works on a data directory. The
// kernel drops the lock with the process, however it ends.
func lockDir(dir string) (func(), error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("LGSP_DATA_DIR: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("LGSP_DATA_DIR: another lgsp is running on %s", dir)
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}
