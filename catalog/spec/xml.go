package spec

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// XML is how the fields of an operation's answers stand in XML: which element
// or attribute is which field, by the schemas' XML objects (OpenAPI 3.1,
// section 4.8.26). It is a graph, as schemas may contain themselves.
type XML struct {
	Root  []XMLEdge `json:"root"` // what the document's element may be
	Nodes []XMLNode `json:"nodes"`
}

// XMLNode is what an element holds.
type XMLNode struct {
	Value bool      `json:"value,omitempty"` // text
	Open  bool      `json:"open,omitempty"`  // anything: nothing is described of it
	Edges []XMLEdge `json:"edges,omitempty"`
}

// XMLEdge leads from an element to one within it, or to an attribute.
type XMLEdge struct {
	Name      string `json:"name,omitempty"`      // "": of the document's element, any
	Space     string `json:"space,omitempty"`     // namespace; "": none is declared
	Attribute bool   `json:"attribute,omitempty"` //
	Step      string `json:"step,omitempty"`      // what it adds to a field's path: /ten, /muc/*
	To        int    `json:"to,omitempty"`        // node; nothing of an attribute
}

// The bounds of the XML that is described.
const (
	maxXMLNodes    = 2_000   // of one operation
	maxXMLEdges    = 10_000  // of one operation
	maxAllElements = 100_000 // edges of one document
)

// inXML are the schemas of an answer's XML forms.
func (r *reader) inXML(answer *yaml.Node) []*yaml.Node {
	var schemas []*yaml.Node
	for media, content := range pairs(get(r.resolve(answer), "content")) {
		kind, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(media.Value)), ";")
		if schema := get(content, "schema"); schema != nil && (strings.HasSuffix(kind, "/xml") || strings.HasSuffix(kind, "+xml")) {
			schemas = append(schemas, schema)
		}
	}
	return schemas
}

// shaper makes the graph of one operation.
type shaper struct {
	r     *reader
	where string
	nodes []XMLNode
	of    map[string]int // by schemas, and the name that elements of a list have
	edges int
	cut   bool
}

// shape describes the XML of schemas; nil when there are none, or more than can be held.
func (r *reader) shape(where string, schemas []*yaml.Node) *XML {
	if len(schemas) == 0 {
		return nil
	}
	s := &shaper{r: r, where: where, of: map[string]int{}}
	var root []XMLEdge
	for _, n := range schemas {
		name := s.said(n, "name")
		if name == "" {
			name = componentOf(n)
		}
		edge := XMLEdge{Name: name, Space: s.said(n, "namespace"), To: s.node([]*yaml.Node{n}, s.elementsName(n, name))}
		if !slices.Contains(root, edge) {
			root = append(root, edge)
		}
	}
	if s.cut || r.elements+s.edges > maxAllElements {
		r.found("spec-xml-cut", lineOf(schemas[0]), where, "the XML answer has more elements than can be held to agreed fields")
		return nil
	}
	r.elements += s.edges
	return &XML{Root: root, Nodes: s.nodes}
}

// componentOf is the name of the component that a schema is a reference to, "".
func componentOf(n *yaml.Node) string {
	ref := text(n, "$ref")
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// said is what a schema's XML object says of a key, or that of what it refers to.
func (s *shaper) said(n *yaml.Node, key string) string {
	if own := text(n, "xml", key); own != "" {
		return own
	}
	return text(s.r.resolve(n), "xml", key)
}

func (s *shaper) is(n *yaml.Node, key string) bool {
	return isTrue(get(n, "xml"), key) || isTrue(get(s.r.resolve(n), "xml"), key)
}

// node gives the node of an element that any of schemas describes; name is the
// element's, which those of a list in it have too where they have none.
func (s *shaper) node(schemas []*yaml.Node, name string) int {
	key := strings.Builder{}
	for _, n := range schemas {
		fmt.Fprintf(&key, "%p ", s.r.resolve(n))
	}
	key.WriteString(name)
	if i, ok := s.of[key.String()]; ok {
		return i
	}
	i := len(s.nodes)
	if i >= maxXMLNodes {
		s.cut = true
		return 0
	}
	s.nodes, s.of[key.String()] = append(s.nodes, XMLNode{}), i
	p := parts{schemas: map[string][]*yaml.Node{}, seen: map[*yaml.Node]bool{}}
	for _, n := range schemas {
		s.gather(&p, n)
	}
	node := XMLNode{Value: p.value}
	if len(p.elements) > 0 {
		node.Edges = s.place(node.Edges, name, p.elements, "/*")
	}
	for _, property := range p.names {
		node.Edges = s.place(node.Edges, property, p.schemas[property], "/"+escape(property))
	}
	if !p.value && len(p.names) == 0 && len(p.elements) == 0 {
		node.Open, node.Value = true, true
	}
	node.Edges = s.clear(node.Edges)
	s.nodes[i] = node
	return i
}

// parts are what schemas say together of one value.
type parts struct {
	value    bool
	names    []string // of properties, in order
	schemas  map[string][]*yaml.Node
	elements []*yaml.Node // of a list
	seen     map[*yaml.Node]bool
}

func (s *shaper) gather(p *parts, n *yaml.Node) {
	schema := s.r.resolve(n)
	if schema == nil || p.seen[schema] {
		return
	}
	p.seen[schema] = true
	for _, together := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range items(get(schema, together)) {
			s.gather(p, part)
		}
	}
	for _, kind := range append(texts(schema, "type"), text(schema, "type")) {
		p.value = p.value || slices.Contains([]string{"string", "integer", "number", "boolean"}, kind)
	}
	for key, property := range pairs(get(schema, "properties")) {
		if key.Value == "*" {
			continue // as in fields
		}
		if p.schemas[key.Value] == nil {
			p.names = append(p.names, key.Value)
		}
		p.schemas[key.Value] = append(p.schemas[key.Value], property)
	}
	for _, element := range append(items(get(schema, "prefixItems")), get(schema, "items")) {
		if element != nil {
			p.elements = append(p.elements, element)
		}
	}
}

// place adds the edges to what is called name and described by any of schemas.
// A list that is not wrapped has no element of its own, only its elements'.
func (s *shaper) place(edges []XMLEdge, name string, schemas []*yaml.Node, step string) []XMLEdge {
	if s.edges += len(schemas); s.edges > maxXMLEdges || strings.Count(step, "/") > maxFieldDepth {
		s.cut = true
		return edges
	}
	var lists, others []*yaml.Node
	for _, n := range schemas {
		if kind, _ := s.r.kind(s.r.resolve(n)); kind == "array" && !s.is(n, "wrapped") {
			lists = append(lists, n)
			continue
		}
		others = append(others, n)
	}
	for _, n := range lists {
		p := parts{schemas: map[string][]*yaml.Node{}, seen: map[*yaml.Node]bool{}}
		s.gather(&p, n)
		edges = s.place(edges, name, p.elements, step+"/*")
	}
	if len(others) == 0 {
		return edges
	}
	n := others[0]
	edge := XMLEdge{Name: s.said(n, "name"), Space: s.said(n, "namespace"), Attribute: s.is(n, "attribute"), Step: step}
	if edge.Name == "" {
		edge.Name = name
	}
	if !edge.Attribute {
		edge.To = s.node(others, s.elementsName(n, edge.Name))
	}
	edges = append(edges, edge)
	if edge.Name != name && text(n, "xml", "name") == "" {
		edge.Name = name // the name is the component's, and some programs write the property's
		edges = append(edges, edge)
	}
	return edges
}

// elementsName is what the elements of a wrapped list are called where they have
// no name of their own; of anything else it is of no matter.
func (s *shaper) elementsName(n *yaml.Node, name string) string {
	if kind, _ := s.r.kind(s.r.resolve(n)); kind == "array" {
		return name
	}
	return ""
}

// clear drops edges that are there twice, and those that lead to two fields by
// one name: which one an element is could not be told.
func (s *shaper) clear(edges []XMLEdge) []XMLEdge {
	var kept []XMLEdge
	for i, e := range edges {
		same := func(other XMLEdge) bool {
			return other.Name == e.Name && other.Space == e.Space && other.Attribute == e.Attribute
		}
		if slices.Contains(edges[:i], e) {
			continue
		}
		if slices.ContainsFunc(edges, func(other XMLEdge) bool { return same(other) && other != e }) {
			if !slices.ContainsFunc(edges[:i], same) {
				s.r.found("spec-xml-ambiguous", 0, s.where, "an XML element is two fields: "+e.Name, "name", e.Name)
			}
			continue
		}
		kept = append(kept, e)
	}
	return kept
}
