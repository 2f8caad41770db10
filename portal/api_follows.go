package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

func (a *API) followRoutes(r routes) {
	r.get("/me/follows", a.listFollows)
	r.put("/me/follows", a.setDigest)
	r.put("/me/follows/{kind}/{id}", a.follow)
	r.remove("/me/follows/{kind}/{id}", a.unfollow)
}

// digestChoice is how often a person is written to.
type digestChoice struct {
	Every string `json:"every"` // daily, weekly
}

// listFollows answers GET /me/follows.
//
//	@Summary	What one follows, and how often the digest comes
//	@Tags		people
//	@Security	bearer
//	@Success	200	{object}	catalog.Follows
//	@Router		/me/follows [get]
func (a *API) listFollows(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, a.Catalog.Follows)
}

// setDigest answers PUT /me/follows.
//
//	@Summary	Say how often the digest comes
//	@Tags		people
//	@Security	bearer
//	@Param		body	body		digestChoice	true	"daily or weekly"
//	@Success	200		{object}	catalog.Follows
//	@Router		/me/follows [put]
func (a *API) setDigest(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	choice, err := decode[digestChoice](w, r)
	if err != nil {
		return err
	}
	if err := a.Catalog.SetDigest(r.Context(), who, choice.Every); err != nil {
		return err
	}
	return show(a, w, r, a.Catalog.Follows)
}

// follow answers PUT /me/follows/{kind}/{id}.
//
//	@Summary	Follow a public dataset, an API or an agency
//	@Tags		people
//	@Security	bearer
//	@Param		kind	path		string	true	"dataset, api, agency"
//	@Param		id		path		string	true	"id"
//	@Success	200		{object}	catalog.Follows
//	@Router		/me/follows/{kind}/{id} [put]
func (a *API) follow(w http.ResponseWriter, r *http.Request) error {
	return a.followed(w, r, a.Catalog.Follow)
}

// unfollow answers DELETE /me/follows/{kind}/{id}.
//
//	@Summary	Follow it no longer
//	@Tags		people
//	@Security	bearer
//	@Param		kind	path		string	true	"dataset, api, agency"
//	@Param		id		path		string	true	"id"
//	@Success	200		{object}	catalog.Follows
//	@Router		/me/follows/{kind}/{id} [delete]
func (a *API) unfollow(w http.ResponseWriter, r *http.Request) error {
	return a.followed(w, r, a.Catalog.Unfollow)
}

func (a *API) followed(w http.ResponseWriter, r *http.Request, do func(context.Context, auth.Principal, string, uuid.UUID) error) error {
	return change(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Follows, error) {
		if err := do(ctx, who, mux.Vars(r)["kind"], id); err != nil {
			return catalog.Follows{}, err
		}
		return a.Catalog.Follows(ctx, who)
	})
}
