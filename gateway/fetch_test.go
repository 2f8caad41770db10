package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// many calls the same at once and gives what each got.
func (c *cached) many(n int, target string, headers ...string) []reply {
	got := make([]reply, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { got[i] = c.do("GET", target, headers...) })
	}
	group.Wait()
	return got
}

// TestHerdAsksOnce: of those who want the same at once, one asks the upstream.
func TestHerdAsksOnce(t *testing.T) {
	t.Parallel()
	const herd = 40
	for _, tt := range []struct {
		name, headers string
		status        int
		code          string
		asked         int32 // 1: once for all; herd: each by itself
	}{
		{"fresh", "Cache-Control: max-age=60", 200, "", 1},
		{"a fault", "", 503, "", 1},
		{"a fault that is one caller's", "Cache-Control: no-store", 503, "", herd},
		{"not to be stored", "Cache-Control: no-store", 200, "", herd},
		{"a cookie", "Cache-Control: max-age=60\nSet-Cookie: a=b", 200, "", herd},
		{"validated each time", "Cache-Control: no-cache\nEtag: \"a\"", 200, "", herd},
		{"no answer", "break", 502, "upstream-unreachable", 1},
		{"broken off", "half", 502, "upstream-broken", 1},
		{"too slow", "hang", 504, "upstream-timeout", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCached(t)
			if tt.headers != "hang" {
				c.traffic(func(tr *Traffic) { tr.Timeouts.AnswerSeconds = 60 })
			}
			c.server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = herd
			var asked atomic.Int32
			c.answers(func(rw http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				time.Sleep(100 * time.Millisecond)
				switch tt.headers {
				case "break":
					panic(http.ErrAbortHandler)
				case "half":
					rw.Header().Set("Cache-Control", "max-age=60")
					rw.Header().Set("Content-Length", "10")
					_, _ = io.WriteString(rw, "half")
					_ = http.NewResponseController(rw).Flush()
					panic(http.ErrAbortHandler)
				case "hang":
					<-r.Context().Done()
					return
				}
				c.lines(tt.headers, func(name, value string) { rw.Header().Set(name, value) })
				rw.WriteHeader(tt.status)
				_, _ = io.WriteString(rw, "body")
			})
			results := map[string]int{}
			for _, got := range c.many(herd, "/danh-muc/1") {
				if got.status != tt.status || got.code != tt.code || got.code == "" && got.body != "body" {
					t.Fatalf("got %d %s %s", got.status, got.code, got.body)
				}
				results[got.header.Get("Cache-Status")]++
			}
			if n := asked.Load(); n != tt.asked && (tt.asked == 1 || n < 2) {
				t.Errorf("the upstream was asked %d times, want %d: %v", n, tt.asked, results)
			}
		})
	}
}

// TestWhoLeavesTakesNothingAlong: the fetch of a caller who leaves goes on for
// those who wait with them.
func TestWhoLeavesTakesNothingAlong(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	release := make(chan struct{})
	c.answers(func(rw http.ResponseWriter, _ *http.Request) {
		<-release
		rw.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(rw, "body")
	})
	trace := fmt.Sprintf("%032x", 0x1ea7e)
	impatient, err := net.Dial("tcp", strings.TrimPrefix(c.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(impatient, "GET %s/danh-muc/1 HTTP/1.1\r\nHost: x\r\nTraceparent: %s\r\n\r\n", c.route.Prefix(), traceparent(trace))
	c.until("asked", func() bool { return c.reachedCount() == 1 })
	done := make(chan reply, 1)
	go func() { done <- c.do("GET", "/danh-muc/1") }()
	_ = impatient.Close()
	if e := c.recorded(trace); e.Status != statusGone || e.Complete { // while the upstream is still asked
		t.Errorf("recorded %+v", e)
	}
	close(release)
	if got := <-done; got.status != 200 || got.body != "body" || c.reachedCount() != 1 {
		t.Errorf("got %d %s after %d calls", got.status, got.body, c.reachedCount())
	}
}

// TestStaleWhileRevalidate: a stale answer comes at once, and a fresh one soon
// after, for one asking of the upstream.
func TestStaleWhileRevalidate(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	release := make(chan struct{})
	var asked atomic.Int32
	c.answers(func(rw http.ResponseWriter, _ *http.Request) {
		n := asked.Add(1)
		if n > 1 {
			<-release
		}
		rw.Header().Set("Date", c.now().UTC().Format(http.TimeFormat))
		rw.Header().Set("Cache-Control", "max-age=10, stale-while-revalidate=20")
		fmt.Fprintf(rw, "body %d", n)
	})
	c.do("GET", "/danh-muc/1")
	c.clock.Add(int64(15 * time.Second))
	for _, got := range c.many(20, "/danh-muc/1") {
		if got.body != "body 1" || !strings.HasPrefix(got.header.Get("Cache-Status"), "lgsp; hit; ttl=-") {
			t.Fatalf("got %q %s", got.body, got.header.Get("Cache-Status"))
		}
	}
	close(release)
	c.until("fetched anew", func() bool { return c.do("GET", "/danh-muc/1").body == "body 2" })
	if n := asked.Load(); n != 2 {
		t.Errorf("the upstream was asked %d times", n)
	}
	c.clock.Add(int64(31 * time.Second))
	if got := c.do("GET", "/danh-muc/1"); got.body != "body 3" {
		t.Errorf("past both times: got %q", got.body)
	}
}

// TestStaleIfTheUpstreamIsGone: what is stored is given when nothing answers
// any more, at once from the second call on, and what is new when it is back.
func TestStaleIfTheUpstreamIsGone(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	var mode atomic.Value
	mode.Store("well")
	c.answers(func(rw http.ResponseWriter, r *http.Request) {
		switch mode.Load() {
		case "broken":
			panic(http.ErrAbortHandler)
		case "hanging":
			<-r.Context().Done()
		}
		rw.Header().Set("Date", c.now().UTC().Format(http.TimeFormat))
		fmt.Fprint(rw, mode.Load())
	})
	for i, fault := range []string{"broken", "hanging"} {
		path := fmt.Sprintf("/tam/%d", i)
		mode.Store("well")
		c.do("GET", path)
		mode.Store(fault)
		c.clock.Add(int64(5 * time.Minute))
		for n := range 3 {
			begun, before := time.Now(), c.reachedCount()
			got := c.do("GET", path)
			if got.status != 200 || got.body != "well" {
				t.Fatalf("%s, call %d: got %d %s", fault, n, got.status, got.body)
			}
			if n > 0 && (c.reachedCount() != before || time.Since(begun) > 2*time.Second) {
				t.Errorf("%s, call %d waited for the upstream: %s", fault, n, time.Since(begun))
			}
		}
		mode.Store("back")
		c.clock.Add(int64(10 * time.Second))
		c.until("new", func() bool { return c.do("GET", path).body == "back" })
		if got := c.do("GET", "/danh-muc/"+fmt.Sprint(i)); got.status != 200 {
			t.Errorf("got %d", got.status)
		}
	}
}

// TestSlowUpstreamWithStale: a call does not wait long where there is a stale
// answer that would do.
func TestSlowUpstreamWithStale(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.traffic(func(tr *Traffic) { tr.Timeouts.AnswerSeconds = 60 })
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	c.answers(func(rw http.ResponseWriter, _ *http.Request) {
		if c.reachedCount() > 1 {
			<-release
		}
		rw.Header().Set("Cache-Control", "max-age=1, stale-if-error=600")
		_, _ = io.WriteString(rw, "well")
	})
	c.do("GET", "/danh-muc/1")
	c.clock.Add(int64(10 * time.Second))
	begun := time.Now()
	got := c.do("GET", "/danh-muc/1")
	if took := time.Since(begun); got.body != "well" || took > stalePatience+3*time.Second || got.header.Get("Cache-Status") != "lgsp; fwd=stale; detail=slow" {
		t.Errorf("got %q after %s: %s", got.body, took, got.header.Get("Cache-Status"))
	}
}

// TestLargeAnswersPass: what is larger than may be stored is passed on as it
// comes, whether its length is said or not, and not stored.
func TestLargeAnswersPass(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	body := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	for _, length := range []string{"", fmt.Sprint(len(body))} {
		c.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Cache-Control", "max-age=60")
			if length != "" {
				rw.Header().Set("Content-Length", length)
			}
			_, _ = rw.Write(body)
			rw.Header().Set(http.TrailerPrefix+"X-End", "1")
		})
		before := c.reachedCount()
		for range 2 {
			if got := c.do("GET", "/danh-muc/lon"+length); got.status != 200 || got.body != string(body) || got.header.Get("Cache-Status") != "lgsp; fwd=miss" {
				t.Fatalf("length %q: got %d and %d bytes, %s", length, got.status, len(got.body), got.header.Get("Cache-Status"))
			}
		}
		if asked := c.reachedCount() - before; asked != 2 {
			t.Errorf("length %q: asked %d times", length, asked)
		}
	}
	if f := c.node.stored.Figures(); f.Bytes > 10_000 {
		t.Errorf("stored: %+v", f)
	}
	exact := body[:1<<20]
	c.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=60")
		_, _ = rw.Write(exact)
	})
	c.do("GET", "/danh-muc/vua")
	before := c.reachedCount()
	if got := c.do("GET", "/danh-muc/vua"); got.body != string(exact) || c.reachedCount() != before {
		t.Errorf("the largest that fits: got %d bytes, asked %d times more", len(got.body), c.reachedCount()-before)
	}
}

// TestAStreamIsNotHeld: a body that comes too slowly to be stored is passed on
// while it comes.
func TestAStreamIsNotHeld(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	release := make(chan struct{})
	t.Cleanup(sync.OnceFunc(func() { close(release) }))
	c.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(rw, "one ")
		_ = http.NewResponseController(rw).Flush()
		time.Sleep(100 * time.Millisecond) // the first part is read
		c.clock.Add(int64(2 * bodyWithin))
		_, _ = io.WriteString(rw, "two ")
		_ = http.NewResponseController(rw).Flush()
		<-release
		_, _ = io.WriteString(rw, "three")
	})
	res, err := c.server.Client().Get(c.server.URL + c.route.Prefix() + "/danh-muc/1")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 8)
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "one two " {
		t.Fatalf("got %q, %v", first, err)
	}
	release <- struct{}{}
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "three" {
		t.Errorf("got %q, %v", rest, err)
	}
}

// TestChangedWhileFetched: what was asked for before a change was done is not
// stored after it.
func TestChangedWhileFetched(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	release := make(chan struct{})
	var written atomic.Bool
	c.answers(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			written.Store(true)
			return
		}
		old := !written.Load()
		if old {
			<-release
		}
		rw.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintf(rw, "old: %v", old)
	})
	done := make(chan reply, 1)
	go func() { done <- c.do("GET", "/danh-muc/1") }()
	c.until("asked", func() bool { return c.reachedCount() == 1 })
	c.do("PUT", "/danh-muc/1")
	close(release)
	if got := <-done; got.body != "old: true" {
		t.Errorf("got %s", got.body)
	}
	if got := c.do("GET", "/danh-muc/1"); got.body != "old: false" {
		t.Errorf("after the change: got %s", got.body)
	}
}

// TestCacheUnderLoad: readers, writers, changes of the version and a store
// that is too small, all at once (with -race).
func TestCacheUnderLoad(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.traffic(func(tr *Traffic) { tr.Timeouts.AnswerSeconds = 60 })
	c.server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 16
	c.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=1, stale-while-revalidate=1, stale-if-error=5")
		rw.Header().Set("Etag", `"`+r.URL.Path+`"`)
		switch {
		case r.Header.Get("If-None-Match") != "":
			rw.WriteHeader(304)
		default:
			fmt.Fprintf(rw, "%s %s", r.URL.Path, strings.Repeat("x", 100_000))
		}
	})
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 60 {
				path := fmt.Sprintf("/danh-muc/%d", (i*7+worker)%120)
				method := "GET"
				if i%20 == worker {
					method = "PUT"
				}
				got := c.do(method, path)
				if got.status != 200 || method == "GET" && !strings.HasPrefix(got.body, "/goc"+path+" ") {
					t.Errorf("%s %s: got %d %.40q", method, path, got.status, got.body)
				}
				c.clock.Add(int64(100 * time.Millisecond))
			}
		})
	}
	for i := range 5 {
		changed := c.route
		changed.TitleVI = fmt.Sprint("Tên ", i)
		c.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, changed) })
		c.until("changed", func() bool { return c.node.current.Load().byVersion[changed.Version].TitleVI == changed.TitleVI })
	}
	group.Wait()
	if f := c.node.stored.Figures(); f.Bytes > c.node.CacheSize {
		t.Errorf("%d bytes are stored, more than %d", f.Bytes, c.node.CacheSize)
	}
}

// TestStoredUnderGzip: an answer that is stored is compressed once, and given
// to each as it asks.
func TestStoredUnderGzip(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.traffic(func(tr *Traffic) { tr.Compress = true })
	body := strings.Repeat("Quảng Ngãi ", 500)
	c.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rw.Header().Set("Cache-Control", "max-age=60")
		rw.Header().Set("Etag", `"a"`)
		_, _ = io.WriteString(rw, body)
	})
	var packed string
	for i, tt := range []struct {
		send   []string
		coding string
		status int
		want   string
	}{
		{[]string{"Accept-Encoding", "gzip"}, "gzip", 200, body},
		{[]string{"Accept-Encoding", "gzip"}, "gzip", 200, body},
		{[]string{"Accept-Encoding", "identity"}, "", 200, body},
		{[]string{"Accept-Encoding", "zstd, gzip;q=0.5"}, "gzip", 200, body},
		{[]string{"Accept-Encoding", "gzip", "Range", "bytes=0-4"}, "", 206, body[:5]},
		{[]string{"Accept-Encoding", "gzip", "If-None-Match", `W/"a"`}, "", 304, ""},
		{[]string{"Accept-Encoding", "identity", "If-None-Match", `"a"`}, "", 304, ""},
	} {
		got := c.do("GET", "/danh-muc/1", tt.send...)
		text, err := io.ReadAll(plain(t, got.header.Get("Content-Encoding"), strings.NewReader(got.body)))
		if got.status != tt.status || got.header.Get("Content-Encoding") != tt.coding || err != nil || string(text) != tt.want {
			t.Errorf("%d: got %d %q, %v: %v", i, got.status, text, err, got.header)
		}
		tag := `"a"`
		if tt.coding == "gzip" || tt.status == 304 && tt.send[1] == "gzip" {
			tag = `W/"a"`
		}
		if got.header.Get("Etag") != tag || !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Accept-Encoding") {
			t.Errorf("%d: got %v", i, got.header)
		}
		if tt.coding == "gzip" {
			if packed == "" {
				packed = got.body
			}
			if got.body != packed || got.header.Get("Content-Length") != fmt.Sprint(len(packed)) {
				t.Errorf("%d: it was compressed again: %v", i, got.header)
			}
		}
	}
	if c.reachedCount() != 1 {
		t.Errorf("asked %d times", c.reachedCount())
	}
	c.answers(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(304) })
	for range 3 {
		got := c.do("GET", "/danh-muc/1", "Accept-Encoding", "gzip", "Cache-Control", "no-cache")
		if vary := strings.Join(got.header.Values("Vary"), "|"); got.status != 200 || vary != "Accept-Encoding|Origin" || got.body != packed {
			t.Errorf("found good: got %d, Vary %s, %d bytes", got.status, vary, len(got.body))
		}
	}
	if r, _ := c.last(); r.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("asked for %q", r.Header.Get("Accept-Encoding"))
	}
}

// TestAFetchThatPanics lets everybody know who waits for it, and the next one try.
func TestAFetchThatPanics(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.answers(answers(200, "{}"))
	dial := c.node.first.Dial
	var fails atomic.Bool
	c.node.first.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if fails.Load() {
			time.Sleep(50 * time.Millisecond)
			panic("a fault of ours")
		}
		return dial(ctx, network, address)
	}
	fails.Store(true)
	for _, got := range c.many(5, "/danh-muc/1") {
		if got.status != 500 || got.code != "internal" {
			t.Errorf("got %d %s", got.status, got.code)
		}
	}
	fails.Store(false)
	if got := c.do("GET", "/danh-muc/1"); got.status != 200 {
		t.Errorf("after it: got %d %s", got.status, got.code)
	}
}
