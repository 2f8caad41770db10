package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func caller(name string) (c Caller) {
	copy(c[:], name)
	return c
}

// crowd is calls that wait in a queue, and the order in which their turn came.
type crowd struct {
	t     *testing.T
	q     *Queue
	mu    sync.Mutex
	order []string
}

// wait lets so many calls of a caller wait; each that gets a place keeps it.
func (c *crowd) wait(who string, calls int) {
	for i := range calls {
		go func() {
			err := c.q.Enter(c.t.Context(), caller(who))
			c.mu.Lock()
			defer c.mu.Unlock()
			name := fmt.Sprintf("%s%d", who, i)
			if err != nil {
				name += " " + err.Error()
			}
			c.order = append(c.order, name)
		}()
		synctest.Wait() // they come one after the other
	}
}

// leave lets so many calls end, one after the other.
func (c *crowd) leave(calls int) {
	for range calls {
		c.q.Leave()
		synctest.Wait()
	}
}

func (c *crowd) expect(want ...string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.order, want) {
		c.t.Errorf("got %q, want %q", c.order, want)
	}
	c.order = nil
}

func (c *crowd) figures(underWay, waiting int) {
	c.t.Helper()
	if a, b := c.q.Figures(); a != underWay || b != waiting {
		c.t.Errorf("%d under way, %d wait; want %d and %d", a, b, underWay, waiting)
	}
}

func newCrowd(t *testing.T, limits Limits) *crowd { return &crowd{t: t, q: New(limits)} }

func TestNobodyMayWait(t *testing.T) {
	t.Parallel()
	q := New(Limits{Calls: 2})
	for i, want := range []error{nil, nil, ErrFull, ErrFull} {
		if err := q.Enter(t.Context(), caller("a")); !errors.Is(err, want) {
			t.Errorf("call %d: got %v, want %v", i, err, want)
		}
	}
	q.Leave()
	if err := q.Enter(t.Context(), caller("a")); err != nil {
		t.Errorf("one left: %v", err)
	}
	if a, b := q.Figures(); a != 2 || b != 0 {
		t.Errorf("%d under way, %d wait", a, b)
	}
}

// TestInTurn: one of each caller after the other, each caller's in the order of
// their coming, however many one has.
func TestInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, Limits{Calls: 1, Waiting: 2000, Wait: time.Hour})
		c.wait("x", 1)
		c.expect("x0")
		c.wait("a", 1000)
		c.wait("b", 1)
		c.wait("c", 2)
		c.figures(1, 1003)
		c.leave(6)
		c.expect("a0", "b0", "c0", "a1", "c1", "a2")
		c.wait("b", 1)
		c.leave(3)
		c.expect("a3", "b0", "a4")
		c.figures(1, 995)
		c.leave(995)
		c.figures(1, 0)
		c.leave(1)
		c.figures(0, 0)
	})
}

// TestFull: who has most of the queue makes room for who has less.
func TestFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		full := " " + ErrFull.Error()
		c := newCrowd(t, Limits{Calls: 1, Waiting: 4, Wait: time.Hour})
		c.wait("x", 1)
		c.expect("x0")
		c.wait("a", 5)
		c.expect("a4" + full)
		c.wait("b", 1)
		c.expect("a3" + full)
		c.wait("b", 2)
		c.expect("a2"+full, "b1"+full) // three of one and two of the other were no fairer
		c.wait("c", 1)
		got := c.order
		if len(got) != 1 || !strings.HasSuffix(got[0], full) || strings.HasPrefix(got[0], "c") {
			t.Errorf("a third caller: got %q, want one of a or b pushed out", got)
		}
		c.order = nil
		c.wait("d", 1)
		c.order = nil
		c.wait("e", 1)
		c.expect("e0" + full) // each has one
		c.figures(1, 4)
		c.leave(4)
		for i, name := range c.order {
			if !strings.HasSuffix(name, "0") {
				t.Errorf("turn %d: %s: the first of each was to stay", i, name)
			}
		}
	})
}

// TestLate: a call waits as long as it may, and takes no place with it.
func TestLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, Limits{Calls: 1, Waiting: 10, Wait: 3 * time.Second})
		c.wait("x", 1)
		c.expect("x0")
		c.wait("a", 1)
		time.Sleep(2 * time.Second)
		c.wait("b", 1)
		time.Sleep(time.Second - 1)
		synctest.Wait()
		c.expect()
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		c.expect("a0 " + ErrLate.Error())
		c.leave(1)
		c.expect("b0")
		c.figures(1, 0)
	})
}

// TestCallerLeaves: at once, and the next in turn is another.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, Limits{Calls: 1, Waiting: 10, Wait: time.Hour})
		c.wait("x", 1)
		c.expect("x0")
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.q.Enter(ctx, caller("a")) }()
		synctest.Wait()
		c.wait("b", 1)
		c.figures(1, 2)
		leave()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		c.figures(1, 1)
		c.leave(1)
		c.expect("b0")
	})
}

// TestSet: other limits hold from then on, for those who wait too.
func TestSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, Limits{Calls: 1, Waiting: 10, Wait: time.Hour})
		c.wait("x", 1)
		c.wait("a", 5)
		c.expect("x0")
		c.q.Set(Limits{Calls: 3, Waiting: 10, Wait: time.Hour})
		synctest.Wait()
		slices.Sort(c.order) // they go on together
		c.expect("a0", "a1")
		c.figures(3, 3)
		c.q.Set(Limits{Calls: 2, Waiting: 2, Wait: time.Hour})
		c.leave(1) // three were under way
		c.expect()
		c.figures(2, 3)
		c.leave(1)
		c.expect("a2")
		c.figures(2, 2)
		c.wait("a", 1)
		c.expect("a0 " + ErrFull.Error())
		c.leave(4)
		c.expect("a3", "a4")
		c.figures(0, 0)
	})
}

func TestALeaveTooMany(t *testing.T) {
	t.Parallel()
	q := New(Limits{Calls: 1})
	if err := q.Enter(t.Context(), caller("a")); err != nil {
		t.Fatal(err)
	}
	q.Leave()
	defer func() {
		if recover() == nil {
			t.Error("a place was left that nobody had")
		}
	}()
	q.Leave()
}

// TestTogether: many at once, who come, wait, give up and leave as they like,
// while the limits change: never more than may, and in the end nobody.
func TestTogether(t *testing.T) {
	t.Parallel()
	const most = 5
	q := New(Limits{Calls: most, Waiting: 20, Wait: 3 * time.Millisecond})
	var group sync.WaitGroup
	var now, over, served, late, full, gone atomic.Int64
	for g := range 64 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 7))
			for range 400 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(4000))*time.Microsecond)
				err := q.Enter(ctx, caller(fmt.Sprint(g%7)))
				switch {
				case err == nil:
					if now.Add(1) > most {
						over.Add(1)
					}
					if random.IntN(3) > 0 {
						time.Sleep(time.Duration(random.IntN(300)) * time.Microsecond)
					}
					served.Add(1)
					now.Add(-1)
					q.Leave()
				case errors.Is(err, ErrLate):
					late.Add(1)
				case errors.Is(err, ErrFull):
					full.Add(1)
				case errors.Is(err, context.DeadlineExceeded):
					gone.Add(1)
				default:
					t.Errorf("got %v", err)
				}
				cancel()
			}
		})
	}
	group.Go(func() {
		for i := range 100 {
			time.Sleep(time.Millisecond)
			q.Set(Limits{Calls: 1 + i%most, Waiting: 20, Wait: 3 * time.Millisecond})
		}
	})
	group.Wait()
	if over.Load() > 0 {
		t.Errorf("more than %d were under way, %d times", most, over.Load())
	}
	if a, b := q.Figures(); a != 0 || b != 0 || len(q.lines) != 0 || q.round.Len() != 0 || len(q.byLen) != 0 {
		t.Errorf("in the end: %d under way, %d wait, %d lines", a, b, len(q.lines))
	}
	if served.Load() == 0 || late.Load() == 0 || full.Load() == 0 || gone.Load() == 0 {
		t.Errorf("%d served, %d late, %d full, %d gone: one of them was not tried", served.Load(), late.Load(), full.Load(), gone.Load())
	}
}

// BenchmarkFree is a call that finds a place.
func BenchmarkFree(b *testing.B) {
	q := New(Limits{Calls: 1000})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if q.Enter(b.Context(), Caller{}) == nil {
				q.Leave()
			}
		}
	})
}

// BenchmarkFull refuses a call of one of 5,000 callers who all wait.
func BenchmarkFull(b *testing.B) {
	q := New(Limits{Calls: 1, Waiting: 5000, Wait: time.Hour})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for i := range 5001 {
		go func() { _ = q.Enter(ctx, caller(fmt.Sprint(i))) }()
	}
	for _, waiting := q.Figures(); waiting < 5000; _, waiting = q.Figures() {
		time.Sleep(time.Millisecond)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := q.Enter(ctx, caller("another")); !errors.Is(err, ErrFull) {
			b.Fatal(err)
		}
	}
}
