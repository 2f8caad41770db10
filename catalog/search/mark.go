package search

import (
	"html"
	"strings"
)

// Mark gives the text as HTML, escaped, with <mark> around the words that the
// query asked for.
func (q Query) Mark(text string) string {
	asked := map[string]bool{}
	for _, w := range q.words {
		asked[w.Folded] = true
	}
	var b strings.Builder
	last := 0
	for _, t := range Tokens(text) {
		if t.Start < last || !asked[t.Folded] {
			continue
		}
		b.WriteString(html.EscapeString(text[last:t.Start]))
		b.WriteString("<mark>" + html.EscapeString(text[t.Start:t.End]) + "</mark>")
		last = t.End
	}
	return b.String() + html.EscapeString(text[last:])
}
