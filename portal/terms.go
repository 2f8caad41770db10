package portal

import (
	"net/http"

	"lgsp/catalog"
)

// termGroup is a group of the terms that are explained at /docs/words. The
// message words.KEY names one, words.KEY-means says what it means.
type termGroup struct {
	Key  string
	Keys []string
}

var termGroups = []termGroup{
	{"data", []string{"dataset", "open-data", "licence", "restricted-data", "csv", "geojson", "dcat", "k-anonymity"}},
	{"calls", []string{"api", "operation", "gateway", "upstream", "application", "api-key", "token", "quota", "webhook", "openapi"}},
	{"terms", []string{"agreement", "purpose", "legal-basis", "personal-data", "field", "steward", "publisher", "term", "ledger", "checkpoint"}},
}

// words answers GET /docs/words: what the terms of the trade mean.
func (p *Portal) words(*http.Request) (page, error) {
	return page{Name: "guide-words", Data: termGroups}, nil
}

// explained are the terms as search is to find them.
func (p *Portal) explained() ([]catalog.Document, error) {
	var list []catalog.Document
	for _, group := range termGroups {
		for _, key := range group.Keys {
			d := catalog.Document{Path: "/docs/words#" + key}
			for to, from := range map[*string][2]string{
				&d.TitleVI: {"vi", "words." + key}, &d.TextVI: {"vi", "words." + key + "-means"},
				&d.TitleEN: {"en", "words." + key}, &d.TextEN: {"en", "words." + key + "-means"},
			} {
				text, err := p.Pages.Text(from[0], from[1])
				if err != nil {
					return nil, err
				}
				*to = text
			}
			list = append(list, d)
		}
	}
	return list, nil
}
