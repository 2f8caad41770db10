package portal

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
)

func (a *API) applicationRoutes(r routes) {
	r.get("/applications", a.listApplications)
	r.post("/applications", a.createApplication)
	r.get("/applications/{id}", a.showApplication)
	r.put("/applications/{id}", a.editApplication)
	r.remove("/applications/{id}", a.disableApplication)
	r.post("/applications/{id}/transfer", a.transferApplication)
	r.get("/applications/{id}/keys", a.listKeys)
	r.put("/applications/{id}/keys", a.setKeys)
}

// listApplications answers GET /applications.
//
//	@Summary	The caller's applications, newest first
//	@Tags		applications
//	@Security	bearer
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[auth.Application]
//	@Router		/applications [get]
func (a *API) listApplications(w http.ResponseWriter, r *http.Request) error {
	page, err := pageOf(r)
	if err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[auth.Application], error) {
		list, next, err := a.Auth.Applications(ctx, who, page)
		return items[auth.Application]{list, next}, err
	})
}

// applicationText is what people say of an application.
type applicationText struct {
	Agency       uuid.UUID `json:"agency"` // the owner; null: the caller
	Name         string    `json:"name"`
	Description  string    `json:"description"`
	Kind         string    `json:"kind"` // confidential, public; "" is confidential
	RedirectURIs []string  `json:"redirect_uris"`
	auth.Protocol
}

func (t applicationText) application() auth.NewApplication {
	return auth.NewApplication{Agency: t.Agency, Name: t.Name, Description: t.Description, Kind: t.Kind, RedirectURIs: t.RedirectURIs, Protocol: t.Protocol}
}

// issuedApplication is an application with its first credentials, shown once.
type issuedApplication struct {
	auth.Application
	Credentials []auth.Issued `json:"credentials"`
}

// createApplication answers POST /applications.
//
//	@Summary	Register an application; its key and secret are shown once
//	@Tags		applications
//	@Security	bearer
//	@Param		body	body		applicationText	true	"what it is"
//	@Success	201		{object}	issuedApplication
//	@Router		/applications [post]
func (a *API) createApplication(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", showsSecret)
	return create(a, w, r, func(ctx context.Context, who auth.Principal, t applicationText) (issuedApplication, string, error) {
		made, issued, err := a.Auth.CreateApplication(ctx, who, t.application())
		return issuedApplication{made, issued}, "/applications/" + made.ID.String(), err
	})
}

// ownApplication is one that who works on.
func (a *API) ownApplication(ctx context.Context, who auth.Principal, id uuid.UUID) (auth.Application, error) {
	return a.Auth.Worked(ctx, who, id)
}

// showApplication answers GET /applications/{id}.
//
//	@Summary	One of the caller's applications
//	@Tags		applications
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	auth.Application
//	@Router		/applications/{id} [get]
func (a *API) showApplication(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.ownApplication)
}

// editApplication answers PUT /applications/{id}.
//
//	@Summary	Change what is said of an application
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path		string			true	"id"
//	@Param		body	body		applicationText	true	"what it is"
//	@Success	200		{object}	auth.Application
//	@Router		/applications/{id} [put]
func (a *API) editApplication(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, t applicationText) (auth.Application, error) {
		return guarded(r, func() (auth.Application, error) { return a.ownApplication(ctx, who, id) },
			func() (auth.Application, error) { return a.Auth.EditApplication(ctx, who, id, t.application()) })
	})
}

// disableApplication answers DELETE /applications/{id}.
//
//	@Summary	End an application: none of its keys and tokens work any more
//	@Tags		applications
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/applications/{id} [delete]
func (a *API) disableApplication(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.DisableApplication)
}

// listKeys answers GET /applications/{id}/keys.
//
//	@Summary	The public keys that an application proves itself with (private_key_jwt)
//	@Tags		applications
//	@Security	bearer
//	@Param		id	path		string	true	"id of the application"
//	@Success	200	{object}	items[auth.ApplicationKey]
//	@Router		/applications/{id}/keys [get]
func (a *API) listKeys(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.ownKeys)
}

func (a *API) ownKeys(ctx context.Context, who auth.Principal, id uuid.UUID) (items[auth.ApplicationKey], error) {
	list, err := a.Auth.Keys(ctx, who, id)
	return items[auth.ApplicationKey]{Items: list}, err
}

// keySet is a JWK set (RFC 7517, section 5) of public keys, and more of them in PEM.
type keySet struct {
	Keys []json.RawMessage `json:"keys" swaggertype:"array,object"`
	PEM  string            `json:"pem,omitempty"` // beside keys: blocks BEGIN PUBLIC KEY or BEGIN CERTIFICATE; each gets its RFC 7638 thumbprint as kid
}

// setKeys answers PUT /applications/{id}/keys.
//
//	@Summary	Set the public keys of an application, in the place of those it had; a JWK set, or PEM, at most five keys
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path		string	true	"id of the application"
//	@Param		body	body		keySet	true	"the keys: EC P-256, RSA of 2048 to 4096 bits, or Ed25519"
//	@Success	200		{object}	items[auth.ApplicationKey]
//	@Router		/applications/{id}/keys [put]
func (a *API) setKeys(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, set keySet) (items[auth.ApplicationKey], error) {
		return guarded(r, func() (items[auth.ApplicationKey], error) { return a.ownKeys(ctx, who, id) }, func() (items[auth.ApplicationKey], error) {
			keys, err := withPEM(set.Keys, set.PEM)
			if err != nil {
				return items[auth.ApplicationKey]{}, err
			}
			list, err := a.Auth.SetKeys(ctx, who, id, keys)
			return items[auth.ApplicationKey]{Items: list}, err
		})
	})
}

// heir is the agency that an application goes to.
type heir struct {
	Agency uuid.UUID `json:"agency"`
}

// transferApplication answers POST /applications/{id}/transfer.
//
//	@Summary	Give a person's application to an agency that the caller speaks for
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		body	body		heir	true	"to whom"
//	@Success	200		{object}	auth.Application
//	@Router		/applications/{id}/transfer [post]
func (a *API) transferApplication(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, to heir) (auth.Application, error) {
		return a.Auth.TransferApplication(ctx, who, id, to.Agency)
	})
}
