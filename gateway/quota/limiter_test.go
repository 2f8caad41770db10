package quota

import (
	"math/rand/v2"
	"testing"
	"time"
)

// model is the Limiter told in the plainest way: a steady window is a queue
// that holds so many calls, of which one leaves every gap; a period's is a number.
type model struct {
	queues map[Key][]time.Time // when each call leaves
	counts map[counted]int
}

func (m *model) gap(w Window) time.Duration { return max(1, w.Length/time.Duration(w.Calls)) }

func (m *model) counted(t Take, now time.Time) counted {
	return counted{t.Key.id(), t.Window.Period, t.Window.Period.Begin(now).Unix()}
}

// left is how many calls fit at that moment.
func (m *model) left(t Take, now time.Time) int {
	if t.Window.Period != 0 {
		return t.Window.Calls - m.counts[m.counted(t, now)]
	}
	in := 0
	for _, leaves := range m.queues[t.Key] {
		if leaves.After(now) {
			in++
		}
	}
	return t.Window.Calls - in
}

// take takes the call when it fits everywhere; else it says where it does not.
func (m *model) take(takes []Take, now time.Time) (full int, ok bool) {
	for i, t := range takes {
		if m.left(t, now) <= 0 {
			return i, false
		}
	}
	for _, t := range takes {
		if t.Window.Period != 0 {
			m.counts[m.counted(t, now)]++
			continue
		}
		q, last := m.queues[t.Key], now
		for len(q) > 0 && !q[0].After(now) {
			q = q[1:]
		}
		if len(q) > 0 {
			last = q[len(q)-1]
		}
		m.queues[t.Key] = append(q, last.Add(m.gap(t.Window)))
	}
	return 0, true
}

func (m *model) giveBack(takes []Take, taken time.Time) {
	for _, t := range takes {
		if t.Window.Period != 0 {
			m.counts[m.counted(t, taken)]--
		} else if q := m.queues[t.Key]; len(q) > 0 {
			m.queues[t.Key] = q[:len(q)-1]
		}
	}
}

// someWindows are limits such as versions have, of all kinds.
var someWindows = []Window{
	{Name: "second", Calls: 3, Length: time.Second}, {Name: "10s", Calls: 7, Length: 10 * time.Second}, {Name: "minute", Calls: 20, Length: time.Minute},
	{Name: "hour", Calls: 45, Length: time.Hour}, {Name: "day", Calls: 70, Period: Day}, {Name: "month", Calls: 400, Period: Month},
}

// someTakes gives a call of one of three callers against some of the windows,
// those of a period last.
func someTakes(random *rand.Rand, windows []Window) []Take {
	var takes []Take
	who := byte(random.IntN(3))
	for i, w := range windows {
		if random.IntN(3) > 0 {
			takes = append(takes, Take{Key: Key{Who: [16]byte{who}, What: [16]byte{1}, Limit: uint32(i)}, Window: w})
		}
	}
	if len(takes) == 0 {
		return someTakes(random, windows)
	}
	return takes
}

// TestLimiterIsItsModel: whatever comes, a call is let through when it fits all
// its windows, taken from none else, and given back where it came from.
func TestLimiterIsItsModel(t *testing.T) {
	t.Parallel()
	type open struct {
		takes []Take
		at    time.Time
	}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 4))
		l, m := &Limiter{}, &model{queues: map[Key][]time.Time{}, counts: map[counted]int{}}
		now, room := time.Date(2026, 2, 27, 3, 0, 0, 0, time.UTC), make([]Answer, 8)
		var under []open
		refused := 0
		for step := range 3000 {
			switch random.IntN(40) { // mostly calls that come close together
			case 0:
				now = now.Add(time.Duration(random.Int64N(int64(3 * time.Hour))))
			case 1, 2:
				now = now.Add(time.Duration(random.Int64N(int64(20 * time.Second))))
			default:
				now = now.Add(time.Duration(random.Int64N(int64(400 * time.Millisecond))))
			}
			if len(under) > 0 && random.IntN(8) == 0 { // the last one is refused later on
				last := under[len(under)-1]
				under = under[:len(under)-1]
				l.Return(t.Context(), last.takes, last.at)
				m.giveBack(last.takes, last.at)
			}
			takes := someTakes(random, someWindows)
			full, ok := m.take(takes, now)
			answers := l.Take(t.Context(), takes, now, room)
			want := len(takes)
			if !ok {
				want = full + 1
				refused++
			}
			if len(answers) != want || answers[want-1].OK != ok {
				t.Fatalf("seed %d, step %d: got %+v of %+v, want it taken %v (else full is %d)", seed, step, answers, takes, ok, full)
			}
			if ok {
				under = append(under, open{takes, now})
			}
			for i, a := range answers {
				if ok && a.Remaining != m.left(takes[i], now) || !ok && i == full && a.Remaining != 0 {
					t.Fatalf("seed %d, step %d: %s has %d left, want %d", seed, step, takes[i].Window.Name, a.Remaining, m.left(takes[i], now))
				}
			}
			if !ok && takes[full].Window.Period == 0 {
				after := answers[full].Retry
				if m.left(takes[full], now.Add(after)) < 1 || m.left(takes[full], now.Add(after-1)) > 0 {
					t.Fatalf("seed %d, step %d: %s is told to wait %s, which is not when the next fits", seed, step, takes[full].Window.Name, after)
				}
			}
		}
		if refused < 100 || refused > 2900 {
			t.Errorf("seed %d: %d calls of 3000 were refused: it tries nothing", seed, refused)
		}
	}
}

// TestAnotherRate: as many calls stay taken, those in part too.
func TestAnotherRate(t *testing.T) {
	t.Parallel()
	var r Rates
	for range 2 {
		r.Take(Key{}, minute(30), noon)
	}
	if got := r.Look(Key{}, minute(300), noon.Add(time.Millisecond)); got.Remaining != 298 {
		t.Errorf("two of 30 taken, then 300: got %+v, want 298 left", got)
	}
}

// TestClockPutBack: a bucket is never fuller than full.
func TestClockPutBack(t *testing.T) {
	t.Parallel()
	var r Rates
	for range 3 {
		r.Take(Key{}, minute(3), noon)
	}
	if got := r.Take(Key{}, minute(3), noon.Add(-time.Hour)); got.OK || got.Retry != 20*time.Second {
		t.Errorf("an hour back: got %+v, want to wait 20 s", got)
	}
	if got := r.Look(Key{}, minute(1), noon.Add(-time.Hour)); got.Remaining != 0 || got.Reset != time.Minute {
		t.Errorf("a narrower rate: got %+v, want one full bucket", got)
	}
}
