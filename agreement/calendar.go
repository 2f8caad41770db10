package agreement

import (
	"context"
	"fmt"
	"time"

	"lgsp/internal/pg"
)

// calendar says which days are worked: Monday to Friday, but for the days off,
// and the days of a weekend that are worked in exchange. Days are those of
// Vietnam, written YYYY-MM-DD.
type calendar struct {
	off, work map[string]bool
}

// farAhead is how far a clock looks: far more than its 60 working days need.
const farAhead = 400 // days

const calendarSQL = `select to_char(day, 'YYYY-MM-DD') as day, kind from agreement.holiday where day between $1::date and $2::date`

// calendarOf reads the days between two, inclusive.
func (a *Agreements) calendarOf(ctx context.Context, db pg.DB, first, last time.Time) (calendar, error) {
	days, err := pg.All[struct{ Day, Kind string }](ctx, db, calendarSQL, dayOf(first), dayOf(last))
	if err != nil {
		return calendar{}, fmt.Errorf("read the calendar: %w", err)
	}
	c := calendar{off: map[string]bool{}, work: map[string]bool{}}
	for _, d := range days {
		if d.Kind == DayWorked {
			c.work[d.Day] = true
		} else {
			c.off[d.Day] = true
		}
	}
	return c, nil
}

// dayOf is the calendar day in Vietnam of a moment.
func dayOf(at time.Time) string { return at.In(vietnam()).Format(dayLayout) }

// startOf is the first moment of the day in Vietnam of a moment.
func startOf(at time.Time) time.Time {
	y, m, d := at.In(vietnam()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, vietnam())
}

// works reports whether the day that begins at day is worked.
func (c calendar) works(day time.Time) bool {
	name := day.Format(dayLayout)
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		return c.work[name]
	}
	return !c.off[name]
}

// end is the end of the n-th working day after the day of at, which counts
// itself for none, worked or not. No clause that was read says that a question
// stops the clock: it stops the province's own target only (Ask).
func (c calendar) end(at time.Time, n int) time.Time {
	day := startOf(at)
	for ahead := 0; n > 0 && ahead < farAhead; ahead++ {
		day = day.AddDate(0, 0, 1)
		if c.works(day) {
			n--
		}
	}
	return day.AddDate(0, 0, 1).UTC()
}

// between counts the working days that begin at first or later and before end.
func (c calendar) between(first, end time.Time) int {
	n := 0
	for day := startOf(first); day.Before(end); day = day.AddDate(0, 0, 1) {
		if c.works(day) {
			n++
		}
	}
	return n
}

// left is how many working days there are after today until the term is over:
// 0 on its last day.
func (c calendar) left(now, due time.Time) int {
	return c.between(startOf(now).AddDate(0, 0, 1), due)
}

// late is how many working days have begun since the term was over, today
// included; 0 on a weekend right after it.
func (c calendar) late(now, due time.Time) int {
	if now.Before(due) {
		return 0
	}
	return c.between(due, startOf(now).AddDate(0, 0, 1))
}

// lateSince is the latest end of a term that is n working days late at now.
func (c calendar) lateSince(now time.Time, n int) time.Time {
	day := startOf(now)
	for back := 0; back < farAhead; back++ {
		if c.works(day) {
			n--
		}
		if n <= 0 {
			break
		}
		day = day.AddDate(0, 0, -1)
	}
	return day.UTC()
}
