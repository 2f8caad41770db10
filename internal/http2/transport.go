// Package http2 answers how requests go to servers that speak HTTP/2 (RFC
// 9113): over TLS where both ends agree on it, in the clear to those that are
// known to. It is net/http's client, told as internal/http1 is; to a server
// that turns out to speak HTTP/1.1 only it leaves the rest to that package.
package http2

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lgsp/internal/http1"
)

// ErrHTTP1 says that the server spoke HTTP/1.1 before, and nothing was sent.
var ErrHTTP1 = errors.New("the server speaks HTTP/1.1")

// Address is where a request goes. Of two that are the same the connections are
// shared.
type Address struct {
	http1.Address
	Only bool // HTTP/2 or nothing: in the clear always (RFC 9113 §3.3), over TLS where it is asked for
}

// Transport sends requests over connections that it keeps. It follows nothing
// and unpacks nothing. Its exported fields are set before the first Do.
type Transport struct {
	Dial func(ctx context.Context, network, hostPort string) (net.Conn, error)

	MaxIdle int           // connections kept, an address
	IdleFor time.Duration // how long they are kept
	Connect time.Duration // for connecting, without the TLS handshake
	Stall   time.Duration // for taking the next part of a request

	mu    sync.Mutex
	hosts map[Address]*host
}

// host keeps the connections to one address.
type host struct {
	http.Transport
	spokeHTTP1 atomic.Bool
	dropped    atomic.Bool // nothing of it is to be kept
}

const (
	handshakeWithin = 5 * time.Second
	maxHead         = 64 << 10  // bytes of an answer's head
	maxAhead        = 512 << 10 // bytes of one answer that nobody has read yet
	pingAfter       = 30 * time.Second
)

func (t *Transport) host(to Address) *host {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.hosts[to]; h != nil {
		return h
	}
	if t.hosts == nil {
		t.hosts = map[Address]*host{}
	}
	h := &host{Transport: http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, t.Connect)
			defer cancel()
			return t.Dial(ctx, network, to.HostPort)
		},
		TLSClientConfig: to.secured(), Protocols: to.protocols(),
		HTTP2:              &http.HTTP2Config{MaxReceiveBufferPerStream: maxAhead, SendPingTimeout: pingAfter, WriteByteTimeout: t.Stall},
		DisableCompression: true, MaxIdleConnsPerHost: t.MaxIdle, IdleConnTimeout: t.IdleFor,
		TLSHandshakeTimeout: handshakeWithin, ExpectContinueTimeout: time.Second, MaxResponseHeaderBytes: maxHead,
	}}
	t.hosts[to] = h
	return h
}

func (a Address) protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(!a.Only)
	p.SetHTTP2(a.TLS != nil)
	p.SetUnencryptedHTTP2(a.TLS == nil)
	return p
}

// secured is the TLS configuration with what net/http offers by ALPN. Where
// nothing but HTTP/2 will do, a server that agrees to none of it is let go.
func (a Address) secured() *tls.Config {
	if a.TLS == nil {
		return nil
	}
	c := a.TLS.Clone()
	c.NextProtos = nil
	if before := c.VerifyConnection; a.Only {
		c.VerifyConnection = func(state tls.ConnectionState) error {
			if state.NegotiatedProtocol != "h2" {
				return errors.New("the server does not agree to HTTP/2")
			}
			if before != nil {
				return before(state)
			}
			return nil
		}
	}
	return c
}

// Do sends a request, whose Answer is set, and gives the head of its answer;
// whoever has it closes it. It fails with ErrHTTP1 where http1.Transport is to be asked, with
// http1.ErrSlow when the server takes too long, and with *http1.UploadError
// when the request's stream failed.
func (t *Transport) Do(ctx context.Context, to Address, r *http1.Request) (*Response, error) {
	h := t.host(to)
	if h.spokeHTTP1.Load() {
		return nil, ErrHTTP1
	}
	ctx, give := context.WithCancelCause(ctx)
	end := func() { give(nil) }
	if r.Within > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, r.Within)
		end = func() { give(nil); stop() }
	}
	res := &Response{end: end, host: h}
	late := time.AfterFunc(r.Answer, func() { res.before(func() { give(http1.ErrSlow) }) })
	if r.Stream != nil {
		res.upload = &upload{Request: r, late: late, stall: t.Stall, turn: make(chan struct{}, 1)}
		res.upload.unhook = context.AfterFunc(ctx, res.upload.interrupt)
	}
	request, err := to.request(res.hinted(ctx, r), r, res.upload)
	if err != nil {
		return nil, res.failed(ctx, err)
	}
	res.response, err = h.RoundTrip(request)
	res.begin()
	late.Stop()
	if err != nil {
		return nil, res.failed(ctx, err)
	}
	if to.TLS != nil && res.response.ProtoMajor == 1 {
		h.spokeHTTP1.Store(true)
	}
	res.Status, res.Fields = res.response.StatusCode, http1.FieldsOf(res.response.Header)
	if len(res.response.Trailer) > 0 {
		res.Fields.Del("Content-Length") // HTTP/1.1 has trailers behind chunks only
	}
	return res, nil
}

// request is the request as net/http has it.
func (a Address) request(ctx context.Context, r *http1.Request, u *upload) (*http.Request, error) {
	path, query, _ := strings.Cut(r.Target, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, fmt.Errorf("the path does not unescape: %w", err)
	}
	scheme := "http"
	if a.TLS != nil {
		scheme = "https"
	}
	request := (&http.Request{Method: r.Method, URL: &url.URL{Scheme: scheme, Host: r.Host, Path: plain, RawPath: path, RawQuery: query},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: r.Fields.Header(), ContentLength: int64(len(r.Body)), Body: http.NoBody}).WithContext(ctx)
	switch {
	case u != nil:
		request.Body, request.ContentLength, request.Trailer = u, r.Length, r.Trailer
	case len(r.Body) > 0:
		request.Body = io.NopCloser(bytes.NewReader(r.Body))
	}
	if request.Header["User-Agent"] == nil {
		request.Header.Set("User-Agent", "") // net/http would name itself
	}
	return request, nil
}

// CloseIdle closes the connections of addresses that are not to be kept, those
// in use as soon as they are not; no request that comes later uses them.
func (t *Transport) CloseIdle(keep func(Address) bool) {
	t.mu.Lock()
	var dropped []*host
	for to, h := range t.hosts {
		if !keep(to) {
			delete(t.hosts, to)
			dropped = append(dropped, h)
		}
	}
	t.mu.Unlock()
	for _, h := range dropped {
		h.dropped.Store(true)
		h.CloseIdleConnections()
	}
}
