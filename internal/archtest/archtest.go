// Package archtest answers whether the repository keeps its own rules: who may
// import whom, how long a function or file may be, which module is confined to
// which room, and whether every SQL constant fits the migrated schema.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// File is one Go file of the repository.
type File struct {
	Dir    string // its package's folder, slash separated, from the repository's root
	Path   string
	Test   bool
	Syntax *ast.File
	Lines  int
}

// Read parses every Go file below root.
func Read(root string) (*token.FileSet, []File, error) {
	set := token.NewFileSet()
	var files []File
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		syntax, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return fmt.Errorf("parse %s: %w", path, err)
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return fmt.Errorf("place %s: %w", path, err)
		}
		rel = filepath.ToSlash(rel)
		files = append(files, File{
			Dir: dirOf(rel), Path: rel, Test: strings.HasSuffix(rel, "_test.go"), Syntax: syntax,
			Lines: set.File(syntax.Pos()).LineCount(),
		})
		return nil
	})
	return set, files, err
}

func dirOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return "."
}

// Imports are the import paths of a file.
func (f File) Imports() []string {
	var paths []string
	for _, spec := range f.Syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err == nil { // the parser has read it already
			paths = append(paths, path)
		}
	}
	return paths
}

// Room is the first folder of a package: "catalog" for catalog/rows.
func Room(dir string) string {
	room, _, _ := strings.Cut(dir, "/")
	return room
}

// SQL is one constant named …SQL.
type SQL struct {
	Room string // whose schema it may name
	Name string // catalog.publishVersionSQL
	Text string
}

// SQLConstants collects every constant named …SQL outside tests. A constant
// put together from others of its package is put together here too.
func SQLConstants(files []File) []SQL {
	byDir := map[string]map[string]ast.Expr{}
	for _, f := range files {
		if f.Test {
			continue
		}
		for _, decl := range f.Syntax.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.CONST {
				continue
			}
			for _, spec := range gen.Specs {
				value := spec.(*ast.ValueSpec)
				for i, name := range value.Names {
					if i < len(value.Values) {
						if byDir[f.Dir] == nil {
							byDir[f.Dir] = map[string]ast.Expr{}
						}
						byDir[f.Dir][name.Name] = value.Values[i]
					}
				}
			}
		}
	}
	var all []SQL
	for dir, consts := range byDir {
		for name, expr := range consts {
			if strings.HasSuffix(name, "SQL") {
				all = append(all, SQL{Room: Room(dir), Name: dir + "." + name, Text: text(expr, consts)})
			}
		}
	}
	return all
}

func text(expr ast.Expr, consts map[string]ast.Expr) string {
	switch e := expr.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err == nil {
			return s
		}
	case *ast.BinaryExpr:
		return text(e.X, consts) + text(e.Y, consts)
	case *ast.ParenExpr:
		return text(e.X, consts)
	case *ast.Ident:
		if other, ok := consts[e.Name]; ok {
			return text(other, consts)
		}
	}
	return ""
}
