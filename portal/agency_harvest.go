package portal

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/catalog/harvest"
	"lgsp/internal/problem"
	"lgsp/web"
)

// harvestRoutes are the pages of the catalogues that an agency takes datasets over from.
func (p *Portal) harvestRoutes(r *mux.Router) {
	const at = "/agency/{agency}/harvest"
	r.Handle(at, p.page(p.harvestSources)).Methods("GET", "HEAD")
	r.Handle(at, p.page(p.addHarvestSource)).Methods("POST")
	r.Handle(at+"/{id}", p.page(p.harvestSource)).Methods("GET", "HEAD")
	r.Handle(at+"/{id}", p.page(p.editHarvestSource)).Methods("POST")
	r.Handle(at+"/{id}/preview", p.page(p.previewHarvest)).Methods("POST")
	r.Handle(at+"/{id}/ask", p.page(p.askHarvest)).Methods("POST")
	r.Handle(at+"/{id}/publishes", p.page(p.letHarvestPublish)).Methods("POST")
	r.Handle(at+"/{id}/end", p.page(p.endHarvest)).Methods("POST")
}

// harvestData is the data of the pages "agency-harvest" and "agency-harvest-source".
type harvestData struct {
	desk
	Sources []catalog.HarvestSource
	Source  catalog.HarvestSource // of the form
	Runs    []catalog.HarvestRun
	Preview *catalog.HarvestPreview // nil: not asked for
	Kinds   []web.Option
	Every   []web.Option
}

// Themes are the choices of the form.
func (d harvestData) Themes(locale, first string) []web.Option {
	return append([]web.Option{{Text: first}}, codes(locale, catalog.Themes())...)
}

// Licences are the choices of the form.
func (d harvestData) Licences(locale, first string) []web.Option {
	return append([]web.Option{{Text: first}}, codes(locale, catalog.Licences())...)
}

// harvestEvery are the times between readings that the form offers, in hours.
var harvestEvery = []int{24, 168, 720, 0}

func (p *Portal) harvestForm(r *http.Request, d desk, s catalog.HarvestSource) (harvestData, error) {
	data := harvestData{desk: d, Source: s}
	for _, kind := range harvest.Kinds() {
		if err := p.choice(r, &data.Kinds, kind, "harvest.kind-"+kind); err != nil {
			return data, err
		}
	}
	known := false
	for _, hours := range harvestEvery {
		known = known || hours == s.EveryHours
		if err := p.choice(r, &data.Every, strconv.Itoa(hours), "harvest.every-"+strconv.Itoa(hours)); err != nil {
			return data, err
		}
	}
	if !known {
		data.Every = append(data.Every, web.Option{Value: strconv.Itoa(s.EveryHours), Text: strconv.Itoa(s.EveryHours) + " h"})
	}
	return data, nil
}

// harvestSources answers GET /agency/{agency}/harvest.
func (p *Portal) harvestSources(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	data, err := p.harvestForm(r, d, catalog.HarvestSource{HarvestText: catalog.HarvestText{EveryHours: 24, Kind: harvest.CKAN}})
	if err != nil {
		return page{}, err
	}
	data.Sources, err = p.Catalog.HarvestSources(r.Context(), d.who, d.Agency.ID)
	return page{Name: "agency-harvest", Data: data}, err
}

func typedSource(r *http.Request) catalog.HarvestText {
	hours, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue("every_hours")))
	if err != nil {
		hours = -1 // which is told to be wrong
	}
	return catalog.HarvestText{Name: r.PostFormValue("name"), Kind: r.PostFormValue("kind"), URL: r.PostFormValue("url"), Theme: r.PostFormValue("theme"),
		Licence: r.PostFormValue("licence"), EveryHours: hours, Filter: harvest.Filter{Publisher: r.PostFormValue("filter/publisher"), Words: r.PostFormValue("filter/words")}}
}

// addHarvestSource answers POST /agency/{agency}/harvest.
func (p *Portal) addHarvestSource(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	made, err := p.Catalog.AddHarvestSource(r.Context(), d.who, d.Agency.ID, typedSource(r))
	if err != nil {
		return again(r, p.harvestSources, err)
	}
	return page{To: d.At("harvest", made.ID.String()), Flash: &web.Flash{Key: "harvest.added"}}, nil
}

// source finds the source of the address, under its own agency's desk.
func (p *Portal) source(r *http.Request) (desk, catalog.HarvestSource, error) {
	d, err := p.desk(r)
	if err != nil {
		return d, catalog.HarvestSource{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return d, catalog.HarvestSource{}, err
	}
	s, err := p.Catalog.HarvestSource(r.Context(), d.who, id)
	if err == nil && s.AgencyID != d.Agency.ID {
		err = problem.Errorf(problem.NotFound, "no source %s", id).Coded("harvest-unknown")
	}
	return d, s, err
}

// harvestSource answers GET /agency/{agency}/harvest/{id}.
func (p *Portal) harvestSource(r *http.Request) (page, error) {
	d, s, err := p.source(r)
	if err != nil {
		return page{}, err
	}
	data, err := p.harvestForm(r, d, s)
	if err != nil {
		return page{}, err
	}
	data.Runs, err = p.Catalog.HarvestRuns(r.Context(), s.ID)
	return page{Name: "agency-harvest-source", Data: data}, err
}

// previewHarvest answers POST …/harvest/{id}/preview: the source's page, with
// what taking over would come to.
func (p *Portal) previewHarvest(r *http.Request) (page, error) {
	d, s, err := p.source(r)
	if err != nil {
		return page{}, err
	}
	preview, err := p.Catalog.PreviewHarvest(r.Context(), d.who, s.ID)
	if err != nil {
		return again(r, p.harvestSource, err)
	}
	answer, err := p.harvestSource(r)
	if data, is := answer.Data.(harvestData); is {
		data.Preview = &preview
		answer.Data = data
	}
	return answer, err
}

// changeSource does something about the source of the page, and goes back there.
func (p *Portal) changeSource(r *http.Request, said string, do func(d desk, id uuid.UUID) error) (page, error) {
	d, s, err := p.source(r)
	if err != nil {
		return page{}, err
	}
	if err := do(d, s.ID); err != nil {
		return again(r, p.harvestSource, err)
	}
	return page{To: d.At("harvest", s.ID.String()), Flash: &web.Flash{Key: said}}, nil
}

// editHarvestSource answers POST …/harvest/{id}.
func (p *Portal) editHarvestSource(r *http.Request) (page, error) {
	return p.changeSource(r, "harvest.saved", func(d desk, id uuid.UUID) error {
		_, err := p.Catalog.EditHarvestSource(r.Context(), d.who, id, typedSource(r))
		return err
	})
}

// askHarvest answers POST …/harvest/{id}/ask.
func (p *Portal) askHarvest(r *http.Request) (page, error) {
	return p.changeSource(r, "harvest.asked", func(d desk, id uuid.UUID) error {
		_, err := p.Catalog.AskHarvest(r.Context(), d.who, id)
		return err
	})
}

// letHarvestPublish answers POST …/harvest/{id}/publishes.
func (p *Portal) letHarvestPublish(r *http.Request) (page, error) {
	return p.changeSource(r, "harvest.saved", func(d desk, id uuid.UUID) error {
		_, err := p.Catalog.LetHarvestPublish(r.Context(), d.who, id, r.PostFormValue("publishes") == "yes")
		return err
	})
}

// endHarvest answers POST …/harvest/{id}/end.
func (p *Portal) endHarvest(r *http.Request) (page, error) {
	d, s, err := p.source(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Catalog.EndHarvest(r.Context(), d.who, s.ID); err != nil {
		return page{}, err
	}
	return page{To: d.At("harvest"), Flash: &web.Flash{Key: "harvest.ended"}}, nil
}
