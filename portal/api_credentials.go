package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
)

func (a *API) credentialRoutes(r routes) {
	r.get("/applications/{id}/credentials", a.listCredentials)
	r.post("/applications/{id}/credentials", a.addCredential)
	r.post("/applications/{id}/revoke-everything", a.revokeEverything)
	r.post("/credentials/{id}/rotate", a.rotateCredential)
	r.put("/credentials/{id}", a.limitCredential)
	r.remove("/credentials/{id}", a.revokeCredential)
}

// listCredentials answers GET /applications/{id}/credentials.
//
//	@Summary	Keys and secrets of an application, without the secrets themselves
//	@Tags		applications
//	@Security	bearer
//	@Param		id	path		string	true	"id of the application"
//	@Success	200	{object}	items[auth.Credential]
//	@Router		/applications/{id}/credentials [get]
func (a *API) listCredentials(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[auth.Credential], error) {
		list, err := a.Auth.Credentials(ctx, who, id)
		return items[auth.Credential]{Items: list}, err
	})
}

// limits are what an owner says of a credential.
type limits struct {
	Name     string      `json:"name"`     // at most 120 characters
	Networks []string    `json:"networks"` // from where it may be used, as 203.0.113.7 or 10.1.0.0/16; at most 10, none: anywhere
	Versions []uuid.UUID `json:"versions"` // of APIs that a key may call; at most 50, none: all its application may
	Scopes   []string    `json:"scopes"`   // of a key: "read" for GET and HEAD only; "{version}/{operation}" for, on one of versions, at most 100 operations; none: all its application may
}

// newCredential is a credential to be made.
type newCredential struct {
	Kind string `json:"kind"` // api_key, client_secret
	Days int    `json:"days"` // how long it lasts, 1 to 365; 0 is 365
	limits
}

// addCredential answers POST /applications/{id}/credentials.
//
//	@Summary	Make a further key or secret; it is shown once, and two of a kind may live at once
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path		string			true	"id of the application"
//	@Param		body	body		newCredential	true	"which kind, for how long, and its limits"
//	@Success	201		{object}	auth.Issued
//	@Router		/applications/{id}/credentials [post]
func (a *API) addCredential(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", showsSecret)
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n newCredential) (auth.Issued, string, error) {
		issued, err := a.Auth.AddCredential(ctx, who, id, auth.NewCredential{Kind: n.Kind, Days: n.Days, Limits: auth.Limits(n.limits)})
		return issued, "/applications/" + id.String() + "/credentials", err
	})
}

// rotation says how long the old credential lives on.
type rotation struct {
	OverlapHours *int `json:"overlap_hours"` // 0 ends it now; at most 2160 (90 days); absent: 24
}

// rotateCredential answers POST /credentials/{id}/rotate.
//
//	@Summary	Replace a key or secret; the new one is shown once, the old one lives on for the overlap
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path		string		true	"id of the credential"
//	@Param		body	body		rotation	true	"how long the old one lives on"
//	@Success	201		{object}	auth.Issued
//	@Router		/credentials/{id}/rotate [post]
func (a *API) rotateCredential(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", showsSecret)
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n rotation) (auth.Issued, string, error) {
		overlap := auth.DefaultOverlap
		if n.OverlapHours != nil {
			overlap = overlapOf(*n.OverlapHours)
		}
		issued, err := a.Auth.RotateCredential(ctx, who, id, overlap)
		return issued, "/applications/" + issued.Application.String() + "/credentials", err
	})
}

// revokeCredential answers DELETE /credentials/{id}.
//
//	@Summary	End a key or secret now
//	@Tags		applications
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/credentials/{id} [delete]
func (a *API) revokeCredential(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.RevokeCredential)
}

// limitCredential answers PUT /credentials/{id}.
//
//	@Summary	Name a key or secret and limit it to networks and, a key, to reading, versions of APIs and operations; in force within a second
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path		string	true	"id of the credential"
//	@Param		body	body		limits	true	"its name and limits"
//	@Success	200		{object}	auth.Credential
//	@Router		/credentials/{id} [put]
func (a *API) limitCredential(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, l limits) (auth.Credential, error) {
		return a.Auth.LimitCredential(ctx, who, id, auth.Limits(l))
	})
}

// leaked says which credential is in strange hands.
type leaked struct {
	Credential uuid.UUID `json:"credential"` // null: all of them, public keys too
}

// revokeEverything answers POST /applications/{id}/revoke-everything.
//
//	@Summary	After a leak: end a credential, or all, and with it every token and grant of the application; in force within a second
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path		string	true	"id of the application"
//	@Param		body	body		leaked	true	"which credential"
//	@Success	200		{object}	auth.Ended
//	@Router		/applications/{id}/revoke-everything [post]
func (a *API) revokeEverything(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, l leaked) (auth.Ended, error) {
		return a.Auth.RevokeEverything(ctx, who, id, l.Credential)
	})
}
