package oauth

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// A relying party and a resource server on zitadel/oidc: discovery, a sign-in
// with PKCE, the ID token's checks, userinfo, refresh, introspection,
// revocation.
func TestZitadelOIDC(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now.Store(time.Now().Unix()) // the library looks at its own clock
	w.signIn()
	ctx := t.Context()
	party, err := rp.NewRelyingPartyOIDC(ctx, w.http.URL, w.app.ID.String(), w.secret, callback,
		[]string{oidc.ScopeOpenID, oidc.ScopeEmail, oidc.ScopeOfflineAccess},
		rp.WithSigningAlgsFromDiscovery(), rp.WithHTTPClient(http.DefaultClient),
		rp.WithVerifierOpts(rp.WithIssuedAtOffset(5*time.Second)))
	w.must(err)

	pkce := oauth2.GenerateVerifier()
	back := w.allow(rp.AuthURL("s", party, rp.WithCodeChallenge(oauth2.S256ChallengeFromVerifier(pkce))))
	if got := back.Query().Get("state"); got != "s" {
		t.Fatalf("got state %q", got)
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](ctx, back.Query().Get("code"), party, rp.WithCodeVerifier(pkce))
	w.must(err)
	if got, want := tokens.IDTokenClaims.Subject, w.person.ID.String(); got != want {
		t.Errorf("got sub %s, want %s", got, want)
	}
	info, err := rp.Userinfo[*oidc.UserInfo](ctx, tokens.AccessToken, "Bearer", tokens.IDTokenClaims.Subject, party)
	w.must(err)
	if info.Email != w.person.Email {
		t.Errorf("userinfo: got %q", info.Email)
	}

	newer, err := rp.RefreshTokens[*oidc.IDTokenClaims](ctx, party, tokens.RefreshToken, "", "")
	w.must(err)
	if newer.AccessToken == tokens.AccessToken || newer.RefreshToken == tokens.RefreshToken {
		t.Error("refresh gave nothing new")
	}
	server, err := rs.NewResourceServerClientCredentials(ctx, w.http.URL, w.app.ID.String(), w.secret)
	w.must(err)
	said, err := rs.Introspect[*oidc.IntrospectionResponse](ctx, server, newer.AccessToken)
	w.must(err)
	if !said.Active || said.Subject != w.person.ID.String() {
		t.Errorf("introspection: got %+v, want active", said)
	}
	w.must(rp.RevokeToken(ctx, party, newer.RefreshToken, "refresh_token"))
	if said, err = rs.Introspect[*oidc.IntrospectionResponse](ctx, server, newer.AccessToken); err != nil || said.Active {
		t.Errorf("after revocation: got %+v, %v, want inactive", said, err)
	}
	if _, err := rp.RefreshTokens[*oidc.IDTokenClaims](ctx, party, newer.RefreshToken, "", ""); err == nil {
		t.Error("a revoked refresh token is taken")
	}
}

// An application that acts by itself, on the same library.
func TestZitadelClientCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now.Store(time.Now().Unix())
	w.agree(w.app, landAPI)
	party, err := rp.NewRelyingPartyOIDC(t.Context(), w.http.URL, w.app.ID.String(), w.secret, callback, nil)
	w.must(err)
	token, err := rp.ClientCredentials(t.Context(), party, url.Values{"resource": {landAPI}})
	w.must(err)
	if _, err := w.server.verifier.Verify(t.Context(), bearer(token.AccessToken), landAPI); err != nil {
		t.Error(err)
	}
}
