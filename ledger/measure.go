package ledger

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// latencySteps are how many steps answering times are told apart by. A step
// ends 2^(1/4) times later than the one before, the first after 1 ms and the
// last but one after 65,536 ms; so a time read off them is at most 19 % longer
// than the true one. Steps of any two counts add up.
const latencySteps = 66

// latencyEnds are up to how many microseconds the calls of each step took, but the last's.
var latencyEnds = func() (ends [latencySteps - 1]int64) {
	for i := range ends {
		ends[i] = int64(math.Round(1000 * math.Exp2(float64(i)/4)))
	}
	return ends
}()

// Latencies are how many calls took how long.
type Latencies [latencySteps]int64

// Within is up to how many milliseconds the quickest share of the calls took,
// of 100: at most 19 % and 1 ms more than they did. 0 when there are none.
func (l Latencies) Within(percent int64) int64 {
	var all, seen int64
	for _, n := range l {
		all += n
	}
	for i, n := range l {
		if seen += n; seen > 0 && seen*100 >= all*percent {
			return (latencyEnds[min(i, len(latencyEnds)-1)] + 999) / 1000
		}
	}
	return 0
}

func latencyStep(micros int64) int {
	step, _ := slices.BinarySearch(latencyEnds[:], micros)
	return step
}

// Measure is how a service answered the calls that came to it, as measured at
// the gateway. What was refused for what the caller did, what the caller left,
// and calls of sandboxes are not in it.
type Measure struct {
	Answered int64     // by the service, with anything below 500
	Failed   int64     // with 5xx, in vain, or broken off
	Own      int64     // of those that failed, the platform's own doing
	Times    Latencies // of the answered, from the call's arrival to the answer's end
}

// Calls are all.
func (m Measure) Calls() int64 { return m.Answered + m.Failed }

// Availability is the share of the calls that were answered, in hundredths of a
// percent, rounded down: 10000 means that none failed. False without a call.
func (m Measure) Availability() (int64, bool) {
	if m.Calls() == 0 {
		return 0, false
	}
	return 10000 * m.Answered / m.Calls(), true
}

// Plus is both together.
func (m Measure) Plus(n Measure) Measure {
	m.Answered, m.Failed, m.Own = m.Answered+n.Answered, m.Failed+n.Failed, m.Own+n.Own
	for i, count := range n.Times {
		m.Times[i] += count
	}
	return m
}

// DayMeasure is how a version answered on one day, in Vietnam.
type DayMeasure struct {
	Day       time.Time
	VersionID uuid.UUID
	Measure
}

// Measured says of an exchange whether it tells how its service answers, whether
// it failed, and whether that was the platform's own doing. The gateway's codes
// of what came after the caller's own part begin alike; of what the caller did,
// two are answered with 5xx.
func (e Exchange) Measured() (counts, failed, own bool) {
	const gone = 499 // the caller left before the answer
	behind := e.Code == "" || strings.HasPrefix(e.Code, "upstream-") || strings.HasPrefix(e.Code, "answer-") || strings.HasPrefix(e.Code, "queue-")
	switch {
	case e.Sandbox, e.VersionID == uuid.Nil, e.AgencyID == uuid.Nil, e.Status == gone, e.Outcome == "broken",
		e.Code == "call-loop", e.Code == "not-cached", e.Code == "" && e.Operation == "": // the last: a browser asked what it may send
		return false, false, false
	case e.Outcome == "unknown":
		return true, true, true
	case e.Status >= 500, e.Status < 400 && e.Code != "" && behind: // the latter: the answer broke off after it had begun
		return true, true, !behind
	}
	return behind, false, false
}

type measuredDay struct {
	day     string
	version uuid.UUID
}

const addMeasureSQL = `
insert into ledger.day_measure as m (day, version_id, answered, failed, own, times)
values ($1, $2, $3, $4, $5, $6)
on conflict on constraint day_measure_pkey do update
   set answered = m.answered + excluded.answered, failed = m.failed + excluded.failed, own = m.own + excluded.own,
       times = array(select t.a + t.b from unnest(m.times, excluded.times) with ordinality as t(a, b, i) order by t.i)`

// measure adds exchanges to how their versions answered on the days that they
// were made on.
func measure(ctx context.Context, tx pgx.Tx, exchanges []entry) error {
	days := map[measuredDay]*Measure{}
	for _, e := range exchanges {
		if !e.counts {
			continue
		}
		key := measuredDay{e.columns.At.In(here).Format(time.DateOnly), e.columns.VersionID}
		sum := days[key]
		if sum == nil {
			sum = &Measure{}
			days[key] = sum
		}
		switch {
		case e.own:
			sum.Own++
			sum.Failed++
		case e.failed:
			sum.Failed++
		default:
			sum.Answered++
			sum.Times[latencyStep(e.micros)]++
		}
	}
	keys := make([]measuredDay, 0, len(days))
	for key := range days {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b measuredDay) int { // so that nobody waits in a circle
		if c := bytes.Compare(a.version[:], b.version[:]); c != 0 {
			return c
		}
		return strings.Compare(a.day, b.day)
	})
	batch := &pgx.Batch{}
	for _, key := range keys {
		sum := days[key]
		batch.Queue(addMeasureSQL, key.day, key.version, sum.Answered, sum.Failed, sum.Own, sum.Times[:])
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("measure calls by day: %w", err)
	}
	return nil
}

const measuresSQL = `
select day, version_id, answered, failed, own, times
  from ledger.day_measure
 where version_id = any($1) and day between $2 and $3
 order by version_id, day`

// Measures are how versions answered from a day to another (both counted), by
// version and day; days without calls are not there. Whoever asks has seen that
// the reader may look the versions up: of those, everybody may know it.
func (l *Ledger) Measures(ctx context.Context, versions []uuid.UUID, from, to time.Time) ([]DayMeasure, error) {
	list, err := pg.All[DayMeasure](ctx, l.DB, measuresSQL, versions, from, to)
	if err != nil {
		return nil, fmt.Errorf("read measures of %d versions: %w", len(versions), err)
	}
	return list, nil
}
