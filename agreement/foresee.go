package agreement

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

// Foresee does what do does with the agreements, gives what the gateway would
// be told by it, in order, and undoes all of it: nothing is recorded, and
// nobody is told. So what is foreseen is what the act itself would do, or the
// problem that it would fail with.
func (a *Agreements) Foresee(ctx context.Context, do func(would *Agreements) error) ([]Granted, error) {
	tx, err := a.DB.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin to foresee: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it is never committed
	var told []Granted
	would := *a
	would.DB, would.Notify = tx, nil
	would.Grant = func(_ context.Context, _ pgx.Tx, g Granted) error {
		told = append(told, g)
		return nil
	}
	would.Record = func(context.Context, pgx.Tx, auth.Act) error { return nil }
	would.Remind = func(context.Context, pgx.Tx, Notice) error { return nil }
	err = do(&would)
	return told, err
}
