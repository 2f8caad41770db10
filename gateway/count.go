package gateway

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/quota"
	"lgsp/internal/problem"
)

const quotaExceeded = "https://iana.org/assignments/http-problem-types#quota-exceeded"

// count takes the call from the rate, and under an agreement from the day's
// quota; the function gives it back when the call is refused later on. HEAD is
// free of the day's quota; the rate holds it too, for it reaches the upstream.
// Anonymous callers are counted by address, IPv6 by /64.
func (c *call) count(r *http.Request) (giveBack func(), err error) {
	plan := c.version.Plan
	if c.grant != nil {
		plan = c.grant.Plan
	}
	key := c.bucket(r)
	rate := c.node.rates.Take(key, plan.RatePerMinute, c.now)
	minute := window{name: "minute", quota: plan.RatePerMinute, length: time.Minute, left: rate.Remaining, reset: rate.Reset}
	if !rate.OK {
		minute.reset = rate.Retry
		c.announce(minute)
		return nil, tooMany(minute, "rate-exceeded")
	}
	if c.grant == nil || r.Method == http.MethodHead {
		c.announce(minute)
		return func() { c.node.rates.Return(key) }, nil
	}
	left, ok := c.node.days.Take(c.grant.Agreement, plan.QuotaPerDay, c.now)
	day := window{name: "day", quota: plan.QuotaPerDay, length: 24 * time.Hour, left: left, reset: quota.UntilMidnight(c.now)}
	c.announce(minute, day)
	if !ok {
		c.node.rates.Return(key)
		return nil, tooMany(day, "quota-exceeded")
	}
	return func() {
		c.node.rates.Return(key)
		c.node.days.Return(c.grant.Agreement, c.now)
	}, nil
}

// bucket is whose rate the call counts against: the application under its
// agreement, else the application or the address, on this version.
func (c *call) bucket(r *http.Request) quota.Key {
	if c.grant != nil {
		return agreementBucket(c.caller.application, c.grant.Agreement)
	}
	if c.caller.application != uuid.Nil {
		return agreementBucket(c.caller.application, c.version.Version)
	}
	var k quota.Key
	address := network(c.address).As16()
	copy(k[:16], address[:])
	copy(k[16:], c.version.Version[:])
	return k
}

func agreementBucket(application, agreement uuid.UUID) quota.Key {
	var k quota.Key
	copy(k[:16], application[:])
	copy(k[16:], agreement[:])
	return k
}

// window is one of the limits that hold at once.
type window struct {
	name   string
	quota  int
	length time.Duration
	left   int
	reset  time.Duration
}

// announce tells the caller what is left (draft-ietf-httpapi-ratelimit-headers-11),
// and in the older headers of the window with least left; X-RateLimit-Reset counts seconds to go.
func (c *call) announce(windows ...window) {
	tightest := windows[0]
	var room [256]byte
	policies, limits := room[:0:128], room[128:128]
	for i, w := range windows {
		if i > 0 {
			policies, limits = append(policies, ", "...), append(limits, ", "...)
		}
		policies = append(append(append(policies, '"'), w.name...), `";q=`...)
		policies = append(strconv.AppendInt(policies, int64(w.quota), 10), ";w="...)
		policies = strconv.AppendInt(policies, int64(w.length/time.Second), 10)
		limits = append(append(append(limits, '"'), w.name...), `";r=`...)
		limits = append(strconv.AppendInt(limits, int64(w.left), 10), ";t="...)
		limits = strconv.AppendInt(limits, inSeconds(w.reset), 10)
		if w.left < tightest.left {
			tightest = w
		}
	}
	own := &c.answer.own
	own.Set("RateLimit-Policy", string(policies))
	own.Set("RateLimit", string(limits))
	own.Set("X-RateLimit-Limit", strconv.Itoa(tightest.quota))
	own.Set("X-RateLimit-Remaining", strconv.Itoa(tightest.left))
	own.Set("X-RateLimit-Reset", seconds(tightest.reset))
}

func tooMany(w window, code string) error {
	e := problem.Errorf(problem.TooMany, "the plan allows %d calls a %s; the next fits in %s s", w.quota, w.name, seconds(w.reset)).
		Coded(code, "quota", strconv.Itoa(w.quota), "seconds", seconds(w.reset)).Sends("Retry-After", seconds(w.reset))
	e.Extra = map[string]any{"type": quotaExceeded, "violated-policies": []string{w.name}}
	return e
}

// seconds rounds up, so that who waits as long is not refused again.
func seconds(d time.Duration) string { return itoa(inSeconds(d)) }

func inSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// address is the caller's: the right-most hop that is no trusted proxy.
func (n *Node) address(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.IPv6Unspecified()
	}
	at := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && n.trusted(at); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = hop.Unmap().WithZone("")
	}
	return at
}

func (n *Node) trusted(address netip.Addr) bool {
	for _, prefix := range n.TrustedProxies {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// network is the address, of IPv6 the /64 it lies in: one customer's.
func network(address netip.Addr) netip.Addr {
	if address.Is4() {
		return address
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.Addr()
}

// Remaining is what an agreement still allows at this node.
type Remaining struct {
	RatePerMinute int       `json:"rate_per_minute"`
	LeftNow       int       `json:"left_now"` // calls that fit at once
	QuotaPerDay   int       `json:"quota_per_day"`
	LeftToday     int       `json:"left_today"`
	Midnight      time.Time `json:"midnight"` // when the day's quota begins anew, UTC
}

// Remaining tells what an application may still call under an agreement, and
// false when the node knows no such agreement. It counts nothing.
func (n *Node) Remaining(application, version, agreement uuid.UUID) (Remaining, bool) {
	s := n.current.Load()
	if s == nil {
		return Remaining{}, false
	}
	now := n.Now()
	for _, g := range s.grants.of(application, version) {
		if g.Agreement != agreement {
			continue
		}
		rate := n.rates.Look(agreementBucket(application, agreement), g.Plan.RatePerMinute, now)
		return Remaining{
			RatePerMinute: g.Plan.RatePerMinute, LeftNow: rate.Remaining,
			QuotaPerDay: g.Plan.QuotaPerDay, LeftToday: n.days.Left(agreement, g.Plan.QuotaPerDay, now),
			Midnight: now.UTC().Add(quota.UntilMidnight(now)).Truncate(time.Second),
		}, true
	}
	return Remaining{}, false
}
