package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// speaking starts an upstream of these protocols, over TLS or in the clear.
func speaking(t testing.TB, secured bool, protocols string, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	return speakingOf(t, secured, protocols, h, nil)
}

// speakingOf is speaking for one that tells of its connections.
func speakingOf(t testing.TB, secured bool, protocols string, h http.HandlerFunc, of func(net.Conn, http.ConnState)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols, s.Config.ConnState = new(http.Protocols), of
	s.Config.Protocols.SetHTTP1(strings.Contains(protocols, HTTP1))
	s.Config.Protocols.SetHTTP2(strings.Contains(protocols, HTTP2) && secured)
	s.Config.Protocols.SetUnencryptedHTTP2(strings.Contains(protocols, HTTP2) && !secured)
	if secured {
		s.EnableHTTP2 = strings.Contains(protocols, HTTP2)
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// sendsTo puts an upstream of a protocol in force, whose certificate is trusted.
func (w *world) sendsTo(s *httptest.Server, protocol string) {
	w.t.Helper()
	w.route.Traffic.Protocol = protocol
	w.expose(Upstream{s.URL, 1})
	w.traffic(func(*Traffic) {})
	try, _ := w.node.current.Load().byVersion[w.route.Version].pool.Pick()
	if c := try.Target().TLS; c != nil {
		c.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	}
}

// secured serves the node over TLS too, to callers by HTTP/2.
func (w *world) secured() *site {
	w.t.Helper()
	lent := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	w.t.Cleanup(lent.Close)
	l, server, done := listen(w.t), w.node.Server(&tls.Config{Certificates: lent.TLS.Certificates}), make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	transport := lent.Client().Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2, transport.TLSClientConfig.NextProtos = true, []string{"h2"}
	transport.TLSClientConfig.ServerName = "example.com"
	w.t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	})
	return &site{URL: "https://" + l.Addr().String(), client: &http.Client{Transport: transport}}
}

// tellsAll answers with the protocol and the hash of the body, between a hint
// and a trailer that has what the request's own said.
func tellsAll(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Link", "</a.css>; rel=preload")
	rw.WriteHeader(http.StatusEarlyHints)
	rw.Header().Del("Link")
	sum := sha256.New()
	_, _ = io.Copy(sum, r.Body)
	rw.Header().Set("Content-Type", "text/plain")
	rw.Header().Set("Trailer", "X-Sum, Lgsp-Sum")
	fmt.Fprintf(rw, "%s %x", r.Proto, sum.Sum(nil))
	_, forged := r.Trailer["X-Forwarded-For"]
	rw.Header().Set("X-Sum", fmt.Sprint(r.Trailer.Get("X-Sum"), forged))
	rw.Header().Set("Lgsp-Sum", "forged")
}

// TestProtocols: a call goes to its upstream by the protocol that the version
// names, or that both ends agree on, and with it what comes before, in and
// behind the bodies, whatever the caller speaks.
func TestProtocols(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.route.Operations = append(w.route.Operations, Operation{ID: "len", Method: "POST", Path: "/len", Access: Open})
	callers := []*site{w.server, w.secured()}
	const both = HTTP1 + " " + HTTP2
	for _, tt := range []struct {
		name     string
		secured  bool
		speaks   string
		protocol string
		want     string // "": 502
	}{
		{"clear", false, both, "", "HTTP/1.1"},
		{"clear, HTTP/1.1", false, both, HTTP1, "HTTP/1.1"},
		{"clear, HTTP/2", false, both, HTTP2, "HTTP/2.0"},
		{"clear, HTTP/2 that is not spoken", false, HTTP1, HTTP2, ""},
		{"TLS, agreed", true, both, "", "HTTP/2.0"},
		{"TLS, agreed on HTTP/1.1", true, HTTP1, "", "HTTP/1.1"},
		{"TLS, HTTP/1.1", true, both, HTTP1, "HTTP/1.1"},
		{"TLS, HTTP/2", true, both, HTTP2, "HTTP/2.0"},
		{"TLS, HTTP/2 that is not spoken", true, HTTP1, HTTP2, ""},
	} {
		s := speaking(t, tt.secured, tt.speaks, tellsAll)
		w.sendsTo(s, tt.protocol)
		for i := range 4 {
			caller := callers[i%2]
			body := strings.Repeat("nội dung ", 1+i*30_000)
			hints := &atomic.Int32{}
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				if code == http.StatusEarlyHints && h.Get("Link") != "" {
					hints.Add(1)
				}
				return nil
			}})
			r, err := http.NewRequestWithContext(ctx, "POST", caller.URL+w.route.Prefix()+"/len", io.NopCloser(strings.NewReader(body)))
			if err != nil {
				t.Fatal(err)
			}
			r.Trailer = http.Header{"X-Sum": {"của tôi"}, "X-Forwarded-For": {"192.0.2.1"}}
			res, err := caller.Client().Do(r)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			text, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if tt.want == "" {
				if res.StatusCode != 502 {
					t.Errorf("%s: got %d %s", tt.name, res.StatusCode, text)
				}
				continue
			}
			want := fmt.Sprintf("%s %x", tt.want, sha256.Sum256([]byte(body)))
			if err != nil || res.StatusCode != 200 || string(text) != want || fmt.Sprint(res.Trailer) != "map[X-Sum:[của tôifalse]]" || hints.Load() != 1 {
				t.Errorf("%s, caller %d: got %d %s (%v), trailers %v, %d hints, want %s", tt.name, i, res.StatusCode, text, err, res.Trailer, hints.Load(), want)
			}
		}
	}
}

// TestOverTLSByHTTP1: an upstream that does not speak HTTP/2 is asked by our own
// transport once that is known, over connections that are kept.
func TestOverTLSByHTTP1(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := speaking(t, true, HTTP1, answers(200, "{}"))
	var conns [2]atomic.Int32
	counted := func(i int) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			conns[i].Add(1)
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	}
	w.node.first.Dial, w.node.second.Dial = counted(0), counted(1)
	w.sendsTo(s, "")
	for range 10 {
		if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.code)
		}
	}
	if first, second := conns[0].Load(), conns[1].Load(); first != 1 || second != 1 {
		t.Errorf("%d connections of our own and %d that learned, want one each", first, second)
	}
}

// TestStreamsBothWays: what either end sends reaches the other while neither
// has ended, over one stream of HTTP/2 on each side; and who leaves ends it.
func TestStreamsBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.route.Operations = append(w.route.Operations, Operation{ID: "vang", Method: "POST", Path: "/vang", Access: Open})
	gone := make(chan error, 1)
	s := speaking(t, false, HTTP2, func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(200)
		_ = http.NewResponseController(rw).Flush()
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			if n > 0 {
				_, _ = rw.Write(bytes.ToUpper(buf[:n]))
				_ = http.NewResponseController(rw).Flush()
			}
			if err != nil {
				gone <- r.Context().Err()
				return
			}
		}
	})
	w.sendsTo(s, HTTP2)
	caller := w.secured()
	for _, leaves := range []bool{false, true} {
		ctx, leave := context.WithCancel(t.Context())
		in, out := io.Pipe()
		r, err := http.NewRequestWithContext(ctx, "POST", caller.URL+w.route.Prefix()+"/vang", in)
		if err != nil {
			t.Fatal(err)
		}
		trace := fmt.Sprintf("%032x", 0x51e+len(fmt.Sprint(leaves)))
		r.Header.Set("Traceparent", traceparent(trace))
		res, err := caller.Client().Do(r)
		if err != nil {
			t.Fatal(err) // the head comes before anything was sent
		}
		buf := make([]byte, 100)
		for range 20 {
			_, _ = io.WriteString(out, "một hai ba")
			if n, err := io.ReadFull(res.Body, buf[:len("một hai ba")]); err != nil || string(buf[:n]) != "MộT HAI BA" && string(buf[:n]) != "MỘT HAI BA" {
				t.Fatalf("got %q, %v", buf[:n], err)
			}
		}
		if leaves {
			leave()
			_ = out.CloseWithError(context.Canceled) // net/http's client hears of it in no other way
		} else {
			_ = out.Close()
			if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
				t.Errorf("the end: %q, %v", rest, err)
			}
		}
		select {
		case err := <-gone:
			if leaves != (err != nil) {
				t.Errorf("leaves %v: the upstream's stream ended with %v", leaves, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("leaves %v: the upstream's stream did not end", leaves)
		}
		if e := w.recorded(trace); e.Complete == leaves || e.BytesOut != int64(20*len("một hai ba")) {
			t.Errorf("leaves %v: recorded %+v", leaves, e)
		}
		_ = res.Body.Close()
		leave()
	}
}

// TestAnsweredEarly: an upstream that has enough of a request answers, and the
// caller is not read any longer.
func TestAnsweredEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.route.Operations = append(w.route.Operations, Operation{ID: "len", Method: "POST", Path: "/len", Access: Open})
	s := speaking(t, false, HTTP2, answers(429, `{}`))
	w.sendsTo(s, HTTP2)
	for _, caller := range []*site{w.server, w.secured()} {
		in, out := io.Pipe()
		go func() { _, _ = io.WriteString(out, "đầu") }()
		r, err := http.NewRequest("POST", caller.URL+w.route.Prefix()+"/len", in)
		if err != nil {
			t.Fatal(err)
		}
		res, err := caller.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode != 429 || string(text) != "{}" {
			t.Errorf("got %d %s", res.StatusCode, text)
		}
		_ = res.Body.Close()
		_ = out.Close()
		if got := w.send(caller, "GET", "/danh-muc/1", ""); got.status != 429 {
			t.Errorf("the next call: %d", got.status)
		}
	}
}

// TestConnectPatience: a connection that is not made is given up in time.
func TestConnectPatience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var undue atomic.Int32
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		if at, ok := ctx.Deadline(); !ok || time.Until(at) > connectPatience {
			undue.Add(1)
		}
		return nil, context.DeadlineExceeded
	}
	w.node.first.Dial, w.node.second.Dial = dial, dial
	for _, protocol := range []string{HTTP1, HTTP2} {
		w.traffic(func(tr *Traffic) { tr.Protocol = protocol })
		if got := w.do("GET", "/danh-muc/1"); got.status != 504 || undue.Load() > 0 {
			t.Errorf("%s: got %d %s, %d dialled without a deadline", protocol, got.status, got.code, undue.Load())
		}
	}
}
