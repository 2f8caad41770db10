package portal

import (
	"net/http"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// setPasswordData is the data of the page "set-password".
type setPasswordData struct {
	Token  string
	Person auth.Person // whom the link is for
}

// setPasswordForm answers GET /set-password?token=…, the address of a
// one-time link. Looking at the page does not use the link up.
func (p *Portal) setPasswordForm(r *http.Request) (page, error) {
	token := r.FormValue("token")
	person, err := p.Auth.LinkPerson(r.Context(), token)
	if err != nil {
		return page{}, err
	}
	return page{Name: "set-password", Data: setPasswordData{Token: token, Person: person}}, nil
}

// setPassword answers POST /set-password and signs the person in.
func (p *Portal) setPassword(r *http.Request) (page, error) {
	password := r.PostFormValue("password")
	if password != r.PostFormValue("repeated") {
		return again(r, p.setPasswordForm, problem.Errorf(problem.Invalid, "the passwords differ").Coded("passwords-differ").
			Wrong("repeated", "passwords-differ", "the two entries are not the same"))
	}
	person, err := p.Auth.SetPassword(r.Context(), r.PostFormValue("token"), password)
	if err != nil {
		return again(r, p.setPasswordForm, err)
	}
	session, err := p.Auth.StartSession(r.Context(), person.ID, auth.ByPassword)
	if err != nil {
		return page{}, err
	}
	desk, err := p.firstDesk(r, session)
	if err != nil {
		return page{}, err
	}
	return page{To: desk, Session: &session, Flash: &web.Flash{Key: "auth.password-set"}}, nil
}
