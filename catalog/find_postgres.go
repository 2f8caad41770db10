package catalog

import (
	"context"
	"fmt"
	"slices"

	"lgsp/catalog/search"
	"lgsp/internal/pg"
)

// postgres is the search engine that is always there.
type postgres struct{ db pg.DB }

// weightsSQL are what a match weighs in columns, notes, keywords and agency, title.
const weightsSQL = `select '{0.1, 0.2, 0.6, 1.0}'::real[]`

// Listed without a word typed are datasets and APIs; what belongs to them is
// found by its words, or by its kind.
const ofKind = `(case when $2 = '' then $1 <> '' or d.kind in ('dataset', 'api') else d.kind = $2 end)`

const (
	ofAgency  = `($3 = '00000000-0000-0000-0000-000000000000'::uuid or d.agency_id = $3)`
	ofTheme   = `($4 = '' or d.theme = $4)`
	ofFormat  = `($5 = '' or $5 = any(d.formats))`
	ofLicence = `($6 = '' or d.licence = $6)`
	ofAccess  = `($7 = '' or $7 = any(d.access))`
	isSince   = `d.first_at > $8`
)

// filtered keeps what the filters $2 to $8 leave.
const filtered = ofKind + ` and ` + ofAgency + ` and ` + ofTheme + ` and ` + ofFormat + ` and ` + ofLicence + ` and ` + ofAccess + ` and ` + isSince

const findNewestSQL = `
select d.kind, d.id
  from catalog.search_doc d
 where $1 = '' and ` + filtered + `
 order by d.updated_at desc, d.id desc
 limit $9 offset $10`

// A match in the words as typed, marks included, weighs three times; words
// side by side as typed count beside what they weigh. What belongs to an API,
// or only tells of the portal, stands behind what is as near.
const ranked = `
 order by (ts_rank((` + weightsSQL + `), d.folded, $11::text::tsquery)
           + case when $12 = '' then 0 else 3 * ts_rank((` + weightsSQL + `), d.exact, $12::text::tsquery) end
           + (select count(*) from unnest($13::text[]::tsquery[]) near where d.folded @@ near) * 0.3)
          * case when d.kind in ('dataset', 'api') then 1 else 0.6 end desc,
          d.updated_at desc, d.id desc
 limit $9 offset $10`

const findAllSQL = `
select d.kind, d.id
  from catalog.search_doc d
 where d.folded @@ $1::text::tsquery and ` + filtered + ranked

// The most used of what was found first: datasets, for of APIs the gateway knows
// the use.
const usedFirst = `
 order by coalesce(u.uses, 0) desc, d.updated_at desc, d.id desc
 limit $9 offset $10`

const docsWithUse = `
select d.kind, d.id
  from catalog.search_doc d
  left join catalog.usage_sum u on d.kind = 'dataset' and u.dataset_id = d.id`

const listUsedSQL = docsWithUse + `
 where $1 = '' and ` + filtered + usedFirst

const findUsedSQL = docsWithUse + `
 where d.folded @@ $1::text::tsquery and ` + filtered + usedFirst

// findMostSQL is findAllSQL for words that stand nearly everywhere: it ranks
// the mostRanked newest of what was found.
const findMostSQL = `
select d.kind, d.id
  from (select d.kind, d.id, d.folded, d.exact, d.updated_at
          from catalog.search_doc d
         where d.folded @@ $1::text::tsquery and ` + filtered + `
         order by d.updated_at desc, d.id desc
         limit 5000) d` + ranked

// mostRanked is how many documents are ranked: each costs some microseconds.
const mostRanked = 5000

// covered is how many of the words ($11, one query each) a document holds.
const covered = `(select count(*) from unnest($11::text[]::tsquery[]) word where d.folded @@ word)`

// Documents with at least half of the words ($1), those with most first; of
// very many the newest.
const findHalfSQL = `
select d.kind, d.id
  from (select d.kind, d.id, d.folded, d.updated_at
          from catalog.search_doc d
         where d.folded @@ $1::text::tsquery and ` + filtered + `
         order by d.updated_at desc, d.id desc
         limit 5000) d
 order by ` + covered + ` desc, ts_rank((` + weightsSQL + `), d.folded, $12::text::tsquery) desc, d.updated_at desc, d.id desc
 limit $9 offset $10`

// Documents whose letters are like what was typed ($1).
const findLikeSQL = `
select d.kind, d.id
  from catalog.search_doc d
 where $1 <% d.letters and ` + filtered + `
 order by word_similarity($1, d.letters) desc, d.updated_at desc, d.id desc
 limit $9 offset $10`

// cubed counts what was found by the number of its combination of values, a few
// hundred at most however many documents; facets are sums over these.
const cubed = `with cube as materialized (
  select d.group_id, count(*) as n
    from catalog.search_doc d
   where ` + isSince + ` and `

const facets = `
   group by d.group_id),
hit as materialized (
  select d.*, cube.n, ` + ofKind + ` as k, ` + ofAgency + ` as a, ` + ofTheme + ` as t, ` + ofFormat + ` as f, ` + ofLicence + ` as l, ` + ofAccess + ` as x
    from cube join catalog.search_group d on d.id = cube.group_id)
select 'total' as facet, '' as value, coalesce(sum(n), 0)::bigint as count from hit where k and a and t and f and l and x
union all select 'kind', kind, sum(n)::bigint from hit where a and t and f and l and x group by kind
union all select 'agency', agency_id::text, sum(n)::bigint from hit
           where k and t and f and l and x and agency_id <> '00000000-0000-0000-0000-000000000000'::uuid group by agency_id
union all select 'theme', theme, sum(n)::bigint from hit where theme <> '' and k and a and f and l and x group by theme
union all select 'format', format, sum(n)::bigint from hit cross join unnest(formats) format where k and a and t and l and x group by format
union all select 'licence', licence, sum(n)::bigint from hit where licence <> '' and k and a and t and f and x group by licence
union all select 'access', right_to, sum(n)::bigint from hit cross join unnest(access) right_to where k and a and t and f and l group by right_to
order by 1, 3 desc, 2`

const countNewestSQL = cubed + `$1 = ''` + facets

const countAllSQL = cubed + `d.folded @@ $1::text::tsquery` + facets

const countLikeSQL = cubed + `$1 <% d.letters` + facets

// Search answers a request; one without a word lists what is newest.
func (e postgres) Search(ctx context.Context, r search.Request) (search.Found, error) {
	f := r.Filter
	filters := []any{f.Kind, f.Agency, f.Theme, f.Format, f.Licence, f.Access, f.Since}
	page := []any{r.Limit, r.Offset}
	if r.Used && r.Query.Empty() {
		return e.run(ctx, countNewestSQL, slices.Concat([]any{""}, filters), listUsedSQL, page)
	}
	if r.Query.Empty() {
		return e.run(ctx, countNewestSQL, slices.Concat([]any{""}, filters), findNewestSQL, page)
	}
	p := r.Plan
	pageSQL, more := findAllSQL, slices.Concat(page, []any{p.Any, p.Exact, p.Near})
	if r.Used {
		pageSQL, more = findUsedSQL, page
	}
	found, err := e.run(ctx, countAllSQL, slices.Concat([]any{p.All}, filters), pageSQL, more)
	if err != nil || r.Whole || len(found.Counts) > 0 { // found something, if only behind the filters
		return found, err
	}
	found, err = e.run(ctx, countAllSQL, slices.Concat([]any{p.Half}, filters), findHalfSQL, slices.Concat(page, []any{p.Groups, p.Any}))
	if err == nil && len(found.Counts) == 0 {
		found, err = e.run(ctx, countLikeSQL, slices.Concat([]any{p.Letters}, filters), findLikeSQL, page)
	}
	found.Partial = true
	return found, err
}

// run counts, and reads the page with the same arguments and those behind them.
func (e postgres) run(ctx context.Context, countSQL string, args []any, pageSQL string, more []any) (search.Found, error) {
	var found search.Found
	counts, err := pg.All[search.Count](ctx, e.db, countSQL, args...)
	if err != nil {
		return found, fmt.Errorf("count what was found: %w", err)
	}
	for _, c := range counts {
		if c.Facet == "total" {
			found.Total = c.Count
		} else {
			found.Counts = append(found.Counts, c)
		}
	}
	if found.Total == 0 {
		return found, nil
	}
	if found.Total > mostRanked && pageSQL == findAllSQL {
		pageSQL = findMostSQL
	}
	if found.Keys, err = pg.All[search.Key](ctx, e.db, pageSQL, append(args, more...)...); err != nil {
		return found, fmt.Errorf("search: %w", err)
	}
	return found, nil
}
