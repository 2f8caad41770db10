package agreement

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The kinds of days that differ from the week.
const (
	DayOff    = "off"
	DayWorked = "work" // of a weekend, in exchange for another
)

// DayText is what is written about a day of the calendar.
type DayText struct {
	Day       string `json:"day"`  // YYYY-MM-DD
	Kind      string `json:"kind"` // off; work: a day of the weekend that is worked in exchange
	TitleVI   string `json:"title_vi"`
	TitleEN   string `json:"title_en"`
	Confirmed bool   `json:"confirmed"` // the decision that names the day was read
	Source    string `json:"source"`    // how it is known
}

// Day is a day that differs from the week.
type Day struct {
	DayText
	Version   int       `json:"version"` // +1 at each change
	ChangedAt time.Time `json:"changed_at"`
}

// DayChange is a day as it is to be, and why.
type DayChange struct {
	DayText
	Reason string `json:"reason"`
}

// DayKept is a change that was made, and what it did.
type DayKept struct {
	Day     Day `json:"day"`     // as it stands, or stood when it was withdrawn
	Recount int `json:"recount"` // running terms that moved
}

const (
	firstYear  = 2020
	lastYear   = 2100
	maxTitle   = 200 // characters
	maxSource  = 500
	minReason  = 5
	dayColumns = `to_char(day, 'YYYY-MM-DD') as day, kind, title_vi, title_en, confirmed, source, version, changed_at`
)

const (
	daysSQL = `
select ` + dayColumns + `
  from agreement.holiday
 where day >= make_date($1, 1, 1) and day < make_date($1 + 1, 1, 1)
 order by day`
	yearsSQL   = `select extract(year from day)::int as year, count(*) as days, count(*) filter (where not confirmed) as unconfirmed from agreement.holiday group by 1 order by 1`
	lockDaySQL = `select ` + dayColumns + ` from agreement.holiday where day = $1::date for update`
	keepDaySQL = `
insert into agreement.holiday (day, kind, title_vi, title_en, confirmed, source, version, changed_at)
values ($1::date, $2, $3, $4, $5, $6, $7, $8)
on conflict (day) do update set kind = $2, title_vi = $3, title_en = $4, confirmed = $5, source = $6, version = $7, changed_at = $8
returning ` + dayColumns
	dropDaySQL     = `delete from agreement.holiday where day = $1::date`
	lastVersionSQL = `select coalesce(max(version), 0) from agreement.register_entry where register = $1 and key = $2`
)

// Days lists the days of a year that differ from the week.
func (a *Agreements) Days(ctx context.Context, year int) ([]Day, error) {
	if year < firstYear || year > lastYear {
		return nil, problem.Errorf(problem.Invalid, "a year from %d to %d", firstYear, lastYear).
			Coded("parameter-invalid", "parameter", "year", "type", fmt.Sprintf("%d … %d", firstYear, lastYear))
	}
	days, err := pg.All[Day](ctx, a.DB, daysSQL, year)
	if err != nil {
		return nil, fmt.Errorf("list days of %d: %w", year, err)
	}
	return days, nil
}

// Year is how much the calendar knows of a year.
type Year struct {
	Year        int `json:"year"`
	Days        int `json:"days"`
	Unconfirmed int `json:"unconfirmed"`
}

// Years lists the years of which the calendar has days, oldest first.
func (a *Agreements) Years(ctx context.Context) ([]Year, error) {
	years, err := pg.All[Year](ctx, a.DB, yearsSQL)
	if err != nil {
		return nil, fmt.Errorf("list years of the calendar: %w", err)
	}
	return years, nil
}

// AddDay adds a day to the calendar; the running terms are counted anew. It
// fails with what May says of calendar.edit, Invalid field by field, and
// Conflict when the day is there already.
func (a *Agreements) AddDay(ctx context.Context, who auth.Principal, c DayChange) (DayKept, error) {
	return a.changeDay(ctx, who, c, func(known bool) (string, error) {
		if known {
			return "", problem.Errorf(problem.Conflict, "%s is in the calendar already", c.Day).Coded("day-taken", "day", c.Day).
				Wrong("day", "day-taken", "is in the calendar already", "day", c.Day)
		}
		return "added", nil
	})
}

// CorrectDay replaces what the calendar says of a day. It fails as AddDay does,
// and with NotFound for a day that is not there.
func (a *Agreements) CorrectDay(ctx context.Context, who auth.Principal, c DayChange) (DayKept, error) {
	return a.changeDay(ctx, who, c, func(known bool) (string, error) {
		if !known {
			return "", noDay(c.Day)
		}
		return "corrected", nil
	})
}

func noDay(day string) error {
	return problem.Errorf(problem.NotFound, "no %s in the calendar", day).Coded("day-unknown", "day", day)
}

// changeDay keeps a day; named says what the change is called, or why not.
func (a *Agreements) changeDay(ctx context.Context, who auth.Principal, c DayChange, named func(known bool) (string, error)) (DayKept, error) {
	if err := a.May(ctx, who, "calendar.edit", uuid.Nil); err != nil {
		return DayKept{}, err
	}
	c.tidy()
	e := problem.Errorf(problem.Invalid, "the day is not right").Coded("fields-wrong")
	c.check(e)
	checkReason(e, c.Reason)
	if len(e.Fields) > 0 {
		return DayKept{}, e
	}
	var kept DayKept
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, ownCalendarSQL); err != nil {
			return fmt.Errorf("own the calendar: %w", err)
		}
		_, err := pg.One[Day](ctx, tx, lockDaySQL, c.Day)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("lock day %s: %w", c.Day, err)
		}
		what, err := named(err == nil)
		if err != nil {
			return err
		}
		if kept.Day, err = a.keepDay(ctx, tx, who, what, c); err != nil {
			return err
		}
		kept.Recount, err = a.recount(ctx, tx, c.Day, c.Day)
		if err != nil {
			return err
		}
		return a.recordDay(ctx, tx, who, kept, registered{what: what, reason: c.Reason})
	})
	return kept, err
}

// keepDay writes the row and its version.
func (a *Agreements) keepDay(ctx context.Context, tx pgx.Tx, who auth.Principal, what string, c DayChange) (Day, error) {
	version, err := a.nextVersion(ctx, tx, registerDays, c.Day)
	if err != nil {
		return Day{}, err
	}
	day, err := pg.One[Day](ctx, tx, keepDaySQL, c.Day, c.Kind, c.TitleVI, c.TitleEN, c.Confirmed, c.Source, version, a.Now().UTC())
	if err != nil {
		return Day{}, fmt.Errorf("keep day %s: %w", c.Day, err)
	}
	return day, a.register(ctx, tx, who, registered{registerDays, c.Day, version, what, c.Reason, day.DayText})
}

// WithdrawDay takes a day out of the calendar: it is what the week says again.
// It fails with what May says of calendar.edit, Invalid without a reason, and
// NotFound.
func (a *Agreements) WithdrawDay(ctx context.Context, who auth.Principal, day, reason string) (DayKept, error) {
	if err := a.May(ctx, who, "calendar.edit", uuid.Nil); err != nil {
		return DayKept{}, err
	}
	reason = oneLine(reason)
	e := problem.Errorf(problem.Invalid, "say why").Coded("fields-wrong")
	if checkReason(e, reason); len(e.Fields) > 0 {
		return DayKept{}, e
	}
	if _, err := time.Parse(dayLayout, day); err != nil {
		return DayKept{}, noDay(day)
	}
	var kept DayKept
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, ownCalendarSQL); err != nil {
			return fmt.Errorf("own the calendar: %w", err)
		}
		was, err := pg.One[Day](ctx, tx, lockDaySQL, day)
		if errors.Is(err, pgx.ErrNoRows) {
			return noDay(day)
		} else if err != nil {
			return fmt.Errorf("lock day %s: %w", day, err)
		}
		if _, err := tx.Exec(ctx, dropDaySQL, day); err != nil {
			return fmt.Errorf("withdraw day %s: %w", day, err)
		}
		if err := a.register(ctx, tx, who, registered{registerDays, day, was.Version + 1, "withdrawn", reason, nil}); err != nil {
			return err
		}
		kept.Day = was
		if kept.Recount, err = a.recount(ctx, tx, day, day); err != nil {
			return err
		}
		return a.recordDay(ctx, tx, who, kept, registered{what: "withdrawn", reason: reason})
	})
	return kept, err
}

// recordDay is the ledger's entry of a change of the calendar.
func (a *Agreements) recordDay(ctx context.Context, tx pgx.Tx, who auth.Principal, kept DayKept, r registered) error {
	verb := map[string]string{"added": "holiday.add", "corrected": "holiday.correct", "withdrawn": "holiday.withdraw"}[r.what]
	return a.Record(ctx, tx, auth.Act{Who: who, Verb: verb, Detail: map[string]any{
		"day": kept.Day.Day, "kind": kept.Day.Kind, "title": kept.Day.TitleVI, "confirmed": kept.Day.Confirmed, "source": kept.Day.Source,
		"version": kept.Day.Version, "recount": kept.Recount, "reason": r.reason}})
}

// tidy writes the texts in NFC, on one line, without blanks around them.
func (c *DayChange) tidy() {
	for _, text := range []*string{&c.Day, &c.Kind, &c.TitleVI, &c.TitleEN, &c.Source, &c.Reason} {
		*text = oneLine(*text)
	}
	if c.Kind == "" {
		c.Kind = DayOff
	}
}

func oneLine(text string) string { return norm.NFC.String(strings.Join(strings.Fields(text), " ")) }

// check says what is wrong with a day.
func (c DayText) check(e *problem.Error) {
	at, err := time.Parse(dayLayout, c.Day)
	switch {
	case err != nil:
		e.Wrong("day", "day-invalid", "a day like 2026-12-31")
	case at.Year() < firstYear || at.Year() > lastYear:
		e.Wrong("day", "day-out-of-range", "is not from 2020 to 2100")
	case c.Kind == DayWorked && at.Weekday() != time.Saturday && at.Weekday() != time.Sunday:
		e.Wrong("kind", "day-not-weekend", "only a Saturday or a Sunday is worked in exchange")
	}
	if c.Kind != DayOff && c.Kind != DayWorked {
		e.Wrong("kind", "day-kind", "is neither off nor work")
	}
	checkWords(e, "title_vi", c.TitleVI, maxTitle)
	checkWords(e, "title_en", c.TitleEN, maxTitle)
	checkWords(e, "source", c.Source, maxSource)
}

// checkWords wants words, at most so many characters.
func checkWords(e *problem.Error, name, text string, most int) {
	switch {
	case text == "":
		e.Wrong(name, "required", "is required")
	case utf8.RuneCountInString(text) > most || !plain(text):
		e.Wrong(name, "text-too-long", "is too long", "max", strconv.Itoa(most))
	}
}

func checkReason(e *problem.Error, reason string) {
	if n := utf8.RuneCountInString(reason); n < minReason || n > maxSource || !plain(reason) {
		e.Wrong("reason", "register-reason", "say why, in 5 to 500 characters")
	}
}
