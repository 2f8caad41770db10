package portal

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
)

func (a *API) peopleRoutes(r routes) {
	r.on(http.MethodPost, "/sign-up", a.signUp)
	r.on(http.MethodPost, "/sign-up/confirm", a.confirmSignUp)
	r.get("/me", a.me)
	r.get("/tokens", a.listTokens)
	r.post("/tokens", a.createToken)
	r.remove("/tokens/{id}", a.revokeToken)
	r.get("/agencies", a.listAgencies)
	r.post("/agencies", a.createAgency)
	r.get("/agencies/{slug}", a.showAgency)
	r.get("/agencies/{id}/members", a.listMembers)
	r.post("/agencies/{id}/members", a.addMember)
	r.remove("/agencies/{id}/members/{person}/{role}", a.removeMember)
	r.remove("/persons/{id}", a.disablePerson)
}

// caller is who a token stands for.
type caller struct {
	Person      *auth.Person       `json:"person"` // null: an application by itself
	Application uuid.UUID          `json:"application"`
	Name        string             `json:"name"`
	Memberships []callerMembership `json:"memberships"`
}

// callerMembership is one role of the caller; a null agency is the whole platform.
type callerMembership struct {
	Role   string       `json:"role"`
	Agency *auth.Agency `json:"agency"`
}

// me answers GET /me.
//
//	@Summary	Who the token stands for, and in which roles
//	@Tags		people
//	@Security	bearer
//	@Success	200	{object}	caller
//	@Router		/me [get]
func (a *API) me(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	out := caller{Application: who.Application, Name: who.Name, Memberships: []callerMembership{}}
	if who.Person != uuid.Nil {
		people, err := a.Auth.Persons(r.Context(), []uuid.UUID{who.Person})
		if err != nil {
			return err
		}
		person := people[who.Person]
		out.Person = &person
	}
	var ids []uuid.UUID
	for _, m := range who.Memberships {
		ids = append(ids, m.Agency)
	}
	agencies, err := a.Auth.Agencies(r.Context(), ids)
	if err != nil {
		return err
	}
	for _, m := range who.Memberships {
		one := callerMembership{Role: m.Role}
		if agency, ok := agencies[m.Agency]; ok {
			one.Agency = &agency
		}
		out.Memberships = append(out.Memberships, one)
	}
	return answer(w, r, out)
}

// listTokens answers GET /tokens.
//
//	@Summary	The caller's personal access tokens
//	@Tags		people
//	@Security	bearer
//	@Success	200	{object}	items[auth.PersonalToken]
//	@Router		/tokens [get]
func (a *API) listTokens(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[auth.PersonalToken], error) {
		list, err := a.Auth.Tokens(ctx, who)
		return items[auth.PersonalToken]{Items: list}, err
	})
}

// newToken is a token to be made.
type newToken struct {
	Name  string `json:"name"`
	Hours int    `json:"hours"` // how long it lasts, 1 to 8760
}

// issuedToken is a token with its secret, shown once.
type issuedToken struct {
	auth.PersonalToken
	Token string `json:"token"`
}

// createToken answers POST /tokens.
//
//	@Summary	Make a personal access token, for who has one or by page, not for an application; it is shown once
//	@Tags		people
//	@Security	bearer
//	@Param		body	body		newToken	true	"name and how long"
//	@Success	201		{object}	issuedToken
//	@Router		/tokens [post]
func (a *API) createToken(w http.ResponseWriter, r *http.Request) error {
	if p, err := auth.PresentedBy(r, ""); err == nil && p.Scheme != "" && !strings.HasPrefix(p.Token, "lgsp_pat_") {
		// An application would keep what its person takes back from it, and
		// unbound what is bound to its key.
		return problem.Errorf(problem.Forbidden, "an application makes no personal access token; its person does").Coded("token-by-application")
	}
	w.Header().Set("Cache-Control", showsSecret)
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n newToken) (issuedToken, string, error) {
		made, token, err := a.Auth.CreateToken(ctx, who, n.Name, time.Duration(n.Hours)*time.Hour)
		return issuedToken{made, token}, "/tokens/" + made.ID.String(), err
	})
}

// revokeToken answers DELETE /tokens/{id}.
//
//	@Summary	End a personal access token
//	@Tags		people
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/tokens/{id} [delete]
func (a *API) revokeToken(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.RevokeToken)
}

// listAgencies answers GET /agencies.
//
//	@Summary	The agencies of the province
//	@Tags		people
//	@Param		q		query		string	false	"words of names, codes and slugs, former ones too"
//	@Param		state	query		string	false	"live or ended; default all"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[auth.FoundAgency]
//	@Router		/agencies [get]
func (a *API) listAgencies(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "q", "state", "limit", "after")
	if err != nil {
		return err
	}
	limit, err := limitOf(values)
	if err != nil {
		return err
	}
	filter := auth.AgencyFilter{Query: values.Get("q"), State: values.Get("state"), Page: auth.Page{Limit: limit, After: values.Get("after")}}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[auth.FoundAgency], error) {
		list, next, err := a.Auth.FindAgencies(ctx, filter)
		return items[auth.FoundAgency]{list, next}, err
	})
}

// newAgency is an agency to be registered.
type newAgency struct {
	Slug      string     `json:"slug"` // lower case, in URLs
	Code      string     `json:"code"` // H48.11
	NameVI    string     `json:"name_vi"`
	NameEN    string     `json:"name_en"`
	CodeFrom  string     `json:"code_from,omitempty"` // YYYY-MM-DD; none: since valid_from
	Source    string     `json:"source,omitempty"`    // the decision that gave name and code
	Parent    *uuid.UUID `json:"parent"`
	ValidFrom string     `json:"valid_from"` // YYYY-MM-DD
	NoteVI    string     `json:"note_vi"`
	NoteEN    string     `json:"note_en"`

	FocalName  string `json:"focal_name"` // the focal-point officer, as published
	FocalEmail string `json:"focal_email"`
	FocalPhone string `json:"focal_phone"`
}

// createAgency answers POST /agencies.
//
//	@Summary	Register an agency, for the operator
//	@Tags		people
//	@Security	bearer
//	@Param		body	body		newAgency	true	"what it is"
//	@Success	201		{object}	auth.Agency
//	@Router		/agencies [post]
func (a *API) createAgency(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n newAgency) (auth.Agency, string, error) {
		from, err := time.Parse(time.DateOnly, n.ValidFrom)
		if err != nil {
			return auth.Agency{}, "", wrongParameter("valid_from", "YYYY-MM-DD")
		}
		codeFrom, err := dayOf("code_from", n.CodeFrom)
		if err != nil {
			return auth.Agency{}, "", err
		}
		made, err := a.Auth.CreateAgency(ctx, who, auth.Agency{Slug: n.Slug, Code: n.Code, CodeFrom: codeFrom, Source: n.Source, NameVI: n.NameVI, NameEN: n.NameEN,
			Parent: n.Parent, ValidFrom: from, NoteVI: n.NoteVI, NoteEN: n.NoteEN,
			FocalName: n.FocalName, FocalEmail: n.FocalEmail, FocalPhone: n.FocalPhone})
		return made, "/agencies/" + made.Slug, err
	})
}

// showAgency answers GET /agencies/{slug}.
//
//	@Summary	One agency, by its slug or a former one
//	@Tags		people
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	auth.Agency
//	@Router		/agencies/{slug} [get]
func (a *API) showAgency(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (auth.Agency, error) {
		return a.Auth.AgencyBySlug(ctx, mux.Vars(r)["slug"])
	})
}

// listMembers answers GET /agencies/{id}/members.
//
//	@Summary	The people of an agency and their roles, for its stewards and the operator
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[auth.Member]
//	@Router		/agencies/{id}/members [get]
func (a *API) listMembers(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[auth.Member], error) {
		list, err := a.Auth.Members(ctx, who, id)
		return items[auth.Member]{Items: list}, err
	})
}

// newMember is a person who gets a role in an agency.
type newMember struct {
	Email string `json:"email"` // of an account that exists
	Role  string `json:"role"`  // publisher, steward
}

// addMember answers POST /agencies/{id}/members.
//
//	@Summary	Give a person a role in an agency
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string		true	"id of the agency"
//	@Param		body	body		newMember	true	"who, and which role"
//	@Success	200		{object}	items[auth.Member]
//	@Router		/agencies/{id}/members [post]
func (a *API) addMember(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, n newMember) (items[auth.Member], error) {
		person, err := a.Auth.PersonByEmail(ctx, who, id, n.Email)
		if err != nil {
			return items[auth.Member]{}, err
		}
		if err := a.Auth.AddMembership(ctx, who, person.ID, auth.Membership{Agency: id, Role: n.Role}); err != nil {
			return items[auth.Member]{}, err
		}
		list, err := a.Auth.Members(ctx, who, id)
		return items[auth.Member]{Items: list}, err
	})
}

// removeMember answers DELETE /agencies/{id}/members/{person}/{role}.
//
//	@Summary	Take a role in an agency back
//	@Tags		people
//	@Security	bearer
//	@Param		id		path	string	true	"id of the agency"
//	@Param		person	path	string	true	"id of the person"
//	@Param		role	path	string	true	"publisher, steward"
//	@Success	204
//	@Router		/agencies/{id}/members/{person}/{role} [delete]
func (a *API) removeMember(w http.ResponseWriter, r *http.Request) error {
	person, err := pathID(r, "person")
	if err != nil {
		return err
	}
	return remove(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) error {
		return a.Auth.RemoveMembership(ctx, who, person, auth.Membership{Agency: id, Role: mux.Vars(r)["role"]})
	})
}

// disablePerson answers DELETE /persons/{id}.
//
//	@Summary	Lock a person out: sessions end, tokens and the keys of their applications are refused
//	@Tags		people
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/persons/{id} [delete]
func (a *API) disablePerson(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.DisablePerson)
}

// remove answers DELETE of the object whose id stands in the path.
func remove(a *API, w http.ResponseWriter, r *http.Request, do func(context.Context, auth.Principal, uuid.UUID) error) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := do(r.Context(), who, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func pageOf(r *http.Request) (auth.Page, error) {
	values, err := query(r, "limit", "after")
	if err != nil {
		return auth.Page{}, err
	}
	limit, err := limitOf(values)
	return auth.Page{Limit: limit, After: values.Get("after")}, err
}
