package gateway

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestHealthChecks: addresses are asked beside calls, with nothing of a
// caller's; one that is not well gets none, and the version without one that is
// answers 503 with a time to come again.
func TestHealthChecks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	var asked []*http.Request
	var statuses, served [2]atomic.Int32
	start := func(i int) *second {
		statuses[i].Store(200)
		return newSecond(t, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/goc/suc-khoe" {
				served[i].Add(1)
				rw.Header().Set("Content-Type", "application/json")
				_, _ = rw.Write([]byte(`{}`))
				return
			}
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, r)
			if s := int(statuses[i].Load()); s > 0 {
				rw.WriteHeader(s)
			} else {
				panic(http.ErrAbortHandler)
			}
		})
	}
	first, other := start(0), start(1)
	w.route.Traffic.Health = HealthCheck{Path: "/suc-khoe", EverySeconds: 5}
	w.expose(Upstream{first.URL + "/goc", 1}, Upstream{other.URL + "/goc", 1})
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { // time flies
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				w.clock.Add(int64(time.Second))
			}
		}
	})
	t.Cleanup(group.Wait)
	t.Cleanup(func() { close(stop) })
	out := func() (n int) {
		for _, f := range w.node.Health().Failing {
			n += f.Out
		}
		return n
	}
	w.until("asked", func() bool { mu.Lock(); defer mu.Unlock(); return len(asked) > 4 })
	if out() != 0 {
		t.Errorf("%d out although both are well", out())
	}
	mu.Lock()
	for _, r := range asked {
		if r.Method != "GET" || r.Header.Get("User-Agent") != "lgsp-health" || r.Header.Get("Lgsp-Agency") != "" || "http://"+r.Host != first.URL && "http://"+r.Host != other.URL {
			t.Errorf("asked %s %s %v", r.Method, r.Host, r.Header)
		}
	}
	mu.Unlock()
	statuses[0].Store(500)
	w.until("one is out", func() bool { return out() == 1 })
	for range 6 {
		if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
			t.Errorf("got %d %s", got.status, got.code)
		}
	}
	if sick, well := served[0].Load(), served[1].Load(); sick != 0 || well != 6 {
		t.Errorf("%d calls to the sick one, %d to the other", sick, well)
	}
	statuses[1].Store(-1) // breaks off
	w.until("both are out", func() bool { return out() == 2 })
	got := w.do("GET", "/danh-muc/1")
	if got.status != 503 || got.code != "upstream-down" || got.header.Get("Retry-After") == "" {
		t.Errorf("none is well: %d %s %v", got.status, got.code, got.header)
	}
	statuses[0].Store(302)
	w.until("one is back", func() bool { return out() == 1 })
	if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
		t.Errorf("one is back: %d %s", got.status, got.code)
	}
	w.traffic(func(tr *Traffic) { tr.Health = HealthCheck{} }) // nobody asks: nobody is out
	if out() != 0 {
		t.Errorf("%d out although nobody asks", out())
	}
}

// TestHealthCheckBounds: what no node would ask is refused by its field.
func TestHealthCheckBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		h    HealthCheck
		ok   bool
	}{
		{"none", HealthCheck{}, true},
		{"a path", HealthCheck{Path: "/a/b"}, true},
		{"the root", HealthCheck{Path: "/", EverySeconds: 300}, true},
		{"no path", HealthCheck{Path: "a"}, false},
		{"another host", HealthCheck{Path: "//a"}, false},
		{"up", HealthCheck{Path: "/../a"}, false},
		{"a query", HealthCheck{Path: "/a?b"}, false},
		{"a line", HealthCheck{Path: "/a\r\nX: y"}, false},
		{"a space", HealthCheck{Path: "/a b"}, false},
		{"long", HealthCheck{Path: "/" + strings.Repeat("a", 256)}, false},
		{"too often", HealthCheck{Path: "/", EverySeconds: 4}, false},
		{"never", HealthCheck{Path: "/", EverySeconds: 301}, false},
		{"backwards", HealthCheck{Path: "/", EverySeconds: -1}, false},
	} {
		if err := (Traffic{Health: tt.h}).check(); (err == nil) != tt.ok {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
