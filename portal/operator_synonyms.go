package portal

import (
	"net/http"
	"slices"

	"github.com/google/uuid"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// synonymsData is the data of the page "operator-synonyms".
type synonymsData struct {
	Synonyms []catalog.Synonym
	Kinds    []web.Option
}

// synonymData is the data of the page "operator-synonym".
type synonymData struct {
	catalog.Synonym
	Kinds []web.Option
}

// synonyms answers GET /operator/synonyms: what search takes for each other.
func (p *Portal) synonyms(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Policy.May(r.Context(), who, "search.edit", uuid.Nil); err != nil {
		return page{}, err
	}
	list, err := p.Catalog.Synonyms(r.Context())
	if err != nil {
		return page{}, err
	}
	kinds, err := p.synonymKinds(r)
	return page{Name: "operator-synonyms", Data: synonymsData{list, kinds}}, err
}

// synonymKinds are the kinds as choices.
func (p *Portal) synonymKinds(r *http.Request) ([]web.Option, error) {
	var options []web.Option
	for _, kind := range catalog.SynonymKinds() {
		text, err := p.Pages.Text(localeOf(r), "find.kind-"+kind)
		if err != nil {
			return nil, err
		}
		options = append(options, web.Option{Value: kind, Text: text})
	}
	return options, nil
}

// synonymForm answers GET /operator/synonyms/{id}.
func (p *Portal) synonymForm(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Policy.May(r.Context(), who, "search.edit", uuid.Nil); err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	list, err := p.Catalog.Synonyms(r.Context())
	if err != nil {
		return page{}, err
	}
	i := slices.IndexFunc(list, func(s catalog.Synonym) bool { return s.ID == id })
	if i < 0 {
		return page{}, problem.Errorf(problem.NotFound, "no synonym %s", id).Coded("synonym-unknown")
	}
	kinds, err := p.synonymKinds(r)
	return page{Name: "operator-synonym", Data: synonymData{list[i], kinds}}, err
}

// synonymIn reads the form of a synonym.
func synonymIn(r *http.Request) catalog.SynonymText {
	return catalog.SynonymText{Term: r.PostFormValue("term"), Meaning: r.PostFormValue("meaning"), Kind: r.PostFormValue("kind"),
		ValidTo: r.PostFormValue("valid_to"), Note: r.PostFormValue("note")}
}

// addSynonym answers POST /operator/synonyms.
func (p *Portal) addSynonym(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	s, err := p.Catalog.AddSynonym(r.Context(), who, synonymIn(r))
	if err != nil {
		return again(r, p.synonyms, err)
	}
	return page{To: "/operator/synonyms", Flash: &web.Flash{Key: "find.synonym-kept", Args: []string{"term", s.Term}}}, nil
}

// editSynonym answers POST /operator/synonyms/{id}.
func (p *Portal) editSynonym(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	s, err := p.Catalog.EditSynonym(r.Context(), who, id, synonymIn(r))
	if err != nil {
		return again(r, p.synonymForm, err)
	}
	return page{To: "/operator/synonyms", Flash: &web.Flash{Key: "find.synonym-kept", Args: []string{"term", s.Term}}}, nil
}

// dropSynonym answers POST /operator/synonyms/{id}/drop.
func (p *Portal) dropSynonym(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	if err := p.Catalog.DropSynonym(r.Context(), who, id); err != nil {
		return page{}, err
	}
	return page{To: "/operator/synonyms", Flash: &web.Flash{Key: "find.synonym-dropped"}}, nil
}
