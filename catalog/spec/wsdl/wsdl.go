// Package wsdl answers what a SOAP service's description says, as OpenAPI: it
// makes a document of WSDL 1.1 with its schemas, one operation a SOAP
// operation, each with a path of its own.
//
// Read are SOAP 1.1 and 1.2 over HTTP, document/literal and rpc/literal, and
// XML Schema in one file. Names and namespaces stand in the schemas' xml
// objects (OpenAPI 3.0 §4.7.26); what a caller sends to the service's one
// address is told apart by x-soap of the operation. Nothing outside the file is
// looked at.
package wsdl

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// The namespaces of a description.
const (
	spaceWSDL   = "http://schemas.xmlsoap.org/wsdl/"
	spaceWSDL2  = "http://www.w3.org/ns/wsdl"
	spaceSOAP11 = "http://schemas.xmlsoap.org/wsdl/soap/"
	spaceSOAP12 = "http://schemas.xmlsoap.org/wsdl/soap12/"
	spaceXSD    = "http://www.w3.org/2001/XMLSchema"
	spaceXML    = "http://www.w3.org/XML/1998/namespace"
	envelope11  = "http://schemas.xmlsoap.org/soap/envelope/"
	envelope12  = "http://www.w3.org/2003/05/soap-envelope"
	overHTTP    = "http://schemas.xmlsoap.org/soap/http"
	overHTTP12  = "http://www.w3.org/2003/05/soap/bindings/HTTP/"
)

// Note is something that was not carried over as it was, or is good to know.
type Note struct {
	Code   string
	Line   int
	Where  string
	Detail string
	Pairs  []string
}

// Made is what came of a description.
type Made struct {
	Document *yaml.Node // OpenAPI 3.0.3; each part has the line that it comes from
	Notes    []Note
}

// Is reports whether a text may be a description: it is XML.
func Is(text []byte) bool {
	return strings.HasPrefix(strings.TrimLeft(strings.TrimPrefix(string(text[:min(len(text), 1000)]), "\ufeff"), " \t\r\n"), "<")
}

// Convert makes an OpenAPI document of a description. It fails with a Refusal
// for what is no WSDL 1.1, is too large or too deep, has a document type, or
// needs another file.
func Convert(text []byte) (*Made, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	switch root.name {
	case xml.Name{Space: spaceWSDL, Local: "definitions"}:
	case xml.Name{Space: spaceWSDL2, Local: "description"}:
		return nil, refuse("wsdl-version", root.line, "WSDL 2.0")
	default:
		return nil, refuse("wsdl-unknown", root.line, "XML, but no WSDL", "name", cut(root.name.Local))
	}
	if n := root.first(spaceWSDL, "import"); n != nil {
		return nil, elsewhere(n, n.attr("location"))
	}
	c := &converter{root: root, types: newTypes(), paths: tree.Map(), ids: map[string]int{}}
	if err := c.types.index(root.first(spaceWSDL, "types")); err != nil {
		return nil, err
	}
	c.index()
	c.bindings()
	if err := c.types.finish(); err != nil {
		return nil, err
	}
	c.samples()
	return &Made{Document: c.document(), Notes: c.types.notes}, nil
}

// elsewhere refuses what stands in another file.
func elsewhere(n *element, location string) error {
	return refuse("wsdl-import", n.line, "another file is needed: "+location, "location", cut(location))
}

// cut makes a text of the description short enough for a line.
func cut(text string) string {
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}

// converter makes a document of one description.
type converter struct {
	root     *element
	types    *types
	messages map[xml.Name]*element
	kinds    map[xml.Name]*element // port types
	many     bool                  // several port types have operations: paths begin with their names
	made     []*operation
	servers  []string
	paths    *yaml.Node
	ids      map[string]int
	seen     int          // operations of bindings
	contents []*yaml.Node // of requests and answers, by media type
}

// operation is one operation of a port type, in all SOAP versions that it is
// bound to.
type operation struct {
	of     *element // of the port type
	kind   *element
	soap   []*bound
	path   string
	id     string
	action string
	body   xml.Name // what stands in the request's Body; zero: nothing does
}

// bound is an operation in one SOAP version.
type bound struct {
	is12 bool
	rpc  bool
	op   *element // of the binding
}

// global are the named children of a kind, by their qualified names.
func (c *converter) global(local string) map[xml.Name]*element {
	all := map[xml.Name]*element{}
	for _, e := range c.root.all(spaceWSDL, local) {
		name := xml.Name{Space: c.root.attr("targetNamespace"), Local: e.attr("name")}
		if _, taken := all[name]; !taken {
			all[name] = e
		}
	}
	return all
}

func (c *converter) index() {
	c.messages, c.kinds = c.global("message"), c.global("portType")
	used := map[xml.Name]bool{}
	for _, b := range c.root.all(spaceWSDL, "binding") {
		if soapOf(b) != nil {
			used[b.named("type")] = true
		}
	}
	c.many = len(used) > 1
}

// soapOf is the SOAP extension of a part of a binding; nil for none.
func soapOf(e *element, local ...string) *element {
	name := "binding"
	if len(local) > 0 {
		name = local[0]
	}
	if n := e.first(spaceSOAP11, name); n != nil {
		return n
	}
	return e.first(spaceSOAP12, name)
}

// bindings goes through what can be called over SOAP, and tells what cannot.
func (c *converter) bindings() {
	for _, service := range c.root.all(spaceWSDL, "service") {
		for _, port := range service.all(spaceWSDL, "port") {
			address := soapOf(port, "address")
			if address == nil {
				c.types.note("wsdl-port", port, port.attr("name"), "a port that is not SOAP", "name", cut(port.attr("name")))
				continue
			}
			c.server(address.attr("location"))
		}
	}
	if len(c.servers) > 1 {
		c.types.note("wsdl-addresses", c.root, "", "several addresses", "hosts", cut(strings.Join(c.servers, ", ")))
	}
	for _, b := range c.root.all(spaceWSDL, "binding") {
		soap := soapOf(b)
		if soap == nil {
			continue
		}
		if t := soap.attr("transport"); t != "" && t != overHTTP && t != overHTTP12 {
			c.types.note("wsdl-transport", soap, b.attr("name"), "not over HTTP: "+cut(t), "transport", cut(t))
			continue
		}
		kind := c.kinds[b.named("type")]
		if kind == nil {
			c.types.note("wsdl-reference", b, b.attr("name"), "no port type", "name", cut(b.attr("type")))
			continue
		}
		for _, op := range b.all(spaceWSDL, "operation") {
			c.bind(kind, op, soap)
		}
	}
	for _, op := range c.made {
		c.write(op)
	}
}

func (c *converter) server(location string) {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	if at := u.String(); !slices.Contains(c.servers, at) && len(c.servers) < 20 {
		c.servers = append(c.servers, at)
	}
}

// bind adds a SOAP version to an operation, which is made when it is new.
func (c *converter) bind(kind, op, soap *element) {
	name, where := op.attr("name"), op.attr("name")
	if c.seen++; c.seen > maxOperations && c.types.refused == nil {
		c.types.refused = refuse("wsdl-too-large", op.line, "more than 4,000 operations")
	}
	if c.types.refused != nil {
		return
	}
	var of *element
	for _, one := range kind.all(spaceWSDL, "operation") {
		if one.attr("name") == name && (of == nil || one.first(spaceWSDL, "input").attr("name") == op.first(spaceWSDL, "input").attr("name")) {
			of = one
		}
	}
	if of == nil || of.first(spaceWSDL, "input") == nil {
		c.types.note("wsdl-no-input", op, where, "no operation of the port type takes this")
		return
	}
	b := &bound{is12: soap.name.Space == spaceSOAP12, op: op}
	extension := soapOf(op, "operation")
	style := soap.attr("style")
	if extension != nil && extension.attr("style") != "" {
		style = extension.attr("style")
	}
	b.rpc = style == "rpc"
	for _, way := range []string{"input", "output"} {
		if body := soapOf(op.first(spaceWSDL, way), "body"); body != nil && body.attr("use") == "encoded" {
			c.types.note("wsdl-encoded", body, where, "SOAP encoding")
			return
		}
	}
	action := ""
	if extension != nil {
		action = extension.attr("soapAction")
	}
	body, ok := c.bodyOf(b, of)
	if !ok {
		c.types.note("wsdl-body", op, where, "what stands in the body is not one element")
		return
	}
	for _, known := range c.made {
		if known.of == of && known.kind == kind && known.body == body && known.action == action && known.soap[0].is12 != b.is12 && len(known.soap) == 1 {
			known.soap = append(known.soap, b)
			return
		}
		if known.of == of && known.kind == kind && known.body == body {
			return // the same through another port
		}
	}
	made := &operation{of: of, kind: kind, soap: []*bound{b}, action: action, body: body}
	if !c.address(made) {
		c.types.note("wsdl-name", op, where, "no name that could be an address")
		return
	}
	c.made = append(c.made, made)
}

// address gives an operation a path and an id of its own: its name.
func (c *converter) address(op *operation) bool {
	name := op.of.attr("name")
	if name == "" || strings.ContainsAny(name, "/{}?# \\") || name == "." || name == ".." || len(name) > 200 {
		return false
	}
	op.id, op.path = name, "/"+url.PathEscape(name)
	if c.many {
		kind := op.kind.attr("name")
		if kind == "" || strings.ContainsAny(kind, "/{}?# \\") || kind == "." || kind == ".." || len(kind) > 200 {
			return false
		}
		op.id, op.path = kind+"."+name, "/"+url.PathEscape(kind)+op.path
	}
	if c.ids[op.path]++; c.ids[op.path] > 1 { // an overload
		suffix := "-" + strconv.Itoa(c.ids[op.path])
		op.id, op.path = op.id+suffix, op.path+suffix
		c.ids[op.path]++
	}
	return c.ids[op.path] == 1
}

// document is the whole.
func (c *converter) document() *yaml.Node {
	service := c.root.first(spaceWSDL, "service")
	title := service.attr("name")
	if title == "" {
		title = c.root.attr("name")
	}
	if title == "" && len(c.made) > 0 {
		title = c.made[0].kind.attr("name")
	}
	described := documentation(c.root)
	if described == "" {
		described = documentation(service)
	}
	info := tree.At(tree.Map("title", title, "description", described, "version", "1.0.0"), c.root.line)
	doc := tree.Map("openapi", "3.0.3", "info", info)
	if len(c.servers) > 0 {
		list := tree.List()
		for _, s := range c.servers {
			list.Content = append(list.Content, tree.Map("url", s))
		}
		tree.Put(doc, "servers", list)
	}
	tree.Put(doc, "paths", c.paths)
	if len(c.types.components.Content) > 0 {
		tree.Put(doc, "components", tree.Map("schemas", c.types.components))
	}
	c.types.note("wsdl-made", c.root, "", "made of WSDL", "count", strconv.Itoa(len(c.made)), "title", cut(title))
	return tree.At(doc, c.root.line)
}

// documentation is what a description says of one of its parts.
func documentation(e *element) string {
	n := e.first(spaceWSDL, "documentation")
	if n == nil {
		n = e.first(spaceXSD, "annotation").first(spaceXSD, "documentation")
	}
	if n == nil {
		return ""
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(n.said, "")), " ")
}
