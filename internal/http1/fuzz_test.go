package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"
)

// taken reads a request as a connection does, without one.
func taken(text string) (*http.Request, *body, *reader, error) {
	s := &Server{}
	c := &conn{server: s, blank: http.Request{Header: http.Header{}, Body: http.NoBody}, request: &http.Request{}}
	c.in = newReader(strings.NewReader(text))
	head, err := c.in.head(func() {})
	if err != nil {
		return nil, nil, nil, err
	}
	c.blank.URL = &c.url
	err = c.parse(head)
	return c.request, &c.body, &c.in, err
}

// FuzzRequest: whatever is taken, net/http takes too, as the same request with
// the same body and the same rest behind it: nothing can be smuggled between
// the two. (It is more lenient elsewhere.)
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET /a?b=c HTTP/1.1\r\nHost: h\r\nx-api-key: k\r\n\r\nrest",
		"POST /a%20b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcrest",
		"POST http://o/x HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: chunked\r\nConnection: close, x\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\nrest",
		"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
		"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"GET //a HTTP/1.1\r\nHost: [::1]:80\r\nA: \t b \r\nA: c\r\n\r\n",
		"GET /?a=b?c HTTP/1.1\r\nHost:\r\nCookie: a\r\n\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ours, ourBody, rest, err := taken(text)
		if err != nil {
			return
		}
		r := bufio.NewReader(strings.NewReader(text))
		theirs, err := http.ReadRequest(r)
		if err != nil {
			t.Fatalf("taken although net/http says %v", err)
		}
		if ours.Method != theirs.Method || ours.RequestURI != theirs.RequestURI || ours.Host != theirs.Host || ours.ContentLength != theirs.ContentLength || ours.Close != theirs.Close {
			t.Fatalf("got %+v, net/http %+v", ours, theirs)
		}
		if a, b := *ours.URL, *theirs.URL; a.Path != b.Path || a.EscapedPath() != b.EscapedPath() || a.RawQuery != b.RawQuery || a.Host != b.Host {
			t.Fatalf("got %#v, net/http %#v", ours.URL, theirs.URL)
		}
		for name, values := range theirs.Header {
			if !slices.Equal(ours.Header[name], values) && name != "Expect" && name != "Pragma" && name != "Cache-Control" {
				t.Fatalf("%s: got %q, net/http %q", name, ours.Header[name], values)
			}
		}
		got, ourErr := io.ReadAll(ourBody)
		want, theirErr := io.ReadAll(theirs.Body)
		if ourErr != nil {
			return // refused later
		}
		if theirErr != nil || !bytes.Equal(got, want) {
			t.Fatalf("body: got %q, net/http %q, %v", got, want, theirErr)
		}
		after, _ := io.ReadAll(io.MultiReader(bytes.NewReader(rest.buffered()), rest.from))
		behind, _ := io.ReadAll(r)
		if !bytes.Equal(after, behind) {
			t.Fatalf("what follows: got %q, net/http %q", after, behind)
		}
	})
}

// FuzzAnswer: whatever answer is taken, net/http reads the same in it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.0 404\r\n\r\nto the end",
		"HTTP/1.1 204 No Content\r\netag: a\r\n\r\n",
	} {
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, get bool) {
		method := map[bool]string{true: "GET", false: "HEAD"}[get]
		l := &link{transport: &Transport{}}
		l.in = newReader(strings.NewReader(text))
		head, err := l.in.head(func() {})
		if err != nil {
			return
		}
		minor, err := l.read(head)
		if err != nil || l.status < 200 {
			return
		}
		ours, err := l.answer(&Request{Method: method}, minor)
		if err != nil {
			return
		}
		theirs, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("taken although net/http says %v", err)
		}
		if ours.Status != theirs.StatusCode {
			t.Fatalf("got %d, net/http %d", ours.Status, theirs.StatusCode)
		}
		for name, values := range theirs.Header {
			var got []string
			for _, line := range ours.Fields {
				if line.Name == name {
					got = append(got, line.Value)
				}
			}
			if !slices.Equal(got, values) && name != "Pragma" && name != "Cache-Control" {
				t.Fatalf("%s: got %q, net/http %q", name, got, values)
			}
		}
		got, ourErr := io.ReadAll(ours)
		want, theirErr := io.ReadAll(theirs.Body)
		if ourErr == nil && (theirErr != nil || !bytes.Equal(got, want)) {
			t.Fatalf("body: got %q, net/http %q, %v", got, want, theirErr)
		}
	})
}

// FuzzChunks: whatever chunks are taken, net/http reads the same in them.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("3\r\nabc\r\n0\r\n\r\nrest"), 1)
	f.Add([]byte("3;a=\"b\"\r\nabc\r\n0a\r\n0123456789\r\n0\r\nT: u\r\n\r\n"), 7)
	f.Fuzz(func(t *testing.T, text []byte, step int) {
		if step < 1 {
			return
		}
		in := newReader(&steps{text: text, step: step})
		var b body
		b.frame(&in, true, -1)
		got, err := io.ReadAll(&b)
		if err != nil {
			return
		}
		want, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(text)))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %q, net/http %q, %v", got, want, err)
		}
	})
}

// steps gives a text a few bytes at a time.
type steps struct {
	text []byte
	step int
}

// Read is of io.Reader.
func (s *steps) Read(p []byte) (int, error) {
	n := copy(p, s.text[:min(s.step, len(s.text))])
	s.text = s.text[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestCanonical: names get the form of net/http, known or not.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"host", "Host", "HOST", "x-api-key", "X-API-Key", "dpop", "DPoP", "etag", "ETag", "x_y", "X_Y-z", "1a-b", "a--b", "-", "a!b"} {
		if got, want := canonical(name), http.CanonicalHeaderKey(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for lower, name := range common {
		if want := http.CanonicalHeaderKey(lower); name != want {
			t.Errorf("%s: got %s, want %s", lower, name, want)
		}
	}
}

// TestFields: setting, dropping and keeping lines.
func TestFields(t *testing.T) {
	t.Parallel()
	f := Fields{{"A", "1"}, {"B", "2"}, {"A", "3"}, {"C", "4"}}
	f.Set("A", "5")
	f.Set("D", "6")
	f.Del("B")
	f.Add("D", "7")
	if want := (Fields{{"A", "5"}, {"C", "4"}, {"D", "6"}, {"D", "7"}}); !slices.Equal(f, want) {
		t.Errorf("got %v, want %v", f, want)
	}
	if !f.Has("C") || f.Has("B") || f.Get("D") != "6" || f.Get("E") != "" || len(f.Header()["D"]) != 2 {
		t.Errorf("got %v", f)
	}
	if got := FieldsOf(http.Header{"B": {"2"}, "A": {"1", "3"}}); !slices.Equal(got, Fields{{"A", "1"}, {"A", "3"}, {"B", "2"}}) {
		t.Errorf("got %v", got)
	}
}

// TestIsText: looked at eight together or one by one, a value is the same.
func TestIsText(t *testing.T) {
	t.Parallel()
	for size := range 20 {
		for at := range size {
			for c := range 256 {
				text := []byte(strings.Repeat("~", size))
				text[at] = byte(c)
				if got, want := isText(string(text)), all(string(text), &isValue); got != want {
					t.Fatalf("%q: got %v, want %v", text, got, want)
				}
			}
		}
	}
}

func BenchmarkIsText(b *testing.B) {
	text := strings.Repeat("eyJhbGciOiJFUzI1NiIs", 30)
	for b.Loop() {
		if !isText(text) {
			b.Fatal("refused")
		}
	}
}
