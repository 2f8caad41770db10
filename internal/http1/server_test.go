package http1

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts a server on loopback and gives its address.
func serve(t testing.TB, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*time.Duration{&s.HeadWithin, &s.Idle, &s.Stall} {
		if *d == 0 {
			*d = 5 * time.Second
		}
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}

// echo answers with what it was asked, and the sum of the body.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if n, _ := strconv.Atoi(r.Header.Get("X-Size")); n > 0 {
		if r.Header.Get("X-Length") != "" {
			w.Header().Set("Content-Length", strconv.Itoa(n))
		}
		for part := bytes.Repeat([]byte("0123456789abcdef"), 1000); n > 0; n -= len(part) {
			part = part[:min(n, len(part))]
			if _, err := w.Write(part); err != nil {
				return
			}
		}
		return
	}
	fmt.Fprintf(w, "%s %s %s %x", r.Method, r.Host, r.URL, sha256.Sum256(body))
}

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// answers reads every answer that comes over a connection until it ends.
func answers(t testing.TB, c net.Conn, methods ...string) (list []string) {
	t.Helper()
	for r := bufio.NewReader(c); ; {
		method := "GET"
		if len(list) < len(methods) {
			method = methods[len(list)]
		}
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return list
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatalf("answer %d: %v", len(list), err)
		}
		list = append(list, fmt.Sprintf("%d %s", res.StatusCode, body))
	}
}

const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of no byte

func sumOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// TestRequests: what clients send in one go, and what they are answered.
func TestRequests(t *testing.T) {
	t.Parallel()
	address := serve(t, &Server{Handler: http.HandlerFunc(echo)})
	const end = "Connection: close\r\n\r\n"
	for _, tt := range []struct {
		name, raw string
		methods   []string
		want      []string
	}{
		{"one", "GET /a?b=c HTTP/1.1\r\nHost: h\r\n" + end, nil, []string{"200 GET h /a?b=c " + nothing}},
		{"encoded", "GET /a%20b/%E1%BB%87?x=%2F HTTP/1.1\r\nHost: h\r\n" + end, nil, []string{"200 GET h /a%20b/%E1%BB%87?x=%2F " + nothing}},
		{"absolute form", "GET http://other/a HTTP/1.1\r\nHost: h\r\n" + end, nil, []string{"200 GET other http://other/a " + nothing}},
		{"options of all", "OPTIONS * HTTP/1.1\r\nHost: h\r\n" + end, nil, []string{"200 OPTIONS h * " + nothing}},
		{"three in a row", "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: h\r\n" + end, nil,
			[]string{"200 GET h /1 " + nothing, "200 POST h /2 " + sumOf("abc"), "200 GET h /3 " + nothing}},
		{"chunks", "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\nGET /n HTTP/1.1\r\nHost: h\r\n" + end, nil,
			[]string{"200 POST h /c " + sumOf("abcde"), "200 GET h /n " + nothing}},
		{"HEAD", "HEAD /h HTTP/1.1\r\nHost: h\r\n\r\nGET /n HTTP/1.1\r\nHost: h\r\n" + end, []string{"HEAD"}, []string{"200 ", "200 GET h /n " + nothing}},
		{"HTTP/1.0", "GET /old HTTP/1.0\r\n\r\nGET /n HTTP/1.0\r\n\r\n", nil, []string{"200 GET  /old " + nothing}},
		{"HTTP/1.0 kept", "GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /n HTTP/1.0\r\n\r\n", nil, []string{"200 GET  /old " + nothing, "200 GET  /n " + nothing}},
		{"HTTP/1.0 long", "GET /old HTTP/1.0\r\nX-Size: 20000\r\nConnection: keep-alive\r\n\r\n", nil, []string{"200 " + strings.Repeat("0123456789abcdef", 1250)}},
		{"long in chunks", "GET / HTTP/1.1\r\nHost: h\r\nX-Size: 20001\r\n\r\nGET /n HTTP/1.1\r\nHost: h\r\n" + end, nil,
			[]string{"200 " + strings.Repeat("0123456789abcdef", 1250) + "0", "200 GET h /n " + nothing}},
		{"long with its length", "GET / HTTP/1.1\r\nHost: h\r\nX-Size: 20001\r\nX-Length: 1\r\n\r\nGET /n HTTP/1.1\r\nHost: h\r\n" + end, nil,
			[]string{"200 " + strings.Repeat("0123456789abcdef", 1250) + "0", "200 GET h /n " + nothing}},
		{"expects to go on", "POST /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + end + "ab", nil, []string{"100 ", "200 POST h /e " + sumOf("ab")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, address)
			if _, err := io.WriteString(c, tt.raw); err != nil {
				t.Fatal(err)
			}
			if got := answers(t, c, tt.methods...); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestRefused: what could be read in two ways reaches no handler, and ends the
// connection, so that what follows is no request.
func TestRefused(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	address := serve(t, &Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })})
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, tt := range []struct {
		name, raw string
		status    int
	}{
		{"length and coding", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
		{"coding and length", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + smuggled, 400},
		{"two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n" + smuggled, 400},
		{"the same length twice", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n" + smuggled, 400},
		{"a list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 0\r\n\r\n" + smuggled, 400},
		{"a signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n" + smuggled, 400},
		{"a length with a space in it", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1 0\r\n\r\n" + smuggled, 400},
		{"a length in hexadecimal", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x0\r\n\r\n" + smuggled, 400},
		{"a length beyond counting", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n" + smuggled, 400},
		{"two codings", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
		{"an odd coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, 501},
		{"a coding behind another", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled, 501},
		{"a coding with a vertical tab", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
		{"a space before the colon", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
		{"a name without colon", "GET / HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n" + smuggled, 400},
		{"no name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n" + smuggled, 400},
		{"a folded line", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n" + smuggled, 400},
		{"a line first that is folded", "GET / HTTP/1.1\r\n Host: h\r\n\r\n" + smuggled, 400},
		{"LF alone", "GET / HTTP/1.1\nHost: h\n\n" + smuggled, 400},
		{"LF alone in the header", "GET / HTTP/1.1\r\nHost: h\r\nA: b\nContent-Length: 36\r\n\r\n" + smuggled, 400},
		{"CR alone", "GET / HTTP/1.1\r\nHost: h\r\nA: b\rContent-Length: 36\r\n\r\n" + smuggled, 400},
		{"NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nA: b\x00c\r\n\r\n" + smuggled, 400},
		{"no host", "GET / HTTP/1.1\r\n\r\n" + smuggled, 400},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + smuggled, 400},
		{"a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" + smuggled, 400},
		{"a host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n" + smuggled, 400},
		{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n" + smuggled, 505},
		{"HTTP/0.9", "GET /\r\n\r\n" + smuggled, 400},
		{"no protocol", "GET / \r\nHost: h\r\n\r\n" + smuggled, 400},
		{"a lower-case protocol", "GET / http/1.1\r\nHost: h\r\n\r\n" + smuggled, 400},
		{"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled, 400},
		{"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled, 400},
		{"a tab", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled, 400},
		{"a byte beyond ASCII in the target", "GET /\xe1 HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled, 400},
		{"half an encoding", "GET /%2 HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled, 400},
		{"a user in the target", "GET http://a@h/ HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled, 400},
		{"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled, 405},
		{"* of GET", "GET * HTTP/1.1\r\nHost: h\r\n\r\n" + smuggled, 400},
		{"another expectation", "GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n" + smuggled, 417},
		{"chunks of HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
		{"an empty line first", "\r\n" + smuggled, 400},
		{"a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
		{"HTTP/2, which is not served here", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"a head of 70 KiB", "GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", 70<<10) + "\r\n\r\n" + smuggled, 431},
		{"300 fields", "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("A: b\r\n", 300) + "\r\n" + smuggled, 431},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, address)
			if _, err := io.WriteString(c, tt.raw); err != nil {
				t.Fatal(err)
			}
			got := answers(t, c)
			if len(got) != 1 || !strings.HasPrefix(got[0], strconv.Itoa(tt.status)+" ") || reached.Swap(0) != 0 {
				t.Errorf("got %q, want one answer of %d", got, tt.status)
			}
		})
	}
}

// TestChunksRefused: a body whose chunks are malformed ends its request and
// the connection.
func TestChunksRefused(t *testing.T) {
	t.Parallel()
	address := serve(t, &Server{Handler: http.HandlerFunc(echo)})
	for name, chunks := range map[string]string{
		"no size":              "\r\nabc\r\n0\r\n\r\n",
		"a signed size":        "+3\r\nabc\r\n0\r\n\r\n",
		"a size with 0x":       "0x3\r\nabc\r\n0\r\n\r\n",
		"a size of 17 digits":  "00000000000000003\r\nabc\r\n0\r\n\r\n",
		"LF alone":             "3\nabc\n0\n\n",
		"more than was said":   "3\r\nabcd\r\n0\r\n\r\n",
		"CR in an extension":   "3;a\rb\r\nabc\r\n0\r\n\r\n",
		"a long extension":     "3;" + strings.Repeat("a", 300) + "\r\nabc\r\n0\r\n\r\n",
		"a trailer no field":   "0\r\nnonsense\r\n\r\n",
		"a trailer of 9 KiB":   "0\r\nA: " + strings.Repeat("a", 9<<10) + "\r\n\r\n",
		"a trailer folded":     "0\r\nA: b\r\n c\r\n\r\n",
		"a trailer's LF alone": "0\r\nA: b\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, address)
			fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%sGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n", chunks)
			if got := answers(t, c); len(got) != 1 || !strings.HasPrefix(got[0], "400 ") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestMalformed: whoever answers what is not taken is told why, and by whom.
func TestMalformed(t *testing.T) {
	t.Parallel()
	address := serve(t, &Server{Handler: http.HandlerFunc(echo), Malformed: func(w http.ResponseWriter, r *http.Request, why *Refusal) {
		w.Header().Set("X-From", r.RemoteAddr)
		w.WriteHeader(why.Status)
		fmt.Fprintf(w, "own words, %q %s", r.Method, r.URL)
	}})
	c := dial(t, address)
	_, _ = io.WriteString(c, "GET /first HTTP/1.1\r\nHost: h\r\nAuthorization: secret\r\n\r\nGET /second HTTP/1.1\r\n\r\n")
	if got := answers(t, c); len(got) != 2 || !strings.HasPrefix(got[1], "400 own words, \"\" ") || strings.Contains(got[1], "first") {
		t.Errorf("got %q", got)
	}
}

// TestSlowClients: whoever takes too long is let go, at every step.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	s := &Server{HeadWithin: 300 * time.Millisecond, Idle: 600 * time.Millisecond, Stall: 300 * time.Millisecond, SlowestBody: 1000,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			for part := make([]byte, 64<<10); err == nil && r.URL.Path == "/endless"; {
				_, err = w.Write(part)
			}
			if err != nil {
				failed <- err
			}
		})}
	address := serve(t, s)
	for _, tt := range []struct {
		name, first, drop string
		every             time.Duration
		least             time.Duration
		fails             bool
	}{
		{"not a byte", "", "", 0, 200 * time.Millisecond, false},
		{"a head by drops", "GET / HTTP/1.1\r\nHost: h\r\n", "A: b\r\n", 50 * time.Millisecond, 200 * time.Millisecond, false},
		{"idle", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "", 0, 500 * time.Millisecond, false},
		{"a body that stops", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab", "", 0, 200 * time.Millisecond, true},
		{"a body by drops", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", "a", 20 * time.Millisecond, 250 * time.Millisecond, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, address)
			began := time.Now()
			_, _ = io.WriteString(c, tt.first)
			ended := make(chan struct{})
			go func() { _, _ = io.Copy(io.Discard, c); close(ended) }()
			for over := false; !over; {
				select {
				case <-ended:
					over = true
				case <-time.After(max(tt.every, 10*time.Millisecond)):
					_, _ = io.WriteString(c, tt.drop) // it may have ended
				}
			}
			if took := time.Since(began); took < tt.least || took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			if tt.fails {
				<-failed
			}
		})
	}
	c := dial(t, address) // reads nothing of an endless answer
	fmt.Fprintf(c, "GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
	select {
	case <-failed:
	case <-time.After(30 * time.Second):
		t.Error("a client that reads nothing is kept")
	}
}

// TestClientLeaves: a client that hangs up ends the context of its request.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	began, gone := make(chan struct{}), make(chan struct{})
	address := serve(t, &Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(began)
		<-r.Context().Done()
		close(gone)
	})})
	c := dial(t, address)
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")
	<-began
	_ = c.Close()
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody noticed")
	}
}

// TestWatchedKeepsWhatCame: a request that comes while a slow one is answered
// is not lost.
func TestWatchedKeepsWhatCame(t *testing.T) {
	t.Parallel()
	address := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(250 * time.Millisecond)
		echo(w, r)
	})})
	c := dial(t, address)
	for i := range 3 {
		fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i)
		time.Sleep(120 * time.Millisecond)
	}
	fmt.Fprintf(c, "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if got := answers(t, c); len(got) != 4 || !strings.Contains(got[3], "/3 ") {
		t.Errorf("got %q", got)
	}
}

// TestShutdown: what is under way is answered, what waits is closed, and who
// comes later finds nobody.
func TestShutdown(t *testing.T) {
	t.Parallel()
	began := make(chan struct{}, 1)
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		time.Sleep(200 * time.Millisecond)
		echo(w, r)
	})}
	address := serve(t, s)
	idle, busy := dial(t, address), dial(t, address)
	fmt.Fprintf(busy, "GET /last HTTP/1.1\r\nHost: h\r\n\r\n")
	<-began
	s.Drain()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, busy); len(got) != 1 || !strings.Contains(got[0], "/last") {
		t.Errorf("got %q", got)
	}
	if got := answers(t, idle); len(got) != 0 {
		t.Errorf("got %q", got)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("somebody is there")
	}
}

// TestShutdownHasAnEnd: a request that does not end does not hold it for ever.
func TestShutdownHasAnEnd(t *testing.T) {
	t.Parallel()
	began, end := make(chan struct{}), make(chan struct{})
	s := &Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(began); <-end })}
	c := dial(t, serve(t, s))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(end)
}

// TestDrain: answers end their connections, and new ones are taken.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: http.HandlerFunc(echo)}
	address := serve(t, s)
	for _, want := range []bool{false, true} {
		if want {
			s.Drain()
		}
		res, err := http.Get("http://" + address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.Close != want {
			t.Errorf("got Connection: close %v, want %v", res.Close, want)
		}
	}
}

// TestMaxConns: of more connections than may be the idlest give way.
func TestMaxConns(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: http.HandlerFunc(echo), MaxConns: 2}
	address := serve(t, s)
	var first net.Conn
	for i := range 4 {
		c := dial(t, address)
		if i == 0 {
			first = c
		}
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		time.Sleep(2 * sweepEvery)
	}
	if _, err := io.Copy(io.Discard, first); err != nil || s.Connections() > 2 {
		t.Errorf("got %v and %d connections", err, s.Connections())
	}
}

// TestHijack: a connection can be taken over, with what came behind the request.
func TestHijack(t *testing.T) {
	t.Parallel()
	address := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(3 * sweepEvery) // watched by then
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		line, _ := rw.ReadString('\n')
		fmt.Fprintf(c, "heard %s", line)
	})})
	c := dial(t, address)
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n\r\nfirst ")
	time.Sleep(5 * sweepEvery)
	fmt.Fprintf(c, "words\n")
	if got, _ := io.ReadAll(c); !strings.HasSuffix(string(got), "heard first words\n") {
		t.Errorf("got %q", got)
	}
}

// TestAborts: a handler's panic ends the connection, without a whole answer.
func TestAborts(t *testing.T) {
	t.Parallel()
	address := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})})
	res, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); string(body) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %q, %v", body, err)
	}
}

// TestLengthIsKept: a handler that says a length and writes another breaks its
// own answer and no other.
func TestLengthIsKept(t *testing.T) {
	t.Parallel()
	address := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		_, _ = io.WriteString(w, strings.TrimPrefix(r.URL.Path, "/"))
	})})
	for path, want := range map[string]string{"12345": "200 12345", "123456": ""} {
		c := dial(t, address)
		fmt.Fprintf(c, "GET /%s HTTP/1.1\r\nHost: h\r\n\r\nGET /12345 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path)
		text, _ := io.ReadAll(c)
		if got := strings.Count(string(text), "HTTP/1.1 200"); got != map[bool]int{true: 2, false: 0}[want != ""] {
			t.Errorf("%s: got %d answers: %s", path, got, text)
		}
	}
}

// TestManyClients: concurrent clients get their own answers, whole.
func TestManyClients(t *testing.T) {
	t.Parallel()
	address := serve(t, &Server{Handler: http.HandlerFunc(echo)})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for k := range 200 {
				body := strings.Repeat(strconv.Itoa(i*1000+k), 1+k*7)
				r, _ := http.NewRequest("POST", "http://"+address+"/p", strings.NewReader(body))
				if k%3 == 0 {
					r.ContentLength = -1
				}
				res, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if err != nil || !strings.HasSuffix(string(got), sumOf(body)) {
					t.Errorf("got %s, %v", got, err)
				}
			}
		})
	}
	group.Wait()
}
