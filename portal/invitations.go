package portal

import (
	"net/http"
	"net/url"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/mail"
	"lgsp/internal/problem"
	"lgsp/web"
)

// peopleRoutes are the pages on which people of an agency and of the platform
// are invited and kept, and the one that an invitation leads to.
func (p *Portal) peopleRoutes(r *mux.Router) {
	for desk, people := range map[string]func(*http.Request) (peopleData, error){"/agency/{agency}": p.peopleOfAgency, "/operator": p.peopleOfPlatform} {
		form := p.people(people)
		r.Handle(desk+"/people", p.page(form)).Methods("GET", "HEAD")
		r.Handle(desk+"/people/invite", p.page(p.invite(people, form))).Methods("POST")
		r.Handle(desk+"/people/remove", p.page(p.removeMember(people, form))).Methods("POST")
		r.Handle(desk+"/people/invitations/{invitation}/{step:send|withdraw}", p.page(p.moveInvitation(people, form))).Methods("POST")
	}
	r.Handle("/agency/{agency}/contact", p.page(p.setContact)).Methods("POST")
	r.Handle("/invitation", p.page(p.invitation)).Methods("GET", "HEAD")
	r.Handle("/invitation", p.page(p.acceptInvitation)).Methods("POST")
}

// peopleData is the data of the pages "agency-people" and "operator-people".
type peopleData struct {
	desk        // of the agency; its Agency.ID is uuid.Nil for the platform
	At          string
	Members     []auth.Member
	Invitations []auth.Invitation
	Roles       []web.Option
	Contact     bool // the reader may say who the contact is
	RoleNames   []string
	Locales     []web.Option
}

// peopleOfAgency is who reads the people of an agency, refused unless they keep them.
func (p *Portal) peopleOfAgency(r *http.Request) (peopleData, error) {
	d, err := p.desk(r)
	if err != nil {
		return peopleData{}, err
	}
	data := peopleData{desk: d, At: d.At("people"), RoleNames: []string{auth.RolePublisher, auth.RoleSteward}, Contact: d.May("agency.contact") && !d.Agency.Ended()}
	return data, p.Policy.May(r.Context(), d.who, "member.edit", d.Agency.ID)
}

// peopleOfPlatform is the same for the whole platform.
func (p *Portal) peopleOfPlatform(r *http.Request) (peopleData, error) {
	who, err := signedIn(r)
	if err != nil {
		return peopleData{}, err
	}
	data := peopleData{desk: desk{who: who, may: p.Policy.May}, At: "/operator/people", RoleNames: []string{auth.RoleOperator, auth.RoleAuditor}}
	return data, p.Policy.May(r.Context(), who, "person.edit", uuid.Nil)
}

// people answers GET …/people.
func (p *Portal) people(of func(*http.Request) (peopleData, error)) pageFunc {
	return func(r *http.Request) (page, error) {
		data, err := of(r)
		if err != nil {
			return page{}, err
		}
		ctx, agency := r.Context(), data.Agency.ID
		if data.Members, err = p.Auth.Members(ctx, data.who, agency); err != nil {
			return page{}, err
		}
		if data.Invitations, err = p.Auth.Invitations(ctx, data.who, agency); err != nil {
			return page{}, err
		}
		data.Locales = []web.Option{{Value: "vi", Text: "Tiếng Việt"}, {Value: "en", Text: "English"}}
		for _, role := range data.RoleNames {
			text, err := p.Pages.Text(localeOf(r), "agency.role-"+role)
			if err != nil {
				return page{}, err
			}
			hint, err := p.Pages.Text(localeOf(r), "operate.role-why-"+role)
			if err != nil {
				return page{}, err
			}
			data.Roles = append(data.Roles, web.Option{Value: role, Text: text, Hint: hint})
		}
		if agency == uuid.Nil {
			return page{Name: "operator-people", Data: data}, nil
		}
		return page{Name: "agency-people", Data: data}, nil
	}
}

// invite answers POST …/people/invite.
func (p *Portal) invite(of func(*http.Request) (peopleData, error), form pageFunc) pageFunc {
	return func(r *http.Request) (page, error) {
		data, err := of(r)
		if err != nil {
			return page{}, err
		}
		i, err := p.Auth.Invite(r.Context(), data.who, auth.NewInvitation{Agency: data.Agency.ID, Role: r.PostFormValue("role"),
			Email: r.PostFormValue("email"), Name: r.PostFormValue("name"), Locale: r.PostFormValue("locale")})
		if err != nil {
			return again(r, form, err)
		}
		return page{To: data.At, Flash: &web.Flash{Key: "operate.invited", Args: []string{"email", i.Email}}}, nil
	}
}

// moveInvitation answers POST …/people/invitations/{invitation}/{step}.
func (p *Portal) moveInvitation(of func(*http.Request) (peopleData, error), form pageFunc) pageFunc {
	return func(r *http.Request) (page, error) {
		data, err := of(r)
		if err != nil {
			return page{}, err
		}
		id, err := idIn(r, "invitation")
		if err != nil {
			return page{}, err
		}
		key := "operate.invitation-" + mux.Vars(r)["step"]
		if mux.Vars(r)["step"] == "send" {
			_, err = p.Auth.SendInvitation(r.Context(), data.who, id)
		} else {
			err = p.Auth.WithdrawInvitation(r.Context(), data.who, id)
		}
		if err != nil {
			return again(r, form, err)
		}
		return page{To: data.At, Flash: &web.Flash{Key: key}}, nil
	}
}

// removeMember answers POST …/people/remove.
func (p *Portal) removeMember(of func(*http.Request) (peopleData, error), form pageFunc) pageFunc {
	return func(r *http.Request) (page, error) {
		data, err := of(r)
		if err != nil {
			return page{}, err
		}
		person, err := uuid.Parse(r.PostFormValue("person"))
		if err != nil {
			return page{}, problem.Errorf(problem.NotFound, "no person").Coded("person-unknown")
		}
		if err := p.Auth.RemoveMembership(r.Context(), data.who, person, auth.Membership{Agency: data.Agency.ID, Role: r.PostFormValue("role")}); err != nil {
			return again(r, form, err)
		}
		return page{To: data.At, Flash: &web.Flash{Key: "operate.member-removed"}}, nil
	}
}

// setContact answers POST /agency/{agency}/contact.
func (p *Portal) setContact(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	_, err = p.Auth.SetContact(r.Context(), d.who, d.Agency.ID, auth.Contact{Name: r.PostFormValue("focal_name"),
		Email: r.PostFormValue("focal_email"), Phone: r.PostFormValue("focal_phone")})
	if err != nil {
		return again(r, p.people(p.peopleOfAgency), err)
	}
	return page{To: d.At("people"), Flash: &web.Flash{Key: "operate.contact-kept"}}, nil
}

// invitationData is the data of the page "invitation".
type invitationData struct {
	auth.Invitation
	Token  string
	Known  bool         // the address has an account
	Agency *auth.Agency // nil: the platform
	By     string       // who invited; "" when nobody is known
}

// invitation answers GET /invitation?token=…, the address in the letter.
// Looking at the page does not use the link up.
func (p *Portal) invitation(r *http.Request) (page, error) {
	token := r.FormValue("token")
	i, known, err := p.Auth.Invited(r.Context(), token)
	if err != nil {
		return page{}, err
	}
	data := invitationData{Invitation: i, Token: token, Known: known}
	data.Agency, data.By, err = p.invitedBy(r, i)
	return page{Name: "invitation", Data: data}, err
}

// invitedBy is the agency of an invitation, nil: the platform, and the name of
// who sent it.
func (p *Portal) invitedBy(r *http.Request, i auth.Invitation) (*auth.Agency, string, error) {
	var by string
	if i.InvitedBy != nil {
		people, err := p.Auth.Persons(r.Context(), []uuid.UUID{*i.InvitedBy})
		if err != nil {
			return nil, "", err
		}
		by = people[*i.InvitedBy].Name
	}
	if i.AgencyID == nil {
		return nil, by, nil
	}
	agencies, err := p.Auth.Agencies(r.Context(), []uuid.UUID{*i.AgencyID})
	agency := agencies[*i.AgencyID]
	return &agency, by, err
}

// acceptInvitation answers POST /invitation. It signs nobody in: two factors
// are asked for there.
func (p *Portal) acceptInvitation(r *http.Request) (page, error) {
	token := r.PostFormValue("token")
	_, known, err := p.Auth.Invited(r.Context(), token)
	if err != nil {
		return page{}, err
	}
	if !known {
		if err := faults(terms(r), repeated(r)); err != nil {
			return again(r, p.invitation, err)
		}
	}
	if _, err := p.Auth.AcceptInvitation(r.Context(), token, r.PostFormValue("password")); err != nil {
		return again(r, p.invitation, err)
	}
	return page{To: "/sign-in?next=" + url.QueryEscape("/agency"), SignOut: true, Flash: &web.Flash{Key: "operate.invitation-accepted"}}, nil
}

// invitationLetter writes the letter of an invitation.
func (p *Portal) invitationLetter(l auth.Letter, link string) (mail.Letter, error) {
	letter := mail.Letter{To: l.Email}
	role, err := p.Pages.Text(l.Locale, "agency.role-"+l.Invites.Role)
	if err != nil {
		return letter, err
	}
	agency, err := p.Pages.Text(l.Locale, "operate.the-platform", "province", p.Province)
	if err != nil {
		return letter, err
	}
	if l.InvitesTo != nil {
		agency = nameIn(l.Locale, *l.InvitesTo)
	}
	until := l.Invites.ExpiresAt.In(province).Format("15:04 " + dayForm[l.Locale])
	for message, into := range map[string]*string{"operate.invitation-subject": &letter.Subject, "operate.invitation-text": &letter.Text} {
		if *into, err = p.Pages.Text(l.Locale, message, "name", l.Invites.Name, "agency", agency, "role", role, "link", link, "until", until); err != nil {
			return letter, err
		}
	}
	return letter, nil
}
