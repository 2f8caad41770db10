package portal

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// agencyRoutes are the pages for an agency's officials.
func (p *Portal) agencyRoutes(r *mux.Router) {
	r.Handle("/agency", p.page(p.chooseDesk)).Methods("GET", "HEAD")
	r.Handle("/agency/{agency}", p.page(p.agencyDesk)).Methods("GET", "HEAD")
	p.apiDeskRoutes(r)
	p.requestDeskRoutes(r)
	p.intakeRoutes(r)
	p.datasetDeskRoutes(r)
	p.harvestRoutes(r)
	p.fieldRoutes(r)
	p.datasetCareDeskRoutes(r)
}

// desk is an agency's desk, and who sits at it. Every page under it has one.
type desk struct {
	Agency auth.Agency
	who    auth.Principal
	may    auth.MayFunc
}

// May reports whether the reader may do act for the agency, so that a page
// shows only what works.
func (d desk) May(act string) bool {
	return d.may(context.Background(), d.who, act, d.Agency.ID) == nil
}

// At is an address under the desk.
func (d desk) At(parts ...string) string {
	return strings.Join(append([]string{"/agency", d.Agency.Slug}, parts...), "/")
}

// desk finds the desk of the address. It is NotFound to those who have no
// part in the agency.
func (p *Portal) desk(r *http.Request) (desk, error) {
	who, err := signedIn(r)
	if err != nil {
		return desk{}, err
	}
	slug := mux.Vars(r)["agency"]
	agency, err := p.Auth.AgencyBySlug(r.Context(), slug)
	if err != nil {
		return desk{}, err
	}
	for _, role := range []string{auth.RolePublisher, auth.RoleSteward, auth.RoleOperator} {
		if who.Has(role, agency.ID) {
			return desk{Agency: agency, who: who, may: p.Catalog.May}, nil
		}
	}
	return desk{}, problem.Errorf(problem.NotFound, "no agency %s", slug)
}

// agencyChoice is one desk to choose, and what waits there.
type agencyChoice struct {
	Agency  auth.Agency
	Roles   []string
	Waiting int // requests
	Overdue int // of those
}

// chooseDesk answers GET /agency: the desks of the reader, the most urgent
// first. Who has one desk is taken there.
func (p *Portal) chooseDesk(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	choices, err := p.desksOf(r.Context(), who)
	if err != nil {
		return page{}, err
	}
	if len(choices) == 0 && p.Catalog.May(r.Context(), who, "agency.edit", uuid.Nil) == nil {
		return page{}, problem.Errorf(problem.NotFound, "no agency is registered").Coded("no-agency-yet")
	}
	if len(choices) == 0 {
		return page{}, problem.Errorf(problem.Forbidden, "a desk needs a role in an agency").Coded("no-desk")
	}
	if len(choices) == 1 {
		return page{To: "/agency/" + choices[0].Agency.Slug}, nil
	}
	return page{Name: "agency-choose", Data: choices}, nil
}

// desksOf are the agencies of who, and of an operator all that are still there.
func (p *Portal) desksOf(ctx context.Context, who auth.Principal) ([]agencyChoice, error) {
	roles := map[uuid.UUID][]string{}
	for _, m := range who.Memberships {
		if m.Agency != uuid.Nil {
			roles[m.Agency] = append(roles[m.Agency], m.Role)
		}
	}
	if !who.Has(auth.RoleOperator, uuid.Nil) {
		byID, err := p.Auth.Agencies(ctx, keysOf(roles))
		if err != nil {
			return nil, err
		}
		var choices []agencyChoice
		for id, agency := range byID {
			if agency.Ended() {
				continue
			}
			choices = append(choices, agencyChoice{Agency: agency, Roles: roles[id]})
		}
		return p.counted(ctx, who, choices)
	}
	list, _, err := p.Auth.ListAgencies(ctx, auth.Page{Limit: 100})
	if err != nil {
		return nil, err
	}
	var choices []agencyChoice
	for _, agency := range list {
		if agency.ValidTo == nil || agency.ValidTo.After(p.Now()) {
			choices = append(choices, agencyChoice{Agency: agency, Roles: append(roles[agency.ID], auth.RoleOperator)})
		}
	}
	return p.counted(ctx, who, choices)
}

// counted adds the requests that wait at each desk, and sorts.
func (p *Portal) counted(ctx context.Context, who auth.Principal, choices []agencyChoice) ([]agencyChoice, error) {
	if len(choices) == 0 {
		return nil, nil
	}
	ids := make([]uuid.UUID, len(choices))
	for i, choice := range choices {
		ids[i] = choice.Agency.ID
	}
	counts, err := p.Agreements.WaitingCounts(ctx, who, ids)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		choices[i].Waiting, choices[i].Overdue = counts[id].Waiting, counts[id].Overdue
	}
	slices.SortFunc(choices, func(a, b agencyChoice) int {
		return cmp.Or(cmp.Compare(b.Overdue, a.Overdue), cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(a.Agency.Slug, b.Agency.Slug))
	})
	return choices, nil
}

// clock is a term and how far off it is, for the partial "agency-clock".
type clock struct {
	Due     time.Time // when it is over
	Days    int       // whole days on the province's calendar until its last day, or since
	Overdue bool
}

// clockOf reads the clock of a term.
func (p *Portal) clockOf(due time.Time) clock {
	last := due.Add(-time.Nanosecond).In(time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)).Format(time.DateOnly)
	c := clock{Due: due, Days: p.daysLeft(last), Overdue: due.Before(p.Now())}
	if c.Overdue {
		c.Days = -c.Days
	}
	return c
}

func keysOf(m map[uuid.UUID][]string) []uuid.UUID {
	keys := make([]uuid.UUID, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}
