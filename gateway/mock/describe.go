package mock

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Wanted is an operation that is to be answered.
type Wanted struct{ ID, Method, Path string }

// Describe reads, of an OpenAPI document 3.0 or 3.1 as JSON, what the operations
// answer. It follows no $ref out of the document. It fails with ErrTooLarge, and
// for text that is no OpenAPI document.
func Describe(openAPI []byte, operations []Wanted) (*Document, error) {
	decoder := json.NewDecoder(bytes.NewReader(openAPI))
	decoder.UseNumber()
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	r := &reader{root: root, open: map[string]bool{}}
	d := &Document{Operations: map[string][]Answer{}}
	paths := object(root["paths"])
	for _, w := range operations {
		o := object(r.resolve(paths[w.Path])[strings.ToLower(w.Method)])
		if o == nil {
			continue
		}
		d.Operations[w.ID] = r.answers(object(o["responses"]))
		if r.written > 4*MaxDocument {
			return nil, ErrTooLarge
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write what answers are made of: %w", err)
	}
	if len(text) > MaxDocument {
		return nil, ErrTooLarge
	}
	return d, nil
}

type reader struct {
	root    map[string]any
	open    map[string]bool // references that are being read
	shapes  int             // of the answer
	written int             // about how many bytes there are
}

// answers are those of one operation, by status, and of each status JSON first.
func (r *reader) answers(responses map[string]any) []Answer {
	var all []Answer
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		content := object(r.resolve(responses[status])["content"])
		status = strings.ToUpper(status)
		if len(content) == 0 {
			all = append(all, Answer{Status: status})
			continue
		}
		var kinds []Answer
		for _, name := range slices.Sorted(maps.Keys(content)) {
			kinds = append(kinds, r.answer(status, mediaType(name), r.resolve(content[name])))
		}
		slices.SortStableFunc(kinds, func(a, b Answer) int { return cmp.Compare(a.order, b.order) })
		all = append(all, kinds[:min(len(kinds), maxKinds)]...)
	}
	return all
}

// answer is one media type of an answer.
func (r *reader) answer(status, kind string, media map[string]any) Answer {
	a := Answer{Status: status, Kind: kind, order: 1}
	json := isJSON(kind) || strings.HasSuffix(kind, "/*")
	if json {
		a.order = 0
	}
	if strings.HasSuffix(kind, "/*") {
		a.Kind = "application/json"
	}
	r.shapes = 0
	example, is := r.example(media)
	switch {
	case is && json:
		if a.Shape = r.given(example, 0); a.Shape == nil {
			a.Text = encoded(example)
		}
	case is:
		if a.Text, is = example.(string); !is {
			a.Text = encoded(example)
		}
	case json && media["schema"] != nil:
		if a.Shape = r.shape(media["schema"], place{}); a.Shape == nil {
			a.Text = "{}"
		}
	case strings.HasPrefix(kind, "text/") && kind != "text/csv" && kind != "text/xml":
		a.Text = sampleText
	case json:
		a.Text = "{}"
	default:
		a.Lacks = true
	}
	r.written += len(a.Text) + 40*r.shapes
	return a
}

// example is the one that a media type has, the first by name where there are several.
func (r *reader) example(media map[string]any) (any, bool) {
	if value, is := media["example"]; is {
		return value, true
	}
	examples := object(media["examples"])
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		if value, is := r.resolve(examples[name])["value"]; is {
			return value, true
		}
	}
	return nil, false
}

// given is the shape of an example that is written out; nil for one that is too large.
func (r *reader) given(value any, depth int) *Shape {
	if r.shapes++; r.shapes > maxShapes || depth > maxNesting {
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		s := &Shape{Kind: "object"}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			inner := r.given(value[name], depth+1)
			if inner == nil {
				return nil
			}
			s.Members = append(s.Members, Member{name, inner})
		}
		return s
	case []any:
		s := &Shape{Kind: "array"}
		for _, one := range value {
			inner := r.given(one, depth+1)
			if inner == nil {
				return nil
			}
			s.First = append(s.First, inner)
		}
		return s
	}
	return &Shape{Kind: kindOf(value), Example: json.RawMessage(encoded(value)), Given: true}
}

func kindOf(value any) string {
	switch value := value.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if _, err := value.Int64(); err == nil {
			return "integer"
		}
		return "number"
	}
	return "null"
}

// encoded is a decoded value as JSON.
func encoded(value any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil {
		return "null" // it was decoded from JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// at finds what a reference names inside the document (RFC 6901 §6).
func (r *reader) at(ref string) any {
	pointer, err := url.PathUnescape(strings.TrimPrefix(ref, "#"))
	if err != nil || !strings.HasPrefix(ref, "#/") {
		return nil
	}
	var here any = r.root
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch value := here.(type) {
		case map[string]any:
			here = value[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(value) {
				return nil
			}
			here = value[i]
		default:
			return nil
		}
	}
	return here
}

// maxHops is how many references in a row are followed.
const maxHops = 32

// resolve is the object that x is, or that its $ref leads to; nil for none.
func (r *reader) resolve(x any) map[string]any {
	for range maxHops {
		o := object(x)
		ref, is := o["$ref"].(string)
		if !is {
			return o
		}
		x = r.at(ref)
	}
	return nil
}

// mediaType is a media type in lower case, without its parameters.
func mediaType(text string) string {
	if kind, _, err := mime.ParseMediaType(text); err == nil {
		return kind
	}
	kind, _, _ := strings.Cut(text, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

func isJSON(kind string) bool {
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

func object(x any) map[string]any { o, _ := x.(map[string]any); return o }
func list(x any) []any            { l, _ := x.([]any); return l }
func text(x any) string           { s, _ := x.(string); return s }
