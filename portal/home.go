package portal

import (
	"net/http"

	"lgsp/catalog"
)

// homeData is the data of the page "home".
type homeData struct {
	Figures  []Figure
	Datasets int // published
	APIs     int
	Agencies int // with something on offer
	Topics   []catalog.Facet
	Newest   []catalog.Hit
	Services []catalog.Hit
}

// home answers GET /.
func (p *Portal) home(r *http.Request) (page, error) {
	ctx := r.Context()
	all, err := p.Catalog.Find(ctx, catalog.FindQuery{Limit: 1})
	if err != nil {
		return page{}, err
	}
	newest, err := p.Catalog.Find(ctx, catalog.FindQuery{Kind: "dataset", Limit: 5})
	if err != nil {
		return page{}, err
	}
	services, err := p.Catalog.Find(ctx, catalog.FindQuery{Kind: "api", Limit: 5})
	if err != nil {
		return page{}, err
	}
	data := homeData{
		Datasets: newest.Total, Newest: newest.Hits, APIs: services.Total, Services: services.Hits,
		Agencies: len(all.Facets["agency"]), Topics: all.Facets["theme"],
	}
	if data.Figures, err = p.figures(ctx); err != nil {
		return page{}, err
	}
	return page{Name: "home", Data: data}, nil
}
