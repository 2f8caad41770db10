package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lgsp/internal/telemetry"
)

// door is a listener, nil: a door that is not there, and what answers there.
type door struct {
	net.Listener
	server servesDoor
}

// servesDoor is a server of net/http or of ours.
type servesDoor interface {
	Serve(net.Listener) error // http.ErrServerClosed once it is shut down or closed
	Drain()                   // from now on each answer ends its connection
	Shutdown(context.Context) error
	Close() error
}

// keep serves the doors of callers until ctx ends and the callers have gone;
// then it ends what the doors rest on, and the operator's door last. That one
// says, from the end of ctx on, that the node is not ready, while the others
// stay open for the notice (LGSP_DRAIN): whoever sends calls to this node sees
// it and sends them elsewhere before a door is shut.
func (p *platform) keep(ctx context.Context, ready func(context.Context) error, operators net.Listener, callers []door, end func() error) error {
	ops := telemetry.Ops{Ready: ready, Metrics: p.metrics, Pprof: p.config.Pprof}
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	defer unwatch()
	var last errgroup.Group
	last.Go(func() error {
		return door{operators, secured(server(ops.Handler()), nil)}.serveUntil(watching, 0, time.Second)
	})
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	context.AfterFunc(serving, func() { p.stopping.Store(true) })
	var group errgroup.Group
	for _, d := range callers {
		if d.Listener != nil {
			group.Go(func() error {
				defer stopServing() // one door that cannot be served shuts the others
				return d.serveUntil(serving, p.config.notice, p.config.Drain)
			})
		}
	}
	err := errors.Join(group.Wait(), end())
	unwatch()
	return errors.Join(err, last.Wait())
}

// serveUntil serves a door until ctx ends. Then it lets callers go for the
// notice, shuts the door, and lets requests under way finish; all of it within
// drain.
func (d door) serveUntil(ctx context.Context, notice, drain time.Duration) error {
	served := make(chan error, 1)
	go func() {
		err := d.server.Serve(d.Listener)
		if !errors.Is(err, http.ErrServerClosed) {
			served <- fmt.Errorf("serve %s: %w", d.Addr(), err)
		}
		close(served)
	}()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err == nil {
		d.server.Drain()
		time.Sleep(notice)
	}
	if d.server.Shutdown(late) != nil {
		_ = d.server.Close() // whoever is still here has had the time to drain
	}
	if err == nil {
		err = <-served
	}
	return err
}

// netServer is a server of net/http. Over TLS it speaks HTTP/1.1 and HTTP/2.
type netServer struct {
	*http.Server
	draining atomic.Bool
}

// secured makes a door's server of one of net/http; how nil: without TLS.
func secured(s *http.Server, how *tls.Config) *netServer {
	d := &netServer{Server: s}
	next := s.Handler
	s.TLSConfig = how
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.draining.Load() {
			w.Header().Set("Connection", "close") // in HTTP/2 it becomes a GOAWAY
		}
		next.ServeHTTP(w, r)
	})
	return d
}

// Serve is of servesDoor.
func (d *netServer) Serve(l net.Listener) error {
	if d.TLSConfig == nil {
		return d.Server.Serve(l)
	}
	return d.ServeTLS(l, "", "")
}

// Drain is of servesDoor.
func (d *netServer) Drain() { d.draining.Store(true) }
