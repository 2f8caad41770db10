package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/gateway"
)

// showDrift answers GET /versions/{id}/drift.
//
//	@Summary	Where calls of a version are not as its document describes them, the most often seen first; for its publishers
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	items[gateway.Drift]
//	@Router		/versions/{id}/drift [get]
func (a *API) showDrift(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[gateway.Drift], error) {
		list, err := a.Drifts.List(ctx, who, id)
		return items[gateway.Drift]{Items: list}, err
	})
}

// clearDrift answers DELETE /versions/{id}/drift.
//
//	@Summary	Forget where calls of a version were not as its document describes them
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path	string	true	"id of the version"
//	@Success	204
//	@Router		/versions/{id}/drift [delete]
func (a *API) clearDrift(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Drifts.Clear)
}
