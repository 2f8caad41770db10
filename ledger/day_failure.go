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

// dayFailure is a row that the failed calls of a day add to.
type dayFailure struct {
	day         string
	application uuid.UUID
	version     uuid.UUID
	operation   string
	status      int32
	code        string
}

type failed struct {
	calls  int64
	lastAt time.Time
}

const addFailureSQL = `
insert into ledger.day_failure as f (day, application_id, version_id, operation, status, code, calls, last_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict on constraint day_failure_pkey do update set calls = f.calls + excluded.calls, last_at = greatest(f.last_at, excluded.last_at)`

// countFailures adds those exchanges of applications that were refused or failed
// to the days that they were made on.
func countFailures(ctx context.Context, tx pgx.Tx, exchanges []entry) error {
	days := map[dayFailure]failed{}
	for _, e := range exchanges {
		c := e.columns
		if c.ApplicationID == uuid.Nil || c.VersionID == uuid.Nil || c.Kind == kindSandbox || c.Status > 0 && c.Status < 400 {
			continue
		}
		key := dayFailure{c.At.In(here).Format(time.DateOnly), c.ApplicationID, c.VersionID, c.Operation, c.Status, e.code}
		sum := days[key]
		sum.calls++
		if c.At.After(sum.lastAt) {
			sum.lastAt = c.At
		}
		days[key] = sum
	}
	keys := make([]dayFailure, 0, len(days))
	for key := range days {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b dayFailure) int { // so that nobody waits in a circle
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.application.String(), b.application.String()), cmp.Compare(a.version.String(), b.version.String()),
			cmp.Compare(a.operation, b.operation), cmp.Compare(a.status, b.status), cmp.Compare(a.code, b.code))
	})
	batch := &pgx.Batch{}
	for _, key := range keys {
		batch.Queue(addFailureSQL, key.day, key.application, key.version, key.operation, key.status, key.code, days[key].calls, days[key].lastAt)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("count failed calls by day: %w", err)
	}
	return nil
}

// Failure is what calls of an operation were refused or failed with.
type Failure struct {
	VersionID uuid.UUID `json:"version_id"`
	Operation string    `json:"operation"`
	Status    int       `json:"status"` // 0: the answer never began
	Code      string    `json:"code"`   // of the gateway's problem; "" where the service itself answered so
	Calls     int64     `json:"calls"`
	LastAt    time.Time `json:"last_at"`
}

const failuresSQL = `
select version_id, operation, status, code, sum(calls)::bigint as calls, max(last_at) as last_at
  from ledger.day_failure
 where application_id = $1 and day >= ($2::timestamptz at time zone interval '7 hours')::date
 group by version_id, operation, status, code
 order by last_at desc, version_id, operation, status, code
 limit $3`

// MaxFailures is how many kinds of failure are told at most.
const MaxFailures = 200

// FailuresOf are what an application's calls were refused or failed with since
// the day of a moment, the latest first, at most limit of them, for its owner
// and the auditor. It fails with what May returned.
func (l *Ledger) FailuresOf(ctx context.Context, who auth.Principal, application uuid.UUID, since time.Time, limit int) ([]Failure, error) {
	if err := l.mayRead(ctx, who, uuid.Nil, application); err != nil {
		return nil, err
	}
	list, err := pg.All[Failure](ctx, l.DB, failuresSQL, application, since, min(limit, MaxFailures))
	if err != nil {
		return nil, fmt.Errorf("list failures of application %s: %w", application, err)
	}
	return list, nil
}
