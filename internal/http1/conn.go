package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

// What a connection is at.
const (
	waiting   int32 = iota // for a request's first byte
	reading                // a request
	answering              // with the request's body read: the client may leave
	watching               // the same, and somebody watches whether it does
	ended
)

// conn is one client's connection. Its goroutine alone touches what is not atomic.
type conn struct {
	server   *Server
	net      net.Conn
	tcp      *net.TCPConn // net, or what it writes to, when that is one
	tls      *tls.ConnectionState
	in       reader
	ctx      context.Context
	cancel   context.CancelFunc
	state    atomic.Int32
	deadline atomic.Int64  // of reading, Unix nanoseconds; 0: none
	stalled  atomic.Int64  // when writing is given up, the same
	since    int64         // the request's first byte
	answered atomic.Int64  // since when it is being answered
	watched  chan struct{} // told when watching has ended

	head     head
	url      url.URL
	values   []string
	blank    http.Request // what every request begins as
	request  *http.Request
	body     body
	response response
	stolen   bool // hijacked
}

func newConn(s *Server, accepted net.Conn) *conn {
	c := &conn{server: s, net: accepted, in: newReader(accepted), watched: make(chan struct{}, 1)}
	c.in.from = (*source)(c)
	switch over := accepted.(type) {
	case *net.TCPConn:
		c.tcp = over
	case interface{ TCPConn() (*net.TCPConn, bool) }: // it is written to directly
		c.tcp, _ = over.TCPConn()
	}
	if secured, ok := accepted.(*tls.Conn); ok {
		state := secured.ConnectionState()
		c.tls = &state
	}
	c.ctx, c.cancel = context.WithCancel(context.WithValue(context.Background(), connKey{}, c))
	c.blank = *(&http.Request{Header: http.Header{}, URL: &c.url, Body: http.NoBody, RemoteAddr: accepted.RemoteAddr().String(), TLS: c.tls}).WithContext(c.ctx)
	c.request = new(http.Request)
	*c.request = c.blank
	c.deadline.Store(s.now.Load() + int64(s.HeadWithin)) // the first request is due soon
	return c
}

type connKey struct{}

// Lines are the header of a request in the order it came, with Host and what
// is of the connection; false when this package did not read it. They are good
// while the request is answered.
func Lines(r *http.Request) (Fields, bool) {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok {
		return nil, false
	}
	return c.head.fields, true
}

// source reads from the connection; each part that comes gives a body more time.
type source conn

// Read is of io.Reader.
func (c *source) Read(p []byte) (int, error) {
	n, err := c.net.Read(p)
	if c.state.Load() == reading && n > 0 && c.since > 0 {
		(*conn)(c).allow(n)
	}
	return n, err
}

// allow sets the deadline for the next part of a body: soon, and not later
// than the slowest body would have come.
func (c *conn) allow(n int) {
	s := c.server
	c.response.received += int64(n)
	next := s.now.Load() + int64(s.Stall)
	if s.SlowestBody > 0 {
		slowest := c.since + int64(s.Stall) + c.response.received*int64(time.Second)/s.SlowestBody
		next = min(next, slowest)
	}
	c.deadline.Store(next)
}

// serve answers one request after the other.
func (c *conn) serve() {
	defer func() {
		if fault := recover(); fault != nil && fault != http.ErrAbortHandler {
			c.close()
			panic(fault)
		}
		c.close()
	}()
	for c.one() {
	}
}

func (c *conn) close() {
	c.cancel()
	if !c.stolen {
		c.state.Store(ended)
		_ = c.net.Close() // closed by the sweep, perhaps
	}
}

// one answers a request and reports whether another may follow.
func (c *conn) one() bool {
	text, err := c.in.head(c.slow)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.state.Load() == waiting {
		text, err = c.lastLook()
	}
	if err != nil {
		c.malformed(err)
		return false
	}
	if !c.begin() {
		return false
	}
	if err := c.parse(text); err != nil {
		c.malformed(err)
		return false
	}
	w := &c.response
	w.reset(c)
	if !c.head.chunked && c.head.length <= 0 {
		c.bodyRead()
	}
	c.server.Handler.ServeHTTP(w, c.request)
	if c.stolen {
		return false
	}
	return w.finish() && c.rest()
}

// lastLook reads once more from a connection that has waited for its time: a
// request may have come just then, and its sender is not to be turned away.
func (c *conn) lastLook() (string, error) {
	c.deadline.Store(0)
	_ = c.net.SetReadDeadline(time.Now().Add(time.Millisecond))
	text, err := c.in.head(c.slow)
	_ = c.net.SetReadDeadline(time.Time{})
	return text, err
}

// slow is called when a head does not come at once.
func (c *conn) slow() {
	if c.state.CompareAndSwap(waiting, reading) {
		c.deadline.Store(c.server.now.Load() + int64(c.server.HeadWithin))
	}
}

// begin takes the connection out of those that may be closed as idle.
func (c *conn) begin() bool {
	if !c.state.CompareAndSwap(waiting, reading) && c.state.Load() != reading {
		return false
	}
	c.since = c.server.now.Load()
	c.deadline.Store(c.since + int64(c.server.Stall))
	return true
}

// rest ends the request: nobody watches, its body is read, and the next may come.
func (c *conn) rest() bool {
	c.unwatch()
	if !c.body.over && !c.body.skip(maxSkip) {
		c.linger()
		return false
	}
	c.since = 0
	clear(c.blank.Header)
	c.deadline.Store(c.server.now.Load() + int64(c.server.Idle))
	c.state.Store(waiting)
	return !c.response.close
}

// maxSkip is how much of a body that nobody read is read for the sake of the
// connection.
const maxSkip = 256 << 10

// bodyRead says that the request is read whole: what followed its body is
// known, and from now on the client may leave, and the server looks whether it
// does.
func (c *conn) bodyRead() {
	if announced := c.request.Trailer; announced != nil {
		for _, line := range c.body.trailer {
			if _, ok := announced[line.Name]; ok {
				announced[line.Name] = append(announced[line.Name], line.Value)
			}
		}
	}
	c.deadline.Store(0)
	c.answered.Store(c.server.now.Load())
	c.state.Store(answering)
}

// look is the sweep's: it ends what is over its time, and lets a client that
// waits for long be watched.
func (c *conn) look(now int64) {
	if at := c.deadline.Load(); at != 0 && at < now {
		_ = c.net.SetReadDeadline(past) // the connection's goroutine hears of it
	}
	if at := c.stalled.Load(); at != 0 && at < now {
		_ = c.net.SetDeadline(past)
	}
	if c.state.Load() == answering && now-c.answered.Load() > int64(sweepEvery) {
		if c.state.CompareAndSwap(answering, watching) {
			go c.watch()
		}
	}
}

var past = time.Unix(1, 0)

// watch reads ahead, so that a client who leaves is noticed.
func (c *conn) watch() {
	defer func() { c.watched <- struct{}{} }()
	if c.in.r != c.in.w {
		return // the next request is here: it stays
	}
	c.in.r, c.in.w = 0, 0
	n, err := c.net.Read(c.in.buf)
	c.in.w = n
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.cancel()
	}
}

// unwatch ends the watch, if there is one; what it read is kept.
func (c *conn) unwatch() {
	if c.state.Swap(reading) != watching {
		return
	}
	_ = c.net.SetReadDeadline(past)
	<-c.watched
	_ = c.net.SetReadDeadline(time.Time{})
}
