package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAttackLimiter: a limit is one bucket, by whatever way a caller comes to
// it, and what is refused takes nothing of it.
func TestAttackLimiter(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.put(func(g *Grant) { g.Plan.RatePerMinute = 3 })
	full := attack{status: 429, code: "rate-exceeded"}
	for _, sent := range []string{keyed("{P}/ho-so"), asks("GET", "{P}/ho-so?trang=2", "Authorization: ApiKey {K}"), asks("HEAD", "{P}/ho-so", "X-API-Key: {K}")} {
		a.try(t, a.server, attack{sent: sent, status: 200, reached: 1})
	}
	for i, sent := range []string{
		keyed("{P}/ho-so"), keyed("{P}/ho-so?x=1"), asks("GET", "{P}/ho-so", "authorization: apikey {K}"), asks("GET", "{P}/ho-so", "Authorization: Bearer {T}"), keyed("http://x.test{P}/ho-so"),
		keyed("{P}/ho-so", "X-Forwarded-For: 10.0.0.1", "LGSP-Application: a"), keyed("{P}/ho-so", "LGSP-Purpose: tra-cuu"), strings.Replace(keyed("{P}/ho-so"), "HTTP/1.1", "HTTP/1.0", 1),
	} {
		at := full
		at.name, at.sent = fmt.Sprint("another way ", i), sent
		t.Run(at.name, func(t *testing.T) {
			if header, _ := a.try(t, a.server, at); header.Get("Retry-After") == "" {
				t.Errorf("got %v", header)
			}
		})
	}
	for range 20 { // a wall of refusals is no reason for further ones
		a.try(t, a.server, attack{sent: keyed("{P}/ho-so"), status: 429, code: "rate-exceeded"})
	}
	a.clock.Add(int64(21 * time.Second)) // one of three a minute
	a.node.fresh.Store(a.now().UnixNano())
	a.try(t, a.server, attack{sent: keyed("{P}/ho-so"), status: 200, reached: 1})
	a.try(t, a.server, attack{sent: keyed("{P}/ho-so"), status: 429, code: "rate-exceeded"})
	a.settle()
}

// TestAttackAddresses: who calls without an agreement is counted by address,
// of IPv6 by /64, as the nearest proxy that is trusted says.
func TestAttackAddresses(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.route.Plan.RatePerMinute = 2
	a.exposed(func(v *version) bool { return v.Plan.RatePerMinute == 2 })
	a.node, a.server = a.another(func(n *Node) { n.TrustedProxies = mustPrefixes("127.0.0.0/8") })
	for i, tt := range []struct {
		hops   string
		status int
	}{
		{"2001:db8:1:2::1", 200}, {"2001:db8:1:2::2", 200}, {"2001:db8:1:2:ffff::3", 429}, {"1.2.3.4, 2001:db8:1:2::4", 429}, {"2001:db8:9::, 2001:db8:1:2::5", 429},
		{"2001:db8:1:3::1", 200}, {"198.51.100.1", 200}, {"::ffff:198.51.100.1", 200}, {"198.51.100.1", 429}, {"203.0.113.9, 198.51.100.1, 127.0.0.9", 429},
	} {
		at := attack{sent: asks("GET", "{P}/danh-muc/1", "X-Forwarded-For: "+tt.hops), status: tt.status, reached: 1}
		if tt.status == 429 {
			at.code, at.reached = "rate-exceeded", 0
		}
		t.Run(fmt.Sprint(i, " ", tt.hops), func(t *testing.T) { a.try(t, a.server, at) })
	}
	a.settle()
}

// TestAttackSlow: who sends or takes slowly is let go, and recorded when a
// request was there; who waits is not in others' way.
func TestAttackSlow(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	l, server, done := listen(t), a.node.Server(nil), make(chan error, 1)
	server.HeadWithin, server.Idle, server.Stall = 300*time.Millisecond, 500*time.Millisecond, 300*time.Millisecond
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	to := &site{URL: "http://" + l.Addr().String()}
	drip := func(t *testing.T, first, more string) string {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(25 * time.Second))
		_, _ = io.WriteString(c, a.fill.Replace(first))
		over := make(chan struct{})
		go func() {
			defer close(over)
			for range 400 {
				if _, err := io.WriteString(c, more); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
		began := time.Now()
		answer, _ := io.ReadAll(c)
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("held for %s", took)
		}
		_ = c.Close()
		<-over
		return string(answer)
	}
	t.Run("a head by drops", func(t *testing.T) {
		if got := drip(t, "GET {P}/ho-so HTTP/1.1\r\nHost: h\r\nX-API-Key: {K}\r\n", "X: 1\r\n"); got != "" && !strings.Contains(got, " 408 ") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		if got := drip(t, "", ""); got != "" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("a body by drops", func(t *testing.T) {
		got := drip(t, "POST {P}/tra-cuu HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {T}\r\nContent-Length: 100000\r\n\r\n{B}", "x")
		if !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, `"code":"body-too-slow"`) || strings.Contains(got, letter) {
			t.Fatalf("got %s", got)
		}
		_, trace, _ := strings.Cut(got, `"trace_id":"`)
		a.traces = append(a.traces, trace[:32])
	})
	t.Run("an answer that is not taken", func(t *testing.T) {
		a.streams(func(rw http.ResponseWriter, r *http.Request) {
			part := make([]byte, 1<<20)
			for r.Context().Err() == nil {
				if _, err := rw.Write(part); err != nil {
					return
				}
			}
		})
		defer a.streams(nil)
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		trace := strings.Repeat("5a", 16)
		fmt.Fprintf(c, "GET %s/danh-muc/1 HTTP/1.1\r\nHost: h\r\nTraceparent: %s\r\n\r\n", a.route.Prefix(), traceparent(trace))
		if e := a.recorded(trace); e.Complete || e.Status != 200 {
			t.Errorf("recorded %+v", e)
		}
		a.traces = append(a.traces, trace)
	})
	t.Run("an upstream that does not answer", func(t *testing.T) {
		a.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		a.try(t, to, attack{sent: keyed("{P}/ho-so"), status: 504, code: "upstream-timeout", reached: 1})
	})
	for _, tt := range []attack{
		{name: "a loop", sent: keyed("{P}/ho-so", "Via: 1.1 a.test, 1.1 "+a.node.via), status: 508, code: "call-loop"},
		{name: "a loop in capitals", sent: keyed("{P}/ho-so", "Via: 1.1 a.test", "VIA: 1.1 "+strings.ToUpper(a.node.via)), status: 508, code: "call-loop"},
		{name: "a large body", sent: "POST {P}/tra-cuu HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {T}\r\nContent-Length: 1048577\r\n\r\n{B}", status: 413, code: "request-too-large"},
		{name: "a body without end", sent: "POST {P}/tra-cuu HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {T}\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat("x", 0x200000), status: 413, code: "request-too-large"},
		{name: "a large head", sent: keyed("{P}/ho-so", "X: "+strings.Repeat("x", 70<<10)), status: 431, code: "header-too-large"},
		{name: "a first line without end", sent: "GET /" + strings.Repeat("x", 70<<10), status: 431, code: "header-too-large"},
	} {
		t.Run(tt.name, func(t *testing.T) { a.try(t, to, tt) })
	}
	a.settle()
}

// TestAttackCrowd: connections that do nothing take no place of one that asks.
func TestAttackCrowd(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	l, server, done := listen(t), a.node.Server(nil), make(chan error, 1)
	server.MaxConns = 50
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	for range 200 {
		c, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	a.try(t, &site{URL: "http://" + l.Addr().String()}, attack{sent: keyed("{P}/ho-so"), status: 200, reached: 1})
	a.settle()
}
