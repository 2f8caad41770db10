package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
)

func (a *API) registrationRoutes(r routes) {
	r.get("/registration-tokens", a.listRegistrationTokens)
	r.post("/registration-tokens", a.createRegistrationToken)
	r.remove("/registration-tokens/{id}", a.revokeRegistrationToken)
}

// listRegistrationTokens answers GET /registration-tokens.
//
//	@Summary	The tokens with which applications may register themselves, the caller's and of their agencies
//	@Tags		people
//	@Security	bearer
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[auth.RegistrationToken]
//	@Router		/registration-tokens [get]
func (a *API) listRegistrationTokens(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.someone(r); err != nil {
		return err
	}
	page, err := pageOf(r)
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[auth.RegistrationToken], error) {
		list, next, err := a.Auth.RegistrationTokens(ctx, who, page)
		return items[auth.RegistrationToken]{list, next}, err
	})
}

// newRegistrationToken is a token to be made.
type newRegistrationToken struct {
	Agency     uuid.UUID `json:"agency"` // the owner of what is registered; absent: the caller
	Name       string    `json:"name"`
	GrantTypes []string  `json:"grant_types"` // that may be registered
	MaxUses    int       `json:"max_uses"`    // 1 to 10000, default 1
	Days       int       `json:"days"`        // 1 to 365, default 7
}

// issuedRegistrationToken is a token with its secret, shown once.
type issuedRegistrationToken struct {
	auth.RegistrationToken
	Token string `json:"token"`
}

// createRegistrationToken answers POST /registration-tokens.
//
//	@Summary	Make an initial access token (RFC 7591); it is shown once
//	@Tags		people
//	@Security	bearer
//	@Param		body	body		newRegistrationToken	true	"for whom, how often, how long, which grants"
//	@Success	201		{object}	issuedRegistrationToken
//	@Router		/registration-tokens [post]
func (a *API) createRegistrationToken(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", showsSecret)
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n newRegistrationToken) (issuedRegistrationToken, string, error) {
		made, token, err := a.Auth.CreateRegistrationToken(ctx, who, auth.NewRegistrationToken(n))
		return issuedRegistrationToken{made, token}, "/registration-tokens/" + made.ID.String(), err
	})
}

// revokeRegistrationToken answers DELETE /registration-tokens/{id}.
//
//	@Summary	End a registration token; the applications that were registered with it stay
//	@Tags		people
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/registration-tokens/{id} [delete]
func (a *API) revokeRegistrationToken(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.RevokeRegistrationToken)
}
