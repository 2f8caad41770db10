package search

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Record is a document as an engine beside PostgreSQL keeps it. All texts are
// folded keys with blanks between them, and " ; " where punctuation parted them.
type Record struct {
	Key
	Title        string
	Keywords     string
	Organization string
	Notes        string
	Columns      string
	Exact        string // exact keys of title and keywords, to rank by
	Agency       uuid.UUID
	Theme        string
	Formats      []string
	Licence      string
	Access       []string
	UpdatedAt    time.Time
}

// Change is what an engine beside is told.
type Change struct {
	Put      []Record
	Drop     []Key
	Synonyms []Synonym // all there are; nil: as before
}

// ErrNoIndex is what an engine beside says that has lost what it was told.
var ErrNoIndex = errors.New("the search engine has no index")

// Weighted gives the texts that a tsvector, as PostgreSQL prints it, was made
// of, by weight, its words in order. It fails with nothing: what it cannot read
// ends the text.
func Weighted(vector string) map[byte]string {
	type placed struct {
		pos int
		key string
	}
	words := map[byte][]placed{}
	for vector != "" {
		key, rest, ok := lexeme(vector)
		if !ok {
			break
		}
		places, rest, _ := strings.Cut(rest, " ")
		vector = rest
		for _, place := range strings.Split(strings.TrimPrefix(places, ":"), ",") {
			weight := byte('D') // which is not printed
			if n := len(place); n > 0 && place[n-1] >= 'A' && place[n-1] <= 'C' {
				weight, place = place[n-1], place[:n-1]
			}
			if pos, err := strconv.Atoi(place); err == nil {
				words[weight] = append(words[weight], placed{pos, key})
			}
		}
	}
	texts := map[byte]string{}
	for weight, list := range words {
		slices.SortFunc(list, func(a, b placed) int { return a.pos - b.pos })
		var b strings.Builder
		for i, w := range list {
			switch {
			case i > 0 && w.pos > list[i-1].pos+1:
				b.WriteString(" ; ")
			case i > 0:
				b.WriteByte(' ')
			}
			b.WriteString(w.key)
		}
		texts[weight] = b.String()
	}
	return texts
}

// lexeme takes the quoted word that a tsvector's text begins with.
func lexeme(text string) (key, rest string, ok bool) {
	if !strings.HasPrefix(text, "'") {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
			b.WriteByte(c)
		case c == '\'':
			return b.String(), text[i+1:], true
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// ExactShare is what share of the query's words a text of exact keys holds; 0
// when no mark was typed.
func (q Query) ExactShare(keys string) float64 {
	held := map[string]bool{}
	for _, key := range strings.Fields(keys) {
		held[key] = true
	}
	n, marked := 0, false
	for _, w := range q.words {
		marked = marked || w.Marked
		if held[w.Exact] {
			n++
		}
	}
	if !marked {
		return 0
	}
	return float64(n) / float64(len(q.words))
}
