package check

import (
	"encoding/json"
	"strconv"
	"strings"
)

// check finds what is wrong with the parameter in a request.
func (p *parameter) check(v *visit, in Request) {
	if v.full() {
		return
	}
	v.path = append(v.path[:0], p.root)
	values, there := p.values(in)
	empty := len(values) == 1 && values[0] == ""
	switch {
	case !there || empty && !p.Empty && !p.takesNothing(): // given without a value is as good as not given
		if p.Required {
			v.find(Required)
		}
	case p.schema == nil || empty && p.Empty:
	case p.List == "" && len(values) > 1:
		v.find(Count)
	default:
		p.fits(v, values)
	}
}

// takesNothing reports whether the empty text is a value of the parameter.
func (p *parameter) takesNothing() bool {
	return p.schema == nil || p.schema.kinds == 0 || p.schema.kinds&kindText != 0
}

// values are what the request gives for the parameter.
func (p *parameter) values(in Request) ([]string, bool) {
	switch p.In {
	case "path":
		value, ok := in.Path(p.Name)
		return []string{value}, ok
	case "query":
		values, ok := in.Query[p.Name]
		return values, ok
	case "header":
		values, ok := in.Header[p.Name]
		return values, ok
	}
	var values []string
	for _, cookie := range in.Cookies() {
		if cookie.Name == p.Name {
			values = append(values, cookie.Value)
		}
	}
	return values, len(values) > 0
}

// fits holds the values to the schema. A text may stand for a number or a truth
// value: what of these fits is what was meant.
func (p *parameter) fits(v *visit, values []string) {
	for _, text := range values {
		if !v.spend(len(text)/64 + 1) {
			return
		}
	}
	if p.List == "" {
		v.meantBy(p.schema, values[0])
		return
	}
	if len(values) == 1 && v.anyMeaning(p.schema, values[0]) {
		return // a value where one or several may stand
	}
	parts := values
	if p.List != "&" {
		parts = nil
		for _, text := range values {
			parts = append(parts, strings.Split(text, p.List)...)
		}
	}
	element := p.schema.elementOf()
	elements := make([]any, len(parts))
	for i, text := range parts {
		elements[i] = strings.TrimSpace(text)
		for _, meaning := range meanings(strings.TrimSpace(text)) {
			if element != nil && v.probe(element, element, meaning) {
				elements[i] = meaning
				break
			}
		}
	}
	v.value(p.schema, p.schema, elements)
}

// elementOf is the schema of an array's elements; nil when it takes any.
func (n *node) elementOf() *node {
	if n == nil {
		return nil
	}
	if n.items != nil {
		return n.items
	}
	for _, list := range [][]*node{n.allOf, n.oneOf, n.anyOf} {
		for _, part := range list {
			if element := part.elementOf(); element != nil {
				return element
			}
		}
	}
	return nil
}

// meantBy holds a text to a schema, as what it may mean.
func (v *visit) meantBy(n *node, text string) {
	if !v.anyMeaning(n, text) {
		all := meanings(text)
		meaning := all[len(all)-1]
		if n.kinds&kindText != 0 {
			meaning = text
		}
		v.value(n, n, meaning) // which tells why not
	}
}

func (v *visit) anyMeaning(n *node, text string) bool {
	for _, meaning := range meanings(text) {
		if v.probe(n, n, meaning) {
			return true
		}
	}
	return false
}

// meanings are the values that a text may stand for: itself, then others.
func meanings(text string) []any {
	all := []any{text}
	switch {
	case text == "true" || text == "false":
		return append(all, text == "true")
	case text == "" || len(text) > 64:
		return all
	case json.Valid([]byte(text)) && text[0] != '"' && text[0] != '{' && text[0] != '[' && text != "null":
		return append(all, json.Number(text))
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil { // +7, 007
		return append(all, json.Number(strconv.FormatInt(n, 10)))
	}
	return all
}
