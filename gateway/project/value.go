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
		return nil, errors.New("not UTF-8")
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
	start := s.at
	switch s.peek() {
	case '{':
		return s.readObject(depth)
	case '[':
		return s.readArray(depth)
	case '"':
		return s.text()
	}
	if err := s.word(); err != nil {
		return nil, err
	}
	switch word := string(s.in[start:s.at]); word {
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
		name, err := s.name()
		if err != nil {
			return err
		}
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

// name reads the name of a member.
func (s *scanner) name() (string, error) {
	if s.peek() != '"' {
		return "", errors.New("a member has no name")
	}
	return s.text()
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
