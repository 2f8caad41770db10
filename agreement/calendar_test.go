package agreement

import (
	"math/rand/v2"
	"testing"
	"time"
)

// aCalendar is random: days off and worked weekends of three years, a leap
// year among them.
func aCalendar(r *rand.Rand) calendar {
	c := calendar{off: map[string]bool{}, work: map[string]bool{}}
	first := time.Date(2027, 1, 1, 0, 0, 0, 0, vietnam())
	for n := range 1200 {
		day := first.AddDate(0, 0, n)
		name := day.Format(dayLayout)
		switch weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday; {
		case r.IntN(12) == 0: // on a weekend too, where it changes nothing
			c.off[name] = true
		case weekend && r.IntN(10) == 0:
			c.work[name] = true
		}
	}
	return c
}

// TestClocksCountWorkingDays holds what a term is to its definition, over
// random calendars and moments: years' ends, 29 February, weekends, days off
// that fall on them, days worked in exchange.
func TestClocksCountWorkingDays(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 4259))
		c := aCalendar(r)
		at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(700 * 24 * time.Hour))))
		n := 1 + r.IntN(60)
		due := c.end(at, n)
		if local := due.In(vietnam()); local.Hour() != 0 || local.Minute() != 0 || local.Second() != 0 || due.Location() != time.UTC {
			t.Fatalf("seed %d: %s is no midnight of Vietnam", seed, due)
		}
		if got := c.between(startOf(at).AddDate(0, 0, 1), due); got != n {
			t.Fatalf("seed %d: %d working days from %s to %s, want %d", seed, got, at, due, n)
		}
		if last := startOf(due.Add(-time.Second)); !c.works(last) {
			t.Fatalf("seed %d: the last day, %s, is not worked", seed, last)
		}
		if got := c.left(at, due); got != n {
			t.Fatalf("seed %d: %d left when it begins, want %d", seed, got, n)
		}
		if got := c.end(startOf(at), n); !got.Equal(due) {
			t.Fatalf("seed %d: by the hour of the day it ends %s, else %s", seed, due, got)
		}
		if later := c.end(at.Add(24*time.Hour), n); later.Before(due) {
			t.Fatalf("seed %d: asked a day later, due earlier", seed)
		}
		if longer := c.end(at, n+1); !longer.After(due) {
			t.Fatalf("seed %d: %d days end at %s, %d at %s", seed, n, due, n+1, longer)
		}
		checkLate(t, c, due, seed)
	}
}

// checkLate steps through the days after a term.
func checkLate(t *testing.T, c calendar, due time.Time, seed uint64) {
	t.Helper()
	if got := c.late(due.Add(-time.Nanosecond), due); got != 0 {
		t.Fatalf("seed %d: %d late before the end", seed, got)
	}
	before := 0
	for n := range 20 {
		now := due.AddDate(0, 0, n).Add(time.Duration(n%3) * 9 * time.Hour) // the first moment of the day too
		late := c.late(now, due)
		if grown := late - before; grown < 0 || grown > 1 || (grown == 1) != c.works(startOf(now)) {
			t.Fatalf("seed %d: from %d to %d late on %s", seed, before, late, now)
		}
		before = late
		if late == 0 {
			continue
		}
		if since := c.lateSince(now, late); since.Before(due) || c.late(now, since) != late {
			t.Fatalf("seed %d: %d late since %s, which is %d", seed, late, since, c.late(now, since))
		}
		if since := c.lateSince(now, late+1); !since.Before(due) {
			t.Fatalf("seed %d: %s counts as %d late too", seed, since, late+1)
		}
	}
}

// TestADayOffNeverShortensATerm: a day off that is added moves terms later or
// nowhere, a day worked in exchange earlier or nowhere.
func TestADayOffNeverShortensATerm(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 47))
		c := aCalendar(r)
		at := time.Date(2027, 6, 1, 3, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(400 * 24 * time.Hour))))
		n := 1 + r.IntN(20)
		was := c.end(at, n)
		name := startOf(at).AddDate(0, 0, r.IntN(40)).Format(dayLayout)
		day, _ := time.ParseInLocation(dayLayout, name, vietnam())
		if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			c.work[name] = true
			if now := c.end(at, n); now.After(was) {
				t.Fatalf("seed %d: %s is worked, and the term moved from %s to %s", seed, name, was, now)
			}
			continue
		}
		c.off[name] = true
		if now := c.end(at, n); now.Before(was) {
			t.Fatalf("seed %d: %s is off, and the term moved from %s to %s", seed, name, was, now)
		}
	}
}

func TestClockOnNamedDays(t *testing.T) {
	t.Parallel()
	c := calendar{
		off:  map[string]bool{"2026-04-27": true, "2026-04-30": true, "2026-05-01": true, "2028-01-01": true, "2026-08-31": true},
		work: map[string]bool{"2026-08-22": true},
	}
	for _, tt := range []struct {
		name, at, want string
		days           int
	}{
		{"Monday morning: Wednesday", "2026-11-23T02:00:00Z", "2026-11-25", 2},
		{"Sunday by UTC, Monday in Vietnam", "2026-11-22T18:00:00Z", "2026-11-25", 2},
		{"Friday: Tuesday", "2026-11-20T02:00:00Z", "2026-11-24", 2},
		{"a second before midnight of Friday", "2026-11-20T16:59:59Z", "2026-11-24", 2},
		{"Saturday: Tuesday", "2026-11-21T02:00:00Z", "2026-11-24", 2},
		{"Friday before a Monday off: Wednesday", "2026-04-24T02:00:00Z", "2026-04-29", 2},
		{"Wednesday before two days off: Tuesday", "2026-04-29T02:00:00Z", "2026-05-05", 2},
		{"over 29 February", "2028-02-28T02:00:00Z", "2028-03-01", 2},
		{"over 28 February of a common year", "2027-02-26T02:00:00Z", "2027-03-02", 2},
		{"over a year's end, New Year on a Saturday changes nothing", "2027-12-30T02:00:00Z", "2028-01-03", 2},
		{"a Saturday worked for a Monday off", "2026-08-21T02:00:00Z", "2026-08-24", 2},
		{"that Monday off", "2026-08-28T02:00:00Z", "2026-09-02", 2},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := dayOf(c.end(at, tt.days).Add(-time.Second)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
