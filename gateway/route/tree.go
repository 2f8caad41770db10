package route

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unique"
)

// Bounds of a template, so that no table can be made dear to match.
const (
	maxSegments  = 32
	maxVariables = 4 // in one segment
)

// Tree finds the operation of a path among the path templates of one version
// (OpenAPI 3.1 §4.8.8.2: literal segments win over templated ones). T is what
// the caller keeps of an operation. A Tree that is filled is safe for
// concurrent use.
type Tree[T any] struct {
	root node[T]
}

type node[T any] struct {
	literal map[string]*node[T]
	mixed   []*mixed[T] // {id}.json, {a}-{b}
	any     *node[T]    // {id}
	methods []method[T]
	allow   string
}

// method is an operation by its method. They are few: a list is read faster
// than a map.
type method[T any] struct {
	name      string
	operation T
}

// mixed is a segment of texts with variables between them.
type mixed[T any] struct {
	pattern string
	texts   []string // one more than there are variables
	next    *node[T]
}

// Add puts a template into the tree, by the name of its method. It fails for a template that is
// malformed, and for one that another of the same method already is.
func (t *Tree[T]) Add(name, template string, operation T) error {
	segments, err := parse(template)
	if err != nil {
		return fmt.Errorf("path template %q: %w", template, err)
	}
	n := &t.root
	for _, s := range segments {
		n = n.child(s)
	}
	if _, taken := n.by(name); taken {
		return fmt.Errorf("path template %q: %s is there already, by this or an equal template", template, name)
	}
	n.methods = append(n.methods, method[T]{shared(name), operation})
	n.allow = n.allowed()
	return nil
}

// shared gives a text that is equal, and one for all trees: the methods and
// segments of many versions are the same few.
func shared(text string) string { return unique.Make(text).Value() }

// by gives the operation of a method.
func (n *node[T]) by(name string) (operation T, ok bool) {
	for i := range n.methods {
		if n.methods[i].name == name {
			return n.methods[i].operation, true
		}
	}
	return operation, false
}

func (n *node[T]) child(s segment) *node[T] {
	if len(s.texts) == 1 {
		if n.literal == nil {
			n.literal = map[string]*node[T]{}
		}
		if n.literal[s.texts[0]] == nil {
			n.literal[shared(s.texts[0])] = &node[T]{}
		}
		return n.literal[s.texts[0]]
	}
	if s.pattern == "{}" {
		if n.any == nil {
			n.any = &node[T]{}
		}
		return n.any
	}
	for _, m := range n.mixed {
		if m.pattern == s.pattern {
			return m.next
		}
	}
	m := &mixed[T]{pattern: s.pattern, texts: s.texts, next: &node[T]{}}
	n.mixed = append(n.mixed, m)
	return m.next
}

// allowed is the Allow header's value.
func (n *node[T]) allowed() string {
	names := []string{http.MethodOptions}
	for _, m := range n.methods {
		names = append(names, m.name)
	}
	if slices.Contains(names, http.MethodGet) && !slices.Contains(names, http.MethodHead) {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// Match finds the operation of a canonical path. A path no template fits gives
// no allow; one that fits but not by this method gives the Allow header's value
// and false. HEAD is answered by GET's operation.
func (t *Tree[T]) Match(method, path string) (operation T, allow string, ok bool) {
	if path == "" || path[0] != '/' {
		return operation, "", false
	}
	n := t.root.find(path[1:])
	if n == nil {
		return operation, "", false
	}
	operation, ok = n.by(method)
	if !ok && method == http.MethodHead {
		operation, ok = n.by(http.MethodGet)
	}
	return operation, n.allow, ok
}

// find gives the node where rest ends. A node is visited at most once: its
// depth says which segment it is asked for.
func (n *node[T]) find(rest string) *node[T] {
	head, tail, more := strings.Cut(rest, "/")
	if c := n.literal[head]; c != nil {
		if found := c.step(tail, more); found != nil {
			return found
		}
	}
	for _, m := range n.mixed {
		if _, ok := values(m.texts, head); ok {
			if found := m.next.step(tail, more); found != nil {
				return found
			}
		}
	}
	if n.any != nil && head != "" {
		return n.any.step(tail, more)
	}
	return nil
}

func (n *node[T]) step(tail string, more bool) *node[T] {
	if more {
		return n.find(tail)
	}
	if n.methods == nil {
		return nil
	}
	return n
}

// values gives what stands between the texts when s is the texts in order with
// something between them. No text is found inside a percent-encoding.
func values(texts []string, s string) ([]string, bool) {
	rest, ok := strings.CutPrefix(s, texts[0])
	if !ok {
		return nil, false
	}
	last := len(texts) - 1
	found := make([]string, 0, last)
	for _, text := range texts[1:last] {
		i := 1
		for ; i < len(rest); i++ {
			if whole(rest, i) && strings.HasPrefix(rest[i:], text) {
				break
			}
		}
		if i >= len(rest) {
			return nil, false
		}
		found, rest = append(found, rest[:i]), rest[i+len(text):]
	}
	end := len(rest) - len(texts[last])
	if end < 1 || !strings.HasSuffix(rest, texts[last]) || !whole(rest, end) {
		return nil, false
	}
	return append(found, rest[:end]), true
}

// whole reports whether s may be cut before byte i: not within a %XX.
func whole(s string, i int) bool {
	return s[i-1] != '%' && (i < 2 || s[i-2] != '%')
}

// segment is one part of a template: texts with variables between them.
type segment struct {
	pattern string
	texts   []string
	names   []string
}

// parse reads a template. Its literal text is put into canonical encoding, so
// that it equals what Canonical gives.
func parse(template string) ([]segment, error) {
	rest, ok := strings.CutPrefix(template, "/")
	if !ok {
		return nil, ErrForm
	}
	parts := strings.Split(rest, "/")
	if len(parts) > maxSegments {
		return nil, fmt.Errorf("more than %d segments", maxSegments)
	}
	segments := make([]segment, len(parts))
	named := map[string]bool{}
	for i, part := range parts {
		s, err := parseSegment(part)
		if err != nil {
			return nil, err
		}
		if part == "" && i < len(parts)-1 {
			return nil, ErrEmpty
		}
		for _, name := range s.names {
			if named[name] {
				return nil, fmt.Errorf("the variable %s stands there twice", name)
			}
			named[name] = true
		}
		segments[i] = s
	}
	return segments, nil
}

func parseSegment(part string) (segment, error) {
	var s segment
	for {
		text, after, variable := strings.Cut(part, "{")
		if strings.Contains(text, "}") {
			return s, fmt.Errorf("a } without its {")
		}
		literal, err := encode(text)
		if err != nil {
			return s, err
		}
		s.texts = append(s.texts, literal)
		if !variable {
			break
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed || name == "" || strings.Contains(name, "{") {
			return s, fmt.Errorf("a { without its name and }")
		}
		s.names = append(s.names, name)
		part = rest
	}
	if len(s.names) > maxVariables {
		return s, fmt.Errorf("more than %d variables in a segment", maxVariables)
	}
	for _, text := range s.texts[1:max(1, len(s.texts)-1)] {
		if text == "" {
			return s, fmt.Errorf("two variables with nothing between them")
		}
	}
	if s.texts[0] == "." || s.texts[0] == ".." {
		return s, ErrDot
	}
	s.pattern = strings.Join(s.texts, "{}")
	return s, nil
}

// encode puts a template's text, encoded or not, into canonical encoding.
func encode(text string) (string, error) {
	decoded, err := url.PathUnescape(text)
	if err != nil {
		return "", ErrEncoding
	}
	var b strings.Builder
	for i := 0; i < len(decoded); i++ {
		c := decoded[i]
		if refuseByte(c) == nil && c != '/' {
			b.WriteByte(c)
			continue
		}
		if err := refuseEncoded(c); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String(), nil
}

// Variable gives the value, decoded, that the variable called name has when
// template fits the canonical path; false when it has none.
func Variable(template, name, path string) (string, bool) {
	segments, err := parse(template)
	if err != nil {
		return "", false
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) != len(segments) {
		return "", false
	}
	for i, s := range segments {
		for k, variable := range s.names {
			if variable != name {
				continue
			}
			if found, ok := values(s.texts, parts[i]); ok {
				value, err := url.PathUnescape(found[k])
				return value, err == nil
			}
		}
	}
	return "", false
}
