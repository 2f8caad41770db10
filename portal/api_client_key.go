package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/gateway"
)

// clientKeyBody is a certificate and its key, both PEM.
type clientKeyBody struct {
	Certificate string `json:"certificate"` // with those that vouch for it, the holder's first
	Key         string `json:"key"`         // without a password; it is sealed, and never shown again
}

// showClientKey answers GET /versions/{id}/client-key.
//
//	@Summary	The certificate that the gateway shows the systems behind a version; for its agency's own people
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	gateway.ClientCertificate
//	@Router		/versions/{id}/client-key [get]
func (a *API) showClientKey(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (gateway.ClientCertificate, error) {
		if _, err := a.Catalog.Traffic(ctx, who, id); err != nil { // who sees that sees this
			return gateway.ClientCertificate{}, err
		}
		return a.ClientCertificate(ctx, id)
	})
}

// setClientKey answers PUT /versions/{id}/client-key.
//
//	@Summary	Let the gateway show the systems behind a version a certificate; of a published one, within a second
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string			true	"id of the version"
//	@Param		body	body		clientKeyBody	true	"certificate and key"
//	@Success	200		{object}	gateway.ClientCertificate
//	@Router		/versions/{id}/client-key [put]
func (a *API) setClientKey(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, b clientKeyBody) (gateway.ClientCertificate, error) {
		if b == (clientKeyBody{}) {
			b.Key = " " // which is told to be wrong; nothing at all would end it
		}
		if _, err := a.Catalog.SetClientKey(ctx, who, id, b.Certificate, b.Key); err != nil {
			return gateway.ClientCertificate{}, err
		}
		return a.ClientCertificate(ctx, id)
	})
}

// endClientKey answers DELETE /versions/{id}/client-key.
//
//	@Summary	Show the systems behind a version no certificate any more
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path	string	true	"id of the version"
//	@Success	204
//	@Router		/versions/{id}/client-key [delete]
func (a *API) endClientKey(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) error {
		_, err := a.Catalog.SetClientKey(ctx, who, id, "", "")
		return err
	})
}
