package ckan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog"
	"lgsp/internal/pg"
)

// The bounds of a search.
const (
	defaultRows   = 10
	maxRows       = 1000 // more are clamped to it, and the answer says so
	maxStart      = 1_000_000
	defaultFacets = 50
	maxFacets     = 10_000
	maxSort       = 6
	defaultSort   = "score desc, metadata_modified desc"
)

// searchParams are those of package_search; CKAN's further ones, which tune
// its engine, are passed over.
var searchParams = []string{"q", "fq", "fq_list", "sort", "rows", "start", "facet", "facet.field", "facet.limit", "facet.mincount",
	"include_private", "include_drafts", "include_deleted", "use_default_schema", "fl",
	"wt", "qf", "bf", "boost", "tie", "defType", "mm", "extras", "df", "q.op"}

// meant is what was likely meant by a parameter that package_search lacks.
var meant = map[string]string{"limit": "rows", "per_page": "rows", "page_size": "rows", "offset": "start", "page": "start",
	"query": "q", "order_by": "sort", "sort_by": "sort", "filter": "fq", "facet_field": "facet.field", "fields": "fl"}

// search is a package_search, read.
type search struct {
	query       *node // q, when it is fielded, and all of fq
	typed       string
	sort        []order
	sortText    string
	rows, start int
	facets      []string
	facetLimit  int
	facetLeast  int
	private     bool
	drafts      bool
	only        []string // fl
}

type order struct {
	name string
	desc bool
}

// sortable are what can be sorted by, of p; the score is put in when it is known.
var sortable = map[string]string{
	"score": noScore, "name": "p.name", "title_string": "lower(p.title)", "title": "lower(p.title)", "id": "p.id",
	"metadata_modified": "p.modified_at", "metadata_created": "p.created_at",
	"views_recent": "coalesce((select u.views_recent from catalog.usage_sum u where u.dataset_id = p.id), 0)",
	"views_total":  "coalesce((select u.views_total from catalog.usage_sum u where u.dataset_id = p.id), 0)",
}

// facet is what a field's values are counted by.
type facet struct {
	of    string // kinds, what stands once for each combination, or lists, of keywords
	value string // of k, which is one of these; "item": each of its items
	items string // the list of items
}

// facets are the fields that are counted. The value of an organization is its id.
var facets = map[string]facet{
	"organization": {of: kinds, value: "k.agency_id::text"}, "owner_org": {of: kinds, value: "k.agency_id::text"},
	"tags": {of: lists, value: "item", items: "k.tags"}, "res_format": {of: kinds, value: "item", items: "k.formats"},
	"groups": {of: kinds, value: "lower(nullif(k.theme, ''))"}, "license_id": {of: kinds, value: "k.licence"},
	"state":   {of: kinds, value: "case when k.state in ('published', 'withdrawn') then 'active' else 'draft' end"},
	"private": {of: kinds, value: "(k.state <> 'published')::text"}, "capacity": {of: kinds, value: "case when k.state = 'published' then 'public' else 'private' end"},
	"type": {of: kinds, value: "'dataset'"}, "dataset_type": {of: kinds, value: "'dataset'"}, "isopen": {of: kinds, value: "'true'"},
}

// What packages are counted by first, a number each: there are few kinds, and
// fewer lists than packages.
const (
	kinds = "kinds"
	lists = "lists"
)

var counted = map[string]struct{ number, table string }{
	kinds: {"kind_id", "catalog.package_kind"},
	lists: {"tags_id", "catalog.package_tags"},
}

// counts are a field's values with how often each was found.
func (f facet) counts() string {
	from := f.of + " join " + counted[f.of].table + " k on k.id = " + f.of + "." + counted[f.of].number
	if f.items != "" {
		from += " cross join unnest(" + f.items + ") item"
	}
	return "(select " + f.value + " as value, sum(" + f.of + ".count)::bigint as count from " + from + " group by 1)"
}

// readSearch reads the parameters of package_search.
func readSearch(c *call) (search, error) {
	if err := onlySearchParams(c); err != nil {
		return search{}, err
	}
	s := search{query: &node{kind: every}, private: c.yes("include_private", false), drafts: c.yes("include_drafts", false)}
	for _, read := range []func(*call) error{s.readText, s.readFilters, s.readSort, s.readPage, s.readFacets} {
		if err := read(c); err != nil {
			return s, err
		}
	}
	return s, nil
}

func onlySearchParams(c *call) error {
	var unknown []string
	hints := []string{}
	for name := range c.params {
		if slices.Contains(searchParams, name) || strings.HasPrefix(name, "ext_") || strings.HasPrefix(name, "hl") || strings.HasPrefix(name, "facet.") {
			continue
		}
		unknown = append(unknown, name)
		if hint := meant[name]; hint != "" {
			hints = append(hints, fmt.Sprintf("%s is %s here", name, hint))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	slices.Sort(hints)
	for i, name := range unknown {
		unknown[i] = "'" + shorten(name) + "'"
	}
	f := &failure{status: 400, kind: queryWrong,
		message: `Search Query is invalid: "Invalid search parameters: [` + strings.Join(unknown, ", ") + `]"`}
	if len(hints) > 0 {
		f.fields = map[string][]string{"hint": hints}
	}
	return f
}

// readText reads q: a colon after a field's name makes it a fielded query.
func (s *search) readText(c *call) error {
	q, err := c.text("q")
	if err != nil {
		return err
	}
	q = strings.TrimSpace(q)
	switch {
	case q == "" || q == "*" || q == "*:*":
		return nil
	case strings.Contains(q, "{!"):
		return unsearchable("Local parameters are not supported.")
	case !strings.Contains(q, ":"):
		if len(q) > maxFilter {
			return unsearchable("the query is longer than %d bytes", maxFilter)
		}
		s.typed = q
		return nil
	}
	n, err := parseFielded(q)
	if err == nil && n.kind == words && n.wild == nil {
		s.typed = q
		return nil
	}
	if n != nil {
		s.query = n
	}
	return err
}

func (s *search) readFilters(c *call) error {
	list, err := c.list("fq_list")
	if err != nil {
		return err
	}
	more, err := c.list("fq")
	if err != nil {
		return err
	}
	for _, text := range append(more, list...) {
		n, err := parseFilter(text)
		if err != nil {
			return err
		}
		if n.kind != every {
			s.query = &node{kind: all, children: []*node{s.query, n}}
		}
	}
	return nil
}

func (s *search) readSort(c *call) error {
	text, err := c.text("sort")
	if err != nil {
		return err
	}
	if s.sortText = text; strings.TrimSpace(text) == "" {
		s.sortText = defaultSort
	}
	s.sort, err = readOrder(s.sortText)
	return err
}

// readOrder reads "a desc, b", whose fields are sortable.
func readOrder(text string) ([]order, error) {
	var list []order
	for _, part := range strings.Split(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 || len(words) > 2 {
			return nil, unsearchable("Can't determine a Sort Order (asc or desc) in sort spec '%s'", shorten(text))
		}
		o := order{name: words[0]}
		if len(words) == 2 {
			switch strings.ToLower(words[1]) {
			case "asc":
			case "desc":
				o.desc = true
			default:
				return nil, unsearchable("Can't determine a Sort Order (asc or desc) in sort spec '%s'", shorten(text))
			}
		}
		if sortable[o.name] == "" {
			return nil, unsearchable("sort param field can't be found: %s; there are %s", shorten(o.name), strings.Join(slices.Sorted(maps.Keys(sortable)), ", "))
		}
		list = append(list, o)
	}
	if len(list) > maxSort {
		return nil, unsearchable("sort takes at most %d fields", maxSort)
	}
	return list, nil
}

func (s *search) readPage(c *call) error {
	var err error
	if s.rows, err = c.number("rows", defaultRows); err != nil {
		return err
	}
	s.rows = min(s.rows, maxRows)
	if s.start, err = c.number("start", 0); err != nil {
		return err
	}
	if s.start > maxStart {
		return invalid("start", "Must be at most %d; narrow the search by fq", maxStart)
	}
	s.only, err = c.commas("fl")
	if slices.Contains(s.only, "*") {
		s.only = nil
	}
	return err
}

func (s *search) readFacets(c *call) error {
	if !c.yes("facet", true) {
		return nil
	}
	list, err := c.list("facet.field")
	if err != nil {
		return err
	}
	for _, name := range list {
		if _, counted := facets[name]; !counted && !knownField(name) {
			return unsearchable("undefined field %s", shorten(name))
		}
		if !slices.Contains(s.facets, name) {
			s.facets = append(s.facets, name)
		}
	}
	if s.facetLimit, err = c.signed("facet.limit", defaultFacets); err != nil {
		return err
	}
	if s.facetLimit < 0 || s.facetLimit > maxFacets {
		s.facetLimit = maxFacets
	}
	s.facetLeast, err = c.number("facet.mincount", 1)
	return err
}

// statement is a search in SQL: one round trip for the page, the count and the
// facets. Each row is a part, a value and a count.
func (s *search) statement(c *compiler, reach catalog.Reach) (string, error) {
	n := s.query
	if s.typed != "" { // first, so that it is what the score is of
		n = &node{kind: all, children: []*node{{kind: words, value: s.typed}, n}}
	}
	visible := s.visible(c, reach)
	c.public = visible == isPublished
	condition, err := c.condition(n)
	if err != nil {
		return "", err
	}
	columns, by, from := []string{}, []string{}, "catalog.package_index p"
	if c.public && len(c.texts) > 0 {
		from += " join" + itsDocument
	}
	if s.rows > 0 { // who wants counts alone waits for no order
		columns = append(columns, "p.id")
		for i, o := range s.sort {
			expression := sortable[o.name]
			if o.name == "score" {
				if expression = c.score(); expression != noScore && !c.public {
					from += " left join" + itsDocument
				}
			}
			columns = append(columns, fmt.Sprintf("%s as sort%d", expression, i))
			by = append(by, fmt.Sprintf("sort%d%s", i, map[bool]string{true: " desc"}[o.desc]))
		}
	}
	var numbers []string // that facets count by
	for _, of := range []string{kinds, lists} {
		if s.counts(of) {
			numbers = append(numbers, counted[of].number)
		}
	}
	columns = append(columns, numbers...)
	var b strings.Builder
	b.WriteString("with hit as (select " + strings.Join(columns, ", ") + " from " + from + " where " + visible + " and " + condition + ")")
	total := "count(*) as count from hit"
	if len(numbers) > 0 { // the hits are read once: there are fewer alike than there are
		by := strings.Join(numbers, ", ")
		b.WriteString(",\nalike as materialized (select " + by + ", count(*) as count from hit group by " + by + ")")
		total = "coalesce(sum(count), 0)::bigint as count from alike"
	}
	for _, of := range []string{kinds, lists} {
		if s.counts(of) {
			number := counted[of].number
			b.WriteString(",\n" + of + " as materialized (select " + number + ", sum(count) as count from alike group by " + number + ")")
		}
	}
	b.WriteString("\nselect 'total' as part, '' as value, " + total + "\n")
	if s.rows > 0 {
		b.WriteString("union all select 'page', id::text, row_number() over () from (select id from hit order by " +
			strings.Join(append(by, "id"), ", ") + " limit " + c.arg(s.rows) + "::int offset " + c.arg(s.start) + "::int) page\n")
	}
	for _, name := range s.facets {
		f := facets[name]
		if f.of == "" { // a field that packages have, but few values of
			continue
		}
		b.WriteString("union all (select " + c.arg("facet "+name) + "::text, value, count from " + f.counts() + " f where value <> '' and count >= " +
			c.arg(max(1, s.facetLeast)) + "::int order by count desc, value limit " + c.arg(s.facetLimit) + "::int)\n")
	}
	return b.String(), nil
}

// counts reports whether a facet is asked for that counts kinds, or lists.
func (s *search) counts(of string) bool {
	return slices.ContainsFunc(s.facets, func(name string) bool { return facets[name].of == of })
}

// isPublished is what everybody sees. Each such package has a document of the
// search, written in the same transaction.
const (
	isPublished = "p.state = 'published'"
	itsDocument = " catalog.search_doc s on s.kind = 'dataset' and s.id = p.id"
)

// visible is which packages are searched: those that are published, and of
// what the caller works on what was asked for.
func (s *search) visible(c *compiler, reach catalog.Reach) string {
	states := []string{}
	if s.private {
		states = append(states, catalog.Withdrawn)
	}
	if s.drafts {
		states = append(states, underway...)
	}
	if len(states) == 0 || !reach.All && len(reach.Agencies) == 0 {
		return isPublished
	}
	condition := "p.state = any(" + c.arg(states) + "::text[])"
	if !reach.All {
		condition += " and p.agency_id = any(" + c.ids(reach.Agencies) + ")"
	}
	return "(p.state = 'published' or " + condition + ")"
}

// found is what a search found.
type found struct {
	total  int
	ids    []uuid.UUID
	facets map[string][]facetItem
	near   bool // nothing holds every word typed; these are near
}

// facetItem is one value of a facet.
type facetItem struct {
	Count       int    `json:"count"`
	DisplayName string `json:"display_name"`
	Name        string `json:"name"`
}

type foundRow struct {
	Part  string
	Value string
	Count int
}

// find runs a search; when nothing holds every word typed, once more for what
// is near.
func (s *Server) find(c *call, q search) (found, error) {
	reach := catalog.Reach{}
	if q.private || q.drafts {
		reach = s.Catalog.Reach(c.ctx, c.who)
	}
	f, err := s.findOnce(c, q, &compiler{ctx: c.ctx, s: s, now: s.Now().UTC()}, reach)
	if err != nil || f.total > 0 || q.typed == "" {
		return f, err
	}
	f, err = s.findOnce(c, q, &compiler{ctx: c.ctx, s: s, now: s.Now().UTC(), near: true}, reach)
	f.near = true
	return f, err
}

func (s *Server) findOnce(c *call, q search, by *compiler, reach catalog.Reach) (found, error) {
	f := found{facets: map[string][]facetItem{}}
	statement, err := q.statement(by, reach)
	if err != nil {
		return f, err
	}
	rows, err := pg.All[foundRow](c.ctx, s.DB, statement, append([]any{pgx.QueryExecModeExec}, by.args...)...)
	if err != nil {
		return f, fmt.Errorf("search packages: %w", err)
	}
	for _, row := range rows {
		switch row.Part {
		case "page":
			f.ids = append(f.ids, uuid.MustParse(row.Value)) // it was a uuid a moment ago
		case "total":
			f.total = row.Count
		default:
			name := strings.TrimPrefix(row.Part, "facet ")
			f.facets[name] = append(f.facets[name], facetItem{Count: row.Count, Name: row.Value, DisplayName: row.Value})
		}
	}
	return f, nil
}

// searchAnswer is the result of package_search. Partial is there only when
// nothing holds every word, and the packages are near.
type searchAnswer struct {
	Count        int                       `json:"count"`
	Sort         string                    `json:"sort"`
	Rows         int                       `json:"rows"` // in force
	Start        int                       `json:"start"`
	Facets       map[string]map[string]int `json:"facets"`
	Results      any                       `json:"results"`
	SearchFacets map[string]facetAnswer    `json:"search_facets"`
	Partial      bool                      `json:"partial,omitempty"`
}

type facetAnswer struct {
	Title string      `json:"title"`
	Items []facetItem `json:"items"`
}

func packageSearch(s *Server, c *call) (any, error) {
	q, err := readSearch(c)
	if err != nil {
		return nil, err
	}
	f, err := s.find(c, q)
	if err != nil {
		return nil, err
	}
	packages, err := s.packages(c, f.ids)
	if err != nil {
		return nil, err
	}
	a := searchAnswer{Count: f.total, Sort: q.sortText, Rows: q.rows, Start: q.start, Results: packages, Partial: f.near && f.total > 0,
		Facets: map[string]map[string]int{}, SearchFacets: map[string]facetAnswer{}}
	if q.only != nil {
		if a.Results, err = project(packages, q.only); err != nil {
			return nil, err
		}
	}
	for _, name := range q.facets {
		items, err := s.nameFacet(c, name, f.facets[name])
		if err != nil {
			return nil, err
		}
		a.SearchFacets[name] = facetAnswer{Title: name, Items: items}
		a.Facets[name] = map[string]int{}
		for _, item := range items {
			a.Facets[name][item.Name] = item.Count
		}
	}
	return a, nil
}

// nameFacet gives the values of a facet what people read.
func (s *Server) nameFacet(c *call, name string, items []facetItem) ([]facetItem, error) {
	if items == nil {
		return []facetItem{}, nil
	}
	switch name {
	case "organization", "owner_org":
		ids := make([]uuid.UUID, len(items))
		for i, item := range items {
			ids[i] = uuid.MustParse(item.Name) // it was a uuid a moment ago
		}
		known, err := s.Organizations(c.ctx, ids)
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			items[i].DisplayName = known[id].TitleVI
			if name == "organization" {
				items[i].Name = known[id].Slug
			}
		}
	case "groups":
		for i := range items {
			if g, ok := groupNamed(items[i].Name); ok {
				items[i].DisplayName = g.TitleVI
			}
		}
	case "license_id":
		for i := range items {
			items[i].DisplayName = licenceOf(items[i].Name).TitleVI
		}
	}
	return items, nil
}

// project leaves of each package the fields asked for.
func project(packages []pack, only []string) ([]map[string]json.RawMessage, error) {
	list := make([]map[string]json.RawMessage, len(packages))
	for i, p := range packages {
		text, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		whole := map[string]json.RawMessage{}
		if err := json.Unmarshal(text, &whole); err != nil {
			return nil, err
		}
		list[i] = map[string]json.RawMessage{}
		for _, name := range only {
			if value, ok := whole[name]; ok {
				list[i][name] = value
			}
		}
	}
	return list, nil
}
