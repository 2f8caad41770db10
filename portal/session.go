package portal

import (
	"context"
	"net/http"

	"lgsp/auth"
	"lgsp/internal/problem"
)

type whoKey struct{}

// sessionCookie is the cookie's name. Over https the __Host- prefix ties it to
// this very host (RFC 6265bis §4.1.3.2).
func (p *Portal) sessionCookie() string {
	if p.secure() {
		return "__Host-lgsp"
	}
	return "lgsp_session"
}

// pendingCookie holds what stands between the first factor and the second.
func (p *Portal) pendingCookie() string {
	if p.secure() {
		return "__Host-lgsp-second"
	}
	return "lgsp_second"
}

// identified puts who is signed in into the request's context. A session that
// is over is no error: the reader is then nobody.
func (p *Portal) identified(r *http.Request) (*http.Request, error) {
	cookie, err := r.Cookie(p.sessionCookie())
	if err != nil || cookie.Value == "" {
		return r, nil
	}
	who, err := p.Auth.WhoBySession(r.Context(), cookie.Value)
	if problem.Is(err, problem.Unauthorized) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	return r.WithContext(context.WithValue(r.Context(), whoKey{}, who)), nil
}

// whoever is who reads the page: the zero Principal when nobody is signed in.
func whoever(r *http.Request) auth.Principal {
	who, _ := r.Context().Value(whoKey{}).(auth.Principal)
	return who
}

// signedIn is who reads the page, or an Unauthorized problem, which sends the
// reader to sign in and back.
func signedIn(r *http.Request) (auth.Principal, error) {
	who := whoever(r)
	if !who.SignedIn() {
		return who, problem.Errorf(problem.Unauthorized, "sign in first").Coded("sign-in-first")
	}
	return who, nil
}

// setSession sets or takes away the cookies of the session and of its second
// step, as the page says.
func (p *Portal) setSession(w http.ResponseWriter, answer page) {
	session := http.Cookie{Name: p.sessionCookie(), Path: "/", HttpOnly: true, Secure: p.secure(), SameSite: http.SameSiteLaxMode}
	pending := session
	pending.Name = p.pendingCookie()
	switch {
	case answer.Session != nil:
		session.Value, session.Expires, pending.MaxAge = answer.Session.Secret, answer.Session.Expires, -1
	case answer.Pending != nil:
		pending.Value, pending.Expires = answer.Pending.Secret, answer.Pending.Expires
	case answer.SignOut:
		session.MaxAge = -1
	}
	for _, cookie := range []*http.Cookie{&session, &pending} {
		if cookie.Value != "" || cookie.MaxAge < 0 {
			http.SetCookie(w, cookie)
		}
	}
}

// SessionOf is who sits at the browser and how they proved it, for the
// authorization server. It fails with Unauthorized when nobody is signed in.
func (p *Portal) SessionOf(r *http.Request) (auth.Principal, auth.Proof, error) {
	cookie, err := r.Cookie(p.sessionCookie())
	if err != nil {
		return auth.Principal{}, auth.Proof{}, problem.Errorf(problem.Unauthorized, "sign in first").Coded("sign-in-first")
	}
	who, err := p.Auth.WhoBySession(r.Context(), cookie.Value)
	if err != nil {
		return auth.Principal{}, auth.Proof{}, err
	}
	proof, err := p.Auth.SessionProof(r.Context(), cookie.Value)
	return who, proof, err
}
