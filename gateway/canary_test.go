package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"lgsp/internal/problem"
)

// withCanary puts a canary in force, at an upstream of its own.
func (w *world) withCanary(k Canary, upstreams ...*second) {
	w.t.Helper()
	for _, s := range upstreams {
		k.Upstreams = append(k.Upstreams, Upstream{URL: s.URL + "/moi"})
	}
	w.route.Traffic.Canary = k
	w.exposed(func(v *version) bool { return v.canary != nil && v.Traffic.Canary.Percent == k.Percent })
}

// TestCanaryByHeader: a call that says so goes to the canary, once and exactly;
// whether the system sees the header is the version's choice.
func TestCanaryByHeader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		keep    bool
		lines   []string // of the call's header
		canary  bool
		arrived string // of X-Ban-Thu at the system
	}{
		{"named", false, []string{"X-Ban-Thu", "co"}, true, ""},
		{"named, and kept", true, []string{"x-ban-thu", "co"}, true, "co"},
		{"another value", false, []string{"X-Ban-Thu", "khong"}, false, ""},
		{"another value, and kept", true, []string{"X-Ban-Thu", "khong"}, false, "khong"},
		{"twice", false, []string{"X-Ban-Thu", "co", "X-Ban-Thu", "co"}, false, ""},
		{"another spelling of the value", false, []string{"X-Ban-Thu", "CO"}, false, ""},
		{"an underscore's twin", false, []string{"X_Ban_Thu", "co"}, false, ""},
		{"none", false, nil, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var seen http.Header
			s := newSecond(t, func(rw http.ResponseWriter, r *http.Request) {
				seen = r.Header
				answers(200, `{"tong":2}`)(rw, r)
			})
			w.withCanary(Canary{Header: "X-Ban-Thu", Value: "co", Keep: tt.keep}, s)
			trace := fmt.Sprintf("%032x", 0xca9)
			got := w.do("GET", "/ho-so", append([]string{"X-API-Key", w.key, "Traceparent", traceparent(trace)}, tt.lines...)...)
			if got.status != 200 {
				t.Fatalf("got %d %s", got.status, got.code)
			}
			if asked := s.calls.Load() == 1; asked != tt.canary {
				t.Errorf("the canary was asked: %v, want %v", asked, tt.canary)
			}
			if !tt.canary {
				r, _ := w.last()
				seen = r.Header
			} else if _, ok := s.paths.Load("/moi/ho-so"); !ok {
				t.Error("the canary was called below another path than its own")
			}
			if seen.Get("X-Ban-Thu") != tt.arrived || seen.Get("X_ban_thu") != "" {
				t.Errorf("the system saw %v", seen)
			}
			if e := w.recorded(trace); e.Canary != tt.canary {
				t.Errorf("recorded %+v", e)
			}
		})
	}
}

// TestCanaryShare: a caller stays where it is, at every node; as the share
// grows, nobody leaves the canary.
func TestCanaryShare(t *testing.T) {
	t.Parallel()
	v := &version{Route: Route{Version: uuid.Must(uuid.NewV7())}}
	other := &version{Route: Route{Version: uuid.Must(uuid.NewV7())}}
	is := func(v *version, who caller, address string, percent uint64) bool {
		v.canary = &canary{percent: percent}
		c := &call{version: v, caller: who, address: netip.MustParseAddr(address)}
		return c.isCanary(&http.Request{Header: http.Header{}})
	}
	const callers = 20_000
	in, moved, elsewhere := 0, 0, 0
	for i := range callers {
		who, address := caller{}, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		if i%2 == 0 {
			who.application = uuid.Must(uuid.NewV7())
		}
		small := is(v, who, address, 10)
		if small != is(v, who, address, 10) || small && !is(v, who, address, 11) || is(v, who, address, 0) || !is(v, who, address, 100) {
			t.Fatal("a caller jumped")
		}
		if small {
			in++
		}
		if who.application != uuid.Nil && small != is(v, who, "192.0.2.1", 10) {
			moved++
		}
		if small && is(other, who, address, 10) {
			elsewhere++
		}
	}
	if in < callers*8/100 || in > callers*12/100 {
		t.Errorf("%d of %d callers are in, want 10 percent", in, callers)
	}
	if moved > 0 {
		t.Errorf("%d applications moved with their address", moved)
	}
	if elsewhere > in/4 { // a tenth, were it by chance
		t.Errorf("%d of %d are in at another version too", elsewhere, in)
	}
	for i := range 32 {
		customer := fmt.Sprintf("2001:db8:1:%x:", i)
		if is(v, caller{}, customer+":1", 50) != is(v, caller{}, customer+"ffff::9", 50) {
			t.Error("one customer's IPv6 addresses are in two groups")
		}
	}
}

// TestCanaryFails: tries stay in the group that the call is of, and once it is
// out the version's own address answers; it comes back by itself, and never
// takes calls of the version's own that is out.
func TestCanaryFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newSecond(t, breaksOff)
	w.withCanary(Canary{Percent: 100}, s)
	for i := range 3 {
		if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 502 {
			t.Fatalf("call %d: got %d %s", i, got.status, got.code)
		}
	}
	if w.reachedCount() != 0 {
		t.Error("a call of the canary was tried again at the version's own address")
	}
	trace := fmt.Sprintf("%032x", 0xfa11)
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key, "Traceparent", traceparent(trace)); got.status != 200 || s.calls.Load() != 3 {
		t.Errorf("once it is out: got %d %s, the canary was asked %d times", got.status, got.code, s.calls.Load())
	}
	if w.recorded(trace).Canary {
		t.Error("recorded as the canary's")
	}
	if w.node.Health().Failing != nil {
		t.Error("a service counts as failing whose own address answers")
	}
	text := figures(t, w.node)
	for _, want := range []string{"lgsp_gateway_canaries_out 1", `lgsp_gateway_canary_calls_total{group="canary",result="failed"} 3`,
		`lgsp_gateway_canary_calls_total{group="version",result="answered"} 1`, `lgsp_gateway_canary_seconds{group="canary"} 3`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	well := answers(200, `{"tong":2}`)
	s.answer.Store(&well)
	w.clock.Add(int64(time.Second))
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 || s.calls.Load() != 4 {
		t.Errorf("back: got %d %s, the canary was asked %d times", got.status, got.code, s.calls.Load())
	}
	w.route.Traffic.Canary.Percent = 0
	w.route.TitleVI = "Tên khác"
	w.exposed(func(v *version) bool { return v.TitleVI == "Tên khác" })
	w.answers(breaksOff)
	for range 12 {
		w.do("GET", "/ho-so", "X-API-Key", w.key)
	}
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.code != "upstream-down" || s.calls.Load() != 4 {
		t.Errorf("own address down: got %d %s", got.status, got.code)
	}
}

// TestCanarySurvivesAChange: a version that is exposed anew knows that its
// canary is out.
func TestCanarySurvivesAChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newSecond(t, breaksOff)
	w.withCanary(Canary{Percent: 100}, s)
	for range 3 {
		w.do("GET", "/ho-so", "X-API-Key", w.key)
	}
	w.withCanary(Canary{Percent: 90}, s)
	if v := w.node.current.Load().byVersion[w.route.Version]; !v.canary.pool.Down() {
		t.Error("it forgot")
	}
	w.route.Traffic.Canary = Canary{}
	w.exposed(func(v *version) bool { return v.canary == nil })
}

// TestCanaryRetries: a second try goes to the canary's other address.
func TestCanaryRetries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead, well := newSecond(t, breaksOff), newSecond(t, answers(200, `{"tong":2}`))
	w.withCanary(Canary{Percent: 100}, dead, well)
	for range 4 {
		if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 {
			t.Errorf("got %d %s", got.status, got.code)
		}
	}
	if w.reachedCount() != 0 || dead.calls.Load() == 0 || well.calls.Load() != 4 {
		t.Errorf("asked %d, %d and %d", w.reachedCount(), dead.calls.Load(), well.calls.Load())
	}
}

// TestCanaryIsProbed: where addresses are asked whether they are well, so are
// the canary's.
func TestCanaryIsProbed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newSecond(t, answers(500, `{}`))
	w.route.Traffic.Health = HealthCheck{Path: "/suc-khoe", EverySeconds: 5}
	w.withCanary(Canary{Percent: 100}, s)
	w.until("it is out", func() bool {
		w.clock.Add(int64(6 * time.Second))
		return w.node.current.Load().byVersion[w.route.Version].canary.pool.Down()
	})
	if _, ok := s.paths.Load("/moi/suc-khoe"); !ok {
		t.Error("asked elsewhere")
	}
}

// TestCanaryAndStoredAnswers: nobody gets an answer of the other group's.
func TestCanaryAndStoredAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newSecond(t, answers(200, `{"ban":"moi"}`))
	w.answers(answers(200, `{"ban":"cu"}`))
	w.route.Traffic.Cache = []Cache{{Operations: []string{"mo"}, Seconds: 60}}
	w.withCanary(Canary{Header: "X-Ban-Thu", Value: "co"}, s)
	for range 3 {
		if got := w.do("GET", "/danh-muc/1"); got.body != `{"ban":"cu"}` {
			t.Errorf("got %s", got.body)
		}
		if got := w.do("GET", "/danh-muc/1", "X-Ban-Thu", "co"); got.body != `{"ban":"moi"}` {
			t.Errorf("by the header: got %s", got.body)
		}
	}
	if w.reachedCount() != 1 || s.calls.Load() != 1 {
		t.Errorf("asked %d and %d times, want once each", w.reachedCount(), s.calls.Load())
	}
}

// TestCanaryIsChecked: what no node could serve is not set.
func TestCanaryIsChecked(t *testing.T) {
	t.Parallel()
	const to = `"upstreams":[{"url":"http://10.0.0.1"}]`
	for _, tt := range []struct{ canary, field string }{
		{`{` + to + `}`, ""},
		{`{` + to + `,"percent":100,"header":"X-Ban","value":"a b"}`, ""},
		{`{"percent":1}`, "canary/upstreams"},
		{`{"header":"X-Ban","value":"1"}`, "canary/upstreams"},
		{`{"upstreams":[` + strings.Repeat(`{"url":"http://10.0.0.1"},`, 8) + `{"url":"http://10.0.0.2"}]}`, "canary/upstreams"},
		{`{"upstreams":[{"url":"ftp://10.0.0.1"}]}`, "canary/upstreams/0/url"},
		{`{"upstreams":[{"url":"http://a@10.0.0.1"}]}`, "canary/upstreams/0/url"},
		{`{"upstreams":[{"url":"http://10.0.0.1"},{"url":"http://10.0.0.1"}]}`, "canary/upstreams/1/url"},
		{`{"upstreams":[{"url":"http://10.0.0.1","weight":101}]}`, "canary/upstreams/0/weight"},
		{`{"upstreams":[{"url":"http://10.0.0.1","weight":-1}]}`, "canary/upstreams/0/weight"},
		{`{` + to + `,"percent":101}`, "canary/percent"},
		{`{` + to + `,"percent":-1}`, "canary/percent"},
		{`{` + to + `,"value":"1"}`, "canary/header"},
		{`{` + to + `,"keep":true}`, "canary/header"},
		{`{` + to + `,"header":"X Ban","value":"1"}`, "canary/header"},
		{`{` + to + `,"header":"Authorization","value":"1"}`, "canary/header"},
		{`{` + to + `,"header":"X-API-Key","value":"1"}`, "canary/header"},
		{`{` + to + `,"header":"lgsp-purpose","value":"1"}`, "canary/header"},
		{`{` + to + `,"header":"X_Forwarded_For","value":"1"}`, "canary/header"},
		{`{` + to + `,"header":"X-Ban"}`, "canary/value"},
		{`{` + to + `,"header":"X-Ban","value":"a\nb"}`, "canary/value"},
		{`{` + to + `,"header":"X-Ban","value":"` + strings.Repeat("a", 257) + `"}`, "canary/value"},
	} {
		err := CheckTraffic([]byte(`{"canary":`+tt.canary+`}`), nil, nil)
		var told *problem.Error
		if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &told) || len(told.Fields) == 0 || told.Fields[0].Name != tt.field) {
			t.Errorf("%.120s: got %v, want a problem with %q", tt.canary, err, tt.field)
		}
	}
	for mirror, field := range map[string]string{
		`{"url":"http://10.0.0.1/a","percent":1}`: "", `{"url":"http://10.0.0.1"}`: "mirror/percent", `{"url":"http://10.0.0.1","percent":101}`: "mirror/percent",
		`{"percent":1}`: "mirror/url", `{"url":"http://a?b","percent":1}`: "mirror/url",
	} {
		err := CheckTraffic([]byte(`{"mirror":`+mirror+`}`), nil, nil)
		var told *problem.Error
		if field == "" && err != nil || field != "" && (!errors.As(err, &told) || told.Fields[0].Name != field) {
			t.Errorf("%s: got %v, want a problem with %q", mirror, err, field)
		}
	}
	list, err := TrafficAddresses([]byte(`{"canary":{"upstreams":[{"url":"http://a"},{"url":"http://b"}]},"mirror":{"url":"http://c"}}`))
	if err != nil || fmt.Sprint(list) != "[{canary/upstreams/0/url http://a} {canary/upstreams/1/url http://b} {mirror/url http://c}]" {
		t.Errorf("addresses: %v, %v", list, err)
	}
}

// figures are a node's, a line each; of a histogram how many it has.
func figures(t *testing.T, n *Node) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(n.Metrics)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			all.WriteString(f.GetName())
			if labels != nil {
				all.WriteString("{" + strings.Join(labels, ",") + "}")
			}
			fmt.Fprintln(&all, "", m.GetCounter().GetValue()+m.GetGauge().GetValue()+float64(m.GetHistogram().GetSampleCount()))
		}
	}
	return all.String()
}
