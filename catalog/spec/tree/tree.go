// Package tree answers how a document that is made of something else is put
// together: as a tree like one that was read.
package tree

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Text is a text.
func Text(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

// Bool is true or false.
func Bool(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b)}
}

// Number is a number, written as JSON writes it.
func Number(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: text}
}

// List is a sequence.
func List(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

// Map is a mapping of key, value, key, value …: keys are texts; values texts,
// truths or nodes. What has no value, nil or "", is left out.
func Map(parts ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i+1 < len(parts); i += 2 {
		Put(n, parts[i].(string), parts[i+1])
	}
	return n
}

// Put adds one member to a mapping.
func Put(n *yaml.Node, key string, value any) {
	var v *yaml.Node
	switch value := value.(type) {
	case *yaml.Node:
		v = value
	case string:
		if value != "" {
			v = Text(value)
		}
	case bool:
		v = Bool(value)
	}
	if v != nil {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, Line: v.Line}, v)
	}
}

// At says on which line all of a tree stands that has no line yet.
func At(n *yaml.Node, line int) *yaml.Node {
	if n.Line == 0 {
		n.Line = line
		for _, child := range n.Content {
			At(child, line)
		}
	}
	return n
}
