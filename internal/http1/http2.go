package http1

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// beginHTTP2 lets net/http serve what is handed on; s.mu is held.
func (s *Server) beginHTTP2(address net.Addr) {
	s.streams = map[*stream]struct{}{}
	s.handoff = &handoff{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	s.HTTP2.Handler = s.overHTTP2(s.HTTP2.Handler)
	go func() { _ = s.HTTP2.Serve(s.handoff) }() // it ends when the handoff is closed
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

// shutHTTP2 lets its clients go, once those have come that are on their way.
func (s *Server) shutHTTP2(ctx context.Context) error {
	if s.HTTP2 == nil {
		return nil
	}
	for s.arriving.Load() > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	return s.HTTP2.Shutdown(ctx) // it closes the handoff
}

// overHTTP2 holds requests of HTTP/2 to what those of HTTP/1.1 are held to:
// the time for the next part of a body, and for a part of the answer to be
// taken, the number of fields, and Drain. The size of the head is HTTP2's to bound.
func (s *Server) overHTTP2(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		st := &stream{ResponseWriter: w, server: s, control: http.NewResponseController(w), since: s.now.Load()}
		s.follow(st)
		defer s.unfollow(st)
		if r.ContentLength != 0 {
			r.Body = &streamBody{ReadCloser: r.Body, stream: st}
		}
		if countFields(r.Header) > maxFields {
			s.refuse(st, r, errFields)
			return
		}
		next.ServeHTTP(st, r)
		if st.wrote { // net/http sends the rest now
			_ = st.control.SetWriteDeadline(time.Now().Add(s.Stall))
		}
	})
}

func countFields(header http.Header) (n int) {
	for _, values := range header {
		n += len(values)
	}
	return n
}

func (s *Server) follow(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[st] = struct{}{}
}

func (s *Server) unfollow(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
}

// stream is one request of HTTP/2, and its answer's writer.
type stream struct {
	http.ResponseWriter
	server   *Server
	control  *http.ResponseController
	deadline atomic.Int64 // of reading, Unix nanoseconds; 0: nobody reads
	stalled  atomic.Int64 // when writing is given up, the same
	since    int64        // the request's head
	received int64        // of its body
	begun    bool         // the answer
	wrote    bool         // some of its body
}

// Unwrap is for http.ResponseController.
func (st *stream) Unwrap() http.ResponseWriter { return st.ResponseWriter }

// WriteHeader is of http.ResponseWriter.
func (st *stream) WriteHeader(status int) {
	if status >= 200 && !st.begun {
		st.begun = true
		if st.server.draining.Load() {
			st.Header().Set("Connection", "close") // becomes a GOAWAY
		}
	}
	st.ResponseWriter.WriteHeader(status)
}

// Write is of http.ResponseWriter.
func (st *stream) Write(p []byte) (int, error) {
	if !st.begun {
		st.WriteHeader(http.StatusOK)
	}
	st.wrote = true
	st.stalled.Store(st.server.now.Load() + int64(st.server.Stall))
	defer st.stalled.Store(0)
	return st.ResponseWriter.Write(p)
}

// FlushError is of http.ResponseController.
func (st *stream) FlushError() error {
	if !st.begun {
		st.WriteHeader(http.StatusOK)
	}
	st.stalled.Store(st.server.now.Load() + int64(st.server.Stall))
	defer st.stalled.Store(0)
	return st.control.Flush()
}

// look is the sweep's: it ends what is over its time.
func (st *stream) look(now int64) {
	if at := st.deadline.Load(); at != 0 && at < now {
		_ = st.control.SetReadDeadline(past) // its reader hears of it
	}
	if at := st.stalled.Load(); at != 0 && at < now {
		_ = st.control.SetWriteDeadline(past) // the stream is reset
	}
}

// streamBody is the body of a request of HTTP/2; each part has its time to come.
type streamBody struct {
	io.ReadCloser
	stream *stream
}

// Read is of io.Reader.
func (b *streamBody) Read(p []byte) (int, error) {
	st, s := b.stream, b.stream.server
	at := s.now.Load() + int64(s.Stall)
	if s.SlowestBody > 0 {
		at = min(at, st.since+int64(s.Stall)+st.received*int64(time.Second)/s.SlowestBody)
	}
	st.deadline.Store(at)
	n, err := b.ReadCloser.Read(p)
	st.deadline.Store(0)
	st.received += int64(n)
	return n, err
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
