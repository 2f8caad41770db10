package project

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/bits"
)

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
		for s.at < len(s.in) && isWord[s.in[s.at]] {
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
	at := 0
	digits := func() bool {
		from := at
		for at < len(text) && text[at]-'0' < 10 {
			at++
		}
		return at > from
	}
	if at < len(text) && text[at] == '-' {
		at++
	}
	zero := at < len(text) && text[at] == '0'
	if from := at; !digits() || zero && at > from+1 {
		return false
	}
	if at < len(text) && text[at] == '.' {
		if at++; !digits() {
			return false
		}
	}
	if at < len(text) && (text[at] == 'e' || text[at] == 'E') {
		if at++; at < len(text) && (text[at] == '+' || text[at] == '-') {
			at++
		}
		if !digits() {
			return false
		}
	}
	return at == len(text)
}

// isWord has the bytes that numbers, true, false and null are of.
var isWord = func() (of [256]bool) {
	for c := range of {
		of[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'
	}
	return of
}()

func (s *scanner) space() {
	if s.at < len(s.in) && s.in[s.at] > ' ' {
		return
	}
	s.spaces()
}

func (s *scanner) spaces() {
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
