package project

import (
	"fmt"
	"strings"
)

// Shape is how an answer's values stand in XML, as the XML objects of its
// document say (OpenAPI 3.1, section 4.8.26). The zero Shape has no XML.
type Shape struct {
	Root  []Edge `json:"root"` // what the document's element may be
	Nodes []Node `json:"nodes"`
}

// Node is what an element holds.
type Node struct {
	Value bool   `json:"value,omitempty"` // text
	Open  bool   `json:"open,omitempty"`  // anything: the document describes nothing of it
	Edges []Edge `json:"edges,omitempty"`
}

// Edge leads from an element to one within it, or to an attribute.
type Edge struct {
	Name      string `json:"name,omitempty"`      // local; "": of the document's element, any
	Space     string `json:"space,omitempty"`     // namespace; "": none is declared
	Attribute bool   `json:"attribute,omitempty"` //
	Step      string `json:"step,omitempty"`      // what it adds to the field path: "/ten", "/muc/*", or "" of the document's element
	To        int    `json:"to,omitempty"`        // node; nothing of an attribute
}

// maxEdges bounds a shape.
const maxEdges = 20_000

// XML is a compiled Shape, safe for concurrent use.
type XML struct {
	root  *node
	nodes []node
}

type node struct {
	value, open bool
	elements    map[string][]edge // by local name
	attributes  map[string][]edge
}

type edge struct {
	space  string
	tokens []string
	to     *node
}

// openNode is an element of which nothing is described.
var openNode = &node{value: true, open: true}

// Compile makes a shape fit to project by; nil when it has no XML. It fails for
// one that does not hold together.
func (s Shape) Compile() (*XML, error) {
	if len(s.Root) == 0 {
		return nil, nil
	}
	x := &XML{nodes: make([]node, len(s.Nodes)+1)}
	x.root = &x.nodes[len(s.Nodes)]
	count := len(s.Root)
	for i, n := range s.Nodes {
		x.nodes[i].value, x.nodes[i].open = n.Value, n.Open
		if count += len(n.Edges); count > maxEdges {
			return nil, fmt.Errorf("more than %d elements", maxEdges)
		}
		if err := x.link(&x.nodes[i], n.Edges); err != nil {
			return nil, err
		}
	}
	return x, x.link(x.root, s.Root)
}

func (x *XML) link(from *node, edges []Edge) error {
	from.elements, from.attributes = map[string][]edge{}, map[string][]edge{}
	for _, e := range edges {
		tokens, err := parse(e.Step)
		if err != nil {
			return err
		}
		if e.Attribute {
			from.attributes[e.Name] = append(from.attributes[e.Name], edge{space: e.Space, tokens: tokens})
			continue
		}
		if e.To < 0 || e.To >= len(x.nodes)-1 {
			return fmt.Errorf("element %s leads to nothing", e.Name)
		}
		if e.Name == "" && from != x.root {
			return fmt.Errorf("an element at %s has no name", strings.Join(tokens, "/"))
		}
		from.elements[e.Name] = append(from.elements[e.Name], edge{space: e.Space, tokens: tokens, to: &x.nodes[e.To]})
	}
	return nil
}

// element finds what the element of a name is within this one, whose namespace
// is parent. One whose namespace is not declared is in none or its parent's.
func (n *node) element(local []byte, space, parent string) *edge {
	list := n.elements[string(local)]
	for i := range list {
		if list[i].space != "" && list[i].space == space {
			return &list[i]
		}
	}
	for i := range list {
		if list[i].space == "" && (space == "" || space == parent) {
			return &list[i]
		}
	}
	return nil
}

// documentElement finds what a document's element is; a namespace that is not
// declared may be any.
func (x *XML) documentElement(local []byte, space string) *edge {
	for _, name := range []string{string(local), ""} {
		list := x.root.elements[name]
		for i := range list {
			if list[i].space == space || list[i].space == "" {
				return &list[i]
			}
		}
	}
	return nil
}

// attribute finds what an attribute is; without a prefix it is in no namespace
// (Namespaces in XML 1.0, section 6.2).
func (n *node) attribute(local []byte, space string) *edge {
	list := n.attributes[string(local)]
	for i := range list {
		if list[i].space == space {
			return &list[i]
		}
	}
	return nil
}

// from is the place an edge leads to.
func (e *edge) from(at *step) *step {
	for _, token := range e.tokens {
		at = at.within(token)
	}
	return at
}
