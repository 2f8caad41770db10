package oauth

import (
	"bytes"
	"crypto/ecdsa"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lgsp/internal/keyring"
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
	other.Seals = keyring.Of([]byte(strings.Repeat("x", 32)))
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

// Two nodes on one database.
func (w *world) second() *Server {
	w.t.Helper()
	other := w.newServer(w.server.Issuer)
	other.Record = w.server.Record
	w.must(other.Prepare(w.t.Context()))
	return other
}

func TestKeysRotateByThemselvesOnOneNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, ctx := w.second(), t.Context()
	token := w.grant(scopeOpenID)
	first := kidOf(t, token.AccessToken)
	w.pass(keyLife - time.Second)
	w.must(w.server.rotateInTime(ctx))
	if got := w.count("signing_key"); got != 1 {
		t.Fatalf("%d keys before the time", got)
	}
	fresh := w.grant(scopeOpenID)
	w.pass(time.Second)
	var wg sync.WaitGroup
	for _, node := range []*Server{w.server, other, w.server, other} {
		wg.Go(func() {
			if err := node.rotateInTime(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := w.count("signing_key"); got != 2 {
		t.Fatalf("%d keys, want the old one and one new", got)
	}
	rotations := 0
	for _, act := range w.acts {
		if act.Verb == "signing-key.rotate" {
			rotations++
		}
	}
	if rotations != 1 {
		t.Errorf("%d rotations are recorded, want 1", rotations)
	}
	w.must(other.ReloadKeys(ctx))
	for _, node := range []*Server{w.server, other} {
		if _, err := node.verifier.Verify(ctx, bearer(fresh.AccessToken), w.http.URL); err != nil {
			t.Errorf("a token of the old key: %v", err)
		}
		if node.keys.Load().kid != first {
			t.Error("the new key signs before every node knows it")
		}
	}
	w.pass(keyNotice)
	w.must(w.server.ReloadKeys(ctx)) // the other has not, yet it knows the key
	next := w.grant(scopeOpenID)
	if got := kidOf(t, next.AccessToken); got == first {
		t.Error("the old key signs on")
	}
	if _, err := other.verifier.Verify(ctx, bearer(next.AccessToken), w.http.URL); err != nil {
		t.Errorf("a token of the new key on the other node: %v", err)
	}
	w.pass(idTokenLife + reloadEvery + 2*time.Hour)
	w.must(w.server.sweep(ctx))
	keys, err := w.server.SigningKeys(ctx)
	w.must(err)
	if len(keys) != 1 || keys[0].ID == first || keys[0].RetiresAt != nil {
		t.Errorf("keys kept: %+v", keys)
	}
}

func TestARevokedKeyTakesItsTokensAlong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, ctx := w.second(), t.Context()
	conn, err := w.db.Acquire(ctx)
	w.must(err)
	t.Cleanup(conn.Release)
	_, err = conn.Exec(ctx, `listen gateway`)
	w.must(err)
	token := w.grant(scopeOpenID)
	leaked := kidOf(t, token.AccessToken)
	_, err = other.verifier.Verify(ctx, bearer(token.AccessToken), w.http.URL) // remembered there
	w.must(err)

	if err := w.server.RevokeKey(ctx, w.who(), "no-such-key"); problem.Code(err) != "signing-key-unknown" {
		t.Errorf("an unknown key: got %v", err)
	}
	w.must(w.server.RevokeKey(ctx, w.who(), leaked))
	if err := w.server.RevokeKey(ctx, w.who(), leaked); problem.Code(err) != "signing-key-unknown" {
		t.Errorf("twice: got %v", err)
	}
	if act := w.acts[len(w.acts)-1]; act.Verb != "signing-key.revoke" || act.Detail["kid"] != leaked {
		t.Errorf("the act is not recorded: %+v", act)
	}
	notice, err := conn.Conn().WaitForNotification(ctx)
	w.must(err)
	if notice.Payload != "revoked" {
		t.Errorf("the nodes hear %q", notice.Payload)
	}
	w.must(other.ReloadKeys(ctx)) // as a node does then
	for _, node := range []*Server{w.server, other} {
		if _, err := node.verifier.Verify(ctx, bearer(token.AccessToken), w.http.URL); problem.Code(err) != "token-untrusted" {
			t.Errorf("a token of the revoked key: got %v", err)
		}
		if node.Keys()[leaked] != nil {
			t.Error("the revoked key is published")
		}
	}
	next := w.grant(scopeOpenID)
	if _, err := other.verifier.Verify(ctx, bearer(next.AccessToken), w.http.URL); err != nil || kidOf(t, next.AccessToken) == leaked {
		t.Errorf("the next token: %v", err)
	}

	// With a successor waiting, that one signs at once; and when it is that
	// one which leaked, there is a third.
	waiting, err := w.server.RotateKey(ctx, w.who())
	w.must(err)
	w.must(w.server.RevokeKey(ctx, w.who(), kidOf(t, next.AccessToken)))
	if got := w.server.keys.Load().kid; got != waiting {
		t.Errorf("%s signs, want the one that waited", got)
	}
	waiting, err = w.server.RotateKey(ctx, w.who())
	w.must(err)
	w.must(w.server.RevokeKey(ctx, w.who(), waiting))
	w.pass(idTokenLife + time.Hour) // when the one before it has retired
	w.must(w.server.ReloadKeys(ctx))
	w.grant(scopeOpenID)
}
