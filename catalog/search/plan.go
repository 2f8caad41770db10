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
	Half    string   // folded: at least half of them
	Near    []string // folded: each two neighbours side by side
	Exact   string   // exact: any of the words as typed; "" when no mark was typed
	Letters string   // folded words with blanks, for trigrams
	Plain   []string // folded: the words, with those mended that no document holds
}

// Synonym is a term and what it means; each finds the other.
type Synonym struct{ Term, Meaning string }

// group is one or more words of the query and the phrases that may stand for them.
type group struct {
	words  []Token
	others [][]string // each a phrase of folded keys
	mended bool       // no document holds the words: others are what was meant
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
// last one only begun.
func (q Query) Prefix() string { return q.begun("", ":*") }

// TitlePrefix is Prefix in the titles of whole documents.
func (q Query) TitlePrefix() string { return q.begun(":A", ":*A") }

// begun marks each word by how it is to be matched, the last one by last.
func (q Query) begun(each, last string) string {
	var list []string
	for i, w := range q.words {
		key := quote(w.Folded) + each
		if i == len(q.words)-1 {
			key = quote(w.Folded) + last
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

// Alike counts the words of the query that a text holds with the very marks
// that were typed; 0 when none was.
func (q Query) Alike(text string) int {
	held := map[string]bool{}
	for _, t := range Tokens(text) {
		held[t.Exact] = true
	}
	n := 0
	for _, w := range q.words {
		if w.Marked && held[w.Exact] {
			n++
		}
	}
	return n
}

// Plan makes the plan. known are the folded keys that the vocabulary holds, of
// the words and of Candidates; with a nil map no word is repaired.
func (q Query) Plan(synonyms []Synonym, known map[string]bool) Plan {
	groups := q.groups(synonyms)
	if known != nil {
		groups = mend(groups, known)
	}
	p := Plan{Letters: strings.Join(q.Folded(), " ")}
	for _, g := range groups {
		p.Groups = append(p.Groups, g.query())
		p.Plain = append(p.Plain, g.plain()...)
	}
	p.All = strings.Join(p.Groups, " & ")
	p.Any = strings.Join(p.Groups, " | ")
	p.Half = atLeast(p.Groups[:min(maxHalved, len(p.Groups))])
	var exact []string
	marked := false
	for i, w := range q.words {
		exact = append(exact, quote(w.Exact))
		marked = marked || w.Marked
		if i > 0 && w.Pos == q.words[i-1].Pos+1 {
			p.Near = append(p.Near, quote(q.words[i-1].Folded)+" <-> "+quote(w.Folded))
		}
	}
	if marked {
		p.Exact = strings.Join(exact, " | ")
	}
	return p
}

// maxHalved is how many words of a query the half is taken of: of eight there
// are seventy halves.
const maxHalved = 8

// atLeast is the query for half of the words at least: each way to choose them.
func atLeast(groups []string) string {
	var ways []string
	need := (len(groups) + 1) / 2
	var choose func(from int, taken []string)
	choose = func(from int, taken []string) {
		if len(taken) == need {
			ways = append(ways, strings.Join(taken, " & "))
			return
		}
		for i := from; i <= len(groups)-(need-len(taken)); i++ {
			choose(i+1, append(taken[:len(taken):len(taken)], groups[i]))
		}
	}
	choose(0, nil)
	return "(" + strings.Join(ways, ") | (") + ")"
}

// mend says what a word may have been meant as that no document holds: itself
// with its neighbour, when the two are one word there, else what repairs gives.
func mend(groups []group, known map[string]bool) []group {
	var list []group
	for i := 0; i < len(groups); i++ {
		g := groups[i]
		if len(g.words) != 1 || len(g.others) > 0 {
			list = append(list, g)
			continue
		}
		word := g.words[0].Folded
		if i+1 < len(groups) && len(groups[i+1].words) == 1 && len(groups[i+1].others) == 0 {
			next := groups[i+1].words[0]
			if joined := word + next.Folded; known[joined] && !(known[word] && known[next.Folded]) {
				list = append(list, group{words: []Token{g.words[0], next}, others: [][]string{{joined}}, mended: true})
				i++
				continue
			}
		}
		if !known[word] {
			g.others = repairs(word, known)
			g.mended = len(g.others) > 0
		}
		list = append(list, g)
	}
	return list
}

// groups binds words that are a term or a meaning of the synonyms; the longest
// wins. Words that only join do not count in a name.
func (q Query) groups(synonyms []Synonym) []group {
	phrases := phraseTable(synonyms)
	var list []group
	for i := 0; i < len(q.words); {
		n := 1
		var others [][]string
		for take := min(maxName, len(q.words)-i); take > 0; take-- {
			var folded, exact []string
			marked := false
			for j, w := range q.words[i : i+take] {
				marked = marked || w.Marked
				if joining[w.Exact] && j > 0 && j < take-1 {
					continue
				}
				folded, exact = append(folded, w.Folded), append(exact, w.Exact)
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

// maxName is how many words a term of the synonyms is looked for in.
const maxName = 10

type phrase struct {
	exact string
	other []string
}

type phraseMap map[string][]phrase

// phraseTable holds each side of the synonyms by its words without function
// words: people leave out the và of a department's name, and documents do.
func phraseTable(synonyms []Synonym) phraseMap {
	table := phraseMap{}
	put := func(from, to string) {
		var folded, exact, other []string
		for _, w := range content(from) {
			folded, exact = append(folded, w.Folded), append(exact, w.Exact)
		}
		for _, w := range content(to) {
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

// content gives the words of a text that are no function words; all, when all are.
func content(text string) []Token {
	all := Words(text)
	kept := slices.DeleteFunc(slices.Clone(all), func(t Token) bool { return joining[t.Exact] })
	if len(kept) == 0 {
		return all
	}
	return kept
}

// Name is a name's folded words without those that only join, with one blank
// between them.
func Name(text string) string {
	var words []string
	for _, t := range content(text) {
		words = append(words, t.Folded)
	}
	return strings.Join(words, " ")
}

// joining words stand between the parts of a name.
var joining = keys("và, của")

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

// query is the group as a tsquery. Words of a phrase stand side by side, or
// with one between them: thông tin và truyền thông.
func (g group) query() string {
	var own []string
	for _, w := range g.words {
		own = append(own, quote(w.Folded))
	}
	ways := []string{strings.Join(own, " & ")}
	for _, other := range g.others {
		text := side(other)
		if !slices.Contains(ways, text) {
			ways = append(ways, text)
		}
	}
	return "((" + strings.Join(ways, ") | (") + "))"
}

func side(words []string) string {
	if len(words) == 1 {
		return quote(words[0])
	}
	var pairs []string
	for i := 1; i < len(words); i++ {
		a, b := quote(words[i-1]), quote(words[i])
		pairs = append(pairs, "("+a+" <-> "+b+" | "+a+" <2> "+b+")")
	}
	return strings.Join(pairs, " & ")
}

// plain is the group's words, or what they were meant as.
func (g group) plain() []string {
	if g.mended {
		return g.others[0]
	}
	var words []string
	for _, w := range g.words {
		words = append(words, w.Folded)
	}
	return words
}
