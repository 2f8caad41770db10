package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lgsp/auth"
)

// ministry is an authorization server of somebody else's: of its tokens it
// knows "tot", of its client "he-thong-bo".
func (w *world) ministry() (url string, asked *atomic.Int64) {
	asked = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		out.Header().Set("Content-Type", "application/json")
		if _, secret, _ := r.BasicAuth(); secret != "bi-mat-o-bo" {
			out.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(out).Encode(map[string]any{"active": r.PostFormValue("token") == "tot", "client_id": "he-thong-bo", "aud": w.config.GatewayURL})
	}))
	w.t.Cleanup(s.Close)
	return s.URL, asked
}

// TestForeignTokens: an operator sets another authorization server up, an
// agency takes its tokens, and a client of it calls what its application has
// agreed, but for personal data; each step holds within a second, and none
// before.
func TestForeignTokens(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, func(_ *world, c *config) { c.EgressAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	w.serve()
	ministry, asked := w.ministry()
	call := func(path, token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.config.GatewayURL+"/so-a/dich-vu-public/v1"+path, nil)
		w.must(err)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("LGSP-Purpose", "dich-vu")
		answer, err := http.DefaultClient.Do(r)
		w.must(err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		w.must(err)
		var p struct{ Code string }
		_ = json.Unmarshal(text, &p) // an answer has none
		return answer.StatusCode, p.Code
	}
	expect := func(what, path, token string, status int, code string) {
		t.Helper()
		begun := time.Now()
		var gotStatus int
		var gotCode string
		w.until(what, func() bool {
			gotStatus, gotCode = call(path, token)
			return gotStatus == status && gotCode == code || time.Since(begun) > 5*time.Second
		})
		if gotStatus != status || gotCode != code {
			t.Errorf("%s: got %d %s, want %d %s", what, gotStatus, gotCode, status, code)
		}
	}
	does := func(role, method, path, body string, want int) string {
		t.Helper()
		status, _, text := w.call(role, method, path, body, "")
		if status != want {
			t.Fatalf("%s %s as %s: got %d %s, want %d", method, path, role, status, text, want)
		}
		return text
	}
	expect("not chosen", "/thua-dat/1", "tot", 401, "token-malformed")
	does("publisher", "PUT", "/versions/{published version}/traffic", `{"foreign_issuer":"`+ministry+`"}`, 200)
	expect("not set up", "/thua-dat/1", "tot", 503, "foreign-issuer-absent")
	made := does("operator", "POST", "/foreign-issuers", `{"name":"Bộ X","issuer":"`+ministry+`","introspection_url":"`+ministry+`/hoi","client_id":"tinh","client_secret":"bi-mat-o-bo","audience":"`+w.config.GatewayURL+`"}`, 201)
	if strings.Contains(made, "bi-mat") {
		t.Errorf("the secret is shown: %s", made)
	}
	var issuer auth.ForeignIssuer
	w.must(json.Unmarshal([]byte(made), &issuer))
	at := "/foreign-issuers/" + issuer.ID.String()
	expect("no client is known", "/thua-dat/1", "tot", 401, "foreign-client-unknown")
	does("operator", "PUT", at+"/clients", w.fill(`{"client_id":"he-thong-bo","application":"{application}"}`), 200)
	expect("all is set up", "/thua-dat/1", "tot", 200, "")
	expect("a bad token", "/thua-dat/1", "xau", 401, "foreign-token-inactive")
	expect("personal data", "/nguoi/012345678901", "tot", 401, "foreign-token-for-personal-data")
	expect("an open operation", "/danh-muc", "xau", 401, "foreign-token-inactive")
	before := asked.Load()
	expect("ours", "/thua-dat/1", w.tokenFor(w.config.GatewayURL+"/so-a/dich-vu-public/v1"), 200, "")
	expect("another's key", "/thua-dat/1", w.key, 401, "key-as-bearer")
	if got := asked.Load(); got != before {
		t.Errorf("the issuer was asked about what is ours, %d times", got-before)
	}
	if answer := w.thief("GET", w.config.GatewayURL+"/.well-known/oauth-protected-resource/so-a/dich-vu-public/v1", nil); !strings.Contains(answer.Body, ministry) {
		t.Errorf("the issuer is not told of: %s", answer.Body)
	}

	// A node keeps the issuer on disk, sealed, and believes it again from there.
	kept, err := w.beside()
	w.must(err)
	if strings.Contains(string(kept), "bi-mat-o-bo") {
		t.Error("the secret is kept in the clear")
	}
	w.foreign.set(nil)
	w.must(w.restore(kept))
	expect("from disk", "/thua-dat/1", "tot", 200, "")

	does("operator", "PUT", at+"/clients", `{"client_id":"he-thong-bo","application":"00000000-0000-0000-0000-000000000000"}`, 200)
	expect("the client is none any more", "/thua-dat/1", "tot", 401, "foreign-client-unknown")
	does("operator", "PUT", at+"/clients", w.fill(`{"client_id":"he-thong-bo","application":"{application}"}`), 200)
	expect("and is again", "/thua-dat/1", "tot", 200, "")
	does("developer", "POST", "/applications/{application}/revoke-everything", `{}`, 200)
	expect("everything of the application was revoked", "/thua-dat/1", "tot", 401, "token-revoked")
	does("operator", "DELETE", at, "", 204)
	expect("the issuer is gone", "/thua-dat/1", "tot", 503, "foreign-issuer-absent")
	var acts int
	w.must(w.db.Pool.QueryRow(t.Context(), `select count(*) from ledger.entry where payload::text like '%foreign-issuer.%'`).Scan(&acts))
	if acts != 5 {
		t.Errorf("%d acts are in the ledger, want 5", acts)
	}
}

// TestForeignIssuersRefused: each thing that is wrong with an issuer, by its field.
func TestForeignIssuersRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	const right = `{"name":"Bộ X","issuer":"https://sso.example.vn","introspection_url":"https://sso.example.vn/hoi","client_id":"tinh","client_secret":"bi-mat","audience":""}`
	if status, _, body := w.call("operator", "POST", "/foreign-issuers", right, ""); status != 201 {
		t.Fatalf("got %d %s", status, body)
	}
	for name, tt := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"there already":        {"POST", "", right, 409, "foreign-issuer-taken"},
		"in the clear":         {"POST", "", strings.Replace(right, "https://sso.example.vn/hoi", "http://sso.example.vn/hoi", 1), 400, `"introspection_url"`},
		"a query":              {"POST", "", strings.Replace(right, "/hoi", "/hoi?a=b", 1), 400, `"introspection_url"`},
		"no issuer":            {"POST", "", strings.Replace(right, `"https://sso.example.vn"`, `"sso"`, 1), 400, `"issuer"`},
		"no name":              {"POST", "", strings.Replace(right, "Bộ X", "", 1), 400, `"name"`},
		"no client":            {"POST", "", strings.Replace(right, `"tinh"`, `""`, 1), 400, `"client_id"`},
		"no secret":            {"POST", "", strings.Replace(right, `"bi-mat"`, `""`, 1), 400, "foreign-secret-missing"},
		"no ASCII":             {"POST", "", strings.Replace(right, `"bi-mat"`, `"bí mật"`, 1), 400, `"client_secret"`},
		"no such issuer":       {"PUT", "/{application}", right, 404, "foreign-issuer-unknown"},
		"no such issuer to go": {"DELETE", "/{application}", "", 404, "foreign-issuer-unknown"},
		"a client of none":     {"PUT", "/{application}/clients", `{"client_id":"a","application":"{application}"}`, 404, "foreign-issuer-unknown"},
	} {
		if status, _, body := w.call("operator", tt.method, "/foreign-issuers"+tt.path, w.fill(tt.body), ""); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: got %d %s, want %d %s", name, status, body, tt.status, tt.want)
		}
	}
	_, _, list := w.call("operator", "GET", "/foreign-issuers", "", "")
	var issuers struct{ Items []auth.ForeignIssuer }
	w.must(json.Unmarshal([]byte(list), &issuers))
	at := "/foreign-issuers/" + issuers.Items[0].ID.String()
	for name, tt := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"no client":           {`{"client_id":"","application":"{application}"}`, 400, `"client_id"`},
		"no such application": {`{"client_id":"a","application":"{so-a}"}`, 400, `"application"`},
		"none to end":         {`{"client_id":"a","application":"00000000-0000-0000-0000-000000000000"}`, 404, "foreign-client-absent"},
	} {
		if status, _, body := w.call("operator", "PUT", at+"/clients", w.fill(tt.body), ""); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: got %d %s, want %d %s", name, status, body, tt.status, tt.want)
		}
	}
	if status, _, body := w.call("publisher", "PUT", "/versions/{published version}/traffic", `{"foreign_issuer":"sso"}`, ""); status != 400 || !strings.Contains(body, "traffic-foreign-issuer") {
		t.Errorf("a version that takes tokens of nobody: got %d %s", status, body)
	}
}
