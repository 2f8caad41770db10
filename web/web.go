// Package web answers what a page looks like: templates, styles, scripts and
// the words of both languages, embedded in the program.
//
// A page is pages/NAME.html. It defines "title" and "main", and may define
// "description" (for search engines), "crumbs" and "wide" (main without its
// own column). Its dot is a View: what the handler gave is .Data. The parts it
// builds from are partials/, each explained at its head and shown together on
// /dev/components; the functions it may call are in functions.go.
package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

//go:embed pages/*.html partials/*.html layout.html letter.html messages all:dist
var files embed.FS

// Locales are the languages of every page; the first is the province's own.
var Locales = [...]string{"vi", "en"}

// Pages renders pages in both languages.
type Pages struct {
	templates map[string]*template.Template // by locale: the partials and every page
	assets    map[string]string             // plain name: hashed name
	words     map[string]map[string]message // by locale, then key
}

// View is what a page is made from. Everything but Data is for the frame
// around the page, and the same for all.
type View struct {
	Path     string // without the language, as "/search"
	Query    string // raw query, without "?"
	Posted   bool   // the answer to a form: it has no address, nor a twin in the other language
	Origin   string // public origin of the portal, "https://lgsp.example.vn"
	Province string // as "Quảng Ngãi"
	Demo     bool   // the demonstration strip is shown
	Name     string // who is signed in, "" when nobody is
	Desks    []Link // where they work
	Unread   int    // notices that they have not read, up to 100
	Unknown  bool   // who reads the page could not be found out: it offers no signing in
	Flash    *Flash // what the last form did
	Trace    string // of this request
	Form     *Form  // what was typed and what is wrong with it; nil at first
	Data     any
}

// Link is an address without language and the message key of its text.
type Link struct{ Href, Key string }

// Flash is one sentence about what a form has just done.
type Flash struct {
	Key  string   // of the message
	Args []string // name, value, …
}

// New parses every template for every language. It fails when a template is
// wrong, or when the styles were not built (make build).
func New() (*Pages, error) {
	manifest, err := files.ReadFile("dist/manifest.json")
	if err != nil {
		return nil, fmt.Errorf("web/dist is not built; run make build: %w", err)
	}
	p := &Pages{templates: map[string]*template.Template{}, words: map[string]map[string]message{}}
	if err := json.Unmarshal(manifest, &p.assets); err != nil {
		return nil, fmt.Errorf("read web/dist/manifest.json: %w", err)
	}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	for _, locale := range Locales {
		words, err := readMessages(locale)
		if err != nil {
			return nil, err
		}
		p.words[locale] = words
		calls := functions(locale, words, p.assets)
		set, err := template.New("").Funcs(calls).ParseFS(files, "partials/*.html")
		if err != nil {
			return nil, fmt.Errorf("parse partials: %w", err)
		}
		if err := addLetter(set); err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := addPage(set, calls, name); err != nil {
				return nil, err
			}
		}
		p.templates[locale] = set
	}
	return p, nil
}

// Text gives a message outside a page, as for a letter; pairs are name,
// value, … filled in.
func (p *Pages) Text(locale, key string, pairs ...any) (string, error) {
	text, err := say(locale, p.words[locale], key, pairs...)
	return fmt.Sprint(text), err
}

// Words are the messages whose keys begin with prefix, one a line in the order
// of their keys, with the places that are filled in left out: what is read on a
// page, for search.
func (p *Pages) Words(locale, prefix string) string {
	var keys []string
	for key := range p.words[locale] {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var lines []string
	for _, key := range keys {
		lines = append(lines, places.ReplaceAllString(p.words[locale][key].Other, ""))
	}
	return strings.Join(lines, "\n")
}

// places are what say fills in.
var places = regexp.MustCompile(`\{[a-z_-]+\}`)

// Render gives the whole page of that name in a locale, or an error and
// nothing of it.
func (p *Pages) Render(locale, name string, v View) ([]byte, error) {
	set, ok := p.templates[locale]
	if !ok {
		return nil, fmt.Errorf("no pages in %s", locale)
	}
	var page bytes.Buffer
	if err := set.ExecuteTemplate(&page, partOf(name, frame), v); err != nil {
		return nil, fmt.Errorf("render %s in %s: %w", name, locale, err)
	}
	return page.Bytes(), nil
}
