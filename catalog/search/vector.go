package search

import (
	"strconv"
	"strings"
)

// Field is one text of a document and what a match in it weighs: A (title),
// B (keywords, agency), C (notes), D (columns).
type Field struct {
	Text   string
	Weight byte
}

// PostgreSQL keeps positions up to 16383 and lexemes up to 2046 bytes
// (manual, Limitations of text search).
const (
	maxPos    = 16383
	maxLexeme = 512
)

// Document is what the index keeps of a document's fields.
type Document struct {
	Exact  string   // tsvector, as text
	Folded string   // tsvector, as text
	Words  []string // every folded key once
}

// Index makes the document's vectors. A phrase never runs across two fields.
func Index(fields []Field) Document {
	exact, folded := map[string][]string{}, map[string][]string{}
	base := 0
	for _, field := range fields {
		last := base
		for _, t := range Tokens(field.Text) {
			pos := base + t.Pos
			last = pos
			if pos > maxPos {
				pos = maxPos
			}
			place := strconv.Itoa(pos) + string(field.Weight)
			add(exact, t.Exact, place)
			add(folded, t.Folded, place)
		}
		base = last + 10
	}
	words := make([]string, 0, len(folded))
	for key := range folded {
		words = append(words, key)
	}
	return Document{Exact: vector(exact), Folded: vector(folded), Words: words}
}

func add(places map[string][]string, key, place string) {
	if key == "" || len(key) > maxLexeme || len(places[key]) >= 255 {
		return
	}
	places[key] = append(places[key], place)
}

func vector(places map[string][]string) string {
	var b strings.Builder
	for key, list := range places {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quote(key))
		b.WriteByte(':')
		b.WriteString(strings.Join(list, ","))
	}
	return b.String()
}

var lexemeQuotes = strings.NewReplacer(`'`, `''`, `\`, `\\`)

// quote writes a lexeme for a tsvector or tsquery (manual, §8.11).
func quote(key string) string {
	return "'" + lexemeQuotes.Replace(key) + "'"
}
