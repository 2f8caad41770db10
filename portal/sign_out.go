package portal

import (
	"html/template"
	"net/http"
	"slices"

	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// signOutData is the data of the page "sign-out".
type signOutData struct {
	oauth.Logout
	Fields map[string]string // what the application asks, for the form
}

// signOutForm answers GET /sign-out, where the authorization server sends a
// person whom an application wants signed out: it asks, since anyone can send
// a browser here.
func (p *Portal) signOutForm(r *http.Request) (page, error) {
	form := r.URL.Query()
	asked, err := p.OAuth.ReadLogout(r.Context(), form)
	if err != nil {
		return page{}, err
	}
	if !whoever(r).SignedIn() {
		return p.gone(asked.Next, false), nil
	}
	data := signOutData{Logout: asked, Fields: map[string]string{}}
	for _, name := range []string{"client_id", "post_logout_redirect_uri", "state"} {
		if value := form.Get(name); value != "" {
			data.Fields[name] = value
		}
	}
	return page{Name: "sign-out", Data: data}, nil
}

// signOut answers POST /sign-out. After that the browser goes to the
// application that asked, if one did and has registered where to.
func (p *Portal) signOut(r *http.Request) (page, error) {
	next := ""
	if r.PostForm.Has("client_id") {
		asked, err := p.OAuth.ReadLogout(r.Context(), r.PostForm)
		if err != nil {
			return page{}, err
		}
		next = asked.Next
	}
	outside, err := p.cameFromOutside(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.SignOut(r.Context(), p.sessionSecret(r)); err != nil {
		return page{}, err
	}
	if next == "" && outside {
		return page{To: "/signed-out?provider=1", SignOut: true}, nil
	}
	return p.gone(next, true), nil
}

// cameFromOutside reports whether the session of the browser began at the
// outside provider, where the person may be signed in still.
func (p *Portal) cameFromOutside(r *http.Request) (bool, error) {
	if p.Outside == nil {
		return false, nil
	}
	proof, err := p.Auth.SessionProof(r.Context(), p.sessionSecret(r))
	if problem.Is(err, problem.Unauthorized) {
		return false, nil // nobody is signed in
	}
	return slices.Contains(proof.Methods, auth.ByOutside), err
}

// gone is where a browser goes that is signed out, from the page "onward" when
// that is an application's address, which our form-action would stop (see consent).
func (p *Portal) gone(next string, signOut bool) page {
	switch {
	case next != "":
		return page{Name: "onward", Data: template.URL(next), SignOut: signOut}
	case signOut:
		return page{To: "/", SignOut: true, Flash: &web.Flash{Key: "auth.signed-out"}}
	}
	return page{To: "/signed-out"}
}

// signedOutData is the data of the page "signed-out".
type signedOutData struct {
	Provider string // name of the outside provider that the session came from; "" when it came from none
	End      string // where to sign out there
}

// signedOut answers GET /signed-out, where a browser ends that an application
// has signed out without saying where to go, and one whose session came from
// the outside provider: who sits down here next would be let in by that.
func (p *Portal) signedOut(r *http.Request) (page, error) {
	var data signedOutData
	if p.Outside != nil && r.FormValue("provider") != "" {
		if data.End = p.Outside.EndURL(); data.End != "" {
			data.Provider = p.outsideName(r)
		}
	}
	return page{Name: "signed-out", Data: data}, nil
}

// EndBrowser signs the browser out, for the authorization server.
func (p *Portal) EndBrowser(w http.ResponseWriter, r *http.Request) error {
	cookie, err := r.Cookie(p.sessionCookie())
	if err != nil {
		return nil // nobody is signed in
	}
	p.setSession(w, page{SignOut: true})
	return p.Auth.SignOut(r.Context(), cookie.Value)
}

// Explain shows a person what is wrong with an application's request, for the
// authorization server: in the language that the request asks for, or the browser.
func (p *Portal) Explain(w http.ResponseWriter, r *http.Request, why error) {
	locale := oauth.Language(r.URL.Query())
	if locale == "" {
		locale = "vi"
		if problem.Locale(r) == "en" {
			locale = "en"
		}
	}
	speaks(locale, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known, err := p.identified(r)
		if err != nil {
			known = r // the page shows nobody's name then
		}
		p.fail(w, known, why)
	})).ServeHTTP(w, r)
}
