package oauth

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/certtest"
)

// fapi makes w.app a client of FAPI 2.0 and gives the key it proves itself with.
func (w *world) fapi() keyPair {
	w.t.Helper()
	pair := newPair(w.t, jose.ES256)
	w.setKeys(w.app, pair.jwk(w.t, ""))
	w.edit(auth.Protocol{Profile: auth.FAPI2, AuthMethod: auth.PrivateKeyJWT})
	return pair
}

// asFAPI sends a form as a client that proves itself by its key.
func (w *world) asFAPI(path string, pair keyPair, form url.Values) answer {
	w.t.Helper()
	return w.post(path, nil, w.proven(pair, form))
}

// proven is the form with an assertion of w.app.
func (w *world) proven(pair keyPair, form url.Values) url.Values {
	more := url.Values{"client_assertion_type": {assertionType}, "client_assertion": {pair.sign(w.t, w.statement(w.app, nil), nil)}}
	for name, values := range form {
		more[name] = values
	}
	return more
}

// The whole way of a client of FAPI 2.0 with DPoP: pushed, redeemed, refreshed
// with the same refresh token by whatever key it holds then, and as itself.
func TestFAPI2WithDPoP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, holder, later := w.fapi(), newPair(t, jose.ES256), newPair(t, jose.EdDSA)
	verifier := oauth2.GenerateVerifier()
	form := w.asked(verifier)
	form.Set("dpop_jkt", holder.thumbprint(t))
	code := w.pushedForm(client, form)
	w.sendDPoP("/oauth2/token", nil, w.proven(client, redeem(code, verifier)), later, nil).want(t, 400, "invalid_grant")
	first := w.sendDPoP("/oauth2/token", nil, w.proven(client, redeem(code, verifier)), holder, nil)
	w.boundTo(first, &holder)
	if first.body["id_token"] == nil || text(first, "refresh_token") == "" {
		t.Errorf("got %v", first.body)
	}
	w.asFAPI("/oauth2/token", client, refreshWith(first)).want(t, 400, "invalid_request") // no proof
	for _, key := range []keyPair{holder, later, holder} {
		next := w.sendDPoP("/oauth2/token", nil, w.proven(client, refreshWith(first)), key, nil)
		w.boundTo(next, &key)
		if next.body["refresh_token"] != nil || next.body["id_token"] == nil {
			t.Errorf("got %v", next.body)
		}
	}
	machine := url.Values{"grant_type": {"client_credentials"}, "scope": {ScopeManage}}
	w.boundTo(w.sendDPoP("/oauth2/token", nil, w.proven(client, machine), holder, nil), &holder)
	w.sendDPoP("/oauth2/token", nil, w.proven(client, redeem(code, verifier)), holder, nil).want(t, 400, "invalid_grant") // reuse
	w.sendDPoP("/oauth2/token", nil, w.proven(client, refreshWith(first)), holder, nil).want(t, 400, "invalid_grant")
}

// Each rule of the FAPI 2.0 Security Profile (§5.3.2) that is not one for
// everybody, and how it shows.
func TestFAPI2(t *testing.T) {
	t.Parallel()
	machine := url.Values{"grant_type": {"client_credentials"}, "scope": {ScopeManage}}
	for rule, check := range map[string]func(t *testing.T, w *world, pair keyPair){
		"5.3.2.1 (4) no token without a binding": func(t *testing.T, w *world, pair keyPair) {
			w.asFAPI("/oauth2/token", pair, machine).want(t, 400, "invalid_request")
		},
		"5.3.2.1 (4) nor for a code, which stays unspent": func(t *testing.T, w *world, pair keyPair) {
			verifier := oauth2.GenerateVerifier()
			code := w.pushedCode(pair, verifier)
			w.asFAPI("/oauth2/token", pair, url.Values{
				"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
			}).want(t, 400, "invalid_request")
			if got := w.count("oauth_code where used_at is null"); got != 1 {
				t.Error("the code is spent")
			}
		},
		"5.3.2.1 (6) no secret": func(t *testing.T, w *world, _ keyPair) {
			w.post("/oauth2/token", &w.app, machine).want(t, 401, "invalid_client")
			w.post("/oauth2/par", &w.app, url.Values{}).want(t, 401, "invalid_client")
			w.post("/oauth2/introspect", &w.app, url.Values{"token": {"x"}}).want(t, 401, "invalid_client")
		},
		"5.3.2.1 (6) no secret, whatever the row says": func(t *testing.T, w *world, _ keyPair) {
			_, err := w.db.Exec(t.Context(), `update auth.application set auth_method = '' where id = $1`, w.app.ID)
			w.must(err)
			w.post("/oauth2/token", &w.app, machine).want(t, 401, "invalid_client")
		},
		"5.3.2.1 (8) the issuer alone as aud": func(t *testing.T, w *world, pair keyPair) {
			_, err := w.db.Exec(t.Context(), `update auth.application set legacy_audience = true where id = $1`, w.app.ID)
			w.must(err)
			for _, audience := range []any{w.http.URL + "/oauth2/token", w.http.URL + "/oauth2/par", []string{w.http.URL}} {
				w.prove(pair.sign(t, w.statement(w.app, map[string]any{"aud": audience}), nil)).want(t, 401, "invalid_client")
			}
		},
		"5.3.2.1 (13) a clock ten seconds ahead, not sixty": func(t *testing.T, w *world, pair keyPair) {
			for ahead, status := range map[time.Duration]int{10 * time.Second: 400, 61 * time.Second: 401} { // 400: no binding
				at := w.Now().Add(ahead).Unix()
				got := w.prove(pair.sign(t, w.statement(w.app, map[string]any{"iat": at, "nbf": at}), nil))
				if got.status != status {
					t.Errorf("%s ahead: got %d %v", ahead, got.status, got.body)
				}
			}
		},
		"5.3.2.2 (3) no request that was not pushed": func(t *testing.T, w *world, _ keyPair) {
			back := w.browse(w.config(scopeOpenID).AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
			if got := back.Query().Get("error"); got != "invalid_request" || back.Query().Get("iss") != w.http.URL {
				t.Errorf("got %s", back)
			}
			_, err := w.db.Exec(t.Context(), `update auth.application set pushed_only = false where id = $1`, w.app.ID)
			w.must(err)
			back = w.browse(w.config(scopeOpenID).AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
			if got := back.Query().Get("error"); got != "invalid_request" {
				t.Errorf("whatever the row says: got %s", back)
			}
		},
		"5.3.2.2 (4) no pushed request without proof": func(t *testing.T, w *world, _ keyPair) {
			w.post("/oauth2/par", nil, url.Values{"client_id": {w.app.ID.String()}}).want(t, 401, "invalid_client")
		},
		"5.3.2.2 (5, 6) PKCE and redirect_uri": func(t *testing.T, w *world, pair keyPair) {
			for _, without := range []string{"code_challenge", "code_challenge_method", "redirect_uri"} {
				form := w.asked(oauth2.GenerateVerifier())
				form.Del(without)
				w.asFAPI("/oauth2/par", pair, form).want(t, 400, "invalid_request")
			}
		},
		"5.3.2.2 (12) a request_uri lives less than 600 s": func(t *testing.T, w *world, pair keyPair) {
			got := w.asFAPI("/oauth2/par", pair, w.asked(oauth2.GenerateVerifier()))
			got.want(t, http.StatusCreated, "")
			if life, _ := got.body["expires_in"].(float64); life < 5 || life >= 600 {
				t.Errorf("expires_in: got %v", got.body["expires_in"])
			}
		},
		"5.3.2.2 (14) a nonce of 64 characters": func(t *testing.T, w *world, pair keyPair) {
			form := w.asked(oauth2.GenerateVerifier())
			form.Set("nonce", "0123456789012345678901234567890123456789012345678901234567890123")
			w.asFAPI("/oauth2/par", pair, form).want(t, http.StatusCreated, "")
		},
		"5.4.1 ES256, PS256, EdDSA": func(t *testing.T, w *world, _ keyPair) {
			long := newPair(t, jose.RS256)
			w.setKeys(w.app, long.jwk(t, ""))
			w.prove(long.sign(t, w.statement(w.app, nil), nil)).want(t, 401, "invalid_client")
			for _, algorithm := range []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA} {
				pair := newPair(t, algorithm)
				w.setKeys(w.app, pair.jwk(t, ""))
				w.prove(pair.sign(t, w.statement(w.app, nil), nil)).want(t, 400, "invalid_request") // no binding
			}
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			check(t, w, w.fapi())
		})
	}
	if codeLife > time.Minute {
		t.Errorf("5.3.2.1 (11): codes live %s", codeLife)
	}
}

// asked is an authorization request of w.app.
func (w *world) asked(verifier string) url.Values {
	return url.Values{
		"response_type": {"code"}, "redirect_uri": {callback}, "scope": {scopeOpenID + " " + scopeOffline}, "state": {"s"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
}

// pushedCode is a code for a request that was pushed.
func (w *world) pushedCode(pair keyPair, verifier string) string {
	w.t.Helper()
	return w.pushedForm(pair, w.asked(verifier))
}

func (w *world) pushedForm(pair keyPair, form url.Values) string {
	w.t.Helper()
	pushed := w.asFAPI("/oauth2/par", pair, form)
	pushed.want(w.t, http.StatusCreated, "")
	back := w.allow(w.http.URL + "/oauth2/authorize?" + url.Values{
		"client_id": {w.app.ID.String()}, "request_uri": {text(pushed, "request_uri")},
	}.Encode())
	if back.Query().Get("code") == "" || back.Query().Get("iss") != w.http.URL {
		w.t.Fatalf("no code: %s", back)
	}
	return back.Query().Get("code")
}

// FAPI 2.0 forbids rotation (§5.3.2.1 (9)): the refresh token stays, and each
// use lets it live on.
func TestFAPI2RefreshTokensStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeEmail, scopeOffline)
	own := w.fapiByCertificate()
	refresh := func() answer {
		return w.with(&own, "/oauth2/token", url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}, "client_id": {w.app.ID.String()},
		})
	}
	for range 8 {
		got := refresh()
		got.want(t, 200, "")
		if got.body["refresh_token"] != nil || text(got, "scope") != "email offline_access" {
			t.Errorf("got %v", got.body)
		}
		w.pass(20 * 24 * time.Hour)
	}
	if got := w.takers(10, "", refresh); got != 10 {
		t.Errorf("%d of 10 at once", got)
	}
	if got := w.count("oauth_refresh where used_at is null"); got != 1 {
		t.Errorf("%d refresh tokens live, want the one", got)
	}
	w.pass(20 * 24 * time.Hour) // 180 days: the family has come to its end
	refresh().want(t, 400, "invalid_grant")
}

func TestFAPI2RefreshTokensEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeOffline)
	own, client := w.fapiByCertificate(), w.app.ID.String()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}, "client_id": {client}}
	w.with(&own, "/oauth2/token", form).want(t, 200, "")
	w.with(&own, "/oauth2/revoke", url.Values{"token": {token.RefreshToken}, "client_id": {client}}).want(t, 200, "")
	w.familyIsDead()
	w.with(&own, "/oauth2/token", form).want(t, 400, "invalid_grant")
}

// fapiByCertificate makes w.app a client of FAPI 2.0 that proves itself by a
// certificate, which its tokens are bound to.
func (w *world) fapiByCertificate() tls.Certificate {
	w.t.Helper()
	w.door(certtest.NewCA(w.t, w.Now()))
	own := certtest.SelfSigned(w.t, w.Now())
	jwk, err := json.Marshal(jose.JSONWebKey{Key: own.Leaf.PublicKey})
	w.must(err)
	w.setKeys(w.app, jwk)
	w.edit(auth.Protocol{Profile: auth.FAPI2, AuthMethod: auth.TLSSelfSigned})
	return own
}
