package portal

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// operatorAgencyRoutes are the pages on which agencies are registered and kept.
func (p *Portal) operatorAgencyRoutes(r *mux.Router) {
	r.Handle("/operator/agencies", p.page(p.keepAgencies)).Methods("GET", "HEAD")
	r.Handle("/operator/agencies", p.page(p.registerAgency)).Methods("POST")
	r.Handle("/operator/agencies/new", p.page(p.newAgencyForm)).Methods("GET", "HEAD")
	r.Handle("/operator/agencies/{agency}", p.page(p.keptAgency)).Methods("GET", "HEAD")
	r.Handle("/operator/agencies/{agency}", p.page(p.changeAgency)).Methods("POST")
	r.Handle("/operator/agencies/{agency}/end", p.page(p.agencyEnd)).Methods("GET", "HEAD")
	r.Handle("/operator/agencies/{agency}/end", p.page(p.planEnd)).Methods("POST")
	r.Handle("/operator/agencies/{agency}/end/drop", p.page(p.dropEnd)).Methods("POST")
}

// keptAgenciesData is the data of the page "operator-agencies".
type keptAgenciesData struct {
	Agencies     []auth.FoundAgency
	Query, State string
	Next         string // address of the next page
	Edits        bool
}

// keepAgencies answers GET /operator/agencies.
func (p *Portal) keepAgencies(r *http.Request) (page, error) {
	who, err := p.readsPlatform(r)
	if err != nil {
		return page{}, err
	}
	q := r.URL.Query()
	data := keptAgenciesData{Query: q.Get("q"), State: q.Get("state"), Edits: p.Policy.May(r.Context(), who, "agency.edit", uuid.Nil) == nil}
	filter := auth.AgencyFilter{Query: data.Query, State: data.State, Page: auth.Page{Limit: 50, After: q.Get("after")}}
	next := ""
	if data.Agencies, next, err = p.Auth.FindAgencies(r.Context(), filter); err != nil {
		return page{}, err
	}
	if next != "" {
		data.Next = "/operator/agencies?" + withQuery("q", data.Query, "state", data.State, "after", next)
	}
	return page{Name: "operator-agencies", Data: data}, nil
}

// readsPlatform is who reads, refused unless they may platform.read.
func (p *Portal) readsPlatform(r *http.Request) (auth.Principal, error) {
	who, err := signedIn(r)
	if err != nil {
		return who, err
	}
	return who, p.Policy.May(r.Context(), who, "platform.read", uuid.Nil)
}

// agencyFormData is the data of the pages "operator-agency-new" and "operator-agency".
type agencyFormData struct {
	auth.Agency
	ParentSlug string
	Today      string
	Aliases    []auth.Alias
	Live       []auth.FoundAgency // that may stand above it
	Above      *auth.Agency
	Successor  *auth.Agency
	Edits      bool
}

// Parents are the agencies that may stand above it, as choices.
func (d agencyFormData) Parents(none, locale string) []web.Option {
	options := []web.Option{{Text: none}}
	for _, a := range d.Live {
		if a.ID != d.ID {
			options = append(options, web.Option{Value: a.Slug, Text: nameIn(locale, a.Agency)})
		}
	}
	return options
}

func nameIn(locale string, a auth.Agency) string {
	return agencyOptions(locale, []auth.Agency{a})[0].Text
}

// newAgencyForm answers GET /operator/agencies/new.
func (p *Portal) newAgencyForm(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Policy.May(r.Context(), who, "agency.edit", uuid.Nil); err != nil {
		return page{}, err
	}
	data := agencyFormData{Today: p.Now().In(province).Format(time.DateOnly), Edits: true}
	data.Live, err = p.liveAgencies(r)
	return page{Name: "operator-agency-new", Data: data}, err
}

// liveAgencies are all agencies that have not ended.
func (p *Portal) liveAgencies(r *http.Request) ([]auth.FoundAgency, error) {
	var all []auth.FoundAgency
	for after := ""; ; {
		list, next, err := p.Auth.FindAgencies(r.Context(), auth.AgencyFilter{State: auth.AgencyLive, Page: auth.Page{Limit: 100, After: after}})
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if after = next; next == "" {
			return all, nil
		}
	}
}

// agencyIn reads the form of an agency. It fails with Invalid for a day that is
// none, and for a parent that is unknown.
func (p *Portal) agencyIn(r *http.Request) (auth.Agency, error) {
	a := auth.Agency{Slug: r.PostFormValue("slug"), Code: r.PostFormValue("code"), NameVI: r.PostFormValue("name_vi"), NameEN: r.PostFormValue("name_en"),
		NoteVI: r.PostFormValue("note_vi"), NoteEN: r.PostFormValue("note_en"), Source: r.PostFormValue("source"),
		FocalName: r.PostFormValue("focal_name"), FocalEmail: r.PostFormValue("focal_email"), FocalPhone: r.PostFormValue("focal_phone")}
	slug := r.PostFormValue("parent")
	if slug == "" {
		return a, nil
	}
	above, err := p.Auth.AgencyBySlug(r.Context(), slug)
	if problem.Is(err, problem.NotFound) {
		return a, problem.Errorf(problem.Invalid, "no agency %s", slug).Coded("fields-wrong").Wrong("parent", "agency-unknown", "no such agency")
	}
	a.Parent = &above.ID
	return a, err
}

// dayField reads a day of a form; the zero time when nothing was typed.
func dayField(r *http.Request, name string) (time.Time, error) {
	text := strings.TrimSpace(r.PostFormValue(name))
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, problem.Errorf(problem.Invalid, "%s is no day", name).Coded("fields-wrong").Wrong(name, "day-form", "a day as 2026-07-01")
	}
	return day, nil
}

// registerAgency answers POST /operator/agencies.
func (p *Portal) registerAgency(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	a, err := p.agencyIn(r)
	if err != nil {
		return again(r, p.newAgencyForm, err)
	}
	if a.ValidFrom, err = dayField(r, "valid_from"); err == nil && a.ValidFrom.IsZero() {
		err = problem.Errorf(problem.Invalid, "no day").Coded("fields-wrong").Wrong("valid_from", "required", "is required")
	}
	if err != nil {
		return again(r, p.newAgencyForm, err)
	}
	made, err := p.Auth.CreateAgency(r.Context(), who, a)
	if err != nil {
		return again(r, p.newAgencyForm, err)
	}
	return page{To: "/operator/agencies/" + made.Slug, Flash: &web.Flash{Key: "operate.agency-registered", Args: []string{"name", made.NameVI}}}, nil
}

// keptAgency answers GET /operator/agencies/{agency}; an old slug leads to the new one.
func (p *Portal) keptAgency(r *http.Request) (page, error) {
	who, err := p.readsPlatform(r)
	if err != nil {
		return page{}, err
	}
	ctx, slug := r.Context(), mux.Vars(r)["agency"]
	agency, err := p.Auth.AgencyBySlug(ctx, slug)
	if err != nil {
		return page{}, err
	}
	if agency.Slug != slug && r.Method != http.MethodPost {
		return page{To: "/operator/agencies/" + agency.Slug}, nil
	}
	data := agencyFormData{Agency: agency, Edits: !agency.Ended() && p.Policy.May(ctx, who, "agency.edit", uuid.Nil) == nil}
	if data.Aliases, err = p.Auth.Aliases(ctx, agency.ID); err != nil {
		return page{}, err
	}
	var ids []uuid.UUID
	for _, id := range []*uuid.UUID{agency.Parent, agency.Successor} {
		if id != nil {
			ids = append(ids, *id)
		}
	}
	near, err := p.Auth.Agencies(ctx, ids)
	if err != nil {
		return page{}, err
	}
	if agency.Parent != nil {
		above := near[*agency.Parent]
		data.Above, data.ParentSlug = &above, above.Slug
	}
	if agency.Successor != nil {
		next := near[*agency.Successor]
		data.Successor = &next
	}
	if data.Edits {
		data.Live, err = p.liveAgencies(r)
	}
	return page{Name: "operator-agency", Data: data}, err
}

// changeAgency answers POST /operator/agencies/{agency}.
func (p *Portal) changeAgency(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	before, err := p.Auth.AgencyBySlug(r.Context(), mux.Vars(r)["agency"])
	if err != nil {
		return page{}, err
	}
	a, err := p.agencyIn(r)
	if err != nil {
		return again(r, p.keptAgency, err)
	}
	change := agencyChangeOf(a)
	if change.Since, err = dayField(r, "since"); err != nil {
		return again(r, p.keptAgency, err)
	}
	after, err := p.Auth.ChangeAgency(r.Context(), who, before.ID, change)
	if err != nil {
		return again(r, p.keptAgency, err)
	}
	return page{To: "/operator/agencies/" + after.Slug, Flash: &web.Flash{Key: "operate.agency-changed", Args: []string{"name", after.NameVI}}}, nil
}

func agencyChangeOf(a auth.Agency) auth.AgencyChange {
	return auth.AgencyChange{Slug: a.Slug, Code: a.Code, NameVI: a.NameVI, NameEN: a.NameEN, Parent: a.Parent, NoteVI: a.NoteVI, NoteEN: a.NoteEN,
		Contact: auth.Contact{Name: a.FocalName, Email: a.FocalEmail, Phone: a.FocalPhone}, Source: a.Source}
}
