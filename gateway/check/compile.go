package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// node is a compiled Schema. A nil node takes every value.
type node struct {
	never    bool
	nullable bool
	kinds    kindSet // 0: every kind
	enum     *enum

	minimum, maximum, above, below *float64
	multipleOf                     float64

	minLength, maxLength int // -1: no most
	pattern              *pattern
	text                 func(string) bool
	number               func(json.Number) bool

	first              []*node
	items              *node
	minItems, maxItems int
	unique             bool

	members                []member // in order of name
	patterned              []patterned
	others                 *node
	minMembers, maxMembers int

	allOf, oneOf, anyOf []*node
	not                 *node
	discriminator       *Discriminator

	readOnly, writeOnly bool

	about *about
}

// about is what a node and all that is asked with it about the same value say of
// the members together.
type about struct {
	named map[string]bool    // members
	open  bool               // further ones are foreseen, or not known
	free  [2]map[string]bool // by direction: members that are not required in it
}

// The directions of a body.
const (
	inRequest = iota
	inAnswer
)

// member is a member that an object may have, or has to.
type member struct {
	name, pointer string // pointer: escaped (RFC 6901 §3)
	schema        *node
	required      bool
	named         bool // not only required
	writeOnly     bool
}

type patterned struct {
	pattern *pattern
	schema  *node
}

// pattern is an expression and what trying it costs, in steps for 1,024 bytes.
type pattern struct {
	*regexp.Regexp
	cost int
}

// kindSet is a set of kinds of values.
type kindSet uint8

// The kinds of values.
const (
	kindNull kindSet = 1 << iota
	kindBoolean
	kindInteger
	kindNumber
	kindText
	kindArray
	kindObject
)

// enum are the values that a schema lists.
type enum struct {
	texts  map[string]bool
	others []any
}

type compiler struct {
	document *Document
	named    map[string]*node
	patterns map[string]*pattern
	programs int     // instructions of all patterns
	nodes    []*node // all of them
}

// maxPrograms is how many instructions the expressions of a version may have.
const maxPrograms = 200_000

// Compile makes a Document fit to check by: an Operation for each that it
// describes, by ID. It fails for what Describe does not make.
func Compile(d *Document) (map[string]*Operation, error) {
	u := untangler{document: d, cost: map[*Schema]int{}}
	if d.each(u.below); u.tangled != nil {
		return nil, errors.New("a schema has no end")
	}
	c := compiler{document: d, named: map[string]*node{}, patterns: map[string]*pattern{}}
	names := slices.Sorted(maps.Keys(d.Schemas))
	for _, name := range names {
		c.named[name] = &node{about: &about{open: true}}
	}
	for _, name := range names { // one that is only a reference is what it leads to
		if to := d.end(name); to != name {
			c.named[name] = c.named[to]
		}
	}
	for _, name := range names {
		made, err := c.schema(d.Schemas[name])
		if err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
		if made != nil && made != c.named[name] {
			*c.named[name] = *made
		}
	}
	operations := make(map[string]*Operation, len(d.Operations))
	for _, id := range slices.Sorted(maps.Keys(d.Operations)) {
		o, err := c.operation(d.Operations[id])
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", id, err)
		}
		operations[id] = o
	}
	for _, n := range c.nodes {
		n.survey()
	}
	return operations, nil
}

// end is the name of the schema that a name leads to by references alone.
func (d *Document) end(name string) string {
	for range len(d.Schemas) {
		s := d.Schemas[name]
		if s == nil || s.Ref == "" || d.Schemas[s.Ref] == nil {
			break
		}
		name = s.Ref
	}
	return name
}

var errNoSchema = errors.New("a schema refers to one that is not there")

// schema compiles a schema and all that is written within it.
func (c *compiler) schema(s *Schema) (*node, error) {
	if s == nil {
		return nil, nil
	}
	if s.Ref != "" {
		n, ok := c.named[s.Ref]
		if !ok {
			return nil, errNoSchema
		}
		return n, nil
	}
	n := &node{never: s.Never, nullable: s.Nullable, minimum: s.Minimum, maximum: s.Maximum, above: s.ExclusiveMinimum, below: s.ExclusiveMaximum,
		multipleOf: s.MultipleOf, minLength: s.MinLength, maxLength: most(s.MaxLength), text: textFormats[s.Format], number: numberFormats[s.Format],
		minItems: s.MinItems, maxItems: most(s.MaxItems), unique: s.Unique, minMembers: s.MinMembers, maxMembers: most(s.MaxMembers),
		discriminator: s.Discriminator, readOnly: s.ReadOnly, writeOnly: s.WriteOnly, kinds: kindsOf(s.Types)}
	var err error
	keep := func(one *Schema) *node {
		made, failed := c.schema(one)
		err = errors.Join(err, failed)
		return made
	}
	all := func(list []*Schema) []*node {
		var nodes []*node
		for _, one := range list {
			nodes = append(nodes, keep(one))
		}
		return nodes
	}
	n.first, n.items, n.others, n.not = all(s.First), keep(s.Items), keep(s.Others), keep(s.Not)
	n.allOf, n.oneOf, n.anyOf = all(s.AllOf), all(s.OneOf), all(s.AnyOf)
	if s.Not != nil && n.not == nil {
		n.not = &node{about: &about{open: true}}
	}
	n.members = c.members(s, keep)
	for _, text := range slices.Sorted(maps.Keys(s.Patterned)) {
		p, failed := c.pattern(text)
		err = errors.Join(err, failed)
		n.patterned = append(n.patterned, patterned{p, keep(s.Patterned[text])})
	}
	if s.Pattern != "" {
		var failed error
		n.pattern, failed = c.pattern(s.Pattern)
		err = errors.Join(err, failed)
	}
	n.enum = enumOf(s.Enum)
	n.about = &about{open: s.Open || s.Loose || s.Others != nil}
	c.nodes = append(c.nodes, n)
	if d := s.Discriminator; d != nil {
		forms := max(len(s.OneOf), len(s.AnyOf))
		for _, i := range d.Means {
			if i < 0 || i >= forms {
				err = errors.Join(err, errors.New("a discriminator means a form that is not there"))
			}
		}
	}
	return n, err
}

// members are the members that a schema names or requires, in order of name.
func (c *compiler) members(s *Schema, keep func(*Schema) *node) []member {
	names := slices.AppendSeq(slices.Clone(s.Required), maps.Keys(s.Properties))
	slices.Sort(names)
	names = slices.Compact(names)
	members := make([]member, len(names))
	for i, name := range names {
		schema, named := s.Properties[name]
		members[i] = member{name: name, pointer: escape(name), schema: keep(schema), named: named, required: slices.Contains(s.Required, name)}
	}
	return members
}

// escape is a name as a token of a JSON pointer (RFC 6901 §3).
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func (c *compiler) pattern(text string) (*pattern, error) {
	if p := c.patterns[text]; p != nil {
		return p, nil
	}
	size := instructions(text)
	if c.programs += size; size == 0 || c.programs > maxPrograms {
		return nil, errors.New("an expression is too large")
	}
	r, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("compile expression: %w", err)
	}
	p := &pattern{Regexp: r, cost: 1 + size*64}
	c.patterns[text] = p
	return p, nil
}

func kindsOf(types []string) kindSet {
	var set kindSet
	for _, name := range types {
		switch name {
		case "null":
			set |= kindNull
		case "boolean":
			set |= kindBoolean
		case "integer":
			set |= kindInteger
		case "number":
			set |= kindNumber | kindInteger
		case "string":
			set |= kindText
		case "array":
			set |= kindArray
		case "object":
			set |= kindObject
		}
	}
	return set
}

func enumOf(values []json.RawMessage) *enum {
	if len(values) == 0 {
		return nil
	}
	e := &enum{texts: map[string]bool{}}
	for _, raw := range values {
		value, err := decode(raw)
		if err != nil {
			continue // Describe wrote it
		}
		if text, is := value.(string); is {
			e.texts[text] = true
		} else {
			e.others = append(e.others, value)
		}
	}
	return e
}

func most(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

// survey gathers, for a node that a value is held to first, what it and all
// that is asked with it say of the members.
func (n *node) survey() *about {
	if n == nil {
		return &about{open: true}
	}
	if n.about.named != nil {
		return n.about
	}
	a := n.about
	a.named, a.free = map[string]bool{}, [2]map[string]bool{{}, {}}
	for i := range n.members {
		m := &n.members[i]
		a.named[m.name] = true
		if m.schema.is(func(n *node) bool { return n.readOnly }) {
			a.free[inRequest][m.name] = true
		}
		if m.writeOnly = m.schema.is(func(n *node) bool { return n.writeOnly }); m.writeOnly {
			a.free[inAnswer][m.name] = true
		}
	}
	for _, part := range slices.Concat(n.allOf, n.oneOf, n.anyOf) {
		inner := part.survey()
		a.open = a.open || inner.open
		maps.Copy(a.named, inner.named)
		for way := range a.free {
			maps.Copy(a.free[way], inner.free[way])
		}
	}
	return a
}

// is reports whether a node, or one that goes with it, has a property.
func (n *node) is(has func(*node) bool) bool {
	return n != nil && (has(n) || slices.ContainsFunc(n.allOf, func(part *node) bool { return part.is(has) }))
}
