// Package project answers which part of a JSON answer an agreement lets
// through: a filter by field paths that refuses what it cannot read exactly.
package project

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of what is projected.
const (
	MaxDepth  = 64
	maxFields = 1000
)

// Filter keeps the agreed fields of an answer. The zero Filter keeps none. It
// is safe for concurrent use.
type Filter struct {
	root step
}

// step is a place in the answer: kept with all beneath it, or on the way to
// places that are.
type step struct {
	all     bool
	members map[string]*step
	each    *step // the elements of an array
}

// Compile makes the filter of field paths: JSON pointers (RFC 6901) where the
// token * stands for each element of an array. A path covers all beneath it;
// the empty pointer is the whole document. An index is no field: /0 names a
// member called "0".
func Compile(fields []string) (*Filter, error) {
	if len(fields) > maxFields {
		return nil, fmt.Errorf("more than %d fields", maxFields)
	}
	f := &Filter{}
	for _, field := range fields {
		tokens, err := parse(field)
		if err != nil {
			return nil, err
		}
		at := &f.root
		for _, token := range tokens {
			at = at.next(token)
		}
		at.all = true
	}
	return f, nil
}

func (s *step) next(token string) *step {
	if token == "*" {
		if s.each == nil {
			s.each = &step{}
		}
		return s.each
	}
	if s.members == nil {
		s.members = map[string]*step{}
	}
	if s.members[token] == nil {
		s.members[token] = &step{}
	}
	return s.members[token]
}

// Whole reports whether the filter lets everything through.
func (f *Filter) Whole() bool { return f.root.all }

// Covers reports whether the filter keeps the field at a path, with all
// beneath it.
func (f *Filter) Covers(field string) bool {
	tokens, err := parse(field)
	if err != nil {
		return false
	}
	at := &f.root
	for _, token := range tokens {
		if at.all {
			return true
		}
		if token == "*" {
			at = at.each
		} else {
			at = at.members[token]
		}
		if at == nil {
			return false
		}
	}
	return at.all
}

// parse reads a JSON pointer; "" has no token.
func parse(field string) ([]string, error) {
	if field == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(field, "/")
	if !ok {
		return nil, fmt.Errorf("field path %q does not begin with a slash", field)
	}
	tokens := strings.Split(rest, "/")
	if len(tokens) > MaxDepth {
		return nil, fmt.Errorf("field path %q is deeper than %d", field, MaxDepth)
	}
	for i, token := range tokens {
		unescaped, err := unescape(token)
		if err != nil {
			return nil, fmt.Errorf("field path %q: %w", field, err)
		}
		tokens[i] = unescaped
	}
	return tokens, nil
}

func unescape(token string) (string, error) {
	bare := strings.NewReplacer("~0", "", "~1", "").Replace(token)
	if strings.Contains(bare, "~") {
		return "", errors.New("~ is written ~0, / is written ~1")
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~"), nil
}
