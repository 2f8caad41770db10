package agreement

import (
	"context"
	"fmt"
	"time"

	"lgsp/internal/pg"
)

const dayLayout = "2006-01-02"

// vietnam is the zone whose calendar days agreements count: UTC+7 all year.
func vietnam() *time.Location { return time.FixedZone("ICT", 7*60*60) }

// today is the calendar day in Vietnam.
func (a *Agreements) today() string { return a.Now().In(vietnam()).Format(dayLayout) }

// midnight is the first moment of a day, UTC.
func midnight(day string) (time.Time, error) {
	t, err := time.ParseInLocation(dayLayout, day, vietnam())
	return t.UTC(), err
}

// Clock is how long a decision may take, in working days. Unless its clause is
// confirmed it is the province's target, not law.
type Clock struct {
	WorkingDays int  `json:"working_days"`
	Confirmed   bool `json:"confirmed"`
}

const (
	clockSQL = `
select working_days, confirmed
  from agreement.legal_basis
 where clock = 'decide' and (valid_from is null or valid_from <= $1::date) and (valid_to is null or valid_to >= $1::date)
 order by valid_from desc nulls last
 limit 1`
	holidaysSQL = `select to_char(day, 'YYYY-MM-DD') as day from agreement.holiday where day between $1::date and $1::date + 120`
)

// DecisionClock gives how long a decision on a request made today may take.
func (a *Agreements) DecisionClock(ctx context.Context) (Clock, error) {
	c, err := pg.One[Clock](ctx, a.DB, clockSQL, a.today())
	if err != nil {
		return Clock{}, fmt.Errorf("read the decision's clock: %w", err)
	}
	return c, nil
}

// due gives until when a request made now should be decided: the end of the
// last of the clock's working days, of which the day of the request is none.
func (a *Agreements) due(ctx context.Context) (time.Time, error) {
	c, err := a.DecisionClock(ctx)
	if err != nil {
		return time.Time{}, err
	}
	days, err := pg.All[struct{ Day string }](ctx, a.DB, holidaysSQL, a.today())
	if err != nil {
		return time.Time{}, fmt.Errorf("read holidays: %w", err)
	}
	off := make(map[string]bool, len(days))
	for _, d := range days {
		off[d.Day] = true
	}
	return endOfWorkingDay(a.Now(), c.WorkingDays, off), nil
}

// endOfWorkingDay is the end of the n-th working day after the day of at.
func endOfWorkingDay(at time.Time, n int, off map[string]bool) time.Time {
	y, m, d := at.In(vietnam()).Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, vietnam())
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		if !weekend && !off[day.Format(dayLayout)] {
			n--
		}
	}
	return day.AddDate(0, 0, 1).UTC()
}
