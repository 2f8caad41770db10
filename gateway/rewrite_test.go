package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"lgsp/internal/problem"
)

// TestRewrite: what a version changes of calls and answers is changed,
// whatever a caller or the system sent under those names; what is the
// gateway's stays.
func TestRewrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("X-May-Chu", "db1.noi-bo")
		rw.Header().Set("X-Hang", "cua he thong")
		rw.Header().Set("Trailer", "X-May-Chu, X-Tong")
		_, _ = io.WriteString(rw, `{"tong":1,"items":[]}`)
		rw.Header().Set("X-May-Chu", "db1.noi-bo")
		rw.Header().Set("X-Tong", "1")
	})
	w.traffic(func(tr *Traffic) {
		tr.Rewrite = Rewrite{StripPrefix: "/danh-muc", AddPrefix: "/cu/v2",
			Request: HeaderChanges{Set: map[string]string{"x-tang": "cong", "X-Kenh": "a b"}, Remove: []string{"User-Agent", "X-Thu"}},
			Answer:  HeaderChanges{Set: map[string]string{"X-Hang": "cua co quan", "Cache-Control": "max-age=9"}, Remove: []string{"X-May-Chu"}}}
	})
	got := w.do("GET", "/danh-muc/a%2Fb?x=1", "X-Tang", "nguoi goi", "X_Tang", "nguoi goi", "X.Thu", "1", "X-Khac", "2")
	r, _ := w.last()
	if r.URL.EscapedPath() != "/goc/cu/v2/a%2Fb" || r.URL.RawQuery != "x=1" {
		t.Errorf("went to %s", r.URL)
	}
	want := map[string][]string{"X-Tang": {"cong"}, "X-Kenh": {"a b"}, "X-Khac": {"2"}, "Lgsp-Agency": {"so-noi-vu"}, "User-Agent": nil, "X_tang": nil, "X.thu": nil, "X-Thu": nil}
	for name, values := range want {
		if has := r.Header[name]; fmt.Sprint(has) != fmt.Sprint(values) {
			t.Errorf("upstream got %s %v, want %v", name, has, values)
		}
	}
	if h := got.header; got.status != 200 || fmt.Sprint(h["X-Hang"]) != "[cua co quan]" || h.Get("X-May-Chu") != "" || h.Get("Cache-Control") != "max-age=9" || h.Get("X-Request-Id") == "" {
		t.Errorf("answered %d %v", got.status, h)
	}
	got = w.do("GET", "/ho-so", "X-API-Key", w.key) // projected: the answer is ours, and nobody else's
	r, _ = w.last()
	if r.URL.Path != "/goc/cu/v2/ho-so" || got.header.Get("X-Hang") != "cua co quan" || got.header.Get("Cache-Control") != "no-store" || r.Header.Get("Lgsp-Application") != w.app.String() {
		t.Errorf("projected: %s, %v", r.URL, got.header)
	}
	r0, err := http.NewRequest("GET", w.server.URL+w.route.Prefix()+"/danh-muc/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.server.Client().Do(r0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if fmt.Sprint(res.Trailer) != "map[X-Tong:[1]]" {
		t.Errorf("trailers %v", res.Trailer)
	}
}

// TestRewritePath: a prefix ends where a segment does.
func TestRewritePath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ strip, add, rest, want string }{
		{"", "", "/a/b", "/a/b"},
		{"/a", "", "/a/b", "/b"},
		{"/a", "", "/ab", "/ab"},
		{"/a", "", "/a", ""},
		{"/a", "/c", "/a", "/c"},
		{"/a", "/c", "/a/", "/c/"},
		{"/a/b", "/c", "/a/b/d", "/c/d"},
		{"/b", "/c", "/a/b", "/c/a/b"},
	} {
		if got := (Rewrite{StripPrefix: tt.strip, AddPrefix: tt.add}).compile().path(tt.rest); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

// TestRewriteBounds: nobody's identity or credential, no framing, and nothing
// that the gateway says can be set or taken away, by any spelling.
func TestRewriteBounds(t *testing.T) {
	t.Parallel()
	refused := func(what string, w Rewrite, field, code string) {
		t.Helper()
		var told *problem.Error
		if err := (Traffic{Rewrite: w}).check(); !errors.As(err, &told) || len(told.Fields) != 1 || told.Fields[0].Name != field || told.Fields[0].Code != code {
			t.Errorf("%s: got %v", what, err)
		}
	}
	for _, name := range []string{"Authorization", "authorization", "Cookie", "X-API-Key", "DPoP", "LGSP-Application", "lgsp-agreement", "Lgsp-Purpose", "X-Lgsp-A", "X-Forwarded-For",
		"Forwarded", "X-Real-IP", "Client-Cert", "Host", "Connection", "Transfer-Encoding", "Content-Length", "Te", "Trailer", "Upgrade", "Expect", "Via", "Traceparent", "X-Request-Id",
		"Content-Type", "Accept-Encoding", "Range", "If-None-Match", "X-HTTP-Method-Override", "X-Original-URL"} {
		refused("set "+name, Rewrite{Request: HeaderChanges{Set: map[string]string{name: "x"}}}, "rewrite/request/set", "traffic-header-fixed")
		refused("take away "+name, Rewrite{Request: HeaderChanges{Remove: []string{name}}}, "rewrite/request/remove", "traffic-header-fixed")
	}
	for _, name := range []string{"Set-Cookie", "Server", "Access-Control-Allow-Origin", "RateLimit", "X-RateLimit-Limit", "WWW-Authenticate", "Strict-Transport-Security", "Content-Encoding",
		"Content-Type", "Vary", "X-Request-Id", "Lgsp-Agency", "Location", "Deprecation", "Retry-After"} {
		refused("answer "+name, Rewrite{Answer: HeaderChanges{Set: map[string]string{name: "x"}}}, "rewrite/answer/set", "traffic-header-fixed")
	}
	for _, name := range []string{"", "a b", "a:b", "X_A", "X.A", "1a", "ộ", "A\r\nB", strings.Repeat("a", 65)} {
		refused("name "+name, Rewrite{Request: HeaderChanges{Remove: []string{name}}}, "rewrite/request/remove", "traffic-header-name")
	}
	for _, value := range []string{"", " a", "a ", "a\r\nX: y", "a\nb", "ộ", "\x00", strings.Repeat("a", 1025)} {
		refused("value "+value, Rewrite{Answer: HeaderChanges{Set: map[string]string{"X-A": value}}}, "rewrite/answer/set", "traffic-header-value")
	}
	for _, path := range []string{"a", "/a/", "/", "//a", "/../a", "/a?b", "/a b", "/" + strings.Repeat("a", 256)} {
		refused("strip "+path, Rewrite{StripPrefix: path}, "rewrite/strip_prefix", "traffic-prefix")
		refused("add "+path, Rewrite{AddPrefix: path}, "rewrite/add_prefix", "traffic-prefix")
	}
	many := map[string]string{}
	for i := range 17 {
		many[fmt.Sprint("X-A", i)] = "x"
	}
	refused("too many", Rewrite{Request: HeaderChanges{Set: many}}, "rewrite/request/set", "traffic-too-many")
	if err := (Traffic{Rewrite: Rewrite{StripPrefix: "/a", AddPrefix: "/b/c", Answer: HeaderChanges{Set: map[string]string{"X-A": strings.Repeat("a", 1024), "X-B": "b"}}}}).check(); err != nil {
		t.Errorf("what can be set: %v", err)
	}
}
