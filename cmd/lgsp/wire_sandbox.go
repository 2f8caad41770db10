package main

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
)

// exposeSandbox puts a version's sandbox into the gateway's table. A document
// of which too much would have to be held is answered from and not checked.
func exposeSandbox(ctx context.Context, tx pgx.Tx, e catalog.Exposure) error {
	route, err := routeOf(e)
	if err != nil {
		return err
	}
	document, err := e.Document()
	if err != nil {
		return err
	}
	s := gateway.Sandbox{Route: route}
	if s.Described, _, err = gateway.Describe(document, route.Operations); err != nil && problem.Code(err) != "check-too-large" {
		return err
	}
	if s.Mocked, err = gateway.Mock(document, route.Operations); err != nil {
		return err
	}
	return gateway.ExposeSandbox(ctx, tx, s)
}

// isSandbox reports whether an audience is a sandbox that is open: any
// application may have a token for it, as any may call it.
func (p *platform) isSandbox(ctx context.Context, audience string) (bool, error) {
	path, ours := strings.CutPrefix(audience, p.config.GatewayURL+"/")
	path, is := strings.CutSuffix(path, gateway.SandboxSuffix)
	parts := strings.Split(path, "/")
	if !ours || !is || len(parts) != 3 {
		return false, nil
	}
	v, err := p.catalog.VersionBySlug(ctx, auth.Principal{}, parts[0], parts[1], parts[2])
	if problem.Is(err, problem.NotFound) {
		return false, nil
	}
	return v.HasSandbox(), err
}
