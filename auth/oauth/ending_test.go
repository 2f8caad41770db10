package oauth

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"lgsp/auth"
)

// realSession signs the person in with a session that is kept, and gives its secret.
func (w *world) realSession() auth.Session {
	w.t.Helper()
	begun, err := w.auth.BeginSession(w.t.Context(), w.person.ID, auth.ByPassword)
	w.must(err)
	session := *begun.Session
	proof, err := w.auth.SessionProof(w.t.Context(), session.Secret)
	w.must(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signedIn, w.session = &SignedIn{Who: w.who(), Proof: proof}, proof.Session
	return session
}

// hears sets where an application hears of logouts.
func (w *world) hears(app *auth.Application, address string) {
	w.t.Helper()
	edited, err := w.auth.EditApplication(w.t.Context(), w.owner, app.ID, auth.NewApplication{
		Name: app.Name, RedirectURIs: app.RedirectURIs, Protocol: auth.Protocol{BackchannelLogoutURI: address, LogoutURIs: app.LogoutURIs},
	})
	w.must(err)
	*app = edited
}

// notice is a row of auth.logout_notice, as far as tests look at it.
type notice struct{ client, person, session uuid.UUID }

func (w *world) notices() []notice {
	w.t.Helper()
	rows, err := w.db.Query(w.t.Context(), `select client_id, person_id, session_id from auth.logout_notice`)
	w.must(err)
	defer rows.Close()
	var list []notice
	for rows.Next() {
		var n notice
		var session *uuid.UUID
		w.must(rows.Scan(&n.client, &n.person, &session))
		if session != nil {
			n.session = *session
		}
		list = append(list, n)
	}
	return list
}

// lives reports whether an access token is believed, and whether a refresh token works.
func (w *world) lives(token *oauth2.Token) (access, refresh bool) {
	w.t.Helper()
	_, err := w.server.live(w.t.Context(), token.AccessToken)
	if token.RefreshToken == "" {
		return err == nil, false
	}
	old := *token
	old.Expiry = time.Unix(1, 0) // so that the library refreshes
	_, refreshErr := w.config().TokenSource(w.t.Context(), &old).Token()
	return err == nil, refreshErr == nil
}

// What ends what: each act against a grant of the session, one that asked for
// offline_access, and what the application is told.
func TestWhatEndsWhat(t *testing.T) {
	t.Parallel()
	type outcome struct{ online, offline, refresh, told, toldOfSession bool }
	for _, tt := range []struct {
		name string
		act  func(w *world, session auth.Session) error
		want outcome
	}{
		{"nothing", func(*world, auth.Session) error { return nil }, outcome{online: true, offline: true, refresh: true}},
		{"signing out", func(w *world, session auth.Session) error {
			return w.auth.SignOut(t.Context(), session.Secret)
		}, outcome{offline: true, refresh: true, told: true, toldOfSession: true}},
		{"ending this session", func(w *world, _ auth.Session) error {
			return w.auth.EndSession(t.Context(), w.who(), w.session)
		}, outcome{offline: true, refresh: true, told: true, toldOfSession: true}},
		{"ending the other sessions", func(w *world, _ auth.Session) error {
			return w.auth.EndOtherSessions(t.Context(), w.who(), w.session)
		}, outcome{online: true, offline: true, refresh: true}},
		{"ending all sessions", func(w *world, _ auth.Session) error {
			return w.auth.EndOtherSessions(t.Context(), w.who(), uuid.Nil)
		}, outcome{offline: true, refresh: true, told: true, toldOfSession: true}},
		{"a new password", func(w *world, _ auth.Session) error {
			w.auth.Passwords = auth.NewPasswords(1, 1)
			link, err := w.auth.CreateLink(t.Context(), w.owner, w.person.ID, time.Hour)
			w.must(err)
			_, err = w.auth.SetPassword(t.Context(), link, "bốn chữ dễ nhớ")
			return err
		}, outcome{told: true, toldOfSession: true}},
		{"a new password after the session was over", func(w *world, _ auth.Session) error {
			w.auth.Passwords = auth.NewPasswords(1, 1)
			_, err := w.db.Exec(t.Context(), "delete from auth.session") // as the upkeep does
			w.must(err)
			link, err := w.auth.CreateLink(t.Context(), w.owner, w.person.ID, time.Hour)
			w.must(err)
			_, err = w.auth.SetPassword(t.Context(), link, "bốn chữ dễ nhớ")
			return err
		}, outcome{told: true}},
		{"locking the person out", func(w *world, _ auth.Session) error {
			return w.auth.DisablePerson(t.Context(), w.owner, w.person.ID)
		}, outcome{told: true, toldOfSession: true}},
		{"disabling the application", func(w *world, _ auth.Session) error {
			return w.auth.DisableApplication(t.Context(), w.owner, w.app.ID)
		}, outcome{}},
		{"taking the consent back", func(w *world, _ auth.Session) error {
			return w.server.RevokeConsent(t.Context(), w.who(), w.app.ID)
		}, outcome{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.hears(&w.app, "https://app.test/logout")
			session := w.realSession()
			online, offline := w.grant(scopeOpenID), w.grant(scopeOpenID, scopeOffline)
			w.must(tt.act(w, session))
			var got outcome
			got.online, _ = w.lives(online)
			got.offline, got.refresh = w.lives(offline)
			list := w.notices()
			got.told = len(list) == 1
			got.toldOfSession = got.told && list[0].session == w.session
			if len(list) > 1 || got.told && (list[0].client != w.app.ID || list[0].person != w.person.ID) {
				t.Errorf("told: %+v, want at most one notice, for this application and person", list)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			ids, err := w.server.RevokedTokens(t.Context())
			w.must(err)
			if revoked := slices.ContainsFunc(ids, func(r RevokedToken) bool { return r.JTI == payload(t, online.AccessToken)["jti"] }); revoked == tt.want.online {
				t.Errorf("the gateways hear of the token: %t", revoked)
			}
		})
	}
}

// Only applications that were given something in the session, and want to
// hear, are told of its end.
func TestOnlyWhoKnowsASessionIsToldOfItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hears(&w.other, "https://other.test/logout")
	session := w.realSession()
	w.grant(scopeOpenID) // the first application has no address
	w.must(w.auth.SignOut(t.Context(), session.Secret))
	w.must(w.auth.SignOut(t.Context(), session.Secret))
	if got := w.notices(); len(got) != 0 {
		t.Errorf("got %+v, want nobody told", got)
	}
}

// A request for consent that was asked in a session ends with it.
func TestConsentEndsWithItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.realSession()
	page := w.browse(w.ask(w.config(scopeOpenID)))
	w.must(w.auth.SignOut(t.Context(), session.Secret))
	if _, err := w.server.Decide(t.Context(), w.who(), page.Query().Get("request"), "allow"); err != errNoConsent {
		t.Errorf("got %v, want no such request", err)
	}
}
