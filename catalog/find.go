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
	Text   string // as typed, at most 400 characters; "" lists everything, newest first
	Kind   string // dataset, api
	Agency string // slug
	Theme  string // code of Themes
	Format string // CSV, XLSX …
	Limit  int    // 1 to 100, 0 is 20
	After  string // Next of the page before
}

// SearchAnswer is a page of hits.
type SearchAnswer struct {
	Hits    []Hit              `json:"hits"`
	Total   int                `json:"total"`
	Facets  map[string][]Facet `json:"facets"`  // kind, agency, theme, format: counts under the other filters
	Partial bool               `json:"partial"` // nothing holds every word; these are near
	Next    string             `json:"next"`    // "" at the end
}

// Hit is one thing found.
type Hit struct {
	Kind      string        `json:"kind"` // dataset, api
	ID        uuid.UUID     `json:"id"`
	Slug      string        `json:"slug"`
	TitleVI   string        `json:"title_vi"`
	TitleEN   string        `json:"title_en"`
	MarkedVI  template.HTML `json:"-"` // the title, escaped, with <mark> around what matched
	MarkedEN  template.HTML `json:"-"`
	SummaryVI string        `json:"summary_vi"` // at most 240 characters
	SummaryEN string        `json:"summary_en"`
	Agency    Agency        `json:"agency"`
	Theme     string        `json:"theme"`
	Formats   []string      `json:"formats"`
	UpdatedAt time.Time     `json:"updated_at"`
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

// weightsSQL are what a match weighs in columns, notes, keywords and agency, title.
const weightsSQL = `select '{0.1, 0.2, 0.6, 1.0}'::real[]`

const hitColumns = `d.kind, d.id, d.slug, d.title_vi, d.title_en, d.summary_vi, d.summary_en, d.agency_id, d.theme, d.formats, d.updated_at`

// filtered keeps what the filters $2 to $5 leave.
const filtered = `($2 = '' or d.kind = $2) and ($3 = '00000000-0000-0000-0000-000000000000'::uuid or d.agency_id = $3)
   and ($4 = '' or d.theme = $4) and ($5 = '' or $5 = any(d.formats))`

const findNewestSQL = `
select ` + hitColumns + `
  from catalog.search_doc d
 where $1 = '' and ` + filtered + `
 order by d.updated_at desc, d.id desc
 limit $6 offset $7`

// A match in the words as typed, marks included, weighs three times; words
// side by side as typed count beside what they weigh.
const findAllSQL = `
select ` + hitColumns + `
  from catalog.search_doc d
 where d.folded @@ $1::text::tsquery and ` + filtered + `
 order by ts_rank((` + weightsSQL + `), d.folded, $8::text::tsquery)
          + case when $9 = '' then 0 else 3 * ts_rank((` + weightsSQL + `), d.exact, $9::text::tsquery) end
          + (select count(*) from unnest($10::text[]::tsquery[]) near where d.folded @@ near) * 0.3 desc,
          d.updated_at desc, d.id desc
 limit $6 offset $7`

// covered is how many of the words ($6, one query each) a document holds.
const covered = `(select count(*) from unnest($6::text[]::tsquery[]) word where d.folded @@ word)`

// isNear holds documents with at least half of the words, or whose letters are
// like what was typed ($7); apart, so that each goes by its index.
const isNear = `(d.kind, d.id) in (
       select d.kind, d.id from catalog.search_doc d
        where d.folded @@ $1::text::tsquery and ` + covered + ` * 2 >= cardinality($6::text[])
       union
       select d.kind, d.id from catalog.search_doc d where $7 <% d.letters)`

const findNearSQL = `
select ` + hitColumns + `
  from catalog.search_doc d cross join lateral (select ` + covered + `::real / cardinality($6::text[]) as share) words
 where ` + isNear + ` and ` + filtered + `
 order by words.share + case when words.share >= 0.5 then 0 else word_similarity($7, d.letters) end desc,
          ts_rank((` + weightsSQL + `), d.folded, $1::text::tsquery) desc, d.updated_at desc, d.id desc
 limit $8 offset $9`

// counted tells, of what was found, which filters each passes.
const counted = `
  select d.kind, d.agency_id, d.theme, d.formats, ($2 = '' or d.kind = $2) as k,
         ($3 = '00000000-0000-0000-0000-000000000000'::uuid or d.agency_id = $3) as a,
         ($4 = '' or d.theme = $4) as t, ($5 = '' or $5 = any(d.formats)) as f
    from catalog.search_doc d
   where `

// facets counts each value under the other filters, and the total under all.
const facets = `
select 'total' as facet, '' as value, count(*) as count from hit where k and a and t and f
union all select 'kind', kind, count(*) from hit where a and t and f group by kind
union all select 'agency', agency_id::text, count(*) from hit where k and t and f group by agency_id
union all select 'theme', theme, count(*) from hit where theme <> '' and k and a and f group by theme
union all select 'format', format, count(*) from hit cross join unnest(formats) format where k and a and t group by format
order by 1, 3 desc, 2`

const countNewestSQL = `with hit as materialized (` + counted + `$1 = '')` + facets

const countAllSQL = `with hit as materialized (` + counted + `d.folded @@ $1::text::tsquery)` + facets

const countNearSQL = `with hit as materialized (` + counted + isNear + `)` + facets

// Find searches what is published. It fails with Invalid for a query that is
// too long, or a limit or cursor that is not right.
func (c *Catalog) Find(ctx context.Context, q FindQuery) (SearchAnswer, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return SearchAnswer{}, err
	}
	offset, err := offsetOf(q.After)
	if err != nil {
		return SearchAnswer{}, err
	}
	if utf8.RuneCountInString(q.Text) > maxQuery {
		return SearchAnswer{}, problem.Errorf(problem.Invalid, "a search has at most %d characters", maxQuery).
			Coded("search-too-long", "most", strconv.Itoa(maxQuery))
	}
	empty := SearchAnswer{Hits: []Hit{}, Facets: map[string][]Facet{}}
	agency := uuid.Nil
	if q.Agency != "" {
		a, err := c.AgencyBySlug(ctx, q.Agency)
		if problem.Is(err, problem.NotFound) {
			return empty, nil
		} else if err != nil {
			return empty, err
		}
		agency = a.ID
	}
	typed := search.Parse(q.Text)
	filters := []any{q.Kind, agency, q.Theme, q.Format}
	page := []any{limit + 1, offset}
	if strings.TrimSpace(q.Text) == "" {
		return c.answer(ctx, finding{typed, q, limit, offset, findNewestSQL, countNewestSQL,
			slices.Concat([]any{""}, filters, page), slices.Concat([]any{""}, filters)})
	}
	if typed.Empty() {
		return empty, nil
	}
	plan, err := c.plan(ctx, typed)
	if err != nil {
		return empty, err
	}
	found, err := c.answer(ctx, finding{typed, q, limit, offset, findAllSQL, countAllSQL,
		slices.Concat([]any{plan.All}, filters, page, []any{plan.Any, plan.Exact, plan.Near}), slices.Concat([]any{plan.All}, filters)})
	if err != nil || len(found.Hits) > 0 || hasAny(found.Facets) {
		return found, err
	}
	found, err = c.answer(ctx, finding{typed, q, limit, offset, findNearSQL, countNearSQL,
		slices.Concat([]any{plan.Any}, filters, []any{plan.Groups, plan.Letters}, page),
		slices.Concat([]any{plan.Any}, filters, []any{plan.Groups, plan.Letters})})
	found.Partial = true
	return found, err
}

// hasAny reports whether something was found that only the filters hide.
func hasAny(facets map[string][]Facet) bool {
	for _, list := range facets {
		if len(list) > 0 {
			return true
		}
	}
	return false
}

const synonymsSQL = `select term, meaning from catalog.synonym order by term, meaning`

const knownWordsSQL = `select distinct word from catalog.search_word where word = any($1)`

// plan looks words up in the vocabulary, and what they may have been meant as.
func (c *Catalog) plan(ctx context.Context, typed search.Query) (search.Plan, error) {
	synonyms, err := pg.All[search.Synonym](ctx, c.DB, synonymsSQL)
	if err != nil {
		return search.Plan{}, fmt.Errorf("read synonyms: %w", err)
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
			return search.Plan{}, fmt.Errorf("look words up: %w", err)
		}
		for _, word := range found {
			known[word] = true
		}
	}
	return typed.Plan(synonyms, known), nil
}

// finding is one way of answering a search.
type finding struct {
	typed             search.Query
	query             FindQuery
	limit, offset     int
	pageSQL, countSQL string
	pageArgs          []any
	countArgs         []any
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
	UpdatedAt time.Time
}

type facetRow struct {
	Facet string
	Value string
	Count int
}

func (c *Catalog) answer(ctx context.Context, f finding) (SearchAnswer, error) {
	a := SearchAnswer{Hits: []Hit{}, Facets: map[string][]Facet{}}
	counts, err := pg.All[facetRow](ctx, c.DB, f.countSQL, f.countArgs...)
	if err != nil {
		return a, fmt.Errorf("count what was found: %w", err)
	}
	list, err := pg.All[hitRow](ctx, c.DB, f.pageSQL, f.pageArgs...)
	if err != nil {
		return a, fmt.Errorf("search: %w", err)
	}
	if next := f.offset + f.limit; len(list) > f.limit {
		list = list[:f.limit]
		if next < maxOffset {
			a.Next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(next)))
		}
	}
	agencies, err := c.Agencies(ctx, agenciesOf(list, counts))
	if err != nil {
		return a, err
	}
	for _, row := range list {
		a.Hits = append(a.Hits, row.hit(f.typed, agencies[row.AgencyID]))
	}
	for _, row := range counts {
		if row.Facet == "total" {
			a.Total = row.Count
			continue
		}
		a.Facets[row.Facet] = append(a.Facets[row.Facet], row.facet(agencies))
	}
	return a, nil
}

func agenciesOf(hits []hitRow, counts []facetRow) []uuid.UUID {
	var ids []uuid.UUID
	for _, h := range hits {
		ids = append(ids, h.AgencyID)
	}
	for _, f := range counts {
		if f.Facet == "agency" {
			ids = append(ids, uuid.MustParse(f.Value)) // it was a uuid a moment ago
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(ids)
}

func (h hitRow) hit(typed search.Query, agency Agency) Hit {
	return Hit{
		Kind: h.Kind, ID: h.ID, Slug: h.Slug, TitleVI: h.TitleVI, TitleEN: h.TitleEN,
		MarkedVI: template.HTML(typed.Mark(h.TitleVI)), MarkedEN: template.HTML(typed.Mark(h.TitleEN)), // Mark escapes
		SummaryVI: h.SummaryVI, SummaryEN: h.SummaryEN, Agency: agency, Theme: h.Theme, Formats: h.Formats, UpdatedAt: h.UpdatedAt,
	}
}

func (f facetRow) facet(agencies map[uuid.UUID]Agency) Facet {
	facet := Facet{Value: f.Value, TitleVI: f.Value, TitleEN: f.Value, Count: f.Count}
	switch f.Facet {
	case "agency":
		a := agencies[uuid.MustParse(f.Value)]
		facet.Value, facet.TitleVI, facet.TitleEN = a.Slug, a.TitleVI, a.TitleEN
	case "theme":
		if t, ok := code(Themes(), f.Value); ok {
			facet.TitleVI, facet.TitleEN = t.TitleVI, t.TitleEN
		}
	case "kind":
		switch f.Value {
		case "dataset":
			facet.TitleVI, facet.TitleEN = "Bộ dữ liệu", "Dataset"
		case "api":
			facet.TitleVI, facet.TitleEN = "API", "API"
		}
	}
	return facet
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

const suggestSQL = `
select ` + hitColumns + `
  from catalog.search_doc d
 where d.folded @@ $1::text::tsquery
 order by d.letters like $2 || '%' desc, length(d.letters), d.updated_at desc, d.id desc
 limit 8`

// Suggest gives at most 8 hits whose title holds what was typed so far, the
// last word only begun; none for nothing, or for more than maxQuery characters.
func (c *Catalog) Suggest(ctx context.Context, typed string) ([]Hit, error) {
	q := search.Parse(typed)
	if q.Empty() || utf8.RuneCountInString(typed) > maxQuery {
		return []Hit{}, nil
	}
	list, err := pg.All[hitRow](ctx, c.DB, suggestSQL, q.Prefix(), strings.Join(q.Folded(), " "))
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	agencies, err := c.Agencies(ctx, agenciesOf(list, nil))
	if err != nil {
		return nil, err
	}
	hits := make([]Hit, len(list))
	for i, row := range list {
		hits[i] = row.hit(q, agencies[row.AgencyID])
	}
	return hits, nil
}
