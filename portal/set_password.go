package portal

import (
	"net/http"
	"slices"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// forgotForm answers GET /forgot-password.
func (p *Portal) forgotForm(*http.Request) (page, error) { return page{Name: "forgot-password"}, nil }

// forgot answers POST /forgot-password: a letter is on its way, if the address
// has an account. The answer is the same whether it has.
func (p *Portal) forgot(r *http.Request) (page, error) {
	email := r.PostFormValue("email")
	if err := p.Auth.AskReset(r.Context(), email, localeOf(r)); err != nil {
		return again(r, p.forgotForm, err)
	}
	return p.letterSent(auth.LetterReset, email), nil
}

// setPasswordData is the data of the page "set-password".
type setPasswordData struct {
	Token string
	auth.Reset
	Recent  []auth.Way // that go unless they are kept
	Settled []auth.Way // that stay
	Kept    []string   // keys of those that are ticked
}

// Keeps reports whether a way in is ticked.
func (d setPasswordData) Keeps(way auth.Way) bool { return slices.Contains(d.Kept, way.Key) }

// setPasswordForm answers GET /set-password?token=…, the address of a
// one-time link: what opens the account besides, and what becomes of it. Looking
// at the page does not use the link up.
func (p *Portal) setPasswordForm(r *http.Request) (page, error) {
	token := r.FormValue("token")
	reset, err := p.Auth.Reset(r.Context(), token)
	if err != nil {
		return page{}, err
	}
	data := setPasswordData{Token: token, Reset: reset, Kept: r.PostForm["keep"]}
	for _, way := range reset.Ways {
		if way.Recent {
			data.Recent = append(data.Recent, way)
		} else {
			data.Settled = append(data.Settled, way)
		}
	}
	return page{Name: "set-password", Data: data}, nil
}

// setPassword answers POST /set-password. It signs nobody in: a second factor
// may be asked for there.
func (p *Portal) setPassword(r *http.Request) (page, error) {
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	person, err := p.Auth.LinkPerson(r.Context(), token)
	if err != nil {
		return page{}, err
	}
	if err := faults(auth.CheckNewPassword(password, person.Email, person.Name), repeated(r)); err != nil {
		return again(r, p.setPasswordForm, err)
	}
	if _, err := p.Auth.SetPassword(r.Context(), token, password, r.PostForm["keep"]...); err != nil {
		return again(r, p.setPasswordForm, err)
	}
	return page{To: "/sign-in", SignOut: true, Flash: &web.Flash{Key: "auth.password-set"}}, nil
}

// repeated is Invalid unless the new password was typed the same twice.
func repeated(r *http.Request) error {
	if r.PostFormValue("password") == r.PostFormValue("repeated") {
		return nil
	}
	return problem.Errorf(problem.Invalid, "the passwords differ").Coded("passwords-differ").
		Wrong("repeated", "passwords-differ", "the two entries are not the same")
}
