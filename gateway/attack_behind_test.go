package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/egress"
)

// TestAttackSSRF: neither what a caller writes nor what an upstream answers
// leads the gateway anywhere but to the version's approved address.
func TestAttackSSRF(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	var hits atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(inside.Close)
	host := strings.TrimPrefix(inside.URL, "http://")
	for _, tt := range []attack{
		{name: "another host's target", sent: keyed("http://" + host + "/"), status: 404, code: "no-such-operation"},
		{name: "the metadata of a cloud", sent: keyed("http://169.254.169.254/latest/meta-data/"), status: 404, code: "no-such-operation"},
		{name: "another host's target with our path", sent: keyed("http://" + host + "{P}/ho-so"), status: 200, reached: 1},
		{name: "another Host", sent: strings.Replace(keyed("{P}/ho-so"), "gateway.test", host, 1), status: 200, reached: 1},
		{name: "an address in the path", sent: keyed("{P}/danh-muc/http:%2F%2F" + host), status: 200, reached: 1},
		{name: "a user in the target", sent: keyed("http://gateway.test@" + host + "{P}/ho-so"), status: 400, code: "request-malformed"},
		{name: "a target of another kind", sent: keyed("file:///etc/passwd"), status: 400, code: "path-not-canonical"},
	} {
		t.Run(tt.name, func(t *testing.T) { a.try(t, a.server, tt) })
	}
	t.Run("a redirect", func(t *testing.T) {
		a.answers(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, inside.URL, http.StatusFound) })
		a.try(t, a.server, attack{sent: keyed("{P}/danh-muc/1"), status: 302, reached: 1}) // the caller's to follow
		a.try(t, a.server, attack{sent: keyed("{P}/ho-so"), status: 502, code: "upstream-refused", reached: 1})
	})
	t.Run("an upstream that is none", func(t *testing.T) {
		port := netip.MustParseAddrPort(host).Port()
		a.node, a.server = a.another(func(n *Node) {
			n.Dial = egress.Upstream{Approved: func(hostport string) bool { return hostport != host }}.DialContext
		})
		for _, address := range []string{
			inside.URL,                               // not on the list
			fmt.Sprintf("http://localhost:%d", port), // on the list, but of this host
			fmt.Sprintf("http://[::ffff:127.0.0.1]:%d", port), "http://169.254.169.254", "http://[fe80::1]:80", "http://0.0.0.0:80",
		} {
			a.route.Upstream = address
			a.exposed(func(v *version) bool { return v.Upstream == address })
			a.try(t, a.server, attack{sent: keyed("{P}/ho-so"), status: 502, code: "upstream-unreachable"})
		}
	})
	a.settle()
	if n := hits.Load(); n > 0 {
		t.Errorf("an inner server was reached %d times", n)
	}
}

// TestAttackBombs: what grows when it is read is refused in bounded time,
// whether a caller sends it or an upstream answers with it.
func TestAttackBombs(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	post := func(body string, lines ...string) string {
		return "POST {P}/tra-cuu HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {T}\r\n" + strings.Join(append(lines, "Connection: close", fmt.Sprintf("Content-Length: %d", len(a.fill.Replace(body))), "", ""), "\r\n") + body
	}
	const so = `{"nguoi":{"so":"{N}"}}`
	for name, body := range map[string]string{
		"deep arrays":        `{"nguoi":{"so":"{N}"},"x":` + strings.Repeat("[", 400_000),
		"deep objects":       strings.Repeat(`{"nguoi":`, 100_000),
		"a name twice":       `{"nguoi":{"so":"{N}","so":"1"}}`,
		"a name twice, once": `{"nguoi":{"so":"{N}","\u0073o":"1"}}`,
		"two documents":      so + so,
		"half a letter":      "{\"nguoi\":{\"so\":\"{N}\xff\"}}",
		"an entity":          `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;{N}</a>`,
		"a lot of entities":  `<!DOCTYPE a [` + strings.Repeat(`<!ENTITY b "&c;&c;">`, 1000) + `]><a>&b;</a>`,
		"compressed":         "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03{B}",
		"nothing":            "",
	} {
		t.Run(name, func(t *testing.T) {
			a.try(t, a.server, attack{sent: post(body, "Content-Type: application/json", "Content-Encoding: gzip"), status: 400, code: "subject-missing"})
		})
	}
	for _, tt := range []attack{
		{name: "a huge number", sent: post(`{"nguoi":{"so":1e999999999}}`), status: 200, reached: 1},
		{name: "a long number", sent: post(`{"nguoi":{"so":` + strings.Repeat("9", 100_000) + `}}`), status: 400, code: "subject-missing"},
		{name: "too many fields", sent: keyed("{P}/ho-so", strings.Repeat("X: 1\r\n", 300)+"X: 1"), status: 431, code: "header-too-large"},
		{name: "a query of many names", sent: keyed("{P}/ho-so?" + strings.Repeat("a&", 16_000)), status: 400, code: "query-malformed"},
		{name: "a query of one name", sent: keyed("{P}/ho-so?fields=" + strings.Repeat("a,", 20_000) + "hoTen"), status: 403, code: "field-not-agreed"},
	} {
		t.Run(tt.name, func(t *testing.T) { a.try(t, a.server, tt) })
	}
	for name, answer := range map[string]string{
		"deep": `{"tong":` + strings.Repeat("[", 400_000), "a name twice": `{"tong":1,"tong":2}`, "half a letter": "{\"tong\":\"\xc3\"}", "a number that is none": `{"tong":1e}`,
	} {
		t.Run("answered: "+name, func(t *testing.T) {
			a.answers(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(rw, answer)
			})
			a.try(t, a.server, attack{sent: keyed("{P}/ho-so"), status: 502, code: "answer-not-projectable", reached: 1})
		})
	}
	a.settle()
}

// TestAttackStored: nothing that a caller or an upstream writes becomes a page,
// a field of the header, or a power over the gateway's address in a browser.
func TestAttackStored(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.answers(func(rw http.ResponseWriter, _ *http.Request) {
		for name, value := range map[string]string{"Set-Cookie": "a=b", "Clear-Site-Data": `"*"`, "Service-Worker-Allowed": "/", "Alt-Svc": `h2="x:1"`, "Strict-Transport-Security": "max-age=1",
			"Access-Control-Allow-Origin": "https://evil.test", "Access-Control-Allow-Credentials": "true", "Lgsp-Application": "x", "Server": "x", "X-Powered-By": "x", "Content-Type": "text/html"} {
			rw.Header().Set(name, value)
		}
		_, _ = io.WriteString(rw, "<script>")
	})
	header, _ := a.try(t, a.server, attack{sent: asks("GET", "{P}/danh-muc/1", "Origin: https://evil.test"), status: 200, reached: 1})
	for _, name := range []string{"Set-Cookie", "Clear-Site-Data", "Service-Worker-Allowed", "Alt-Svc", "Strict-Transport-Security", "Access-Control-Allow-Credentials", "Lgsp-Application", "Server", "X-Powered-By"} {
		if header.Get(name) != "" {
			t.Errorf("%s: %s left", name, header.Get(name))
		}
	}
	if header.Get("Access-Control-Allow-Origin") != "*" { // an open operation's, without cookies
		t.Errorf("got %v", header)
	}
	for _, tt := range []attack{
		{name: "in a parameter's name", sent: keyed("{P}/ho-so?hoTen%3Cscript%3E=1"), status: 403, code: "field-not-agreed"},
		{name: "in a parameter's value", sent: asks("GET", "{P}/nguoi/{N}?fields=%3Cscript%3E%0D%0ASet-Cookie:a", "Authorization: Bearer {T}"), status: 403, code: "field-not-agreed"},
		{name: "in a purpose", sent: keyed("{P}/ho-so", "LGSP-Purpose: <script>"), status: 403, code: "purpose-not-agreed"},
		{name: "in a method", sent: asks("<script>", "{P}/ho-so"), status: 400, code: "request-malformed"},
		{name: "in an id", sent: asks("GET", "{P}/ho-so", "X-Request-Id: <script>"), status: 401, code: "no-credential"},
		{name: "in an origin", sent: asks("GET", "{P}/ho-so", "Origin: https://evil.test"), status: 401, code: "no-credential"},
		{name: "a line in a field", sent: asks("GET", "{P}/ho-so", "X-Request-Id: a\r\n\tb"), status: 400, code: "request-malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header, _ := a.try(t, a.server, tt)
			if header.Get("Set-Cookie") != "" || strings.Contains(fmt.Sprint(header), "script>") || header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("got %v", header)
			}
		})
	}
	a.settle()
}

// TestAttackCaches: no cache keeps what one caller was answered for another,
// whatever the upstream says.
func TestAttackCaches(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.answers(func(rw http.ResponseWriter, _ *http.Request) {
		for name, value := range map[string]string{"Cache-Control": "public, max-age=86400, s-maxage=86400, immutable", "Expires": "Thu, 01 Dec 2099 16:00:00 GMT", "Content-Type": "application/json", "Set-Cookie": "a=b", "Etag": `"1"`} {
			rw.Header().Set(name, value)
		}
		_, _ = io.WriteString(rw, `{"tong":1}`)
	})
	for _, sent := range []string{keyed("{P}/ho-so"), keyed("{P}/danh-muc/1"), asks("GET", "{P}/ho-so", "Authorization: Bearer {T}"), asks("GET", "{P}/nguoi/{N}", "Authorization: Bearer {T}"), asks("GET", "{P}/ho-so", "Authorization: ApiKey {K}")} {
		header, _ := a.try(t, a.server, attack{sent: sent, status: 200, reached: 1})
		if got := header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" || header.Get("Set-Cookie") != "" {
			t.Errorf("%.80s: %v", sent, header)
		}
	}
	a.settle()
}

// TestAttackTenants: who asks for what is another's learns what who asks for
// nothing learns.
func TestAttackTenants(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	other, hidden := auth.NewKey(auth.KindKey), a.route
	hidden.Version, hidden.API, hidden.APISlug = uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), "kin" // not exposed
	a.mu.Lock()
	a.keys = append(a.keys, auth.GatewayCredential{Lookup: other.Lookup, Hash: other.Hash(pepper), PepperVersion: 1, Application: uuid.Must(uuid.NewV7()), Expires: a.now().Add(time.Hour)})
	a.mu.Unlock()
	a.tell("credential")
	a.until("known", func() bool {
		return a.node.knows(other.Lookup).Lookup != "" && a.node.current.Load().byVersion[hidden.Version] == nil
	})
	a.secrets = append(a.secrets, other.Secret())
	theirs := "X-API-Key: " + other.Secret()
	for _, tt := range []attack{
		{name: "another's agreement", sent: asks("GET", "{P}/ho-so", theirs), status: 403, code: "no-agreement"},
		{name: "another's purpose", sent: asks("GET", "{P}/ho-so", theirs, "LGSP-Purpose: tra-cuu"), status: 403, code: "no-agreement"},
		{name: "another's name", sent: asks("GET", "{P}/ho-so", theirs, "LGSP-Application: "+a.app.String(), "LGSP-Agreement: "+a.grant.Agreement.String()), status: 403, code: "no-agreement"},
		{name: "an operation that was not agreed", sent: strings.Replace(keyed("{P}/ho-so"), "GET", "POST", 1), status: 403, code: "operation-not-agreed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, text := a.try(t, a.server, tt); strings.Contains(text, a.grant.Agreement.String()) || strings.Contains(text, a.app.String()) {
				t.Errorf("it tells of another: %s", text)
			}
		})
	}
	trace := fmt.Sprintf("Traceparent: %s", traceparent(strings.Repeat("ab", 16)))
	var answers []string
	for _, path := range []string{"/so-noi-vu/kin/v1/ho-so", "/so-noi-vu/khac/v1/ho-so", "/khac/khac/v1/ho-so", "{P}/khac"} {
		answers = append(answers, a.exchangeBytes(t, keyed(path, trace)))
	}
	for _, answer := range answers {
		if _, got, _ := strings.Cut(answer, "\r\n\r\n"); !strings.HasSuffix(answers[0], got) || !strings.Contains(answer, "no-such-operation") {
			t.Errorf("hidden and absent differ: %s and %s", answers[0], answer)
		}
	}
}

// TestAttackAdmin: nothing of what runs the platform answers at the gateway.
func TestAttackAdmin(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	var attacks []attack
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/healthz", "/readyz", "/status", "/api/v1/agencies", "/api/v1/openapi.json", "/oauth2/token", "/oauth2/introspect", "/ledger/checkpoint",
		"/operator", "/.env", "/.git/config", "/.well-known/", "/.well-known/oauth-protected-resource/khac", "/.well-known/openid-configuration", "/server-status", "/admin"} {
		for _, method := range []string{"GET", "POST"} {
			attacks = append(attacks, attack{name: method + " " + path, sent: strings.Replace(keyed(path), "GET", method, 1), status: 404, code: "no-such-operation"})
		}
	}
	for _, method := range []string{"TRACE", "TRACK", "DEBUG", "PROPFIND", "PURGE", "get", "PRI"} {
		attacks = append(attacks, attack{name: method, sent: asks(method, "{P}/ho-so", "X-API-Key: {K}"), status: 405, code: "method-not-offered"})
	}
	a.each(t, attacks)
}

// TestAttackHalfReady: a node that has no configuration serves nothing, and a
// row that is damaged takes no other along.
func TestAttackHalfReady(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	starting, _ := serve(t, &Node{Now: time.Now, PortalURL: portalURL}, listen(t))
	for _, path := range []string{"{P}/ho-so", "{P}/danh-muc/1", "/", "/.well-known/api-catalog"} {
		header, _ := a.try(t, starting, attack{sent: keyed(path), status: 503, code: "gateway-starting"})
		if header.Get("Retry-After") == "" {
			t.Errorf("%s: %v", path, header)
		}
	}
	a.traces = nil // nothing is recorded yet
	a.commit(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into gateway.route (version_id, prefix, document) values ($1, '/hong/hong/v1', '{"agency_slug": 7}')`, uuid.Must(uuid.NewV7()))
		return err
	})
	a.node, a.server = a.another(func(*Node) {})
	a.try(t, a.server, attack{sent: keyed("/hong/hong/v1/ho-so"), status: 404, code: "no-such-operation"})
	a.try(t, a.server, attack{sent: keyed("{P}/ho-so"), status: 200, reached: 1})
	a.settle()
}
