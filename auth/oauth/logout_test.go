package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/problem"
)

const afterLogout = "https://app.test/bye?tab=1"

// leaving is a world with a person in a real session, which EndBrowser ends,
// and the ID token that the application was given in it.
func leaving(t *testing.T) (w *world, idToken string, session auth.Session) {
	t.Helper()
	w = newWorld(t)
	edited, err := w.auth.EditApplication(t.Context(), w.owner, w.app.ID, auth.NewApplication{
		Name: w.app.Name, RedirectURIs: w.app.RedirectURIs, Protocol: auth.Protocol{LogoutURIs: []string{afterLogout}},
	})
	w.must(err)
	w.app = edited
	session = w.realSession()
	w.server.EndBrowser = func(http.ResponseWriter, *http.Request) error {
		w.signOut()
		return w.auth.SignOut(t.Context(), session.Secret)
	}
	return w, w.grant(scopeOpenID).Extra("id_token").(string), session
}

// leave sends the browser to /oauth2/logout by GET.
func (w *world) leave(form url.Values) *url.URL {
	w.t.Helper()
	return w.browse(w.http.URL + "/oauth2/logout?" + form.Encode())
}

func (w *world) over(session auth.Session) bool {
	w.t.Helper()
	_, err := w.auth.WhoBySession(w.t.Context(), session.Secret)
	if err != nil && problem.Code(err) != "session-over" {
		// the session is real, the clock is the test's
		w.t.Fatal(err)
	}
	return err != nil
}

// The browser's session ends at once only for who shows an ID token of it.
func TestLogout(t *testing.T) {
	t.Parallel()
	const bye = "https://app.test/bye?state=s+1&tab=1"
	for _, tt := range []struct {
		name string
		form func(w *world, hint string) url.Values
		want string // where the browser goes; CLIENT is the client's id
		ends bool
	}{
		{"a hint of this session", func(_ *world, hint string) url.Values {
			return url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {afterLogout}, "state": {"s 1"}}
		}, bye, true},
		{"a hint and its client", func(w *world, hint string) url.Values {
			return url.Values{"id_token_hint": {hint}, "client_id": {w.app.ID.String()}, "post_logout_redirect_uri": {afterLogout}}
		}, afterLogout, true},
		{"a hint that has expired", func(w *world, hint string) url.Values {
			w.pass(2 * time.Hour)
			return url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {afterLogout}}
		}, afterLogout, true},
		{"a hint whose key was retired", func(w *world, hint string) url.Values {
			w.rotate()
			w.pass(3 * time.Hour)
			w.must(w.server.ReloadKeys(t.Context()))
			return url.Values{"id_token_hint": {hint}}
		}, portal + "/signed-out", true},
		{"a hint and nowhere to go, in English", func(_ *world, hint string) url.Values {
			return url.Values{"id_token_hint": {hint}, "ui_locales": {"fr en-GB vi"}}
		}, portal + "/en/signed-out", true},
		{"a hint of another session", func(w *world, hint string) url.Values {
			w.realSession()
			return url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {afterLogout}, "state": {"s"}}
		}, portal + "/sign-out?client_id=CLIENT&post_logout_redirect_uri=https%3A%2F%2Fapp.test%2Fbye%3Ftab%3D1&state=s", false},
		{"no hint", func(w *world, _ string) url.Values {
			return url.Values{"client_id": {w.app.ID.String()}, "post_logout_redirect_uri": {afterLogout}}
		}, portal + "/sign-out?client_id=CLIENT&post_logout_redirect_uri=https%3A%2F%2Fapp.test%2Fbye%3Ftab%3D1", false},
		{"nothing at all", func(*world, string) url.Values { return url.Values{"ui_locales": {"en"}} }, portal + "/en/sign-out?", false},
		{"only a state", func(*world, string) url.Values { return url.Values{"state": {"s"}} }, portal + "/sign-out?state=s", false},
		{"only a guess who it is", func(*world, string) url.Values { return url.Values{"logout_hint": {"lan@example.vn"}} }, portal + "/sign-out?", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, hint, session := leaving(t)
			form := tt.form(w, hint)
			if got, want := w.leave(form).String(), strings.ReplaceAll(tt.want, "CLIENT", w.app.ID.String()); got != want {
				t.Errorf("goes to %s, want %s", got, want)
			}
			if w.over(session) != tt.ends {
				t.Errorf("the session is over: %t, want %t", !tt.ends, tt.ends)
			}
			// Nobody is signed in now: a second time leads on, and asks nothing.
			w.signOut()
			if got := w.leave(form); got.Path == "/sign-out" {
				t.Errorf("asked to sign out whom? %s", got)
			}
		})
	}
}

// A form that another site sends comes without the browser's cookie; the
// browser is sent here once more, with nothing but a handle in its address.
func TestLogoutByPost(t *testing.T) {
	t.Parallel()
	w, hint, session := leaving(t)
	here := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(form url.Values) *url.URL {
		t.Helper()
		answer, err := here.PostForm(w.http.URL+"/oauth2/logout", form)
		w.must(err)
		answer.Body.Close()
		next, err := answer.Location()
		w.must(err)
		return next
	}
	if got, want := post(url.Values{"client_id": {w.app.ID.String()}}).String(), portal+"/sign-out?client_id="+w.app.ID.String(); got != want {
		t.Errorf("without a hint: got %s, want %s", got, want)
	}
	next := post(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {afterLogout}, "state": {"s"}})
	if strings.Contains(next.String(), hint) || next.Path != "/oauth2/logout" || w.over(session) {
		t.Fatalf("got %s, want a handle; over: %t", next, w.over(session))
	}
	if got, want := w.browse(next.String()).String(), "https://app.test/bye?state=s&tab=1"; got != want || !w.over(session) {
		t.Errorf("got %s, want %s; over: %t", got, want, w.over(session))
	}
	answer, err := here.Get(next.String())
	w.must(err)
	answer.Body.Close()
	if answer.StatusCode != 400 {
		t.Errorf("the handle a second time: got %d", answer.StatusCode)
	}
}

// What a logout leaves behind is no request that a client has pushed, whatever
// was sent along: who must push proves itself first (RFC 9126 §2).
func TestALogoutPushesNoAuthorization(t *testing.T) {
	t.Parallel()
	w, hint, _ := leaving(t)
	w.fapi()
	form := w.asked(oauth2.GenerateVerifier())
	form.Set("id_token_hint", hint)
	here := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := here.PostForm(w.http.URL+"/oauth2/logout", form)
	w.must(err)
	answer.Body.Close()
	next, err := answer.Location()
	w.must(err)
	next.Path = "/oauth2/authorize"
	if answer, err = here.Get(next.String()); err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d, to %s", answer.StatusCode, answer.Header.Get("Location"))
	}
}

// What cannot be believed is told to whoever is there, and nothing ends.
func TestLogoutRefuses(t *testing.T) {
	t.Parallel()
	w, hint, session := leaving(t)
	var explained []string
	w.server.Explain = func(rw http.ResponseWriter, _ *http.Request, err error) {
		explained = append(explained, problem.Code(err))
		rw.WriteHeader(int(problem.Of(err).Kind))
	}
	parts := strings.Split(hint, ".")
	foreign, err := w.server.sign(auth.ES256, "JWT", idClaims{Issuer: "https://elsewhere.test", Audience: w.app.ID.String(), Session: w.session.String()})
	w.must(err)
	access := w.grant(scopeOpenID).AccessToken
	for _, tt := range []struct {
		name string
		form url.Values
		code string
	}{
		{"a hint cut", url.Values{"id_token_hint": {hint[:len(hint)-1]}}, "logout-hint"},
		{"no JWT", url.Values{"id_token_hint": {"lan"}}, "logout-hint"},
		{"a hint unsigned", url.Values{"id_token_hint": {"eyJhbGciOiJub25lIn0." + parts[1] + "."}}, "logout-hint"},
		{"a hint without its signature", url.Values{"id_token_hint": {parts[0] + "." + parts[1] + "."}}, "logout-hint"},
		{"another issuer's", url.Values{"id_token_hint": {foreign}}, "logout-hint"},
		{"an access token", url.Values{"id_token_hint": {access}}, "logout-hint"},
		{"a megabyte", url.Values{"id_token_hint": {strings.Repeat("a", 60_000)}}, "logout-hint"},
		{"another client's", url.Values{"id_token_hint": {hint}, "client_id": {w.other.ID.String()}}, "logout-hint"},
		{"an unknown client", url.Values{"client_id": {"nobody"}}, "client-unknown"},
		{"an address not registered", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://evil.test/"}}, "logout-redirect"},
		{"an address for signing in", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {callback}}, "logout-redirect"},
		{"an address almost registered", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {afterLogout + "&x"}}, "logout-redirect"},
		{"another client's address", url.Values{"client_id": {w.other.ID.String()}, "post_logout_redirect_uri": {afterLogout}}, "logout-redirect"},
		{"an address of nobody", url.Values{"post_logout_redirect_uri": {afterLogout}}, "logout-redirect"},
		{"twice the same", url.Values{"state": {"a", "b"}}, "authorize-request"},
	} {
		address := w.http.URL + "/oauth2/logout?" + tt.form.Encode()
		if strings.Contains(tt.name, "megabyte") { // longer than an address may be
			address = w.http.URL + "/oauth2/logout"
		}
		for _, accept := range []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "*/*"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
			w.must(err)
			if address == w.http.URL+"/oauth2/logout" {
				r = w.request("/oauth2/logout", nil, tt.form)
			}
			r.Header.Set("Accept", accept)
			explained = nil
			if accept == "*/*" {
				if got := w.send(r); got.status != 400 || got.error() != "invalid_request" {
					t.Errorf("%s, to a program: got %d %v", tt.name, got.status, got.body)
				}
				continue
			}
			answer, err := http.DefaultTransport.RoundTrip(r)
			w.must(err)
			answer.Body.Close()
			if answer.StatusCode != 400 || len(explained) != 1 || explained[0] != tt.code {
				t.Errorf("%s, to a person: got %d %v, want %s", tt.name, answer.StatusCode, explained, tt.code)
			}
		}
	}
	if w.over(session) {
		t.Error("the session has ended")
	}
}

// A person at a browser is told in words what is wrong with a request that
// can be sent to no client; a program gets JSON; nobody is sent anywhere.
func TestAuthorizeExplains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var told error
	w.server.Explain = func(rw http.ResponseWriter, _ *http.Request, err error) { told = err; rw.WriteHeader(400) }
	for _, tt := range []struct {
		name, query, code string
	}{
		{"an unknown client", "client_id=nobody", "client-unknown"},
		{"an address not registered", "client_id=" + w.app.ID.String() + "&redirect_uri=https://evil.test/", "authorize-redirect"},
		{"a pushed request that is gone", "client_id=" + w.app.ID.String() + "&request_uri=" + pushedPrefix + "x", "authorize-request-gone"},
		{"twice the same", "client_id=a&client_id=b", "authorize-request"},
	} {
		for accept, page := range map[string]bool{
			"text/html,application/xhtml+xml,*/*;q=0.8": true, "application/json": false, "*/*": false, "": false,
			"application/json, text/html;q=0.5": false, "text/html;q=0": false, "text/html;q=x": false,
		} {
			r := httptest.NewRequest(http.MethodGet, "/oauth2/authorize?"+tt.query, nil)
			r.Header.Set("Accept", accept)
			rw := httptest.NewRecorder()
			told = nil
			w.server.authorize(rw, r)
			if rw.Code != 400 || rw.Header().Get("Location") != "" || (told != nil) != page {
				t.Errorf("%s, Accept %q: got %d %v, explained: %v", tt.name, accept, rw.Code, rw.Header(), told)
			}
			if page && problem.Code(told) != tt.code {
				t.Errorf("%s: got %v, want %s", tt.name, told, tt.code)
			}
			if !page && !strings.Contains(rw.Body.String(), `"error":"invalid_request`) {
				t.Errorf("%s, Accept %q: got %s", tt.name, accept, rw.Body)
			}
		}
	}
}

func FuzzReadHint(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IngifQ.e30.AA")
	f.Add("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IngifQ.e30.AA")
	f.Add("a.b.c")
	s := &Server{Issuer: "https://issuer.test"}
	s.keys.Store(&keySet{})
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, ".") == 2 { // a key that is not known is looked up in the database, which is not there
			var header jwtHeader
			if decodePart(strings.Split(text, ".")[0], &header) == nil && slices.Contains(tokenAlgorithms, header.Algorithm) && header.Type == "JWT" {
				return
			}
		}
		if _, err := s.readHint(t.Context(), text); problem.Code(err) != "logout-hint" {
			t.Errorf("%q: got %v", text, err)
		}
	})
}
