package ckan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of a query.
const (
	maxFilter = 32 << 10 // bytes
	maxTerms  = 1000
	maxDepth  = 20
)

// kind is what a node of a query is.
type kind int

const (
	every kind = iota // *:*
	all               // of its children
	some              // of its children
	not               // its child
	term              // field:value
	span              // field:[low TO high]
	words             // text without a field
)

// node is a query, read. A field inside parentheses is written into each term.
type node struct {
	kind      kind
	children  []*node
	field     string
	value     string // without quotes and escapes
	wild      []bool // of value's runes, those that are * or ? unescaped; nil: none
	low, high bound
}

// bound is one end of a span; "*" is open.
type bound struct {
	value     string
	inclusive bool
}

// parser reads the part of the Lucene query language that CKAN's clients send
// (Lucene classic query parser syntax, with AND between terms).
type parser struct {
	text   string
	at     int
	terms  int
	strict bool // a filter, whose fields must be known; else text in which a colon may stand
}

// parseFilter reads fq. It fails with what is wrong.
func parseFilter(text string) (*node, error) { return parse(text, true) }

// parseFielded reads a q that holds a colon.
func parseFielded(text string) (*node, error) { return parse(text, false) }

func parse(text string, strict bool) (*node, error) {
	if len(text) > maxFilter {
		return nil, unsearchable("the query is longer than %d bytes", maxFilter)
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, unsearchable("the query is no text")
	}
	if strings.Contains(text, "{!") {
		return nil, unsearchable("Local parameters are not supported.")
	}
	p := &parser{text: text, strict: strict}
	n, err := p.either("", 0)
	if err != nil {
		return nil, err
	}
	if p.blank(); p.at < len(p.text) {
		return nil, p.wrong("a parenthesis is closed that was not opened")
	}
	return n, nil
}

func (p *parser) wrong(what string) error {
	return unsearchable("Cannot parse '%s': %s, at character %d", shorten(p.text), what, utf8.RuneCountInString(p.text[:p.at])+1)
}

func shorten(text string) string {
	if r := []rune(text); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return text
}

func (p *parser) blank() {
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if !unicode.IsSpace(r) {
			return
		}
		p.at += size
	}
}

// next is the next byte, 0 at the end.
func (p *parser) next() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// operator takes a word such as OR where it stands by itself.
func (p *parser) operator(names ...string) bool {
	p.blank()
	for _, name := range names {
		rest, ok := strings.CutPrefix(p.text[p.at:], name)
		if ok && (rest == "" || strings.ContainsRune(" \t\r\n()+-!\"", rune(rest[0])) || name == "&&" || name == "||") {
			p.at += len(name)
			return true
		}
	}
	return false
}

// either reads terms with OR between; field is that of the parenthesis.
func (p *parser) either(field string, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, p.wrong("parentheses are nested too deep")
	}
	var list []*node
	for {
		n, err := p.both(field, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if !p.operator("OR", "||") {
			return group(some, list), nil
		}
	}
}

// both reads terms with AND, or only blanks, between.
func (p *parser) both(field string, depth int) (*node, error) {
	var list []*node
	and := false
	for {
		p.blank()
		if c := p.next(); c == 0 || c == ')' {
			if and {
				return nil, p.wrong("after AND a term is missing")
			}
			break
		}
		here := p.at
		if p.operator("OR", "||") {
			p.at = here
			break
		}
		n, err := p.clause(field, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		and = p.operator("AND", "&&")
	}
	if len(list) == 0 {
		if depth == 0 && p.at == len(p.text) && strings.TrimSpace(p.text) == "" {
			return &node{kind: every}, nil
		}
		return nil, p.wrong("a term is missing")
	}
	return group(all, joinWords(list)), nil
}

// joinWords makes one text of words that follow each other: they are looked
// for together.
func joinWords(list []*node) []*node {
	var out []*node
	for _, n := range list {
		if last := len(out) - 1; n.kind == words && last >= 0 && out[last].kind == words && n.wild == nil && out[last].wild == nil {
			out[last].value += " " + n.value
			continue
		}
		out = append(out, n)
	}
	return out
}

func group(k kind, list []*node) *node {
	if len(list) == 1 {
		return list[0]
	}
	return &node{kind: k, children: list}
}

func (p *parser) clause(field string, depth int) (*node, error) {
	negated := false
	for {
		if p.operator("NOT") {
			negated = !negated
			continue
		}
		c := p.next()
		if c != '+' && c != '-' && c != '!' {
			break
		}
		negated = negated != (c != '+')
		p.at++
		p.blank()
	}
	n, err := p.primary(field, depth)
	if err == nil && negated {
		n = &node{kind: not, children: []*node{n}}
	}
	return n, err
}

func (p *parser) primary(field string, depth int) (*node, error) {
	if p.terms++; p.terms > maxTerms {
		return nil, p.wrong("there are too many terms")
	}
	switch p.next() {
	case 0, ')':
		return nil, p.wrong("a term is missing")
	case '(':
		p.at++
		n, err := p.either(field, depth+1)
		if err != nil {
			return nil, err
		}
		if p.blank(); p.next() != ')' {
			return nil, p.wrong("a parenthesis is not closed")
		}
		p.at++
		return n, p.boost()
	case '"':
		value, err := p.quoted()
		if err != nil {
			return nil, err
		}
		return leaf(field, value, nil), p.boost()
	case '[', '{':
		if field == "" {
			return nil, p.wrong("a range has no field")
		}
		return p.span(field)
	}
	return p.word(field, depth)
}

func leaf(field, value string, wild []bool) *node {
	if field == "" {
		return &node{kind: words, value: value, wild: wild}
	}
	return &node{kind: term, field: field, value: value, wild: wild}
}

// boost passes over a weight, field:value^2.
func (p *parser) boost() error {
	if p.next() == '~' {
		return p.wrong("~ is not offered")
	}
	if p.next() != '^' {
		return nil
	}
	p.at++
	begin := p.at
	for c := p.next(); c >= '0' && c <= '9' || c == '.'; c = p.next() {
		p.at++
	}
	if p.at == begin {
		return p.wrong("after ^ a number is missing")
	}
	return nil
}

func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case '"':
			p.at++
			return b.String(), nil
		case '\\':
			if p.at++; p.at == len(p.text) {
				return "", p.wrong("a quotation is not closed")
			}
			b.WriteByte(p.text[p.at])
		default:
			b.WriteByte(c)
		}
	}
	return "", p.wrong("a quotation is not closed")
}

// word reads a value, or the name of a field and what follows its colon.
func (p *parser) word(field string, depth int) (*node, error) {
	begin := p.at
	value, wild, err := p.bare(field != "")
	if err != nil {
		return nil, err
	}
	if field != "" || p.next() != ':' {
		return leaf(field, value, wild), p.boost()
	}
	if value == "*" && strings.HasPrefix(p.text[p.at:], ":*") {
		p.at += 2
		return &node{kind: every}, nil
	}
	if !knownField(value) {
		after := p.text[p.at+1:]
		if p.strict || isFieldName(value) && after != "" && !unicode.IsSpace(rune(after[0])) {
			p.at = begin
			return nil, unsearchable("undefined field %s", shorten(value))
		}
		p.at++ // the colon of a text
		return leaf("", value, wild), nil
	}
	p.at++
	p.blank()
	return p.primary(value, depth)
}

// isFieldName reports whether a text before a colon looks like a field's name.
func isFieldName(text string) bool {
	for i, r := range text {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && r != '_' && (i == 0 || !unicode.IsDigit(r) && r != '.' && r != '-') {
			return false
		}
	}
	return text != ""
}

// bare reads a word without quotes. The value of a field may hold colons.
func (p *parser) bare(colons bool) (string, []bool, error) {
	var b strings.Builder
	var wild []bool
	any := false
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if unicode.IsSpace(r) || strings.ContainsRune(`()"^~`, r) || r == ':' && !colons {
			break
		}
		if r == '\\' {
			p.at += size
			if p.at == len(p.text) {
				return "", nil, p.wrong("after \\ a character is missing")
			}
			r, size = utf8.DecodeRuneInString(p.text[p.at:])
			wild = append(wild, false)
		} else {
			star := r == '*' || r == '?' && colons
			any = any || star
			wild = append(wild, star)
		}
		p.at += size
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return "", nil, p.wrong("a term is missing")
	}
	if !any {
		wild = nil
	}
	return b.String(), wild, nil
}

// span reads [low TO high], with { or } where the end itself is left out.
func (p *parser) span(field string) (*node, error) {
	n := &node{kind: span, field: field, low: bound{inclusive: p.next() == '['}}
	p.at++
	var err error
	if n.low.value, err = p.end(); err != nil {
		return nil, err
	}
	if !p.operator("TO") {
		return nil, p.wrong("a range lacks TO")
	}
	if n.high.value, err = p.end(); err != nil {
		return nil, err
	}
	p.blank()
	c := p.next()
	if c != ']' && c != '}' {
		return nil, p.wrong("a range is not closed")
	}
	n.high.inclusive = c == ']'
	p.at++
	return n, p.boost()
}

// end reads one end of a span.
func (p *parser) end() (string, error) {
	p.blank()
	if p.next() == '"' {
		return p.quoted()
	}
	begin := p.at
	for p.at < len(p.text) && !strings.ContainsRune(" \t\r\n]}", rune(p.text[p.at])) {
		p.at++
	}
	if p.at == begin {
		return "", p.wrong("a range lacks an end")
	}
	return strings.ReplaceAll(p.text[begin:p.at], `\`, ""), nil
}
