package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/gateway"
	"lgsp/portal"
)

// wireNodes is what is known of all nodes together.
func (p *platform) wireNodes() {
	*p.nodes = gateway.Nodes{DB: p.db.Pool, Now: time.Now, May: p.policy.May, Tell: p.tellOfOutage}
}

// tellOfOutage has the publishers of a version's agency told that its system is
// down, or back.
func (p *platform) tellOfOutage(ctx context.Context, tx pgx.Tx, o gateway.Outage) error {
	v, err := p.catalog.VersionByID(ctx, auth.Platform("health"), o.VersionID)
	if err != nil {
		return err
	}
	e, err := portal.OutageEvent(v, o)
	if err != nil {
		return err
	}
	return p.portal.Notices.Tell(ctx, tx, e)
}

// nodeName is what this node is called among the others: two on one machine
// listen at two addresses.
func (p *platform) nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "?" // the address must do
	}
	return host + " " + p.config.GatewayAddr
}

// release is the revision that was built, in its first twelve characters; "" of
// one built without any.
func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(len(s.Value), 12)]
		}
	}
	return ""
}
