package portal

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/pg"
	"lgsp/ledger"
)

// How many days of a service are drawn, and over how many its figures go.
const (
	availabilityDays = 90
	figureDays       = 30
)

// Answering is how a service answered the calls that came to it in some time,
// measured at the gateway. Calls that were refused for what the caller did, that
// the caller left, and those of sandboxes are not in it.
type Answering struct {
	Calls    int64 `json:"calls"`
	Answered int64 `json:"answered"` // by the service, with anything below 500
	Failed   int64 `json:"failed"`   // with 5xx, without an answer in time, or broken off
	// FailedHere are those of the failed that the platform itself is to blame for.
	FailedHere int64 `json:"failed_platform"`
	// Availability is the answered share in percent, rounded down to two decimals; null: there were no calls.
	Availability *float64 `json:"availability"`
	// In so many milliseconds 50, 95 and 99 of 100 answers were complete: at most
	// 19 % and 1 ms more than they took; null: nothing was answered.
	P50 *int64 `json:"p50_ms"`
	P95 *int64 `json:"p95_ms"`
	P99 *int64 `json:"p99_ms"`
	// DownMinutes are those in which the gateway knew that the service's system
	// gave no answer, by calls or by asking it; begun ones count.
	DownMinutes int64 `json:"down_minutes"`
}

func answering(m ledger.Measure) Answering {
	a := Answering{Calls: m.Calls(), Answered: m.Answered, Failed: m.Failed, FailedHere: m.Own}
	if share, known := m.Availability(); known {
		a.Availability = new(float64(share) / 100)
	}
	if m.Answered > 0 {
		a.P50, a.P95, a.P99 = new(m.Times.Within(50)), new(m.Times.Within(95)), new(m.Times.Within(99))
	}
	return a
}

// Share is the availability as figures with two decimals, "" without a call.
func (a Answering) Share() string {
	if a.Availability == nil {
		return ""
	}
	return fmt.Sprintf("%.2f", *a.Availability)
}

// AnsweringDay is that of one day in Vietnam.
type AnsweringDay struct {
	Day string `json:"day"` // 2026-11-23
	Answering
}

// Availability is how a version answered, day by day.
type Availability struct {
	VersionID uuid.UUID      `json:"version_id"`
	Last30    Answering      `json:"last_30_days"` // today among them
	Days      []AnsweringDay `json:"days"`         // oldest first, today the last; each is there, with calls or without
	DownSince *time.Time     `json:"down_since"`   // its system gives no answer now; null: nothing is known of that
}

// isMeasured reports whether calls of a version reach its agency's system, or did.
func isMeasured(v catalog.Version) bool {
	return v.State == catalog.Published || v.State == catalog.Deprecated || v.State == catalog.Retired
}

// measured are the rooms that know how services answer.
type measured struct {
	ledger *ledger.Ledger
	nodes  *gateway.Nodes
	now    func() time.Time
}

// of reads how versions answered in so many days up to today, by version. Each
// is one that the reader may look up.
func (m measured) of(ctx context.Context, days int, versions ...uuid.UUID) (map[uuid.UUID]Availability, error) {
	if len(versions) == 0 {
		return nil, nil
	}
	now := m.now()
	today := day(now.In(province).Format(time.DateOnly))
	since := today.AddDate(0, 0, 1-days)
	list, err := m.ledger.Measures(ctx, versions, since, today)
	if err != nil {
		return nil, err
	}
	outages, err := m.nodes.Outages(ctx, versions, midnight(since))
	if err != nil {
		return nil, err
	}
	all, sums := map[uuid.UUID]Availability{}, map[uuid.UUID]ledger.Measure{}
	for _, id := range versions {
		one := Availability{VersionID: id, Days: make([]AnsweringDay, days)}
		for i := range one.Days {
			one.Days[i].Day = since.AddDate(0, 0, i).Format(time.DateOnly)
		}
		all[id] = one
	}
	for _, one := range list {
		at := int(one.Day.Sub(since).Hours() / 24)
		all[one.VersionID].Days[at].Answering = answering(one.Measure)
		if at >= days-figureDays {
			sums[one.VersionID] = sums[one.VersionID].Plus(one.Measure)
		}
	}
	for id, one := range all {
		one.Last30 = answering(sums[id])
		for _, o := range outages {
			if o.VersionID == id {
				one.add(o, now)
			}
		}
		all[id] = one
	}
	return all, nil
}

// midnight is when a day begins in the province.
func midnight(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, province)
}

// add counts an outage on the days that it reaches into.
func (a *Availability) add(o gateway.Outage, now time.Time) {
	if o.IsDown(now) {
		a.DownSince = &o.Began
	}
	for i := range a.Days {
		begin := midnight(day(a.Days[i].Day))
		from, to := o.Began, o.Until()
		if from.Before(begin) {
			from = begin
		}
		if end := begin.AddDate(0, 0, 1); to.After(end) {
			to = end
		}
		if !to.After(from) {
			continue
		}
		minutes := int64((to.Sub(from) + time.Minute - 1) / time.Minute)
		a.Days[i].DownMinutes += minutes
		if i >= len(a.Days)-figureDays {
			a.Last30.DownMinutes += minutes
		}
	}
}

// The strip's measures, in its own units.
const (
	stripStep   = 8
	stripBar    = 6
	stripHeight = 32
	stripStub   = 3 // of a day without calls
	stripGap    = 2 // between what failed and what did not
	stripFailed = 5 // of the least share that failed
)

// strip is how a version answered, drawn a bar a day and as a table.
type strip struct {
	Availability
	Bars          []stripBarOf
	Width, Height int
	Called        int              // days with calls
	Promise       *catalog.Promise // nil: the agency promises nothing
}

// Keeps says whether the availability that is promised was reached in 30 days:
// kept, missed, unmeasured.
func (s strip) Keeps() string {
	return verdict(s.Last30.Availability != nil, func() bool { return *s.Last30.Availability >= s.Promise.Availability })
}

// KeepsP95 says the same of the time of answering.
func (s strip) KeepsP95() string {
	return verdict(s.Last30.P95 != nil, func() bool { return *s.Last30.P95 <= s.Promise.P95 })
}

func verdict(measured bool, kept func() bool) string {
	switch {
	case !measured:
		return "unmeasured"
	case kept():
		return "kept"
	}
	return "missed"
}

// stripBarOf is one day: the failed share hangs from the bar's top, apart from
// the rest, and is seen however small it is.
type stripBarOf struct {
	X, Width int
	Y, H     int // of what was answered, or of the stub
	FailedH  int
	Called   bool
	Down     bool // it was known to be down for a part of the day
}

// Mark is where the line below a day's bar lies, of one on which it was down.
func (s strip) Mark() int { return stripHeight + stripGap }

// Newest are the days of which something is known, the newest first, as the
// table has them.
func (s strip) Newest() []AnsweringDay {
	var list []AnsweringDay
	for _, d := range slices.Backward(s.Days) {
		if d.Calls > 0 || d.DownMinutes > 0 {
			list = append(list, d)
		}
	}
	return list
}

func drawStrip(a Availability) *strip {
	s := &strip{Availability: a, Width: stripStep * len(a.Days), Height: stripHeight + stripGap + stripStub}
	for i, d := range a.Days {
		bar := stripBarOf{X: i*stripStep + (stripStep-stripBar)/2, Width: stripBar, Y: stripHeight - stripStub, H: stripStub, Down: d.DownMinutes > 0}
		if d.Calls > 0 {
			s.Called++
			bar.Called, bar.Y, bar.H = true, 0, stripHeight
			if d.Failed > 0 {
				bar.FailedH = max(stripFailed, int(stripHeight*d.Failed/d.Calls))
				bar.Y = min(bar.FailedH+stripGap, stripHeight)
				bar.H = stripHeight - bar.Y
			}
		}
		s.Bars = append(s.Bars, bar)
	}
	return s
}

func (p *Portal) measured() measured { return measured{p.Ledger, p.Nodes, p.Now} }

// stripOf is the strip of a version that the reader has before them; nil of one
// that nobody calls yet, and while the database is away.
func (p *Portal) stripOf(r *http.Request, v catalog.Version) (*strip, error) {
	if !isMeasured(v) {
		return nil, nil
	}
	all, err := p.measured().of(r.Context(), availabilityDays, v.ID)
	if pg.IsAway(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := drawStrip(all[v.ID])
	if v.Promise.SetAt != nil {
		s.Promise = &v.Promise
	}
	return s, nil
}
