package spec

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// postCall is one operation, of all requests to its address.
type postCall struct {
	method, id, summary, said, tag string
	line                           int // of its first request
	parameters                     []*postParameter
	known                          map[[2]string]*postParameter // by place and name
	bodies                         []*postBody                  // by media type
	answers                        []*postAnswer
}

// postParameter is one input beside the body.
type postParameter struct {
	in, name, said string
	example        string
	shape          shape
}

// postBody is what bodies of one media type have in common.
type postBody struct {
	media   string
	shape   *shape // nil: nothing is known of it
	example *yaml.Node
}

// postAnswer are the saved answers of one status.
type postAnswer struct {
	status, said string
	bodies       []*postBody
}

// notCarried are headers that are the platform's own, or the connection's.
var notCarried = []string{"accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length", "content-type", "host",
	"origin", "postman-token", "referer", "user-agent", "x-request-id", "traceparent"}

func (c *postCall) parameter(in, name string) *postParameter {
	q := c.known[[2]string{in, name}]
	if q == nil {
		q = &postParameter{in: in, name: name}
		c.known[[2]string{in, name}] = q
		c.parameters = append(c.parameters, q)
	}
	return q
}

// take adds a value and what is said of it. A variable says nothing of a value.
func (q *postParameter) take(n *yaml.Node) {
	if q.said == "" {
		q.said = words(get(n, "description"))
	}
	value := text(n, "value")
	if value == "" || strings.Contains(value, "{{") || scrub(value) != value {
		return
	}
	if q.example == "" {
		q.example = value
	}
	q.shape.add(typed(value))
}

// typed is a text as what it looks like: a truth, a whole number without
// zeros before it, a text.
func typed(value string) *yaml.Node {
	if value == "true" || value == "false" {
		return tree.Bool(value == "true")
	}
	digits := strings.TrimPrefix(value, "-")
	if digits != "" && len(digits) < 10 && strings.Trim(digits, "0123456789") == "" && (digits == "0" || digits[0] != '0') {
		return tree.Number(value)
	}
	return tree.Text(value)
}

func (c *postCall) takeParameters(p *postman, at *postAddress, where string) {
	for _, name := range at.names {
		q := c.parameter("path", name)
		if n := at.said[name]; n != nil && !isSecretName(name) {
			q.take(n)
		}
	}
	for _, n := range at.query {
		name := strings.TrimSpace(text(n, "key"))
		switch {
		case name == "" || strings.Contains(name, "{{"):
		case isSecretName(name):
			p.secret(n, where, "?"+name)
		default:
			c.parameter("query", name).take(n)
		}
	}
}

func (c *postCall) takeHeaders(p *postman, list *yaml.Node, where string) {
	for _, n := range items(list) {
		name := strings.TrimSpace(text(n, "key"))
		switch {
		case name == "" || strings.Contains(name, "{{") || slices.Contains(notCarried, strings.ToLower(name)):
		case isSecretName(name):
			p.secret(n, where, name)
		default:
			c.parameter("header", name).take(n)
		}
	}
}

// takeBody reads what a request sends.
func (c *postCall) takeBody(p *postman, n *yaml.Node, where string) {
	if n == nil || isTrue(n, "disabled") {
		return
	}
	switch mode := text(n, "mode"); mode {
	case "raw":
		raw := text(n, "raw")
		if strings.TrimSpace(raw) == "" {
			return
		}
		media := mediaOf(text(n, "options", "raw", "language"), raw)
		c.bodies = takeSample(c.bodies, media, raw, p)
		if !isJSONMedia(media) {
			p.left("import-body", n.Line, where, "of a body that is no JSON the media type alone is carried: "+media, "media", media)
		}
	case "urlencoded", "formdata":
		media := "application/x-www-form-urlencoded"
		if mode == "formdata" {
			media = "multipart/form-data"
		}
		c.form(p, media, get(n, mode))
	case "graphql":
		graph := tree.Map("query", text(n, "graphql", "query"))
		tree.Put(graph, "variables", tree.Map())
		b := &shape{}
		b.add(graph)
		c.bodies = append(c.bodies, &postBody{media: "application/json", shape: b})
		p.left("import-body", n.Line, where, "of GraphQL its form alone is carried", "media", "GraphQL")
	case "file":
		c.bodies = takeSample(c.bodies, "application/octet-stream", "", p)
	}
}

// form reads the fields of a form; a file is a text of bytes.
func (c *postCall) form(p *postman, media string, fields *yaml.Node) {
	one, given := tree.Map(), map[string]bool{}
	for _, f := range items(fields) {
		if name := text(f, "key"); name != "" && !given[name] {
			given[name] = true
			one.Content = append(one.Content, tree.Text(name), typed(text(f, "value")))
		}
	}
	if len(one.Content) == 0 {
		return
	}
	b := bodyOf(&c.bodies, media)
	if b.shape == nil {
		b.shape = &shape{}
	}
	b.shape.add(one)
	if b.example == nil {
		b.example = copied(one)
		p.examples++
	}
}

// mediaOf is the media type of a raw body, by what Postman calls its language.
func mediaOf(language, raw string) string {
	switch begin := strings.TrimSpace(raw); {
	case language == "json" || begin[0] == '{' || begin[0] == '[':
		return "application/json"
	case language == "xml" || begin[0] == '<':
		return "application/xml"
	case language == "html":
		return "text/html"
	}
	return "text/plain"
}

func isJSONMedia(media string) bool {
	return isStructured(media) && !strings.HasSuffix(media, "xml")
}

// maxMedia is how many media types of one body are told apart.
const maxMedia = 20

func bodyOf(list *[]*postBody, media string) *postBody {
	for _, b := range *list {
		if b.media == media {
			return b
		}
	}
	if len(*list) >= maxMedia {
		return (*list)[maxMedia-1]
	}
	b := &postBody{media: media}
	*list = append(*list, b)
	return b
}

// takeSample adds a body. Of JSON its form is kept, and the first as an
// example; a body that is none may hold secrets anywhere, so none of it is.
func takeSample(list []*postBody, media, raw string, p *postman) []*postBody {
	b := bodyOf(&list, media)
	if !isJSONMedia(media) {
		return list
	}
	n, err := parseJSON([]byte(bare(raw)))
	if err != nil {
		return list
	}
	if b.shape == nil {
		b.shape = &shape{}
	}
	b.shape.add(n)
	room := maxExample
	if b.example == nil && fits(n, &room) {
		b.example = copied(n)
		p.examples++
	}
	return list
}

// bare puts the variables of a JSON text that stand outside of texts into
// texts, so that it can be read: {"trang": {{trang}}}.
func bare(raw string) string {
	if !strings.Contains(raw, "{{") {
		return raw
	}
	var b strings.Builder
	inText := false
	for i := 0; i < len(raw); i++ {
		if inText && raw[i] == '\\' && i+1 < len(raw) {
			b.WriteString(raw[i : i+2])
			i++
			continue
		}
		if raw[i] == '"' {
			inText = !inText
		}
		if !inText && strings.HasPrefix(raw[i:], "{{") {
			end := strings.Index(raw[i:], "}}")
			if end > 0 && !strings.ContainsAny(raw[i:i+end], "\"\n\\:") {
				b.WriteString(`"` + raw[i:i+end+2] + `"`)
				i += end + 1
				continue
			}
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}

// takeAnswers reads the saved answers.
func (c *postCall) takeAnswers(p *postman, list *yaml.Node, where string) {
	for _, n := range items(list) {
		status := text(n, "code")
		if len(status) != 3 || status[0] < '1' || status[0] > '5' || strings.Trim(status, "0123456789") != "" {
			status = "default"
		}
		a := c.answer(status)
		if name := scrub(text(n, "name")); a.said == "" {
			a.said = name
		}
		raw, media := text(n, "body"), ""
		for _, h := range items(get(n, "header")) {
			name := text(h, "key")
			if strings.EqualFold(name, "Content-Type") {
				media, _, _ = strings.Cut(strings.ToLower(text(h, "value")), ";")
			} else if isSecretName(name) {
				p.secret(h, where, name)
			}
		}
		if strings.TrimSpace(raw) == "" {
			continue
		}
		if media = strings.TrimSpace(media); !strings.Contains(media, "/") || strings.ContainsAny(media, " {}") {
			media = mediaOf(text(n, "_postman_previewlanguage"), raw)
		}
		a.bodies = takeSample(a.bodies, media, raw, p)
	}
}

func (c *postCall) answer(status string) *postAnswer {
	for _, a := range c.answers {
		if a.status == status {
			return a
		}
	}
	a := &postAnswer{status: status}
	c.answers = append(c.answers, a)
	return a
}

// operation is the call as OpenAPI writes it.
func (c *postCall) operation() *yaml.Node {
	n := tree.Map("operationId", c.id, "summary", c.summary, "description", c.said)
	if c.tag != "" {
		tree.Put(n, "tags", tree.List(tree.Text(c.tag)))
	}
	if len(c.parameters) > 0 {
		list := tree.List()
		for _, q := range c.parameters {
			schema := q.shape.schema()
			if get(schema, "type") == nil {
				schema = tree.Map("type", "string")
			}
			one := tree.Map("name", q.name, "in", q.in, "required", q.in == "path", "description", q.said, "schema", schema)
			if q.example != "" {
				tree.Put(one, "example", typed(q.example))
			}
			list.Content = append(list.Content, one)
		}
		tree.Put(n, "parameters", list)
	}
	if len(c.bodies) > 0 {
		tree.Put(n, "requestBody", tree.Map("content", contents(c.bodies)))
	}
	answers := tree.Map()
	for _, a := range c.answers {
		one := tree.Map("description", a.said)
		if a.said == "" {
			tree.Put(one, "description", statusWords(a.status))
		}
		if len(a.bodies) > 0 {
			tree.Put(one, "content", contents(a.bodies))
		}
		tree.Put(answers, a.status, one)
	}
	if len(c.answers) == 0 {
		tree.Put(answers, "200", tree.Map("description", http.StatusText(http.StatusOK)))
	}
	tree.Put(n, "responses", answers)
	return n
}

// contents are bodies by media type.
func contents(bodies []*postBody) *yaml.Node {
	n := tree.Map()
	for _, b := range bodies {
		one := tree.Map()
		if b.shape != nil {
			tree.Put(one, "schema", b.shape.schema())
		}
		if b.example != nil {
			tree.Put(one, "example", b.example)
		}
		tree.Put(n, b.media, one)
	}
	return n
}

// statusWords are the words of a status (RFC 9110 §15), or the status itself.
func statusWords(status string) string {
	if code, err := strconv.Atoi(status); err == nil && http.StatusText(code) != "" {
		return http.StatusText(code)
	}
	return status
}
