package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

func (a *API) reuseRoutes(r routes) {
	r.get("/reuses", a.listReuses)
	r.get("/reuses/{id}", a.showReuse)
	r.remove("/reuses/{id}", a.dropReuse)
	r.post("/reuses/{id}/decide", a.decideReuse)
	r.post("/datasets/{slug}/reuses", a.addReuse)
	r.get("/me/reuses", a.listOwnReuses)
	r.get("/agencies/{id}/reuses", a.listAgencyReuses)
}

// listReuses answers GET /reuses.
//
//	@Summary	What people made of the data, as stewards approved it; newest first
//	@Tags		people
//	@Param		dataset	query		string	false	"id of a dataset"
//	@Param		kind	query		string	false	"app, service, picture, article, study, other"
//	@Param		theme	query		string	false	"code, of the dataset"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[catalog.Reuse]
//	@Router		/reuses [get]
func (a *API) listReuses(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "dataset", "kind", "theme", "limit", "after")
	if err != nil {
		return err
	}
	f := catalog.ReuseFilter{Kind: values.Get("kind"), Theme: values.Get("theme"), After: values.Get("after")}
	if f.Dataset, err = idOf(values, "dataset"); err != nil {
		return err
	}
	if f.Limit, err = limitOf(values); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[catalog.Reuse], error) {
		list, next, err := a.Catalog.Reuses(ctx, f)
		return items[catalog.Reuse]{list, next}, err
	})
}

// showReuse answers GET /reuses/{id}.
//
//	@Summary	One reuse; one that waits or was refused to who added it and who decides
//	@Tags		people
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.Reuse
//	@Router		/reuses/{id} [get]
func (a *API) showReuse(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Catalog.Reuse)
}

// dropReuse answers DELETE /reuses/{id}.
//
//	@Summary	Take back what one added
//	@Tags		people
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/reuses/{id} [delete]
func (a *API) dropReuse(w http.ResponseWriter, r *http.Request) error {
	return a.drop(w, r, a.Catalog.DropReuse)
}

// decideReuse answers POST /reuses/{id}/decide.
//
//	@Summary	Show a reuse to everybody, or refuse it with the reason; who added it gets a letter
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string					true	"id"
//	@Param		body	body		catalog.ReuseDecision	true	"shown or refused, the reason"
//	@Success	200		{object}	catalog.Reuse
//	@Router		/reuses/{id}/decide [post]
func (a *API) decideReuse(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Catalog.DecideReuse)
}

// addReuse answers POST /datasets/{slug}/reuses.
//
//	@Summary	Say what one made of a public dataset; it waits for a steward
//	@Tags		people
//	@Security	bearer
//	@Param		slug	path		string				true	"slug"
//	@Param		body	body		catalog.ReuseText	true	"kind, titles, descriptions, address"
//	@Success	201		{object}	catalog.Reuse
//	@Router		/datasets/{slug}/reuses [post]
func (a *API) addReuse(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, text catalog.ReuseText) (catalog.Reuse, string, error) {
		d, err := a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
		if err != nil {
			return catalog.Reuse{}, "", err
		}
		made, err := a.Catalog.AddReuse(ctx, who, d.ID, text)
		return made, "/reuses/" + made.ID.String(), err
	})
}

// listOwnReuses answers GET /me/reuses.
//
//	@Summary	What one added, and how it stands
//	@Tags		people
//	@Security	bearer
//	@Success	200	{object}	items[catalog.Reuse]
//	@Router		/me/reuses [get]
func (a *API) listOwnReuses(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.Reuse], error) {
		list, err := a.Catalog.OwnReuses(ctx, who)
		return items[catalog.Reuse]{Items: list}, err
	})
}

// listAgencyReuses answers GET /agencies/{id}/reuses.
//
//	@Summary	Reuses of an agency's datasets in any state, those that wait for a steward first
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[catalog.Reuse]
//	@Router		/agencies/{id}/reuses [get]
func (a *API) listAgencyReuses(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.Reuse], error) {
		list, err := a.Catalog.AgencyReuses(ctx, who, id)
		return items[catalog.Reuse]{Items: list}, err
	})
}
