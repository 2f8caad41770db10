package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// securityRoutes are the pages about what a person proves themselves with, and
// the steps of signing in that come after the first.
func (p *Portal) securityRoutes(r *mux.Router) {
	r.Handle("/sign-in/second", p.page(p.secondForm)).Methods("GET", "HEAD")
	r.Handle("/sign-in/second", p.page(p.second)).Methods("POST")
	r.Handle("/sign-in/confirm", p.page(p.proveForm)).Methods("GET", "HEAD")
	r.Handle("/sign-in/confirm", p.page(p.prove)).Methods("POST")
	r.Handle("/sign-in/passkey", p.page(p.signInByPasskey)).Methods("POST")
	r.Handle("/sign-in/passkey/ask", told(p.askPasskey)).Methods("POST")
	r.Handle("/account/security", p.page(p.security)).Methods("GET", "HEAD")
	r.Handle("/account/security/app", p.page(p.securityApp)).Methods("GET", "HEAD")
	r.Handle("/account/security/app", p.page(p.startApp)).Methods("POST")
	r.Handle("/account/security/app/confirm", p.page(p.confirmApp)).Methods("POST")
	r.Handle("/account/security/app/remove", p.page(p.removeApp)).Methods("POST")
	r.Handle("/account/security/passkeys", p.page(p.addPasskey)).Methods("POST")
	r.Handle("/account/security/passkeys/ask", told(p.askNewPasskey)).Methods("POST")
	r.Handle("/account/security/passkeys/{id}/remove", p.page(p.removePasskey)).Methods("POST")
	r.Handle("/account/security/codes", p.page(p.renewCodes)).Methods("POST")
}

// beforeRoles are the pages that an official may see whose roles wait for a
// second factor.
var beforeRoles = []string{"/account/security", "/sign-in", "/sign-out", "/set-password"}

// detour is where a reader is led before anything else: an official without a
// second factor to add one, one who has not shown it to show it. "" for all
// others.
func (p *Portal) detour(r *http.Request) (string, error) {
	who := whoever(r)
	if who.Needs == "" {
		return "", nil
	}
	for _, path := range beforeRoles {
		if r.URL.Path == path || strings.HasPrefix(r.URL.Path, path+"/") {
			return "", nil
		}
	}
	next := ""
	if r.Method == http.MethodGet {
		next = r.URL.RequestURI()
	}
	factors, err := p.Auth.Factors(r.Context(), who.Person)
	if err != nil {
		return "", err
	}
	if factors.Any() {
		return "/sign-in/confirm?next=" + url.QueryEscape(next), nil
	}
	return "/account/security?next=" + url.QueryEscape(next), nil
}

// securityData is the data of the page "security".
type securityData struct {
	auth.Factors
	Next  string // where the reader was going
	Must  bool   // roles wait for a second factor
	Demo  bool   // an official of the demonstration, who is exempt
	Fresh bool   // the last proof is young enough for changes
	Vouch bool   // an operator must vouch for the reader before they add anything
}

// security answers GET /account/security.
func (p *Portal) security(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	data := securityData{Next: localPath(r.FormValue("next")), Must: who.Needs != ""}
	data.Demo = p.DemoAccounts != nil && len(who.Memberships) > 0 && who.Level != auth.AAL2
	if data.Factors, err = p.Auth.Factors(r.Context(), who.Person); err != nil {
		return page{}, err
	}
	if data.Vouch, err = p.Auth.NeedsVouching(r.Context(), who.Person); err != nil {
		return page{}, err
	}
	err = p.Auth.Fresh(r.Context(), p.sessionSecret(r))
	if err != nil && !problem.Is(err, problem.Forbidden) {
		return page{}, err
	}
	data.Fresh = err == nil
	return page{Name: "security", Data: data}, nil
}

// securityAddress is the page with where the reader was going.
func securityAddress(r *http.Request) string {
	if next := localPath(r.FormValue("next")); next != "" {
		return "/account/security?next=" + url.QueryEscape(next)
	}
	return "/account/security"
}

// changed goes on after a change: an old proof is renewed first, what is gone
// already was wanted so.
func changed(r *http.Request, err error, said string) (page, error) {
	switch {
	case problem.Code(err) == "proof-old":
		return page{To: "/sign-in/confirm?next=" + url.QueryEscape(securityAddress(r))}, nil
	case err != nil && !problem.Is(err, problem.NotFound):
		return page{}, err
	}
	return page{To: securityAddress(r), Flash: &web.Flash{Key: said}}, nil
}

// codesData is the data of the page "security-codes", the only one that ever
// shows them.
type codesData struct {
	Codes []string
	Next  string
}

// enrolled goes on after a factor was added: recovery codes come with the
// first one.
func (p *Portal) enrolled(r *http.Request, e auth.Enrolled, said string) (page, error) {
	next := localPath(r.PostFormValue("next"))
	if len(e.Codes) == 0 {
		if next == "" {
			next = "/account/security"
		}
		answer, err := p.inside(r, e.Session, next)
		answer.Flash = &web.Flash{Key: said}
		return answer, err
	}
	return page{Name: "security-codes", Status: http.StatusCreated, Data: codesData{e.Codes, next}, Session: &e.Session, Who: whoever(r)}, nil
}

// startApp answers POST /account/security/app.
func (p *Portal) startApp(r *http.Request) (page, error) {
	if err := p.Auth.StartApp(r.Context(), p.sessionSecret(r)); err != nil {
		return changed(r, err, "")
	}
	return page{To: "/account/security/app?next=" + url.QueryEscape(localPath(r.PostFormValue("next")))}, nil
}

// appData is the data of the page "security-app".
type appData struct {
	Secret string       // in groups of four
	URI    template.URL // otpauth://
	QR     string       // path of an SVG
	Size   int          // of the QR code, its quiet zone included
	Next   string
}

// securityApp answers GET /account/security/app: the secret of the app that is
// being added. The picture is part of the page, which is kept by nobody.
func (p *Portal) securityApp(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	secret, err := p.Auth.StartedApp(r.Context(), p.sessionSecret(r))
	if problem.Is(err, problem.Forbidden) || problem.Is(err, problem.NotFound) {
		return page{To: securityAddress(r)}, nil
	} else if err != nil {
		return page{}, err
	}
	people, err := p.Auth.Persons(r.Context(), []uuid.UUID{who.Person})
	if err != nil {
		return page{}, err
	}
	issuer := "LGSP " + p.Province
	data := appData{Next: localPath(r.FormValue("next"))}
	uri := "otpauth://totp/" + url.PathEscape(issuer+":"+people[who.Person].Email) + "?" +
		strings.ReplaceAll(url.Values{"secret": {secret}, "issuer": {issuer}}.Encode(), "+", "%20") // apps do not read +
	data.URI = template.URL(uri)
	if data.QR, data.Size, err = qrCode(uri); err != nil {
		return page{}, err
	}
	for len(secret) > 4 {
		data.Secret, secret = data.Secret+secret[:4]+" ", secret[4:]
	}
	data.Secret += secret
	return page{Name: "security-app", Data: data}, nil
}

// confirmApp answers POST /account/security/app/confirm.
func (p *Portal) confirmApp(r *http.Request) (page, error) {
	e, err := p.Auth.ConfirmApp(r.Context(), p.sessionSecret(r), r.PostFormValue("code"))
	if problem.Is(err, problem.Forbidden) || problem.Is(err, problem.NotFound) {
		return changed(r, err, "")
	} else if err != nil {
		return again(r, p.securityApp, err)
	}
	return p.enrolled(r, e, "security.app-added")
}

// removeApp answers POST /account/security/app/remove.
func (p *Portal) removeApp(r *http.Request) (page, error) {
	return changed(r, p.Auth.RemoveApp(r.Context(), p.sessionSecret(r)), "security.app-removed")
}

// askNewPasskey answers POST /account/security/passkeys/ask, for the script.
func (p *Portal) askNewPasskey(w http.ResponseWriter, r *http.Request) error {
	asked, err := p.Auth.AskNewPasskey(r.Context(), p.sessionSecret(r))
	if err != nil {
		return err
	}
	return writeJSON(w, asked)
}

// addPasskey answers POST /account/security/passkeys.
func (p *Portal) addPasskey(r *http.Request) (page, error) {
	e, err := p.Auth.AddPasskey(r.Context(), p.sessionSecret(r), r.PostFormValue("name"), shown(r).Passkey)
	if problem.Is(err, problem.Forbidden) {
		return changed(r, err, "")
	} else if err != nil {
		return again(r, p.security, err)
	}
	return p.enrolled(r, e, "security.passkey-added")
}

// removePasskey answers POST /account/security/passkeys/{id}/remove.
func (p *Portal) removePasskey(r *http.Request) (page, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	return changed(r, p.Auth.RemovePasskey(r.Context(), p.sessionSecret(r), id), "security.passkey-removed")
}

// renewCodes answers POST /account/security/codes.
func (p *Portal) renewCodes(r *http.Request) (page, error) {
	codes, err := p.Auth.RenewCodes(r.Context(), p.sessionSecret(r))
	if err != nil {
		return changed(r, err, "")
	}
	return page{Name: "security-codes", Status: http.StatusCreated, Data: codesData{Codes: codes}}, nil
}
