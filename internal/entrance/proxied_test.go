package entrance

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const signature = "\r\n\r\n\x00\r\nQUIT\n"

// v2 is a header of version 2: command and family as they are on the wire.
func v2(command, family byte, rest string) string {
	return signature + string(binary.BigEndian.AppendUint16([]byte{command, family}, uint16(len(rest)))) + rest
}

const (
	ends4 = "\xc6\x33\x64\x07\xcb\x00\x71\x01\x12\x34\x01\xbb" // 198.51.100.7:4660 to 203.0.113.1:443
	ends6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x12\x34\x01\xbb"
)

// behind serves what comes through a proxy at 127.0.0.1: it gives back the
// client's address and what it sent.
func behind(t *testing.T, within time.Duration) *Proxied {
	t.Helper()
	p := BehindProxies(listen(t), netip.MustParsePrefix("127.0.0.1/32").Contains, within)
	go func() {
		for {
			c, err := p.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				got, _ := io.ReadAll(c) // what came before an error counts
				_, _ = io.WriteString(c, c.RemoteAddr().String()+" said "+string(got))
			}()
		}
	}()
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// say sends parts, with a pause between, from an address, and gives the answer;
// "" when the connection is cut off.
func say(t *testing.T, p *Proxied, from string, parts ...string) string {
	t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	for i, part := range parts {
		if i > 0 {
			time.Sleep(50 * time.Millisecond)
		}
		_, _ = io.WriteString(c, part) // it may be cut off
	}
	_ = c.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(c)
	if err != nil && !strings.Contains(err.Error(), "reset") { // cut off with bytes unread
		t.Error(err)
	}
	return string(got)
}

// TestProxied: what comes through a trusted proxy, and whose it is taken for.
func TestProxied(t *testing.T) {
	t.Parallel()
	p := behind(t, time.Second)
	const hello, second = "GET / HTTP/1.1\r\n\r\n", "PROXY TCP4 192.0.2.66 203.0.113.1 1 2\r\n"
	for _, tt := range []struct {
		name, from string
		parts      []string
		want       string // "": cut off
	}{
		{"version 1", "", []string{"PROXY TCP4 198.51.100.7 203.0.113.1 4660 443\r\n" + hello}, "198.51.100.7:4660 said " + hello},
		{"version 1, IPv6", "", []string{"PROXY TCP6 2001:db8::7 2001:db8::1 4660 443\r\n" + hello}, "[2001:db8::7]:4660 said " + hello},
		{"the rest comes later", "", []string{"PROXY TCP4 198.51.100.7 203.0.113.1 4660 443\r\n", hello}, "198.51.100.7:4660 said " + hello},
		{"nothing behind it", "", []string{"PROXY TCP4 198.51.100.7 203.0.113.1 4660 443\r\n"}, "198.51.100.7:4660 said "},
		{"version 2", "", []string{v2(0x21, 0x11, ends4) + hello}, "198.51.100.7:4660 said " + hello},
		{"version 2, IPv6", "", []string{v2(0x21, 0x21, ends6) + hello}, "[2001:db8::7]:4660 said " + hello},
		{"version 2 with more in it", "", []string{v2(0x21, 0x11, ends4+"\x04\x00\x03abc") + hello}, "198.51.100.7:4660 said " + hello},
		{"version 2 in parts", "", []string{v2(0x21, 0x11, ends4)[:20], v2(0x21, 0x11, ends4)[20:] + hello}, "198.51.100.7:4660 said " + hello},
		{"the proxy itself looks: nobody's", "", []string{v2(0x20, 0x00, "") + hello}, "[::]:0 said " + hello},
		{"the same with addresses in it", "", []string{v2(0x20, 0x11, ends4) + hello}, "[::]:0 said " + hello},
		{"a second header is the client's own word", "", []string{"PROXY TCP4 198.51.100.7 203.0.113.1 4660 443\r\n" + second + hello}, "198.51.100.7:4660 said " + second + hello},
		{"the same in version 2", "", []string{v2(0x21, 0x11, ends4) + v2(0x21, 0x11, "\xc0\x00\x02\x42\xcb\x00\x71\x01\x00\x01\x00\x02")}, "198.51.100.7:4660 said " + v2(0x21, 0x11, "\xc0\x00\x02\x42\xcb\x00\x71\x01\x00\x01\x00\x02")},

		{"no header", "", []string{hello}, ""},
		{"no header, but TLS", "", []string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"}, ""},
		{"garbage", "", []string{"\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff"}, ""},
		{"nothing", "", nil, ""},
		{"a client that is not told", "", []string{"PROXY UNKNOWN\r\n" + hello}, ""},
		{"the same in version 2", "", []string{v2(0x21, 0x00, "") + hello}, ""},
		{"a client on a socket", "", []string{v2(0x21, 0x31, strings.Repeat("a", 216)) + hello}, ""},
		{"a client by UDP", "", []string{v2(0x21, 0x12, ends4) + hello}, ""},
		{"an address that is none", "", []string{"PROXY TCP4 198.51.100.777 203.0.113.1 4660 443\r\n" + hello}, ""},
		{"a name", "", []string{"PROXY TCP4 localhost 203.0.113.1 4660 443\r\n" + hello}, ""},
		{"IPv6 as TCP4", "", []string{"PROXY TCP4 2001:db8::7 2001:db8::1 4660 443\r\n" + hello}, ""},
		{"a port beyond counting", "", []string{"PROXY TCP4 198.51.100.7 203.0.113.1 70000 443\r\n" + hello}, ""},
		{"a word too many", "", []string{"PROXY TCP4 198.51.100.7 203.0.113.1 4660 443 7\r\n" + hello}, ""},
		{"LF alone", "", []string{"PROXY TCP4 198.51.100.7 203.0.113.1 4660 443\n" + hello}, ""},
		{"a line without end", "", []string{"PROXY TCP4 " + strings.Repeat("1", 200)}, ""},
		{"a command that is none", "", []string{v2(0x22, 0x11, ends4) + hello}, ""},
		{"version 3", "", []string{v2(0x31, 0x11, ends4) + hello}, ""},
		{"too short for its addresses", "", []string{v2(0x21, 0x11, ends4[:8]) + hello}, ""},
		{"64 KiB of it", "", []string{v2(0x21, 0x11, ends4+strings.Repeat("a", 65000))}, ""},
		{"a stranger with a header", "127.0.0.2", []string{"PROXY TCP4 198.51.100.7 203.0.113.1 4660 443\r\n" + hello}, ""},
		{"a stranger without", "127.0.0.2", []string{hello}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := tt.from
			if from == "" {
				from = "127.0.0.1"
			}
			strangers, silent := p.CutOff()
			if got := say(t, p, from, tt.parts...); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			s, n := p.CutOff()
			if cut := s - strangers + n - silent; (cut == 1) != (tt.want == "") || (s > strangers) != (tt.from != "") {
				t.Errorf("%d strangers and %d without a header were counted", s-strangers, n-silent)
			}
		})
	}
}

// TestProxiedHeaderIsBounded: a header that does not come, or not whole, ends
// its connection, and nobody waits for it meanwhile.
func TestProxiedHeaderIsBounded(t *testing.T) {
	t.Parallel()
	p := behind(t, 300*time.Millisecond)
	for _, begun := range []string{"", "PRO", v2(0x21, 0x11, ends4)[:20]} {
		c, err := net.Dial("tcp", p.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(c, begun)
		if got := say(t, p, "127.0.0.1", "PROXY TCP4 198.51.100.7 203.0.113.1 4660 443\r\nhello"); got != "198.51.100.7:4660 said hello" {
			t.Errorf("%q: somebody else meanwhile: got %q", begun, got)
		}
		began := time.Now()
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("%q: read %d, %v", begun, n, err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%q: cut off after %s", begun, took)
		}
	}
}

// TestProxiedEnds: a listener that is closed gives nobody out, and keeps nobody.
func TestProxiedEnds(t *testing.T) {
	t.Parallel()
	p := BehindProxies(listen(t), func(netip.Addr) bool { return true }, 5*time.Second)
	accepted := make(chan error, 1)
	go func() {
		_, err := p.Accept() // one; nobody takes the second
		accepted <- err
	}()
	var left []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", p.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(c, "PROXY TCP4 198.51.100.7 203.0.113.1 4660 443\r\n")
		left = append(left, c)
	}
	if err := <-accepted; err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // the second's header is read
	for range 2 {
		_ = p.Close()
	}
	if _, err := p.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepted: %v", err)
	}
	cut := 0
	for _, c := range left {
		_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
			cut++
		}
	}
	if cut != 1 {
		t.Errorf("%d of two connections are closed, want that which nobody took", cut)
	}
}
