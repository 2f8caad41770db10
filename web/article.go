package web

import (
	"html/template"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// article is a page of documentation that an agency wrote in Markdown
// (CommonMark, with tables). HTML in it is left out, and so are pictures, for
// they would be fetched from elsewhere, and links that are not of the web or
// mail; its headings begin below the page's own.
func article(locale, vi, en string) (template.HTML, error) {
	source, lang := vi, ""
	switch {
	case locale == "en" && strings.TrimSpace(en) != "":
		source = en
	case locale == "en":
		lang = ` lang="vi"`
	}
	var b strings.Builder
	b.WriteString(`<div class="guide-text"` + lang + ">\n")
	if err := markdown.Convert([]byte(source), &b); err != nil {
		return "", err
	}
	b.WriteString("</div>")
	return template.HTML(scrolls.Replace(b.String())), nil
}

// scrolls lets keyboards reach what may be wider than a phone. In text these
// are escaped.
var scrolls = strings.NewReplacer("<pre>", `<pre tabindex="0">`, "<table>", `<div class="table" tabindex="0"><table>`, "</table>", "</table></div>")

var markdown = goldmark.New(
	goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))),
	goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(ownPart{}, 100))))

// ownPart makes a text a part of a page that is not its own.
type ownPart struct{}

// Transform is of parser.ASTTransformer.
func (ownPart) Transform(document *ast.Document, reader text.Reader, _ parser.Context) {
	instead := map[ast.Node]string{}                                               // text that stands in the place of a part
	_ = ast.Walk(document, func(n ast.Node, enters bool) (ast.WalkStatus, error) { // the walker never fails
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = max(n.Level, 2)
		case *ast.Image:
			if enters {
				instead[n] = ""
			}
		case *ast.AutoLink:
			if url := string(n.URL(reader.Source())); enters && n.AutoLinkType == ast.AutoLinkURL && !leadsSomewhere(url) {
				instead[n] = url
			}
		case *ast.Link:
			if enters && !leadsSomewhere(string(n.Destination)) {
				n.Destination = nil
			}
		}
		return ast.WalkContinue, nil
	})
	for n, words := range instead {
		n.Parent().ReplaceChild(n.Parent(), n, ast.NewString([]byte(words)))
	}
}

// leadsSomewhere reports whether a link may be followed: to the web, by mail,
// or within the portal.
func leadsSomewhere(to string) bool {
	for _, begins := range []string{"https://", "http://", "mailto:", "/", "#"} {
		if strings.HasPrefix(to, begins) {
			return !strings.HasPrefix(to, "//")
		}
	}
	return false
}
