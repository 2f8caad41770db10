package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/upstream"
	"lgsp/internal/problem"
)

// connectPatience is how long connecting to an upstream may take.
const connectPatience = 2 * time.Second

// connect dials an upstream within connectPatience.
func (n *Node) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	return n.Dial(ctx, network, address)
}

// sender is a call seen as a transport: it sends the request to one of the
// version's addresses, and once more to another when that is safe. The try and
// the second one are one exchange: its intent is written before the first, its
// outcome tells what the last one gave.
type sender call

// RoundTrip is of http.RoundTripper. The request is the proxy's own copy.
func (s *sender) RoundTrip(out *http.Request) (*http.Response, error) {
	c := (*call)(s)
	try, ok := c.version.pool.Pick()
	if !ok {
		c.giveBack() // nothing was asked of the upstream
		wait := seconds(c.version.pool.Wait())
		return nil, problem.Errorf(problem.Unavailable, "the agency's system does not answer; it is tried again in %s s", wait).
			Coded("upstream-down", "seconds", wait).Sends("Retry-After", wait)
	}
	res, err := c.send(out, try)
	if !retryable(out, res, err) {
		return res, err
	}
	other, ok := c.version.pool.Other(try)
	if !ok {
		return res, err
	}
	if res != nil {
		_ = res.Body.Close() // not a byte of it was passed on
	}
	c.node.Metrics.retries.Inc()
	again, address := out.WithContext(out.Context()), *out.URL // the first try may still be reading its own
	again.URL = &address
	if len(c.body) > 0 {
		again.Body = io.NopCloser(bytes.NewReader(c.body))
	}
	return c.send(again, other)
}

// send sends the request to one address, and tells the pool what came of it.
func (c *call) send(out *http.Request, try upstream.Try) (*http.Response, error) {
	what := upstream.Left
	defer func() { c.version.pool.Done(try, what) }()
	to := try.Target()
	path := to.Path + c.rest
	out.URL.Scheme, out.URL.Host, out.URL.User = to.Scheme, to.Host, nil
	out.URL.RawPath, out.URL.Opaque = path, ""
	out.URL.Path, _ = url.PathUnescape(path) // canonical: it unescapes
	res, err := c.node.transport.RoundTrip(out)
	switch {
	case err != nil && errors.Is(out.Context().Err(), context.Canceled):
	case err != nil, res.StatusCode == http.StatusBadGateway, res.StatusCode == http.StatusServiceUnavailable, res.StatusCode == http.StatusGatewayTimeout:
		what = upstream.Failed
	default:
		what = upstream.Answered
	}
	return res, err
}

// retryable reports whether another address may be asked: of a method that
// changes nothing (RFC 9110 §9.2.1), when no answer began or a gateway before
// the system gave one. An upstream that is only slow is not asked twice.
func retryable(out *http.Request, res *http.Response, err error) bool {
	switch out.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		return false
	}
	if err == nil {
		return res.StatusCode == http.StatusBadGateway || res.StatusCode == http.StatusServiceUnavailable
	}
	var slow net.Error
	var op *net.OpError
	notConnected := errors.As(err, &op) && op.Op == "dial"
	return out.Context().Err() == nil && (notConnected || !errors.As(err, &slow) || !slow.Timeout())
}

// attachPool gives a version that is loaded the pool of its older self, with
// all it knows of the addresses, when they are the same.
func (n *Node) attachPool(v *version) {
	if s := n.current.Load(); s != nil {
		if old := s.byVersion[v.Version]; old != nil && old.pool.Has(v.pool.Addresses()) {
			v.pool = old.pool
			return
		}
	}
	v.pool.Now = n.Now
	v.pool.Changed = func(c upstream.Change) { n.upstreamChanged(v.Version, c) }
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
