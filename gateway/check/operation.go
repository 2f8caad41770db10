package check

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Operation is what requests for an operation, and its answers, are held to. It
// is safe for concurrent use.
type Operation struct {
	parameters []parameter
	query      map[string]bool // parameters that the document names; nil: some are not known by name
	body       *body           // nil: the document names none
	answers    map[string]content
}

type parameter struct {
	Parameter
	root   step
	schema *node
}

type body struct {
	required bool
	content  content
}

// content are media types; none: nothing is described.
type content map[string]*node

func (c *compiler) operation(d *Described) (*Operation, error) {
	o := &Operation{query: map[string]bool{}, answers: map[string]content{}}
	for _, p := range d.Parameters {
		schema, err := c.schema(p.Schema)
		if err != nil {
			return nil, err
		}
		if p.In == "query" {
			o.query[p.Name] = true
		}
		if p.In == "header" {
			p.Name = http.CanonicalHeaderKey(p.Name)
		}
		if p.Required && p.In != "path" || !schema.takesAnyText() || p.In == "query" && p.List == "" {
			o.parameters = append(o.parameters, parameter{p, step{pointer: p.In + "/" + escape(p.Name)}, schema})
		}
	}
	if d.OpenQuery {
		o.query = nil
	}
	if d.Body != nil {
		content, err := c.content(d.Body.Content)
		if err != nil {
			return nil, err
		}
		o.body = &body{d.Body.Required, content}
	}
	for status, described := range d.Answers {
		content, err := c.content(described)
		if err != nil {
			return nil, err
		}
		o.answers[status] = content
	}
	return o, nil
}

// takesAnyText reports whether a schema has nothing to say of a text.
func (n *node) takesAnyText() bool {
	return n == nil || !n.never && (n.kinds == 0 || n.kinds&kindText != 0) && n.enum == nil && n.pattern == nil && n.text == nil &&
		n.minLength == 0 && n.maxLength < 0 && n.not == nil && n.allOf == nil && n.oneOf == nil && n.anyOf == nil
}

func (c *compiler) content(described Content) (content, error) {
	all := content{}
	for kind, s := range described {
		schema, err := c.schema(s)
		if err != nil {
			return nil, err
		}
		all[kind] = schema
	}
	return all, nil
}

// of is the schema of a media type, the most exactly named first; false when
// the content has none for it.
func (c content) of(kind string) (*node, bool) {
	main, _, _ := strings.Cut(kind, "/")
	for _, name := range []string{kind, main + "/*", "*/*"} {
		if schema, ok := c[name]; ok {
			return schema, true
		}
	}
	return nil, false
}

// Request is a request as it came.
type Request struct {
	Path    func(variable string) (string, bool) // decoded
	Query   url.Values
	Header  http.Header
	Cookies func() []*http.Cookie
	HasBody bool
	Encoded bool  // it is compressed
	Body    *JSON // nil: it is none, or is not held whole
}

// JSON is a body that was read in the one way it can be read.
type JSON struct {
	Value any   // nil, bool, string, json.Number, []any or map[string]any
	Size  int   // of its text, in bytes
	Err   error // it cannot be read so
}

func (j *JSON) size() int {
	if j == nil {
		return 0
	}
	return j.Size
}

// TakesJSON reports whether a body of that content type is JSON that the
// operation takes.
func (o *Operation) TakesJSON(contentType string) bool {
	if o.body == nil {
		return false
	}
	kind := o.body.kind(contentType)
	_, takes := o.body.content.of(kind)
	return takes && isJSON(kind)
}

// kind is the media type that a Content-Type says. Where one only is described
// it is meant by somebody who says none: the upstream will read it so.
func (b *body) kind(contentType string) string {
	if contentType == "" && len(b.content) == 1 {
		for kind := range b.content {
			return kind
		}
	}
	return mediaType(contentType)
}

// Takes are the media types of the operation's body, in order, for Accept-headers.
func (o *Operation) Takes() []string {
	if o.body == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(o.body.content))
}

// Request gives what of a request is not as described.
func (o *Operation) Request(in Request) []Finding {
	v := visit{way: inRequest, steps: stepsFor(in.Body.size())}
	for i := range o.parameters {
		o.parameters[i].check(&v, in)
	}
	if o.query != nil {
		for name := range in.Query {
			if !o.query[name] {
				v.path = append(v.path[:0], step{pointer: "query/*"})
				v.tell(NotNamed)
				break
			}
		}
	}
	v.path = append(v.path[:0], step{pointer: "body"})
	switch {
	case v.full():
	case o.body == nil:
		if in.HasBody {
			v.tell(NotDescribed)
		}
	case !in.HasBody:
		if o.body.required {
			v.find(Required)
		}
	default:
		o.bodyFits(&v, in)
	}
	return v.findings
}

func (o *Operation) bodyFits(v *visit, in Request) {
	kind := o.body.kind(ContentType(in.Header["Content-Type"]))
	schema, ok := o.body.content.of(kind)
	if !ok {
		if len(o.body.content) > 0 {
			v.path[0].pointer = "header/Content-Type"
			v.find(MediaType)
		}
		return
	}
	switch {
	case !isJSON(kind):
	case in.Encoded:
		v.path[0].pointer = "header/Content-Encoding"
		v.find(Encoded)
	case in.Body != nil && schema != nil:
		v.json(schema, in.Body)
	}
}

// ContentType is what the lines of that header say; several say no type, for
// each reader may take another one.
func ContentType(lines []string) string {
	switch len(lines) {
	case 0:
		return ""
	case 1:
		return lines[0]
	}
	return noType
}

// json holds a JSON body to a schema.
func (v *visit) json(schema *node, body *JSON) {
	if body.Err != nil {
		v.find(NotJSON)
		return
	}
	v.value(schema, schema, body.Value)
}

// Answer is an answer as the upstream gave it.
type Answer struct {
	Status      int
	ContentType string
	Empty       bool  // it has no body
	Body        *JSON // nil: it is none, or is not held whole
}

// Describes reports whether an answer of that status and content type is JSON
// that is held to a schema, and so is to be held whole.
func (o *Operation) Describes(status int, contentType string) bool {
	content, ok := o.status(status)
	if !ok {
		return false
	}
	kind := mediaType(contentType)
	_, ok = content.of(kind)
	return ok && isJSON(kind)
}

// status is the content that is described for a status (OpenAPI 3.1 §4.8.16).
func (o *Operation) status(code int) (content, bool) {
	text := strconv.Itoa(code)
	for _, key := range []string{text, text[:1] + "XX", "DEFAULT"} {
		if content, ok := o.answers[key]; ok {
			return content, true
		}
	}
	return nil, false
}

// Answer gives what of an answer is not as described. A status that says that
// something went wrong, and that the document does not name, is only told.
func (o *Operation) Answer(in Answer) []Finding {
	v := visit{way: inAnswer, steps: stepsFor(in.Body.size()), path: []step{{pointer: "status"}}}
	content, named := o.status(in.Status)
	if !named {
		switch {
		case in.Status == http.StatusNotModified: // the caller asked for it
		case in.Status >= 200 && in.Status < 300:
			v.find(Status)
		default:
			v.tell(Status)
		}
		return v.findings
	}
	if in.Empty {
		return nil
	}
	if len(content) == 0 {
		v.path[0].pointer = "body"
		v.tell(NotDescribed)
		return v.findings
	}
	kind := mediaType(in.ContentType)
	schema, ok := content.of(kind)
	if !ok {
		v.path[0].pointer = "header/Content-Type"
		v.find(MediaType)
		return v.findings
	}
	v.path[0].pointer = "body"
	if in.Body != nil && isJSON(kind) {
		v.json(schema, in.Body)
	}
	return v.findings
}
