package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/certtest"
	"lgsp/internal/entrance"
)

// TestClientsAddressThroughAProxy: behind a proxy that passes bytes on, its
// client's address counts for a key's networks, limits and records, and what a
// client says of addresses itself counts for nothing.
func TestClientsAddressThroughAProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	loopback := netip.MustParsePrefix("127.0.0.1/32")
	w.node.TrustedProxies = []netip.Prefix{loopback}
	w.route.Traffic.Limits = []Limit{{Per: "address", Calls: 2, Window: "12h"}}
	w.mu.Lock()
	w.keys[0].Networks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	w.mu.Unlock()
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.tell("credential")
	w.until("loaded", func() bool {
		s := w.node.current.Load()
		return len(s.byVersion[w.route.Version].limits) == 1 && len(w.node.knows(w.keys[0].Lookup).Networks) == 1
	})
	ca := certtest.NewCA(t, time.Now())
	server := w.node.Server(&tls.Config{Certificates: []tls.Certificate{ca.Server(time.Now())}})
	l := entrance.Bound(entrance.BehindProxies(listen(t), loopback.Contains, time.Second), entrance.Bounds{InAll: 100, OfOne: 100})
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})

	const alpha, beta = "198.51.100.7", "192.0.2.1"
	for i, tt := range []struct {
		name, from, path string
		key              bool
		fields           string
		proto            string
		status           int
		code             string
	}{
		{"the key's network", alpha, "/ho-so", true, "", "http/1.1", 200, ""},
		{"another network", beta, "/ho-so", true, "", "http/1.1", 403, "address-not-allowed"},
		{"a client that says it is elsewhere", beta, "/ho-so", true, "X-Forwarded-For: " + alpha + "\r\n", "http/1.1", 403, "address-not-allowed"},
		{"the same in the network", alpha, "/ho-so", true, "X-Forwarded-For: " + beta + "\r\n", "http/1.1", 200, ""},
		{"the address's limit", alpha, "/ho-so", true, "", "http/1.1", 429, "rate-exceeded"},
		{"another address's", beta, "/danh-muc/1", false, "", "http/1.1", 200, ""},
		{"HTTP/2", beta, "/danh-muc/1", false, "", "h2", 200, ""},
		{"HTTP/2, the limit", beta, "/danh-muc/1", false, "", "h2", 429, "rate-exceeded"},
	} {
		trace := fmt.Sprintf("%032x", 0xd0+i)
		target := w.route.Prefix() + tt.path
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(conn, "PROXY TCP4 %s 203.0.113.1 4660 443\r\n", tt.from)
		over := tls.Client(conn, &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost", NextProtos: []string{tt.proto}})
		status := 0
		if tt.proto == "h2" {
			transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return over, over.HandshakeContext(ctx) }}
			r, _ := http.NewRequest(http.MethodGet, "https://localhost"+target, nil)
			r.Header.Set("Traceparent", traceparent(trace))
			res, err := (&http.Client{Transport: transport}).Do(r)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			_ = res.Body.Close()
			status = res.StatusCode
		} else {
			if tt.key {
				tt.fields += "X-API-Key: " + w.key + "\r\n"
			}
			fmt.Fprintf(over, "GET %s HTTP/1.1\r\nHost: h\r\nTraceparent: %s\r\n%s\r\n", target, traceparent(trace), tt.fields)
			res, err := http.ReadResponse(bufio.NewReader(over), nil)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			status = res.StatusCode
		}
		e := w.recorded(trace)
		if want := w.node.addressHash(netip.MustParseAddr(tt.from)); status != tt.status || e.Code != tt.code || e.Address != want {
			t.Errorf("%s: got %d %s of %s, want %d %s of %s", tt.name, status, e.Code, e.Address, tt.status, tt.code, want)
		}
		_ = conn.Close()
	}
	for name, said := range map[string]string{
		"a second header": "PROXY TCP4 198.51.100.7 203.0.113.1 1 2\r\nPROXY TCP4 198.51.100.8 203.0.113.1 1 2\r\n", "plain HTTP": "PROXY TCP4 198.51.100.7 203.0.113.1 1 2\r\nGET / HTTP/1.1\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(conn, said)
		if got, _ := io.ReadAll(conn); len(got) > 0 && string(got[:12]) != "HTTP/1.0 400" {
			t.Errorf("%s before TLS: got %q", name, got)
		}
	}
}
