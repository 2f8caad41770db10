package portal

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"lgsp/internal/problem"
	"lgsp/web"
)

// readingRoutes are the pages that anyone reads, and that need no room but
// the catalogue.
func (p *Portal) readingRoutes(r *mux.Router) {
	r.Handle("/", p.page(p.home)).Methods("GET", "HEAD")
	r.Handle("/search", p.page(p.search)).Methods("GET", "HEAD")
	r.Handle("/start", p.page(p.start)).Methods("GET", "HEAD")
	r.Handle("/status", http.HandlerFunc(p.status)).Methods("GET", "HEAD")
	r.Handle(apiCatalogPath, p.file(p.apiCatalog)).Methods("GET", "HEAD")
	for _, name := range []string{"terms", "privacy", "accessibility"} {
		r.Handle("/"+name, p.page(plainPage(name))).Methods("GET", "HEAD")
	}
	r.Handle("/dev/components", p.page(p.components)).Methods("GET", "HEAD")
}

// plainPage is a page that is all words.
func plainPage(name string) pageFunc {
	return func(*http.Request) (page, error) { return page{Name: name}, nil }
}

// startData is the data of the page "start".
type startData struct {
	First   firstCallData // an open operation
	Gateway string
}

// start answers GET /start: the first steps of each kind of reader.
func (p *Portal) start(r *http.Request) (page, error) {
	first, err := p.firstCallWith(r, "")
	return page{Name: "start", Data: startData{First: first, Gateway: p.Gateway}}, err
}

// componentsData is the data of the page "components".
type componentsData struct {
	Now     time.Time
	Options []web.Option
	Colours []string
	States  []string
}

// components answers GET /dev/components, in the demonstration only: every
// part that pages are built from.
func (p *Portal) components(r *http.Request) (page, error) {
	if p.DemoAccounts == nil {
		return p.notFound(r)
	}
	return page{
		Name: "components",
		Data: componentsData{
			Now:     p.Now(),
			Options: []web.Option{{Value: "a", Text: "Sở Nội vụ"}, {Value: "b", Text: "Sở Tư pháp", Hint: "H48.07"}},
			Colours: []string{"ink", "muted", "sand", "line", "sea", "deep", "clay", "good", "warn", "bad"},
			States: []string{"draft", "review", "sandbox", "published", "deprecated", "retired", "approved", "withdrawn",
				"requested", "active", "refused", "suspended", "ended", "open", "restricted", "personal"},
		},
		Form: &web.Form{
			Values: url.Values{"broken": {"lan@"}, "radios": {"b"}},
			Errors: []web.FieldError{{Name: "broken", Text: problem.Field{Code: "email-form"}.Words(localeOf(r))}},
		},
	}, nil
}
