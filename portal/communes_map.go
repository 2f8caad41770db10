package portal

import (
	"net/http"
	"net/url"
	"strconv"

	"lgsp/catalog"
	"lgsp/catalog/rows"
	"lgsp/internal/problem"
	"lgsp/web"
)

// mapOfCommunes draws a table that names communes, by the list of places: a
// dot a commune, with how many rows the filters leave it; nil when the table
// names none that the list has.
func (p *Portal) mapOfCommunes(r *http.Request, t *tableView) (*mapView, error) {
	column, ok := catalog.PlaceColumn(t.Columns)
	if !ok {
		return nil, nil
	}
	list, err := p.Catalog.PlaceList(r.Context())
	if err != nil || list == nil {
		return nil, err
	}
	question := with(with(questionIn(t.query), "after", ""), "sort", "")
	question = with(with(with(question, "group", column.Key), "count", "*"), "limit", strconv.Itoa(rows.MaxLimit))
	answer, err := p.Catalog.QueryRows(r.Context(), whoever(r), t.Part.ID, url.Values(question))
	if problem.Is(err, problem.Invalid) || problem.Is(err, problem.Timeout) {
		return nil, nil // the table says what is wrong
	} else if err != nil {
		return nil, err
	}
	m := &mapView{By: list, More: answer.Cut}
	all := m.communes(column, answer.Rows)
	if len(all) == 0 {
		return nil, nil
	}
	m.draw(all)
	m.nameApart()
	return m, nil
}

// communes looks up where the groups of rows lie. Two ways to write one commune
// are one dot.
func (m *mapView) communes(column catalog.Column, groups [][]*string) []placed {
	var all []placed
	at := map[catalog.NamedPlace]int{}
	for _, group := range groups {
		n := 0
		if group[1] != nil {
			n, _ = strconv.Atoi(*group[1]) // a count
		}
		if group[0] == nil || *group[0] == "" {
			m.Missing += n
			continue
		}
		place, known := m.By.Find(column.Place, *group[0])
		if !known {
			m.Unknown += n
			continue
		}
		i, drawn := at[place]
		if !drawn {
			i = len(all)
			at[place] = i
			all = append(all, placed{name: place.Name, shapes: []rows.Shape{{Kind: "Point", Lines: [][]rows.Place{{{Lat: place.Lat, Lng: place.Lng}}}}}})
		}
		all[i].rows += int64(n)
	}
	return all
}

// columnPlaces are what a column can say of places, for its form.
func (p *Portal) columnPlaces(locale string) ([]web.Option, error) {
	var list []web.Option
	for _, place := range []string{"", catalog.PlaceCode, catalog.PlaceName, catalog.PlaceNone} {
		key := place
		if key == "" {
			key = "auto"
		}
		text, err := p.Pages.Text(locale, "communes.column-"+key)
		if err != nil {
			return nil, err
		}
		list = append(list, web.Option{Value: place, Text: text})
	}
	return list, nil
}
