package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lgsp/internal/certtest"
)

const (
	portalHost  = "du-lieu.example.test"
	gatewayHost = "api.du-lieu.example.test"
)

// authority is a real one by ACME (pebble), with a name server of its own by
// which every name is at 127.0.0.1.
type authority struct {
	t         *testing.T
	directory string
	ca        string         // PEM file of who certifies the directory
	pool      *x509.CertPool // the same
	manage    string
	stop      func()
}

// pebble builds the authority once, and gives where it is.
var pebble = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs("../../bin/acme")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir+"/", "github.com/letsencrypt/pebble/v2/cmd/pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv")
	build.Dir = "../../test/acme"
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pebble: %w: %s", err, said)
	}
	return dir, nil
})

// newAuthority starts one that looks for proofs at a port, and whose
// certificates live so long.
func newAuthority(t *testing.T, port int, life time.Duration) *authority {
	t.Helper()
	bin, err := pebble()
	if err != nil {
		t.Fatal(err)
	}
	dir, own := t.TempDir(), certtest.NewCA(t, time.Now())
	a := &authority{t: t, ca: filepath.Join(dir, "ca.pem"), pool: own.Pool()}
	certtest.Write(t, tls.Certificate{Certificate: [][]byte{own.Certificate.Raw}}, a.ca, "")
	certtest.Write(t, own.Server(time.Now()), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	directory, manage, names, control := freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)
	a.directory, a.manage = "https://"+directory+"/dir", "https://"+manage
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": directory, "managementListenAddress": manage, "certificate": filepath.Join(dir, "cert.pem"), "privateKey": filepath.Join(dir, "key.pem"),
		"httpPort": 1, "tlsPort": port, "retryAfter": map[string]int{"authz": 1, "order": 1}, "keyAlgorithm": "ecdsa",
		"profiles": map[string]any{"default": map[string]any{"description": "of a test", "validityPeriod": int(life.Seconds())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "pebble.json"), string(settings))
	for _, program := range [][]string{
		{"pebble-challtestsrv", "-dnsserver", names, "-management", control, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""},
		{"pebble", "-config", filepath.Join(dir, "pebble.json"), "-dnsserver", names, "-strict"},
	} {
		cmd := exec.Command(filepath.Join(bin, program[0]), program[1:]...)
		cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := sync.OnceFunc(func() {
			_ = cmd.Process.Kill() // it keeps nothing
			_ = cmd.Wait()
		})
		t.Cleanup(ended)
		a.stop = ended
	}
	until(t, "the authority answers", func() bool { return a.fetch(a.directory) != nil })
	return a
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

func (a *authority) fetch(address string) []byte {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool}, DisableKeepAlives: true}}
	res, err := client.Get(address)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil
	}
	return text
}

// roots are those who certify what the authority gives.
func (a *authority) roots() *x509.CertPool {
	a.t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(a.fetch(a.manage + "/roots/0")) {
		a.t.Fatal("the authority has no root")
	}
	return pool
}

// newCertifiedWorld is a whole platform whose certificates are the authority's;
// door says which of its doors the authority looks at.
func newCertifiedWorld(t *testing.T, door func(doors) net.Listener, life time.Duration) (*world, *authority) {
	t.Helper()
	var a *authority
	w := newWorldWith(t, func(w *world, c *config) {
		_, port, err := net.SplitHostPort(door(w.doors).Addr().String())
		w.must(err)
		number, err := strconv.Atoi(port)
		w.must(err)
		a = newAuthority(t, number, life)
		c.ACMEHosts, c.ACMEDirectory, c.ACMECA, c.ACMEEmail = []string{portalHost, gatewayHost}, a.directory, a.ca, "an@example.vn"
		c.EgressAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		c.DataDir = writtenToAtTheEnd(t)
		c.PortalURL, c.GatewayURL = "https://"+portalHost, "https://"+gatewayHost
		c.files, err = openTLS(*c)
		w.must(err)
	})
	return w, a
}

// writtenToAtTheEnd is a folder into which a renewal that is under way may write
// once more when the test is over: autocert has no end to wait for.
func writtenToAtTheEnd(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lgsp-acme-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 100 {
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("%s cannot be removed", dir)
	})
	return dir
}

// shown is the certificate that a door shows for a name, nil: none.
func shown(t *testing.T, address, name string, protocols ...string) *x509.Certificate {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", address, &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: protocols})
	if err != nil {
		return nil
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

// TestACME: certificates are got by what the doors themselves show, at the
// portal's and at the gateway's, and serve HTTP/1.1 and HTTP/2.
func TestACME(t *testing.T) {
	t.Parallel()
	for name, door := range map[string]func(doors) net.Listener{
		"proved at the portal's door":  func(d doors) net.Listener { return d.portal },
		"proved at the gateway's door": func(d doors) net.Listener { return d.gateway },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, a := newCertifiedWorld(t, door, time.Hour)
			w.serve()
			until(t, "certificates are there", func() bool { return w.config.files.expires() > 0 })
			addresses := map[string]string{portalHost + ":443": w.config.PortalAddr, gatewayHost + ":443": w.config.GatewayAddr}
			for _, two := range []bool{false, true} {
				protocols := new(http.Protocols)
				protocols.SetHTTP1(!two)
				protocols.SetHTTP2(two)
				client := &http.Client{Transport: &http.Transport{
					TLSClientConfig: &tls.Config{RootCAs: a.roots()}, Protocols: protocols,
					DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
						return (&net.Dialer{}).DialContext(ctx, network, addresses[address])
					},
				}}
				for _, url := range []string{w.config.PortalURL + "/apis", w.config.GatewayURL + "/so-a/dich-vu-public/v1/danh-muc"} {
					res, err := client.Get(url)
					if err != nil {
						t.Fatal(err)
					}
					_ = res.Body.Close()
					if res.StatusCode != http.StatusOK || (res.ProtoMajor == 2) != two {
						t.Errorf("%s: got %s by %s", url, res.Status, res.Proto)
					}
				}
				client.CloseIdleConnections()
			}
			for _, tt := range []struct {
				name, host string
				protocols  []string
				want       string // "": no handshake
			}{
				{"a name", gatewayHost, nil, gatewayHost}, {"in capitals", strings.ToUpper(portalHost), nil, portalHost},
				{"none, as balancers ask", "", nil, portalHost},
				{"somebody else's name", "evil.example.test", nil, ""},
				{"a proof that nobody asked for", gatewayHost, []string{"acme-tls/1"}, ""},
			} {
				for _, address := range []string{w.config.PortalAddr, w.config.GatewayAddr} {
					got := ""
					if certificate := shown(t, address, tt.host, tt.protocols...); certificate != nil {
						got = strings.Join(certificate.DNSNames, " ")
					}
					if got != tt.want {
						t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
					}
				}
			}
			w.must(filepath.WalkDir(filepath.Join(w.config.DataDir, "acme"), func(path string, entry fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := entry.Info()
				if err == nil && info.Mode().Perm()&0o077 != 0 {
					t.Errorf("others may read %s", path)
				}
				return err
			}))
		})
	}
}

// TestACMERenewal: a certificate that nears its end is replaced in time, with
// no connection dropped; and after a restart it is there without the authority.
func TestACMERenewal(t *testing.T) {
	t.Parallel()
	w, a := newCertifiedWorld(t, func(d doors) net.Listener { return d.gateway }, 24*time.Second)
	w.serve()
	until(t, "certificates are there", func() bool { return w.config.files.expires() > 0 })
	address := w.config.GatewayAddr
	first := shown(t, address, gatewayHost)
	open, err := tls.Dial("tcp", address, &tls.Config{ServerName: gatewayHost, RootCAs: a.roots()})
	w.must(err)
	defer open.Close()
	in := bufio.NewReader(open)
	answered := func() bool {
		_, err := io.WriteString(open, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		w.must(err)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return false
		}
		_, err = io.Copy(io.Discard, res.Body)
		return err == nil && res.StatusCode == http.StatusNotFound
	}
	if !answered() {
		t.Error("a connection is not answered")
	}
	var second *x509.Certificate
	until(t, "a new certificate is shown", func() bool {
		second = shown(t, address, gatewayHost)
		return second != nil && !second.Equal(first)
	})
	if !second.NotAfter.After(first.NotAfter) || time.Now().After(first.NotAfter) {
		t.Errorf("the first ended at %s, the second is there at %s until %s", first.NotAfter, time.Now(), second.NotAfter)
	}
	if !answered() {
		t.Error("the connection that was open is dropped")
	}

	a.stop()
	again, err := openTLS(w.config)
	w.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- again.watch(ctx) }()
	until(t, "the certificate is there without the authority", func() bool { return !again.certifier.expiry(gatewayHost).IsZero() })
	got, err := again.certifier.certificate(&tls.ClientHelloInfo{ServerName: gatewayHost})
	if err != nil || !got.Leaf.Equal(second) {
		t.Errorf("after a restart: %v", err)
	}
	cancel()
	w.must(<-ended)
}

// TestACMEIsAway: without the authority handshakes are refused at once, and a
// stop does not wait for it.
func TestACMEIsAway(t *testing.T) {
	t.Parallel()
	hole, err := net.Listen("tcp", "127.0.0.1:0") // takes, and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hole.Close() })
	files, err := openTLS(config{
		DataDir: t.TempDir(), ACMEHosts: []string{portalHost}, ACMEDirectory: "https://" + hole.Addr().String() + "/dir",
		EgressAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- files.watch(ctx) }()
	address := listen(t, server(http.NotFoundHandler()), files.server(tls.NoClientCert))
	began := time.Now()
	for range 10 {
		if got := shown(t, address, portalHost); got != nil {
			t.Errorf("shown %s", got.Subject)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	if got := files.expires(); got != 0 {
		t.Errorf("it expires at %f", got)
	}
}

// TestACMECannotBegin: mistakes in files are told at start.
func TestACMECannotBegin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/empty.pem", "")
	for path, want := range map[string]error{dir + "/none.pem": fs.ErrNotExist, dir + "/empty.pem": nil} {
		_, err := openTLS(config{DataDir: dir, ACMEHosts: []string{portalHost}, ACMECA: path, TLSCert: dir + "/no.pem"})
		if err == nil || !strings.Contains(err.Error(), "LGSP_ACME_CA") || !strings.Contains(err.Error(), "LGSP_TLS_CERT") || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	for _, tt := range []struct {
		portal string
		ok     bool
	}{{"https://" + portalHost, true}, {"https://elsewhere.example.test", false}} {
		if err := (config{ACMEHosts: []string{portalHost}, PortalURL: tt.portal}).certifiesPortal(); (err == nil) != tt.ok {
			t.Errorf("%s: got %v", tt.portal, err)
		}
	}
}
