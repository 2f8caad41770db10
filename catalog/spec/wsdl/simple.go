package wsdl

import (
	"encoding/xml"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// builtins are the types of XML Schema (1.0 part 2 §3) as OpenAPI names them:
// type and format.
var builtins = map[string][2]string{
	"boolean": {"boolean"}, "decimal": {"number"}, "float": {"number", "float"}, "double": {"number", "double"},
	"integer": {"integer"}, "long": {"integer", "int64"}, "int": {"integer", "int32"}, "short": {"integer", "int32"}, "byte": {"integer", "int32"},
	"nonNegativeInteger": {"integer"}, "positiveInteger": {"integer"}, "nonPositiveInteger": {"integer"}, "negativeInteger": {"integer"},
	"unsignedLong": {"integer"}, "unsignedInt": {"integer", "int64"}, "unsignedShort": {"integer", "int32"}, "unsignedByte": {"integer", "int32"},
	"dateTime": {"string", "date-time"}, "date": {"string", "date"}, "time": {"string"}, "base64Binary": {"string", "byte"}, "hexBinary": {"string"},
	"anyURI": {"string", "uri"},
}

// builtin is the schema of one of XML Schema's own types; of anyType, one that
// takes everything.
func (t *types) builtin(name string) *yaml.Node {
	if name == "anyType" {
		return tree.Map()
	}
	is, ok := builtins[name]
	if !ok {
		is = [2]string{"string"} // texts and their kin, parts of dates, names
	}
	n := tree.Map("type", is[0], "format", is[1])
	switch name {
	case "nonNegativeInteger", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte":
		tree.Put(n, "minimum", tree.Number("0"))
	case "positiveInteger":
		tree.Put(n, "minimum", tree.Number("1"))
	}
	return n
}

// valueOf is the schema of what has a simple type, or any named one: an
// element's or attribute's declaration.
func (t *types) valueOf(e *element) *yaml.Node {
	var n *yaml.Node
	switch own := e.first(spaceXSD, "simpleType"); {
	case own != nil:
		n = t.simpleType(own)
	case e.attr("type") != "":
		n = t.ofType(e, e.named("type"))
	case e.name.Local == "attribute":
		n = t.builtin("string")
	default:
		n = tree.Map()
	}
	if value := e.attr("default"); value != "" && isText(n) {
		n = with(n, "default", tree.Text(value))
	}
	return n
}

func isText(n *yaml.Node) bool {
	return len(n.Content) > 1 && n.Content[0].Value == "type" && n.Content[1].Value == "string"
}

// simpleType is the schema of a simple type, its base written out.
func (t *types) simpleType(e *element) *yaml.Node {
	if t.inside[e] || !t.step(e) {
		return tree.Map()
	}
	t.inside[e] = true
	defer delete(t.inside, e)
	if r := e.first(spaceXSD, "restriction"); r != nil {
		return t.restricted(r)
	}
	if list := e.first(spaceXSD, "list"); list != nil { // written as one text, with spaces
		return t.builtin("string")
	}
	return t.builtin("string") // a union
}

// restricted is a simple type that takes less than its base.
func (t *types) restricted(r *element) *yaml.Node {
	var n *yaml.Node
	if own := r.first(spaceXSD, "simpleType"); own != nil {
		n = t.simpleType(own)
	} else {
		n = t.simpleBase(r, r.named("base"))
	}
	enum := tree.List()
	for _, f := range r.children {
		if !t.step(f) {
			return n
		}
		value := f.attr("value")
		switch f.name.Local {
		case "enumeration":
			if t.values++; t.values <= maxValues && isText(n) {
				enum.Content = append(enum.Content, tree.Text(value))
			}
		case "pattern":
			t.pattern(n, f, value)
		default:
			facet(n, f.name.Local, value)
		}
	}
	if len(enum.Content) > 0 && t.values <= maxValues {
		set(n, "enum", enum)
	}
	return n
}

// simpleBase is a base by its name.
func (t *types) simpleBase(at *element, name xml.Name) *yaml.Node {
	if name.Space == spaceXSD {
		return t.builtin(name.Local)
	}
	if e := t.simple[name]; e != nil {
		return t.simpleType(e)
	}
	t.note("wsdl-reference", at, t.where, "nothing is named "+cut(name.Local), "name", cut(name.Local))
	return t.builtin("string")
}

// set says something of a schema in place of what it said.
func set(n *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content[i+1] = value
			return
		}
	}
	tree.Put(n, key, value)
}

var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$`)

// facet holds a schema to a facet (XML Schema 1.0 part 2 §4.3) that OpenAPI has too.
func facet(n *yaml.Node, name, value string) {
	number := !isText(n) && plainNumber.MatchString(value)
	length := func(key string) {
		if count, err := strconv.Atoi(value); err == nil && count >= 0 && isText(n) {
			set(n, key, tree.Number(strconv.Itoa(count)))
		}
	}
	switch name {
	case "minLength", "maxLength":
		length(name)
	case "length":
		length("minLength")
		length("maxLength")
	case "minInclusive", "minExclusive":
		if number {
			set(n, "minimum", tree.Number(value))
			if name == "minExclusive" {
				set(n, "exclusiveMinimum", tree.Bool(true))
			}
		}
	case "maxInclusive", "maxExclusive":
		if number {
			set(n, "maximum", tree.Number(value))
			if name == "maxExclusive" {
				set(n, "exclusiveMaximum", tree.Bool(true))
			}
		}
	}
}

// pattern holds a schema to an expression. Those of XML Schema match the whole,
// and have escapes that others have not, which are left out.
func (t *types) pattern(n *yaml.Node, at *element, value string) {
	if _, err := regexp.Compile(value); err != nil || len(value) > 1000 || strings.Contains(value, `\i`) || strings.Contains(value, `\c`) || strings.ContainsAny(value, "^$") || strings.Contains(value, "-[") {
		t.note("wsdl-pattern", at, t.where, "an expression that is not carried: "+cut(value), "pattern", cut(value))
		return
	}
	if isText(n) {
		set(n, "pattern", tree.Text("^(?:"+value+")$"))
	}
}
