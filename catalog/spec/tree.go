package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"lgsp/internal/problem"
)

// The bounds of a document.
const (
	MaxBytes = 10 << 20 // of the text
	maxNodes = 1_000_000
	maxDepth = 100
)

// refuse is why a document is not read at all; the words of code say {line}.
func refuse(code string, line int, detail string, pairs ...string) error {
	pairs = append(pairs, "line", strconv.Itoa(line))
	kind := problem.Invalid
	if code == "spec-too-large" {
		kind = problem.TooLarge
	}
	return problem.Errorf(kind, "line %d: %s", line, detail).Coded(code, pairs...).Wrong("spec", code, detail, pairs...)
}

// parse gives the document's tree, with no alias and no merge key left in it.
func parse(text []byte) (*yaml.Node, error) {
	if len(text) > MaxBytes {
		return nil, refuse("spec-too-large", 0, "the document is larger than 10 MB")
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		return nil, refuse("spec-not-utf8", 0, "the document is not UTF-8 text")
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return nil, noNUL(1 + bytes.Count(text[:i], []byte("\n")))
	}
	begin := bytes.TrimLeft(text, " \t\r\n")
	if len(begin) == 0 {
		return nil, refuse("spec-empty", 0, "the document is empty")
	}
	if begin[0] == '{' {
		return parseJSON(text)
	}
	return parseYAML(text)
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

func parseYAML(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		line := 0
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ = strconv.Atoi(m[1]) // digits; a number too long for an int is no line
		}
		why := strings.TrimPrefix(err.Error(), "yaml: ")
		return nil, refuse("spec-syntax", line, "not YAML: "+why, "why", why)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, refuse("spec-not-openapi", 1, "the document is not an object")
	}
	root := doc.Content[0]
	if _, err := (measure{}).of(root, 1); err != nil {
		return nil, err
	}
	settle(root, map[*yaml.Node]bool{})
	return root, nil
}

// measure counts the nodes and levels of a tree as if every alias were written
// out, and refuses before anything is: an alias bomb is small only as text.
type measure map[*yaml.Node]extent

type extent struct {
	nodes, levels int
	underWay      bool
}

func (m measure) of(n *yaml.Node, depth int) (extent, error) {
	line := n.Line
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if strings.Contains(n.Value, "\x00") {
		return extent{}, noNUL(line)
	}
	total, known := m[n]
	if total.underWay {
		return extent{}, refuse("spec-alias", line, "a YAML anchor contains itself")
	}
	if !known {
		m[n] = extent{underWay: true}
		total = extent{nodes: 1, levels: 1}
		for _, child := range n.Content {
			e, err := m.of(child, depth+1)
			if err != nil {
				return extent{}, err
			}
			total.levels = max(total.levels, 1+e.levels)
			if total.nodes += e.nodes; total.nodes > maxNodes {
				return extent{}, refuse("spec-alias", line, "the document, its YAML aliases written out, has more than a million parts")
			}
		}
		m[n] = total
	}
	if depth+total.levels-1 > maxDepth {
		return extent{}, tooDeep(line)
	}
	return total, nil
}

// noNUL refuses the one character that PostgreSQL cannot keep.
func noNUL(line int) error {
	return refuse("spec-syntax", line, "a NUL character", "why", "a NUL character")
}

func tooDeep(line int) error {
	return refuse("spec-too-deep", line, "the document is nested more than 100 levels deep")
}

// settle puts what aliases and merge keys stand for in their place.
func settle(n *yaml.Node, done map[*yaml.Node]bool) {
	if done[n] {
		return
	}
	done[n] = true
	for i, child := range n.Content {
		for child.Kind == yaml.AliasNode {
			child = child.Alias
		}
		n.Content[i] = child
		settle(child, done)
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	own, merged, seen := []*yaml.Node{}, []*yaml.Node{}, map[string]bool{}
	for key, value := range pairs(n) {
		switch {
		case key.Tag != "!!merge":
			own, seen[key.Value] = append(own, key, value), true
		case value.Kind == yaml.MappingNode:
			merged = append(merged, value.Content...)
		default:
			for _, one := range value.Content {
				merged = append(merged, one.Content...)
			}
		}
	}
	n.Content = own
	for i := 0; i+1 < len(merged); i += 2 { // what stands in the mapping itself wins (YAML merge key type)
		if key := merged[i]; !seen[key.Value] {
			n.Content, seen[key.Value] = append(n.Content, key, merged[i+1]), true
		}
	}
}

// parseJSON builds the same tree from JSON, which YAML parsers read slowly
// and, with surrogate pairs, wrongly.
func parseJSON(text []byte) (*yaml.Node, error) {
	p := jsonParser{text: text, dec: json.NewDecoder(bytes.NewReader(text)), line: 1}
	p.dec.UseNumber()
	root, err := p.value(1)
	if err == nil {
		if _, err = p.dec.Token(); err == io.EOF {
			return root, nil
		}
		p.read(p.dec.InputOffset())
		err = errors.New("something follows the closing brace")
	}
	if problem.Code(err) != "" {
		return nil, err
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		p.read(syntax.Offset)
	}
	return nil, refuse("spec-syntax", p.line, "not JSON: "+err.Error(), "why", err.Error())
}

type jsonParser struct {
	text  []byte
	dec   *json.Decoder
	at    int64 // offset up to which lines are counted
	line  int
	nodes int
}

// read counts the lines up to offset.
func (p *jsonParser) read(offset int64) {
	offset = min(offset, int64(len(p.text)))
	if offset > p.at {
		p.line += bytes.Count(p.text[p.at:offset], []byte("\n"))
		p.at = offset
	}
}

func (p *jsonParser) value(depth int) (*yaml.Node, error) {
	token, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	p.read(p.dec.InputOffset())
	if p.nodes++; p.nodes > maxNodes {
		return nil, refuse("spec-alias", p.line, "the document has more than a million parts")
	}
	if depth > maxDepth {
		return nil, tooDeep(p.line)
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: p.line}
	switch t := token.(type) {
	case string:
		if strings.Contains(t, "\x00") {
			return nil, noNUL(p.line)
		}
		n.Tag, n.Value = "!!str", t
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	case json.Delim:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		if t == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		for p.dec.More() {
			child, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		if _, err := p.dec.Token(); err != nil {
			return nil, err
		}
		p.read(p.dec.InputOffset())
	}
	return n, nil
}

// check refuses what no reader of the tree should meet: one key twice, and
// references out of the document. Answers are long enough to name the line.
func check(n *yaml.Node, done map[*yaml.Node]bool) error {
	if done[n] {
		return nil
	}
	done[n] = true
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			if err := check(child, done); err != nil {
				return err
			}
		}
		return nil
	}
	seen := make(map[string]int, len(n.Content)/2)
	for key, value := range pairs(n) {
		if key.Kind != yaml.ScalarNode {
			return refuse("spec-syntax", key.Line, "a key is not a text", "why", "a key is not a text")
		}
		if first, ok := seen[key.Value]; ok {
			return refuse("spec-duplicate-key", key.Line, "the key "+key.Value+" stands twice", "key", key.Value, "first", strconv.Itoa(first))
		}
		seen[key.Value] = key.Line
		if key.Value == "$ref" && value.Kind == yaml.ScalarNode && !strings.HasPrefix(value.Value, "#") {
			return refuse("spec-remote-ref", value.Line, "$ref points out of the document: "+value.Value, "ref", value.Value)
		}
		if isData(key.Value) {
			continue // data may hold anything, a member named $ref too
		}
		if err := check(value, done); err != nil {
			return err
		}
	}
	return nil
}

// isData reports whether what stands under key is data, not the document's
// own structure. A property of that name is skipped too; the checks that
// follow still see it.
func isData(key string) bool {
	return key == "example" || key == "default" || key == "enum" || key == "const" || strings.HasPrefix(key, "x-")
}

// pairs goes through the keys and values of a mapping; of anything else, none.
func pairs(n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// items are the elements of a sequence; of anything else, none.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// get goes down the keys; nil when one is absent.
func get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, want := range keys {
		var found *yaml.Node
		for key, value := range pairs(n) {
			if key.Value == want {
				found = value
				break
			}
		}
		if n = found; n == nil {
			return nil
		}
	}
	return n
}

// text is a scalar under the keys, "" when there is none.
func text(n *yaml.Node, keys ...string) string {
	if n = get(n, keys...); n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// isTrue reports whether the value under key is true.
func isTrue(n *yaml.Node, key string) bool {
	n = get(n, key)
	return n != nil && n.Tag == "!!bool" && strings.EqualFold(n.Value, "true")
}

// texts are the scalars of the sequence under key.
func texts(n *yaml.Node, key string) []string {
	all := []string{}
	for _, one := range items(get(n, key)) {
		if one.Kind == yaml.ScalarNode {
			all = append(all, one.Value)
		}
	}
	return all
}

// lineOf is where n stands, 0 for nothing.
func lineOf(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	return n.Line
}
