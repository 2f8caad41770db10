package gateway

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/quota"
	"lgsp/internal/pg"
)

// Remaining is what an agreement still allows.
type Remaining struct {
	RatePerMinute int       `json:"rate_per_minute"`
	LeftNow       int       `json:"left_now"` // calls that fit at once
	QuotaPerDay   int       `json:"quota_per_day"`
	LeftToday     int       `json:"left_today"`
	Midnight      time.Time `json:"midnight"`        // when the day's quota begins anew, UTC
	QuotaPerMonth int       `json:"quota_per_month"` // 0: none
	LeftThisMonth int       `json:"left_this_month"`
	MonthEnds     time.Time `json:"month_ends,omitzero"` // when the month's quota begins anew, UTC; zero: there is none
}

const usedSQL = `
select key, period, begins, used
  from gateway.quota_count
 where key = $1 and (period = 1 and begins = $2 or period = 2 and begins = $3)`

// Remaining tells what an application may still call under an agreement, and
// false when the node knows no such agreement. It counts nothing. Of days and
// months it tells what all nodes took, up to what the others took since they
// saved last; while the database is away, and of rates that nodes do not share,
// what this node knows.
func (n *Node) Remaining(ctx context.Context, application, version, agreement uuid.UUID) (Remaining, bool) {
	s := n.current.Load()
	if s == nil {
		return Remaining{}, false
	}
	now := n.Now()
	for g := s.grants.of(application, version); g != nil; g = g.next {
		if g.Agreement != agreement {
			continue
		}
		n.totals.RLock()
		defer n.totals.RUnlock()
		stored := map[quota.Period]int64{}
		rows, err := pg.All[useRow](ctx, n.DB, usedSQL, agreement, quota.Day.Begin(now), quota.Month.Begin(now))
		if err != nil {
			slog.WarnContext(ctx, "quotas are told as this node knows them", "agreement_id", agreement, "err", err)
			stored = nil
		}
		for _, u := range usesOf(rows) {
			stored[u.Period] = u.Used
		}
		left := Remaining{
			RatePerMinute: g.Plan.RatePerMinute, QuotaPerDay: g.Plan.QuotaPerDay, QuotaPerMonth: g.Plan.QuotaPerMonth,
			LeftNow:   n.limiter.Look(ctx, quota.Take{Key: quota.Key{What: agreement}, Window: g.Plan.minute()}, now).Remaining,
			LeftToday: n.left(agreement, g.Plan.day(), stored, now), Midnight: ends(quota.Day, now),
		}
		if g.Plan.QuotaPerMonth > 0 {
			left.LeftThisMonth, left.MonthEnds = n.left(agreement, g.Plan.month(), stored, now), ends(quota.Month, now)
		}
		return left, true
	}
	return Remaining{}, false
}

// left is what is left of a period's quota when so many calls are stored as
// used; nil: nobody knows.
func (n *Node) left(agreement uuid.UUID, w quota.Window, stored map[quota.Period]int64, now time.Time) int {
	used, pending := n.limiter.Counts.Used(agreement, w.Period, now)
	if stored != nil {
		used = stored[w.Period]
	}
	return max(0, w.Calls-int(used+pending))
}

func ends(p quota.Period, now time.Time) time.Time {
	return now.UTC().Add(p.Left(now)).Truncate(time.Second)
}
