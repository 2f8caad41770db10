package spec

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// YAML writes a document that is JSON as YAML, in the same order. Every reader
// of YAML, 1.1 or 1.2, gets the values of the JSON from it.
func YAML(document []byte) ([]byte, error) {
	root, err := parseJSON(document)
	if err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	plain(root)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return b.Bytes(), e.Close()
}

// word is a text that no reader takes for anything but a text: letters that
// are no word of YAML 1.1 for yes, no or nothing.
var (
	lines    = regexp.MustCompile(`^[\pL\pN\pP\pS][^\pC]*(\n[^\pC]*)+$`) // and no breaks but \n
	word     = regexp.MustCompile(`^[\pL_/#][\pL\pN_./{}-]*( [\pL\pN_./(){}-]+)*$`)
	reserved = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|nan|inf)$`)
)

// plain gives each scalar the plainest style that keeps its type.
func plain(n *yaml.Node) {
	for _, below := range n.Content {
		plain(below)
	}
	if n.Kind != yaml.ScalarNode {
		return
	}
	if n.Tag != "!!str" {
		n.Tag = "" // as it is written it reads as what it is
		return
	}
	switch {
	case lines.MatchString(n.Value):
		n.Style = yaml.LiteralStyle
	case !word.MatchString(n.Value) || reserved.MatchString(n.Value) || strings.HasPrefix(n.Value, "#"):
		n.Style = yaml.DoubleQuotedStyle
	}
}
