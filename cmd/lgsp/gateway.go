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
	c.notice = c.Drain / 4
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
	d.tell(p.metrics)
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var services errgroup.Group
	services.Go(func() error { return p.node.Run(working) })
	services.Go(func() error { return p.oauth.Run(working) }) // keeps the keys fresh
	services.Go(func() error { return p.config.files.watch(working) })
	return p.keep(ctx, p.nodeReady, d.ops, []door{
		{d.gateway, p.node.Server(p.config.files.server(tls.NoClientCert))},
		{d.mtls, secured(server(withCertificate(p.config.TrustedProxies, p.node)), p.config.files.server(tls.RequestClientCert))},
	}, func() error {
		stop()
		return services.Wait()
	})
}

// nodeReady is nil when the node may be given calls: with the database away too,
// for it goes on with what it knows.
func (p *platform) nodeReady(context.Context) error {
	if p.stopping.Load() {
		return errStopping
	}
	return p.node.Ready()
}
