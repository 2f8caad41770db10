package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/web"
)

// operatorRoutes are the pages of those who run the platform.
func (p *Portal) operatorRoutes(r *mux.Router) {
	r.Handle("/operator", p.page(p.operator)).Methods("GET", "HEAD")
	r.Handle("/operator/upstreams", p.page(p.upstreams)).Methods("GET", "HEAD")
	r.Handle("/operator/upstreams", p.page(p.approveUpstream)).Methods("POST")
}

// operatorData is the data of the page "operator".
type operatorData struct {
	Health  gateway.Health
	Age     int // seconds since the change feed last answered
	Waiting int // upstreams to be approved
	Model   string
	Rules   [][]string

	CallModel string
	CallRules []callRule
	Acts      []web.Option // that the rules know
	Agencies  []web.Option
	Asked     *actAnswer // what the reader asked the policy, nil before

	Email, Act, Agency string // of whom and what it was asked
}

// WithPlatform are the agencies as choices, after the whole platform.
func (d operatorData) WithPlatform(platform string) []web.Option {
	return append([]web.Option{{Text: platform}}, d.Agencies...)
}

// actAnswer is the policy's answer about a person.
type actAnswer struct {
	policy.Explanation
	Name, Act string
}

// operator answers GET /operator: how the gateway stands, the policy as it
// runs, and, asked about a person and an act, what it answers and why.
func (p *Portal) operator(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	if err := p.Policy.May(ctx, who, "platform.read", uuid.Nil); err != nil {
		return page{}, err
	}
	data := operatorData{Model: p.Policy.Model(), CallModel: policy.CallModel(), CallRules: callRules(), Email: r.FormValue("email"), Act: r.FormValue("act"), Agency: r.FormValue("agency")}
	if data.Health = p.Health(); data.Health.Ready {
		data.Age = int(p.Now().Sub(data.Health.Fresh).Seconds())
	}
	if data.Rules, err = p.Policy.Rules(); err != nil {
		return page{}, err
	}
	for _, act := range actsIn(data.Rules) {
		data.Acts = append(data.Acts, web.Option{Value: act, Text: act})
	}
	agencies, _, err := p.Auth.ListAgencies(ctx, auth.Page{Limit: 100})
	if err != nil {
		return page{}, err
	}
	data.Agencies = agencyOptions(localeOf(r), agencies)
	if p.Policy.May(ctx, who, "upstream.approve", uuid.Nil) == nil {
		hosts, err := p.Catalog.Upstreams(ctx, who, uuid.Nil)
		if err != nil {
			return page{}, err
		}
		for _, host := range hosts {
			if host.ApprovedAt == nil {
				data.Waiting++
			}
		}
	}
	answer := page{Name: "operator"}
	if data.Email != "" {
		data.Asked, err = p.askPolicy(r, who)
		if problem.Of(err) != nil && (problem.Is(err, problem.NotFound) || problem.Is(err, problem.Forbidden)) {
			title, detail := words(r, problem.Of(err))
			answer.Form, err = &web.Form{Values: r.Form, Title: title, Detail: detail}, nil
		}
	}
	answer.Data = data
	return answer, err
}

// askPolicy asks whether the person of an address may do an act.
func (p *Portal) askPolicy(r *http.Request, who auth.Principal) (*actAnswer, error) {
	ctx := r.Context()
	person, err := p.Auth.PersonByEmail(ctx, who, uuid.Nil, r.FormValue("email"))
	if err != nil {
		return nil, err
	}
	asked, err := p.Auth.WhoByPerson(ctx, person.ID)
	if err != nil {
		return nil, err
	}
	agency, _ := uuid.Parse(r.FormValue("agency")) // none: the platform
	explanation, err := p.Policy.Explain(ctx, asked, r.FormValue("act"), agency)
	return &actAnswer{Explanation: explanation, Name: person.Name, Act: r.FormValue("act")}, err
}

// actsIn are the acts that rules (p, rule, role, act) name, each once.
func actsIn(rules [][]string) []string {
	var acts []string
	for _, rule := range rules {
		acts = append(acts, rule[len(rule)-1])
	}
	slices.Sort(acts)
	return slices.Compact(acts)
}

// agencyOptions are agencies as choices.
func agencyOptions(locale string, list []auth.Agency) []web.Option {
	options := make([]web.Option, len(list))
	for i, a := range list {
		options[i] = web.Option{Value: a.ID.String(), Text: a.NameVI}
		if locale == "en" {
			options[i].Text = cmp.Or(a.NameEN, a.NameVI)
		}
	}
	return options
}

// upstreamsData is the data of the page "operator-upstreams".
type upstreamsData struct {
	Waiting, Approved []upstreamRow
	Agencies          []web.Option
}

// upstreamRow is a host and port, and who asked.
type upstreamRow struct {
	catalog.Upstream
	Agency auth.Agency
	Asker  string // name
}

// upstreams answers GET /operator/upstreams: what was asked for, first.
func (p *Portal) upstreams(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	if err := p.Policy.May(ctx, who, "upstream.approve", uuid.Nil); err != nil {
		return page{}, err
	}
	hosts, err := p.Catalog.Upstreams(ctx, who, uuid.Nil)
	if err != nil {
		return page{}, err
	}
	agencies, _, err := p.Auth.ListAgencies(ctx, auth.Page{Limit: 100})
	if err != nil {
		return page{}, err
	}
	var askers, owners []uuid.UUID
	for _, host := range hosts {
		owners = append(owners, host.AgencyID)
		if host.RequestedBy != nil {
			askers = append(askers, *host.RequestedBy)
		}
	}
	people, err := p.Auth.Persons(ctx, askers)
	if err != nil {
		return page{}, err
	}
	byID, err := p.Auth.Agencies(ctx, owners)
	if err != nil {
		return page{}, err
	}
	data := upstreamsData{Agencies: agencyOptions(localeOf(r), agencies)}
	for _, host := range hosts {
		row := upstreamRow{Upstream: host, Agency: byID[host.AgencyID]}
		if host.RequestedBy != nil {
			row.Asker = people[*host.RequestedBy].Name
		}
		if host.ApprovedAt == nil {
			data.Waiting = append(data.Waiting, row)
		} else {
			data.Approved = append(data.Approved, row)
		}
	}
	return page{Name: "operator-upstreams", Data: data}, nil
}

// approveUpstream answers POST /operator/upstreams: one that was asked for, or
// one that the operator names.
func (p *Portal) approveUpstream(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	agency, err := uuid.Parse(r.PostFormValue("agency"))
	if err != nil {
		return again(r, p.upstreams, problem.Errorf(problem.Invalid, "no agency").Coded("agency-missing").
			Wrong("agency", "agency-missing", "choose an agency"))
	}
	host, err := p.Catalog.ApproveUpstream(r.Context(), who, agency, r.PostFormValue("host_port"))
	if err != nil {
		return again(r, p.upstreams, err)
	}
	return page{To: "/operator/upstreams", Flash: &web.Flash{Key: "operator.approved", Args: []string{"host", host.HostPort}}}, nil
}

// callRule is a rule that calls are decided by, for people to read.
type callRule struct {
	Access string
	Rule   string
	When   string // what must be so: agreement=covers credential=token lacking=hours
	Effect string // allow, deny
}

func callRules() []callRule {
	names := []string{"agreement", "credential", "lacking"}
	var list []callRule
	for _, row := range policy.CallRules() {
		var when []string
		for i, name := range names {
			if value := row[i+2]; value != "any" {
				when = append(when, name+"="+value)
			}
		}
		list = append(list, callRule{Access: row[0], Rule: row[1], When: strings.Join(when, " "), Effect: row[len(row)-1]})
	}
	return list
}
