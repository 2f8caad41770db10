package gateway

import (
	"context"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

// TestAKeyIsHeldToItsLimits: from its networks and for its versions it is
// taken, else refused with 403 and a record under its application.
func TestAKeyIsHeldToItsLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	elsewhere := w.route
	elsewhere.Version, elsewhere.APISlug = uuid.Must(uuid.NewV7()), "khac"
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, elsewhere) })
	w.until("another version served", func() bool { return w.do("GET", "@"+elsewhere.Prefix()+"/danh-muc/1").status == 200 })
	limit := func(networks []netip.Prefix, versions ...uuid.UUID) {
		t.Helper()
		w.mu.Lock()
		w.keys[0].Networks, w.keys[0].Versions = networks, versions
		known := w.keys[0]
		w.mu.Unlock()
		w.tell("credential")
		w.until("limited", func() bool { return reflect.DeepEqual(w.node.knows(known.Lookup), known) })
	}
	office := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:7::/48")}
	for i, tt := range []struct {
		name     string
		networks []netip.Prefix
		versions []uuid.UUID
		from     string // told by a trusted proxy
		target   string
		status   int
		code     string
	}{
		{name: "no limits", from: "198.51.100.1", target: "/ho-so", status: 200},
		{name: "from the office", networks: office, from: "203.0.113.9", target: "/ho-so", status: 200},
		{name: "from the office by IPv6", networks: office, from: "2001:db8:7:1::9", target: "/ho-so", status: 200},
		{name: "from elsewhere", networks: office, from: "198.51.100.1", target: "/ho-so", status: 403, code: "address-not-allowed"},
		{name: "from elsewhere by IPv6", networks: office, from: "2001:db8:8::1", target: "/ho-so", status: 403, code: "address-not-allowed"},
		{name: "a caller who says where they are", networks: office, from: "203.0.113.9, 198.51.100.1", target: "/ho-so", status: 403, code: "address-not-allowed"},
		{name: "from elsewhere to an open operation", networks: office, from: "198.51.100.1", target: "/danh-muc/1", status: 403, code: "address-not-allowed"},
		{name: "for this version", versions: []uuid.UUID{w.route.Version}, from: "198.51.100.1", target: "/ho-so", status: 200},
		{name: "for another version", versions: []uuid.UUID{elsewhere.Version}, from: "198.51.100.1", target: "/ho-so", status: 403, code: "key-for-another-api"},
		{name: "that other version", versions: []uuid.UUID{elsewhere.Version}, from: "198.51.100.1", target: "@" + elsewhere.Prefix() + "/danh-muc/1", status: 200},
	} {
		limit(tt.networks, tt.versions...)
		trace := "4bf92f3577b34da6a3ce929d0e0e50" + string(rune('a'+i/6)) + string(rune('0'+i%6))
		got := w.do("GET", tt.target, "X-API-Key", w.key, "X-Forwarded-For", tt.from, "traceparent", traceparent(trace))
		if got.status != tt.status || got.code != tt.code {
			t.Errorf("%s: got %d %s %s, want %d %s", tt.name, got.status, got.code, got.body, tt.status, tt.code)
		}
		if e := w.recorded(trace); e.Application != w.app || e.Code != tt.code {
			t.Errorf("%s: recorded %+v, want it under the application with code %q", tt.name, e, tt.code)
		}
	}
}

// TestAKeyIsHeldToItsScopes: to reading, and of a version to the operations
// named; else 403, which says what the key is for.
func TestAKeyIsHeldToItsScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(func(g *Grant) {
		g.Operations = append(g.Operations, GrantedOperation{Operation: "gui", Fields: []string{""}})
	})
	limit := func(scopes ...string) {
		t.Helper()
		w.mu.Lock()
		w.keys[0].Scopes = scopes
		known := w.keys[0]
		w.mu.Unlock()
		w.tell("credential")
		w.until("limited", func() bool { return reflect.DeepEqual(w.node.knows(known.Lookup), known) })
	}
	of := func(operation string) string { return auth.OperationScope(w.route.Version, operation) }
	elsewhere := auth.OperationScope(uuid.New(), "tim")
	for i, tt := range []struct {
		name, method, target string
		scopes               []string
		status               int
		says                 string // of what the key is for
	}{
		{"no scopes", "POST", "/ho-so", nil, 200, ""},
		{"reading", "GET", "/ho-so", []string{"read"}, 200, ""},
		{"reading the head", "HEAD", "/ho-so", []string{"read"}, 200, ""},
		{"reading, and sending", "POST", "/ho-so", []string{"read"}, 403, "to: GET, HEAD."},
		{"the operation named", "POST", "/ho-so", []string{of("gui")}, 200, ""},
		{"another operation", "GET", "/ho-so", []string{of("gui"), of("nguoi")}, 403, "to: gui; nguoi."},
		{"an open operation not named", "GET", "/danh-muc/1", []string{of("gui")}, 403, "to: gui."},
		{"operations of another version", "GET", "/ho-so", []string{elsewhere}, 200, ""},
		{"an operation named, but reading", "POST", "/ho-so", []string{of("gui"), "read"}, 403, "to: GET, HEAD; gui."},
	} {
		limit(tt.scopes...)
		trace := "5bf92f3577b34da6a3ce929d0e0e50" + string(rune('a'+i/6)) + string(rune('0'+i%6))
		before := w.reachedCount()
		got := w.do(tt.method, tt.target, "X-API-Key", w.key, "traceparent", traceparent(trace), "Accept-Language", "en")
		code := ""
		if tt.status == 403 {
			code = "key-scope"
		}
		if got.status != tt.status || got.code != code || !strings.Contains(got.body, tt.says) {
			t.Errorf("%s: got %d %s %s, want %d %s %q", tt.name, got.status, got.code, got.body, tt.status, code, tt.says)
		}
		if reached := w.reachedCount() > before; reached != (tt.status == 200) {
			t.Errorf("%s: reached the upstream: %v", tt.name, reached)
		}
		if e := w.recorded(trace); e.Application != w.app || e.Code != code {
			t.Errorf("%s: recorded %+v, want it under the application with code %q", tt.name, e, code)
		}
	}
	if got := w.do("POST", "/ho-so", "X-API-Key", w.key); !strings.Contains(got.body, `"scopes":["`+of("gui")+`","read"]`) {
		t.Errorf("a program is told %s, not the scopes", got.body)
	}
}

// TestExplainKnowsTheKey: what a key is limited to is a part of the answer.
func TestExplainKnowsTheKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mu.Lock()
	lookup := w.keys[0].Lookup
	w.keys[0].Versions, w.keys[0].Scopes = []uuid.UUID{w.route.Version}, []string{auth.OperationScope(w.route.Version, "gui")}
	w.mu.Unlock()
	w.tell("credential")
	w.until("limited", func() bool { return len(w.node.knows(lookup).Scopes) == 1 })
	for _, tt := range []struct {
		name, operation, credential, key string
		application                      uuid.UUID
		code                             string
		change                           []string
	}{
		{"a key without limits", "tim", "api_key", "", w.app, "", nil},
		{"this key", "tim", "api_key", lookup, w.app, "key-scope", []string{"widen-key"}},
		{"this key on an open operation", "mo", "api_key", lookup, w.app, "key-scope", []string{"widen-key"}},
		{"the operation that is named but not agreed", "gui", "api_key", lookup, w.app, "operation-not-agreed", []string{"extend-agreement"}},
		{"a token", "tim", "token", lookup, w.app, "", nil},
		{"a key that is none", "tim", "api_key", "AAAAAAAAAAAA", w.app, "key-wrong", []string{"send-credential"}},
		{"another application's key", "tim", "api_key", lookup, uuid.New(), "key-wrong", []string{"send-credential"}},
	} {
		e, err := w.node.Explain(Imagined{Version: w.route.Version, Operation: tt.operation, Application: tt.application, Credential: tt.credential, Key: tt.key})
		if err != nil || e.Code != tt.code || e.Allowed != (tt.code == "") || !reflect.DeepEqual(e.Change, tt.change) {
			t.Errorf("%s: got %+v, %v, want code %q and change %v", tt.name, e, err, tt.code, tt.change)
		}
	}
	w.mu.Lock()
	w.keys[0].Versions = []uuid.UUID{uuid.New()}
	w.mu.Unlock()
	w.tell("credential")
	w.until("for another version", func() bool { return w.node.knows(lookup).Versions[0] != w.route.Version })
	e, err := w.node.Explain(Imagined{Version: w.route.Version, Operation: "tim", Application: w.app, Credential: "api_key", Key: lookup})
	if err != nil || e.Code != "key-for-another-api" || e.Detail == "" {
		t.Errorf("a key for another version: got %+v, %v", e, err)
	}
}

// TestKeyUseIsTold: when, from where and how often, once.
func TestKeyUseIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.do("GET", "/ho-so", "X-API-Key", w.key)
	}
	for range 2 {
		if err := within(t.Context(), askPatience, w.node.touch); err != nil {
			t.Fatal(err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.used) != 1 || w.used[0].Lookup != w.keys[0].Lookup || w.used[0].Count != 3 || !w.used[0].From.IsLoopback() || w.used[0].At.IsZero() {
		t.Errorf("told %+v, want three uses of the one key, from this machine", w.used)
	}
}
