// Package fields answers what an agency asks of its datasets beside what every
// dataset is asked: it reads the agency's schema, a small YAML document, and
// holds values to it. It knows no database.
package fields

import (
	"slices"
	"strings"
)

// Type says what a field holds.
type Type string

// The types.
const (
	Text    Type = "text"      // one line
	Long    Type = "long-text" // paragraphs
	Number  Type = "number"    // decimal, with a point
	Date    Type = "date"      // yyyy-mm-dd
	URL     Type = "url"       // http or https
	Email   Type = "email"
	Choice  Type = "choice"  // one of a list
	Choices Type = "choices" // several of a list
	YesNo   Type = "yes-no"  // "yes" or "no"
)

// Types are all, in the order they are explained.
func Types() []Type { return []Type{Text, Long, Number, Date, URL, Email, Choice, Choices, YesNo} }

// Where a field is shown.
const (
	ShownToAll    = "public" // on the dataset's page, in the CKAN API, in DCAT, in search
	ShownToAgency = "agency" // to those who work on the agency's datasets
)

// Schema is what an agency asks for.
type Schema struct {
	Fields []Field `json:"fields"`
}

// Field is one thing that is asked.
type Field struct {
	Name      string   `json:"name"` // a-z, 0-9 and _, unique in the schema
	LabelVI   string   `json:"label_vi"`
	LabelEN   string   `json:"label_en"` // "": the Vietnamese one
	HelpVI    string   `json:"help_vi"`
	HelpEN    string   `json:"help_en"`
	Type      Type     `json:"type"`
	Required  bool     `json:"required"`   // before a dataset is submitted
	MaxLength int      `json:"max_length"` // in characters, of texts
	Shown     string   `json:"shown"`      // public, agency
	Property  string   `json:"property"`   // IRI that it has in RDF; "": none
	Choices   []Option `json:"choices"`    // of a choice
}

// Option is one value of a choice.
type Option struct {
	Value   string `json:"value"`
	LabelVI string `json:"label_vi"`
	LabelEN string `json:"label_en"`
}

// Field finds a field by its name.
func (s Schema) Field(name string) (Field, bool) {
	i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return s.Fields[i], true
}

// Public is the part of the schema that everyone may know of.
func (s Schema) Public() Schema {
	list := []Field{}
	for _, f := range s.Fields {
		if f.Shown == ShownToAll {
			list = append(list, f)
		}
	}
	return Schema{Fields: list}
}

// option finds one value of a choice.
func (f Field) option(value string) (Option, bool) {
	i := slices.IndexFunc(f.Choices, func(o Option) bool { return o.Value == value })
	if i < 0 {
		return Option{}, false
	}
	return f.Choices[i], true
}

// Words are a value as people read it, in Vietnamese and in English: the labels
// of what was chosen, else the text itself, both times.
func (f Field) Words(v Value) (vi, en []string) {
	for _, text := range v.Texts() {
		o, known := f.option(text)
		if !known {
			o = Option{LabelVI: text}
		}
		if o.LabelEN == "" {
			o.LabelEN = o.LabelVI
		}
		vi, en = append(vi, o.LabelVI), append(en, o.LabelEN)
	}
	return vi, en
}

// Held is a field with the value that a dataset gives it.
type Held struct {
	Field
	Value Value
}

// Held are the fields of the schema that have a value, in the schema's order.
func (s Schema) Held(values Values) []Held {
	var list []Held
	for _, f := range s.Fields {
		if v, ok := values[f.Name]; ok && !v.Empty() {
			list = append(list, Held{f, v})
		}
	}
	return list
}

// Searched is what the search is to find a dataset by: every value that
// everyone may see, with its labels in both languages.
func (s Schema) Searched(values Values) string {
	var words []string
	for _, h := range s.Public().Held(values) {
		if h.Type == YesNo {
			continue
		}
		vi, en := h.Words(h.Value)
		for i := range vi {
			words = append(words, vi[i])
			if en[i] != vi[i] {
				words = append(words, en[i])
			}
		}
	}
	return strings.Join(words, ". ")
}
