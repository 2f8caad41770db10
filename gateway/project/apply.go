package project

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// Fault says why a document cannot be held to fields.
type Fault struct {
	At     int // byte
	Reason string
}

// Error is of error.
func (f *Fault) Error() string { return fmt.Sprintf("byte %d: %s", f.At, f.Reason) }

// Apply gives the agreed part of a JSON document (RFC 8259), member order and
// number spelling kept. A member on the way to an agreed field whose value has
// another shape than the path says is left out; null stays null. It fails for
// what two programs could read differently: bytes that are not UTF-8, a name
// twice in an object, anything after the value, nesting deeper than MaxDepth.
func (f *Filter) Apply(document []byte) ([]byte, error) {
	return f.Append(make([]byte, 0, min(len(document), window)), document)
}

// Append does as Apply does, and writes behind what is in to, which is not the
// document's.
func (f *Filter) Append(to, document []byte) ([]byte, error) {
	if !utf8.Valid(document) {
		return nil, &Fault{Reason: notUTF8}
	}
	r := readings.Get().(*reading)
	defer readings.Put(r)
	s := scanner{in: document, out: to, secret: f.key, reading: r}
	if err := s.document(&f.root); err != nil {
		return nil, err
	}
	return s.out, nil
}

// readings are what a document is read with.
var readings = sync.Pool{New: func() any { return &reading{} }}

// reading is the names of the objects that are open, the innermost's last.
type reading struct {
	names []span // in kept
	kept  []byte
}

type span struct{ from, to int32 }

// The bounds of a document that is read as it comes.
const (
	window   = 64 << 10 // bytes: no name and no number is longer
	maxNames = 1 << 20  // bytes of the names of all objects that are open
	outSize  = 32 << 10 // bytes of what is agreed are gathered
)

// rooms are what documents are read and written in.
var rooms = sync.Pool{New: func() any { return &room{} }}

type room struct {
	in  [window]byte
	out [outSize + window]byte
	reading
}

// Stream does as Apply does, with a document of any length as it comes, in
// memory that does not grow with it: besides it fails for a name or a number
// longer than 64 KiB, and for open objects whose names are more than 1 MiB.
// When it fails, some of what is agreed may be written already.
func (f *Filter) Stream(to io.Writer, from io.Reader) error {
	r := rooms.Get().(*room)
	defer rooms.Put(r)
	s := scanner{buf: r.in[:], from: from, to: to, out: r.out[:0], secret: f.key, reading: &r.reading}
	if err := s.document(&f.root); err != nil {
		return err
	}
	return s.flush(0)
}

const notUTF8 = "not UTF-8"

// none keeps nothing: what is skipped is read as strictly as what is kept.
var none = &step{}

type scanner struct {
	in  []byte // what is here of the document
	at  int
	out []byte

	// Of a document that is read as it comes.
	buf   []byte // in is its beginning
	end   int    // of what came into buf; a character that has not come whole is not in in
	from  io.Reader
	to    io.Writer
	gone  int   // bytes before in
	fault error // of from, of to, or of what came

	*reading
	key []byte // the name of the member that is read, as it came, where in moves on

	secret []byte // of hashes
}

// document reads the one value there is.
func (s *scanner) document(root *step) error {
	kept := false
	s.names, s.kept = s.names[:0], s.kept[:0]
	s.space()
	err := s.value(root, 0, place{written: &kept})
	if err == nil {
		s.space()
		if s.at != len(s.in) {
			err = errors.New("something follows the value")
		}
	}
	switch {
	case s.fault != nil: // whatever was made of it
		return s.fault
	case err != nil:
		return &Fault{s.gone + s.at, err.Error()}
	case !kept:
		return &Fault{s.gone + s.at, "a single value where fields are agreed"}
	}
	return nil
}

// more reads on, and drops what is before keep, which it sets anew; false at
// the end of the document, and when something is wrong with it.
func (s *scanner) more(keep *int) bool {
	if s.from == nil || s.fault != nil {
		return false
	}
	s.end = copy(s.buf, s.buf[*keep:s.end])
	s.gone, s.at = s.gone+*keep, s.at-*keep
	had := len(s.in) - *keep
	*keep = 0
	for {
		if s.end == len(s.buf) {
			s.fault = &Fault{s.gone, fmt.Sprintf("a name or a number is longer than %d bytes", window)}
			return false
		}
		n, err := s.from.Read(s.buf[s.end:])
		s.end += n
		whole := s.end - cut(s.buf[:s.end])
		if errors.Is(err, io.EOF) {
			s.from, whole = nil, s.end
		} else if err != nil {
			s.fault = err
			return false
		}
		s.in = s.buf[:whole]
		if !utf8.Valid(s.in[had:]) {
			s.fault = &Fault{s.gone, notUTF8}
			return false
		}
		if whole > had || s.from == nil {
			return whole > had
		}
	}
}

// cut is how many bytes at the end begin a character and do not end it.
func cut(text []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if last := text[len(text)-i:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return i
		}
	}
	return 0
}

// flush writes what is gathered, if it is more than some.
func (s *scanner) flush(some int) error {
	if s.to == nil || len(s.out) <= some {
		return nil
	}
	_, err := s.to.Write(s.out)
	s.out = s.out[:0]
	if err != nil {
		s.fault = err
	}
	return err
}

// place is where a value stands: what is written before it, if any of it is kept.
type place struct {
	written *bool  // something is, in the container it stands in
	name    []byte // of a member, as it came; nil: it is none
}

// begin writes what stands before a value that is kept.
func (s *scanner) begin(p place) {
	if *p.written {
		s.out = append(s.out, ',')
	}
	*p.written = true
	if p.name != nil {
		s.out = append(append(s.out, p.name...), ':')
	}
}

// value reads one value and writes what to keeps of it.
func (s *scanner) value(to *step, depth int, in place) error {
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	switch c := s.peek(); c {
	case '{', '[':
		if to.mask != "" {
			return errMaskedShape
		}
		if to == none || !to.fits(c) {
			return s.through(false, depth, c)
		}
		s.begin(in)
		if to.all && !to.guards {
			return s.through(true, depth, c)
		}
		return s.container(to, depth, c)
	case '"':
		if to.mask != "" {
			s.begin(in)
			return s.maskText(to.mask)
		}
		kept := to.all && !to.guards
		if kept {
			s.begin(in)
		}
		return s.passText(kept)
	}
	word, err := s.word()
	switch {
	case err != nil:
		return err
	case to != none && string(word) == "null", to.all && !to.guards && to.mask == "":
		s.begin(in)
		s.out = append(s.out, word...)
	case to.mask != "" && (string(word) == "true" || string(word) == "false"):
		return errMaskedShape // one of two values is told by any mask
	case to.mask != "":
		s.begin(in)
		s.masked(to.mask, string(word))
	}
	return nil
}

var errMaskedShape = errors.New("a value that is agreed masked is neither text nor a number")

// maskText reads a string and writes what its mask leaves of it.
func (s *scanner) maskText(m Mask) error {
	text, err := s.text()
	if err == nil {
		s.masked(m, text)
	}
	return err
}

// fits reports whether what opens with a bracket has the shape of the step.
func (t *step) fits(opener byte) bool {
	all := t.all && !t.guards
	if opener == '{' {
		return all || t.members != nil || t.each == nil
	}
	return all || t.each != nil || t.members == nil
}

// container reads an object or an array, whichever opens here, of which some is kept.
func (s *scanner) container(to *step, depth int, opener byte) error {
	closer := opener + 2 // } follows {, and ] follows [, after one other
	s.out = append(s.out, opener)
	o := s.object()
	written := false
	s.at++
	for first := true; ; first = false {
		s.space()
		if s.peek() == closer && first {
			break
		}
		var err error
		if opener == '{' {
			err = s.member(to, depth, &o, &written)
		} else {
			err = s.element(to, depth, &written)
		}
		if err == nil {
			err = s.flush(outSize)
		}
		if err != nil {
			return err
		}
		s.space()
		if s.peek() == closer {
			break
		}
		if s.peek() != ',' {
			return fmt.Errorf("neither , nor %c", closer)
		}
		s.at++
	}
	s.at++
	s.names, s.kept = s.names[:o.first], s.kept[:o.text]
	s.out = append(s.out, closer)
	return nil
}

// object begins one.
func (s *scanner) object() object { return object{first: len(s.names), text: len(s.kept)} }

func (s *scanner) member(to *step, depth int, o *object, written *bool) error {
	raw, name, err := s.memberName()
	if err != nil {
		return err
	}
	if err := s.add(o, name); err != nil {
		return err
	}
	inner := to.member(name)
	if s.buf != nil { // in may move on before the name is written
		s.key = append(s.key[:0], raw...)
		raw = s.key
	}
	if err := s.colon(); err != nil {
		return err
	}
	return s.value(inner, depth+1, place{written, raw})
}

// object is one that is open.
type object struct {
	first int             // of its names, in the scanner's
	text  int             // where their text begins
	seen  uint64          // a bit for each name there may be
	many  map[string]bool // its names, once they are many
}

// add notes a name of an object; errTwice when it is there already.
func (s *scanner) add(o *object, name []byte) error {
	bit := uint64(1) << (mixed(name) & 63)
	switch {
	case o.many != nil && o.many[string(name)]:
		return errTwice
	case o.many != nil:
		o.many[string(name)] = true
	case o.seen&bit != 0: // one that is mixed alike; most are not
		for _, other := range s.names[o.first:] {
			if bytes.Equal(s.kept[other.from:other.to], name) {
				return errTwice
			}
		}
	}
	o.seen |= bit
	from := len(s.kept)
	if s.kept = append(s.kept, name...); len(s.kept) > maxNames {
		return fmt.Errorf("the names of open objects are more than %d bytes", maxNames)
	}
	if o.many != nil {
		return nil
	}
	s.names = append(s.names, span{int32(from), int32(len(s.kept))})
	if few := s.names[o.first:]; len(few) > 32 {
		o.many = make(map[string]bool, 64)
		for _, one := range few {
			o.many[string(s.kept[one.from:one.to])] = true
		}
	}
	return nil
}

// mixed is a number that names which differ seldom have in common.
func mixed(name []byte) uint32 {
	n := uint32(len(name))
	if n == 0 {
		return 0
	}
	return n*0x9e3779b1>>26 + uint32(name[0])*7 + uint32(name[n/2])*31 + uint32(name[n-1])*13
}

// through reads an object or an array that is kept whole, or left out whole.
func (s *scanner) through(kept bool, depth int, opener byte) error {
	closer := opener + 2
	if kept {
		s.out = append(s.out, opener)
	}
	o := s.object()
	s.at++
	s.space()
	for first := true; s.peek() != closer; first = false {
		if !first {
			if s.peek() != ',' {
				return fmt.Errorf("neither , nor %c", closer)
			}
			s.at++
			s.space()
			if kept {
				s.out = append(s.out, ',')
			}
		}
		if opener == '{' {
			if err := s.nameThrough(kept, &o); err != nil {
				return err
			}
		}
		if err := s.valueThrough(kept, depth+1); err != nil {
			return err
		}
		if err := s.flush(outSize); err != nil {
			return err
		}
		s.space()
	}
	s.at++
	s.names, s.kept = s.names[:o.first], s.kept[:o.text]
	if kept {
		s.out = append(s.out, closer)
	}
	return nil
}

func (s *scanner) nameThrough(kept bool, o *object) error {
	raw, name, err := s.memberName()
	if err != nil {
		return err
	}
	if err := s.add(o, name); err != nil {
		return err
	}
	if kept {
		s.out = append(append(s.out, raw...), ':')
	}
	return s.colon()
}

func (s *scanner) valueThrough(kept bool, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	switch c := s.peek(); c {
	case '{', '[':
		return s.through(kept, depth, c)
	case '"':
		return s.passText(kept)
	}
	word, err := s.word()
	if err == nil && kept {
		s.out = append(s.out, word...)
	}
	return err
}

func (s *scanner) element(to *step, depth int, written *bool) error {
	return s.value(to.element(), depth+1, place{written: written})
}
