package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// secondData is the data of the page "sign-in-second".
type secondData struct {
	Next     string
	Action   string // where its forms go
	App      bool   // the person has an authenticator app
	Passkey  bool   // a passkey may be shown
	Recovery bool   // recovery codes are left
	Confirm  bool   // somebody is signed in already, and shows the first factor too
	Password bool   // which is a password
	Outside  string // or else the outside provider of this name; "" without one
}

// shown is what a form shows to prove who somebody is.
func shown(r *http.Request) auth.Shown {
	return auth.Shown{
		Password: r.PostFormValue("present"), Code: r.PostFormValue("code"), Recovery: r.PostFormValue("recovery"),
		Passkey: auth.Answer{Handle: r.PostFormValue("handle"), Credential: r.PostFormValue("credential")},
	}
}

// secondOf says what a person may show.
func (p *Portal) secondOf(ctx context.Context, person uuid.UUID) (secondData, auth.Factors, error) {
	factors, err := p.Auth.Factors(ctx, person)
	return secondData{App: factors.App != nil, Passkey: len(factors.Passkeys) > 0, Recovery: factors.Codes > 0}, factors, err
}

// pending is who owes the second factor in this browser.
func (p *Portal) pending(r *http.Request) (uuid.UUID, string, error) {
	cookie, err := r.Cookie(p.pendingCookie())
	if err != nil {
		return uuid.Nil, "", problem.Errorf(problem.Unauthorized, "begin with the first step").Coded("second-step-over")
	}
	person, err := p.Auth.PendingPerson(r.Context(), cookie.Value)
	return person, cookie.Value, err
}

// secondForm answers GET /sign-in/second. When nothing is pending the reader
// begins anew.
func (p *Portal) secondForm(r *http.Request) (page, error) {
	next := localPath(r.FormValue("next"))
	person, _, err := p.pending(r)
	if problem.Is(err, problem.Unauthorized) {
		return page{To: "/sign-in?next=" + url.QueryEscape(next)}, nil
	} else if err != nil {
		return page{}, err
	}
	data, _, err := p.secondOf(r.Context(), person)
	data.Next, data.Action = next, "/sign-in/second"
	return page{Name: "sign-in-second", Data: data}, err
}

// second answers POST /sign-in/second.
func (p *Portal) second(r *http.Request) (page, error) {
	person, secret, err := p.pending(r)
	if problem.Is(err, problem.Unauthorized) {
		return again(r, p.signInForm, err)
	} else if err != nil {
		return page{}, err
	}
	var session auth.Session
	err = p.tryPassword(r, person.String(), func() error {
		session, err = p.Auth.FinishSession(r.Context(), secret, shown(r))
		return err
	})
	if problem.Code(err) == "second-step-over" {
		return again(r, p.signInForm, err)
	}
	if err != nil {
		return again(r, p.secondForm, err)
	}
	return p.inside(r, session, localPath(r.PostFormValue("next")))
}

// proveForm answers GET /sign-in/confirm: who is signed in proves once more
// who they are, with both factors when they have two.
func (p *Portal) proveForm(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	data, factors, err := p.secondOf(r.Context(), who.Person)
	if err != nil {
		return page{}, err
	}
	data.Next, data.Action, data.Confirm = localPath(r.FormValue("next")), "/sign-in/confirm", true
	raise := r.FormValue("raise") != "" // two factors are asked for (RFC 9470)
	if raise && !factors.Any() {
		return page{To: "/account/security?next=" + url.QueryEscape(data.Next)}, nil
	}
	if data.Password, err = p.Auth.HasPassword(r.Context(), who.Person); err != nil {
		return page{}, err
	}
	if !data.Password {
		data.Outside = p.outsideName(r)
	}
	return page{Name: "sign-in-second", Data: data}, nil
}

// prove answers POST /sign-in/confirm.
func (p *Portal) prove(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	var session auth.Session
	err = p.tryPassword(r, who.Person.String(), func() error {
		session, err = p.Auth.Prove(r.Context(), p.sessionSecret(r), shown(r))
		return err
	})
	if err != nil {
		return again(r, p.proveForm, err)
	}
	return p.inside(r, session, localPath(r.PostFormValue("next")))
}

// sessionSecret is the session's cookie, "" without one.
func (p *Portal) sessionSecret(r *http.Request) string {
	cookie, err := r.Cookie(p.sessionCookie())
	if err != nil {
		return ""
	}
	return cookie.Value
}
