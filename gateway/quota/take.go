package quota

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Take is a call counted against one window.
type Take struct {
	Key    Key
	Window Window

	here bool // taken from Limiter.Rates
}

// Shared is a store of rates that all nodes share.
type Shared interface {
	// Take takes a call from all windows, none of which is a Period's, or from
	// none of them, and gives an answer each, in room where there is enough, up
	// to the first that is not OK. The error says that the store cannot be asked;
	// then nothing was taken that is known of.
	Take(ctx context.Context, takes []Take, room []Answer) ([]Answer, error)
	// Return gives calls back that were refused later on.
	Return(ctx context.Context, takes []Take)
	// Look says what Take would have left to take, and takes nothing.
	Look(ctx context.Context, t Take) (Answer, error)
}

// Limiter counts calls against several windows at once: rates in memory, or in
// Shared where it is set and can be asked; and days and months. The zero
// Limiter is ready to use.
type Limiter struct {
	Shared Shared // nil: each node counts by itself
	Rates  Rates
	Counts Counts
}

// Take takes a call from all windows or, when one is full, from none. Those of
// a Period stand behind the others. It gives an answer each, in room where
// there is enough, up to the first that is not OK, and notes in takes for Return
// where it took from.
func (l *Limiter) Take(ctx context.Context, takes []Take, now time.Time, room []Answer) []Answer {
	n := steady(takes)
	answers := l.takeRates(ctx, takes[:n], now, room[:0])
	if len(answers) < n || n > 0 && !answers[n-1].OK {
		return answers
	}
	for i, t := range takes[n:] {
		left, ok := l.Counts.Take(t.Key.id(), t.Window.Period, t.Window.Calls, now)
		reset := t.Window.Period.Left(now)
		answers = append(answers, Answer{OK: ok, Remaining: left, Reset: reset, Retry: reset})
		if !ok {
			l.Return(ctx, takes[:n+i], now)
			break
		}
	}
	return answers
}

// steady is how many of the windows fill steadily; they stand first.
func steady(takes []Take) int {
	for i, t := range takes {
		if t.Window.Period != 0 {
			return i
		}
	}
	return len(takes)
}

func (l *Limiter) takeRates(ctx context.Context, takes []Take, now time.Time, room []Answer) []Answer {
	if l.Shared != nil && len(takes) > 0 {
		if answers, err := l.Shared.Take(ctx, takes, room); err == nil {
			return answers
		}
	}
	for i := range takes {
		t := &takes[i]
		t.here = true
		a := l.Rates.Take(t.Key, t.Window, now)
		if room = append(room, a); !a.OK {
			for _, before := range takes[:i] {
				l.Rates.Return(before.Key)
			}
			break
		}
	}
	return room
}

// Return gives back what Take took for a call that was refused later on, to
// where it was taken from; takes and now are as they were.
func (l *Limiter) Return(ctx context.Context, takes []Take, now time.Time) {
	n := steady(takes)
	if n > 0 && !takes[0].here {
		l.Shared.Return(ctx, takes[:n])
	}
	for i, t := range takes {
		switch {
		case i >= n:
			l.Counts.Return(t.Key.id(), t.Window.Period, now)
		case t.here:
			l.Rates.Return(t.Key)
		}
	}
}

// Look says what a window that fills steadily would have left to take, and
// takes nothing.
func (l *Limiter) Look(ctx context.Context, t Take, now time.Time) Answer {
	if l.Shared != nil {
		if a, err := l.Shared.Look(ctx, t); err == nil {
			return a
		}
	}
	return l.Rates.Look(t.Key, t.Window, now)
}

// id is the key in 16 bytes, as counts are stored: an agreement's own where
// the key is nothing else.
func (k Key) id() [16]byte {
	if k.Who == [16]byte{} && k.Limit == 0 {
		return k.What
	}
	var text [36]byte
	copy(text[:], k.Who[:])
	copy(text[16:], k.What[:])
	binary.BigEndian.PutUint32(text[32:], k.Limit)
	sum := sha256.Sum256(text[:])
	return [16]byte(sum[:16])
}
