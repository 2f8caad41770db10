package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

func TestFetchJudgesAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, address string
		ok            bool
	}{
		{"public IPv4", "103.28.36.1", true},
		{"public IPv6", "2400:cb00::1", true},
		{"loopback", "127.0.0.1", false},
		{"another loopback", "127.8.8.8", false},
		{"this host", "0.0.0.0", false},
		{"private 10", "10.1.2.3", false},
		{"private 172", "172.31.255.255", false},
		{"just past private 172", "172.32.0.0", true},
		{"private 192", "192.168.1.1", false},
		{"carrier", "100.64.0.1", false},
		{"metadata", "169.254.169.254", false},
		{"multicast", "224.0.0.1", false},
		{"broadcast", "255.255.255.255", false},
		{"documentation", "203.0.113.9", false},
		{"benchmark", "198.18.0.1", false},
		{"IPv6 loopback", "::1", false},
		{"IPv6 this host", "::", false},
		{"IPv6 link-local", "fe80::1", false},
		{"IPv6 link-local with zone", "fe80::1%eth0", false},
		{"IPv6 unique local", "fd00::1", false},
		{"IPv4-mapped loopback", "::ffff:127.0.0.1", false},
		{"IPv4-mapped public is that public address", "::ffff:103.28.36.1", true},
		{"IPv4-compatible", "::7f00:1", false},
		{"NAT64 of a private address", "64:ff9b::a00:1", false},
		{"6to4", "2002:7f00:1::", false},
		{"Teredo", "2001:0:7f00:1::", false},
		{"IPv6 documentation", "2001:db8::1", false},
		{"allowed though private", "10.99.0.7", true},
		{"next to what is allowed", "10.99.1.7", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := Fetch{Allow: prefixes("10.99.0.0/24")}
			err := guard(f.judge)("tcp4", net.JoinHostPort(tt.address, "80"), nil)
			if (err == nil) != tt.ok {
				t.Errorf("%s: got %v, want allowed %v", tt.address, err, tt.ok)
			}
			if err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("%s: got %v, want ErrRefused under it", tt.address, err)
			}
		})
	}
}

// Other spellings of a loopback address reach the dialer as names or numbers;
// whatever the resolver makes of them is judged.
func TestFetchRefusesOtherSpellings(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	client := Fetch{}.Client(2 * time.Second)
	for _, host := range []string{"127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "LOCALHOST", "localhost."} {
		t.Run(host, func(t *testing.T) {
			res, err := client.Get("http://" + host + ":" + port + "/")
			if err == nil {
				res.Body.Close()
				t.Errorf("%s was fetched", host)
			}
		})
	}
}

func TestFetchHops(t *testing.T) {
	t.Parallel()
	var target string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/inside":
			http.Redirect(w, r, "http://127.0.0.2:"+r.URL.Query().Get("port")+"/", http.StatusFound)
		case "/file":
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/once":
			http.Redirect(w, r, "/", http.StatusFound)
		}
	}))
	t.Cleanup(server.Close)
	target = server.URL
	client := Fetch{Allow: prefixes("127.0.0.1/32")}.Client(2 * time.Second)
	for _, tt := range []struct {
		name, path string
		ok         bool
	}{
		{"straight", "/", true},
		{"one redirect", "/once", true},
		{"redirect to an address not allowed", "/inside?port=1", false},
		{"redirect to a file", "/file", false},
		{"redirects without end", "/loop", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := client.Get(target + tt.path)
			if err == nil {
				res.Body.Close()
			}
			if (err == nil) != tt.ok {
				t.Errorf("got %v, want fetched %v", err, tt.ok)
			}
		})
	}
	for _, bad := range []string{"ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://user:secret@127.0.0.1/"} {
		if res, err := client.Get(bad); err == nil {
			res.Body.Close()
			t.Errorf("%s was fetched", bad)
		}
	}
}

func TestUpstream(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	here := netip.MustParseAddrPort(listener.Addr().String())
	u := Upstream{
		Approved: func(hostport string) bool { return hostport != "10.0.0.9:80" },
		Loopback: func(at netip.AddrPort) bool { return at == here },
		Own:      func() []netip.AddrPort { return prefixesOwn("0.0.0.0:8000", "10.0.0.5:9090") },
	}
	for _, tt := range []struct {
		name, at string
		ok       bool
	}{
		{"private address", "10.0.0.7:443", true},
		{"unique local address", "[fd12::7]:443", true},
		{"loopback by exact address", here.String(), true},
		{"loopback at another port", "127.0.0.1:1", false},
		{"loopback at another address", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), here.Port()).String(), false},
		{"mapped loopback is that loopback", netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), here.Port()).String(), true},
		{"metadata", "169.254.169.254:80", false},
		{"metadata, mapped", "[::ffff:169.254.169.254]:80", false},
		{"metadata by NAT64", "[64:ff9b::a9fe:a9fe]:80", false},
		{"metadata over IPv6", "[fd00:ec2::254]:80", false},
		{"metadata of another cloud", "100.100.100.200:80", false},
		{"link-local", "[fe80::1]:80", false},
		{"multicast", "224.0.0.1:80", false},
		{"this host", "0.0.0.0:80", false},
		{"own listener on every address", "127.0.0.1:8000", false},
		{"own listener on one address", "10.0.0.5:9090", false},
		{"own port on another host", "10.0.0.6:8000", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := guard(u.judge)("tcp4", tt.at, nil); (err == nil) != tt.ok {
				t.Errorf("%s: got %v, want allowed %v", tt.at, err, tt.ok)
			}
		})
	}
	conn, err := u.DialContext(context.Background(), "tcp", here.String())
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	_ = conn.Close()
	for _, at := range []string{"10.0.0.9:80", "169.254.169.254:80", "no-port", "localhost:1"} {
		if _, err := u.DialContext(context.Background(), "tcp", at); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v, want ErrRefused", at, err)
		}
	}
}

func prefixesOwn(texts ...string) []netip.AddrPort {
	var list []netip.AddrPort
	for _, text := range texts {
		list = append(list, netip.MustParseAddrPort(text))
	}
	return list
}
