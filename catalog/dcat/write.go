package dcat

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
)

// syntax is one way of writing a graph down.
type syntax struct {
	ending string // of an address
	media  string
	write  func(*bytes.Buffer, *graph)
}

// syntaxes are all, the first preferred.
var syntaxes = []syntax{
	{"ttl", "text/turtle", writeTurtle},
	{"rdf", "application/rdf+xml", writeXML},
	{"xml", "application/rdf+xml", writeXML},
	{"jsonld", "application/ld+json", writeJSON},
}

// syntaxOf finds a syntax by the ending of an address, which the router has
// let through only if there is one.
func syntaxOf(ending string) syntax {
	for _, s := range syntaxes {
		if s.ending == ending {
			return s
		}
	}
	return syntaxes[0]
}

// writeTurtle writes RDF 1.1 Turtle.
func writeTurtle(b *bytes.Buffer, g *graph) {
	for _, v := range vocabularies {
		fmt.Fprintf(b, "@prefix %s: <%s> .\n", v.prefix, v.iri)
	}
	for _, subject := range g.subjects {
		b.WriteByte('\n')
		turtleIRI(b, subject)
		last := ""
		for i, a := range g.about(subject) {
			switch {
			case i > 0 && a.predicate == last:
				b.WriteString(" ,\n        ")
			case i > 0:
				b.WriteString(" ;\n    ")
			default:
				b.WriteByte(' ')
			}
			if a.predicate != last {
				turtlePredicate(b, a.predicate)
				b.WriteByte(' ')
			}
			last = a.predicate
			turtleTerm(b, a.object)
		}
		b.WriteString(" .\n")
	}
}

func turtlePredicate(b *bytes.Buffer, predicate string) {
	switch {
	case predicate == "rdf:type":
		b.WriteByte('a')
	case isWhole(predicate):
		turtleName(b, predicate)
	default:
		b.WriteString(predicate)
	}
}

// isWhole reports whether a predicate is an IRI, and no name with a prefix.
func isWhole(predicate string) bool {
	return strings.HasPrefix(predicate, "http://") || strings.HasPrefix(predicate, "https://")
}

// splitName parts an IRI into a namespace and the name it ends in.
func splitName(iri string) (space, name string) {
	i := strings.LastIndexAny(iri, "/#") + 1
	return iri[:i], iri[i:]
}

func turtleIRI(b *bytes.Buffer, iri string) {
	b.WriteByte('<')
	b.WriteString(iri)
	b.WriteByte('>')
}

func turtleTerm(b *bytes.Buffer, t term) {
	if t.iri != "" {
		turtleName(b, t.iri)
		return
	}
	b.WriteByte('"')
	turtleText.WriteString(b, t.text)
	b.WriteByte('"')
	if t.lang != "" {
		b.WriteString("@" + t.lang)
	} else if t.datatype != "" {
		b.WriteString("^^")
		turtleName(b, t.datatype)
	}
}

func turtleName(b *bytes.Buffer, iri string) {
	if name, ok := compact(iri); ok {
		b.WriteString(name)
		return
	}
	turtleIRI(b, iri)
}

// turtleText escapes what may not stand in a STRING_LITERAL_QUOTE (Turtle
// §6.5); other controls are not in a graph.
var turtleText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// writeXML writes RDF 1.1 XML.
func writeXML(b *bytes.Buffer, g *graph) {
	b.WriteString(xml.Header + "<rdf:RDF")
	for _, v := range vocabularies {
		fmt.Fprintf(b, "\n    xmlns:%s=\"%s\"", v.prefix, v.iri)
	}
	b.WriteString(">\n")
	for _, subject := range g.subjects {
		b.WriteString("  <rdf:Description rdf:about=\"")
		xmlText(b, subject)
		b.WriteString("\">\n")
		for _, a := range g.about(subject) {
			b.WriteString("    <")
			if isWhole(a.predicate) { // a namespace of its own, declared where it stands
				space, name := splitName(a.predicate)
				a.predicate = "own:" + name
				b.WriteString(a.predicate + ` xmlns:own="`)
				xmlText(b, space)
				b.WriteByte('"')
			} else {
				b.WriteString(a.predicate)
			}
			xmlObject(b, a)
		}
		b.WriteString("  </rdf:Description>\n")
	}
	b.WriteString("</rdf:RDF>\n")
}

// xmlObject writes the rest of a property's element.
func xmlObject(b *bytes.Buffer, a arc) {
	attribute := func(name, value string) {
		b.WriteString(" " + name + "=\"")
		xmlText(b, value)
		b.WriteByte('"')
	}
	switch t := a.object; {
	case t.iri != "":
		attribute("rdf:resource", t.iri)
		b.WriteString("/>\n")
		return
	case t.lang != "":
		attribute("xml:lang", t.lang)
	case t.datatype != "":
		attribute("rdf:datatype", t.datatype)
	}
	b.WriteByte('>')
	xmlText(b, a.object.text)
	b.WriteString("</" + a.predicate + ">\n")
}

func xmlText(b *bytes.Buffer, text string) {
	_ = xml.EscapeText(b, []byte(text)) // a buffer does not fail
}

// writeJSON writes JSON-LD 1.1, flattened, with its context inside: nobody has
// to fetch one.
func writeJSON(b *bytes.Buffer, g *graph) {
	context := make(object, 0, len(vocabularies))
	for _, v := range vocabularies {
		context = append(context, member{v.prefix, v.iri})
	}
	nodes := make([]object, len(g.subjects))
	for i, subject := range g.subjects {
		nodes[i] = jsonNode(subject, g.about(subject))
	}
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(object{{"@context", context}, {"@graph", nodes}}) // texts and lists of texts can be written
}

func jsonNode(subject string, arcs []arc) object {
	node := object{{"@id", subject}}
	at := map[string]int{}
	for _, a := range arcs {
		key, value := a.predicate, jsonTerm(a.object)
		if key == "rdf:type" {
			key, value = "@type", any(a.object.iri)
			if name, ok := compact(a.object.iri); ok {
				value = name
			}
		}
		if i, ok := at[key]; ok {
			node[i].value = append(node[i].value.([]any), value)
			continue
		}
		at[key] = len(node)
		node = append(node, member{key, []any{value}})
	}
	return node
}

func jsonTerm(t term) any {
	switch {
	case t.iri != "":
		return object{{"@id", t.iri}}
	case t.lang != "":
		return object{{"@value", t.text}, {"@language", t.lang}}
	case t.datatype != "":
		datatype := t.datatype
		if name, ok := compact(datatype); ok {
			datatype = name
		}
		return object{{"@value", t.text}, {"@type", datatype}}
	default:
		return object{{"@value", t.text}}
	}
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members one after the other.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encoder.Encode(m.key); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encoder.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
