package portal

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/catalog/rows"
	"lgsp/web"
)

// anonymityRoutes are what a steward decides of columns that together could
// tell a person.
func (p *Portal) anonymityRoutes(r *mux.Router) {
	const file = "/agency/{agency}/datasets/{dataset}/files/{file}/anonymity"
	r.Handle(file, p.page(p.setAnonymity)).Methods("POST")
	r.Handle(file+"/allow", p.page(p.allowSmallGroups)).Methods("POST")
}

// anonymityView is one table on its dataset's desk.
type anonymityView struct {
	File    catalog.Distribution
	Columns []catalog.Column // that may be named
	Named   *catalog.Anonymity
}

// Open reports whether the table keeps the dataset closed.
func (v anonymityView) Open() bool { return v.Named != nil && v.Named.Blocks() }

// Has reports whether a column is named.
func (v anonymityView) Has(key string) bool {
	return v.Named != nil && slices.Contains(v.Named.Columns, key)
}

// Titles are the columns that are named, as people read them.
func (v anonymityView) Titles(locale string) string {
	titles := make([]string, len(v.Named.Columns))
	for i, key := range v.Named.Columns {
		titles[i] = v.Title(locale, key)
	}
	return strings.Join(titles, ", ")
}

// Title is a column as people read it.
func (v anonymityView) Title(locale, key string) string {
	for _, c := range v.Columns {
		if c.Key == key && c.TitleVI != "" {
			return inWords(locale, c.TitleVI, c.TitleEN)
		}
		if c.Key == key {
			return c.Name
		}
	}
	return key
}

// Groups are what was found in the rows as they are, and in a file that was
// refused.
func (v anonymityView) Groups() []groupsView {
	list := []groupsView{{v.Named.Found, false}}
	if v.Named.Held != nil {
		list = append(list, groupsView{*v.Named.Held, true})
	}
	return list
}

// groupsView is what was found in one file.
type groupsView struct {
	catalog.SmallGroups
	Held bool
}

// Share is how many of a hundred rows stand in small groups.
func (g groupsView) Share() int {
	if g.Total == 0 {
		return 0
	}
	return int((100*g.Rows + g.Total - 1) / g.Total)
}

// anonymityViews are the tables of a dataset for its desk.
func (p *Portal) anonymityViews(ctx context.Context, d datasetData) ([]anonymityView, error) {
	named, err := p.Catalog.Anonymity(ctx, d.who, d.Dataset.ID)
	if err != nil {
		return nil, err
	}
	var list []anonymityView
	for _, part := range d.Dataset.Distributions {
		view := anonymityView{File: part}
		if i := slices.IndexFunc(named, func(a catalog.Anonymity) bool { return a.Distribution == part.ID }); i >= 0 {
			view.Named = &named[i]
		}
		if part.Rows == nil && view.Named == nil {
			continue
		}
		columns, err := p.Catalog.Columns(ctx, d.who, part.ID)
		if err != nil {
			return nil, err
		}
		view.Columns = slices.DeleteFunc(columns, func(c catalog.Column) bool { return c.Type == rows.Geometry })
		list = append(list, view)
	}
	return list, nil
}

// setAnonymity answers POST …/files/{file}/anonymity.
func (p *Portal) setAnonymity(r *http.Request) (page, error) {
	d, file, err := p.fileOf(r)
	if err != nil {
		return page{}, err
	}
	k, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue("k")))
	if err != nil {
		k = -1 // which is told to be wrong
	}
	if _, err := p.Catalog.SetAnonymity(r.Context(), d.who, file.ID, catalog.AnonymityText{Columns: r.PostForm["columns"], K: k}); err != nil {
		return again(r, p.datasetDesk, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "anonymity.looked"}}, nil
}

// allowSmallGroups answers POST …/files/{file}/anonymity/allow.
func (p *Portal) allowSmallGroups(r *http.Request) (page, error) {
	d, file, err := p.fileOf(r)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.AllowSmallGroups(r.Context(), d.who, file.ID, r.PostFormValue("why")); err != nil {
		return again(r, p.datasetDesk, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "personal.decided"}}, nil
}
