// Package docs is this folder: the guides for the people who use the platform,
// embedded in the program whose version they describe, and read into parts
// that the portal sets as pages.
//
// A guide is NAME.md, in English. Its Vietnamese is NAME.vi.md, or stands in the
// same file: then the two parts are its chapters "Tiếng Việt" and "English".
package docs

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"image/png"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

//go:embed *.md pictures/*.png
var files embed.FS

// Names are the guides, in the order that they are offered in.
var Names = []string{"citizens", "developers", "agencies", "operators", "security", "conformance"}

// Guide is a guide in one language.
type Guide struct {
	Name     string
	Language string        // of its text
	Lead     template.HTML // what stands before the first section
	Sections []Section
}

// Section is a chapter of a guide; the portal gives it a page of its own.
type Section struct {
	ID    string // of its heading
	Title string
	HTML  template.HTML // what stands below the heading
	Text  string        // the words alone, for search
}

// Path is the address of the section, without the language.
func (g Guide) Path(s Section) string { return addresses["vi"] + g.Name + "/" + s.ID }

// Picture is a picture of the guides as PNG.
func Picture(name string) ([]byte, error) { return files.ReadFile("pictures/" + path.Base(name)) }

// addresses are what the pages of the guides begin with, by language.
var addresses = map[string]string{"vi": "/docs/", "en": "/en/docs/"}

// Read reads the guides as readers of each language get them: in the other
// language where there is none in theirs. Links lead to pages in the language of
// the text that they stand in, where their headings are.
func Read() (map[string][]Guide, error) {
	all := map[string][]Guide{}
	for language := range addresses {
		for _, name := range Names {
			g, err := read(name, language)
			if err != nil {
				return nil, err
			}
			all[language] = append(all[language], g)
		}
	}
	for _, list := range all {
		for i := range list {
			lead(all, &list[i])
		}
	}
	return all, nil
}

var (
	headed = regexp.MustCompile(`<h[2-6] id="([^"]*)"`)
	linked = regexp.MustCompile(`href="((?:/en)?/docs/([a-z]+))?#([^"]*)"`)
)

// lead makes g's links to headings lead to the pages that the headings stand on.
func lead(all map[string][]Guide, g *Guide) {
	replace := func(html template.HTML) template.HTML {
		return template.HTML(linked.ReplaceAllStringFunc(string(html), func(link string) string {
			parts := linked.FindStringSubmatch(link)
			name, id, language := parts[2], parts[3], g.Language
			if name == "" {
				name = g.Name
			} else if strings.HasPrefix(parts[1], addresses["en"]) {
				language = "en"
			}
			if plain, err := url.PathUnescape(id); err == nil {
				id = plain
			}
			for _, other := range all[language] {
				if to, ok := other.find(id); ok && other.Name == name {
					return `href="` + addresses[language] + to + `"`
				}
			}
			return link
		}))
	}
	g.Lead = replace(g.Lead)
	for i := range g.Sections {
		g.Sections[i].HTML = replace(g.Sections[i].HTML)
	}
}

// find says on which page of the guide a heading stands.
func (g Guide) find(id string) (string, bool) {
	for _, s := range g.Sections {
		page := g.Name + "/" + url.PathEscape(s.ID)
		if s.ID == id {
			return page, true
		}
		for _, heading := range headed.FindAllStringSubmatch(string(s.HTML), -1) {
			if heading[1] == id {
				return page + "#" + url.PathEscape(id), true
			}
		}
	}
	return "", false
}

func read(name, language string) (Guide, error) {
	if source, err := files.ReadFile(name + "." + language + ".md"); err == nil {
		return parse(source, Guide{Name: name, Language: language})
	}
	source, err := files.ReadFile(name + ".md")
	if err != nil {
		return Guide{}, fmt.Errorf("read guide %s: %w", name, err)
	}
	g := Guide{Name: name, Language: "en"}
	if isBilingual(source) {
		g.Language = language
	}
	return parse(source, g)
}

// chapters are the headings of a file in two languages.
var chapters = map[string]string{"vi": "## Tiếng Việt", "en": "## English"}

// parse takes a guide's language out of a document and renders its sections.
func parse(source []byte, g Guide) (Guide, error) {
	markdown := goldmark.New(goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone)), extension.Linkify),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	known := parser.NewContext(parser.WithIDs(&headingIDs{seen: map[string]int{}}))
	root := markdown.Parser().Parse(text.NewReader(source), parser.WithContext(known))
	top, blocks := 2, childrenOf(root)
	if isBilingual(source) {
		top, blocks = 3, chapter(blocks, source, strings.TrimPrefix(chapters[g.Language], "## "))
	}
	var written bytes.Buffer // of the lead, then of each section
	for _, block := range blocks {
		if heading, is := block.(*ast.Heading); is {
			switch heading.Level {
			case 1: // the page has a title of its own
				continue
			case top:
				g.close(&written)
				id, _ := heading.AttributeString("id")
				raw, _ := id.([]byte)
				g.Sections = append(g.Sections, Section{ID: string(raw), Title: wordsOf(heading, source)})
				continue
			}
			heading.Level = max(2, heading.Level+1-top)
		}
		if err := settle(block, g); err != nil {
			return Guide{}, fmt.Errorf("guide %s: %w", g.Name, err)
		}
		if err := markdown.Renderer().Render(&written, source, block); err != nil {
			return Guide{}, fmt.Errorf("render guide %s: %w", g.Name, err)
		}
		if n := len(g.Sections); n > 0 {
			g.Sections[n-1].Text = strings.TrimSpace(g.Sections[n-1].Text + "\n" + wordsOf(block, source))
		}
	}
	g.close(&written)
	return g, nil
}

// close ends the section that is being written, or the lead.
func (g *Guide) close(written *bytes.Buffer) {
	if n := len(g.Sections); n > 0 {
		g.Sections[n-1].HTML = framed(written.String())
	} else {
		g.Lead = framed(written.String())
	}
	written.Reset()
}

func isBilingual(source []byte) bool { return bytes.Contains(source, []byte("\n"+chapters["vi"]+"\n")) }

func childrenOf(node ast.Node) []ast.Node {
	var list []ast.Node
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		list = append(list, child)
	}
	return list
}

// chapter is what stands under a heading of the second level.
func chapter(blocks []ast.Node, source []byte, title string) []ast.Node {
	var list []ast.Node
	in := false
	for _, block := range blocks {
		if heading, is := block.(*ast.Heading); is && heading.Level == 2 {
			in = wordsOf(heading, source) == title
			continue
		}
		if in {
			list = append(list, block)
		}
	}
	return list
}

// wordsOf are the words of a block, one space between its parts.
func wordsOf(node ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it never fails
		if !entering {
			if n.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Value(source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.FencedCodeBlock:
			b.Write(n.Lines().Value(source))
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// settle makes links and pictures lead where they lie on the portal. What is not
// there (the source code) stays as words.
func settle(block ast.Node, g Guide) error {
	var outside []*ast.Link
	err := ast.Walk(block, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			to, ok := destination(string(n.Destination), g)
			if !ok {
				outside = append(outside, n)
			}
			n.Destination = []byte(to)
		case *ast.Image:
			return ast.WalkContinue, sizePicture(n)
		}
		return ast.WalkContinue, nil
	})
	for _, link := range outside {
		for _, child := range childrenOf(link) {
			link.Parent().InsertBefore(link.Parent(), link, child)
		}
		link.Parent().RemoveChild(link.Parent(), link)
	}
	return err
}

// destination is where a link of a guide leads on the portal; ok is false when
// it has no such page.
func destination(to string, g Guide) (string, bool) {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Path == "" {
		return to, err == nil
	}
	name, is := strings.CutSuffix(u.Path, ".md")
	name, vietnamese := strings.CutSuffix(name, ".vi")
	if !is || !slices.Contains(append(Names, "problems"), name) {
		return to, false
	}
	language := g.Language
	if _, err := fs.Stat(files, name+".vi.md"); err == nil {
		language = "en" // of the two files it names this one
	}
	if vietnamese {
		language = "vi"
	}
	u.Path = addresses[language] + name
	return u.String(), true
}

// sizePicture says how large a picture is, so that nothing jumps when it comes.
func sizePicture(image *ast.Image) error {
	name := string(image.Destination)
	raw, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("picture %s: %w", name, err)
	}
	facts, err := png.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("picture %s: %w", name, err)
	}
	image.Destination = []byte("/docs/" + name)
	for attribute, value := range map[string]string{"loading": "lazy", "width": strconv.Itoa(facts.Width), "height": strconv.Itoa(facts.Height)} {
		image.SetAttributeString(attribute, []byte(value))
	}
	return nil
}

// framed lets wide tables and code be scrolled in their own frame, also by
// keyboard.
func framed(html string) template.HTML {
	html = strings.NewReplacer(
		"<table>", `<div class="table" tabindex="0"><table>`, "</table>", "</table></div>",
		"<pre>", `<pre tabindex="0">`,
	).Replace(html)
	return template.HTML(html) // rendered from our own files, raw HTML in them left out
}

// headingIDs gives headings the ids that the places where such files are read
// give them, so that one link serves both.
type headingIDs struct{ seen map[string]int }

// Generate is of parser.IDs.
func (h *headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	var b strings.Builder
	for _, r := range strings.ToLower(string(util.TrimRightSpace(util.TrimLeftSpace(value)))) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), r == '-', r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	id := b.String()
	h.seen[id]++
	if n := h.seen[id]; n > 1 {
		id += "-" + strconv.Itoa(n-1)
	}
	return []byte(id)
}

// Put is of parser.IDs.
func (h *headingIDs) Put(value []byte) { h.seen[string(value)]++ }
