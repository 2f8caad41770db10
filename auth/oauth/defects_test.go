package oauth

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/oauth2"

	"lgsp/internal/keyring"
	"lgsp/internal/pg"
)

// The names F1 to F20 are those of the defects of fosite v0.49.0, as stock
// fosite shows them.

func (w *world) redeem(code, verifier string) answer {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}}
	if verifier != "" {
		form.Set("code_verifier", verifier)
	}
	return w.post("/oauth2/token", &w.app, form)
}

func (w *world) refresh(token string, more url.Values) answer {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for name, values := range more {
		form[name] = values
	}
	return w.post("/oauth2/token", &w.app, form)
}

func (a answer) want(t *testing.T, status int, code string) {
	t.Helper()
	if a.status != status || a.error() != code {
		t.Errorf("got %d %v, want %d %q", a.status, a.body, status, code)
	}
}

func TestF1_AWrongVerifierDoesNotFreeTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, verifier := w.code()
	w.redeem(code, oauth2.GenerateVerifier()).want(t, 400, "invalid_grant")
	w.redeem(code, "").want(t, 400, "invalid_grant")
	w.redeem(code, verifier).want(t, 200, "")
}

func TestF1_EveryClientMustUsePKCE(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, params := range map[string]url.Values{
		"nothing":           {},
		"plain":             {"code_challenge": {strings.Repeat("a", 43)}, "code_challenge_method": {"plain"}},
		"no method":         {"code_challenge": {strings.Repeat("a", 43)}},
		"a short challenge": {"code_challenge": {"a"}, "code_challenge_method": {"S256"}},
		"other characters":  {"code_challenge": {strings.Repeat("+", 43)}, "code_challenge_method": {"S256"}},
	} {
		var options []oauth2.AuthCodeOption
		for key, values := range params {
			options = append(options, oauth2.SetAuthURLParam(key, values[0]))
		}
		back := w.browse(w.config().AuthCodeURL("s", options...))
		if got := back.Query().Get("error"); got != "invalid_request" || back.Query().Get("iss") != w.http.URL {
			t.Errorf("%s: got %s", name, back)
		}
	}
}

// faulty is a database that runs a hook before each statement and before each
// "commit", and fails with what the hook returns.
type faulty struct {
	pg.DB
	before func(sql string) error
}

type faultyTx struct {
	pgx.Tx
	before func(sql string) error
}

func (f faulty) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := f.DB.Begin(ctx)
	return faultyTx{tx, f.before}, err
}

func (f faulty) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := f.before(sql); err != nil {
		return nil, err
	}
	return f.DB.Query(ctx, sql, args...)
}

func (f faultyTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := f.before(sql); err != nil {
		return pgconn.CommandTag{}, err
	}
	return f.Tx.Exec(ctx, sql, args...)
}

func (f faultyTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := f.before(sql); err != nil {
		return failedRow{err}
	}
	return f.Tx.QueryRow(ctx, sql, args...)
}

func (f faultyTx) Commit(ctx context.Context) error {
	if err := f.before("commit"); err != nil {
		return err
	}
	return f.Tx.Commit(ctx)
}

type failedRow struct{ err error }

func (f failedRow) Scan(...any) error { return f.err }

func (w *world) disturb(before func(sql string) error) { w.server.DB = faulty{w.db, before} }

// takers sends n requests at once on a store made slow, and gives how many
// won; the others hear the error lost.
func (w *world) takers(n int, lost string, send func() answer) int {
	w.disturb(func(string) error { time.Sleep(2 * time.Millisecond); return nil })
	var wg sync.WaitGroup
	answers := make([]answer, n)
	for i := range n {
		wg.Go(func() { answers[i] = send() })
	}
	wg.Wait()
	won := 0
	for _, a := range answers {
		if a.status == 200 {
			won++
		} else if a.error() != lost {
			w.t.Errorf("a loser got %d %v, want %s", a.status, a.body, lost)
		}
	}
	return won
}

func TestF2_OneOfFiftyTakesACode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, verifier := w.code(scopeOffline)
	if got := w.takers(50, "invalid_grant", func() answer { return w.redeem(code, verifier) }); got != 1 {
		t.Errorf("%d of 50 redeemed one code", got)
	}
	if got := w.count("oauth_refresh"); got != 1 {
		t.Errorf("%d refresh tokens kept, want 1", got)
	}
	w.familyIsDead()
}

func TestF2_OneOfFiftyTakesARefreshToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeOffline)
	if got := w.takers(50, "invalid_grant", func() answer { return w.refresh(token.RefreshToken, nil) }); got != 1 {
		t.Errorf("%d of 50 used one refresh token", got)
	}
	if got := w.count("oauth_refresh"); got != 2 {
		t.Errorf("%d refresh tokens kept, want the first and its successor", got)
	}
	w.familyIsDead()
}

// familyIsDead checks that reuse revoked the grant and every access token of it.
func (w *world) familyIsDead() {
	w.t.Helper()
	if got := w.count("oauth_grant where revoked_at is null"); got != 0 {
		w.t.Errorf("%d grants outlived reuse", got)
	}
	if got, want := w.count("revoked_token"), w.count("oauth_access"); got != want || got == 0 {
		w.t.Errorf("%d of %d access tokens are revoked", got, want)
	}
}

func TestReuseOfACodeEndsItsFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, verifier := w.code(scopeOffline)
	first := w.redeem(code, verifier)
	w.redeem(code, verifier).want(t, 400, "invalid_grant")
	w.familyIsDead()
	w.refresh(first.body["refresh_token"].(string), nil).want(t, 400, "invalid_grant")
	tokens, err := w.server.RevokedTokens(t.Context())
	w.must(err)
	if len(tokens) != 1 || tokens[0].JTI != payload(t, first.body["access_token"].(string))["jti"] {
		t.Errorf("revoked: got %v", tokens)
	}
}

func TestReuseOfARefreshTokenEndsItsFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeOffline)
	second := w.refresh(token.RefreshToken, nil)
	second.want(t, 200, "")
	w.refresh(token.RefreshToken, nil).want(t, 400, "invalid_grant")
	w.familyIsDead()
	w.refresh(second.body["refresh_token"].(string), nil).want(t, 400, "invalid_grant")
}

func TestF3_OnlyTheClientItselfIntrospects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeOpenID, scopeOffline)
	form := url.Values{"token": {token.AccessToken}}

	own := w.post("/oauth2/introspect", &w.app, form)
	if own.status != 200 || own.body["active"] != true || own.body["sub"] != w.person.ID.String() || own.body["aud"] != w.http.URL {
		t.Errorf("its own: got %d %v", own.status, own.body)
	}
	foreign := w.post("/oauth2/introspect", &w.other, form)
	if foreign.status != 200 || len(foreign.body) != 1 || foreign.body["active"] != false {
		t.Errorf("another client's: got %d %v, want inactive and no more", foreign.status, foreign.body)
	}
	r := w.request("/oauth2/introspect", nil, form)
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	w.send(r).want(t, 401, "invalid_client")
	w.post("/oauth2/introspect", nil, url.Values{"token": {token.AccessToken}, "access_token": {token.AccessToken}}).want(t, 401, "invalid_client")
	w.post("/oauth2/introspect", nil, url.Values{"token": {token.AccessToken}, "client_id": {w.native.ID.String()}}).want(t, 401, "invalid_client")
	refresh := w.post("/oauth2/introspect", &w.app, url.Values{"token": {token.RefreshToken}})
	if refresh.status != 200 || refresh.body["active"] != false {
		t.Errorf("a refresh token: got %d %v, want inactive", refresh.status, refresh.body)
	}
	w.post("/oauth2/introspect", &w.app, url.Values{"token_type_hint": {"access_token"}}).want(t, 400, "invalid_request")
}

func TestF4_RequestObjectsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for param, want := range map[string]string{
		"request": "request_not_supported", "request_uri": "request_uri_not_supported", "registration": "registration_not_supported",
	} {
		back := w.browse(w.config(scopeOpenID).AuthCodeURL("the client's own state", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()),
			oauth2.SetAuthURLParam(param, "eyJhbGciOiJub25lIn0.eyJzdGF0ZSI6ImV2aWwiLCJzY29wZSI6Imxnc3AubWFuYWdlIn0.")))
		if back.Query().Get("error") != want || back.Query().Get("state") != "the client's own state" {
			t.Errorf("%s: got %s, want %s", param, back, want)
		}
	}
}

func TestF5_AnotherClientCannotEndAFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, verifier := w.code(scopeOffline)
	token := w.redeem(code, verifier)
	used := token.body["refresh_token"].(string)
	second := w.refresh(used, nil)
	w.post("/oauth2/token", &w.other, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {used}}).want(t, 400, "invalid_grant")
	w.post("/oauth2/token", &w.other, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}).want(t, 400, "invalid_grant")
	w.redeem(code, "").want(t, 400, "invalid_grant") // nor can who lacks the verifier
	w.refresh(second.body["refresh_token"].(string), nil).want(t, 200, "")
}

func TestF6_ARefreshCanNarrowAndNotWiden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeOpenID, scopeEmail, scopeOffline)
	narrow := w.refresh(token.RefreshToken, url.Values{"scope": {scopeEmail}})
	if narrow.status != 200 || payload(t, narrow.body["access_token"].(string))["scope"] != scopeEmail {
		t.Fatalf("narrowed: got %d %v", narrow.status, narrow.body)
	}
	whole := w.refresh(narrow.body["refresh_token"].(string), nil)
	if got := payload(t, whole.body["access_token"].(string))["scope"]; got != "openid email offline_access" {
		t.Errorf("the next refresh: got scope %v, want all that was granted", got)
	}
	w.refresh(whole.body["refresh_token"].(string), url.Values{"scope": {ScopeManage}}).want(t, 400, "invalid_scope")
	w.refresh(whole.body["refresh_token"].(string), nil).want(t, 200, "") // the refusal spent nothing
}

func TestF10_TheRightErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"password"}}).want(t, 400, "unsupported_grant_type")
	w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials refresh_token"}}).want(t, 400, "unsupported_grant_type")
	w.post("/oauth2/token", &w.app, url.Values{"scope": {"x"}}).want(t, 400, "invalid_request")
	w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials", "client_credentials"}}).want(t, 400, "invalid_request")
	wrong := w.request("/oauth2/token", nil, url.Values{"grant_type": {"client_credentials"}})
	wrong.SetBasicAuth(w.app.ID.String(), w.otherSecret)
	got := w.send(wrong)
	got.want(t, 401, "invalid_client")
	if !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic ") || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers of a 401: %v", got.header)
	}
	twice := w.request("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "client_secret": {w.secret}})
	w.send(twice).want(t, 400, "invalid_request")
	other := w.request("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "client_id": {w.other.ID.String()}})
	w.send(other).want(t, 400, "invalid_request")
	w.post("/oauth2/token", nil, url.Values{"grant_type": {"client_credentials"}, "client_id": {w.native.ID.String()}}).want(t, 400, "unauthorized_client")
	w.post("/oauth2/token", nil, url.Values{"grant_type": {"client_credentials"}, "client_id": {"no-uuid"}}).want(t, 401, "invalid_client")

	for _, state := range []string{"", "s"} { // short or none: PKCE guards the answer
		back := w.allow(w.config().AuthCodeURL(state, oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
		if back.Query().Get("code") == "" || back.Query().Get("state") != state || back.Query().Has("state") != (state != "") {
			t.Errorf("state %q: got %s", state, back)
		}
	}
}

func TestF11_BodiesAreSmallForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "x": {strings.Repeat("x", bodyLimit)}}).want(t, 413, "invalid_request")

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	w.must(form.WriteField("grant_type", "client_credentials"))
	w.must(form.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.http.URL+"/oauth2/token", &body)
	w.must(err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	w.send(r).want(t, 400, "invalid_request")
}

func TestParametersAreText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, nonce := range []string{"a\x00b", "a\xffb"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.ask(w.config(scopeOpenID), "nonce", nonce), nil)
		w.must(err)
		w.send(r).want(t, 400, "invalid_request")
	}
}

func TestF13_NothingSecretInAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.grant(scopeOpenID)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/oauth2/userinfo?access_token="+token.AccessToken, nil)
	w.must(err)
	if got := w.send(r); got.status != 401 || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer ") {
		t.Errorf("a token in the query: got %d %v", got.status, got.header)
	}
	w.send(w.request("/oauth2/token?client_secret="+w.secret, nil, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {w.app.ID.String()},
	})).want(t, 400, "invalid_request")
}

func TestF14_RedirectURIs(t *testing.T) {
	t.Parallel()
	registered := []string{"https://app.test/cb?x=1", "http://127.0.0.1/cb", "http://[::1]:9/cb", "https://127.0.0.1/s", "com.example.app:/cb"}
	for requested, want := range map[string]bool{
		"https://app.test/cb?x=1":       true,
		"https://app.test/cb":           false,
		"https://app.test/cb?x=1&y=2":   false,
		"https://APP.test/cb?x=1":       false,
		"https://app.test/cb/?x=1":      false,
		"https://u@app.test/cb?x=1":     false,
		"https://app.test/cb?x=1#f":     false,
		"http://127.0.0.1/cb":           true,
		"http://127.0.0.1:51004/cb":     true,
		"http://user@127.0.0.1:1/cb":    false,
		"http://127.0.0.1:1/cb?x=1":     false,
		"http://127.0.0.1:1/cb/../x":    false,
		"http://127.0.0.1:1/%63b":       false,
		"http://127.0.0.2:1/cb":         false,
		"http://localhost:1/cb":         false,
		"http://127.0.0.1.evil.test/cb": false,
		"http://[::1]:51004/cb":         true,
		"http://127.0.0.1:1/s":          false, // registered with https
		"com.example.app:/cb":           true,
		"com.example.app:/cb2":          false,
		"/cb":                           false,
		"":                              false,
		"http://127.0.0.1:1/cb\n":       false,
	} {
		if got := redirectMatches(requested, registered); got != want {
			t.Errorf("%q: got %t, want %t", requested, got, want)
		}
	}
}

func FuzzRedirectMatches(f *testing.F) {
	registered := []string{"https://app.test/cb", "http://127.0.0.1/cb"}
	for _, seed := range []string{"https://app.test/cb", "http://127.0.0.1:7/cb", "http://u@127.0.0.1/cb", "//x", "http://[::1", "http://127.0.0.1:99999/cb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, requested string) {
		if len(requested) > bodyLimit || !redirectMatches(requested, registered) || slices.Contains(registered, requested) {
			return
		}
		if got, err := url.Parse(requested); err != nil || got.Scheme != "http" || got.Hostname() != "127.0.0.1" || got.User != nil || got.EscapedPath() != "/cb" {
			t.Errorf("%q matches", requested)
		}
	})
}

func TestF14_ADoubtfulAddressIsNotRedirectedTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, params := range map[string]url.Values{
		"another address": {"client_id": {w.app.ID.String()}, "redirect_uri": {"https://evil.test/"}},
		"no address":      {"client_id": {w.app.ID.String()}},
		"another client":  {"client_id": {"01900000-0000-7000-8000-000000000000"}, "redirect_uri": {callback}},
		"a repeated one":  {"client_id": {w.app.ID.String()}, "redirect_uri": {callback, "https://evil.test/"}},
	} {
		params.Set("response_type", "code")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/oauth2/authorize?"+params.Encode(), nil)
		w.must(err)
		if got := w.send(r); got.status != 400 || got.error() != "invalid_request" || got.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: got %d %v", name, got.status, got.body)
		}
	}
}

func TestF16_ACodeLivesAMinuteAndIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, verifier := w.code(scopeOpenID)
	for _, table := range []string{"oauth_code", "oauth_grant", "oauth_consent"} {
		if w.count(table+" t where t::text like '%"+strings.TrimPrefix(code, codePrefix)+"%'") != 0 {
			t.Errorf("the code stands in %s", table)
		}
	}
	w.pass(codeLife)
	w.redeem(code, verifier).want(t, 400, "invalid_grant")

	token := w.grant(scopeOffline)
	w.pass(refreshLife)
	w.refresh(token.RefreshToken, nil).want(t, 400, "invalid_grant")
	w.must(w.server.sweep(t.Context()))
	w.pass(grantLife)
	w.must(w.server.sweep(t.Context()))
	if got := w.count("oauth_grant") + w.count("oauth_code") + w.count("oauth_refresh") + w.count("oauth_access"); got != 0 {
		t.Errorf("%d rows outlived their time", got)
	}
}

func TestF17_FirstRequestsAtOnce(t *testing.T) { // for the race detector
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}}).want(t, 200, "")
			w.browse(w.config(scopeOpenID).AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
		})
	}
	wg.Wait()
}

func TestF19_KeysOfExactly32Bytes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 31, 33, 64} {
		s := &Server{HMACs: keyring.Of(make([]byte, n)), Seals: keyring.Of(make([]byte, n))}
		err := s.Prepare()
		if err == nil || !strings.Contains(err.Error(), "HMAC") || !strings.Contains(err.Error(), "seal") {
			t.Errorf("%d bytes: got %v, want both mistakes named", n, err)
		}
	}
}

// A failure at any step of redeeming or refreshing leaves all as it was: the
// transaction that fosite asks for covers every row (F2, and the house's
// suspicion of fosite-managed transactions).
func TestAFailureBetweenStepsUndoesAll(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is full")
	for step, statements := range map[string][]string{
		"spend": {spendCodeSQL, spendRefreshSQL}, "settle": {settleRefreshSQL, spendCodeSQL}, "access": {createAccessSQL}, "refresh": {createRefreshSQL}, "commit": {"commit"},
	} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			code, verifier := w.code(scopeOffline)
			failing := func(sql string) error {
				if slices.Contains(statements, sql) {
					return broken
				}
				return nil
			}
			w.disturb(failing)
			w.redeem(code, verifier).want(t, 500, "server_error")
			if got := w.count("oauth_refresh") + w.count("oauth_access") + w.count("oauth_code where used_at is not null"); got != 0 {
				t.Errorf("a code that failed at %s left %d traces", step, got)
			}
			w.disturb(func(string) error { return nil })
			first := w.redeem(code, verifier)
			first.want(t, 200, "")

			w.disturb(failing)
			w.refresh(first.body["refresh_token"].(string), nil).want(t, 500, "server_error")
			if got := w.count("oauth_refresh") + w.count("oauth_refresh where used_at is not null"); got != 1 {
				t.Errorf("a refresh that failed at %s left traces", step)
			}
			w.disturb(func(string) error { return nil })
			w.refresh(first.body["refresh_token"].(string), nil).want(t, 200, "")
			if got := w.db.Stat().AcquiredConns(); got != 0 {
				t.Errorf("%d connections were not given back", got)
			}
		})
	}
}

func TestRefreshAsksAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	verifier := oauth2.GenerateVerifier()
	conf := w.config(scopeOffline)
	back := w.allow(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("resource", landAPI)))
	token, err := conf.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	w.must(err)
	if _, err := w.server.verifier.Verify(t.Context(), bearer(token.AccessToken), landAPI); err != nil {
		t.Error(err)
	}
	w.refresh(token.RefreshToken, url.Values{"audience": {meritAPI}}).want(t, 400, "invalid_target")
	w.agree(w.app)
	w.refresh(token.RefreshToken, nil).want(t, 400, "invalid_target")
	w.agree(w.app, landAPI)
	second := w.refresh(token.RefreshToken, nil)
	second.want(t, 200, "")
	_, err = w.db.Exec(t.Context(), `update auth.person set disabled_at = now() where id = $1`, w.person.ID)
	w.must(err)
	w.refresh(second.body["refresh_token"].(string), nil).want(t, 400, "invalid_grant")
}
