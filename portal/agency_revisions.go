package portal

import (
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// revisionRoutes are the pages of what a version was.
func (p *Portal) revisionRoutes(r *mux.Router) {
	const version = "/agency/{agency}/apis/{api}/{version:v[0-9]+}"
	r.Handle(version+"/revisions", p.page(p.listRevisions)).Methods("GET", "HEAD")
	r.Handle(version+"/revisions/{number:[0-9]+}", p.page(p.showRevision)).Methods("GET", "HEAD")
	r.Handle(version+"/revisions/{number:[0-9]+}/restore", p.page(p.restoreRevision)).Methods("POST")
}

// Seat is the page of the version where the reader works: the desk of who edits
// it, else the one of what is to go live.
func (v versionPage) Seat() string {
	if v.May("api.edit") {
		return v.Base()
	}
	return v.Base() + "/promotion"
}

// revisionsData is the data of the page "agency-revisions".
type revisionsData struct {
	versionPage
	Revisions []catalog.Revision
	Next      string // address of the next page, "" at the end
}

// versionRead is the version of the address for all people of the agency, who
// may read what it was; to change it is of those who edit.
func (p *Portal) versionRead(r *http.Request) (versionPage, error) {
	d, err := p.desk(r)
	if err != nil {
		return versionPage{}, err
	}
	api, err := p.apiAt(r, d)
	if err != nil {
		return versionPage{}, err
	}
	api, v, err := api.version(r)
	return versionPage{apiDesk: api, Version: v}, err
}

// listRevisions answers GET …/{version}/revisions.
func (p *Portal) listRevisions(r *http.Request) (page, error) {
	v, err := p.versionRead(r)
	if err != nil {
		return page{}, err
	}
	data := revisionsData{versionPage: v}
	next := ""
	if data.Revisions, next, err = p.Catalog.Revisions(r.Context(), v.who, v.Version.ID, 50, r.FormValue("after")); err != nil {
		return page{}, err
	}
	if next != "" {
		data.Next = v.Base() + "/revisions?" + withQuery("after", next)
	}
	return page{Name: "agency-revisions", Data: data}, nil
}

// revisionData is the data of the page "agency-revision".
type revisionData struct {
	versionPage
	From, To int // 0: a document without anything
	Latest   int
	Groups   []catalog.DocumentChanges
	Settings []settingLine
	Unknown  bool // the settings of one of the two were not kept
	Hash     string
	Numbers  []web.Option     // that can be compared with
	Text     string           // of the later one
	Broken   []catalog.Broken // what callers rely on, that a refused restoring breaks
}

// Current reports whether the revision is the version as it stands.
func (d revisionData) Current() bool { return d.To == d.Latest }

// showRevision answers GET …/{version}/revisions/{number}: what became of the
// version since another revision, the one before unless from names it.
func (p *Portal) showRevision(r *http.Request) (page, error) {
	v, err := p.versionRead(r)
	if err != nil {
		return page{}, err
	}
	data := revisionData{versionPage: v}
	if data.To, err = revisionNumber(r); err != nil {
		return page{}, err
	}
	data.From = data.To - 1
	if given := r.FormValue("from"); given != "" {
		if data.From, err = strconv.Atoi(given); err != nil || data.From < 0 {
			return page{}, problem.Errorf(problem.NotFound, "no revision %q", given)
		}
	}
	ctx := r.Context()
	bundle, err := p.Catalog.RevisionBundle(ctx, v.who, v.Version.ID, data.To)
	if err != nil {
		return page{}, err
	}
	if data.Text = bundle.Text; bundle.Whole {
		data.Hash = bundle.Hash()
	}
	changes, err := p.Catalog.CompareRevisions(ctx, v.who, v.Version.ID, data.From, data.To)
	if err != nil {
		return page{}, err
	}
	data.Groups, data.Unknown = catalog.ByOperation(changes.Document), changes.Unknown
	if data.Settings, err = p.settingLines(r, changes.Settings); err != nil {
		return page{}, err
	}
	all, _, err := p.Catalog.Revisions(ctx, v.who, v.Version.ID, 100, "")
	if err != nil {
		return page{}, err
	}
	data.Latest = all[0].Number
	for _, other := range all {
		if other.Number != data.To {
			data.Numbers = append(data.Numbers, web.Option{Value: strconv.Itoa(other.Number), Text: strconv.Itoa(other.Number)})
		}
	}
	return page{Name: "agency-revision", Data: data}, nil
}

// restoreRevision answers POST …/{version}/revisions/{number}/restore.
func (p *Portal) restoreRevision(r *http.Request) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	number, err := revisionNumber(r)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.RestoreRevision(r.Context(), d.who, v.ID, number, r.PostFormValue("why")); err != nil {
		answer, againErr := again(r, p.showRevision, err)
		if againErr != nil {
			return page{}, againErr
		}
		data := answer.Data.(revisionData)
		data.Broken = catalog.Findings(err)
		answer.Data = data
		return answer, nil
	}
	return page{To: d.At("apis", d.API.Slug, v.Number, "revisions"), Flash: &web.Flash{Key: "life.restored"}}, nil
}
