package oauth

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"

	"lgsp/auth"
)

// deadPool is a pool on a port where nothing listens.
func deadPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none?sslmode=disable&connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// minted counts all that a request could leave behind.
func (w *world) minted() string {
	w.t.Helper()
	var counts []string
	for _, table := range []string{"oauth_grant", "oauth_code", "oauth_code where used_at is not null", "oauth_refresh",
		"oauth_refresh where used_at is not null", "oauth_access", "oauth_pushed", "oauth_consent", "oauth_assertion", "revoked_token", "issued_token", "oauth_device", "application", "registration"} {
		counts = append(counts, fmt.Sprint(w.count(table)))
	}
	return strings.Join(counts, " ")
}

func (a answer) wantAway(t *testing.T) {
	t.Helper()
	a.want(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	if a.header.Get("Retry-After") == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", a.header)
	}
}

// With the database away nobody is told that all is well, and nothing is made.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	code, verifier := w.code(scopeOpenID, scopeOffline)
	token := w.grant(scopeOpenID, scopeOffline)
	w.allowGrants(w.native, auth.GrantDevice)
	_, initial := w.registrationToken(auth.NewRegistrationToken{MaxUses: 9})
	statement := pair.sign(t, w.statement(w.app, nil), nil)
	get := func(address, bearer string) answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		w.must(err)
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		return w.send(r)
	}
	asks := map[string]func() answer{
		"client_credentials": func() answer {
			return w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "audience": {landAPI}})
		},
		"private_key_jwt": func() answer { return w.prove(statement) },
		"a code":          func() answer { return w.redeem(code, verifier) },
		"a refresh token": func() answer { return w.refresh(token.RefreshToken, nil) },
		"a device": func() answer {
			return w.post("/oauth2/device_authorization", nil, url.Values{"client_id": {w.native.ID.String()}})
		},
		"register":       func() answer { return w.registers(initial, webClient) },
		"par":            func() answer { return w.post("/oauth2/par", &w.app, w.asked(verifier)) },
		"introspect":     func() answer { return w.post("/oauth2/introspect", &w.app, url.Values{"token": {token.AccessToken}}) },
		"revoke access":  func() answer { return w.post("/oauth2/revoke", &w.app, url.Values{"token": {token.AccessToken}}) },
		"revoke refresh": func() answer { return w.post("/oauth2/revoke", &w.app, url.Values{"token": {token.RefreshToken}}) },
	}
	authorize := w.config(scopeOpenID).AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
	before := w.minted()

	check := func(t *testing.T, what string) {
		for name, ask := range asks {
			if name == "register" && what != "all" {
				continue // it is kept where applications are
			}
			t.Run(what+": "+name, func(t *testing.T) { ask().wantAway(t) })
		}
		if got := get(w.http.URL+"/oauth2/userinfo", token.AccessToken); got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: userinfo: got %d %v", what, got.status, got.body)
		}
	}
	w.server.DB = deadPool(t)
	check(t, "all but the applications")
	if back := w.browse(authorize); back.Host != "app.test" || back.Query().Get("error") != "temporarily_unavailable" || back.Query().Get("state") != "s" {
		t.Errorf("authorize, with the client known: got %s", back)
	}
	w.auth.DB = w.server.DB
	check(t, "all")
	get(authorize, "").wantAway(t) // where to send the browser is not known either

	for _, path := range []string{"/oauth2/jwks", "/.well-known/openid-configuration"} {
		if got := get(w.http.URL+path, ""); got.status != 200 {
			t.Errorf("%s needs no database: got %d", path, got.status)
		}
	}
	w.server.DB, w.auth.DB = w.db, w.db
	if got := w.minted(); got != before {
		t.Errorf("something was made: %s, before %s", got, before)
	}
	for name, ask := range asks { // what was sent may be sent again
		if name == "revoke access" || name == "revoke refresh" {
			continue
		}
		if got := ask(); got.status != 200 && got.status != 201 {
			t.Errorf("%s, afterwards: got %d %v", name, got.status, got.body)
		}
	}
}

// A connection that breaks in the middle of a redemption leaves all as it was.
func TestTheDatabaseGoesAwayBetweenSteps(t *testing.T) {
	t.Parallel()
	gone := &pgconn.PgError{Code: "57P01", Message: "terminating connection due to administrator command"}
	for _, step := range []string{spendCodeSQL, spendRefreshSQL, settleRefreshSQL, createAccessSQL, createRefreshSQL, "commit"} {
		w := newWorld(t)
		code, verifier := w.code(scopeOffline)
		token := w.grant(scopeOffline)
		before := w.minted()
		w.disturb(func(sql string) error {
			if sql == step {
				return gone
			}
			return nil
		})
		if step != spendRefreshSQL && step != settleRefreshSQL {
			w.redeem(code, verifier).wantAway(t)
		}
		if step != spendCodeSQL {
			w.refresh(token.RefreshToken, nil).wantAway(t)
		}
		if got := w.minted(); got != before {
			t.Errorf("at %s: %s, before %s", step, got, before)
		}
		w.disturb(func(string) error { return nil })
		w.redeem(code, verifier).want(t, 200, "")
		w.refresh(token.RefreshToken, nil).want(t, 200, "")
	}
}

// With one connection to the database, no request may wait for a second while
// it holds the first.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	config := w.db.Config()
	config.MaxConns = 1
	one, err := pgxpool.NewWithConfig(t.Context(), config)
	w.must(err)
	t.Cleanup(one.Close)
	w.server.DB, w.auth.DB = one, one
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, err := w.db.Exec(t.Context(), `update auth.application set refresh_grace = true where id = $1`, w.app.ID)
		w.must(err)
		token := w.grant(scopeOpenID, scopeOffline)
		first := w.refresh(token.RefreshToken, nil)
		w.oneIsLeft(first)
		second := w.refresh(token.RefreshToken, nil) // grace
		w.oneIsLeft(second)
		w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "audience": {landAPI}}).want(t, 200, "")
		w.prove(pair.sign(t, w.statement(w.app, nil), nil)).want(t, 200, "")
		w.post("/oauth2/par", &w.app, w.asked(oauth2.GenerateVerifier())).want(t, 201, "")
		w.post("/oauth2/introspect", &w.app, url.Values{"token": {token.AccessToken}}).want(t, 200, "")
		w.post("/oauth2/revoke", &w.app, url.Values{"token": {token.AccessToken}}).want(t, 200, "")
		w.refresh(text(first, "refresh_token"), nil).want(t, 400, "invalid_grant") // reuse
		w.rotate()
		w.must(w.server.RevokeKey(t.Context(), w.who(), w.server.keys.Load().sign[auth.ES256].kid))
		w.must(w.server.sweep(t.Context()))
		token = w.grant(scopeOffline)
		pair = w.fapi()
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}}
		w.sendDPoP("/oauth2/token", nil, w.proven(pair, form), newPair(t, jose.ES256), nil).want(t, 200, "")
	}()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("it waits for a second connection")
	}
}
