package portal

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// endData is the data of the page "agency-end".
type endData struct {
	versionPage
	Callers    []catalog.Caller
	Notices    []catalog.ToldNotice
	Successors []web.Option // "" first: none
	Chosen     string       // of those, that is announced
	LastDay    string       // that is announced, for the form; "" none
	Earliest   string       // that may be announced
}

// Calling counts the applications that called of late.
func (d endData) Calling() int {
	n := 0
	for _, c := range d.Callers {
		if c.LastAt != nil {
			n++
		}
	}
	return n
}

// endForm answers GET …/{version}/end: who calls the version, and how it ends.
func (p *Portal) endForm(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	data := endData{versionPage: v, Earliest: v.Earliest}
	if at := v.Version.Sunset; at != nil {
		data.LastDay = at.Add(-time.Nanosecond).In(province).Format(time.DateOnly)
		data.Earliest = data.LastDay // an announced day moves later only
	}
	if id := v.Version.SuccessorID; id != nil {
		data.Chosen = id.String()
	}
	ctx := r.Context()
	if data.Callers, err = p.Catalog.Callers(ctx, v.who, v.Version.ID); err != nil {
		return page{}, err
	}
	if data.Notices, err = p.Catalog.Notices(ctx, v.who, v.Version.ID); err != nil {
		return page{}, err
	}
	if err := p.choice(r, &data.Successors, "", "life.no-successor"); err != nil {
		return page{}, err
	}
	own, _, err := p.Catalog.ListAPIs(ctx, v.who, catalog.APIFilter{Agency: v.Agency.ID, Limit: 100})
	if err != nil {
		return page{}, err
	}
	for _, api := range own {
		for _, other := range api.Versions {
			if other.State == catalog.Published && other.ID != v.Version.ID {
				data.Successors = append(data.Successors, web.Option{Value: other.ID.String(), Text: inLocale(r, api.TitleVI, api.TitleEN) + " " + other.Number})
			}
		}
	}
	return page{Name: "agency-end", Data: data}, nil
}

// inLocale is a title in the page's language, as far as it is there.
func inLocale(r *http.Request, vi, en string) string {
	return titleIn(localeOf(r), vi, en)
}

// deprecateVersion answers POST …/{version}/deprecate. The version ends with
// the day given, on the province's calendar.
func (p *Portal) deprecateVersion(r *http.Request) (page, error) {
	return p.moveVersion(r, p.endForm, "agency.done-deprecate", func(d apiDesk, v catalog.Version) error {
		day, err := time.ParseInLocation(time.DateOnly, r.PostFormValue("sunset"), province)
		if err != nil {
			return problem.Errorf(problem.Invalid, "no day").Coded("sunset-invalid").Wrong("sunset", "day-invalid", "not a day")
		}
		e := catalog.Ending{Sunset: day.AddDate(0, 0, 1), Docs: r.PostFormValue("docs_url"), Reason: r.PostFormValue("reason")}
		if chosen := strings.TrimSpace(r.PostFormValue("successor")); chosen != "" {
			id, err := uuid.Parse(chosen)
			if err != nil {
				return problem.Errorf(problem.Invalid, "no version").Wrong("successor", "successor-invalid", "no other version that is published")
			}
			e.Successor = &id
		}
		_, err = p.Catalog.DeprecateVersion(r.Context(), d.who, v.ID, e)
		return err
	})
}

// keepVersion answers POST …/{version}/keep: the end is called off.
func (p *Portal) keepVersion(r *http.Request) (page, error) {
	return p.moveVersion(r, p.endForm, "life.done-keep", func(d apiDesk, v catalog.Version) error {
		_, err := p.Catalog.KeepVersion(r.Context(), d.who, v.ID, r.PostFormValue("keep_reason"))
		return renamed(err, "reason", "keep_reason")
	})
}

// renamed is err with what is wrong with one field told of another, which it
// is in the form.
func renamed(err error, from, to string) error {
	if e := problem.Of(err); e != nil {
		for i := range e.Fields {
			if e.Fields[i].Name == from {
				e.Fields[i].Name = to
			}
		}
	}
	return err
}

// retireVersion answers POST …/{version}/retire, once its number is typed: it
// cannot be undone.
func (p *Portal) retireVersion(r *http.Request) (page, error) {
	return p.moveVersion(r, p.endForm, "agency.done-retire", func(d apiDesk, v catalog.Version) error {
		if name := v.APISlug + "/" + v.Number; r.PostFormValue("confirm") != name {
			return problem.Errorf(problem.Invalid, "not confirmed").Coded("retire-confirm", "name", name).
				Wrong("confirm", "retire-confirm", "type the name of the version", "name", name)
		}
		_, err := p.Catalog.RetireVersion(r.Context(), d.who, v.ID)
		return err
	})
}
