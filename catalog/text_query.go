package catalog

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"lgsp/catalog/search"
)

// TextQuery is typed text as catalog.search_doc is asked for it, tsqueries in
// text form; see search.Plan. Begun is the text while it is being typed, its
// last word only begun, in titles.
type TextQuery struct {
	search.Plan
	Begun string
}

// Empty reports whether nothing was typed that can be looked for.
func (q TextQuery) Empty() bool { return q.All == "" }

var lexeme = regexp.MustCompile(`'(?:[^']|'')+'`)

// Titled is All, of which every word must stand in the title (PostgreSQL manual,
// 8.11.2: a weight behind a lexeme).
func (q TextQuery) Titled() string { return lexeme.ReplaceAllString(q.All, "$0:A") }

// TextQuery makes of typed text what Find would look for: one text for every
// way of searching. Of a text that is longer than a search may be, the
// beginning counts.
func (c *Catalog) TextQuery(ctx context.Context, text string) (TextQuery, error) {
	if utf8.RuneCountInString(text) > maxQuery {
		text = string([]rune(text)[:maxQuery])
	}
	typed := search.Parse(strings.ToValidUTF8(text, " "))
	if typed.Empty() {
		return TextQuery{}, nil
	}
	plan, _, err := c.plan(ctx, typed)
	return TextQuery{Plan: plan, Begun: typed.TitlePrefix()}, err
}
