package harvest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// xmlReader reads RDF/XML (W3C RDF 1.1 XML Syntax) but for reification, rdf:bagID
// and rdf:aboutEach, which catalogues do not use.
type xmlReader struct {
	in     *xml.Decoder
	graph  graph
	size   int
	blanks int
}

const xmlSpace = "http://www.w3.org/XML/1998/namespace"

// scope is what an element inherits.
type scope struct {
	base     *url.URL
	language string
	depth    int
}

var errDeep = errors.New("it goes too deep")

// parseXML reads RDF/XML.
func parseXML(text []byte, base string) (graph, error) {
	at, err := url.Parse(base)
	if err != nil {
		return nil, fault("not-a-catalogue", "%w", err)
	}
	r := &xmlReader{in: xml.NewDecoder(bytes.NewReader(text)), graph: graph{}}
	r.in.Strict = true
	for {
		token, err := r.in.Token()
		if errors.Is(err, io.EOF) {
			return nil, fault("not-a-catalogue", "%s is no RDF/XML", base)
		}
		if err != nil {
			return nil, fault("not-a-catalogue", "%s cannot be read as XML: %w", base, err)
		}
		start, is := token.(xml.StartElement)
		if !is {
			continue
		}
		s := scope{base: at}.in(start)
		if start.Name.Space+start.Name.Local == rdf+"RDF" {
			err = r.nodes(s)
		} else {
			_, err = r.node(start, s)
		}
		if errors.Is(err, errMany) {
			return nil, fault("too-large", "%s says more than %d things", base, maxTriples)
		} else if err != nil {
			return nil, fault("not-a-catalogue", "%s cannot be read as RDF/XML: %w", base, err)
		}
		return r.graph, nil
	}
}

// in is the scope within an element.
func (s scope) in(e xml.StartElement) scope {
	s.depth++
	for _, a := range e.Attr {
		switch {
		case a.Name.Space == xmlSpace && a.Name.Local == "lang":
			s.language = strings.ToLower(a.Value)
		case a.Name.Space == xmlSpace && a.Name.Local == "base":
			if base, err := s.base.Parse(a.Value); err == nil {
				s.base = base
			}
		}
	}
	return s
}

// iri is an address in full; what cannot be read as one stays as it is.
func (s scope) iri(text string) string {
	if at, err := s.base.Parse(strings.TrimSpace(text)); err == nil {
		return at.String()
	}
	return text
}

// nodes reads the things inside rdf:RDF, or inside a property that is a collection.
func (r *xmlReader) nodes(s scope) error {
	_, err := r.children(s)
	return err
}

// children reads node elements up to the end of the element they are in.
func (r *xmlReader) children(s scope) ([]string, error) {
	var subjects []string
	for {
		token, err := r.in.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			subject, err := r.node(t, s.in(t))
			if err != nil {
				return nil, err
			}
			subjects = append(subjects, subject)
		case xml.EndElement:
			return subjects, nil
		}
	}
}

func (r *xmlReader) blank() string {
	r.blanks++
	return fmt.Sprintf("_:x%d", r.blanks)
}

var errMany = errors.New("it says too much")

func (r *xmlReader) say(subject, predicate string, value term) error {
	if !r.graph.add(&r.size, subject, predicate, value) {
		return errMany
	}
	return nil
}

// about is what a node element or an attribute of a property names; "" for none.
func about(e xml.StartElement, s scope, resource string) string {
	for _, a := range e.Attr {
		switch a.Name.Space + a.Name.Local {
		case rdf + resource:
			return s.iri(a.Value)
		case rdf + "ID":
			if resource == "about" {
				return s.iri("#" + a.Value)
			}
		case rdf + "nodeID":
			return "_:n" + a.Value
		}
	}
	return ""
}

// attributes are the properties that stand as attributes.
func (r *xmlReader) attributes(subject string, e xml.StartElement, s scope) error {
	for _, a := range e.Attr {
		if a.Name.Space == "" || a.Name.Space == xmlSpace || a.Name.Space == "xmlns" || a.Name.Space == rdf && a.Name.Local != "type" {
			continue
		}
		value := term{text: a.Value, literal: true, language: s.language}
		if a.Name.Space == rdf {
			value = term{text: s.iri(a.Value)}
		}
		if err := r.say(subject, a.Name.Space+a.Name.Local, value); err != nil {
			return err
		}
	}
	return nil
}

// node reads a node element, which has begun, and gives its subject.
func (r *xmlReader) node(e xml.StartElement, s scope) (string, error) {
	if s.depth > maxDepth {
		return "", errDeep
	}
	subject := about(e, s, "about")
	if subject == "" {
		subject = r.blank()
	}
	if kind := e.Name.Space + e.Name.Local; kind != rdf+"Description" {
		if err := r.say(subject, rdf+"type", term{text: kind}); err != nil {
			return "", err
		}
	}
	if err := r.attributes(subject, e, s); err != nil {
		return "", err
	}
	return subject, r.properties(subject, s)
}

// properties reads property elements up to the end of the element they are in.
func (r *xmlReader) properties(subject string, s scope) error {
	for {
		token, err := r.in.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := r.property(subject, t, s.in(t)); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// property reads one property element, which has begun, to its end.
func (r *xmlReader) property(subject string, e xml.StartElement, s scope) error {
	if s.depth > maxDepth {
		return errDeep
	}
	predicate := e.Name.Space + e.Name.Local
	kind := ""
	for _, a := range e.Attr {
		if a.Name.Space+a.Name.Local == rdf+"parseType" {
			kind = a.Value
		}
	}
	switch named := about(e, s, "resource"); {
	case kind == "Resource":
		inner := r.blank()
		if err := r.say(subject, predicate, term{text: inner}); err != nil {
			return err
		}
		return r.properties(inner, s)
	case kind == "Collection":
		items, err := r.children(s)
		for _, item := range items { // the order is not needed
			err = errors.Join(err, r.say(subject, predicate, term{text: item}))
		}
		return err
	case kind != "":
		return r.in.Skip() // XML as a value says nothing here
	case named != "":
		if err := r.say(subject, predicate, term{text: named}); err != nil {
			return err
		}
		if err := r.attributes(named, e, s); err != nil {
			return err
		}
		return r.in.Skip()
	}
	return r.value(subject, predicate, s)
}

// value reads what stands in a property element: a text, or a thing.
func (r *xmlReader) value(subject, predicate string, s scope) error {
	var text strings.Builder
	thing := false
	for {
		token, err := r.in.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			thing = true
			inner, err := r.node(t, s.in(t))
			if err != nil {
				return err
			}
			if err := r.say(subject, predicate, term{text: inner}); err != nil {
				return err
			}
		case xml.EndElement:
			if thing {
				return nil
			}
			return r.say(subject, predicate, term{text: text.String(), literal: true, language: s.language})
		}
	}
}
