package portal

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// personalRoutes are what an agency decides of what looks like personal data.
func (p *Portal) personalRoutes(r *mux.Router) {
	r.Handle("/agency/{agency}/datasets/{dataset}/personal", p.page(p.decidePersonal)).Methods("POST")
}

// personalPlace is a place of a dataset with every kind found there.
type personalPlace struct {
	ID    string // of the form on the page
	Title string // of the file; "" for the dataset's own texts
	Part  uuid.UUID
	Place string
	Text  bool // one of the dataset's texts
	Held  bool
	Open  bool // something keeps the dataset closed
	Found []catalog.PersonalFinding
}

// personalPlaces groups findings by place, those that wait first.
func personalPlaces(d catalog.Dataset, list []catalog.PersonalFinding) []personalPlace {
	var waiting, rest []personalPlace
	for i := 0; i < len(list); {
		place := personalPlace{ID: "p" + list[i].Part.String() + list[i].Place, Part: list[i].Part, Place: list[i].Place, Text: list[i].Part == d.ID}
		for _, part := range d.Distributions {
			if part.ID == place.Part {
				place.Title = part.TitleVI
			}
		}
		for ; i < len(list) && list[i].Part == place.Part && list[i].Place == place.Place; i++ {
			place.Found = append(place.Found, list[i])
			place.Held = place.Held || list[i].Held
			place.Open = place.Open || list[i].Blocks()
		}
		if place.Open {
			waiting = append(waiting, place)
		} else {
			rest = append(rest, place)
		}
	}
	return append(waiting, rest...)
}

// Unscanned are the names of the files that cannot be read in search of
// personal data.
func (d datasetData) Unscanned() []string {
	var names []string
	for _, part := range d.Dataset.Distributions {
		if !catalog.Scanned(part.Format) {
			names = append(names, part.FileName)
		}
	}
	return names
}

// Personal reports whether something keeps the dataset closed.
func (d datasetData) PersonalWaits() bool {
	return len(d.Personal) > 0 && d.Personal[0].Open
}

// Decisions are what a steward can choose from.
func (datasetData) Decisions(labels ...string) []web.Option {
	var options []web.Option
	for i, value := range []string{catalog.NotPersonal, catalog.PersonalAllowed, catalog.RemovePersonal} {
		options = append(options, web.Option{Value: value, Text: labels[i]})
	}
	return options
}

// decidePersonal answers POST /agency/{agency}/datasets/{dataset}/personal.
func (p *Portal) decidePersonal(r *http.Request) (page, error) {
	d, err := p.datasetOf(r)
	if err != nil {
		return page{}, err
	}
	part, err := uuid.Parse(r.PostFormValue("part"))
	if err != nil {
		return page{}, problem.Errorf(problem.Invalid, "the part is no id").Coded("personal-unknown", "place", r.PostFormValue("place"))
	}
	_, err = p.Catalog.DecidePersonal(r.Context(), d.who, d.Dataset.ID, catalog.PersonalDecision{Part: part, Place: r.PostFormValue("place"),
		Decision: r.PostFormValue("decision"), Ground: r.PostFormValue("ground"), Reason: r.PostFormValue("reason")})
	if err != nil {
		return again(r, p.datasetDesk, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "personal.decided"}}, nil
}
