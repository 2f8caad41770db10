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
	"lgsp/ledger"
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
	Needs  []need
	Counts auth.Attention
	Day    *ledger.VersionCalls // of all versions together; nil: the reader may not know
	Health gateway.Health
	Age    int // seconds since the change feed last answered
}

// actAnswer is the policy's answer about a person.
type actAnswer struct {
	policy.Explanation
	Name, Act string
}

// operator answers GET /operator: what waits for the reader, then the figures
// of the day. What was asked of the rules here leads on to their own page.
func (p *Portal) operator(r *http.Request) (page, error) {
	who, err := p.readsPlatform(r)
	if err != nil {
		return page{}, err
	}
	if asked := r.URL.Query(); asked.Has("email") || asked.Has("act") {
		return page{To: "/operator/rules?" + r.URL.RawQuery + "#ask"}, nil
	}
	ctx := r.Context()
	data := operatorData{}
	if data.Needs, data.Counts, err = p.needs(ctx, who); err != nil {
		return page{}, err
	}
	if data.Health = p.Health(); data.Health.Ready {
		data.Age = int(p.Now().Sub(data.Health.Fresh).Seconds())
	}
	calls, err := p.Ledger.LastDay(ctx, who)
	if problem.Is(err, problem.Forbidden) {
		return page{Name: "operator", Data: data}, nil
	}
	data.Day = &ledger.VersionCalls{}
	for _, c := range calls {
		data.Day.Calls, data.Day.Refused, data.Day.Failed = data.Day.Calls+c.Calls, data.Day.Refused+c.Refused, data.Day.Failed+c.Failed
	}
	return page{Name: "operator", Data: data}, err
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
	When   []string // keys of the words of what must be so
	Effect string   // allow, deny
}

func callRules() []callRule {
	names := []string{"agreement", "credential", "lacking"}
	var list []callRule
	for _, row := range policy.CallRules() {
		var when []string
		for i, name := range names {
			if value := row[i+2]; value != "any" {
				when = append(when, "room.when-"+name+"-"+strings.ReplaceAll(value, "_", "-"))
			}
		}
		list = append(list, callRule{Access: row[0], Rule: row[1], When: when, Effect: row[len(row)-1]})
	}
	return list
}
