package fields

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"

	"lgsp/internal/problem"
)

// The bounds of a schema.
const (
	MaxBytes   = 64 << 10 // of the text
	MaxFields  = 40
	MaxChoices = 200 // of a field
	maxDepth   = 8
	maxFaults  = 50
	maxLabel   = 120  // characters
	maxHelp    = 500  // characters
	maxValue   = 100  // characters, of a choice
	maxText    = 1000 // characters that a one-line text may be let have
	maxLong    = 10000
)

// reader holds one document while it is read, and what is wrong with it.
type reader struct {
	faults *problem.Error
}

// Read reads a schema from YAML (JSON is YAML too). It fails with TooLarge over
// 64 KiB, and with Invalid, one field error for each thing that is wrong, each
// with its line: what is no YAML, has anchors, aliases or tags, stands more
// than 8 levels deep, or is no schema. An empty list of fields is one.
func Read(text []byte) (Schema, error) {
	r := &reader{problem.Errorf(problem.Invalid, "the schema is not right").Coded("schema-invalid")}
	if len(text) > MaxBytes {
		return Schema{}, problem.Errorf(problem.TooLarge, "the schema is larger than 64 KiB").Coded("schema-large").
			Wrong("text", "schema-large", "is larger than 64 KiB")
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if at := firstUnreadable(text); at >= 0 {
		r.wrong(1+bytes.Count(text[:at], []byte("\n")), "schema-text", "holds characters that are not text")
		return Schema{}, r.faults
	}
	schema := r.schema(text)
	if len(r.faults.Fields) > 0 {
		return Schema{}, r.faults
	}
	return schema, nil
}

// firstUnreadable is where a text holds what is no UTF-8, or NUL; -1: nowhere.
func firstUnreadable(text []byte) int {
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		if c == 0 || c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// wrong notes a fault of a line; pairs fill the words of the code.
func (r *reader) wrong(line int, code, detail string, pairs ...string) {
	if len(r.faults.Fields) >= maxFaults {
		return
	}
	pairs = append(pairs, "line", strconv.Itoa(line))
	r.faults.Wrong("text", code, fmt.Sprintf("line %d: %s", line, detail), pairs...)
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

func (r *reader) schema(text []byte) Schema {
	none := Schema{Fields: []Field{}}
	var doc, next yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&doc); err != nil {
		line := 1
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ = strconv.Atoi(m[1]) // digits
		}
		why := Shorten(strings.TrimPrefix(err.Error(), "yaml: "))
		r.wrong(line, "schema-yaml", "no YAML: "+why, "why", why)
		return none
	}
	if decoder.Decode(&next) == nil {
		r.wrong(next.Line, "schema-documents", "a second document begins")
		return none
	}
	if len(doc.Content) != 1 || !r.plain(doc.Content[0], 1) {
		return none
	}
	root := doc.Content[0]
	list := r.members(root, "fields")["fields"]
	if list == nil || list.Kind != yaml.SequenceNode {
		r.wrong(root.Line, "schema-fields", "there must be a list named fields")
		return none
	}
	if len(list.Content) > MaxFields {
		r.wrong(list.Content[MaxFields].Line, "schema-many", "more than 40 fields", "max", strconv.Itoa(MaxFields))
		return none
	}
	lines := map[string]int{}
	for _, n := range list.Content {
		f := r.field(n)
		if first, twice := lines[f.Name]; twice && f.Name != "" {
			r.wrong(n.Line, "schema-name-twice", "the name "+f.Name+" was given before", "name", f.Name, "first", strconv.Itoa(first))
		}
		lines[f.Name] = n.Line
		none.Fields = append(none.Fields, f)
	}
	return none
}

// plain refuses what a schema has no need of and could grow by: anchors,
// aliases, tags, and depth.
func (r *reader) plain(n *yaml.Node, depth int) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.wrong(n.Line, "schema-alias", "anchors and aliases are not taken")
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.wrong(n.Line, "schema-tag", "tags are not taken")
		return false
	case depth > maxDepth:
		r.wrong(n.Line, "schema-deep", "nested more than 8 levels deep")
		return false
	}
	for _, child := range n.Content {
		if !r.plain(child, depth+1) {
			return false
		}
	}
	return true
}

// members are the members of an object; one that is not known is a fault.
func (r *reader) members(n *yaml.Node, known ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.wrong(n.Line, "schema-object", "must be an object with "+strings.Join(known, ", "), "known", strings.Join(known, ", "))
		return found
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		name := Shorten(key.Value)
		switch {
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			r.wrong(key.Line, "schema-unknown", "there is no "+name+" here; there is "+strings.Join(known, ", "), "name", name, "known", strings.Join(known, ", "))
		case found[key.Value] != nil:
			r.wrong(key.Line, "schema-twice", name+" was given before", "name", name)
		default:
			found[key.Value] = n.Content[i+1]
		}
	}
	return found
}

// text is a text of at most that many characters; "" when it is not given.
func (r *reader) text(n *yaml.Node, name string, most int) string {
	if n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return ""
	}
	text := norm.NFC.String(strings.Join(strings.Fields(n.Value), " "))
	switch {
	case n.Kind != yaml.ScalarNode:
		r.wrong(n.Line, "schema-no-text", name+" must be a text", "name", name)
		return ""
	case strings.ContainsRune(text, 0):
		r.wrong(n.Line, "schema-text", "holds characters that are not text")
		return ""
	case utf8.RuneCountInString(text) > most:
		r.wrong(n.Line, "schema-long", name+" is longer than allowed", "name", name, "max", strconv.Itoa(most))
		return ""
	}
	return text
}

// words are a text in both languages: {vi: …, en: …}, or the Vietnamese alone.
func (r *reader) words(n *yaml.Node, name string, most int) (vi, en string) {
	if n == nil || n.Kind != yaml.MappingNode {
		return r.text(n, name, most), ""
	}
	parts := r.members(n, "vi", "en")
	return r.text(parts["vi"], name, most), r.text(parts["en"], name, most)
}

// truth is true or false; false when it is not given.
func (r *reader) truth(n *yaml.Node, name string) bool {
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		r.wrong(n.Line, "schema-bool", name+" is true or false", "name", name)
		return false
	}
	var yes bool
	return n.Decode(&yes) == nil && yes
}

var (
	nameForm  = regexp.MustCompile(`^[a-z][a-z0-9_]{1,39}$`)
	valueForm = regexp.MustCompile(`^[^\s,;](?:[^\n\r]*[^\s])?$`)
)

func (r *reader) field(n *yaml.Node) Field {
	m := r.members(n, "name", "label", "help", "type", "required", "max_length", "shown", "property", "choices")
	f := Field{Name: r.text(m["name"], "name", 40), Type: Type(r.text(m["type"], "type", 20)), Shown: r.text(m["shown"], "shown", 20),
		Required: r.truth(m["required"], "required"), Property: r.text(m["property"], "property", 500), Choices: []Option{}}
	f.LabelVI, f.LabelEN = r.words(m["label"], "label", maxLabel)
	f.HelpVI, f.HelpEN = r.words(m["help"], "help", maxHelp)
	line := func(key string) int {
		if m[key] != nil {
			return m[key].Line
		}
		return n.Line
	}
	switch {
	case !nameForm.MatchString(f.Name):
		r.wrong(line("name"), "schema-name", "name is made of a-z, 0-9 and _, 2 to 40 characters, a letter first")
	case slices.Contains(reserved, f.Name):
		r.wrong(line("name"), "schema-name-taken", "the name "+f.Name+" has a meaning already", "name", f.Name)
	}
	if f.LabelVI == "" {
		r.wrong(line("label"), "schema-label", "the field has no label in Vietnamese")
	}
	if f.Type == "" {
		f.Type = Text
	}
	if !slices.Contains(Types(), f.Type) {
		r.wrong(line("type"), "schema-type", "type is not in the list", "known", known(Types()))
	}
	if f.Shown == "" {
		f.Shown = ShownToAll
	}
	if f.Shown != ShownToAll && f.Shown != ShownToAgency {
		r.wrong(line("shown"), "schema-shown", "shown is public or agency")
	}
	f.MaxLength = r.length(m["max_length"], f.Type)
	f.Choices = r.choices(m["choices"], f.Type, n.Line)
	if f.Property != "" {
		f.Property = r.property(f, line("property"))
	}
	return f
}

func known(types []Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// length reads max_length, which texts have.
func (r *reader) length(n *yaml.Node, of Type) int {
	usual := map[Type]int{Text: 300, Long: 4000}[of]
	most := map[Type]int{Text: maxText, Long: maxLong}[of]
	if n == nil {
		return usual
	}
	if most == 0 {
		r.wrong(n.Line, "schema-length-type", "only text and long-text have a max_length")
		return 0
	}
	length, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || length < 1 || length > most {
		r.wrong(n.Line, "schema-length", "max_length is a number from 1 to "+strconv.Itoa(most), "max", strconv.Itoa(most))
		return usual
	}
	return length
}

// choices reads the values of a choice: objects with value and label, or the
// values alone.
func (r *reader) choices(n *yaml.Node, of Type, line int) []Option {
	list := []Option{}
	chosen := of == Choice || of == Choices
	switch {
	case n == nil && !chosen:
		return list
	case n == nil:
		r.wrong(line, "schema-choices-none", "a choice needs a list named choices")
		return list
	case !chosen:
		r.wrong(n.Line, "schema-choices-type", "only choice and choices have choices")
		return list
	case n.Kind != yaml.SequenceNode || len(n.Content) == 0:
		r.wrong(n.Line, "schema-choices-none", "choices must be a list, of at least one")
		return list
	case len(n.Content) > MaxChoices:
		r.wrong(n.Content[MaxChoices].Line, "schema-choices-many", "more than 200 choices", "max", strconv.Itoa(MaxChoices))
		return list
	}
	for _, item := range n.Content {
		o := Option{}
		if item.Kind == yaml.MappingNode {
			m := r.members(item, "value", "label")
			o.Value = r.text(m["value"], "value", maxValue)
			o.LabelVI, o.LabelEN = r.words(m["label"], "label", maxLabel)
		} else {
			o.Value = r.text(item, "value", maxValue)
		}
		if o.LabelVI == "" {
			o.LabelVI = o.Value
		}
		if !valueForm.MatchString(o.Value) {
			r.wrong(item.Line, "schema-choice", "a choice needs a value of at most 100 characters")
			continue
		}
		if slices.ContainsFunc(list, func(other Option) bool { return other.Value == o.Value }) {
			r.wrong(item.Line, "schema-choice-twice", "the value "+o.Value+" was given before", "value", o.Value)
			continue
		}
		list = append(list, o)
	}
	return list
}

// reserved are names that mean something in the CKAN API already, as a field
// of a package or as an extra.
var reserved = []string{"author", "author_email", "creator_user_id", "id", "isopen", "license_id", "license_title", "license_url",
	"maintainer", "maintainer_email", "metadata_created", "metadata_modified", "name", "notes", "notes_translated", "num_resources",
	"num_tags", "organization", "owner_org", "private", "state", "title", "title_translated", "type", "url", "version", "extras",
	"groups", "resources", "tags", "tag_string", "relationships_as_subject", "relationships_as_object", "frequency", "theme",
	"language", "temporal_start", "temporal_end", "source_document", "contact_phone", "spatial", "upload", "include_all", "reason"}
