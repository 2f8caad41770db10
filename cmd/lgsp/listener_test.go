package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// listen serves a handler as every door of the platform is served, with TLS
// when secured is set.
func listen(t *testing.T, s *http.Server, how *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = secured(s, how).Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// withAndWithoutTLS runs a test on a plain door and on one with TLS; dial
// reaches it, over TLS with HTTP/1.1.
func withAndWithoutTLS(t *testing.T, test func(t *testing.T, s *tls.Config, dial dialer)) {
	t.Run("plain", func(t *testing.T) { test(t, nil, net.Dial) })
	t.Run("TLS", func(t *testing.T) {
		files, ca := newTLSFiles(t)
		test(t, files.server(tls.NoClientCert), func(network, addr string) (net.Conn, error) {
			return tls.Dial(network, addr, &tls.Config{RootCAs: ca.Pool()})
		})
	})
}

type dialer func(network, addr string) (net.Conn, error)

// dialogue sends raw bytes and gives the status of every answer until the
// server closes the connection; "open" at the end: it does not.
func (dial dialer) dialogue(t *testing.T, addr, raw string) []string {
	t.Helper()
	conn, err := dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, raw) // the server may refuse before the end
	_ = conn.SetReadDeadline(time.Now().Add(3 * time.Second))
	var got []string
	for in := bufio.NewReader(conn); ; {
		answer, err := http.ReadResponse(in, nil)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return append(got, "open")
		} else if err != nil {
			return got
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		got = append(got, answer.Status[:3])
	}
}

// TestFraming sends the portal's server what no client library does: what
// cannot be read in one way only is refused and the connection is closed.
func TestFraming(t *testing.T) {
	t.Parallel()
	withAndWithoutTLS(t, testFraming)
}

func testFraming(t *testing.T, secured *tls.Config, dial dialer) {
	var served atomic.Int64
	addr := listen(t, server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		served.Add(1)
	})), secured)
	const second = "GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for _, tt := range []struct {
		name, raw string
		want      string
		served    int64
	}{
		{"two requests after each other", "GET / HTTP/1.1\r\nHost: x\r\n\r\n" + second, "200 200", 2},
		{"length and chunks: the chunks count, and nothing after them", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, "200", 1},
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" + second, "400", 0},
		{"a length with a sign", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na" + second, "400", 0},
		{"an encoding of another name", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + second, "501", 0},
		{"two encodings", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + second, "501", 0},
		{"a space before the colon", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + second, "400", 0},
		{"a folded header", "GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c: d\r\nConnection: close\r\n\r\n", "200", 1},
		{"NUL in a header", "GET / HTTP/1.1\r\nHost: x\r\nX-A: b\x00c\r\n\r\n" + second, "400", 0},
		{"no host", "GET / HTTP/1.1\r\n\r\n" + second, "400", 0},
		{"two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + second, "400", 0},
		{"a chunk longer than said", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcdef\r\n0\r\n\r\n" + second, "200", 1},
		{"an upgrade to h2c", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n" + second, "200 200", 2},
		{"a header over the limit", "GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", "431", 0},
		{"an address over the limit", "GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", "431", 0},
		{"ten thousand headers", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 10_000) + "\r\n", "431", 0},
	} {
		before := served.Load()
		got := strings.Join(dial.dialogue(t, addr, tt.raw), " ")
		if got != tt.want || served.Load()-before != tt.served {
			t.Errorf("%s: got %q and %d served, want %q and %d", tt.name, got, served.Load()-before, tt.want, tt.served)
		}
	}
}

// TestSlowClients: every deadline is set, and one that passes ends the
// connection.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	withAndWithoutTLS(t, testSlowClients)
}

func testSlowClients(t *testing.T, secured *tls.Config, dial dialer) {
	s := server(http.NotFoundHandler())
	for name, limit := range map[string]struct{ got, most time.Duration }{
		"header": {s.ReadHeaderTimeout, 10 * time.Second}, "read": {s.ReadTimeout, 5 * time.Minute},
		"write": {s.WriteTimeout, 10 * time.Minute}, "idle": {s.IdleTimeout, 2 * time.Minute},
	} {
		if limit.got <= 0 || limit.got > limit.most {
			t.Errorf("%s: got %s, want at most %s", name, limit.got, limit.most)
		}
	}
	s = server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}))
	s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout = 400*time.Millisecond, 500*time.Millisecond, 400*time.Millisecond // a handshake too
	addr := listen(t, s, secured)
	for _, tt := range []struct{ name, raw, want string }{
		{"a header that does not end", "GET / HTTP/1.1\r\nHost: x\r\nX-A: ", ""},
		{"nothing at all", "", ""},
		{"a body that does not end", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc", "408"},
		{"nothing after an answer", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
	} {
		if got := strings.Join(dial.dialogue(t, addr, tt.raw), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestDoorsAreApart: what is the operator's stands on the operator's door only.
func TestDoorsAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	for path, ops := range map[string]int{"/metrics": 200, "/healthz": 200, "/readyz": 200, "/debug/pprof/": 404, "/debug/vars": 404} {
		for door, want := range map[string]int{w.config.PortalAddr: 404, w.config.GatewayAddr: 404, w.config.OpsAddr: ops} {
			answer, err := http.Get("http://" + door + path)
			w.must(err)
			_ = answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%s on %s: got %d, want %d", path, door, answer.StatusCode, want)
			}
		}
	}
	for _, path := range []string{"/sign-in", "/api/v1/agencies", "/so-a/dich-vu-public/v1/danh-muc"} {
		answer, err := http.Get("http://" + w.config.OpsAddr + path)
		w.must(err)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s on the operator's door: got %d, want 404", path, answer.StatusCode)
		}
	}
	for _, door := range []string{w.config.PortalAddr, w.config.GatewayAddr} {
		if got := dialer(net.Dial).dialogue(t, door, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"); len(got) == 0 || got[0] < "400" {
			t.Errorf("HTTP/2 without TLS on %s: got %v", door, got)
		}
	}
	if c, err := readConfig(nil, false); err != nil || !strings.HasPrefix(c.OpsAddr, "127.0.0.1:") {
		t.Errorf("the operator's door is at %s by default (%v), want this machine only", c.OpsAddr, err)
	}
}

// TestPathsOfThePortal: an address is one page or none, however it is written.
func TestPathsOfThePortal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		_ = door{Listener: w.doors.portal, server: secured(server(w.portal.Routes()), nil)}.serveUntil(ctx, 0, time.Second)
	}()
	for _, path := range []string{"/static/../sign-in", "/static/..%2fsign-in", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/..\\..\\etc", "/.git/config", "/%00",
		"//sign-in", "/en//sign-in", "/api/v1/../v1/me", "/api/v1//me", "/api/v1/%2e%2e/me", "/api/v1/versions/..%2f..%2fme", "/ledger/tile/0/../../../checkpoint", "/sign-in/"} {
		got := strings.Join(dialer(net.Dial).dialogue(t, w.config.PortalAddr, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), " ")
		if got != "404" && got != "400" && got != "301" {
			t.Errorf("%s: got %s", path, got)
		}
	}
}
