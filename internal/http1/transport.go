package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Address is where a request goes. Of two with the same Network address and
// TLS configuration the connections are shared.
type Address struct {
	HostPort string
	TLS      *tls.Config // nil: cleartext
}

// Transport sends requests over connections that it keeps. Its exported fields
// are set before the first Do.
type Transport struct {
	Dial func(ctx context.Context, network, hostPort string) (net.Conn, error)

	MaxIdle int           // connections kept, an address
	IdleFor time.Duration // how long they are kept
	Connect time.Duration // for connecting, with the TLS handshake
	Answer  time.Duration // for the head of an answer, from when the request was sent
	Stall   time.Duration // for the next part of a body, either way

	mu    sync.Mutex
	hosts map[Address]*host
	live  map[*link]struct{} // every connection
	begun bool
	now   atomic.Int64 // Unix nanoseconds, of the last sweep
}

// host keeps the connections to one address that wait for a request.
type host struct {
	mu      sync.Mutex
	idle    []*link
	dropped bool // none is to wait any more
}

// Request is what is sent. Fields do not hold Host, Content-Length, nor what
// is of one connection only.
type Request struct {
	Method string
	Target string // path and query, as they are sent
	Host   string
	Fields Fields
	Body   []byte    // all of it, or
	Stream io.Reader // what is sent as it comes, Length bytes of it or, when that is negative, as chunks
	Length int64
	// Trailer is what follows a Stream of chunks: names that are told before,
	// whose values are there when the stream is at its end.
	Trailer http.Header
	Answer  time.Duration // for the head of the answer, 0: as the transport has it
	Within  time.Duration // for all of it, answer and body; 0: any time
	// Stop, when set, is called when no more of Stream is wanted: it lets a
	// Read that is under way fail.
	Stop func()
	// Informational, when set, is told of each 1xx answer but 101.
	Informational func(status int, fields Fields)
}

// Response is what came; reading it gives the body. Fields are good until it
// is closed, which gives the connection back when all was read.
type Response struct {
	Status int
	Fields Fields
	Length int64 // of the body; -1: not said
	link   *link // nil once it is closed
}

// link is one connection to an upstream.
type link struct {
	transport *Transport
	host      *host
	net       net.Conn
	tcp       *net.TCPConn
	in        reader
	out       []byte
	vector    net.Buffers
	deadline  atomic.Int64                // Unix nanoseconds; 0: none, negative: it has passed
	caller    atomic.Pointer[caller]      // nil: it is idle
	sending   atomic.Bool                 // the request's body is on its way, and has its own deadlines
	uploading chan error                  // nil, or told when it is sent
	stop      func()                      // lets the stream of an upload end
	broken    atomic.Pointer[UploadError] // nil, or why an upload gave the connection up
	patience  time.Duration               // for the next part that is read, 0: any time
	since     int64                       // it is idle
	used      bool                        // an answer came over it before
	keep      bool                        // another request may follow
	status    int                         // of the answer, 0: not read yet
	head      head
	body      body
}

// caller is for whom a connection is at work.
type caller struct {
	ctx    context.Context // the connection outlives no call with it
	latest int64           // when the whole is given up, Unix nanoseconds; 0: never
}

func (c *caller) over(now int64) bool {
	return c.ctx.Err() != nil || c.latest != 0 && c.latest < now
}

// errStale says that a kept connection had ended before the request came.
var errStale = errors.New("the kept connection has ended")

// Do sends a request and gives the head of its answer. A request over a kept
// connection that turns out to be dead is sent again over another, when it is
// sure or harmless: nothing of an answer came, and the method is one that may
// be repeated (RFC 9110 §9.2.2), or the connection was found dead before.
func (t *Transport) Do(ctx context.Context, to Address, r *Request) (*Response, error) {
	h := t.host(to)
	for {
		l, err := t.link(ctx, h, to, r)
		if err != nil {
			return nil, err
		}
		again := l.used && r.Stream == nil && repeatable(r.Method)
		response, err := l.do(ctx, r)
		if err == nil {
			return response, nil
		}
		l.end()
		broken := l.broken.Load()
		if ended := l.uploaded(); broken != nil || errors.As(ended, &broken) {
			return nil, broken
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !again || !errors.Is(err, errStale) {
			return nil, err
		}
	}
}

func repeatable(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func (t *Transport) host(to Address) *host {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.begun {
		t.begun, t.hosts, t.live = true, map[Address]*host{}, map[*link]struct{}{}
	}
	h := t.hosts[to]
	if h == nil {
		h = &host{}
		t.hosts[to] = h
	}
	return h
}

// link gives a connection: the one that was used last, or a new one.
func (t *Transport) link(ctx context.Context, h *host, to Address, r *Request) (*link, error) {
	for {
		h.mu.Lock()
		n := len(h.idle)
		if n == 0 {
			h.mu.Unlock()
			return t.connect(ctx, h, to)
		}
		l := h.idle[n-1]
		h.idle[n-1] = nil
		h.idle = h.idle[:n-1]
		h.mu.Unlock()
		if l.deadline.Swap(0) < 0 { // the sweep has ended it
			l.end()
			continue
		}
		if (!repeatable(r.Method) || r.Stream != nil || t.now.Load()-l.since > int64(time.Second)) && !l.alive() {
			l.end()
			continue
		}
		return l, nil
	}
}

func (t *Transport) connect(ctx context.Context, h *host, to Address) (*link, error) {
	within, cancel := context.WithTimeout(ctx, t.Connect)
	defer cancel()
	connection, err := t.Dial(within, "tcp", to.HostPort)
	if err != nil {
		return nil, err
	}
	l := &link{transport: t, host: h, net: connection}
	l.tcp, _ = connection.(*net.TCPConn)
	if to.TLS != nil {
		secured := tls.Client(connection, to.TLS)
		if err := secured.HandshakeContext(within); err != nil {
			_ = connection.Close()
			return nil, err
		}
		l.net, l.tcp = secured, nil
	}
	l.in = newReader((*linkSource)(l))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live[l] = struct{}{}
	if len(t.live) == 1 { // the first one
		t.now.Store(time.Now().UnixNano())
		go t.sweep()
	}
	return l, nil
}

// alive looks whether an idle connection has ended, or says what nobody asked.
func (l *link) alive() bool {
	raw, ok := l.net.(syscall.Conn)
	if secured, is := l.net.(*tls.Conn); is {
		raw, ok = secured.NetConn().(syscall.Conn)
	}
	if !ok {
		return true
	}
	sys, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	alive := false
	err = sys.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		alive = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && alive
}

// end closes the connection for good.
func (l *link) end() {
	_ = l.net.Close() // closed already, perhaps
	t := l.transport
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.live, l)
}

// rest gives the connection back, to be used again.
func (l *link) rest() {
	l.used, l.since = true, l.transport.now.Load()
	l.caller.Store(nil)
	if l.deadline.Swap(l.since+int64(l.transport.IdleFor)) < 0 {
		l.end() // it was over its time just before it was done
		return
	}
	h := l.host
	h.mu.Lock()
	full := h.dropped || len(h.idle) >= l.transport.MaxIdle
	if !full {
		h.idle = append(h.idle, l)
	}
	h.mu.Unlock()
	if full {
		l.end()
	}
}

// sweep looks after the deadlines of all connections while there are any: one
// that is over its time, or whose caller has gone, is interrupted, and whoever
// waits for it hears of it.
func (t *Transport) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for now := range tick.C {
		t.now.Store(now.UnixNano())
		var ended []*link
		t.mu.Lock()
		for l := range t.live {
			if l.look(now.UnixNano()) {
				ended = append(ended, l)
				delete(t.live, l)
			}
		}
		over := len(t.live) == 0
		t.mu.Unlock()
		for _, l := range ended {
			l.host.drop(l)
			_ = l.net.Close() // closed by the upstream, perhaps
		}
		if over {
			return
		}
	}
}

// drop takes a connection out of those that wait, if it is there.
func (h *host) drop(l *link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.idle = slices.DeleteFunc(h.idle, func(other *link) bool { return other == l })
}

// look interrupts a connection that is over its time, and reports whether it
// was idle: it is nobody's then.
func (l *link) look(now int64) bool {
	at, caller := l.deadline.Load(), l.caller.Load()
	late := at > 0 && at < now
	if at < 0 || !late && (caller == nil || !caller.over(now)) {
		return false
	}
	if !l.deadline.CompareAndSwap(at, -1) {
		return false
	}
	if l.caller.Load() != caller { // the call has ended meanwhile, and another may have begun
		l.deadline.CompareAndSwap(-1, 0)
		return false
	}
	if caller != nil {
		_ = l.net.SetDeadline(past)
	}
	return caller == nil
}

// CloseIdle closes the connections of addresses that are not to be kept, those
// in use as soon as they are not; no request that comes later uses them.
func (t *Transport) CloseIdle(keep func(Address) bool) {
	t.mu.Lock()
	var dropped []*link
	for to, h := range t.hosts {
		if keep(to) {
			continue
		}
		delete(t.hosts, to)
		h.mu.Lock()
		dropped = append(dropped, h.idle...)
		h.idle, h.dropped = nil, true
		h.mu.Unlock()
	}
	t.mu.Unlock()
	for _, l := range dropped {
		l.end()
	}
}
