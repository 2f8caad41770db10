package quota

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC) // in Vietnam

func minute(calls int) Window { return Window{Name: "minute", Calls: calls, Length: time.Minute} }

func numbered(i int) (key Key) {
	binary.BigEndian.PutUint64(key.Who[:], uint64(i))
	return key
}

func TestRates(t *testing.T) {
	t.Parallel()
	var r Rates
	key := numbered(1)
	for i := range 3 {
		if got := r.Take(key, minute(3), noon); !got.OK || got.Remaining != 2-i {
			t.Fatalf("call %d: got %+v", i, got)
		}
	}
	if got := r.Take(key, minute(3), noon); got.OK || got.Retry != 20*time.Second || got.Remaining != 0 {
		t.Errorf("a fourth: got %+v, want to wait 20 s", got)
	}
	if got := r.Take(key, minute(3), noon.Add(20*time.Second-1)); got.OK {
		t.Error("a nanosecond early: taken")
	}
	if got := r.Take(numbered(2), minute(3), noon); !got.OK {
		t.Error("another key: refused")
	}
	second := key
	second.Limit = 1
	if got := r.Take(second, Window{Calls: 1, Length: time.Second}, noon); !got.OK {
		t.Error("another limit of the same: refused")
	}
	if got := r.Take(key, minute(3), noon.Add(20*time.Second)); !got.OK || got.Remaining != 0 {
		t.Errorf("after 20 s: got %+v", got)
	}
	r.Return(key)
	if got := r.Look(key, minute(3), noon.Add(20*time.Second)); got.Remaining != 1 {
		t.Errorf("after a return: got %+v", got)
	}
	if got := r.Look(key, minute(30), noon.Add(20*time.Second)); got.Remaining != 28 {
		t.Errorf("under a wider plan two calls stay taken: got %+v", got)
	}
	if got := r.Look(key, minute(3), noon.Add(time.Hour)); got.Remaining != 3 {
		t.Errorf("after an hour: got %+v", got)
	}
}

func TestRatesTogether(t *testing.T) {
	t.Parallel()
	var r Rates
	var group sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 8 {
		group.Go(func() {
			for range 50 {
				if r.Take(Key{}, minute(100), noon).OK {
					mu.Lock()
					taken++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	if taken != 100 {
		t.Errorf("got %d calls, want 100", taken)
	}
}

func TestRatesAreBounded(t *testing.T) {
	t.Parallel()
	var r Rates
	for i := range 200_000 {
		r.Take(numbered(i), minute(1), noon.Add(time.Duration(i)*time.Millisecond))
	}
	held := 0
	for i := range r.shards {
		held += len(r.shards[i].buckets)
	}
	if held > 140_000 {
		t.Errorf("%d buckets are kept, of 60,000 that hold something", held)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	for _, p := range []Period{Day, Month} {
		var c Counts
		a := [16]byte{1, 15: 9}
		for i := range 2 {
			if left, ok := c.Take(a, p, 2, noon); !ok || left != 1-i {
				t.Fatalf("call %d: got %d, %v", i, left, ok)
			}
		}
		if _, ok := c.Take(a, p, 2, noon); ok {
			t.Error("a third was taken")
		}
		given := c.Unsaved(noon)
		if len(given) != 1 || given[0].Used != 2 || given[0].Period != p || !given[0].Begins.Equal(p.Begin(noon)) {
			t.Fatalf("unsaved: got %v", given)
		}
		c.Return(a, p, noon) // while it is being saved
		saved := given[0]
		saved.Used = 7
		c.Saved(given, []Use{saved})
		if known, pending := c.Used(a, p, noon); known != 7 || pending != -1 {
			t.Errorf("other nodes took five, one came back: got %d and %d", known, pending)
		}
		given = c.Unsaved(noon)
		if len(given) != 1 || given[0].Used != -1 {
			t.Fatalf("what came back is saved: got %v", given)
		}
		c.Saved(given, nil) // it failed
		if again := c.Unsaved(noon); len(again) != 1 || again[0] != given[0] {
			t.Errorf("after a failure: got %v, want %v", again, given)
		}
	}
}

// TestPeriodsTurn at midnight in Vietnam, and what was counted before is saved
// as it was counted.
func TestPeriodsTurn(t *testing.T) {
	t.Parallel()
	late := time.Date(2026, 3, 31, 16, 59, 59, 0, time.UTC) // 23:59:59 in Vietnam
	next := late.Add(time.Second)
	a := [16]byte{1}
	for _, p := range []Period{Day, Month} {
		if got := p.Left(late); got != time.Second {
			t.Errorf("until the end: got %s", got)
		}
		var c Counts
		c.Take(a, p, 1, late)
		if _, ok := c.Take(a, p, 1, next); !ok {
			t.Error("the new period's quota is used up")
		}
		given := c.Unsaved(next)
		if len(given) != 2 || given[0].Begins.Equal(given[1].Begins) {
			t.Fatalf("got %v, want both", given)
		}
		c.Saved(given, nil)
		if again := c.Unsaved(next); len(again) != 2 {
			t.Errorf("after a failure: got %v", again)
		}
		c.Saved(given, given)
		if rest := c.Unsaved(next); len(rest) != 0 {
			t.Errorf("after saving: got %v", rest)
		}
		if held := len(c.shard(a).uses); held != 1 {
			t.Errorf("%d periods are kept, want the current one", held)
		}
		var fresh Counts
		fresh.Known([]Use{{a, p, p.Begin(next), 3}, {a, p, p.Begin(late), 9}})
		if known, pending := fresh.Used(a, p, next); known != 3 || pending != 0 {
			t.Errorf("loaded: got %d and %d", known, pending)
		}
	}
}

func TestParseWindow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"1s": time.Second, "10s": 10 * time.Second, "1m": time.Minute, "1m30s": 90 * time.Second, "12h": 12 * time.Hour,
		"day": 24 * time.Hour, "month": 31 * 24 * time.Hour} {
		w, err := ParseWindow(text)
		if err != nil || w.String() != text || w.Within(noon) != want {
			t.Errorf("%s: got %s of %s, %v", text, w, w.Within(noon), err)
		}
	}
	for _, text := range []string{"", "0s", "500ms", "1.5s", "13h", "year", "-1s", "1"} {
		if w, err := ParseWindow(text); err == nil {
			t.Errorf("%q: got %s", text, w)
		}
	}
}

// TestFullShard: callers beyond what is remembered cost no look through all of
// them each.
func TestFullShard(t *testing.T) {
	t.Parallel()
	s := &shard{buckets: map[Key]bucket{}, limit: maxKeys}
	at := noon.UnixNano()
	for i := range maxKeys {
		s.buckets[numbered(i)] = bucket{clear: at + int64(time.Minute), gap: 1}
	}
	s.sweep(at)
	if held := len(s.buckets); held > maxKeys/8*7 || held < maxKeys/2 {
		t.Errorf("%d buckets are kept of %d", held, maxKeys)
	}
}
