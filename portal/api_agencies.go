package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
)

// agencyRoutes are what the operator does with agencies that are there.
func (a *API) agencyRoutes(r routes) {
	r.put("/agencies/{slug}", a.changeAgency)
	r.get("/agencies/{slug}/aliases", a.listAliases)
	r.put("/agencies/{id}/contact", a.setContact)
	r.get("/agencies/{id}/end", a.showEnd)
	r.put("/agencies/{id}/end", a.planEnd)
	r.remove("/agencies/{id}/end", a.dropEnd)
}

// dayOf reads a day of a body; nil when it is "".
func dayOf(name, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil, wrongParameter(name, "YYYY-MM-DD")
	}
	return &day, nil
}

// changedAgency is all of an agency that can change, as it is to be.
type changedAgency struct {
	Slug   string     `json:"slug"` // one that it had goes on leading to it
	Code   string     `json:"code"` // the same
	NameVI string     `json:"name_vi"`
	NameEN string     `json:"name_en"`
	Parent *uuid.UUID `json:"parent"`
	NoteVI string     `json:"note_vi"`
	NoteEN string     `json:"note_en"`

	FocalName  string `json:"focal_name"` // the focal-point officer, as published
	FocalEmail string `json:"focal_email"`
	FocalPhone string `json:"focal_phone"`

	Since  string `json:"since,omitempty"`  // YYYY-MM-DD, the day from which a new slug or code is in use; none: today
	Source string `json:"source,omitempty"` // the decision that gave name and code
}

// changeAgency answers PUT /agencies/{slug}.
//
//	@Summary	Change or rename an agency, for the operator; its old slug and code go on leading to it
//	@Tags		people
//	@Security	bearer
//	@Param		slug	path		string			true	"slug, or a former one"
//	@Param		body	body		changedAgency	true	"what it is to be"
//	@Success	200		{object}	auth.Agency
//	@Router		/agencies/{slug} [put]
func (a *API) changeAgency(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	before, err := a.Auth.AgencyBySlug(r.Context(), mux.Vars(r)["slug"])
	if err != nil {
		return err
	}
	if err := ifMatch(r, before); err != nil {
		return err
	}
	body, err := decode[changedAgency](w, r)
	if err != nil {
		return err
	}
	since, err := dayOf("since", body.Since)
	if err != nil {
		return err
	}
	change := auth.AgencyChange{Slug: body.Slug, Code: body.Code, NameVI: body.NameVI, NameEN: body.NameEN, Parent: body.Parent,
		NoteVI: body.NoteVI, NoteEN: body.NoteEN, Contact: auth.Contact{Name: body.FocalName, Email: body.FocalEmail, Phone: body.FocalPhone}, Source: body.Source}
	if since != nil {
		change.Since = *since
	}
	after, err := a.Auth.ChangeAgency(r.Context(), who, before.ID, change)
	if err != nil {
		return err
	}
	return answer(w, r, after)
}

// listAliases answers GET /agencies/{slug}/aliases.
//
//	@Summary	The slugs and codes that an agency once had
//	@Tags		people
//	@Param		slug	path		string	true	"slug, or a former one"
//	@Success	200		{object}	items[auth.Alias]
//	@Router		/agencies/{slug}/aliases [get]
func (a *API) listAliases(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[auth.Alias], error) {
		agency, err := a.Auth.AgencyBySlug(ctx, mux.Vars(r)["slug"])
		if err != nil {
			return items[auth.Alias]{}, err
		}
		list, err := a.Auth.Aliases(ctx, agency.ID)
		return items[auth.Alias]{Items: list}, err
	})
}

// setContact answers PUT /agencies/{id}/contact.
//
//	@Summary	Say who answers for an agency, for its stewards and the operator
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string			true	"id of the agency"
//	@Param		body	body		auth.Contact	true	"as published"
//	@Success	200		{object}	auth.Agency
//	@Router		/agencies/{id}/contact [put]
func (a *API) setContact(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Auth.SetContact)
}
