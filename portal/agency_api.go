package portal

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/catalog/spec"
	"lgsp/internal/problem"
	"lgsp/web"
)

// documentLimit is how large the form with a document may be, in bytes: the
// document pasted and attached, and the rest of the form.
const documentLimit = 2*spec.MaxBytes + bodyLimit

// apiDeskRoutes are the steps from a document to a service that can be called.
func (p *Portal) apiDeskRoutes(r *mux.Router) {
	const api, version = "/agency/{agency}/apis/{api}", "/agency/{agency}/apis/{api}/{version:v[0-9]+}"
	r.Handle("/agency/{agency}/apis/new", p.page(p.aboutForm)).Methods("GET", "HEAD")
	r.Handle("/agency/{agency}/apis/new", p.page(p.createAPI)).Methods("POST")
	r.Handle(api+"/about", p.page(p.aboutForm)).Methods("GET", "HEAD")
	r.Handle(api+"/about", p.page(p.editAPI)).Methods("POST")
	for _, path := range []string{api + "/new", version + "/document"} {
		r.Handle(path, p.page(p.documentForm)).Methods("GET", "HEAD")
		r.Handle(path, p.officialsUpTo(documentLimit, p.takeDocument)).Methods("POST")
	}
	r.Handle(version, p.page(p.versionDesk)).Methods("GET", "HEAD")
	r.Handle(version+"/found", p.page(p.found)).Methods("GET", "HEAD")
	r.Handle(version+"/found/mend", p.page(p.mendFound)).Methods("POST")
	r.Handle(version+"/connection", p.page(p.preparable((*Portal).connectionForm))).Methods("GET", "HEAD")
	r.Handle(version+"/connection", p.page(p.preparable((*Portal).connect))).Methods("POST")
	r.Handle(version+"/hosts", p.page(p.askForHost)).Methods("POST")
	r.Handle(version+"/traffic", p.page(p.trafficForm)).Methods("GET", "HEAD")
	r.Handle(version+"/traffic/limits", p.page(p.setLimits)).Methods("POST")
	r.Handle(version+"/conditions", p.page(p.preparable((*Portal).conditionsForm))).Methods("GET", "HEAD")
	r.Handle(version+"/conditions", p.page(p.preparable((*Portal).setConditions))).Methods("POST")
	r.Handle(version+"/traffic/sizes", p.page(p.setSizes)).Methods("POST")
	r.Handle(version+"/traffic/check", p.page(p.setChecks)).Methods("POST")
	r.Handle(version+"/drift/clear", p.page(p.clearDrift)).Methods("POST")
	r.Handle(version+"/traffic/cache", p.page(p.setCache)).Methods("POST")
	r.Handle(version+"/traffic/callers", p.page(p.setCallers)).Methods("POST")
	r.Handle(version+"/traffic/concurrency", p.page(p.setConcurrency)).Methods("POST")
	r.Handle(version+"/upstream", p.page(p.upstreamForm)).Methods("GET", "HEAD")
	r.Handle(version+"/upstream/client-key", p.page(p.setUpstreamKey)).Methods("POST")
	r.Handle(version+"/upstream/{part}", p.page(p.setUpstreamPart)).Methods("POST")
	r.Handle(version+"/marks", p.page(p.preparable((*Portal).marksForm))).Methods("GET", "HEAD")
	r.Handle(version+"/marks", p.page(p.preparable((*Portal).mark))).Methods("POST")
	r.Handle(version+"/publish", p.page(p.publishForm)).Methods("GET", "HEAD")
	r.Handle(version+"/publish", p.page(p.publishVersion)).Methods("POST")
	r.Handle(version+"/deprecate", p.page(p.deprecateVersion)).Methods("POST")
	p.revisionRoutes(r)
	p.promotionRoutes(r)
	p.sandboxRoutes(r)
	p.docPageRoutes(r)
	r.Handle(version+"/end", p.page(p.endForm)).Methods("GET", "HEAD")
	r.Handle(version+"/keep", p.page(p.keepVersion)).Methods("POST")
	r.Handle(version+"/retire", p.page(p.retireVersion)).Methods("POST")
}

// apiDesk is the desk of one API.
type apiDesk struct {
	desk
	API catalog.API // zero while a new one is described
}

// apiDesk finds the API of the address, when the reader may edit it.
func (p *Portal) apiDesk(r *http.Request) (apiDesk, error) {
	d, err := p.desk(r)
	if err != nil {
		return apiDesk{}, err
	}
	if err := p.Catalog.May(r.Context(), d.who, "api.edit", d.Agency.ID); err != nil {
		return apiDesk{}, err
	}
	return p.apiAt(r, d)
}

// apiAt finds the API of the address; none is named: a new one is described.
func (p *Portal) apiAt(r *http.Request, d desk) (apiDesk, error) {
	slug, named := mux.Vars(r)["api"]
	if !named {
		return apiDesk{desk: d}, nil
	}
	api, err := p.Catalog.APIBySlug(r.Context(), d.who, d.Agency.Slug, slug)
	return apiDesk{d, api}, err
}

// aboutForm answers GET …/apis/new and …/apis/{api}/about: name and description.
func (p *Portal) aboutForm(r *http.Request) (page, error) {
	d, err := p.apiDesk(r)
	return page{Name: "agency-about", Data: d}, err
}

// createAPI answers POST /agency/{agency}/apis/new.
func (p *Portal) createAPI(r *http.Request) (page, error) {
	d, err := p.apiDesk(r)
	if err != nil {
		return page{}, err
	}
	n := catalog.NewAPI{AgencyID: d.Agency.ID, Slug: strings.TrimSpace(r.PostFormValue("slug")), APIText: apiText(r)}
	api, err := p.Catalog.CreateAPI(r.Context(), d.who, n)
	if err != nil {
		return again(r, p.aboutForm, err)
	}
	return page{To: d.At("apis", api.Slug, "new")}, nil
}

// editAPI answers POST /agency/{agency}/apis/{api}/about.
func (p *Portal) editAPI(r *http.Request) (page, error) {
	d, err := p.apiDesk(r)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.EditAPI(r.Context(), d.who, d.API.ID, apiText(r)); err != nil {
		return again(r, p.aboutForm, err)
	}
	to := d.At("apis", d.API.Slug, "new")
	if len(d.API.Versions) > 0 {
		to = d.At("apis", d.API.Slug, d.API.Versions[0].Number)
	}
	return page{To: to, Flash: &web.Flash{Key: "agency.about-saved"}}, nil
}

func apiText(r *http.Request) catalog.APIText {
	return catalog.APIText{
		TitleVI: r.PostFormValue("title_vi"), TitleEN: r.PostFormValue("title_en"),
		DescriptionVI: r.PostFormValue("description_vi"), DescriptionEN: r.PostFormValue("description_en"),
	}
}

// nextNumber is the number of the API's next version.
func nextNumber(api catalog.API) string {
	most := 0
	for _, v := range api.Versions {
		if n, err := strconv.Atoi(strings.TrimPrefix(v.Number, "v")); err == nil {
			most = max(most, n)
		}
	}
	return fmt.Sprintf("v%d", most+1)
}

// versionDesk finds the version of the address, when the reader may edit it.
func (p *Portal) version(r *http.Request) (apiDesk, catalog.Version, error) {
	d, err := p.apiDesk(r)
	if err != nil {
		return d, catalog.Version{}, err
	}
	return d.version(r)
}

// version is the version of the address.
func (d apiDesk) version(r *http.Request) (apiDesk, catalog.Version, error) {
	number := mux.Vars(r)["version"]
	for _, v := range d.API.Versions {
		if v.Number == number {
			return d, v, nil
		}
	}
	return d, catalog.Version{}, problem.Errorf(problem.NotFound, "no version %s of %s", number, d.API.Slug)
}
