package web

import (
	"fmt"
	"net/url"
	"slices"
)

// Form is a form that came back: what was typed, and what is wrong with it in
// the page's language.
type Form struct {
	Values url.Values
	Title  string // of the summary
	Detail string
	Errors []FieldError // in the order the fields should be mended
}

// FieldError is what is wrong with the field of that name.
type FieldError struct{ Name, Text string }

// Value is what was typed in the field of that name, else otherwise: a
// handler may fill a form before anyone has typed, and a page may have other
// forms than the one that came back.
func (f *Form) value(name, otherwise string) string {
	if f == nil || !f.Values.Has(name) {
		return otherwise
	}
	return f.Values.Get(name)
}

// Field is one control of a form, as the partial "field" shows it. A template
// makes it with
//
//	field $ "email" "label" (t "auth.email") "hint" (t "auth.email-why") "type" "email"
//
// where type is one of the input types, or textarea, select, radios, boxes
// (several check boxes of one name) or box (a single one). Pairs: label, hint
// (why it is asked), type, value (before anyone typed), values ([]string, for
// boxes), options ([]Option), autocomplete, placeholder, pattern, min, max, accept, inputmode,
// rows, maxlength, class (of radios and boxes); with the value true: optional, autofocus, code (monospace).
type Field struct {
	ID, Name, Error string
	Set             map[string]any
	Value           string
	Chosen          []string
}

// Option is one choice of a select, of radios or of boxes.
type Option struct{ Value, Text, Hint string }

// Has reports whether the option of that value is chosen.
func (f Field) Has(value string) bool { return slices.Contains(f.Chosen, value) }

var fieldNames = []string{"label", "hint", "type", "value", "values", "options", "autocomplete", "placeholder", "pattern",
	"min", "max", "accept", "inputmode", "rows", "maxlength", "optional", "autofocus", "code", "class"}

func newField(v View, name string, pairs ...any) (Field, error) {
	set, err := dict(pairs...)
	if err != nil {
		return Field{}, fmt.Errorf("field %s: %w", name, err)
	}
	for key := range set {
		if !slices.Contains(fieldNames, key) {
			return Field{}, fmt.Errorf("field %s: unknown %q", name, key)
		}
	}
	if set["type"] == nil {
		set["type"] = "text"
	}
	f := Field{ID: "f-" + name, Name: name, Set: set}
	otherwise := ""
	if set["value"] != nil {
		otherwise = fmt.Sprint(set["value"])
	}
	f.Value = v.Form.value(name, otherwise)
	f.Chosen = []string{f.Value}
	if chosen, ok := set["values"].([]string); ok {
		f.Chosen = chosen
	}
	if v.Form != nil && v.Form.Values != nil && (v.Form.Values.Has(name) || set["type"] == "box" || set["type"] == "boxes") {
		f.Chosen = v.Form.Values[name]
	}
	if v.Form == nil {
		return f, nil
	}
	for _, e := range v.Form.Errors {
		if e.Name == name {
			f.Error = e.Text
			break
		}
	}
	return f, nil
}
