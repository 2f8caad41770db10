// Package recall answers with what the database said before, until a notice
// says that something changed.
package recall

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	checkEvery = 5 * time.Second // that the connection still answers, without a notice
	tryAgain   = time.Second
)

// Feed follows one channel of notices. While it has no connection nothing is
// remembered: every Memory of it asks the database each time.
type Feed struct {
	DB      *pgxpool.Pool
	Channel string

	age  atomic.Uint64 // grows with each notice
	live atomic.Bool
}

// Run follows the channel until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := f.follow(ctx)
		f.live.Store(false)
		if ctx.Err() != nil {
			break
		}
		slog.WarnContext(ctx, "nothing is remembered until the notices come again", "channel", f.Channel, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(tryAgain):
		}
	}
	return nil
}

func (f *Feed) follow(ctx context.Context) error {
	held, err := f.DB.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("reach database: %w", err)
	}
	conn := held.Hijack() // it listens: not to be used again
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "listen "+f.Channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	f.age.Add(1) // what was remembered before may have changed unheard
	f.live.Store(true)
	for {
		short, cancel := context.WithTimeout(ctx, checkEvery)
		_, err := conn.WaitForNotification(short)
		silent := short.Err() != nil
		cancel()
		if err == nil {
			f.age.Add(1)
			continue
		}
		if !silent || ctx.Err() != nil {
			return fmt.Errorf("wait for notices: %w", err)
		}
		short, cancel = context.WithTimeout(ctx, checkEvery)
		err = conn.Ping(short)
		cancel()
		if err != nil {
			return fmt.Errorf("check the connection: %w", err)
		}
	}
}

// Forget makes every Memory of the feed ask again, for who has just changed
// something and does not wait for the notice.
func (f *Feed) Forget() { f.age.Add(1) }

// Memory keeps answers by key, at most Most of them, each for Life at most and
// until the next notice of its feed. It is for use by any number of goroutines;
// a nil one remembers nothing.
type Memory[K comparable, V any] struct {
	Feed *Feed
	Now  func() time.Time
	Life time.Duration
	Most int

	mu   sync.RWMutex
	kept map[K]kept[V]
}

type kept[V any] struct {
	value V
	age   uint64 // of the feed when the database was asked
	until time.Time
}

// Get gives what is remembered for key, or asks. An error is not remembered.
func (m *Memory[K, V]) Get(ctx context.Context, key K, ask func(context.Context) (V, error)) (V, error) {
	if m == nil || !m.Feed.live.Load() {
		return ask(ctx)
	}
	now, age := m.Now(), m.Feed.age.Load()
	m.mu.RLock()
	known, ok := m.kept[key]
	m.mu.RUnlock()
	if ok && known.age == age && now.Before(known.until) {
		return known.value, nil
	}
	value, err := ask(ctx)
	if err != nil {
		return value, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= m.Most {
		m.kept = map[K]kept[V]{} // simpler than choosing, and as rare as Most is large
	}
	m.kept[key] = kept[V]{value, age, now.Add(m.Life)} // an older age is never given
	return value, nil
}
