// Package soap answers which operation a SOAP message asks for, so that nobody
// reaches by one operation's agreement what another one gives.
//
// The system behind may read the message by another parser than this one, so
// what two parsers may read differently is refused: document types, processing
// instructions, attributes that stand twice, two bodies, two elements in one.
package soap

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// The namespaces of envelopes.
const (
	Envelope11 = "http://schemas.xmlsoap.org/soap/envelope/"
	Envelope12 = "http://www.w3.org/2003/05/soap-envelope"
)

// addressing are the namespaces of WS-Addressing, whose Action some systems go
// by before anything else.
var addressing = map[string]bool{
	"http://www.w3.org/2005/08/addressing": true, "http://schemas.xmlsoap.org/ws/2004/08/addressing": true,
	"http://schemas.xmlsoap.org/ws/2004/03/addressing": true, "http://schemas.xmlsoap.org/ws/2003/03/addressing": true,
}

const maxDepth = 100

// Message is what a message says of itself.
type Message struct {
	Envelope string   // the namespace of its envelope
	Body     xml.Name // the element in its Body; zero: nothing stands there
	Actions  []string // those of WS-Addressing in its Header
	Values   []string // the texts at the place that was asked for
}

// Fault is why a message is not read: one of a few words.
type Fault string

// Error is of error.
func (f Fault) Error() string { return string(f) }

// The reasons why a message is not read.
const (
	NotXML         = Fault("not-xml")
	DocumentType   = Fault("document-type")
	Instruction    = Fault("processing-instruction")
	AttributeTwice = Fault("attribute-twice")
	TooDeep        = Fault("too-deep")
	NotEnvelope    = Fault("not-an-envelope")
	NotOneBody     = Fault("not-one-body")
	NotOneElement  = Fault("not-one-element")
	BrokenValue    = Fault("value-in-pieces")
)

// Read reads a whole message. at is a place below the envelope, as names with a
// slash before each: the texts of all elements there are given, whatever their
// namespaces; "" asks for none.
func Read(message []byte, at string) (Message, error) {
	r := newReader(bytes.NewReader(bytes.TrimPrefix(message, []byte("\ufeff"))))
	r.at = at
	for {
		more, err := r.next()
		if err != nil {
			return Message{}, err
		}
		if !more {
			return r.message, r.whole()
		}
	}
}

// Peek reads a message until it is known which element stands in its Body.
func Peek(message io.Reader) (xml.Name, error) {
	text := bufio.NewReader(message)
	if mark, err := text.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = text.Discard(len(mark)) // it was just read
	}
	r := newReader(text)
	for {
		more, err := r.next()
		if err != nil {
			return xml.Name{}, err
		}
		if !more || r.elements > 0 || r.bodies > 0 && !r.inBody {
			return r.message.Body, r.found()
		}
	}
}

// reader goes through one message.
type reader struct {
	d        *xml.Decoder
	message  Message
	at       string
	path     []string // names of the elements we are in, below the envelope
	depth    int
	begun    bool // something was read
	bodies   int
	elements int // in the Body
	inBody   bool
	inHeader bool
	action   bool // we are in an Action of the Header
	value    bool // we are at the place that was asked for
	pieces   int  // of its text
}

func newReader(from io.Reader) *reader { return &reader{d: xml.NewDecoder(from)} }

// next reads one token; false at the end.
func (r *reader) next() (bool, error) {
	token, err := r.d.Token()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, NotXML
	}
	first := !r.begun
	r.begun = true
	switch t := token.(type) {
	case xml.Directive:
		return false, DocumentType
	case xml.ProcInst:
		if !first || t.Target != "xml" {
			return false, Instruction
		}
	case xml.StartElement:
		return true, r.start(t)
	case xml.EndElement:
		return true, r.end()
	case xml.CharData:
		return true, r.text(string(t))
	case xml.Comment:
		if r.value || r.action {
			return false, BrokenValue
		}
	}
	return true, nil
}

// twice reports whether one attribute, or one declaration, stands twice.
func twice(attrs []xml.Attr) bool {
	for i, a := range attrs {
		for _, b := range attrs[:i] {
			if a.Name == b.Name {
				return true
			}
		}
	}
	return false
}

const maxAttributes = 100

func (r *reader) start(t xml.StartElement) error {
	if len(t.Attr) > maxAttributes || twice(t.Attr) {
		return AttributeTwice
	}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" && (a.Name.Local == "xml" || a.Name.Local == "xmlns") {
			return NotXML
		}
	}
	if r.depth++; r.depth > maxDepth {
		return TooDeep
	}
	if r.value || r.action {
		return BrokenValue
	}
	if r.depth == 1 {
		if r.message.Envelope != "" || t.Name.Local != "Envelope" || t.Name.Space != Envelope11 && t.Name.Space != Envelope12 {
			return NotEnvelope
		}
		r.message.Envelope = t.Name.Space
		return nil
	}
	r.path = append(r.path, t.Name.Local)
	if err := r.place(t); err != nil {
		return err
	}
	if r.at != "" && len(r.path) == strings.Count(r.at, "/") && "/"+strings.Join(r.path, "/") == r.at {
		r.value, r.pieces = true, 0
		r.message.Values = append(r.message.Values, "")
	}
	return nil
}

// place takes an element that is near the top.
func (r *reader) place(t xml.StartElement) error {
	own := t.Name.Space == r.message.Envelope
	switch {
	case r.depth == 2 && own && t.Name.Local == "Body":
		if r.bodies++; r.bodies > 1 {
			return NotOneBody
		}
		r.inBody = true
	case r.depth == 2 && own && t.Name.Local == "Header" && r.bodies == 0 && !r.inHeader:
		r.inHeader = true
	case r.depth == 2:
		return NotEnvelope // nothing else may stand there (SOAP 1.2 part 1 §5.1)
	case r.depth == 3 && r.inBody:
		if r.elements++; r.elements > 1 {
			return NotOneElement
		}
		r.message.Body = t.Name
	case r.depth == 3 && addressing[t.Name.Space] && t.Name.Local == "Action":
		r.action, r.pieces = true, 0
		r.message.Actions = append(r.message.Actions, "")
	}
	return nil
}

func (r *reader) end() error {
	r.depth--
	r.value, r.action = false, false
	if len(r.path) > 0 {
		r.path = r.path[:len(r.path)-1]
	}
	if r.depth == 1 {
		r.inBody = false
	}
	return nil
}

func (r *reader) text(text string) error {
	if r.value || r.action {
		if r.pieces++; r.pieces > 1 {
			return BrokenValue
		}
		list := r.message.Values
		if r.action {
			list = r.message.Actions
		}
		list[len(list)-1] = strings.TrimSpace(text)
		return nil
	}
	if r.depth <= 2 && strings.TrimSpace(text) != "" {
		return NotOneElement
	}
	return nil
}

// found says whether there is a Body.
func (r *reader) found() error {
	if r.message.Envelope == "" {
		return NotEnvelope
	}
	if r.bodies != 1 {
		return NotOneBody
	}
	return nil
}

// whole says whether everything was there.
func (r *reader) whole() error {
	if r.depth != 0 {
		return NotXML
	}
	return r.found()
}
