package project

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ApplyXML gives the agreed part of an XML document (XML 1.0, Namespaces in XML
// 1.0) of a shape, in its order. Elements and attributes that the shape does not
// describe are left out, comments too, and text beside elements where only
// elements are described; CDATA becomes text; of namespaces those are declared
// that the names kept are in. It fails for what two programs could read
// differently, or be made to load: bytes that are not UTF-8, a document type,
// processing instructions, entities other than the five of XML, an attribute
// twice under whatever prefixes, undeclared prefixes, nesting deeper than
// MaxDepth, another element than the shape begins with.
func (f *Filter) ApplyXML(document []byte, as *XML) ([]byte, error) {
	return f.AppendXML(make([]byte, 0, min(len(document), window)), document, as)
}

// AppendXML does as ApplyXML does, and writes behind what is in to, which is not
// the document's.
func (f *Filter) AppendXML(to, document []byte, as *XML) ([]byte, error) {
	if !utf8.Valid(document) {
		return nil, &Fault{Reason: notUTF8}
	}
	s := xmlScanner{scanner: scanner{in: document, out: to, secret: f.key}, as: as}
	if err := s.run(&f.root); err != nil {
		return nil, err
	}
	return s.out, nil
}

// StreamXML does as ApplyXML does, with a document of any length as it comes, in
// memory that does not grow with it: besides it fails for a tag or a masked
// value longer than 64 KiB. When it fails, some of what is agreed may be written
// already.
func (f *Filter) StreamXML(to io.Writer, from io.Reader, as *XML) error {
	r := rooms.Get().(*room)
	defer rooms.Put(r)
	s := xmlScanner{scanner: scanner{buf: r.in[:], from: from, to: to, out: r.out[:0], secret: f.key}, as: as}
	if err := s.run(&f.root); err != nil {
		return err
	}
	return s.flush(0)
}

type xmlScanner struct {
	scanner
	as       *XML
	open     []frame
	text     []byte    // names and namespaces of the elements that are open
	bindings []binding // of the document's prefixes, the innermost last
	written  []binding // of prefixes in what is written
	list     []attribute
	masking  []byte // what came of a value that leaves masked
}

// frame is an element that is open.
type frame struct {
	name  []byte // as it stands
	space string
	node  *node // nil: it is not kept
	at    *step
	bare  bool // its start tag is written without its >

	text, bindings, written int // where those begin that are of it
}

type binding struct {
	prefix []byte
	space  string
}

const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
	xsiSpace   = "http://www.w3.org/2001/XMLSchema-instance"
)

var (
	errXMLEnd       = errors.New("the document ends within an element")
	errXMLText      = errors.New("text that is no XML")
	errXMLOutside   = errors.New("something stands beside the document's element")
	errXMLMasked    = errors.New("a value that is agreed masked holds elements")
	errXMLMaskLong  = fmt.Errorf("a value that is agreed masked is longer than %d bytes", window)
	errXMLEntity    = errors.New("an entity that XML does not have by itself")
	errXMLTypeOrPI  = errors.New("a document type or a processing instruction")
	errXMLComment   = errors.New("a comment that does not end as one")
	errXMLRoot      = errors.New("its element is not the one that the API's document describes")
	errXMLDeclaring = errors.New("it does not begin as XML 1.0 in UTF-8")
)

// run reads the document.
func (s *xmlScanner) run(root *step) error {
	err := s.prolog()
	for err == nil && s.here() {
		if s.in[s.at] == '<' {
			err = s.markup(root)
		} else {
			err = s.chars()
		}
		if err == nil {
			err = s.flush(outSize)
		}
	}
	if err == nil && (len(s.open) > 0 || s.as != nil) { // as is taken by the document's element
		err = errXMLEnd
	}
	switch {
	case s.fault != nil:
		return s.fault
	case err != nil:
		return &Fault{s.gone + s.at, err.Error()}
	}
	return nil
}

// here reports whether there is more.
func (s *xmlScanner) here() bool {
	at := s.at
	return s.at < len(s.in) || s.more(&at)
}

// begins reports whether a text stands here; what is there of it is kept together.
func (s *xmlScanner) begins(with string) bool {
	for len(s.in)-s.at < len(with) {
		if !strings.HasPrefix(with, string(s.in[s.at:])) {
			return false
		}
		if at := s.at; !s.more(&at) {
			return false
		}
	}
	return string(s.in[s.at:s.at+len(with)]) == with
}

var xmlDeclaration = regexp.MustCompile(`^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*["']1\.0["']([ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*["'](?i:utf-8)["'])?([ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*["'](yes|no)["'])?[ \t\r\n]*\?>$`)

// prolog reads what stands before all else: the mark of UTF-8, which XML allows,
// and the declaration. Ours is written in its place.
func (s *xmlScanner) prolog() error {
	if s.begins("\ufeff") {
		s.at += len("\ufeff")
	}
	s.out = append(s.out, `<?xml version="1.0" encoding="UTF-8"?>`...)
	if !s.begins("<?xml") {
		return nil
	}
	start, end := s.at, -1
	for end < 0 {
		if end = bytes.IndexByte(s.in[start:], '>'); end < 0 && !s.more(&start) {
			return errXMLDeclaring
		}
	}
	end += start + 1
	s.at = start
	if !xmlDeclaration.Match(s.in[start:end]) {
		return errXMLDeclaring
	}
	s.at = end
	return nil
}

// markup reads what begins with <.
func (s *xmlScanner) markup(root *step) error {
	switch {
	case s.begins("</"):
		return s.endTag()
	case s.begins("<!--"):
		return s.comment()
	case s.begins("<![CDATA["):
		return s.cdata()
	case s.begins("<!"), s.begins("<?"):
		return errXMLTypeOrPI
	}
	return s.startTag(root)
}

// comment reads over one.
func (s *xmlScanner) comment() error {
	s.at += len("<!--")
	for {
		for s.at < len(s.in) && s.in[s.at] != '-' {
			size := character(s.in[s.at:])
			if size == 0 {
				return errXMLText
			}
			s.at += size
		}
		switch {
		case s.begins("-->"):
			s.at += len("-->")
			return nil
		case s.begins("--"):
			return errXMLComment
		case !s.here():
			return errXMLComment
		case s.in[s.at] == '-':
			s.at++
		}
	}
}

// cdata reads a section as text.
func (s *xmlScanner) cdata() error {
	if len(s.open) == 0 {
		return errXMLOutside
	}
	s.at += len("<![CDATA[")
	keep := s.keeping()
	for {
		switch {
		case s.begins("]]>"):
			s.at += len("]]>")
			return nil
		case !s.here():
			return errXMLEnd
		}
		size := character(s.in[s.at:])
		if size == 0 {
			return errXMLText
		}
		if err := s.pass(keep, escapeText(s.in[s.at:s.at+size])); err != nil {
			return err
		}
		s.at += size
		if err := s.flush(outSize); err != nil {
			return err
		}
	}
}

// escapeText is a character of CDATA as it stands in text.
func escapeText(c []byte) []byte {
	switch c[0] {
	case '<':
		return []byte("&lt;")
	case '>':
		return []byte("&gt;")
	case '&':
		return []byte("&amp;")
	}
	return c
}

// The ways of what stands in an element.
const (
	dropped = iota
	keptText
	maskedText
)

// keeping is what becomes of text here.
func (s *xmlScanner) keeping() int {
	if len(s.open) == 0 {
		return dropped
	}
	switch f := &s.open[len(s.open)-1]; {
	case f.node == nil:
		return dropped
	case f.at.mask != "":
		return maskedText
	case f.node.value && f.at.all && !f.at.guards:
		return keptText
	}
	return dropped
}

// pass writes text that is kept, and gathers what is masked.
func (s *xmlScanner) pass(keep int, text []byte) error {
	switch {
	case len(text) == 0 || keep == dropped:
	case keep == keptText:
		s.close(&s.open[len(s.open)-1])
		s.out = append(s.out, text...)
	case len(s.masking)+len(text) > window:
		return errXMLMaskLong
	default:
		s.masking = append(s.masking, text...)
	}
	return nil
}

// close ends a start tag, once something stands in its element.
func (s *xmlScanner) close(f *frame) {
	if f.bare {
		f.bare = false
		s.out = append(s.out, '>')
	}
}

// chars reads text up to the next markup.
func (s *xmlScanner) chars() error {
	keep := s.keeping()
	start := s.at
	for s.here() && s.in[s.at] != '<' {
		switch c := s.in[s.at]; {
		case len(s.open) == 0 && !isSpace(c):
			return errXMLOutside
		case c == '&':
			if err := s.pass(keep, s.in[start:s.at]); err != nil {
				return err
			}
			start = s.at
			if err := s.reference(&start); err != nil {
				return err
			}
		case c == ']':
			if err := s.bracket(&start, keep); err != nil {
				return err
			}
		default:
			size := character(s.in[s.at:])
			if size == 0 {
				return errXMLText
			}
			s.at += size
		}
		if s.at == len(s.in) { // all that is here is read: it may go
			if err := s.pass(keep, s.in[start:s.at]); err != nil {
				return err
			}
			start = s.at
			if err := s.flush(outSize); err != nil {
				return err
			}
			s.here()
			start = s.at
		}
	}
	return s.pass(keep, s.in[start:s.at])
}

// bracket reads a ], which no > may follow after another. What was read before
// is passed on first, as the window may move.
func (s *xmlScanner) bracket(start *int, keep int) error {
	if err := s.pass(keep, s.in[*start:s.at]); err != nil {
		return err
	}
	if s.begins("]]>") {
		return errXMLText
	}
	*start = s.at
	s.at++
	return nil
}

// reference reads a character reference, or one of the five entities of XML.
func (s *xmlScanner) reference(start *int) error {
	for {
		end := bytes.IndexByte(s.in[*start:min(len(s.in), *start+longestReference)], ';')
		if end >= 0 {
			s.at = *start + end + 1
			_, ok := referred(s.in[*start:s.at])
			if !ok {
				s.at = *start
				return errXMLEntity
			}
			return nil
		}
		if len(s.in)-*start >= longestReference || !s.more(start) {
			return errXMLEntity
		}
	}
}

// endTag reads the end of the innermost element.
func (s *xmlScanner) endTag() error {
	tag, err := s.tag()
	if err != nil {
		return err
	}
	name := bytes.TrimRight(tag[2:len(tag)-1], " \t\r\n")
	if len(s.open) == 0 {
		return errXMLOutside
	}
	f := &s.open[len(s.open)-1]
	if !bytes.Equal(f.name, name) {
		return errors.New("an element ends that is not the one that is open")
	}
	s.end(f)
	return nil
}

// end closes the innermost element.
func (s *xmlScanner) end(f *frame) {
	if f.node != nil {
		if f.at.mask != "" && len(bytes.TrimSpace(s.masking)) > 0 {
			s.close(f)
			s.out = appendEscaped(s.out, f.at.mask.of(strings.TrimSpace(plainText(s.masking)), s.secret))
		}
		s.masking = s.masking[:0]
		if f.bare {
			s.out = append(s.out, "/>"...)
		} else {
			s.out = append(append(append(s.out, "</"...), f.name...), '>')
		}
		s.written = s.written[:f.written]
	}
	s.bindings, s.text = s.bindings[:f.bindings], s.text[:f.text]
	s.open = s.open[:len(s.open)-1]
}
