package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"lgsp/internal/telemetry"
)

// runGateway is a data-plane node alone: it serves calls and its own ops
// listener, from the database that the other nodes share.
func runGateway(ctx context.Context, p program) error {
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	flags.SetOutput(p.Stderr)
	if err := flags.Parse(p.Args); err != nil {
		return err
	}
	c, err := readConfig(p.Environ, false)
	if err != nil {
		return err
	}
	if c.DatabaseURL == "" {
		return errors.New("LGSP_DATABASE_URL: a gateway node alone needs the database that the others share")
	}
	if _, err := os.Stat(c.SecretFile); err != nil { // a secret of its own would fit no key and no token
		return fmt.Errorf("LGSP_SECRET_FILE: a gateway node alone needs the secret that the platform made: %w", err)
	}
	slog.SetDefault(c.logger(p.Stderr, false))
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
	own := c
	own.PortalAddr = "" // the portal is another machine's
	doors, err := openDoors(own)
	if err != nil {
		return err
	}
	defer doors.close()
	db, err := openDatabase(ctx, c)
	if err != nil {
		return err
	}
	defer db.close()
	platform, err := wire(ctx, c, db)
	if err != nil {
		return err
	}
	return platform.runNode(ctx, doors)
}

func (p *platform) runNode(ctx context.Context, d doors) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var services, servers errgroup.Group
	services.Go(func() error { return p.node.Run(working) })
	services.Go(func() error { return p.oauth.Run(working) }) // keeps the keys fresh
	services.Go(func() error { return p.config.files.watch(working) })
	ops := telemetry.Ops{Ready: p.ready, Metrics: p.metrics, Pprof: p.config.Pprof}
	for _, door := range []door{
		{d.gateway, p.node.Server(p.config.files.server(tls.NoClientCert))},
		{d.mtls, secured(server(withCertificate(p.config.TrustedProxies, p.node)), p.config.files.server(tls.RequestClientCert))},
		{d.ops, server(ops.Handler())},
	} {
		if door.Listener != nil {
			servers.Go(func() error { return door.serveUntil(ctx, p.config.Drain) })
		}
	}
	context.AfterFunc(ctx, func() { p.stopping.Store(true) })
	err := servers.Wait()
	stop()
	return errors.Join(err, services.Wait())
}
