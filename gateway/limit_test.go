package gateway

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/gateway/quota"
)

// limits puts the world's route in force with limits beside its plan.
func (w *world) limits(list ...Limit) {
	w.t.Helper()
	w.route.Traffic.Limits = list
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("limited", func() bool {
		v := w.node.current.Load().byVersion[w.route.Version]
		return v != nil && slices.Equal(v.Traffic.Limits, list)
	})
}

// called makes a call as one of these makes it, to an operation.
func (w *world) called(who, operation string) reply {
	w.t.Helper()
	target := map[string]string{"tim": "/ho-so", "mo": "/danh-muc/1", "nguoi": "/nguoi/0123"}[operation]
	switch who {
	case "key":
		return w.do("GET", target, "X-API-Key", w.key)
	case "token":
		return w.do("GET", target, "Authorization", "Bearer "+w.token("t1"))
	case "elsewhere":
		return w.do("GET", target, "X-Forwarded-For", "2001:db8::1")
	}
	return w.do("GET", target)
}

// TestLimits: each kind counts what it is to count, beside the others, and a
// call that one of them refuses is taken from none.
func TestLimits(t *testing.T) {
	t.Parallel()
	type by struct{ who, operation string }
	for _, tt := range []struct {
		per      string
		together [3]by // one limit counts them
		apart    by    // and not this one
	}{
		{"application", [3]by{{"key", "tim"}, {"key", "mo"}, {"token", "nguoi"}}, by{"anyone", "mo"}},
		{"agreement", [3]by{{"key", "tim"}, {"token", "nguoi"}, {"key", "tim"}}, by{"key", "mo"}},
		{"api", [3]by{{"key", "tim"}, {"anyone", "mo"}, {"token", "nguoi"}}, by{}},
		{"operation", [3]by{{"anyone", "mo"}, {"key", "mo"}, {"elsewhere", "mo"}}, by{"key", "tim"}},
		{"address", [3]by{{"anyone", "mo"}, {"key", "tim"}, {"key", "mo"}}, by{"elsewhere", "mo"}},
	} {
		t.Run(tt.per, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.node.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			w.limits(Limit{tt.per, 3, "12h"}, Limit{"api", 100, "day"}, Limit{"api", 1000, "1h30m"})
			name := tt.per + "-12h"
			for i, call := range tt.together {
				got := w.called(call.who, call.operation)
				if told := got.header.Get("RateLimit"); got.status != 200 || !strings.Contains(told, fmt.Sprintf(`"%s";r=%d;`, name, 2-i)) || !strings.Contains(told, fmt.Sprintf(`"api-day";r=%d;`, 99-i)) {
					t.Errorf("%v: got %d %s, %q", call, got.status, got.code, told)
				}
				if policy := got.header.Get("RateLimit-Policy"); !strings.Contains(policy, `"`+name+`";q=3;w=43200`) || !strings.Contains(policy, `"api-1h30m";q=1000;w=5400`) || !strings.HasSuffix(policy, `;w=86400`) {
					t.Errorf("%v: policy %q", call, policy)
				}
				if got.header.Get("X-RateLimit-Limit") != "3" || got.header.Get("X-RateLimit-Remaining") != strconv.Itoa(2-i) {
					t.Errorf("%v: the tightest is told as %s of %s", call, got.header.Get("X-RateLimit-Remaining"), got.header.Get("X-RateLimit-Limit"))
				}
			}
			for _, call := range tt.together {
				got := w.called(call.who, call.operation)
				if wait, err := strconv.Atoi(got.header.Get("Retry-After")); got.status != 429 || got.code != "rate-exceeded" || err != nil || wait < 14_000 || wait > 14_400 || !strings.Contains(got.body, `"violated-policies":["`+name+`"]`) {
					t.Errorf("one too many, %v: got %d, Retry-After %d, %s", call, got.status, wait, got.body)
				}
			}
			if w.reachedCount() != 3 {
				t.Errorf("%d calls reached the upstream", w.reachedCount())
			}
			key := quota.Take{Key: quota.Key{What: w.route.Version, Limit: 2}, Window: quota.Window{Calls: 1000, Period: quota.Day}}
			if got := w.node.limiter.Take(t.Context(), []quota.Take{key}, w.now(), nil); got[0].Remaining != 996 {
				t.Errorf("of the day %d are left, want 996: refused calls take nothing", got[0].Remaining)
			}
			if tt.apart == (by{}) {
				return
			}
			got := w.called(tt.apart.who, tt.apart.operation)
			if told := got.header.Get("RateLimit"); got.status != 200 || strings.Contains(told, name) && !strings.Contains(told, `"`+name+`";r=2;`) {
				t.Errorf("apart, %v: got %d %s, %q", tt.apart, got.status, got.code, told)
			}
		})
	}
}

// TestPeriods: days and months are full for what is left of them, and a HEAD is
// free of both.
func TestPeriods(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, full, code string
		plan             Plan
		limits           []Limit
		period           quota.Period
	}{
		{"the plan's day", "day", "quota-exceeded", Plan{RatePerMinute: 1000, QuotaPerDay: 2, QuotaPerMonth: 9}, nil, quota.Day},
		{"the plan's month", "month", "quota-month-exceeded", Plan{RatePerMinute: 1000, QuotaPerDay: 9, QuotaPerMonth: 2}, nil, quota.Month},
		{"a limit's day", "agreement-day", "quota-exceeded", Plan{RatePerMinute: 1000, QuotaPerDay: 9}, []Limit{{"agreement", 2, "day"}}, quota.Day},
		{"a limit's month", "api-month", "quota-month-exceeded", Plan{RatePerMinute: 1000, QuotaPerDay: 9}, []Limit{{"api", 2, "month"}, {"api", 9, "day"}}, quota.Month},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(func(g *Grant) { g.Plan = tt.plan })
			w.limits(tt.limits...)
			for i := range 2 {
				for range 2 {
					head := w.do("HEAD", "/ho-so", "X-API-Key", w.key)
					if head.status != 200 || strings.Contains(head.header.Get("RateLimit"), "day") || strings.Contains(head.header.Get("RateLimit"), "month") {
						t.Errorf("HEAD: got %d, %q", head.status, head.header.Get("RateLimit"))
					}
				}
				if got := w.called("key", "tim"); got.status != 200 || !strings.Contains(got.header.Get("RateLimit"), fmt.Sprintf(`"%s";r=%d;`, tt.full, 1-i)) {
					t.Errorf("call %d: got %d %s, %q", i, got.status, got.code, got.header.Get("RateLimit"))
				}
			}
			got := w.called("key", "tim")
			wait, err := strconv.Atoi(got.header.Get("Retry-After"))
			if until := tt.period.Left(w.now()); got.status != 429 || got.code != tt.code || err != nil || time.Duration(wait)*time.Second-until > time.Minute || until-time.Duration(wait)*time.Second > time.Minute {
				t.Errorf("full: got %d %s, Retry-After %d", got.status, got.code, wait)
			}
			left, ok := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement)
			if want := (Remaining{RatePerMinute: 1000, LeftNow: left.LeftNow, QuotaPerDay: tt.plan.QuotaPerDay, LeftToday: tt.plan.QuotaPerDay - 2, Midnight: left.Midnight,
				QuotaPerMonth: tt.plan.QuotaPerMonth, LeftThisMonth: max(0, tt.plan.QuotaPerMonth-2), MonthEnds: left.MonthEnds}); !ok || left != want {
				t.Errorf("remaining: got %+v, want %+v", left, want)
			}
			if month := left.MonthEnds; month.IsZero() != (tt.plan.QuotaPerMonth == 0) || !month.IsZero() && (month.Day() > 1 && month.Hour() != 17) || left.Midnight.Hour() != 17 {
				t.Errorf("they begin anew at %s and %s: no midnight in Vietnam", left.Midnight, month)
			}
		})
	}
}

// TestRemainingOfAllNodes: what another node took is told here, too.
func TestRemainingOfAllNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(func(g *Grant) { g.Plan = Plan{RatePerMinute: 1000, QuotaPerDay: 100, QuotaPerMonth: 1000} })
	_, other := w.start(t.TempDir())
	for range 5 {
		if got := w.send(other, "GET", "/ho-so", "", "X-API-Key", w.key); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.code)
		}
	}
	w.until("told", func() bool {
		left, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement)
		return left.LeftToday == 95 && left.LeftThisMonth == 995
	})
	for range 3 {
		w.called("key", "tim")
	}
	if left, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement); left.LeftToday > 92 || left.LeftToday < 89 {
		t.Errorf("%d are left, want 92, or for the moment of a save a few less", left.LeftToday)
	}
	w.until("saved", func() bool {
		left, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement)
		known, _ := w.node.limiter.Counts.Used(w.grant.Agreement, quota.Month, w.now())
		return left.LeftToday == 92 && left.LeftThisMonth == 992 && known == 8
	})
	if got := w.called("key", "tim").header.Get("RateLimit"); !strings.Contains(got, `"day";r=91;`) || !strings.Contains(got, `"month";r=991;`) {
		t.Errorf("a call that follows tells %q", got)
	}
}
