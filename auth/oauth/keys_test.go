package oauth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

func TestKeysRotateWithAnOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.grant(scopeOpenID)
	first := kidOf(t, before.AccessToken)
	second := w.rotate()
	if act := w.acts[len(w.acts)-2]; act.Verb != "signing-key.rotate" || act.Detail["kid"] != second || act.Detail["alg"] != auth.ES256 {
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

// rotate makes a new key of each algorithm, and gives the kid of the one for ES256.
func (w *world) rotate() string {
	w.t.Helper()
	kids, err := w.server.RotateKeys(w.t.Context(), w.who())
	w.must(err)
	if len(kids) != 2 {
		w.t.Fatalf("rotated %v, want a key of each algorithm", kids)
	}
	return kids[0]
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

func TestNodesThatStartTogetherMakeOneKeyOfEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.db.Exec(t.Context(), `delete from auth.token_key`)
	w.must(err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s := w.newServer("https://x.test")
			if err := errors.Join(s.Prepare(), s.MakeKeys(t.Context())); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := w.count("token_key"); got != 2 {
		t.Errorf("%d keys, want one for each algorithm", got)
	}
}

func TestKeysAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows, err := w.db.Query(t.Context(), `select algorithm, sealed from auth.token_key`)
	w.must(err)
	sealed := map[string][]byte{}
	for rows.Next() {
		var algorithm string
		var text []byte
		w.must(rows.Scan(&algorithm, &text))
		sealed[algorithm] = text
	}
	w.must(rows.Err())
	keys := w.server.keys.Load().sign
	scalar, err := keys[auth.ES256].key.(*ecdsa.PrivateKey).Bytes()
	w.must(err)
	prime := keys[auth.RS256].key.(*rsa.PrivateKey).Primes[0].Bytes()
	if len(sealed) != 2 || bytes.Contains(sealed[auth.ES256], scalar) || bytes.Contains(sealed[auth.RS256], prime) {
		t.Error("a private key stands in the database as it is")
	}
	other := w.newServer("https://x.test")
	other.Seals = keyring.Of([]byte(strings.Repeat("x", 32)))
	if err := errors.Join(other.Prepare(), other.MakeKeys(t.Context())); err == nil || !strings.Contains(err.Error(), "LGSP_SECRET_FILE") {
		t.Errorf("another secret: got %v, want the setting named", err)
	}
	// A key is sealed to its kid: it opens in the place of no other one.
	_, err = w.db.Exec(t.Context(), `update auth.token_key set sealed = (select sealed from auth.token_key where algorithm = 'RS256')`)
	w.must(err)
	if err := w.server.ReloadKeys(t.Context()); err == nil {
		t.Error("a key opened in the place of another one")
	}
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/oauth2/jwks", nil)
	w.must(err)
	got := w.send(r)
	keys, ok := got.body["keys"].([]any)
	if got.status != 200 || !ok || len(keys) != 2 {
		t.Fatalf("jwks: got %d %v", got.status, got.body)
	}
	for i, algorithm := range tokenAlgorithms { // that of ES256 first
		text, err := json.Marshal(keys[i])
		w.must(err)
		var jwk jose.JSONWebKey
		w.must(jwk.UnmarshalJSON(text))
		sum, err := jwk.Thumbprint(crypto.SHA256)
		w.must(err)
		if jwk.KeyID != base64.RawURLEncoding.EncodeToString(sum) || jwk.Algorithm != algorithm || jwk.Use != "sig" || !jwk.IsPublic() {
			t.Errorf("%s: got %s", algorithm, text)
		}
		if sign := w.server.keys.Load().sign[algorithm]; sign.kid != jwk.KeyID || !sign.key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(jwk.Key) {
			t.Errorf("%s: the published key is not the one that signs", algorithm)
		}
		if len(keys[i].(map[string]any)) != map[string]int{auth.ES256: 7, auth.RS256: 6}[algorithm] {
			t.Errorf("%s: got %s", algorithm, text)
		}
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
	w.must(other.Prepare())
	w.must(other.MakeKeys(w.t.Context()))
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
	if got := w.count("token_key"); got != 2 {
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
	if got := w.count("token_key"); got != 4 {
		t.Fatalf("%d keys, want of each algorithm the old one and one new", got)
	}
	rotations := 0
	for _, act := range w.acts {
		if act.Verb == "signing-key.rotate" {
			rotations++
		}
	}
	if rotations != 2 {
		t.Errorf("%d rotations are recorded, want 1 of each algorithm", rotations)
	}
	w.must(other.ReloadKeys(ctx))
	for _, node := range []*Server{w.server, other} {
		if _, err := node.verifier.Verify(ctx, bearer(fresh.AccessToken), w.http.URL); err != nil {
			t.Errorf("a token of the old key: %v", err)
		}
		if node.keys.Load().sign[auth.ES256].kid != first {
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
	if len(keys) != 2 || keys[0].ID == first || keys[0].RetiresAt != nil || keys[0].Algorithm != auth.ES256 || keys[1].Algorithm != auth.RS256 {
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
	waiting := w.rotate()
	w.must(w.server.RevokeKey(ctx, w.who(), kidOf(t, next.AccessToken)))
	if got := w.server.keys.Load().sign[auth.ES256].kid; got != waiting {
		t.Errorf("%s signs, want the one that waited", got)
	}
	waiting = w.rotate()
	w.must(w.server.RevokeKey(ctx, w.who(), waiting))
	w.pass(idTokenLife + time.Hour) // when the one before it has retired
	w.must(w.server.ReloadKeys(ctx))
	w.grant(scopeOpenID)
}

// Each key is for its algorithm: the RSA key makes no access token that is
// believed, the other no ID token of RS256, and neither is found under the
// other's name.
func TestKeysAreBoundToTheirAlgorithm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ring := w.server.keys.Load()
	es, rs := ring.sign[auth.ES256], ring.sign[auth.RS256]
	if w.server.Keys()[rs.kid] != nil || w.server.Keys()[es.kid] == nil {
		t.Errorf("what checks access tokens: got %v", w.server.Keys())
	}
	now := w.Now()
	access := accessClaims{Issuer: w.http.URL, Audience: w.http.URL, Subject: w.person.ID.String(), Client: w.app.ID.String(), ID: "j", Issued: now.Unix(), Expires: now.Add(time.Minute).Unix()}
	id := idClaims{Issuer: w.http.URL, Subject: w.person.ID.String(), Audience: w.app.ID.String()}
	for _, tt := range []struct {
		name     string
		alg, kid string
		by       crypto.Signer
		access   bool // believed as access token
		hint     bool // believed as ID token
	}{
		{"ES256", auth.ES256, es.kid, es.key, true, true},
		{"RS256", auth.RS256, rs.kid, rs.key, false, true},
		{"RS256, called ES256", auth.ES256, rs.kid, rs.key, false, false},
		{"RS256, called ES256, under the other kid", auth.ES256, es.kid, rs.key, false, false},
		{"ES256, called RS256", auth.RS256, es.kid, es.key, false, false},
		{"ES256, called RS256, under the other kid", auth.RS256, rs.kid, es.key, false, false},
		{"ES256 under the other kid", auth.ES256, rs.kid, es.key, false, false},
		{"RS256 under the other kid", auth.RS256, es.kid, rs.key, false, false},
		{"PS256", "PS256", rs.kid, rs.key, false, false},
		{"none", "none", es.kid, es.key, false, false},
	} {
		token := func(typ string, claims any) string {
			text := part(t, jwtHeader{Algorithm: tt.alg, Type: typ, Key: tt.kid}) + "." + part(t, claims)
			signature, err := signatureBy(tt.by, text)
			w.must(err)
			return text + "." + base64.RawURLEncoding.EncodeToString(signature)
		}
		_, err := w.server.verifier.Verify(t.Context(), bearer(token("at+jwt", access)), w.http.URL)
		if (err == nil) != tt.access || err != nil && problem.Code(err) != "token-untrusted" {
			t.Errorf("access token %s: got %v", tt.name, err)
		}
		if _, err := w.server.readHint(t.Context(), token("JWT", id)); (err == nil) != tt.hint || err != nil && problem.Code(err) != "logout-hint" {
			t.Errorf("ID token %s: got %v", tt.name, err)
		}
	}
}

// An RSA key that leaked ends by itself: its successor signs at once, its ID
// tokens serve for nothing, and access tokens go on.
func TestTheRSAKeyIsRevokedByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	access := w.grant(scopeOpenID).AccessToken
	leaked := w.server.keys.Load().sign[auth.RS256].kid
	hint, err := w.server.sign(auth.RS256, "JWT", idClaims{Issuer: w.http.URL, Audience: w.app.ID.String()})
	w.must(err)
	w.must(w.server.RevokeKey(ctx, w.who(), leaked))
	if act := w.acts[len(w.acts)-1]; act.Verb != "signing-key.revoke" || act.Detail["alg"] != auth.RS256 {
		t.Errorf("the act: got %+v", act)
	}
	ring := w.server.keys.Load()
	if len(ring.rs256) != 1 || ring.rs256[leaked] != nil || len(ring.es256) != 1 {
		t.Errorf("published: got %v, %v", ring.rs256, ring.es256)
	}
	if _, err := w.server.verifier.Verify(ctx, bearer(access), w.http.URL); err != nil {
		t.Errorf("an access token: %v", err)
	}
	w.pass(2 * time.Hour)
	w.must(w.server.sweep(ctx))
	if _, err := w.server.readHint(ctx, hint); problem.Code(err) != "logout-hint" {
		t.Errorf("an ID token of a key long gone: got %v", err)
	}
	if w.count("token_key") != 2 {
		t.Errorf("%d keys are kept", w.count("token_key"))
	}
}

// The only key there is signs, also where the clock is behind.
func TestTheFirstKeySignsOnEveryNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pass(-3 * time.Second)
	w.must(w.second().ReloadKeys(t.Context()))
}

// A release that knows ES256 only works on, beside one that knows both.
func TestAnEarlierReleaseSeesItsKeysAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	es, rs := w.server.keys.Load().sign[auth.ES256].kid, w.server.keys.Load().sign[auth.RS256].kid
	ctx := t.Context()
	w.must(pgx.BeginFunc(ctx, w.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `lock table auth.signing_key in share row exclusive mode`); err != nil {
			return err
		}
		var seen []string
		err := tx.QueryRow(ctx, `select array_agg(id) from auth.signing_key where retires_at is null or retires_at > $1`, w.Now()).Scan(&seen)
		if err == nil && !slices.Equal(seen, []string{es}) {
			return fmt.Errorf("it sees %v, want %s", seen, es)
		}
		_, wrong := tx.Exec(ctx, `insert into auth.signing_key (id, public_x, public_y, sealed, created_at, signs_from)
			select 'next', public_x, public_y, sealed, created_at, signs_from from auth.signing_key`)
		_, worse := tx.Exec(ctx, `update auth.signing_key set retires_at = $2 where id <> $1 and retires_at is null`, "next", w.Now())
		_, worst := tx.Exec(ctx, `delete from auth.signing_key where retires_at <= $1`, w.Now())
		return errors.Join(err, wrong, worse, worst)
	}))
	var kept []string
	w.must(w.db.QueryRow(ctx, `select array_agg(id || ' ' || algorithm order by algorithm) from auth.token_key`).Scan(&kept))
	if want := []string{"next ES256", rs + " RS256"}; !slices.Equal(kept, want) {
		t.Errorf("kept: got %v, want %v", kept, want)
	}
}
