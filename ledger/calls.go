package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Called is how often an application called an operation, in all or in one
// quarter of an hour of the week.
type Called struct {
	ApplicationID uuid.UUID
	Operation     string
	Calls         int
	At            time.Time // the last of them
	Credential    string    // of the last: none, api_key, token, …; "" when that is not known any more
	Purpose       string    // of the agreement of the last
	Person        bool      // the last was made for a person
}

const (
	// calledUnderSQL goes along the calls under one agreement. The ids of
	// exchanges are in order of time, so $2 is where a time begins.
	calledUnderSQL = `
select last.application_id, last.operation, of.calls, last.at, coalesce(last.payload::json ->> 'credential', '') as credential,
       coalesce(last.payload::json ->> 'purpose', '') as purpose, last.person_id is not null as person
  from (select count(*)::int as calls, max(id::text)::uuid as last
          from ledger.entry
         where agreement_id = $1 and id >= $2 and kind = 'exchange' and application_id is not null and status not in (401, 403)
         group by operation) as of
  join ledger.entry as last on last.id = of.last
 order by last.operation`

	// calledSQL goes along the index of callersSQL; of each pair only the calls
	// since then are counted, and only the last is read.
	calledSQL = `
with recursive pair as (
  (select application_id, operation
     from ledger.entry
    where kind = 'exchange' and application_id is not null and status not in (401, 403) and version_id = $1
    order by application_id, operation, at desc
    limit 1)
  union all
  select next.application_id, next.operation
    from pair, lateral (
      select application_id, operation
        from ledger.entry
       where kind = 'exchange' and application_id is not null and status not in (401, 403) and version_id = $1
         and (application_id, operation) > (pair.application_id, pair.operation)
       order by application_id, operation, at desc
       limit 1) as next)
select pair.application_id, pair.operation, slot.calls, slot.at, last.credential, last.purpose, last.person
  from pair,
       lateral (
         select coalesce(payload::json ->> 'credential', '') as credential, coalesce(payload::json ->> 'purpose', '') as purpose,
                person_id is not null as person
           from ledger.entry
          where kind = 'exchange' and application_id is not null and status not in (401, 403) and version_id = $1
            and application_id = pair.application_id and operation = pair.operation and at >= $2
          order by at desc
          limit 1) as last,
       lateral (
         select count(*)::int as calls, max(at) as at
           from ledger.entry
          where kind = 'exchange' and application_id is not null and status not in (401, 403) and version_id = $1
            and application_id = pair.application_id and operation = pair.operation and at >= $2
          group by case when $3 then floor(extract(epoch from at) / 900)::bigint % 672 else 0 end) as slot
 order by pair.application_id, pair.operation, slot.at
 limit $4`
)

// maxCalled is how many rows of Called are given.
const maxCalled = 100_000

// CalledUnder counts the calls under an agreement since then, by operation.
// Those refused for want of a credential or an agreement do not count. It is
// for the other rooms, which ask the policy themselves.
func (l *Ledger) CalledUnder(ctx context.Context, agreement uuid.UUID, since time.Time) ([]Called, error) {
	list, err := pg.All[Called](ctx, l.DB, calledUnderSQL, agreement, firstID(since))
	if err != nil {
		return nil, fmt.Errorf("count calls under agreement %s: %w", agreement, err)
	}
	return list, nil
}

// CalledOf counts the calls of applications to a version since then, by
// application and operation, and by quarter of an hour of the week where by
// says so, as CalledUnder does. Calls of nobody are not counted.
func (l *Ledger) CalledOf(ctx context.Context, version uuid.UUID, since time.Time, by CountBy) ([]Called, error) {
	list, err := pg.All[Called](ctx, l.DB, calledSQL, version, since, by == ByQuarter, maxCalled)
	if err != nil {
		return nil, fmt.Errorf("count calls of version %s: %w", version, err)
	}
	return list, nil
}

// CountBy is how finely calls are counted.
type CountBy int

// The ways to count.
const (
	Together  CountBy = iota // all of an application to an operation
	ByQuarter                // by quarter of an hour of the week
)

// firstID is the least id of an exchange made then (RFC 9562 §5.7).
func firstID(at time.Time) uuid.UUID {
	var id uuid.UUID
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	return id
}
