package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

// sandboxDocument describes the operations of a world.
const sandboxDocument = `{"openapi":"3.1.0","paths":{
  "/danh-muc/{ma}":{"get":{"parameters":[{"in":"path","name":"ma","required":true,"schema":{"type":"integer"}}],
    "responses":{"200":{"content":{"application/json":{"example":{"ma":7,"ten":"Một cửa"}}}},"404":{"content":{"application/problem+json":{"schema":{"type":"object","required":["title"],"properties":{"title":{"type":"string"},"status":{"type":"integer","enum":[404]}}}}}}}}},
  "/ho-so":{
    "get":{"parameters":[{"in":"query","name":"trang","schema":{"type":"integer","minimum":1}},{"in":"query","name":"maXa","schema":{"type":"string"}}],
      "responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/List"}}}}}},
    "post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["maHoSo"]}}}},"responses":{"201":{"description":"made"}}}},
  "/nguoi/{so}":{"get":{"parameters":[{"in":"path","name":"so","required":true,"schema":{"type":"string","pattern":"^[0-9]{12}$"}}],"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Person"}}}}}}},
  "/tra-cuu":{"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object"}}}},"responses":{"200":{"content":{"application/pdf":{"schema":{"type":"string","format":"binary"}}}}}}}},
 "components":{"schemas":{
  "List":{"type":"object","required":["tong","items"],"properties":{"tong":{"type":"integer"},"items":{"type":"array","maxItems":20,"items":{"$ref":"#/components/schemas/Item"}}}},
  "Item":{"type":"object","required":["maHoSo"],"properties":{"maHoSo":{"type":"string","pattern":"^H[0-9]{3}$"},"maXa":{"type":"string"},"matKhau":{"type":"string","writeOnly":true}}},
  "Person":{"type":"object","required":["so","hoTen","cccd"],"properties":{"so":{"type":"string"},"hoTen":{"type":"string","example":"Người Có Thật"},"cccd":{"type":"string","pattern":"^[0-9]{12}$"},"dienThoai":{"type":"string"}}}}}}`

// opensSandbox opens the world's sandbox, and waits for it.
func (w *world) opensSandbox() {
	w.t.Helper()
	described, _, err := Describe([]byte(sandboxDocument), w.route.Operations)
	if err != nil {
		w.t.Fatal(err)
	}
	mocked, err := Mock([]byte(sandboxDocument), w.route.Operations)
	if err != nil {
		w.t.Fatal(err)
	}
	s := Sandbox{Route: w.route, Mocked: mocked}
	s.Described = described
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return ExposeSandbox(ctx, tx, s) })
	w.until("the sandbox is open", func() bool { return w.trial("GET", "/danh-muc/1").status == 200 })
}

func (w *world) trial(method, target string, headers ...string) reply {
	w.t.Helper()
	return w.send(w.server, method, "@"+w.route.Prefix()+SandboxSuffix+target, "", headers...)
}

// TestSandbox: whoever is known calls everything without an agreement, by the
// same credentials as live; the answers are made up, and the agency's system
// hears of nothing.
func TestSandbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.trial("GET", "/danh-muc/1"); got.status != 404 {
		t.Fatalf("before it is open: %d", got.status)
	}
	stranger := auth.NewKey(auth.KindKey) // of an application that agreed on nothing
	w.mu.Lock()
	w.keys = append(w.keys, auth.GatewayCredential{Lookup: stranger.Lookup, Hash: stranger.Hash(pepper), PepperVersion: 1, Application: uuid.Must(uuid.NewV7()), Expires: w.now().Add(time.Hour)})
	w.mu.Unlock()
	w.tell("credential")
	w.until("the key is known", func() bool { return w.do("GET", "/ho-so", "X-API-Key", stranger.Secret()).code == "no-agreement" })
	closed := "07:00"
	w.route.Traffic.Conditions = []Condition{
		{Access: Restricted, Hours: &Hours{From: closed, Until: "07:01"}}, {Access: Restricted, Networks: []string{"192.0.2.0/24"}},
		{Operations: []string{"gui"}, Purpose: true}}
	w.opensSandbox()
	token := "j-1|" + w.app.String() + "|" + w.node.GatewayURL + w.route.Prefix() + SandboxSuffix
	key, number := []string{"X-API-Key", stranger.Secret()}, "/nguoi/000085012345"
	json := append(slices.Clone(key), "Content-Type", "application/json")
	for _, tt := range []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		code                       string
	}{
		{name: "open, without a credential", method: "GET", target: "/danh-muc/5", status: 200},
		{name: "HEAD", method: "HEAD", target: "/danh-muc/5", status: 200},
		{name: "restricted, without a credential", method: "GET", target: "/ho-so", status: 401, code: "no-credential"},
		{name: "restricted, with any key, whatever hours and networks", method: "GET", target: "/ho-so", headers: key, status: 200},
		{name: "a wrong key", method: "GET", target: "/ho-so", headers: []string{"X-API-Key", auth.NewKey(auth.KindKey).Secret()}, status: 401, code: "key-wrong"},
		{name: "personal, with a key", method: "GET", target: number, headers: key, status: 401, code: "key-for-personal-data"},
		{name: "personal, with a token for the sandbox", method: "GET", target: number, headers: []string{"Authorization", "Bearer " + token}, status: 200},
		{name: "personal, with a token for the version", method: "GET", target: number, headers: []string{"Authorization", "Bearer " + w.token("j-2")}, status: 401, code: "token-audience"},
		{name: "a purpose is asked for", method: "POST", target: "/ho-so", body: `{"maHoSo":"1"}`, headers: json, status: 400, code: "purpose-unsaid"},
		{name: "nothing to answer with", method: "POST", target: "/ho-so", body: `{"maHoSo":"1"}`, headers: append(slices.Clone(json), "LGSP-Purpose", "thu"), status: 201},
		{name: "a request not as described", method: "POST", target: "/ho-so", body: `{}`, headers: append(slices.Clone(json), "LGSP-Purpose", "thu"), status: 400, code: "request-not-as-described"},
		{name: "a parameter not as described", method: "GET", target: "/ho-so?trang=0", headers: key, status: 400, code: "request-not-as-described"},
		{name: "a number not as described", method: "GET", target: "/nguoi/85", headers: []string{"Authorization", "Bearer " + token}, status: 400, code: "request-not-as-described"},
		{name: "an operation that is not there", method: "GET", target: "/khong-co", status: 404, code: "no-such-operation"},
		{name: "no example of a PDF", method: "POST", target: "/tra-cuu", body: `{"nguoi":{"so":"000085012345"}}`, headers: []string{"Authorization", "Bearer " + token, "Content-Type", "application/json"}, status: 501, code: "sandbox-no-example"},
		{name: "a described error that is wished for", method: "GET", target: "/danh-muc/5", headers: []string{"Prefer", `respond-async, Code="404"; a=b`}, status: 404},
		{name: "an error that is not described", method: "GET", target: "/danh-muc/5", headers: []string{"Prefer", "code=418"}, status: 200},
	} {
		got := w.send(w.server, tt.method, "@"+w.route.Prefix()+SandboxSuffix+tt.target, tt.body, tt.headers...)
		if got.status != tt.status || got.code != tt.code {
			t.Errorf("%s: %d %s %s", tt.name, got.status, got.code, got.body)
		}
		if want := "sandbox"; got.header.Get("LGSP-Environment") != want && tt.code != "no-such-operation" {
			t.Errorf("%s: LGSP-Environment is %q", tt.name, got.header.Get("LGSP-Environment"))
		}
		if tt.method == "HEAD" && (got.body != "" || got.header.Get("Content-Length") == "0") {
			t.Errorf("HEAD: %q, %s", got.body, got.header.Get("Content-Length"))
		}
	}
	if got := w.do("GET", number, "Authorization", "Bearer "+token); got.code != "token-audience" || got.header.Get("LGSP-Environment") != "" {
		t.Errorf("a sandbox's token live: %d %s", got.status, got.code)
	}
	if n := w.reachedCount(); n != 0 {
		t.Errorf("the agency's system was reached %d times", n)
	}
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return CloseSandbox(ctx, tx, w.route.Version) })
	w.until("closed", func() bool { return w.trial("GET", "/danh-muc/1").status == 404 })
	if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
		t.Errorf("the version itself after that: %d", got.status)
	}
}

// TestSandboxAnswers: an example is given with what the call names in it; what
// is made up depends on the call alone, and names nobody.
func TestSandboxAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opensSandbox()
	read := func(got reply) (o map[string]any) {
		t.Helper()
		if err := json.Unmarshal([]byte(got.body), &o); err != nil {
			t.Fatalf("%d %s: %v", got.status, got.body, err)
		}
		return o
	}
	if got := w.trial("GET", "/danh-muc/42"); got.body != `{"ma":42,"ten":"Một cửa"}` || got.header.Get("Content-Type") != "application/json" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("example: %s %v", got.body, got.header)
	}
	wished := w.trial("GET", "/danh-muc/42", "Prefer", "code=404")
	if read(wished)["status"] != 404.0 || wished.header.Get("Preference-Applied") != "code=404" || wished.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("wished for: %s %v", wished.body, wished.header)
	}
	token := "Bearer j-1|" + w.app.String() + "|" + w.node.GatewayURL + w.route.Prefix() + SandboxSuffix
	one, again, other := w.trial("GET", "/nguoi/001085012345", "Authorization", token), w.trial("GET", "/nguoi/001085012345", "Authorization", token),
		w.trial("GET", "/nguoi/001085012346", "Authorization", token)
	if one.body != again.body || one.body == other.body {
		t.Errorf("the same call: %s, %s; another: %s", one.body, again.body, other.body)
	}
	person := read(one)
	for member, form := range map[string]string{"so": `^001085012345$`, "cccd": `^000[0-9]{9}$`, "dienThoai": `^0000[0-9]{6}$`, "hoTen": ` (Mẫu|Thử|Ví Dụ)$`} {
		if text, _ := person[member].(string); !regexp.MustCompile(form).MatchString(text) {
			t.Errorf("%s is %q, not %s", member, text, form)
		}
	}
	list := read(w.trial("GET", "/ho-so?maXa=21000", "X-API-Key", w.key))
	items, _ := list["items"].([]any)
	if len(items) != 3 || list["tong"] != 3.0 {
		t.Fatalf("list: %v", list)
	}
	for _, item := range items {
		item := item.(map[string]any)
		if code, _ := item["maHoSo"].(string); item["maXa"] != "21000" || !regexp.MustCompile(`^H[0-9]{3}$`).MatchString(code) || item["matKhau"] != nil {
			t.Errorf("item: %v", item)
		}
	}
	if got := w.trial("GET", "/ho-so?maXa=21000&limit=1", "X-API-Key", w.key); len(read(got)["items"].([]any)) != 1 {
		t.Errorf("one wished for: %s", got.body)
	}
}

// TestSandboxCallsAreKeptApart: the record says that it was the sandbox, and of
// whom nothing; figures, quotas and live limits know nothing of it.
func TestSandboxCallsAreKeptApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(func(g *Grant) { g.Plan.RatePerMinute = 3 })
	w.route.Plan.RatePerMinute = 5
	dir := t.TempDir()
	w.node, w.server = w.start(dir)
	w.opensSandbox()
	token := "Bearer j-1|" + w.app.String() + "|" + w.node.GatewayURL + w.route.Prefix() + SandboxSuffix
	trace := strings.Repeat("5a", 16)
	if got := w.trial("GET", "/nguoi/001085012345", "Authorization", token, "Traceparent", traceparent(trace)); got.status != 200 {
		t.Fatalf("call: %d %s", got.status, got.body)
	}
	e := w.recorded(trace)
	if !e.Sandbox || e.Subject != "" || e.Agreement != uuid.Nil || e.Version != w.route.Version || e.Application != w.app || e.Operation != "nguoi" ||
		e.Template != w.route.Prefix()+SandboxSuffix+"/nguoi/{so}" || !e.Complete {
		t.Errorf("record: %+v", e)
	}
	limited := 0
	for range 7 {
		if w.trial("GET", "/ho-so", "X-API-Key", w.key).status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 || limited > 3 {
		t.Errorf("%d of 7 calls after one were limited to 5 a minute", limited)
	}
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 || got.header.Get("X-RateLimit-Remaining") != "2" {
		t.Errorf("live after that: %d, %s left", got.status, got.header.Get("X-RateLimit-Remaining"))
	}
	for i, tt := range []struct{ method, target string }{{"OPTIONS", "/danh-muc/1"}, {"GET", "/khong-co"}, {"PUT", "/danh-muc/1"}, {"GET", "/ho-so"}} {
		trace := strings.Repeat("5c", 15) + "0" + itoa(int64(i+1))
		w.trial(tt.method, tt.target, "Traceparent", traceparent(trace))
		if e := w.recorded(trace); !e.Sandbox {
			t.Errorf("%s %s is kept as an exchange: %+v", tt.method, tt.target, e)
		}
	}
	trace = strings.Repeat("5b", 16)
	w.do("GET", "/danh-muc/1", "Traceparent", traceparent(trace))
	if e := w.recorded(trace); e.Sandbox {
		t.Errorf("live record: %+v", e)
	}
	if err := w.node.keep(); err != nil {
		t.Fatal(err)
	}
	node, server := w.startAway(dir, func(*Node) {})
	w.until("serving by what was kept", func() bool { return node.Ready() == nil })
	if got := w.send(server, "GET", "@"+w.route.Prefix()+SandboxSuffix+"/danh-muc/42", ""); got.status != 200 || !strings.Contains(got.body, "42") {
		t.Errorf("from the disk: %d %s", got.status, got.body)
	}
}
