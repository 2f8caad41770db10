package http1

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestRequestTrailers: what a client announces, and sends behind its body,
// reaches the upstream, but for what would change how the message is read.
func TestRequestTrailers(t *testing.T) {
	t.Parallel()
	to, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v", body, r.Trailer)
	})
	transport := newTransport()
	address := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Trailer {
			if values != nil {
				t.Errorf("%s is known before the body is read", name)
			}
		}
		res, err := transport.Do(r.Context(), to, &Request{Method: "POST", Target: "/", Host: "h", Stream: r.Body, Length: -1, Trailer: r.Trailer})
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Close()
		_, _ = res.WriteTo(w)
	})})
	const head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
	for _, tt := range []struct{ name, announced, trailer, want string }{
		{"announced", "Trailer: x-sum, x-other\r\n", "X-Sum: 1\r\nx-sum: 2\r\n", "ab map[X-Other:[] X-Sum:[1 2]]"},
		{"in two lines", "Trailer: a\r\nTrailer: b,,\r\n", "B: 2\r\nA: 1\r\n", "ab map[A:[1] B:[2]]"},
		{"not announced", "", "X-Sum: 1\r\n", "ab map[]"},
		{"others than announced", "Trailer: a\r\n", "B: 2\r\n", "ab map[A:[]]"},
		{"what frames", "Trailer: Content-Length, Host, Authorization\r\n", "Content-Length: 5\r\nHost: x\r\nAuthorization: y\r\n", "ab map[]"},
		{"no name", "Trailer: a b\r\n", "A: 1\r\n", "ab map[]"},
	} {
		c := dial(t, address)
		if _, err := io.WriteString(c, head+tt.announced+"\r\n2\r\nab\r\n0\r\n"+tt.trailer+"\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(answers(t, c), ""); got != "200 "+tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
