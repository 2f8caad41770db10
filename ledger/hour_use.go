package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// hourUse is a row that the calls of an hour add to.
type hourUse struct {
	hour            time.Time
	version, agency uuid.UUID
}

const (
	addHourSQL = `
insert into ledger.hour_use as u (hour, version_id, agency_id, calls, refused, failed)
values ($1, $2, $3, $4, $5, $6)
on conflict on constraint hour_use_pkey do update
   set calls = u.calls + excluded.calls, refused = u.refused + excluded.refused, failed = u.failed + excluded.failed`
	dropHoursSQL = `
delete from ledger.hour_use where hour < $1`
)

// hoursKept is how long an hour is kept after it began.
const hoursKept = 48 * time.Hour

// countHours adds exchanges to the hours that they were made in, as countUse
// adds them to the days. now is the clock that old hours go by.
func countHours(ctx context.Context, tx pgx.Tx, exchanges []entry, now time.Time) error {
	hours := map[hourUse]Calls{}
	for _, e := range exchanges {
		c := e.columns
		if c.VersionID == uuid.Nil || c.AgencyID == uuid.Nil || c.Kind == kindSandbox || c.At.Before(now.Add(-hoursKept)) {
			continue
		}
		key := hourUse{c.At.UTC().Truncate(time.Hour), c.VersionID, c.AgencyID}
		sum := hours[key]
		sum.add(c.Status)
		hours[key] = sum
	}
	if len(hours) == 0 {
		return nil
	}
	keys := make([]hourUse, 0, len(hours))
	for key := range hours {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b hourUse) int { // nobody waits in a circle
		return cmp.Or(a.hour.Compare(b.hour), cmp.Compare(a.version.String(), b.version.String()), cmp.Compare(a.agency.String(), b.agency.String()))
	})
	batch := &pgx.Batch{}
	for _, key := range keys {
		sum := hours[key]
		batch.Queue(addHourSQL, key.hour, key.version, key.agency, sum.Calls, sum.Refused, sum.Failed)
	}
	batch.Queue(dropHoursSQL, now.UTC().Truncate(time.Hour).Add(-hoursKept))
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("count calls by hour: %w", err)
	}
	return nil
}

// add counts one call by how it was answered.
func (c *Calls) add(status int32) {
	c.Calls++
	switch {
	case status >= 500 || status == 0:
		c.Failed++
	case status >= 400:
		c.Refused++
	}
}

// VersionCalls are the calls of a version in some time.
type VersionCalls struct {
	VersionID uuid.UUID `json:"version_id"`
	AgencyID  uuid.UUID `json:"agency_id"` // whose service it is
	Calls     int64     `json:"calls"`
	Refused   int64     `json:"refused"` // answered with 4xx
	Failed    int64     `json:"failed"`  // answered with 5xx, or not to the end
}

const lastDaySQL = `
select version_id, agency_id, sum(calls)::bigint as calls, sum(refused)::bigint as refused, sum(failed)::bigint as failed
  from ledger.hour_use
 where hour > $1
 group by version_id, agency_id
 order by version_id, agency_id`

// LastDay are the calls of every version in this hour and the 23 before it, for
// who may read all calls. It fails with what May says of exchange.read.
func (l *Ledger) LastDay(ctx context.Context, who auth.Principal) ([]VersionCalls, error) {
	if err := l.May(ctx, who, "exchange.read", uuid.Nil); err != nil {
		return nil, err
	}
	list, err := pg.All[VersionCalls](ctx, l.DB, lastDaySQL, l.Now().UTC().Truncate(time.Hour).Add(-24*time.Hour))
	if err != nil {
		return nil, fmt.Errorf("count the calls of the last day: %w", err)
	}
	return list, nil
}
