package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/mail"
	"lgsp/portal/notice"
	"lgsp/web"
)

// teamRoutes are the pages of who works on an application, and the one that an
// invitation to it leads to.
func (p *Portal) teamRoutes(r *mux.Router) {
	const at = "/developer/applications/{id}/team"
	r.Handle(at, p.page(p.team)).Methods("GET", "HEAD")
	r.Handle(at, p.page(p.inviteToTeam)).Methods("POST")
	r.Handle(at+"/invitations/{invitation}/{step:send|withdraw}", p.page(p.moveTeamInvitation)).Methods("POST")
	r.Handle(at+"/{person}/role", p.page(p.setTeamRole)).Methods("POST")
	r.Handle(at+"/{person}/remove", p.page(p.leaveTeam)).Methods("POST")
	r.Handle("/team-invitation", p.page(p.teamInvitation)).Methods("GET", "HEAD")
	r.Handle("/team-invitation", p.page(p.answerTeamInvitation)).Methods("POST")
}

// teamData is the data of the page "developer-team".
type teamData struct {
	auth.Team
	Application auth.Application
	Me          uuid.UUID
	Alone       bool // the reader is the only owner
	Roles       []web.Option
	Locales     []web.Option
}

// team answers GET /developer/applications/{id}/team.
func (p *Portal) team(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	data := teamData{Application: app, Me: who.Person}
	if data.Team, err = p.Auth.Team(r.Context(), who, app.ID); err != nil {
		return page{}, err
	}
	owners := 0
	for _, m := range data.Members {
		if m.Role == auth.TeamOwner {
			owners++
		}
	}
	data.Alone = owners == 1 && app.Role == auth.TeamOwner
	data.Locales = []web.Option{{Value: "vi", Text: "Tiếng Việt"}, {Value: "en", Text: "English"}}
	for _, role := range []string{auth.TeamDeveloper, auth.TeamOwner, auth.TeamTransfer} {
		text, err := p.Pages.Text(localeOf(r), "team.role-"+role)
		if err != nil {
			return page{}, err
		}
		hint, err := p.Pages.Text(localeOf(r), "team.why-"+role)
		if err != nil {
			return page{}, err
		}
		data.Roles = append(data.Roles, web.Option{Value: role, Text: text, Hint: hint})
	}
	return page{Name: "developer-team", Data: data}, nil
}

func teamPath(app auth.Application) string {
	return "/developer/applications/" + app.ID.String() + "/team"
}

// inviteToTeam answers POST /developer/applications/{id}/team.
func (p *Portal) inviteToTeam(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	i, err := p.Auth.InviteToTeam(r.Context(), who, app.ID, auth.NewTeamInvitation{Role: r.PostFormValue("role"),
		Email: r.PostFormValue("email"), Locale: r.PostFormValue("locale")})
	if err != nil {
		return again(r, p.team, err)
	}
	return page{To: teamPath(app), Flash: &web.Flash{Key: "team.invited", Args: []string{"email", i.Email}}}, nil
}

// moveTeamInvitation answers POST …/team/invitations/{invitation}/{step}.
func (p *Portal) moveTeamInvitation(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "invitation")
	if err != nil {
		return page{}, err
	}
	step := mux.Vars(r)["step"]
	if step == "send" {
		_, err = p.Auth.SendTeamInvitation(r.Context(), who, app.ID, id)
	} else {
		err = p.Auth.WithdrawTeamInvitation(r.Context(), who, app.ID, id)
	}
	if err != nil {
		return again(r, p.team, err)
	}
	return page{To: teamPath(app), Flash: &web.Flash{Key: "operate.invitation-" + step}}, nil
}

// setTeamRole answers POST …/team/{person}/role.
func (p *Portal) setTeamRole(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	person, err := idIn(r, "person")
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.SetTeamRole(r.Context(), who, app.ID, person, r.PostFormValue("role")); err != nil {
		return again(r, p.team, err)
	}
	return page{To: teamPath(app), Flash: &web.Flash{Key: "team.role-set"}}, nil
}

// leaveTeam answers POST …/team/{person}/remove: by themselves, or by an owner.
func (p *Portal) leaveTeam(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	person, err := idIn(r, "person")
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.LeaveTeam(r.Context(), who, app.ID, person); err != nil {
		return again(r, p.team, err)
	}
	if person == who.Person {
		return page{To: "/developer", Flash: &web.Flash{Key: "team.you-left", Args: []string{"application", app.Name}}}, nil
	}
	return page{To: teamPath(app), Flash: &web.Flash{Key: "team.was-removed"}}, nil
}

// teamInvitationData is the data of the page "team-invitation".
type teamInvitationData struct {
	auth.TeamOffer
	Token string
}

// teamInvitation answers GET /team-invitation?token=…, the address in the
// letter. Looking at the page does not use the link up.
func (p *Portal) teamInvitation(r *http.Request) (page, error) {
	token := r.FormValue("token")
	offer, err := p.Auth.InvitedToTeam(r.Context(), token)
	return page{Name: "team-invitation", Data: teamInvitationData{offer, token}}, err
}

// answerTeamInvitation answers POST /team-invitation: to accept, or with
// answer=no to decline. It signs nobody in.
func (p *Portal) answerTeamInvitation(r *http.Request) (page, error) {
	ctx, token := r.Context(), r.PostFormValue("token")
	offer, err := p.Auth.InvitedToTeam(ctx, token)
	if err != nil {
		return page{}, err
	}
	if r.PostFormValue("answer") == "no" {
		if err := p.Auth.DeclineTeam(ctx, token); err != nil {
			return page{}, err
		}
		return page{To: "/", Flash: &web.Flash{Key: "team.you-declined"}}, nil
	}
	if !offer.Known {
		if err := faults(terms(r), repeated(r)); err != nil {
			return again(r, p.teamInvitation, err)
		}
	}
	app, err := p.Auth.JoinTeam(ctx, token, r.PostFormValue("full_name"), r.PostFormValue("password"))
	if err != nil {
		return again(r, p.teamInvitation, inField("full_name", err))
	}
	there, told := "/developer/applications/"+app.ID.String(), &web.Flash{Key: "team.you-joined", Args: []string{"application", app.Name}}
	if who, err := signedIn(r); err == nil && p.isAt(ctx, who, offer.Email) {
		return page{To: there, Flash: told}, nil
	}
	return page{To: "/sign-in?next=" + url.QueryEscape(there), SignOut: true, Flash: told}, nil
}

// isAt reports whether who is signed in is the person of an address.
func (p *Portal) isAt(ctx context.Context, who auth.Principal, email string) bool {
	people, err := p.Auth.Persons(ctx, []uuid.UUID{who.Person})
	return err == nil && people[who.Person].Email == email
}

// teamLetter writes the letter of an invitation to a team. Of who invites it
// names the address, which is proved.
func (p *Portal) teamLetter(l auth.Letter, link string) (mail.Letter, error) {
	letter := mail.Letter{To: l.Email}
	role, err := p.Pages.Text(l.Locale, "team.role-"+l.Team.Role)
	if err != nil {
		return letter, err
	}
	application, err := p.applicationIn(l.Locale, l.Team.Name)
	if err != nil {
		return letter, err
	}
	text := "team.invitation-text"
	if l.Team.Role == auth.TeamTransfer {
		text = "team.transfer-text"
	}
	until := l.Team.ExpiresAt.In(province).Format("15:04 " + dayForm[l.Locale])
	for message, into := range map[string]*string{"team.invitation-title": &letter.Subject, text: &letter.Text} {
		if *into, err = p.Pages.Text(l.Locale, message, "application", application, "by", l.Team.ByEmail, "role", role, "link", link, "until", until); err != nil {
			return letter, err
		}
	}
	return letter, nil
}

// NotifyTeam has people told of what was done with a team, once tx commits.
func (p *Portal) NotifyTeam(ctx context.Context, tx pgx.Tx, n auth.TeamNotice) error {
	e, err := notice.New(notice.Team, n.What, n)
	if err != nil {
		return err
	}
	e.People = n.People
	return p.Notices.Tell(ctx, tx, e)
}

// teamWords are those of what was done with a team.
func (p *Portal) teamWords(to auth.Person, what string, n auth.TeamNotice) (noticeWords, error) {
	application, err := p.applicationIn(to.Locale, n.Name)
	if err != nil {
		return noticeWords{}, err
	}
	role := ""
	if n.Role != "" {
		if role, err = p.Pages.Text(to.Locale, "team.role-"+n.Role); err != nil {
			return noticeWords{}, err
		}
	}
	path := "/developer/applications/" + n.Application.String() + "/team"
	if what == auth.TeamYouRemoved || what == auth.TeamToAgency {
		path = "/developer" // they see the application no longer
	}
	return p.said(to, path, "team.letter-subject-"+what, "team.letter-"+what, "application", application, "person", n.PersonName, "role", role)
}

// teamReaders are who is told about an application's agreements: all who work
// on it, or of an agency's who asked.
func (p *Portal) teamReaders(ctx context.Context, tx pgx.Tx, application, asked uuid.UUID) ([]uuid.UUID, error) {
	team, err := p.Auth.TeamIn(ctx, tx, application)
	if len(team) == 0 {
		team = []uuid.UUID{asked}
	}
	return team, err
}
