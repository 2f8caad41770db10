// Package entrance answers which connections come in at a listener, and whose
// they are: no more than so many in all and of one network, so that nobody
// takes the place of all others; and behind a proxy that passes bytes on, from
// whom they come.
package entrance

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Bounds are how many connections are open at once at a listener.
type Bounds struct {
	InAll int
	OfOne int // network: an IPv4 address, or the /64 of an IPv6 address
	// Exempt are those of whom any number comes, as far as InAll goes: proxies,
	// behind whom others stand. nil: nobody.
	Exempt func(netip.Addr) bool
}

// Bounded is a listener that closes at once what is beyond its bounds.
type Bounded struct {
	net.Listener
	Bounds

	mu      sync.Mutex
	open    int
	ofOne   map[netip.Addr]int
	refused Refused
}

// Refused counts the connections that were closed at once.
type Refused struct{ InAll, OfOne int }

// Bound bounds a listener.
func Bound(l net.Listener, b Bounds) *Bounded {
	return &Bounded{Listener: l, Bounds: b, ofOne: map[netip.Addr]int{}}
}

// Figures are how many connections are open, and how many were refused so far.
func (b *Bounded) Figures() (open int, refused Refused) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open, b.refused
}

// Accept is of net.Listener.
func (b *Bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := addressOf(c.RemoteAddr())
		if b.enter(address) {
			return &guest{Conn: c, leave: sync.OnceFunc(func() { b.leave(address) })}, nil
		}
		_ = c.Close() // nothing was said yet
	}
}

// SetDeadline wakes Accept, as that of a TCP listener does.
func (b *Bounded) SetDeadline(at time.Time) error { return setDeadline(b.Listener, at) }

func setDeadline(l net.Listener, at time.Time) error {
	if timed, ok := l.(interface{ SetDeadline(time.Time) error }); ok {
		return timed.SetDeadline(at)
	}
	return errors.ErrUnsupported
}

// enter counts one more connection, or reports false when there are enough.
func (b *Bounded) enter(address netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := network(address)
	switch {
	case b.open >= b.InAll:
		b.refused.InAll++
		return false
	case b.ofOne[of] >= b.OfOne && (b.Exempt == nil || !b.Exempt(address)):
		b.refused.OfOne++
		return false
	}
	b.open++
	b.ofOne[of]++
	return true
}

func (b *Bounded) leave(address netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := network(address)
	b.open--
	if b.ofOne[of]--; b.ofOne[of] == 0 {
		delete(b.ofOne, of)
	}
}

// addressOf is the address of a connection's end, the zero Addr when it has none.
func addressOf(end net.Addr) netip.Addr {
	tcp, ok := end.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// network is what an address is counted as: one customer's.
func network(address netip.Addr) netip.Addr {
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			return prefix.Addr()
		}
	}
	return address
}

// guest is a connection that is counted until it is closed.
type guest struct {
	net.Conn
	leave func()
}

// Close is of net.Conn.
func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}

// TCPConn is what lies under the connection, for those who can do more with
// it: bytes may be written to it, and not read from it.
func (g *guest) TCPConn() (*net.TCPConn, bool) {
	switch c := g.Conn.(type) {
	case *net.TCPConn:
		return c, true
	case interface{ TCPConn() (*net.TCPConn, bool) }:
		return c.TCPConn()
	}
	return nil, false
}

// CloseWrite ends what is sent, as net/http does before it closes.
func (g *guest) CloseWrite() error {
	if tcp, ok := g.TCPConn(); ok {
		return tcp.CloseWrite()
	}
	return errors.ErrUnsupported
}

// ReadFrom is of io.ReaderFrom: files are sent by the kernel.
func (g *guest) ReadFrom(r io.Reader) (int64, error) {
	if tcp, ok := g.TCPConn(); ok {
		return tcp.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{g.Conn}, r)
}
