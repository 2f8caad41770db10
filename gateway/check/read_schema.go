package check

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// maxNesting is how deep schemas stand in one another as they are written.
const maxNesting = 200

// schema reads a schema; nil for one that takes everything.
func (r *reader) schema(x any, depth int) *Schema {
	r.nodes++
	if depth > maxNesting || r.nodes > maxNodes {
		return &Schema{Loose: true}
	}
	if allowed, is := x.(bool); is && !allowed {
		return &Schema{Never: true}
	}
	o := object(x)
	if o == nil {
		return nil
	}
	ref, is := o["$ref"].(string)
	if !is {
		return orNil(r.keywords(o, depth))
	}
	named := r.ref(ref)
	if !r.version31 {
		return named // OpenAPI 3.0.3 §4.7.23.1: what stands beside it is ignored
	}
	beside := r.keywords(o, depth)
	if orNil(beside) == nil {
		return named
	}
	return &Schema{AllOf: []*Schema{named, beside}}
}

// orNil is nil for a schema that takes everything.
func orNil(s *Schema) *Schema {
	if reflect.ValueOf(*s).IsZero() {
		return nil
	}
	return s
}

// ref is a reference to a schema of the document, which is read once.
func (r *reader) ref(ref string) *Schema {
	name, known := r.names[ref]
	if !known {
		if _, ok := r.at(ref); !ok {
			r.note(NoteRef, ref)
			return &Schema{Loose: true}
		}
		base := ref[strings.LastIndexByte(ref, '/')+1:]
		name = base
		for n := 2; r.document.Schemas[name] != nil; n++ {
			name = base + "-" + strconv.Itoa(n)
		}
		r.names[ref], r.document.Schemas[name] = name, &Schema{}
		r.pending = append(r.pending, ref)
	}
	return &Schema{Ref: name}
}

// unchecked are keywords that narrow what a schema takes and are left alone.
var unchecked = []string{"if", "dependentRequired", "dependentSchemas", "contains", "propertyNames", "unevaluatedProperties", "unevaluatedItems",
	"$dynamicRef", "$recursiveRef", "contentSchema"}

// keywords reads what stands in a schema beside a $ref.
func (r *reader) keywords(o map[string]any, depth int) *Schema {
	s, before := &Schema{}, r.left
	for _, keyword := range unchecked {
		if _, is := o[keyword]; is {
			r.note(NoteKeyword, keyword)
		}
	}
	r.types(s, o)
	r.values(s, o)
	r.numbers(s, o)
	s.MinLength, s.MaxLength = orZero(r.count(o, "minLength")), r.count(o, "maxLength")
	s.MinItems, s.MaxItems = orZero(r.count(o, "minItems")), r.count(o, "maxItems")
	s.MinMembers, s.MaxMembers = orZero(r.count(o, "minProperties")), r.count(o, "maxProperties")
	s.Pattern = r.pattern(text(o["pattern"]))
	f := text(o["format"])
	known := textFormats[f] != nil || numberFormats[f] != nil
	if known {
		s.Format = f
	}
	s.Loose = r.left != before || f != "" && !known
	r.elements(s, o, depth)
	r.members(s, o, depth)
	s.AllOf, s.OneOf, s.AnyOf = r.schemas(o["allOf"], depth), r.schemas(o["oneOf"], depth), r.schemas(o["anyOf"], depth)
	if not, is := o["not"]; is {
		if s.Not = r.schema(not, depth+1); s.Not == nil {
			s.Not = &Schema{}
		}
	}
	r.discriminator(s, o)
	s.ReadOnly, s.WriteOnly = o["readOnly"] == true, o["writeOnly"] == true
	return s
}

var kinds = []string{"null", "boolean", "integer", "number", "string", "array", "object"}

func (r *reader) types(s *Schema, o map[string]any) {
	s.Nullable = o["nullable"] == true && !r.version31
	for _, kind := range texts(o["type"]) {
		if !slices.Contains(kinds, kind) {
			r.note(NoteKeyword, "type "+kind)
			s.Types = nil
			return
		}
		s.Types = append(s.Types, kind)
	}
}

func (r *reader) values(s *Schema, o map[string]any) {
	all := list(o["enum"])
	if one, is := o["const"]; is && r.version31 {
		if all != nil && !slices.ContainsFunc(all, func(value any) bool { return (&visit{steps: stepsFor(0)}).equal(value, one) }) {
			s.Never = true
		}
		all = []any{one}
	}
	for _, value := range all {
		text, err := json.Marshal(value)
		if err != nil {
			s.Enum = nil
			return
		}
		s.Enum = append(s.Enum, text)
	}
}

func (r *reader) numbers(s *Schema, o map[string]any) {
	s.Minimum, s.Maximum = r.number(o, "minimum"), r.number(o, "maximum")
	s.ExclusiveMinimum, s.ExclusiveMaximum = r.number(o, "exclusiveMinimum"), r.number(o, "exclusiveMaximum")
	if o["exclusiveMinimum"] == true { // OpenAPI 3.0
		s.Minimum, s.ExclusiveMinimum = nil, s.Minimum
	}
	if o["exclusiveMaximum"] == true {
		s.Maximum, s.ExclusiveMaximum = nil, s.Maximum
	}
	if m := r.number(o, "multipleOf"); m != nil && *m > 0 {
		s.MultipleOf = *m
	}
}

// number is the number under a keyword; nil for none.
func (r *reader) number(o map[string]any, keyword string) *float64 {
	switch value := o[keyword].(type) {
	case nil, bool:
		return nil
	case json.Number:
		if f, err := value.Float64(); err == nil {
			return &f
		}
	}
	r.note(NoteKeyword, keyword)
	return nil
}

// count is a number of things under a keyword; nil for none.
func (r *reader) count(o map[string]any, keyword string) *int {
	f := r.number(o, keyword)
	if f == nil {
		return nil
	}
	if *f < 0 || *f > 1<<40 {
		r.note(NoteKeyword, keyword)
		return nil
	}
	n := int(*f)
	return &n
}

func orZero(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// maxPattern is how many instructions an expression may have.
const maxPattern = 2_000

var unicodeEscape = regexp.MustCompile(`\\u([0-9a-fA-F]{4})`)

// pattern is an expression of ECMAScript as package regexp takes it; "" for one
// that it does not, or that is too large.
func (r *reader) pattern(text string) string {
	if text == "" {
		return ""
	}
	ours := unicodeEscape.ReplaceAllString(text, `\x{$1}`)
	if instructions(ours) == 0 {
		r.note(NotePattern, text)
		return ""
	}
	return ours
}

// instructions is how large the program of an expression is; 0 for one that
// does not compile, or is larger than maxPattern.
func instructions(pattern string) int {
	if len(pattern) > 4*maxPattern {
		return 0
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxPattern {
		return 0
	}
	return len(program.Inst)
}

func (r *reader) elements(s *Schema, o map[string]any, depth int) {
	s.First = r.schemas(o["prefixItems"], depth)
	if items, is := o["items"]; is {
		s.Items = r.schema(items, depth+1)
	}
	s.Unique = o["uniqueItems"] == true
}

func (r *reader) members(s *Schema, o map[string]any, depth int) {
	properties := object(o["properties"])
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if s.Properties == nil {
			s.Properties = map[string]*Schema{}
		}
		s.Properties[name] = r.schema(properties[name], depth+1)
	}
	others, narrows := o["additionalProperties"]
	patterned := object(o["patternProperties"])
	for _, pattern := range slices.Sorted(maps.Keys(patterned)) {
		s.Open = true
		if ours := r.pattern(pattern); ours != "" {
			if s.Patterned == nil {
				s.Patterned = map[string]*Schema{}
			}
			s.Patterned[ours] = r.schema(patterned[pattern], depth+1)
		} else if narrows { // it speaks of the members that do not fit
			narrows, s.Loose = false, true
			r.note(NoteKeyword, "additionalProperties")
		}
	}
	if narrows {
		if s.Others = r.schema(others, depth+1); s.Others == nil || !s.Others.Never {
			s.Open = true
		}
	}
	if _, is := o["unevaluatedProperties"]; is {
		s.Open = true
	}
	s.Required = texts(o["required"])
	slices.Sort(s.Required)
	s.Required = slices.Compact(s.Required)
}

func (r *reader) schemas(x any, depth int) []*Schema {
	var all []*Schema
	for _, one := range list(x) {
		s := r.schema(one, depth+1)
		if s == nil {
			s = &Schema{}
		}
		all = append(all, s)
	}
	return all
}

// discriminator tells which value means which schema of oneOf, else of anyOf:
// as the mapping says, and by the names of schemas (OpenAPI 3.1 §4.8.25).
func (r *reader) discriminator(s *Schema, o map[string]any) {
	d := object(o["discriminator"])
	member, forms := text(d["propertyName"]), list(o["oneOf"])
	if forms == nil {
		forms = list(o["anyOf"])
	}
	if member == "" || len(forms) == 0 {
		return
	}
	means, byRef := map[string]int{}, map[string]int{}
	for i, form := range forms {
		ref := text(object(form)["$ref"])
		if ref == "" {
			continue
		}
		byRef[ref] = i
		means[ref[strings.LastIndexByte(ref, '/')+1:]] = i
	}
	mapping := object(d["mapping"])
	for _, value := range slices.Sorted(maps.Keys(mapping)) {
		ref := text(mapping[value])
		if i, ok := byRef[ref]; ok {
			means[value] = i
		} else if i, ok := byRef["#/components/schemas/"+ref]; ok {
			means[value] = i
		}
	}
	s.Discriminator = &Discriminator{Member: member, Means: means}
}
