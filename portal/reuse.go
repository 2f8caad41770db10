package portal

import (
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// reuseRoutes are read without an account; to add something takes one.
func (p *Portal) reuseRoutes(r *mux.Router) {
	r.Handle("/reuses", p.page(p.reuses)).Methods("GET", "HEAD")
	r.Handle("/dataset/{slug}/reuses/new", p.page(p.reuseForm)).Methods("GET", "HEAD")
	r.Handle("/dataset/{slug}/reuses/new", p.page(p.addReuse)).Methods("POST")
	r.Handle("/account/reuses", p.page(p.ownReuses)).Methods("GET", "HEAD")
	r.Handle("/account/reuses/{id}/drop", p.page(p.dropReuse)).Methods("POST")
	r.Handle("/agency/{agency}/reuses", p.page(p.agencyReuses)).Methods("GET", "HEAD")
	r.Handle("/agency/{agency}/reuses/{id}", p.page(p.decideReuse)).Methods("POST")
}

// newestReuses is how many are shown on the dataset's own page.
const newestReuses = 5

// reusesData is the data of the page "reuses".
type reusesData struct {
	List        []catalog.Reuse
	Kinds       []string
	Themes      []catalog.Code
	Kind, Theme string
	Dataset     *catalog.Dataset // of which they are; nil: of all
	First, Next string           // addresses of other pages
}

// Filtered reports whether the list is narrowed down.
func (d reusesData) Filtered() bool { return d.Kind != "" || d.Theme != "" || d.Dataset != nil }

// reuses answers GET /reuses: what people made of the data, by kind and topic,
// with ?dataset= of one dataset.
func (p *Portal) reuses(r *http.Request) (page, error) {
	typed := r.URL.Query()
	data := reusesData{Kinds: catalog.ReuseKinds(), Themes: catalog.Themes(), Kind: typed.Get("kind"), Theme: typed.Get("theme")}
	if data.Kind != "" && !slices.Contains(data.Kinds, data.Kind) {
		return page{}, problem.Errorf(problem.NotFound, "no kind %s", data.Kind)
	}
	f := catalog.ReuseFilter{Kind: data.Kind, Theme: data.Theme, After: typed.Get("after")}
	if slug := typed.Get("dataset"); slug != "" {
		d, err := p.Catalog.DatasetBySlug(r.Context(), whoever(r), slug)
		if err != nil {
			return page{}, err
		}
		data.Dataset, f.Dataset = &d, d.ID
	}
	list, next, err := p.Catalog.Reuses(r.Context(), f)
	if err != nil {
		return page{}, err
	}
	data.List = list
	if next != "" {
		data.Next = "/reuses?" + with(typed, "after", next).Encode()
	}
	if f.After != "" {
		data.First = "/reuses?" + with(typed, "after", "").Encode()
	}
	return page{Name: "reuses", Data: data}, nil
}

// reuseFormData is the data of the page "reuse-new".
type reuseFormData struct {
	Dataset  catalog.Dataset
	Kinds    []web.Option
	SignedIn bool
}

// reuseForm answers GET /dataset/{slug}/reuses/new.
func (p *Portal) reuseForm(r *http.Request) (page, error) {
	who := whoever(r)
	d, err := p.Catalog.DatasetBySlug(r.Context(), who, mux.Vars(r)["slug"])
	if err != nil {
		return page{}, err
	}
	if d.State != catalog.Published {
		return page{}, problem.Errorf(problem.NotFound, "dataset %s is not public", d.Slug).Coded("dataset-unknown", "name", d.Slug)
	}
	data := reuseFormData{Dataset: d, SignedIn: who.SignedIn()}
	for _, kind := range catalog.ReuseKinds() {
		if err := p.choice(r, &data.Kinds, kind, "reuse.kind-"+kind); err != nil {
			return page{}, err
		}
	}
	return page{Name: "reuse-new", Data: data}, nil
}

// addReuse answers POST /dataset/{slug}/reuses/new.
func (p *Portal) addReuse(r *http.Request) (page, error) {
	ctx, who := r.Context(), whoever(r)
	d, err := p.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
	if err != nil {
		return page{}, err
	}
	_, err = p.Catalog.AddReuse(ctx, who, d.ID, catalog.ReuseText{
		Kind: r.PostFormValue("kind"), TitleVI: r.PostFormValue("title_vi"), TitleEN: r.PostFormValue("title_en"),
		DescriptionVI: r.PostFormValue("description_vi"), DescriptionEN: r.PostFormValue("description_en"), URL: r.PostFormValue("url")})
	if err != nil {
		return again(r, p.reuseForm, err)
	}
	return page{To: "/account/reuses", Flash: &web.Flash{Key: "reuse.added"}}, nil
}

// ownReuses answers GET /account/reuses: what one added, and how it stands.
func (p *Portal) ownReuses(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	list, err := p.Catalog.OwnReuses(r.Context(), who)
	return page{Name: "account-reuses", Data: list}, err
}

// dropReuse answers POST /account/reuses/{id}/drop.
func (p *Portal) dropReuse(r *http.Request) (page, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	if err := p.Catalog.DropReuse(r.Context(), whoever(r), id); err != nil {
		return page{}, err
	}
	return page{To: "/account/reuses", Flash: &web.Flash{Key: "reuse.dropped"}}, nil
}

// agencyReusesData is the data of the page "agency-reuses".
type agencyReusesData struct {
	desk
	Waiting, Decided []catalog.Reuse
	Failed           uuid.UUID // the one whose decision came back
}

// agencyReuses answers GET /agency/{agency}/reuses: what a steward should look
// at, and what was decided.
func (p *Portal) agencyReuses(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	list, err := p.Catalog.AgencyReuses(r.Context(), d.who, d.Agency.ID)
	if err != nil {
		return page{}, err
	}
	data := agencyReusesData{desk: d}
	for _, one := range list {
		if one.State == catalog.Waiting {
			data.Waiting = append(data.Waiting, one)
		} else {
			data.Decided = append(data.Decided, one)
		}
	}
	data.Failed, _ = uuid.Parse(mux.Vars(r)["id"]) // none in the address of the list
	return page{Name: "agency-reuses", Data: data}, nil
}

// decideReuse answers POST /agency/{agency}/reuses/{id}.
func (p *Portal) decideReuse(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	state := r.PostFormValue("state")
	if _, err := p.Catalog.DecideReuse(r.Context(), d.who, id, catalog.ReuseDecision{State: state, Reason: r.PostFormValue("reason")}); err != nil {
		return again(r, p.agencyReuses, err)
	}
	return page{To: d.At("reuses"), Flash: &web.Flash{Key: "reuse.is-" + state}}, nil
}
