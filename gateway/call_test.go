package gateway

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
)

// TestRefusals has a row for every way a call is refused before it is
// forwarded: right status, code, and record; nothing reaches the upstream.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := auth.NewKey(auth.KindKey)
	otherApp := uuid.Must(uuid.NewV7())
	expired, off := auth.NewKey(auth.KindKey), auth.NewKey(auth.KindKey)
	other := auth.NewKey(auth.KindKey)
	offApp := uuid.Must(uuid.NewV7())
	w.mu.Lock()
	w.keys = append(w.keys,
		auth.GatewayCredential{Lookup: other.Lookup, Hash: other.Hash(pepper), PepperVersion: 1, Application: otherApp, Expires: w.now().Add(time.Hour)},
		auth.GatewayCredential{Lookup: expired.Lookup, Hash: expired.Hash(pepper), PepperVersion: 1, Application: w.app, Expires: w.now().Add(-time.Second)},
		auth.GatewayCredential{Lookup: off.Lookup, Hash: off.Hash(pepper), PepperVersion: 1, Application: w.app, Expires: w.now().Add(time.Hour), Disabled: true})
	w.disabled = append(w.disabled, offApp)
	w.revoked = append(w.revoked, "gone")
	w.mu.Unlock()
	w.tell("credential")
	w.until("revoked", func() bool { return w.node.IsRevoked("gone") })
	audience := w.node.GatewayURL + w.route.Prefix()
	for i, tt := range []struct {
		name    string
		method  string
		target  string
		headers []string
		body    string
		status  int
		code    string
	}{
		{name: "no such agency", target: "@/x/y/v1/z", status: 404, code: "no-such-operation"},
		{name: "no such operation", target: "/nothing", status: 404, code: "no-such-operation"},
		{name: "prefix alone", target: "", status: 404, code: "no-such-operation"},
		{name: "prefix is whole segments", target: "@/so-noi-vu/ho-so/v10/ho-so", status: 404, code: "no-such-operation"},
		{name: "case of a slug", target: "@/So-Noi-Vu/ho-so/v1/ho-so", status: 404, code: "no-such-operation"},
		{name: "wrong method", method: "DELETE", target: "/ho-so", status: 405, code: "method-not-offered"},
		{name: "dot segments", target: "/danh-muc/../ho-so", status: 400, code: "path-not-canonical"},
		{name: "encoded dots", target: "/danh-muc/%2e%2e/ho-so", status: 400, code: "path-not-canonical"},
		{name: "dots behind an encoded slash", target: "/danh-muc/x%2F..%2F..%2Fho-so", status: 400, code: "path-not-canonical"},
		{name: "two slashes", target: "//ho-so", status: 400, code: "path-not-canonical"},
		{name: "unreadable query", target: "/danh-muc/1?a=%zz", status: 400, code: "query-malformed"},
		{name: "semicolon in query", target: "/danh-muc/1?a=1;b=2", status: 400, code: "query-malformed"},
		{name: "loop", target: "/danh-muc/1", headers: []string{"Via", "1.1 other, 1.1 " + w.node.via}, status: 508, code: "call-loop"},
		{name: "no credential", target: "/ho-so", status: 401, code: "no-credential"},
		{name: "no credential for personal data", target: "/nguoi/0123", status: 401, code: "no-credential"},
		{name: "key and token", target: "/ho-so", headers: []string{"X-API-Key", w.key, "Authorization", "Bearer " + w.token("1")}, status: 400, code: "two-credentials"},
		{name: "key twice", target: "/ho-so", headers: []string{"X-API-Key", w.key, "X-API-Key", w.key}, status: 400, code: "two-credentials"},
		{name: "garbage key", target: "/ho-so", headers: []string{"X-API-Key", "lgsp_key_abc"}, status: 401, code: "key-malformed"},
		{name: "key with a typing error", target: "/ho-so", headers: []string{"X-API-Key", w.key[:20] + flip(w.key[20]) + w.key[21:]}, status: 401, code: "key-malformed"},
		{name: "unknown key", target: "/ho-so", headers: []string{"X-API-Key", stranger.Secret()}, status: 401, code: "key-wrong"},
		{name: "expired key", target: "/ho-so", headers: []string{"X-API-Key", expired.Secret()}, status: 401, code: "key-wrong"},
		{name: "key of a disabled application", target: "/ho-so", headers: []string{"X-API-Key", off.Secret()}, status: 401, code: "caller-disabled"},
		{name: "wrong key on an open operation", target: "/danh-muc/1", headers: []string{"X-API-Key", stranger.Secret()}, status: 401, code: "key-wrong"},
		{name: "client secret as key", target: "/ho-so", headers: []string{"X-API-Key", auth.NewKey(auth.KindSecret).Secret()}, status: 401, code: "not-a-key"},
		{name: "key as bearer", target: "/ho-so", headers: []string{"Authorization", "Bearer " + w.key}, status: 401, code: "key-as-bearer"},
		{name: "basic", target: "/ho-so", headers: []string{"Authorization", "Basic YTpi"}, status: 401, code: "credential-scheme"},
		{name: "empty bearer", target: "/ho-so", headers: []string{"Authorization", "Bearer"}, status: 401, code: "token-malformed"},
		{name: "key in the query", target: "/danh-muc/1?k=" + w.key, status: 400, code: "credential-in-query"},
		{name: "token in the query", target: "/danh-muc/1?access_token=x", status: 400, code: "credential-in-query"},
		{name: "another secret in the query", target: "/danh-muc/1?k=lgsp_refresh_x", status: 400, code: "credential-in-query"},
		{name: "token for another API", target: "/ho-so", headers: []string{"Authorization", "Bearer 1|" + w.app.String() + "|elsewhere"}, status: 401, code: "token-audience"},
		{name: "revoked token", target: "/ho-so", headers: []string{"Authorization", "Bearer " + w.token("gone")}, status: 401, code: "token-revoked"},
		{name: "token of a disabled application", target: "/ho-so", headers: []string{"Authorization", "Bearer 1|" + offApp.String() + "|" + audience}, status: 401, code: "caller-disabled"},
		{name: "key on personal data", target: "/nguoi/0123", headers: []string{"X-API-Key", w.key}, status: 401, code: "key-for-personal-data"},
		{name: "no agreement", target: "/ho-so", headers: []string{"X-API-Key", other.Secret()}, status: 403, code: "no-agreement"},
		{name: "operation not agreed", method: "POST", target: "/ho-so", headers: []string{"X-API-Key", w.key}, status: 403, code: "operation-not-agreed"},
		{name: "purpose not agreed", target: "/ho-so", headers: []string{"X-API-Key", w.key, "LGSP-Purpose", "khac"}, status: 403, code: "purpose-not-agreed"},
		{name: "two purposes", target: "/ho-so", headers: []string{"X-API-Key", w.key, "LGSP-Purpose", "a", "LGSP-Purpose", "b"}, status: 400, code: "purpose-twice"},
		{name: "filter by a field not agreed", target: "/ho-so?hoTen=An", headers: []string{"X-API-Key", w.key}, status: 403, code: "field-not-agreed"},
		{name: "filter in brackets", target: "/ho-so?filter%5BHoTen%5D=An", headers: []string{"X-API-Key", w.key}, status: 403, code: "field-not-agreed"},
		{name: "filter with a suffix", target: "/ho-so?hoTen__contains=An", headers: []string{"X-API-Key", w.key}, status: 403, code: "field-not-agreed"},
		{name: "sort by a field not agreed", target: "/ho-so?sort=maHoSo,-soDinhDanh", headers: []string{"X-API-Key", w.key}, status: 403, code: "field-not-agreed"},
		{name: "fields not agreed", target: "/ho-so?fields=hoTen", headers: []string{"X-API-Key", w.key}, status: 403, code: "field-not-agreed"},
		{name: "search by a field not agreed", target: "/ho-so?q=hoTen:An", headers: []string{"X-API-Key", w.key}, status: 403, code: "field-not-agreed"},
		{name: "choosing fields where none are known", target: "/nguoi/0123?fields=a", headers: []string{"Authorization", "Bearer " + w.token("1")}, status: 403, code: "field-not-agreed"},
		{name: "no subject", method: "POST", target: "/tra-cuu", body: `{"nguoi":{}}`, headers: []string{"Authorization", "Bearer " + w.token("1")}, status: 400, code: "subject-missing"},
		{name: "subject twice in the body", method: "POST", target: "/tra-cuu", body: `{"nguoi":{"so":"1","so":"2"}}`, headers: []string{"Authorization", "Bearer " + w.token("1")}, status: 400, code: "subject-missing"},
		{name: "too large", method: "POST", target: "/tra-cuu", body: strings.Repeat("x", 1<<20+1), headers: []string{"Authorization", "Bearer " + w.token("1")}, status: 413, code: "request-too-large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := w.reachedCount()
			left, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement)
			trace := fmt.Sprintf("%032x", 1000+i)
			got := w.send(w.server, or(tt.method, "GET"), tt.target, tt.body, append(tt.headers, "Traceparent", traceparent(trace))...)
			if got.status != tt.status || got.code != tt.code {
				t.Errorf("got %d %s, want %d %s: %s", got.status, got.code, tt.status, tt.code, got.body)
			}
			if w.reachedCount() != before {
				t.Error("the upstream was reached")
			}
			var body map[string]any
			if err := json.Unmarshal([]byte(got.body), &body); err != nil {
				t.Fatal(err)
			}
			if body["trace_id"] != trace || body["request_id"] != trace || got.header.Get("X-Request-Id") != trace || !strings.HasPrefix(fmt.Sprint(body["docs"]), portalURL+"/apis") ||
				body["explain"] != portalURL+"/calls?id="+trace {
				t.Errorf("the problem lacks its ids or where to read on: %s", got.body)
			}
			if tt.status == 401 && !strings.Contains(strings.Join(got.header.Values("WWW-Authenticate"), ","), "resource_metadata=") {
				t.Errorf("no challenge: %v", got.header)
			}
			if strings.Contains(got.body, w.key) || strings.Contains(got.body, stranger.Secret()) {
				t.Error("the problem shows a key")
			}
			if after, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement); after.LeftToday != left.LeftToday {
				t.Errorf("a refused call consumed: %d left, then %d", left.LeftToday, after.LeftToday)
			}
			e := w.recorded(trace)
			if e.Status != tt.status || e.Code != tt.code || !e.Complete {
				t.Errorf("recorded %+v", e)
			}
		})
	}
	t.Run("hidden and absent answer alike", func(t *testing.T) {
		trace := fmt.Sprintf("%032x", 1)
		a := w.do("GET", "/nothing", "Traceparent", traceparent(trace))
		b := w.do("GET", "@/x/y/v1/z", "Traceparent", traceparent(trace))
		if a.body != b.body {
			t.Errorf("got %s and %s", a.body, b.body)
		}
	})
	t.Run("Allow", func(t *testing.T) {
		if got := w.do("DELETE", "/ho-so").header.Get("Allow"); got != "GET, HEAD, OPTIONS, POST" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("challenges", func(t *testing.T) {
		for _, tt := range []struct {
			name, target string
			headers      []string
			want         []string // what each challenge begins with
			error        string   // in the first one
		}{
			{"without a credential", "/ho-so", nil, []string{"Bearer ", "DPoP ", "ApiKey "}, ""},
			{"with a wrong key", "/ho-so", []string{"X-Api-Key", stranger.Secret()}, []string{"Bearer ", "DPoP ", "ApiKey "}, ""},
			{"with a wrong token", "/nguoi/1", []string{"Authorization", "Bearer x"}, []string{"Bearer ", "DPoP "}, "invalid_token"},
			{"with another scheme", "/nguoi/1", []string{"Authorization", "Negotiate x"}, []string{"Bearer ", "DPoP "}, ""},
			{"with a wrong bound token", "/nguoi/1", []string{"Authorization", "dpop x", "DPoP", "y"}, []string{"DPoP "}, "invalid_token"},
			{"with a wrong proof", "/nguoi/1", []string{"Authorization", "DPoP " + w.token("j"), "DPoP", "y"}, []string{"DPoP "}, "invalid_dpop_proof"},
		} {
			got := w.do("GET", tt.target, tt.headers...).header
			challenges := got.Values("WWW-Authenticate")
			if len(challenges) != len(tt.want) || strings.Contains(challenges[0], "error=") != (tt.error != "") || !strings.Contains(challenges[0], tt.error) {
				t.Fatalf("%s: %v", tt.name, challenges)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(challenges[i], want) {
					t.Errorf("%s: got %q, want %s", tt.name, challenges[i], want)
				}
			}
			if dpop := tt.want[0] == "DPoP "; (got.Get("DPoP-Nonce") == "nonce-1") != dpop || strings.Contains(challenges[0], "algs=") != dpop {
				t.Errorf("%s: DPoP-Nonce %q, %s", tt.name, got.Get("DPoP-Nonce"), challenges[0])
			}
		}
	})
}

func flip(c byte) string {
	if c == 'a' {
		return "b"
	}
	return "a"
}

// TestCall forwards, and lets through what was agreed.
func TestCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	t.Run("agreed fields only", func(t *testing.T) {
		trace := fmt.Sprintf("%032x", 0xa1)
		got := w.do("GET", "/ho-so?trang=1&maHoSo=H1&sort=-maHoSo", "X-API-Key", w.key, "Traceparent", traceparent(trace), "If-None-Match", `"1"`, "Range", "bytes=0-1")
		if want := `{"tong":1,"items":[{"maHoSo":"H1"}]}`; got.status != 200 || got.body != want {
			t.Fatalf("got %d %s, want %s", got.status, got.body, want)
		}
		for _, name := range []string{"Etag", "Set-Cookie"} {
			if got.header.Get(name) != "" {
				t.Errorf("%s left: %v", name, got.header)
			}
		}
		r, _ := w.last()
		if r.Header.Get("If-None-Match") != "" || r.Header.Get("Range") != "" || r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("the upstream was asked for less than the whole: %v", r.Header)
		}
		e := w.recorded(trace)
		if e.Application != w.app || e.Agreement != w.grant.Agreement || e.Revision != 1 || e.Operation != "tim" ||
			e.Template != "/so-noi-vu/ho-so/v1/ho-so" || e.Status != 200 || !e.Complete || e.BytesOut != int64(len(got.body)) ||
			e.Access != Restricted || e.Credential != "api_key" || len(e.Fields) != 2 || e.AnswerSum == (Sum{}) || e.RequestSum == (Sum{}) || e.Address == "" || e.Subject != "" || e.Person != uuid.Nil || e.ID.Version() != 7 {
			t.Errorf("recorded %+v", e)
		}
	})
	t.Run("limits are told", func(t *testing.T) {
		got := w.do("GET", "/ho-so", "X-API-Key", w.key).header
		if !strings.HasPrefix(got.Get("RateLimit"), `"minute";r=`) || got.Get("RateLimit-Policy") != `"minute";q=1000;w=60, "day";q=100000;w=86400` || got.Get("X-RateLimit-Remaining") == "" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("what the caller says of itself is replaced", func(t *testing.T) {
		w.do("GET", "/ho-so", "Authorization", "ApiKey "+w.key, "Cookie", "s=1", "LGSP-Application", "evil", "LGSP_Agreement", "evil", "Lgsp.Agency", "evil",
			"X-Forwarded-For", "1.2.3.4", "X_Forwarded_Host", "evil", "X-Original-URL", "/admin", "X-HTTP-Method-Override", "DELETE",
			"Connection", "LGSP-Agency, X-Hop", "X-Hop", "1", "Forwarded", "for=1.2.3.4", "X-Real-Ip", "1.2.3.4", "Upgrade", "websocket")
		r, _ := w.last()
		for name, values := range r.Header {
			if strings.Contains(strings.Join(values, " "), "evil") || strings.Contains(strings.Join(values, " "), w.key) {
				t.Errorf("%s: %v reached the upstream", name, values)
			}
		}
		for _, name := range []string{"Authorization", "Cookie", "X-Forwarded-For", "X-Original-Url", "X-Http-Method-Override", "X-Hop", "Forwarded", "X-Real-Ip", "Upgrade", "Connection"} {
			if got := r.Header.Get(name); got != "" {
				t.Errorf("%s: %q reached the upstream", name, got)
			}
		}
		for name, want := range map[string]string{"LGSP-Application": w.app.String(), "LGSP-Agreement": w.grant.Agreement.String(), "LGSP-Purpose": "tra-cuu", "LGSP-Agency": "so-noi-vu", "Via": "1.1 " + w.node.via} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if !strings.HasPrefix(r.Header.Get("Traceparent"), "00-") || r.Host != strings.TrimPrefix(w.upstream.URL, "http://") {
			t.Errorf("traceparent %q, host %q", r.Header.Get("Traceparent"), r.Host)
		}
	})
	t.Run("an encoded slash goes on encoded", func(t *testing.T) {
		if got := w.do("GET", "/danh-muc/a%2fb%20c?x=%C3%A1&y=a+b"); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		if r, _ := w.last(); r.RequestURI != "/goc/danh-muc/a%2Fb%20c?x=%C3%A1&y=a+b" {
			t.Errorf("got %s", r.RequestURI)
		}
	})
	t.Run("an open answer passes whole", func(t *testing.T) {
		got := w.do("GET", "/danh-muc/1", "Origin", "https://anyone.test")
		if got.status != 200 || !strings.Contains(got.body, "Nguyễn") || got.header.Get("Etag") != `"1"` || got.header.Get("Set-Cookie") != "" || got.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("got %+v", got)
		}
		if r, _ := w.last(); r.Header.Get("LGSP-Application") != "" {
			t.Errorf("nobody became %s", r.Header.Get("LGSP-Application"))
		}
	})
	t.Run("personal data names its subject in the record only", func(t *testing.T) {
		trace := fmt.Sprintf("%032x", 0xa2)
		got := w.do("GET", "/nguoi/079123456789", "Authorization", "Bearer "+w.token("1"), "Traceparent", traceparent(trace))
		if want := `{"items":[{"hoTen":"Nguyễn An"}]}`; got.body != want || got.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("got %d %s %v", got.status, got.body, got.header)
		}
		e := w.recorded(trace)
		if e.Subject != SubjectHash(w.node.SubjectKey, "079123456789") || e.Template != "/so-noi-vu/ho-so/v1/nguoi/{so}" || e.Person != official {
			t.Errorf("recorded %+v", e)
		}
	})
	t.Run("subject in the body, whole answer agreed", func(t *testing.T) {
		trace := fmt.Sprintf("%032x", 0xa3)
		got := w.send(w.server, "POST", "/tra-cuu", `{"nguoi":{"so":"079"}}`, "Authorization", "Bearer "+w.token("1"), "Traceparent", traceparent(trace))
		if _, body := w.last(); got.status != 200 || body != `{"nguoi":{"so":"079"}}` || !strings.Contains(got.body, "soDinhDanh") {
			t.Errorf("got %d %s; the upstream got %s", got.status, got.body, body)
		}
		if e := w.recorded(trace); e.Subject != SubjectHash(w.node.SubjectKey, "079") || e.BytesIn != 22 {
			t.Errorf("recorded %+v", e)
		}
	})
	t.Run("HEAD is free", func(t *testing.T) {
		before, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement)
		if got := w.do("HEAD", "/ho-so", "X-API-Key", w.key); got.status != 200 || got.body != "" {
			t.Errorf("got %d %q", got.status, got.body)
		}
		if after, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement); after.LeftToday != before.LeftToday {
			t.Errorf("%d left, then %d", before.LeftToday, after.LeftToday)
		}
	})
	t.Run("preflight asks for no credential", func(t *testing.T) {
		for _, tt := range []struct{ target, origin, want string }{
			{"/ho-so", portalURL, portalURL}, {"/ho-so", "https://anyone.test", ""}, {"/danh-muc/1", "https://anyone.test", "*"},
		} {
			got := w.do("OPTIONS", tt.target, "Origin", tt.origin, "Access-Control-Request-Method", "GET")
			if got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != tt.want {
				t.Errorf("%s from %s: got %d %v", tt.target, tt.origin, got.status, got.header)
			}
		}
		if got := w.do("GET", "/nothing", "Origin", portalURL); got.header.Get("Access-Control-Allow-Origin") != portalURL {
			t.Errorf("the portal cannot read a 404: %v", got.header)
		}
	})
	t.Run("in Vietnamese", func(t *testing.T) {
		if got := w.do("GET", "/ho-so", "Accept-Language", "vi"); !strings.Contains(got.body, "Cần thông tin xác thực") {
			t.Errorf("got %s", got.body)
		}
	})
	t.Run("request id", func(t *testing.T) {
		if got := w.do("GET", "/danh-muc/1", "X-Request-Id", "abc.1").header.Get("X-Request-Id"); got != "abc.1" {
			t.Errorf("got %q", got)
		}
		if got := w.do("GET", "/danh-muc/1", "X-Request-Id", "a b").header.Get("X-Request-Id"); len(got) != 32 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("well-known", func(t *testing.T) {
		got := w.do("GET", "@/.well-known/oauth-protected-resource"+w.route.Prefix())
		if got.status != 200 || !strings.Contains(got.body, `"resource":"`+w.node.GatewayURL+w.route.Prefix()+`"`) || !strings.Contains(got.body, portalURL) || strings.Contains(got.body, "tls_client") {
			t.Errorf("got %d %s", got.status, got.body)
		}
		if got := w.do("GET", "@/.well-known/api-catalog"); !strings.HasPrefix(got.header.Get("Content-Type"), "application/linkset+json") || !strings.Contains(got.body, w.route.Prefix()) {
			t.Errorf("got %v %s", got.header, got.body)
		}
		if got := w.do("GET", "@/.well-known/oauth-protected-resource/x/y/v1"); got.status != 404 {
			t.Errorf("got %d", got.status)
		}
	})
}

// TestDPoP: the proof is for the address as the caller sees it, and goes no
// further; the answer carries our nonce for the next, not the upstream's.
func TestDPoP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("DPoP-Nonce", "the upstream's")
		_, _ = io.WriteString(rw, `{}`)
	})
	proof := "GET " + w.node.GatewayURL + w.route.Prefix() + "/ho-so"
	got := w.do("GET", "/ho-so?trang=1", "Authorization", "DPoP "+w.token("j"), "DPoP", proof)
	if got.status != 200 || got.header.Get("DPoP-Nonce") != "nonce-1" {
		t.Errorf("got %d %s, DPoP-Nonce %q", got.status, got.body, got.header.Get("DPoP-Nonce"))
	}
	if r, _ := w.last(); r.Header.Get("DPoP") != "" || r.Header.Get("Authorization") != "" {
		t.Errorf("the upstream saw the proof or the token: %v", r.Header)
	}
	if got := w.do("GET", "/danh-muc/1").header; got.Get("DPoP-Nonce") != "" || !strings.Contains(got.Get("Access-Control-Expose-Headers"), "DPoP-Nonce") {
		t.Errorf("without DPoP: %v", got)
	}
	if got := w.do("GET", "/ho-so", "Authorization", "DPoP "+w.token("j"), "Authorization", "Bearer "+w.token("j")); got.status != 400 || got.code != "two-credentials" {
		t.Errorf("two credentials: got %d %s", got.status, got.code)
	}
	preflight := w.do("OPTIONS", "/danh-muc/1", "Origin", "https://x.test", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "dpop").header
	if !strings.Contains(preflight.Get("Access-Control-Allow-Headers"), "DPoP") {
		t.Errorf("preflight: %v", preflight)
	}
	if got := w.do("GET", "@/.well-known/oauth-protected-resource"+w.route.Prefix()).body; !strings.Contains(got, `"dpop_signing_alg_values_supported":["ES256","PS256","EdDSA","Ed25519"]`) ||
		strings.Contains(got, "dpop_bound_access_tokens_required") {
		t.Errorf("metadata: %s", got)
	}
}

// TestProjectionFailsClosed has a row for every answer that cannot be held to
// the agreed fields.
func TestProjectionFailsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	say := func(status int, body string, headers ...string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			for i := 0; i < len(headers); i += 2 {
				rw.Header().Set(headers[i], headers[i+1])
			}
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, body)
		}
	}
	const secret = `{"items":[{"hoTen":"BIMAT"}]}`
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		status int
		code   string
	}{
		{"not found", say(404, secret), 404, "upstream-not-found"},
		{"gone", say(410, secret), 404, "upstream-not-found"},
		{"invalid", say(400, secret), 400, "upstream-invalid"},
		{"conflict", say(409, secret), 409, "upstream-conflict"},
		{"busy", say(503, secret, "Retry-After", "7"), 503, "upstream-busy"},
		{"unauthorized", say(401, secret), 502, "upstream-refused"},
		{"broken", say(500, secret), 502, "upstream-refused"},
		{"redirect", say(302, secret, "Location", "/BIMAT"), 502, "upstream-refused"},
		{"not modified", say(304, ""), 502, "upstream-refused"},
		{"partial", say(206, secret), 502, "answer-not-projectable"},
		{"XML", say(200, "<hoTen>BIMAT</hoTen>", "Content-Type", "application/xml"), 502, "answer-not-projectable"},
		{"no type", say(200, secret, "Content-Type", ""), 502, "answer-not-projectable"},
		{"another charset", say(200, secret, "Content-Type", "application/json; charset=utf-16"), 502, "answer-not-projectable"},
		{"compressed", say(200, secret, "Content-Encoding", "gzip"), 502, "answer-not-projectable"},
		{"not JSON", say(200, "BIMAT"), 502, "answer-not-projectable"},
		{"empty", say(200, ""), 502, "answer-not-projectable"},
		{"name twice", say(200, `{"tong":1,"tong":"BIMAT"}`), 502, "answer-not-projectable"},
		{"name twice, escaped", say(200, `{"tong":1,"\u0074ong":"BIMAT"}`), 502, "answer-not-projectable"},
		{"too deep", say(200, strings.Repeat("[", 70)+strings.Repeat("]", 70)), 502, "answer-not-projectable"},
		{"wrong at the end of all that is held", say(200, `{"tong":1,"x":"`+strings.Repeat("BIMAT", (heldAnswer-32)/5)+`","tong":2}`), 502, "answer-not-projectable"},
		{"one value", say(200, `"BIMAT"`), 502, "answer-not-projectable"},
		{"cut short", say(200, secret, "Content-Length", "1000"), 502, "upstream-broken"},
		{"upgrade", say(101, "", "Connection", "Upgrade", "Upgrade", "websocket"), 502, ""},
		{"early hints tell nothing", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Link", "</BIMAT>; rel=preload")
			rw.WriteHeader(http.StatusEarlyHints)
			say(200, `{"tong":1}`)(rw, r)
		}, 200, ""},
		{"no content", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) }, 204, ""},
		{"trailers and headers tell nothing", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Trailer", "X-Bimat")
			say(200, `{"tong":1,"x":"BIMAT"}`, "X-Ho-Ten", "BIMAT", "Location", "/BIMAT", "Link", "</BIMAT>", "Digest", "BIMAT", "Etag", `"BIMAT"`)(rw, r)
			rw.Header().Set("X-Bimat", "BIMAT")
		}, 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.answers(tt.answer)
			got := w.do("GET", "/ho-so", "X-API-Key", w.key)
			if got.status != tt.status || tt.code != "" && got.code != tt.code {
				t.Errorf("got %d %s, want %d %s: %s", got.status, got.code, tt.status, tt.code, got.body)
			}
			if all := fmt.Sprint(got.body, got.header); strings.Contains(all, "BIMAT") {
				t.Errorf("it left: %s", all)
			}
		})
	}
}

// TestLargeAnswersAreProjectedAsTheyCome: of an answer of any size the agreed
// fields leave, and nothing else; one that turns out wrong breaks off, which its
// record says.
func TestLargeAnswersAreProjectedAsTheyCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const rows = 100_000 // some 6 MB
	for _, tt := range []struct {
		name, end, code string
		whole           bool
	}{
		{name: "whole", end: `],"tong":1}`, whole: true},
		{name: "a name twice at the end", end: `],"items":[]}`, code: "answer-not-projectable"},
		{name: "no end", end: `]`, code: "answer-not-projectable"},
		{name: "broken off by the upstream", end: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.answers(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				out := bufio.NewWriter(rw)
				_, _ = io.WriteString(out, `{"items":[null`)
				for range rows {
					_, _ = io.WriteString(out, `,{"maHoSo":"H1","hoTen":"BIMAT","x":["BIMAT",{"maHoSo":"BIMAT"}]}`)
				}
				_, _ = io.WriteString(out, tt.end)
				_ = out.Flush()
				if tt.end == "" {
					panic(http.ErrAbortHandler)
				}
			})
			trace := fmt.Sprintf("%032x", 0xc000+len(tt.name))
			r, err := http.NewRequest("GET", w.server.URL+w.route.Prefix()+"/ho-so", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Traceparent", traceparent(trace))
			r.Header.Set("X-API-Key", w.key)
			res, err := w.server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if (err == nil) != tt.whole || strings.Contains(string(body), "BIMAT") || tt.whole && string(body) != `{"items":[null`+strings.Repeat(`,{"maHoSo":"H1"}`, rows)+`],"tong":1}` {
				t.Errorf("got %d bytes, %v: %.100s", len(body), err, body)
			}
			if e := w.recorded(trace); e.Complete != tt.whole || e.Status != 200 || e.Code != tt.code || e.BytesOut < int64(len(body)) {
				t.Errorf("recorded %+v", e)
			}
		})
	}
}

// TestUpstreamFaults says what a caller is told when the upstream fails.
func TestUpstreamFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	w.answers(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	if got := w.do("GET", "/danh-muc/1"); got.status != 504 || got.code != "upstream-timeout" {
		t.Errorf("slow: got %d %s", got.status, got.code)
	}
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(rw, "half")
		_ = http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	})
	trace := fmt.Sprintf("%032x", 0xb1)
	r, err := http.NewRequest("GET", w.server.URL+w.route.Prefix()+"/danh-muc/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Traceparent", traceparent(trace))
	res, err := w.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("a broken answer ended well")
	}
	res.Body.Close()
	if e := w.recorded(trace); e.Complete || e.Status != 200 {
		t.Errorf("recorded %+v", e)
	}
	w.upstream.Close()
	if got := w.do("GET", "/danh-muc/1"); got.status != 502 || got.code != "upstream-unreachable" {
		t.Errorf("gone: got %d %s", got.status, got.code)
	}
}

// TestTrailersStayBehind: HTTP/2 sends trailers with a Content-Length too.
func TestTrailersStayBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Trailer", "X-Ho-Ten")
		_, _ = io.WriteString(rw, `{"tong":1}`)
		rw.Header().Set("X-Ho-Ten", "BIMAT")
	})
	server := httptest.NewUnstartedServer(w.node)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	for _, s := range []*site{{server.URL, server.Client()}, w.server} {
		r, err := http.NewRequest("GET", s.URL+w.route.Prefix()+"/ho-so", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-API-Key", w.key)
		res, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != `{"tong":1}` || len(res.Trailer) > 0 || res.Header.Get("Trailer") != "" {
			t.Errorf("%s: got %s %v %v, trailers %v", res.Proto, body, err, res.Header, res.Trailer)
		}
	}
}

// TestHeadTakesRate: what reaches the upstream is held by the rate.
func TestHeadTakesRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(func(g *Grant) { g.Plan.RatePerMinute = 2 })
	for i, want := range []int{200, 200, 429} {
		if got := w.do("HEAD", "/ho-so", "X-API-Key", w.key); got.status != want {
			t.Errorf("HEAD %d: got %d, want %d", i+1, got.status, want)
		}
	}
}

// TestLongest: an upstream that begins its answer and never ends it holds no
// call for ever.
func TestLongest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node.Longest = 200 * time.Millisecond
	w.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"tong":`)
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
	})
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 504 || got.code != "upstream-timeout" {
		t.Errorf("got %d %s %s", got.status, got.code, got.body)
	}
}
