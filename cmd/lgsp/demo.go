package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"lgsp/demo"
	"lgsp/portal"
)

// startDemo runs the demo province's simulated systems and, at the first
// start, fills the platform with it.
func (p *platform) startDemo(ctx context.Context) (*demo.Running, error) {
	running, err := demo.Start(ctx, p.rooms())
	if err != nil {
		return nil, fmt.Errorf("demo province: %w", err)
	}
	p.upstreams.allowLoopback(running.HostPorts())
	p.portal.DemoAccounts = func(context.Context) ([]portal.DemoAccount, error) {
		var list []portal.DemoAccount
		for _, a := range running.Info.Accounts {
			list = append(list, portal.DemoAccount{Role: a.Role, Email: a.Email, Password: a.Password})
		}
		return list, nil
	}
	return running, nil
}

func (p *platform) rooms() demo.Rooms {
	return demo.Rooms{
		Auth: p.auth, Catalog: p.catalog, Agreements: p.agreements,
		Portal: p.config.PortalURL, Gateway: p.config.GatewayURL, Ops: localOrigin("http", p.config.OpsAddr), Issuer: p.config.Issuer,
		Dir: p.config.DataDir,
	}
}

// refuseDemoData keeps the demo's accounts, whose passwords are printed, out
// of a platform that is meant in earnest.
func (p *platform) refuseDemoData(ctx context.Context) error {
	has, err := p.auth.HasDemo(ctx)
	if err != nil {
		return err
	}
	if has {
		return errors.New("this database holds demo accounts; start with --demo, or name another LGSP_DATABASE_URL or LGSP_DATA_DIR")
	}
	return nil
}

// runDemo prints what a script needs to try the running demo.
func runDemo(_ context.Context, p program) error {
	if len(p.Args) == 0 || p.Args[0] != "info" {
		return errors.New("usage: lgsp demo info [--json]")
	}
	flags := flag.NewFlagSet("demo info", flag.ContinueOnError)
	flags.SetOutput(p.Stderr)
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(p.Args[1:]); err != nil {
		return err
	}
	c, err := readConfig(p.Environ, true)
	if err != nil {
		return err
	}
	info, err := demo.ReadInfo(c.DataDir)
	if err != nil {
		return err
	}
	if *asJSON {
		encoder := json.NewEncoder(p.Stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(info)
	}
	info.Print(p.Stdout)
	return nil
}
