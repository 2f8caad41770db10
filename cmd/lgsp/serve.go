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

// doors are the listeners, opened before anything slow, so that a taken port
// is told at once. The one for clients with certificates is nil when it is off.
type doors struct{ portal, gateway, mtls, ops net.Listener }

func openDoors(c config) (doors, error) {
	var d doors
	var all []error
	bounds, err := c.bounds()
	if err != nil {
		return d, err
	}
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
			*door.listener = c.guard(listener, bounds)
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
