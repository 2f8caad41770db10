package portal

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// agreementRoutes are what both sides do with an agreement beside deciding it.
func (p *Portal) agreementRoutes(r *mux.Router) {
	r.Handle("/agreements/{id}/decision", p.page(p.printedDecision)).Methods("GET", "HEAD")
	r.Handle("/agreements/{id}/answer", p.page(p.decide("answer", p.answerQuestion))).Methods("POST")
	r.Handle("/agreements/{id}/renew", p.page(p.renew)).Methods("POST")
	p.deciderRoutes(r)
}

// deciding is what the page of an agreement has for who decides, and for who
// asked: the first of two approvals, and what conditions can be set.
type deciding struct {
	FirstName string                 // who of two persons approved first
	FirstIs   []agreement.Difference // what the second would put in force, against what is asked for
	MayBe     bool                   // the reader may be the second
	Offered   []conditionOperation   // what was asked for, to choose from
	Base      agreement.Terms        // what stands in the form of conditions at first
	RenewEnds string                 // what stands in the form of a renewal at first
	ConfirmBy string                 // by when it is to be confirmed again, "" when that is after its end
}

// BaseMonth is the month's quota in the form of conditions, "" for none.
func (d deciding) BaseMonth() string {
	if d.Base.QuotaPerMonth == 0 {
		return ""
	}
	return strconv.Itoa(d.Base.QuotaPerMonth)
}

// Question is the one that waits.
func (d agreementData) Question() string {
	for _, e := range slices.Backward(d.History) {
		if e.What == "asked" {
			return e.Text
		}
	}
	return ""
}

// ReasonWords is why it was refused, suspended or ended; "" where the history
// says it better.
func (d agreementData) ReasonWords() string {
	if _, err := uuid.Parse(d.Agreement.Reason); err == nil {
		return "" // of the agreement that replaced it
	}
	return d.Agreement.Reason
}

// conditionOperation is an operation asked for, and which of its fields are ticked.
type conditionOperation struct {
	agreement.Operation
	Checked map[string]bool
	Open    map[string]bool // sensitive values that stay unmasked
}

// FieldsName is the name of the boxes of the operation's fields.
func (o conditionOperation) FieldsName() string { return fieldsPrefix + o.ID }

// decidingOf fills that in.
func (p *Portal) decidingOf(r *http.Request, who auth.Principal, g agreement.Agreement) (deciding, error) {
	d := deciding{Base: g.Terms()}
	if g.FirstTerms != nil {
		d.Base = *g.FirstTerms
		var err error
		if d.FirstIs, err = p.Agreements.Differences(r.Context(), g.Terms(), d.Base, localeOf(r)); err != nil {
			return d, err
		}
		names, err := p.namesOf(r, g.FirstBy, g.FirstFor)
		if err != nil {
			return d, err
		}
		d.FirstName = names
		d.MayBe = *g.FirstBy != who.Person && (g.FirstFor == nil || *g.FirstFor != who.Person)
	}
	for _, o := range g.Operations {
		one := conditionOperation{Operation: o, Checked: map[string]bool{}}
		chosen := r.PostForm[one.FieldsName()]
		if r.PostForm.Get("conditions") == "" {
			chosen = nil
			for _, base := range d.Base.Operations {
				for _, f := range base.Fields {
					if base.ID == o.ID {
						chosen = append(chosen, f.Path)
					}
				}
			}
		}
		for _, path := range chosen {
			one.Checked[path] = true
		}
		one.Open = keptOpen(one, d.Base, r.PostForm)
		d.Offered = append(d.Offered, one)
	}
	if ends, err := time.Parse(time.DateOnly, g.Ends); err == nil {
		d.RenewEnds = ends.AddDate(1, 0, 0).Format(time.DateOnly)
	}
	rules, err := p.Agreements.RulesOf(r.Context(), who, g.AgencyID)
	if problem.Is(err, problem.Forbidden) {
		return d, nil // for the asking side there is nothing to confirm
	}
	if by := g.ConfirmBy(rules); g.State == agreement.Active && by <= g.Ends {
		d.ConfirmBy = by
	}
	return d, err
}

// namesOf is a person's name, and in whose place they act, in words.
func (p *Portal) namesOf(r *http.Request, by, inPlaceOf *uuid.UUID) (string, error) {
	ids := []uuid.UUID{}
	for _, id := range []*uuid.UUID{by, inPlaceOf} {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	people, err := p.Auth.Persons(r.Context(), ids)
	if err != nil || len(ids) == 0 {
		return "", err
	}
	name, err := p.person(r, people[ids[0]].Name)
	if err != nil || len(ids) == 1 {
		return name, err
	}
	steward, err := p.person(r, people[ids[1]].Name)
	if err != nil {
		return "", err
	}
	return p.Pages.Text(localeOf(r), "decision.instead", "name", name, "steward", steward)
}

// approvalOf reads the forms of an approval: as asked for, or under conditions.
func approvalOf(form url.Values) (agreement.Approval, error) {
	yes := agreement.Approval{Text: form.Get("note")}
	yes.Revision, _ = strconv.Atoi(form.Get("revision")) // 0 when none is said
	if form.Get("conditions") == "" {
		return yes, nil
	}
	yes.Text = form.Get("condition_note")
	c := agreement.Conditions{Operations: []agreement.Wanted{}, Ends: form.Get("ends")}
	wrong := problem.Errorf(problem.Invalid, "the conditions do not fit").Coded("conditions-invalid")
	for name, into := range map[string]*int{"rate_per_minute": &c.RatePerMinute, "quota_per_day": &c.QuotaPerDay, "quota_per_month": &c.QuotaPerMonth} {
		text := strings.TrimSpace(form.Get(name))
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			wrong.Wrong(name, "limit-digits", "a number above 0, in digits")
		}
		*into = n
	}
	if len(wrong.Fields) > 0 {
		return yes, wrong
	}
	for _, slug := range wantedOf(url.Values(form)) {
		if fields := form[fieldsPrefix+slug]; len(fields) > 0 {
			c.Operations = append(c.Operations, agreement.Wanted{Operation: slug, Fields: fields, Open: form[openPrefix+slug]})
		}
	}
	slices.SortFunc(c.Operations, func(a, b agreement.Wanted) int { return strings.Compare(a.Operation, b.Operation) })
	yes.Conditions = &c
	return yes, nil
}

func (p *Portal) askRequester(ctx context.Context, who auth.Principal, id uuid.UUID, r *http.Request) error {
	_, err := p.Agreements.Ask(ctx, who, id, r.PostFormValue("text"))
	return err
}

func (p *Portal) confirmNeed(ctx context.Context, who auth.Principal, id uuid.UUID, r *http.Request) error {
	_, err := p.Agreements.Confirm(ctx, who, id, r.PostFormValue("note"))
	return err
}

// answerQuestion answers with words alone; who changes the request goes
// through its form.
func (p *Portal) answerQuestion(ctx context.Context, who auth.Principal, id uuid.UUID, r *http.Request) error {
	_, err := p.Agreements.Answer(ctx, who, id, agreement.Reply{Text: r.PostFormValue("text")})
	return err
}

// renew answers POST /agreements/{id}/renew: the same terms, until another day.
func (p *Portal) renew(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	g, err := p.Agreements.Renew(r.Context(), who, id, agreement.Renewal{Ends: r.PostFormValue("ends")})
	if err != nil {
		return again(r, p.agreementPage, err)
	}
	return page{To: "/agreements/" + g.ID.String() + "/sent"}, nil
}

// amends is the request that a form is to change, or nil.
func (p *Portal) amends(r *http.Request, who auth.Principal) (*agreement.Agreement, error) {
	id, err := uuid.Parse(r.FormValue("amends"))
	if err != nil {
		return nil, nil // none is named
	}
	g, err := p.Agreements.Get(r.Context(), who, id)
	return &g, err
}

// sendAmended answers a question with what is asked for from now on.
func (p *Portal) sendAmended(r *http.Request, who auth.Principal, id uuid.UUID, asked agreement.Request) (page, error) {
	reply := agreement.Reply{Text: r.PostFormValue("answer"), Amended: &asked}
	if _, err := p.Agreements.Answer(r.Context(), who, id, reply); err != nil {
		return again(r, p.requestForm, err)
	}
	return page{To: "/agreements/" + id.String(), Flash: &web.Flash{Key: "agency.done-answer"}}, nil
}
