package wsdl

import (
	"encoding/xml"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// The bounds of an example.
const (
	maxSample    = 6_000 // bytes of one message
	maxSamples   = 2_000_000
	maxSampleIn  = 14 // levels
	sampleIndent = "  "
)

// sampler writes an example of a message by its schema: each element once, ?
// where any text may stand.
type sampler struct {
	components *yaml.Node
	inside     map[string]bool // components that are being written
	b          strings.Builder
}

// samples gives each message of the document an example; where one would be
// too long it goes without.
func (c *converter) samples() {
	left := maxSamples
	for _, content := range c.contents {
		for i := 0; i+1 < len(content.Content); i += 2 {
			s := &sampler{components: c.types.components, inside: map[string]bool{}}
			s.element("Envelope", get(content.Content[i+1], "schema"), "", 0)
			if text := strings.TrimSpace(s.b.String()); len(text) <= maxSample && len(text) <= left {
				left -= len(text)
				tree.Put(content.Content[i+1], "example", tree.At(tree.Text(text), content.Content[i+1].Line))
			}
		}
	}
}

// get goes down the keys of a tree; nil where there is nothing.
func get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				found = n.Content[i+1]
			}
		}
		n = found
	}
	return n
}

func say(n *yaml.Node, keys ...string) string {
	if n = get(n, keys...); n == nil {
		return ""
	}
	return n.Value
}

// property is one property, of whatever part of a schema.
type property struct {
	key    string
	schema *yaml.Node
}

// properties are those of a schema, of all that it is put together of; enter
// names the components that were entered.
func (s *sampler) properties(schema *yaml.Node, entered *[]string) []property {
	list := []property{}
	if ref := say(schema, "$ref"); ref != "" {
		key := strings.TrimPrefix(ref, "#/components/schemas/")
		if s.inside[key] {
			return nil
		}
		s.inside[key] = true
		*entered = append(*entered, key)
		return s.properties(get(s.components, key), entered)
	}
	if all := get(schema, "allOf"); all != nil {
		for _, part := range all.Content {
			list = append(list, s.properties(part, entered)...)
		}
	}
	if own := get(schema, "properties"); own != nil {
		for i := 0; i+1 < len(own.Content); i += 2 {
			list = append(list, property{own.Content[i].Value, own.Content[i+1]})
		}
	}
	return list
}

// element writes one element; space is the default namespace around it.
func (s *sampler) element(key string, schema *yaml.Node, space string, level int) {
	if s.b.Len() > maxSample || level > maxSampleIn {
		return
	}
	if say(schema, "type") == "array" {
		schema = get(schema, "items")
	}
	name, own, soap := key, say(schema, "xml", "namespace"), say(schema, "xml", "prefix") == "soap"
	if n := say(schema, "xml", "name"); n != "" {
		name = n
	}
	s.b.WriteString(strings.Repeat(sampleIndent, level))
	tag := name
	declared := ""
	switch {
	case soap && level == 0:
		tag, declared = "soap:"+name, ` xmlns:soap="`+escaped(own)+`"`
		own = space
	case soap:
		tag, own = "soap:"+name, space
	case own != space:
		declared = ` xmlns="` + escaped(own) + `"`
	}
	s.b.WriteString("<" + tag + declared)
	entered, inner := []string{}, []property{}
	for _, p := range s.properties(schema, &entered) {
		if say(p.schema, "xml", "attribute") == "true" {
			attribute := p.key
			if n := say(p.schema, "xml", "name"); n != "" {
				attribute = n
			}
			s.b.WriteString(" " + attribute + `="` + escaped(value(p.schema)) + `"`)
			continue
		}
		inner = append(inner, p)
	}
	switch kind := say(schema, "type"); {
	case len(inner) > 0:
		s.b.WriteString(">\n")
		for _, p := range inner {
			s.element(p.key, p.schema, own, level+1)
		}
		s.b.WriteString(strings.Repeat(sampleIndent, level) + "</" + tag + ">\n")
	case kind == "" || kind == "object":
		s.b.WriteString("/>\n")
	default:
		s.b.WriteString(">" + escaped(value(schema)) + "</" + tag + ">\n")
	}
	for _, key := range entered {
		delete(s.inside, key)
	}
}

// value is one that a simple schema takes.
func value(schema *yaml.Node) string {
	if list := get(schema, "enum"); list != nil && len(list.Content) > 0 {
		return list.Content[0].Value
	}
	if d := say(schema, "default"); d != "" {
		return d
	}
	switch say(schema, "type") + " " + say(schema, "format") {
	case "boolean ":
		return "true"
	case "string date":
		return "2025-01-01"
	case "string date-time":
		return "2025-01-01T00:00:00+07:00"
	}
	if kind := say(schema, "type"); kind == "integer" || kind == "number" {
		if least := say(schema, "minimum"); least != "" {
			return least
		}
		return "1"
	}
	return "?"
}

func escaped(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return "" // a builder takes everything
	}
	return b.String()
}
