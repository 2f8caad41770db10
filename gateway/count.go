package gateway

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"lgsp/gateway/quota"
	"lgsp/internal/problem"
)

const quotaExceeded = "https://iana.org/assignments/http-problem-types#quota-exceeded"

// count counts the call against its limits, or refuses it, counted against
// none. giveBack gives it back when it is refused later on.
func (c *call) count(r *http.Request) error {
	c.taken = c.takes(r.Method == http.MethodHead)
	answers := c.node.limiter.Take(r.Context(), c.taken, c.now, c.answerRoom[:0])
	c.announce(answers)
	last := len(answers) - 1
	if answers[last].OK {
		return nil
	}
	full := c.taken[last].Window
	c.taken = nil
	return tooMany(full, answers[last].Retry, c.now)
}

// giveBack gives the call back to its limits, once.
func (c *call) giveBack(r *http.Request) {
	c.node.limiter.Return(r.Context(), c.taken, c.now)
	c.taken = nil
}

// announce tells the caller what is left (draft-ietf-httpapi-ratelimit-headers-11),
// and in the older headers of the window with least left; X-RateLimit-Reset counts seconds to go.
func (c *call) announce(answers []quota.Answer) {
	b, tight := c.text[:0], 0
	for i := range answers {
		w := c.taken[i].Window
		b = append(append(append(separated(b, i), '"'), w.Name...), `";q=`...)
		b = append(strconv.AppendInt(b, int64(w.Calls), 10), ";w="...)
		b = strconv.AppendInt(b, int64(w.Within(c.now)/time.Second), 10)
		if answers[i].Remaining < answers[tight].Remaining {
			tight = i
		}
	}
	policies := len(b)
	for i, a := range answers {
		b = append(append(append(separated(b, i), '"'), c.taken[i].Window.Name...), `";r=`...)
		b = append(strconv.AppendInt(b, int64(a.Remaining), 10), ";t="...)
		b = strconv.AppendInt(b, inSeconds(waitOf(a)), 10)
	}
	limits := len(b)
	b = strconv.AppendInt(b, int64(c.taken[tight].Window.Calls), 10)
	most := len(b)
	b = strconv.AppendInt(b, int64(answers[tight].Remaining), 10)
	left := len(b)
	b = strconv.AppendInt(b, inSeconds(waitOf(answers[tight])), 10)
	c.text = b
	all := string(b) // one for all five
	own := &c.answer.own
	own.Set("RateLimit-Policy", all[:policies])
	own.Set("RateLimit", all[policies:limits])
	own.Set("X-RateLimit-Limit", all[limits:most])
	own.Set("X-RateLimit-Remaining", all[most:left])
	own.Set("X-RateLimit-Reset", all[left:])
}

// waitOf is when more is there: of a full window until one more call fits.
func waitOf(a quota.Answer) time.Duration {
	if !a.OK {
		return a.Retry
	}
	return a.Reset
}

func separated(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return append(b, ", "...)
}

// tooMany refuses a call that does not fit a window for so long.
func tooMany(w quota.Window, retry time.Duration, now time.Time) error {
	code := map[quota.Period]string{0: "rate-exceeded", quota.Day: "quota-exceeded", quota.Month: "quota-month-exceeded"}[w.Period]
	calls, within, wait := strconv.Itoa(w.Calls), seconds(w.Within(now)), seconds(retry)
	e := problem.Errorf(problem.TooMany, "limit %s allows %s calls in %s s; the next fits in %s s", w.Name, calls, within, wait).
		Coded(code, "limit", w.Name, "quota", calls, "within", within, "seconds", wait).Sends("Retry-After", wait)
	e.Extra = map[string]any{"type": quotaExceeded, "violated-policies": []string{w.Name}}
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
	if len(n.TrustedProxies) == 0 || !n.trusted(at) {
		return at
	}
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
