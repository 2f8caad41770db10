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

// signUp answers POST /sign-up: a letter is on its way. The answer is the same
// whether the address has an account or not.
func (p *Portal) signUp(r *http.Request) (page, error) {
	if whoever(r).SignedIn() {
		return page{To: "/developer"}, nil
	}
	n := auth.NewPerson{Email: r.PostFormValue("email"), Name: r.PostFormValue("name"), Locale: localeOf(r)}
	if err := faults(n.Check(), terms(r)); err != nil {
		return again(r, p.signUpForm, err)
	}
	if err := p.Auth.AskSignUp(r.Context(), n); err != nil {
		return again(r, p.signUpForm, err)
	}
	return p.letterSent(auth.LetterSignUp, n.Email), nil
}

// terms is Invalid unless the form agrees to the terms of use.
func terms(r *http.Request) error {
	if r.PostFormValue("terms") != "" {
		return nil
	}
	return problem.Errorf(problem.Invalid, "the terms are not agreed to").Coded("consent-required").
		Wrong("terms", "consent-required", "read and agree to the terms of use")
}

// letterData is the data of the page "account-letter".
type letterData struct {
	Kind  string // auth.Letter…
	Email string // as it was typed
	Filed bool   // no mail server is set: letters become files
	Again string // where the address is typed
}

// letterSent is the page that says to look for a letter. It is the same
// whoever the address belongs to.
func (p *Portal) letterSent(kind, email string) page {
	again := map[string]string{auth.LetterSignUp: "/sign-up", auth.LetterReset: "/forgot-password", auth.LetterEmail: "/account/email"}[kind]
	return page{Name: "account-letter", Status: http.StatusAccepted, Data: letterData{Kind: kind, Email: email, Filed: p.Mailer.URL == "", Again: again}}
}

// confirmData is the data of the page "sign-up-confirm".
type confirmData struct {
	Token    string
	Newcomer auth.Newcomer
}

// confirmForm answers GET /sign-up/confirm?token=…, the address in the letter.
// Looking at the page does not use the link up.
func (p *Portal) confirmForm(r *http.Request) (page, error) {
	if whoever(r).SignedIn() { // the page with the secrets, loaded again
		return page{To: "/developer", Flash: &web.Flash{Key: "auth.shown-already"}}, nil
	}
	token := r.FormValue("token")
	newcomer, err := p.Auth.Newcomer(r.Context(), token)
	return page{Name: "sign-up-confirm", Data: confirmData{token, newcomer}}, err
}

// welcomeData is the data of the page "welcome", the only one that ever shows
// these secrets.
type welcomeData struct {
	Application auth.Application
	APIKey      string
	Secret      string
	First       firstCallData
}

// confirm answers POST /sign-up/confirm: the account, signed in, with a first
// application whose key and secret are on the page that follows and nowhere
// else.
func (p *Portal) confirm(r *http.Request) (page, error) {
	if whoever(r).SignedIn() {
		return p.confirmForm(r)
	}
	person, err := p.Auth.SignUp(r.Context(), r.PostFormValue("token"), r.PostFormValue("password"))
	if err != nil {
		return again(r, p.confirmForm, err)
	}
	return p.welcome(r, person, auth.ByPassword)
}

// welcome makes the first application of a new person and signs them in.
func (p *Portal) welcome(r *http.Request, person auth.Person, method string) (page, error) {
	begun, err := p.Auth.BeginSession(r.Context(), person.ID, method)
	if err != nil {
		return page{}, err
	}
	who, err := p.Auth.WhoByPerson(r.Context(), person.ID)
	if err != nil {
		return page{}, err
	}
	application, issued, err := p.Auth.CreateApplication(r.Context(), who, auth.NewApplication{Name: firstName(localeOf(r))})
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
	if data.First, err = p.firstCallWith(r, data.APIKey); err != nil {
		return page{}, err
	}
	return page{Name: "welcome", Status: http.StatusCreated, Data: data, Session: begun.Session, Who: who}, nil
}

// firstName is what the first application of a person is called: not as they
// are, since the name of an application outlives their account in the ledger.
func firstName(locale string) string {
	if locale == "en" {
		return "My first application"
	}
	return "Ứng dụng đầu tiên"
}
