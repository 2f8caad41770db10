package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/certtest"
)

// What the FAPI 2.0 Security Profile plan asks at the push endpoint of a
// client's assertion: the same as at the token endpoint.
func TestAnAssertionAtThePush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := w.fapi()
	far, near := w.Now().Add(61*time.Second).Unix(), w.Now().Add(8*time.Second).Unix()
	for name, tt := range map[string]struct {
		changed map[string]any
		status  int
	}{
		"good":                        {nil, 201},
		"iat and nbf 8 s ahead":       {map[string]any{"iat": near, "nbf": near}, 201},
		"iat and nbf 61 s ahead":      {map[string]any{"iat": far, "nbf": far}, 401},
		"expired 5 minutes ago":       {map[string]any{"exp": w.Now().Add(-5 * time.Minute).Unix()}, 401},
		"no exp":                      {map[string]any{"exp": nil}, 401},
		"no sub":                      {map[string]any{"sub": nil}, 401},
		"no iss":                      {map[string]any{"iss": nil}, 401},
		"no aud":                      {map[string]any{"aud": nil}, 401},
		"for another server":          {map[string]any{"aud": "https://other.test"}, 401},
		"for the push endpoint":       {map[string]any{"aud": w.http.URL + "/oauth2/par"}, 401},
		"for the token endpoint":      {map[string]any{"aud": w.http.URL + "/oauth2/token"}, 401},
		"for the issuer in a list":    {map[string]any{"aud": []string{w.http.URL}}, 401},
		"for the issuer and for more": {map[string]any{"aud": []string{w.http.URL, w.http.URL + "/oauth2/par"}}, 401},
	} {
		form := w.asked(oauth2.GenerateVerifier())
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", pair.sign(t, w.statement(w.app, tt.changed), nil))
		want := "invalid_client"
		if tt.status == 201 {
			want = ""
		}
		if got := w.post("/oauth2/par", nil, form); got.status != tt.status || got.error() != want {
			t.Errorf("%s: got %d %v, want %d", name, got.status, got.body, tt.status)
		}
	}
	long := newPair(t, jose.RS256)
	w.setKeys(w.app, long.jwk(t, ""))
	w.asFAPI("/oauth2/par", long, w.asked(oauth2.GenerateVerifier())).want(t, 401, "invalid_client")
}

// Requests that a client of FAPI 2.0 may not push, and methods that are none.
func TestWhatIsNotPushed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := w.fapi()
	for name, tt := range map[string]struct{ parameter, value, want string }{
		"code id_token":           {"response_type", "code id_token", "unsupported_response_type"},
		"token":                   {"response_type", "token", "unsupported_response_type"},
		"an unregistered address": {"redirect_uri", callback + "/x", "invalid_request"},
		"no address":              {"redirect_uri", "", "invalid_request"},
		"PKCE plain":              {"code_challenge_method", "plain", "invalid_request"},
		"a request_uri":           {"request_uri", pushedPrefix + "x", "invalid_request"},
	} {
		form := w.asked(oauth2.GenerateVerifier())
		form.Set(tt.parameter, tt.value)
		if got := w.asFAPI("/oauth2/par", pair, form); got.status != 400 || got.error() != tt.want {
			t.Errorf("%s: got %d %v, want %s", name, got.status, got.body, tt.want)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodGet, http.MethodDelete} {
		r, err := http.NewRequestWithContext(t.Context(), method, w.http.URL+"/oauth2/par", nil)
		w.must(err)
		answer, err := http.DefaultClient.Do(r)
		w.must(err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d", method, answer.StatusCode)
		}
	}
}

// Only what was pushed counts, however little it is; long texts come back whole.
func TestOnlyWhatWasPushedCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := w.fapi()
	for name, tt := range map[string]struct {
		pushed map[string]string // "" leaves it out
		beside string
		state  string
		nonce  any
	}{
		"no state":                {map[string]string{"state": ""}, "", "", nil},
		"a state beside it":       {map[string]string{"state": ""}, "&state=outside", "", nil},
		"another state beside it": {map[string]string{"state": "in"}, "&state=outside", "in", nil},
		"another nonce beside it": {map[string]string{"nonce": "in"}, "&nonce=outside", "s", "in"},
		"a nonce of 64":           {map[string]string{"nonce": strings.Repeat("n", 64)}, "", "s", strings.Repeat("n", 64)},
		"a nonce of 384":          {map[string]string{"nonce": strings.Repeat("n", 384)}, "", "s", strings.Repeat("n", 384)},
		"a state of 1000":         {map[string]string{"state": strings.Repeat("s", 1000)}, "", strings.Repeat("s", 1000), nil},
		"another order of scopes": {map[string]string{"scope": "offline_access openid"}, "", "s", nil},
		"without OpenID Connect":  {map[string]string{"scope": "email"}, "", "s", nil},
	} {
		verifier := oauth2.GenerateVerifier()
		form := w.asked(verifier)
		for parameter, value := range tt.pushed {
			if form.Set(parameter, value); value == "" {
				form.Del(parameter)
			}
		}
		pushed := w.asFAPI("/oauth2/par", pair, form)
		pushed.want(t, 201, "")
		back := w.allow(w.bring(w.app, text(pushed, "request_uri")) + tt.beside)
		if back.Query().Get("state") != tt.state || back.Query().Has("state") != (tt.state != "") || back.Query().Get("iss") != w.http.URL {
			t.Errorf("%s: got %s", name, back)
		}
		got := w.sendDPoP("/oauth2/token", nil, w.proven(pair, redeem(back.Query().Get("code"), verifier)), newPair(t, jose.ES256), nil)
		got.want(t, 200, "")
		id := text(got, "id_token")
		if (id != "") != (form.Get("scope") != "email") {
			t.Errorf("%s: ID token %q", name, id)
		}
		if id != "" && payload(t, id)["nonce"] != tt.nonce {
			t.Errorf("%s: nonce %v", name, payload(t, id)["nonce"])
		}
	}
}

// A person who says no is told to the client, of a pushed request too.
func TestAPushedRequestIsRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pushed := w.asFAPI("/oauth2/par", w.fapi(), w.asked(oauth2.GenerateVerifier()))
	page := w.browse(w.bring(w.app, text(pushed, "request_uri")))
	next, err := w.server.Decide(t.Context(), w.who(), page.Query().Get("request"), "deny")
	w.must(err)
	back, err := url.Parse(next)
	w.must(err)
	if back.Query().Get("error") != "access_denied" || back.Query().Get("state") != "s" || back.Query().Get("iss") != w.http.URL {
		t.Errorf("got %s", back)
	}
}

// A code is of one client, for a minute, once: by whatever proof it comes.
func TestFAPI2CodesAreBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair, holder := w.fapi(), newPair(t, jose.ES256)
	foreign := newPair(t, jose.ES256)
	w.setKeys(w.other, foreign.jwk(t, ""))
	token := func(form url.Values) answer {
		return w.sendDPoP("/oauth2/token", nil, form, holder, nil)
	}
	asOther := func(form url.Values) url.Values {
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", foreign.sign(t, w.statement(w.other, nil), nil))
		return form
	}
	verifier := oauth2.GenerateVerifier()
	code := w.pushedCode(pair, verifier)
	token(asOther(redeem(code, verifier))).want(t, 400, "invalid_grant")
	mixed := w.proven(pair, redeem(code, verifier))
	mixed.Set("client_id", w.other.ID.String())
	token(mixed).want(t, 401, "invalid_client")
	token(redeem(code, verifier)).want(t, 401, "invalid_client") // no assertion
	token(w.proven(pair, redeem(code, ""))).want(t, 400, "invalid_grant")
	token(w.proven(pair, redeem(code, oauth2.GenerateVerifier()))).want(t, 400, "invalid_grant")
	first := token(w.proven(pair, redeem(code, verifier)))
	first.want(t, 200, "")
	token(asOther(refreshWith(first))).want(t, 400, "invalid_grant")
	w.pass(time.Second)
	token(w.proven(pair, redeem(code, verifier))).want(t, 400, "invalid_grant")

	late := oauth2.GenerateVerifier()
	code = w.pushedCode(pair, late)
	w.pass(codeLife)
	token(w.proven(pair, redeem(code, late))).want(t, 400, "invalid_grant")
}

// DPoP proofs as they come in the plan: with times of their own, from clocks
// that are a little off, at the push, the token endpoint and userinfo.
func TestDPoPAsThePlanSendsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair, holder, other := w.fapi(), newPair(t, jose.ES256), newPair(t, jose.ES256)
	for name, seconds := range map[string]int64{"now": 0, "10 s before": -10, "8 s after": 8} {
		verifier := oauth2.GenerateVerifier()
		claims := map[string]any{"iat": w.Now().Unix() + seconds, "nbf": w.Now().Unix(), "exp": w.Now().Unix() + 300}
		pushed := w.sendDPoP("/oauth2/par", nil, w.proven(pair, w.asked(verifier)), holder, claims)
		pushed.want(t, 201, "")
		back := w.allow(w.bring(w.app, text(pushed, "request_uri")))
		code := back.Query().Get("code")
		w.sendDPoP("/oauth2/token", nil, w.proven(pair, redeem(code, verifier)), other, claims).want(t, 400, "invalid_grant")
		got := w.sendDPoP("/oauth2/token", nil, w.proven(pair, redeem(code, verifier)), holder, claims)
		w.boundTo(got, &holder)
		token := text(got, "access_token")
		for _, scheme := range []string{"DPoP", "dpop", "DPOP"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/oauth2/userinfo", nil)
			w.must(err)
			shown := proofClaimsFor(http.MethodGet, w.http.URL+"/oauth2/userinfo", w.server.Nonce(), w.Now())
			shown["ath"] = hashOf(token)
			for claim, value := range claims {
				shown[claim] = value
			}
			r.Header.Set("Authorization", scheme+" "+token)
			r.Header.Set("DPoP", holder.proof(t, shown, nil))
			if answer := w.send(r); answer.status != 200 {
				t.Errorf("%s, %s: got %d %v", name, scheme, answer.status, answer.body)
			}
		}
	}
	form := w.proven(pair, w.asked(oauth2.GenerateVerifier()))
	form.Set("dpop_jkt", other.thumbprint(t))
	w.sendDPoP("/oauth2/par", nil, form, holder, nil).want(t, 400, "invalid_dpop_proof")
}

// The same way with a certificate in the place of both proofs.
func TestFAPI2WithACertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.fapiByCertificate()
	verifier := oauth2.GenerateVerifier()
	form := w.asked(verifier)
	form.Set("client_id", w.app.ID.String())
	w.post("/oauth2/par", nil, form).want(t, 401, "invalid_client")
	pushed := w.with(&own, "/oauth2/par", form)
	pushed.want(t, 201, "")
	code := w.allow(w.bring(w.app, text(pushed, "request_uri"))).Query().Get("code")
	redeeming := redeem(code, verifier)
	redeeming.Set("client_id", w.app.ID.String())
	w.post("/oauth2/token", nil, redeeming).want(t, 401, "invalid_client")
	stranger := certtest.SelfSigned(t, w.Now())
	w.with(&stranger, "/oauth2/token", redeeming).want(t, 401, "invalid_client")
	got := w.with(&own, "/oauth2/token", redeeming)
	got.want(t, 200, "")
	bound, err := w.server.live(t.Context(), text(got, "access_token"))
	if err != nil || bound.Bound.X5T == "" || got.body["id_token"] == nil {
		t.Errorf("got %+v, %v", bound, err)
	}
}

// private_key_jwt with tokens bound to a certificate.
func TestFAPI2ByKeyWithBoundCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	w.edit(auth.Protocol{Profile: auth.FAPI2, AuthMethod: auth.PrivateKeyJWT, CertBound: true})
	w.door(certtest.NewCA(t, w.Now()))
	own := certtest.SelfSigned(t, w.Now())
	verifier := oauth2.GenerateVerifier()
	code := w.pushedCode(pair, verifier)
	w.asFAPI("/oauth2/token", pair, redeem(code, verifier)).want(t, 400, "invalid_request")
	got := w.with(&own, "/oauth2/token", w.proven(pair, redeem(code, verifier)))
	got.want(t, 200, "")
	bound, err := w.server.live(t.Context(), text(got, "access_token"))
	if err != nil || bound.Bound.X5T == "" {
		t.Errorf("got %+v, %v", bound, err)
	}
}
