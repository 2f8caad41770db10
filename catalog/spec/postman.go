package spec

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// collectionOf is the collection in a Postman file, of the form 2.0 or 2.1
// (schema.getpostman.com), as Postman exports it or as its API gives it; nil
// for what is none. It fails for the first form, which has another shape.
func collectionOf(root *yaml.Node) (*yaml.Node, error) {
	if inner := get(root, "collection"); get(inner, "info") != nil && get(inner, "item") != nil {
		root = inner
	}
	schema := text(root, "info", "schema")
	switch {
	case text(root, "openapi") != "" || text(root, "swagger") != "":
		return nil, nil
	case get(root, "item") != nil && (strings.Contains(schema, "/collection/v2.") || schema == "" && get(root, "info") != nil):
		return root, nil
	case strings.Contains(schema, "/collection/v1") || get(root, "requests") != nil && get(root, "order") != nil:
		return nil, refuse("spec-postman-v1", 1, "a Postman collection of the form v1; export it as v2.1")
	}
	return nil, nil
}

// postman makes an OpenAPI document of a collection.
type postman struct {
	r        *reader // takes the findings
	servers  []string
	bases    map[string]string // variables of the collection that begin an address
	paths    []string          // templates, in the order they came
	calls    map[string][]*postCall
	byPath   map[string]string // a template without its names → the one that is used
	ids      map[string]int    // how often a name was taken
	tags     []string
	tagged   map[string]bool
	said     map[string]string // of a tag
	examples int
	secrets  int
}

// fromCollection is the OpenAPI 3.0 document of a collection: folders become
// tags, requests operations, what they hold parameters, bodies and answers.
// Nothing that somebody proves themselves with goes into it, nor does a
// variable's value, but where it is an address.
func (r *reader) fromCollection(root *yaml.Node) *yaml.Node {
	p := &postman{r: r, bases: map[string]string{}, calls: map[string][]*postCall{}, byPath: map[string]string{}, ids: map[string]int{}, tagged: map[string]bool{}, said: map[string]string{}}
	p.variables(get(root, "variable"))
	p.auth(root, "")
	p.scripts(root, "")
	p.folder(get(root, "item"), "")
	info := get(root, "info")
	title, described := shorten(scrub(text(info, "name"))), words(get(info, "description"))
	version := text(info, "version")
	if version == "" {
		version = "1.0.0"
	}
	doc := tree.Map("openapi", "3.0.3", "info", tree.Map("title", title, "description", described, "version", version))
	if len(p.servers) > 0 {
		list := tree.List()
		for _, s := range p.servers {
			list.Content = append(list.Content, tree.Map("url", s))
		}
		tree.Put(doc, "servers", list)
	}
	if len(p.tags) > 0 {
		list := tree.List()
		for _, t := range p.tags {
			list.Content = append(list.Content, tree.Map("name", t, "description", p.said[t]))
		}
		tree.Put(doc, "tags", list)
	}
	paths, count := tree.Map(), 0
	for _, path := range p.paths {
		item := tree.Map()
		for _, c := range p.calls[path] {
			if len(c.answers) == 0 {
				p.left("import-no-answer", c.line, c.summary, "no answer is saved with the request")
			}
			tree.Put(item, strings.ToLower(c.method), c.operation())
			count++
		}
		tree.Put(paths, path, item)
	}
	tree.Put(doc, "paths", paths)
	if len(p.servers) > 1 {
		r.found("import-hosts", 0, "", "the requests go to several hosts", "hosts", strings.Join(p.servers, ", "))
	}
	if p.examples > 0 {
		r.found("import-examples", 0, "", "examples came with it", "count", itoa(p.examples))
	}
	if p.secrets > 0 {
		r.found("import-secrets", 0, "", "what proves somebody was left out", "count", itoa(p.secrets))
	}
	r.found("import-postman", 0, "", "made of a Postman collection", "count", itoa(count), "title", title)
	return doc
}

// words are a description: a text, or an object that holds one.
func words(n *yaml.Node) string {
	if n != nil && n.Kind == yaml.MappingNode {
		n = get(n, "content")
	}
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return scrub(n.Value)
}

// variables keeps the addresses among a collection's variables, and says of
// the others that their values were left out.
func (p *postman) variables(list *yaml.Node) {
	for _, v := range items(list) {
		name, value := text(v, "key"), text(v, "value")
		if name == "" {
			name = text(v, "id")
		}
		if base := baseOf(value); base != "" {
			p.bases[name] = base
		}
		if value != "" && (isSecretName(name) || scrub(value) != value) {
			p.secret(v, "", "{{"+name+"}}")
		}
	}
}

// baseOf is an address without who signs in there, query or slash at the end;
// "" for what is none.
func baseOf(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsAny(u.Host, "{}") {
		return ""
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/")
}

// secret tells that something was left out; what is its kind or name.
func (p *postman) secret(n *yaml.Node, where, what string) {
	p.secrets++
	p.left("import-secret", lineOf(n), where, "left out: "+what, "what", what)
}

// left tells what was not carried over as it was: the line is the
// collection's, which is not the text that is kept.
func (p *postman) left(code string, line int, where, detail string, pairs ...string) {
	p.r.found(code, line, where, detail, append(pairs, "at", itoa(line))...)
}

// auth tells of a block of credentials.
func (p *postman) auth(n *yaml.Node, where string) {
	block := get(n, "auth")
	if block == nil || block.Kind != yaml.MappingNode || text(block, "type") == "noauth" {
		return
	}
	p.secret(block, where, "auth "+shorten(text(block, "type")))
}

// scripts tells of programs that run beside a request.
func (p *postman) scripts(n *yaml.Node, where string) {
	for _, event := range items(get(n, "event")) {
		if script := get(event, "script", "exec"); script != nil && (len(script.Content) > 0 || script.Value != "") {
			p.left("import-script", event.Line, where, "a script is not carried: "+text(event, "listen"), "listen", text(event, "listen"))
		}
	}
}

// folder goes through the items of a folder; name is the names of those it
// stands in, with its own.
func (p *postman) folder(list *yaml.Node, name string) {
	for _, item := range items(list) {
		own := shorten(strings.TrimSpace(scrub(text(item, "name")))) // it is told again and again
		if inner := get(item, "item"); inner != nil {
			below := own
			if name != "" {
				below = shorten(name + " / " + own)
			}
			p.auth(item, below)
			p.scripts(item, below)
			p.said[below] = words(get(item, "description"))
			p.folder(inner, below)
			continue
		}
		p.scripts(item, own)
		p.request(item, own, name)
	}
}

// request makes an operation of an item, or adds it to the one of the same address.
func (p *postman) request(item *yaml.Node, name, tag string) {
	request := get(item, "request")
	if request == nil {
		p.left("import-no-address", item.Line, name, "an item without a request")
		return
	}
	address, method := get(request, "url"), strings.ToUpper(text(request, "method"))
	if request.Kind == yaml.ScalarNode {
		address = request
	}
	if method == "" {
		method = http.MethodGet
	}
	p.auth(request, name)
	if !slices.Contains(methods, strings.ToLower(method)) {
		p.left("import-method", request.Line, name, "the gateway does not forward "+method, "method", shorten(method))
		return
	}
	at := p.address(address, name)
	if at == nil {
		p.left("import-no-address", lineOf(request), name, "the request has no address that can be called")
		return
	}
	c := p.call(method, at)
	if c.id == "" {
		c.line, c.summary, c.said, c.id = request.Line, name, words(get(request, "description")), p.id(name, method, at.template)
		if c.said == "" {
			c.said = words(get(item, "description"))
		}
		if tag != "" {
			c.tag = tag
			if !p.tagged[tag] {
				p.tagged[tag] = true
				p.tags = append(p.tags, tag)
			}
		}
	} else {
		p.left("import-merged", request.Line, name, "the same address as "+c.summary, "first", c.summary)
	}
	c.takeParameters(p, at, name)
	c.takeHeaders(p, get(request, "header"), name)
	c.takeBody(p, get(request, "body"), name)
	c.takeAnswers(p, get(item, "response"), name)
}

// call is the operation of method and template, made when there is none yet.
// The names in a template do not tell two addresses apart; the first ones stay.
func (p *postman) call(method string, at *postAddress) *postCall {
	bare := templateName.ReplaceAllString(at.template, "{}")
	if first, ok := p.byPath[bare]; ok {
		at.rename(first)
	} else {
		p.byPath[bare] = at.template
		p.paths = append(p.paths, at.template)
	}
	for _, c := range p.calls[at.template] {
		if c.method == method {
			return c
		}
	}
	c := &postCall{method: method, known: map[[2]string]*postParameter{}}
	p.calls[at.template] = append(p.calls[at.template], c)
	return c
}

// id is an operationId: the request's name in one word, unique in the document.
func (p *postman) id(name, method, template string) string {
	slug := kebab(name)
	if slug == "" {
		slug = kebab(method + " " + template)
	}
	base := camel(slug)
	id := base
	for p.ids[id] > 0 { // its numbered forms may be taken too
		p.ids[base]++
		id = base + itoa(p.ids[base])
	}
	p.ids[id]++
	return id
}

// camel makes layThuTuc of lay-thu-tuc.
func camel(slug string) string {
	parts := strings.Split(slug, "-")
	for i, part := range parts[1:] {
		if part != "" {
			parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}

// postVariable is {{name}} in a Postman text.
var postVariable = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)
