package project

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxAttributes bounds those of one element.
const maxAttributes = 256

// attribute is one of the element that is read; all is good until more is read.
type attribute struct {
	prefix, local []byte // "xmlns" of a declaration
	value         []byte // as it stands, without its quotes
	space         string
}

var (
	errXMLTag       = errors.New("a tag that is none")
	errXMLTagEnd    = errors.New("a tag without its end")
	errXMLName      = errors.New("a name that is none")
	errXMLAttribute = errors.New("an element has an attribute twice")
	errXMLPrefix    = errors.New("a prefix is not declared, or not as it may be")
)

// tag gives the tag that begins here, which is read.
func (s *xmlScanner) tag() ([]byte, error) {
	start, quote := s.at, byte(0)
	for i := 1; ; i++ {
		if start+i == len(s.in) && !s.more(&start) {
			return nil, errXMLTagEnd
		}
		switch c := s.in[start+i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			s.at = start + i + 1
			return s.in[start:s.at], nil
		}
	}
}

// startTag reads one, and writes what is kept of it.
func (s *xmlScanner) startTag(root *step) error {
	tag, err := s.tag()
	if err != nil {
		return err
	}
	if s.as == nil && len(s.open) == 0 {
		return errXMLOutside
	}
	if len(s.open) > MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	inside := tag[1 : len(tag)-1]
	inside, empty := bytes.CutSuffix(inside, []byte("/"))
	f := frame{text: len(s.text), bindings: len(s.bindings), written: len(s.written)}
	name, rest, err := qualified(inside)
	if err != nil {
		return err
	}
	if err := s.attributes(rest); err != nil {
		return err
	}
	whole := inside[:len(inside)-len(rest)]
	prefix, local := split(whole, name)
	f.name = s.keep(whole)
	var ok bool
	if f.space, ok = s.spaceOf(prefix); !ok {
		return errXMLPrefix
	}
	if err := s.place(&f, local, root); err != nil {
		return err
	}
	s.open = append(s.open, f)
	if f.node != nil {
		s.writeStart(&s.open[len(s.open)-1], prefix)
	}
	if empty {
		s.end(&s.open[len(s.open)-1])
	}
	if len(s.text) > maxNames {
		return fmt.Errorf("the names of open elements are more than %d bytes", maxNames)
	}
	return nil
}

// place finds where the element is in the shape and among the fields; its node
// stays nil when nothing of it is kept.
func (s *xmlScanner) place(f *frame, local []byte, root *step) error {
	if len(s.open) == 0 {
		e := s.as.documentElement(local, f.space)
		if s.as = nil; e == nil {
			return errXMLRoot
		}
		f.node, f.at = e.to, e.from(root)
		return nil
	}
	parent := &s.open[len(s.open)-1]
	if parent.node == nil {
		return nil
	}
	if parent.at.mask != "" {
		return errXMLMasked
	}
	if e := parent.node.element(local, f.space, parent.space); e != nil {
		if at := e.from(parent.at); at != none {
			f.node, f.at = e.to, at
		}
		return nil
	}
	if parent.node.open && parent.at.all && !parent.at.guards {
		f.node, f.at = openNode, whole
	}
	return nil
}

// qualified reads the name that a text begins with, and gives where its colon
// is, -1 for none, and what follows.
func qualified(text []byte) (colon int, rest []byte, err error) {
	colon = -1
	at, begins := 0, true
	for at < len(text) {
		c, size := utf8.DecodeRune(text[at:])
		switch {
		case c == ':' && colon < 0 && !begins:
			colon, begins = at, true
			at++
			continue
		case begins && !startsName(c):
			return 0, nil, errXMLName
		case !begins && !continuesName(c):
			return colon, text[at:], nil
		}
		begins = false
		at += size
	}
	if begins {
		return 0, nil, errXMLName
	}
	return colon, nil, nil
}

// split takes a name apart at its colon.
func split(name []byte, colon int) (prefix, local []byte) {
	if colon < 0 {
		return nil, name
	}
	return name[:colon], name[colon+1:]
}

// attributes reads those of a tag into the list, declares its namespaces, and
// finds those of the others.
func (s *xmlScanner) attributes(text []byte) error {
	s.list = s.list[:0]
	for {
		after := bytes.TrimLeft(text, " \t\r\n")
		if len(after) == 0 {
			break
		}
		if len(after) == len(text) {
			return errXMLTag
		}
		colon, rest, err := qualified(after)
		if err != nil {
			return err
		}
		a := attribute{}
		a.prefix, a.local = split(after[:len(after)-len(rest)], colon)
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if len(rest) == 0 || rest[0] != '=' {
			return errXMLTag
		}
		rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return errXMLTag
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return errXMLTag
		}
		a.value, text = rest[1:1+end], rest[2+end:]
		if err := checkValue(a.value); err != nil {
			return err
		}
		if s.list = append(s.list, a); len(s.list) > maxAttributes {
			return fmt.Errorf("an element has more than %d attributes", maxAttributes)
		}
	}
	return s.declare()
}

// declare takes the declarations of namespaces out of the list, and gives the
// attributes that stay theirs.
func (s *xmlScanner) declare() error {
	rest, first := s.list[:0], len(s.bindings)
	for _, a := range s.list {
		if string(a.prefix) != "xmlns" && (a.prefix != nil || string(a.local) != "xmlns") {
			rest = append(rest, a)
			continue
		}
		b := binding{space: plainValue(a.value)}
		if a.prefix != nil {
			b.prefix = s.keep(a.local)
		}
		switch prefix := string(b.prefix); {
		case prefix != "" && b.space == "", prefix == "xmlns", b.space == xmlnsSpace, (prefix == "xml") != (b.space == xmlSpace):
			return errXMLPrefix
		}
		for _, other := range s.bindings[first:] {
			if bytes.Equal(other.prefix, b.prefix) {
				return errXMLAttribute
			}
		}
		s.bindings = append(s.bindings, b)
	}
	s.list = rest
	for i := range s.list {
		a := &s.list[i]
		if a.prefix != nil {
			var ok bool
			if a.space, ok = s.spaceOf(a.prefix); !ok {
				return errXMLPrefix
			}
		}
		for _, other := range s.list[:i] {
			if other.space == a.space && bytes.Equal(other.local, a.local) {
				return errXMLAttribute
			}
		}
	}
	return nil
}

// keep copies a text that is needed until the element ends.
func (s *xmlScanner) keep(text []byte) []byte {
	s.text = append(s.text, text...)
	return s.text[len(s.text)-len(text):]
}

// spaceOf is the namespace of a prefix, or of none.
func (s *xmlScanner) spaceOf(prefix []byte) (string, bool) {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if bytes.Equal(s.bindings[i].prefix, prefix) {
			return s.bindings[i].space, true
		}
	}
	if string(prefix) == "xml" {
		return xmlSpace, true
	}
	return "", len(prefix) == 0
}

// writeStart writes a start tag, but for its >: the attributes that are kept,
// and the namespaces of the names in it that are not declared yet.
func (s *xmlScanner) writeStart(f *frame, prefix []byte) {
	if n := len(s.open); n > 1 {
		s.close(&s.open[n-2])
	}
	f.bare = true
	s.out = append(append(s.out, '<'), f.name...)
	s.need(f.name[:len(prefix)], f.space)
	for _, a := range s.list {
		value, kept := s.attribute(f, a)
		if !kept {
			continue
		}
		if len(a.prefix) > 0 {
			s.need(s.keep(a.prefix), a.space)
		}
		s.out = append(s.out, ' ')
		if len(a.prefix) > 0 {
			s.out = append(append(s.out, a.prefix...), ':')
		}
		s.out = append(append(s.out, a.local...), `="`...)
		s.out = append(appendEscaped(s.out, value), '"')
	}
}

// attribute is the value that an attribute leaves with, if it is kept. That a
// value is null is told of whatever is kept; other attributes of XML Schema's
// name types and places, not data.
func (s *xmlScanner) attribute(f *frame, a attribute) (string, bool) {
	value := plainValue(a.value)
	if a.space == xsiSpace {
		value = strings.TrimSpace(value)
		return value, string(a.local) == "nil" && (value == "true" || value == "false" || value == "1" || value == "0")
	}
	if f.at.mask != "" {
		return "", false
	}
	if e := f.node.attribute(a.local, a.space); e != nil {
		at := e.from(f.at)
		if at.mask != "" {
			return at.mask.of(value, s.secret), true
		}
		return value, at.all && !at.guards
	}
	return value, f.node.open && f.at.all && !f.at.guards
}

// need writes the declaration of a prefix, unless what is written has it.
func (s *xmlScanner) need(prefix []byte, space string) {
	for i := len(s.written) - 1; i >= 0; i-- {
		if bytes.Equal(s.written[i].prefix, prefix) {
			if s.written[i].space == space {
				return
			}
			break
		}
		if i == 0 && len(prefix) == 0 && space == "" {
			return
		}
	}
	if string(prefix) == "xml" || len(s.written) == 0 && space == "" {
		return
	}
	s.written = append(s.written, binding{prefix, space})
	s.out = append(s.out, " xmlns"...)
	if len(prefix) > 0 {
		s.out = append(append(s.out, ':'), prefix...)
	}
	s.out = append(appendEscaped(append(s.out, `="`...), space), '"')
}

// appendEscaped writes a text so that it can stand in text and in quotes.
func appendEscaped(to []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; c {
		case '<':
			to = append(to, "&lt;"...)
		case '>':
			to = append(to, "&gt;"...)
		case '&':
			to = append(to, "&amp;"...)
		case '"':
			to = append(to, "&quot;"...)
		case '\t', '\n', '\r':
			to = append(strconv.AppendInt(append(to, "&#"...), int64(c), 10), ';')
		default:
			to = append(to, c)
		}
	}
	return to
}
