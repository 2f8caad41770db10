package main

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/gateway"
)

// agencyRenamed has gateway and search follow an agency to its new slug or names.
func (p *platform) agencyRenamed(ctx context.Context, tx pgx.Tx, before, after auth.Agency) error {
	if before.Slug != after.Slug {
		if err := gateway.Readdress(ctx, tx, gateway.Readdressing{From: after.ID, To: after.ID, Slug: after.Slug, At: p.auth.Now()}); err != nil {
			return err
		}
	}
	return p.catalog.FollowAgency(ctx, tx, agencyOf(after))
}

// byAddressNow lets tokens be asked for by an address that a version had before
// its agency was renamed: it gives the audience as it is named now.
func (p *platform) byAddressNow(ctx context.Context, audience string) (string, error) {
	prefix, ours := strings.CutPrefix(audience, p.config.GatewayURL)
	if !ours {
		return audience, nil
	}
	now, err := gateway.NowAt(ctx, p.db.Pool, prefix)
	if err != nil || now == "" {
		return audience, err
	}
	return p.config.GatewayURL + now, nil
}
