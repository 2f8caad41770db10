package ckan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
)

// maxTexts is how many texts a query may hold: each is looked up in the
// vocabulary.
const maxTexts = 8

// compiler makes one condition of a query, over p, a row of
// catalog.package_index. What was sent becomes an argument, never SQL: the
// words of a condition are all written here.
type compiler struct {
	ctx  context.Context
	s    *Server
	now  time.Time
	args []any

	texts  []catalog.TextQuery // those that the query holds, in order
	near   bool                // what nothing holds whole is to be found by its parts
	public bool                // nothing but what is published is looked at, and s is its document
	every  []Organization      // read when first needed
}

// arg is the place of an argument.
func (c *compiler) arg(value any) string {
	c.args = append(c.args, value)
	return fmt.Sprintf("$%d", len(c.args))
}

// ids is the place of a list of ids. They go as text: a statement that nobody
// asks again is not prepared, and the driver then knows the plainest types only.
func (c *compiler) ids(ids []uuid.UUID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return c.arg(texts) + "::text[]::uuid[]"
}

// condition compiles a query.
func (c *compiler) condition(n *node) (string, error) {
	switch n.kind {
	case every:
		return "true", nil
	case not:
		of, err := c.condition(n.children[0])
		return "not " + of, err
	case all, some:
		return c.many(n)
	case words:
		return c.words(n)
	case span:
		return c.span(n)
	}
	return c.term(n.field, n, []string{n.value})
}

func (c *compiler) many(n *node) (string, error) {
	if field, values, ok := sameField(n); ok {
		return c.term(field, n.children[0], values)
	}
	list := make([]string, len(n.children))
	for i, child := range n.children {
		of, err := c.condition(child)
		if err != nil {
			return "", err
		}
		list[i] = of
	}
	word := map[kind]string{all: " and ", some: " or "}[n.kind]
	return "(" + strings.Join(list, word) + ")", nil
}

// sameField reports whether a query asks for any of several whole values of
// one field, as harvesters do by id:(a OR b …).
func sameField(n *node) (string, []string, bool) {
	if n.kind != some || !fields[n.children[0].field].whole {
		return "", nil, false
	}
	var values []string
	for _, child := range n.children {
		if child.kind != term || child.wild != nil || child.field != n.children[0].field {
			return "", nil, false
		}
		values = append(values, child.value)
	}
	return n.children[0].field, values, true
}

// field says how a field is asked.
type field struct {
	whole bool // several values at once may be given to is
	is    func(c *compiler, values []string) (string, error)
	like  string // of wildcards: what is compared with the pattern; "": they are refused
	each  string // the same for a list, of whose items any counts
	begun bool   // the beginning of a word counts, of what a text holds
	given string // when the field holds anything; "": always
	date  string // of spans
}

// inDataset is a condition about what the index does not hold.
func inDataset(condition string) string {
	return "exists (select from catalog.dataset d where d.id = p.id and " + condition + ")"
}

// inPart is one about a file of the dataset.
func inPart(condition string) string {
	return `exists (select from catalog.distribution f join catalog.file_version v on v.distribution_id = f.id and v.version = f.version
 where f.dataset_id = p.id and ` + condition + ")"
}

// holds is a field of text, of which a part counts, in either case.
func holds(where func(string) string, text string) field {
	return field{like: "", given: where(text + " <> ''"), is: func(c *compiler, values []string) (string, error) {
		return where("strpos(lower(" + text + "), lower(" + c.arg(values[0]) + "::text)) > 0"), nil
	}}
}

// equals is a column of the index that holds one word.
func equals(column string) field {
	return field{whole: true, like: column, is: func(c *compiler, values []string) (string, error) {
		return column + " = any(" + c.arg(values) + "::text[])", nil
	}}
}

// extra is what stands among the extras of a package.
func extra(column string) field {
	return field{given: inDataset(column + " <> ''"), is: func(c *compiler, values []string) (string, error) {
		return inDataset(column + " = " + c.arg(values[0]) + "::text"), nil
	}}
}

// fixed is a field that every package has, with the same value.
func fixed(value string) field {
	return field{is: func(_ *compiler, values []string) (string, error) { return fmt.Sprint(values[0] == value), nil }}
}

// absent is a field that no package has a value of.
func absent() field {
	return field{given: "false", is: func(*compiler, []string) (string, error) { return "false", nil }}
}

// among is a column that must be one of the states that stand for a value.
func among(states map[string][]string) field {
	return field{is: func(c *compiler, values []string) (string, error) {
		return "p.state = any(" + c.arg(append([]string{}, states[values[0]]...)) + "::text[])", nil
	}}
}

var (
	underway = []string{catalog.Draft, catalog.Review, catalog.Approved}
	hidden   = append([]string{catalog.Withdrawn}, underway...)
	shown    = []string{catalog.Published}
)

var fields = map[string]field{
	"id":                {whole: true, like: "p.id::text", is: isID},
	"name":              equals("p.name"),
	"title_string":      equals("p.title"),
	"license_id":        equals("p.licence"),
	"title":             {is: inTitle, begun: true, like: "p.title"},
	"notes":             {is: inNotes, given: inDataset("d.notes_vi <> ''")},
	"text":              {is: anywhere},
	"tags":              {whole: true, is: anyOf("p.tags", same), each: "p.tags", given: "cardinality(p.tags) > 0"},
	"res_format":        {whole: true, is: ofKind(anyOf("k.formats", strings.ToUpper)), each: "p.formats", given: "cardinality(p.formats) > 0"},
	"groups":            {whole: true, is: ofKind(isTheme), given: "p.theme <> ''"},
	"organization":      {whole: true, is: isOrganization},
	"owner_org":         {whole: true, is: isOrganization},
	"author":            {is: byAuthor},
	"maintainer":        holds(inDataset, "d.contact_name"),
	"maintainer_email":  holds(inDataset, "d.contact_email"),
	"url":               holds(inDataset, "d.source_url"),
	"res_name":          holds(inPart, "f.title_vi"),
	"res_description":   holds(inPart, "f.title_en"),
	"res_url":           {is: inAddress, given: "cardinality(p.formats) > 0"},
	"res_type":          absent(),
	"author_email":      absent(),
	"version":           absent(),
	"type":              fixed("dataset"),
	"dataset_type":      fixed("dataset"),
	"entity_type":       fixed("package"),
	"site_id":           {is: func(*compiler, []string) (string, error) { return "true", nil }},
	"isopen":            fixed("true"),
	"capacity":          among(map[string][]string{"public": shown, "private": hidden}),
	"private":           among(map[string][]string{"false": shown, "true": hidden, "False": shown, "True": hidden}),
	"state":             among(map[string][]string{"active": {catalog.Published, catalog.Withdrawn}, "draft": underway}),
	"permission_labels": among(map[string][]string{"public": shown}),
	"metadata_modified": {is: isMoment, date: "p.modified_at"},
	"metadata_created":  {is: isMoment, date: "p.created_at"},

	"extras_frequency":       extra("d.frequency"),
	"extras_theme":           extra("d.theme"),
	"extras_spatial-text":    extra("d.spatial"),
	"extras_temporal_start":  extra("coalesce(to_char(d.temporal_start, 'YYYY-MM-DD'), '')"),
	"extras_temporal_end":    extra("coalesce(to_char(d.temporal_end, 'YYYY-MM-DD'), '')"),
	"extras_source_document": extra("d.source_document"),
}

// knownField reports whether a field can be asked for. Extras and vocabularies
// have any name.
func knownField(name string) bool {
	_, known := fields[name]
	return known || strings.HasPrefix(name, "extras_") || strings.HasPrefix(name, "vocab_")
}

func (c *compiler) term(name string, n *node, values []string) (string, error) {
	f, known := fields[name]
	if !known { // an extra or a vocabulary that no package has
		return "false", nil
	}
	if n.wild == nil || len(values) > 1 {
		if f.date != "" {
			return c.span(&node{kind: span, field: name, low: bound{values[0], true}, high: bound{values[0], true}})
		}
		return f.is(c, values)
	}
	if n.value == "*" {
		return f.present(), nil
	}
	pattern := likePattern(n)
	switch {
	case f.begun && slices.Index(n.wild, true) == len(n.wild)-1:
		return c.begun(n)
	case f.begun:
		return "lower(" + f.like + ") like lower(" + c.arg("%"+pattern+"%") + "::text)", nil
	case f.each != "":
		return "exists (select from unnest(" + f.each + ") item where lower(item) like lower(" + c.arg(pattern) + "::text))", nil
	case f.like != "":
		return "lower(" + f.like + ") like lower(" + c.arg(pattern) + "::text)", nil
	case name == "organization" || name == "author":
		return c.organizationsLike(n)
	}
	return "", unsearchable("%s takes no wildcards", name)
}

// present is when a package has the field at all.
func (f field) present() string {
	if f.given != "" {
		return f.given
	}
	return "true"
}

// likePattern is a value with wildcards as LIKE has them.
func likePattern(n *node) string {
	var b strings.Builder
	for i, r := range []rune(n.value) {
		switch {
		case n.wild[i] && r == '*':
			b.WriteByte('%')
		case n.wild[i]:
			b.WriteByte('_')
		default:
			if strings.ContainsRune(`\%_`, r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

func same(s string) string { return s }

func isID(c *compiler, values []string) (string, error) {
	ids := []uuid.UUID{}
	for _, value := range values {
		if id, err := uuid.Parse(value); err == nil {
			ids = append(ids, id)
		}
	}
	return "p.id = any(" + c.ids(ids) + ")", nil
}

// anyOf is a list of the index that holds one of the values, each brought to
// its form first.
func anyOf(column string, form func(string) string) func(*compiler, []string) (string, error) {
	return func(c *compiler, values []string) (string, error) {
		list := make([]string, len(values))
		for i, value := range values {
			list[i] = form(value)
		}
		return column + " && " + c.arg(list) + "::text[]", nil
	}
}

// ofKind asks of the few kinds that packages are of, so that the packages
// themselves are found in the index that is counted by.
func ofKind(is func(*compiler, []string) (string, error)) func(*compiler, []string) (string, error) {
	return func(c *compiler, values []string) (string, error) {
		condition, err := is(c, values)
		return "p.kind_id in (select k.id from catalog.package_kind k where " + condition + ")", err
	}
}

func isTheme(c *compiler, values []string) (string, error) {
	list := make([]string, len(values))
	for i, value := range values {
		list[i] = strings.ToUpper(value)
	}
	return "k.theme = any(" + c.arg(list) + "::text[])", nil
}

func (c *compiler) organizations() ([]Organization, error) {
	var err error
	if c.every == nil {
		c.every, err = c.s.EveryOrganization(c.ctx)
	}
	return c.every, err
}

// isOrganization takes slugs and ids.
func isOrganization(c *compiler, values []string) (string, error) {
	ids := []uuid.UUID{}
	for _, value := range values {
		if id, err := uuid.Parse(value); err == nil {
			ids = append(ids, id)
			continue
		}
		every, err := c.organizations()
		if err != nil {
			return "", err
		}
		for _, o := range every {
			if o.Slug == value {
				ids = append(ids, o.ID)
			}
		}
	}
	return "p.agency_id = any(" + c.ids(ids) + ")", nil
}

// byAuthor finds the datasets of the agencies with such a name.
func byAuthor(c *compiler, values []string) (string, error) {
	every, err := c.organizations()
	ids := []uuid.UUID{}
	for _, o := range every {
		if strings.Contains(strings.ToLower(o.TitleVI), strings.ToLower(values[0])) {
			ids = append(ids, o.ID)
		}
	}
	return "p.agency_id = any(" + c.ids(ids) + ")", err
}

// organizationsLike finds agencies by the beginning, the end or the middle of
// their slug, or of their name.
func (c *compiler) organizationsLike(n *node) (string, error) {
	every, err := c.organizations()
	if err != nil {
		return "", err
	}
	names := make([]string, len(every))
	ids := make([]uuid.UUID, len(every))
	for i, o := range every {
		names[i], ids[i] = o.Slug, o.ID
		if n.field == "author" {
			names[i] = o.TitleVI
		}
	}
	return "p.agency_id in (select o.id from unnest(" + c.arg(names) + "::text[], " + c.ids(ids) + ") o(name, id) where lower(o.name) like lower(" +
		c.arg(likePattern(n)) + "::text))", nil
}

// inAddress finds a file by its address: by its name, or by its id.
func inAddress(c *compiler, values []string) (string, error) {
	at := c.arg(values[0])
	return inPart("(strpos(lower(v.file_name), lower(" + at + "::text)) > 0 or strpos(" + at + "::text, f.id::text) > 0)"), nil
}

func isMoment(*compiler, []string) (string, error) { return "false", nil } // term makes a span of it

// span compiles a range: of dates, or with both ends open of any field.
func (c *compiler) span(n *node) (string, error) {
	f, known := fields[n.field]
	switch {
	case !known:
		return "false", nil
	case n.low.value == "*" && n.high.value == "*":
		return f.present(), nil
	case f.date == "":
		return "", unsearchable("%s takes no range; metadata_modified and metadata_created do", n.field)
	}
	conditions := []string{}
	for _, end := range []struct {
		bound
		mark string
	}{{n.low, ">"}, {n.high, "<"}} {
		if end.value == "*" {
			continue
		}
		at, err := moment(end.value, c.now)
		if err != nil {
			return "", err
		}
		if end.inclusive {
			end.mark += "="
		}
		conditions = append(conditions, f.date+" "+end.mark+" "+c.arg(at)+"::timestamptz")
	}
	return "(" + strings.Join(conditions, " and ") + ")", nil
}

// text looks typed words up, once each.
func (c *compiler) text(value string) (catalog.TextQuery, error) {
	if len(c.texts) >= maxTexts {
		return catalog.TextQuery{}, unsearchable("there are more than %d texts", maxTexts)
	}
	q, err := c.s.Catalog.TextQuery(c.ctx, value)
	if err == nil {
		c.texts = append(c.texts, q)
	}
	return q, err
}

func (c *compiler) words(n *node) (string, error) {
	if n.wild != nil {
		return c.begun(n)
	}
	q, err := c.text(n.value)
	switch {
	case err != nil:
		return "", err
	case q.Empty():
		return "false", nil
	case c.near:
		return c.nearly(q), nil
	}
	return c.found("s.folded @@ "+c.arg(q.All)+"::text::tsquery", n.value), nil
}

// begun finds words of which the last is only begun, in titles.
func (c *compiler) begun(n *node) (string, error) {
	typed := strings.Trim(n.value, "*")
	if typed == "" {
		return "true", nil
	}
	q, err := c.text(typed)
	if err != nil || q.Empty() {
		return "false", err
	}
	return c.found("s.folded @@ "+c.arg(q.Begun)+"::text::tsquery", typed), nil
}

// found is a condition on the search's own documents, which are of what is
// published; of the rest the title counts.
func (c *compiler) found(condition, typed string) string {
	if c.public {
		return "(" + condition + ")"
	}
	return "(p.id in (select s.id from catalog.search_doc s where s.kind = 'dataset' and " + condition + ")" +
		" or p.state <> 'published' and strpos(lower(p.title), lower(" + c.arg(typed) + "::text)) > 0)"
}

// nearly is half of the words, or letters like those typed; apart, so that
// each goes by its index.
func (c *compiler) nearly(q catalog.TextQuery) string {
	groups := c.arg(q.Groups)
	return `(p.id in (
       select s.id from catalog.search_doc s
        where s.kind = 'dataset' and s.folded @@ ` + c.arg(q.Any) + `::text::tsquery
          and (select count(*) from unnest(` + groups + `::text[]::tsquery[]) word where s.folded @@ word) * 2 >= cardinality(` + groups + `::text[])
       union
       select s.id from catalog.search_doc s where s.kind = 'dataset' and ` + c.arg(q.Letters) + `::text <% s.letters))`
}

// weights are what a match weighs in columns, notes, keywords and agency, title.
const weights = `'{0.1, 0.2, 0.6, 1.0}'::real[]`

// noScore is what a package weighs when nothing was typed.
const noScore = "0::real"

// commonWords stand in more packages than that; of these only the ones with all
// words in the title are weighed, and the others stand behind them: weighing
// costs more than finding.
const commonWords = 2000

// score weighs a match by the first text of the query: marks as typed count
// three times, neighbours a little more. s may be absent.
func (c *compiler) score() string {
	if len(c.texts) == 0 || c.texts[0].Empty() {
		return noScore
	}
	q := c.texts[0]
	if c.near {
		groups, letters := c.arg(q.Groups), c.arg(q.Letters)
		return "coalesce((select count(*)::real / cardinality(" + groups + "::text[]) from unnest(" + groups +
			"::text[]::tsquery[]) word where s.folded @@ word) + word_similarity(" + letters + "::text, s.letters) / 4, 0)"
	}
	score := "ts_rank(" + weights + ", s.folded, " + c.arg(q.Any) + "::text::tsquery)"
	if q.Exact != "" {
		score += " + 3 * ts_rank(" + weights + ", s.exact, " + c.arg(q.Exact) + "::text::tsquery)"
	}
	if len(q.Near) > 0 {
		score += " + (select count(*) from unnest(" + c.arg(q.Near) + "::text[]::tsquery[]) near where s.folded @@ near) * 0.3"
	}
	if c.public {
		few := fmt.Sprintf("(select count(*) from (select from catalog.search_doc f where f.kind = 'dataset' and f.folded @@ %s::text::tsquery limit %d) f) <= %d",
			c.arg(q.All), commonWords+1, commonWords)
		return "case when " + few + " or s.folded @@ " + c.arg(q.Titled()) + "::text::tsquery then " + score + " else 0 end"
	}
	return "coalesce(" + score + ", 0)"
}

func inTitle(c *compiler, values []string) (string, error) { return weighed(c, values[0], "a") }

func inNotes(c *compiler, values []string) (string, error) { return weighed(c, values[0], "c") }

func anywhere(c *compiler, values []string) (string, error) {
	return c.words(&node{kind: words, value: values[0]})
}

// weighed finds words where they weigh so much: a is the title, c the notes.
func weighed(c *compiler, typed, weight string) (string, error) {
	q, err := c.text(typed)
	if err != nil || q.Empty() {
		return "false", err
	}
	at := c.arg(q.All)
	return c.found("s.folded @@ "+at+"::text::tsquery and ts_filter(s.folded, '{"+weight+"}'::\"char\"[]) @@ "+at+"::text::tsquery", typed), nil
}
