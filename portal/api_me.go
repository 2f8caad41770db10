package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/oauth"
)

func (a *API) meRoutes(r routes) {
	r.get("/me/sessions", a.listSessions)
	r.remove("/me/sessions", a.endSessions)
	r.remove("/me/sessions/{id}", a.endSession)
	r.get("/me/consents", a.listConsents)
	r.remove("/me/consents/{id}", a.revokeConsent)
	r.get("/applications/{id}/logout-notices", a.listLogoutNotices)
}

// listSessions answers GET /me/sessions.
//
//	@Summary	The browsers in which the caller is signed in, last seen first
//	@Tags		people
//	@Security	bearer
//	@Success	200	{object}	items[auth.OpenSession]
//	@Router		/me/sessions [get]
func (a *API) listSessions(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[auth.OpenSession], error) {
		list, err := a.Auth.OpenSessions(ctx, who)
		return items[auth.OpenSession]{Items: list}, err
	})
}

// endSessions answers DELETE /me/sessions.
//
//	@Summary	Sign the caller out of every browser; applications entered from there are told, tokens for /api/v1 go on
//	@Tags		people
//	@Security	bearer
//	@Success	204
//	@Router		/me/sessions [delete]
func (a *API) endSessions(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	if err := a.Auth.EndOtherSessions(r.Context(), who, uuid.Nil); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// endSession answers DELETE /me/sessions/{id}.
//
//	@Summary	Sign the caller out of one browser; applications entered from there are told
//	@Tags		people
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/me/sessions/{id} [delete]
func (a *API) endSession(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.EndSession)
}

// listConsents answers GET /me/consents.
//
//	@Summary	What the caller has allowed applications to do, by the application's name
//	@Tags		people
//	@Security	bearer
//	@Success	200	{object}	items[oauth.Allowed]
//	@Router		/me/consents [get]
func (a *API) listConsents(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[oauth.Allowed], error) {
		list, err := a.OAuth.Consents(ctx, who)
		return items[oauth.Allowed]{Items: list}, err
	})
}

// revokeConsent answers DELETE /me/consents/{id}.
//
//	@Summary	Take back all that the caller has allowed one application; its tokens of the caller end now
//	@Tags		people
//	@Security	bearer
//	@Param		id	path	string	true	"id of the application"
//	@Success	204
//	@Router		/me/consents/{id} [delete]
func (a *API) revokeConsent(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.OAuth.RevokeConsent)
}

// listLogoutNotices answers GET /applications/{id}/logout-notices.
//
//	@Summary	Ends of sessions that an application was not told of yet at its backchannel_logout_uri, newest first, at most 100, with the reason
//	@Tags		applications
//	@Security	bearer
//	@Param		id	path		string	true	"id of the application"
//	@Success	200	{object}	items[oauth.Untold]
//	@Router		/applications/{id}/logout-notices [get]
func (a *API) listLogoutNotices(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[oauth.Untold], error) {
		if err := a.Auth.OwnsApplication(ctx, who, id); err != nil {
			return items[oauth.Untold]{}, err
		}
		list, err := a.OAuth.UntoldLogouts(ctx, id)
		return items[oauth.Untold]{Items: list}, err
	})
}
