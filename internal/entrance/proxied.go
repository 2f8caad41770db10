package entrance

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pires/go-proxyproto"
)

// Proxied is a listener behind proxies that pass bytes on and say before them,
// by the PROXY protocol (version 1 or 2), from whom they come. A connection is
// given out once that is said, with the client's address as its far end. Who is
// no trusted proxy, or one that does not say it, is cut off: a header of
// anybody else's would name whom they like, and a connection without one would
// count as the proxy's own.
type Proxied struct {
	net.Listener
	trusted func(netip.Addr) bool
	within  time.Duration
	came    chan arrival
	begin   sync.Once
	end     sync.Once
	closed  chan struct{}

	strangers, silent atomic.Int64
	told              [2]sync.Once
}

// arrival is what Accept gives.
type arrival struct {
	conn net.Conn
	err  error
}

// BehindProxies lets a listener take connections of trusted proxies only, which
// have so long for their header.
func BehindProxies(l net.Listener, trusted func(netip.Addr) bool, within time.Duration) *Proxied {
	return &Proxied{Listener: l, trusted: trusted, within: within, came: make(chan arrival), closed: make(chan struct{})}
}

// CutOff counts the connections that were: of strangers, and of proxies whose
// header was missing, malformed or late.
func (p *Proxied) CutOff() (strangers, silent int64) { return p.strangers.Load(), p.silent.Load() }

// Accept is of net.Listener.
func (p *Proxied) Accept() (net.Conn, error) {
	p.begin.Do(func() { go p.take() })
	select {
	case a := <-p.came:
		return a.conn, a.err
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close is of net.Listener.
func (p *Proxied) Close() error {
	p.end.Do(func() { close(p.closed) })
	return p.Listener.Close()
}

// take takes connections until the listener is closed, and waits for none.
func (p *Proxied) take() {
	for {
		c, err := p.Listener.Accept()
		if err != nil {
			select {
			case p.came <- arrival{err: err}: // Accept's caller knows what to make of it
				continue
			case <-p.closed:
				return
			}
		}
		if from := addressOf(c.RemoteAddr()); !p.trusted(from) {
			p.strangers.Add(1)
			_ = c.Close() // not a byte of it is read
			p.told[0].Do(func() {
				slog.Error("connections from elsewhere than the trusted proxies are cut off; this is told once", "from", from)
			})
			continue
		}
		go p.read(c)
	}
}

// read reads the header, and gives the connection out.
func (p *Proxied) read(c net.Conn) {
	client, err := p.client(c)
	if err != nil {
		p.silent.Add(1)
		_ = c.Close() // it said nothing that can be answered
		p.told[1].Do(func() {
			slog.Error("connections of a trusted proxy without a PROXY header are cut off; this is told once", "from", c.RemoteAddr(), "err", err)
		})
		return
	}
	select {
	case p.came <- arrival{conn: client}:
	case <-p.closed:
		_ = c.Close()
	}
}

// client is the connection as the client's.
func (p *Proxied) client(c net.Conn) (net.Conn, error) {
	over := proxyproto.NewConn(c, proxyproto.WithPolicy(proxyproto.REQUIRE), proxyproto.SetReadHeaderTimeout(p.within), proxyproto.ValidateHeader(namesClient))
	if _, err := over.Read(nil); err != nil { // the header, and nothing behind it
		return nil, err
	}
	client := &client{Conn: over, from: nobody}
	if header := over.ProxyHeader(); header.Command == proxyproto.PROXY {
		client.from = header.SourceAddr
	}
	return client, nil
}

// nobody is from whom a connection comes that the proxy opened itself, to see
// that somebody is there (LOCAL). It is not believed as a proxy is: nothing is
// to be said on it of anybody else.
var nobody net.Addr = &net.TCPAddr{IP: net.IPv6unspecified}

// namesClient refuses a header of a client that has no TCP address: it would
// count as the proxy's own.
func namesClient(h *proxyproto.Header) error {
	if _, ok := h.SourceAddr.(*net.TCPAddr); ok || h.Version == 2 && h.Command == proxyproto.LOCAL {
		return nil
	}
	return fmt.Errorf("no TCP address of a client: %w", errors.ErrUnsupported)
}

// client is a connection through a proxy; it reads and writes what the client does.
type client struct {
	*proxyproto.Conn
	from net.Addr
}

// RemoteAddr is of net.Conn: the client's.
func (c *client) RemoteAddr() net.Addr { return c.from }
