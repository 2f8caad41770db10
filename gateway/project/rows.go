package project

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Row is a condition on the rows of a list: of the innermost list on the way to
// Field, an element is kept only where the field has one of Values.
type Row struct {
	Field  string   `json:"field"`  // path of a scalar, as of Compile; at least one token is *
	Type   string   `json:"type"`   // of the field: string, integer, boolean
	Values []string `json:"values"` // integers as digits, booleans as true and false
}

// Words are the values, with commas between.
func (row Row) Words() string { return strings.Join(row.Values, ", ") }

// Bounds of the conditions on rows of one answer, and of one row.
const (
	MaxRows = 8
	maxRow  = 1 << 20 // bytes that are held until it is known whether it is kept
)

// Rows keeps of an answer's lists the rows that meet conditions, and all else.
// A row whose field is missing, null or of another type meets none. It is safe
// for concurrent use.
type Rows struct {
	root rowStep
}

// rowStep is a place on the way to a list with conditions, or within its rows.
type rowStep struct {
	members map[string]*rowStep
	each    *rowStep
	strict  bool   // it leads to a list with conditions: an answer of another shape is refused
	all     uint16 // of a list: one bit a condition on its rows; 0: it has none
	tests   []rowTest
}

// rowTest is a condition on the field here.
type rowTest struct {
	bit    uint16
	kind   string
	values []string
}

// CompileRows makes conditions fit to be held to. None gives nil. Several on
// one list are all to be met.
func CompileRows(list []Row) (*Rows, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if len(list) > MaxRows {
		return nil, fmt.Errorf("more than %d conditions on rows", MaxRows)
	}
	r := &Rows{}
	for i, row := range list {
		tokens, err := parse(row.Field)
		if err != nil {
			return nil, err
		}
		last := len(tokens) - 1
		for last >= 0 && tokens[last] != "*" {
			last--
		}
		if last < 0 {
			return nil, fmt.Errorf("field path %q leads through no list", row.Field)
		}
		if err := row.check(); err != nil {
			return nil, err
		}
		at := &r.root
		for k, token := range tokens {
			at.strict = at.strict || k <= last
			if k == last {
				at.all |= 1 << i
			}
			at = at.next(token)
		}
		at.tests = append(at.tests, rowTest{bit: 1 << i, kind: row.Type, values: row.Values})
	}
	return r, nil
}

// check wants values of the field's type.
func (row Row) check() error {
	if len(row.Values) == 0 {
		return fmt.Errorf("field %q: no values", row.Field)
	}
	for _, value := range row.Values {
		fits := false
		switch row.Type {
		case "string":
			fits = true
		case "integer":
			fits = isInteger(value)
		case "boolean":
			fits = value == "true" || value == "false"
		}
		if !fits {
			return fmt.Errorf("field %q: %q is no %s", row.Field, value, row.Type)
		}
	}
	return nil
}

// isInteger reports whether a text is a whole number, spelled in the one way
// without a fraction and an exponent.
func isInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return isNumber([]byte(text)) && !strings.ContainsAny(digits, ".eE-") && text != "-0"
}

func (s *rowStep) next(token string) *rowStep {
	if token == "*" {
		if s.each == nil {
			s.each = &rowStep{}
		}
		return s.each
	}
	if s.members == nil {
		s.members = map[string]*rowStep{}
	}
	if s.members[token] == nil {
		s.members[token] = &rowStep{}
	}
	return s.members[token]
}

// member and element are the places below; nil: of no concern.
func (s *rowStep) member(name []byte) *rowStep {
	if s == nil {
		return nil
	}
	return s.members[string(name)]
}

func (s *rowStep) element() *rowStep {
	if s == nil {
		return nil
	}
	return s.each
}

// meets gives the conditions that a value of a kind meets here.
func (s *rowStep) meets(kind, text string) uint16 {
	var met uint16
	if s == nil {
		return 0
	}
	for _, t := range s.tests {
		if t.kind == kind && slices.Contains(t.values, text) {
			met |= t.bit
		}
	}
	return met
}

// Apply gives a document without the rows that are not kept, spaces left out.
// It reads as strictly as Filter.Apply does, and fails too where a list with
// conditions, or what leads to it, has another shape; null is none.
func (r *Rows) Apply(document []byte) ([]byte, error) {
	if !utf8.Valid(document) {
		return nil, &Fault{Reason: notUTF8}
	}
	s := sieve{scanner{in: document, out: make([]byte, 0, min(len(document), 4096)), reading: &reading{}}}
	if err := s.document(&r.root); err != nil {
		return nil, err
	}
	return s.out, nil
}

// Reader gives what Apply would of a document of any length as it comes, in
// memory that does not grow with it; besides it fails as Filter.Stream does,
// and for a row of more than 1 MiB. Close it.
func (r *Rows) Reader(from io.Reader) io.ReadCloser {
	out := &rowReader{}
	out.next, out.stop = iter.Pull(func(yield func([]byte) bool) {
		place := rooms.Get().(*room)
		defer rooms.Put(place)
		place.names, place.kept = place.names[:0], place.kept[:0]
		s := sieve{scanner{buf: place.in[:], from: from, to: yielding(yield), out: place.out[:0], reading: &place.reading}}
		if out.err = s.document(&r.root); out.err == nil {
			out.err = s.flush(0)
		}
	})
	return out
}

// yielding hands on what is written.
type yielding func([]byte) bool

var errStopped = errors.New("nobody reads on")

// Write is of io.Writer.
func (y yielding) Write(p []byte) (int, error) {
	if !y(p) {
		return 0, errStopped
	}
	return len(p), nil
}

type rowReader struct {
	next func() ([]byte, bool)
	stop func()
	part []byte // that is not read yet
	err  error  // of the document, once there is no next
}

// Read is of io.Reader.
func (r *rowReader) Read(p []byte) (int, error) {
	for len(r.part) == 0 {
		part, more := r.next()
		if !more {
			if r.err != nil {
				return 0, r.err
			}
			return 0, io.EOF
		}
		r.part = part
	}
	n := copy(p, r.part)
	r.part = r.part[n:]
	return n, nil
}

// Close is of io.Closer.
func (r *rowReader) Close() error {
	r.stop()
	return nil
}

// sieve reads a document and writes it anew without some rows.
type sieve struct{ scanner }

// document reads the one value there is.
func (s *sieve) document(root *rowStep) error {
	s.space()
	err := s.value(root, 0, new(uint16))
	if err == nil {
		s.space()
		if s.at != len(s.in) {
			err = errors.New("something follows the value")
		}
	}
	if s.fault != nil { // whatever was made of it
		return s.fault
	}
	if err != nil {
		return &Fault{s.gone + s.at, err.Error()}
	}
	return nil
}

var errShape = errors.New("it has another shape where conditions on rows are agreed")

// value reads one value and notes in met which conditions it meets.
func (s *sieve) value(at *rowStep, depth int, met *uint16) error {
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	c := s.peek()
	if at != nil && at.strict && (c == '{' && at.each != nil || c == '[' && at.members != nil) {
		return errShape
	}
	switch {
	case c == '{':
		return s.object(at, depth, met)
	case c == '[':
		return s.array(at, depth)
	case at != nil && at.strict:
		if word, err := s.word(); err != nil || string(word) != "null" {
			return errShape
		}
		s.out = append(s.out, "null"...)
		return nil
	case c == '"' && (at == nil || at.tests == nil):
		return s.passText(true)
	case c == '"':
		raw, escaped, err := s.rawText()
		if err != nil {
			return err
		}
		text := string(raw[1 : len(raw)-1])
		if escaped {
			if text, err = unescaped(raw); err != nil {
				return err
			}
		}
		*met |= at.meets("string", text)
		s.out = append(s.out, raw...)
		return nil
	}
	word, err := s.word()
	if err != nil {
		return err
	}
	kind := "integer"
	if word[0] == 't' || word[0] == 'f' {
		kind = "boolean"
	}
	*met |= at.meets(kind, string(word))
	s.out = append(s.out, word...)
	return nil
}

func (s *sieve) object(at *rowStep, depth int, met *uint16) error {
	s.out = append(s.out, '{')
	o := object{first: len(s.names), text: len(s.kept)}
	written := false
	err := s.list('}', func() error {
		raw, name, err := s.nextName(&o)
		if err != nil {
			return err
		}
		below := at.member(name)
		s.begin(place{&written, raw})
		if err := s.colon(); err != nil {
			return err
		}
		if err := s.value(below, depth+1, met); err != nil {
			return err
		}
		return s.flush(outSize)
	})
	s.names, s.kept = s.names[:o.first], s.kept[:o.text]
	s.out = append(s.out, '}')
	return err
}

// array reads a list; what is in it meets no condition on a row around it.
func (s *sieve) array(at *rowStep, depth int) error {
	s.out = append(s.out, '[')
	written := false
	err := s.list(']', func() error {
		if at != nil && at.all != 0 {
			return s.row(at, depth, &written)
		}
		s.begin(place{written: &written})
		if err := s.value(at.element(), depth+1, new(uint16)); err != nil {
			return err
		}
		return s.flush(outSize)
	})
	s.out = append(s.out, ']')
	return err
}

// held is what overflows of a row before it is known whether it is kept, and of
// what was gathered before it.
type held struct{ text []byte }

// Write is of io.Writer.
func (h *held) Write(p []byte) (int, error) {
	if len(h.text)+len(p) > maxRow {
		return 0, &Fault{Reason: fmt.Sprintf("a row is longer than %d bytes", maxRow)}
	}
	h.text = append(h.text, p...)
	return len(p), nil
}

// row reads an element of a list with conditions, and takes back what was
// written of one that does not meet them all.
func (s *sieve) row(at *rowStep, depth int, written *bool) error {
	var met uint16
	before, mark, to := *written, len(s.out), s.to
	var over *held
	if to != nil {
		over = &held{}
		s.to = over
	}
	s.begin(place{written: written})
	err := s.value(at.each, depth+1, &met)
	s.to = to
	if err != nil {
		return err
	}
	kept := met&at.all == at.all
	if over != nil && over.text != nil {
		if !kept {
			over.text, s.out = over.text[:mark], s.out[:0]
		}
		if _, err := to.Write(over.text); err != nil {
			s.fault = err
			return err
		}
	} else if !kept {
		s.out = s.out[:mark]
	}
	*written = before || kept
	return s.flush(outSize)
}
