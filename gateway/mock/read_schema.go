package mock

import (
	"encoding/json"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// place is where a schema stands in the answer.
type place struct {
	name    string // of the member it is of, or that the array is of
	example any    // what an example around it has there; nil: nothing
	depth   int
}

func (p place) inside(name string, example any) place {
	return place{name: name, example: example, depth: p.depth + 1}
}

// shape reads a schema; nil for one that cannot be made a value of: it holds
// itself, or there are too many.
func (r *reader) shape(x any, at place) *Shape {
	if r.shapes++; r.shapes > maxShapes || at.depth > maxNesting {
		return nil
	}
	var opened []string
	defer func() {
		for _, ref := range opened {
			delete(r.open, ref)
		}
	}()
	all, ok := r.flat(x, &opened, 0)
	if !ok {
		return nil
	}
	if forms := all.forms(); len(forms) > 0 {
		return r.oneOf(all, forms, at)
	}
	if at.example == nil {
		at.example = all.example()
	}
	return r.keywords(all, at)
}

// schema is what allOf and $ref put together, keyword by keyword.
type schema map[string]any

// flat puts together a schema with what it refers to. False: one of it is
// being read already.
func (r *reader) flat(x any, opened *[]string, depth int) (schema, bool) {
	o := object(x)
	if ref, is := o["$ref"].(string); is {
		if r.open[ref] || depth > maxHops {
			return nil, false
		}
		r.open[ref] = true
		*opened = append(*opened, ref)
		inner, ok := r.flat(r.at(ref), opened, depth+1)
		if !ok || len(o) == 1 || !strings.HasPrefix(text(r.root["openapi"]), "3.1") {
			return inner, ok
		}
		beside := maps.Clone(o)
		delete(beside, "$ref")
		return inner.with(beside), true
	}
	all := schema(maps.Clone(o))
	delete(all, "allOf")
	for _, part := range list(o["allOf"]) {
		if depth > maxHops {
			return nil, false
		}
		inner, ok := r.flat(part, opened, depth+1)
		if !ok {
			return nil, false
		}
		all = all.with(inner)
	}
	return all, true
}

// with narrows a schema by another one.
func (s schema) with(other schema) schema {
	all := schema(maps.Clone(s))
	if all == nil {
		all = schema{}
	}
	for key, value := range other {
		mine, both := all[key]
		switch {
		case !both:
			all[key] = value
		case key == "required":
			all[key] = append(slices.Clone(list(mine)), list(value)...)
		case key == "properties":
			merged := maps.Clone(object(mine))
			for name, property := range object(value) {
				if before, known := merged[name]; known {
					property = map[string]any{"allOf": []any{before, property}}
				}
				merged[name] = property
			}
			all[key] = merged
		case key == "enum":
			both := slices.DeleteFunc(slices.Clone(list(mine)), func(one any) bool {
				return !slices.ContainsFunc(list(value), func(other any) bool { return encoded(one) == encoded(other) })
			})
			if len(both) > 0 { // else no value fits at all
				all[key] = both
			}
		case key == "minimum", key == "minLength", key == "minItems", key == "exclusiveMinimum", key == "minProperties":
			if a, b := float(mine), float(value); a != nil && b != nil && *b > *a {
				all[key] = value
			}
		case key == "maximum", key == "maxLength", key == "maxItems", key == "exclusiveMaximum", key == "maxProperties":
			if a, b := float(mine), float(value); a != nil && b != nil && *b < *a {
				all[key] = value
			}
		case key == "type", key == "pattern", key == "format", key == "items", key == "additionalProperties":
			if mine == true || len(object(mine)) == 0 && key != "type" && key != "pattern" && key != "format" {
				all[key] = value
			}
		}
	}
	return all
}

// forms are those of which a value has one.
func (s schema) forms() []any {
	if one := list(s["oneOf"]); len(one) > 0 {
		return one
	}
	return list(s["anyOf"])
}

func (s schema) example() any {
	if value, is := s["example"]; is {
		return value
	}
	if examples := list(s["examples"]); len(examples) > 0 {
		return examples[0]
	}
	return s["default"]
}

// oneOf is a shape with several forms.
func (r *reader) oneOf(all schema, forms []any, at place) *Shape {
	base := maps.Clone(all)
	delete(base, "oneOf")
	delete(base, "anyOf")
	discriminator := object(base["discriminator"])
	delete(base, "discriminator")
	s := &Shape{}
	for _, form := range forms {
		both := []any{map[string]any(base), form}
		if member := text(discriminator["propertyName"]); member != "" {
			if value := meant(discriminator, text(object(form)["$ref"])); value != "" {
				both = append(both, map[string]any{"type": "object", "required": []any{member},
					"properties": map[string]any{member: map[string]any{"enum": []any{value}}}})
			}
		}
		inner := r.shape(map[string]any{"allOf": both}, at)
		if inner != nil && inner.Kind != "null" {
			s.Forms = append(s.Forms, inner)
		}
		if len(s.Forms) == maxForms {
			break
		}
	}
	if len(s.Forms) == 0 {
		return nil
	}
	return s
}

// meant is the value of a discriminator that says which schema it is (OpenAPI 3.1 §4.8.25).
func meant(discriminator map[string]any, ref string) string {
	mapping := object(discriminator["mapping"])
	for _, value := range slices.Sorted(maps.Keys(mapping)) {
		if to := text(mapping[value]); to == ref || "#/components/schemas/"+to == ref {
			return value
		}
	}
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// keywords reads a schema that is put together.
func (r *reader) keywords(all schema, at place) *Shape {
	s := &Shape{Kind: all.kind(at)}
	values := list(all["enum"])
	if one, is := all["const"]; is {
		values = []any{one}
	}
	for _, value := range values {
		if value != nil || len(values) == 1 {
			s.Values = append(s.Values, json.RawMessage(encoded(value)))
		}
	}
	if len(s.Values) > 0 {
		return s
	}
	switch s.Kind {
	case "object":
		return r.object(s, all, at)
	case "array":
		return r.array(s, all, at)
	}
	if kind := kindOf(at.example); at.example != nil && (kind == s.Kind || kind == "integer" && s.Kind == "number") {
		s.Example = json.RawMessage(encoded(at.example))
	}
	s.Topic, s.Strict = topicOf(at.name, text(all["format"]), s.Kind), ofFormat[text(all["format"])] != ""
	s.numbers(all)
	s.Shortest, s.Longest = count(all, "minLength"), limit(all, "maxLength")
	s.Pattern = goPattern(text(all["pattern"]))
	return s
}

// kind is the type of the value that is made.
func (s schema) kind(at place) string {
	types := []string{text(s["type"])}
	for _, one := range list(s["type"]) {
		types = append(types, text(one))
	}
	for _, kind := range types {
		if kind != "" && kind != "null" {
			return kind
		}
	}
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return s[key] != nil })
	}
	switch {
	case has("properties", "additionalProperties", "required"):
		return "object"
	case has("items", "prefixItems"):
		return "array"
	case has("minimum", "maximum", "multipleOf"):
		return "number"
	case has("pattern", "format", "minLength", "maxLength"):
		return "string"
	case slices.Contains(types, "null"):
		return "null"
	case at.name == "":
		return "object"
	}
	if kind := kindOf(at.example); kind != "null" {
		return kind
	}
	return "string"
}

func (s *Shape) numbers(all schema) {
	s.Least, s.Most = float(all["minimum"]), float(all["maximum"])
	s.Above, s.Below = all["exclusiveMinimum"] == true, all["exclusiveMaximum"] == true // OpenAPI 3.0
	if least := float(all["exclusiveMinimum"]); least != nil && (s.Least == nil || *least >= *s.Least) {
		s.Least, s.Above = least, true
	}
	if most := float(all["exclusiveMaximum"]); most != nil && (s.Most == nil || *most <= *s.Most) {
		s.Most, s.Below = most, true
	}
	if step := float(all["multipleOf"]); step != nil && *step > 0 {
		s.Step = *step
	}
}

func (r *reader) object(s *Shape, all schema, at place) *Shape {
	properties, example := object(all["properties"]), object(at.example)
	required := map[string]bool{}
	for _, name := range list(all["required"]) {
		required[text(name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if r.isWriteOnly(properties[name]) {
			continue
		}
		inner := r.shape(properties[name], at.inside(name, example[name]))
		if inner == nil && required[name] {
			inner = r.least(properties[name])
		}
		if inner != nil {
			s.Members = append(s.Members, Member{name, inner})
		}
	}
	others := all["additionalProperties"]
	for _, name := range slices.Sorted(maps.Keys(required)) {
		if properties[name] == nil && name != "" && others != false {
			if inner := r.shape(others, at.inside(name, example[name])); inner != nil {
				s.Members = append(s.Members, Member{name, inner})
			}
		}
	}
	s.Fewest, s.AtMost = min(count(all, "minProperties"), maxElements), limit(all, "maxProperties")
	switch {
	case object(others) != nil && (len(s.Members) == 0 || s.Fewest > len(s.Members)):
		s.Others = r.shape(others, at.inside("", nil))
	case others != false && s.Fewest > len(s.Members):
		s.Others = &Shape{Kind: "string"}
	}
	return s
}

// isWriteOnly reports whether a property is never answered.
func (r *reader) isWriteOnly(x any) bool {
	return object(x)["writeOnly"] == true || r.resolve(x)["writeOnly"] == true
}

// least is the smallest value that stands for one that cannot be made.
func (r *reader) least(x any) *Shape {
	all := schema(r.resolve(x))
	switch kind := all.kind(place{name: "x"}); {
	case all["nullable"] == true || slices.Contains(list(all["type"]), any("null")):
		return &Shape{Kind: "null"}
	case kind == "object" || kind == "array":
		return &Shape{Kind: kind}
	case all["allOf"] != nil || all["oneOf"] != nil || all["anyOf"] != nil:
		return &Shape{Kind: "object"}
	}
	return r.keywords(all, place{name: "x"})
}

func (r *reader) array(s *Shape, all schema, at place) *Shape {
	s.Fewest, s.AtMost, s.Unique = min(count(all, "minItems"), maxElements), limit(all, "maxItems"), all["uniqueItems"] == true
	var example any
	if given := list(at.example); len(given) > 0 {
		example = given[0]
	}
	for _, first := range list(all["prefixItems"]) {
		inner := r.shape(first, at.inside(at.name, nil))
		if inner == nil {
			inner = &Shape{Kind: "null"}
		}
		s.First = append(s.First, inner)
	}
	if items, is := all["items"]; is && items != false {
		s.Element = r.shape(items, at.inside(at.name, example))
		if s.Element == nil && s.Fewest > 0 {
			s.Element = r.least(items)
		}
	} else if !is && s.Fewest > len(s.First) {
		s.Element = &Shape{Kind: "string"}
	}
	return s
}

// float is a number as it was decoded; nil for none.
func float(x any) *float64 {
	if n, is := x.(json.Number); is {
		if f, err := n.Float64(); err == nil {
			return &f
		}
	}
	return nil
}

// limit is a number of things under a keyword; nil for none.
func limit(all schema, keyword string) *int {
	f := float(all[keyword])
	if f == nil || *f < 0 || *f > 1<<30 {
		return nil
	}
	n := int(*f)
	return &n
}

func count(all schema, keyword string) int {
	if n := limit(all, keyword); n != nil {
		return *n
	}
	return 0
}

var unicodeEscape = regexp.MustCompile(`\\u([0-9a-fA-F]{4})`)

// maxPattern is how large the program of an expression may be.
const maxPattern = 2_000

// goPattern is an expression of ECMAScript as package regexp takes it; "" for
// one that it does not, or that is too large.
func goPattern(text string) string {
	ours := unicodeEscape.ReplaceAllString(text, `\x{$1}`)
	if len(ours) > 4*maxPattern {
		return ""
	}
	parsed, err := syntax.Parse(ours, syntax.Perl)
	if err != nil {
		return ""
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxPattern {
		return ""
	}
	return ours
}
