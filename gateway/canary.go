package gateway

import (
	"encoding/binary"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"lgsp/gateway/upstream"
	"lgsp/internal/problem"
)

// Canary is a group of addresses beside the version's own that a part of its
// calls goes to, so that a new release is tried with few callers first. A caller
// stays with one group: it is chosen by the application, by the address of
// who names none. The zero one is none.
type Canary struct {
	Upstreams []Upstream `json:"upstreams,omitempty"` // 1 to 8; none: there is no canary
	Percent   int        `json:"percent,omitempty"`   // of the callers, 0 to 100
	Header    string     `json:"header,omitempty"`    // a call with this header goes there, whoever makes it; "": none does
	Value     string     `json:"value,omitempty"`     // of the header, exactly; visible ASCII, 1 to 256 bytes
	Keep      bool       `json:"keep,omitempty"`      // the system sees the header; else it is taken off every call of the version
}

// given reports whether there is anything in it.
func (k Canary) given() bool {
	return len(k.Upstreams) > 0 || k.Percent != 0 || k.Header != "" || k.Value != "" || k.Keep
}

const maxCanaryValue = 256 // bytes

func (k Canary) check(wrong *problem.Error) {
	if !k.given() {
		return
	}
	const most = upstream.MaxAddresses
	if len(k.Upstreams) == 0 || len(k.Upstreams) > most {
		wrong.Wrong("canary/upstreams", "upstream-count", "not 1 to 8 addresses", "max", strconv.Itoa(most))
	}
	seen := map[string]bool{}
	for i, u := range k.Upstreams[:min(len(k.Upstreams), most)] {
		at := "canary/upstreams/" + strconv.Itoa(i)
		_, err := upstream.New([]upstream.Address{{URL: u.URL, Weight: 1}})
		switch {
		case err != nil:
			wrong.Wrong(at+"/url", "url-invalid", "not a full http or https address")
		case seen[u.URL]:
			wrong.Wrong(at+"/url", "upstream-twice", "stands twice", "url", u.URL)
		case u.Weight < 0 || u.Weight > upstream.MaxWeight:
			wrong.Wrong(at+"/weight", "upstream-weight", "not 1 to 100", "max", strconv.Itoa(upstream.MaxWeight))
		}
		seen[u.URL] = true
	}
	if k.Percent < 0 || k.Percent > 100 {
		wrong.Wrong("canary/percent", "traffic-range", "not 0 to 100", "least", "0", "most", "100")
	}
	switch {
	case k.Header == "" && (k.Value != "" || k.Keep):
		wrong.Wrong("canary/header", "traffic-header-name", "no header is named", "name", "")
	case k.Header == "":
	case !isHeaderName(k.Header):
		wrong.Wrong("canary/header", "traffic-header-name", k.Header+" is no name of a header", "name", k.Header)
	case fixedInRequest(http.CanonicalHeaderKey(k.Header)):
		wrong.Wrong("canary/header", "canary-header", k.Header+" says something else", "name", k.Header)
	case len(k.Value) > maxCanaryValue || !valueForm.MatchString(k.Value):
		wrong.Wrong("canary/value", "traffic-header-value", "not 1 to 256 visible characters", "name", k.Header)
	}
}

// canary is a compiled Canary.
type canary struct {
	pool    *upstream.Pool
	percent uint64
	header  string // canonical; "": none
	value   string
}

// compileCanary makes a version's canary fit to call, and has the header that
// chooses it taken off calls. It is called once Traffic was found well.
func (v *version) compileCanary() error {
	k := v.Traffic.Canary
	if !k.given() {
		return nil
	}
	list := make([]upstream.Address, len(k.Upstreams))
	for i, u := range k.Upstreams {
		list[i] = upstream.Address{URL: u.URL, Weight: or(u.Weight, 1)}
	}
	pool, err := upstream.New(list)
	if err != nil {
		return err
	}
	pool.Spare = true
	v.canary = &canary{pool: pool, percent: uint64(k.Percent), value: k.Value}
	if k.Header == "" {
		return nil
	}
	v.canary.header = http.CanonicalHeaderKey(k.Header)
	if !k.Keep {
		v.rewrite.request.drop(v.canary.header)
	}
	return nil
}

// pools are the groups of addresses that the version's calls, and copies of
// them, go to.
func (v *version) pools() []*upstream.Pool {
	list := []*upstream.Pool{v.pool}
	if v.canary != nil {
		list = append(list, v.canary.pool)
	}
	if v.mirror != nil {
		list = append(list, v.mirror.pool)
	}
	return list
}

// targets are all addresses of the pools.
func (v *version) targets() []upstream.Target {
	var list []upstream.Target
	for _, pool := range v.pools() {
		list = append(list, pool.Targets()...)
	}
	return list
}

// attachCanary gives a version that is loaded the canary's pool of its older
// self; old is nil when there is none.
func (n *Node) attachCanary(v, old *version) {
	if v.canary == nil {
		return
	}
	if old != nil && old.canary != nil && v.reaches(v.canary.pool, old, old.canary.pool) {
		v.canary.pool = old.canary.pool
		return
	}
	v.canary.pool.Now = n.Now
	v.canary.pool.Changed = func(c upstream.Change) { n.canaryChanged(v.Version, c) }
}

// canaryChanged says that an address of a canary went out or came back.
func (n *Node) canaryChanged(version uuid.UUID, c upstream.Change) {
	fields := []any{"version_id", version, "host", c.Host, "fit", c.Fit}
	switch {
	case c.Back:
		n.Metrics.changes.WithLabelValues("back").Inc()
		slog.Info("canary answers again", fields...)
	case c.Fit > 0:
		n.Metrics.changes.WithLabelValues("out").Inc()
		slog.Warn("canary fails; its other addresses take its calls", fields...)
	default:
		n.Metrics.changes.WithLabelValues("out").Inc()
		slog.Warn("canary fails; the version's own addresses take its calls", fields...)
	}
}

// group is which addresses a call goes to, once that is known.
type group uint8

const (
	undecided group = iota
	ofVersion
	ofCanary
)

func groupOf(canary bool) group {
	if canary {
		return ofCanary
	}
	return ofVersion
}

// isCanary reports whether the call is one of those that go to the canary.
func (c *call) isCanary(r *http.Request) bool {
	if c.version.canary == nil {
		return false
	}
	if c.group == undecided {
		c.group = groupOf(c.version.canary.takes(r.Header) || c.place100() < c.version.canary.percent)
	}
	return c.group == ofCanary
}

// takes reports whether a call is sent there by its header, which stands there
// once and says just that.
func (k *canary) takes(h http.Header) bool {
	if k.header == "" {
		return false
	}
	lines := h[k.header]
	return len(lines) == 1 && lines[0] == k.value
}

// place100 is a caller's place among a hundred, the same at every node and after
// every change of the share, so that who is in stays in as it grows; of another
// version it is another.
func (c *call) place100() uint64 {
	who := c.caller.application
	if who == uuid.Nil {
		who = network(c.address).As16()
	}
	sum := uint64(0x9e3779b97f4a7c15)
	for _, id := range [...]uuid.UUID{who, c.version.Version} {
		for _, part := range [...]uint64{binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])} {
			sum ^= part
			sum = (sum ^ sum>>30) * 0xbf58476d1ce4e5b9 // SplitMix64's finish
			sum = (sum ^ sum>>27) * 0x94d049bb133111eb
			sum ^= sum >> 31
		}
	}
	return sum % 100
}

// pick gives the address that the call goes to, and the pool that it is of. A
// canary none of whose addresses answers has its calls taken by the version's own.
func (c *call) pick(r *http.Request) (*upstream.Pool, upstream.Try, bool) {
	if c.isCanary(r) {
		if try, ok := c.version.canary.pool.Pick(); ok {
			c.exchange.Canary = true
			return c.version.canary.pool, try, true
		}
	}
	try, ok := c.version.pool.Pick()
	return c.version.pool, try, ok
}
