package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// Usage is how often an operation was called on one day, in Vietnam.
type Usage struct {
	Day       time.Time `json:"day"`
	VersionID uuid.UUID `json:"version_id"`
	Operation string    `json:"operation"`
	Calls     int64     `json:"calls"`
	Refused   int64     `json:"refused"` // of those, answered with 400 or more
}

const usageSQL = `
select day, version_id, operation, sum(calls)::bigint as calls, sum(refused + failed)::bigint as refused
  from ledger.day_use
 where application_id = $1 and day >= ($2::timestamptz at time zone interval '7 hours')::date
 group by 1, 2, 3
 order by 1 desc, 2, 3
 limit 10000`

// UsageOf counts an application's calls since then by day and operation, for
// its owner and the auditor. It fails with what May returned.
func (l *Ledger) UsageOf(ctx context.Context, who auth.Principal, application uuid.UUID, since time.Time) ([]Usage, error) {
	if err := l.mayRead(ctx, who, uuid.Nil, application); err != nil {
		return nil, err
	}
	usage, err := pg.All[Usage](ctx, l.DB, usageSQL, application, since)
	if err != nil {
		return nil, fmt.Errorf("count calls of application %s: %w", application, err)
	}
	return usage, nil
}
