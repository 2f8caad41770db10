package portal

import (
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/auth"
)

// accountRoutes are the pages around an account.
func (p *Portal) accountRoutes(r *mux.Router) {
	r.Handle("/sign-in", p.page(p.signInForm)).Methods("GET", "HEAD")
	r.Handle("/sign-in", p.page(p.signIn)).Methods("POST")
	r.Handle("/sign-up", p.page(p.signUpForm)).Methods("GET", "HEAD")
	r.Handle("/sign-up", p.page(p.signUp)).Methods("POST")
	r.Handle("/sign-up/confirm", p.page(p.confirmForm)).Methods("GET", "HEAD")
	r.Handle("/sign-up/confirm", p.page(p.confirm)).Methods("POST")
	r.Handle("/forgot-password", p.page(p.forgotForm)).Methods("GET", "HEAD")
	r.Handle("/forgot-password", p.page(p.forgot)).Methods("POST")
	r.Handle("/consent", p.page(p.consentForm)).Methods("GET", "HEAD")
	r.Handle("/consent", p.page(p.consent)).Methods("POST")
	r.Handle("/set-password", p.page(p.setPasswordForm)).Methods("GET", "HEAD")
	r.Handle("/set-password", p.page(p.setPassword)).Methods("POST")
}

// signInData is the data of the page "sign-in".
type signInData struct {
	Next     string // where to go afterwards
	Accounts []DemoAccount
	Outside  string // name of the outside provider; "" without one
}

// signInForm answers GET /sign-in. next is where the reader was going.
func (p *Portal) signInForm(r *http.Request) (page, error) {
	data := signInData{Next: localPath(r.FormValue("next")), Outside: p.outsideName(r)}
	if p.DemoAccounts != nil {
		accounts, err := p.DemoAccounts(r.Context())
		if err != nil {
			return page{}, err
		}
		data.Accounts = accounts
	}
	return page{Name: "sign-in", Data: data}, nil
}

// signIn answers POST /sign-in.
func (p *Portal) signIn(r *http.Request) (page, error) {
	var begun auth.Begun
	err := p.tryPassword(r, r.PostFormValue("email"), func() error {
		var err error
		begun, err = p.Auth.SignIn(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
		return err
	})
	if err != nil {
		return again(r, p.signInForm, err)
	}
	return p.enter(r, begun, localPath(r.PostFormValue("next")))
}

// signInByPasskey answers POST /sign-in/passkey: what the script sends instead
// of address and password.
func (p *Portal) signInByPasskey(r *http.Request) (page, error) {
	var begun auth.Begun
	err := p.tryPassword(r, "", func() error {
		var err error
		begun, err = p.Auth.SignInByPasskey(r.Context(), shown(r).Passkey)
		return err
	})
	if err != nil {
		return again(r, p.signInForm, err)
	}
	return p.enter(r, begun, localPath(r.PostFormValue("next")))
}

// askPasskey answers POST /sign-in/passkey/ask with a challenge, for the script.
func (p *Portal) askPasskey(w http.ResponseWriter, r *http.Request) error {
	if err := p.slowBegun(r); err != nil {
		return err
	}
	asked, err := p.Auth.AskPasskey(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, asked)
}

// writeJSON answers a script of ours.
func writeJSON(w http.ResponseWriter, answer any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(answer)
}

// enter goes on after a first proof: to the second step when one is owed, else
// into the session, to next or, when that is "", to the person's desk.
func (p *Portal) enter(r *http.Request, begun auth.Begun, next string) (page, error) {
	if begun.Pending != nil {
		return page{To: "/sign-in/second?next=" + url.QueryEscape(next), Pending: begun.Pending}, nil
	}
	return p.inside(r, *begun.Session, next)
}

// inside goes on with a session. To the authorization server the browser goes
// by itself: its answer may lead to an application's address, where our own
// form-action would stop a form's redirect (CSP 3 §6.4.2).
func (p *Portal) inside(r *http.Request, session auth.Session, next string) (page, error) {
	if strings.HasPrefix(next, "/oauth2/") {
		return page{Name: "onward", Data: template.URL(next), Session: &session}, nil
	}
	if next == "" {
		var err error
		if next, err = p.firstDesk(r, session); err != nil {
			return page{}, err
		}
	}
	return page{To: next, Session: &session}, nil
}

// firstDesk is where the person of a session begins.
func (p *Portal) firstDesk(r *http.Request, session auth.Session) (string, error) {
	who, err := p.Auth.WhoByPerson(r.Context(), session.Person)
	if err != nil {
		return "", err
	}
	list := desks(who)
	return list[len(list)-1].Href, nil
}

// localPath is an address inside the portal, or "": nobody is sent elsewhere
// by a link that ends in our sign-in page.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\x00\r\n\t") {
		return ""
	}
	return next
}
