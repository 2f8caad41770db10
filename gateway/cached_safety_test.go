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
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// echoes lets the upstream answer with what it was asked, to be stored.
func (c *cached) echoes() {
	c.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintln(rw, r.Method, r.RequestURI)
		var lines []string
		for name, values := range r.Header {
			lines = append(lines, fmt.Sprintf("%s: %s", name, values))
		}
		slices.Sort(lines)
		_, _ = io.WriteString(rw, strings.Join(lines, "\n"))
	})
}

// TestNoCallerChoosesWhatOthersGet: whatever a caller sends, the upstream is
// told what the key holds and what is ours, and nothing else.
func TestNoCallerChoosesWhatOthersGet(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.echoes()
	evil := []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For", "X-Host", "X-Original-Url", "X-Rewrite-Url", "Forwarded", "Origin", "Referer", "User-Agent", "Cookie",
		"X-Http-Method-Override", "X-Request-Id", "LGSP-Purpose", "LGSP-Application", "X-Evil", "Content-Type", "Te", "Max-Forwards", "X-Wap-Profile", "Accept-Charset", "Dnt", "Via", "Tracestate", "Accept-Encoding", "If-None-Match"}
	var headers []string
	for _, name := range evil {
		headers = append(headers, name, "evil")
	}
	if got := c.do("GET", "/danh-muc/1", headers...); got.status != 200 || strings.Contains(got.body, "evil") {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	r, _ := c.last()
	var names []string
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"Accept", "Accept-Encoding", "Lgsp-Agency", "Traceparent", "Via", "X-Request-Id"}; !slices.Equal(names, want) {
		t.Errorf("the upstream sees %v, want %v", names, want)
	}
	if got := c.do("GET", "/danh-muc/1"); c.reachedCount() != 1 || got.status != 200 {
		t.Errorf("the next one was asked for too: %d, %d calls", got.status, c.reachedCount())
	}
	c.send(c.server, "GET", "/danh-muc/2", "evil body")
	if got := c.do("GET", "/danh-muc/2"); c.reachedCount() != 3 || got.header.Get("Cache-Status") != "lgsp; fwd=miss; stored" {
		t.Errorf("an answer to a GET with a body is given to others: %v", got.header)
	}
	for _, own := range [][]string{{"Cache-Control", "no-store"}, {"Range", "bytes=0-1"}, {"If-Match", "*"}} { // sent on by itself, and as bare
		if got := c.do("GET", "/danh-muc/4", append(own, "X-Evil", "evil", "Cookie", "evil")...); strings.Contains(got.body, "evil") || !strings.Contains(got.body, own[1]) {
			t.Errorf("%s: got %s", own, got.body)
		}
	}
	if got := c.do("GET", "/danh-muc/4", "X-Own", "mine", "X-API-Key", c.key); !strings.Contains(got.body, "mine") {
		t.Errorf("with a key: got %s", got.body)
	}
	if got := c.do("GET", "/danh-muc/3", "Accept", strings.Repeat("a", 5000)); got.header.Get("Cache-Status") != "lgsp; fwd=bypass" {
		t.Errorf("a key may be of any length: %v", got.header)
	}
}

// TestSpellingsNeverMeet: two addresses that an upstream may tell apart are
// never answered with one another's.
func TestSpellingsNeverMeet(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.echoes()
	targets := []string{"/danh-muc/a", "/danh-muc/A", "/danh-muc/a.css", "/danh-muc/a%3B.css", "/danh-muc/a%3Fx=1", "/danh-muc/a?x=1", "/danh-muc/a?x=1&y=2", "/danh-muc/a?y=2&x=1", "/danh-muc/a?x=%31",
		"/danh-muc/a?x=1&x=2", "/danh-muc/a?X=1", "/danh-muc/a?x=", "/danh-muc/a?x", "/danh-muc/a%2Fb", "/danh-muc/a%2F", "/danh-muc/a%20", "/danh-muc/a%00x", "/danh-muc/a%0Ax", "/danh-muc/a%23", "/danh-muc/a?x=1%26y=2",
		"/danh-muc/a%252F", "/tam/a", "/danh-muc/a?x=a+b", "/danh-muc/a?x=a%20b", "/danh-muc/a%2E", "/danh-muc/%61", "/danh-muc/a/", "/danh-muc//a", "/danh-muc/./a", "/danh-muc/a;x"}
	for round := range 2 {
		for _, target := range targets {
			got := c.do("GET", target)
			if got.status == 400 || got.status == 404 {
				continue // refused before: TestCanonical
			}
			seen := strings.Fields(got.body)
			want := "/goc" + target
			if target == "/danh-muc/%61" {
				want = "/goc/danh-muc/a" // one spelling of the same (RFC 3986 §6.2.2.2)
			}
			if got.status != 200 || seen[0] != "GET" || seen[1] != want {
				t.Errorf("round %d, %s: got %d %v", round, target, got.status, seen[:2])
			}
		}
	}
	c.do("GET", "/danh-muc/b?")
	before := c.reachedCount()
	if c.do("GET", "/danh-muc/b"); c.reachedCount() != before {
		t.Error("an empty query is another address, though the upstream sees none of it")
	}
}

// TestCredentialsPassTheStoreBy: an answer to a call with a credential is given
// to nobody else, and what is stored is not given to it.
func TestCredentialsPassTheStoreBy(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.echoes()
	for i, headers := range [][]string{{"X-API-Key", c.key}, {"Authorization", "ApiKey " + c.key}, {"Authorization", "Bearer " + c.token("1")}} {
		path := fmt.Sprintf("/danh-muc/k%d", i)
		for _, control := range []string{"public, max-age=60", "s-maxage=60, must-revalidate"} { // RFC 9111 §3.5 would let it
			c.answers(func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Cache-Control", control)
				fmt.Fprintf(rw, "for %q", r.Header.Get("Lgsp-Application"))
			})
			known := c.do("GET", path, headers...)
			if known.body != fmt.Sprintf("for %q", c.app) || known.header.Get("Cache-Status") != "lgsp; fwd=bypass" || known.header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %s %v", known.body, known.header)
			}
			for range 2 {
				if got := c.do("GET", path); got.body != `for ""` {
					t.Errorf("%v: somebody else got %s", headers, got.body)
				}
			}
			if again := c.do("GET", path, headers...); again.body != known.body {
				t.Errorf("%v: got %s, stored", headers, again.body)
			}
			c.do("PUT", path)
		}
	}
	before := c.reachedCount()
	if got := c.do("GET", "/danh-muc/k0", "X-API-Key", c.key[:30]); got.status != 401 || c.reachedCount() != before {
		t.Errorf("a wrong key: got %d", got.status)
	}
}

// TestOnlyOpenReadsAreCached: a version that would store anything else cannot
// be published.
func TestOnlyOpenReadsAreCached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		name   string
		caches []Cache
		ok     bool
	}{
		{"open", []Cache{{Operations: []string{"mo"}, Seconds: 86_400, StaleWhileRevalidateSeconds: 86_400, StaleIfErrorSeconds: 604_800}}, true},
		{"restricted", []Cache{{Operations: []string{"mo", "tim"}}}, false},
		{"personal", []Cache{{Operations: []string{"nguoi"}}}, false},
		{"POST", []Cache{{Operations: []string{"gui"}}}, false},
		{"unknown", []Cache{{Operations: []string{"la"}}}, false},
		{"twice", []Cache{{Operations: []string{"mo"}}, {Operations: []string{"mo"}}}, false},
		{"none", []Cache{{}}, false},
		{"negative", []Cache{{Operations: []string{"mo"}, Seconds: -1}}, false},
		{"too long fresh", []Cache{{Operations: []string{"mo"}, Seconds: 86_401}}, false},
		{"too long stale", []Cache{{Operations: []string{"mo"}, StaleWhileRevalidateSeconds: 86_401}}, false},
		{"too long after an error", []Cache{{Operations: []string{"mo"}, StaleIfErrorSeconds: 604_801}}, false},
	} {
		route := w.route
		route.Traffic.Cache = tt.caches
		err := pgx.BeginFunc(context.Background(), w.db, func(tx pgx.Tx) error { return Expose(context.Background(), tx, route) })
		if (err == nil) != tt.ok || err != nil && problem.Code(err) != "route-unservable" {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// TestStoredAnswersAreEachCallersOwn: what the gateway says of a call is said
// anew, and what the upstream was told of another is not repeated.
func TestStoredAnswersAreEachCallersOwn(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.answers(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Cache-Control", "max-age=60")
		for _, name := range []string{"X-Request-Id", "Traceparent"} {
			h.Set(name, r.Header.Get(name))
		}
		h.Set("LGSP-Application", "one's")
		h.Set("RateLimit", "theirs")
		h.Set("Access-Control-Allow-Origin", "https://one.test")
		h.Set("Cache-Status", "other; hit")
		h.Set("Vary", "Accept")
		h.Set("X-Kept", "1")
	})
	c.do("GET", "/danh-muc/1", "X-Request-Id", "first", "Origin", "https://one.test")
	got := c.do("GET", "/danh-muc/1", "X-Request-Id", "second", "Origin", "https://two.test").header
	if c.reachedCount() != 1 || got.Get("X-Request-Id") != "second" || got.Get("Access-Control-Allow-Origin") != "*" || got.Get("X-Kept") != "1" || got.Get("Traceparent") != "" || got.Get("LGSP-Application") != "" ||
		!strings.HasPrefix(got.Get("RateLimit"), `"minute";r=`) || len(got.Values("X-Request-Id")) != 1 || !strings.HasPrefix(got.Get("Cache-Status"), "lgsp; hit; ttl=") {
		t.Errorf("got %v", got)
	}
	if vary := got.Values("Vary"); !slices.Contains(vary, "Origin") || !slices.Contains(vary, "Accept") {
		t.Errorf("Vary: %v", vary)
	}
}

// TestHitsAreRecordedAndCounted: a call that is answered from what is stored
// leaves its record, counts against its limits and is told of in the metrics.
func TestHitsAreRecordedAndCounted(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.route.Plan.RatePerMinute = 4
	c.exposed(func(v *version) bool { return v.Plan.RatePerMinute == 4 })
	c.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(rw, "body")
	})
	for i := range 6 {
		trace := fmt.Sprintf("%032x", 0xca0+i)
		got := c.do("GET", "/danh-muc/1", "Traceparent", traceparent(trace))
		want := 200
		if i >= 4 {
			want = 429
		}
		e := c.recorded(trace)
		if got.status != want || e.Status != want || e.Operation != "mo" || !e.Complete || want == 200 && (e.BytesOut != 4 || e.AnswerSum != (Sum{}) || e.RequestSum == (Sum{}) || e.Access != Open) {
			t.Errorf("call %d: got %d, recorded %+v", i, got.status, e)
		}
	}
	if c.reachedCount() != 1 {
		t.Errorf("asked %d times", c.reachedCount())
	}
	figures := c.figures()
	for name, want := range map[string]float64{"lgsp_gateway_cache_calls_total hit": 3, "lgsp_gateway_cache_calls_total miss": 1, "lgsp_gateway_cache_answers": 1, "lgsp_gateway_cache_evictions_total": 0} {
		if figures[name] != want {
			t.Errorf("%s: got %v, want %v", name, figures[name], want)
		}
	}
	if bytes := figures["lgsp_gateway_cache_bytes"]; bytes < 600 || bytes > 2000 {
		t.Errorf("bytes: %v", bytes)
	}
}

// TestRefusedCallersGetNothingStored: who may not call gets nothing of what is
// stored, whatever the reason, and leaves a record; it is there all the while.
func TestRefusedCallersGetNothingStored(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	off := auth.NewKey(auth.KindKey)
	offApp := uuid.Must(uuid.NewV7())
	c.mu.Lock()
	c.keys = append(c.keys, auth.GatewayCredential{Lookup: off.Lookup, Hash: off.Hash(pepper), PepperVersion: 1, Application: offApp, Expires: c.now().Add(time.Hour)})
	c.disabled = append(c.disabled, offApp)
	c.mu.Unlock()
	c.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=172800, stale-if-error=172800")
		_, _ = io.WriteString(rw, "what is stored")
	})
	now := c.now().In(vietnam)
	office := &Hours{From: now.Format("15:04"), Until: now.Add(time.Hour).Format("15:04")}
	c.traffic(func(tr *Traffic) {
		tr.Conditions = []Condition{{Operations: []string{"mo"}, Hours: office, Networks: []string{"127.0.0.1"}}}
		tr.Limits = []Limit{{Per: "address", Calls: 3, Window: "day"}}
	})
	c.tell("credential")
	c.until("loaded", func() bool { return c.node.knows(off.Lookup).Application == offApp })
	hit := func(after string) {
		t.Helper()
		if got := c.do("GET", "/danh-muc/1"); got.status != 200 || got.body != "what is stored" || c.reachedCount() != 1 {
			t.Errorf("%s: got %d %s after %d calls of the upstream", after, got.status, got.code, c.reachedCount())
		}
	}
	hit("first")
	elsewhere := func(trace string) reply {
		target := c.route.Prefix() + "/danh-muc/1"
		r, to := httptest.NewRequest("GET", target, nil), httptest.NewRecorder()
		r.RequestURI, r.RemoteAddr = target, "192.0.2.1:9999"
		r.Header.Set("Traceparent", traceparent(trace))
		c.node.ServeHTTP(to, r)
		var p struct{ Code string }
		_ = json.Unmarshal(to.Body.Bytes(), &p) // of something else there is no code
		return reply{to.Code, to.Header(), to.Body.String(), p.Code}
	}
	refused := func(number int, code string, status int, call func(trace string) reply) {
		t.Helper()
		trace := fmt.Sprintf("%032x", 0xdead00+number)
		got := call(trace)
		if e := c.recorded(trace); got.status != status || got.code != code || strings.Contains(got.body, "stored") || got.header.Get("Age")+got.header.Get("Cache-Status") != "" || e.Status != status || e.Code != code {
			t.Errorf("%s: got %d %s %v, recorded %d %s", code, got.status, got.body, got.header, e.Status, e.Code)
		}
	}
	with := func(headers ...string) func(string) reply {
		return func(trace string) reply {
			return c.do("GET", "/danh-muc/1", append(headers, "Traceparent", traceparent(trace))...)
		}
	}
	refused(1, "key-wrong", 401, with("X-API-Key", auth.NewKey(auth.KindKey).Secret()))
	refused(2, "caller-disabled", 401, with("X-API-Key", off.Secret()))
	refused(3, "two-credentials", 400, with("X-API-Key", c.key, "Authorization", "Bearer "+c.token("1")))
	refused(4, "outside-network", 403, elsewhere)
	hit("refused by who asks")
	c.clock.Add(int64(2 * time.Hour))
	refused(5, "outside-hours", 403, with())
	c.clock.Add(int64(22 * time.Hour))
	hit("the next day")
	hit("once more")
	hit("the third of the day")
	refused(6, "quota-exceeded", 429, with())
}

// figures are the node's metrics of what is stored.
func (c *cached) figures() map[string]float64 {
	c.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c.node.Metrics)
	families, err := registry.Gather()
	if err != nil {
		c.t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			figures[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return figures
}

// TestPublishingDropsWhatIsStored: what was stored of a version is not given
// once it is published anew or withdrawn, and takes no room; another version's stays.
func TestPublishingDropsWhatIsStored(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.echoes()
	other := c.route
	other.Version, other.APISlug = uuid.Must(uuid.NewV7()), "khac"
	c.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, other) })
	c.until("exposed", func() bool { return c.node.current.Load().byVersion[other.Version] != nil })
	c.do("GET", "/danh-muc/1")
	c.do("GET", "@"+other.Prefix()+"/danh-muc/1")
	edition := c.node.current.Load().byVersion[c.route.Version].edition
	c.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, c.route) }) // the same once more
	c.until("published", func() bool { return c.node.current.Load().byVersion[c.route.Version].edition != edition })
	c.until("dropped", func() bool { return c.node.stored.Figures().Answers == 1 })
	if got := c.do("GET", "/danh-muc/1"); c.reachedCount() != 3 || got.header.Get("Cache-Status") != "lgsp; fwd=miss; stored" {
		t.Errorf("published anew: %v", got.header)
	}
	if got := c.do("GET", "@"+other.Prefix()+"/danh-muc/1"); c.reachedCount() != 3 || got.status != 200 {
		t.Errorf("another version's: %v", got.header)
	}
	c.commit(func(ctx context.Context, tx pgx.Tx) error {
		return Withdraw(ctx, tx, End{Version: c.route.Version, At: time.Now()})
	})
	c.until("withdrawn", func() bool { return c.node.stored.Figures().Answers == 1 })

	kept := c.node.current.Load().byVersion[other.Version]
	same, err := compileRoute(kept.Route)
	if err != nil {
		t.Fatal(err)
	}
	if c.node.attachCache(same, false); same.edition != kept.edition {
		t.Error("what stayed the same is forgotten when everything is loaded anew")
	}
	kept.Route.Upstream += "/x"
	if c.node.attachCache(same, false); same.edition == kept.edition {
		t.Error("what is another now is not")
	}
}

// TestPartsOfWhatIsStored: a range is cut from a whole answer, or sent on.
func TestPartsOfWhatIsStored(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=60")
		rw.Header().Set("Etag", `"a"`)
		http.ServeContent(rw, r, "", time.Time{}, strings.NewReader("0123456789"))
	})
	if got := c.do("GET", "/danh-muc/1", "Range", "bytes=2-3"); got.status != 206 || got.body != "23" || got.header.Get("Cache-Status") != "lgsp; fwd=miss" {
		t.Errorf("nothing stored: got %d %q %v", got.status, got.body, got.header)
	}
	c.do("GET", "/danh-muc/1")
	for _, tt := range []struct {
		headers []string
		status  int
		body    string
		of      string
	}{
		{[]string{"Range", "bytes=2-3"}, 206, "23", "bytes 2-3/10"},
		{[]string{"Range", "bytes=-3"}, 206, "789", "bytes 7-9/10"},
		{[]string{"Range", "bytes=8-", "If-Range", `"a"`}, 206, "89", "bytes 8-9/10"},
		{[]string{"Range", "bytes=8-", "If-Range", `"b"`}, 200, "0123456789", ""},
		{[]string{"Range", "bytes=0-1,3-4"}, 200, "0123456789", ""},
		{[]string{"Range", "bytes=0-1", "If-None-Match", `"a"`}, 304, "", ""},
	} {
		got := c.do("GET", "/danh-muc/1", tt.headers...)
		if got.status != tt.status || got.body != tt.body || got.header.Get("Content-Range") != tt.of || got.status != 304 && got.header.Get("Content-Length") != fmt.Sprint(len(tt.body)) {
			t.Errorf("%v: got %d %q %v", tt.headers, got.status, got.body, got.header)
		}
	}
	if got := c.do("GET", "/danh-muc/1", "Range", "bytes=10-"); got.status != 416 || got.code != "range-not-satisfiable" || got.header.Get("Content-Range") != "bytes */10" {
		t.Errorf("got %d %s %v", got.status, got.code, got.header)
	}
	if got := c.do("HEAD", "/danh-muc/1", "Range", "bytes=2-3"); got.status != 200 || got.header.Get("Content-Length") != "10" || got.body != "" {
		t.Errorf("HEAD: got %d %v", got.status, got.header)
	}
	if c.reachedCount() != 2 {
		t.Errorf("asked %d times", c.reachedCount())
	}
}

// TestCacheOff: a node without room stores nothing, and an operation that is
// not opened to it is forwarded as it comes.
func TestCacheOff(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.echoes()
	for range 2 {
		if got := c.do("GET", "/khong/1", "X-Own", "1"); !strings.Contains(got.body, "X-Own: [1]") || got.header.Get("Cache-Status") != "" {
			t.Errorf("got %s %v", got.body, got.header)
		}
	}
	if c.reachedCount() != 2 {
		t.Errorf("asked %d times", c.reachedCount())
	}
	c.storage = -1
	_, server := c.start(t.TempDir())
	for range 2 {
		if got := c.send(server, "GET", "/danh-muc/1", ""); got.header.Get("Cache-Status") != "" {
			t.Errorf("got %v", got.header)
		}
	}
	if c.reachedCount() != 4 {
		t.Errorf("asked %d times", c.reachedCount())
	}
}

// TestCacheOverHTTP2 is the same as over HTTP/1.1, and what came by the one is
// given by the other.
func TestCacheOverHTTP2(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.traffic(func(tr *Traffic) { tr.Compress = true })
	c.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Cache-Control", "max-age=60")
		rw.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(rw, strings.Repeat("x", 5000))
	})
	server := httptest.NewUnstartedServer(c.node)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	for i := range 2 {
		res, err := server.Client().Get(server.URL + c.route.Prefix() + "/danh-muc/1")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		hit := strings.HasPrefix(res.Header.Get("Cache-Status"), "lgsp; hit")
		if err != nil || res.ProtoMajor != 2 || len(body) != 5000 || !res.Uncompressed || hit != (i > 0) {
			t.Errorf("call %d: %s, %d bytes, %v, %v", i, res.Proto, len(body), err, res.Header)
		}
	}
	if got := c.do("GET", "/danh-muc/1"); len(got.body) != 5000 || c.reachedCount() != 1 {
		t.Errorf("over HTTP/1.1: %d bytes, asked %d times", len(got.body), c.reachedCount())
	}
}
