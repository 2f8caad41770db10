package mcp

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// tools.json holds the schemas of the tools' arguments (JSON Schema 2020-12),
// words.*.json what is said of each: of an argument under tool.argument.
//
//go:embed tools.json words.vi.json words.en.json
var files embed.FS

// embedded reads one of the files, which the tests of this package have read.
func embedded(name string, into any) {
	text, err := files.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		panic(fmt.Errorf("%s: %w", name, err))
	}
}

var wordsByLocale = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, locale := range []string{"vi", "en"} {
		words := map[string]string{}
		embedded("words."+locale+".json", &words)
		all[locale] = words
	}
	return all
})

func wordsIn(locale string) map[string]string { return wordsByLocale()[locale] }

// definition is a tool as it is listed.
func definition(name string, words map[string]string) *sdk.Tool {
	var schemas map[string]map[string]any // anew each time: the descriptions are written into it
	embedded("tools.json", &schemas)
	describe(schemas[name], name, words)
	no := false
	return &sdk.Tool{
		Name: name, Title: words[name+".title"], Description: words[name], InputSchema: schemas[name],
		Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, DestructiveHint: &no, OpenWorldHint: &no},
	}
}

// describe writes what is said of them beside a schema's properties, and those
// of the objects in its arrays.
func describe(schema map[string]any, key string, words map[string]string) {
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		of, _ := property.(map[string]any)
		of["description"] = words[key+"."+name]
		if items, ok := of["items"].(map[string]any); ok {
			describe(items, key+"."+name, words)
		}
	}
}

// argumentsOf are the names of a tool's arguments, as they are told to who
// named another.
func argumentsOf(name string) string {
	var schemas map[string]struct {
		Properties map[string]any
		Order      []string `json:"x-order"`
	}
	embedded("tools.json", &schemas)
	return strings.Join(schemas[name].Order, ", ")
}
