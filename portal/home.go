package portal

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"lgsp/catalog"
)

// homeData is the data of the page "home".
type homeData struct {
	homeShown
	Datasets int // published
	APIs     int
	Offering []catalog.Facet // agencies with something on offer
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
		Offering: all.Facets["agency"], Topics: all.Facets["theme"],
	}
	if data.homeShown, err = p.shownAtHome(ctx); err != nil {
		return page{}, err
	}
	return page{Name: "home", Data: data}, nil
}

// homeShown is what the home page says that is dear to find out.
type homeShown struct {
	Figures []Figure
	News    []catalog.Novelty // of the last seven days
	Used    []catalog.DatasetUsage
}

// How long what was found out is shown again, and how much of it there is.
const (
	homeLasts = time.Minute
	homeNews  = 6
	homeUsed  = 5
	aWeek     = 7 * 24 * time.Hour
)

// homeMemory keeps what every visitor sees and little changes. Its zero value
// is ready.
type homeMemory struct {
	mu    sync.Mutex
	read  time.Time
	shown homeShown
}

// shownAtHome is at most a minute old.
func (p *Portal) shownAtHome(ctx context.Context) (homeShown, error) {
	p.remembered.mu.Lock()
	defer p.remembered.mu.Unlock()
	now := p.Now()
	if !p.remembered.read.IsZero() && now.Sub(p.remembered.read) < homeLasts {
		return p.remembered.shown, nil
	}
	var shown homeShown
	var err error
	if shown.Figures, err = p.figures(ctx); err != nil {
		return shown, err
	}
	if shown.News, err = p.Catalog.Lately(ctx, now.Add(-aWeek), homeNews); err != nil {
		return shown, err
	}
	used, _, err := p.Catalog.MostUsed(ctx, catalog.UsageFilter{Limit: homeUsed})
	if err != nil {
		return shown, err
	}
	shown.Used = slices.DeleteFunc(used, func(d catalog.DatasetUsage) bool { return d.Total() == 0 })
	p.remembered.shown, p.remembered.read = shown, now
	return shown, nil
}
