package oauth

import (
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
)

// credential is the id of the application's secret.
func (w *world) secretID() uuid.UUID {
	w.t.Helper()
	list, err := w.auth.Credentials(w.t.Context(), w.owner, w.app.ID)
	w.must(err)
	for _, c := range list {
		if c.Kind == auth.ClientSecret {
			return c.ID
		}
	}
	w.t.Fatal("no secret")
	return uuid.Nil
}

func TestASecretFromElsewhereIsInvalidClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, "https://gateway.test/a/b/v1")
	from := netip.MustParseAddr("203.0.113.9")
	w.server.Address = func(*http.Request) netip.Addr { return from }
	_, err := w.auth.LimitCredential(t.Context(), w.owner, w.secretID(), auth.Limits{Networks: []string{"203.0.113.0/24"}})
	w.must(err)
	ask := func() answer {
		return w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}})
	}
	if got := ask(); got.status != http.StatusOK {
		t.Fatalf("from its network: got %d %v", got.status, got.body)
	}
	from = netip.MustParseAddr("198.51.100.1")
	got := ask()
	got.want(t, http.StatusUnauthorized, "invalid_client")
	if got.header.Get("WWW-Authenticate") == "" {
		t.Error("401 without a challenge")
	}
}

func TestTokensDieWithEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.grant("openid", "offline_access", ScopeManage)
	if _, err := w.server.WhoByAccessToken(t.Context(), bearer(before.AccessToken)); err != nil {
		t.Fatalf("before: %v", err)
	}
	ended, err := w.auth.RevokeEverything(t.Context(), w.owner, w.app.ID, uuid.Nil)
	w.must(err)
	if ended.Grants != 1 || ended.Credentials != 2 {
		t.Errorf("ended %+v, want the grant, the key and the secret", ended)
	}
	if _, err := w.server.WhoByAccessToken(t.Context(), bearer(before.AccessToken)); err == nil {
		t.Error("the access token is believed")
	}
	for _, c := range []struct{ secret, code string }{{w.secret, "invalid_client"}, {"", "invalid_grant"}} {
		if c.secret == "" { // the family is dead for a new secret too
			fresh, err := w.auth.AddCredential(t.Context(), w.owner, w.app.ID, auth.NewCredential{Kind: auth.ClientSecret})
			w.must(err)
			w.secret = fresh.Secret
		}
		if got := w.refresh(before.RefreshToken, nil); got.error() != c.code {
			t.Errorf("refresh: got %d %v, want %s", got.status, got.body, c.code)
		}
	}
	w.pass(5e9)
	after := w.grant("openid", ScopeManage)
	if _, err := w.server.WhoByAccessToken(t.Context(), bearer(after.AccessToken)); err != nil {
		t.Errorf("a token made afterwards: %v", err)
	}
}

func TestALeakedRefreshTokenIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refresh := w.grant("openid", "offline_access").RefreshToken
	page, err := os.ReadFile("../../docs/security.md")
	w.must(err)
	line := regexp.MustCompile("`(lgsp_refresh_[^`]+)`").FindSubmatch(page)
	if line == nil || !regexp.MustCompile("^"+string(line[1])+"$").MatchString(refresh) {
		t.Errorf("docs/security.md publishes %q, which does not match a refresh token", line)
	}
	grant, err := w.server.GrantOfRefresh(t.Context(), refresh)
	if err != nil || grant == uuid.Nil {
		t.Errorf("got %v, %v, want its grant", grant, err)
	}
	forged := refresh[:len(refresh)-2] + "AA"
	if grant, err := w.server.GrantOfRefresh(t.Context(), forged); err != nil || grant != uuid.Nil {
		t.Errorf("a forged one: got %v, %v, want none", grant, err)
	}
}
