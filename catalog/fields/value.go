package fields

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/mail"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"lgsp/internal/problem"
)

// Value is what a dataset gives for a field: a text, or of a multiple choice
// the list of what was chosen. In JSON it is a string or a list of strings; a
// number, true and false are read too.
type Value struct {
	Text string
	Many []string // in place of Text when it is not nil
}

// Values are those of a dataset, by the names of the fields.
type Values map[string]Value

// Empty reports that nothing was given.
func (v Value) Empty() bool { return v.Text == "" && len(v.Many) == 0 }

// Texts are the value's texts: none, one or several.
func (v Value) Texts() []string {
	if v.Many != nil {
		return v.Many
	}
	if v.Text == "" {
		return nil
	}
	return []string{v.Text}
}

// Equal reports whether two values say the same.
func (v Value) Equal(other Value) bool {
	return slices.Equal(v.Texts(), other.Texts())
}

// MarshalJSON writes a string or a list of strings.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.Many != nil {
		return json.Marshal(v.Many)
	}
	return json.Marshal(v.Text)
}

// UnmarshalJSON reads what MarshalJSON writes, and numbers, booleans and null.
func (v *Value) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return errors.New("no value")
	case data[0] == '[':
		list := []string{}
		err := json.Unmarshal(data, &list)
		*v = Value{Many: list}
		return err
	case data[0] == '"':
		*v = Value{}
		return json.Unmarshal(data, &v.Text)
	case string(data) == "null":
		*v = Value{}
	case string(data) == "true":
		*v = Value{Text: "yes"}
	case string(data) == "false":
		*v = Value{Text: "no"}
	case data[0] == '{':
		return &json.UnmarshalTypeError{Value: "object", Type: reflect.TypeFor[string]()}
	default:
		*v = Value{Text: string(data)}
	}
	return nil
}

// maxTotal is how many bytes all values of a dataset may have together.
const maxTotal = 64 << 10

// fieldOf is the name of a field in a problem: its place in the dataset's text.
func fieldOf(name string) string { return "fields/" + name }

// Check holds what was given to the schema and gives it in its one form, with
// what is wrong added to e. What is stored under a name that the schema lacks
// stays, unless it was given as nothing.
func (s Schema) Check(e *problem.Error, given, stored Values) Values {
	clean, total := Values{}, 0
	for name, v := range stored {
		if _, asked := s.Field(name); !asked && !v.Empty() {
			clean[name] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		v := given[name]
		f, asked := s.Field(name)
		switch {
		case !asked && v.Empty():
			delete(clean, name)
		case !asked && v.Equal(stored[name]): // as it was read
		case !asked:
			e.Wrong(fieldOf(Shorten(name)), "schema-field-gone", "is no field of the agency's schema", "name", Shorten(name))
		default:
			if v = f.check(e, v); !v.Empty() {
				clean[name] = v
			}
		}
	}
	for _, v := range clean {
		for _, text := range v.Texts() {
			total += len(text)
		}
	}
	if total > maxTotal {
		e.Wrong("fields", "schema-values-large", "the agency's fields hold more than 64 KiB together")
	}
	return clean
}

// Missing adds to e each field that is required and has no value.
func (s Schema) Missing(e *problem.Error, values Values) {
	for _, f := range s.Fields {
		if f.Required && values[f.Name].Empty() {
			e.Wrong(fieldOf(f.Name), "schema-field-required", "is required", "label", f.LabelVI, "label_en", f.english())
		}
	}
}

func (f Field) english() string {
	if f.LabelEN != "" {
		return f.LabelEN
	}
	return f.LabelVI
}

// PublicOf are the values that everyone may see.
func (s Schema) PublicOf(values Values) Values {
	public := Values{}
	for _, h := range s.Public().Held(values) {
		public[h.Name] = h.Value
	}
	return public
}

// Kept are the names of values that the schema has no field for any more.
func (s Schema) Kept(values Values) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, asked := s.Field(name); !asked && !values[name].Empty() {
			names = append(names, name)
		}
	}
	return names
}

// check brings a value into its one form.
func (f Field) check(e *problem.Error, v Value) Value {
	wrong := func(code, detail string, pairs ...string) Value {
		e.Wrong(fieldOf(f.Name), code, detail, append(pairs, "label", f.LabelVI, "label_en", f.english())...)
		return v
	}
	for _, text := range v.Texts() {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return wrong("schema-value-text", "holds characters that are not text")
		}
	}
	if f.Type == Choices {
		return f.checkChoices(v, wrong)
	}
	if v.Many != nil {
		if len(v.Many) > 1 {
			return wrong("schema-value-one", "takes one value")
		}
		v = Value{Text: strings.Join(v.Many, "")}
	}
	v.Text = norm.NFC.String(strings.TrimSpace(strings.ReplaceAll(v.Text, "\r\n", "\n")))
	if f.Type == Text {
		v.Text = strings.Join(strings.Fields(v.Text), " ")
	}
	if v.Text == "" {
		return v
	}
	if most := f.longest(); utf8.RuneCountInString(v.Text) > most {
		return wrong("schema-value-long", "longer than allowed", "max", strconv.Itoa(most))
	}
	if code, detail := f.unlike(v.Text); code != "" {
		return wrong(code, detail)
	}
	return v
}

// checkChoices puts what was chosen in the schema's order, each once.
func (f Field) checkChoices(v Value, wrong func(code, detail string, pairs ...string) Value) Value {
	chosen := map[string]bool{}
	for _, text := range v.Texts() {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if _, known := f.option(text); !known {
			return wrong("schema-value-choice", "is not in the list")
		}
		chosen[text] = true
	}
	clean := Value{Many: []string{}}
	for _, o := range f.Choices {
		if chosen[o.Value] {
			clean.Many = append(clean.Many, o.Value)
		}
	}
	return clean
}

var numberForm = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)

// unlike says how a text is not of the field's type.
func (f Field) unlike(text string) (code, detail string) {
	switch f.Type {
	case Number:
		if !numberForm.MatchString(text) {
			return "schema-value-number", "is no number such as 12.5"
		}
	case Date:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return "schema-value-date", "is not a date as yyyy-mm-dd"
		}
	case URL:
		if !isWebAddress(text) {
			return "schema-value-url", "is not an http or https address"
		}
	case Email:
		if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
			return "schema-value-email", "is not an e-mail address"
		}
	case Choice:
		if _, known := f.option(text); !known {
			return "schema-value-choice", "is not in the list"
		}
	case YesNo:
		if text != "yes" && text != "no" {
			return "schema-value-yes-no", "is neither yes nor no"
		}
	}
	return "", ""
}

// longest is how many characters a value may have.
func (f Field) longest() int {
	switch f.Type {
	case Text, Long:
		return f.MaxLength
	case URL:
		return 2000
	}
	return 254
}

func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// Shorten cuts a text for a message.
func Shorten(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}
