package portal

import (
	"lgsp/catalog"
)

// describedView is what a dataset's page says beside its first facts.
type describedView struct {
	Access             catalog.Code
	RightsVI, RightsEN string
	Languages          []catalog.Code
	Box                string
	Quality            *catalog.Quality // nil for who does not see its files
	Elements           []catalog.Element
}

// describe reads them off the dataset; address is its permanent one.
func describe(d catalog.Dataset, address string) describedView {
	view := describedView{Access: codeIn(catalog.AccessRights(), d.AccessRights), Box: datasetData{}.Box(d.BBox), Elements: d.Mandatory(address)}
	view.RightsVI, view.RightsEN = d.Rights()
	for _, language := range d.Languages {
		view.Languages = append(view.Languages, codeIn(catalog.Languages(), language))
	}
	if d.AccessRights != catalog.AccessRestricted {
		quality := catalog.QualityOf(d)
		view.Quality = &quality
	}
	return view
}

// qualityView is the score of a dataset at its agency's desk.
type qualityView struct {
	Quality catalog.Quality
	Steps   []qualityStep
}

// qualityStep is one thing to do, and how many points it is worth.
type qualityStep struct {
	Key    string // of its words, after "quality."
	Points int
}

// qualityOf scores d; what mends several points at once is told once.
func qualityOf(d catalog.Dataset) qualityView {
	view := qualityView{Quality: catalog.QualityOf(d)}
	at := map[string]int{}
	for _, p := range view.Quality.Next() {
		key := p.Code + "-next"
		if p.Why != "none" {
			key = "next-" + p.Why
		}
		i, known := at[key]
		if !known {
			i = len(view.Steps)
			at[key] = i
			view.Steps = append(view.Steps, qualityStep{Key: key})
		}
		view.Steps[i].Points += p.Most
	}
	return view
}

// Quality is the score of the dataset at its desk.
func (d datasetData) Quality() qualityView { return qualityOf(d.Dataset) }
