package wsdl

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// The bounds of a description.
const (
	maxDepth      = 60
	maxElements   = 300_000
	maxOperations = 4_000     // of all bindings
	maxParts      = 300_000   // of schemas and messages, their groups written out
	maxValues     = 100_000   // that enumerations list, wherever they stand
	maxSaid       = 4_000     // bytes of one text
	maxSaidAll    = 4_000_000 // bytes of all texts that are repeated
)

// Refusal is why a description is not read at all. Its code has words in the
// message files; pairs are what they name.
type Refusal struct {
	Code   string
	Line   int
	Detail string
	Pairs  []string
}

// Error is of error.
func (r *Refusal) Error() string { return "line " + strconv.Itoa(r.Line) + ": " + r.Detail }

func refuse(code string, line int, detail string, pairs ...string) error {
	return &Refusal{Code: code, Line: line, Detail: detail, Pairs: pairs}
}

// page is the document type of a web page.
var page = regexp.MustCompile(`(?i)^DOCTYPE\s+html\b`)

// element is one element of a description.
type element struct {
	name     xml.Name
	attrs    []xml.Attr
	spaces   map[string]string // the prefixes that it declares; nil: none
	parent   *element
	children []*element
	said     string // the text right inside, cut to maxSaid
	line     int
}

// parse reads XML with nothing in it that leads elsewhere: no document type, so
// no entities of its own.
func parse(text []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	var root, at *element
	count, depth := 0, 0
	for {
		line, _ := d.InputPos()
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil {
			return root, nil
		}
		if err != nil {
			line, _ = d.InputPos()
			return nil, refuse("wsdl-syntax", line, "not XML: "+err.Error(), "why", err.Error())
		}
		switch t := token.(type) {
		case xml.Directive:
			if page.Match(t) {
				return nil, refuse("wsdl-unknown", line, "a web page", "name", "html")
			}
			return nil, refuse("wsdl-doctype", line, "a document type or entity")
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return nil, refuse("wsdl-too-deep", line, "nested more than 60 levels deep")
			}
			if count++; count > maxElements {
				return nil, refuse("wsdl-too-large", line, "more than 300,000 elements")
			}
			if root != nil && at == nil {
				return nil, refuse("wsdl-syntax", line, "a second root", "why", "a second root")
			}
			e := begin(t, at, line)
			if root == nil {
				root = e
			} else {
				at.children = append(at.children, e)
			}
			at = e
		case xml.EndElement:
			depth--
			at = at.parent
		case xml.CharData:
			if at != nil && len(at.said) < maxSaid {
				at.said += string(t[:min(len(t), maxSaid)])
			}
		}
	}
}

func begin(t xml.StartElement, parent *element, line int) *element {
	e := &element{name: t.Name, parent: parent, line: line}
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "xmlns":
			e.declare(a.Name.Local, a.Value)
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			e.declare("", a.Value)
		default:
			e.attrs = append(e.attrs, a)
		}
	}
	return e
}

func (e *element) declare(prefix, space string) {
	if e.spaces == nil {
		e.spaces = map[string]string{}
	}
	e.spaces[prefix] = space
}

// attr is the value of an attribute without a namespace.
func (e *element) attr(name string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// named is what a QName in an attribute stands for (XML Schema 1.0 part 2
// §3.2.18); the zero name when there is none, or its prefix is not declared.
func (e *element) named(attribute string) xml.Name {
	value := e.attr(attribute)
	if value == "" {
		return xml.Name{}
	}
	prefix, local, ok := strings.Cut(value, ":")
	if !ok {
		prefix, local = "", value
	}
	for at := e; at != nil; at = at.parent {
		if space, ok := at.spaces[prefix]; ok {
			return xml.Name{Space: space, Local: local}
		}
	}
	if prefix == "xml" {
		return xml.Name{Space: spaceXML, Local: local}
	}
	if prefix != "" {
		return xml.Name{}
	}
	return xml.Name{Local: local}
}

// all are the children of a name.
func (e *element) all(space, local string) []*element {
	if e == nil {
		return nil
	}
	list := []*element{}
	for _, child := range e.children {
		if child.name == (xml.Name{Space: space, Local: local}) {
			list = append(list, child)
		}
	}
	return list
}

// first is the first child of a name; nil for none.
func (e *element) first(space, local string) *element {
	if e == nil {
		return nil
	}
	for _, child := range e.children {
		if child.name == (xml.Name{Space: space, Local: local}) {
			return child
		}
	}
	return nil
}
