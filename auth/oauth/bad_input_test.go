package oauth

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/gorilla/mux"
)

// endpoints are the addresses that take a form, as they are registered.
func (w *world) endpoints() []string {
	w.t.Helper()
	router := mux.NewRouter()
	w.server.Routes(router)
	var paths []string
	w.must(router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err1 := route.GetPathTemplate()
		methods, err2 := route.GetMethods()
		if err1 == nil && err2 == nil && slices.Contains(methods, http.MethodPost) && !takesNoForm[path] {
			paths = append(paths, path)
		}
		return nil
	}))
	if len(paths) < 5 {
		w.t.Fatalf("endpoints: %v", paths)
	}
	return paths
}

// takesNoForm are the addresses whose POST is something else.
var takesNoForm = map[string]bool{"/oauth2/userinfo": true, "/oauth2/register": true}

// What no client sends by mistake alone: each endpoint refuses it in the words
// of RFC 6749 §5.2, does nothing, and asks for credentials with a 401 only.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	long := "eyJhbGciOiJFUzI1NiJ9." + strings.Repeat("e", 1<<20) + ".AAAA"
	good := url.Values{
		"grant_type": {"client_credentials"}, "audience": {landAPI}, "token": {"x"}, "client_id": {w.app.ID.String()},
		"response_type": {"code"}, "redirect_uri": {callback},
	}
	with := func(pairs ...string) url.Values {
		form := url.Values{}
		for name, values := range good {
			form[name] = slices.Clone(values)
		}
		for i := 0; i < len(pairs); i += 2 {
			form.Add(pairs[i], pairs[i+1])
		}
		return form
	}
	plain := func(path string, form url.Values) *http.Request { return w.request(path, &w.app, form) }
	for name, tt := range map[string]struct {
		send   func(path string) *http.Request
		status int
		code   string
	}{
		"a body over 64 KiB": {func(p string) *http.Request { return plain(p, with("x", strings.Repeat("x", bodyLimit))) }, 413, "invalid_request"},
		"an assertion of 1 MB": {func(p string) *http.Request {
			return w.request(p, nil, with("client_assertion_type", assertionType, "client_assertion", long))
		}, 413, "invalid_request"},
		"a token of 1 MB":           {func(p string) *http.Request { return plain(p, url.Values{"token": {long}}) }, 413, "invalid_request"},
		"a request object of 1 MB":  {func(p string) *http.Request { return plain(p, with("request", long)) }, 413, "invalid_request"},
		"a repeated parameter":      {func(p string) *http.Request { return plain(p, with("grant_type", "client_credentials")) }, 400, "invalid_request"},
		"a repeated unknown one":    {func(p string) *http.Request { return plain(p, with("x", "1", "x", "2")) }, 400, "invalid_request"},
		"two resources":             {func(p string) *http.Request { return plain(p, with("resource", landAPI, "resource", meritAPI)) }, 400, "invalid_target"},
		"NUL":                       {func(p string) *http.Request { return plain(p, with("x", "a\x00b")) }, 400, "invalid_request"},
		"broken UTF-8":              {func(p string) *http.Request { return plain(p, with("x", "a\xffb")) }, 400, "invalid_request"},
		"a broken escape":           {func(p string) *http.Request { return w.raw(p, "application/x-www-form-urlencoded", "token=%zz") }, 400, "invalid_request"},
		"parameters in the address": {func(p string) *http.Request { return plain(p+"?"+with("client_secret", w.secret).Encode(), good) }, 400, "invalid_request"},
		"JSON": {func(p string) *http.Request {
			return w.raw(p, "application/json", `{"grant_type":"client_credentials"}`)
		}, 400, "invalid_request"},
		"no content type":            {func(p string) *http.Request { return w.raw(p, "", good.Encode()) }, 400, "invalid_request"},
		"a content type of nonsense": {func(p string) *http.Request { return w.raw(p, "a/b/c;;", good.Encode()) }, 400, "invalid_request"},
		"multipart": {func(p string) *http.Request {
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			for name, values := range good {
				w.must(form.WriteField(name, values[0]))
			}
			w.must(form.Close())
			return w.raw(p, form.FormDataContentType(), body.String())
		}, 400, "invalid_request"},
	} {
		for _, path := range w.endpoints() {
			t.Run(name+" to "+path, func(t *testing.T) {
				before := w.minted()
				got := w.send(tt.send(path))
				got.want(t, tt.status, tt.code)
				if got.header.Get("WWW-Authenticate") != "" || got.header.Get("Cache-Control") != "no-store" {
					t.Errorf("headers: %v", got.header)
				}
				if after := w.minted(); after != before {
					t.Errorf("it did something: %s, before %s", after, before)
				}
			})
		}
	}
}

func (w *world) raw(path, kind, body string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.http.URL+path, strings.NewReader(body))
	w.must(err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.SetBasicAuth(w.app.ID.String(), w.secret)
	return r
}

// Who proves itself twice, or wrongly, at each endpoint that asks for it.
func TestBadCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	assertion := func(changed map[string]any) url.Values {
		return url.Values{"client_assertion_type": {assertionType}, "client_assertion": {pair.sign(t, w.statement(w.app, changed), nil)}}
	}
	secret := url.Values{"client_secret": {w.secret}}
	for name, tt := range map[string]struct {
		basic  string // secret in the header, "": no header
		forms  []url.Values
		status int
		code   string
	}{
		"nothing":                         {"", nil, 401, "invalid_client"},
		"header and body":                 {w.secret, []url.Values{secret}, 400, "invalid_request"},
		"header and assertion":            {w.secret, []url.Values{assertion(nil)}, 400, "invalid_request"},
		"body and assertion":              {"", []url.Values{secret, assertion(nil)}, 400, "invalid_request"},
		"another's id in the body":        {w.secret, []url.Values{{"client_id": {w.other.ID.String()}}}, 400, "invalid_request"},
		"another's secret":                {w.otherSecret, nil, 401, "invalid_client"},
		"a secret of 60 KB":               {"", []url.Values{{"client_id": {w.app.ID.String()}, "client_secret": {strings.Repeat("s", 60<<10)}}}, 401, "invalid_client"},
		"an id that is none":              {"", []url.Values{{"client_id": {"' or 1=1"}, "client_secret": {"x"}}}, 401, "invalid_client"},
		"an id in capitals":               {"", []url.Values{{"client_id": {strings.ToUpper(w.app.ID.String())}}, secret}, 401, "invalid_client"},
		"a secret for an assertion":       {"", []url.Values{{"client_assertion": {w.secret}, "client_assertion_type": {assertionType}}}, 401, "invalid_client"},
		"an assertion of 60 KB":           {"", []url.Values{{"client_assertion": {"e30." + strings.Repeat("e", 60<<10) + ".e30"}, "client_assertion_type": {assertionType}}}, 401, "invalid_client"},
		"an assertion without its type":   {"", []url.Values{{"client_assertion": assertion(nil)["client_assertion"]}}, 401, "invalid_client"},
		"a clock 31 seconds ahead, iat":   {"", []url.Values{assertion(map[string]any{"iat": w.Now().Unix() + 31})}, 401, "invalid_client"},
		"a clock 31 seconds ahead, nbf":   {"", []url.Values{assertion(map[string]any{"nbf": w.Now().Unix() + 31})}, 401, "invalid_client"},
		"a clock that is behind, exp":     {"", []url.Values{assertion(map[string]any{"exp": w.Now().Unix()})}, 401, "invalid_client"},
		"an assertion that lives an hour": {"", []url.Values{assertion(map[string]any{"exp": w.Now().Unix() + 3600})}, 401, "invalid_client"},
	} {
		for _, path := range []string{"/oauth2/token", "/oauth2/par", "/oauth2/introspect", "/oauth2/revoke"} {
			t.Run(name+" at "+path, func(t *testing.T) {
				form := url.Values{"token": {"x"}, "grant_type": {"client_credentials"}, "scope": {ScopeManage}}
				for _, more := range tt.forms {
					for key, values := range more {
						form[key] = values
					}
				}
				r := w.request(path, nil, form)
				if tt.basic != "" {
					r.SetBasicAuth(w.app.ID.String(), tt.basic)
				}
				before := w.minted()
				got := w.send(r)
				got.want(t, tt.status, tt.code)
				if asks := strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic "); asks != (tt.status == 401) {
					t.Errorf("WWW-Authenticate of a %d: %q (RFC 6749 §5.2)", tt.status, got.header.Get("WWW-Authenticate"))
				}
				if after := w.minted(); after != before {
					t.Errorf("it did something: %s, before %s", after, before)
				}
			})
		}
	}
	for name, changed := range map[string]map[string]any{
		"iat": {"iat": w.Now().Unix() + 30}, "nbf": {"nbf": w.Now().Unix() + 30}, "exp": {"exp": w.Now().Unix() + 1},
	} {
		t.Run("a clock within the leeway, "+name, func(t *testing.T) {
			w.prove(pair.sign(t, w.statement(w.app, changed), nil)).want(t, 200, "")
		})
	}
}

func TestUnknownGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for grant, code := range map[string]string{
		"": "invalid_request", "password": "unsupported_grant_type", "implicit": "unsupported_grant_type", "Client_Credentials": "unsupported_grant_type",
		"client_credentials ": "unsupported_grant_type", "client_credentials refresh_token": "unsupported_grant_type",
		"urn:ietf:params:oauth:grant-type:jwt-bearer": "unsupported_grant_type", "urn:openid:params:grant-type:ciba": "unsupported_grant_type",
		strings.Repeat("g", 60<<10): "unsupported_grant_type",
	} {
		w.post("/oauth2/token", &w.app, url.Values{"grant_type": {grant}, "username": {"a"}, "password": {"b"}}).want(t, 400, code)
	}
}

// Malformed codes and tokens are none; none of them is a 500.
func TestMalformedTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeOffline)
	for _, bad := range []string{
		"a", ".", "..", "a.b", "a.b.c", "e30.e30.e30", codePrefix, refreshPrefix, codePrefix + "a.b", refreshPrefix + "a.b", token.RefreshToken + "x",
		strings.TrimPrefix(token.RefreshToken, refreshPrefix) + "A", codePrefix + strings.TrimPrefix(token.RefreshToken, refreshPrefix),
		strings.Repeat(".", 60<<10), strings.Repeat("a", 60<<10), "eyJhbGciOiJub25lIn0.e30.", token.AccessToken + ".", "' or true --", "ạ",
	} {
		w.refresh(bad, nil).want(t, 400, "invalid_grant")
		w.redeem(bad, strings.Repeat("v", 43)).want(t, 400, "invalid_grant")
		w.post("/oauth2/revoke", &w.app, url.Values{"token": {bad}}).want(t, 200, "")
		if got := w.post("/oauth2/introspect", &w.app, url.Values{"token": {bad}}); got.status != 200 || got.body["active"] != false {
			t.Errorf("introspection of %.40q: got %d %v", bad, got.status, got.body)
		}
	}
	w.refresh(token.RefreshToken, nil).want(t, 200, "") // all that ended nothing
}

// A body that comes slowly is given up in time, whatever the server's own deadlines.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(inTime(100 * time.Millisecond)(http.HandlerFunc(w.server.token)))
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprint(conn, "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant_type=")
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(text), "invalid_request") {
		t.Errorf("got %d %s %v", answer.StatusCode, text, err)
	}
}
