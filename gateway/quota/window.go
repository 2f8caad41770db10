package quota

import (
	"fmt"
	"strings"
	"time"
)

// Window is a limit: so many calls within a time. Shorter ones fill steadily
// (Rates); those of a Period begin anew with it, and outlive the node (Counts).
type Window struct {
	Name   string // in RateLimit headers
	Calls  int
	Length time.Duration // 0: Period says it
	Period Period        // 0: none
}

// Period is a day or a month in Vietnam.
type Period uint8

// The periods.
const (
	Day Period = iota + 1
	Month
)

// MaxLength is the longest window that fills steadily.
const MaxLength = 12 * time.Hour

// ParseWindow reads a window's length: "day", "month", or a duration of whole
// seconds from "1s" to "12h".
func ParseWindow(text string) (Window, error) {
	switch text {
	case "day":
		return Window{Period: Day}, nil
	case "month":
		return Window{Period: Month}, nil
	}
	length, err := time.ParseDuration(text)
	if err != nil || length < time.Second || length > MaxLength || length%time.Second != 0 {
		return Window{}, fmt.Errorf("a window of %q is neither day, month nor whole seconds from 1s to 12h", text)
	}
	return Window{Length: length}, nil
}

// String is the window's length as ParseWindow reads it.
func (w Window) String() string {
	switch w.Period {
	case Day:
		return "day"
	case Month:
		return "month"
	}
	text := w.Length.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// Within is how long the window that holds at is, for headers.
func (w Window) Within(at time.Time) time.Duration {
	switch w.Period {
	case Day:
		return 24 * time.Hour
	case Month:
		begin := Month.Begin(at)
		return begin.AddDate(0, 1, 0).Sub(begin)
	}
	return w.Length
}

// vietnam is UTC+7 without summer time, whatever the machine knows of zones.
var vietnam = time.FixedZone("+07", 7*60*60)

// Begin is the first day of the period at that moment, as midnight UTC of its date.
func (p Period) Begin(at time.Time) time.Time {
	y, m, d := at.In(vietnam).Date()
	if p == Month {
		d = 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Left is how long the period still lasts.
func (p Period) Left(at time.Time) time.Duration {
	begin := p.Begin(at)
	next := begin.AddDate(0, 0, 1)
	if p == Month {
		next = begin.AddDate(0, 1, 0)
	}
	return next.Add(-7 * time.Hour).Sub(at)
}
