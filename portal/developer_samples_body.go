package portal

import (
	"bytes"
	"encoding/json"
	"strings"

	"lgsp/catalog"
)

// bodyOf is something to send: the document's example, or, for JSON, one put
// together from its fields.
func bodyOf(b *catalog.Body) string {
	if b.Example != "" || len(b.MediaTypes) == 0 || !strings.Contains(b.MediaTypes[0], "json") || len(b.Fields) == 0 {
		return b.Example
	}
	var top part
	for _, f := range b.Fields {
		top.put(strings.Split(strings.TrimPrefix(f.Path, "/"), "/"), f)
	}
	var text bytes.Buffer
	if json.Indent(&text, []byte(top.json()), "", "  ") != nil {
		return ""
	}
	return text.String()
}

// part is a place in a body: a value, or the parts below it in their order.
type part struct {
	field catalog.Field
	names []string
	below map[string]*part
}

func (p *part) put(path []string, f catalog.Field) {
	if len(path) == 0 {
		p.field = f
		return
	}
	next := p.below[path[0]]
	if next == nil {
		next = &part{}
		if p.below == nil {
			p.below = map[string]*part{}
		}
		p.names, p.below[path[0]] = append(p.names, path[0]), next
	}
	next.put(path[1:], f)
}

func (p *part) json() string {
	if only := p.below["*"]; only != nil {
		return "[" + only.json() + "]"
	}
	if len(p.names) > 0 {
		members := make([]string, len(p.names))
		for i, name := range p.names {
			members[i] = quote(strings.NewReplacer("~1", "/", "~0", "~").Replace(name)) + ":" + p.below[name].json()
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	return literal(p.field)
}

// literal is a value for a field: its example, its first allowed value, or the
// emptiest of its type.
func literal(f catalog.Field) string {
	value := f.Example
	if value == "" && len(f.Enum) > 0 {
		value = f.Enum[0]
	}
	empty, isPlain := map[string]string{"object": "{}", "array": "[]", "integer": "0", "number": "0", "boolean": "false"}[f.Type]
	switch {
	case !isPlain:
		return quote(value)
	case value != "" && json.Valid([]byte(value)):
		return value
	}
	return empty
}
