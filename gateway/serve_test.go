package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lgsp/internal/certtest"
)

// serveTLS serves the world's node over TLS, and gives where, and what clients
// are to believe.
func (w *world) serveTLS() (address string, known *tls.Config) {
	w.t.Helper()
	ca := certtest.NewCA(w.t, time.Now())
	server := w.node.Server(&tls.Config{Certificates: []tls.Certificate{ca.Server(time.Now())}})
	l, done := listen(w.t), make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	w.t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			w.t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String(), &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
}

// frames is a connection of HTTP/2 whose frames the test writes itself.
type frames struct {
	*http2.Framer
	conn net.Conn
	text bytes.Buffer
	pack *hpack.Encoder
	err  error // the first of writing
}

func newFrames(t *testing.T, address string, known *tls.Config) *frames {
	t.Helper()
	known = known.Clone()
	known.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", address, known)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	f := &frames{Framer: http2.NewFramer(conn, conn), conn: conn}
	f.pack = hpack.NewEncoder(&f.text)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, f.err = io.WriteString(conn, http2.ClientPreface)
	f.wrote(f.WriteSettings())
	return f
}

func (f *frames) wrote(err error) {
	if f.err == nil {
		f.err = err
	}
}

// ask sends a request's head, with more fields beside those it must have.
func (f *frames) ask(id uint32, method, path string, more ...string) {
	f.text.Reset()
	for i, list := 0, append([]string{":method", method, ":scheme", "https", ":authority", "localhost", ":path", path}, more...); i < len(list); i += 2 {
		_ = f.pack.WriteField(hpack.HeaderField{Name: list[i], Value: list[i+1]}) // to memory
	}
	text := f.text.Bytes()
	first := text[:min(len(text), 16<<10)]
	f.wrote(f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: method == http.MethodGet, EndHeaders: len(first) == len(text)}))
	for rest := text[len(first):]; len(rest) > 0; {
		part := rest[:min(len(rest), 16<<10)]
		rest = rest[len(part):]
		f.wrote(f.WriteContinuation(id, len(rest) == 0, part))
	}
}

// status is that of a stream's answer; "reset", or "gone" with the connection.
func (f *frames) status(id uint32) string {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return "gone"
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if frame.StreamID == id {
				return frame.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID == id {
				return "reset"
			}
		case *http2.GoAwayFrame:
			return "gone"
		}
	}
}

// TestHTTP2Limits: what is too large or too much is refused over HTTP/2 as over
// HTTP/1.1, and nothing of it reaches the upstream.
func TestHTTP2Limits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address, known := w.serveTLS()
	open := w.route.Prefix() + "/danh-muc/1"
	for _, tt := range []struct {
		name    string
		ask     func(f *frames)
		want    string
		reached int
	}{
		{"a call", func(f *frames) { f.ask(1, "GET", open) }, "200", 1},
		{"a head of 70 KiB", func(f *frames) { f.ask(1, "GET", open, "a", strings.Repeat("a", 70<<10)) }, "gone", 0},
		{"300 fields", func(f *frames) { f.ask(1, "GET", open, strings.Split(strings.Repeat("a,b,", 300)+"a,b", ",")...) }, "431", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, f := w.reachedCount(), newFrames(t, address, known)
			tt.ask(f)
			if got := f.status(1); got != tt.want || w.reachedCount()-before != tt.reached {
				t.Errorf("got %s and %d upstream requests (%v), want %s and %d", got, w.reachedCount()-before, f.err, tt.want, tt.reached)
			}
		})
	}
	before := w.reachedCount()
	body := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 1<<20+1))} // of no said length
	r, err := http.NewRequest(http.MethodPost, "https://"+address+w.route.Prefix()+"/tra-cuu", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.token("1"))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: known, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge || res.ProtoMajor != 2 || w.reachedCount() > before {
		t.Errorf("a body over the limit: got %s by %s and %d upstream requests", res.Status, res.Proto, w.reachedCount()-before)
	}
}

// TestResetsStarveNobody: connections ask and take back without end
// (CVE-2023-44487), and who calls meanwhile is answered.
func TestResetsStarveNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.route.Plan.RatePerMinute = 1_000_000
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("loaded", func() bool { return w.node.current.Load().byVersion[w.route.Version].Plan == w.route.Plan })
	w.traffic(func(tr *Traffic) { tr.Timeouts = Timeouts{AnswerSeconds: 20, WholeSeconds: 30} }) // the upstream runs beside the flood
	address, known := w.serveTLS()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	flooded := make(chan uint32, 2)
	for range cap(flooded) {
		f := newFrames(t, address, known)
		if frame, err := f.ReadFrame(); err != nil {
			t.Fatal(err)
		} else if settings, ok := frame.(*http2.SettingsFrame); !ok {
			t.Errorf("first comes %v", frame)
		} else if got, ok := settings.Value(http2.SettingMaxConcurrentStreams); !ok || got != maxStreams {
			t.Errorf("told of %d streams, want %d", got, maxStreams)
		}
		go func() { _, _ = io.Copy(io.Discard, f.conn) }()
		go func() {
			id := uint32(1)
			for ; f.err == nil && ctx.Err() == nil; id += 2 {
				f.ask(id, "GET", w.route.Prefix()+"/danh-muc/1")
				f.wrote(f.WriteRSTStream(id, http2.ErrCodeCancel))
			}
			flooded <- id / 2
		}()
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: known, ForceAttemptHTTP2: true}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	var slowest time.Duration
	for range 50 {
		began := time.Now()
		res, err := client.Get("https://" + address + w.route.Prefix() + "/danh-muc/2")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body) // its end is what counts
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
			t.Fatalf("got %s by %s", res.Status, res.Proto)
		}
		slowest = max(slowest, time.Since(began))
	}
	stop()
	taken := <-flooded + <-flooded
	t.Logf("slowest of 50 calls: %s, beside %d that were taken back", slowest, taken)
	if taken < 1000 {
		t.Errorf("%d requests are no flood", taken)
	}
}
