package portal

import (
	"context"
	"net/http"
	"strings"
	"time"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// statusData is the data of the page "status".
type statusData struct {
	At      time.Time // when this was so, UTC
	Parts   []statusPart
	Failing []gateway.Failing // versions that anybody may look up
	More    int               // versions that fail beside those that were looked up

	Services []ServiceStatus // a page of them; nil: nothing is known of them
	Measured bool            // the services were looked up
	Next     string          // address of the next page, "" at the end
}

// statusPart is a part of the platform: portal, database, gateway, services.
type statusPart struct {
	Name string
	How  string // works, limited, down, unknown
	N    int    // how many services that is said of
}

// Well reports whether every part works.
func (d statusData) Well() bool {
	for _, part := range d.Parts {
		if part.How != "works" {
			return false
		}
	}
	return true
}

const (
	statusPatience = 2 * time.Second // for the database's answer
	mostFailing    = 50              // versions that are looked up and listed
)

// status answers GET /status: what of the platform works at this moment, as
// this node sees it. Of all pages this one is read while the database is away,
// by people whose session cannot be looked up then.
func (p *Portal) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), statusPatience)
	defer cancel()
	data, health := statusData{At: p.Now().UTC()}, p.Health()
	services := statusPart{Name: "services", How: "works"}
	known, err := p.identified(r.WithContext(ctx))
	if err == nil {
		r = r.WithContext(context.WithValue(r.Context(), whoKey{}, whoever(known)))
		err = p.statusOfServices(ctx, health.Failing, &data, &services)
	}
	if err == nil {
		var next string
		data.Services, next, err = serviceStatuses(ctx, p.Catalog, p.measured(), health, catalog.APIFilter{Limit: statusPage, After: r.FormValue("after")})
		if data.Measured = err == nil; next != "" {
			data.Next = "/status?" + withQuery("after", next)
		}
	}
	portal, database, gateway := "works", "works", "works"
	switch {
	case err != nil && !pg.IsAway(err):
		p.fail(w, r, err)
		return
	case err != nil:
		portal, database, services.How = "limited", "down", "unknown"
	}
	switch {
	case !health.Ready:
		gateway = "down"
	case health.Stale:
		gateway = "limited"
	}
	data.Parts = []statusPart{{"portal", portal, 0}, {"database", database, 0}, {"gateway", gateway, 0}, services}
	p.show(w, r, page{Name: "status", Data: data, Unknown: err != nil})
}

// statusOfServices says how many APIs there are, or which of the failing
// versions are such as anybody may look up; the others are their agency's matter.
func (p *Portal) statusOfServices(ctx context.Context, failing []gateway.Failing, data *statusData, services *statusPart) error {
	found, err := p.Catalog.Find(ctx, catalog.FindQuery{Kind: "api", Limit: 1})
	if err != nil {
		return err
	}
	looked := failing[:min(len(failing), mostFailing)]
	for _, f := range looked {
		parts := strings.Split(strings.TrimPrefix(f.Prefix, "/"), "/")
		_, err := p.Catalog.VersionBySlug(ctx, auth.Principal{}, parts[0], parts[1], parts[2])
		if problem.Is(err, problem.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		data.Failing = append(data.Failing, f)
	}
	data.More = len(failing) - len(looked)
	services.N = found.Total
	if len(data.Failing) > 0 {
		services.How, services.N = "limited", len(data.Failing)
	}
	return nil
}
