package gateway

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"lgsp/auth"
	"lgsp/gateway/check"
	"lgsp/gateway/quota"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// worldDocument describes the operations of a world.
const worldDocument = `{"openapi":"3.1.0","paths":{
  "/danh-muc/{ma}":{"get":{"parameters":[{"in":"path","name":"ma","required":true,"schema":{"type":"integer"}},{"in":"header","name":"X-API-Key","required":true,"schema":{"type":"string"}}],
    "responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/List"}}}},"204":{"description":"none"}}}},
  "/ho-so":{
    "get":{"parameters":[{"in":"query","name":"trang","schema":{"type":"integer","minimum":1}}],
      "responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/List"}},"text/csv":{}}},"4XX":{"content":{"application/json":{"schema":{"required":["loi"]}}}}}},
    "post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Item"}},"application/xml":{"schema":{"type":"object"}}}},"responses":{"200":{"content":{"application/json":{}}}}}},
  "/nguoi/{so}":{"get":{"parameters":[{"in":"path","name":"so","required":true,"schema":{"type":"string","pattern":"^[0-9]{12}$"}}],"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/List"}}}}}}},
  "/tra-cuu":{"post":{"requestBody":{"content":{"application/json":{"schema":{"properties":{"nguoi":{"required":["so","nam"]}}}}}},"responses":{"200":{"content":{"application/json":{}}}}}}},
 "components":{"schemas":{
  "List":{"type":"object","required":["tong","items"],"properties":{"tong":{"type":"integer"},"items":{"type":"array","items":{"$ref":"#/components/schemas/Item"}}}},
  "Item":{"type":"object","required":["maHoSo"],"properties":{"hoTen":{"type":"string"},"maHoSo":{"type":"string","maxLength":4},"soDinhDanh":{"type":"string"}}}}}}`

// checks sets how the world's calls are held to its document.
func (w *world) checks(set Check) {
	w.t.Helper()
	described, notes, err := Describe([]byte(worldDocument), w.route.Operations)
	if err != nil || len(notes) != 1 {
		w.t.Fatalf("describe: %v, %v", notes, err)
	}
	w.route.Traffic.Check, w.route.Described = set, described
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("checks in force", func() bool { return w.node.current.Load().byVersion[w.route.Version].Traffic.Check == set })
}

// allowed lets the world's application call everything, and see all of it.
func (w *world) allowed() {
	w.put(func(g *Grant) {
		g.Operations = nil
		for _, o := range w.route.Operations {
			g.Operations = append(g.Operations, GrantedOperation{Operation: o.ID, Fields: []string{""}})
		}
	})
}

// drifts are the rows that are saved of the world's version: what is counted of
// an operation, as "gui request body/ma type 2".
func (w *world) drifts() []string {
	w.t.Helper()
	if err := w.node.saveDrift(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	rows, err := pg.All[Drift](context.Background(), w.db, driftsSQL, w.route.Version)
	if err != nil {
		w.t.Fatal(err)
	}
	all := []string{}
	for _, d := range rows {
		all = append(all, fmt.Sprintf("%s %s %s %s %d", d.Operation, d.Direction, d.Place, d.Code, d.Count))
		if d.TraceID == "" || d.FirstAt.IsZero() || d.LastAt.Before(d.FirstAt) {
			w.t.Errorf("row %+v", d)
		}
	}
	slices.Sort(all)
	return all
}

// TestEnforcedRequests: what is not as described is refused, with the places,
// counted against nothing, once in the records; the upstream is not reached.
func TestEnforcedRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allowed()
	w.checks(Check{Requests: CheckEnforce})
	bearer := "Bearer " + w.token("check-1")
	counted := func() int64 {
		known, pending := w.node.limiter.Counts.Used(w.grant.Agreement, quota.Day, w.now())
		return known + pending
	}
	for i, tt := range []struct {
		name, method, target, contentType, body string
		also                                    []string // headers
		status                                  int
		code                                    string
		fields                                  string // of errors, with their codes
	}{
		{name: "a type not said", method: "POST", target: "/ho-so", body: `{"maHoSo":"BIMAT"}`, status: 415, code: "content-type-not-taken"},
		{name: "a type not said where one is described", method: "POST", target: "/tra-cuu", body: `{"nguoi":{"so":"000138000777"}}`, status: 400, code: "request-not-as-described", fields: "body/nguoi/nam check-required"},
		{name: "two types, of which the upstream may take the other", method: "POST", target: "/ho-so", contentType: "application/xml", also: []string{"Content-Type", "application/json"}, body: `{"maHoSo":"BIMAT"}`, status: 415, code: "content-type-not-taken"},
		{name: "compressed", method: "POST", target: "/ho-so", contentType: "application/json", also: []string{"Content-Encoding", "gzip"}, body: gzipped(`{"maHoSo":"H1"}`), status: 415, code: "content-encoding-not-taken"},
		{name: "much, compressed", method: "POST", target: "/ho-so", contentType: "application/json", also: []string{"Content-Encoding", "identity", "Content-Encoding", "br"}, body: strings.Repeat("BIMAT", 20_000), status: 415, code: "content-encoding-not-taken"},
		{name: "compressed, of another type", method: "POST", target: "/ho-so", contentType: "application/xml", also: []string{"Content-Encoding", "gzip"}, body: gzipped(`<BIMAT/>`), status: 200},
		{name: "not compressed, in words", method: "POST", target: "/ho-so", contentType: "application/json", also: []string{"Content-Encoding", "Identity"}, body: `{"maHoSo":"BIMAT"}`, status: 400, code: "request-not-as-described", fields: "body/maHoSo check-length"},
		{name: "as described", method: "POST", target: "/ho-so", contentType: "application/json; charset=utf-8", body: `{"maHoSo":"H1"}`, status: 200},
		{name: "a member that nothing names", method: "POST", target: "/ho-so", contentType: "application/json", body: `{"maHoSo":"H1","BIMAT":"BIMAT"}`, status: 200},
		{name: "another type that is taken", method: "POST", target: "/ho-so", contentType: "application/xml", body: `<BIMAT/>`, status: 200},
		{name: "a long body of that type", method: "POST", target: "/ho-so", contentType: "application/xml", body: strings.Repeat("BIMAT", 20_000), status: 200},
		{name: "members wrong", method: "POST", target: "/ho-so", contentType: "application/json", body: `{"maHoSo":"BIMAT","hoTen":5,"soDinhDanh":"BIMAT"}`, status: 400, code: "request-not-as-described",
			fields: "body/hoTen check-type, body/maHoSo check-length"},
		{name: "missing", method: "POST", target: "/ho-so", contentType: "application/json", body: `{}`, status: 400, code: "request-not-as-described", fields: "body/maHoSo check-required"},
		{name: "no body", method: "POST", target: "/ho-so", status: 400, code: "request-not-as-described", fields: "body check-required"},
		{name: "no JSON", method: "POST", target: "/ho-so", contentType: "application/json", body: `{"BIMAT`, status: 400, code: "request-not-json"},
		{name: "a name twice", method: "POST", target: "/ho-so", contentType: "application/json", body: `{"maHoSo":"BIMAT","maHoSo":"H1"}`, status: 400, code: "request-not-json"},
		{name: "no UTF-8", method: "POST", target: "/ho-so", contentType: "application/json", body: "{\"maHoSo\":\"\xff\"}", status: 400, code: "request-not-json"},
		{name: "too deep", method: "POST", target: "/ho-so", contentType: "application/json", body: strings.Repeat(`{"a":`, 65) + `1` + strings.Repeat(`}`, 65), status: 400, code: "request-not-json"},
		{name: "a type that is not taken", method: "POST", target: "/ho-so", contentType: "text/plain", body: `BIMAT`, status: 415, code: "content-type-not-taken"},
		{name: "and much of it", method: "POST", target: "/ho-so", contentType: "text/plain", body: strings.Repeat("BIMAT", 40_000), status: 415, code: "content-type-not-taken"},
		{name: "a parameter", method: "GET", target: "/ho-so?trang=0", status: 400, code: "request-not-as-described", fields: "query/trang check-range"},
		{name: "a parameter that is a word", method: "GET", target: "/ho-so?trang=BIMAT", status: 400, code: "request-not-as-described", fields: "query/trang check-type"},
		{name: "a parameter of nobody", method: "GET", target: "/ho-so?trang=1&la=1", status: 200},
		{name: "a variable of the path", method: "GET", target: "/danh-muc/BIMAT", status: 400, code: "request-not-as-described", fields: "path/ma check-type"},
		{name: "an encoded variable", method: "GET", target: "/danh-muc/%20BIMAT", status: 400, code: "request-not-as-described", fields: "path/ma check-type"},
		{name: "a head", method: "HEAD", target: "/ho-so?trang=0", status: 400},
		{name: "personal", method: "GET", target: "/nguoi/BIMAT", status: 400, code: "request-not-as-described", fields: "path/so check-pattern"},
		{name: "personal, in the body", method: "POST", target: "/tra-cuu", contentType: "application/json", body: `{"nguoi":{"so":"000138000777"}}`, status: 400, code: "request-not-as-described", fields: "body/nguoi/nam check-required"},
		{name: "personal, without its subject", method: "POST", target: "/tra-cuu", contentType: "application/json", body: `{}`, status: 400, code: "subject-missing"},
	} {
		trace := fmt.Sprintf("4bf92f3577b34da6a3ce929d0e0e%04d", i)
		headers := append([]string{"traceparent", traceparent(trace), "Authorization", bearer}, tt.also...)
		if tt.contentType != "" {
			headers = append(headers, "Content-Type", tt.contentType)
		}
		reached := w.reachedCount()
		before := counted()
		got := w.send(w.server, tt.method, tt.target, tt.body, headers...)
		after := counted()
		var told struct {
			Errors []struct{ Field, Code, Detail string }
		}
		_ = json.Unmarshal([]byte(got.body), &told) // an answer of the upstream, or none
		var fields []string
		for _, f := range told.Errors {
			fields = append(fields, f.Field+" "+f.Code)
		}
		slices.Sort(fields)
		if got.status != tt.status || got.code != tt.code || strings.Join(fields, ", ") != tt.fields || strings.Contains(got.body, "BIMAT") {
			t.Errorf("%s: got %d %s %q, want %d %s %q: %s", tt.name, got.status, got.code, fields, tt.status, tt.code, tt.fields, got.body)
		}
		if tt.code == "content-encoding-not-taken" && got.header.Get("Accept-Encoding") != "identity" {
			t.Errorf("%s: told to send %q", tt.name, got.header.Get("Accept-Encoding"))
		}
		if tt.code == "content-type-not-taken" && got.header.Get("Accept") != "application/json, application/xml" {
			t.Errorf("%s: told to send %q", tt.name, got.header.Get("Accept"))
		}
		if passed := tt.status == 200; (w.reachedCount() > reached) != passed || (after > before) != (passed && tt.method != "HEAD") {
			t.Errorf("%s: upstream reached %d times, quota %d, then %d", tt.name, w.reachedCount()-reached, before, after)
		}
		if e := w.recorded(trace); e.Status != tt.status || tt.method != "HEAD" && e.Code != tt.code {
			t.Errorf("%s: recorded %d %s", tt.name, e.Status, e.Code)
		}
	}
	if got := w.drifts(); len(got) > 0 {
		t.Errorf("what was refused is told to the owner: %q", got)
	}
}

// TestReportedRequests: nothing is refused but JSON that is none; the owner is told.
func TestReportedRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allowed()
	post := func(body string) reply {
		return w.send(w.server, "POST", "/ho-so", body, "X-API-Key", w.key, "Content-Type", "application/json")
	}
	const twice = `{"maHoSo":"H1","maHoSo":"H2"}`
	if got := post(twice); got.status != 200 {
		t.Errorf("unchecked: got %d %s", got.status, got.body)
	}
	w.checks(Check{Requests: CheckReport})
	for _, body := range []string{`{"maHoSo":5}`, `{"maHoSo":6,"BIMAT":{"a":1}}`, `{"maHoSo":"H1"}`, strings.Repeat(" ", heldRequest) + `{}`} {
		if got := post(body); got.status != 200 {
			t.Errorf("%s: got %d %s", body, got.status, got.body)
		}
		if _, reached := w.last(); reached != body {
			t.Errorf("%s: %d bytes reached the upstream", body, len(reached))
		}
	}
	if got := w.send(w.server, "POST", "/ho-so", "x", "X-API-Key", w.key, "Content-Type", "text/plain"); got.status != 200 {
		t.Errorf("another type: got %d %s", got.status, got.body)
	}
	if got := w.send(w.server, "POST", "/ho-so", gzipped(`{"maHoSo":"H1"}`), "X-API-Key", w.key, "Content-Type", "application/json", "Content-Encoding", "gzip"); got.status != 200 {
		t.Errorf("compressed: got %d %s", got.status, got.body)
	}
	if got := w.do("GET", "/ho-so?trang=x&BIMAT=1", "X-API-Key", w.key); got.status != 200 {
		t.Errorf("a parameter: got %d %s", got.status, got.body)
	}
	if got := post(twice); got.code != "request-not-json" {
		t.Errorf("a name twice: got %d %s", got.status, got.body)
	}
	want := []string{"gui request body/* not-named 1", "gui request body/maHoSo required 1", "gui request body/maHoSo type 2", "gui request header/Content-Encoding encoded 1", "gui request header/Content-Type media-type 1",
		"tim request query/* not-named 1", "tim request query/trang type 1"}
	if got := w.drifts(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	w.checks(Check{})
	if got := post(twice); got.status != 200 {
		t.Errorf("no longer checked: got %d %s", got.status, got.body)
	}
}

// checkedSoFar is how many requests or answers came out so.
func (n *Node) checkedSoFar(t *testing.T, what, result string) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(n.Metrics.checked)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if labels := m.GetLabel(); labels[0].GetValue() == result && labels[1].GetValue() == what {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// gzipped is a text as gzip.
func gzipped(text string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// TestEnforcedAnswers: a wrong answer is held back, and nothing of it leaves.
func TestEnforcedAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allowed()
	w.node.MaxAnswer = 4096
	w.checks(Check{Answers: CheckEnforce})
	const good = `{"tong":1,"items":[{"maHoSo":"H1","hoTen":"An"}]}`
	for _, tt := range []struct {
		name, method string
		status       int
		contentType  string
		body         string
		headers      []string
		want         int
		code         string
		says         string // in the body
	}{
		{name: "as described", status: 200, contentType: "application/json", body: good, want: 200, says: good},
		{name: "with a member that nothing names", status: 200, contentType: "application/json", body: `{"tong":1,"items":[],"la":1}`, want: 200, says: `"la":1`},
		{name: "a wrong member", status: 200, contentType: "application/json", body: `{"tong":"BIMAT","items":[{"hoTen":"BIMAT","maHoSo":"BIMAT"}]}`, want: 502, code: "answer-not-as-described", says: "body/items/*/maHoSo"},
		{name: "a member missing", status: 200, contentType: "application/json", body: `{"tong":1}`, want: 502, code: "answer-not-as-described", says: "body/items"},
		{name: "no JSON", status: 200, contentType: "application/json", body: `{"BIMAT`, want: 502, code: "answer-not-as-described", says: "check-not-json"},
		{name: "a name twice", status: 200, contentType: "application/json", body: `{"tong":1,"items":[],"tong":2}`, want: 502, code: "answer-not-as-described", says: "check-not-json"},
		{name: "nothing", status: 200, contentType: "application/json", body: "", want: 200},
		{name: "another type that is described", status: 200, contentType: "text/csv", body: "a,b", want: 200, says: "a,b"},
		{name: "a type that is not", status: 200, contentType: "text/html", body: "BIMAT", want: 502, code: "answer-not-as-described", says: "header/Content-Type"},
		{name: "two types", status: 200, contentType: "application/json", body: good, headers: []string{"Content-Type", "text/html"}, want: 502, code: "answer-not-as-described"},
		{name: "a good status that nothing names", status: 201, contentType: "application/json", body: good, want: 502, code: "answer-not-as-described", says: "check-status"},
		{name: "a bad status that nothing names", status: 500, contentType: "text/html", body: "sorry", want: 500, says: "sorry"},
		{name: "a bad status, as described", status: 404, contentType: "application/json", body: `{"loi":"x"}`, want: 404, says: "loi"},
		{name: "a bad status, not as described", status: 404, contentType: "application/json", body: `{"BIMAT":1}`, want: 502, code: "answer-not-as-described", says: "body/loi"},
		{name: "compressed", status: 200, contentType: "application/json", body: gzipped(good), headers: []string{"Content-Encoding", "gzip"}, want: 502, code: "answer-not-as-described", says: "check-encoded"},
		{name: "too large", status: 200, contentType: "application/json", body: `{"tong":1,"items":[],"x":"` + strings.Repeat("BIMAT", 1000) + `"}`, want: 502, code: "answer-too-large"},
		{name: "cut short", status: 200, contentType: "application/json", body: good, headers: []string{"Content-Length", "4000"}, want: 502, code: "upstream-broken"},
		{name: "a head", method: "HEAD", status: 200, contentType: "application/json", want: 200},
	} {
		w.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", tt.contentType)
			for i := 0; i < len(tt.headers); i += 2 {
				rw.Header().Add(tt.headers[i], tt.headers[i+1])
			}
			rw.WriteHeader(tt.status)
			_, _ = io.WriteString(rw, tt.body)
		})
		got := w.do(or(tt.method, "GET"), "/ho-so", "X-API-Key", w.key, "Accept-Encoding", "gzip", "Range", "bytes=0-3")
		if got.status != tt.want || got.code != tt.code || !strings.Contains(got.body, tt.says) || strings.Contains(got.body, "BIMAT") {
			t.Errorf("%s: got %d %s %s, want %d %s with %q", tt.name, got.status, got.code, got.body, tt.want, tt.code, tt.says)
		}
		if asked, _ := w.last(); asked.Header.Get("Accept-Encoding") != "identity" || asked.Header.Get("Range") != "" {
			t.Errorf("%s: the upstream was asked for less than a whole, plain answer: %v", tt.name, asked.Header)
		}
	}
	want := []string{"tim answer body not-json 2", "tim answer body/* not-named 2", "tim answer body/items required 1", "tim answer body/items/*/maHoSo length 1", "tim answer body/loi required 1",
		"tim answer body/tong type 1", "tim answer header/Content-Encoding encoded 1", "tim answer header/Content-Type media-type 2", "tim answer status status 2"}
	if got := w.drifts(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// TestEnforcedAndProjected: an answer is held to the document before fields are
// cut, and what is no 2xx answer is told as where fields are agreed.
func TestEnforcedAndProjected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.checks(Check{Answers: CheckEnforce})
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.body != `{"tong":1,"items":[{"maHoSo":"H1"}]}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"tong":1,"items":[{"maHoSo":"H1","hoTen":5}]}`) // which is not agreed
	})
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.code != "answer-not-as-described" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotFound) })
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.code != "upstream-not-found" {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// TestSampledAnswers: callers get what the upstream gave, and the owner hears
// what was wrong with it.
func TestSampledAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.checks(Check{Answers: CheckSample, SamplePercent: 100})
	small := `{"tong":"BIMAT","items":[{"hoTen":"An"}],"BIMAT":1}`
	large := `{"tong":"x","items":[],"x":"` + strings.Repeat("x", largestSample) + `"}`
	for _, tt := range []struct {
		name, target, body string
		chunked            bool
		contentType        string
		status             int
		encoding           string
	}{
		{name: "small", target: "/danh-muc/1", body: small},
		{name: "in chunks", target: "/danh-muc/1", body: small, chunked: true},
		{name: "large", target: "/danh-muc/1", body: large},
		{name: "large, in chunks", target: "/danh-muc/1", body: large, chunked: true},
		{name: "compressed", target: "/danh-muc/1", body: gzipped(small), encoding: "gzip"},
		{name: "another type", target: "/danh-muc/1", body: "BIMAT", contentType: "text/html"},
		{name: "a status", target: "/danh-muc/1", body: "BIMAT", status: 503},
		{name: "a part, as asked for", target: "/danh-muc/1", body: `{"to`, status: 206},
		{name: "nothing new, as asked for", target: "/danh-muc/1", status: 304},
		{name: "as described", target: "/danh-muc/1", body: `{"tong":1,"items":[]}`},
	} {
		w.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", or(tt.contentType, "application/json"))
			if tt.encoding != "" {
				rw.Header().Set("Content-Encoding", tt.encoding)
			}
			rw.WriteHeader(or(tt.status, 200))
			if tt.chunked {
				_ = http.NewResponseController(rw).Flush()
			}
			_, _ = io.WriteString(rw, tt.body)
		})
		if got := w.do("GET", tt.target, "Accept-Encoding", "gzip"); got.status != or(tt.status, 200) || got.body != tt.body {
			t.Errorf("%s: got %d, %d bytes, want %d", tt.name, got.status, len(got.body), len(tt.body))
		}
	}
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"tong":1,"items":[{"maHoSo":"H1","soDinhDanh":7}]}`)
	})
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.body != `{"tong":1,"items":[{"maHoSo":"H1"}]}` {
		t.Errorf("projected: got %d %s", got.status, got.body)
	}
	if got := w.do("GET", "/nguoi/000138000777", "Authorization", "Bearer "+w.token("sample-1")); got.status != 200 {
		t.Errorf("personal: got %d %s", got.status, got.body)
	}
	want := []string{"mo answer body/* not-named 2", "mo answer body/items/*/maHoSo required 2", "mo answer body/tong type 2", "mo answer header/Content-Type media-type 1",
		"mo answer status status 1", "nguoi answer body/items/*/soDinhDanh type 1", "tim answer body/items/*/soDinhDanh type 1"}
	w.until("looked at", func() bool { return slices.Equal(w.drifts(), want) || w.t.Failed() })
	if got := w.drifts(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if got := w.node.checkedSoFar(t, "answer", "passed-over"); got != 3 {
		t.Errorf("%v answers were passed over, want 3", got)
	}
}

// TestSamplesWaitForNobody: what does not fit the queue is dropped and counted.
func TestSamplesWaitForNobody(t *testing.T) {
	t.Parallel()
	n := &Node{Metrics: NewMetrics()}
	n.samples = make(chan sample, 1)
	n.look(sample{})
	n.look(sample{})
	if got := n.checkedSoFar(t, "answer", "dropped"); got != 1 || len(n.samples) != 1 {
		t.Errorf("%v dropped, %d wait", got, len(n.samples))
	}
}

// TestShareOfAnswers: about as many answers are looked at as was said.
func TestShareOfAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.checks(Check{Answers: CheckSample, SamplePercent: 25})
	for range 200 {
		if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
	}
	seen := func() float64 {
		return w.node.checkedSoFar(t, "answer", "as-described") + w.node.checkedSoFar(t, "answer", "not-as-described") +
			w.node.checkedSoFar(t, "answer", "dropped")
	}
	w.until("looked at", func() bool { return seen() > 20 })
	time.Sleep(50 * time.Millisecond)
	if got := seen(); got > 85 {
		t.Errorf("looked at %v of 200, want about 50", got)
	}
}

// TestDriftIsBounded in a node and in the database, and merged over nodes.
func TestDriftIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.now().UTC().Truncate(time.Microsecond)
	of := func(version uuid.UUID) counted { return counted{version, "mo", inAnswer, "trace-1", at} }
	for i := range maxDriftRows + 50 {
		w.node.drift.add(of(w.route.Version), []check.Finding{{Place: fmt.Sprintf("body/x%04d", i), Code: check.Type}})
	}
	w.node.drift.add(of(uuid.Must(uuid.NewV7())), []check.Finding{{Place: "status", Code: check.Status}}) // a version that is not served
	if got := w.drifts(); len(got) != maxDriftRows {
		t.Errorf("%d rows are saved, want %d", len(got), maxDriftRows)
	}
	later := of(w.route.Version)
	later.at, later.trace = at.Add(time.Minute), "trace-2"
	for i := range 50 { // of another node, for all this one knows
		for range 2 {
			w.node.drift.add(later, []check.Finding{{Place: fmt.Sprintf("body/y%04d", i), Code: check.Type}})
		}
	}
	w.node.drift.add(later, []check.Finding{{Place: "body/x0000", Code: check.Type}})
	got := w.drifts()
	if len(got) != maxDriftRows || !slices.Contains(got, "mo answer body/y0049 type 2") || !slices.Contains(got, "mo answer body/x0000 type 2") {
		t.Errorf("%d rows, want the %d seen most often: %q", len(got), maxDriftRows, got[:3])
	}
	var row Drift
	if err := w.db.QueryRow(t.Context(), `select first_at, last_at, trace_id from gateway.drift where place = 'body/x0000'`).Scan(&row.FirstAt, &row.LastAt, &row.TraceID); err != nil ||
		!row.FirstAt.Equal(at) || !row.LastAt.Equal(later.at) || row.TraceID != "trace-2" {
		t.Errorf("got %+v, %v", row, err)
	}
	w.clock.Add(int64(driftLasts + time.Hour))
	if err := w.node.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.drifts(); len(got) > 0 {
		t.Errorf("after %s %d rows are left", driftLasts, len(got))
	}
}

// TestDriftWaitsForTheDatabase: what cannot be saved is saved later.
func TestDriftWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node.drift.add(counted{w.route.Version, "mo", inAnswer, "trace-1", w.now()}, []check.Finding{{Place: "status", Code: check.Status}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.node.saveDrift(ctx); err == nil {
		t.Error("saved without a database")
	}
	if got := w.drifts(); !slices.Equal(got, []string{"mo answer status status 1"}) {
		t.Errorf("got %q", got)
	}
}

// TestClearDrift forgets what was found before, saved or not; for the agency's
// publishers only.
func TestClearDrift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	publisher := auth.Principal{Person: uuid.Must(uuid.NewV7()), Memberships: []auth.Membership{{Agency: w.route.Agency, Role: auth.RolePublisher}}}
	var acts []string
	d := &Drifts{DB: w.db, Now: w.now,
		Agency: func(_ context.Context, who auth.Principal, version uuid.UUID) (uuid.UUID, error) {
			if version != w.route.Version || !who.SignedIn() {
				return uuid.Nil, problem.Errorf(problem.NotFound, "no version")
			}
			return w.route.Agency, nil
		},
		May: func(_ context.Context, who auth.Principal, act string, agency uuid.UUID) error {
			if act != "api.edit" || !who.Has(auth.RolePublisher, agency) {
				return problem.Errorf(problem.Forbidden, "no")
			}
			return nil
		},
		Record: func(_ context.Context, _ pgx.Tx, act auth.Act) error {
			acts = append(acts, act.Verb)
			return nil
		},
	}
	add := func() {
		w.node.drift.add(counted{w.route.Version, "mo", inAnswer, "trace-1", w.now()}, []check.Finding{{Place: "status", Code: check.Status}})
	}
	add()
	w.drifts()
	add() // not saved yet
	if list, err := d.List(t.Context(), publisher, w.route.Version); err != nil || len(list) != 1 || list[0].Count != 1 || list[0].FirstAt.Location() != time.UTC {
		t.Errorf("list: got %+v, %v", list, err)
	}
	for name, tt := range map[string]struct {
		who     auth.Principal
		version uuid.UUID
		want    problem.Kind
	}{
		"nobody": {auth.Principal{}, w.route.Version, problem.NotFound}, "another version": {publisher, uuid.New(), problem.NotFound},
		"another agency's": {auth.Principal{Person: uuid.New()}, w.route.Version, problem.Forbidden},
	} {
		if _, err := d.List(t.Context(), tt.who, tt.version); !problem.Is(err, tt.want) {
			t.Errorf("list as %s: got %v", name, err)
		}
		if err := d.Clear(t.Context(), tt.who, tt.version); !problem.Is(err, tt.want) {
			t.Errorf("clear as %s: got %v", name, err)
		}
	}
	if err := d.Clear(t.Context(), publisher, w.route.Version); err != nil || !slices.Equal(acts, []string{"version.drift-clear"}) {
		t.Errorf("clear: %v, acts %q", err, acts)
	}
	if got := w.drifts(); len(got) > 0 {
		t.Errorf("what was found before came back: %q", got)
	}
	add()
	if got := w.drifts(); !slices.Equal(got, []string{"mo answer status status 1"}) {
		t.Errorf("what is found after: %q", got)
	}
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		return Withdraw(ctx, tx, End{Version: w.route.Version, At: time.Now()})
	})
	if err := w.node.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.drifts(); len(got) > 0 {
		t.Errorf("of a version that is withdrawn: %q", got)
	}
}
