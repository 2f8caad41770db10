package oauth

import (
	"bytes"
	"crypto/ecdsa"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lgsp/internal/problem"
)

func TestKeysRotateWithAnOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.grant(scopeOpenID)
	first := kidOf(t, before.AccessToken)
	second, err := w.server.RotateKey(t.Context(), w.who())
	w.must(err)
	if act := w.acts[len(w.acts)-1]; act.Verb != "signing-key.rotate" || act.Detail["kid"] != second {
		t.Errorf("the rotation is not recorded: %+v", act)
	}
	if got := kidOf(t, w.grant(scopeOpenID).AccessToken); got != first {
		t.Errorf("the new key signs before other nodes know it")
	}
	if keys := w.server.Keys(); len(keys) != 2 || keys[first] == nil || keys[second] == nil {
		t.Errorf("published: %v, want both", keys)
	}
	w.pass(keyNotice)
	w.must(w.server.ReloadKeys(t.Context()))
	after := w.grant(scopeOpenID)
	if got := kidOf(t, after.AccessToken); got != second {
		t.Errorf("after the notice %s signs, want the new key %s", got, second)
	}
	if _, err := w.server.verifier.Verify(t.Context(), bearer(before.AccessToken), w.http.URL); err != nil {
		t.Errorf("a token of the old key: %v", err)
	}
	w.pass(idTokenLife + reloadEvery)
	w.must(w.server.ReloadKeys(t.Context()))
	if keys := w.server.Keys(); len(keys) != 1 || keys[second] == nil {
		t.Errorf("published when all of the old key has expired: %v", keys)
	}
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	var header jwtHeader
	if err := decodePart(strings.Split(token, ".")[0], &header); err != nil {
		t.Fatal(err)
	}
	if header.Algorithm != "ES256" || header.Type != "at+jwt" {
		t.Errorf("header: got %+v (RFC 9068 §2.1)", header)
	}
	return header.Key
}

func TestNodesThatStartTogetherMakeOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.db.Exec(t.Context(), `delete from auth.signing_key`)
	w.must(err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := w.newServer("https://x.test").Prepare(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := w.count("signing_key"); got != 1 {
		t.Errorf("%d keys, want 1", got)
	}
}

func TestKeysAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var sealed []byte
	w.must(w.db.QueryRow(t.Context(), `select sealed from auth.signing_key`).Scan(&sealed))
	scalar, err := w.server.keys.Load().sign.Bytes()
	w.must(err)
	if bytes.Contains(sealed, scalar) {
		t.Error("the private key stands in the database as it is")
	}
	other := w.newServer("https://x.test")
	other.SealKey = []byte(strings.Repeat("x", 32))
	if err := other.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "LGSP_SECRET_FILE") {
		t.Errorf("another secret: got %v, want the setting named", err)
	}
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/oauth2/jwks", nil)
	w.must(err)
	got := w.send(r)
	keys, ok := got.body["keys"].([]any)
	if got.status != 200 || !ok || len(keys) != 1 {
		t.Fatalf("jwks: got %d %v", got.status, got.body)
	}
	jwk := keys[0].(map[string]any)
	x, errX := strict64.DecodeString(jwk["x"].(string))
	y, errY := strict64.DecodeString(jwk["y"].(string))
	if errX != nil || errY != nil || jwk["kid"] != thumbprint(x, y) || jwk["alg"] != "ES256" || jwk["use"] != "sig" || jwk["d"] != nil {
		t.Errorf("jwk: got %v", jwk)
	}
	var public *ecdsa.PublicKey = w.server.Keys()[jwk["kid"].(string)]
	if px, py, err := coordinates(public); err != nil || !bytes.Equal(px, x) || !bytes.Equal(py, y) {
		t.Errorf("the published point is not the key's")
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, err := w.db.Acquire(t.Context())
	w.must(err)
	t.Cleanup(conn.Release)
	_, err = conn.Exec(t.Context(), `listen gateway`)
	w.must(err)

	token := w.grant(scopeOpenID, scopeOffline)
	form := map[string][]string{"token": {token.AccessToken}}
	w.post("/oauth2/revoke", nil, form).want(t, 401, "invalid_client")
	w.post("/oauth2/revoke", &w.app, map[string][]string{}).want(t, 400, "invalid_request")
	w.post("/oauth2/revoke", &w.other, form).want(t, 400, "unauthorized_client")
	w.post("/oauth2/revoke", &w.other, map[string][]string{"token": {token.RefreshToken}}).want(t, 400, "unauthorized_client")
	if got := w.count("revoked_token"); got != 0 {
		t.Errorf("a stranger revoked %d tokens", got)
	}
	for _, unknown := range []string{"nonsense", refreshPrefix + "a.b", token.AccessToken + "x"} {
		w.post("/oauth2/revoke", &w.app, map[string][]string{"token": {unknown}}).want(t, 200, "")
	}

	w.post("/oauth2/revoke", &w.app, form).want(t, 200, "")
	w.post("/oauth2/revoke", &w.app, form).want(t, 200, "")
	notice, err := conn.Conn().WaitForNotification(t.Context())
	w.must(err)
	if notice.Payload != "revoked" {
		t.Errorf("the gateways hear %q", notice.Payload)
	}
	tokens, err := w.server.RevokedTokens(t.Context())
	w.must(err)
	if len(tokens) != 1 || tokens[0].JTI != payload(t, token.AccessToken)["jti"] {
		t.Errorf("revoked: got %v", tokens)
	}
	if got := w.post("/oauth2/introspect", &w.app, form); got.body["active"] != false {
		t.Errorf("introspection of a revoked token: %v", got.body)
	}
	if _, err := w.server.WhoByAccessToken(t.Context(), bearer(token.AccessToken)); problem.Code(err) != "token-revoked" {
		t.Errorf("use of a revoked token: %v", err)
	}

	second := w.refresh(token.RefreshToken, nil) // revoking one access token leaves the grant
	second.want(t, 200, "")
	w.post("/oauth2/revoke", &w.app, map[string][]string{"token": {second.body["refresh_token"].(string)}}).want(t, 200, "")
	w.familyIsDead()
	w.refresh(second.body["refresh_token"].(string), nil).want(t, 400, "invalid_grant")
}

// A revocation that comes while a refresh is minting waits for it, and then
// finds what it minted.
func TestARevocationFindsWhatIsBeingMinted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeOffline)
	minted, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.disturb(func(sql string) error {
		switch {
		case sql == "commit": // first of the refresh, then of the revocation
			once.Do(func() {
				close(minted)
				<-release
			})
		case strings.Contains(sql, "update auth.oauth_grant"): // the revocation is about to wait
			time.AfterFunc(50*time.Millisecond, func() { close(release) })
		}
		return nil
	})
	var refreshed answer
	var wg sync.WaitGroup
	wg.Go(func() { refreshed = w.refresh(token.RefreshToken, nil) })
	<-minted
	w.post("/oauth2/revoke", &w.app, map[string][]string{"token": {token.RefreshToken}}).want(t, 200, "")
	wg.Wait()
	refreshed.want(t, 200, "")
	w.disturb(func(string) error { return nil })
	w.familyIsDead()
	w.refresh(refreshed.body["refresh_token"].(string), nil).want(t, 400, "invalid_grant")
}
