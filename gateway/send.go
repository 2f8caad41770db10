package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"github.com/google/uuid"

	"lgsp/gateway/upstream"
	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// ask sends the call to one of the version's addresses, and once more to
// another when that is safe. The try and the second one are one exchange: its
// intent is written before the first, its outcome tells what the last one gave.
func (c *call) ask(r *http.Request) (*response, error) {
	if err := c.enter(r); err != nil {
		return nil, err
	}
	pool, try, ok := c.pick(r)
	if !ok {
		c.giveBack(r) // nothing was asked of the upstream
		wait := seconds(c.version.pool.Wait())
		return nil, problem.Errorf(problem.Unavailable, "the agency's system does not answer; it is tried again in %s s", wait).
			Coded("upstream-down", "seconds", wait).Sends("Retry-After", wait)
	}
	out := c.outgoing(r)
	c.copy(r, out)
	res, err := c.send(r.Context(), out, pool, try)
	if c.stream != nil || !retryable(r, res, err) {
		return res, err
	}
	other, ok := pool.Other(try)
	if !ok {
		return res, err
	}
	if res != nil {
		_ = res.body.Close() // not a byte of it was passed on
	}
	c.node.Metrics.retries.Inc()
	return c.send(r.Context(), out, pool, other)
}

// send sends the request to one address of a pool, and tells the pool what came of it.
func (c *call) send(ctx context.Context, out *http1.Request, pool *upstream.Pool, try upstream.Try) (*response, error) {
	what := upstream.Left
	defer func() { pool.Done(try, what) }()
	if c.version.canary != nil {
		begun := c.node.Now()
		defer func() { c.node.Metrics.canary.observe(pool == c.version.pool, what, c.node.Now().Sub(begun)) }()
	}
	to := try.Target()
	out.Host, out.Target = to.Host, or(to.Path+c.version.rewrite.path(c.rest), "/")
	if c.rawQuery != "" {
		out.Target += "?" + c.rawQuery
	}
	res, err := c.node.transports.do(ctx, to, out, c.protocol())
	switch {
	case err != nil && (errors.Is(ctx.Err(), context.Canceled) || isUpload(err)):
	case err != nil, res.status == http.StatusBadGateway, res.status == http.StatusServiceUnavailable, res.status == http.StatusGatewayTimeout:
		what = upstream.Failed
	default:
		what = upstream.Answered
	}
	return res, err
}

// isUpload reports whether a request failed by its own body.
func isUpload(err error) bool {
	var upload *http1.UploadError
	var e *problem.Error
	return errors.As(err, &upload) || errors.As(err, &e)
}

// retryable reports whether another address may be asked: of a method that
// changes nothing (RFC 9110 §9.2.1), when no answer began or a gateway before
// the system gave one. An upstream that is only slow is not asked twice.
func retryable(r *http.Request, res *response, err error) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		return false
	}
	if err == nil {
		return res.status == http.StatusBadGateway || res.status == http.StatusServiceUnavailable
	}
	var slow net.Error
	var op *net.OpError
	notConnected := errors.As(err, &op) && op.Op == "dial"
	return r.Context().Err() == nil && (notConnected || !errors.As(err, &slow) || !slow.Timeout())
}

// attach gives a version that is loaded what outlives a change of it.
func (n *Node) attach(v *version) {
	n.attachPool(v)
	n.attachQueue(v)
}

// attachPool gives a version that is loaded the pools of its older self, with
// all they know of the addresses, when they are the same.
func (n *Node) attachPool(v *version) {
	var old *version
	if s := n.current.Load(); s != nil {
		old = s.byVersion[v.Version]
	}
	if old != nil && v.reaches(v.pool, old, old.pool) {
		v.pool = old.pool
	} else {
		v.pool.Now, v.pool.Changed = n.Now, func(c upstream.Change) { n.upstreamChanged(v.Version, c) }
	}
	n.attachCanary(v, old)
	n.attachMirror(v, old)
}

// upstreamChanged says that an address went out or came back.
func (n *Node) upstreamChanged(version uuid.UUID, c upstream.Change) {
	fields := []any{"version_id", version, "host", c.Host, "fit", c.Fit}
	switch {
	case c.Back:
		n.Metrics.changes.WithLabelValues("back").Inc()
		slog.Info("upstream answers again", fields...)
	case c.Fit > 0:
		n.Metrics.changes.WithLabelValues("out").Inc()
		slog.Warn("upstream fails; other addresses take its calls", fields...)
	default:
		n.Metrics.changes.WithLabelValues("down").Inc()
		slog.Error("upstream is down; calls are answered with 503", fields...)
	}
}
