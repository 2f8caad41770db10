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

// here is the clock by which days are counted: UTC+7, no summer time.
var here = time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)

// TimeSteps are up to how many milliseconds the calls of one step took; the
// last step of Times holds those that took longer.
var TimeSteps = [...]int64{10, 25, 50, 100, 250, 500, 1000, 2500, 5000}

// Times are how many calls took how long, by TimeSteps.
type Times [len(TimeSteps) + 1]int64

// Within is up to how many milliseconds the quickest share of the calls took,
// of 100; 0 when there are none. Longer than the last step is the last step.
func (t Times) Within(percent int64) int64 {
	var all, seen int64
	for _, n := range t {
		all += n
	}
	for i, n := range t {
		if seen += n; seen > 0 && seen*100 >= all*percent {
			return TimeSteps[min(i, len(TimeSteps)-1)]
		}
	}
	return 0
}

// Calls are how many calls there were, and what became of them.
type Calls struct {
	Calls   int64 `json:"calls"`
	Refused int64 `json:"refused"` // answered with 4xx
	Failed  int64 `json:"failed"`  // answered with 5xx, or not to the end
	Bytes   int64 `json:"bytes"`   // of the answers
}

// dayUse is a row that the calls of a day add to.
type dayUse struct {
	day         string
	version     uuid.UUID
	operation   string
	application uuid.UUID
	agreement   uuid.UUID
	agency      uuid.UUID
}

type counted struct {
	Calls
	times Times
}

const addUseSQL = `
insert into ledger.day_use as u (day, version_id, operation, application_id, agreement_id, agency_id, calls, refused, failed, bytes, times)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict on constraint day_use_pkey do update
   set calls = u.calls + excluded.calls, refused = u.refused + excluded.refused, failed = u.failed + excluded.failed, bytes = u.bytes + excluded.bytes,
       times = array(select t.a + t.b from unnest(u.times, excluded.times) with ordinality as t(a, b, i) order by t.i)`

// countUse adds exchanges to the days that they were made on. Calls of no
// version are no service's, and those of sandboxes no use.
func countUse(ctx context.Context, tx pgx.Tx, exchanges []entry) error {
	days := map[dayUse]counted{}
	for _, e := range exchanges {
		c := e.columns
		if c.VersionID == uuid.Nil || c.AgencyID == uuid.Nil || c.Kind == kindSandbox {
			continue
		}
		key := dayUse{c.At.In(here).Format(time.DateOnly), c.VersionID, c.Operation, c.ApplicationID, c.AgreementID, c.AgencyID}
		sum := days[key]
		sum.Calls.Calls++
		sum.Bytes += e.bytes
		switch {
		case c.Status >= 500 || c.Status == 0:
			sum.Failed++
		case c.Status >= 400:
			sum.Refused++
		}
		step, _ := slices.BinarySearch(TimeSteps[:], (e.micros+999)/1000)
		sum.times[step]++
		days[key] = sum
	}
	batch := &pgx.Batch{}
	for _, key := range inOrder(days) {
		sum := days[key]
		batch.Queue(addUseSQL, key.day, key.version, key.operation, key.application, key.agreement, key.agency,
			sum.Calls.Calls, sum.Refused, sum.Failed, sum.Bytes, sum.times[:])
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("count calls by day: %w", err)
	}
	return nil
}

// inOrder are the rows in the order of their key, so that nobody waits in a circle.
func inOrder(days map[dayUse]counted) []dayUse {
	list := make([]dayUse, 0, len(days))
	for key := range days {
		list = append(list, key)
	}
	slices.SortFunc(list, func(a, b dayUse) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.version.String(), b.version.String()), cmp.Compare(a.operation, b.operation),
			cmp.Compare(a.application.String(), b.application.String()), cmp.Compare(a.agreement.String(), b.agreement.String()))
	})
	return list
}

// ServiceDay is the use of a version on one day.
type ServiceDay struct {
	Day       time.Time
	VersionID uuid.UUID
	Callers   int64 // applications
	Calls
	Times Times
}

const serviceDaysSQL = `
select day, version_id, count(distinct application_id) filter (where application_id <> '00000000-0000-0000-0000-000000000000') as callers,
       sum(calls)::bigint as calls, sum(refused)::bigint as refused, sum(failed)::bigint as failed, sum(bytes)::bigint as bytes,
       array[sum(times[1]), sum(times[2]), sum(times[3]), sum(times[4]), sum(times[5]), sum(times[6]), sum(times[7]), sum(times[8]), sum(times[9]), sum(times[10])]::bigint[] as times
  from ledger.day_use
 where agency_id = $1 and day between $2 and $3
 group by day, version_id
 order by day, version_id`

// ServiceDays are the calls of an agency's services from a day to another (both
// counted), for who may read its calls.
func (l *Ledger) ServiceDays(ctx context.Context, who auth.Principal, agency uuid.UUID, from, to time.Time) ([]ServiceDay, error) {
	if err := l.May(ctx, who, "exchange.read", agency); err != nil {
		return nil, err
	}
	list, err := pg.All[ServiceDay](ctx, l.DB, serviceDaysSQL, agency, from, to)
	if err != nil {
		return nil, fmt.Errorf("count calls of agency %s: %w", agency, err)
	}
	return list, nil
}

// Connection is what an application called of a version under an agreement.
type Connection struct {
	VersionID     uuid.UUID
	ApplicationID uuid.UUID // uuid.Nil: nobody was recognised
	AgreementID   uuid.UUID // uuid.Nil: none
	LastDay       time.Time
	Calls
	Before int64 // calls in as many days before
}

const connectionsSQL = `
select version_id, application_id, agreement_id, max(day) as last_day,
       coalesce(sum(calls) filter (where day >= $3), 0)::bigint as calls, coalesce(sum(refused) filter (where day >= $3), 0)::bigint as refused,
       coalesce(sum(failed) filter (where day >= $3), 0)::bigint as failed, coalesce(sum(bytes) filter (where day >= $3), 0)::bigint as bytes,
       coalesce(sum(calls) filter (where day < $3), 0)::bigint as before
  from ledger.day_use
 where agency_id = $1 and day between $2 and $4
 group by version_id, application_id, agreement_id
 order by calls desc, before desc, version_id, application_id, agreement_id
 limit 10000`

// Connections are who called an agency's services in the days up to a day (it is
// counted), and who did in as many days before; the most calls first.
func (l *Ledger) Connections(ctx context.Context, who auth.Principal, agency uuid.UUID, days int, to time.Time) ([]Connection, error) {
	if err := l.May(ctx, who, "exchange.read", agency); err != nil {
		return nil, err
	}
	list, err := pg.All[Connection](ctx, l.DB, connectionsSQL, agency, to.AddDate(0, 0, 1-2*days), to.AddDate(0, 0, 1-days), to)
	if err != nil {
		return nil, fmt.Errorf("list who calls agency %s: %w", agency, err)
	}
	return list, nil
}

// ApplicationCalls are the calls of an application in some days.
type ApplicationCalls struct {
	ApplicationID uuid.UUID // uuid.Nil: nobody was recognised
	Calls
}

const applicationCallsSQL = `
select application_id, sum(calls)::bigint as calls, sum(refused)::bigint as refused, sum(failed)::bigint as failed, sum(bytes)::bigint as bytes
  from ledger.day_use
 where day between $1 and $2
 group by application_id
 order by calls desc, application_id
 limit 10000`

// CallsByApplication are the calls of everybody from a day to another (both
// counted), the most first, for who may read all calls. It fails with what May
// says of exchange.read.
func (l *Ledger) CallsByApplication(ctx context.Context, who auth.Principal, from, to time.Time) ([]ApplicationCalls, error) {
	if err := l.May(ctx, who, "exchange.read", uuid.Nil); err != nil {
		return nil, err
	}
	list, err := pg.All[ApplicationCalls](ctx, l.DB, applicationCallsSQL, from, to)
	if err != nil {
		return nil, fmt.Errorf("count calls by application: %w", err)
	}
	return list, nil
}

// Plus is both together.
func (c Calls) Plus(d Calls) Calls {
	return Calls{c.Calls + d.Calls, c.Refused + d.Refused, c.Failed + d.Failed, c.Bytes + d.Bytes}
}
