package harvest

import (
	"cmp"
	"slices"
	"strings"
)

// term is an IRI, a blank node ("_:" and its name) or a literal.
type term struct {
	text     string
	literal  bool
	language string // of a literal, in small letters
}

// graph is what RDF says: of a subject, the values of each predicate, in order.
type graph map[string]map[string][]term

const maxTriples = 2_000_000

// add keeps a statement. It reports false when there are too many.
func (g graph) add(size *int, subject, predicate string, value term) bool {
	if *size++; *size > maxTriples {
		return false
	}
	if g[subject] == nil {
		g[subject] = map[string][]term{}
	}
	g[subject][predicate] = append(g[subject][predicate], value)
	return true
}

// one is the first value's text; "" for none.
func (g graph) one(subject string, predicates ...string) string {
	for _, predicate := range predicates {
		if values := g[subject][predicate]; len(values) > 0 {
			return values[0].text
		}
	}
	return ""
}

// bilingual are the values in Vietnamese and in English; one without a language
// counts as Vietnamese, and so does the first when there is none of either.
func (g graph) bilingual(subject, predicate string) (vi, en string) {
	var any string
	for _, v := range g[subject][predicate] {
		main, _, _ := strings.Cut(v.language, "-")
		switch {
		case main == "en":
			en = cmp.Or(en, v.text)
		case main == "vi" || main == "":
			vi = cmp.Or(vi, v.text)
		}
		any = cmp.Or(any, v.text)
	}
	if vi == "" && en == "" {
		vi = any
	}
	return vi, en
}

// name is what a thing is called: a literal itself, or the name of a resource.
func (g graph) name(of term) string {
	if of.literal {
		return of.text
	}
	return g.one(of.text, foaf+"name", skos+"prefLabel", rdfs+"label", vcard+"fn", dct+"title")
}

const (
	rdf   = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	rdfs  = "http://www.w3.org/2000/01/rdf-schema#"
	dct   = "http://purl.org/dc/terms/"
	dcat  = "http://www.w3.org/ns/dcat#"
	foaf  = "http://xmlns.com/foaf/0.1/"
	skos  = "http://www.w3.org/2004/02/skos/core#"
	vcard = "http://www.w3.org/2006/vcard/ns#"
	hydra = "http://www.w3.org/ns/hydra/core#"
	sdo   = "http://schema.org/"
)

// of lists the subjects of a type, in order.
func (g graph) of(types ...string) []string {
	var list []string
	for subject, values := range g {
		if slices.ContainsFunc(values[rdf+"type"], func(t term) bool { return slices.Contains(types, t.text) }) {
			list = append(list, subject)
		}
	}
	slices.Sort(list)
	return list
}
