package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

func (a *API) alikeRoutes(r routes) {
	r.get("/versions/{id}/alike", a.listAlikeVersion)
	r.get("/datasets/{slug}/alike", a.listAlikeDataset)
}

// listAlikeVersion answers GET /versions/{id}/alike.
//
//	@Summary	What is public already and answers the same fields, at most five
//	@Tags		apis
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	items[catalog.Alike]
//	@Router		/versions/{id}/alike [get]
func (a *API) listAlikeVersion(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.Alike], error) {
		list, err := a.Catalog.AlikeVersion(ctx, who, id)
		return items[catalog.Alike]{Items: list}, err
	})
}

// listAlikeDataset answers GET /datasets/{slug}/alike.
//
//	@Summary	What is public already and has the same columns, at most five
//	@Tags		datasets
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	items[catalog.Alike]
//	@Router		/datasets/{slug}/alike [get]
func (a *API) listAlikeDataset(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.Alike], error) {
		d, err := a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
		if err != nil {
			return items[catalog.Alike]{}, err
		}
		list, err := a.Catalog.AlikeDataset(ctx, who, d.ID)
		return items[catalog.Alike]{Items: list}, err
	})
}
