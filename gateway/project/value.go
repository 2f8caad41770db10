package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Value reads a JSON document as strictly as Apply does, and gives its value:
// nil, bool, string, json.Number, []any or map[string]any.
func Value(document []byte) (any, error) {
	if !utf8.Valid(document) {
		return nil, &Fault{Reason: notUTF8}
	}
	s := scanner{in: document}
	s.space()
	value, err := s.read(0)
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", s.at, err)
	}
	s.space()
	if s.at != len(document) {
		return nil, fmt.Errorf("byte %d: something follows the value", s.at)
	}
	return value, nil
}

// read reads one value.
func (s *scanner) read(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	switch s.peek() {
	case '{':
		return s.readObject(depth)
	case '[':
		return s.readArray(depth)
	case '"':
		return s.text()
	}
	word, err := s.word()
	if err != nil {
		return nil, err
	}
	switch word := string(word); word {
	case "null":
		return nil, nil
	case "true", "false":
		return word == "true", nil
	default:
		return json.Number(word), nil
	}
}

func (s *scanner) readObject(depth int) (any, error) {
	members := map[string]any{}
	return members, s.list('}', func() error {
		_, text, err := s.memberName()
		if err != nil {
			return err
		}
		name := string(text)
		if _, twice := members[name]; twice {
			return errTwice
		}
		if err := s.colon(); err != nil {
			return err
		}
		members[name], err = s.read(depth + 1)
		return err
	})
}

func (s *scanner) readArray(depth int) (any, error) {
	elements := []any{}
	err := s.list(']', func() error {
		value, err := s.read(depth + 1)
		elements = append(elements, value)
		return err
	})
	return elements, err
}

// list reads what stands between an opening bracket, which is here, and closer.
func (s *scanner) list(closer byte, one func() error) error {
	s.at++
	s.space()
	if s.peek() == closer {
		s.at++
		return nil
	}
	for {
		s.space()
		if err := one(); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case closer:
			s.at++
			return nil
		case ',':
			s.at++
		default:
			return fmt.Errorf("neither , nor %c", closer)
		}
	}
}

// memberName reads the name of a member: as it stands, good until more is
// read, and what it says.
func (s *scanner) memberName() (raw, name []byte, err error) {
	if s.peek() != '"' {
		return nil, nil, errors.New("a member has no name")
	}
	raw, escaped, err := s.rawText()
	switch {
	case err != nil:
		return nil, nil, err
	case !escaped:
		return raw, raw[1 : len(raw)-1], nil
	}
	text, err := unescaped(raw)
	return raw, []byte(text), err
}

// text reads a string and gives what it says.
func (s *scanner) text() (string, error) {
	raw, escaped, err := s.rawText()
	switch {
	case err != nil:
		return "", err
	case escaped:
		return unescaped(raw)
	}
	return string(raw[1 : len(raw)-1]), nil
}

var errTwice = errors.New("an object has a name twice")

// colon reads what stands between a member's name and its value.
func (s *scanner) colon() error {
	s.space()
	if s.peek() != ':' {
		return errors.New("a name has no colon")
	}
	s.at++
	s.space()
	return nil
}
