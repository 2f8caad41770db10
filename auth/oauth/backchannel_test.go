package oauth

import (
	"context"
	"fmt"
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

	"lgsp/auth"
	"lgsp/internal/egress"
)

// listener is an application's own server, which hears of logouts.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	heard  []url.Values
	answer http.HandlerFunc // nil: 200
}

func listen(t *testing.T, w *world) *listener {
	t.Helper()
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil && r.Method == http.MethodPost {
			l.heard = append(l.heard, r.PostForm)
		}
		if l.answer != nil {
			l.answer(rw, r)
		}
	}))
	t.Cleanup(l.Close)
	w.server.Fetch = egress.Fetch{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}.Client(noticeTimeout)
	w.hears(&w.app, l.URL+"/logout")
	return l
}

func (l *listener) tokens(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []map[string]any
	for _, form := range l.heard {
		if len(form) != 1 {
			t.Errorf("the application was sent %v", form)
		}
		list = append(list, payload(t, form.Get("logout_token")))
	}
	return list
}

// A logout token is what Back-Channel Logout 1.0 §2.4 says, once for each
// application and session, and the application is told while nobody waits.
func TestBackChannelLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := listen(t, w)
	session := w.realSession()
	w.grant(scopeOpenID)
	w.grant(scopeOpenID, scopeOffline)
	w.must(w.auth.SignOut(t.Context(), session.Secret))
	w.must(w.server.tellLogouts(t.Context()))
	w.must(w.server.tellLogouts(t.Context()))
	got := l.tokens(t)
	if len(got) != 1 {
		t.Fatalf("told %d times, want once: %v", len(got), got)
	}
	claims := got[0]
	if id, err := uuid.Parse(fmt.Sprint(claims["jti"])); err != nil || id == uuid.Nil {
		t.Errorf("jti: got %v", claims["jti"])
	}
	delete(claims, "jti")
	now := float64(w.Now().Unix())
	want := map[string]any{
		"iss": w.http.URL, "aud": w.app.ID.String(), "sub": w.person.ID.String(), "sid": w.session.String(), "iat": now, "exp": now + 120,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if fmt.Sprint(claims) != fmt.Sprint(want) { // a map is printed in the order of its keys
		t.Errorf("claims: got %v, want %v", claims, want)
	}
	text := l.heard[0].Get("logout_token")
	var header jwtHeader
	w.must(decodePart(strings.Split(text, ".")[0], &header))
	if header.Type != "logout+jwt" || header.Algorithm != "ES256" || w.server.Keys()[header.Key] == nil {
		t.Errorf("header: got %+v", header)
	}
	if _, err := w.server.readHint(t.Context(), text); err == nil {
		t.Error("a logout token passes for an ID token")
	}
	if _, err := w.server.verifier.Verify(t.Context(), bearer(text), w.app.ID.String()); err == nil {
		t.Error("a logout token passes for an access token")
	}
	if n := w.count("logout_notice"); n != 0 {
		t.Errorf("%d notices are kept after the application was told", n)
	}
}

// An application that fails is asked again, later each time, and then given up,
// which its owner sees.
func TestBackChannelLogoutRepeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := listen(t, w)
	l.answer = func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "not now", http.StatusBadRequest) }
	session := w.realSession()
	w.grant(scopeOpenID)
	w.must(w.auth.SignOut(t.Context(), session.Secret))
	ids := map[string]bool{}
	for attempt := 1; attempt <= len(noticeDelays)+1; attempt++ {
		w.must(w.server.tellLogouts(t.Context()))
		got := l.tokens(t)
		if len(got) != attempt {
			t.Fatalf("attempt %d: told %d times", attempt, len(got))
		}
		ids[fmt.Sprint(got[attempt-1]["jti"])] = true
		list, err := w.server.UntoldLogouts(t.Context(), w.app.ID)
		w.must(err)
		if len(list) != 1 || list[0].Attempts != attempt || list[0].Failure != "http-400" || *list[0].SessionID != w.session {
			t.Fatalf("attempt %d: the owner sees %+v", attempt, list)
		}
		if attempt > len(noticeDelays) {
			if list[0].DueAt != nil {
				t.Errorf("not given up: %+v", list[0])
			}
			break
		}
		wait := noticeDelays[attempt-1]
		if !list[0].DueAt.Equal(w.Now().Add(wait)) {
			t.Errorf("attempt %d: the next is at %s, want in %s", attempt, list[0].DueAt, wait)
		}
		w.pass(wait - time.Second)
		w.must(w.server.tellLogouts(t.Context()))
		w.pass(time.Second)
	}
	if len(ids) != len(noticeDelays)+1 {
		t.Errorf("%d different jti in %d attempts", len(ids), len(noticeDelays)+1)
	}
	w.pass(24 * time.Hour)
	w.must(w.server.tellLogouts(t.Context()))
	if got := len(l.tokens(t)); got != len(noticeDelays)+1 {
		t.Errorf("told %d times, after it was given up", got)
	}
	w.pass(31 * 24 * time.Hour)
	w.must(w.server.sweep(t.Context()))
	if n := w.count("logout_notice"); n != 0 {
		t.Errorf("%d notices are kept after a month", n)
	}
}

// What an application's address may do to us: nothing.
func TestBackChannelLogoutFails(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(trap.Close)
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		change func(w *world, l *listener)
		want   string
	}{
		{name: "a redirect is not followed", answer: func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, trap.URL, http.StatusTemporaryRedirect)
		}, want: "http-307"},
		{name: "an error", answer: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) }, want: "http-500"},
		{name: "204 is well", answer: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(204) }},
		{name: "an endless answer is cut", answer: func(rw http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(rw, strings.Repeat("x", 64<<10)); err != nil {
					return
				}
			}
		}},
		{name: "an address inside", change: func(w *world, _ *listener) { w.server.Fetch = egress.Fetch{}.Client(noticeTimeout) }, want: "address-refused"},
		{name: "nobody there", change: func(_ *world, l *listener) { l.Close() }, want: "unreachable"},
		{name: "no answer in time", answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			change: func(w *world, _ *listener) { w.server.Fetch.Timeout = 50 * time.Millisecond }, want: "timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := listen(t, w)
			l.answer = tt.answer
			session := w.realSession()
			w.grant(scopeOpenID)
			if tt.change != nil {
				tt.change(w, l)
			}
			w.must(w.auth.SignOut(t.Context(), session.Secret))
			w.must(w.server.tellLogouts(t.Context()))
			list, err := w.server.UntoldLogouts(t.Context(), w.app.ID)
			w.must(err)
			got := ""
			if len(list) == 1 {
				got = list[0].Failure
			}
			if got != tt.want || elsewhere.Load() != 0 {
				t.Errorf("got %q (%d notices, %d redirected), want %q", got, len(list), elsewhere.Load(), tt.want)
			}
		})
	}
}

// Of many nodes one tells; a node that dies leaves its notices to the others.
func TestBackChannelLogoutIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := listen(t, w)
	for range 5 {
		session := w.realSession()
		w.grant(scopeOpenID)
		w.must(w.auth.SignOut(t.Context(), session.Secret))
	}
	var nodes sync.WaitGroup
	for range 8 {
		nodes.Go(func() {
			if err := w.server.tellLogouts(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	if got := len(l.tokens(t)); got != 5 {
		t.Errorf("told %d times, want 5", got)
	}

	session := w.realSession()
	w.grant(scopeOpenID)
	w.must(w.auth.SignOut(t.Context(), session.Secret))
	dying, cancel := context.WithCancel(t.Context())
	l.answer = func(http.ResponseWriter, *http.Request) { cancel() }
	if err := w.server.tellLogouts(dying); err == nil {
		t.Log("the node had noted it before it died")
	}
	l.answer = nil
	w.pass(noticeLease)
	w.must(w.server.tellLogouts(t.Context()))
	if got, left := len(l.tokens(t)), w.count("logout_notice"); got < 6 || left != 0 {
		t.Errorf("told %d times, %d left: a notice is lost", got, left)
	}
}

// An application that does not want to hear any more, or is out of service, is left alone.
func TestBackChannelLogoutStops(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(w *world) error{
		"it took its address back": func(w *world) error { w.hears(&w.app, ""); return nil },
		"it is out of service":     func(w *world) error { return w.auth.DisableApplication(t.Context(), w.owner, w.app.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := listen(t, w)
			session := w.realSession()
			w.grant(scopeOpenID)
			w.must(w.auth.SignOut(t.Context(), session.Secret))
			w.must(stop(w))
			w.must(w.server.tellLogouts(t.Context()))
			if got, left := len(l.tokens(t)), w.count("logout_notice"); got != 0 || left != 0 {
				t.Errorf("told %d times, %d notices left", got, left)
			}
		})
	}
}

// RunLogouts ends with its context, and tells meanwhile.
func TestRunLogouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := listen(t, w)
	session := w.realSession()
	w.grant(scopeOpenID)
	w.must(w.auth.SignOut(t.Context(), session.Secret))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.server.RunLogouts(ctx) }()
	for len(l.tokens(t)) == 0 || w.count("logout_notice") > 0 {
		if t.Context().Err() != nil {
			t.Fatal("nobody was told")
		}
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

// Consents are listed with their last use, and taken back for one application.
func TestConsents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	w.grant(scopeOpenID, scopeOffline)
	w.allow(w.ask(w.config(), "resource", landAPI)) // its code is never redeemed
	list, err := w.server.Consents(t.Context(), w.who())
	w.must(err)
	if len(list) != 2 || list[0].ClientName != w.app.Name || list[0].ClientID != w.app.ID {
		t.Fatalf("got %+v, want two", list)
	}
	for _, one := range list {
		switch one.Audience {
		case w.http.URL:
			if one.UsedAt == nil || !one.UsedAt.Equal(w.Now()) || strings.Join(one.Scopes, " ") != "openid offline_access" {
				t.Errorf("used: got %+v", one)
			}
		case landAPI:
			if one.UsedAt != nil || len(one.Scopes) != 0 {
				t.Errorf("never used: got %+v", one)
			}
		default:
			t.Errorf("for %s?", one.Audience)
		}
	}
	if others, err := w.server.Consents(t.Context(), w.owner); err != nil || len(others) != 0 {
		t.Errorf("another person's: %v, %v", others, err)
	}
	if err := w.server.RevokeConsent(t.Context(), w.owner, w.app.ID); err == nil {
		t.Error("another person took it back")
	}
	w.must(w.server.RevokeConsent(t.Context(), w.who(), w.app.ID))
	if page := w.browse(w.ask(w.config(scopeOpenID))); page.Path != "/consent" {
		t.Errorf("afterwards: got %s, want to be asked again", page)
	}
	if acts := w.acts; acts[len(acts)-1].Verb != "consent.revoke" || acts[len(acts)-1].About != w.app.ID {
		t.Errorf("the ledger was told %+v", acts[len(acts)-1])
	}
	var none []Allowed
	none, err = w.server.Consents(t.Context(), auth.Principal{Person: w.person.ID})
	w.must(err)
	if len(none) != 0 {
		t.Errorf("left: %+v", none)
	}
}
