package project

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"
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
	if !utf8.Valid(document) {
		return nil, &Fault{Reason: notUTF8}
	}
	s := scanner{in: document, out: make([]byte, 0, min(len(document), 4096))}
	if err := s.document(&f.root); err != nil {
		return nil, err
	}
	return s.out, nil
}

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
}

// Stream does as Apply does, with a document of any length as it comes, in
// memory that does not grow with it: besides it fails for a name or a number
// longer than 64 KiB, and for open objects whose names are more than 1 MiB.
// When it fails, some of what is agreed may be written already.
func (f *Filter) Stream(to io.Writer, from io.Reader) error {
	r := rooms.Get().(*room)
	defer rooms.Put(r)
	s := scanner{buf: r.in[:], from: from, to: to, out: r.out[:0]}
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

	names [][]byte // of the objects that are open, the innermost's last
	kept  []byte   // the text of those, where in moves on
	key   []byte   // the name of the member that is read, as it came
}

// document reads the one value there is.
func (s *scanner) document(root *step) error {
	kept := false
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
		if !to.fits(c) {
			return s.container(none, depth, c)
		}
		if to != none {
			s.begin(in)
		}
		return s.container(to, depth, c)
	case '"':
		if to.all {
			s.begin(in)
		}
		return s.passText(to.all)
	}
	word, err := s.word()
	if err == nil && (to.all || to != none && string(word) == "null") {
		s.begin(in)
		s.out = append(s.out, word...)
	}
	return err
}

// fits reports whether what opens with a bracket has the shape of the step.
func (t *step) fits(opener byte) bool {
	if opener == '{' {
		return t.all || t.members != nil || t.each == nil
	}
	return t.all || t.each != nil || t.members == nil
}

// container reads an object or an array, whichever opens here.
func (s *scanner) container(to *step, depth int, opener byte) error {
	write := func(c byte) {
		if to != none {
			s.out = append(s.out, c)
		}
	}
	closer := byte('}')
	if opener == '[' {
		closer = ']'
	}
	write(opener)
	o := object{first: len(s.names), text: len(s.kept)}
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
	write(closer)
	return nil
}

func (s *scanner) member(to *step, depth int, o *object, written *bool) error {
	raw, name, err := s.nextName(o)
	if err != nil {
		return err
	}
	inner := to
	if !to.all {
		if inner = to.members[string(name)]; inner == nil {
			inner = none
		}
	}
	if err := s.colon(); err != nil {
		return err
	}
	return s.value(inner, depth+1, place{written, raw})
}

// nextName reads the name of a member of an open object, which it is not to
// have yet: as it came, good until the next name, and what it says.
func (s *scanner) nextName(o *object) (raw, name []byte, err error) {
	if raw, name, err = s.memberName(); err != nil {
		return nil, nil, err
	}
	if s.buf != nil { // in may move on before the name is compared, and before it is written
		s.kept = append(s.kept, name...)
		name = s.kept[len(s.kept)-len(name):]
		s.key = append(s.key[:0], raw...)
		raw = s.key
		if len(s.kept) > maxNames {
			return nil, nil, fmt.Errorf("the names of open objects are more than %d bytes", maxNames)
		}
	}
	if !s.add(o, name) {
		return nil, nil, errTwice
	}
	return raw, name, nil
}

// object is one that is open.
type object struct {
	first int             // of its names, in the scanner's
	text  int             // where their text begins
	many  map[string]bool // its names, once they are many
}

// add notes a name of an object; false when it is there already.
func (s *scanner) add(o *object, name []byte) bool {
	if o.many != nil {
		if o.many[string(name)] {
			return false
		}
		o.many[string(name)] = true
		return true
	}
	for _, other := range s.names[o.first:] {
		if bytes.Equal(other, name) {
			return false
		}
	}
	s.names = append(s.names, name)
	if few := s.names[o.first:]; len(few) > 16 {
		o.many = make(map[string]bool, 64)
		for _, name := range few {
			o.many[string(name)] = true
		}
	}
	return true
}

func (s *scanner) element(to *step, depth int, written *bool) error {
	inner := to
	if !to.all {
		if inner = to.each; inner == nil {
			inner = none
		}
	}
	return s.value(inner, depth+1, place{written: written})
}

// rawText reads a string and gives it as it stands, good until more is read,
// and whether there are escapes in it, of which none is checked.
func (s *scanner) rawText() (raw []byte, escaped bool, err error) {
	start := s.at
	s.at++
	for {
		for s.at < len(s.in) {
			s.at = plainTo(s.in, s.at)
			if s.at == len(s.in) {
				break
			}
			switch s.in[s.at] {
			case '"':
				s.at++
				return s.in[start:s.at], escaped, nil
			case '\\':
				escaped = true
				s.at += 2
			default:
				return nil, false, errControl
			}
		}
		if !s.more(&start) {
			s.at = len(s.in)
			return nil, false, errNoEnd
		}
	}
}

// plainTo is where the first byte from at on is that means something in a
// string: ", \\ or a control character. Eight bytes are looked at together.
func plainTo(text []byte, at int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; at+8 <= len(text); at += 8 {
		w := binary.LittleEndian.Uint64(text[at:])
		quotes, strokes := w^'"'*ones, w^'\\'*ones
		if found := ((quotes-ones)&^quotes | (strokes-ones)&^strokes | (w-0x20*ones)&^w) & tops; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for at < len(text) && text[at] >= 0x20 && text[at] != '"' && text[at] != '\\' {
		at++
	}
	return at
}

// unescaped is what a string that rawText read says.
func unescaped(raw []byte) (string, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", errEscape
	}
	return text, nil
}

var (
	errEscape  = errors.New("a string with a wrong escape")
	errControl = errors.New("a control character in a string")
	errNoEnd   = errors.New("a string without its end")
)

// passText reads a string, however long, and writes it as it stands.
func (s *scanner) passText(kept bool) error {
	start := s.at
	s.at++
	for {
		for s.at < len(s.in) {
			if s.at = plainTo(s.in, s.at); s.at == len(s.in) {
				break
			}
			switch s.in[s.at] {
			case '"':
				s.at++
				s.pass(kept, start)
				return nil
			case '\\':
			default:
				return errControl
			}
			if s.at+longestEscape > len(s.in) { // the window may have to move on
				s.pass(kept, start)
				start = s.at
			}
			if err := s.escape(&start); err != nil {
				return err
			}
		}
		s.pass(kept, start)
		if err := s.flush(outSize); err != nil {
			return err
		}
		if start = s.at; !s.more(&start) {
			return errNoEnd
		}
	}
}

func (s *scanner) pass(kept bool, start int) {
	if kept {
		s.out = append(s.out, s.in[start:s.at]...)
	}
}

const longestEscape = len(`\u0000`)

// escape reads what follows a backslash, which is here.
func (s *scanner) escape(start *int) error {
	for length := 2; ; {
		for s.at+length > len(s.in) {
			if !s.more(start) {
				return errNoEnd
			}
		}
		switch c := s.in[s.at+1]; {
		case c == 'u' && length == 2:
			length = longestEscape
			continue
		case c == 'u' && !allHex(s.in[s.at+2:s.at+longestEscape]), c != 'u' && !isEscape[c]:
			return errEscape
		}
		s.at += length
		return nil
	}
}

var isEscape = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}

func allHex(text []byte) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// word reads a number, true, false or null, good until more is read.
func (s *scanner) word() ([]byte, error) {
	start := s.at
	for {
		for s.at < len(s.in) && isWord(s.in[s.at]) {
			s.at++
		}
		if s.at < len(s.in) || !s.more(&start) {
			break
		}
	}
	if s.at == start {
		return nil, errors.New("no value")
	}
	word := s.in[start:s.at]
	if !isNumber(word) && string(word) != "null" && string(word) != "true" && string(word) != "false" {
		return nil, errors.New("no number, true, false or null")
	}
	return word, nil
}

// isNumber reports whether a text is a number (RFC 8259 §6).
func isNumber(text []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(text) && '0' <= text[n] && text[n] <= '9' {
			n++
		}
		text = text[n:]
		return n > 0
	}
	begins := func(with string) bool {
		if len(text) == 0 || strings.IndexByte(with, text[0]) < 0 {
			return false
		}
		text = text[1:]
		return true
	}
	begins("-")
	if !begins("0") && !digits() {
		return false
	}
	if begins(".") && !digits() {
		return false
	}
	if begins("eE") {
		begins("+-")
		if !digits() {
			return false
		}
	}
	return len(text) == 0
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'
}

func (s *scanner) space() {
	for {
		for s.at < len(s.in) && (s.in[s.at] == ' ' || s.in[s.at] == '\t' || s.in[s.at] == '\n' || s.in[s.at] == '\r') {
			s.at++
		}
		at := s.at
		if s.at < len(s.in) || !s.more(&at) {
			return
		}
	}
}

// peek is the byte here, 0 at the end: no value begins or ends with it. It
// stands behind space.
func (s *scanner) peek() byte {
	if s.at < len(s.in) {
		return s.in[s.at]
	}
	return 0
}
