package portal

import (
	"net/http"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// signUpForm answers GET /sign-up. Who has an account is at their desk.
func (p *Portal) signUpForm(r *http.Request) (page, error) {
	if whoever(r).SignedIn() {
		return page{To: "/developer"}, nil
	}
	return page{Name: "sign-up"}, nil
}

// welcomeData is the data of the page "welcome", the only one that ever shows
// these secrets.
type welcomeData struct {
	Application auth.Application
	APIKey      string
	Secret      string
	FirstCall   string // URL of an open operation
}

// signUp answers POST /sign-up: the account, signed in, with a first
// application whose key and secret are on the page that follows and nowhere
// else.
func (p *Portal) signUp(r *http.Request) (page, error) {
	if whoever(r).SignedIn() { // the page with the secrets, loaded again
		return page{To: "/developer", Flash: &web.Flash{Key: "auth.shown-already"}}, nil
	}
	if r.PostFormValue("terms") == "" {
		return again(r, p.signUpForm, problem.Errorf(problem.Invalid, "the terms are not agreed to").Coded("consent-required").
			Wrong("terms", "consent-required", "read and agree to the terms of use"))
	}
	person, err := p.Auth.SignUp(r.Context(), auth.NewPerson{
		Email: r.PostFormValue("email"), Name: r.PostFormValue("name"),
		Password: r.PostFormValue("password"), Locale: localeOf(r),
	})
	if err != nil {
		return again(r, p.signUpForm, err)
	}
	session, err := p.Auth.StartSession(r.Context(), person.ID, auth.ByPassword)
	if err != nil {
		return page{}, err
	}
	who, err := p.Auth.WhoByPerson(r.Context(), person.ID)
	if err != nil {
		return page{}, err
	}
	name := "Ứng dụng đầu tiên"
	if localeOf(r) == "en" {
		name = "My first application"
	}
	application, issued, err := p.Auth.CreateApplication(r.Context(), who, auth.NewApplication{Name: name})
	if err != nil {
		return page{}, err
	}
	data := welcomeData{Application: application}
	for _, credential := range issued {
		switch credential.Kind {
		case "api_key":
			data.APIKey = credential.Secret
		case "client_secret":
			data.Secret = credential.Secret
		}
	}
	if data.FirstCall, err = p.firstCall(r.Context()); err != nil {
		return page{}, err
	}
	return page{Name: "welcome", Status: http.StatusCreated, Data: data, Session: &session, Who: who}, nil
}
