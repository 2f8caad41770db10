package spec

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"strings"

	"go.yaml.in/yaml/v3"
)

// appendJSON writes a tree as JSON, in the order it was written. Members named
// without are left out.
func appendJSON(to []byte, n *yaml.Node, without func(owner, key *yaml.Node) bool) []byte {
	switch n.Kind {
	case yaml.MappingNode:
		to = append(to, '{')
		first := true
		for key, value := range pairs(n) {
			if without != nil && without(n, key) {
				continue
			}
			if !first {
				to = append(to, ',')
			}
			first = false
			to = appendString(to, key.Value)
			to = append(to, ':')
			to = appendJSON(to, value, without)
		}
		return append(to, '}')
	case yaml.SequenceNode:
		to = append(to, '[')
		for i, value := range n.Content {
			if i > 0 {
				to = append(to, ',')
			}
			to = appendJSON(to, value, without)
		}
		return append(to, ']')
	}
	return appendScalar(to, n)
}

func appendScalar(to []byte, n *yaml.Node) []byte {
	switch n.ShortTag() {
	case "!!null":
		return append(to, "null"...)
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			if b {
				return append(to, "true"...)
			}
			return append(to, "false"...)
		}
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return append(to, n.Value...) // every digit as it was written
		}
		if len(n.Value) > 64 {
			break // no number anyone means
		}
		if i, ok := new(big.Int).SetString(strings.ReplaceAll(n.Value, "_", ""), 0); ok {
			return i.Append(to, 10)
		}
		var f float64
		if n.Decode(&f) == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			if text, err := json.Marshal(f); err == nil {
				return append(to, text...)
			}
		}
	}
	return appendString(to, n.Value)
}

func appendString(to []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return append(to, `""`...) // strings always encode
	}
	return append(to, bytes.TrimRight(b.Bytes(), "\n")...)
}

// maxExample is how much of an example a page shows, in bytes.
const maxExample = 16 << 10

// fits reports whether a value is small enough to be shown, without writing it.
func fits(n *yaml.Node, room *int) bool {
	if *room -= len(n.Value) + 1; *room < 0 {
		return false
	}
	for _, child := range n.Content {
		if !fits(child, room) {
			return false
		}
	}
	return true
}

// compact is a value as JSON on one line, a text as itself; "" for nothing or
// for more than a page shows.
func (r *reader) compact(n *yaml.Node) string {
	room := maxExample
	if n == nil || !fits(n, &room) {
		return ""
	}
	if n.Kind == yaml.ScalarNode {
		return r.spend(n.Value)
	}
	return r.spend(string(appendJSON(nil, n, nil)))
}

// pretty is a value as indented JSON; "" for nothing or for too much.
func (r *reader) pretty(n *yaml.Node) string {
	room := maxExample
	if n == nil || !fits(n, &room) {
		return ""
	}
	var out bytes.Buffer
	if err := json.Indent(&out, appendJSON(nil, n, nil), "", "  "); err != nil {
		return "" // appendJSON writes JSON
	}
	return r.spend(out.String())
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
