package portal

import (
	"fmt"
	"slices"
	"strings"

	"lgsp/catalog"
)

// fieldRow is one field of a body, as the documentation shows it.
type fieldRow struct {
	catalog.Field
	Name     string // last name of the path; "" for the elements of a list of plain values
	Depth    int    // 0 at the top, at most deepest: how far it is set in
	Anchor   string // id on the page
	SameHref string // where a circular schema is shown, as "#f200-3"
	SameName string // and what is called so there; "" for the whole body
}

// deepest is how far a field is set in at most.
const deepest = 5

// fieldRows are the fields of one body; prefix begins their ids on the page.
func fieldRows(prefix string, fields []catalog.Field) []fieldRow {
	rows := make([]fieldRow, len(fields))
	anchors := make(map[string]string, len(fields))
	for i, f := range fields {
		name, depth := placeOf(f.Path)
		rows[i] = fieldRow{Field: f, Name: name, Depth: min(depth, deepest), Anchor: fmt.Sprintf("%s-%d", prefix, i)}
		anchors[f.Path] = rows[i].Anchor
	}
	for i, f := range fields {
		if f.SameAs == "" {
			continue
		}
		rows[i].SameHref = "#" + prefix
		if anchor, ok := anchors[strings.TrimSuffix(f.SameAs, "/*")]; ok {
			rows[i].SameName, _ = placeOf(strings.TrimSuffix(f.SameAs, "/*"))
			rows[i].SameHref = "#" + anchor
		}
	}
	return rows
}

// placeOf gives the last name of a path and how many names stand above it;
// the elements of lists (*) are none.
func placeOf(path string) (name string, depth int) {
	for _, segment := range strings.Split(path, "/")[1:] {
		if segment == "*" {
			continue
		}
		if name != "" {
			depth++
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(segment)
	}
	if strings.HasSuffix(path, "/*") {
		return "", depth + 1
	}
	return name, depth
}

// kindKey is the message for a field's type, or "" when there are no words
// for it and it stands as it is.
func kindKey(kind string) string {
	if slices.Contains([]string{"string", "integer", "number", "boolean", "object", "array"}, kind) {
		return "apis.type-" + kind
	}
	if kind == "" {
		return "apis.type-any"
	}
	return ""
}

// KindKey is kindKey of the field's type, for templates.
func (f fieldRow) KindKey() string { return kindKey(f.Type) }

// choice is one box of the tree from which the fields of an answer are chosen:
// a field without parts, or a group of them.
type choice struct {
	fieldRow
	Parts []choice // of an object or a list of objects; such a group has no box of its own
}

// choices makes a tree of an answer's fields. Groups are not chosen as such,
// so that a field that is added later is not agreed already.
func choices(prefix string, fields []catalog.Field) []choice {
	rows := fieldRows(prefix, fields)
	children := map[string][]int{}
	known := make(map[string]bool, len(rows))
	for i, row := range rows {
		above := parentOf(row.Path, known)
		children[above] = append(children[above], i)
		known[row.Path] = true
	}
	var grow func(path string) []choice
	grow = func(path string) []choice {
		var all []choice
		for _, i := range children[path] {
			all = append(all, choice{fieldRow: rows[i], Parts: grow(rows[i].Path)})
		}
		return all
	}
	return grow("\x00") // no path: the top
}

// parentOf is the nearest known path above, or no path at all.
func parentOf(path string, known map[string]bool) string {
	for i := strings.LastIndexByte(path, '/'); i >= 0; i = strings.LastIndexByte(path[:i], '/') {
		if known[path[:i]] {
			return path[:i]
		}
	}
	return "\x00"
}

// leaves are the paths that can be ticked in a tree.
func leaves(tree []choice) []string {
	var all []string
	for _, c := range tree {
		if len(c.Parts) == 0 {
			all = append(all, c.Path)
		} else {
			all = append(all, leaves(c.Parts)...)
		}
	}
	return all
}
