package quota

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// vietnam is UTC+7 without summer time, whatever the machine knows of zones.
var vietnam = time.FixedZone("+07", 7*60*60)

// Day is the day in Vietnam at that moment, as midnight UTC of its date.
func Day(at time.Time) time.Time {
	y, m, d := at.In(vietnam).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// UntilMidnight is how long the day in Vietnam still lasts.
func UntilMidnight(at time.Time) time.Duration {
	return Day(at).Add(24*time.Hour - 7*time.Hour).Sub(at)
}

// Use is how many calls of a day's quota an agreement used.
type Use struct {
	Agreement uuid.UUID
	Day       time.Time // as Day gives it
	Used      int64
}

// Days counts the calls of each agreement today. What other nodes counted
// comes in through Known; what this node counted goes out through Unsaved. The
// zero Days is ready to use; it is safe for concurrent use.
type Days struct {
	mu    sync.Mutex
	day   time.Time
	uses  map[uuid.UUID]*use
	dirty map[uuid.UUID]bool
	late  []Use // of a day that ended before they were saved
	given int   // how many of late the last Unsaved gave
}

type use struct {
	known   int64 // saved, by all nodes
	pending int64 // counted here, not saved yet
	saving  int64 // of pending, on its way
}

// Take counts a call unless the day's quota is used up, and says how many are left.
func (d *Days) Take(agreement uuid.UUID, quota int, now time.Time) (left int, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.today(agreement, now)
	if u.known+u.pending >= int64(quota) {
		return 0, false
	}
	u.pending++
	d.dirty[agreement] = true
	return quota - int(u.known+u.pending), true
}

// Left says how many calls of today's quota are left.
func (d *Days) Left(agreement uuid.UUID, quota int, now time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn(now)
	u := d.uses[agreement]
	if u == nil {
		return quota
	}
	return max(0, quota-int(u.known+u.pending))
}

// Return gives a call back that was refused later on.
func (d *Days) Return(agreement uuid.UUID, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.today(agreement, now)
	u.pending--
	d.dirty[agreement] = true
}

// Unsaved gives what was counted here since it was last given. Each Unsaved is
// followed by Saved, with what became of it.
func (d *Days) Unsaved(now time.Time) []Use {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn(now)
	list := append([]Use(nil), d.late...)
	d.given = len(d.late)
	for agreement := range d.dirty {
		u := d.uses[agreement]
		u.saving = u.pending
		if u.saving != 0 {
			list = append(list, Use{Agreement: agreement, Day: d.day, Used: u.saving})
		}
	}
	clear(d.dirty)
	return list
}

// Saved takes the totals that saving gave back: all of them, or none when it failed.
func (d *Days) Saved(given, totals []Use) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(totals) == 0 {
		for _, g := range given[d.given:] {
			if !g.Day.Equal(d.day) {
				d.late = append(d.late, g)
				continue
			}
			d.uses[g.Agreement].saving = 0
			d.dirty[g.Agreement] = true
		}
		return
	}
	d.late = d.late[d.given:]
	for _, t := range totals {
		if u := d.uses[t.Agreement]; u != nil && t.Day.Equal(d.day) {
			u.known, u.pending, u.saving = t.Used, u.pending-u.saving, 0
		}
	}
}

// Known takes totals of all nodes, as they are stored.
func (d *Days) Known(totals []Use, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range totals {
		if t.Day.Equal(Day(now)) {
			d.today(t.Agreement, now).known = t.Used
		}
	}
}

func (d *Days) today(agreement uuid.UUID, now time.Time) *use {
	d.turn(now)
	u := d.uses[agreement]
	if u == nil {
		u = &use{}
		d.uses[agreement] = u
	}
	return u
}

// turn begins a new day at midnight.
func (d *Days) turn(now time.Time) {
	day := Day(now)
	if day.Equal(d.day) {
		return
	}
	for agreement, u := range d.uses {
		if unsaved := u.pending - u.saving; unsaved != 0 {
			d.late = append(d.late, Use{Agreement: agreement, Day: d.day, Used: unsaved})
		}
	}
	d.day, d.uses, d.dirty = day, map[uuid.UUID]*use{}, map[uuid.UUID]bool{}
}
