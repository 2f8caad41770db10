package portal

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

func (p *Portal) deciderRoutes(r *mux.Router) {
	r.Handle("/agency/{agency}/decisions", p.page(p.decisions)).Methods("GET", "HEAD")
	r.Handle("/agency/{agency}/decisions/rules", p.page(p.setRules)).Methods("POST")
	r.Handle("/agency/{agency}/decisions/away", p.page(p.goAway)).Methods("POST")
	r.Handle("/agency/{agency}/decisions/back", p.page(p.comeBack)).Methods("POST")
}

// decisionsData is the data of the page "agency-decisions".
type decisionsData struct {
	desk
	Rules       agreement.Rules
	Unconfirmed []agreement.Unconfirmed
	Away        []awayRow
	Colleagues  []web.Option // to whom the reader can delegate
	Operates    bool         // the reader may set two persons back to one
	Release     catalog.ReleaseRule
}

// awayRow is a delegation with the names of those it is between.
type awayRow struct {
	agreement.Delegation
	From, To string
	Mine     bool // the reader may take it back
}

// decisions answers GET /agency/{agency}/decisions: what is to be confirmed, who
// decides in whose place, and what the agency demands of its decisions.
func (p *Portal) decisions(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	data := decisionsData{desk: d, Operates: d.May("agency.edit")}
	if data.Rules, err = p.Agreements.RulesOf(ctx, d.who, d.Agency.ID); err != nil {
		return page{}, err
	}
	if data.Release, err = p.Catalog.ReleaseRuleOf(ctx, d.who, d.Agency.ID); err != nil {
		return page{}, err
	}
	if data.Unconfirmed, err = p.Agreements.Unconfirmed(ctx, d.who, d.Agency.ID); err != nil {
		return page{}, err
	}
	list, err := p.Agreements.Delegations(ctx, d.who, d.Agency.ID)
	if err != nil {
		return page{}, err
	}
	ids := []uuid.UUID{}
	for _, away := range list {
		ids = append(ids, away.FromID, away.ToID)
	}
	people, err := p.Auth.Persons(ctx, ids)
	if err != nil {
		return page{}, err
	}
	for _, away := range list {
		row := awayRow{Delegation: away, Mine: d.May("agreement.decide") || away.FromID == d.who.Person || away.ToID == d.who.Person}
		if row.From, err = p.person(r, people[away.FromID].Name); err != nil {
			return page{}, err
		}
		if row.To, err = p.person(r, people[away.ToID].Name); err != nil {
			return page{}, err
		}
		data.Away = append(data.Away, row)
	}
	data.Colleagues, err = p.colleagues(r, d)
	return page{Name: "agency-decisions", Data: data}, err
}

// colleagues are the other members of the agency, for who decides there.
func (p *Portal) colleagues(r *http.Request, d desk) ([]web.Option, error) {
	if !d.May("agreement.decide") || !d.May("member.edit") {
		return nil, nil
	}
	members, err := p.Auth.Members(r.Context(), d.who, d.Agency.ID)
	if err != nil {
		return nil, err
	}
	choose, err := p.Pages.Text(localeOf(r), "decision.choose")
	options, seen := []web.Option{{Text: choose}}, map[uuid.UUID]bool{d.who.Person: true}
	for _, m := range members {
		if !seen[m.Person] {
			seen[m.Person] = true
			options = append(options, web.Option{Value: m.Person.String(), Text: m.Name})
		}
	}
	return options, err
}

// setRules answers POST /agency/{agency}/decisions/rules.
func (p *Portal) setRules(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	months, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue("confirm_months")))
	if err != nil {
		months = 0 // refused as such
	}
	rules := agreement.Rules{TwoPersons: r.PostFormValue("two_persons") == "yes", ConfirmMonths: months}
	_, err = p.Agreements.SetRules(r.Context(), d.who, d.Agency.ID, rules)
	return p.decisionsDone(r, d, "decision.rules-set", err)
}

// goAway answers POST /agency/{agency}/decisions/away: a colleague decides in
// the reader's place.
func (p *Portal) goAway(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	n := agreement.NewDelegation{Starts: r.PostFormValue("starts"), Ends: r.PostFormValue("ends"), Reason: r.PostFormValue("reason")}
	if n.ToID, err = uuid.Parse(r.PostFormValue("to_id")); err != nil {
		n.ToID = uuid.Nil // refused as nobody's
	}
	_, err = p.Agreements.Delegate(r.Context(), d.who, d.Agency.ID, n)
	return p.decisionsDone(r, d, "decision.away-set", err)
}

// comeBack answers POST /agency/{agency}/decisions/back.
func (p *Portal) comeBack(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	id, err := uuid.Parse(r.PostFormValue("id"))
	if err != nil {
		return page{}, problem.Errorf(problem.NotFound, "no delegation %q", r.PostFormValue("id")).Coded("delegation-unknown")
	}
	_, err = p.Agreements.TakeBack(r.Context(), d.who, id)
	return p.decisionsDone(r, d, "decision.back-set", err)
}

// decisionsDone leads back to the page, with what was done or what is wrong.
func (p *Portal) decisionsDone(r *http.Request, d desk, key string, err error) (page, error) {
	if err != nil {
		return again(r, p.decisions, err)
	}
	return page{To: d.At("decisions"), Flash: &web.Flash{Key: key}}, nil
}
