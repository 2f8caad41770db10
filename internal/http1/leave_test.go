package http1

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestShutdownTurnsNobodyAway: clients who send now and then on connections
// they keep are told with an answer that theirs ends; none finds it closed.
func TestShutdownTurnsNobodyAway(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: http.HandlerFunc(echo)}
	address := serve(t, s)
	var begun, ended sync.WaitGroup
	for i := range 50 {
		c := dial(t, address)
		begun.Add(1)
		ended.Go(func() {
			in := bufio.NewReader(c)
			for n := 0; ; n++ {
				if n == 3 {
					begun.Done()
				}
				fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", n)
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Errorf("client %d, request %d: %v", i, n, err)
					if n < 3 {
						begun.Done()
					}
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				if res.Close {
					if n < 3 {
						begun.Done()
					}
					return
				}
				time.Sleep(rand.N(lastWait / 2))
			}
		})
	}
	begun.Wait()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	ended.Wait()
}

// sleepy is a listener that takes nobody until it is woken.
type sleepy struct {
	*net.TCPListener
	wake chan struct{}
}

func (l sleepy) Accept() (net.Conn, error) {
	<-l.wake
	return l.TCPListener.Accept()
}

// TestShutdownServesWhoHasCome: who was connected before the door was shut is
// answered, though nobody had looked that way yet.
func TestShutdownServesWhoHasCome(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := sleepy{inner.(*net.TCPListener), make(chan struct{})}
	s := &Server{Handler: http.HandlerFunc(echo), HeadWithin: time.Second, Idle: time.Second, Stall: time.Second}
	served, down := make(chan error, 1), make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	c := dial(t, inner.Addr().String())
	for !s.hasDoor() {
		time.Sleep(time.Millisecond)
	}
	go func() { down <- s.Shutdown(t.Context()) }()
	for !s.closing.Load() {
		time.Sleep(time.Millisecond)
	}
	close(l.wake)
	fmt.Fprintf(c, "GET /late HTTP/1.1\r\nHost: h\r\n\r\n")
	if got := answers(t, c); len(got) != 1 || !strings.Contains(got[0], "/late") {
		t.Errorf("got %q", got)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	for _, again := range []error{<-served, s.Serve(l)} {
		if !errors.Is(again, http.ErrServerClosed) {
			t.Errorf("served: %v", again)
		}
	}
}

func (s *Server) hasDoor() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.doors) > 0
}

// unlucky is a connection on which a request comes at the very moment that its
// time is over.
type unlucky struct {
	net.Conn
	over chan struct{}
	once sync.Once
}

func (c *unlucky) Read(p []byte) (int, error) {
	select {
	case <-c.over:
		return c.Conn.Read(p)
	default:
		<-c.over
		return 0, os.ErrDeadlineExceeded
	}
}

func (c *unlucky) SetReadDeadline(at time.Time) error {
	first := false
	if at.Equal(past) {
		c.once.Do(func() { first = true; close(c.over) })
	}
	if first {
		return nil
	}
	return c.Conn.SetReadDeadline(at) // also past: a slow test is watched, and that watch is to end
}

// TestLastLook: a request that came as its connection was given up is answered.
func TestLastLook(t *testing.T) {
	t.Parallel()
	client, server := net.Pipe()
	l := &handoff{address: server.LocalAddr(), conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	s := &Server{Handler: http.HandlerFunc(echo), HeadWithin: sweepEvery, Idle: time.Second, Stall: time.Second}
	l.conns <- &unlucky{Conn: server, over: make(chan struct{})}
	go func() { _ = s.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = s.Close() })
	go func() { _, _ = io.WriteString(client, "GET /just HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") }()
	if got := answers(t, client); len(got) != 1 || !strings.Contains(got[0], "/just") {
		t.Errorf("got %q", got)
	}
}

// TestDrainHTTP2: over HTTP/2 too, callers without pause go elsewhere without
// one failed request, reads and writes alike.
func TestDrainHTTP2(t *testing.T) {
	t.Parallel()
	var left atomic.Int64
	leaving := newHTTP2(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		left.Add(1)
		echo(w, r)
	}))
	staying := newHTTP2(t, http.HandlerFunc(echo))
	addresses := [2]string{serve(t, leaving.Server), serve(t, staying.Server)}
	var to, shut, answered atomic.Int64
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addresses[to.Load()])
	}
	var callers sync.WaitGroup
	for range 4 {
		client := leaving.client(dial)
		for range 4 {
			callers.Go(func() {
				for n := 0; shut.Load() == 0 || n%50 != 0; n++ {
					method, body := http.MethodGet, ""
					if n%2 == 1 {
						method, body = http.MethodPost, "abc"
					}
					r, _ := http.NewRequest(method, "https://example.com/", strings.NewReader(body))
					res, err := client.Do(r)
					if err != nil {
						t.Errorf("request %d: %v", n, err)
						return
					}
					_, err = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
					if err != nil || res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
						t.Errorf("request %d: %d by %s, %v", n, res.StatusCode, res.Proto, err)
					}
					answered.Add(1)
				}
			})
		}
	}
	more := func(n int64) {
		for least := answered.Load() + n; answered.Load() < least && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
	}
	more(500)
	to.Store(1) // as a balancer does that saw /readyz
	leaving.Drain()
	more(500)
	before := left.Load()
	more(100)
	if n := left.Load() - before; n > 0 {
		t.Errorf("%d requests after every caller was told to go", n)
	}
	if err := leaving.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	more(500)
	shut.Store(1)
	callers.Wait()
}

// http2Server is a server that speaks HTTP/2 only.
type http2Server struct {
	*Server
	known *tls.Config // of its clients
}

func newHTTP2(t *testing.T, handler http.Handler) http2Server {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	lent := httptest.NewTLSServer(handler) // for its certificate
	t.Cleanup(lent.Close)
	known := lent.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	known.ServerName = "example.com"
	return http2Server{&Server{
		Handler: handler, HTTP2: &http.Server{Handler: handler, Protocols: protocols},
		TLS: &tls.Config{Certificates: lent.TLS.Certificates, NextProtos: []string{"h2"}},
	}, known}
}

func (s http2Server) client(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols, DialContext: dial, TLSClientConfig: s.known.Clone()}}
}
