package gateway

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/upstream"
	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// Mirror is a second system that a share of the version's calls is copied to:
// GET and HEAD that give no personal data. What it answers is thrown away, and
// nobody waits for it. The zero one is none.
type Mirror struct {
	URL     string `json:"url,omitempty"`     // base URL, as of an upstream; "": there is no mirror
	Percent int    `json:"percent,omitempty"` // of those calls, 1 to 100
}

// The bounds of copying: what does not fit them is not copied.
const (
	copiesAtOnce  = 8                // of a version
	copiesWaiting = 64               // of a version
	copiesOfNode  = 64               // at once
	copyWithin    = 10 * time.Second // a copy and its answer
	maxCopied     = 64 << 10         // bytes of a request's body
	maxCopyAnswer = 1 << 20          // bytes of an answer that are read
)

// mirrorHeader marks a copy. What a caller sends under that name is dropped.
const mirrorHeader = "Lgsp-Mirror"

func (m Mirror) check(wrong *problem.Error) {
	if m == (Mirror{}) {
		return
	}
	if _, err := upstream.New([]upstream.Address{{URL: m.URL, Weight: 1}}); err != nil {
		wrong.Wrong("mirror/url", "url-invalid", "not a full http or https address")
	}
	if m.Percent < 1 || m.Percent > 100 {
		wrong.Wrong("mirror/percent", "traffic-range", "not 1 to 100", "least", "1", "most", "100")
	}
}

// mirror is a compiled Mirror, and what is on its way there.
type mirror struct {
	pool    *upstream.Pool // of one address
	waiting chan copied
	running atomic.Int32
}

// copied is a copy of a call, of which nothing is shared that will change.
type copied struct {
	request  http1.Request
	rest     string // of the target, behind the address's path
	protocol string
}

func (v *version) compileMirror() error {
	m := v.Traffic.Mirror
	if m == (Mirror{}) {
		return nil
	}
	pool, err := upstream.New([]upstream.Address{{URL: m.URL, Weight: 1}})
	if err != nil {
		return err
	}
	pool.Spare = true
	v.mirror = &mirror{pool: pool, waiting: make(chan copied, copiesWaiting)}
	return nil
}

// attachMirror gives a version that is loaded what its older self, nil for none,
// has on its way to the same mirror.
func (n *Node) attachMirror(v, old *version) {
	if v.mirror == nil {
		return
	}
	if old != nil && old.mirror != nil && v.reaches(v.mirror.pool, old, old.mirror.pool) {
		v.mirror = old.mirror
		return
	}
	v.mirror.pool.Now = n.Now
	v.mirror.pool.Changed = func(c upstream.Change) { mirrorChanged(v.Version, c) }
}

func mirrorChanged(version uuid.UUID, c upstream.Change) {
	if c.Back {
		slog.Info("mirror answers again", "version_id", version, "host", c.Host)
		return
	}
	slog.Warn("mirror fails; no calls are copied for a time", "version_id", version, "host", c.Host)
}

// copy lets the version's mirror have a copy of the call that is on its way,
// when it is one of those that are copied and there is room for it.
func (c *call) copy(r *http.Request, out *http1.Request) {
	m := c.version.mirror
	if m == nil || c.operation.Access == Personal || r.Method != http.MethodGet && r.Method != http.MethodHead ||
		c.webSocket || rand.IntN(100) >= c.version.Traffic.Mirror.Percent {
		return
	}
	if c.stream != nil || len(out.Body) > maxCopied {
		c.node.Metrics.mirror.count("too-large")
		return
	}
	one := copied{rest: c.version.rewrite.path(c.rest), protocol: c.version.Traffic.Protocol, request: http1.Request{
		Method: out.Method, Fields: append(slices.Clip(slices.Clone(out.Fields)), http1.Field{Name: mirrorHeader, Value: "1"}), Body: out.Body,
		Answer: min(out.Answer, copyWithin), Within: copyWithin}}
	if c.rawQuery != "" {
		one.rest += "?" + c.rawQuery
	}
	select {
	case m.waiting <- one:
	default:
		c.node.Metrics.mirror.count("dropped")
		return
	}
	if m.begins() {
		go c.node.sendCopies(m)
	}
}

// begins reports whether one more may send copies, and counts it.
func (m *mirror) begins() bool {
	for {
		running := m.running.Load()
		if running >= copiesAtOnce {
			return false
		}
		if m.running.CompareAndSwap(running, running+1) {
			return true
		}
	}
}

// sendCopies sends what waits, until nothing does.
func (n *Node) sendCopies(m *mirror) {
	for {
		select {
		case one := <-m.waiting:
			n.sendCopy(m, one)
		default:
			m.running.Add(-1)
			if len(m.waiting) == 0 || !m.begins() { // one that came just now may have found all of us there
				return
			}
		}
	}
}

// sendCopy sends one copy, and reads its answer to nowhere.
func (n *Node) sendCopy(m *mirror, one copied) {
	n.copies <- struct{}{}
	defer func() { <-n.copies }()
	try, ok := m.pool.Pick()
	if !ok {
		n.Metrics.mirror.count("dropped")
		return
	}
	what := upstream.Failed
	defer func() { m.pool.Done(try, what) }()
	ctx, cancel := context.WithTimeout(context.Background(), copyWithin)
	defer cancel()
	to, begun := try.Target(), n.Now()
	one.request.Host, one.request.Target = to.Host, or(to.Path+one.rest, "/")
	res, err := n.transports.do(ctx, to, &one.request, one.protocol)
	if err != nil {
		n.Metrics.mirror.count("failed")
		return
	}
	defer res.body.Close()
	n.Metrics.mirror.answered(res.status, n.Now().Sub(begun))
	if res.status != http.StatusBadGateway && res.status != http.StatusServiceUnavailable && res.status != http.StatusGatewayTimeout {
		what = upstream.Answered
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.body, maxCopyAnswer)) // so that the connection may be kept
}
