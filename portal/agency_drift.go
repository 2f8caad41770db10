package portal

import (
	"net/http"

	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/web"
)

// shownDrift is how many rows the page of a version shows; /api/v1 gives all.
const shownDrift = 50

// deskPage is the data of the page "agency-version".
type deskPage struct {
	versionPage
	Drift []driftRow
	More  int          // rows that are not shown
	Plans []web.Option // to open a sandbox with, while none is chosen
}

// driftRow is a place where calls are not as described, and of which operation.
type driftRow struct {
	gateway.Drift
	Of catalog.Operation
}

// Words are what is wrong there.
func (d driftRow) Words(locale string) string {
	return problem.Field{Code: "check-" + d.Code, Detail: d.Code}.Words(locale)
}

// Watches reports whether anything may be found.
func (d deskPage) Watches() bool { return d.Public() && d.Traffic.Check.On() || len(d.Drift) > 0 }

// versionDesk answers GET …/apis/{api}/{version}: its state and next step, and
// where its calls are not as its document describes them.
func (p *Portal) versionDesk(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	list, err := p.Drifts.List(r.Context(), v.who, v.Version.ID)
	if err != nil {
		return page{}, err
	}
	if v.Losses, err = p.losses(r, v); err != nil {
		return page{}, err
	}
	data := deskPage{versionPage: v, More: max(0, len(list)-shownDrift)}
	bySlug := map[string]catalog.Operation{}
	for _, o := range v.Operations {
		bySlug[o.Slug] = o
	}
	for _, d := range list[:len(list)-data.More] {
		data.Drift = append(data.Drift, driftRow{d, bySlug[d.Operation]})
	}
	if v.Version.PlanSlug == "" {
		if data.Plans, err = p.planOptions(r); err != nil {
			return page{}, err
		}
	}
	return page{Name: "agency-version", Data: data}, nil
}

// clearDrift answers POST …/{version}/drift/clear.
func (p *Portal) clearDrift(r *http.Request) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Drifts.Clear(r.Context(), d.who, v.ID); err != nil {
		return page{}, err
	}
	return page{To: d.At("apis", d.API.Slug, v.Number), Flash: &web.Flash{Key: "traffic.drift-cleared"}}, nil
}
