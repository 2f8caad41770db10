package gateway

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"lgsp/gateway/cache"
)

// stuck is a caller who takes nothing of an answer until it is let go.
type stuck struct {
	taker
	begun func() // called once
	goOn  <-chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	s.begun()
	<-s.goOn
	return len(p), nil
}

// TestSlowCallersHoldLittle: answers that leave the store while slow callers
// still take them are bounded too; beyond that, answers pass as they come.
func TestSlowCallersHoldLittle(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	for _, said := range []bool{true, false} {
		c := newCached(t)
		c.storage = size
		c.node, c.server = c.start(t.TempDir())
		body := bytes.Repeat([]byte("x"), cache.MaxBody)
		c.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Cache-Control", "max-age=60")
			if said {
				rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
			}
			_, _ = rw.Write(body)
		})
		goOn := make(chan struct{})
		var callers sync.WaitGroup
		for i := range 20 {
			begun := make(chan struct{})
			target := fmt.Sprintf("%s/danh-muc/1?%d", c.route.Prefix(), i)
			r := httptest.NewRequest("GET", target, nil)
			r.RequestURI, r.Body = target, http.NoBody
			callers.Go(func() {
				c.node.ServeHTTP(&stuck{taker{http.Header{}}, sync.OnceFunc(func() { close(begun) }), goOn}, r)
			})
			<-begun
			if f := c.node.stored.Figures(); f.Bytes > size || f.Beside > size {
				t.Fatalf("caller %d, length said: %v: %+v", i, said, f)
			}
		}
		if f := c.node.stored.Figures(); f.Beside < size/2 {
			t.Errorf("%+v", f)
		}
		for range 2 {
			before := c.reachedCount()
			if got := c.do("GET", "/danh-muc/2"); len(got.body) != len(body) || got.header.Get("Cache-Status") != "lgsp; fwd=miss" || c.reachedCount() != before+1 {
				t.Errorf("one more: got %d bytes, %s", len(got.body), got.header.Get("Cache-Status"))
			}
		}
		before := c.reachedCount()
		if got := c.do("GET", "/danh-muc/1?0"); len(got.body) != len(body) || c.reachedCount() != before {
			t.Errorf("what is stored is not given: %s", got.header.Get("Cache-Status"))
		}
		close(goOn)
		callers.Wait()
		if f := c.node.stored.Figures(); f.Beside != 0 {
			t.Errorf("when all are gone: %+v", f)
		}
		if got := c.do("GET", "/danh-muc/3"); got.header.Get("Cache-Status") != "lgsp; fwd=miss; stored" {
			t.Errorf("nothing is stored any more: %s", got.header.Get("Cache-Status"))
		}
	}
}

// TestStoredAnswersNeedNoTurn: where a system gets so many calls at once, a
// fetch takes one place for all who wait for it and gives it back however it
// ends, what is stored needs none, and who gets none counts against no limit.
func TestStoredAnswersNeedNoTurn(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.patience = time.Minute
	c.node, c.server = c.start(t.TempDir())
	c.route.Traffic.Limits = []Limit{{Per: "address", Calls: 1000, Window: "day"}}
	c.holds(Concurrency{Calls: 1})
	serve := func(control string, body []byte) (letGo func()) {
		let := make(chan struct{})
		c.answers(func(rw http.ResponseWriter, _ *http.Request) {
			<-let
			rw.Header().Set("Cache-Control", control)
			_, _ = rw.Write(body)
		})
		return sync.OnceFunc(func() { close(let) })
	}
	serve("max-age=3600", []byte("body"))()
	c.do("GET", "/danh-muc/stored")
	c.answers(func(http.ResponseWriter, *http.Request) {}) // which says nothing: by the rules of /tam
	c.do("GET", "/tam/1")
	c.clock.Add(int64(5 * time.Minute))

	letGo := serve("max-age=3600", []byte("body"))
	t.Cleanup(letGo)
	before := c.reachedCount()
	first, herd := make(chan reply, 1), make(chan []reply, 1)
	go func() { first <- c.do("GET", "/danh-muc/new") }()
	c.world.figures(1, 0)
	stored := c.do("GET", "/danh-muc/stored")
	if got := c.do("GET", "/danh-muc/other"); got.status != 503 || got.code != "queue-full" || got.header.Get("Retry-After") == "" {
		t.Errorf("one more: got %d %s", got.status, got.code)
	}
	again := c.do("GET", "/danh-muc/stored")
	if left, then := remaining(t, stored), remaining(t, again); stored.status != 200 || again.status != 200 || left-then != 1 {
		t.Errorf("what is stored: got %d and %d, left %d and %d", stored.status, again.status, left, then)
	}
	if got := c.do("GET", "/tam/1"); got.status != 200 || got.header.Get("Cache-Status") != "lgsp; fwd=stale; detail=failed" {
		t.Errorf("what is stale: got %d %s %s", got.status, got.code, got.header.Get("Cache-Status"))
	}
	go func() { herd <- c.many(10, "/danh-muc/new") }()
	time.Sleep(50 * time.Millisecond) // for some of them to wait
	letGo()
	for _, got := range append(<-herd, <-first) {
		if got.status != 200 || got.body != "body" {
			t.Errorf("the herd: got %d %s", got.status, got.code)
		}
	}
	if asked := c.reachedCount() - before; asked != 1 {
		t.Errorf("the upstream was asked %d times", asked)
	}
	c.world.figures(0, 0)

	serve("no-store", bytes.Repeat([]byte("x"), 4096))() // passed on, and the place with it
	begun, goOn := make(chan struct{}), make(chan struct{})
	target := c.route.Prefix() + "/danh-muc/passed"
	r := httptest.NewRequest("GET", target, nil)
	r.RequestURI, r.Body = target, http.NoBody
	go c.node.ServeHTTP(&stuck{taker{http.Header{}}, sync.OnceFunc(func() { close(begun) }), goOn}, r)
	<-begun
	c.world.figures(1, 0)
	close(goOn)
	c.world.figures(0, 0)

	letGo = serve("no-store", []byte("body")) // who asked for it leaves
	t.Cleanup(letGo)
	ctx, leaves := context.WithCancel(t.Context())
	before = c.reachedCount()
	gone, err := http.NewRequestWithContext(ctx, "GET", c.server.URL+c.route.Prefix()+"/danh-muc/left", nil)
	if err != nil {
		t.Fatal(err)
	}
	trace := fmt.Sprintf("%032x", 0x1ef7)
	gone.Header.Set("Traceparent", traceparent(trace))
	go func() {
		if res, err := c.server.Client().Do(gone); err == nil {
			_ = res.Body.Close()
		}
	}()
	c.until("asked", func() bool { return c.reachedCount() > before })
	leaves()
	c.recorded(trace)
	letGo()
	c.world.figures(0, 0)
}

// remaining is what is left of the window with least left.
func remaining(t *testing.T, of reply) int {
	t.Helper()
	n, err := strconv.Atoi(of.header.Get("X-RateLimit-Remaining"))
	if err != nil {
		t.Error(err)
	}
	return n
}
