package agreement

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The bounds of a file of days: a few years, each line short.
const (
	maxDaysFile = 256 << 10 // bytes
	maxDays     = 1000
)

// dayHeader are the columns of a file of days, in any order; the last two may
// be absent.
var dayHeader = []string{"day", "title_vi", "title_en", "source", "kind", "confirmed"}

// DaysImported is what an import did.
type DaysImported struct {
	Added     int `json:"added"`
	Corrected int `json:"corrected"`
	Same      int `json:"same"`    // stood so already
	Recount   int `json:"recount"` // running terms that moved
}

// ImportDays adds and corrects the days of a CSV file, all or none; a day that
// the file does not name stays. It fails with what May says of calendar.edit,
// Invalid for a file that is not right, naming the line, or without a reason.
func (a *Agreements) ImportDays(ctx context.Context, who auth.Principal, text []byte, reason string) (DaysImported, error) {
	if err := a.May(ctx, who, "calendar.edit", uuid.Nil); err != nil {
		return DaysImported{}, err
	}
	reason = oneLine(reason)
	e := problem.Errorf(problem.Invalid, "say why").Coded("fields-wrong")
	if checkReason(e, reason); len(e.Fields) > 0 {
		return DaysImported{}, e
	}
	days, err := readDays(text)
	if err != nil {
		return DaysImported{}, err
	}
	var done DaysImported
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, ownCalendarSQL); err != nil {
			return fmt.Errorf("own the calendar: %w", err)
		}
		first, last := days[0].Day, days[0].Day
		for _, d := range days {
			first, last = min(first, d.Day), max(last, d.Day)
			if err := a.importDay(ctx, tx, who, DayChange{d, reason}, &done); err != nil {
				return err
			}
		}
		var err error
		if done.Recount, err = a.recount(ctx, tx, first, last); err != nil {
			return err
		}
		return a.Record(ctx, tx, auth.Act{Who: who, Verb: "holiday.import", Detail: map[string]any{"first": first, "last": last,
			"added": done.Added, "corrected": done.Corrected, "same": done.Same, "recount": done.Recount, "reason": reason}})
	})
	if err != nil {
		return DaysImported{}, err
	}
	return done, nil
}

// importDay keeps one day, unless it stands so already.
func (a *Agreements) importDay(ctx context.Context, tx pgx.Tx, who auth.Principal, c DayChange, done *DaysImported) error {
	was, err := pg.One[Day](ctx, tx, lockDaySQL, c.Day)
	switch {
	case err == nil && was.DayText == c.DayText:
		done.Same++
		return nil
	case err == nil:
		done.Corrected++
		_, err = a.keepDay(ctx, tx, who, "corrected", c)
	case errors.Is(err, pgx.ErrNoRows):
		done.Added++
		_, err = a.keepDay(ctx, tx, who, "added", c)
	}
	return err
}

// readDays reads a file of days: CSV in UTF-8 (RFC 4180), with a line of names
// first. Its mistakes are Invalid, each with the number of its line.
func readDays(text []byte) ([]DayText, error) {
	if len(text) > maxDaysFile {
		return nil, daysFile(1, "days-file-size", "the file is over 256 kB")
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	in.TrimLeadingSpace = true
	header, err := in.Read()
	if err != nil {
		return nil, daysFile(1, "days-file-header", "the first line names the columns")
	}
	at := map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := at[name]; twice || !slices.Contains(dayHeader, name) {
			return nil, daysFile(1, "days-file-header", "the columns are "+strings.Join(dayHeader, ", "))
		}
		at[name] = i
	}
	for _, name := range dayHeader[:4] {
		if _, there := at[name]; !there {
			return nil, daysFile(1, "days-file-header", "the column "+name+" is missing")
		}
	}
	var days []DayText
	seen := map[string]bool{}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			return nil, daysFile(syntax.Line, "days-file-row", "the line cannot be read")
		}
		line, _ := in.FieldPos(0)
		day, err := readDay(row, at, line)
		if err != nil {
			return nil, err
		}
		if seen[day.Day] || len(days) == maxDays {
			return nil, daysFile(line, "days-file-twice", "the day is there twice, or there are over 1,000")
		}
		seen[day.Day] = true
		days = append(days, day)
	}
	if len(days) == 0 {
		return nil, daysFile(2, "days-file-empty", "the file names no day")
	}
	return days, nil
}

// readDay is one line of the file.
func readDay(row []string, at map[string]int, line int) (DayText, error) {
	value := func(name string) string {
		i, there := at[name]
		if !there {
			return ""
		}
		return row[i]
	}
	c := DayChange{DayText: DayText{Day: value("day"), Kind: value("kind"), TitleVI: value("title_vi"), TitleEN: value("title_en"), Source: value("source")}}
	c.tidy()
	switch confirmed := strings.ToLower(strings.TrimSpace(value("confirmed"))); confirmed {
	case "", "0", "false", "no":
	case "1", "true", "yes":
		c.Confirmed = true
	default:
		return DayText{}, daysFile(line, "days-file-value", "confirmed is yes or no", "column", "confirmed")
	}
	e := problem.Errorf(problem.Invalid, "the day is not right")
	if c.check(e); len(e.Fields) > 0 {
		return DayText{}, daysFile(line, "days-file-value", e.Fields[0].Name+" "+e.Fields[0].Detail, "column", e.Fields[0].Name)
	}
	return c.DayText, nil
}

// daysFile is what is wrong with a file, and where.
func daysFile(line int, code, why string, pairs ...string) error {
	pairs = append(pairs, "line", strconv.Itoa(line))
	return problem.Errorf(problem.Invalid, "line %d: %s", line, why).Coded(code, pairs...).Wrong("file", code, why, pairs...)
}
