package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

// lifeRoutes are how a version ends, and who is told.
func (a *API) lifeRoutes(r routes) {
	r.post("/versions/{id}/deprecate", a.deprecateVersion)
	r.post("/versions/{id}/keep", a.keepVersion)
	r.post("/versions/{id}/retire", a.retireVersion)
	r.get("/versions/{id}/callers", a.listCallers)
	r.get("/versions/{id}/notices", a.listNotices)
}

// deprecateVersion answers POST /versions/{id}/deprecate.
//
//	@Summary	Announce the end of a published version, or put off the day that was announced
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string			true	"id of the version"
//	@Param		body	body		catalog.Ending	true	"when it ends, and what takes its place"
//	@Success	200		{object}	catalog.Version
//	@Router		/versions/{id}/deprecate [post]
func (a *API) deprecateVersion(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, e catalog.Ending) (catalog.Version, error) {
		return a.Catalog.DeprecateVersion(ctx, who, id, e)
	})
}

// keeping says why a version stays.
type keeping struct {
	Reason string `json:"reason"` // at most 1,000 characters; those who call it are told
}

// keepVersion answers POST /versions/{id}/keep.
//
//	@Summary	Take the announcement of a version's end back, before the day has come
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string	true	"id of the version"
//	@Param		body	body		keeping	true	"why"
//	@Success	200		{object}	catalog.Version
//	@Router		/versions/{id}/keep [post]
func (a *API) keepVersion(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, k keeping) (catalog.Version, error) {
		return a.Catalog.KeepVersion(ctx, who, id, k.Reason)
	})
}

// retireVersion answers POST /versions/{id}/retire.
//
//	@Summary	End a version now: its calls are answered 410
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	catalog.Version
//	@Router		/versions/{id}/retire [post]
func (a *API) retireVersion(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.RetireVersion)
}

// listCallers answers GET /versions/{id}/callers.
//
//	@Summary	Applications that called a version within 90 days, or hold agreements on it
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	items[catalog.Caller]
//	@Router		/versions/{id}/callers [get]
func (a *API) listCallers(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.Caller], error) {
		list, err := a.Catalog.Callers(ctx, who, id)
		return items[catalog.Caller]{Items: list}, err
	})
}

// listNotices answers GET /versions/{id}/notices.
//
//	@Summary	What those who call a version were told of its end, and will be
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	items[catalog.ToldNotice]
//	@Router		/versions/{id}/notices [get]
func (a *API) listNotices(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.ToldNotice], error) {
		list, err := a.Catalog.Notices(ctx, who, id)
		return items[catalog.ToldNotice]{Items: list}, err
	})
}
