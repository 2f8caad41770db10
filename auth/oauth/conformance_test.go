package oauth

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/certtest"
)

// What the OpenID Foundation's plans ask of an OpenID provider and no other
// test shows; docs/conformance.md tells which module is shown by which test.

// Parameters that are wishes, or that nobody knows, change nothing: a code
// comes back, and the ID token of it.
func TestWishesDoNoHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.grant(scopeOpenID, scopeEmail, scopeProfile).Extra("id_token").(string)
	w.pass(5 * time.Minute)
	for name, pairs := range map[string][]string{
		"display page":            {"display", "page"},
		"display popup":           {"display", "popup"},
		"login_hint":              {"login_hint", "lan@example.vn"},
		"ui_locales":              {"ui_locales", "se sv"},
		"claims_locales":          {"claims_locales", "se"},
		"acr_values of nobody":    {"acr_values", "1 2"},
		"an unknown parameter":    {"extra", "foobar"},
		"max_age 10000":           {"max_age", "10000"},
		"prompt none":             {"prompt", "none"},
		"prompt none and a hint":  {"prompt", "none", "id_token_hint", first},
		"claims":                  {"claims", `{"userinfo":{"name":{"essential":true}}}`},
		"nonce and state of 1000": {"nonce", strings.Repeat("n", 1000), "state", strings.Repeat("s", 1000)},
		"another order of scopes": {"scope", "email openid"},
	} {
		verifier := oauth2.GenerateVerifier()
		options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "n-1")}
		for i := 0; i < len(pairs); i += 2 {
			options = append(options, oauth2.SetAuthURLParam(pairs[i], pairs[i+1]))
		}
		back := w.browse(w.config(scopeOpenID).AuthCodeURL("s", options...))
		if !back.Query().Has("code") {
			t.Errorf("%s: got %s", name, back)
			continue
		}
		got := w.redeem(back.Query().Get("code"), verifier)
		id := payload(t, text(got, "id_token"))
		nonce, state := "n-1", "s"
		if strings.HasPrefix(name, "nonce") {
			nonce, state = pairs[1], pairs[3]
		}
		was := payload(t, first)
		if id["nonce"] != nonce || back.Query().Get("state") != state || id["sub"] != was["sub"] || id["auth_time"] != was["auth_time"] {
			t.Errorf("%s: got %v, %s", name, id, back)
		}
	}
}

// A hint of who it is about is obeyed: nobody else's code is given for it.
func TestIDTokenHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hint := w.grant(scopeOpenID).Extra("id_token").(string)
	w.pass(2 * time.Hour) // it has expired
	w.signIn()
	for name, tt := range map[string]struct{ hint, want string }{
		"of the person": {hint, ""},
		"changed":       {hint[:len(hint)-8] + "AAAAAAAA", "invalid_request"},
		"alg none":      {part(t, map[string]any{"alg": "none"}) + "." + strings.Split(hint, ".")[1] + ".", "invalid_request"},
		"no token":      {"x", "invalid_request"},
	} {
		for _, prompt := range []string{"none", ""} {
			back := w.browse(w.ask(w.config(scopeOpenID), "id_token_hint", tt.hint, "prompt", prompt))
			if back.Query().Get("error") != tt.want || back.Query().Has("code") != (tt.want == "") {
				t.Errorf("%s: got %s", name, back)
			}
		}
	}
	other, err := w.server.sign(auth.ES256, "JWT", idClaims{Issuer: w.http.URL, Subject: w.owner.Person.String(), Audience: w.app.ID.String()})
	w.must(err)
	if back := w.browse(w.ask(w.config(scopeOpenID), "id_token_hint", other, "prompt", "none")); back.Query().Get("error") != "login_required" {
		t.Errorf("another person's: got %s", back)
	}
}

func TestWithoutResponseType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address, err := url.Parse(w.ask(w.config(scopeOpenID)))
	w.must(err)
	query := address.Query()
	query.Del("response_type")
	address.RawQuery = query.Encode()
	back := w.browse(address.String())
	if code := back.Query().Get("error"); code != "invalid_request" && code != "unsupported_response_type" || back.Query().Get("state") != "s1" {
		t.Errorf("got %s", back)
	}
}

// Without a nonce there is none in the ID token, which is signed by a key that
// its kid finds in /oauth2/jwks.
func TestIDToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := w.grant(scopeOpenID, scopeEmail, scopeProfile).Extra("id_token").(string)
	var header jwtHeader
	w.must(decodePart(strings.Split(text, ".")[0], &header))
	if header.Algorithm != "ES256" || w.server.Keys()[header.Key] == nil {
		t.Errorf("header: got %+v", header)
	}
	claims := payload(t, text)
	for _, name := range []string{"nonce", "name", "email"} {
		if claims[name] != nil {
			t.Errorf("the ID token tells %s", name)
		}
	}
	if claims["iat"] != float64(w.Now().Unix()) || claims["at_hash"] == nil || claims["acr"] == nil || claims["amr"] == nil {
		t.Errorf("claims: got %v", claims)
	}
}

// The authorization endpoint takes a form as it takes a query.
func TestAuthorizeByPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(scopeOpenID)
	form, verifier := w.pushing("client_id", w.app.ID.String())
	here := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := here.PostForm(w.http.URL+"/oauth2/authorize", form)
	w.must(err)
	defer answer.Body.Close()
	back, err := answer.Location()
	w.must(err)
	if answer.StatusCode != http.StatusSeeOther {
		t.Errorf("got %d", answer.StatusCode)
	}
	w.redeem(back.Query().Get("code"), verifier).want(t, 200, "")
}

// Where the access token may stand, and how its scheme may be written.
func TestUserinfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeOpenID, scopeProfile, scopeEmail).AccessToken
	ask := func(method, authorization, body string) answer {
		r, err := http.NewRequestWithContext(t.Context(), method, w.http.URL+"/oauth2/userinfo", strings.NewReader(body))
		w.must(err)
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Header.Set("Authorization", authorization)
		return w.send(r)
	}
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			got := ask(method, scheme+" "+token, "")
			if got.status != 200 || got.header.Get("Content-Type") != "application/json" || got.body["sub"] != w.person.ID.String() {
				t.Errorf("%s %s: got %d %v", method, scheme, got.status, got.body)
			}
		}
	}
	if got := ask(http.MethodPost, "", "access_token="+token); got.status != 401 || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("in the body: got %d %v", got.status, got.body)
	}
	if got := ask(http.MethodGet, "Bearer "+token, ""); got.body["email_verified"] != false || got.body["locale"] != "vi" {
		t.Errorf("an address that nobody proved: got %v", got.body)
	}
	_, err := w.db.Exec(t.Context(), `update auth.person set email_proved_at = now() where id = $1`, w.person.ID)
	w.must(err)
	if got := ask(http.MethodGet, "Bearer "+token, ""); got.body["email_verified"] != true {
		t.Errorf("an address that was proved: got %v", got.body)
	}
	less := w.grant(scopeOpenID).AccessToken
	if got := ask(http.MethodGet, "Bearer "+less, ""); len(got.body) != 1 {
		t.Errorf("with openid only: got %v", got.body)
	}
}

// A code redeemed again, 30 seconds later, takes back what it gave.
func TestReuseOfACodeTakesBackItsToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, verifier := w.code(scopeOpenID)
	token := text(w.redeem(code, verifier), "access_token")
	w.pass(30 * time.Second)
	w.redeem(code, verifier).want(t, 400, "invalid_grant")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/oauth2/userinfo", nil)
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+token)
	if got := w.send(r); got.status != 401 {
		t.Errorf("the token of the first time: got %d", got.status)
	}
}

// offline_access gives a refresh token, with prompt=consent and without, and
// nothing else does; it is of its client alone.
func TestOfflineAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if token := w.grant(scopeOpenID); token.RefreshToken != "" {
		t.Error("a refresh token nobody asked for")
	}
	for _, prompt := range []string{"consent", ""} {
		verifier := oauth2.GenerateVerifier()
		back := w.allow(w.config(scopeOpenID, scopeOffline).AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("prompt", prompt)))
		got := w.redeem(back.Query().Get("code"), verifier)
		refresh := text(got, "refresh_token")
		w.post("/oauth2/token", &w.other, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}).want(t, 400, "invalid_grant")
		newer := w.refresh(refresh, nil)
		newer.want(t, 200, "")
		was, is := payload(t, text(got, "id_token")), payload(t, text(newer, "id_token"))
		for _, name := range []string{"iss", "sub", "aud", "auth_time"} { // OpenID Connect Core §12.2
			if was[name] != is[name] {
				t.Errorf("%s of the newer ID token: got %v, was %v", name, is[name], was[name])
			}
		}
	}
}

// The Basic OP plan sends no code_challenge but in one module, and every
// client of ours must. leavingOutPKCE is the test-only client flag for it: a
// door before the server that adds, for one client, a challenge to its
// requests and the verifier to its redemptions. The server has no such switch.
func leavingOutPKCE(server, client string) http.Handler {
	verifier := oauth2.GenerateVerifier()
	target, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = target.Host
		if query := p.In.URL.Query(); query.Get("client_id") == client && !query.Has("code_challenge") {
			query.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
			query.Set("code_challenge_method", "S256")
			p.Out.URL.RawQuery = query.Encode()
		}
		if user, _, _ := p.In.BasicAuth(); user == client {
			body, _ := io.ReadAll(p.In.Body)
			text := string(body) + "&code_verifier=" + verifier
			p.Out.Body, p.Out.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		}
	}}
}

func TestAPlanWithoutPKCE(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	door := httptest.NewServer(leavingOutPKCE(w.http.URL, w.app.ID.String()))
	t.Cleanup(door.Close)
	conf := w.config(scopeOpenID)
	conf.Endpoint = oauth2.Endpoint{AuthURL: door.URL + "/oauth2/authorize", TokenURL: door.URL + "/oauth2/token", AuthStyle: oauth2.AuthStyleInHeader}
	back := w.allow(conf.AuthCodeURL("s", oauth2.SetAuthURLParam("nonce", "n-1")))
	token, err := conf.Exchange(t.Context(), back.Query().Get("code"))
	w.must(err)
	if id := payload(t, token.Extra("id_token").(string)); id["nonce"] != "n-1" {
		t.Errorf("got %v", id)
	}
	conf.ClientID, conf.ClientSecret = w.other.ID.String(), w.otherSecret
	if back := w.browse(conf.AuthCodeURL("s")); back.Query().Get("error") != "invalid_request" {
		t.Errorf("any other client: got %s", back)
	}
	if back := w.browse(w.config(scopeOpenID).AuthCodeURL("s")); back.Query().Get("error") != "invalid_request" {
		t.Errorf("past the door: got %s", back)
	}
}

// Scopes that are not here are refused by name, and are not advertised.
func TestScopesThatAreNotHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, scope := range []string{"address", "phone"} {
		if slices.Contains(allScopes, scope) {
			t.Errorf("%s is advertised", scope)
		}
		if back := w.browse(w.ask(w.config(scopeOpenID, scope))); back.Query().Get("error") != "invalid_scope" {
			t.Errorf("%s: got %s", scope, back)
		}
	}
}

// TestDiscoveryPage holds the table in docs/conformance.md to what is
// advertised: every member and every value, and nothing else.
func TestDiscoveryPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.door(certtest.NewCA(t, w.Now()))
	page, err := os.ReadFile("../../docs/conformance.md")
	w.must(err)
	_, table, _ := strings.Cut(string(page), "\n## Discovery\n")
	table, _, _ = strings.Cut(table, "\n## ")
	listed := map[string]string{}
	for line := range strings.SplitSeq(table, "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 3 && strings.HasPrefix(line, "| `") {
			listed[strings.Trim(cells[0], "| `")] = strings.ReplaceAll(cells[1], "`", "")
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/.well-known/openid-configuration", nil)
	w.must(err)
	told := w.send(r).body
	for member, value := range told {
		var words []string
		switch value := value.(type) {
		case []any:
			for _, word := range value {
				words = append(words, fmt.Sprint(word))
			}
		case map[string]any:
			words = slices.Sorted(maps.Keys(value))
		case string:
			words = []string{strings.TrimPrefix(value, w.http.URL)}
		default:
			words = []string{fmt.Sprint(value)}
		}
		want := strings.Fields(listed[member])
		if member == "issuer" {
			words = []string{"the", "issuer"}
		} else if _, set := value.(map[string]any); set {
			slices.Sort(want)
		}
		if !slices.Equal(words, want) {
			t.Errorf("%s: advertised %v, docs/conformance.md lists %v", member, words, want)
		}
	}
	for member := range listed {
		if _, ok := told[member]; !ok {
			t.Errorf("docs/conformance.md lists %s, which is not advertised", member)
		}
	}
}

// EdDSA on edwards25519 has a name of its own (RFC 9864), which libraries begin to use.
func TestEd25519ByItsOwnName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.EdDSA)
	w.setKeys(w.app, pair.jwk(t, ""))
	sign := func(header, claims map[string]any) string {
		header["alg"] = "Ed25519"
		text := part(t, header) + "." + part(t, claims)
		signature, err := pair.private.Sign(nil, []byte(text), crypto.Hash(0))
		w.must(err)
		return text + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	r := w.request("/oauth2/token", nil, url.Values{
		"grant_type": {"client_credentials"}, "scope": {ScopeManage}, "client_assertion_type": {assertionType},
		"client_assertion": {sign(map[string]any{}, w.statement(w.app, nil))},
	})
	claims := proofClaimsFor(http.MethodPost, w.http.URL+"/oauth2/token", w.server.Nonce(), w.Now())
	r.Header.Set("DPoP", sign(map[string]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: pair.private.Public()}}, claims))
	w.boundTo(w.send(r), &pair)
}
