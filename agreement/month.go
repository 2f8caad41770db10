package agreement

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Course is what became of agreements between two moments.
type Course struct {
	Asked   int // requests that came
	Granted int // came into force
	Renewed int // of those, in place of one before
	Refused int
	Ended   int     // by an act, or with their last day
	Decided int     // by people, as in OnTime
	Within  int     // of those, within the term
	Median  float64 // working days from the request to the decision
}

// The agency is uuid.Nil for all of them. A row of uuid.Nil is all together.
const (
	courseDecidedSQL = workedDays + `
select coalesce(agency_id, '00000000-0000-0000-0000-000000000000') as agency, count(*) as decided, count(*) filter (where within) as within,
       coalesce(percentile_cont(0.5) within group (order by took), 0) as median
  from decided
 where $4::uuid = '00000000-0000-0000-0000-000000000000' or agency_id = $4
 group by grouping sets ((), (agency_id))`

	// What ends by itself does so in the month of its last day, once that is over.
	courseEventsSQL = `
select coalesce(agency_id, '00000000-0000-0000-0000-000000000000') as agency, sum(asked)::int as asked, sum(granted)::int as granted,
       sum(renewed)::int as renewed, sum(refused)::int as refused, sum(ended)::int as ended
  from (select agency_id, 1 as asked, 0 as granted, 0 as renewed, 0 as refused, 0 as ended
          from agreement.agreement
         where requested_at >= $1 and requested_at < $2
        union all
        select agency_id, 0, (refusal_basis is null)::int, (refusal_basis is null and replaces is not null)::int, (refusal_basis is not null)::int, 0
          from agreement.agreement
         where decided_at >= $1 and decided_at < $2
        union all
        select a.agency_id, 0, 0, 0, 0, 1
          from agreement.event e
          join agreement.agreement a on a.id = e.agreement_id
         where e.what in ('ended', 'application-gone') and e.at >= $1 and e.at < $2 and a.decided_at is not null
        union all
        select agency_id, 0, 0, 0, 0, 1
          from agreement.agreement
         where state in ('active', 'suspended') and ends >= ($1::timestamptz at time zone 'Asia/Ho_Chi_Minh')::date
           and ends < (least($2::timestamptz, $4::timestamptz) at time zone 'Asia/Ho_Chi_Minh')::date) every
 where $3::uuid = '00000000-0000-0000-0000-000000000000' or agency_id = $3
 group by grouping sets ((), (agency_id))`
)

// CourseBetween is what became of an agency's agreements from a moment up to
// another, by agency; of uuid.Nil it is all agencies'. Under uuid.Nil lies the
// sum of all that was asked for. It is for the other rooms, which ask the policy
// themselves.
func (a *Agreements) CourseBetween(ctx context.Context, agency uuid.UUID, from, until time.Time) (map[uuid.UUID]Course, error) {
	type events struct {
		Agency                                  uuid.UUID
		Asked, Granted, Renewed, Refused, Ended *int
	}
	happened, err := pg.All[events](ctx, a.DB, courseEventsSQL, from, until, agency, a.Now())
	if err != nil {
		return nil, fmt.Errorf("count what became of agreements: %w", err)
	}
	type decisions struct {
		Agency          uuid.UUID
		Decided, Within int
		Median          float64
	}
	decided, err := pg.All[decisions](ctx, a.DB, courseDecidedSQL, from, until, dayOf(from.AddDate(0, -2, 0)), agency)
	if err != nil {
		return nil, fmt.Errorf("count decisions: %w", err)
	}
	course := map[uuid.UUID]Course{}
	for _, e := range happened {
		if e.Asked == nil { // of nothing there is no sum
			continue
		}
		course[e.Agency] = Course{Asked: *e.Asked, Granted: *e.Granted, Renewed: *e.Renewed, Refused: *e.Refused, Ended: *e.Ended}
	}
	for _, d := range decided {
		c := course[d.Agency]
		c.Decided, c.Within, c.Median = d.Decided, d.Within, d.Median
		course[d.Agency] = c
	}
	return course, nil
}

// FirstWorked is the beginning of the first day that is worked, at at or later.
func (a *Agreements) FirstWorked(ctx context.Context, at time.Time) (time.Time, error) {
	days, err := a.calendarOf(ctx, a.DB, at, at.AddDate(0, 0, farAhead))
	if err != nil {
		return time.Time{}, err
	}
	day := startOf(at)
	for ahead := 0; !days.works(day) && ahead < farAhead; ahead++ {
		day = day.AddDate(0, 0, 1)
	}
	return day, nil
}
