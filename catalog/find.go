package catalog

import (
	"context"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog/search"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// FindQuery is a search of the catalogue; every filter may be "".
type FindQuery struct {
	Text    string // as typed, at most 400 characters; "" lists datasets and APIs, newest first
	Kind    string // dataset, api, operation, document
	Agency  string // slug
	Theme   string // code of Themes
	Format  string // CSV, XLSX …
	Licence string // code of Licences
	Access  string // open, restricted, personal
	Sort    string // SortUsed; "" is the best first, of a list the newest
	Limit   int    // 1 to 100, 0 is 20
	After   string // Next of the page before
}

// SortUsed puts what was most used in the last twelve months first.
const SortUsed = "used"

// SearchAnswer is a page of hits.
type SearchAnswer struct {
	Hits    []Hit              `json:"hits"`
	Total   int                `json:"total"`
	Facets  map[string][]Facet `json:"facets"`  // kind, agency, theme, format, licence, access: counts under the other filters
	Partial bool               `json:"partial"` // nothing holds every word; these are near
	Next    string             `json:"next"`    // "" at the end
}

// Hit is one thing found.
type Hit struct {
	Kind      string        `json:"kind"` // dataset, api, operation, document
	ID        uuid.UUID     `json:"id"`
	Slug      string        `json:"slug"` // its address below its kind, see Address
	TitleVI   string        `json:"title_vi"`
	TitleEN   string        `json:"title_en"`
	MarkedVI  template.HTML `json:"-"` // the title, escaped, with <mark> around what matched
	MarkedEN  template.HTML `json:"-"`
	SummaryVI string        `json:"summary_vi"` // at most 240 characters
	SummaryEN string        `json:"summary_en"`
	Agency    Agency        `json:"agency"` // none of a document
	Theme     string        `json:"theme"`
	Formats   []string      `json:"formats"`
	Licence   string        `json:"licence"`
	Access    []string      `json:"access"` // open, restricted, personal
	UpdatedAt time.Time     `json:"updated_at"`
}

// Address is where people read it, on the portal.
func (h Hit) Address() string {
	switch h.Kind {
	case "dataset":
		return "/dataset/" + h.Slug
	case "document":
		return "/" + h.Slug
	}
	return "/apis/" + h.Slug
}

// Facet is one value that could be filtered by, and how many it would leave.
type Facet struct {
	Value   string `json:"value"`
	TitleVI string `json:"title_vi"`
	TitleEN string `json:"title_en"`
	Count   int    `json:"count"`
}

// The bounds of a search.
const (
	maxQuery  = 400  // characters
	maxOffset = 1000 // hits that can be paged through
)

// Find searches what is published. It fails with Invalid for a query that is
// too long, or a sort, limit or cursor that is not right.
func (c *Catalog) Find(ctx context.Context, q FindQuery) (SearchAnswer, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return SearchAnswer{}, err
	}
	offset, err := offsetOf(q.After)
	if err != nil {
		return SearchAnswer{}, err
	}
	if err := notTooLong(q.Text); err != nil {
		return SearchAnswer{}, err
	}
	if q.Sort != "" && q.Sort != SortUsed {
		return SearchAnswer{}, problem.Errorf(problem.Invalid, "a search cannot be sorted by %q", q.Sort).Coded("search-sort", "value", q.Sort)
	}
	empty := SearchAnswer{Hits: []Hit{}, Facets: map[string][]Facet{}}
	filter, err := c.filterOf(ctx, q)
	if problem.Is(err, problem.NotFound) {
		return empty, nil
	} else if err != nil {
		return empty, err
	}
	typed := search.Parse(q.Text)
	if typed.Empty() && strings.TrimSpace(q.Text) != "" {
		return empty, nil
	}
	request := search.Request{Query: typed, Filter: filter, Limit: limit + 1, Offset: offset, Used: q.Sort == SortUsed}
	if !typed.Empty() {
		if request.Plan, request.Synonyms, err = c.plan(ctx, typed); err != nil {
			return empty, err
		}
	}
	found, err := c.ask(ctx, request)
	if err != nil {
		return empty, err
	}
	a := SearchAnswer{Total: found.Total, Partial: found.Partial}
	if next := offset + limit; len(found.Keys) > limit {
		found.Keys = found.Keys[:limit]
		if next < maxOffset {
			a.Next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(next)))
		}
	}
	return c.dress(ctx, a, typed, found)
}

func notTooLong(text string) error {
	if utf8.RuneCountInString(text) > maxQuery {
		return problem.Errorf(problem.Invalid, "a search has at most %d characters", maxQuery).
			Coded("search-too-long", "most", strconv.Itoa(maxQuery))
	}
	return nil
}

// filterOf is the query's filter; NotFound for an agency that is not there.
func (c *Catalog) filterOf(ctx context.Context, q FindQuery) (search.Filter, error) {
	f := search.Filter{Kind: q.Kind, Theme: q.Theme, Format: q.Format, Licence: q.Licence, Access: q.Access}
	if q.Agency == "" {
		return f, nil
	}
	a, err := c.AgencyBySlug(ctx, q.Agency)
	f.Agency = a.ID
	return f, err
}

const synonymsSQL = `select term, meaning from catalog.synonym order by term, meaning`

const knownWordsSQL = `select distinct word from catalog.search_word where word = any($1)`

// plan looks words up in the vocabulary, and what they may have been meant as;
// it also gives the fingerprint of the synonyms it went by.
func (c *Catalog) plan(ctx context.Context, typed search.Query) (search.Plan, string, error) {
	synonyms, err := pg.All[search.Synonym](ctx, c.DB, synonymsSQL)
	if err != nil {
		return search.Plan{}, "", fmt.Errorf("read synonyms: %w", err)
	}
	known := map[string]bool{}
	for _, words := range []func() []string{typed.Folded, func() []string { return typed.Candidates(known) }} {
		list := words()
		if len(list) == 0 {
			break
		}
		rows, _ := c.DB.Query(ctx, knownWordsSQL, list) // the error comes back from Collect
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return search.Plan{}, "", fmt.Errorf("look words up: %w", err)
		}
		for _, word := range found {
			known[word] = true
		}
	}
	return typed.Plan(synonyms, known), search.Fingerprint(synonyms), nil
}

type hitRow struct {
	Kind      string
	ID        uuid.UUID
	Slug      string
	TitleVI   string
	TitleEN   string
	SummaryVI string
	SummaryEN string
	AgencyID  uuid.UUID
	Theme     string
	Formats   []string
	Licence   string
	Access    []string
	UpdatedAt time.Time
}

const hitsSQL = `
select d.kind, d.id, d.slug, d.title_vi, d.title_en, d.summary_vi, d.summary_en, d.agency_id, d.theme, d.formats, d.licence, d.access, d.updated_at
  from unnest($1::text[], $2::uuid[]) with ordinality as wanted (kind, id, place)
  join catalog.search_doc d on d.kind = wanted.kind and d.id = wanted.id
 order by wanted.place`

// dress reads the documents that were found and gives every value its words.
func (c *Catalog) dress(ctx context.Context, a SearchAnswer, typed search.Query, found search.Found) (SearchAnswer, error) {
	a.Hits, a.Facets = []Hit{}, map[string][]Facet{}
	var list []hitRow
	if len(found.Keys) > 0 {
		kinds, ids := make([]string, len(found.Keys)), make([]uuid.UUID, len(found.Keys))
		for i, k := range found.Keys {
			kinds[i], ids[i] = k.Kind, k.ID
		}
		var err error
		if list, err = pg.All[hitRow](ctx, c.DB, hitsSQL, kinds, ids); err != nil {
			return a, fmt.Errorf("read what was found: %w", err)
		}
	}
	agencies, err := c.Agencies(ctx, agenciesOf(list, found.Counts))
	if err != nil {
		return a, err
	}
	for _, row := range list {
		a.Hits = append(a.Hits, row.hit(typed, agencies[row.AgencyID]))
	}
	for _, count := range found.Counts {
		if facet, ok := facetOf(count, agencies); ok {
			a.Facets[count.Facet] = append(a.Facets[count.Facet], facet)
		}
	}
	return a, nil
}

func agenciesOf(hits []hitRow, counts []search.Count) []uuid.UUID {
	var ids []uuid.UUID
	for _, h := range hits {
		if h.AgencyID != uuid.Nil {
			ids = append(ids, h.AgencyID)
		}
	}
	for _, c := range counts {
		if id, err := uuid.Parse(c.Value); err == nil && c.Facet == "agency" {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(ids)
}

func (h hitRow) hit(typed search.Query, agency Agency) Hit {
	return Hit{
		Kind: h.Kind, ID: h.ID, Slug: h.Slug, TitleVI: h.TitleVI, TitleEN: h.TitleEN,
		MarkedVI: template.HTML(typed.Mark(h.TitleVI)), MarkedEN: template.HTML(typed.Mark(h.TitleEN)), // Mark escapes
		SummaryVI: h.SummaryVI, SummaryEN: h.SummaryEN, Agency: agency, Theme: h.Theme, Formats: h.Formats,
		Licence: h.Licence, Access: h.Access, UpdatedAt: h.UpdatedAt,
	}
}

// kindTitles are the kinds of hits, in words.
var kindTitles = map[string]Code{
	"dataset":   {TitleVI: "Bộ dữ liệu", TitleEN: "Dataset"},
	"api":       {TitleVI: "API", TitleEN: "API"},
	"operation": {TitleVI: "Thao tác của API", TitleEN: "API operation"},
	"document":  {TitleVI: "Trang hướng dẫn", TitleEN: "Guide"},
}

// accessTitles are the ways to what is found, in words.
var accessTitles = map[string]Code{
	Open:       {TitleVI: "Mở cho mọi người", TitleEN: "Open to everyone"},
	Restricted: {TitleVI: "Cần được phép", TitleEN: "By permission"},
	Personal:   {TitleVI: "Dữ liệu cá nhân", TitleEN: "Personal data"},
}

// facetOf gives a count its words; false for an agency that is gone.
func facetOf(c search.Count, agencies map[uuid.UUID]Agency) (Facet, bool) {
	facet := Facet{Value: c.Value, TitleVI: c.Value, TitleEN: c.Value, Count: c.Count}
	var t Code
	ok := false
	switch c.Facet {
	case "agency":
		id, err := uuid.Parse(c.Value)
		a, known := agencies[id]
		facet.Value, facet.TitleVI, facet.TitleEN = a.Slug, a.TitleVI, a.TitleEN
		return facet, err == nil && known
	case "theme":
		t, ok = code(Themes(), c.Value)
	case "licence":
		t, ok = code(Licences(), c.Value)
	case "kind":
		t, ok = kindTitles[c.Value]
	case "access":
		t, ok = accessTitles[c.Value]
	}
	if ok {
		facet.TitleVI, facet.TitleEN = t.TitleVI, t.TitleEN
	}
	return facet, true
}

func offsetOf(after string) (int, error) {
	if after == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(after)
	if err != nil {
		return 0, badCursor()
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n >= maxOffset {
		return 0, badCursor()
	}
	return n, nil
}
