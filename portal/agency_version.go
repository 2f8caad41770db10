package portal

import (
	"net/http"
	"reflect"
	"slices"
	"time"

	"lgsp/catalog"
	"lgsp/catalog/spec"
	"lgsp/gateway"
	"lgsp/web"
)

// versionPage is the data of the pages "agency-found" and "agency-publish", and
// a part of others.
type versionPage struct {
	apiDesk
	Version    catalog.Version
	Operations []catalog.Operation
	Findings   []findingGroup
	Steps      []versionStep
	Plan       catalog.Plan // zero until chosen
	Address    string       // at the gateway
	Traffic    gateway.Traffic
	Losses     []lossRow
	Earliest   string // day on which a published version may end at the earliest
	Prepares   bool   // the page changes what is prepared beside the version
	Alike      []catalog.Alike
}

// versionStep is one thing to be done before a version can be published.
type versionStep struct {
	Key  string // of its words: agency.step-KEY
	Href string
	Done bool
}

// findingGroup are the findings of one severity, or those of what the document
// was made of.
type findingGroup struct {
	Severity string // or "import"
	Findings []foundRow
}

// foundRow is a finding that is shown.
type foundRow struct {
	catalog.Finding
	Mend bool // all of its code can be mended by one click; said once for each code
}

// Next is the first step that is not done, or the last.
func (d versionPage) Next() versionStep {
	for _, s := range d.Steps {
		if !s.Done {
			return s
		}
	}
	return d.Steps[len(d.Steps)-1]
}

// Worst is the severity of the worst finding of the document itself.
func (d versionPage) Worst() string {
	for _, group := range d.Findings {
		if group.Severity != imported {
			return group.Severity
		}
	}
	return spec.Info
}

// Kind is what the document was made of: postman, wsdl, swagger or openapi.
func (d versionPage) Kind() string {
	for _, f := range d.Version.Findings {
		switch f.Code {
		case "import-postman":
			return spec.Postman
		case "wsdl-made":
			return spec.WSDL
		case "spec-lifted":
			return spec.Swagger
		}
	}
	return spec.OpenAPI
}

// Public reports whether the version can be called.
func (d versionPage) Public() bool {
	return d.Version.State == catalog.Published || d.Version.State == catalog.Deprecated
}

// SetsTraffic reports whether the version says anything of its traffic beside
// conditions and the system behind, which are told apart.
func (d versionPage) SetsTraffic() bool {
	t := d.Traffic
	t.Conditions, t.Protocol, t.TLS, t.Health, t.CORS, t.Rewrite = nil, "", gateway.UpstreamTLS{}, gateway.HealthCheck{}, gateway.CORS{}, gateway.Rewrite{}
	t.Canary, t.Mirror = gateway.Canary{}, gateway.Mirror{}
	if !t.Check.On() {
		t.Check = gateway.Check{}
	}
	return !reflect.DeepEqual(t, gateway.Traffic{})
}

// MayCheck reports whether it can be offered to hold calls to the document: it
// is not set yet, and the document is not too large.
func (d versionPage) MayCheck() bool {
	return !d.Traffic.Check.On() && !slices.ContainsFunc(d.Version.Findings, func(f catalog.Finding) bool { return f.Code == "spec-unchecked-size" })
}

// Base is the address of the version's desk.
func (d versionPage) Base() string { return d.At("apis", d.API.Slug, d.Version.Number) }

// Access counts the operations marked so; "" those not marked yet.
func (d versionPage) Access(access string) int {
	n := 0
	for _, o := range d.Operations {
		if o.Access == access {
			n++
		}
	}
	return n
}

// versionPage reads everything the pages of one version show.
func (p *Portal) versionPage(r *http.Request) (versionPage, error) {
	d, v, err := p.version(r)
	if err != nil {
		return versionPage{}, err
	}
	data := versionPage{apiDesk: d, Version: v, Prepares: prepares(r), Address: p.Gateway + v.Prefix(), Findings: grouped(v)}
	day := p.Now().In(time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)).AddDate(0, 0, 1)
	data.Earliest = day.Format(time.DateOnly)
	if data.Traffic, err = trafficOf(v.Traffic); err != nil {
		return versionPage{}, err
	}
	if data.Operations, err = p.Catalog.Operations(r.Context(), d.who, v.ID); err != nil {
		return versionPage{}, err
	}
	plans, err := p.Catalog.Plans(r.Context())
	if err != nil {
		return versionPage{}, err
	}
	for _, plan := range plans {
		if plan.Slug == v.PlanSlug {
			data.Plan = plan
		}
	}
	data.Steps = []versionStep{
		{"found", data.Base() + "/found", countErrors(v.Findings) == 0 && len(data.Operations) > 0},
		{"connection", data.Base() + "/connection", v.UpstreamURL != "" && v.PlanSlug != ""},
		{"marks", data.Base() + "/marks", data.Access("") == 0},
		{"publish", data.Base() + "/publish", data.Public() || v.State == catalog.Retired},
	}
	return data, nil
}

// grouped are the findings of what the document was made of, then the others by
// severity, worst first; those that there are.
func grouped(v catalog.Version) []findingGroup {
	var groups []findingGroup
	said := map[string]bool{}
	for _, name := range []string{imported, spec.Error, spec.Warning, spec.Info} {
		group := findingGroup{Severity: name}
		for _, f := range v.Findings {
			if name == imported && f.Imported() || name == f.Severity && !f.Imported() {
				group.Findings = append(group.Findings, foundRow{f, v.Mendable(f) && !said[f.Code]})
				said[f.Code] = true
			}
		}
		if len(group.Findings) > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

// imported is the group of findings of what a document was made of.
const imported = "import"

func countErrors(findings []catalog.Finding) int {
	n := 0
	for _, f := range findings {
		if f.Severity == spec.Error {
			n++
		}
	}
	return n
}

// found answers GET …/{version}/found: what is in the document, and what is
// wrong with it.
func (p *Portal) found(r *http.Request) (page, error) {
	data, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	data.Alike, err = p.Catalog.AlikeVersion(r.Context(), data.who, data.Version.ID)
	return page{Name: "agency-found", Data: data}, err
}

// publishForm answers GET …/{version}/publish: everything once more.
func (p *Portal) publishForm(r *http.Request) (page, error) {
	data, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	data.Losses, err = p.losses(r, data)
	return page{Name: "agency-publish", Data: data}, err
}

// publishVersion answers POST …/{version}/publish.
func (p *Portal) publishVersion(r *http.Request) (page, error) {
	return p.moveVersion(r, p.publishForm, "agency.done-publish", func(d apiDesk, v catalog.Version) error {
		if r.PostFormValue("report") != "" {
			if err := p.startChecks(r, d, v); err != nil {
				return err
			}
		}
		_, err := p.Catalog.PublishVersion(r.Context(), d.who, v.ID)
		return err
	})
}

// moveVersion does one change of a version's state, and shows its desk with
// the sentence done, or form again.
func (p *Portal) moveVersion(r *http.Request, form pageFunc, done string, move func(apiDesk, catalog.Version) error) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	if err := move(d, v); err != nil {
		return again(r, form, err)
	}
	return page{To: d.At("apis", d.API.Slug, v.Number), Flash: &web.Flash{Key: done}}, nil
}
