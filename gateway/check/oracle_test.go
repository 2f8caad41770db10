//go:build !race

package check

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// source makes schemas and values of a seed.
type source struct {
	*rand.Rand
	version31 bool
}

func (s source) one(of ...any) any { return of[s.IntN(len(of))] }

// schema is a random schema, as deep as given at most.
func (s source) schema(depth int) map[string]any {
	o := map[string]any{}
	if depth > 0 && s.IntN(8) == 0 {
		return map[string]any{"$ref": "#/components/schemas/" + s.one("A", "B").(string)}
	}
	if s.IntN(5) > 0 {
		o["type"] = s.one("string", "integer", "number", "boolean", "object", "object", "array")
		if s.version31 && s.IntN(4) == 0 {
			o["type"] = []any{o["type"], s.one("null", "string", "boolean")}
			if o["type"].([]any)[0] == o["type"].([]any)[1] {
				delete(o, "type")
			}
		}
	}
	some := func(n int, name string, value any) {
		if s.IntN(n) == 0 {
			o[name] = value
		}
	}
	if !s.version31 {
		some(6, "nullable", true)
		some(9, "exclusiveMinimum", true)
	} else {
		some(9, "exclusiveMaximum", s.IntN(5))
		some(12, "const", s.one("a", 1, true, []any{"a", 1}, map[string]any{"a": 1})) // theirs drops null
	}
	some(6, "minimum", s.IntN(4))
	some(6, "maximum", s.IntN(6))
	some(9, "multipleOf", 1+s.IntN(3))
	some(6, "minLength", s.IntN(3))
	some(6, "maxLength", s.IntN(4))
	some(8, "pattern", s.one("^a", "b$", "^[a-c]*$", "đ"))
	some(8, "minItems", s.IntN(3))
	some(8, "maxItems", s.IntN(4))
	some(8, "uniqueItems", true)
	some(8, "minProperties", s.IntN(3))
	some(8, "maxProperties", s.IntN(4))
	if s.IntN(12) == 0 {
		o["enum"] = []any{s.value(1), s.value(1), "a"}
	}
	if o["type"] == "array" {
		o["items"] = map[string]any{}
	}
	if depth == 0 {
		return o
	}
	if s.IntN(2) == 0 {
		o["properties"] = map[string]any{"a": s.schema(depth - 1), "b": s.schema(depth - 1)}
	}
	some(3, "required", []any{s.one("a", "b", "c")})
	some(5, "additionalProperties", s.one(false, true, any(s.schema(depth-1))))
	if o["type"] == "array" || s.version31 && s.IntN(4) == 0 {
		o["items"] = s.schema(depth - 1)
	}
	if s.version31 && s.IntN(8) == 0 {
		o["prefixItems"] = []any{s.schema(depth - 1), s.schema(depth - 1)}
	}
	for _, together := range []string{"allOf", "anyOf", "oneOf"} {
		if s.IntN(7) == 0 {
			o[together] = []any{s.schema(depth - 1), s.schema(depth - 1)}
		}
	}
	some(12, "not", s.schema(depth-1))
	return o
}

// value is a random JSON value, as deep as given at most.
func (s source) value(depth int) any {
	n := s.IntN(10)
	switch {
	case n < 2:
		return s.one("", "a", "ab", "cđb", "abcd")
	case n < 4:
		return s.one(0, 1, 2, 3, 4.5, -1, 1e3)
	case n == 4 && s.version31: // of OpenAPI 3.0 the two read otherwise whether a schema without type takes null
		return s.one(true, false, nil)
	case n == 4:
		return s.one(true, false)
	case depth == 0:
		return s.one("a", 1)
	case n < 7:
		list := []any{}
		for range s.IntN(4) {
			list = append(list, s.value(depth-1))
		}
		return list
	}
	o := map[string]any{}
	for _, name := range []string{"a", "b", "c"} {
		if s.IntN(2) == 0 {
			o[name] = s.value(depth - 1)
		}
	}
	return o
}

// TestAgainstKinOpenAPI makes random schemas and values, and asks both this
// package and kin-openapi's validator whether they fit.
func TestAgainstKinOpenAPI(t *testing.T) {
	t.Parallel()
	for version, seeds := range map[string]uint64{"3.0.3": 2_000, "3.1.0": 300} { // theirs for 3.1 is slow
		agreed := 0
		for seed := range seeds {
			s := source{rand.New(rand.NewPCG(seed, 7)), version == "3.1.0"}
			document, err := json.Marshal(map[string]any{
				"openapi": version, "info": map[string]any{"title": "x", "version": "1"},
				"paths": map[string]any{"/a": map[string]any{"post": map[string]any{
					"requestBody": map[string]any{"content": map[string]any{"application/json": map[string]any{"schema": s.schema(3)}}},
					"responses":   map[string]any{"200": map[string]any{"description": "x"}},
				}}},
				"components": map[string]any{"schemas": map[string]any{"A": s.schema(2), "B": s.schema(2)}},
			})
			if err != nil {
				t.Fatal(err)
			}
			agreed += s.compare(t, version, document)
		}
		t.Logf("%s: the same verdict on %d values", version, agreed)
		if agreed < int(3*seeds) {
			t.Errorf("%s: only %d values were compared", version, agreed)
		}
	}
}

// compare asks both about some values, and gives how many both could tell of.
func (s source) compare(t *testing.T, version string, document []byte) int {
	t.Helper()
	loader := openapi3.NewLoader()
	theirs, err := loader.LoadFromData(document)
	if err != nil {
		return 0
	}
	schema := theirs.Paths.Value("/a").Post.RequestBody.Value.Content["application/json"].Schema.Value
	described, notes, err := Describe(Source{OpenAPI: document, Operations: []Wanted{{"a", "POST", "/a"}}})
	if err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	if len(notes) > 0 {
		return 0 // what is left unchecked differs
	}
	compiled, err := Compile(described)
	if err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	var options []openapi3.SchemaValidationOption
	if s.version31 {
		options = append(options, openapi3.EnableJSONSchema2020())
	}
	same := 0
	for range 4 {
		text, err := json.Marshal(s.value(3))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("null")) && bytes.Contains(document, []byte("$ref")) {
			continue // theirs may fall back to its validator of OpenAPI 3.0, which reads null otherwise
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		findings := compiled["a"].Request(Request{HasBody: true, Body: read(string(text)), Header: map[string][]string{"Content-Type": {"application/json"}}})
		want, got := schema.VisitJSON(value, options...) != nil, Wrong(findings)
		if got != want {
			t.Errorf("%s: %s: this package finds %v, kin-openapi says %v, of\n%s", version, text, findings, schema.VisitJSON(value, options...), document)
			return same
		}
		same++
	}
	return same
}
