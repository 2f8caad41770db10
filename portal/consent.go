package portal

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/oauth"
)

// consentAsk is what an application asks a person for.
type consentAsk struct {
	oauth.ConsentView
	Where            audience
	OwnerVI, OwnerEN string // the agency whose application it is; "" when it is a person's
	Here             bool   // the browser goes on to a program on its own computer
	Wide             bool   // it could do all that the person can
}

// consentData is the data of the page "consent".
type consentData struct {
	consentAsk
	Request string // handle of the waiting request
}

// consentAsk says in words what a view asks who for.
func (p *Portal) consentAsk(ctx context.Context, who auth.Principal, view oauth.ConsentView) (consentAsk, error) {
	ask := consentAsk{ConsentView: view, Wide: slices.Contains(view.Scopes, oauth.ScopeManage)}
	host := (&url.URL{Host: view.RedirectHost}).Hostname()
	ask.Here = host == "localhost" || host == "127.0.0.1" || host == "::1" // which auth lets be redirected to
	var err error
	if ask.Where, err = p.audienceOf(ctx, who, view.Audience); err != nil || view.Agency == nil {
		return ask, err
	}
	agencies, err := p.Auth.Agencies(ctx, []uuid.UUID{*view.Agency})
	ask.OwnerVI, ask.OwnerEN = agencies[*view.Agency].NameVI, agencies[*view.Agency].NameEN
	return ask, err
}

// consentForm answers GET /consent?request=…, where the authorization server
// sends a person to decide about an application.
func (p *Portal) consentForm(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	view, err := p.OAuth.Consent(r.Context(), who, r.FormValue("request"))
	if err != nil {
		return page{}, err
	}
	ask, err := p.consentAsk(r.Context(), who, view)
	return page{Name: "consent", Data: consentData{ask, r.FormValue("request")}}, err
}

// consent answers POST /consent. The browser goes on by itself from the page
// "onward": a redirect to the application's address would be stopped by our
// own form-action, which browsers hold a form's redirects to as well (CSP 3
// §6.4.2).
func (p *Portal) consent(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	next, err := p.OAuth.Decide(r.Context(), who, r.PostFormValue("request"), r.PostFormValue("answer"))
	if err != nil {
		return page{}, err
	}
	return page{Name: "onward", Data: template.URL(next)}, nil
}
