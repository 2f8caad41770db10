// Package dcat answers what other programs learn of the catalogue: DCAT-AP
// 3.0.1 in three syntaxes of RDF, DCAT-US 1.1 (/data.json), schema.org,
// Croissant and Atom feeds. Only what everyone may see is written, whoever asks.
package dcat

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Site writes the catalogue out.
type Site struct {
	Catalog  *catalog.Catalog
	Origin   string // public origin of the portal, without a slash at the end
	Gateway  string // of the gateway, the same
	Province string // as "Quảng Ngãi"
}

// Before answers what programs ask for and leaves the rest to the pages. Where
// one address has a page and a description, the Accept header decides (RFC
// 9110 §12.5.1): the page, unless a syntax of RDF is preferred to HTML.
func (s *Site) Before(pages http.Handler) http.Handler {
	r := mux.NewRouter().SkipClean(true)
	r.NotFoundHandler, r.MethodNotAllowedHandler = pages, pages
	on := func(path string, h problem.HandlerFunc) *mux.Route {
		return r.Handle(path, open(func(w http.ResponseWriter, r *http.Request) error { return pg.WhenAway(h(w, r)) })).
			Methods(http.MethodGet, http.MethodHead, http.MethodOptions)
	}
	const endings = `{ending:ttl|rdf|xml|jsonld}`
	on("/catalog."+endings, s.catalogue)
	on("/dataset/{slug}."+endings, s.dataset)
	on("/dataset/{slug}/croissant.jsonld", s.croissant)
	on("/data.json", s.dataJSON)
	on("/feeds/dataset.atom", s.feed)
	on("/feeds/organization/{slug}.atom", s.agencyFeed)
	on("/catalog", negotiated(s.catalogue)).MatcherFunc(wantsRDF)
	on("/dataset/{slug}", negotiated(s.dataset)).MatcherFunc(wantsRDF)
	r.Handle("/catalog", vary(http.RedirectHandler("/search?kind=dataset", http.StatusSeeOther))).Methods(http.MethodGet, http.MethodHead)
	r.Handle("/dataset/{slug}", vary(pages))
	return r
}

// open lets every site's scripts read the answers (CORS): they are everybody's
// and no cookie counts.
func open(h problem.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method == http.MethodOptions {
			w.Header().Set("Allow", "GET, HEAD, OPTIONS")
			w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD")
			w.Header().Set("Access-Control-Allow-Headers", "Accept, If-None-Match, If-Modified-Since")
			w.Header().Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Access-Control-Expose-Headers", "ETag, Last-Modified, Link, Content-Location")
		h.ServeHTTP(w, r)
	})
}

// vary says that the answer depends on what was accepted.
func vary(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		h.ServeHTTP(w, r)
	})
}

// negotiated serves a handler of addresses with an ending where there is none.
func negotiated(h problem.HandlerFunc) problem.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Add("Vary", "Accept")
		if s, ok := preferred(strings.Join(r.Header.Values("Accept"), ",")); ok {
			mux.Vars(r)["ending"] = s.ending
			w.Header().Set("Content-Location", r.URL.Path+"."+s.ending)
		}
		return h(w, r)
	}
}

// wantsRDF reports whether a request prefers a syntax of RDF to a page.
func wantsRDF(r *http.Request, _ *mux.RouteMatch) bool {
	_, ok := preferred(strings.Join(r.Header.Values("Accept"), ","))
	return ok
}
