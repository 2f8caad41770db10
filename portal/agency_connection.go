package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// connectionData is the data of the page "agency-connection".
type connectionData struct {
	versionPage
	Approved []catalog.Upstream
	Waiting  []catalog.Upstream
	Plans    []web.Option
	Upstream string // what stands in the field before anyone typed
}

// connectionForm answers GET …/{version}/connection: where calls go, and how
// many may come.
func (p *Portal) connectionForm(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	data := connectionData{versionPage: v, Upstream: v.Version.UpstreamURL}
	hosts, err := p.Catalog.Upstreams(r.Context(), v.who, v.Agency.ID)
	if err != nil {
		return page{}, err
	}
	for _, host := range hosts {
		if host.ApprovedAt == nil {
			data.Waiting = append(data.Waiting, host)
		} else {
			data.Approved = append(data.Approved, host)
		}
	}
	if data.Upstream == "" {
		if data.Upstream, err = p.suggestUpstream(r, v, data.Approved); err != nil {
			return page{}, err
		}
	}
	data.Plans, err = p.planOptions(r)
	return page{Name: "agency-connection", Data: data}, err
}

// suggestUpstream is the first server of the version's document that is
// approved, else the only host that is, else "".
func (p *Portal) suggestUpstream(r *http.Request, v versionPage, approved []catalog.Upstream) (string, error) {
	text, err := p.Catalog.SpecText(r.Context(), v.who, v.Version.ID)
	if err != nil {
		return "", err
	}
	document, err := p.Catalog.InspectSpec(r.Context(), v.who, text)
	if err != nil {
		return "", err
	}
	for _, server := range document.Servers {
		u, err := url.Parse(server)
		if err == nil && slices.ContainsFunc(approved, func(up catalog.Upstream) bool { return up.HostPort == strings.ToLower(u.Host) }) {
			return server, nil
		}
	}
	if len(approved) == 1 {
		return "http://" + approved[0].HostPort, nil
	}
	return "", nil
}

// planOptions are the plans, each with what it allows and how access is
// decided.
func (p *Portal) planOptions(r *http.Request) ([]web.Option, error) {
	plans, err := p.Catalog.Plans(r.Context())
	if err != nil {
		return nil, err
	}
	var options []web.Option
	for _, plan := range plans {
		words := "agency.plan-is"
		if plan.QuotaPerMonth > 0 {
			words = "agency.plan-is-month"
		}
		limits, err := p.Pages.Text(localeOf(r), words, "rate", plan.RatePerMinute, "quota", plan.QuotaPerDay, "month", plan.QuotaPerMonth)
		if err != nil {
			return nil, err
		}
		decided, err := p.Pages.Text(localeOf(r), "agency.decision-"+plan.Decision)
		if err != nil {
			return nil, err
		}
		o := web.Option{Value: plan.Slug, Text: plan.TitleVI, Hint: limits + ". " + decided}
		if localeOf(r) == "en" {
			o.Text = plan.TitleEN
		}
		options = append(options, o)
	}
	return options, nil
}

// connect answers POST …/{version}/connection.
func (p *Portal) connect(r *http.Request) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	if first, shown := p.planEffectFirst(r, d, v); shown {
		return first, nil
	}
	address := r.PostFormValue("upstream_url")
	if len(v.Upstreams) < 2 || address != v.UpstreamURL { // several stay while their first is not changed
		if _, err := p.Catalog.SetUpstream(r.Context(), d.who, v.ID, address); err != nil {
			return again(r, p.connectionForm, err)
		}
	}
	if r.PostFormValue("plan") == "" {
		return again(r, p.connectionForm, problem.Errorf(problem.Invalid, "no plan is chosen").Coded("plan-missing").
			Wrong("plan", "plan-missing", "choose a plan"))
	}
	if _, err := p.Catalog.SetPlan(r.Context(), d.who, v.ID, r.PostFormValue("plan")); err != nil {
		return again(r, p.connectionForm, err)
	}
	if v.State == catalog.Published || v.State == catalog.Deprecated {
		return page{To: d.At("apis", d.API.Slug, v.Number), Flash: &web.Flash{Key: "agency.connection-saved"}}, nil
	}
	return page{To: d.At("apis", d.API.Slug, v.Number, "marks")}, nil
}

// askForHost answers POST …/{version}/hosts: a host and port that the operator
// is to approve.
func (p *Portal) askForHost(r *http.Request) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	hostPort := strings.TrimSpace(r.PostFormValue("host_port"))
	if _, err := p.Catalog.RequestUpstream(r.Context(), d.who, d.Agency.ID, hostPort); err != nil {
		return again(r, p.connectionForm, err)
	}
	return page{To: d.At("apis", d.API.Slug, v.Number, "connection"), Flash: &web.Flash{Key: "agency.host-asked", Args: []string{"host", hostPort}}}, nil
}
