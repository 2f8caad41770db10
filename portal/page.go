package portal

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
	"lgsp/internal/telemetry"
	"lgsp/web"
)

// page is what a page's handler answers: a template with its data, or, after
// a form has done its work, where to go next (To).
type page struct {
	Name    string         // the page is web/pages/NAME.html
	Data    any            // its .Data
	Status  int            // 0 is 200
	Form    *web.Form      // a form that came back; see again
	To      string         // instead of a page: 303 to this address, without language
	Flash   *web.Flash     // the sentence shown on the page gone to
	Session *auth.Session  // a session that begins; its cookie is set
	Who     auth.Principal // who begins it, when the page is shown and not gone from
	Pending *auth.Pending  // a second step that begins; its cookie is set
	SignOut bool           // the session's cookie is taken away
	Cookie  *http.Cookie   // a further cookie
	Unknown bool           // who reads it could not be found out
	Locale  string         // of the page, or of the problem beside it; "" is the address's
}

// pageFunc is the handler of a page. It writes nothing: what it returns is
// rendered, or the problem it returns is.
type pageFunc func(r *http.Request) (page, error)

// bodyLimit is how much a page accepts in a form without a file, in bytes.
const bodyLimit = 1 << 20

// page serves a handler whose forms carry no file.
func (p *Portal) page(h pageFunc) http.Handler { return p.pageUpTo(bodyLimit, h) }

// pageUpTo serves a handler whose forms are at most limit bytes, files
// included. A form that is too large is a problem before the handler runs.
func (p *Portal) pageUpTo(limit int64, h pageFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := p.identified(r)
		if err == nil {
			err = readForm(w, r, limit)
		}
		if r.MultipartForm != nil { // the server tidies only the request it knows
			defer r.MultipartForm.RemoveAll()
		}
		var answer page
		if err == nil {
			answer.To, err = p.detour(r)
		}
		if err == nil && answer.To == "" {
			answer, err = h(r)
		}
		if answer.Locale != "" {
			r = speaking(r, answer.Locale)
		}
		if err == nil && answer.Session != nil {
			err = p.settle(r, answer.Session.Secret)
		}
		if err != nil {
			p.fail(w, r, err)
			return
		}
		if answer.To != "" {
			p.goTo(w, r, answer)
			return
		}
		p.show(w, r, answer)
	})
}

// settle notes in which browser a session begins, and what becomes of the one
// that this browser had before.
func (p *Portal) settle(r *http.Request, secret string) error {
	if err := p.Auth.KnowBrowser(r.Context(), secret, r.UserAgent(), p.Address(r).String()); err != nil {
		return err
	}
	former, err := r.Cookie(p.sessionCookie())
	if err != nil || former.Value == secret {
		return nil // nobody was signed in
	}
	return p.Auth.SucceedSession(r.Context(), former.Value, secret)
}

// readForm reads the body of a form, up to limit bytes.
func readForm(w http.ResponseWriter, r *http.Request, limit int64) error {
	if r.Method != http.MethodPost {
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		err = r.ParseMultipartForm(bodyLimit) // what is larger waits in files
	} else {
		err = r.ParseForm()
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return problem.Errorf(problem.TooLarge, "the form is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return problem.Errorf(problem.Invalid, "the form cannot be read").Because(err)
	}
	if wrong := unreadable(r.PostForm); wrong != nil {
		return wrong
	}
	return nil
}

// show renders the whole page and then writes it.
func (p *Portal) show(w http.ResponseWriter, r *http.Request, answer page) {
	if answer.Session != nil || answer.SignOut {
		r = r.WithContext(context.WithValue(r.Context(), whoKey{}, answer.Who))
	}
	view := p.view(r)
	view.Data, view.Form, view.Unknown = answer.Data, answer.Form, answer.Unknown
	if answer.Form == nil || answer.Form.Title == "" {
		view.Flash = p.takeFlash(w, r)
	}
	body, err := p.Pages.Render(localeOf(r), answer.Name, view)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.setSession(w, answer)
	if answer.Cookie != nil {
		http.SetCookie(w, answer.Cookie)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", localeOf(r))
	h.Set("Cache-Control", "no-store")
	status := answer.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the reader may have gone
	}
}

// goTo sends the browser on after a form (RFC 9110 §15.4.4).
func (p *Portal) goTo(w http.ResponseWriter, r *http.Request, answer page) {
	p.setSession(w, answer)
	if answer.Cookie != nil {
		http.SetCookie(w, answer.Cookie)
	}
	if answer.Flash != nil {
		p.giveFlash(w, *answer.Flash)
	}
	http.Redirect(w, r, address(r, answer.To), http.StatusSeeOther)
}

// view is the frame of the page for r.
func (p *Portal) view(r *http.Request) web.View {
	who := whoever(r)
	v := web.View{
		Path: r.URL.Path, Query: r.URL.RawQuery, Posted: r.Method == http.MethodPost, Origin: p.Origin, Province: p.Province,
		Demo: p.DemoAccounts != nil, Name: who.Name,
	}
	if who.SignedIn() {
		v.Desks = desks(who)
		v.Unread = p.unread(r.Context(), who)
	}
	return v
}

// desks are where a person works; the last is where they begin.
func desks(who auth.Principal) []web.Link {
	links := []web.Link{{Href: "/developer", Key: "base.nav-developer"}}
	of := func(role string) bool {
		return slices.ContainsFunc(who.Memberships, func(m auth.Membership) bool { return m.Role == role })
	}
	if of(auth.RoleAuditor) || of(auth.RoleSteward) || of(auth.RoleOperator) {
		links = append(links, web.Link{Href: "/audit", Key: "base.nav-audit"})
	}
	if of(auth.RolePublisher) || of(auth.RoleSteward) || of(auth.RoleOperator) {
		links = append(links, web.Link{Href: "/agency", Key: "base.nav-agency"})
	}
	if of(auth.RoleOperator) {
		links = append(links, web.Link{Href: "/operator", Key: "operator.nav"})
	}
	return links
}

// again shows the form of a page once more after err: with what was typed and
// what is wrong with it, in the page's language. form is the page's own GET
// handler. A problem that no other typing could mend is returned as it is.
func again(r *http.Request, form pageFunc, err error) (page, error) {
	e := problem.Of(err)
	if e == nil || e.Kind >= 500 || e.Kind == problem.NotFound || e.Kind == problem.Forbidden {
		return page{}, err
	}
	answer, formErr := form(r)
	if formErr != nil {
		return page{}, formErr
	}
	problem.Log(r, e)
	answer.Status = int(e.Kind)
	answer.Form = &web.Form{Values: r.PostForm}
	answer.Form.Title, answer.Form.Detail = words(r, e)
	for _, f := range e.Fields {
		answer.Form.Errors = append(answer.Form.Errors, web.FieldError{Name: f.Name, Text: f.Words(localeOf(r))})
	}
	return answer, nil
}

// words are a problem's title and text in the page's language; the English
// meant for logs is never shown on a Vietnamese page.
func words(r *http.Request, e *problem.Error) (title, detail string) {
	title, detail = e.Words(localeOf(r))
	if localeOf(r) != "en" && detail == e.Detail {
		detail = ""
	}
	return title, detail
}

// fail answers with a page that says what happened, or sends a reader who is
// not signed in to the sign-in page and back.
func (p *Portal) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := problem.Of(pg.WhenAway(err))
	if e == nil {
		return // the reader has gone
	}
	problem.Log(r, e)
	if e.Kind == problem.Unauthorized && r.Method == http.MethodGet && !whoever(r).SignedIn() {
		next := r.URL.Path
		if r.URL.RawQuery != "" {
			next += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, address(r, "/sign-in?next="+url.QueryEscape(next)), http.StatusSeeOther)
		return
	}
	view := p.view(r)
	data := failure{Status: int(e.Kind), Code: e.Code, Trace: telemetry.Trace(r.Context())}
	data.Title, data.Detail = words(r, e)
	data.Ways = waysOn(e.Code, whoever(r).SignedIn())
	if view.Unknown = e.Code == "temporarily-unavailable"; view.Unknown && !view.Posted {
		data.Again = r.URL.RequestURI()
	}
	if stone, ok := catalog.TombstoneOf(e); ok {
		data.Gone = &stone
	}
	view.Data = data
	body, err := p.Pages.Render(localeOf(r), "error", view)
	if err != nil {
		slog.ErrorContext(r.Context(), "render error page", "err", err, "trace_id", data.Trace)
		http.Error(w, data.Title+" · "+data.Trace, data.Status)
		return
	}
	h := w.Header()
	for name, values := range e.Header {
		h[name] = values
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", localeOf(r))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(data.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the reader may have gone
	}
}

// failure is the data of the page "error".
type failure struct {
	Status        int
	Code          string // of the problem
	Title, Detail string
	Trace         string
	Ways          []web.Link         // where to go on; nil: nowhere in particular
	Gone          *catalog.Tombstone // of a dataset that was withdrawn
	Again         string             // the address to be loaded again; "" where that does not help, or would send a form twice
}

// waysOn are where a reader goes on after a problem, by its code; nil: nowhere
// in particular. Who is signed in already has the account to go back to.
func waysOn(code string, signedIn bool) []web.Link {
	account, signIn := web.Link{Href: "/account", Key: "account.title"}, web.Link{Href: "/sign-in", Key: "auth.sign-in"}
	switch code {
	case "link-unknown":
		return []web.Link{{Href: "/forgot-password", Key: "account.forgot"}}
	case "sign-up-link-unknown":
		return []web.Link{{Href: "/sign-up", Key: "auth.create"}, signIn}
	case "email-link-unknown":
		return []web.Link{{Href: "/account/email", Key: "account.email"}}
	case "identity-taken", "another-person":
		return []web.Link{account}
	case "visit-unknown", "provider-down", "provider-answer-wrong", "provider-refused":
		if signedIn {
			return []web.Link{account}
		}
		return []web.Link{signIn}
	}
	return nil
}

func (p *Portal) notFound(r *http.Request) (page, error) {
	return page{}, problem.Errorf(problem.NotFound, "no page at %s", r.URL.Path).Coded("no-page")
}

func (p *Portal) methodNotAllowed(r *http.Request) (page, error) {
	return page{}, problem.Errorf(problem.MethodNotAllowed, "%s has no %s", r.URL.Path, r.Method)
}

func (p *Portal) crossOrigin(*http.Request) (page, error) {
	return page{}, problem.Errorf(problem.Forbidden, "the form was sent from another site").Coded("other-site")
}
