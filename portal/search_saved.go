package portal

import (
	"net/http"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// searchRoutes are the pages about searches that people keep, and about the
// words that search knows.
func (p *Portal) searchRoutes(r *mux.Router) {
	r.Handle("/account/searches", p.page(p.savedSearches)).Methods("GET", "HEAD")
	r.Handle("/account/searches", p.page(p.saveSearch)).Methods("POST")
	r.Handle("/account/searches/{id}/open", p.page(p.openSearch)).Methods("POST")
	r.Handle("/account/searches/{id}/drop", p.page(p.dropSearch)).Methods("POST")
	r.Handle("/account/searches/{id}/letters", p.page(p.tellOfSearch)).Methods("POST")
	r.Handle("/operator/synonyms", p.page(p.synonyms)).Methods("GET", "HEAD")
	r.Handle("/operator/synonyms", p.page(p.addSynonym)).Methods("POST")
	r.Handle("/operator/synonyms/{id}", p.page(p.synonymForm)).Methods("GET", "HEAD")
	r.Handle("/operator/synonyms/{id}", p.page(p.editSynonym)).Methods("POST")
	r.Handle("/operator/synonyms/{id}/drop", p.page(p.dropSynonym)).Methods("POST")
}

// savedSearches answers GET /account/searches.
func (p *Portal) savedSearches(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	list, err := p.Catalog.SavedSearches(r.Context(), who)
	return page{Name: "account-searches", Data: list}, err
}

// saveSearch answers POST /account/searches: the search whose results were shown.
func (p *Portal) saveSearch(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	q := findQuery(r.PostForm)
	saved := catalog.SavedQuery{Query: q.Text, Kind: q.Kind, Agency: q.Agency, Theme: q.Theme, Format: q.Format, Licence: q.Licence, Access: q.Access}
	_, err = p.Catalog.SaveSearch(r.Context(), who, saved)
	if problem.Code(err) == "search-kept" {
		err = nil // that is what was wanted
	}
	return page{To: "/account/searches", Flash: &web.Flash{Key: "find.saved"}}, err
}

// openSearch answers POST /account/searches/{id}/open: the results, which are
// new to the person no longer.
func (p *Portal) openSearch(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	s, err := p.Catalog.SeeSearch(r.Context(), who, id)
	return page{To: s.Address()}, err
}

// tellOfSearch answers POST /account/searches/{id}/letters; letters=no ends it.
func (p *Portal) tellOfSearch(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	do, told := p.Catalog.TellOfSearch, "told.begun"
	if r.PostFormValue("letters") == "no" {
		do, told = p.Catalog.TellNoMore, "told.ended"
	}
	if _, err := do(r.Context(), who, id); err != nil {
		return page{}, err
	}
	return page{To: "/account/searches", Flash: &web.Flash{Key: told}}, nil
}

// dropSearch answers POST /account/searches/{id}/drop.
func (p *Portal) dropSearch(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	if err := p.Catalog.DropSearch(r.Context(), who, id); err != nil {
		return page{}, err
	}
	return page{To: "/account/searches", Flash: &web.Flash{Key: "find.dropped"}}, nil
}
