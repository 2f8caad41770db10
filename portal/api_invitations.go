package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
)

// invitationRoutes are how officials are invited.
func (a *API) invitationRoutes(r routes) {
	r.get("/agencies/{id}/onboarding", a.onboardingSteps)
	r.get("/agencies/{id}/invitations", a.listInvitations)
	r.post("/agencies/{id}/invitations", a.invite)
	r.post("/invitations/{id}/send", a.sendInvitation)
	r.remove("/invitations/{id}", a.withdrawInvitation)
	r.on(http.MethodPost, "/invitations/accept", a.acceptInvitation)
}

// listInvitations answers GET /agencies/{id}/invitations.
//
//	@Summary	Who is invited to an agency and has not come yet, for its stewards and the operator
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency; 00000000-0000-0000-0000-000000000000 is the platform, for the operator"
//	@Success	200	{object}	items[auth.Invitation]
//	@Router		/agencies/{id}/invitations [get]
func (a *API) listInvitations(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[auth.Invitation], error) {
		list, err := a.Auth.Invitations(ctx, who, id)
		return items[auth.Invitation]{Items: list}, err
	})
}

// newInvitation is who is to be invited.
type newInvitation struct {
	Email  string `json:"email"`
	Name   string `json:"name"`
	Role   string `json:"role"`             // publisher or steward; of the platform operator or auditor
	Locale string `json:"locale,omitempty"` // of the letter: vi, en; none: vi
}

// invite answers POST /agencies/{id}/invitations.
//
//	@Summary	Invite somebody to a role by letter; its link is good once and for seven days
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string			true	"id of the agency; 00000000-0000-0000-0000-000000000000 is the platform, for the operator"
//	@Param		body	body		newInvitation	true	"who, and which role"
//	@Success	200		{object}	auth.Invitation
//	@Router		/agencies/{id}/invitations [post]
func (a *API) invite(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, n newInvitation) (auth.Invitation, error) {
		return a.Auth.Invite(ctx, who, auth.NewInvitation{Agency: id, Role: n.Role, Email: n.Email, Name: n.Name, Locale: n.Locale})
	})
}

// sendInvitation answers POST /invitations/{id}/send.
//
//	@Summary	Send an invitation again, with another link for seven days; the one before ends
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	auth.Invitation
//	@Router		/invitations/{id}/send [post]
func (a *API) sendInvitation(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Auth.SendInvitation)
}

// withdrawInvitation answers DELETE /invitations/{id}.
//
//	@Summary	Take an invitation back
//	@Tags		people
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/invitations/{id} [delete]
func (a *API) withdrawInvitation(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.WithdrawInvitation)
}

// takenInvitation is how an invitation is taken up.
type takenInvitation struct {
	Token    string `json:"token"`              // of the letter's link
	Password string `json:"password,omitempty"` // for who has no account yet
}

// acceptInvitation answers POST /invitations/accept.
//
//	@Summary	Take up an invitation by the link of its letter; who has no account makes one
//	@Tags		people
//	@Param		body	body	takenInvitation	true	"token and password"
//	@Success	204
//	@Router		/invitations/accept [post]
func (a *API) acceptInvitation(w http.ResponseWriter, r *http.Request) error {
	body, err := decode[takenInvitation](w, r)
	if err != nil {
		return err
	}
	if _, err := a.Auth.AcceptInvitation(r.Context(), body.Token, body.Password); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
