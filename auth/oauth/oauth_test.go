package oauth

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"lgsp/auth"
	"lgsp/internal/keyring"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

const (
	landAPI  = "https://gateway.test/so-tnmt/thua-dat/v1"
	meritAPI = "https://gateway.test/so-noi-vu/nguoi-co-cong/v1"
	callback = "https://app.test/cb"
	portal   = "https://portal.test"
)

// world is an authorization server on a database of its own, with two
// confidential applications and a public one, and a person at a browser.
type world struct {
	t       *testing.T
	db      *pgxpool.Pool
	auth    *auth.Auth
	server  *Server
	http    *httptest.Server
	now     atomic.Int64   // Unix seconds
	person  auth.Person    // at the browser
	owner   auth.Principal // of the applications
	session uuid.UUID      // of the browser

	app, other, native  auth.Application
	secret, otherSecret string

	mu        sync.Mutex
	signedIn  *SignedIn
	audiences map[uuid.UUID][]string
	acts      []auth.Act
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t), audiences: map[uuid.UUID][]string{}, session: uuid.New()}
	w.now.Store(time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC).Unix())
	record := func(_ context.Context, _ pgx.Tx, act auth.Act) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.acts = append(w.acts, act)
		return nil
	}
	w.auth = &auth.Auth{
		Notify: func(context.Context, pgx.Tx, auth.FactorNotice) error { return nil },
		DB:     w.db, Now: w.Now, Peppers: keyring.Of([]byte(strings.Repeat("p", 32))), Record: record,
		May: func(context.Context, auth.Principal, string, uuid.UUID) error { return nil },
	}
	var err error
	w.person, err = w.auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: "lan@example.vn", Name: "Trần Thị Lan", Locale: "vi"})
	w.must(err)
	w.signIn()
	owner, err := w.auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: "minh@example.vn", Name: "Lê Minh", Locale: "vi"})
	w.must(err)
	w.owner = auth.Principal{Person: owner.ID, Name: owner.Name}
	w.app, w.secret = w.application("Tra cứu đất", auth.Confidential, callback)
	w.other, w.otherSecret = w.application("Ứng dụng khác", auth.Confidential, callback)
	w.native, _ = w.application("Ứng dụng máy tính", auth.Public, "http://127.0.0.1/cb")

	router := mux.NewRouter()
	w.http = httptest.NewUnstartedServer(router)
	w.server = w.newServer("http://" + w.http.Listener.Addr().String())
	w.server.Record = record
	w.must(w.server.Prepare())
	w.must(w.server.MakeKeys(t.Context()))
	w.server.Routes(router)
	w.http.Start()
	t.Cleanup(w.http.Close)
	return w
}

func (w *world) newServer(issuer string) *Server {
	return &Server{
		DB: w.db, Now: w.Now, Issuer: issuer, Portal: portal,
		HMACs: keyring.Of([]byte(strings.Repeat("h", 32))), Seals: keyring.Of([]byte(strings.Repeat("s", 32))), Nonces: keyring.Of([]byte(strings.Repeat("n", 32))),
		Client: w.auth.Client, VerifySecret: w.auth.VerifySecret, ClientKeys: w.auth.PublicKeys,
		Address:     func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
		ClientCAs:   func() *x509.CertPool { return nil },
		WhoByPerson: w.auth.WhoByPerson, WhoByProof: w.auth.WhoByProof, WhoByApplication: w.auth.WhoByApplication, Persons: w.auth.Persons, EmailProved: w.auth.EmailProved,
		Register: w.auth.Register, Registration: w.auth.Registration, EditRegistration: w.auth.EditRegistration, EndRegistration: w.auth.EndRegistration,
		SessionPerson: func(*http.Request) (SignedIn, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.signedIn == nil {
				return SignedIn{}, problem.Errorf(problem.Unauthorized, "nobody")
			}
			return *w.signedIn, nil
		},
		Audiences: func(_ context.Context, client uuid.UUID) ([]string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.audiences[client], nil
		},
		Audience: func(_ context.Context, client uuid.UUID, audience string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, open := range w.audiences[client] {
				if open == audience {
					return nil
				}
			}
			return problem.Errorf(problem.Forbidden, "no agreement")
		},
	}
}

func (w *world) Now() time.Time { return time.Unix(w.now.Load(), 0).UTC() }

func (w *world) pass(d time.Duration) { w.now.Add(int64(d / time.Second)) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) who() auth.Principal { return auth.Principal{Person: w.person.ID, Name: w.person.Name} }

func (w *world) signIn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signedIn = &SignedIn{Who: w.who(), Proof: auth.Proof{Session: w.session, At: w.Now(), Methods: []string{auth.ByPassword}}}
}

func (w *world) signOut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signedIn = nil
}

func (w *world) agree(app auth.Application, audiences ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.audiences[app.ID] = audiences
}

func (w *world) application(name, kind string, redirects ...string) (auth.Application, string) {
	w.t.Helper()
	app, issued, err := w.auth.CreateApplication(w.t.Context(), w.owner, auth.NewApplication{Name: name, Kind: kind, RedirectURIs: redirects})
	w.must(err)
	for _, credential := range issued {
		if credential.Kind == "client_secret" {
			return app, credential.Secret
		}
	}
	return app, ""
}

// config is the application as golang.org/x/oauth2 knows it.
func (w *world) config(scopes ...string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: w.app.ID.String(), ClientSecret: w.secret, RedirectURL: callback, Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: w.http.URL + "/oauth2/authorize", TokenURL: w.http.URL + "/oauth2/token"},
	}
}

// browse follows one link and gives where it leads.
func (w *world) browse(address string) *url.URL {
	w.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(address)
	w.must(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		body, _ := io.ReadAll(response.Body)
		w.t.Fatalf("GET %s: got %d %s, want a redirect", address, response.StatusCode, body)
	}
	next, err := response.Location()
	w.must(err)
	return next
}

// allow goes through the consent page, and gives the client's address with its answer.
func (w *world) allow(authorizeURL string) *url.URL {
	w.t.Helper()
	page := w.browse(authorizeURL)
	if page.Host != "portal.test" || page.Path != "/consent" {
		return page // remembered, or refused
	}
	next, err := w.server.Decide(w.t.Context(), w.who(), page.Query().Get("request"), "allow")
	w.must(err)
	back, err := url.Parse(next)
	w.must(err)
	return back
}

// code is a fresh authorization code and the verifier that belongs to it.
func (w *world) code(scopes ...string) (code, verifier string) {
	w.t.Helper()
	verifier = oauth2.GenerateVerifier()
	back := w.allow(w.config(scopes...).AuthCodeURL("a state of the client", oauth2.S256ChallengeOption(verifier)))
	if back.Query().Get("code") == "" {
		w.t.Fatalf("no code: %s", back)
	}
	return back.Query().Get("code"), verifier
}

// grant is the token response for a fresh code.
func (w *world) grant(scopes ...string) *oauth2.Token {
	w.t.Helper()
	code, verifier := w.code(scopes...)
	token, err := w.config(scopes...).Exchange(w.t.Context(), code, oauth2.VerifierOption(verifier))
	w.must(err)
	return token
}

// answer is what an address said.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a answer) error() string {
	said, _ := a.body["error"].(string)
	return said
}

// post sends a form as a client (nil: as nobody).
func (w *world) post(path string, as *auth.Application, form url.Values) answer {
	w.t.Helper()
	return w.send(w.request(path, as, form))
}

func (w *world) request(path string, as *auth.Application, form url.Values) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.http.URL+path, strings.NewReader(form.Encode()))
	w.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	switch {
	case as == nil:
	case as.ID == w.app.ID:
		r.SetBasicAuth(as.ID.String(), w.secret)
	case as.ID == w.other.ID:
		r.SetBasicAuth(as.ID.String(), w.otherSecret)
	}
	return r
}

func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	response, err := http.DefaultClient.Do(r)
	w.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	w.must(err)
	a := answer{status: response.StatusCode, header: response.Header}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.body); err != nil {
			w.t.Fatalf("%s answered %q, no JSON", r.URL, text)
		}
	}
	return a
}

func (w *world) count(table string) int {
	w.t.Helper()
	var n int
	w.must(w.db.QueryRow(w.t.Context(), "select count(*) from auth."+table).Scan(&n))
	return n
}

// A sign-in with OpenID Connect, as a library that others wrote does it.
func TestAuthorizationCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conf := w.config(scopeOpenID, scopeProfile, scopeEmail, scopeOffline)
	verifier := oauth2.GenerateVerifier()
	back := w.allow(conf.AuthCodeURL("xyz", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "n-1")))
	if got, want := back.Query().Get("iss"), w.http.URL; got != want {
		t.Errorf("iss: got %q, want %q (RFC 9207)", got, want)
	}
	if got := back.Query().Get("state"); got != "xyz" {
		t.Errorf("state: got %q", got)
	}
	token, err := conf.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	w.must(err)

	access, err := w.server.verifier.Verify(t.Context(), bearer(token.AccessToken), w.http.URL)
	w.must(err)
	if got, want := access.Subject, w.person.ID.String(); got != want {
		t.Errorf("sub: got %s, want the person %s", got, want)
	}
	if got, want := access.Expires.Sub(access.Issued), accessLife; got != want {
		t.Errorf("life: got %s, want %s", got, want)
	}
	id := payload(t, token.Extra("id_token").(string))
	for name, want := range map[string]any{
		"iss": w.http.URL, "aud": w.app.ID.String(), "sub": w.person.ID.String(), "nonce": "n-1",
		"auth_time": float64(w.Now().Unix()), "exp": float64(w.Now().Add(idTokenLife).Unix()),
	} {
		if id[name] != want {
			t.Errorf("ID token %s: got %v, want %v", name, id[name], want)
		}
	}

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/oauth2/userinfo", nil)
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	info := w.send(r)
	if info.status != 200 || info.body["email"] != "lan@example.vn" || info.body["name"] != "Trần Thị Lan" || info.body["sub"] != w.person.ID.String() {
		t.Errorf("userinfo: got %d %v", info.status, info.body)
	}

	token.Expiry = time.Unix(1, 0) // so that the library refreshes
	newer, err := conf.TokenSource(t.Context(), token).Token()
	w.must(err)
	if newer.AccessToken == token.AccessToken || newer.RefreshToken == token.RefreshToken || newer.Extra("id_token") == nil {
		t.Errorf("refresh did not renew access, refresh and ID token")
	}
	if got := len(w.acts); got == 0 || w.acts[got-1].Verb != "consent.allow" {
		t.Errorf("the consent is not recorded: %v", w.acts)
	}
}

// A sign-in is no power of attorney: only lgsp.manage opens /api/v1.
func TestWhoByAccessToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	who, err := w.server.WhoByAccessToken(t.Context(), bearer(w.grant(ScopeManage).AccessToken))
	w.must(err)
	if who.Person != w.person.ID {
		t.Errorf("who: got %+v", who)
	}
	if _, err := w.server.WhoByAccessToken(t.Context(), bearer(w.grant(scopeOpenID).AccessToken)); problem.Code(err) != "scope-missing" {
		t.Errorf("a sign-in token: got %v, want scope-missing", err)
	}
	w.agree(w.app, landAPI)
	conf := w.clientCredentials(nil)
	token, err := conf.Token(t.Context())
	w.must(err)
	if _, err := w.server.WhoByAccessToken(t.Context(), bearer(token.AccessToken)); problem.Code(err) != "token-audience" {
		t.Errorf("a token for an API: got %v, want token-audience", err)
	}
	conf.Scopes = []string{ScopeManage}
	token, err = conf.Token(t.Context())
	w.must(err)
	who, err = w.server.WhoByAccessToken(t.Context(), bearer(token.AccessToken))
	w.must(err)
	if who.Application != w.app.ID {
		t.Errorf("who: got %+v, want the application", who)
	}
	w.must(w.auth.DisableApplication(t.Context(), w.owner, w.app.ID))
	if _, err := w.server.WhoByAccessToken(t.Context(), bearer(token.AccessToken)); !problem.Is(err, problem.Unauthorized) {
		t.Errorf("a disabled application: got %v, want Unauthorized", err)
	}
}

func (w *world) clientCredentials(params url.Values) *clientcredentials.Config {
	return &clientcredentials.Config{
		ClientID: w.app.ID.String(), ClientSecret: w.secret, TokenURL: w.http.URL + "/oauth2/token", EndpointParams: params,
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		name   string
		agreed []string
		params url.Values
		want   string // the audience, or
		fails  string // what stands in the error
	}{
		{name: "the only one there is", agreed: []string{landAPI}, want: landAPI},
		{name: "named by audience", agreed: []string{landAPI, meritAPI}, params: url.Values{"audience": {meritAPI}}, want: meritAPI},
		{name: "named by resource", agreed: []string{landAPI, meritAPI}, params: url.Values{"resource": {landAPI}}, want: landAPI},
		{name: "the platform itself", params: url.Values{"scope": {ScopeManage}}, want: w.http.URL},
		{name: "which of two", agreed: []string{landAPI, meritAPI}, fails: "send audience="},
		{name: "none agreed", fails: "ask for one in the portal"},
		{name: "not agreed", agreed: []string{landAPI}, params: url.Values{"audience": {meritAPI}}, fails: "invalid_target"},
		{name: "a longer path is another audience (F14)", agreed: []string{landAPI}, params: url.Values{"audience": {landAPI + "/x"}}, fails: "invalid_target"},
		{name: "two audiences", agreed: []string{landAPI, meritAPI}, params: url.Values{"audience": {landAPI + " " + meritAPI}}, fails: "invalid_target"},
		{name: "two resources", agreed: []string{landAPI, meritAPI}, params: url.Values{"resource": {landAPI, meritAPI}}, fails: "invalid_target"},
		{name: "audience and resource differ", agreed: []string{landAPI}, params: url.Values{"audience": {landAPI}, "resource": {meritAPI}}, fails: "invalid_target"},
		{name: "a person's scope", agreed: []string{landAPI}, params: url.Values{"scope": {scopeOpenID}}, fails: "invalid_scope"},
		{name: "an unknown scope", agreed: []string{landAPI}, params: url.Values{"scope": {"lgsp.*"}}, fails: "invalid_scope"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.agree(w.app, tt.agreed...)
			token, err := w.clientCredentials(tt.params).Token(t.Context())
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Fatalf("got %v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			access, err := w.server.verifier.Verify(t.Context(), bearer(token.AccessToken), tt.want)
			if err != nil {
				t.Fatal(err)
			}
			if access.Subject != w.app.ID.String() || access.Client != w.app.ID.String() {
				t.Errorf("sub %s, client_id %s: want the application in both", access.Subject, access.Client)
			}
			if token.RefreshToken != "" || token.Extra("id_token") != nil {
				t.Errorf("an application by itself got a refresh or ID token")
			}
		})
	}
	if got := w.count("oauth_access"); got != 0 {
		t.Errorf("%d rows kept of tokens nobody granted (F18)", got)
	}
}

func payload(t *testing.T, token string) map[string]any {
	t.Helper()
	var claims map[string]any
	text, err := strict64.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		t.Fatalf("payload of %q: %v", token, err)
	}
	return claims
}
