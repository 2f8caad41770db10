// Package queue answers when a call goes on to a system that takes so many at
// once: at once while there is a place, else in turn, each caller's calls in
// a line of their own and one of each line after the other.
package queue

import (
	"container/heap"
	"container/list"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Why a call does not go on.
var (
	ErrFull = errors.New("as many calls wait as may wait")
	ErrLate = errors.New("no place was free in time")
)

// Limits are how many calls go on and wait.
type Limits struct {
	Calls   int           // at once, 1 at least
	Waiting int           // at most, of all callers together
	Wait    time.Duration // for a place, at most
}

// Queue holds calls to its Limits. It is safe for concurrent use.
type Queue struct {
	// state is how many calls are under way (low half) and wait (high half), so
	// that it is less than calls just when a place is free and nobody waits. While
	// any waits it changes under mu only; while none does a call takes no lock.
	state atomic.Uint64
	calls atomic.Uint64 // limits.Calls

	mu     sync.Mutex
	limits Limits
	lines  map[Caller]*line
	round  list.List // of *line, that whose turn it is in front
	byLen  longest
}

// Caller is whose call it is.
type Caller [16]byte

// line is the calls of one caller that wait, in the order of their coming.
type line struct {
	caller Caller
	calls  list.List     // of *waiting
	round  *list.Element // in Queue.round
	index  int           // in Queue.byLen
}

// waiting is a call that waits.
type waiting struct {
	line *line
	at   *list.Element // in line.calls
	turn chan error    // nil: go on; ErrFull: pushed out
}

const one = 1 << 32 // call that waits, in Queue.state

// New makes a queue, with nobody in it.
func New(limits Limits) *Queue {
	q := &Queue{lines: map[Caller]*line{}}
	q.Set(limits)
	return q
}

// Set gives the queue other limits. Calls that are under way or wait beyond
// them are left to end.
func (q *Queue) Set(limits Limits) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limits = limits
	q.calls.Store(uint64(limits.Calls))
	for s := q.state.Load(); s >= one && s%one < uint64(limits.Calls); s = q.state.Load() {
		if q.state.CompareAndSwap(s, s+1) {
			q.callNext()
		}
	}
}

// Enter returns when the call has a place, which it is to Leave; or ErrFull,
// ErrLate, or what ended ctx, and then it has none.
func (q *Queue) Enter(ctx context.Context, who Caller) error {
	if s := q.state.Load(); s < q.calls.Load() && q.state.CompareAndSwap(s, s+1) {
		return nil
	}
	w, wait, err := q.join(who)
	if w == nil {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case err := <-w.turn:
		return err
	case <-timer.C:
		err = ErrLate
	case <-ctx.Done():
		err = ctx.Err()
	}
	if q.quit(w) {
		return err
	}
	turn := <-w.turn // it came at the same moment
	if turn == nil && ctx.Err() != nil {
		q.Leave()
		return ctx.Err()
	}
	return turn
}

// join puts a call in its caller's line; nil and nil: it has a place. When all
// that may wait do, the last of the longest line makes room for a caller who
// has less in it.
func (q *Queue) join(who Caller) (*waiting, time.Duration, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch s := q.state.Load(); {
		case s < q.calls.Load():
			if q.state.CompareAndSwap(s, s+1) {
				return nil, 0, nil
			}
		case s/one < uint64(q.limits.Waiting):
			if q.state.CompareAndSwap(s, s+one) {
				return q.append(who), q.limits.Wait, nil
			}
		case !q.pushOut(who):
			return nil, 0, ErrFull
		}
	}
}

// append puts a call at the end of its caller's line.
func (q *Queue) append(who Caller) *waiting {
	l := q.lines[who]
	if l == nil {
		l = &line{caller: who}
		q.lines[who] = l
		l.round = q.round.PushBack(l)
		heap.Push(&q.byLen, l)
	}
	w := &waiting{line: l, turn: make(chan error, 1)}
	w.at = l.calls.PushBack(w)
	heap.Fix(&q.byLen, l.index)
	return w
}

// pushOut refuses the call that came last in the longest line, if that stays
// as long as the caller's with the call that comes.
func (q *Queue) pushOut(who Caller) bool {
	if len(q.byLen) == 0 {
		return false
	}
	own, most := 0, q.byLen[0].calls.Len()
	if l := q.lines[who]; l != nil {
		own = l.calls.Len()
	}
	if most < own+2 {
		return false
	}
	last := q.byLen[0].calls.Back().Value.(*waiting)
	q.remove(last)
	last.turn <- ErrFull
	return true
}

// callNext gives a place that is counted already to the first call of the line
// whose turn it is. Somebody waits.
func (q *Queue) callNext() {
	l := q.round.Front().Value.(*line)
	w := l.calls.Front().Value.(*waiting)
	q.round.MoveToBack(l.round)
	q.remove(w)
	w.turn <- nil
}

// remove takes a call that waits out of its line.
func (q *Queue) remove(w *waiting) {
	l := w.line
	l.calls.Remove(w.at)
	w.at = nil
	q.state.Add(^uint64(one) + 1)
	if l.calls.Len() > 0 {
		heap.Fix(&q.byLen, l.index)
		return
	}
	heap.Remove(&q.byLen, l.index)
	q.round.Remove(l.round)
	delete(q.lines, l.caller)
}

// quit takes back a call that waits; false when it waits no more.
func (q *Queue) quit(w *waiting) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.at == nil {
		return false
	}
	q.remove(w)
	return true
}

// Leave gives a call's place to the next.
func (q *Queue) Leave() {
	for s := q.state.Load(); s < one; s = q.state.Load() {
		if q.vacate(s) {
			return
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		s := q.state.Load()
		if s >= one && s%one <= q.calls.Load() {
			q.callNext()
			return
		}
		if q.vacate(s) {
			return
		}
	}
}

// vacate makes one place free, if the state is still s.
func (q *Queue) vacate(s uint64) bool {
	if s%one == 0 {
		panic("queue: a call left that had no place")
	}
	return q.state.CompareAndSwap(s, s-1)
}

// Figures are how many calls are under way, and how many wait.
func (q *Queue) Figures() (underWay, waiting int) {
	s := q.state.Load()
	return int(s % one), int(s / one)
}

// longest is a heap of lines, the longest on top.
type longest []*line

func (h longest) Len() int           { return len(h) }
func (h longest) Less(i, j int) bool { return h[i].calls.Len() > h[j].calls.Len() }
func (h longest) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is of heap.Interface.
func (h *longest) Push(l any) {
	added := l.(*line)
	added.index = len(*h)
	*h = append(*h, added)
}

// Pop is of heap.Interface.
func (h *longest) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}
