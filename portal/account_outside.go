package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/auth/outside"
	"lgsp/web"
)

// visitCookie is the name of the cookie that ties a way to the outside
// provider, and its answer, to one browser.
func (p *Portal) visitCookie() string {
	if p.secure() {
		return "__Host-lgsp-visit"
	}
	return "lgsp_visit"
}

// visiting is the cookie with a secret in it; "" takes it away.
func (p *Portal) visiting(secret string) *http.Cookie {
	c := &http.Cookie{Name: p.visitCookie(), Value: secret, Path: "/", MaxAge: 600, HttpOnly: true, Secure: p.secure(), SameSite: http.SameSiteLaxMode}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}

func (p *Portal) visit(r *http.Request) string {
	cookie, err := r.Cookie(p.visitCookie())
	if err != nil {
		return ""
	}
	return cookie.Value
}

// outsideName is what people call the outside provider; "" without one.
func (p *Portal) outsideName(r *http.Request) string {
	switch {
	case p.Outside == nil:
		return ""
	case localeOf(r) == "en":
		return p.Outside.NameEN
	}
	return p.Outside.NameVI
}

// beginOutside answers POST /sign-in/outside: to the provider.
func (p *Portal) beginOutside(r *http.Request) (page, error) {
	return p.goOutside(r, uuid.Nil, localPath(r.PostFormValue("next")))
}

// beginLink answers POST /account/identities/begin: to the provider, for who
// is signed in.
func (p *Portal) beginLink(r *http.Request) (page, error) {
	return p.goOutside(r, whoever(r).Person, "/account")
}

// goOutside sends the browser to the provider. As after consenting it goes on
// by itself from a page of ours. Who is signed in here goes there to prove it
// once more, or to say whose the identity is: the provider shall ask, not let
// in whoever it knows already.
func (p *Portal) goOutside(r *http.Request, person uuid.UUID, next string) (page, error) {
	if p.Outside == nil {
		return page{}, noOutside()
	}
	if err := p.slowBegun(r); err != nil {
		return page{}, err
	}
	if !strings.HasPrefix(next, "/oauth2/") {
		next = address(r, next)
	}
	v := auth.Visit{Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(), Next: next, Person: person, Fresh: whoever(r).SignedIn()}
	state, browser, err := p.Auth.BeginVisit(r.Context(), v)
	if err != nil {
		return page{}, err
	}
	to, err := p.Outside.Address(r.Context(), outside.Ask{State: state, Nonce: v.Nonce, Verifier: v.Verifier, Fresh: v.Fresh})
	if err != nil {
		return page{}, err
	}
	return page{Name: "onward", Data: template.URL(to), Cookie: p.visiting(browser)}, nil
}

// outsideCallback answers GET /sign-in/outside/callback, where the provider
// sends the browser back to.
func (p *Portal) outsideCallback(r *http.Request) (page, error) {
	if p.Outside == nil {
		return page{}, noOutside()
	}
	v, err := p.Auth.EndVisit(r.Context(), r.URL.Query().Get("state"), p.visit(r))
	if err != nil {
		return page{}, err
	}
	language := localeOf(r)
	if rest, english := strings.CutPrefix(v.Next, "/en"); english && (rest == "" || strings.HasPrefix(rest, "/")) {
		language, v.Next = "en", rest // the callback's own address has none
	}
	r = speaking(r, language)
	to, err := p.cameBack(r, v)
	to.Locale = language
	return to, err
}

// cameBack goes on with the provider's answer to a visit.
func (p *Portal) cameBack(r *http.Request, v auth.Visit) (page, error) {
	claims, err := p.Outside.Finish(r.Context(), r.URL.Query(), v.Nonce, v.Verifier)
	if err != nil {
		return page{}, err
	}
	found := auth.Outsider{Issuer: p.Outside.Issuer, Subject: claims.Subject, Email: claims.Email, Name: claims.Name,
		Agent: r.UserAgent(), Address: p.Address(r).String()}
	return p.outsideFound(r, v, found, claims.At)
}

// outsideFound goes on with who the provider says is there, and since when.
func (p *Portal) outsideFound(r *http.Request, v auth.Visit, found auth.Outsider, at time.Time) (page, error) {
	if v.Person != uuid.Nil {
		return p.linkFound(r, v, found)
	}
	person, err := p.Auth.PersonOf(r.Context(), found)
	if err != nil {
		return page{}, err
	}
	if person == uuid.Nil {
		return p.offer(r, found)
	}
	return p.enterOutside(r, v, person, at)
}

// enterOutside signs in whom the provider has proved; a second step may be owed.
func (p *Portal) enterOutside(r *http.Request, v auth.Visit, person uuid.UUID, at time.Time) (page, error) {
	begun, err := p.Auth.BeginSessionOf(r.Context(), person, v.ProvedAt(at, p.Now().UTC()), auth.ByOutside)
	if err != nil {
		return page{}, err
	}
	answer, err := p.enter(r, begun, v.Next)
	answer.Cookie = p.visiting("")
	return answer, err
}

// linkFound links an identity for who began it, and nobody else.
func (p *Portal) linkFound(r *http.Request, v auth.Visit, found auth.Outsider) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	if who.Person != v.Person {
		return page{}, anotherPerson()
	}
	if err := p.Auth.Link(r.Context(), who, p.sessionSecret(r), found); err != nil {
		return page{}, err
	}
	return page{To: v.Next, Cookie: p.visiting(""), Flash: &web.Flash{Key: "account.linked"}}, nil
}

// offer lets who came with an identity that opens no account decide what it
// shall open. The same address as an account's is no proof that it is theirs.
func (p *Portal) offer(r *http.Request, found auth.Outsider) (page, error) {
	browser, err := p.Auth.Offer(r.Context(), found)
	if err != nil {
		return page{}, err
	}
	return page{To: "/sign-in/outside/new", Cookie: p.visiting(browser)}, nil
}

// outsideData is the data of the pages "account-outside-new" and "account-link".
type outsideData struct {
	Provider string
	Answer   auth.Outsider
	SignIn   string // address that comes back to linking
}

// offered is what the provider has said about who sits at this browser.
func (p *Portal) offered(r *http.Request) (outsideData, error) {
	if p.Outside == nil {
		return outsideData{}, noOutside()
	}
	answer, err := p.Auth.Offered(r.Context(), p.visit(r))
	return outsideData{Provider: p.outsideName(r), Answer: answer, SignIn: "/sign-in?next=" + url.QueryEscape("/account/identities/link")}, err
}

// outsideNewForm answers GET /sign-in/outside/new.
func (p *Portal) outsideNewForm(r *http.Request) (page, error) {
	data, err := p.offered(r)
	return page{Name: "account-outside-new", Data: data}, err
}

// outsideNew answers POST /sign-in/outside/new: an account of its own.
func (p *Portal) outsideNew(r *http.Request) (page, error) {
	data, err := p.offered(r)
	if err != nil {
		return page{}, err
	}
	n := auth.NewPerson{Email: data.Answer.Email, Name: r.PostFormValue("name"), Locale: localeOf(r)}
	if err := faults(n.Check(), terms(r)); data.Answer.Email != "" && err != nil {
		return again(r, p.outsideNewForm, err)
	}
	person, err := p.Auth.SignUpOffered(r.Context(), p.visit(r), n.Name, n.Locale)
	if err != nil {
		return again(r, p.outsideNewForm, err)
	}
	answer, err := p.welcome(r, person, auth.ByOutside)
	answer.Cookie = p.visiting("")
	return answer, err
}

// linkForm answers GET /account/identities/link, for who has signed in to say
// which account the identity shall open.
func (p *Portal) linkForm(r *http.Request) (page, error) {
	data, err := p.offered(r)
	return page{Name: "account-link", Data: data}, err
}

// linkOffered answers POST /account/identities/link.
func (p *Portal) linkOffered(r *http.Request) (page, error) {
	if err := p.Auth.LinkOffered(r.Context(), whoever(r), p.sessionSecret(r), p.visit(r)); err != nil {
		return page{}, err
	}
	return page{To: "/account", Cookie: p.visiting(""), Flash: &web.Flash{Key: "account.linked"}}, nil
}

// unlink answers POST /account/identities/unlink.
func (p *Portal) unlink(r *http.Request) (page, error) {
	if err := p.Auth.Unlink(r.Context(), whoever(r), r.PostFormValue("issuer"), r.PostFormValue("subject")); err != nil {
		return again(r, p.account, err)
	}
	return page{To: "/account", Flash: &web.Flash{Key: "account.unlinked"}}, nil
}
