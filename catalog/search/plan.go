package search

import (
	"slices"
	"strings"
)

// maxWords is how many words of a query count; more is a pasted page.
const maxWords = 24

// Plan is what is looked for, as tsqueries in text form.
type Plan struct {
	All     string   // folded: every word, or what stands for it
	Groups  []string // folded: the same, one by one
	Any     string   // folded: any of them
	Near    []string // folded: each two neighbours side by side
	Exact   string   // exact: any of the words as typed; "" when no mark was typed
	Letters string   // folded words with blanks, for trigrams
}

// Synonym is a term and what it means; each finds the other.
type Synonym struct{ Term, Meaning string }

// group is one or more words of the query and the phrases that may stand for them.
type group struct {
	words  []Token
	others [][]string // each a phrase of folded keys
}

// Query is typed text on its way to a plan.
type Query struct {
	words []Token
}

// Parse reads typed text. Function words are left out when enough others remain.
func Parse(text string) Query {
	words := Words(text)
	if len(words) > maxWords {
		words = words[:maxWords]
	}
	var content []Token
	for i, w := range words {
		howMany := w.Folded == "bao" && i+1 < len(words) && words[i+1].Folded == "nhieu"
		if !howMany && !functionWords[w.Exact] && !unmarkedFunctionWords[w.Exact] {
			content = append(content, w)
		}
	}
	if len(content) >= 2 && len(words) >= 4 {
		words = content
	}
	return Query{words: words}
}

// functionWords carry no matter, as exact keys; unmarkedFunctionWords are
// those of them that hardly mean anything else when typed without marks.
var (
	functionWords         = keys("của và các những cho về là có ở tại trong được thì mà một này nhiêu thế nào như gì đâu với từ theo tôi muốn biết xem tìm hãy")
	unmarkedFunctionWords = keys("cua va cac nhung duoc nhieu nao nhu")
)

func keys(words string) map[string]bool {
	m := map[string]bool{}
	for _, t := range Words(words) {
		m[t.Exact] = true
	}
	return m
}

// Prefix is the plan for a text that is still being typed: every word, the
// last one only begun, in titles.
func (q Query) Prefix() string {
	var list []string
	for i, w := range q.words {
		key := quote(w.Folded)
		if i == len(q.words)-1 {
			key += ":*A"
		} else {
			key += ":A"
		}
		list = append(list, key)
	}
	return strings.Join(list, " & ")
}

// Empty reports whether nothing was typed that can be looked for.
func (q Query) Empty() bool { return len(q.words) == 0 }

// Folded gives the folded keys, to be looked up in the vocabulary.
func (q Query) Folded() []string {
	list := make([]string, len(q.words))
	for i, w := range q.words {
		list[i] = w.Folded
	}
	return list
}

// Plan makes the plan. known are the folded keys that the vocabulary holds, of
// the words and of Candidates; with a nil map no word is repaired.
func (q Query) Plan(synonyms []Synonym, known map[string]bool) Plan {
	groups := q.groups(synonyms)
	p := Plan{Letters: strings.Join(q.Folded(), " ")}
	for i := range groups {
		g := &groups[i]
		if known != nil && len(g.words) == 1 && len(g.others) == 0 && !known[g.words[0].Folded] {
			g.others = repairs(g.words[0].Folded, known)
		}
		p.Groups = append(p.Groups, g.query())
	}
	p.All = strings.Join(p.Groups, " & ")
	p.Any = strings.Join(p.Groups, " | ")
	var exact []string
	marked := false
	for i, w := range q.words {
		exact = append(exact, quote(w.Exact))
		marked = marked || w.Marked
		if i > 0 {
			p.Near = append(p.Near, quote(q.words[i-1].Folded)+" <-> "+quote(w.Folded))
		}
	}
	if marked {
		p.Exact = strings.Join(exact, " | ")
	}
	return p
}

// groups binds words that are a term or a meaning of the synonyms; the longest wins.
func (q Query) groups(synonyms []Synonym) []group {
	phrases := phraseTable(synonyms)
	var list []group
	for i := 0; i < len(q.words); {
		n := 1
		var others [][]string
		for take := min(8, len(q.words)-i); take > 0; take-- {
			folded := make([]string, take)
			exact := make([]string, take)
			marked := false
			for j, w := range q.words[i : i+take] {
				folded[j], exact[j] = w.Folded, w.Exact
				marked = marked || w.Marked
			}
			if found := phrases.lookup(folded, exact, marked); found != nil {
				n, others = take, found
				break
			}
		}
		list = append(list, group{words: q.words[i : i+n], others: others})
		i += n
	}
	return list
}

type phrase struct {
	exact string
	other []string
}

type phraseMap map[string][]phrase

func phraseTable(synonyms []Synonym) phraseMap {
	table := phraseMap{}
	put := func(from, to string) {
		var folded, exact, other []string
		for _, w := range Words(from) {
			folded, exact = append(folded, w.Folded), append(exact, w.Exact)
		}
		for _, w := range Words(to) {
			other = append(other, w.Folded)
		}
		if len(folded) == 0 || len(other) == 0 {
			return
		}
		key := strings.Join(folded, " ")
		table[key] = append(table[key], phrase{strings.Join(exact, " "), other})
	}
	for _, s := range synonyms {
		put(s.Term, s.Meaning)
		put(s.Meaning, s.Term)
	}
	return table
}

// lookup gives what may stand for the words. Words typed with marks must be the
// same with marks.
func (m phraseMap) lookup(folded, exact []string, marked bool) [][]string {
	var list [][]string
	for _, p := range m[strings.Join(folded, " ")] {
		if !marked || p.exact == strings.Join(exact, " ") {
			list = append(list, p.other)
		}
	}
	return list
}

// query is the group as a tsquery.
func (g group) query() string {
	var own []string
	for _, w := range g.words {
		own = append(own, quote(w.Folded))
	}
	any := []string{strings.Join(own, " & ")}
	for _, other := range g.others {
		var phrase []string
		for _, key := range other {
			phrase = append(phrase, quote(key))
		}
		text := "(" + strings.Join(phrase, " <-> ") + ")"
		if !slices.Contains(any, text) {
			any = append(any, text)
		}
	}
	return "((" + strings.Join(any, ") | (") + "))"
}
