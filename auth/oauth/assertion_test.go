package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"lgsp/auth"
)

// keyPair is a client's key: signer makes its assertions.
type keyPair struct {
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

func newPair(t testing.TB, algorithm jose.SignatureAlgorithm) keyPair {
	t.Helper()
	var key crypto.Signer
	var err error
	switch algorithm {
	case jose.PS256, jose.RS256:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{algorithm, key}
}

func (p keyPair) jwk(t *testing.T, kid string) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: p.private.Public(), KeyID: kid})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sign makes an assertion of claims; header fields are added to alg.
func (p keyPair) sign(t testing.TB, claims map[string]any, header map[jose.HeaderKey]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: p.algorithm, Key: p.private}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func (w *world) setKeys(app auth.Application, keys ...json.RawMessage) {
	w.t.Helper()
	_, err := w.auth.SetKeys(w.t.Context(), w.owner, app.ID, keys)
	w.must(err)
}

// statement is what an application says of itself, with some claims changed; nil takes one away.
func (w *world) statement(app auth.Application, changed map[string]any) map[string]any {
	claims := map[string]any{
		"iss": app.ID.String(), "sub": app.ID.String(), "aud": w.http.URL, "jti": uuid.NewString(),
		"iat": w.Now().Unix(), "exp": w.Now().Add(time.Minute).Unix(),
	}
	maps.Copy(claims, changed)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

// prove asks for a token with an assertion and nothing else.
func (w *world) prove(assertion string) answer {
	return w.post("/oauth2/token", nil, url.Values{
		"grant_type": {"client_credentials"}, "scope": {ScopeManage}, "client_assertion_type": {assertionType}, "client_assertion": {assertion},
	})
}

func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, algorithm := range []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA} {
		pair := newPair(t, algorithm)
		w.setKeys(w.app, newPair(t, jose.ES256).jwk(t, "another"), pair.jwk(t, "mine"))
		w.prove(pair.sign(t, w.statement(w.app, nil), map[jose.HeaderKey]any{"kid": "mine"})).want(t, 200, "")
		w.prove(pair.sign(t, w.statement(w.app, nil), nil)).want(t, 200, "") // no kid: any of its keys
		w.prove(pair.sign(t, w.statement(w.app, nil), map[jose.HeaderKey]any{"kid": "another"})).want(t, 401, "invalid_client")
		w.prove(newPair(t, algorithm).sign(t, w.statement(w.app, nil), nil)).want(t, 401, "invalid_client")
		w.prove(pair.sign(t, w.statement(w.other, nil), nil)).want(t, 401, "invalid_client")
	}
	old := newPair(t, jose.ES256)
	w.setKeys(w.app, old.jwk(t, ""))
	w.prove(old.sign(t, w.statement(w.app, nil), nil)).want(t, 200, "")
	w.setKeys(w.app)
	w.prove(old.sign(t, w.statement(w.app, nil), nil)).want(t, 401, "invalid_client") // taken away
}

func TestPrivateKeyJWTForRevocationAndIntrospection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	token := w.grant().AccessToken
	ask := func(path string) answer {
		return w.post(path, nil, url.Values{
			"token": {token}, "client_id": {w.app.ID.String()}, "client_assertion_type": {assertionType},
			"client_assertion": {pair.sign(t, w.statement(w.app, nil), nil)},
		})
	}
	if got := ask("/oauth2/introspect"); got.body["active"] != true {
		t.Errorf("introspection: got %d %v", got.status, got.body)
	}
	ask("/oauth2/revoke").want(t, 200, "")
	if got := w.count("revoked_token"); got != 1 {
		t.Errorf("%d tokens are revoked, want 1", got)
	}
}

func TestF7_AnAssertionIsRefusedCleanly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	for name, changed := range map[string]map[string]any{
		"expired":              {"exp": w.Now().Unix()},
		"no exp":               {"exp": nil},
		"exp too far":          {"exp": w.Now().Add(assertionLife).Unix() + 1},
		"exp beyond all times": {"exp": 1e300},
		"exp is a text":        {"exp": "tomorrow"},
		"not valid yet":        {"nbf": w.Now().Add(time.Minute).Unix()},
		"of the future":        {"iat": w.Now().Add(time.Minute).Unix()},
		"no jti":               {"jti": nil},
		"another's iss":        {"iss": w.other.ID.String()},
		"another's sub":        {"sub": w.other.ID.String()},
		"nobody's":             {"iss": "x", "sub": "x"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.prove(pair.sign(t, w.statement(w.app, changed), nil))
			got.want(t, 401, "invalid_client")
			if got.header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
	good := func() string { return pair.sign(t, w.statement(w.app, nil), nil) }
	cut := good()
	cut = cut[:len(cut)-4]
	for name, text := range map[string]string{
		"no JWT": "a.b.c", "nothing": "", "1 MB": strings.Repeat("a", 60<<10), "cut": cut,
		"crit":             pair.sign(t, w.statement(w.app, nil), map[jose.HeaderKey]any{"crit": []string{"exp"}, "exp": 1}),
		"of another kind":  pair.sign(t, w.statement(w.app, nil), map[jose.HeaderKey]any{"typ": "at+jwt"}),
		"alg none":         part(t, map[string]any{"alg": "none"}) + "." + part(t, w.statement(w.app, nil)) + ".",
		"RS256 by the key": newPair(t, jose.RS256).sign(t, w.statement(w.app, nil), nil),
	} {
		t.Run(name, func(t *testing.T) { w.prove(text).want(t, 401, "invalid_client") })
	}
	if got := w.count("oauth_assertion"); got != 0 {
		t.Errorf("%d jtis were spent by assertions that were refused", got)
	}

	twice := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {assertionType}, "client_assertion": {good()}}
	w.post("/oauth2/token", &w.app, twice).want(t, 400, "invalid_request")
	twice.Set("client_secret", w.secret)
	w.post("/oauth2/token", nil, twice).want(t, 400, "invalid_request")
	w.post("/oauth2/token", nil, url.Values{"grant_type": {"client_credentials"}, "client_assertion": {good()}, "client_assertion_type": {"x"}}).want(t, 401, "invalid_client")
	w.post("/oauth2/token", nil, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {w.other.ID.String()}, "client_assertion": {good()}, "client_assertion_type": {assertionType},
	}).want(t, 401, "invalid_client")
}

func TestF7_OneOfFiftyTakesAnAssertionAndEachClientsApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.EdDSA)
	w.setKeys(w.app, pair.jwk(t, ""))
	w.setKeys(w.other, pair.jwk(t, ""))
	jti := map[string]any{"jti": "the same\x00"}
	text := pair.sign(t, w.statement(w.app, jti), nil)
	if got := w.takers(50, "invalid_client", func() answer { return w.prove(text) }); got != 1 {
		t.Errorf("%d of 50 took the assertion, want 1", got)
	}
	w.prove(pair.sign(t, w.statement(w.other, jti), nil)).want(t, 200, "")
	w.pass(3 * time.Hour)
	w.must(w.server.sweep(t.Context()))
	if got := w.count("oauth_assertion"); got != 0 {
		t.Errorf("%d rows of expired assertions are kept", got)
	}
}

func TestF8_TheAudienceOfAnAssertionIsTheIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	for name, audience := range map[string]any{
		"the token address": w.http.URL + "/oauth2/token", "a list": []string{w.http.URL}, "a slash more": w.http.URL + "/", "none": nil, "empty": "", "null": json.RawMessage("null"),
	} {
		t.Run(name, func(t *testing.T) {
			w.prove(pair.sign(t, w.statement(w.app, map[string]any{"aud": audience, "jti": "kept"}), nil)).want(t, 401, "invalid_client")
		})
	}
	w.prove(pair.sign(t, w.statement(w.app, map[string]any{"jti": "kept"}), nil)).want(t, 200, "")
}

func TestKeysOfADisabledOrPublicClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	w.must(w.auth.DisableApplication(t.Context(), w.owner, w.app.ID))
	w.prove(pair.sign(t, w.statement(w.app, nil), nil)).want(t, http.StatusUnauthorized, "invalid_client")
	w.prove(pair.sign(t, w.statement(w.native, nil), nil)).want(t, http.StatusUnauthorized, "invalid_client")
}

func FuzzReadAssertion(f *testing.F) {
	f.Add("e30.e30.")
	f.Add("eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJ4IiwiZXhwIjoxfQ.AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := readAssertion(text)
		if err != nil {
			return
		}
		if a.signedByOneOf(nil) {
			t.Error("signed by nobody")
		}
		if a.claims.check([]string{"https://issuer.test"}, time.Unix(1_780_000_000, 0)) == nil && a.claims.ID == "" {
			t.Error("a claim is missing")
		}
	})
}
