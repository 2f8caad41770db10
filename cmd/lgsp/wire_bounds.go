package main

import (
	"slices"
	"strings"

	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/gateway/project"
)

// boundsOf are what an agreement holds calls of an operation to, as the gateway
// enforces it; nil: nothing.
func boundsOf(list []agreement.Bounds, operation string) *gateway.Bounds {
	i := slices.IndexFunc(list, func(b agreement.Bounds) bool { return b.Operation == operation })
	if i < 0 {
		return nil
	}
	out := &gateway.Bounds{Dossier: list[i].Dossier, Purpose: list[i].Purpose}
	for _, p := range list[i].Parameters {
		out.Parameters = append(out.Parameters, gateway.ParameterBound{In: p.In, Name: p.Name, Values: p.Values, Prefixes: p.Prefixes})
	}
	for _, r := range list[i].Rows {
		out.Rows = append(out.Rows, project.Row{Field: r.Field, Type: r.Type, Values: r.Values})
	}
	return out
}

// boundable are what agreements can hold calls to, of each operation that needs
// one: its parameters, and the single fields of the rows of its lists.
func boundable(operations []catalog.Operation) map[string]agreement.Bounds {
	all := make(map[string]agreement.Bounds, len(operations))
	for _, o := range operations {
		can := agreement.Bounds{Operation: o.Slug}
		for _, p := range o.Doc.Parameters {
			if gateway.Boundable(p.In, p.Name) && p.Type != "array" && p.Type != "object" {
				can.Parameters = append(can.Parameters, agreement.ParameterBound{In: p.In, Name: p.Name, TitleVI: p.DescriptionVI, TitleEN: p.DescriptionEN})
			}
		}
		for _, f := range o.Doc.Fields {
			ofRow := strings.Contains(f.Path+"/", "/*/")
			if ofRow && slices.Contains([]string{"string", "integer", "boolean"}, f.Type) {
				can.Rows = append(can.Rows, agreement.RowBound{Field: f.Path, Type: f.Type, TitleVI: f.TitleVI, TitleEN: f.TitleEN})
			}
		}
		all[o.Slug] = can
	}
	return all
}
