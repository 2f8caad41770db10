package entrance

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestNetworksAreBounded: who comes from where, and is let in or not. Whoever
// leaves makes room.
func TestNetworksAreBounded(t *testing.T) {
	t.Parallel()
	proxy := netip.MustParsePrefix("10.0.0.0/8")
	for _, tt := range []struct {
		name, come string // + comes in, ! is refused, - leaves
	}{
		{"two of one address", "+192.0.2.1 +192.0.2.1 !192.0.2.1 -192.0.2.1 +192.0.2.1 !192.0.2.1"},
		{"another address", "+192.0.2.1 +192.0.2.1 +192.0.2.2 +192.0.2.2 !192.0.2.2"},
		{"an address written as IPv6", "+192.0.2.1 +::ffff:192.0.2.1 !192.0.2.1"},
		{"a network of IPv6", "+2001:db8::1 +2001:db8::ffff:1 !2001:db8::2 +2001:db8:0:1::1"},
		{"an address of a link", "+fe80::1%eth0 +fe80::2%eth1 !fe80::3"},
		{"proxies", "+10.1.1.1 +10.1.1.1 +10.1.1.1 +10.1.1.1 +10.1.1.1"},
		{"all of them", "+10.1.1.1 +10.1.1.1 +10.1.1.1 +192.0.2.1 +192.0.2.2 !192.0.2.3 !10.1.1.1 -192.0.2.1 +192.0.2.3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := Bound(nil, Bounds{InAll: 5, OfOne: 2, Exempt: proxy.Contains})
			open, refused := 0, 0
			for i, step := range strings.Fields(tt.come) {
				address := addressOf(net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(step[1:]), 1)))
				if step[0] == '-' {
					b.leave(address)
					open--
					continue
				}
				in := b.enter(address)
				if in != (step[0] == '+') {
					t.Fatalf("step %d, %s: let in %v", i, step, in)
				}
				if in {
					open++
				} else {
					refused++
				}
			}
			if now, was := b.Figures(); now != open || was.InAll+was.OfOne != refused {
				t.Errorf("figures %d and %+v, want %d and %d", now, was, open, refused)
			}
		})
	}
}

// TestBoundedListener: what is too much is closed at once, and a connection
// counts until it is closed, however often that is done.
func TestBoundedListener(t *testing.T) {
	t.Parallel()
	b := Bound(listen(t), Bounds{InAll: 10, OfOne: 2})
	came := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := b.Accept()
			if err != nil {
				close(came)
				return
			}
			came <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", b.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		return c
	}
	first, second := dial(), dial()
	in := []net.Conn{<-came, <-came}
	if _, err := dial().Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the third: %v", err)
	}
	for range 2 {
		_ = in[0].Close()
	}
	if _, err := first.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the first: %v", err)
	}
	fourth := dial()
	in[0] = <-came
	for i, c := range in {
		fmt.Fprint(c, "hello")
		text := make([]byte, 5)
		if _, err := io.ReadFull([]net.Conn{fourth, second}[i], text); err != nil || string(text) != "hello" {
			t.Errorf("%q, %v", text, err)
		}
	}
	if err := b.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Error(err)
	}
	if _, more := <-came; more {
		t.Error("one more came")
	}
	if open, refused := b.Figures(); open != 2 || refused != (Refused{OfOne: 1}) {
		t.Errorf("figures %d and %+v", open, refused)
	}
}

// TestGuestSendsFiles: what net/http and our server use of a TCP connection is
// there, and on what is none there is a way too.
func TestGuestSendsFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("what the file holds"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	over, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	in, out := net.Pipe()
	for name, tt := range map[string]struct {
		g   *guest
		far net.Conn
		tcp bool
	}{
		"TCP": {&guest{Conn: accepted, leave: func() {}}, over, true}, "a guest of a guest": {&guest{Conn: &guest{Conn: over, leave: func() {}}, leave: func() {}}, accepted, true},
		"a pipe": {&guest{Conn: in, leave: func() {}}, out, false},
	} {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer f.Close()
			if n, err := tt.g.ReadFrom(f); n != 19 || err != nil {
				t.Errorf("%s: sent %d, %v", name, n, err)
			}
			if err := tt.g.CloseWrite(); (err == nil) != tt.tcp {
				t.Errorf("%s: CloseWrite: %v", name, err)
			}
			if !tt.tcp {
				_ = tt.g.Close()
			}
		}()
		if text, err := io.ReadAll(tt.far); string(text) != "what the file holds" || err != nil {
			t.Errorf("%s: got %q, %v", name, text, err)
		}
		if _, ok := tt.g.TCPConn(); ok != tt.tcp {
			t.Errorf("%s: TCP is %v", name, ok)
		}
	}
}
