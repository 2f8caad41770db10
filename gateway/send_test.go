package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// second is one more upstream, which counts its calls.
type second struct {
	*httptest.Server
	calls  atomic.Int32
	paths  sync.Map
	answer atomic.Pointer[http.HandlerFunc]
}

func newSecond(t *testing.T, answer http.HandlerFunc) *second {
	t.Helper()
	s := &second{}
	s.answer.Store(&answer)
	s.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		s.paths.Store(r.URL.EscapedPath(), true)
		(*s.answer.Load())(rw, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func answers(status int, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

func breaksOff(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// expose puts the world's route with these addresses in force.
func (w *world) expose(upstreams ...Upstream) {
	w.t.Helper()
	w.route.Upstream, w.route.Upstreams = upstreams[0].URL, upstreams
	w.exposed(func(v *version) bool { return slices.Equal(v.Upstreams, upstreams) })
}

// exposed puts the world's route in force, and waits until the node has it.
func (w *world) exposed(has func(v *version) bool) {
	w.t.Helper()
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("route loaded", func() bool {
		v := w.node.current.Load().byVersion[w.route.Version]
		return v != nil && has(v)
	})
}

// TestSecondTry says when a call that failed at one address goes to another.
func TestSecondTry(t *testing.T) {
	t.Parallel()
	personal := []string{"LGSP-Purpose", "tra-cuu"}
	for _, tt := range []struct {
		name, method, target, body string
		first                      http.HandlerFunc
		status                     int // 200: of the second
		firsts, seconds            int32
	}{
		{"broken off", "GET", "/danh-muc/1", "", breaksOff, 200, 1, 1},
		{"502", "GET", "/danh-muc/1", "", answers(502, "{}"), 200, 1, 1},
		{"503", "GET", "/danh-muc/1", "", answers(503, "{}"), 200, 1, 1},
		{"504 is only slow", "GET", "/danh-muc/1", "", answers(504, "{}"), 504, 1, 0},
		{"500 is the system's own answer", "GET", "/danh-muc/1", "", answers(500, "{}"), 500, 1, 0},
		{"slow", "GET", "/danh-muc/1", "", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 504, 1, 0},
		{"HEAD", "HEAD", "/danh-muc/1", "", breaksOff, 200, 1, 1},
		{"what may change something", "POST", "/tra-cuu", `{"nguoi":{"so":"0123"}}`, breaksOff, 502, 1, 0},
		{"what may change something, 503", "POST", "/tra-cuu", `{"nguoi":{"so":"0123"}}`, answers(503, "{}"), 503, 1, 0},
		{"personal data, read", "GET", "/nguoi/0123", "", breaksOff, 200, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first, other := newSecond(t, tt.first), newSecond(t, answers(200, `{"items":[{"hoTen":"An"}]}`))
			w.expose(Upstream{first.URL + "/mot", 1}, Upstream{other.URL + "/hai", 1})
			w.node.current.Load().byVersion[w.route.Version].pool.Pick() // the turn is the second's: the first comes next
			trace := fmt.Sprintf("%032x", 0xc0ffee)
			headers := append([]string{"Traceparent", traceparent(trace)}, personal...)
			if !strings.HasPrefix(tt.target, "/danh-muc") {
				headers = append(headers, "Authorization", "Bearer "+w.token("t1"))
			}
			got := w.send(w.server, tt.method, tt.target, tt.body, headers...)
			if got.status != tt.status || first.calls.Load() != tt.firsts || other.calls.Load() != tt.seconds {
				t.Errorf("got %d %s, %d and %d calls", got.status, got.code, first.calls.Load(), other.calls.Load())
			}
			if _, ok := other.paths.Load("/hai" + tt.target); ok != (tt.seconds > 0) {
				t.Error("the second address was called below another path than its own")
			}
			if e := w.recorded(trace); e.Status != tt.status {
				t.Errorf("recorded %+v", e)
			}
		})
	}
}

// TestUpstreamDown: an upstream that does not answer costs its callers no
// waiting and no quota, is seen by the operator, and is used again once it is back.
func TestUpstreamDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newSecond(t, breaksOff)
	w.expose(Upstream{s.URL, 1})
	key := []string{"X-API-Key", w.key}
	for i := range 10 {
		if got := w.do("GET", "/ho-so", key...); got.status != 502 {
			t.Fatalf("call %d: got %d %s", i, got.status, got.code)
		}
	}
	asked, left := s.calls.Load(), ""
	for range 3 {
		got := w.do("GET", "/ho-so", key...)
		if got.status != 503 || got.code != "upstream-down" || got.header.Get("Retry-After") != "1" {
			t.Fatalf("down: got %d %s %s", got.status, got.code, got.body)
		}
		left = got.header.Get("RateLimit")
	}
	if s.calls.Load() != asked {
		t.Error("the upstream was asked")
	}
	if got := w.do("GET", "/ho-so", key...).header.Get("RateLimit"); day(got) != day(left) {
		t.Errorf("calls that were not made count: %s after %s", got, left)
	}
	health := w.node.Health().Failing
	if len(health) != 1 || !health[0].Down || health[0].Prefix != w.route.Prefix() || !strings.HasSuffix(s.URL, health[0].Addresses[0].Host) {
		t.Errorf("health: %+v", health)
	}
	well := answers(200, `{"tong":1}`)
	s.answer.Store(&well)
	w.clock.Add(int64(time.Second))
	if got := w.do("GET", "/ho-so", key...); got.status != 200 {
		t.Errorf("back: got %d %s", got.status, got.code)
	}
	if got := w.node.Health().Failing; got != nil {
		t.Errorf("health after it: %+v", got)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(w.node.Metrics)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "lgsp_gateway_upstream_changes_total" && len(f.GetMetric()) != 2 { // down and back
			t.Errorf("metric: %v", f)
		}
	}
}

// day is what RateLimit says is left of the day.
func day(limits string) string {
	_, rest, _ := strings.Cut(limits, `"day";r=`)
	left, _, _ := strings.Cut(rest, ";")
	return left
}

// TestPoolSurvivesAChange: a version that is exposed anew, with the same
// addresses, knows which of them are out.
func TestPoolSurvivesAChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, other := newSecond(t, breaksOff), newSecond(t, answers(200, `{}`))
	both := []Upstream{{first.URL, 1}, {other.URL, 1}}
	w.expose(both...)
	for range 8 {
		if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.code)
		}
	}
	if asked := first.calls.Load(); asked != 3 {
		t.Errorf("the dead address was asked %d times", asked)
	}
	w.route.TitleVI = "Tên khác"
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("changed", func() bool { return w.node.current.Load().byVersion[w.route.Version].TitleVI == "Tên khác" })
	if got := w.node.Health().Failing; len(got) != 1 || got[0].Out != 1 || got[0].Down {
		t.Errorf("health: %+v", got)
	}
	w.expose(Upstream{first.URL, 2}, Upstream{other.URL, 1}) // whoever changes them begins anew
	if got := w.node.Health().Failing; got != nil {
		t.Errorf("health after other addresses: %+v", got)
	}
}

// TestRouteOfOneAddress: a route as it was written before there were several.
func TestRouteOfOneAddress(t *testing.T) {
	t.Parallel()
	document, err := json.Marshal(Route{Version: uuid.Max, AgencySlug: "a", APISlug: "b", Number: "v1", Upstream: "http://x/goc", Plan: Plan{RatePerMinute: 1}})
	if err != nil || strings.Contains(string(document), "upstreams") {
		t.Fatalf("%s, %v", document, err)
	}
	v, err := decodeRoute(document)
	if err != nil {
		t.Fatal(err)
	}
	if try, ok := v.pool.Pick(); !ok || try.Target().Host != "x" || try.Target().Path != "/goc" {
		t.Errorf("got %+v", try)
	}
}

// TestHangingUpstream: calls that hang in one version's upstream are in no
// other version's way.
func TestHangingUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	hanging := newSecond(t, func(http.ResponseWriter, *http.Request) { <-release })
	slow := w.route
	slow.Version, slow.APISlug, slow.Upstream = uuid.Must(uuid.NewV7()), "treo", hanging.URL
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, slow) })
	w.patience = time.Minute
	_, server := w.start(t.TempDir())
	server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	var group sync.WaitGroup
	t.Cleanup(group.Wait)
	t.Cleanup(func() { close(release) })
	quick := func() time.Duration { // the 99th of a hundred
		took := make([]time.Duration, 100)
		for i := range took {
			begun := time.Now()
			if got := w.send(server, "GET", "/danh-muc/1", ""); got.status != 200 {
				t.Fatalf("got %d %s", got.status, got.code)
			}
			took[i] = time.Since(begun)
		}
		slices.Sort(took)
		return took[98]
	}
	before := quick()
	for range 200 {
		group.Go(func() { w.send(server, "GET", "@"+slow.Prefix()+"/danh-muc/1", "") })
	}
	w.until("200 hang", func() bool { return hanging.calls.Load() == 200 })
	beside := quick()
	t.Logf("99th of 100 quick calls: %s alone, %s beside 200 that hang", before, beside)
	if beside > 10*before+200*time.Millisecond { // a shared machine: only a call that waits for the others is far off
		t.Errorf("quick calls waited: %s alone, %s beside 200 that hang", before, beside)
	}
}
