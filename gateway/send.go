package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/upstream"
	"lgsp/internal/http1"
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

// transports are the ways to upstreams: HTTP/1.1 in the clear, and whatever is
// agreed on over TLS.
type transports struct {
	plain   *http1.Transport
	secured *http.Transport
}

// newTransports keep connections to upstreams. They follow nothing and unpack nothing.
func (n *Node) newTransports() transports {
	return transports{
		plain: &http1.Transport{Dial: n.Dial, MaxIdle: maxIdle, IdleFor: idleFor, Connect: connectPatience, Stall: stall},
		secured: &http.Transport{
			DialContext:            n.connect,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxIdleConns:           8 * maxIdle,
			MaxIdleConnsPerHost:    maxIdle,
			IdleConnTimeout:        idleFor,
			TLSHandshakeTimeout:    5 * time.Second,
			ExpectContinueTimeout:  time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

const (
	maxIdle = 128              // connections kept to one address
	idleFor = 60 * time.Second // how long they are
	stall   = 30 * time.Second // for the next part of a body
)

// ask sends the call to one of the version's addresses, and once more to
// another when that is safe. The try and the second one are one exchange: its
// intent is written before the first, its outcome tells what the last one gave.
func (c *call) ask(r *http.Request) (*response, error) {
	if err := c.enter(r); err != nil {
		return nil, err
	}
	try, ok := c.version.pool.Pick()
	if !ok {
		c.giveBack(r) // nothing was asked of the upstream
		wait := seconds(c.version.pool.Wait())
		return nil, problem.Errorf(problem.Unavailable, "the agency's system does not answer; it is tried again in %s s", wait).
			Coded("upstream-down", "seconds", wait).Sends("Retry-After", wait)
	}
	out := c.outgoing(r)
	res, err := c.send(r.Context(), out, try)
	if c.stream != nil || !retryable(r, res, err) {
		return res, err
	}
	other, ok := c.version.pool.Other(try)
	if !ok {
		return res, err
	}
	if res != nil {
		_ = res.body.Close() // not a byte of it was passed on
	}
	c.node.Metrics.retries.Inc()
	return c.send(r.Context(), out, other)
}

// send sends the request to one address, and tells the pool what came of it.
func (c *call) send(ctx context.Context, out *http1.Request, try upstream.Try) (*response, error) {
	what := upstream.Left
	defer func() { c.version.pool.Done(try, what) }()
	to := try.Target()
	out.Host, out.Target = to.Host, to.Path+c.rest
	if c.rawQuery != "" {
		out.Target += "?" + c.rawQuery
	}
	res, err := c.node.transports.do(ctx, to, out, c.webSocket)
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

// do sends a request to an upstream. What is to become a WebSocket goes by
// HTTP/1.1, over TLS too.
func (t transports) do(ctx context.Context, to upstream.Target, out *http1.Request, webSocket bool) (*response, error) {
	address := http1.Address{HostPort: to.HostPort}
	switch {
	case to.Scheme == "https" && webSocket:
		address.TLS = to.TLS
	case to.Scheme == "https":
		return t.doSecured(ctx, to, out)
	}
	res, err := t.plain.Do(ctx, address, out)
	if err != nil {
		return nil, err
	}
	return &response{status: res.Status, fields: res.Fields, body: res}, nil
}

// doSecured sends the request over TLS, by HTTP/2 where the upstream speaks it.
func (t transports) doSecured(ctx context.Context, to upstream.Target, out *http1.Request) (*response, error) {
	path, query, _ := strings.Cut(out.Target, "?")
	plain, err := url.PathUnescape(path) // canonical: it unescapes
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithTimeout(ctx, out.Within)
	ctx, give := context.WithCancelCause(ctx)
	cancel := func() { give(nil); end() }
	late := time.AfterFunc(out.Answer, func() { give(http1.ErrSlow) })
	defer late.Stop()
	if out.Informational != nil {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			out.Informational(code, http1.FieldsOf(http.Header(header)))
			return nil
		}})
	}
	r := (&http.Request{Method: out.Method, URL: &url.URL{Scheme: to.Scheme, Host: to.Host, Path: plain, RawPath: path, RawQuery: query},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: out.Fields.Header(), ContentLength: int64(len(out.Body)), Body: http.NoBody}).WithContext(ctx)
	switch {
	case out.Stream != nil:
		r.Body, r.ContentLength = io.NopCloser(out.Stream), out.Length
	case len(out.Body) > 0:
		r.Body = io.NopCloser(bytes.NewReader(out.Body))
	}
	if r.Header["User-Agent"] == nil {
		r.Header.Set("User-Agent", "") // net/http would name itself
	}
	res, err := t.secured.RoundTrip(r)
	if err != nil {
		if errors.Is(context.Cause(ctx), http1.ErrSlow) {
			err = http1.ErrSlow
		}
		cancel()
		return nil, err
	}
	return &response{status: res.StatusCode, fields: http1.FieldsOf(res.Header), body: &securedBody{response: res, cancel: cancel}}, nil
}

// securedBody is the body of an answer that net/http read.
type securedBody struct {
	response *http.Response
	cancel   context.CancelFunc
}

// Read is of io.Reader.
func (b *securedBody) Read(p []byte) (int, error) { return b.response.Body.Read(p) }

// WriteTo is of io.WriterTo. Each part is flushed: how long the next one takes
// nobody knows.
func (b *securedBody) WriteTo(w io.Writer) (int64, error) {
	flusher, _ := w.(interface{ FlushError() error })
	buf := make([]byte, 32<<10)
	for sum := int64(0); ; {
		n, err := b.response.Body.Read(buf)
		if n > 0 {
			written, failed := w.Write(buf[:n])
			sum += int64(written)
			if failed == nil && err == nil && flusher != nil {
				failed = flusher.FlushError()
			}
			if failed != nil {
				return sum, failed
			}
		}
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
}

// Close is of io.Closer.
func (b *securedBody) Close() error {
	defer b.cancel()
	return b.response.Body.Close()
}

// Trailer is of responseBody.
func (b *securedBody) Trailer() http1.Fields { return http1.FieldsOf(b.response.Trailer) }

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
