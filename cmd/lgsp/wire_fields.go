package main

import (
	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/catalog/spec"
	"lgsp/gateway/project"
)

// xmlOf is how an operation's answers stand in XML, as the gateway knows it.
func xmlOf(x *spec.XML) *project.Shape {
	if x == nil {
		return nil
	}
	shape := &project.Shape{Nodes: make([]project.Node, len(x.Nodes)), Root: edgesOf(x.Root)}
	for i, n := range x.Nodes {
		shape.Nodes[i] = project.Node{Value: n.Value, Open: n.Open, Edges: edgesOf(n.Edges)}
	}
	return shape
}

func edgesOf(list []spec.XMLEdge) []project.Edge {
	edges := make([]project.Edge, len(list))
	for i, e := range list {
		edges[i] = project.Edge(e)
	}
	return edges
}

// sensitiveOf are the sensitive values that can be asked for.
func sensitiveOf(doc catalog.Doc) []agreement.Sensitive {
	var list []agreement.Sensitive
	for _, s := range doc.Sensitive {
		list = append(list, agreement.Sensitive{Path: s.Path, Mask: s.Mask, Open: true, TitleVI: s.TitleVI, TitleEN: s.TitleEN})
	}
	return list
}

// masksOf are the masks of an operation, as the gateway knows them.
func masksOf(list []agreement.Masked, operation string) []project.Masked {
	var masks []project.Masked
	for _, m := range list {
		for _, value := range m.Values {
			if m.Operation == operation {
				masks = append(masks, project.Masked{Path: value.Path, Mask: project.Mask(value.Mask)})
			}
		}
	}
	return masks
}

// maskTexts are masks as records and explanations show them.
func maskTexts(masks []project.Masked) []string {
	var texts []string
	for _, m := range masks {
		texts = append(texts, m.Path+" "+string(m.Mask))
	}
	return texts
}
