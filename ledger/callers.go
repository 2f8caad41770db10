package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Caller is an application that calls an operation of a version.
type Caller struct {
	ApplicationID uuid.UUID
	Operation     string
	LastAt        time.Time
}

// maxCallers is how many pairs of application and operation are told.
const maxCallers = 10_000

// callersSQL goes along the index from one pair to the next, so that it costs
// the same whether each called once or a million times.
const callersSQL = `
with recursive pair as (
  (select application_id, operation, at
     from ledger.entry
    where kind = 'exchange' and application_id is not null and status not in (401, 403) and version_id = $1
    order by application_id, operation, at desc
    limit 1)
  union all
  select next.application_id, next.operation, next.at
    from pair, lateral (
      select application_id, operation, at
        from ledger.entry
       where kind = 'exchange' and application_id is not null and status not in (401, 403) and version_id = $1
         and (application_id, operation) > (pair.application_id, pair.operation)
       order by application_id, operation, at desc
       limit 1) as next)
select application_id, operation, at as last_at
  from pair
 where at >= $2
 order by at desc
 limit $3`

// CallersOf are the applications that called operations of a version since
// then, the latest first, at most 10,000 pairs. Calls that were refused for
// want of a credential or an agreement do not count, nor do those of nobody.
// It is for the other rooms, which ask the policy themselves.
func (l *Ledger) CallersOf(ctx context.Context, version uuid.UUID, since time.Time) ([]Caller, error) {
	list, err := pg.All[Caller](ctx, l.DB, callersSQL, version, since, maxCallers)
	if err != nil {
		return nil, fmt.Errorf("list callers of version %s: %w", version, err)
	}
	return list, nil
}
