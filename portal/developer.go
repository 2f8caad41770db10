package portal

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/internal/problem"
)

// developerRoutes are the pages for those who write software.
func (p *Portal) developerRoutes(r *mux.Router) {
	p.documentationRoutes(r)
	r.Handle("/developer", p.page(p.developer)).Methods("GET", "HEAD")
	r.Handle("/developer/key", p.page(p.getKey)).Methods("GET", "HEAD")
	r.Handle("/developer/key", p.page(p.giveKey)).Methods("POST")
	r.Handle("/developer/applications/new", p.page(p.applicationForm)).Methods("GET", "HEAD")
	r.Handle("/developer/applications/new", p.page(p.createApplication)).Methods("POST")
	r.Handle("/developer/applications/{id}", p.page(p.application)).Methods("GET", "HEAD")
	p.applicationUsageRoutes(r)
	r.Handle("/developer/applications/{id}/credentials", p.page(p.addCredential)).Methods("POST")
	r.Handle("/developer/applications/{id}/credentials/{credential}/rotate", p.page(p.rotateCredential)).Methods("POST")
	r.Handle("/developer/applications/{id}/credentials/{credential}/revoke", p.page(p.revokeCredential)).Methods("POST")
	for path, h := range map[string]struct{ get, post pageFunc }{
		"/settings":                 {p.settings, p.saveSettings},
		"/keys":                     {p.applicationKeys, p.setApplicationKeys},
		"/leak":                     {p.leak, p.endLeak},
		"/credentials/{credential}": {p.limits, p.saveLimits},
	} {
		r.Handle("/developer/applications/{id}"+path, p.page(h.get)).Methods("GET", "HEAD")
		r.Handle("/developer/applications/{id}"+path, p.page(h.post)).Methods("POST")
	}
	r.Handle("/developer/applications/{id}/transfer", p.page(p.transferApplication)).Methods("POST")
	r.Handle("/developer/registration-tokens", p.page(p.registrationTokens)).Methods("GET", "HEAD")
	r.Handle("/developer/registration-tokens", p.page(p.createRegistrationToken)).Methods("POST")
	r.Handle("/developer/registration-tokens/{id}/revoke", p.page(p.revokeRegistrationToken)).Methods("POST")
	r.Handle("/account", p.page(p.account)).Methods("GET", "HEAD")
	r.Handle("/account/tokens", p.page(p.createToken)).Methods("POST")
	r.Handle("/account/tokens/{id}/revoke", p.page(p.revokeToken)).Methods("POST")
	r.Handle("/agreements/{id}", p.page(p.agreementPage)).Methods("GET", "HEAD")
	r.Handle("/agreements/{id}/sent", p.page(p.requestSent)).Methods("GET", "HEAD")
	p.agreementRoutes(r)
	r.Handle("/agreements/{id}/withdraw", p.page(p.withdrawAgreement)).Methods("POST")
	r.Handle("/explain", p.page(p.explain)).Methods("GET", "HEAD")
	p.callRoutes(r)
}

// idIn is the UUID in the address under name; an address that holds none is
// NotFound, as one that nobody has.
func idIn(r *http.Request, name string) (uuid.UUID, error) {
	id, err := uuid.Parse(mux.Vars(r)[name])
	if err != nil {
		return uuid.Nil, problem.Errorf(problem.NotFound, "no %s %q", name, mux.Vars(r)[name])
	}
	return id, nil
}

// withQuery is a query of names and values, without those that are "".
func withQuery(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	return values.Encode()
}

// wordsOfCode are the words for a code that a call was refused with. What was
// filled in at the time is not known any more, so a text with gaps is left out.
func wordsOfCode(r *http.Request, code string) (title, detail string) {
	return wordsIn(localeOf(r), code)
}

func wordsIn(locale, code string) (title, detail string) {
	title, detail = (&problem.Error{Code: code}).Words(locale)
	if title == "" {
		title = code
	}
	if strings.Contains(detail, "{") {
		detail = ""
	}
	return title, detail
}
