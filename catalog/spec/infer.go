package spec

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// maxInferred is how many members an object may have before its names are
// taken for keys of a table, not of a form.
const maxInferred = 300

// shape is what several sample values have in common. The zero shape has seen none.
type shape struct {
	kinds   []string // JSON's types that were seen, null too; integer and number are told apart
	format  string   // of every text seen; "-" when they differ
	seen    int      // objects
	names   []string // of members, in the order they came
	members map[string]*shape
	in      map[string]int // in how many objects a member was
	items   *shape         // of all elements of all arrays
}

// add takes one more sample.
func (s *shape) add(n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		s.kind("object")
		s.seen++
		if s.members == nil {
			s.members, s.in = map[string]*shape{}, map[string]int{}
		}
		given := map[string]bool{}
		for key, value := range pairs(n) {
			if key.Value == "$ref" || key.Value == "*" {
				continue // no schema can name them
			}
			m := s.members[key.Value]
			if m == nil {
				m = &shape{}
				s.members[key.Value] = m
				s.names = append(s.names, key.Value)
			}
			if m.add(value); !given[key.Value] {
				given[key.Value] = true
				s.in[key.Value]++
			}
		}
	case yaml.SequenceNode:
		s.kind("array")
		if s.items == nil {
			s.items = &shape{}
		}
		for _, child := range n.Content {
			s.items.add(child)
		}
	default:
		s.scalar(n)
	}
}

func (s *shape) scalar(n *yaml.Node) {
	switch n.ShortTag() {
	case "!!null":
		s.kind("null")
	case "!!bool":
		s.kind("boolean")
	case "!!int", "!!float":
		if strings.ContainsAny(n.Value, ".eE") {
			s.kind("number")
			return
		}
		s.kind("integer")
	default:
		s.kind("string")
		format := formatOf(n.Value)
		if s.format == "" {
			s.format = format
		} else if s.format != format {
			s.format = "-"
		}
	}
}

func (s *shape) kind(kind string) {
	if !slices.Contains(s.kinds, kind) {
		s.kinds = append(s.kinds, kind)
	}
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// formatOf is the format of a text as OpenAPI names it, "-" for none.
func formatOf(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return "date"
	}
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return "date-time"
	}
	if uuidForm.MatchString(text) {
		return "uuid"
	}
	return "-"
}

// schema is the OpenAPI 3.0 schema that every sample keeps to. A member is
// required when every object had it.
func (s *shape) schema() *yaml.Node {
	kinds := slices.DeleteFunc(slices.Clone(s.kinds), func(k string) bool { return k == "null" })
	if len(kinds) == 2 && slices.Contains(kinds, "integer") && slices.Contains(kinds, "number") {
		kinds = []string{"number"}
	}
	nullable := len(s.kinds) > 0 && slices.Contains(s.kinds, "null")
	n := tree.Map()
	if len(kinds) == 1 {
		tree.Put(n, "type", kinds[0])
		if nullable {
			tree.Put(n, "nullable", true)
		}
	}
	if len(kinds) != 1 {
		return n // nothing was seen, or things that have no one type
	}
	switch kinds[0] {
	case "string":
		if s.format != "-" {
			tree.Put(n, "format", s.format)
		}
	case "array":
		tree.Put(n, "items", s.items.schema())
	case "object":
		s.object(n)
	}
	return n
}

func (s *shape) object(n *yaml.Node) {
	if len(s.names) > maxInferred {
		tree.Put(n, "additionalProperties", true)
		return
	}
	if len(s.names) == 0 {
		return
	}
	properties, required := tree.Map(), tree.List()
	for _, name := range s.names {
		if tree.Put(properties, name, s.members[name].schema()); s.in[name] == s.seen {
			required.Content = append(required.Content, tree.Text(name))
		}
	}
	tree.Put(n, "properties", properties)
	if len(required.Content) > 0 {
		tree.Put(n, "required", required)
	}
}
