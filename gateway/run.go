package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"lgsp/auth"
	"lgsp/gateway/cache"
	"lgsp/gateway/journal"
	"lgsp/gateway/quota"
	"lgsp/internal/pg"
)

// Run keeps the node's configuration, counters and evidence going until ctx
// ends; then it saves the counters and gives the ledger a few seconds to take
// the rest. End ctx after the listener: a call that comes later is not recorded.
// Run fails when the journal's directory cannot be written.
func (n *Node) Run(ctx context.Context) error {
	gateway, err := url.Parse(n.GatewayURL)
	if err != nil || gateway.Host == "" {
		return fmt.Errorf("gateway url %q is no URL", n.GatewayURL)
	}
	n.via = gateway.Host
	n.transports = n.newTransports()
	n.matcher = auth.NewMatcher(n.Peppers)
	n.journal = &journal.Journal{
		Dir: filepath.Join(n.DataDir, "journal"), Segment: 4 << 20, Max: or(n.Evidence, 1<<30), Sync: 200 * time.Millisecond, Flush: n.flush,
	}
	if err := n.journal.Open(); err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	if n.CacheSize > 0 {
		n.stored = cache.NewStore(n.CacheSize)
	}
	n.doubtful, n.copies = true, make(chan struct{}, copiesOfNode)
	n.samples, n.reading = make(chan sample, sampleQueue), semaphore.NewWeighted(readAtOnce)
	if n.Shared != nil {
		n.limiter.Shared = n.Shared
	}
	n.Metrics.attach(n)
	drains, stopDrain := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDrain()
	group, inside := errgroup.WithContext(ctx)
	group.Go(func() error { return ended(drains, n.journal.Drain(drains, n.ship)) })
	group.Go(func() error { return n.followAlways(inside) })
	group.Go(func() error { return n.saveAlways(inside) })
	group.Go(func() error { return n.keepAlways(inside) })
	group.Go(func() error { return n.checkAlways(inside) })
	group.Go(func() error { return n.tellAlways(inside) })
	group.Go(func() error { return n.lookAlways(inside.Done()) })
	group.Go(func() error {
		<-inside.Done()
		time.AfterFunc(drainPatience, stopDrain) // what is left is delivered at the next start
		return n.journal.Close()
	})
	return group.Wait()
}

// ended is nil for an error that only says that ctx ended.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// followAlways follows the feed, again and again when its connection fails.
func (n *Node) followAlways(ctx context.Context) error {
	if err := within(ctx, askPatience, n.loadUse); err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "quotas are not loaded; they are told when calls are counted", "err", err)
	}
	for {
		err := n.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		slog.ErrorContext(ctx, "gateway feed is lost; trying again", "err", err)
		n.startByKept(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// startByKept serves by the snapshot on disk when there is none yet.
func (n *Node) startByKept(ctx context.Context) {
	if n.current.Load() != nil {
		return
	}
	if err := n.restore(); err != nil {
		slog.ErrorContext(ctx, "there is no configuration to serve by", "err", err)
		return
	}
	slog.WarnContext(ctx, "serving by the configuration kept on disk", "of", time.Unix(0, n.fresh.Load()).UTC())
}

// saveAlways saves the quotas and the use of keys, and forgets old changes.
func (n *Node) saveAlways(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	said := func(ctx context.Context, what string, err error) {
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, what, "err", err)
		}
	}
	swept, touched := time.Time{}, n.Now()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainPatience)
			defer cancel()
			said(last, "quotas are not saved", n.saveUse(last))
			said(last, "use of keys is not saved", n.touch(last))
			said(last, "drift is not saved", n.saveDrift(last))
			return nil
		case <-tick.C:
		}
		said(ctx, "quotas are not saved; trying again", within(ctx, askPatience, n.saveUse))
		now := n.Now()
		if now.Sub(touched) > time.Minute {
			touched = now
			said(ctx, "use of keys is not saved; trying again", within(ctx, askPatience, n.touch))
			said(ctx, "drift is not saved; trying again", within(ctx, askPatience, n.saveDrift))
		}
		if now.Sub(swept) > time.Hour {
			swept = now
			said(ctx, "old changes are not swept", within(ctx, askPatience, n.sweep))
		}
	}
}

// touch tells how keys were used. What is not taken is told again.
func (n *Node) touch(ctx context.Context) error {
	if n.Touch == nil {
		return nil
	}
	if err := n.used.Tell(ctx, n.Touch); err != nil {
		return fmt.Errorf("touch credentials: %w", err)
	}
	return nil
}

const saveUseSQL = `
insert into gateway.quota_count as q (key, period, begins, used)
select u.key, u.period, u.begins, greatest(u.used, 0)
  from unnest($1::uuid[], $2::smallint[], $3::date[], $4::bigint[]) as u (key, period, begins, used)
on conflict (begins, period, key) do update set used = greatest(q.used + excluded.used, 0)
returning key, period, begins, used`

// useRow is a quota.Use as it is stored.
type useRow struct {
	Key    uuid.UUID
	Period int16
	Begins time.Time
	Used   int64
}

func usesOf(rows []useRow) []quota.Use {
	list := make([]quota.Use, len(rows))
	for i, r := range rows {
		list[i] = quota.Use{Key: r.Key, Period: quota.Period(r.Period), Begins: r.Begins.UTC(), Used: r.Used}
	}
	return list
}

// saveUse adds what this node counted to what all nodes counted, and learns the sum.
func (n *Node) saveUse(ctx context.Context) error {
	n.totals.Lock()
	defer n.totals.Unlock()
	given := n.limiter.Counts.Unsaved(n.Now())
	if len(given) == 0 {
		return nil
	}
	keys, periods, begins, used := make([]uuid.UUID, len(given)), make([]int16, len(given)), make([]time.Time, len(given)), make([]int64, len(given))
	for i, u := range given {
		keys[i], periods[i], begins[i], used[i] = u.Key, int16(u.Period), u.Begins, u.Used
	}
	totals, err := pg.All[useRow](ctx, n.DB, saveUseSQL, keys, periods, begins, used)
	if err != nil {
		n.limiter.Counts.Saved(given, nil)
		return fmt.Errorf("save quota use: %w", err)
	}
	n.limiter.Counts.Saved(given, usesOf(totals))
	return nil
}

const loadUseSQL = `select key, period, begins, used from gateway.quota_count where period = 1 and begins = $1 or period = 2 and begins = $2`

// loadUse learns what all nodes counted today and this month.
func (n *Node) loadUse(ctx context.Context) error {
	n.totals.Lock()
	defer n.totals.Unlock()
	now := n.Now()
	totals, err := pg.All[useRow](ctx, n.DB, loadUseSQL, quota.Day.Begin(now), quota.Month.Begin(now))
	if err != nil {
		return fmt.Errorf("load quota use: %w", err)
	}
	n.limiter.Counts.Known(usesOf(totals))
	return nil
}

const (
	sweepChangesSQL = `delete from gateway.change where at < $1`
	sweepUseSQL     = `delete from gateway.quota_count where begins < $1`
)

// sweep forgets changes that every node has seen, or missed for so long that
// it loads anew, and quotas of a year ago.
func (n *Node) sweep(ctx context.Context) error {
	now := n.Now()
	return pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sweepChangesSQL, now.Add(-changesLast)); err != nil {
			return fmt.Errorf("sweep changes: %w", err)
		}
		if _, err := tx.Exec(ctx, sweepUseSQL, now.AddDate(-1, 0, 0)); err != nil {
			return fmt.Errorf("sweep quota use: %w", err)
		}
		if _, err := tx.Exec(ctx, sweepDriftSQL, now.Add(-driftLasts)); err != nil {
			return fmt.Errorf("sweep drift: %w", err)
		}
		return nil
	})
}
