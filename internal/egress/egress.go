// Package egress answers where the platform itself may connect to. There are
// two ways out: Fetch, to the public internet only, and Upstream, to systems an
// operator approved only. Both judge the address that is dialled, not the name.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// ErrRefused is under every refusal of this package.
var ErrRefused = errors.New("address is not allowed")

const dialTimeout = 5 * time.Second

// special are the ranges no public host has (IANA special-purpose address
// registries), and those that carry an IPv4 address inside.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	"5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

// never are the ranges that not even an approved upstream has: this host,
// link-local (cloud metadata is there), multicast, what is reserved, and
// what a translator turns into IPv4.
var never = prefixes(
	"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fe80::/10", "fec0::/10", "ff00::/8",
	"fd00:ec2::/32", "100.100.100.200/32", // metadata of two clouds
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

func in(list []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range list {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// Fetch reaches public addresses: imports, link checks, keys of others.
type Fetch struct {
	Allow []netip.Prefix // LGSP_EGRESS_ALLOW: reached although not public
	CAs   *x509.CertPool // believed over TLS, nil: the system's
}

// maxRedirects bounds the hops of one fetch; each is judged like the first.
const maxRedirects = 3

// Client fetches by http and https, within timeout from the first byte to the
// last. It uses no proxy, keeps no cookies, follows at most three redirects and
// never from https to http. The caller bounds what it reads.
func (f Fetch) Client(timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: guard(f.judge)}
	return &http.Client{
		Timeout: timeout,
		Transport: &schemes{next: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: timeout,
			IdleConnTimeout: 10 * time.Second, MaxIdleConnsPerHost: 1, MaxResponseHeaderBytes: 64 << 10,
			TLSClientConfig: &tls.Config{RootCAs: f.CAs},
		}},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects: %w", maxRedirects, ErrRefused)
			}
			if via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https" {
				return fmt.Errorf("redirect from https to %s: %w", r.URL.Scheme, ErrRefused)
			}
			return nil
		},
	}
}

// schemes lets only http and https without a user through, on every hop.
type schemes struct{ next http.RoundTripper }

// RoundTrip is of http.RoundTripper.
func (s *schemes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" || r.URL.User != nil {
		return nil, fmt.Errorf("only http and https without a user are fetched: %w", ErrRefused)
	}
	return s.next.RoundTrip(r)
}

func (f Fetch) judge(at netip.AddrPort) error {
	if address := at.Addr(); in(special, address) && !in(f.Allow, address) {
		return fmt.Errorf("%s is not a public address: %w", address, ErrRefused)
	}
	return nil
}

// Upstream reaches the systems behind the gateway.
type Upstream struct {
	// Approved reports whether an operator approved host:port, in lower case.
	Approved func(hostport string) bool
	// Loopback are the exact addresses that may be dialled though they are on
	// this host: the demo's own simulators, and tests.
	Loopback func(at netip.AddrPort) bool
	// Own are the ports the platform listens on: no address of this host is
	// dialled there, so that a call cannot come back in by another door.
	Own func() []netip.AddrPort
}

// DialContext connects to an approved host:port. It fails with ErrRefused for
// all else, and for an approved name that resolves to where nothing may go.
func (u Upstream) DialContext(ctx context.Context, network, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, fmt.Errorf("%q is not host:port: %w", hostport, ErrRefused)
	}
	name := net.JoinHostPort(strings.ToLower(strings.TrimSuffix(host, ".")), port)
	if !u.Approved(name) {
		return nil, fmt.Errorf("upstream %s is not approved: %w", name, ErrRefused)
	}
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: guard(u.judge)}
	return dialer.DialContext(ctx, network, hostport)
}

func (u Upstream) judge(at netip.AddrPort) error {
	loopback := at.Addr().IsLoopback() && u.Loopback != nil && u.Loopback(at)
	if in(never, at.Addr()) && !loopback {
		return fmt.Errorf("%s is no address of an upstream: %w", at.Addr(), ErrRefused)
	}
	if u.Own == nil {
		return nil
	}
	for _, own := range u.Own() {
		if own.Port() == at.Port() && (own.Addr().Unmap() == at.Addr() || own.Addr().IsUnspecified() && isOfThisHost(at.Addr())) {
			return fmt.Errorf("%s is the platform itself: %w", at, ErrRefused)
		}
	}
	return nil
}

func isOfThisHost(address netip.Addr) bool {
	if address.IsLoopback() || address.IsUnspecified() {
		return true
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		return true // not known: refused
	}
	for _, a := range list {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap() == address {
			return true
		}
	}
	return false
}

// guard judges an address after the name is resolved, when it is dialled.
func guard(judge func(netip.AddrPort) error) func(network, address string, _ syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		if network != "tcp4" && network != "tcp6" {
			return fmt.Errorf("network %s: %w", network, ErrRefused)
		}
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("address %q: %w", address, ErrRefused)
		}
		return judge(netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port()))
	}
}
