package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// agencyHoldings is what the end of an agency's service would pass on to a
// successor, or end.
type agencyHoldings struct {
	Plan       *auth.AgencyEnd    `json:"plan"` // null: no end is planned
	People     auth.Holdings      `json:"people"`
	Offers     catalog.Holdings   `json:"offers"`
	Agreements agreement.Holdings `json:"agreements"`
}

// Blocked reports whether the agency cannot end without a successor yet.
func (h agencyHoldings) Blocked() bool { return h.Offers.Live() }

// holders are the rooms that have something of an agency.
type holders struct {
	auth       *auth.Auth
	catalog    *catalog.Catalog
	agreements *agreement.Agreements
}

// of asks each room what it has of an agency; to is the successor, nil: none.
func (in holders) of(ctx context.Context, of auth.Agency, to *auth.Agency) (agencyHoldings, error) {
	var h agencyHoldings
	var err error
	if h.Plan, err = in.auth.PlannedEnd(ctx, of.ID); err != nil {
		return h, err
	}
	if h.People, err = in.auth.HeldBy(ctx, of.ID); err != nil {
		return h, err
	}
	var next *catalog.Agency
	if to != nil {
		next = &catalog.Agency{ID: to.ID, Slug: to.Slug}
	}
	if h.Offers, err = in.catalog.HeldBy(ctx, catalog.Agency{ID: of.ID, Slug: of.Slug}, next); err != nil {
		return h, err
	}
	h.Agreements, err = in.agreements.HeldBy(ctx, of.ID)
	return h, err
}

// agencyEndData is the data of the page "operator-agency-end".
type agencyEndData struct {
	agencyHoldings
	Agency  auth.Agency
	To      *auth.Agency // the successor that is looked at
	Live    []auth.FoundAgency
	Today   string
	Failure string // in words; "": nothing kept it from happening
}

// Choices are the agencies that may succeed it, after none.
func (d agencyEndData) Choices(none, locale string) []web.Option {
	return agencyFormData{Agency: d.Agency, Live: d.Live}.Parents(none, locale)
}

// Chosen is the slug of the successor that is looked at.
func (d agencyEndData) Chosen() string {
	if d.To == nil {
		return ""
	}
	return d.To.Slug
}

// agencyEnd answers GET /operator/agencies/{agency}/end?successor=…: what would
// happen, before it is planned.
func (p *Portal) agencyEnd(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	if err := p.Policy.May(ctx, who, "agency.edit", uuid.Nil); err != nil {
		return page{}, err
	}
	agency, err := p.Auth.AgencyBySlug(ctx, mux.Vars(r)["agency"])
	if err != nil {
		return page{}, err
	}
	data := agencyEndData{Agency: agency, Today: p.Now().In(province).Format(time.DateOnly)}
	plan, err := p.Auth.PlannedEnd(ctx, agency.ID)
	if err != nil {
		return page{}, err
	}
	if slug := r.FormValue("successor"); slug != "" {
		to, err := p.Auth.AgencyBySlug(ctx, slug)
		if err != nil && !problem.Is(err, problem.NotFound) {
			return page{}, err
		}
		if err == nil && to.ID != agency.ID && !to.Ended() {
			data.To = &to
		}
	} else if plan != nil && plan.Successor != nil {
		next, err := p.Auth.Agencies(ctx, []uuid.UUID{*plan.Successor})
		if err != nil {
			return page{}, err
		}
		to := next[*plan.Successor]
		data.To = &to
	}
	if data.agencyHoldings, err = (holders{p.Auth, p.Catalog, p.Agreements}).of(ctx, agency, data.To); err != nil {
		return page{}, err
	}
	if plan != nil && plan.Failure != "" {
		data.Failure, _ = wordsOfCode(r, plan.Failure)
	}
	data.Live, err = p.liveAgencies(r)
	return page{Name: "operator-agency-end", Data: data}, err
}

// planEnd answers POST /operator/agencies/{agency}/end.
func (p *Portal) planEnd(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	agency, err := p.Auth.AgencyBySlug(r.Context(), mux.Vars(r)["agency"])
	if err != nil {
		return page{}, err
	}
	plan := auth.AgencyEnd{AgencyID: agency.ID, Reason: r.PostFormValue("reason")}
	if plan.LastDay, err = dayField(r, "last_day"); err != nil {
		return again(r, p.agencyEnd, err)
	}
	if slug := r.PostFormValue("successor"); slug != "" {
		to, err := p.Auth.AgencyBySlug(r.Context(), slug)
		if err != nil {
			return again(r, p.agencyEnd, problem.Errorf(problem.Invalid, "no agency %s", slug).Coded("fields-wrong").Wrong("successor", "agency-unknown", "no such agency"))
		}
		plan.Successor = &to.ID
	}
	if _, err := p.Auth.PlanEnd(r.Context(), who, plan); err != nil {
		return again(r, p.agencyEnd, err)
	}
	return page{To: "/operator/agencies/" + agency.Slug + "/end", Flash: &web.Flash{Key: "operate.end-planned", Args: []string{"name", agency.NameVI}}}, nil
}

// dropEnd answers POST /operator/agencies/{agency}/end/drop.
func (p *Portal) dropEnd(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	agency, err := p.Auth.AgencyBySlug(r.Context(), mux.Vars(r)["agency"])
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.DropEnd(r.Context(), who, agency.ID); err != nil {
		return page{}, err
	}
	return page{To: "/operator/agencies/" + agency.Slug + "/end", Flash: &web.Flash{Key: "operate.end-dropped"}}, nil
}

// plannedEnd is how an agency's service is to end.
type plannedEnd struct {
	Successor *uuid.UUID `json:"successor"` // null: none
	LastDay   string     `json:"last_day"`  // YYYY-MM-DD; it ends on the day after
	Reason    string     `json:"reason"`
}

// showEnd answers GET /agencies/{id}/end.
//
//	@Summary	What the end of an agency's service would pass on to a successor or end, and what is planned; for the operator
//	@Tags		people
//	@Security	bearer
//	@Param		id			path		string	true	"id of the agency"
//	@Param		successor	query		string	false	"id of the agency that would have what it has; default: as planned, else none"
//	@Success	200			{object}	agencyHoldings
//	@Router		/agencies/{id}/end [get]
func (a *API) showEnd(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "successor")
	if err != nil {
		return err
	}
	successor, err := idOf(values, "successor")
	if err != nil {
		return err
	}
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (agencyHoldings, error) {
		if err := a.Policy.May(ctx, who, "agency.edit", uuid.Nil); err != nil {
			return agencyHoldings{}, err
		}
		plan, err := a.Auth.PlannedEnd(ctx, id)
		if err != nil {
			return agencyHoldings{}, err
		}
		if successor == uuid.Nil && plan != nil && plan.Successor != nil {
			successor = *plan.Successor
		}
		both, err := a.Auth.Agencies(ctx, []uuid.UUID{id, successor})
		if err != nil {
			return agencyHoldings{}, err
		}
		agency, ok := both[id]
		if !ok {
			return agencyHoldings{}, problem.Errorf(problem.NotFound, "no agency %s", id).Coded("agency-unknown")
		}
		var to *auth.Agency
		if next, ok := both[successor]; ok {
			to = &next
		}
		return (holders{a.Auth, a.Catalog, a.Agreements}).of(ctx, agency, to)
	})
}

// planEnd answers PUT /agencies/{id}/end.
//
//	@Summary	Plan that an agency's service ends after a day, and what it has passes to a successor; for the operator
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string		true	"id of the agency"
//	@Param		body	body		plannedEnd	true	"when, why, and who has it then"
//	@Success	200		{object}	auth.AgencyEnd
//	@Router		/agencies/{id}/end [put]
func (a *API) planEnd(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, n plannedEnd) (auth.AgencyEnd, error) {
		day, err := dayOf("last_day", n.LastDay)
		if err != nil {
			return auth.AgencyEnd{}, err
		}
		plan := auth.AgencyEnd{AgencyID: id, Successor: n.Successor, Reason: n.Reason}
		if day != nil {
			plan.LastDay = *day
		}
		return a.Auth.PlanEnd(ctx, who, plan)
	})
}

// dropEnd answers DELETE /agencies/{id}/end.
//
//	@Summary	Take the planned end of an agency's service back, for the operator
//	@Tags		people
//	@Security	bearer
//	@Param		id	path	string	true	"id of the agency"
//	@Success	204
//	@Router		/agencies/{id}/end [delete]
func (a *API) dropEnd(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.DropEnd)
}
