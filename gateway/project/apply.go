package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrShape says that the answer is a single value where fields were agreed.
var ErrShape = errors.New("the answer is neither an object nor an array")

// Apply gives the agreed part of a JSON document (RFC 8259), member order and
// number spelling kept. A member on the way to an agreed field whose value has
// another shape than the path says is left out; null stays null. It fails for
// what two programs could read differently: bytes that are not UTF-8, a name
// twice in an object, anything after the value, nesting deeper than MaxDepth.
func (f *Filter) Apply(document []byte) ([]byte, error) {
	if !utf8.Valid(document) {
		return nil, errors.New("not UTF-8")
	}
	s := scanner{in: document, out: make([]byte, 0, min(len(document), 4096))}
	s.space()
	kept, err := s.value(&f.root, 0)
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", s.at, err)
	}
	s.space()
	if s.at != len(document) {
		return nil, fmt.Errorf("byte %d: something follows the value", s.at)
	}
	if !kept {
		return nil, ErrShape
	}
	return s.out, nil
}

// none keeps nothing: what is skipped is read as strictly as what is kept.
var none = &step{}

type scanner struct {
	in  []byte
	at  int
	out []byte
}

// value reads one value and writes what to keeps of it; false when it keeps none.
func (s *scanner) value(to *step, depth int) (bool, error) {
	if depth > MaxDepth {
		return false, fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	start := s.at
	switch c := s.peek(); {
	case c == '{' || c == '[':
		return s.container(to, depth, c)
	case c == '"':
		if _, err := s.text(); err != nil {
			return false, err
		}
	default:
		if err := s.word(); err != nil {
			return false, err
		}
	}
	if to.all || to != none && bytes.Equal(s.in[start:s.at], []byte("null")) {
		s.out = append(s.out, s.in[start:s.at]...)
		return true, nil
	}
	return false, nil
}

// container reads an object or an array, whichever opens here.
func (s *scanner) container(to *step, depth int, opener byte) (bool, error) {
	mark := len(s.out)
	closer, read := byte('}'), s.member
	if opener == '[' {
		closer, read = ']', s.element
	}
	fitting := to.all || opener == '{' && (to.members != nil || to.each == nil) || opener == '[' && (to.each != nil || to.members == nil)
	if !fitting {
		to = none
	}
	s.at++
	s.out = append(s.out, opener)
	var seen names
	for first := true; ; first = false {
		s.space()
		if s.peek() == closer && first {
			break
		}
		if err := read(to, depth, &seen); err != nil {
			return false, err
		}
		s.space()
		if s.peek() == closer {
			break
		}
		if s.peek() != ',' {
			return false, fmt.Errorf("neither , nor %c", closer)
		}
		s.at++
	}
	s.at++
	if to == none {
		s.out = s.out[:mark]
		return false, nil
	}
	s.out = append(s.out, closer)
	return true, nil
}

func (s *scanner) member(to *step, depth int, seen *names) error {
	start, mark := s.at, len(s.out)
	name, err := s.name()
	if err != nil {
		return err
	}
	if !seen.add(name) {
		return errTwice
	}
	raw := s.in[start:s.at]
	if err := s.colon(); err != nil {
		return err
	}
	inner := to
	if !to.all {
		if inner = to.members[name]; inner == nil {
			inner = none
		}
	}
	s.separate()
	s.out = append(append(s.out, raw...), ':')
	kept, err := s.value(inner, depth+1)
	if !kept {
		s.out = s.out[:mark]
	}
	return err
}

func (s *scanner) element(to *step, depth int, _ *names) error {
	inner := to
	if !to.all {
		if inner = to.each; inner == nil {
			inner = none
		}
	}
	mark := len(s.out)
	s.separate()
	kept, err := s.value(inner, depth+1)
	if !kept {
		s.out = s.out[:mark]
	}
	return err
}

// separate writes a comma unless this is the first in its container.
func (s *scanner) separate() {
	if last := s.out[len(s.out)-1]; last != '{' && last != '[' {
		s.out = append(s.out, ',')
	}
}

// text reads a string and gives it unescaped.
func (s *scanner) text() (string, error) {
	start := s.at
	s.at++
	escaped := false
	for s.at < len(s.in) {
		switch c := s.in[s.at]; {
		case c == '"':
			s.at++
			if !escaped {
				return string(s.in[start+1 : s.at-1]), nil
			}
			var text string
			if err := json.Unmarshal(s.in[start:s.at], &text); err != nil {
				return "", errors.New("a string with a wrong escape")
			}
			return text, nil
		case c == '\\':
			escaped = true
			s.at += 2
		case c < 0x20:
			return "", errors.New("a control character in a string")
		default:
			s.at++
		}
	}
	s.at = len(s.in)
	return "", errors.New("a string without its end")
}

// word reads a number, true, false or null.
func (s *scanner) word() error {
	start := s.at
	for s.at < len(s.in) && isWord(s.in[s.at]) {
		s.at++
	}
	if s.at == start {
		return errors.New("no value")
	}
	if !json.Valid(s.in[start:s.at]) {
		return errors.New("no number, true, false or null")
	}
	return nil
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'
}

func (s *scanner) space() {
	for s.at < len(s.in) && (s.in[s.at] == ' ' || s.in[s.at] == '\t' || s.in[s.at] == '\n' || s.in[s.at] == '\r') {
		s.at++
	}
}

// peek is the byte here, 0 at the end: no value begins or ends with it.
func (s *scanner) peek() byte {
	if s.at < len(s.in) {
		return s.in[s.at]
	}
	return 0
}

// names are the names an object has so far: a list while short, then a set.
type names struct {
	few  []string
	many map[string]bool
}

func (n *names) add(name string) bool {
	if n.many != nil {
		if n.many[name] {
			return false
		}
		n.many[name] = true
		return true
	}
	for _, old := range n.few {
		if old == name {
			return false
		}
	}
	if n.few = append(n.few, name); len(n.few) > 16 {
		n.many = make(map[string]bool, 64)
		for _, old := range n.few {
			n.many[old] = true
		}
	}
	return true
}
