// Package project answers which part of a JSON or XML answer an agreement lets
// through, and what of it masked: a filter by field paths that refuses what it
// cannot read exactly.
package project

import (
	"errors"
	"fmt"
	"maps"
	"slices"
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
	key  []byte // of hashes

	hashes bool // some are made
}

// step is a place in the answer: kept with all beneath it, or on the way to
// places that are.
type step struct {
	all     bool
	guards  bool // something beneath is masked, so nothing of another shape is kept
	mask    Mask // what the value here leaves as; "": open
	members map[string]*step
	few     []member // the members, where they are few enough to look through
	each    *step    // the elements of an array
}

type member struct {
	name string
	to   *step
}

// fewMembers is up to how many are looked through.
const fewMembers = 8

// whole keeps everything.
var whole = &step{all: true}

// Masked is a field that leaves masked, wherever an agreed field covers it.
type Masked struct {
	Path string `json:"path"` // as of an agreed field
	Mask Mask   `json:"mask"`
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
	f.root.settle(false)
	f.root.finish()
	return f, nil
}

// CompileMasked makes a filter as Compile does, of which some of what it keeps
// is masked. It fails too for what is no mask, and for one of the whole document.
func CompileMasked(fields []string, masks []Masked) (*Filter, error) {
	f, err := Compile(fields)
	if err != nil || len(masks) == 0 {
		return f, err
	}
	if len(masks) > maxFields {
		return nil, fmt.Errorf("more than %d masks", maxFields)
	}
	for _, m := range masks {
		tokens, err := parse(m.Path)
		if err == nil && len(tokens) == 0 {
			err = errors.New("the whole document cannot be masked")
		}
		if err == nil {
			_, err = ParseMask(string(m.Mask))
		}
		if err != nil {
			return nil, fmt.Errorf("mask of %q: %w", m.Path, err)
		}
		f.root.guard(tokens, m.Mask)
		f.hashes = f.hashes || m.Mask == maskHash
	}
	f.root.finish()
	return f, nil
}

// finish makes members found fast.
func (s *step) finish() {
	s.few = nil
	if len(s.members) <= fewMembers {
		for _, name := range slices.Sorted(maps.Keys(s.members)) {
			s.few = append(s.few, member{name, s.members[name]})
		}
	}
	for _, inner := range s.members {
		inner.finish()
	}
	if s.each != nil {
		s.each.finish()
	}
}

// settle says of each place beneath one that is kept whole that it is too.
func (s *step) settle(all bool) {
	s.all = s.all || all
	for _, member := range s.members {
		member.settle(s.all)
	}
	if s.each != nil {
		s.each.settle(s.all)
	}
}

// guard masks the place that tokens lead to, and reports whether it is kept:
// else there is nothing to mask.
func (s *step) guard(tokens []string, m Mask) bool {
	if len(tokens) == 0 {
		if s.all {
			s.mask = m
		}
		return s.all
	}
	token, inner := tokens[0], s.each
	if token != "*" {
		inner = s.members[token]
	}
	if inner == nil && !s.all {
		return false
	}
	if inner == nil {
		inner = s.next(token)
		inner.all = true
	}
	found := inner.guard(tokens[1:], m)
	s.guards = s.guards || found
	return found
}

// Keyed is the filter with the key that its hashes are made with.
func (f *Filter) Keyed(key []byte) *Filter {
	keyed := *f
	keyed.key = key
	return &keyed
}

// Hashes reports whether it needs a key.
func (f *Filter) Hashes() bool { return f.hashes }

// member is the place of an object's member.
func (s *step) member(name []byte) *step {
	if s.few == nil {
		if inner := s.members[string(name)]; inner != nil {
			return inner
		}
	}
	for i := range s.few {
		if s.few[i].name == string(name) {
			return s.few[i].to
		}
	}
	if s.all {
		return whole
	}
	return none
}

// element is the place of an array's elements.
func (s *step) element() *step {
	if s.each != nil {
		return s.each
	}
	if s.all {
		return whole
	}
	return none
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
func (f *Filter) Whole() bool { return f.root.all && !f.root.guards }

// Covers reports whether the filter keeps the field at a path, with all
// beneath it, and no value of it masked.
func (f *Filter) Covers(field string) bool {
	tokens, err := parse(field)
	if err != nil {
		return false
	}
	at := &f.root
	for _, token := range tokens {
		if at.all && !at.guards {
			return true
		}
		if at.all {
			at = at.within(token)
			continue
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
	for at.guards && at.each != nil {
		at = at.each // a list goes by its elements
	}
	return at.all && at.mask == ""
}

// within is the place that a token of a path leads to.
func (s *step) within(token string) *step {
	if token == "*" {
		return s.element()
	}
	return s.member([]byte(token))
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
	if strings.IndexByte(token, '~') < 0 {
		return token, nil
	}
	bare := strings.NewReplacer("~0", "", "~1", "").Replace(token)
	if strings.Contains(bare, "~") {
		return "", errors.New("~ is written ~0, / is written ~1")
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~"), nil
}
