package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// run serves the doors until ctx ends or something that cannot be mended
// fails. Requests under way are let finish; only then do the services that
// keep their evidence stop.
func (p *platform) run(ctx context.Context, d doors, ready func()) error {
	d.tell(p.metrics)
	serving, stopServing := context.WithCancelCause(ctx)
	defer stopServing(nil)
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorking()
	var services errgroup.Group
	for name, service := range map[string]func(context.Context) error{
		"sequencer of the ledger": p.ledger.Run,
		"gateway":                 p.node.Run,
		"outages of upstreams":    p.nodes.Watch,
		"authorization server":    p.oauth.Run,
		"notices of clients":      p.clients.feed.Run,
		"logout notices":          p.oauth.RunLogouts,
		"jobs":                    p.jobs.Run,
		"webhooks":                p.sendWebhooks,
		"use of secrets":          p.saveUses,
		"use of datasets":         p.catalog.KeepUses,
		"scheduled publications":  p.publishDue,
		"letters":                 func(ctx context.Context) error { return p.portal.WriteLetters(ctx, p.db.Pool) },
		"notices":                 p.portal.GatherNotices,
		"database":                p.watchDatabase,
		"search index":            p.keepIndexed,
		"search engine":           p.catalog.RunBeside,
		"certificates":            p.config.files.watch,
	} {
		services.Go(func() error {
			err := service(working)
			if err != nil {
				stopServing(fmt.Errorf("%s: %w", name, err))
			}
			return nil
		})
	}
	files, pages := p.config.files, p.portal.Routes()
	go p.announce(serving, ready)
	err := p.keep(serving, p.ready, d.ops, []door{
		{d.portal, secured(server(pages), files.server(tls.NoClientCert))},
		p.gatewayDoor(d.gateway),
		{d.mtls, secured(server(withCertificate(p.config.TrustedProxies, forClients(pages, p.node))), files.server(tls.RequestClientCert))},
	}, func() error {
		stopWorking()
		return services.Wait() // each has told stopServing why it ended
	})
	if cause := context.Cause(serving); !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}

// announce calls ready once the first call would be answered.
func (p *platform) announce(ctx context.Context, ready func()) {
	for p.ready(ctx) != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	ready()
}

var errStopping = errors.New("the node is stopping")

// ready is nil when the node may be given traffic.
func (p *platform) ready(ctx context.Context) error {
	if err := p.readyToServe(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return p.db.Pool.Ping(ctx)
}

// readyToServe is ready for a gateway node alone, which serves with the
// database away too.
func (p *platform) readyToServe(context.Context) error {
	if p.stopping.Load() {
		return errStopping
	}
	return p.node.Ready()
}

// watchDatabase fails when the private server ends by itself.
func (p *platform) watchDatabase(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.db.ended():
		return errors.New("the private PostgreSQL has ended by itself; its log is in the data directory")
	}
}

// publishDue makes public what was scheduled, within five seconds.
func (p *platform) publishDue(ctx context.Context) error {
	for {
		if _, err := p.catalog.PublishDue(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "scheduled publications; trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(5 * time.Second):
		}
	}
}

// saveUses keeps the use of client secrets each minute, and at the end.
func (p *platform) saveUses(ctx context.Context) error {
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-time.After(time.Minute):
		}
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		if err := p.auth.SaveUses(late); err != nil {
			slog.ErrorContext(ctx, "use of secrets is not saved; trying again", "err", err)
		}
		cancel()
	}
	return nil
}

// server is an HTTP server with every deadline set; it serves until its
// listener closes.
func server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           endAfterChunks(handler),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute, // a whole file on a slow line; in pieces it takes as long as it needs
		WriteTimeout:      10 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100}, // on one connection, over TLS
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
}

// endAfterChunks closes the connection after a request in chunks. It may have
// come with a Content-Length too, which net/http drops without a word; whoever
// stands before us may have counted by that, and what it takes for the body
// must not become a request here (RFC 9112 §6.1).
func endAfterChunks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
