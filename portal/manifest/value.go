package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Object is what the API takes or gives as a JSON object. What is empty in it
// (null, "", [], {}) is left out, as the API reads what is left out as empty.
type Object map[string]any

// first are the keys that a reader looks for, before all others.
var first = []string{"title_vi", "title_en", "description_vi", "description_en", "notes_vi", "notes_en", "access", "classification", "url"}

// MarshalYAML is of yaml.Marshaler.
func (o Object) MarshalYAML() (any, error) { return o.node(), nil }

func (o Object) node() *yaml.Node {
	keys := make([]string, 0, len(o))
	for key := range o {
		keys = append(keys, key)
	}
	place := func(key string) int {
		if i := slices.Index(first, key); i >= 0 {
			return i
		}
		return len(first)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, key := range keys {
		n.Content = append(n.Content, text(key), nodeOf(o[key]))
	}
	return n
}

func text(value string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	if strings.Contains(value, "\n") {
		n.Style = yaml.LiteralStyle
	}
	return n
}

func nodeOf(value any) *yaml.Node {
	switch v := value.(type) {
	case map[string]any:
		return Object(v).node()
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, in := range v {
			n.Content = append(n.Content, nodeOf(in))
		}
		return n
	case string:
		return text(v)
	case json.Number:
		return number(v)
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v)}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}

func number(v json.Number) *yaml.Node {
	if strings.ContainsAny(string(v), ".eE") {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: string(v)}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: string(v)}
}

// UnmarshalYAML is of yaml.Unmarshaler.
func (o *Object) UnmarshalYAML(n *yaml.Node) error {
	value, err := valueOf(n)
	if err != nil {
		return err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("line %d: keys and values belong here", n.Line)
	}
	*o = Object(fields).filled()
	return nil
}

// filled leaves out what is empty, all the way down; of lists nothing.
func (o Object) filled() Object {
	full := Object{}
	for key, value := range o {
		switch v := value.(type) {
		case nil:
			continue
		case string:
			if v == "" {
				continue
			}
		case []any:
			if len(v) == 0 {
				continue
			}
		case map[string]any:
			inner := Object(v).filled()
			if len(inner) == 0 {
				continue
			}
			value = map[string]any(inner)
		}
		full[key] = value
	}
	return full
}

// only leaves the named keys.
func (o Object) only(keys []string) Object {
	some := Object{}
	for _, key := range keys {
		if value, ok := o[key]; ok {
			some[key] = value
		}
	}
	return some.filled()
}

// valueOf is a node as encoding/json would have it, with numbers as they stand.
func valueOf(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		fields := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			value, err := valueOf(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			fields[n.Content[i].Value] = value
		}
		return fields, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, in := range n.Content {
			value, err := valueOf(in)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	return scalar(n)
}

func scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!str", "!!timestamp": // JSON has no times
		return n.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return b, nil
	case "!!int", "!!float":
		if !json.Valid([]byte(n.Value)) {
			return nil, fmt.Errorf("line %d: %s is no number as JSON writes it; a text stands in quotes", n.Line, n.Value)
		}
		return json.Number(n.Value), nil
	}
	return nil, fmt.Errorf("line %d: %s has no place in JSON", n.Line, n.ShortTag())
}

// Spec is an OpenAPI document, in the order it was written.
type Spec struct{ node *yaml.Node }

// MarshalYAML is of yaml.Marshaler.
func (s Spec) MarshalYAML() (any, error) { return s.node, nil }

// UnmarshalYAML is of yaml.Unmarshaler.
func (s *Spec) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: an OpenAPI document belongs here", n.Line)
	}
	if _, err := valueOf(n); err != nil {
		return err
	}
	s.node = n
	return nil
}

// IsZero is of yaml's omitempty.
func (s Spec) IsZero() bool { return s.node == nil }

// specOf reads a document that is JSON, and leaves out its servers: they are
// the gateway's, and another's on another installation.
func specOf(body []byte) (Spec, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	n, err := ordered(decoder, 0)
	if err != nil {
		return Spec{}, err
	}
	if n.Kind != yaml.MappingNode {
		return Spec{}, errors.New("the OpenAPI document is no object")
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == "servers" {
			n.Content = slices.Delete(n.Content, i, i+2)
			break
		}
	}
	return Spec{n}, nil
}

// ordered reads the next JSON value with its keys in the order they come.
func ordered(d *json.Decoder, depth int) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("the OpenAPI document is more than %d levels deep", maxDepth)
	}
	bracket, ok := token.(json.Delim)
	if !ok {
		return nodeOf(token), nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	if bracket == '{' {
		n = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	for d.More() {
		in, err := ordered(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, in)
	}
	if _, err := d.Token(); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	return n, nil
}

// JSON writes the document, in its order.
func (s Spec) JSON() (string, error) {
	var b bytes.Buffer
	if err := writeJSON(&b, s.node); err != nil {
		return "", err
	}
	return b.String(), nil
}

func writeJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			writeScalar(b, n.Content[i].Value)
			b.WriteByte(':')
			if err := writeJSON(b, n.Content[i+1]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, in := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, in); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	value, err := scalar(n)
	if err != nil {
		return err
	}
	writeScalar(b, value)
	return nil
}

func writeScalar(b *bytes.Buffer, value any) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // a text, a number, a truth value or null
	b.Truncate(b.Len() - 1)
}

// same reports whether two documents say the same, whatever their order.
func (s Spec) same(other Spec) bool {
	a, errA := valueOf(s.node)
	b, errB := valueOf(other.node)
	return errA == nil && errB == nil && equal(a, b)
}
