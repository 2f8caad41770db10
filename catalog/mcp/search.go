package mcp

import (
	"context"
	"encoding/json"
	"time"

	"lgsp/catalog"
)

// searchArguments are those of search_catalogue.
type searchArguments struct {
	Query    string `json:"query"`
	Kind     string `json:"kind"`
	Agency   string `json:"agency"`
	Theme    string `json:"theme"`
	Format   string `json:"format"`
	Limit    *int   `json:"limit"`
	After    string `json:"after"`
	Language string `json:"language"`
}

// found is what search_catalogue answers.
type found struct {
	Hits    []hit             `json:"hits"`
	Total   int               `json:"total"`
	Partial bool              `json:"partial"` // nothing holds every word; these are near
	Next    string            `json:"next"`
	Narrow  map[string][]some `json:"narrow"` // values to narrow down by, with how many each would leave
}

type hit struct {
	Kind      string    `json:"kind"`
	Name      string    `json:"name"` // of a dataset: what describe_dataset takes
	Title     string    `json:"title"`
	Summary   string    `json:"summary,omitempty"`
	Agency    string    `json:"agency,omitempty"`
	Theme     string    `json:"theme,omitempty"`
	Formats   []string  `json:"formats,omitempty"`
	Licence   string    `json:"licence,omitempty"`
	Access    []string  `json:"access,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
	URL       string    `json:"url"`
}

type some struct {
	Value string `json:"value"`
	Title string `json:"title"`
	Count int    `json:"count"`
}

// How many hits, and how many values to narrow down by.
const (
	usualHits  = 10
	mostHits   = 25
	mostValues = 8
)

// searchCatalogue looks for datasets, APIs, operations and guides that are
// published, as the page of the search does.
func searchCatalogue(ctx context.Context, c call, arguments json.RawMessage) (any, error) {
	a, err := decode[searchArguments](c, arguments)
	if err != nil {
		return nil, err
	}
	if err := language(a.Language); err != nil {
		return nil, err
	}
	n, err := limit(a.Limit, usualHits, mostHits)
	if err != nil {
		return nil, err
	}
	answer, err := c.site.Catalog.Find(ctx, catalog.FindQuery{Text: a.Query, Kind: a.Kind, Agency: a.Agency, Theme: a.Theme, Format: a.Format, Limit: n, After: a.After})
	if err != nil {
		return nil, err
	}
	out := found{Hits: []hit{}, Total: answer.Total, Partial: answer.Partial, Next: answer.Next, Narrow: map[string][]some{}}
	for _, h := range answer.Hits {
		out.Hits = append(out.Hits, hit{
			Kind: h.Kind, Name: h.Slug, Title: c.in(h.TitleVI, h.TitleEN), Summary: c.in(h.SummaryVI, h.SummaryEN),
			Agency: c.in(h.Agency.TitleVI, h.Agency.TitleEN), Theme: h.Theme, Formats: h.Formats, Licence: h.Licence, Access: h.Access,
			UpdatedAt: h.UpdatedAt.UTC(), URL: c.page(h.Address()),
		})
	}
	for _, name := range []string{"kind", "agency", "theme", "format"} {
		for _, f := range answer.Facets[name][:min(len(answer.Facets[name]), mostValues)] {
			out.Narrow[name] = append(out.Narrow[name], some{f.Value, c.in(f.TitleVI, f.TitleEN), f.Count})
		}
	}
	return out, nil
}
