package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// holds puts the world's route in force with its calls held.
func (w *world) holds(c Concurrency) {
	w.t.Helper()
	w.route.Traffic.Concurrency = c
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("held", func() bool {
		v := w.node.current.Load().byVersion[w.route.Version]
		return v != nil && v.Traffic.Concurrency == c
	})
}

// patiently starts a province whose node waits long for an upstream.
func patiently(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.patience = time.Minute
	w.node, w.server = w.start(t.TempDir())
	return w
}

// weak is an upstream whose calls stay until they are let go.
type weak struct {
	at, most atomic.Int32
	mu       sync.Mutex
	order    []string // X-Test of the calls as they came
	let      chan struct{}
	letGo    func()
}

func newWeak(w *world) *weak {
	s := &weak{let: make(chan struct{})}
	s.letGo = sync.OnceFunc(func() { close(s.let) })
	w.t.Cleanup(s.letGo)
	w.answers(func(rw http.ResponseWriter, r *http.Request) {
		now := s.at.Add(1)
		defer s.at.Add(-1)
		for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
		}
		s.mu.Lock()
		s.order = append(s.order, r.Header.Get("X-Test"))
		s.mu.Unlock()
		<-s.let
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"tong":1}`)
	})
	return s
}

// figures waits until so many calls are under way and wait.
func (w *world) figures(underWay, waiting int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d under way and %d waiting", underWay, waiting), func() bool {
		a, b := w.node.current.Load().held()
		return a == underWay && b == waiting
	})
}

func TestConcurrencyBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		c   Concurrency
		bad string
	}{
		{Concurrency{}, ""}, {Concurrency{Calls: 1}, ""}, {Concurrency{10_000, 10_000, 60}, ""}, {Concurrency{1, 1, 1}, ""},
		{Concurrency{Queue: 5, WaitSeconds: 5}, "concurrency/calls"}, {Concurrency{Calls: -1}, "concurrency/calls"}, {Concurrency{Calls: 10_001}, "concurrency/calls"},
		{Concurrency{WaitSeconds: 5}, "concurrency/calls"}, {Concurrency{1, -1, 1}, "concurrency/queue"}, {Concurrency{1, 10_001, 1}, "concurrency/queue"}, {Concurrency{1, 0, 5}, "concurrency/queue"},
		{Concurrency{1, 5, 0}, "concurrency/wait_seconds"}, {Concurrency{1, 5, 61}, "concurrency/wait_seconds"}, {Concurrency{1, 5, -1}, "concurrency/wait_seconds"},
	} {
		_, err := compileRoute(Route{Upstream: "http://x", Plan: Plan{RatePerMinute: 1}, Traffic: Traffic{Concurrency: tt.c}})
		var told *problem.Error
		if tt.bad == "" && err != nil || tt.bad != "" && (!errors.As(err, &told) || len(told.Fields) != 1 || told.Fields[0].Name != tt.bad || told.Fields[0].Code != "traffic-range") {
			t.Errorf("%+v: got %v, want %q", tt.c, err, tt.bad)
		}
	}
}

// TestCallsAtOnce: those beyond wait, and are refused when too many do or for
// too long; what is refused counts nowhere and reaches nothing.
func TestCallsAtOnce(t *testing.T) {
	t.Parallel()
	w := patiently(t)
	w.holds(Concurrency{Calls: 2, Queue: 1, WaitSeconds: 1})
	s := newWeak(w)
	key := []string{"X-API-Key", w.key}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if got := w.do("GET", "/ho-so", key...); got.status != 200 {
				t.Errorf("within the limit: got %d %s", got.status, got.code)
			}
		})
	}
	w.figures(2, 0)
	trace := fmt.Sprintf("%032x", 0xfa11)
	late := make(chan reply, 1)
	begun := time.Now()
	go func() { late <- w.do("GET", "/ho-so", append(key, "traceparent", traceparent(trace))...) }()
	w.figures(2, 1)
	if up, waiting := metric(t, w.node, "lgsp_gateway_held_calls"), metric(t, w.node, "lgsp_gateway_waiting_calls"); up != "2" || waiting != "1" {
		t.Errorf("metrics: %s under way, %s wait", up, waiting)
	}
	got := w.do("GET", "/ho-so", key...)
	if got.status != 503 || got.code != "queue-full" || got.header.Get("Retry-After") != "1" {
		t.Errorf("one too many: got %d %s, Retry-After %q", got.status, got.code, got.header.Get("Retry-After"))
	}
	if got := <-late; got.status != 503 || got.code != "queue-timeout" || got.header.Get("Retry-After") != "1" || time.Since(begun) < time.Second {
		t.Errorf("too long: got %d %s after %s", got.status, got.code, time.Since(begun))
	}
	if e := w.recorded(trace); e.Status != 503 || e.Code != "queue-timeout" || e.Application != w.app {
		t.Errorf("recorded %+v", e)
	}
	if left, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement); left.LeftToday != w.grant.Plan.QuotaPerDay-2 {
		t.Errorf("%d left today: refused calls count", left.LeftToday)
	}
	if w.reachedCount() != 2 || s.most.Load() != 2 {
		t.Errorf("%d calls reached the upstream, %d at once", w.reachedCount(), s.most.Load())
	}
	group.Go(func() {
		if got := w.do("GET", "/ho-so", key...); got.status != 200 {
			t.Errorf("who waited: got %d %s", got.status, got.code)
		}
	})
	w.figures(2, 1)
	s.letGo()
	group.Wait()
	w.figures(0, 0)
	w.holds(Concurrency{})
	if got := w.do("GET", "/ho-so", key...); got.status != 200 {
		t.Errorf("not held any more: got %d", got.status)
	}
}

// TestCallerLeavesTheQueue: at once, and its quota comes back.
func TestCallerLeavesTheQueue(t *testing.T) {
	t.Parallel()
	w := patiently(t)
	w.holds(Concurrency{Calls: 1, Queue: 5, WaitSeconds: 60})
	s := newWeak(w)
	var group sync.WaitGroup
	group.Go(func() { w.do("GET", "/ho-so", "X-API-Key", w.key) })
	w.figures(1, 0)
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", w.server.URL+w.route.Prefix()+"/ho-so", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-Key", w.key)
	group.Go(func() {
		if res, err := w.server.Client().Do(r); err == nil {
			res.Body.Close()
			t.Errorf("got %d", res.StatusCode)
		}
	})
	w.figures(1, 1)
	leave()
	w.figures(1, 0)
	w.until("given back", func() bool {
		left, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement)
		return left.LeftToday == w.grant.Plan.QuotaPerDay-1
	})
	s.letGo()
	group.Wait()
	if w.reachedCount() != 1 {
		t.Errorf("%d calls reached the upstream", w.reachedCount())
	}
}

// panics is a caller's side that fails in the middle of the answer.
type panics struct{ taker }

func (*panics) Write([]byte) (int, error) { panic("the writer is broken") }

// TestPlaceIsLeft on every way out.
func TestPlaceIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.holds(Concurrency{Calls: 1})
	hijack := func(text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, text)
				_ = conn.Close()
			}
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"answered":             answers(200, `{"tong":1}`),
		"not the agreed type":  func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "x") },
		"no JSON":              answers(200, `{"tong":`),
		"404":                  answers(404, `{}`),
		"503":                  answers(503, `{}`),
		"broken off":           breaksOff,
		"broken off in a body": hijack("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"),
		"not HTTP":             hijack("what?\r\n\r\n"),
		"slow":                 func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"another protocol":     hijack("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
	} {
		s := newSecond(t, answer)
		w.expose(Upstream{s.URL, 1})                               // a new address, of which nothing is known
		for _, target := range []string{"/ho-so", "/danh-muc/1"} { // cut to the agreed fields, and passed on
			for _, method := range []string{"GET", "HEAD"} {
				w.attempt(method, target)
				w.figures(0, 0)
			}
		}
		if s.calls.Load() != 4 {
			t.Errorf("%s: %d of 4 calls reached the upstream", name, s.calls.Load())
		}
	}
	down := newSecond(t, breaksOff)
	w.expose(Upstream{down.URL, 1})
	for range 12 { // the last two reach nothing
		w.attempt("GET", "/ho-so")
	}
	if down.calls.Load() != 10 {
		t.Errorf("%d calls reached an upstream that is down", down.calls.Load())
	}
	w.figures(0, 0)
	w.expose(Upstream{w.upstream.URL, 1})
	w.answers(answers(200, `{"tong":1}`))
	r := httptest.NewRequest("GET", w.route.Prefix()+"/danh-muc/1", nil)
	r.RequestURI, r.Body = w.route.Prefix()+"/danh-muc/1", http.NoBody
	func() {
		defer func() { _ = recover() }()
		w.node.ServeHTTP(&panics{taker{header: http.Header{}}}, r)
	}()
	w.figures(0, 0)
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 {
		t.Errorf("after all of it: got %d %s", got.status, got.code)
	}
}

// attempt calls, whatever comes of it.
func (w *world) attempt(method, target string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.server.URL+w.route.Prefix()+target, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("X-API-Key", w.key)
	res, err := w.server.Client().Do(r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
}

// slowTaker takes an answer when it is told to.
type slowTaker struct {
	taker
	let chan struct{}
}

func (t *slowTaker) Write(p []byte) (int, error) {
	<-t.let
	return len(p), nil
}

func (t *slowTaker) WriteFields(int, http1.Fields) {}

// TestSlowCallerHoldsNoPlace when the upstream has answered in full.
func TestSlowCallerHoldsNoPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.holds(Concurrency{Calls: 1})
	target := w.route.Prefix() + "/ho-so"
	r := httptest.NewRequest("GET", target, nil)
	r.RequestURI, r.Body = target, http.NoBody
	r.Header = http.Header{"X-Api-Key": {w.key}}
	slow := &slowTaker{taker{header: http.Header{}}, make(chan struct{})}
	var group sync.WaitGroup
	group.Go(func() { w.node.ServeHTTP(slow, r) })
	w.until("asked", func() bool { return w.reachedCount() == 1 })
	w.figures(0, 0)
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 {
		t.Errorf("got %d %s", got.status, got.code)
	}
	close(slow.let)
	group.Wait()
}

// TestQueueSurvivesAChange: calls under way count on when the version changes.
func TestQueueSurvivesAChange(t *testing.T) {
	t.Parallel()
	w := patiently(t)
	w.holds(Concurrency{Calls: 1})
	s := newWeak(w)
	var group sync.WaitGroup
	group.Go(func() { w.do("GET", "/ho-so", "X-API-Key", w.key) })
	w.figures(1, 0)
	w.holds(Concurrency{Calls: 2, Queue: 1, WaitSeconds: 60})
	for range 2 {
		group.Go(func() { w.do("GET", "/ho-so", "X-API-Key", w.key) })
	}
	w.figures(2, 1)
	w.holds(Concurrency{Calls: 3, Queue: 1, WaitSeconds: 60}) // who waits need not any more
	w.figures(3, 0)
	w.until("all three asked", func() bool { return s.at.Load() == 3 })
	s.letGo()
	group.Wait()
}

// TestQueueIsFair: an application with 200 waiting calls holds up another's one
// by one call, and does not push it out of a full queue.
func TestQueueIsFair(t *testing.T) {
	t.Parallel()
	w := patiently(t)
	w.node.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	w.holds(Concurrency{Calls: 1, Queue: 200, WaitSeconds: 60})
	s := newWeak(w)
	var group sync.WaitGroup
	var full atomic.Int32
	call := func(name string, headers ...string) {
		group.Go(func() {
			if got := w.do("GET", "/danh-muc/1", append(headers, "X-Test", name)...); got.code == "queue-full" {
				full.Add(1)
			} else if got.status != 200 {
				t.Errorf("%s: got %d %s", name, got.status, got.code)
			}
		})
	}
	call("first", "X-Forwarded-For", "192.0.2.1")
	w.figures(1, 0)
	for range 200 {
		call("many", "X-API-Key", w.key)
	}
	w.figures(1, 200)
	call("many", "X-API-Key", w.key) // one too many
	call("address", "X-Forwarded-For", "192.0.2.7")
	w.until("pushed out", func() bool { return full.Load() == 2 })
	call("neighbour", "X-Forwarded-For", "192.0.2.8")
	w.until("pushed out", func() bool { return full.Load() == 3 })
	w.figures(1, 200)
	s.letGo()
	group.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	early := s.order[1:4]
	if !slices.Contains(early, "address") || !slices.Contains(early, "neighbour") || s.most.Load() != 1 || len(s.order) != 201 || full.Load() != 3 {
		t.Errorf("first came %q of %d, %d at once, %d refused", early, len(s.order), s.most.Load(), full.Load())
	}
}

// TestSlowVersionMovesNoOther: while one version's calls stand in a long queue,
// or all at an upstream that does not answer, those of another take as long as
// ever.
func TestSlowVersionMovesNoOther(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		held              Concurrency
		underWay, waiting int
	}{
		"in a queue":      {Concurrency{Calls: 2, Queue: 500, WaitSeconds: 60}, 2, 298},
		"at the upstream": {Concurrency{Calls: 1000}, 300, 0},
	} {
		t.Run(name, func(t *testing.T) { slowBesideQuick(t, tt.held, tt.underWay, tt.waiting) })
	}
}

// slowBesideQuick measures a quick version by itself, and beside 300 calls of a
// slow one.
func slowBesideQuick(t *testing.T, held Concurrency, underWay, waiting int) {
	w := patiently(t)
	quick := w.route
	quick.Version, quick.APISlug, quick.Traffic = uuid.Must(uuid.NewV7()), "nhanh", Traffic{}
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, quick) })
	w.holds(held)
	let := make(chan struct{})
	letGo := sync.OnceFunc(func() { close(let) })
	t.Cleanup(letGo)
	w.answers(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Test") == "slow" {
			<-let
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{}`)
	})
	measure := func() time.Duration {
		var took []time.Duration
		for range 100 {
			at := time.Now()
			if got := w.do("GET", "@"+quick.Prefix()+"/danh-muc/1"); got.status != 200 {
				t.Fatalf("the quick one: got %d %s", got.status, got.code)
			}
			took = append(took, time.Since(at))
		}
		slices.Sort(took)
		return took[90]
	}
	measure()
	quiet := measure()
	var group sync.WaitGroup
	dialer := net.Dialer{}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 400}}
	for range 300 {
		group.Go(func() {
			r, err := http.NewRequest("GET", w.server.URL+w.route.Prefix()+"/danh-muc/1", nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("X-Test", "slow")
			res, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("the slow one: got %d", res.StatusCode)
			}
		})
	}
	w.figures(underWay, waiting)
	if busy := measure(); busy > 3*quiet+20*time.Millisecond {
		t.Errorf("nine of ten calls of the quick version take %s, and %s beside a slow one", quiet, busy)
	}
	letGo()
	group.Wait()
	client.CloseIdleConnections()
	w.figures(0, 0)
}
