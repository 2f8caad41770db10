package agreement

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

const dayLayout = "2006-01-02"

// vietnam is the zone whose calendar days agreements count: UTC+7 all year.
func vietnam() *time.Location { return time.FixedZone("ICT", 7*60*60) }

// today is the calendar day in Vietnam.
func (a *Agreements) today() string { return dayOf(a.Now()) }

// midnight is the first moment of a day, UTC.
func midnight(day string) (time.Time, error) {
	t, err := time.ParseInLocation(dayLayout, day, vietnam())
	return t.UTC(), err
}

// Clock is how long a decision may take, in working days. Unless its clause is
// confirmed it is the province's target, not law.
type Clock struct {
	Basis       string `json:"basis"` // id of the LegalBasis that sets it
	WorkingDays int    `json:"working_days"`
	Confirmed   bool   `json:"confirmed"`
}

const (
	// A clause in force, else the one that was last.
	clockSQL = `
select id as basis, working_days, confirmed and (valid_to is null or valid_to >= $1::date) as confirmed
  from agreement.legal_basis
 where clock = 'decide' and (valid_from is null or valid_from <= $1::date)
 order by valid_to is null or valid_to >= $1::date desc, case when valid_to < $1::date then valid_to end desc, valid_from desc nulls last, id desc
 limit 1`

	// The calendar and the clocks that are counted by it change in turn: who
	// counts shares it, who changes it has it alone. The number means nothing
	// else.
	shareCalendarSQL = `select pg_advisory_xact_lock_shared(4259001)`
	ownCalendarSQL   = `select pg_advisory_xact_lock(4259001)`

	startClockSQL = `update agreement.agreement set due_at = $2, clock_basis = $3, clock_days = $4 where id = $1`
)

// DecisionClock gives how long a decision on a request made today may take.
// When no clause in force says, the last one that did is the province's target.
func (a *Agreements) DecisionClock(ctx context.Context) (Clock, error) {
	return a.decisionClock(ctx, a.DB)
}

func (a *Agreements) decisionClock(ctx context.Context, db pg.DB) (Clock, error) {
	c, err := pg.One[Clock](ctx, db, clockSQL, a.today())
	if err != nil {
		return Clock{}, fmt.Errorf("read the decision's clock: %w", err)
	}
	return c, nil
}

// due gives until when a request made now should be decided: the end of the
// last of the clock's working days, of which the day of the request is none.
func (a *Agreements) due(ctx context.Context, db pg.DB) (time.Time, Clock, error) {
	c, err := a.decisionClock(ctx, db)
	if err != nil {
		return time.Time{}, c, err
	}
	now := a.Now()
	days, err := a.calendarOf(ctx, db, now, now.AddDate(0, 0, farAhead))
	return days.end(now, c.WorkingDays), c, err
}

// startClock counts the term of a request that was just kept, by the calendar
// that no one changes meanwhile.
func (a *Agreements) startClock(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, shareCalendarSQL); err != nil {
		return fmt.Errorf("share the calendar: %w", err)
	}
	due, clock, err := a.due(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, startClockSQL, id, due, clock.Basis, clock.WorkingDays); err != nil {
		return fmt.Errorf("start the clock of agreement %s: %w", id, err)
	}
	return nil
}

const (
	openClocksSQL = `
select id, requested_at, due_at, clock_days
  from agreement.agreement
 where state = 'requested' and clock_days is not null and requested_at < $2 and requested_at + make_interval(days => 400) > $1
 order by id
   for update`
	moveClocksSQL = `
update agreement.agreement a
   set due_at = n.due
  from unnest($1::uuid[], $2::timestamptz[]) as n (id, due)
 where a.id = n.id`
)

// recount counts the running terms anew after days of the calendar changed, in
// the transaction that changed them, and gives how many moved. A request that
// is decided keeps the term that it was decided by.
func (a *Agreements) recount(ctx context.Context, tx pgx.Tx, first, last string) (int, error) {
	from, err := midnight(first)
	if err != nil {
		return 0, fmt.Errorf("first day to recount: %w", err)
	}
	until, err := midnight(last)
	if err != nil {
		return 0, fmt.Errorf("last day to recount: %w", err)
	}
	open, err := pg.All[struct {
		ID                 uuid.UUID
		RequestedAt, DueAt time.Time
		ClockDays          int
	}](ctx, tx, openClocksSQL, from, until.AddDate(0, 0, 1))
	if err != nil {
		return 0, fmt.Errorf("list running terms: %w", err)
	}
	earliest := a.Now()
	for _, one := range open {
		if one.RequestedAt.Before(earliest) {
			earliest = one.RequestedAt
		}
	}
	days, err := a.calendarOf(ctx, tx, earliest, a.Now().AddDate(0, 0, farAhead))
	if err != nil {
		return 0, err
	}
	var ids []uuid.UUID
	var moved []time.Time
	for _, one := range open {
		if due := days.end(one.RequestedAt, one.ClockDays); !due.Equal(one.DueAt) {
			ids, moved = append(ids, one.ID), append(moved, due)
		}
	}
	if _, err := tx.Exec(ctx, moveClocksSQL, ids, moved); err != nil {
		return 0, fmt.Errorf("move %d terms: %w", len(ids), err)
	}
	return len(ids), nil
}
