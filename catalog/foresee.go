package catalog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

// Foresee does what do does with versions and undoes all of it: nothing is
// recorded, and neither callers nor readers see any of it. In place of the
// gateway expose learns how a version would stand, inside the transaction. It
// fails as do does.
func (c *Catalog) Foresee(ctx context.Context, do func(would *Catalog) error, expose func(e Exposure) error) error {
	tx, err := c.DB.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin to foresee: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it is never committed
	return do(c.would(tx, expose))
}

// would is the catalogue inside a transaction that is undone; expose, when set,
// learns what the gateway would.
func (c *Catalog) would(tx pgx.Tx, expose func(e Exposure) error) *Catalog {
	return &Catalog{
		asIf: true,
		DB:   tx, Now: c.Now, May: c.May, Agencies: c.Agencies, AgencyBySlug: c.AgencyBySlug, Names: c.Names,
		Expose: func(_ context.Context, _ pgx.Tx, e Exposure) error {
			if expose == nil {
				return nil
			}
			return expose(e)
		},
		Withdraw:  func(context.Context, pgx.Tx, Ended) error { return nil },
		Record:    func(context.Context, pgx.Tx, auth.Act) error { return nil },
		CallersOf: c.CallersOf, CheckTraffic: c.CheckTraffic, Unchecked: c.Unchecked, TrafficAddresses: c.TrafficAddresses,
		Loopback: c.Loopback, Terms: c.Terms, RequestDue: c.RequestDue, Places: c.Places,
	}
}
