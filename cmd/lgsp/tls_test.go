package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lgsp/gateway"
	"lgsp/internal/certtest"
)

// newTLSFiles makes a certificate for localhost and reads it as the platform does.
func newTLSFiles(t *testing.T) (*tlsFiles, certtest.CA) {
	t.Helper()
	ca, dir := certtest.NewCA(t, time.Now()), t.TempDir()
	c := config{TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem")}
	certtest.Write(t, ca.Server(time.Now()), c.TLSCert, c.TLSKey)
	files, err := openTLS(c)
	if err != nil {
		t.Fatal(err)
	}
	return files, ca
}

// overTLS runs a test at a door of net/http, and at the gateway's.
func overTLS(t *testing.T, test func(t *testing.T, files *tlsFiles, ca certtest.CA, addr string)) {
	t.Run("net/http", func(t *testing.T) {
		t.Parallel()
		files, ca := newTLSFiles(t)
		test(t, files, ca, listen(t, server(http.NotFoundHandler()), files.server(tls.NoClientCert)))
	})
	t.Run("gateway", func(t *testing.T) {
		t.Parallel()
		files, ca := newTLSFiles(t)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := (&gateway.Node{Now: time.Now}).Server(files.server(tls.NoClientCert))
		go func() { _ = s.Serve(l) }() // ends with Close
		t.Cleanup(func() { _ = s.Close() })
		test(t, files, ca, l.Addr().String())
	})
}

// TestCertificateReplaced: new files serve new connections, open ones go on,
// and files that do not fit each other change nothing and are told of once.
func TestCertificateReplaced(t *testing.T) {
	t.Parallel()
	overTLS(t, testCertificateReplaced)
}

func testCertificateReplaced(t *testing.T, files *tlsFiles, ca certtest.CA, addr string) {
	shown := func() *x509.Certificate {
		t.Helper()
		conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: ca.Pool()})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0]
	}
	open, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: ca.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	first := shown()

	second := ca.Server(time.Now().Add(time.Hour))
	certtest.Write(t, second, files.cert, "")
	if err := files.reload(); err == nil || !strings.Contains(err.Error(), "LGSP_TLS_CERT") {
		t.Errorf("a certificate beside another's key: %v", err)
	}
	if err := files.reload(); err != nil {
		t.Errorf("the same mistake is told twice: %v", err)
	}
	if !shown().Equal(first) {
		t.Error("a certificate beside another's key is in use")
	}
	if err := os.Remove(files.key); err != nil {
		t.Fatal(err)
	}
	if err := files.reload(); err == nil || !strings.Contains(err.Error(), "LGSP_TLS_KEY") || !shown().Equal(first) {
		t.Errorf("no key: %v", err)
	}
	certtest.Write(t, second, files.cert, files.key)
	if err := files.reload(); err != nil {
		t.Fatal(err)
	}
	if !shown().Equal(second.Leaf) || files.expires() != float64(second.Leaf.NotAfter.Unix()) {
		t.Error("the new certificate is not in use")
	}
	if _, err := io.WriteString(open, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(open); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 ") {
		t.Errorf("the connection that was open: %q, %v", answer, err)
	}
}

// TestCertificateReplacedWhileServing: the platform, and a node alone, look at
// the files by themselves, and every door shows what is new.
func TestCertificateReplacedWhileServing(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(w *world) []net.Listener{
		"the platform": func(w *world) []net.Listener {
			w.serve()
			return []net.Listener{w.doors.portal, w.doors.gateway, w.doors.mtls}
		},
		"a node": func(w *world) []net.Listener {
			ctx, stop := context.WithCancel(w.t.Context())
			ended := make(chan error, 1)
			d := doors{gateway: w.doors.gateway, mtls: w.doors.mtls, ops: w.doors.ops}
			go func() { ended <- w.runNode(ctx, d, nil) }()
			w.t.Cleanup(func() { stop(); w.must(<-ended) })
			return []net.Listener{d.gateway, d.mtls}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := secureWorld(t)
			opened := begin(w)
			ca := certtest.NewCA(t, time.Now())
			second := ca.Server(time.Now())
			certtest.Write(t, tls.Certificate{Certificate: [][]byte{ca.Certificate.Raw}}, w.config.MTLSCA, "")
			certtest.Write(t, second, w.config.TLSCert, w.config.TLSKey)
			for _, door := range opened {
				until(t, "the new certificate is shown at "+door.Addr().String(), func() bool {
					got := shown(t, door.Addr().String(), "localhost")
					return got != nil && got.Equal(second.Leaf)
				})
			}
			if !w.config.files.clientCAs().Equal(ca.Pool()) {
				t.Error("clients are not held to the new authority")
			}
		})
	}
}

// TestOpenTLSReportsEveryMistake: all wrong files in one go.
func TestOpenTLSReportsEveryMistake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, half := filepath.Join(dir, "empty.pem"), filepath.Join(dir, "half.pem")
	write(t, empty, "# nobody\n")
	write(t, half, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	for _, tt := range []struct {
		name string
		c    config
		want []string
	}{
		{"no files", config{TLSCert: dir + "/a", TLSKey: dir + "/b", MTLSCA: dir + "/c"}, []string{"LGSP_TLS_CERT", "LGSP_TLS_KEY", "LGSP_MTLS_CA"}},
		{"no certificate", config{TLSCert: empty, TLSKey: empty}, []string{"LGSP_TLS_CERT"}},
		{"no authority", config{MTLSCA: empty}, []string{"LGSP_MTLS_CA", "no certificate"}},
		{"an authority that cannot be read", config{MTLSCA: half}, []string{"LGSP_MTLS_CA"}},
	} {
		_, err := openTLS(tt.c)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s in it", tt.name, err, want)
			}
		}
	}
}

// TestTLSVersions: nothing below TLS 1.2, HTTP/2 for who asks for it, and a
// plain request at a TLS door is told what it did.
func TestTLSVersions(t *testing.T) {
	t.Parallel()
	overTLS(t, testTLSVersions)
}

func testTLSVersions(t *testing.T, _ *tlsFiles, ca certtest.CA, addr string) {
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: ca.Pool(), MinVersion: version, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			if got := conn.ConnectionState().NegotiatedProtocol; got != "h2" {
				t.Errorf("%s: got %s, want h2", tls.VersionName(version), got)
			}
			_ = conn.Close()
		}
	}
	if got := dialer(net.Dial).dialogue(t, addr, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); len(got) != 1 || got[0] != "400" {
		t.Errorf("plain HTTP: got %v", got)
	}
}

// stream is one HTTP/2 connection whose frames the test writes itself.
type stream struct {
	*http2.Framer
	t    *testing.T
	conn net.Conn
	text bytes.Buffer
	pack *hpack.Encoder
}

func newStream(t *testing.T, addr string, ca certtest.CA) *stream {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: ca.Pool(), NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	s := &stream{Framer: http2.NewFramer(conn, conn), t: t, conn: conn}
	s.pack = hpack.NewEncoder(&s.text)
	s.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(conn, http2.ClientPreface)
	if err == nil {
		err = s.WriteSettings()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends a request's headers; pairs are names and values.
func (s *stream) ask(id uint32, pairs ...string) error {
	s.text.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = s.pack.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}) // to memory
	}
	text := s.text.Bytes()
	first := text[:min(len(text), 16<<10)]
	if err := s.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: true, EndHeaders: len(first) == len(text)}); err != nil {
		return err
	}
	for rest := text[len(first):]; len(rest) > 0; {
		part := rest[:min(len(rest), 16<<10)]
		rest = rest[len(part):]
		if err := s.WriteContinuation(id, len(rest) == 0, part); err != nil {
			return err
		}
	}
	return nil
}

// answer is the status of a stream, "reset" when it was, or "gone" with the connection.
func (s *stream) answer(id uint32) string {
	for {
		frame, err := s.ReadFrame()
		if err != nil {
			return "gone"
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == id {
				return f.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return "reset"
			}
		case *http2.GoAwayFrame:
			return "gone"
		}
	}
}

// TestHTTP2Framing is TestFraming for HTTP/2: what no client library sends.
func TestHTTP2Framing(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	files, ca := newTLSFiles(t)
	addr := listen(t, server(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) })), files.server(tls.NoClientCert))
	get := []string{":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", "/"}
	many := get
	for range 5000 {
		many = append(many, "a", "b")
	}
	for _, tt := range []struct {
		name   string
		fields []string
		want   string
		served int64
	}{
		{"a request", get, "200", 1},
		{"an encoding", append(get[:8:8], "transfer-encoding", "chunked"), "400", 0},
		{"a connection", append(get[:8:8], "connection", "close"), "400", 0},
		{"an upgrade", append(get[:8:8], "upgrade", "h2c"), "400", 0},
		{"an upper-case name", append(get[:8:8], "X-A", "b"), "reset", 0},
		{"a line break in a value", append(get[:8:8], "x-a", "b\r\nc: d"), "reset", 0},
		{"two paths", append([]string{":path", "/x"}, get...), "reset", 0},
		{"a pseudo-header that is none", append([]string{":protocol", "websocket"}, get...), "reset", 0},
		{"a path without a slash", append(get[:6:6], ":path", "x"), "reset", 0},
		{"an address as path: the absolute form of HTTP/1.1", append(get[:6:6], ":path", "http://evil.test/"), "200", 1},
		{"a header over the limit", append(get[:8:8], "x-a", strings.Repeat("a", 64<<10)), "gone", 0},
		{"five thousand headers", many, "431", 0},
		{"a length and no body: the frames count", append(get[:8:8], "content-length", "5"), "200", 1},
		{"two lengths and no body", append(get[:8:8], "content-length", "0", "content-length", "1"), "200", 1},
	} {
		before, s := served.Load(), newStream(t, addr, ca)
		err := s.ask(1, tt.fields...)
		if got := s.answer(1); err != nil || got != tt.want || served.Load()-before != tt.served {
			t.Errorf("%s: got %q and %d served (%v), want %q and %d", tt.name, got, served.Load()-before, err, tt.want, tt.served)
		}
	}
}

// TestHTTP2Streams: one connection has so many requests at once and no more,
// also when it takes each back as soon as it is sent (CVE-2023-44487).
func TestHTTP2Streams(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	files, ca := newTLSFiles(t)
	over := make(chan struct{})
	s := server(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 {
			return
		}
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		<-over // an upstream that does not notice that its caller has gone
	}))
	limit := int64(s.HTTP2.MaxConcurrentStreams)
	addr := listen(t, s, files.server(tls.NoClientCert))
	t.Cleanup(func() { close(over) })
	c := newStream(t, addr, ca)
	if frame, err := c.ReadFrame(); err != nil {
		t.Fatal(err)
	} else if settings, ok := frame.(*http2.SettingsFrame); !ok {
		t.Errorf("first comes %v", frame)
	} else if got, ok := settings.Value(http2.SettingMaxConcurrentStreams); !ok || int64(got) != limit {
		t.Errorf("told of %d streams, want %d", got, limit)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c.conn)
		ended <- err
	}()
	for id := uint32(1); id < 40_000; id += 2 {
		if c.ask(id, ":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", "/") != nil || c.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
			break
		}
	}
	if err := <-ended; errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection outlives 20,000 requests that were taken back at once")
	}
	if got := most.Load(); got != limit {
		t.Errorf("%d at once, want %d", got, limit)
	}
	if got := dialer(func(network, addr string) (net.Conn, error) {
		return tls.Dial(network, addr, &tls.Config{RootCAs: ca.Pool()})
	}).dialogue(t, addr, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); len(got) != 1 || got[0] != "200" {
		t.Errorf("somebody else afterwards: got %v", got)
	}
}

// TestHTTP2SlowClients is TestSlowClients for HTTP/2.
func TestHTTP2SlowClients(t *testing.T) {
	t.Parallel()
	s := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}))
	s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout = 400*time.Millisecond, 500*time.Millisecond, 400*time.Millisecond
	files, ca := newTLSFiles(t)
	addr := listen(t, s, files.server(tls.NoClientCert))
	for _, tt := range []struct {
		name string
		send func(c *stream) error
		want string
	}{
		{"nothing at all", func(*stream) error { return nil }, "gone"},
		{"a header that does not end", func(c *stream) error {
			return c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
		}, "gone"},
		{"a body that does not end", func(c *stream) error {
			for _, f := range []hpack.HeaderField{{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "localhost"}, {Name: ":path", Value: "/"}} {
				_ = c.pack.WriteField(f) // to memory
			}
			return c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.text.Bytes(), EndHeaders: true})
		}, "408"},
	} {
		began, c := time.Now(), newStream(t, addr, ca)
		err := tt.send(c)
		if got := c.answer(1); err != nil || got != tt.want || time.Since(began) > 8*time.Second { // the test's own deadline is 10 s
			t.Errorf("%s: got %q after %s (%v), want %q", tt.name, got, time.Since(began), err, tt.want)
		}
	}
}
