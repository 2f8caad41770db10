package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
)

// teamRoutes are who works on an application.
func (a *API) teamRoutes(r routes) {
	r.get("/applications/{id}/team", a.showTeam)
	r.post("/applications/{id}/team/invitations", a.inviteToTeam)
	r.post("/applications/{id}/team/invitations/{invitation}/send", a.sendTeamInvitation)
	r.remove("/applications/{id}/team/invitations/{invitation}", a.withdrawTeamInvitation)
	r.put("/applications/{id}/team/{person}", a.setTeamRole)
	r.remove("/applications/{id}/team/{person}", a.leaveTeam)
	r.on(http.MethodPost, "/team-invitations/accept", a.joinTeam)
	r.on(http.MethodPost, "/team-invitations/decline", a.declineTeam)
}

// showTeam answers GET /applications/{id}/team.
//
//	@Summary	Who works on a person's application; owners read addresses and open invitations too
//	@Tags		applications
//	@Security	bearer
//	@Param		id	path		string	true	"id of the application"
//	@Success	200	{object}	auth.Team
//	@Router		/applications/{id}/team [get]
func (a *API) showTeam(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Auth.Team)
}

// newTeamInvitation is who is to be invited.
type newTeamInvitation struct {
	Email  string `json:"email"`
	Role   string `json:"role"`             // owner, developer; transfer: owner in the caller's place
	Locale string `json:"locale,omitempty"` // of the letter: vi, en; none: vi
}

// inviteToTeam answers POST /applications/{id}/team/invitations.
//
//	@Summary	Invite somebody to work on an application, or offer it to them, by letter; its link is good once and for seven days
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path		string				true	"id of the application"
//	@Param		body	body		newTeamInvitation	true	"who, and in which role"
//	@Success	200		{object}	auth.TeamInvitation
//	@Router		/applications/{id}/team/invitations [post]
func (a *API) inviteToTeam(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, n newTeamInvitation) (auth.TeamInvitation, error) {
		return a.Auth.InviteToTeam(ctx, who, id, auth.NewTeamInvitation{Role: n.Role, Email: n.Email, Locale: n.Locale})
	})
}

// sendTeamInvitation answers POST /applications/{id}/team/invitations/{invitation}/send.
//
//	@Summary	Send an invitation to a team again, with another link for seven days; the one before ends
//	@Tags		applications
//	@Security	bearer
//	@Param		id			path		string	true	"id of the application"
//	@Param		invitation	path		string	true	"id of the invitation"
//	@Success	200			{object}	auth.TeamInvitation
//	@Router		/applications/{id}/team/invitations/{invitation}/send [post]
func (a *API) sendTeamInvitation(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (auth.TeamInvitation, error) {
		invitation, err := pathID(r, "invitation")
		if err != nil {
			return auth.TeamInvitation{}, err
		}
		return a.Auth.SendTeamInvitation(ctx, who, id, invitation)
	})
}

// withdrawTeamInvitation answers DELETE /applications/{id}/team/invitations/{invitation}.
//
//	@Summary	Take an invitation to a team back
//	@Tags		applications
//	@Security	bearer
//	@Param		id			path	string	true	"id of the application"
//	@Param		invitation	path	string	true	"id of the invitation"
//	@Success	204
//	@Router		/applications/{id}/team/invitations/{invitation} [delete]
func (a *API) withdrawTeamInvitation(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) error {
		invitation, err := pathID(r, "invitation")
		if err != nil {
			return err
		}
		return a.Auth.WithdrawTeamInvitation(ctx, who, id, invitation)
	})
}

// teamRole is what somebody is to be in a team.
type teamRole struct {
	Role string `json:"role"` // owner, developer
}

// setTeamRole answers PUT /applications/{id}/team/{person}.
//
//	@Summary	Make somebody in the team an owner or a developer
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path		string		true	"id of the application"
//	@Param		person	path		string		true	"id of the person"
//	@Param		body	body		teamRole	true	"the role"
//	@Success	200		{object}	auth.Team
//	@Router		/applications/{id}/team/{person} [put]
func (a *API) setTeamRole(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, to teamRole) (auth.Team, error) {
		person, err := pathID(r, "person")
		if err != nil {
			return auth.Team{}, err
		}
		if err := a.Auth.SetTeamRole(ctx, who, id, person, to.Role); err != nil {
			return auth.Team{}, err
		}
		return a.Auth.Team(ctx, who, id)
	})
}

// leaveTeam answers DELETE /applications/{id}/team/{person}.
//
//	@Summary	Leave a team, or take somebody out of it; the last owner cannot
//	@Tags		applications
//	@Security	bearer
//	@Param		id		path	string	true	"id of the application"
//	@Param		person	path	string	true	"id of the person"
//	@Success	204
//	@Router		/applications/{id}/team/{person} [delete]
func (a *API) leaveTeam(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) error {
		person, err := pathID(r, "person")
		if err != nil {
			return err
		}
		return a.Auth.LeaveTeam(ctx, who, id, person)
	})
}

// answeredTeamInvitation is how an invitation to a team is answered.
type answeredTeamInvitation struct {
	Token    string `json:"token"`              // of the letter's link
	Name     string `json:"name,omitempty"`     // for who has no account yet
	Password string `json:"password,omitempty"` // the same
}

// joinTeam answers POST /team-invitations/accept.
//
//	@Summary	Join a team, or take an application over, by the link of a letter; who has no account makes one
//	@Tags		applications
//	@Param		body	body	answeredTeamInvitation	true	"token, name and password"
//	@Success	204
//	@Router		/team-invitations/accept [post]
func (a *API) joinTeam(w http.ResponseWriter, r *http.Request) error {
	body, err := decode[answeredTeamInvitation](w, r)
	if err != nil {
		return err
	}
	if _, err := a.Auth.JoinTeam(r.Context(), body.Token, body.Name, body.Password); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// declinedTeamInvitation is the link that is declined.
type declinedTeamInvitation struct {
	Token string `json:"token"`
}

// declineTeam answers POST /team-invitations/decline.
//
//	@Summary	Decline an invitation to a team by the link of its letter
//	@Tags		applications
//	@Param		body	body	declinedTeamInvitation	true	"token"
//	@Success	204
//	@Router		/team-invitations/decline [post]
func (a *API) declineTeam(w http.ResponseWriter, r *http.Request) error {
	body, err := decode[declinedTeamInvitation](w, r)
	if err != nil {
		return err
	}
	if err := a.Auth.DeclineTeam(r.Context(), body.Token); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
