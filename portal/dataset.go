package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/catalog/dcat"
	"lgsp/internal/problem"
)

// datasetRoutes are what a citizen reads: no account, no scripts.
func (p *Portal) datasetRoutes(r *mux.Router) {
	r.Handle("/datasets", p.page(p.datasets)).Methods("GET", "HEAD")
	r.Handle("/dataset/{slug}", p.page(p.dataset)).Methods("GET", "HEAD")
	r.Handle("/dataset/{slug}/download/{id}", p.file(p.downloadRows)).Methods("GET", "HEAD")
	r.Handle("/embed/dataset/{slug}/{what:table|chart|map}", p.embedded(p.embed)).Methods("GET", "HEAD")
	r.Handle("/dataset/{slug}/all.zip", p.file(p.sendArchive)).Methods("GET", "HEAD")
	r.Handle("/r/{id}", p.file(p.sendFile)).Methods("GET", "HEAD")
	r.Handle("/dataset/{slug}/resource/{id}/download/{file}", p.file(p.sendFile)).Methods("GET", "HEAD") // as CKAN's clients know files
	r.Handle("/agencies", p.page(p.listAgencies)).Methods("GET", "HEAD")
	r.Handle("/agencies/{slug}", p.page(p.publicAgency)).Methods("GET", "HEAD")
	r.Handle("/docs/rows", p.page(p.rowsGuide)).Methods("GET", "HEAD")
	r.Handle("/robots.txt", p.file(p.robots)).Methods("GET", "HEAD")
	r.Handle("/llms.txt", p.file(p.llms)).Methods("GET", "HEAD")
	r.Handle("/sitemap.xml", p.file(p.sitemap)).Methods("GET", "HEAD")
	r.Handle("/sitemap/pages.xml", p.file(p.sitemapOfPages)).Methods("GET", "HEAD")
	r.Handle("/sitemap/datasets-{file:[0-9]{1,4}}.xml", p.file(p.sitemapOfDatasets)).Methods("GET", "HEAD")
	r.Handle("/demo/mail", p.page(p.demoMail)).Methods("GET", "HEAD")
}

// datasets answers GET /datasets: the search lists them, by theme, agency and
// format.
func (p *Portal) datasets(*http.Request) (page, error) {
	return page{To: "/search?kind=dataset"}, nil
}

// datasetView is the data of the page "dataset".
type datasetView struct {
	catalog.Dataset
	LeadVI, LeadEN string // the first paragraph of the notes, above the table
	RestVI, RestEN string // the others, below it
	Description    string // for search engines
	Theme          catalog.Code
	Licence        catalog.Code
	Frequency      catalog.Code
	Begins, Ends   time.Time // the period, zero when it is not given
	Address        string    // of this page, permanent
	Table          *tableView
	Summary        *summaryView // of Table
	Chart          *chart
	Drawing        *drawing // a chart that was chosen, and the form to choose one
	Map            *mapView // of a table that has places
	EmbedTable     string   // address of the table alone, for frames of other sites
	CSV            string   // address of the table as CSV, for Excel to fetch
	Files          []fileView
	Described      describedView
	Related        []catalog.Dataset // others of the agency
	Discussions    []catalog.Discussion
	Follow         followButton
	Usage          *usageView // nil: it was never public
	Reuses         []catalog.Reuse
	Structured     map[string]any // the page as schema.org has it
}

// HasVersions reports whether the dataset has a file, and not links only.
func (v datasetView) HasVersions() bool {
	return slices.ContainsFunc(v.Files, func(f fileView) bool { return len(f.Versions) > 0 })
}

// relatedDatasets is how many other datasets of the agency are shown.
const relatedDatasets = 5

// dataset answers GET /dataset/{slug}. The query asks the table as the rows'
// own address is asked; a question that is wrong is told above the whole table.
func (p *Portal) dataset(r *http.Request) (page, error) {
	ctx, who := r.Context(), whoever(r)
	d, err := p.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
	if err != nil {
		return page{}, err
	}
	if to, ok := filterAsked(d, r.URL.Query()); ok {
		return page{To: to}, nil
	}
	data, err := p.shown(r, d)
	if err != nil {
		return page{}, err
	}
	answer := page{Name: "dataset"}
	if data.Table != nil && data.Table.Problem != "" {
		answer.Status = http.StatusBadRequest
	}
	if data.Related, err = p.relatedTo(r, d); err != nil {
		return page{}, err
	}
	if data.Discussions, _, err = p.Catalog.Discussions(ctx, who, d.Topic(), "", newestDiscussions); err != nil {
		return page{}, err
	}
	if data.Reuses, _, err = p.Catalog.Reuses(ctx, catalog.ReuseFilter{Dataset: d.ID, Limit: newestReuses}); err != nil {
		return page{}, err
	}
	if data.Follow, err = p.followButton(r, catalog.FollowDataset, d.ID, "/dataset/"+d.Slug); err != nil {
		return page{}, err
	}
	if data.Usage, err = p.usageOfDataset(r, d); err != nil {
		return page{}, err
	}
	if answer.Status == 0 {
		p.countView(r, d)
	}
	data.Structured = dcat.SchemaOrg(p.Origin, localeOf(r), d, columnsOf(data.Files))
	answer.Data = data
	return answer, nil
}

// shown is what a dataset's page shows of the dataset itself: its description,
// table, pictures and files.
func (p *Portal) shown(r *http.Request, d catalog.Dataset) (datasetView, error) {
	data := datasetView{Dataset: d, Address: p.Origin + "/dataset/" + d.Slug,
		Theme: codeIn(catalog.Themes(), d.Theme), Licence: codeIn(catalog.Licences(), d.Licence),
		Frequency: codeIn(catalog.Frequencies(), d.Frequency), Begins: day(d.TemporalStart), Ends: day(d.TemporalEnd)}
	data.Described = describe(d, data.Address)
	data.LeadVI, data.RestVI = firstParagraph(d.NotesVI)
	data.LeadEN, data.RestEN = firstParagraph(d.NotesEN)
	data.Description = inLanguage(r, data.LeadVI, data.LeadEN)
	var err error
	if part := tableOf(d, r.URL.Query().Get("table")); part != nil {
		if data.Table, err = p.table(r, d, *part); err != nil {
			return data, err
		}
		if err := p.drawings(r, &data); err != nil {
			return data, err
		}
		if data.Drawing == nil || data.Drawing.Kind == "" {
			data.Chart = chartOf(data.Table)
		}
		data.Summary = summaryOf(data.Table)
		data.CSV = p.rowsAddress(d, *part) + "?format=csv"
	}
	if data.Files, err = p.files(r, d, data.Table); err != nil {
		return data, err
	}
	return data, nil
}

// columnsOf are the columns of a dataset's tables.
func columnsOf(files []fileView) []catalog.Column {
	var list []catalog.Column
	for _, file := range files {
		list = append(list, file.Columns...)
	}
	return list
}

// relatedTo lists other datasets of d's agency, newest first.
func (p *Portal) relatedTo(r *http.Request, d catalog.Dataset) ([]catalog.Dataset, error) {
	list, _, err := p.Catalog.ListDatasets(r.Context(), auth.Principal{},
		catalog.DatasetFilter{Agency: d.AgencyID, State: catalog.Published, Limit: relatedDatasets + 1})
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(other catalog.Dataset) bool { return other.ID == d.ID })
	return list[:min(len(list), relatedDatasets)], nil
}

// inLanguage is an agency's text in the page's language, else in the other.
func inLanguage(r *http.Request, vi, en string) string {
	if vi == "" || localeOf(r) == "en" && en != "" {
		return en
	}
	return vi
}

// firstParagraph parts the first paragraph of a text from the others.
func firstParagraph(text string) (first, rest string) {
	first, rest, _ = strings.Cut(strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n"), "\n\n")
	return first, strings.TrimSpace(rest)
}

// codeIn finds a value of a code list; one that it lacks has its id for title.
func codeIn(list []catalog.Code, id string) catalog.Code {
	if i := slices.IndexFunc(list, func(c catalog.Code) bool { return c.ID == id }); i >= 0 {
		return list[i]
	}
	return catalog.Code{ID: id, TitleVI: id, TitleEN: id}
}

// day reads yyyy-mm-dd; "" is the zero time.
func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// noPart is the problem of an address under a dataset that has no such file.
func noPart(d catalog.Dataset, id string) error {
	return problem.Errorf(problem.NotFound, "dataset %s has no distribution %s", d.Slug, id).Coded("distribution-unknown", "id", id)
}

// with is a copy of a query with one value changed, or taken away when it is "".
func with(values url.Values, name, value string) url.Values {
	changed := url.Values{}
	for key, list := range values {
		changed[key] = list
	}
	changed.Del(name)
	if value != "" {
		changed.Set(name, value)
	}
	return changed
}
