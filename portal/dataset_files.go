package portal

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/catalog/rows"
	"lgsp/internal/problem"
)

// fileView is a distribution with everything it can be taken as.
type fileView struct {
	catalog.Distribution
	Exports  []exportLink // of its rows; none when it is no table
	Versions []catalog.FileVersion
	Columns  []catalog.Column
	Findings []string // what was found while reading the table, in the page's language
	Hidden   int      // findings that are not listed
	Filtered bool     // the exports hold the rows that the table's filters leave
}

// exportLink downloads all rows in a form. Size is 0 when nobody knows it
// before it is made.
type exportLink struct {
	Form string
	Href string
	Size int64
}

// mostFindings is how many findings about a table are listed.
const mostFindings = 10

// files are the dataset's distributions. The exports of the table that is
// shown hold the rows its filters leave.
func (p *Portal) files(r *http.Request, d catalog.Dataset, shown *tableView) ([]fileView, error) {
	ctx, who := r.Context(), whoever(r)
	all, err := p.Catalog.Contents(ctx, who, d)
	if err != nil {
		return nil, err
	}
	var list []fileView
	for _, part := range d.Distributions {
		view := fileView{Distribution: part, Versions: all.Versions[part.ID]}
		if part.Rows != nil {
			view.Columns = all.Columns[part.ID]
			if view.Exports, err = p.exportsOf(ctx, who, part, formsOf(d, part, view.Columns)); err != nil {
				return nil, err
			}
			if shown != nil && shown.Part.ID == part.ID && shown.Asked {
				view.filter(shown.Filter)
			}
		}
		if part.Report != nil {
			for _, finding := range part.Report.Findings[:min(len(part.Report.Findings), mostFindings)] {
				view.Findings = append(view.Findings, finding.Words(localeOf(r)))
			}
			view.Hidden = part.Report.Count - len(view.Findings)
		}
		list = append(list, view)
	}
	return list, nil
}

// filter narrows the exports to the rows that a filter leaves.
func (v *fileView) filter(filter string) {
	v.Filtered = true
	for i := range v.Exports {
		v.Exports[i].Href += "&" + filter
		v.Exports[i].Size = 0
	}
}

// exportSizes remembers how large the exports of a file's rows are; a file
// never changes. Its zero value is ready.
type exportSizes struct {
	mu    sync.Mutex
	known map[string][]int64 // by the file's hash, in the order of rows.FormatsOf
}

// measuredRows is up to how many rows exports are made once to be measured.
const measuredRows = 5000

// formsOf are the forms in which a table's rows can be taken.
func formsOf(d catalog.Dataset, part catalog.Distribution, described []catalog.Column) []exportLink {
	columns := make([]rows.Column, len(described))
	for i, column := range described {
		columns[i] = column.Column
	}
	var list []exportLink
	for _, form := range rows.FormatsOf(columns) {
		list = append(list, exportLink{Form: form.Name, Href: "/dataset/" + d.Slug + "/download/" + part.ID.String() + "?format=" + form.Name})
	}
	return list
}

// exportsOf adds the sizes to the forms of a table, where they are known.
func (p *Portal) exportsOf(ctx context.Context, who auth.Principal, part catalog.Distribution, forms []exportLink) ([]exportLink, error) {
	p.sizes.mu.Lock()
	sizes := p.sizes.known[part.Hash]
	p.sizes.mu.Unlock()
	if sizes == nil && *part.Rows <= measuredRows {
		for _, form := range forms {
			var count countingBytes
			if err := p.Catalog.ExportRows(ctx, who, part.ID, url.Values{"format": {form.Form}}, &count); err != nil {
				return nil, err
			}
			sizes = append(sizes, int64(count))
		}
		p.sizes.mu.Lock()
		if p.sizes.known == nil {
			p.sizes.known = map[string][]int64{}
		}
		p.sizes.known[part.Hash] = sizes
		p.sizes.mu.Unlock()
	}
	for i := range min(len(sizes), len(forms)) {
		forms[i].Size = sizes[i]
	}
	return forms, nil
}

// countingBytes counts what is written to it.
type countingBytes int64

// Write counts.
func (c *countingBytes) Write(b []byte) (int, error) {
	*c += countingBytes(len(b))
	return len(b), nil
}

// file serves a handler that writes an answer of its own; what fails before
// that is told by a page.
func (p *Portal) file(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := p.identified(r)
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			p.fail(w, r, err)
		}
	})
}

// downloadRows answers GET /dataset/{slug}/download/{id}?format=: the rows that
// the page's filters leave, all of them.
func (p *Portal) downloadRows(w http.ResponseWriter, r *http.Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	d, err := p.Catalog.DatasetBySlug(r.Context(), whoever(r), mux.Vars(r)["slug"])
	if err != nil {
		return err
	}
	if !hasPart(d, id) {
		return noPart(d, id.String())
	}
	format := r.URL.Query().Get("format")
	file, err := downloadOf(w, d.Slug, format)
	if err != nil {
		return err
	}
	question := with(with(questionIn(r.URL.Query()), "after", ""), "format", format)
	if err := file.end(p.Catalog.ExportRows(r.Context(), whoever(r), id, question, file)); err != nil {
		return err
	}
	countDownload(p.Catalog, r, catalog.Use{Part: id})
	return nil
}

func hasPart(d catalog.Dataset, id uuid.UUID) bool {
	for _, part := range d.Distributions {
		if part.ID == id {
			return true
		}
	}
	return false
}

// sendFile answers GET /r/{id}: the newest file of a distribution as it was
// uploaded, or with ?version= an earlier one; of a link, where it leads. The
// address is permanent.
func (p *Portal) sendFile(w http.ResponseWriter, r *http.Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	version := 0
	if asked := r.URL.Query().Get("version"); asked != "" {
		if version, err = strconv.Atoi(asked); err != nil || version < 1 {
			return problem.Errorf(problem.NotFound, "no version %q of %s", asked, id).Coded("distribution-unknown", "id", id.String())
		}
	}
	d, err := p.Catalog.Distribution(r.Context(), whoever(r), id)
	if err != nil {
		return err
	}
	if d.LinkURL != "" && version == 0 {
		w.Header().Set("Cache-Control", "no-cache") // the dataset may be withdrawn, the link lead elsewhere
		countDownload(p.Catalog, r, catalog.Use{Part: id})
		http.Redirect(w, r, d.LinkURL, http.StatusFound)
		return nil
	}
	file, facts, err := p.Catalog.OpenFile(r.Context(), whoever(r), id, version)
	if err != nil {
		return err
	}
	defer file.Close()
	h := w.Header()
	h.Set("Content-Type", facts.MediaType)
	h.Set("Content-Disposition", attachment(facts.FileName))
	h.Set("ETag", `"`+facts.Hash+`"`)
	h.Set("Cache-Control", "no-cache") // kept, and asked for again: the dataset may be withdrawn
	answer := &fileAnswer{ResponseWriter: p.patient(w)}
	http.ServeContent(answer, r, facts.FileName, facts.UploadedAt, file)
	if answer.isBegun(r) {
		countDownload(p.Catalog, r, catalog.Use{Part: id})
	}
	return nil
}

// attachment tells a browser to keep the answer as a file of that name (RFC
// 6266), whatever letters it is written in.
func attachment(name string) string {
	if value := mime.FormatMediaType("attachment", map[string]string{"filename": strings.ToValidUTF8(name, "_")}); value != "" {
		return value
	}
	return "attachment"
}
