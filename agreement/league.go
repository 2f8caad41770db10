package agreement

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// OnTime is how an agency kept its terms: of what its people decided in a
// period, how much within the term, and how many working days it took.
type OnTime struct {
	Agency  uuid.UUID `json:"agency"`
	Decided int       `json:"decided"` // by people; what a plan grants by itself takes no time
	Within  int       `json:"within"`  // of those
	Median  float64   `json:"median"`  // working days from the request to the decision, 0 on the same day
	Overdue int       `json:"overdue"` // waiting now, over their term
	Share   float64   `json:"share"`   // of Decided, within the term: 0 to 1
}

// MonthOnTime is one month of the whole province, or of an agency.
type MonthOnTime struct {
	Month   string  `json:"month"` // YYYY-MM
	Decided int     `json:"decided"`
	Within  int     `json:"within"`
	Median  float64 `json:"median"`
	Share   float64 `json:"share"`
}

// League is how agencies kept their terms, the best first.
type League struct {
	From     string        `json:"from"` // first month, YYYY-MM
	Until    string        `json:"until"`
	Agencies []OnTime      `json:"agencies"`
	Months   []MonthOnTime `json:"months"` // of all agencies together, each month of the period
}

// Working days are numbered from the first of the period on, so that how long a
// decision took is the difference of two numbers: $1 and $2 are the first and
// the last moment, $3 is a day before any request that may be decided in them.
const workedDays = `
with numbered as (
  select d.day::date as day,
         count(*) filter (where case when extract(isodow from d.day) in (6, 7) then h.kind = 'work' else h.kind is distinct from 'off' end)
           over (order by d.day) as n
    from generate_series($3::date, ($2 at time zone 'Asia/Ho_Chi_Minh')::date, interval '1 day') as d (day)
    left join agreement.holiday h on h.day = d.day::date
), decided as (
  select a.agency_id, to_char(a.decided_at at time zone 'Asia/Ho_Chi_Minh', 'YYYY-MM') as month,
         a.decided_at < a.due_at as within, e.n - s.n as took
    from agreement.agreement a
    join numbered s on s.day = greatest((a.requested_at at time zone 'Asia/Ho_Chi_Minh')::date, $3::date)
    join numbered e on e.day = (a.decided_at at time zone 'Asia/Ho_Chi_Minh')::date
   where a.decided_at >= $1 and a.decided_at < $2 and a.decided_by is not null
)`

const (
	leagueSQL = workedDays + `, waiting as (
  select agency_id, count(*) as overdue from agreement.agreement where state = 'requested' and due_at <= $4 group by agency_id
), kept as (
  select agency_id, count(*) as decided, count(*) filter (where within) as within,
         percentile_cont(0.5) within group (order by took) as median
    from decided
   group by agency_id
)
select coalesce(k.agency_id, w.agency_id) as agency, coalesce(k.decided, 0) as decided, coalesce(k.within, 0) as within,
       coalesce(k.median, 0) as median, coalesce(w.overdue, 0) as overdue,
       coalesce(k.within::float8 / nullif(k.decided, 0), 0) as share
  from kept k full join waiting w on w.agency_id = k.agency_id
 order by share desc, overdue, median, decided desc, agency`
	leagueMonthsSQL = workedDays + `
select month, count(*) as decided, count(*) filter (where within) as within,
       percentile_cont(0.5) within group (order by took) as median, count(*) filter (where within)::float8 / count(*) as share
  from decided
 group by month
 order by month`
)

const (
	monthLayout  = "2006-01"
	leagueMonths = 12 // unless other months are asked for
	mostMonths   = 36
)

// League gives how agencies kept their terms from one month to another, both
// included; "" is the last twelve. It names no person, no application and no
// request. It fails with Invalid for months that are none, or over 36.
func (a *Agreements) League(ctx context.Context, from, until string) (League, error) {
	if until == "" {
		until = a.Now().In(vietnam()).Format(monthLayout)
	}
	last, err := time.ParseInLocation(monthLayout, until, vietnam())
	if err != nil {
		return League{}, notMonth("until")
	}
	first := last.AddDate(0, 1-leagueMonths, 0)
	if from != "" {
		if first, err = time.ParseInLocation(monthLayout, from, vietnam()); err != nil {
			return League{}, notMonth("from")
		}
	}
	if first.After(last) || first.AddDate(0, mostMonths, 0).Before(last.AddDate(0, 1, 0)) || last.Year() > lastYear {
		return League{}, notMonth("from")
	}
	l := League{From: first.Format(monthLayout), Until: until}
	end, before := last.AddDate(0, 1, 0), dayOf(first.AddDate(-2, 0, 0))
	if l.Agencies, err = pg.All[OnTime](ctx, a.DB, leagueSQL, first, end, before, a.Now()); err != nil {
		return League{}, fmt.Errorf("count decisions by agency: %w", err)
	}
	counted, err := pg.All[MonthOnTime](ctx, a.DB, leagueMonthsSQL, first, end, before)
	if err != nil {
		return League{}, fmt.Errorf("count decisions by month: %w", err)
	}
	byMonth := map[string]MonthOnTime{}
	for _, m := range counted {
		byMonth[m.Month] = m
	}
	for month := first; month.Before(end); month = month.AddDate(0, 1, 0) {
		m := byMonth[month.Format(monthLayout)]
		m.Month = month.Format(monthLayout)
		l.Months = append(l.Months, m)
	}
	return l, nil
}

func notMonth(name string) error {
	return problem.Errorf(problem.Invalid, "%s is a month like 2026-11, at most 36 before the last", name).
		Coded("parameter-invalid", "parameter", name, "type", "YYYY-MM")
}
