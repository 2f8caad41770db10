package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"lgsp/auth"
)

// algorithmOf is what a token says it is signed with.
func algorithmOf(t *testing.T, token string) string {
	t.Helper()
	var header jwtHeader
	if err := decodePart(strings.Split(token, ".")[0], &header); err != nil {
		t.Fatal(err)
	}
	return header.Algorithm
}

// A relying party on go-oidc that reads one algorithm: its ID tokens are
// signed with that one, its access tokens with ES256 all the same.
func TestIDTokenAlgorithm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	provider, err := oidc.NewProvider(t.Context(), w.http.URL)
	w.must(err)
	for chosen, want := range map[string]string{"": auth.ES256, auth.ES256: auth.ES256, auth.RS256: auth.RS256} {
		w.edit(auth.Protocol{IDTokenAlgorithm: chosen})
		token := w.grant(scopeOpenID, scopeOffline)
		text := token.Extra("id_token").(string)
		verifier := provider.Verifier(&oidc.Config{ClientID: w.app.ID.String(), Now: w.Now, SupportedSigningAlgs: []string{want}})
		id, err := verifier.Verify(t.Context(), text)
		if err != nil {
			t.Errorf("%q: %v", chosen, err)
			continue
		}
		w.must(id.VerifyAccessToken(token.AccessToken))
		if algorithmOf(t, token.AccessToken) != auth.ES256 {
			t.Errorf("%q: the access token is signed with %s", chosen, algorithmOf(t, token.AccessToken))
		}
		if _, err := w.server.verifier.Verify(t.Context(), bearer(token.AccessToken), w.http.URL); err != nil {
			t.Errorf("%q: the access token: %v", chosen, err)
		}
		if _, err := w.server.verifier.Verify(t.Context(), bearer(text), w.app.ID.String()); err == nil {
			t.Errorf("%q: an ID token passes for an access token", chosen)
		}
		newer := w.refresh(token.RefreshToken, nil)
		if _, err := verifier.Verify(t.Context(), newer.body["id_token"].(string)); err != nil {
			t.Errorf("%q: after a refresh: %v", chosen, err)
		}
		// What it was given serves as a hint, whatever it has chosen since.
		w.edit(auth.Protocol{})
		for _, prompt := range []string{"none", ""} {
			back := w.browse(w.ask(w.config(scopeOpenID), "id_token_hint", text, "prompt", prompt))
			if !back.Query().Has("code") {
				t.Errorf("%q: as a hint: got %s", chosen, back)
			}
		}
		if asked, err := w.server.ReadLogout(t.Context(), url.Values{"id_token_hint": {text}}); err != nil || asked.ClientID != w.app.ID.String() {
			t.Errorf("%q: at the sign-out: got %+v, %v", chosen, asked, err)
		}
	}
}

// A device's ID token is signed as any other.
func TestIDTokenAlgorithmOfADevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.edit(auth.Protocol{GrantTypes: []string{auth.GrantDevice}, IDTokenAlgorithm: auth.RS256})
	begun := w.post("/oauth2/device_authorization", &w.app, url.Values{"scope": {scopeOpenID}})
	begun.want(t, 200, "")
	w.must(w.server.DecideDevice(t.Context(), *w.signedIn, text(begun, "user_code"), "allow"))
	got := w.post("/oauth2/token", &w.app, url.Values{"grant_type": {auth.GrantDevice}, "device_code": {text(begun, "device_code")}})
	got.want(t, 200, "")
	if algorithm := algorithmOf(t, text(got, "id_token")); algorithm != auth.RS256 {
		t.Errorf("got %s", algorithm)
	}
}

// A logout token is signed as the ID tokens of its application are.
func TestLogoutTokenAlgorithm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := listen(t, w)
	for i, algorithm := range []string{auth.RS256, auth.ES256} {
		w.edit(auth.Protocol{BackchannelLogoutURI: l.URL + "/logout", IDTokenAlgorithm: algorithm})
		session := w.realSession()
		w.grant(scopeOpenID)
		w.must(w.auth.SignOut(t.Context(), session.Secret))
		w.must(w.server.tellLogouts(t.Context()))
		if len(l.heard) != i+1 {
			t.Fatalf("%s: told %d times", algorithm, len(l.heard))
		}
		token := l.heard[i].Get("logout_token")
		provider, err := oidc.NewProvider(t.Context(), w.http.URL)
		w.must(err)
		verifier := provider.Verifier(&oidc.Config{ClientID: w.app.ID.String(), Now: w.Now, SupportedSigningAlgs: []string{algorithm}})
		if _, err := verifier.Verify(t.Context(), token); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		if _, err := w.server.readHint(t.Context(), token); err == nil {
			t.Errorf("%s: a logout token passes for an ID token", algorithm)
		}
	}
}

// Who registers itself and names no algorithm is given RS256, as OpenID
// Connect Registration §2 says, where it asks for ID tokens at all.
func TestRegisteredIDTokenAlgorithm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token := w.registrationToken(auth.NewRegistrationToken{MaxUses: 20})
	const redirect = `{"redirect_uris":["` + callback + `"]`
	for name, tt := range map[string]struct{ members, want string }{
		"nothing":                 {``, auth.RS256},
		"openid":                  {`,"scope":"openid email"`, auth.RS256},
		"no openid":               {`,"scope":"offline_access"`, auth.ES256},
		"RS256":                   {`,"id_token_signed_response_alg":"RS256"`, auth.RS256},
		"ES256":                   {`,"id_token_signed_response_alg":"ES256"`, auth.ES256},
		"no openid, RS256 anyway": {`,"scope":"offline_access","id_token_signed_response_alg":"RS256"`, auth.RS256},
	} {
		made := w.registers(token, redirect+tt.members+`}`)
		made.want(t, 201, "")
		read := w.manage(http.MethodGet, text(made, "registration_client_uri"), text(made, "registration_access_token"), "")
		if text(made, "id_token_signed_response_alg") != tt.want || text(read, "id_token_signed_response_alg") != tt.want {
			t.Errorf("%s: got %v, then %v", name, made.body, read.body)
		}
	}
	for _, algorithm := range []string{"none", "HS256", "PS256", "EdDSA", "rs256", "RS256 "} {
		got := w.registers(token, redirect+`,"id_token_signed_response_alg":"`+algorithm+`"}`)
		got.want(t, 400, "invalid_client_metadata")
		if !strings.Contains(text(got, "error_description"), "id_token_signed_response_alg") {
			t.Errorf("%s: got %v", algorithm, got.body)
		}
	}

	// Its ID tokens are signed so, and an update that names another is obeyed.
	made := w.registers(token, redirect+`}`)
	made.want(t, 201, "")
	id := uuid.MustParse(text(made, "client_id"))
	conf := w.config(scopeOpenID)
	conf.ClientID, conf.ClientSecret = id.String(), text(made, "client_secret")
	signedWith := func() string {
		verifier := oauth2.GenerateVerifier()
		back := w.allow(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
		got, err := conf.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
		w.must(err)
		return algorithmOf(t, got.Extra("id_token").(string))
	}
	if got := signedWith(); got != auth.RS256 {
		t.Errorf("got %s", got)
	}
	put := func(members string) answer {
		return w.manage(http.MethodPut, text(made, "registration_client_uri"), text(made, "registration_access_token"),
			redirect+`,"client_id":"`+id.String()+`"`+members+`}`)
	}
	put(`,"id_token_signed_response_alg":"ES256"`).want(t, 200, "")
	if got := signedWith(); got != auth.ES256 {
		t.Errorf("after an update: got %s", got)
	}
	put(``).want(t, 200, "")
	if got := signedWith(); got != auth.RS256 {
		t.Errorf("after an update that names none: got %s", got)
	}

	// Its owner has it follow FAPI 2.0, which knows no RS256.
	key := newPair(t, "ES256").jwk(t, "k")
	w.setKeys(auth.Application{ID: id}, key)
	_, err := w.auth.EditApplication(t.Context(), w.owner, id, auth.NewApplication{Name: "Một cửa", RedirectURIs: []string{callback},
		Protocol: auth.Protocol{Profile: auth.FAPI2, AuthMethod: auth.PrivateKeyJWT, GrantTypes: []string{auth.GrantCode}}})
	w.must(err)
	byKey := `,"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[` + string(key) + `]}`
	refused := put(byKey + `,"id_token_signed_response_alg":"RS256"`)
	refused.want(t, 400, "invalid_client_metadata")
	if !strings.Contains(text(refused, "error_description"), "FAPI 2.0") {
		t.Errorf("RS256 with FAPI 2.0: got %v", refused.body)
	}
	kept := put(byKey)
	kept.want(t, 200, "")
	if got := text(kept, "id_token_signed_response_alg"); got != auth.ES256 {
		t.Errorf("no algorithm with FAPI 2.0: got %s", got)
	}
}
