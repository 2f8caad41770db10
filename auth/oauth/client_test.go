package oauth

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"lgsp/auth"
)

// A relying party on go-oidc: discovery, a sign-in, the ID token's checks and
// userinfo, as that library does them.
func TestGoOIDC(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	provider, err := oidc.NewProvider(t.Context(), w.http.URL)
	w.must(err)
	conf := w.config(oidc.ScopeOpenID, scopeEmail)
	conf.Endpoint = provider.Endpoint()
	pkce := oauth2.GenerateVerifier()
	back := w.allow(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(pkce), oidc.Nonce("n-1")))
	token, err := conf.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(pkce))
	w.must(err)
	text, _ := token.Extra("id_token").(string)

	verifier := provider.Verifier(&oidc.Config{ClientID: w.app.ID.String(), Now: w.Now})
	id, err := verifier.Verify(t.Context(), text)
	w.must(err)
	if got, want := id.Subject, w.person.ID.String(); got != want || id.Nonce != "n-1" {
		t.Errorf("ID token: got sub %s and nonce %q, want %s and n-1", got, id.Nonce, want)
	}
	w.must(id.VerifyAccessToken(token.AccessToken))
	info, err := provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	w.must(err)
	if info.Subject != id.Subject || info.Email != w.person.Email {
		t.Errorf("userinfo: got %+v", info)
	}

	strange := provider.Verifier(&oidc.Config{ClientID: w.other.ID.String(), Now: w.Now})
	if _, err := strange.Verify(t.Context(), text); err == nil || !strings.Contains(err.Error(), "audience") {
		t.Errorf("another client takes the ID token: %v", err)
	}
	if _, err := verifier.Verify(t.Context(), token.AccessToken); err == nil {
		t.Error("an access token passes as ID token")
	}
	w.pass(idTokenLife + accessLife)
	if _, err := verifier.Verify(t.Context(), text); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an old ID token: got %v, want expired", err)
	}
}

// A client on x/oauth2 finds out by itself, or is told, how to send its secret.
func TestGoOAuth2SendsItsSecretEitherWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	for name, style := range map[string]oauth2.AuthStyle{
		"detected": oauth2.AuthStyleAutoDetect, "header": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams,
	} {
		conf := w.clientCredentials(nil)
		conf.AuthStyle = style
		token, err := conf.Token(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := w.server.verifier.Verify(t.Context(), bearer(token.AccessToken), landAPI); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrong := clientcredentials.Config{ClientID: w.app.ID.String(), ClientSecret: auth.NewKey(auth.KindSecret).Secret(), TokenURL: w.http.URL + "/oauth2/token"}
	_, err := wrong.Token(t.Context())
	said, ok := err.(*oauth2.RetrieveError)
	if !ok || said.ErrorCode != "invalid_client" || said.Response.StatusCode != http.StatusUnauthorized || said.Response.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("a wrong secret: got %v, want invalid_client, 401, with a challenge", err)
	}
}
