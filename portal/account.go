package portal

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/ledger"
	"lgsp/web"
)

// ownRoutes are the pages where a person sees to their own account.
func (p *Portal) ownRoutes(r *mux.Router) {
	r.Handle("/account/name", p.page(p.rename)).Methods("POST")
	r.Handle("/account/password", p.page(p.passwordForm)).Methods("GET", "HEAD")
	r.Handle("/account/password", p.page(p.changePassword)).Methods("POST")
	r.Handle("/account/email", p.page(p.proved("/account/email", p.emailForm))).Methods("GET", "HEAD")
	r.Handle("/account/email", p.page(p.proved("/account/email", p.askEmail))).Methods("POST")
	r.Handle("/account/email/confirm", p.page(p.emailConfirmForm)).Methods("GET", "HEAD")
	r.Handle("/account/email/confirm", p.page(p.emailConfirm)).Methods("POST")
	r.Handle("/account/data", p.page(p.proved("/account/data", p.dataForm))).Methods("GET", "HEAD")
	r.Handle("/account/export", p.file(p.export)).Methods("GET", "HEAD")
	r.Handle("/account/delete", p.page(p.proved("/account/data", p.deleteAccount))).Methods("POST")
	r.Handle("/account/identities/begin", p.page(p.proved("/account", p.beginLink))).Methods("POST")
	r.Handle("/account/identities/link", p.page(p.proved("/account/identities/link", p.linkForm))).Methods("GET", "HEAD")
	r.Handle("/account/identities/link", p.page(p.proved("/account/identities/link", p.linkOffered))).Methods("POST")
	r.Handle("/account/identities/unlink", p.page(p.proved("/account", p.unlink))).Methods("POST")
	r.Handle("/sign-in/outside", p.page(p.beginOutside)).Methods("POST")
	r.Handle("/sign-in/outside/callback", p.page(p.outsideCallback)).Methods("GET", "HEAD")
	r.Handle("/sign-in/outside/new", p.page(p.outsideNewForm)).Methods("GET", "HEAD")
	r.Handle("/sign-in/outside/new", p.page(p.outsideNew)).Methods("POST")
}

// proved lets in who has proved lately who they are (auth.Fresh). Others prove
// it once more and come back to the page of that path.
func (p *Portal) proved(path string, h pageFunc) pageFunc {
	return func(r *http.Request) (page, error) {
		fresh, err := p.isFresh(r)
		if err != nil {
			return page{}, err
		}
		if fresh {
			return h(r)
		}
		return page{To: "/sign-in/confirm?next=" + url.QueryEscape(path)}, nil
	}
}

// isFresh reports whether who is signed in has proved it lately.
func (p *Portal) isFresh(r *http.Request) (bool, error) {
	if _, err := signedIn(r); err != nil {
		return false, err
	}
	err := p.Auth.Fresh(r.Context(), p.sessionSecret(r))
	if problem.Is(err, problem.Forbidden) {
		return false, nil
	}
	return err == nil, err
}

// rename answers POST /account/name.
func (p *Portal) rename(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.Rename(r.Context(), who, r.PostFormValue("full_name"), r.PostFormValue("locale")); err != nil {
		return again(r, p.account, inField("full_name", err)) // "name" is a token's, on the same page
	}
	return page{To: "/account", Flash: &web.Flash{Key: "account.renamed"}}, nil
}

// passwordData is the data of the page "account-password".
type passwordData struct {
	Email string
	Has   bool // there is a password to be changed
}

// passwordForm answers GET /account/password.
func (p *Portal) passwordForm(r *http.Request) (page, error) {
	person, err := p.ownAccount(r)
	if err != nil {
		return page{}, err
	}
	has, err := p.Auth.HasPassword(r.Context(), person.ID)
	return page{Name: "account-password", Data: passwordData{person.Email, has}}, err
}

// changePassword answers POST /account/password. Everything that was signed in
// ends; this browser goes on with a new session.
func (p *Portal) changePassword(r *http.Request) (page, error) {
	person, err := p.ownAccount(r)
	if err != nil {
		return page{}, err
	}
	_, proof, err := p.SessionOf(r)
	if err != nil {
		return page{}, err
	}
	present, password := r.PostFormValue("present"), r.PostFormValue("password")
	wrong := faults(auth.CheckNewPassword(password, person.Email, person.Name), repeated(r))
	err = p.tryPassword(r, person.Email, func() error {
		if wrong != nil {
			return p.Auth.CheckPassword(r.Context(), person.ID, present)
		}
		return p.Auth.ChangePassword(r.Context(), whoever(r), present, password)
	})
	err = faults(err, wrong)
	if err != nil {
		return again(r, p.passwordForm, err)
	}
	begun, err := p.Auth.BeginSession(r.Context(), person.ID, proof.Methods...)
	if err != nil {
		return page{}, err
	}
	answer, err := p.enter(r, begun, "/account")
	answer.Flash = &web.Flash{Key: "account.password-changed"}
	return answer, err
}

// emailForm answers GET /account/email.
func (p *Portal) emailForm(r *http.Request) (page, error) {
	person, err := p.ownAccount(r)
	return page{Name: "account-email", Data: person}, err
}

// askEmail answers POST /account/email: a letter to the new address is on its
// way. The answer is the same whoever the address belongs to.
func (p *Portal) askEmail(r *http.Request) (page, error) {
	email := r.PostFormValue("email")
	if err := p.Auth.AskEmail(r.Context(), whoever(r), email); err != nil {
		return again(r, p.emailForm, err)
	}
	return p.letterSent(auth.LetterEmail, email), nil
}

// emailConfirmData is the data of the page "account-email-confirm".
type emailConfirmData struct {
	Token  string
	Change auth.EmailChange
}

// emailConfirmForm answers GET /account/email/confirm?token=…, the address in
// a letter. Looking at the page changes nothing.
func (p *Portal) emailConfirmForm(r *http.Request) (page, error) {
	token := r.FormValue("token")
	change, err := p.Auth.EmailChange(r.Context(), token)
	return page{Name: "account-email-confirm", Data: emailConfirmData{token, change}}, err
}

// emailConfirm answers POST /account/email/confirm.
func (p *Portal) emailConfirm(r *http.Request) (page, error) {
	change, err := p.Auth.ChangeEmail(r.Context(), r.PostFormValue("token"))
	if err != nil {
		return page{}, err
	}
	if change.Undo {
		return page{To: "/forgot-password", SignOut: true, Flash: &web.Flash{Key: "account.email-undone"}}, nil
	}
	return page{To: "/account", Flash: &web.Flash{Key: "account.email-done"}}, nil
}

// ownAccount is the account of who is signed in.
func (p *Portal) ownAccount(r *http.Request) (auth.Person, error) {
	who, err := signedIn(r)
	if err != nil {
		return auth.Person{}, err
	}
	return p.Auth.Account(r.Context(), who)
}

// dataForm answers GET /account/data: what there is, what goes and what stays.
func (p *Portal) dataForm(r *http.Request) (page, error) {
	person, err := p.ownAccount(r)
	return page{Name: "account-data", Data: person}, err
}

// deleteAccount answers POST /account/delete.
func (p *Portal) deleteAccount(r *http.Request) (page, error) {
	if err := p.Auth.DeletePerson(r.Context(), whoever(r), r.PostFormValue("email")); err != nil {
		return again(r, p.dataForm, err)
	}
	return page{To: "/", SignOut: true, Flash: &web.Flash{Key: "account.deleted"}}, nil
}

// exported is all that the platform holds about a person, each room asked once
// for each of its lists.
type exported struct {
	ExportedAt time.Time `json:"exported_at"`
	auth.Export
	Consents   []oauth.Allowed       `json:"consents"`
	Searches   []catalog.SavedSearch `json:"saved_searches"`
	Said       catalog.Said          `json:"said"`       // in discussions and requests for data
	Reuses     []catalog.Reuse       `json:"reuses"`     // that the person added
	Agreements []agreement.Agreement `json:"agreements"` // asked for by the person, or for an application of theirs
	Acts       []ledger.ActEntry     `json:"acts"`       // that the person did, as the ledger has them
	Notices    exportedNotices       `json:"notices"`
}

// export answers GET /account/export: one JSON file, without secrets.
func (p *Portal) export(w http.ResponseWriter, r *http.Request) error {
	fresh, err := p.isFresh(r)
	if err != nil {
		return err
	}
	if !fresh {
		http.Redirect(w, r, address(r, "/account/data"), http.StatusSeeOther) // which asks for the proof
		return nil
	}
	all, err := p.allOf(r)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", attachment("lgsp-"+all.ExportedAt.Format("2006-01-02")+".json"))
	h.Set("Cache-Control", showsSecret)
	_, _ = w.Write(body) // the reader may have gone
	return nil
}

func (p *Portal) allOf(r *http.Request) (exported, error) {
	ctx, who := r.Context(), whoever(r)
	out := exported{ExportedAt: p.Now().UTC(), Agreements: []agreement.Agreement{}, Acts: []ledger.ActEntry{}}
	var err error
	if out.Export, err = p.Auth.ExportPerson(ctx, who); err != nil {
		return out, err
	}
	if out.Searches, err = p.Catalog.SavedSearches(ctx, who); err != nil {
		return out, err
	}
	if out.Said, err = p.Catalog.SaidBy(ctx, who); err != nil {
		return out, err
	}
	if out.Reuses, err = p.Catalog.OwnReuses(ctx, who); err != nil {
		return out, err
	}
	if out.Consents, err = p.OAuth.Consents(ctx, who); err != nil {
		return out, err
	}
	if out.Notices, err = p.noticesForExport(r); err != nil {
		return out, err
	}
	for f := (agreement.Filter{Limit: 100}); ; {
		list, err := p.Agreements.Mine(ctx, who, f)
		if err != nil {
			return out, err
		}
		for _, g := range list.Items {
			if g.RequesterID == who.Person || g.OwnerPersonID == who.Person {
				out.Agreements = append(out.Agreements, g)
			}
		}
		if f.After = list.Next; f.After == "" {
			break
		}
	}
	for f := (ledger.ActFilter{Person: who.Person, Limit: 100}); ; {
		list, err := p.Ledger.ListActs(ctx, who, f)
		if err != nil {
			return out, err
		}
		out.Acts = append(out.Acts, list.Items...)
		if f.After = list.Next; f.After == "" {
			return out, nil
		}
	}
}

// anotherPerson is told to a browser where somebody else has signed in since.
func anotherPerson() error {
	return problem.Errorf(problem.Conflict, "somebody else is signed in now").Coded("another-person")
}

// noOutside is told where no outside provider is set up.
func noOutside() error {
	return problem.Errorf(problem.NotFound, "no outside provider is set up").Coded("no-page")
}
