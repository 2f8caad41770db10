package main

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
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

// agencyEnds passes on what an agency has in the other rooms, or ends it where
// there is no successor. What it offers goes first: nothing else moves when
// that cannot.
func (p *platform) agencyEnds(ctx context.Context, tx pgx.Tx, e auth.Ending) error {
	from := agencyOf(e.Agency)
	if e.To == nil {
		if err := p.catalog.EndAgency(ctx, tx, from); err != nil {
			return err
		}
		return p.agreements.EndAgency(ctx, tx, e.Who, e.Agency.ID, e.Reason)
	}
	renamed, err := p.catalog.MoveAgency(ctx, tx, from, agencyOf(*e.To), e.At)
	if err != nil {
		return err
	}
	if err := gateway.Readdress(ctx, tx, gateway.Readdressing{From: e.Agency.ID, To: e.To.ID, Slug: e.To.Slug, APIs: renamed, At: e.At}); err != nil {
		return err
	}
	return agreement.MoveAgency(ctx, tx, e.Agency.ID, e.To.ID, e.To.NameVI)
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
