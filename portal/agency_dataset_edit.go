package portal

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// datasetCareDeskRoutes are the pages about the pending edit of a public dataset,
// its review, and what is due.
func (p *Portal) datasetCareDeskRoutes(r *mux.Router) {
	const set = "/agency/{agency}/datasets/{dataset}"
	for verb, decide := range map[string]editDecision{
		"approve": func(ctx context.Context, who auth.Principal, dataset, edit uuid.UUID, _ string) (catalog.Dataset, error) {
			return p.Catalog.ApproveEdit(ctx, who, dataset, edit)
		},
		"return": func(ctx context.Context, who auth.Principal, dataset, edit uuid.UUID, reason string) (catalog.Dataset, error) {
			return p.Catalog.ReturnEdit(ctx, who, dataset, edit, reason)
		},
		"discard": func(ctx context.Context, who auth.Principal, dataset, _ uuid.UUID, _ string) (catalog.Dataset, error) {
			return p.Catalog.DiscardEdit(ctx, who, dataset)
		},
	} {
		r.Handle(set+"/edit/"+verb, p.page(p.decideEdit(verb, decide))).Methods("POST")
	}
	r.Handle("/agency/{agency}/due", p.page(p.agencyDue)).Methods("GET", "HEAD")
	r.Handle(set+"/schedule", p.page(p.scheduleDataset)).Methods("POST")
	r.Handle(set+"/reviewed", p.page(p.moveDataset("reviewed", func(ctx context.Context, who auth.Principal, id uuid.UUID, _ string) (catalog.Dataset, error) {
		return p.Catalog.ReviewedDataset(ctx, who, id)
	}))).Methods("POST")
}

// scheduleDataset answers POST …/{dataset}/schedule: a time on the province's
// clock, or none to take it back.
func (p *Portal) scheduleDataset(r *http.Request) (page, error) {
	d, err := p.datasetOf(r)
	if err != nil {
		return page{}, err
	}
	var at *time.Time
	key := "workflow.unscheduled"
	if typed := strings.TrimSpace(r.PostFormValue("publish_at")); typed != "" {
		moment, err := time.ParseInLocation("2006-01-02T15:04", typed, province)
		if err != nil {
			return again(r, p.datasetDesk, problem.Errorf(problem.Invalid, "the time is not yyyy-mm-ddThh:mm").Coded("schedule-time").
				Wrong("publish_at", "schedule-time", "is not a time"))
		}
		at, key = &moment, "workflow.scheduled"
	}
	if _, err := p.Catalog.ScheduleDataset(r.Context(), d.who, d.Dataset.ID, at); err != nil {
		return again(r, p.datasetDesk, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: key}}, nil
}

// editDecision is what becomes of the pending edit of a dataset.
type editDecision func(ctx context.Context, who auth.Principal, dataset, edit uuid.UUID, reason string) (catalog.Dataset, error)

// decideEdit answers POST …/{dataset}/edit/{verb}; the form says which wording
// of the edit was read.
func (p *Portal) decideEdit(verb string, decide editDecision) pageFunc {
	return func(r *http.Request) (page, error) {
		d, err := p.datasetOf(r)
		if err != nil {
			return page{}, err
		}
		edit, err := uuid.Parse(r.PostFormValue("edit"))
		if err != nil && verb != "discard" {
			return page{}, problem.Errorf(problem.Invalid, "edit is not a UUID").Coded("id-invalid", "id", r.PostFormValue("edit"))
		}
		if _, err := decide(r.Context(), d.who, d.Dataset.ID, edit, r.PostFormValue("reason")); err != nil {
			return again(r, p.datasetDesk, err)
		}
		return page{To: d.Base(), Flash: &web.Flash{Key: "workflow.done-" + verb}}, nil
	}
}

// editView is the pending edit of a dataset, for who decides.
type editView struct {
	catalog.DatasetEdit
	Clock   clock
	Changes []changeView
	Mine    bool // the reader proposed it
}

// changeView is one changed field: what both wordings begin and end with, and
// what stands between.
type changeView struct {
	Field                string // in the keys of words
	Head, Old, New, Tail string
	Own                  string // the label of one of the agency's own fields, in place of Field
}

// editOf is the pending edit of d for its desk, nil when there is none.
func (p *Portal) editOf(d datasetData, locale string) *editView {
	if d.Dataset.Edit == nil {
		return nil
	}
	e := *d.Dataset.Edit
	view := &editView{DatasetEdit: e, Clock: p.clockOf(e.ReviewBy), Mine: e.ProposedBy == d.who.Person}
	for _, c := range e.Changes {
		if name, own := strings.CutPrefix(c.Field, "fields/"); own {
			view.Changes = append(view.Changes, ownChange(locale, d.Own, name, c))
			continue
		}
		c.Old, c.New = wordsOfField(locale, c.Field, c.Old), wordsOfField(locale, c.Field, c.New)
		view.Changes = append(view.Changes, changeOf(c))
	}
	return view
}

// ownChange is a change of one of the agency's own fields, in its words.
func ownChange(locale string, schema catalog.OwnSchema, name string, c catalog.Change) changeView {
	f, asked := schema.Field(name)
	if !asked {
		f.LabelVI = name
	}
	for _, side := range []*string{&c.Old, &c.New} {
		if f.Type != catalog.OwnChoice && f.Type != catalog.OwnChoices || *side == "" {
			continue
		}
		vi, en := f.Words(catalog.OwnValue{Many: strings.Split(*side, "\n")})
		if locale == "en" {
			vi = en
		}
		*side = strings.Join(vi, ", ")
	}
	view := changeOf(c)
	view.Own = inWords(locale, f.LabelVI, f.LabelEN)
	return view
}

// wordsOfField turns the ids of a code list into what people read.
func wordsOfField(locale, field, value string) string {
	lists := map[string][]catalog.Code{"theme": catalog.Themes(), "licence": catalog.Licences(), "frequency": catalog.Frequencies(),
		"access_rights": catalog.AccessRights(), "languages": catalog.Languages()}
	list, coded := lists[field]
	if !coded || value == "" {
		return value
	}
	var words []string
	for _, id := range strings.Split(value, "\n") {
		c := codeIn(list, id)
		if locale == "en" {
			c.TitleVI = c.TitleEN
		}
		words = append(words, c.TitleVI)
	}
	return strings.Join(words, ", ")
}

// changeOf finds by whole words what a change leaves at both ends.
func changeOf(c catalog.Change) changeView {
	old, changed := strings.SplitAfter(c.Old, " "), strings.SplitAfter(c.New, " ")
	same := 0
	for same < len(old) && same < len(changed) && old[same] == changed[same] {
		same++
	}
	view := changeView{Field: strings.ReplaceAll(c.Field, "_", "-"), Head: strings.Join(old[:same], "")}
	old, changed = old[same:], changed[same:]
	same = 0
	for same < len(old) && same < len(changed) && old[len(old)-1-same] == changed[len(changed)-1-same] {
		same++
	}
	view.Tail = strings.Join(old[len(old)-same:], "")
	view.Old, view.New = strings.Join(old[:len(old)-same], ""), strings.Join(changed[:len(changed)-same], "")
	return view
}
