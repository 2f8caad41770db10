package portal

import (
	"net/http"
	"net/url"

	"lgsp/catalog"
)

// searchData is the data of the page "search".
type searchData struct {
	Query   string
	Answer  catalog.SearchAnswer
	Facets  []facetGroup
	Chosen  int        // how many filters are on
	Keep    []keptPair // filters that the search box carries along
	Clear   string     // address without filters
	Next    string     // address of the next page, "" at the end
	First   string     // address of the first page, "" when on it
	Sort    string     // as catalog.FindQuery has it
	Sorted  [2]string  // addresses of the same search in its usual order, and by use
	Listing bool       // nothing was typed: everything is listed, newest first
	May     bool       // keep this search: somebody is signed in, and it says something
}

// facetGroup is one way to narrow a search down.
type facetGroup struct {
	Name   string // kind, agency, theme, format, licence, access
	Facets []facetLink
}

// facetLink narrows to one value, or widens again when it is chosen.
type facetLink struct {
	catalog.Facet
	Chosen bool
	Href   string
}

type keptPair struct{ Name, Value string }

// facetNames are the filters of a search, in the order shown.
func facetNames() []string { return []string{"kind", "agency", "theme", "format", "licence", "access"} }

// search answers GET /search.
func (p *Portal) search(r *http.Request) (page, error) {
	typed := r.URL.Query()
	q := findQuery(typed)
	answer, err := p.Catalog.Find(r.Context(), q)
	if err != nil {
		return page{}, err
	}
	data := searchData{Query: typed.Get("q"), Answer: answer, Listing: typed.Get("q") == "", Clear: "/search"}
	if data.Query != "" {
		data.Clear += "?" + url.Values{"q": {data.Query}}.Encode()
	}
	for _, name := range facetNames() {
		value := typed.Get(name)
		if value != "" {
			data.Chosen++
			data.Keep = append(data.Keep, keptPair{name, value})
		}
		if group := facetGroupOf(name, answer.Facets[name], typed); len(group.Facets) > 0 {
			data.Facets = append(data.Facets, group)
		}
	}
	data.Sort = q.Sort
	data.Sorted = [2]string{searchAddress(typed, "sort", ""), searchAddress(typed, "sort", catalog.SortUsed)}
	if q.Sort != "" {
		data.Keep = append(data.Keep, keptPair{"sort", q.Sort})
	}
	if answer.Next != "" {
		data.Next = searchAddress(typed, "after", answer.Next)
	}
	if typed.Get("after") != "" {
		data.First = searchAddress(typed, "after", "")
	}
	_, err = signedIn(r)
	data.May = err == nil && (!data.Listing || data.Chosen > 0)
	return page{Name: "search", Data: data}, nil
}

// findQuery reads the address of a search.
func findQuery(typed url.Values) catalog.FindQuery {
	return catalog.FindQuery{
		Text: typed.Get("q"), Kind: typed.Get("kind"), Agency: typed.Get("agency"), Theme: typed.Get("theme"),
		Format: typed.Get("format"), Licence: typed.Get("licence"), Access: typed.Get("access"), Sort: typed.Get("sort"), After: typed.Get("after"),
	}
}

func facetGroupOf(name string, facets []catalog.Facet, typed url.Values) facetGroup {
	group := facetGroup{Name: name}
	for _, f := range facets {
		link := facetLink{Facet: f, Chosen: typed.Get(name) == f.Value}
		value := f.Value
		if link.Chosen {
			value = ""
		}
		link.Href = searchAddress(typed, name, value)
		group.Facets = append(group.Facets, link)
	}
	return group
}

// searchAddress is the address of the same search with one thing changed; all
// but a turn of the page begins at its first page.
func searchAddress(typed url.Values, name, value string) string {
	to := url.Values{}
	for _, key := range append(facetNames(), "q", "sort") {
		if typed.Get(key) != "" {
			to.Set(key, typed.Get(key))
		}
	}
	to.Del(name)
	if value != "" {
		to.Set(name, value)
	}
	if len(to) == 0 {
		return "/search"
	}
	return "/search?" + to.Encode()
}
