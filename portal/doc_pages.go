package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// docPageRoutes are the forms by which an agency writes beside a version's document.
func (p *Portal) docPageRoutes(r *mux.Router) {
	const version = "/agency/{agency}/apis/{api}/{version:v[0-9]+}"
	r.Handle(version+"/pages", p.page(p.docPagesForm)).Methods("GET", "HEAD")
	r.Handle(version+"/pages", p.page(p.saveDocPage)).Methods("POST")
	r.Handle(version+"/pages/{page}", p.page(p.docPagesForm)).Methods("GET", "HEAD")
	r.Handle(version+"/pages/{page}", p.page(p.saveDocPage)).Methods("POST")
	r.Handle(version+"/pages/{page}/delete", p.page(p.removeDocPage)).Methods("POST")
}

// docPagesData is the data of the page "agency-pages".
type docPagesData struct {
	versionPage
	Pages []catalog.DocPage
	Page  catalog.DocPage // that is edited; its slug is "" for a new one
	Full  bool            // no more may be added
}

// docPagesForm answers GET …/{version}/pages and …/pages/{page}.
func (p *Portal) docPagesForm(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	data := docPagesData{versionPage: v}
	if data.Pages, err = p.Catalog.DocPagesOf(r.Context(), v.Version); err != nil {
		return page{}, err
	}
	data.Full = len(data.Pages) >= catalog.MaxDocPages
	if slug := mux.Vars(r)["page"]; slug != "" {
		i := slices.IndexFunc(data.Pages, func(one catalog.DocPage) bool { return one.Slug == slug })
		if i < 0 {
			return page{}, problem.Errorf(problem.NotFound, "no page %s", slug)
		}
		data.Page = data.Pages[i]
	}
	return page{Name: "agency-pages", Data: data}, nil
}

// saveDocPage answers POST …/{version}/pages and …/pages/{page}.
func (p *Portal) saveDocPage(r *http.Request) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	one := catalog.DocPage{Slug: strings.TrimSpace(r.PostFormValue("slug")), TitleVI: r.PostFormValue("title_vi"), TitleEN: r.PostFormValue("title_en"),
		BodyVI: r.PostFormValue("body_vi"), BodyEN: r.PostFormValue("body_en")}
	if _, err := p.Catalog.PutDocPage(r.Context(), d.who, v.ID, mux.Vars(r)["page"], one); err != nil {
		return again(r, p.docPagesForm, ofOnePage(err))
	}
	return page{To: d.At("apis", d.API.Slug, v.Number, "pages"), Flash: &web.Flash{Key: "pages.saved"}}, nil
}

// ofOnePage names the fields of the page that was sent as the form has them.
func ofOnePage(err error) error {
	if e := problem.Of(err); e != nil {
		for i, f := range e.Fields {
			e.Fields[i].Name = f.Name[strings.LastIndexByte(f.Name, '/')+1:]
		}
	}
	return err
}

// removeDocPage answers POST …/{version}/pages/{page}/delete.
func (p *Portal) removeDocPage(r *http.Request) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.RemoveDocPage(r.Context(), d.who, v.ID, mux.Vars(r)["page"]); err != nil {
		return page{}, err
	}
	return page{To: d.At("apis", d.API.Slug, v.Number, "pages"), Flash: &web.Flash{Key: "pages.removed"}}, nil
}

// docPageData is the data of the page "developer-page".
type docPageData struct {
	service
	Page  catalog.DocPage
	Pages []catalog.DocPage
}

// Untranslated reports whether a part of the page is there in Vietnamese only.
func (d docPageData) Untranslated() bool { return d.Page.BodyEN == "" }

// showDocPage answers GET /apis/{agency}/{api}/{version}/pages/{page}.
func (p *Portal) showDocPage(r *http.Request) (page, error) {
	s, err := p.service(r)
	if err != nil {
		return page{}, err
	}
	data := docPageData{service: s}
	if data.Pages, err = p.Catalog.DocPagesOf(r.Context(), s.Version); err != nil {
		return page{}, err
	}
	i := slices.IndexFunc(data.Pages, func(one catalog.DocPage) bool { return one.Slug == mux.Vars(r)["page"] })
	if i < 0 {
		return page{}, problem.Errorf(problem.NotFound, "no page %s", mux.Vars(r)["page"])
	}
	data.Page = data.Pages[i]
	return page{Name: "developer-page", Data: data}, nil
}
