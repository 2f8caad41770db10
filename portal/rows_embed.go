package portal

import (
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// embedPolicy is what a page of another site may show in a frame: text, our
// styles and fonts, nothing that runs, asks or is filled in.
const embedPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"

// embedView is the data of the page "embed": one part of a dataset's page.
type embedView struct {
	catalog.Dataset
	What  string // table, chart or map
	Table *tableView
	Chart *drawing
	Map   *mapView
}

// embedded lets other sites frame what h answers. A frame has no session, so
// that nobody's rights show in it; what fails is no page to be framed.
func (p *Portal) embedded(h pageFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bare := r.Clone(r.Context())
		bare.Header.Del("Cookie")
		p.page(func(r *http.Request) (page, error) {
			answer, err := h(r)
			if err == nil {
				w.Header().Set("Content-Security-Policy", embedPolicy)
			}
			return answer, err
		}).ServeHTTP(w, bare)
	})
}

// embed answers GET /embed/dataset/{slug}/{what}: the table, the chart or the
// map alone, for frames of other sites. The query is that of the dataset's page.
func (p *Portal) embed(r *http.Request) (page, error) {
	slug, what := mux.Vars(r)["slug"], mux.Vars(r)["what"]
	d, err := p.Catalog.DatasetBySlug(r.Context(), auth.Principal{}, slug)
	if err != nil {
		return page{}, err
	}
	part := tableOf(d, r.URL.Query().Get("table"))
	if part == nil {
		return page{}, noPart(d, what)
	}
	data := embedView{Dataset: d, What: what}
	if data.Table, err = p.table(r, d, *part); err != nil {
		return page{}, err
	}
	switch what {
	case "chart":
		data.Chart, err = p.drawingOf(r, data.Table)
		if err == nil && (data.Chart == nil || len(data.Chart.Points) == 0) {
			err = problem.Errorf(problem.NotFound, "there is nothing to draw").Coded("rows-nothing-drawn")
		}
	case "map":
		data.Map, err = p.mapOf(r, data.Table)
		if err == nil && data.Map == nil {
			err = problem.Errorf(problem.NotFound, "there is nothing to draw").Coded("rows-nothing-drawn")
		}
	}
	return page{Name: "embed", Data: data}, err
}

// embedAddress is where a part of the page that t stands on can be framed.
func (p *Portal) embedAddress(r *http.Request, d catalog.Dataset, what string, query url.Values) string {
	to := p.Origin + address(r, "/embed/dataset/"+d.Slug+"/"+what)
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	return to
}

// drawings fill in what the dataset's page draws of its table.
func (p *Portal) drawings(r *http.Request, data *datasetView) error {
	var err error
	if data.Drawing, err = p.drawingOf(r, data.Table); err != nil {
		return err
	}
	if data.Map, err = p.mapOf(r, data.Table); err != nil {
		return err
	}
	query := with(data.Table.query, "after", "")
	if d := data.Drawing; d != nil && len(d.Points) > 0 {
		d.Embed = p.embedAddress(r, data.Dataset, "chart", query)
	}
	for _, name := range chartParameters {
		query.Del(name)
	}
	if data.Map != nil {
		data.Map.Embed = p.embedAddress(r, data.Dataset, "map", query)
	}
	data.EmbedTable = p.embedAddress(r, data.Dataset, "table", query)
	return nil
}
