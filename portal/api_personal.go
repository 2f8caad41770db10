package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

func (a *API) personalRoutes(r routes) {
	r.get("/datasets/{slug}/personal", a.listPersonal)
	r.post("/datasets/{slug}/personal", a.decidePersonal)
}

// listPersonal answers GET /datasets/{slug}/personal.
//
//	@Summary	What looks like personal data in a dataset, masked, for its agency's people
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	items[catalog.PersonalFinding]
//	@Router		/datasets/{slug}/personal [get]
func (a *API) listPersonal(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.PersonalFinding], error) {
		d, err := a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
		if err != nil {
			return items[catalog.PersonalFinding]{}, err
		}
		list, err := a.Catalog.PersonalFindings(ctx, who, d.ID)
		return items[catalog.PersonalFinding]{Items: list}, err
	})
}

// decidePersonal answers POST /datasets/{slug}/personal.
//
//	@Summary	Decide on what looks like personal data in one place, with the reason
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string						true	"slug"
//	@Param		body	body		catalog.PersonalDecision	true	"place, decision, ground and reason"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/personal [post]
func (a *API) decidePersonal(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Dataset, error) {
		said, err := decode[catalog.PersonalDecision](w, r)
		if err != nil {
			return catalog.Dataset{}, err
		}
		return a.Catalog.DecidePersonal(ctx, who, id, said)
	})
}
