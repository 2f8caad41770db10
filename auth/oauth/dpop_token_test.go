package oauth

import (
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// sendDPoP sends a form with a proof for it; the proof's claims can be changed.
func (w *world) sendDPoP(path string, as *auth.Application, form url.Values, p keyPair, changed map[string]any) answer {
	w.t.Helper()
	claims := proofClaimsFor(http.MethodPost, w.http.URL+path, w.server.Nonce(), w.Now())
	for name, value := range changed {
		claims[name] = value
	}
	r := w.request(path, as, form)
	r.Header.Set("DPoP", p.proof(w.t, claims, nil))
	return w.send(r)
}

// redeem is the form that a code is redeemed with.
func redeem(code, verifier string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

func refreshWith(a answer) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text(a, "refresh_token")}}
}

// boundTo asserts that an answer gives a token bound to the key, or to none.
func (w *world) boundTo(a answer, p *keyPair) {
	w.t.Helper()
	a.want(w.t, 200, "")
	kind, jkt := "Bearer", ""
	if p != nil {
		kind, jkt = "DPoP", p.thumbprint(w.t)
	}
	t, err := w.server.live(w.t.Context(), text(a, "access_token"))
	w.must(err)
	if got := text(a, "token_type"); got != kind || t.Bound.JKT != jkt {
		w.t.Errorf("got token_type %s bound to %q, want %s bound to %q", got, t.Bound.JKT, kind, jkt)
	}
}

func TestDPoPAtTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	machine := url.Values{"grant_type": {"client_credentials"}, "scope": {ScopeManage}}
	w.boundTo(w.sendDPoP("/oauth2/token", &w.app, machine, pair, nil), &pair)
	w.boundTo(w.post("/oauth2/token", &w.app, machine), nil)
	for name, tt := range map[string]struct {
		changed map[string]any
		error   string
	}{
		"no nonce":             {map[string]any{"nonce": nil}, "use_dpop_nonce"},
		"an old nonce":         {map[string]any{"nonce": (&Verifier{Now: func() time.Time { return w.Now().Add(-time.Hour) }, Nonces: w.server.Nonces}).Nonce()}, "use_dpop_nonce"},
		"another address":      {map[string]any{"htu": w.http.URL + "/oauth2/par"}, "invalid_dpop_proof"},
		"another server":       {map[string]any{"htu": "https://evil.test/oauth2/token"}, "invalid_dpop_proof"},
		"another method":       {map[string]any{"htm": "GET"}, "invalid_dpop_proof"},
		"made ten minutes ago": {map[string]any{"iat": w.Now().Add(-10 * time.Minute).Unix()}, "invalid_dpop_proof"},
	} {
		got := w.sendDPoP("/oauth2/token", &w.app, machine, pair, tt.changed)
		got.want(t, 400, tt.error)
		if got.header.Get("DPoP-Nonce") != w.server.Nonce() || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", name, got.header)
		}
	}
	if got := w.sendDPoP("/oauth2/token", &w.app, machine, pair, nil).header; got.Get("DPoP-Nonce") == "" || got.Get("Access-Control-Expose-Headers") != "WWW-Authenticate, DPoP-Nonce" {
		t.Errorf("a good answer gives no nonce that a page can read: %v", got)
	}
	proof := pair.proof(t, proofClaimsFor(http.MethodPost, w.http.URL+"/oauth2/token", w.server.Nonce(), w.Now()), nil)
	two := w.request("/oauth2/token", &w.app, machine)
	two.Header["Dpop"] = []string{proof, proof}
	w.send(two).want(t, 400, "invalid_dpop_proof")

	before := w.count("oauth_proof")
	w.sendDPoP("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "scope": {"all"}}, pair, nil).want(t, 400, "invalid_scope")
	w.sendDPoP("/oauth2/token", nil, machine, pair, nil).want(t, 401, "invalid_client")
	if after := w.count("oauth_proof"); after != before {
		t.Errorf("%d proofs kept of requests that were refused", after-before)
	}
}

// Of 50 requests with the same proof one is answered.
func TestDPoPReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	proof := pair.proof(t, proofClaimsFor(http.MethodPost, w.http.URL+"/oauth2/token", w.server.Nonce(), w.Now()), nil)
	var given, refused atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		r := w.request("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "scope": {ScopeManage}})
		r.Header.Set("DPoP", proof)
		all.Go(func() {
			switch got := w.send(r); {
			case got.status == 200:
				given.Add(1)
			case got.error() == "invalid_dpop_proof":
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if given.Load() != 1 || refused.Load() != 49 {
		t.Errorf("%d were answered, %d refused", given.Load(), refused.Load())
	}
	w.pass(2 * time.Hour)
	w.must(w.server.sweep(t.Context()))
	if n := w.count("oauth_proof"); n != 0 {
		t.Errorf("%d proofs kept that cannot be used any more", n)
	}
}

// A code is bound by dpop_jkt or by a proof at PAR, its tokens by the proof at
// the token endpoint (RFC 9449 §10).
func TestDPoPBindsTheCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair, other := newPair(t, jose.ES256), newPair(t, jose.EdDSA)
	verifier := oauth2.GenerateVerifier()
	code := func(more ...oauth2.AuthCodeOption) string {
		back := w.allow(w.config(scopeOpenID, scopeOffline).AuthCodeURL("s", append(more, oauth2.S256ChallengeOption(verifier))...))
		return back.Query().Get("code")
	}
	pushed := func(form url.Values, p keyPair) (string, answer) {
		got := w.sendDPoP("/oauth2/par", &w.app, form, p, nil)
		if got.status != http.StatusCreated {
			return "", got
		}
		back := w.allow(w.http.URL + "/oauth2/authorize?" + url.Values{"client_id": {w.app.ID.String()}, "request_uri": {text(got, "request_uri")}}.Encode())
		return back.Query().Get("code"), got
	}
	jkt := oauth2.SetAuthURLParam("dpop_jkt", pair.thumbprint(t))
	byPush, _ := pushed(w.asked(verifier), pair)
	for name, bound := range map[string]string{"dpop_jkt": code(jkt), "a proof at PAR": byPush} {
		w.post("/oauth2/token", &w.app, redeem(bound, verifier)).want(t, 400, "invalid_grant")
		w.sendDPoP("/oauth2/token", &w.app, redeem(bound, verifier), other, nil).want(t, 400, "invalid_grant")
		got := w.sendDPoP("/oauth2/token", &w.app, redeem(bound, verifier), pair, nil)
		if got.status != 200 {
			t.Fatalf("%s: %d %v", name, got.status, got.body)
		}
		w.boundTo(got, &pair)
	}
	w.boundTo(w.sendDPoP("/oauth2/token", &w.app, redeem(code(), verifier), other, nil), &other) // not bound before

	same, differs := w.asked(verifier), w.asked(verifier)
	same.Set("dpop_jkt", pair.thumbprint(t))
	differs.Set("dpop_jkt", other.thumbprint(t))
	if got, _ := pushed(same, pair); got == "" {
		t.Error("a proof at PAR with the dpop_jkt of its key is refused")
	}
	_, got := pushed(differs, pair)
	got.want(t, 400, "invalid_dpop_proof")
	differs.Set("dpop_jkt", "x")
	w.post("/oauth2/par", &w.app, differs).want(t, 400, "invalid_request")
	w.sendDPoP("/oauth2/par", &w.app, w.asked(verifier), pair, map[string]any{"nonce": nil}).want(t, 400, "use_dpop_nonce")
	back := w.browse(w.config(scopeOpenID).AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("dpop_jkt", "x")))
	if back.Query().Get("error") != "invalid_request" {
		t.Errorf("a dpop_jkt that is none: %s", back)
	}
}

// A refresh token of a public client is bound to the key, one of a
// confidential client to the client alone (RFC 9449 §5).
func TestDPoPRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair, other := newPair(t, jose.ES256), newPair(t, jose.ES256)
	code, verifier := w.code(scopeOpenID, scopeOffline)
	first := w.sendDPoP("/oauth2/token", &w.app, redeem(code, verifier), pair, nil)
	w.boundTo(first, &pair)
	second := w.sendDPoP("/oauth2/token", &w.app, refreshWith(first), other, nil)
	w.boundTo(second, &other)
	w.boundTo(w.post("/oauth2/token", &w.app, refreshWith(second)), nil)

	verifier = oauth2.GenerateVerifier()
	conf := w.config(scopeOpenID, scopeOffline)
	conf.ClientID, conf.RedirectURL = w.native.ID.String(), "http://127.0.0.1/cb"
	form := redeem(w.allow(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier))).Query().Get("code"), verifier)
	form.Set("redirect_uri", conf.RedirectURL)
	native := func(form url.Values, p *keyPair) answer {
		form.Set("client_id", w.native.ID.String())
		if p == nil {
			return w.post("/oauth2/token", nil, form)
		}
		return w.sendDPoP("/oauth2/token", nil, form, *p, nil)
	}
	first = native(form, &pair)
	w.boundTo(first, &pair)
	native(refreshWith(first), &other).want(t, 400, "invalid_grant")
	native(refreshWith(first), nil).want(t, 400, "invalid_grant")
	second = native(refreshWith(first), &pair) // neither thief spent it
	w.boundTo(second, &pair)
	native(refreshWith(first), &other).want(t, 400, "invalid_grant") // nor can one end the family with it
	w.boundTo(native(refreshWith(second), &pair), &pair)
}

// A client that has chosen bound tokens gets no other (RFC 9449 §5.2), and one
// of FAPI 2.0 is content with a key.
func TestDPoPBoundClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.edit(auth.Protocol{DPoPBound: true})
	machine := url.Values{"grant_type": {"client_credentials"}, "scope": {ScopeManage}}
	w.post("/oauth2/token", &w.app, machine).want(t, 400, "invalid_dpop_proof")
	w.boundTo(w.sendDPoP("/oauth2/token", &w.app, machine, pair, nil), &pair)
	code, verifier := w.code(scopeOpenID)
	w.post("/oauth2/token", &w.app, redeem(code, verifier)).want(t, 400, "invalid_dpop_proof")
	w.boundTo(w.sendDPoP("/oauth2/token", &w.app, redeem(code, verifier), pair, nil), &pair) // it was not spent

	own := w.fapi()
	form := url.Values{"client_assertion_type": {assertionType}, "client_assertion": {own.sign(t, w.statement(w.app, nil), nil)}}
	for name, values := range machine {
		form[name] = values
	}
	w.sendDPoP("/oauth2/token", nil, form, pair, map[string]any{"nonce": nil}).want(t, 400, "use_dpop_nonce")
	w.boundTo(w.sendDPoP("/oauth2/token", nil, form, pair, nil), &pair) // the assertion was not spent either
}

// What a bound token opens at the server itself, and what is told of it.
func TestDPoPAtTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair, thief := newPair(t, jose.ES256), newPair(t, jose.ES256)
	code, verifier := w.code(scopeOpenID, scopeEmail, ScopeManage)
	token := text(w.sendDPoP("/oauth2/token", &w.app, redeem(code, verifier), pair, nil), "access_token")

	userinfo := func(scheme string, p *keyPair, changed map[string]any) answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/oauth2/userinfo", nil)
		w.must(err)
		r.Header.Set("Authorization", scheme+" "+token)
		if p != nil {
			claims := proofClaimsFor(http.MethodGet, w.http.URL+"/oauth2/userinfo", w.server.Nonce(), w.Now())
			claims["ath"] = hashOf(token)
			for name, value := range changed {
				claims[name] = value
			}
			r.Header.Set("DPoP", p.proof(t, claims, nil))
		}
		return w.send(r)
	}
	if got := userinfo("DPoP", &pair, nil); got.status != 200 || text(got, "email") != "lan@example.vn" || got.header.Get("DPoP-Nonce") == "" {
		t.Errorf("userinfo: %d %v", got.status, got.body)
	}
	algs := `, algs="ES256 PS256 EdDSA Ed25519"`
	for name, tt := range map[string]struct {
		got       answer
		code      string
		challenge []string
	}{
		"stolen": {userinfo("Bearer", nil, nil), "dpop-absent", []string{
			`Bearer realm="lgsp", error="invalid_token", error_description="the token is bound to a key; send it as DPoP, with a proof made with that key"`, `DPoP realm="lgsp"` + algs}},
		"stolen, with another key": {userinfo("DPoP", &thief, nil), "dpop-key", []string{
			`DPoP realm="lgsp", error="invalid_token", error_description="the token is bound to another key than the DPoP proof is made with"` + algs}},
		"without a nonce": {userinfo("DPoP", &pair, map[string]any{"nonce": nil}), "dpop-nonce", []string{
			`DPoP realm="lgsp", error="use_dpop_nonce", error_description="the DPoP proof lacks our nonce, or it is too old; take the one in DPoP-Nonce"` + algs}},
		"for another address": {userinfo("DPoP", &pair, map[string]any{"htu": w.http.URL + "/oauth2/token"}), "dpop-address", nil},
	} {
		challenge := tt.got.header.Values("WWW-Authenticate")
		if tt.got.status != 401 || text(tt.got, "code") != tt.code {
			t.Errorf("%s: got %d %v, want %s", name, tt.got.status, tt.got.body, tt.code)
		}
		for i, want := range tt.challenge {
			if len(challenge) != len(tt.challenge) || challenge[i] != want {
				t.Errorf("%s: got %q, want %q", name, challenge, tt.challenge)
			}
		}
	}

	manage := auth.Presented{Scheme: auth.DPoPScheme, Token: token, Method: "POST", URL: portal + "/api/v1/me"}
	claims := proofClaimsFor("POST", manage.URL, w.server.Nonce(), w.Now())
	claims["ath"] = hashOf(token)
	manage.Proofs = []string{pair.proof(t, claims, nil)}
	who, err := w.server.WhoByAccessToken(t.Context(), manage)
	if err != nil || who.Person != w.person.ID {
		t.Errorf("got %+v, %v", who, err)
	}
	if _, err := w.server.WhoByAccessToken(t.Context(), manage); problem.Code(err) != "dpop-replayed" {
		t.Errorf("the same proof again: got %v", err)
	}

	told := w.post("/oauth2/introspect", &w.app, url.Values{"token": {token}})
	cnf, _ := told.body["cnf"].(map[string]any)
	if told.body["active"] != true || text(told, "token_type") != "DPoP" || cnf["jkt"] != pair.thumbprint(t) || text(told, "acr") != auth.AAL1 {
		t.Errorf("introspection: %v", told.body)
	}
	w.post("/oauth2/revoke", &w.app, url.Values{"token": {token}}).want(t, 200, "")
	if got := userinfo("DPoP", &pair, nil); got.status != 401 || text(got, "code") != "token-revoked" {
		t.Errorf("revoked: %d %v", got.status, got.body)
	}
}
