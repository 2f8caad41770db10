package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
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
	streams           map[*stream]struct{} // requests of HTTP2
	doors             map[net.Listener]struct{}
	handoff           *handoff // to HTTP2
	begun, over       bool
	ended             chan struct{}
	arriving          atomic.Int64 // connections that are accepted and in neither conns nor HTTP2 yet
	draining, closing atomic.Bool

	now  atomic.Int64 // Unix nanoseconds, of the last sweep
	date atomic.Pointer[string]
}

// sweepEvery is how exactly the deadlines hold.
const sweepEvery = 50 * time.Millisecond

// Serve answers what comes in at a listener, until it or the server is closed:
// then the error is http.ErrServerClosed.
func (s *Server) Serve(l net.Listener) error {
	if !s.begin(l) {
		return http.ErrServerClosed
	}
	defer s.left(l)
	for pause := time.Duration(0); ; {
		accepted, err := l.Accept()
		var passing interface{ Temporary() bool }
		switch {
		case err == nil:
			pause = 0
			s.arriving.Add(1)
			go s.take(accepted)
		case s.closing.Load():
			s.takeLast(l)
			return http.ErrServerClosed
		case errors.As(err, &passing) && passing.Temporary(): // out of file descriptors, say
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause)
		default:
			return fmt.Errorf("accept: %w", err)
		}
	}
}

// timed is a listener whose Accept can be woken without closing it.
type timed interface{ SetDeadline(time.Time) error }

// takeLast takes those whose connection stood before the door was shut, which
// the kernel would break off, and shuts it.
func (s *Server) takeLast(l net.Listener) {
	defer l.Close() // closed already, perhaps
	door, ok := l.(timed)
	for end := time.Now().Add(lastWait); ok && time.Now().Before(end); {
		if door.SetDeadline(time.Now().Add(time.Millisecond)) != nil {
			return
		}
		accepted, err := l.Accept()
		if err != nil {
			return
		}
		s.arriving.Add(1)
		go s.take(accepted)
	}
}

// begin takes a listener, and reports false when the server is at its end.
func (s *Server) begin(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if !s.begun {
		s.begun, s.conns, s.doors, s.ended = true, map[*conn]struct{}{}, map[net.Listener]struct{}{}, make(chan struct{})
		s.tick(time.Now())
		go s.sweep()
		if s.HTTP2 != nil {
			s.beginHTTP2(l.Addr())
		}
	}
	s.doors[l] = struct{}{}
	return true
}

func (s *Server) left(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.doors, l)
}

// take serves a connection, or hands it on.
func (s *Server) take(accepted net.Conn) {
	if s.TLS != nil {
		secured, ok := s.secure(accepted)
		if !ok || secured.ConnectionState().NegotiatedProtocol == "h2" {
			if ok {
				s.handOn(secured)
			}
			s.arriving.Add(-1)
			return
		}
		accepted = secured
	}
	c := newConn(s, accepted)
	added := s.add(c)
	s.arriving.Add(-1)
	if !added {
		_ = accepted.Close() // too many are here, or the server is at its end
		return
	}
	c.serve()
	s.remove(c)
}

// secure makes a connection one of TLS, or closes it and reports false. Who
// speaks plain HTTP is told so. Another protocol than those of HTTP is agreed on
// for the handshake's sake (acme-tls/1).
func (s *Server) secure(accepted net.Conn) (*tls.Conn, bool) {
	secured := tls.Server(accepted, s.TLS)
	ctx, cancel := context.WithTimeout(context.Background(), s.HeadWithin)
	defer cancel()
	err := secured.HandshakeContext(ctx)
	if agreed := secured.ConnectionState().NegotiatedProtocol; err == nil && (agreed == "" || agreed == "http/1.1" || agreed == "h2") {
		return secured, true
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) && record.Conn != nil && isToken[record.RecordHeader[0]] {
		_ = record.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(record.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nThis door speaks TLS: ask with https.\n") // it may have gone
	}
	_ = accepted.Close() // nothing was agreed on
	return nil, false
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
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

// isEmpty reports whether no listener and no connection is left to be waited
// for, those handed on to HTTP2 apart.
func (s *Server) isEmpty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.doors) == 0 && s.arriving.Load() == 0 && len(s.conns) == 0
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
			for st := range s.streams {
				st.look(now.UnixNano())
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

// lastWait is how long a connection that waits for a request is kept when the
// server shuts down: who is just sending one is answered.
const lastWait = 100 * time.Millisecond

// Shutdown closes the listeners, lets requests under way finish, and closes
// what waits for one. It fails when ctx ends first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	told := make(chan error, 1)
	go func() { told <- s.shutHTTP2(ctx) }()
	for latest := time.Now().Add(lastWait); !s.isEmpty(); {
		s.hurry(latest)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	err := <-told
	s.end()
	return err
}

// Close ends everything at once.
func (s *Server) Close() error {
	s.stop()
	s.end()
	s.mu.Lock()
	for l := range s.doors {
		_ = l.Close() // closed already, perhaps
	}
	for c := range s.conns {
		_ = c.net.Close() // its goroutine ends by it
	}
	if s.handoff != nil {
		_ = s.handoff.Close()
	}
	s.mu.Unlock()
	if s.HTTP2 != nil {
		return s.HTTP2.Close()
	}
	return nil
}

func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	for l := range s.doors {
		if door, ok := l.(timed); !ok || door.SetDeadline(past) != nil {
			_ = l.Close() // closed already, perhaps
		}
	}
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.begun {
		s.begun = false
		close(s.ended)
	}
}

// hurry lets what waits for a request wait until then, and no longer.
func (s *Server) hurry(latest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if at := c.deadline.Load(); c.state.Load() == waiting && at > latest.UnixNano() {
			c.deadline.CompareAndSwap(at, latest.UnixNano())
		}
	}
}
