package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

func (a *API) searchRoutes(r routes) {
	r.get("/search", a.search)
	r.get("/suggest", a.suggest)
	r.post("/search/reindex", a.reindex)
	r.get("/synonyms", a.listSynonyms)
	r.post("/synonyms", a.addSynonym)
	r.put("/synonyms/{id}", a.editSynonym)
	r.remove("/synonyms/{id}", a.dropSynonym)
	r.get("/me/searches", a.listSearches)
	r.post("/me/searches", a.saveSearch)
	r.get("/me/searches/{id}/new", a.newOfSearch)
	r.remove("/me/searches/{id}", a.dropSearch)
	r.put("/me/searches/{id}/letters", a.tellOfSearch)
	r.remove("/me/searches/{id}/letters", a.tellNoMore)
}

// search answers GET /search.
//
//	@Summary	Search datasets, APIs, their operations and guides as people type, with or without marks
//	@Tags		search
//	@Param		q		query		string	false	"what is looked for; none: datasets and APIs, newest first"
//	@Param		kind	query		string	false	"dataset, api, operation, document"
//	@Param		agency	query		string	false	"slug"
//	@Param		theme	query		string	false	"code"
//	@Param		format	query		string	false	"CSV, XLSX …"
//	@Param		licence	query		string	false	"code"
//	@Param		access	query		string	false	"open, restricted, personal"
//	@Param		sort	query		string	false	"used: the most used of the last twelve months first; none: the best first, of a list the newest"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	catalog.SearchAnswer
//	@Router		/search [get]
func (a *API) search(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "q", "kind", "agency", "theme", "format", "licence", "access", "sort", "limit", "after")
	if err != nil {
		return err
	}
	q := findQuery(values)
	if q.Limit, err = limitOf(values); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (catalog.SearchAnswer, error) {
		return a.Catalog.Find(ctx, q)
	})
}

// suggest answers GET /suggest.
//
//	@Summary	At most 8 datasets, APIs, agencies and keywords that hold what was typed so far
//	@Tags		search
//	@Param		q	query		string	true	"typed so far; the last word may be only begun"
//	@Success	200	{object}	items[catalog.Suggestion]
//	@Router		/suggest [get]
func (a *API) suggest(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "q")
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[catalog.Suggestion], error) {
		list, err := a.Catalog.Suggest(ctx, values.Get("q"))
		return items[catalog.Suggestion]{Items: list}, err
	})
}

// reindexed is what was indexed anew.
type reindexed struct {
	Indexed int `json:"indexed"` // datasets and APIs
}

// reindex answers POST /search/reindex.
//
//	@Summary	Write the search index anew; search stays up meanwhile
//	@Tags		search
//	@Security	bearer
//	@Success	200	{object}	reindexed
//	@Router		/search/reindex [post]
func (a *API) reindex(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	n, err := a.Catalog.ReindexFor(r.Context(), who)
	if err != nil {
		return err
	}
	return answer(w, r, reindexed{n})
}

// listSynonyms answers GET /synonyms.
//
//	@Summary	Abbreviations, lay words and former names that search knows
//	@Tags		search
//	@Success	200	{object}	items[catalog.Synonym]
//	@Router		/synonyms [get]
func (a *API) listSynonyms(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[catalog.Synonym], error) {
		list, err := a.Catalog.Synonyms(ctx)
		return items[catalog.Synonym]{Items: list}, err
	})
}

// addSynonym answers POST /synonyms.
//
//	@Summary	Add a synonym, in force with the next search
//	@Tags		search
//	@Security	bearer
//	@Param		body	body		catalog.SynonymText	true	"term, meaning, kind"
//	@Success	201		{object}	catalog.Synonym
//	@Router		/synonyms [post]
func (a *API) addSynonym(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, text catalog.SynonymText) (catalog.Synonym, string, error) {
		s, err := a.Catalog.AddSynonym(ctx, who, text)
		return s, "/synonyms/" + s.ID.String(), err
	})
}

// editSynonym answers PUT /synonyms/{id}.
//
//	@Summary	Replace a synonym
//	@Tags		search
//	@Security	bearer
//	@Param		id		path		string				true	"id"
//	@Param		body	body		catalog.SynonymText	true	"term, meaning, kind"
//	@Success	200		{object}	catalog.Synonym
//	@Router		/synonyms/{id} [put]
func (a *API) editSynonym(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Catalog.EditSynonym)
}

// dropSynonym answers DELETE /synonyms/{id}.
//
//	@Summary	Take a synonym out
//	@Tags		search
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/synonyms/{id} [delete]
func (a *API) dropSynonym(w http.ResponseWriter, r *http.Request) error {
	return a.drop(w, r, a.Catalog.DropSynonym)
}

// drop answers DELETE of the object whose id stands in the path.
func (a *API) drop(w http.ResponseWriter, r *http.Request, do func(context.Context, auth.Principal, uuid.UUID) error) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := do(r.Context(), who, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listSearches answers GET /me/searches.
//
//	@Summary	The searches that the caller keeps, each with how much is new since they last looked
//	@Tags		search
//	@Security	bearer
//	@Success	200	{object}	items[catalog.SavedSearch]
//	@Router		/me/searches [get]
func (a *API) listSearches(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	list, err := a.Catalog.SavedSearches(r.Context(), who)
	if err != nil {
		return err
	}
	return answer(w, r, items[catalog.SavedSearch]{Items: list})
}

// saveSearch answers POST /me/searches.
//
//	@Summary	Keep a search
//	@Tags		search
//	@Security	bearer
//	@Param		body	body		catalog.SavedQuery	true	"what was typed, and the filters"
//	@Success	201		{object}	catalog.SavedSearch
//	@Router		/me/searches [post]
func (a *API) saveSearch(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, q catalog.SavedQuery) (catalog.SavedSearch, string, error) {
		s, err := a.Catalog.SaveSearch(ctx, who, q)
		return s, "/me/searches/" + s.ID.String(), err
	})
}

// newHits is what a kept search finds that it did not before.
type newHits struct {
	Hits  []catalog.Hit `json:"hits"` // at most 20
	Total int           `json:"total"`
}

// newOfSearch answers GET /me/searches/{id}/new.
//
//	@Summary	What a kept search finds that was not there at a moment
//	@Tags		search
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		since	query		string	false	"RFC 3339; none: when the caller last looked"
//	@Success	200		{object}	newHits
//	@Router		/me/searches/{id}/new [get]
func (a *API) newOfSearch(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "since")
	if err != nil {
		return err
	}
	since, err := timeOf(values, "since")
	if err != nil {
		return err
	}
	return change(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (newHits, error) {
		s, err := a.Catalog.SavedSearch(ctx, who, id)
		if err != nil {
			return newHits{}, err
		}
		if since.IsZero() {
			since = s.SeenAt
		}
		hits, total, err := a.Catalog.NewSince(ctx, s.SavedQuery, since)
		return newHits{hits, total}, err
	})
}

// dropSearch answers DELETE /me/searches/{id}.
//
//	@Summary	Forget a search
//	@Tags		search
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/me/searches/{id} [delete]
func (a *API) dropSearch(w http.ResponseWriter, r *http.Request) error {
	return a.drop(w, r, a.Catalog.DropSearch)
}

// tellOfSearch answers PUT /me/searches/{id}/letters.
//
//	@Summary	Have the digest tell what is new for a kept search; PUT /me/follows says how often it comes
//	@Tags		search
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.SavedSearch
//	@Router		/me/searches/{id}/letters [put]
func (a *API) tellOfSearch(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.TellOfSearch)
}

// tellNoMore answers DELETE /me/searches/{id}/letters.
//
//	@Summary	Have the digest tell of it no more
//	@Tags		search
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.SavedSearch
//	@Router		/me/searches/{id}/letters [delete]
func (a *API) tellNoMore(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.TellNoMore)
}
