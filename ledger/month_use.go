package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Use is how much something was called between two days.
type Use struct {
	Of      uuid.UUID // a version, an agency; uuid.Nil: all together
	Callers int64     // applications
	Calls
	Times Times
}

// maxUse is how many versions or agencies are told of, the most called first.
const maxUse = 1000

const useColumns = `
       count(distinct application_id) filter (where application_id <> '00000000-0000-0000-0000-000000000000') as callers,
       coalesce(sum(calls), 0)::bigint as calls, coalesce(sum(refused), 0)::bigint as refused, coalesce(sum(failed), 0)::bigint as failed, coalesce(sum(bytes), 0)::bigint as bytes,
       array[coalesce(sum(times[1]), 0), coalesce(sum(times[2]), 0), coalesce(sum(times[3]), 0), coalesce(sum(times[4]), 0), coalesce(sum(times[5]), 0),
             coalesce(sum(times[6]), 0), coalesce(sum(times[7]), 0), coalesce(sum(times[8]), 0), coalesce(sum(times[9]), 0), coalesce(sum(times[10]), 0)]::bigint[] as times
  from ledger.day_use`

const (
	useOfAgencySQL = `
select coalesce(version_id, '00000000-0000-0000-0000-000000000000') as of,` + useColumns + `
 where agency_id = $1 and day >= $2 and day < $3
 group by grouping sets ((), (version_id))
 order by grouping(version_id) desc, calls desc, version_id
 limit $4`
	useOfAllSQL = `
select coalesce(agency_id, '00000000-0000-0000-0000-000000000000') as of,` + useColumns + `
 where day >= $1 and day < $2
 group by grouping sets ((), (agency_id))
 order by grouping(agency_id) desc, calls desc, agency_id
 limit $3`
)

// UseBetween is how an agency's services were called from a day up to another,
// which is not counted: all together first, then each that was called, the most
// called first, at most 1,000. Of uuid.Nil it is the province, by agency. It is
// for the other rooms, which ask the policy themselves.
func (l *Ledger) UseBetween(ctx context.Context, agency uuid.UUID, from, until time.Time) ([]Use, error) {
	sql, args := useOfAgencySQL, []any{agency, from, until, maxUse + 1}
	if agency == uuid.Nil {
		sql, args = useOfAllSQL, args[1:]
	}
	list, err := pg.All[Use](ctx, l.DB, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("count calls of agency %s: %w", agency, err)
	}
	return list, nil
}

// Stop is an application that called a version, and does no more.
type Stop struct {
	VersionID     uuid.UUID
	ApplicationID uuid.UUID
	LastDay       time.Time
	Before        int64 // calls in the days before
}

// stopsSQL counts the days from $2 to $3 as before, and those up to $4 as now.
const stopsSQL = `
select version_id, application_id, max(day) as last_day, sum(calls)::bigint as before
  from ledger.day_use
 where agency_id = $1 and day >= $2 and day < $4 and application_id <> '00000000-0000-0000-0000-000000000000'
 group by version_id, application_id
having max(day) < $3
 order by before desc, version_id, application_id
 limit 100`

// StoppedBetween are the applications that called an agency's services from a
// day on and none after another, up to a third, which is not counted: those
// that called most first, at most 100. It is for the other rooms, which ask
// the policy themselves.
func (l *Ledger) StoppedBetween(ctx context.Context, agency uuid.UUID, before, from, until time.Time) ([]Stop, error) {
	list, err := pg.All[Stop](ctx, l.DB, stopsSQL, agency, before, from, until)
	if err != nil {
		return nil, fmt.Errorf("list who stopped calling agency %s: %w", agency, err)
	}
	return list, nil
}
