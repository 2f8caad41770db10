package web

import (
	"fmt"
	"html/template"
	"path"
	"strings"
	"text/template/parse"
)

// frame is the template around every page.
const frame = "layout.html"

// partOf is the name by which a page's part ("main", "title") stands among
// those of all pages.
func partOf(page, part string) string { return page + ":" + part }

// addPage puts a page into the set: its parts, and the frame around them,
// under names of its own. All pages then share the partials; a set for each,
// made by Clone, would hold every partial once a page.
func addPage(set *template.Template, functions template.FuncMap, file string) error {
	page := strings.TrimSuffix(path.Base(file), ".html")
	parts := map[string]*parse.Tree{}
	for _, name := range []string{frame, file} { // what the page defines takes the place of the frame's own
		read, err := template.New(path.Base(name)).Funcs(functions).ParseFS(files, name)
		if err != nil {
			return fmt.Errorf("parse %s: %w", name, err)
		}
		for _, part := range read.Templates() {
			if name == file && part.Name() == read.Name() {
				continue // what stands around the definitions: nothing
			}
			if set.Lookup(part.Name()) != nil {
				return fmt.Errorf("%s defines %q, which is a partial", name, part.Name())
			}
			parts[part.Name()] = part.Tree
		}
	}
	for part, tree := range parts {
		callOwn(tree.Root, page, parts)
		if _, err := set.AddParseTree(partOf(page, part), tree); err != nil {
			return fmt.Errorf("add %s of %s: %w", part, page, err)
		}
	}
	return nil
}

// callOwn makes the calls of a page's parts name this page's.
func callOwn(node parse.Node, page string, parts map[string]*parse.Tree) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil { // a branch without else
			return
		}
		for _, child := range n.Nodes {
			callOwn(child, page, parts)
		}
	case *parse.IfNode:
		callOwn(n.List, page, parts)
		callOwn(n.ElseList, page, parts)
	case *parse.RangeNode:
		callOwn(n.List, page, parts)
		callOwn(n.ElseList, page, parts)
	case *parse.WithNode:
		callOwn(n.List, page, parts)
		callOwn(n.ElseList, page, parts)
	case *parse.TemplateNode:
		if parts[n.Name] != nil {
			n.Name = partOf(page, n.Name)
		}
	}
}
