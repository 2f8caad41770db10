package portal

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// sessionRoutes are the pages about where a person is signed in, and what
// applications may do for them.
func (p *Portal) sessionRoutes(r *mux.Router) {
	r.Handle("/sign-out", p.page(p.signOutForm)).Methods("GET", "HEAD")
	r.Handle("/sign-out", p.page(p.signOut)).Methods("POST")
	r.Handle("/signed-out", p.page(p.signedOut)).Methods("GET", "HEAD")
	r.Handle("/account/sessions", p.page(p.sessions)).Methods("GET", "HEAD")
	r.Handle("/account/sessions/end-others", p.page(p.endOtherSessions)).Methods("POST")
	r.Handle("/account/sessions/{id}/end", p.page(p.endSession)).Methods("POST")
	r.Handle("/account/consents", p.page(p.consents)).Methods("GET", "HEAD")
	r.Handle("/account/consents/{id}/revoke", p.page(p.revokeConsent)).Methods("POST")
}

// sessionsData is the data of the page "account-sessions".
type sessionsData struct {
	Sessions []auth.OpenSession
	Current  uuid.UUID
}

// thisSession is the public id of the session that the page is read in.
func (p *Portal) thisSession(r *http.Request) (uuid.UUID, error) {
	cookie, err := r.Cookie(p.sessionCookie())
	if err != nil {
		return uuid.Nil, problem.Errorf(problem.Unauthorized, "sign in first").Coded("sign-in-first")
	}
	proof, err := p.Auth.SessionProof(r.Context(), cookie.Value)
	return proof.Session, err
}

// sessions answers GET /account/sessions.
func (p *Portal) sessions(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	data := sessionsData{}
	if data.Current, err = p.thisSession(r); err != nil {
		return page{}, err
	}
	if data.Sessions, err = p.Auth.OpenSessions(r.Context(), who); err != nil {
		return page{}, err
	}
	return page{Name: "account-sessions", Data: data}, nil
}

// endSession answers POST /account/sessions/{id}/end.
func (p *Portal) endSession(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	current, err := p.thisSession(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.EndSession(r.Context(), who, id); err != nil && !problem.Is(err, problem.NotFound) {
		return page{}, err // over already is what was wanted
	}
	if id == current {
		return page{To: "/", SignOut: true, Flash: &web.Flash{Key: "auth.signed-out"}}, nil
	}
	return page{To: "/account/sessions", Flash: &web.Flash{Key: "session.ended"}}, nil
}

// endOtherSessions answers POST /account/sessions/end-others.
func (p *Portal) endOtherSessions(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	current, err := p.thisSession(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.EndOtherSessions(r.Context(), who, current); err != nil {
		return page{}, err
	}
	return page{To: "/account/sessions", Flash: &web.Flash{Key: "session.others-ended"}}, nil
}
