package dcat

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// term is what stands at the end of a triple: an IRI or a literal. There are
// no blank nodes: everything has an address, under that of its dataset.
type term struct {
	iri      string // "" for a literal
	text     string
	lang     string // of a literal: vi, en or ""
	datatype string // of a literal: a whole IRI, or "" for a plain one
}

// arc is a triple without its subject. The predicate is written with a prefix,
// or is a whole IRI that ends in a name, which begins with http.
type arc struct {
	predicate string
	object    term
}

// graph is a set of triples in the order they were added, gathered by subject.
type graph struct {
	subjects []string
	arcs     map[string][]arc
	seen     map[triple]struct{}
}

type triple struct {
	subject string
	arc
}

func newGraph() *graph {
	return &graph{arcs: map[string][]arc{}, seen: map[triple]struct{}{}}
}

// add adds a triple, once. An object that is empty adds nothing.
func (g *graph) add(subject, predicate string, object term) {
	if object == (term{}) || object.iri == "" && object.text == "" {
		return
	}
	t := triple{subject, arc{predicate, object}}
	if _, ok := g.seen[t]; ok {
		return
	}
	g.seen[t] = struct{}{}
	if _, ok := g.arcs[subject]; !ok {
		g.subjects = append(g.subjects, subject)
	}
	g.arcs[subject] = append(g.arcs[subject], t.arc)
}

// about is what is said of a subject, the same predicates together.
func (g *graph) about(subject string) []arc {
	first := map[string]int{}
	arcs := slices.Clone(g.arcs[subject])
	for i, a := range arcs {
		if _, ok := first[a.predicate]; !ok {
			first[a.predicate] = i
		}
	}
	slices.SortStableFunc(arcs, func(a, b arc) int { return first[a.predicate] - first[b.predicate] })
	return arcs
}

// typed says what a subject is, one class or several, written with a prefix.
func (g *graph) typed(subject string, classes ...string) {
	for _, class := range classes {
		g.add(subject, "rdf:type", named(class))
	}
}

// words adds a text in both languages; one that is not given is left out.
func (g *graph) words(subject, predicate, vi, en string) {
	g.add(subject, predicate, spoken(vi, "vi"))
	g.add(subject, predicate, spoken(en, "en"))
}

// link points to something and says what that is. An empty address adds nothing.
func (g *graph) link(subject, predicate, to string, classes ...string) {
	if to == "" {
		return
	}
	g.add(subject, predicate, term{iri: to})
	g.typed(to, classes...)
}

// named is the IRI of a name with a prefix.
func named(name string) term { return term{iri: expand(name)} }

func spoken(text, lang string) term {
	if text = cleaned(text); text == "" {
		return term{}
	}
	return term{text: text, lang: lang}
}

func plain(text string) term { return term{text: cleaned(text)} }

func valued(text, datatype string) term { return term{text: cleaned(text), datatype: expand(datatype)} }

func instant(at time.Time) term {
	if at.IsZero() {
		return term{}
	}
	return valued(at.UTC().Format(time.RFC3339), "xsd:dateTime")
}

// cleaned puts U+FFFD where a text holds what XML 1.0 cannot say, so that all
// three syntaxes say the same.
func cleaned(text string) string {
	if strings.IndexFunc(text, notXML) < 0 && utf8.ValidString(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if notXML(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// notXML holds for what is no Char (XML 1.0 §2.2).
func notXML(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// address makes an IRI of an address that a person typed: http or https only,
// "" for anything else, and what RFC 3987 does not let stand is escaped.
func address(typed string) string {
	typed = strings.TrimSpace(typed)
	if !strings.HasPrefix(typed, "https://") && !strings.HasPrefix(typed, "http://") {
		return ""
	}
	return escaped(typed)
}

// escaped is an IRI without the characters that Turtle (IRIREF) and XML do not
// take there.
func escaped(iri string) string {
	if !strings.ContainsFunc(iri, barred) && utf8.ValidString(iri) {
		return iri
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(iri, "\uFFFD") {
		if !barred(r) {
			b.WriteRune(r)
			continue
		}
		for _, octet := range []byte(string(r)) {
			const hex = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(hex[octet>>4])
			b.WriteByte(hex[octet&15])
		}
	}
	return b.String()
}

func barred(r rune) bool {
	return r <= 0x20 || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF || strings.ContainsRune("<>\"{}|\\^`", r)
}
