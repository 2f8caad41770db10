package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
)

func (a *API) foreignRoutes(r routes) {
	r.get("/foreign-issuers", a.listForeignIssuers)
	r.post("/foreign-issuers", a.addForeignIssuer)
	r.put("/foreign-issuers/{id}", a.editForeignIssuer)
	r.remove("/foreign-issuers/{id}", a.removeForeignIssuer)
	r.put("/foreign-issuers/{id}/clients", a.setForeignClient)
}

// listForeignIssuers answers GET /foreign-issuers.
//
//	@Summary	Other authorization servers that versions may take tokens of, and which application each of their clients is; for the operator
//	@Tags		people
//	@Security	bearer
//	@Success	200	{object}	items[auth.ForeignIssuer]
//	@Router		/foreign-issuers [get]
func (a *API) listForeignIssuers(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[auth.ForeignIssuer], error) {
		list, err := a.Auth.ForeignIssuers(ctx, who)
		return items[auth.ForeignIssuer]{Items: list}, err
	})
}

// addForeignIssuer answers POST /foreign-issuers.
//
//	@Summary	Believe another authorization server, by what it says of its tokens (RFC 7662)
//	@Tags		people
//	@Security	bearer
//	@Param		body	body		auth.NewForeignIssuer	true	"where it is asked, as whom"
//	@Success	201		{object}	auth.ForeignIssuer
//	@Router		/foreign-issuers [post]
func (a *API) addForeignIssuer(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n auth.NewForeignIssuer) (auth.ForeignIssuer, string, error) {
		made, err := a.Auth.AddForeignIssuer(ctx, who, n)
		return made, "/foreign-issuers/" + made.ID.String(), err
	})
}

// editForeignIssuer answers PUT /foreign-issuers/{id}.
//
//	@Summary	Change how another authorization server is asked; without a secret, with the one it has
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string					true	"id"
//	@Param		body	body		auth.NewForeignIssuer	true	"all of it"
//	@Success	200		{object}	auth.ForeignIssuer
//	@Router		/foreign-issuers/{id} [put]
func (a *API) editForeignIssuer(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Auth.EditForeignIssuer)
}

// removeForeignIssuer answers DELETE /foreign-issuers/{id}.
//
//	@Summary	Believe an authorization server no longer, within a second
//	@Tags		people
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/foreign-issuers/{id} [delete]
func (a *API) removeForeignIssuer(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.RemoveForeignIssuer)
}

// setForeignClient answers PUT /foreign-issuers/{id}/clients.
//
//	@Summary	Say which application a client of another authorization server is; with an application of zeros, that it is none any more
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string				true	"id"
//	@Param		body	body		auth.ForeignClient	true	"client there, application here"
//	@Success	200		{object}	auth.ForeignClient
//	@Router		/foreign-issuers/{id}/clients [put]
func (a *API) setForeignClient(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, c auth.ForeignClient) (auth.ForeignClient, error) {
		return c, a.Auth.SetForeignClient(ctx, who, id, c)
	})
}
