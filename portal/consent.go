package portal

import (
	"html/template"
	"net/http"

	"lgsp/auth/oauth"
)

// consentData is the data of the page "consent".
type consentData struct {
	oauth.ConsentView
	Where   audience
	Request string // handle of the waiting request
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
	where, err := p.audienceOf(r.Context(), who, view.Audience)
	if err != nil {
		return page{}, err
	}
	return page{Name: "consent", Data: consentData{view, where, r.FormValue("request")}}, nil
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
