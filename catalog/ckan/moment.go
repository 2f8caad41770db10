package ckan

import (
	"strconv"
	"strings"
	"time"
)

// moment reads a time as Solr writes it (Solr reference guide, date formatting
// and date math): 2026-01-01T00:00:00Z, a day, or NOW with steps such as
// -7DAYS and roundings such as /DAY.
func moment(text string, now time.Time) (time.Time, error) {
	wrong := unsearchable("%q is no time; write 2026-01-01T00:00:00Z or NOW-7DAYS", shorten(text))
	if rest, ok := strings.CutPrefix(text, "NOW"); ok {
		return steps(now, rest, wrong)
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly, "2006-01", "2006"} {
		at, err := time.Parse(form, text)
		if err == nil && at.Year() >= 1 && at.Year() <= 9999 {
			return at.UTC(), nil
		}
		if day, math, found := strings.Cut(text, "Z"); found && math != "" {
			if at, err := time.Parse(form, day+"Z"); err == nil {
				return steps(at.UTC(), math, wrong)
			}
		}
	}
	return time.Time{}, wrong
}

// maxSteps bounds date math.
const maxSteps = 10

func steps(at time.Time, rest string, wrong error) (time.Time, error) {
	for n := 0; rest != ""; n++ {
		sign, count := rest[0], 0
		rest = rest[1:]
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if sign == '+' || sign == '-' {
			var err error
			if count, err = strconv.Atoi(rest[:digits]); err != nil || count > 100_000 {
				return at, wrong
			}
			rest = rest[digits:]
		}
		letters := len(rest) - len(strings.TrimLeft(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		unit := strings.TrimSuffix(rest[:letters], "S")
		rest = rest[letters:]
		if sign == '-' {
			count = -count
		}
		ok := n < maxSteps
		switch sign {
		case '/':
			at, ok = rounded(at, unit, ok)
		case '+', '-':
			at, ok = moved(at, unit, count, ok)
		default:
			ok = false
		}
		if !ok || at.Year() < 1 || at.Year() > 9999 {
			return at, wrong
		}
	}
	return at, nil
}

func moved(at time.Time, unit string, count int, ok bool) (time.Time, bool) {
	switch unit {
	case "YEAR":
		return at.AddDate(count, 0, 0), ok
	case "MONTH":
		return at.AddDate(0, count, 0), ok
	case "DAY":
		return at.AddDate(0, 0, count), ok
	case "HOUR", "MINUTE", "SECOND":
		return at.Add(time.Duration(count) * map[string]time.Duration{"HOUR": time.Hour, "MINUTE": time.Minute, "SECOND": time.Second}[unit]), ok
	}
	return at, false
}

func rounded(at time.Time, unit string, ok bool) (time.Time, bool) {
	switch unit {
	case "YEAR":
		return time.Date(at.Year(), 1, 1, 0, 0, 0, 0, time.UTC), ok
	case "MONTH":
		return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC), ok
	case "DAY":
		return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC), ok
	case "HOUR", "MINUTE", "SECOND":
		return at.Truncate(map[string]time.Duration{"HOUR": time.Hour, "MINUTE": time.Minute, "SECOND": time.Second}[unit]), ok
	}
	return at, false
}
