package spec

import (
	"bytes"
	"encoding/json"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// A document that is made of something else is a tree like one that was read.

func textNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

func boolNode(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b)}
}

func listNode(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

// mapNode is a mapping of key, value, key, value …: keys are texts; values
// texts, truths or nodes. What has no value, nil or "", is left out.
func mapNode(parts ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i+1 < len(parts); i += 2 {
		put(n, parts[i].(string), parts[i+1])
	}
	return n
}

// put adds one member to a mapping.
func put(n *yaml.Node, key string, value any) {
	var v *yaml.Node
	switch value := value.(type) {
	case *yaml.Node:
		v = value
	case string:
		if value != "" {
			v = textNode(value)
		}
	case bool:
		v = boolNode(value)
	}
	if v != nil {
		n.Content = append(n.Content, textNode(key), v)
	}
}

// indented is a tree as JSON for people.
func indented(n *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, appendJSON(nil, n, nil), "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
