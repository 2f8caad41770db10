package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

// forward sends the call to the upstream and the answer to the caller.
func (c *call) forward(r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), or(c.node.Longest, 10*time.Minute))
	defer cancel()
	r = r.WithContext(ctx)
	proxy := httputil.ReverseProxy{
		Rewrite:        c.rewrite,
		Transport:      (*sender)(c),
		ModifyResponse: func(res *http.Response) error { return c.admit(r, res) },
		ErrorHandler:   func(_ http.ResponseWriter, _ *http.Request, err error) { c.refuse(r, c.upstreamFault(r, err)) },
		FlushInterval:  flushAfter, // streams of events and of unknown length: at once
		BufferPool:     c.node.buffers,
		ErrorLog:       quiet,
	}
	c.answer.hidesHints = c.filter() != nil || c.ticket != nil
	if len(c.body) > 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(c.body)), int64(len(c.body))
	} else {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.TransferEncoding = nil
	proxy.ServeHTTP(c.answer, r)
}

// flushAfter is how long a part of an answer waits for more. At once would
// cost every answer a write for its headers alone.
const flushAfter = 10 * time.Millisecond

// quiet drops what ReverseProxy would log: the call's record says it.
var quiet = log.New(io.Discard, "", 0)

// newTransport keeps connections to upstreams. It follows nothing and unpacks nothing.
func (n *Node) newTransport() *http.Transport {
	return &http.Transport{
		DialContext:            n.connect,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           1024,
		MaxIdleConnsPerHost:    128,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  or(n.Patience, 30*time.Second),
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// rewrite makes the upstream's request. What the caller said of itself goes
// first, by whatever spelling of a header's name; then what we know is set.
func (c *call) rewrite(p *httputil.ProxyRequest) {
	out := p.Out
	for name := range out.Header {
		if isOurs(name) {
			delete(out.Header, name)
		}
	}
	out.Host = ""          // the address is chosen when it is sent
	if c.filter() != nil { // the answer must be whole and readable
		out.Header.Set("Accept-Encoding", "identity")
		for _, name := range []string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
			out.Header.Del(name)
		}
	}
	set := func(name, value string) { out.Header.Set(name, value) }
	set("LGSP-Agency", c.version.AgencySlug)
	if c.exchange.Application != uuid.Nil {
		set("LGSP-Application", c.exchange.Application.String())
	}
	if c.grant != nil {
		set("LGSP-Agreement", c.grant.Agreement.String())
		set("LGSP-Purpose", c.grant.Purpose)
	}
	set("X-Request-Id", c.answer.own.Get("X-Request-Id"))
	set("Traceparent", "00-"+c.exchange.Trace+"-"+span()+"-01")
	out.Header.Add("Via", strings.TrimPrefix(p.In.Proto, "HTTP/")+" "+c.node.via) // RFC 9110 §7.6.3
}

// dashes is made once: making one costs more than using it.
var dashes = strings.NewReplacer("_", "-", ".", "-")

// isOurs reports whether a caller's header is taken away: credentials, our
// identity headers, what proxies say of the client, and what some frameworks
// let override the method or the path. Some upstreams read _ and . as -.
func isOurs(name string) bool {
	name = dashes.Replace(strings.ToLower(name))
	switch name {
	case "authorization", "dpop", "cookie", "x-api-key", "forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip",
		"client-cert", "client-cert-chain",
		"x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url", "x-original-host",
		"traceparent", "x-request-id", "upgrade", "connection", "http2-settings", "expect":
		return true
	}
	return strings.HasPrefix(name, "lgsp-") || strings.HasPrefix(name, "x-forwarded") || strings.HasPrefix(name, "x-lgsp-")
}

func span() string {
	var id [8]byte
	rand.Read(id[:]) // never fails (crypto/rand)
	return hex.EncodeToString(id[:])
}

// upstreamFault makes a problem of what went wrong behind us; nil when the
// caller has gone.
func (c *call) upstreamFault(r *http.Request, err error) error {
	var e *problem.Error
	var timeout net.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(r.Context().Err(), context.Canceled):
		return context.Canceled
	case errors.As(err, &timeout) && timeout.Timeout():
		return problem.Errorf(problem.Timeout, "the agency's system did not answer in time").Coded("upstream-timeout").Because(err)
	}
	return problem.Errorf(problem.BadGateway, "the agency's system cannot be reached").Coded("upstream-unreachable").Because(err)
}

// bufferPool lends the buffers that answers are copied through.
type bufferPool struct{ pool sync.Pool }

// Get lends a buffer.
func (b *bufferPool) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, 32<<10)
}

// Put takes it back.
func (b *bufferPool) Put(buffer []byte) { b.pool.Put(&buffer) }
