package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves HTTP/1.1 on any number of listeners. Its exported fields are
// set before the first Serve.
type Server struct {
	Handler http.Handler
	// HTTP2, when set, gets the connections on which it was agreed in the TLS
	// handshake. In the clear it is not served.
	HTTP2 *http.Server
	TLS   *tls.Config // nil: cleartext
	// Malformed, when set, answers a request that was not taken. The connection
	// is closed after it.
	Malformed func(w http.ResponseWriter, r *http.Request, why *Refusal)

	HeadWithin  time.Duration // for a head, from its first byte, and for a TLS handshake
	Idle        time.Duration // between two requests
	Stall       time.Duration // for the next part of a body, and for a part of the answer to be taken
	SlowestBody int64         // bytes a second that a request's body comes with at least, after Stall; 0: any
	MaxConns    int           // at once, 0: any number; of more the ones that wait longest are closed

	mu                sync.Mutex
	conns             map[*conn]struct{}
	doors             map[net.Listener]struct{}
	handoff           *handoff // to HTTP2
	begun             bool
	ended             chan struct{}
	draining, closing atomic.Bool

	now  atomic.Int64 // Unix nanoseconds, of the last sweep
	date atomic.Pointer[string]
}

// sweepEvery is how exactly the deadlines hold.
const sweepEvery = 50 * time.Millisecond

// Serve answers what comes in at a listener, until it or the server is closed:
// then the error is http.ErrServerClosed.
func (s *Server) Serve(l net.Listener) error {
	s.begin(l)
	for pause := time.Duration(0); ; {
		accepted, err := l.Accept()
		if s.closing.Load() {
			if err == nil {
				_ = accepted.Close() // it came too late
			}
			return http.ErrServerClosed
		}
		var passing interface{ Temporary() bool }
		switch {
		case err == nil:
			pause = 0
			go s.take(accepted)
		case errors.As(err, &passing) && passing.Temporary(): // out of file descriptors, say
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause)
		default:
			return fmt.Errorf("accept: %w", err)
		}
	}
}

func (s *Server) begin(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		s.begun, s.conns, s.doors, s.ended = true, map[*conn]struct{}{}, map[net.Listener]struct{}{}, make(chan struct{})
		s.tick(time.Now())
		go s.sweep()
		if s.HTTP2 != nil {
			s.handoff = &handoff{address: l.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}
			go func() { _ = s.HTTP2.Serve(s.handoff) }() // it ends when the handoff is closed
		}
	}
	s.doors[l] = struct{}{}
}

// take serves a connection, or hands it on.
func (s *Server) take(accepted net.Conn) {
	if s.TLS != nil {
		secured := tls.Server(accepted, s.TLS)
		ctx, cancel := context.WithTimeout(context.Background(), s.HeadWithin)
		err := secured.HandshakeContext(ctx)
		cancel()
		if err != nil {
			_ = accepted.Close() // nothing was agreed on
			return
		}
		if secured.ConnectionState().NegotiatedProtocol == "h2" {
			s.handOn(secured)
			return
		}
		accepted = secured
	}
	c := newConn(s, accepted)
	if !s.add(c) {
		_ = accepted.Close() // the server is at its end
		return
	}
	c.serve()
	s.remove(c)
}

func (s *Server) handOn(c net.Conn) {
	if s.handoff == nil {
		_ = c.Close() // it was not offered
		return
	}
	select {
	case s.handoff.conns <- c:
	case <-s.handoff.closed:
		_ = c.Close()
	}
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if s.MaxConns > 0 && len(s.conns) >= s.MaxConns && !s.closeIdlest() {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

// closeIdlest closes the connection that has waited longest for a request;
// s.mu is held. It reports false when none waits.
func (s *Server) closeIdlest() bool {
	var idlest *conn
	for c := range s.conns {
		if c.state.Load() == waiting && (idlest == nil || c.deadline.Load() < idlest.deadline.Load()) {
			idlest = c
		}
	}
	if idlest == nil {
		return false
	}
	delete(s.conns, idlest)
	_ = idlest.net.Close() // its goroutine ends by it
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Connections is how many there are now, those handed on to HTTP2 apart.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// sweep looks after the deadlines of all connections until the server ends.
func (s *Server) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ended:
			return
		case now := <-tick.C:
			s.tick(now)
			s.mu.Lock()
			for c := range s.conns {
				c.look(now.UnixNano())
			}
			s.mu.Unlock()
		}
	}
}

// tick tells the time: deadlines and the Date field need it no more exactly.
func (s *Server) tick(now time.Time) {
	s.now.Store(now.UnixNano())
	date := now.UTC().Format(http.TimeFormat)
	if old := s.date.Load(); old == nil || *old != date {
		s.date.Store(&date)
	}
}

// Drain lets every answer from now on end its connection, so that clients go
// elsewhere by themselves. Connections are taken as before.
func (s *Server) Drain() { s.draining.Store(true) }

// Shutdown closes the listeners, lets requests under way finish, and closes
// what waits for one. It fails when ctx ends first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	var err error
	if s.HTTP2 != nil {
		err = s.HTTP2.Shutdown(ctx)
	}
	for s.Connections() > 0 {
		s.closeWaiting()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.end()
	return err
}

// Close ends everything at once.
func (s *Server) Close() error {
	s.stop()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.net.Close() // its goroutine ends by it
	}
	s.mu.Unlock()
	s.end()
	if s.HTTP2 != nil {
		return s.HTTP2.Close()
	}
	return nil
}

func (s *Server) stop() {
	s.closing.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.doors {
		_ = l.Close() // closed already, perhaps
	}
	if s.handoff != nil {
		_ = s.handoff.Close()
	}
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun {
		s.begun = false
		close(s.ended)
	}
}

func (s *Server) closeWaiting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.state.CompareAndSwap(waiting, ended) {
			_ = c.net.Close() // its goroutine ends by it
		}
	}
}

// handoff is a listener of connections that were taken elsewhere.
type handoff struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// Accept is of net.Listener.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close is of net.Listener.
func (h *handoff) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr is of net.Listener.
func (h *handoff) Addr() net.Addr { return h.address }
