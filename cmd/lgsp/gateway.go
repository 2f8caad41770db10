package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"lgsp/internal/pg"
	"lgsp/migrations"
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
	db, err := lazyDatabase(c)
	if err != nil {
		return err
	}
	defer db.close()
	platform, err := assemble(c, db)
	if err != nil {
		return err
	}
	met := platform.meetDatabase(ctx)
	if met != nil && !(pg.IsAway(met) && platform.node.HasKept()) {
		return met
	}
	return platform.runNode(ctx, doors, met)
}

// meetDatabase is what a node does with the database before it serves. Without
// an error, all is done.
func (p *platform) meetDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := migrations.Up(ctx, p.db.URL); err != nil {
		return err
	}
	return p.prepare(ctx, p.followSecret)
}

// meetLater meets a database that is away, which met says, once it is there:
// meanwhile the node serves by what it kept on disk. Any other fault ends the
// node, as it would have at its start.
func (p *platform) meetLater(ctx context.Context, met error) error {
	for pg.IsAway(met) {
		slog.ErrorContext(ctx, "the database is away; the node serves by the configuration that it kept", "err", met)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(5 * time.Second):
		}
		met = p.meetDatabase(ctx)
	}
	return met
}

// runNode serves until ctx ends; met says how meeting the database went.
func (p *platform) runNode(ctx context.Context, d doors, met error) error {
	d.tell(p.metrics)
	ctx, stopServing := context.WithCancel(ctx)
	defer stopServing()
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var services errgroup.Group
	services.Go(func() error {
		err := p.meetLater(working, met)
		if err != nil {
			stopServing()
		}
		return err
	})
	services.Go(func() error { return p.node.Run(working) })
	services.Go(func() error { return p.oauth.Run(working) }) // keeps the keys fresh
	services.Go(func() error { return p.config.files.watch(working) })
	return p.keep(ctx, p.readyToServe, d.ops, []door{
		p.gatewayDoor(d.gateway),
		{d.mtls, secured(server(withCertificate(p.config.TrustedProxies, p.node)), p.config.files.server(tls.RequestClientCert))},
	}, func() error {
		stop()
		return services.Wait()
	})
}
