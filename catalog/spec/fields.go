package spec

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// The bounds of what is shown of a document's bodies.
const (
	maxBodyFields = 1_000    // of one body
	maxAllFields  = 100_000  // of one document
	maxBodySteps  = 20_000   // schemas looked at for one body
	maxFieldDepth = 24       // segments of a path
	maxPath       = 2_000    // bytes of a path
	maxText       = 32 << 20 // bytes of all that is shown of one document
)

// flattener lists the fields of one body.
type flattener struct {
	r      *reader
	fields []Field
	index  map[string]int        // path → place in fields
	trail  map[*yaml.Node]string // schemas we are inside of → path: what closes a circle
	steps  int
	cut    bool

	// Of the answers that an agreement chooses from.
	where     string
	masks     bool // marks of sensitive values are looked for
	sensitive []Sensitive
	hides     bool // one may stand where no path leads
}

// flatten lists the fields under the schemas of one body, as one list. A
// circular schema is shown once, then named by the path where it is shown.
func (r *reader) flatten(where string, schemas ...*yaml.Node) []Field {
	f := flattener{r: r, where: where}
	return f.flatten(schemas)
}

// agreeable lists the fields an agreement chooses from, and which are sensitive.
func (r *reader) agreeable(where string, schemas []*yaml.Node) ([]Field, []Sensitive) {
	f := flattener{r: r, where: where, masks: r.marks}
	fields := f.flatten(schemas)
	for i := range f.sensitive {
		s := &f.sensitive[i]
		for _, path := range []string{s.Path, strings.TrimSuffix(s.Path, "/*")} {
			if at, ok := f.index[path]; ok && s.TitleVI == "" {
				s.TitleVI, s.TitleEN = fields[at].TitleVI, fields[at].TitleEN
			}
		}
	}
	return fields, f.sensitive
}

func (f *flattener) flatten(schemas []*yaml.Node) []Field {
	r := f.r
	f.fields, f.index = []Field{}, map[string]int{}
	for _, schema := range schemas {
		f.trail = map[*yaml.Node]string{}
		f.inside(schema, "")
	}
	for _, schema := range schemas {
		if f.cut && f.masks && r.holdsMark(schema, false) {
			f.unreached(lineOf(schema))
		}
	}
	if f.cut {
		r.found("spec-fields-cut", lineOf(schemas[0]), f.where, "the body has more fields than can be listed; those left out are agreed through the field above them")
	}
	r.fields += len(f.fields)
	return f.fields
}

// inside lists what is in the schema n, whose own place is path.
func (f *flattener) inside(n *yaml.Node, path string) {
	schema := f.r.resolve(n)
	if schema == nil {
		return
	}
	if f.steps++; f.steps > maxBodySteps || strings.Count(path, "/") > maxFieldDepth {
		f.cut = true
		return
	}
	if at, ok := f.trail[schema]; ok {
		f.circle(path, at)
		if f.masks && f.r.holdsMark(schema, false) {
			f.unreached(lineOf(schema))
		}
		return
	}
	if f.masks {
		f.marked(n, schema, path)
		f.beside(n, schema)
	}
	f.trail[schema] = path
	defer delete(f.trail, schema)
	for _, together := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range items(get(schema, together)) {
			f.inside(part, path)
		}
	}
	required := map[string]bool{}
	for _, name := range texts(schema, "required") {
		required[name] = true
	}
	for key, property := range pairs(get(schema, "properties")) {
		if key.Value == "*" { // no path can name it, so no agreement can give it
			if f.masks && f.r.holdsMark(property, false) {
				f.unreached(key.Line)
			}
			continue
		}
		below := path + "/" + escape(key.Value)
		if !f.add(below, property, required[key.Value]) {
			return
		}
		f.inside(property, below)
	}
	for _, element := range append(items(get(schema, "prefixItems")), get(schema, "items")) {
		if element == nil {
			continue
		}
		if path == "" && !f.r.hasParts(element) {
			f.add("/*", element, false)
		}
		f.inside(element, path+"/*")
	}
}

// circle marks the field at path as shown at another place.
func (f *flattener) circle(path, at string) {
	f.r.circular = true
	if at == "" {
		at = "/"
	}
	if i, ok := f.index[strings.TrimRight(strings.TrimSuffix(path, "/*"), "/")]; ok && f.fields[i].SameAs == "" {
		f.fields[i].SameAs = at
	}
}

// add puts the field at path on the list and reports whether there was room.
// Where two schemas name one path, the second fills what the first left out.
func (f *flattener) add(path string, n *yaml.Node, required bool) bool {
	i, known := f.index[path]
	if !known && (len(f.fields) >= maxBodyFields || f.r.fields+len(f.fields) >= maxAllFields) {
		f.cut = true
		return false
	}
	if len(path) > maxPath || f.r.spent > maxText {
		f.cut = true
		return false
	}
	field := f.r.field(path, n)
	field.Required = required
	if known {
		f.fields[i].fill(field)
		return true
	}
	f.index[path] = len(f.fields)
	f.fields = append(f.fields, field)
	return true
}

func (f *Field) fill(other Field) {
	for _, pair := range []struct{ to, from *string }{
		{&f.Type, &other.Type}, {&f.Format, &other.Format}, {&f.Example, &other.Example},
		{&f.TitleVI, &other.TitleVI}, {&f.TitleEN, &other.TitleEN},
		{&f.DescriptionVI, &other.DescriptionVI}, {&f.DescriptionEN, &other.DescriptionEN},
	} {
		if *pair.to == "" {
			*pair.to = *pair.from
		}
	}
	f.Nullable = f.Nullable || other.Nullable
	f.Required = f.Required && other.Required
}

// field is what the document says of the schema n and of the ref to it.
func (r *reader) field(path string, n *yaml.Node) Field {
	schema := r.resolve(n)
	kind, nullable := r.kind(schema)
	return Field{
		Path: path, Type: kind, Nullable: nullable, Format: text(schema, "format"),
		TitleVI: r.say(n, "title"), TitleEN: r.say(n, "x-title-en"),
		DescriptionVI: r.say(n, "description"), DescriptionEN: r.say(n, "x-description-en"),
		Enum: r.values(get(schema, "enum")), Example: r.example(schema),
	}
}

// kind is the type of a schema, and whether null is allowed beside it.
func (r *reader) kind(schema *yaml.Node) (string, bool) {
	budget := 200 // schemas: combinations of combinations grow without end
	return r.kindWithin(schema, &budget)
}

func (r *reader) kindWithin(schema *yaml.Node, budget *int) (string, bool) {
	if *budget--; schema == nil || *budget < 0 {
		return "", false
	}
	kind, nullable := text(schema, "type"), isTrue(schema, "nullable")
	for _, one := range texts(schema, "type") { // a list since OpenAPI 3.1
		if one == "null" {
			nullable = true
		} else if kind == "" {
			kind = one
		}
	}
	for _, together := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range items(get(schema, together)) {
			k, null := r.kindWithin(r.resolve(part), budget)
			nullable = nullable || null || k == "null"
			if kind == "" && k != "null" {
				kind = k
			}
		}
	}
	switch {
	case kind != "":
	case get(schema, "properties") != nil:
		kind = "object"
	case get(schema, "items") != nil:
		kind = "array"
	}
	return kind, nullable
}

// hasParts reports whether the schema has fields or elements of its own.
func (r *reader) hasParts(n *yaml.Node) bool {
	schema := r.resolve(n)
	for _, part := range []string{"properties", "items", "allOf", "oneOf", "anyOf", "prefixItems"} {
		if get(schema, part) != nil {
			return true
		}
	}
	return false
}

// example is the first example a schema gives.
func (r *reader) example(schema *yaml.Node) string {
	if one := get(schema, "example"); one != nil {
		return r.compact(one)
	}
	if all := items(get(schema, "examples")); len(all) > 0 {
		return r.compact(all[0])
	}
	return ""
}

// values are the elements of a list as texts; at most a hundred are shown.
func (r *reader) values(n *yaml.Node) []string {
	all := []string{}
	for _, one := range items(n) {
		if len(all) == 100 {
			return append(all, "…")
		}
		all = append(all, r.compact(one))
	}
	return all
}

// escape is a key as a segment of a JSON Pointer (RFC 6901 §3).
func escape(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
