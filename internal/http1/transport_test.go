package http1

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newTransport() *Transport {
	return &Transport{Dial: (&net.Dialer{}).DialContext, MaxIdle: 16, IdleFor: time.Minute, Connect: 2 * time.Second, Answer: 5 * time.Second, Stall: 5 * time.Second}
}

// upstream starts a server of net/http, and counts its connections.
func upstream(t testing.TB, h http.HandlerFunc) (Address, *atomic.Int32) {
	t.Helper()
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return Address{HostPort: s.Listener.Addr().String()}, &conns
}

// raw starts an upstream that says the same to each request, and then closes.
func raw(t testing.TB, answer string) Address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}
	}()
	return Address{HostPort: l.Addr().String()}
}

// do sends a request and reads its answer.
func do(t testing.TB, transport *Transport, to Address, r Request) (status int, body string, err error) {
	t.Helper()
	r.Host, r.Target = "h", or(r.Target, "/a?b=c")
	r.Method = or(r.Method, "GET")
	res, err := transport.Do(t.Context(), to, &r)
	if err != nil {
		return 0, "", err
	}
	defer res.Close()
	var b bytes.Buffer
	_, err = res.WriteTo(&b)
	return res.Status, b.String(), err
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// TestExchange: what is asked of a server of net/http comes back, over one connection.
func TestExchange(t *testing.T) {
	t.Parallel()
	to, conns := upstream(t, echo)
	transport := newTransport()
	sized := func(n int, more ...Field) Fields { return append(Fields{{"X-Size", strconv.Itoa(n)}}, more...) }
	long := strings.Repeat("0123456789abcdef", 1000)
	for _, tt := range []struct {
		name string
		r    Request
		want string
	}{
		{"GET", Request{}, "GET h /a?b=c " + nothing},
		{"HEAD", Request{Method: "HEAD"}, ""},
		{"POST", Request{Method: "POST", Body: []byte("abc")}, "POST h /a?b=c " + sumOf("abc")},
		{"POST of nothing", Request{Method: "POST"}, "POST h /a?b=c " + nothing},
		{"a stream with its length", Request{Method: "POST", Stream: strings.NewReader("abcdef"), Length: 6}, "POST h /a?b=c " + sumOf("abcdef")},
		{"a stream in chunks", Request{Method: "PUT", Stream: strings.NewReader("abcdefg"), Length: -1}, "PUT h /a?b=c " + sumOf("abcdefg")},
		{"an answer in chunks", Request{Fields: sized(16001)}, long + "0"},
		{"an answer with its length", Request{Fields: sized(16001, Field{"X-Length", "1"})}, long + "0"},
		{"encoded", Request{Target: "/%E1%BB%87?x=%2F"}, "GET h /%E1%BB%87?x=%2F " + nothing},
	} {
		for range 2 {
			status, body, err := do(t, transport, to, tt.r)
			if err != nil || status != 200 || body != tt.want {
				t.Errorf("%s: got %d %.90q %v, want %.90q", tt.name, status, body, err, tt.want)
			}
			if s, ok := tt.r.Stream.(*strings.Reader); ok {
				_, _ = s.Seek(0, io.SeekStart)
			}
		}
	}
	if conns.Load() != 1 {
		t.Errorf("took %d connections", conns.Load())
	}
}

// TestAnswersRefused: what two programs could read in two ways is no answer.
func TestAnswersRefused(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing":              "",
		"no HTTP":              "SSH-2.0-x\r\n\r\n",
		"HTTP/2":               "HTTP/2.0 200 OK\r\n\r\n",
		"half a head":          "HTTP/1.1 200 OK\r\nA: b\r\n",
		"no status":            "HTTP/1.1 OK\r\n\r\n",
		"a status of 4 digits": "HTTP/1.1 2000 OK\r\n\r\n",
		"LF alone":             "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
		"length and coding":    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"an odd coding":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"a folded line":        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"a space in a name":    "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
		"chunks of HTTP/1.0":   "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a head of 70 KiB":     "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 70<<10) + "\r\n\r\n",
		"half a body":          "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab",
		"half a chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab",
		"chunks without end":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
	} {
		if status, body, err := do(t, newTransport(), raw(t, answer), Request{}); err == nil {
			t.Errorf("%s: got %d %q", name, status, body)
		}
	}
	for answer, want := range map[string]string{
		"HTTP/1.1 200 OK\r\n\r\nto the end":                                                             "to the end",
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nabc":                                               "ab",
		"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nab":                                        "",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200\r\n\r\nx": "x",
	} {
		if _, body, err := do(t, newTransport(), raw(t, answer), Request{}); err != nil || body != want {
			t.Errorf("%q: got %q, %v", answer, body, err)
		}
	}
}

// TestStale: a kept connection that the upstream closed is found out; what
// could be done twice is sent again, what could not is sent over another.
func TestStale(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen.Add(1); echo(w, r) }))
	defer s.Close()
	to, transport := Address{HostPort: s.Listener.Addr().String()}, newTransport()
	for i, method := range []string{"GET", "POST", "GET", "POST", "GET"} {
		if _, _, err := do(t, transport, to, Request{Method: method, Body: []byte("a")}); err != nil {
			t.Errorf("%s: %v", method, err)
		}
		s.CloseClientConnections()
		if seen.Load() != int32(i+1) {
			t.Errorf("the upstream saw %d requests of %d", seen.Load(), i+1)
		}
	}
}

// TestNotTwice: a POST whose connection breaks is not sent again.
func TestNotTwice(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	to, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1); r.Header.Get("X-Break") != "" {
			panic(http.ErrAbortHandler)
		}
	})
	transport := newTransport()
	for _, fields := range []Fields{nil, {{"X-Break", "1"}}} {
		_, _, _ = do(t, transport, to, Request{Method: "POST", Body: []byte("a"), Fields: fields})
	}
	if seen.Load() != 2 {
		t.Errorf("seen %d times", seen.Load())
	}
}

// TestPatience: an upstream that takes too long is given up, at every step.
func TestPatience(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	to, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/part":
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
		case "/drops":
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "a")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	transport := newTransport()
	transport.Answer, transport.Stall = 200*time.Millisecond, 200*time.Millisecond
	for _, tt := range []struct {
		target string
		within time.Duration
	}{{"/never", 0}, {"/part", 0}, {"/drops", 300 * time.Millisecond}} {
		began := time.Now()
		_, _, err := do(t, transport, to, Request{Target: tt.target, Within: tt.within})
		if took := time.Since(began); !errors.Is(err, ErrSlow) || took > time.Second {
			t.Errorf("%s: got %v after %s", tt.target, err, took)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := transport.Do(ctx, to, &Request{Method: "GET", Target: "/never", Host: "h"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestSlowReaderIsNotTheUpstreamsFault: the upstream's time does not run while
// nobody reads what it sent.
func TestSlowReaderIsNotTheUpstreamsFault(t *testing.T) {
	t.Parallel()
	to, _ := upstream(t, echo)
	transport := newTransport()
	transport.Stall = 150 * time.Millisecond
	res, err := transport.Do(t.Context(), to, &Request{Method: "GET", Target: "/", Host: "h", Fields: Fields{{"X-Size", "3000000"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	n := 0
	for buf := make([]byte, 1<<20); err == nil; {
		time.Sleep(400 * time.Millisecond)
		var k int
		if k, err = io.ReadAtLeast(res, buf, len(buf)); err != nil && errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		n += k
	}
	if n != 3000000 || err != io.EOF {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

// TestEarlyAnswer: an upstream that answers before it has read the request is
// heard, and the rest of the request is not waited for.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	to, _ := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	reading, writing := io.Pipe()
	defer writing.Close()
	go func() { _, _ = writing.Write(make([]byte, 1000)) }()
	stopped := false
	status, _, err := do(t, newTransport(), to, Request{Method: "POST", Stream: reading, Length: -1, Stop: func() { stopped = true; _ = reading.Close() }})
	if err != nil || status != http.StatusRequestEntityTooLarge || !stopped {
		t.Errorf("got %d, %v, stopped %v", status, err, stopped)
	}
}

// TestUploadFails: a request whose body breaks off ends the connection, so
// that the upstream does not take a part for the whole.
func TestUploadFails(t *testing.T) {
	t.Parallel()
	broken := make(chan error, 1)
	to, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		broken <- err
	})
	for name, r := range map[string]Request{
		"its stream":         {Stream: io.MultiReader(strings.NewReader("abc"), &failing{}), Length: -1},
		"shorter than said":  {Stream: strings.NewReader("abc"), Length: 4},
		"longer than it was": {Stream: strings.NewReader("abcde"), Length: 4},
	} {
		r.Method = "POST"
		var failed *UploadError
		if _, _, err := do(t, newTransport(), to, r); !errors.As(err, &failed) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := <-broken; err == nil {
			t.Errorf("%s: the upstream took a part for the whole", name)
		}
	}
}

type failing struct{}

// Read is of io.Reader.
func (*failing) Read([]byte) (int, error) { return 0, errors.New("the caller left") }

// TestTrailers: what follows the last chunk is told, but for what would change
// how the message is read.
func TestTrailers(t *testing.T) {
	t.Parallel()
	to := raw(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nGrpc-Status: 0\r\nContent-Length: 5\r\n\r\n")
	res, err := newTransport().Do(t.Context(), to, &Request{Method: "GET", Target: "/", Host: "h"})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	if body, err := io.ReadAll(res); string(body) != "ab" || err != nil || fmt.Sprint(res.Trailer()) != "[{Grpc-Status 0}]" {
		t.Errorf("got %q, %v, %v", body, err, res.Trailer())
	}
}

// TestUpgrade: after 101 both ways are open.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	to, _ := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
		line, _ := rw.ReadString('\n')
		fmt.Fprintf(c, "heard %s", line)
	})
	res, err := newTransport().Do(t.Context(), to, &Request{Method: "GET", Target: "/", Host: "h", Fields: Fields{{"Connection", "upgrade"}, {"Upgrade", "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	fmt.Fprintf(res, "hello\n")
	if body, _ := io.ReadAll(res); res.Status != 101 || string(body) != "heard hello\n" {
		t.Errorf("got %d %q", res.Status, body)
	}
}

// TestTLS: an upstream's certificate is checked, and connections are kept by
// how they were made.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer s.Close()
	transport := newTransport()
	known := s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	known.ServerName = "example.com"
	if _, _, err := do(t, transport, Address{HostPort: s.Listener.Addr().String(), TLS: known}, Request{Method: "POST", Body: []byte("abc")}); err != nil {
		t.Error(err)
	}
	if _, _, err := do(t, transport, Address{HostPort: s.Listener.Addr().String(), TLS: &tls.Config{ServerName: "example.com"}}, Request{}); err == nil {
		t.Error("a stranger's certificate was believed")
	}
}

// TestIdleConnectionsEnd: they are not kept for longer than they may be, and
// not at all where they are not wanted.
func TestIdleConnectionsEnd(t *testing.T) {
	t.Parallel()
	to, conns := upstream(t, echo)
	transport := newTransport()
	transport.IdleFor = 100 * time.Millisecond
	ask := func() {
		if _, _, err := do(t, transport, to, Request{}); err != nil {
			t.Error(err)
		}
	}
	ask()
	time.Sleep(300 * time.Millisecond)
	ask()
	transport.CloseIdle(func(Address) bool { return false })
	ask()
	ask()
	if conns.Load() != 3 {
		t.Errorf("took %d connections", conns.Load())
	}
	res, err := transport.Do(t.Context(), to, &Request{Method: "GET", Target: "/", Host: "h"})
	if err != nil {
		t.Fatal(err)
	}
	transport.CloseIdle(func(Address) bool { return false }) // while one is at work
	_, _ = io.Copy(io.Discard, res)
	_ = res.Close()
	transport.mu.Lock()
	defer transport.mu.Unlock()
	if len(transport.live)+len(transport.hosts) != 0 {
		t.Errorf("one that was at work is kept: %d connections, %d hosts", len(transport.live), len(transport.hosts))
	}
}

// TestClosedTwice: closing an answer again takes the connection from nobody.
func TestClosedTwice(t *testing.T) {
	t.Parallel()
	to, _ := upstream(t, echo)
	transport := newTransport()
	ask := func() *Response {
		res, err := transport.Do(t.Context(), to, &Request{Method: "GET", Target: "/", Host: "h"})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	first := ask()
	_, _ = io.Copy(io.Discard, first)
	_ = first.Close()
	second := ask()
	_ = first.Close()
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, ErrBodyClosed) {
		t.Errorf("got %v", err)
	}
	third := ask()
	for _, r := range []*Response{second, third} {
		if body, err := io.ReadAll(r); err != nil || !strings.HasPrefix(string(body), "GET h / ") {
			t.Errorf("got %q, %v", body, err)
		}
		_ = r.Close()
	}
}

// TestProxy passes large bodies both ways through a server and a transport, in
// little memory, with many callers at once.
func TestProxy(t *testing.T) {
	// Not parallel: it measures the heap, which others would add to.
	to, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	transport := newTransport()
	address := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &Request{Method: r.Method, Target: r.RequestURI, Host: "h", Stop: func() { _ = http.NewResponseController(w).SetReadDeadline(past) }}
		if r.ContentLength != 0 {
			out.Stream, out.Length = r.Body, r.ContentLength
		}
		res, err := transport.Do(r.Context(), to, out)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Close()
		w.(interface{ WriteFields(int, Fields) }).WriteFields(res.Status, res.Fields)
		if _, err := res.WriteTo(w); err != nil {
			panic(http.ErrAbortHandler)
		}
	})})
	const size = 16 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			sent, got := sha256.New(), sha256.New()
			var body io.Reader = io.TeeReader(io.LimitReader(&counting{}, size), sent)
			r, _ := http.NewRequest("POST", "http://"+address, body)
			if i%2 == 0 {
				r.ContentLength = size
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if n, err := io.Copy(got, res.Body); n != size || err != nil || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
				t.Errorf("got %d bytes, %v", n, err)
			}
		})
	}
	group.Wait()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

// counting gives bytes that differ.
type counting struct{ n uint32 }

// Read is of io.Reader.
func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		c.n = c.n*1664525 + 1013904223
		p[i] = byte(c.n >> 24)
	}
	return len(p), nil
}

// flushes takes a body and is told when to send on what it has.
type flushes struct {
	text  []byte
	known chan string
}

func (f *flushes) Write(p []byte) (int, error) {
	f.text = append(f.text, p...)
	return len(p), nil
}

func (f *flushes) FlushError() error {
	f.known <- string(f.text)
	f.text = nil
	return nil
}

// TestStreamsAreFlushed: each part of a body is sent on before the next one is
// waited for, wherever the upstream cuts its chunks.
func TestStreamsAreFlushed(t *testing.T) {
	t.Parallel()
	for _, parts := range [][]string{
		{"3\r\nabc\r\n", "2\r\nde\r\n", "0\r\n\r\n"},
		{"3\r\nabc", "\r\n2\r\nde", "\r\n0\r\n\r\n"},
		{"3\r\nabc\r", "\n2\r\nde\r\n0", "\r\n\r\n"},
		{"3\r\nabc\r\n2", "\r\nde\r\n0\r\n", "\r\n"},
		{"3\r\nabc\r\n2\r\n", "de\r\n0\r\n", "\r\n"},
	} {
		from, to := net.Pipe()
		in := newReader(to)
		var b body
		b.frame(&in, true, -1)
		sink, done := &flushes{known: make(chan string)}, make(chan error, 1)
		go func() {
			_, err := b.WriteTo(sink)
			done <- err
		}()
		for i, want := range []string{"abc", "de"} {
			_, _ = io.WriteString(from, parts[i])
			select {
			case got := <-sink.known:
				if got != want {
					t.Errorf("%q: got %q, want %q", parts, got, want)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("%q: %q is held", parts, want)
			}
		}
		_, _ = io.WriteString(from, parts[2])
		if err := <-done; err != nil {
			t.Errorf("%q: %v", parts, err)
		}
		_ = from.Close()
	}
}
