package portal

import (
	"net/http"

	"golang.org/x/sync/errgroup"

	"lgsp/catalog"
)

// Figure is a key figure of the home page, with the dataset it is taken from.
type Figure struct {
	Value              any    // a number, or text
	Qualifier          string // khoảng, hơn, ước: as in the source; may be ""
	TitleVI, TitleEN   string
	SourceVI, SourceEN string // title of the dataset
	Dataset            string // its slug
}

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
	var data homeData
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() error {
		newest, err := p.Catalog.Find(ctx, catalog.FindQuery{Kind: "dataset", Limit: 5})
		data.Newest, data.Datasets, data.Topics = newest.Hits, newest.Total, newest.Facets["theme"]
		return err
	})
	group.Go(func() error {
		services, err := p.Catalog.Find(ctx, catalog.FindQuery{Kind: "api", Limit: 5})
		data.Services, data.APIs = services.Hits, services.Total
		return err
	})
	group.Go(func() error {
		all, err := p.Catalog.Find(ctx, catalog.FindQuery{Limit: 1})
		data.Agencies = len(all.Facets["agency"])
		return err
	})
	if p.Figures != nil {
		group.Go(func() (err error) {
			data.Figures, err = p.Figures(ctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return page{}, err
	}
	return page{Name: "home", Data: data}, nil
}
