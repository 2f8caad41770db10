package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

func (a *API) anonymityRoutes(r routes) {
	r.get("/datasets/{slug}/anonymity", a.listAnonymity)
	r.put("/datasets/{slug}/distributions/{id}/anonymity", a.setAnonymity)
	r.post("/datasets/{slug}/distributions/{id}/anonymity/allow", a.allowSmallGroups)
}

// listAnonymity answers GET /datasets/{slug}/anonymity.
//
//	@Summary	Which columns of a dataset's tables together could tell a person, and the groups found too small; for its agency's people
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	items[catalog.Anonymity]
//	@Router		/datasets/{slug}/anonymity [get]
func (a *API) listAnonymity(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.Anonymity], error) {
		d, err := a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
		if err != nil {
			return items[catalog.Anonymity]{}, err
		}
		list, err := a.Catalog.Anonymity(ctx, who, d.ID)
		return items[catalog.Anonymity]{Items: list}, err
	})
}

// setAnonymity answers PUT /datasets/{slug}/distributions/{id}/anonymity.
//
//	@Summary	Name the columns of a table that together could tell a person, and count the rows in groups smaller than k
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string					true	"slug"
//	@Param		id		path		string					true	"id of the distribution"
//	@Param		body	body		catalog.AnonymityText	true	"columns and k; no columns: look at it no more"
//	@Success	200		{object}	items[catalog.Anonymity]
//	@Router		/datasets/{slug}/distributions/{id}/anonymity [put]
func (a *API) setAnonymity(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, said catalog.AnonymityText) (items[catalog.Anonymity], error) {
		d, err := a.Catalog.SetAnonymity(ctx, who, id, said)
		return a.anonymityOf(ctx, who, d, err)
	})
}

// allowSmallGroups answers POST /datasets/{slug}/distributions/{id}/anonymity/allow.
//
//	@Summary	Let the small groups that were found be public, with the reason
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Param		id		path		string	true	"id of the distribution"
//	@Param		body	body		remark	true	"the reason"
//	@Success	200		{object}	items[catalog.Anonymity]
//	@Router		/datasets/{slug}/distributions/{id}/anonymity/allow [post]
func (a *API) allowSmallGroups(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, why remark) (items[catalog.Anonymity], error) {
		d, err := a.Catalog.AllowSmallGroups(ctx, who, id, why.Text)
		return a.anonymityOf(ctx, who, d, err)
	})
}

func (a *API) anonymityOf(ctx context.Context, who auth.Principal, d catalog.Dataset, err error) (items[catalog.Anonymity], error) {
	if err != nil {
		return items[catalog.Anonymity]{}, err
	}
	list, err := a.Catalog.Anonymity(ctx, who, d.ID)
	return items[catalog.Anonymity]{Items: list}, err
}
