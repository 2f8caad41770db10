package agreement

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
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

// Held is an agreement in force of an application.
type Held struct {
	ID         uuid.UUID
	Purpose    string
	Operations []Operation
}

const inForceForSQL = `
select id, purpose, operations
  from agreement.agreement
 where application_id = $1 and version_id = $2 and state = 'active' and $3::date between starts and ends
 order by id`

// InForceFor lists the agreements of an application on a version that are in force
// today: at most one a purpose. It is for the other rooms, which ask the
// policy themselves.
func (a *Agreements) InForceFor(ctx context.Context, application, version uuid.UUID) ([]Held, error) {
	list, err := pg.All[Held](ctx, a.DB, inForceForSQL, application, version, a.today())
	if err != nil {
		return nil, fmt.Errorf("list agreements of application %s on version %s: %w", application, version, err)
	}
	return list, nil
}
