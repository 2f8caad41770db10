package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// ask is an authorization request with more parameters: name, value, name, value.
func (w *world) ask(conf *oauth2.Config, pairs ...string) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(oauth2.GenerateVerifier())}
	for i := 0; i < len(pairs); i += 2 {
		options = append(options, oauth2.SetAuthURLParam(pairs[i], pairs[i+1]))
	}
	return conf.AuthCodeURL("s1", options...)
}

func TestAuthorizeSendsToSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signOut()
	address := w.ask(w.config(scopeOpenID))
	page := w.browse(address)
	if page.Scheme+"://"+page.Host+page.Path != portal+"/sign-in" {
		t.Fatalf("got %s, want the sign-in page", page)
	}
	next, err := url.Parse(page.Query().Get("next"))
	w.must(err)
	sent, err := url.Parse(address)
	w.must(err)
	if next.Host != "" || next.Path != "/oauth2/authorize" || next.Query().Encode() != sent.Query().Encode() {
		t.Errorf("next: got %s, want the same request on this host", next)
	}
	w.signIn()
	if back := w.allow(w.http.URL + next.String()); back.Query().Get("code") == "" {
		t.Errorf("after the sign-in: got %s", back)
	}
}

func TestAuthorizeAnswersErrorsToTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		name   string
		pairs  []string
		scopes []string
		want   string
	}{
		{name: "implicit", pairs: []string{"response_type", "token"}, want: "unsupported_response_type"},
		{name: "hybrid", pairs: []string{"response_type", "code id_token"}, want: "unsupported_response_type"},
		{name: "form_post", pairs: []string{"response_mode", "form_post"}, want: "unsupported_response_mode"},
		{name: "unknown mode", pairs: []string{"response_mode", "smoke"}, want: "unsupported_response_mode"},
		{name: "unknown scope", scopes: []string{"openid", "root"}, want: "invalid_scope"},
		{name: "scope by wildcard (F14)", scopes: []string{"lgsp.*"}, want: "invalid_scope"},
		{name: "no agreement", pairs: []string{"audience", landAPI}, want: "invalid_target"},
		{name: "a strange prompt", pairs: []string{"prompt", "please"}, want: "invalid_request"},
		{name: "none and more", pairs: []string{"prompt", "none login"}, want: "invalid_request"},
		{name: "a strange age", pairs: []string{"max_age", "-1"}, want: "invalid_request"},
		{name: "not asked yet", pairs: []string{"prompt", "none"}, want: "consent_required"},
	} {
		back := w.browse(w.ask(w.config(tt.scopes...), tt.pairs...))
		if back.Host != "app.test" || back.Query().Get("error") != tt.want || back.Query().Get("state") != "s1" || back.Query().Get("iss") != w.http.URL || back.Query().Has("code") {
			t.Errorf("%s: got %s, want %s", tt.name, back, tt.want)
		}
	}
	w.signOut()
	if back := w.browse(w.ask(w.config(), "prompt", "none")); back.Query().Get("error") != "login_required" {
		t.Errorf("prompt=none, signed out: got %s", back)
	}
}

func TestAuthorizeAsksForAFreshSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(w.ask(w.config(scopeOpenID)))
	w.pass(2 * time.Minute)
	for name, pairs := range map[string][]string{
		"prompt=login": {"prompt", "login"}, "an old sign-in": {"max_age", "100"}, "max_age=0": {"max_age", "0"},
	} {
		page := w.browse(w.ask(w.config(scopeOpenID), pairs...))
		if page.Path != "/sign-in" || page.Query().Get("fresh") != "1" {
			t.Errorf("%s: got %s, want the sign-in page", name, page)
		}
	}
	if back := w.browse(w.ask(w.config(scopeOpenID), "max_age", "121")); !back.Query().Has("code") {
		t.Errorf("a sign-in that is new enough: got %s", back)
	}
	if back := w.browse(w.ask(w.config(scopeOpenID), "max_age", "1", "prompt", "none")); back.Query().Get("error") != "login_required" {
		t.Errorf("prompt=none, too old: got %s", back)
	}
	if back := w.browse(w.ask(w.config(scopeOpenID), "max_age", "10000")); !back.Query().Has("code") {
		t.Errorf("max_age=10000: got %s", back)
	}
}

// However new a sign-in is, prompt=login and max_age=1 ask for another; the
// one that was asked for serves this request, and no later one.
func TestAFreshSignInServesItsRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(w.ask(w.config(scopeOpenID)))
	for _, pairs := range [][]string{{"prompt", "login"}, {"max_age", "1"}, {"prompt", "login", "max_age", "10000"}} {
		form, _ := w.pushing(pairs...)
		uri := text(w.post("/oauth2/par", &w.app, form), "request_uri")
		for name, address := range map[string]string{"plain": w.ask(w.config(scopeOpenID), pairs...), "pushed": w.bring(w.app, uri)} {
			w.signIn()
			w.pass(2 * time.Second)
			page := w.browse(address)
			if page.Path != "/sign-in" || page.Query().Get("fresh") != "1" {
				t.Fatalf("%s %v: got %s, want the sign-in page", name, pairs, page)
			}
			next := w.http.URL + page.Query().Get("next")
			if again := w.browse(next); again.String() != page.String() {
				t.Errorf("%s %v, without signing in: got %s", name, pairs, again)
			}
			w.pass(2 * time.Second)
			w.signIn()
			w.pass(2 * time.Second)
			if back := w.browse(next); !back.Query().Has("code") {
				t.Errorf("%s %v, after the sign-in: got %s", name, pairs, back)
			}
			if back := w.browse(w.ask(w.config(scopeOpenID), pairs...)); back.Path != "/sign-in" {
				t.Errorf("%s %v, the next request: got %s", name, pairs, back)
			}
		}
	}
	for name, since := range map[string]string{"long ago": "0", "of tomorrow": "9000000000000000", "no number": "x"} {
		w.signIn()
		w.pass(2 * time.Second)
		if back := w.browse(w.ask(w.config(scopeOpenID), "prompt", "login", sinceName, since)); back.Path != "/sign-in" {
			t.Errorf("a request that came %s: got %s", name, back)
		}
	}
}

func TestConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	handleOf := func(page *url.URL) string {
		t.Helper()
		if page.Path != "/consent" {
			t.Fatalf("got %s, want the consent page", page)
		}
		return page.Query().Get("request")
	}
	handle := handleOf(w.browse(w.ask(w.config(scopeEmail, scopeOffline), "resource", landAPI)))
	view, err := w.server.Consent(t.Context(), w.who(), handle)
	w.must(err)
	if view.ClientName != "Tra cứu đất" || view.RedirectHost != "app.test" || view.Audience != landAPI ||
		!slices.Equal(view.Scopes, []string{scopeEmail, scopeOffline}) {
		t.Errorf("view: got %+v", view)
	}
	if w.count("oauth_consent where encode(handle, 'escape') like '%"+handle+"%'") != 0 {
		t.Error("the handle stands in the database as it is")
	}
	stranger := auth.Principal{Person: w.owner.Person}
	if _, err := w.server.Consent(t.Context(), stranger, handle); problem.Code(err) != "consent-unknown" {
		t.Errorf("another person looks: got %v", err)
	}
	if _, err := w.server.Decide(t.Context(), stranger, handle, "allow"); problem.Code(err) != "consent-unknown" {
		t.Errorf("another person answers: got %v", err)
	}
	if _, err := w.server.Decide(t.Context(), w.who(), handle, "perhaps"); problem.Code(err) != "consent-answer" {
		t.Errorf("perhaps: got %v", err)
	}
	next, err := w.server.Decide(t.Context(), w.who(), handle, "deny")
	w.must(err)
	if !strings.HasPrefix(next, callback+"?") || !strings.Contains(next, "error=access_denied") || !strings.Contains(next, "state=s1") {
		t.Errorf("deny: got %s", next)
	}
	if _, err := w.server.Decide(t.Context(), w.who(), handle, "allow"); problem.Code(err) != "consent-unknown" {
		t.Errorf("a second answer: got %v", err)
	}

	w.allow(w.ask(w.config(scopeEmail, scopeOffline), "resource", landAPI))
	for name, tt := range map[string]struct {
		scopes []string
		pairs  []string
		asked  bool
	}{
		"the same":         {[]string{scopeEmail, scopeOffline}, []string{"resource", landAPI}, false},
		"less":             {[]string{scopeEmail}, []string{"resource", landAPI}, false},
		"more":             {[]string{scopeEmail, scopeProfile}, []string{"resource", landAPI}, true},
		"another audience": {[]string{scopeEmail}, nil, true},
		"prompt=consent":   {[]string{scopeEmail}, []string{"resource", landAPI, "prompt", "consent"}, true},
	} {
		if page := w.browse(w.ask(w.config(tt.scopes...), tt.pairs...)); (page.Path == "/consent") != tt.asked {
			t.Errorf("%s: got %s, want asked %t", name, page, tt.asked)
		}
	}
	late := handleOf(w.browse(w.ask(w.config(scopeProfile))))
	gone := handleOf(w.browse(w.ask(w.config(scopeProfile), "resource", landAPI)))
	w.agree(w.app)
	if _, err := w.server.Decide(t.Context(), w.who(), gone, "allow"); problem.Code(err) != "consent-void" {
		t.Errorf("the agreement ended meanwhile: got %v", err)
	}
	w.pass(consentLife)
	if _, err := w.server.Decide(t.Context(), w.who(), late, "allow"); problem.Code(err) != "consent-unknown" {
		t.Errorf("after ten minutes: got %v", err)
	}
}

// A native application is asked for each time: anybody may use its client_id
// on a loopback address (RFC 8252 §8.6).
func TestANativeApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conf := w.config(scopeOffline)
	conf.ClientID, conf.ClientSecret, conf.RedirectURL = w.native.ID.String(), "", "http://127.0.0.1:51004/cb"
	conf.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	for range 2 {
		verifier := oauth2.GenerateVerifier()
		address := conf.AuthCodeURL("s1", oauth2.S256ChallengeOption(verifier))
		if page := w.browse(address); page.Path != "/consent" {
			t.Fatalf("got %s, want the consent page", page)
		}
		back := w.allow(address)
		if back.Host != "127.0.0.1:51004" {
			t.Fatalf("got %s, want the port it listens on", back)
		}
		token, err := conf.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
		w.must(err)
		token.Expiry = time.Unix(1, 0)
		if _, err := conf.TokenSource(t.Context(), token).Token(); err != nil {
			t.Errorf("refresh: %v", err)
		}
	}
	w.post("/oauth2/token", nil, url.Values{
		"grant_type": {"refresh_token"}, "client_id": {conf.ClientID}, "client_secret": {"x"}, "refresh_token": {"x"},
	}).want(t, 401, "invalid_client")
}

// Everything that is advertised is there, and what is there is advertised truly.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var documents []string
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+path, nil)
		w.must(err)
		r.Header.Set("Origin", "https://elsewhere.test")
		got := w.send(r)
		text, err := json.Marshal(got.body)
		w.must(err)
		documents = append(documents, string(text))
		if got.body["issuer"] != w.http.URL || got.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: got %v %v", path, got.body, got.header)
		}
		for name, value := range got.body {
			address, _ := value.(string)
			if !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
				continue
			}
			here := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			response, err := here.Get(address)
			w.must(err)
			response.Body.Close()
			if response.StatusCode == http.StatusNotFound {
				t.Errorf("%s: nothing at %s", name, address)
			}
		}
		var grants []string
		for _, grant := range got.body["grant_types_supported"].([]any) {
			grants = append(grants, grant.(string))
		}
		if !slices.Equal(grants, []string{"authorization_code", "client_credentials", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
			"urn:ietf:params:oauth:grant-type:token-exchange"}) {
			t.Errorf("grants: got %v", grants)
		}
	}
	if documents[0] != documents[1] {
		t.Error("the two documents differ")
	}
	for _, path := range []string{"/oauth2/token", "/oauth2/userinfo", "/oauth2/jwks", "/oauth2/revoke", "/oauth2/device_authorization"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, w.http.URL+path, nil)
		w.must(err)
		got := w.send(r)
		if got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(got.header.Get("Access-Control-Allow-Headers"), "Authorization") {
			t.Errorf("preflight of %s: got %d %v", path, got.status, got.header)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, w.http.URL+"/oauth2/authorize", nil)
	w.must(err)
	if got, err := http.DefaultClient.Do(r); err != nil || got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("authorize lives by a cookie and is open to scripts: %v %v", got, err)
	}
}

// A token of one service is shown to that service only.
func TestIntrospectionByTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	token, err := w.clientCredentials(nil).Token(t.Context())
	w.must(err)
	form := url.Values{"token": {token.AccessToken}}
	w.server.Serves = serves(w.other, landAPI)
	if got := w.post("/oauth2/introspect", &w.other, form); got.body["active"] != true || got.body["client_id"] != w.app.ID.String() {
		t.Errorf("the service behind the audience: got %v", got.body)
	}
	w.server.Serves = serves(w.other, meritAPI)
	if got := w.post("/oauth2/introspect", &w.other, form); len(got.body) != 1 || got.body["active"] != false {
		t.Errorf("another service: got %v", got.body)
	}
}

func serves(app auth.Application, audience string) func(context.Context, uuid.UUID, string) error {
	return func(_ context.Context, client uuid.UUID, asked string) error {
		if client == app.ID && asked == audience {
			return nil
		}
		return problem.Errorf(problem.Forbidden, "not the service")
	}
}

// A client may say in which language its person reads.
func TestUILocales(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for locales, want := range map[string]string{
		"": "", "vi": "", "en": "/en", "en-GB vi": "/en", "EN": "/en", "vi en": "", "fr-CA de en": "/en", "fr": "", "english": "", "en_US": "", "../x": "",
	} {
		ask := w.ask(w.config(scopeOpenID), "ui_locales", locales)
		w.signOut()
		page := w.browse(ask)
		if page.Path != want+"/sign-in" {
			t.Errorf("%q: signs in at %s", locales, page.Path)
		}
		w.signIn()
		if page = w.browse(w.http.URL + page.Query().Get("next")); page.Path != want+"/consent" {
			t.Errorf("%q: consents at %s", locales, page.Path)
		}
		if _, err := w.server.Decide(t.Context(), w.who(), page.Query().Get("request"), "deny"); err != nil {
			t.Error(err)
		}
	}
}
