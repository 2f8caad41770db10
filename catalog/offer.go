package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Offer is what can be asked for of a version: its operations that need an
// agreement, with their access and fields, and its plan.
type Offer struct {
	Version    Version     `json:"version"`
	Plan       Plan        `json:"plan"`
	Operations []Operation `json:"operations"`
}

// Offer gives what can be asked for of a version. It fails with NotFound
// unless the version is published or deprecated.
func (c *Catalog) Offer(ctx context.Context, version uuid.UUID) (Offer, error) {
	v, err := c.anyVersion(ctx, version)
	if err != nil {
		return Offer{}, err
	}
	if v.State != Published && v.State != Deprecated {
		return Offer{}, problem.Errorf(problem.NotFound, "no version %s on offer", version)
	}
	v.UpstreamURL, v.Upstreams, v.Findings = "", []UpstreamShare{}, []Finding{}
	operations, err := operationsOf(ctx, c.DB, version)
	if err != nil {
		return Offer{}, err
	}
	plan, err := pg.One[Plan](ctx, c.DB, planSQL, v.PlanSlug)
	if errors.Is(err, pgx.ErrNoRows) {
		return Offer{}, problem.Errorf(problem.NotFound, "no version %s on offer", version)
	} else if err != nil {
		return Offer{}, fmt.Errorf("read plan %s: %w", v.PlanSlug, err)
	}
	operations = slices.DeleteFunc(operations, func(op Operation) bool { return op.Access != Restricted && op.Access != Personal })
	return Offer{Version: v, Plan: plan, Operations: operations}, nil
}
