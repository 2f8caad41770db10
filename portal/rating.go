package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/web"
)

func (p *Portal) ratingRoutes(r *mux.Router) {
	r.Handle("/apis/{agency}/{api}/rating", p.page(p.rate)).Methods("POST")
}

// ratingForm is what an API's page says of its ratings, and the form that gives one.
type ratingForm struct {
	catalog.Ratings
	Topic    catalog.Topic
	Back     string // the page it stands on
	SignedIn bool
}

// Said is what the reader said: yes, no, "" for nothing.
func (f ratingForm) Said() string {
	switch {
	case f.Mine == nil:
		return ""
	case *f.Mine:
		return "yes"
	}
	return "no"
}

// rate answers POST /apis/{agency}/{api}/rating: useful=yes, no, or "" to take
// one's rating back.
func (p *Portal) rate(r *http.Request) (page, error) {
	t, err := p.topic(r)
	if err != nil {
		return page{}, err
	}
	ctx, who, told := r.Context(), whoever(r), "rating.said"
	if useful := r.PostFormValue("useful"); useful == "" {
		told = "rating.taken-back"
		_, err = p.Catalog.Unrate(ctx, who, t.ID)
	} else {
		_, err = p.Catalog.Rate(ctx, who, t.ID, useful == "yes")
	}
	if err != nil {
		return page{}, err
	}
	to := t.Path
	if back := r.PostFormValue("back"); backFrom(back) == back {
		to = back
	}
	return page{To: to, Flash: &web.Flash{Key: told}}, nil
}

func (a *API) ratingRoutes(r routes) {
	r.get("/apis/{id}/rating", a.showRating)
	r.put("/apis/{id}/rating", a.setRating)
	r.remove("/apis/{id}/rating", a.removeRating)
}

// ratingGiven is what a person says of an API.
type ratingGiven struct {
	Useful bool `json:"useful"`
}

// showRating answers GET /apis/{id}/rating.
//
//	@Summary	How many of those whose applications call an API find it useful, and what one said oneself
//	@Tags		people
//	@Param		id	path		string	true	"id of the API"
//	@Success	200	{object}	catalog.Ratings
//	@Router		/apis/{id}/rating [get]
func (a *API) showRating(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Catalog.Ratings)
}

// setRating answers PUT /apis/{id}/rating.
//
//	@Summary	Say whether one finds an API useful: who works on an application that called it within 90 days, once, to be changed at any time
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string		true	"id of the API"
//	@Param		body	body		ratingGiven	true	"useful or not"
//	@Success	200		{object}	catalog.Ratings
//	@Router		/apis/{id}/rating [put]
func (a *API) setRating(w http.ResponseWriter, r *http.Request) error {
	given, err := decode[ratingGiven](w, r)
	if err != nil {
		return err
	}
	return change(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Ratings, error) {
		return a.Catalog.Rate(ctx, who, id, given.Useful)
	})
}

// removeRating answers DELETE /apis/{id}/rating.
//
//	@Summary	Take one's rating of an API back
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id of the API"
//	@Success	200	{object}	catalog.Ratings
//	@Router		/apis/{id}/rating [delete]
func (a *API) removeRating(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.Unrate)
}
