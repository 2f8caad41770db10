package quota

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

var noon = time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC) // in Vietnam

func TestRates(t *testing.T) {
	t.Parallel()
	var r Rates
	key := Key{1}
	for i := range 3 {
		if got := r.Take(key, 3, noon); !got.OK || got.Remaining != 2-i {
			t.Fatalf("call %d: got %+v", i, got)
		}
	}
	if got := r.Take(key, 3, noon); got.OK || got.Retry != 20*time.Second || got.Remaining != 0 {
		t.Errorf("a fourth: got %+v, want to wait 20 s", got)
	}
	if got := r.Take(key, 3, noon.Add(20*time.Second-1)); got.OK {
		t.Error("a nanosecond early: taken")
	}
	if got := r.Take(Key{2}, 3, noon); !got.OK {
		t.Error("another key: refused")
	}
	if got := r.Take(key, 3, noon.Add(20*time.Second)); !got.OK || got.Remaining != 0 {
		t.Errorf("after 20 s: got %+v", got)
	}
	r.Return(key)
	if got := r.Look(key, 3, noon.Add(20*time.Second)); got.Remaining != 1 {
		t.Errorf("after a return: got %+v", got)
	}
	if got := r.Look(key, 30, noon.Add(20*time.Second)); got.Remaining != 28 {
		t.Errorf("under a wider plan two calls stay taken: got %+v", got)
	}
	if got := r.Look(key, 3, noon.Add(time.Hour)); got.Remaining != 3 {
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
				if r.Take(Key{}, 100, noon).OK {
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
		var key Key
		binary.BigEndian.PutUint64(key[:], uint64(i))
		r.Take(key, 1, noon.Add(time.Duration(i)*time.Millisecond))
	}
	held := 0
	for i := range r.shards {
		held += len(r.shards[i].buckets)
	}
	if held > 140_000 {
		t.Errorf("%d buckets are kept, of 60,000 that hold something", held)
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	var d Days
	a := uuid.New()
	for i := range 2 {
		if left, ok := d.Take(a, 2, noon); !ok || left != 1-i {
			t.Fatalf("call %d: got %d, %v", i, left, ok)
		}
	}
	if _, ok := d.Take(a, 2, noon); ok {
		t.Error("a third was taken")
	}
	given := d.Unsaved(noon)
	if len(given) != 1 || given[0].Used != 2 {
		t.Fatalf("unsaved: got %v", given)
	}
	d.Return(a, noon) // while it is being saved
	d.Saved(given, []Use{{Agreement: a, Day: given[0].Day, Used: 7}})
	if left := d.Left(a, 10, noon); left != 4 {
		t.Errorf("other nodes took five, one came back: got %d left, want 4", left)
	}
	given = d.Unsaved(noon)
	if len(given) != 1 || given[0].Used != -1 {
		t.Fatalf("what came back is saved: got %v", given)
	}
	d.Saved(given, nil) // it failed
	if again := d.Unsaved(noon); len(again) != 1 || again[0] != given[0] {
		t.Errorf("after a failure: got %v, want %v", again, given)
	}
}

func TestMidnight(t *testing.T) {
	t.Parallel()
	var d Days
	a := uuid.New()
	late := time.Date(2026, 3, 2, 16, 59, 59, 0, time.UTC) // 23:59:59 in Vietnam
	if got := UntilMidnight(late); got != time.Second {
		t.Errorf("until midnight: got %s", got)
	}
	d.Take(a, 1, late)
	next := late.Add(time.Second)
	if _, ok := d.Take(a, 1, next); !ok {
		t.Error("the new day's quota is used up")
	}
	given := d.Unsaved(next)
	if len(given) != 2 || !given[0].Day.Equal(Day(late)) || !given[1].Day.Equal(Day(next)) {
		t.Fatalf("got %v, want both days", given)
	}
	d.Saved(given, nil)
	if again := d.Unsaved(next); len(again) != 2 {
		t.Errorf("after a failure: got %v", again)
	}
	d.Saved(given, []Use{given[0], given[1]})
	if rest := d.Unsaved(next); len(rest) != 0 {
		t.Errorf("after saving: got %v", rest)
	}
	var fresh Days
	fresh.Known([]Use{{Agreement: a, Day: Day(next), Used: 3}, {Agreement: a, Day: Day(late), Used: 9}}, next)
	if left := fresh.Left(a, 5, next); left != 2 {
		t.Errorf("loaded: got %d left, want 2", left)
	}
}

// TestFullShard: callers beyond what is remembered cost no look through all of
// them each.
func TestFullShard(t *testing.T) {
	t.Parallel()
	s := &shard{buckets: map[Key]bucket{}, limit: maxKeys}
	at := noon.UnixNano()
	for i := range maxKeys {
		var key Key
		binary.BigEndian.PutUint64(key[:], uint64(i))
		s.buckets[key] = bucket{clear: at + int64(time.Minute), gap: 1}
	}
	s.sweep(at)
	if held := len(s.buckets); held > maxKeys/8*7 || held < maxKeys/2 {
		t.Errorf("%d buckets are kept of %d", held, maxKeys)
	}
}
