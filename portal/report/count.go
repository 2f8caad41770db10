package report

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/ledger"
)

// maxServices is how many services a report names.
const maxServices = 200

// counted is a month as the rooms counted it.
type counted struct {
	use     []ledger.Use
	figures map[uuid.UUID]Figures // by agency; uuid.Nil: all that was asked for
}

// count makes a report of what the rooms know now: a bounded number of
// questions, whatever there is to count.
func (s *Reports) count(ctx context.Context, agency uuid.UUID, first time.Time) (Report, error) {
	r := Report{AgencyID: agency, Month: first.Format(Layout), MadeAt: s.Now().UTC(), Services: []Service{}, Stopped: []Stopped{}, Agencies: []AgencyLine{}}
	this, err := s.month(ctx, agency, first)
	if err != nil {
		return Report{}, err
	}
	before, err := s.month(ctx, agency, first.AddDate(0, -1, 0))
	if err != nil {
		return Report{}, err
	}
	r.This, r.Before = this.figures[uuid.Nil], before.figures[uuid.Nil]
	r.Before.Overdue = nil // what was overdue then, only its own report knows
	if was, kept, err := s.kept(ctx, s.DB, agency, first.AddDate(0, -1, 0)); err != nil {
		return Report{}, err
	} else if kept { // a month that was filed is compared with as it was filed
		r.Before = was.This
	}
	clock, err := s.Agreements.DecisionClock(ctx)
	if err != nil {
		return Report{}, err
	}
	r.Target = Target{clock.WorkingDays, clock.Confirmed}
	if agency == uuid.Nil {
		r.Agencies, err = s.lines(ctx, this.figures)
		return r, err
	}
	return r, s.callers(ctx, &r, this.use, before.use)
}

// month counts one month.
func (s *Reports) month(ctx context.Context, agency uuid.UUID, first time.Time) (counted, error) {
	next := first.AddDate(0, 1, 0)
	day, nextDay := calendarDay(first), calendarDay(next)
	c := counted{figures: map[uuid.UUID]Figures{}}
	var err error
	if c.use, err = s.Ledger.UseBetween(ctx, agency, day, nextDay); err != nil {
		return counted{}, err
	}
	course, err := s.Agreements.CourseBetween(ctx, agency, first, next)
	if err != nil {
		return counted{}, err
	}
	fresh, err := s.Catalog.FreshBetween(ctx, agency, first, next)
	if err != nil {
		return counted{}, err
	}
	for i, u := range c.use {
		if i == 0 || agency == uuid.Nil { // the first is all together, the others of the province are its agencies
			c.figures[u.Of] = Figures{Calls: u.Calls.Calls, Refused: u.Refused, Failed: u.Failed, Callers: u.Callers, Within: u.Times.Within(95)}
		}
	}
	for of, a := range course {
		f := c.figures[of]
		f.Asked, f.Granted, f.Renewed, f.Denied, f.Ended = a.Asked, a.Granted, a.Renewed, a.Refused, a.Ended
		f.Decided, f.InTime, f.Median = a.Decided, a.Within, a.Median
		c.figures[of] = f
	}
	// What is overdue is known of now alone: of the month that runs, and of the
	// one that has just ended, whose report this is.
	isNow := !s.Now().Before(first) && s.Now().Before(next.AddDate(0, 1, 0))
	for of, d := range fresh {
		f := c.figures[of]
		f.Published, f.Updated = d.Published, d.Renewed
		if isNow {
			f.Overdue = &d.Overdue
		}
		c.figures[of] = f
	}
	return c, nil
}

// calendarDay is a day as the ledger counts them, without a zone.
func calendarDay(at time.Time) time.Time {
	y, m, d := at.In(here).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// lines are the agencies of which anything was counted.
func (s *Reports) lines(ctx context.Context, figures map[uuid.UUID]Figures) ([]AgencyLine, error) {
	ids := make([]uuid.UUID, 0, len(figures))
	for id := range figures {
		ids = append(ids, id)
	}
	agencies, err := s.Auth.Agencies(ctx, ids)
	if err != nil {
		return nil, err
	}
	lines := []AgencyLine{}
	for id, a := range agencies {
		lines = append(lines, AgencyLine{id, a.Slug, a.NameVI, a.NameEN, figures[id]})
	}
	slices.SortFunc(lines, func(a, b AgencyLine) int { return cmp.Compare(a.Slug, b.Slug) })
	return lines, nil
}

// callers adds an agency's services, and who stopped calling them.
func (s *Reports) callers(ctx context.Context, r *Report, this, before []ledger.Use) error {
	first, err := time.ParseInLocation(Layout, r.Month, here)
	if err != nil {
		return err
	}
	stops, err := s.Ledger.StoppedBetween(ctx, r.AgencyID, calendarDay(first.AddDate(0, -1, 0)), calendarDay(first), calendarDay(first.AddDate(0, 1, 0)))
	if err != nil {
		return err
	}
	was := map[uuid.UUID]int64{}
	var ids []uuid.UUID
	for _, u := range before[min(1, len(before)):] {
		was[u.Of], ids = u.Calls.Calls, append(ids, u.Of)
	}
	services := []Service{}
	for _, u := range this[min(1, len(this)):] {
		one := Service{Calls: u.Calls.Calls, Refused: u.Refused, Failed: u.Failed, Callers: u.Callers, Within: u.Times.Within(95), Before: was[u.Of]}
		one.ID = u.Of
		services, ids = append(services, one), append(ids, u.Of)
		delete(was, u.Of)
	}
	for _, u := range before[min(1, len(before)):] {
		if calls, gone := was[u.Of]; gone {
			one := Service{Before: calls}
			one.ID = u.Of
			services = append(services, one)
		}
	}
	for _, stop := range stops {
		ids = append(ids, stop.VersionID)
	}
	names, err := s.Catalog.ServiceNames(ctx, ids)
	if err != nil {
		return err
	}
	for _, one := range services[:min(len(services), maxServices)] {
		if name, known := names[one.ID]; known {
			one.ServiceName = name
		}
		r.Services = append(r.Services, one)
	}
	for _, stop := range stops {
		one := Stopped{ServiceName: names[stop.VersionID], ApplicationID: stop.ApplicationID, LastDay: stop.LastDay.Format(time.DateOnly), Before: stop.Before}
		one.ID = stop.VersionID
		r.Stopped = append(r.Stopped, one)
	}
	return nil
}
