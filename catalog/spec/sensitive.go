package spec

import (
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Sensitive is a place in an answer whose value leaves masked, unless an
// agreement gives it open. The document says so where it declares the value, so
// that the mark holds wherever the schema is used, and goes with the document's
// revisions.
type Sensitive struct {
	Path string `json:"path"` // as of a Field; of a list of values, /* at its end
	Mask string `json:"mask"` // last-1 … last-6, initials, year, hash

	TitleVI string `json:"title_vi"` // of the field that it is, or that is a list of it
	TitleEN string `json:"title_en"`
}

// maskKey is what marks a value in a document.
const maskKey = "x-lgsp-mask"

var maskForm = regexp.MustCompile(`^(last-[1-6]|initials|year|hash)$`)

// maskSteps bounds how much of a document is looked through for marks.
const maskSteps = 2_000_000

// marked notes a mark of a schema that stands at path, and finds what it cannot be.
func (f *flattener) marked(n, schema *yaml.Node, path string) {
	mark := get(n, maskKey)
	if mark == nil {
		mark = get(schema, maskKey)
	}
	if mark == nil {
		return
	}
	kind, _ := f.r.kind(schema)
	switch {
	case mark.Kind != yaml.ScalarNode || !maskForm.MatchString(mark.Value):
		f.r.found("spec-mask-unknown", mark.Line, f.where, maskKey+" is none of last-1 … last-6, initials, year, hash", "mask", mark.Value)
	case path == "" || kind == "object" || kind == "array" || kind == "boolean":
		f.r.found("spec-mask-not-value", mark.Line, f.where, maskKey+" marks no text and no number", "path", path)
	}
	if !slices.ContainsFunc(f.sensitive, func(s Sensitive) bool { return s.Path == path }) {
		f.sensitive = append(f.sensitive, Sensitive{Path: path, Mask: mark.Value})
	}
}

// flattened are the parts of a schema that a flattener goes into.
var flattened = []string{"$ref", "allOf", "oneOf", "anyOf", "properties", "prefixItems", "items"}

// beside finds marks in the parts of a schema that no field path leads to.
func (f *flattener) beside(n, schema *yaml.Node) {
	for _, one := range []*yaml.Node{n, schema} {
		for key, value := range pairs(one) {
			reached := slices.Contains(flattened, key.Value) && (one == schema || key.Value == "$ref")
			if !reached && !isData(key.Value) && f.r.holdsMark(value, key.Value == "properties" || key.Value == "patternProperties") {
				f.unreached(key.Line)
			}
		}
	}
}

// unreached finds that a marked value may stand where no path names it, so that
// it would leave open: in a circle, beyond the bounds of what is listed, under
// names that the document leaves open.
func (f *flattener) unreached(line int) {
	if !f.hides {
		f.hides = true
		f.r.found("spec-mask-unreached", line, f.where, "a value with "+maskKey+" may stand where no field path leads")
	}
}

// holdsMark reports whether there is a mark anywhere beneath; names says that
// the keys of n are names, not words of JSON Schema.
func (r *reader) holdsMark(n *yaml.Node, names bool) bool {
	if !r.marks {
		return false
	}
	return r.seeksMark(n, names, map[*yaml.Node]bool{})
}

func (r *reader) seeksMark(n *yaml.Node, names bool, seen map[*yaml.Node]bool) bool {
	n = r.resolve(n)
	if n == nil || seen[n] {
		return false
	}
	if r.sought++; r.sought > maskSteps {
		return true // what is not looked through may hold one
	}
	seen[n] = true
	for _, one := range items(n) {
		if r.seeksMark(one, false, seen) {
			return true
		}
	}
	for key, value := range pairs(n) {
		switch {
		case names:
			if r.seeksMark(value, false, seen) {
				return true
			}
		case key.Value == maskKey:
			return true
		case isData(key.Value):
		case r.seeksMark(value, key.Value == "properties" || key.Value == "patternProperties", seen):
			return true
		}
	}
	return false
}
