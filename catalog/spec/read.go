package spec

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxTime is how long a document may take; 10 MB of honest text take about three seconds.
const maxTime = 10 * time.Second

// Read reads an OpenAPI document, YAML or JSON, version 2.0, 3.0 or 3.1. What
// can be read but is wrong comes back as findings. It fails with TooLarge over
// 10 MB, and with Invalid for text that is no OpenAPI, more than 100 levels
// deep, with a key twice, with aliases that grow past a million parts, with a
// $ref out of the document, or that takes longer than 10 seconds. The problem
// names the line.
func Read(text []byte) (*Document, error) { return readWithin(text, maxTime) }

func readWithin(text []byte, most time.Duration) (*Document, error) {
	type result struct {
		doc *Document
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // the parsers are other people's
				slog.Error("spec parser panicked", "panic", fmt.Sprint(p))
				done <- result{nil, refuse("spec-unreadable", 0, "the document could not be read")}
			}
		}()
		doc, err := read(text)
		done <- result{doc, err}
	}()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.doc, r.err
	case <-timer.C:
		return nil, refuse("spec-slow", 0, "reading the document took longer than 10 seconds")
	}
}

func read(source []byte) (*Document, error) {
	root, err := parse(source)
	if err != nil {
		return nil, err
	}
	if err := check(root, map[*yaml.Node]bool{}); err != nil {
		return nil, err
	}
	r := &reader{root: root, slugs: map[string]int{}, targets: map[string]*yaml.Node{}, dangling: map[string]bool{}, marks: bytes.Contains(source, []byte(maskKey))}
	version := text(root, "openapi")
	switch {
	case version == "" && text(root, "swagger") == "2.0":
		version = "2.0"
		if r.root, err = lift(root); err != nil {
			return nil, err
		}
		r.found("spec-lifted", 0, "", "the document is Swagger 2.0 and was lifted to OpenAPI 3.0")
	case !strings.HasPrefix(version, "3.0") && !strings.HasPrefix(version, "3.1"):
		return nil, refuse("spec-not-openapi", 1, "not an OpenAPI 3.0 or 3.1 document", "version", version)
	}
	info := get(r.root, "info")
	doc := &Document{
		OpenAPI: version, Version: text(info, "version"),
		TitleVI: text(info, "title"), TitleEN: text(info, "x-title-en"),
		DescriptionVI: text(info, "description"), DescriptionEN: text(info, "x-description-en"),
		Servers: []string{},
		JSON:    appendJSON(nil, r.root, isServers),
	}
	for _, server := range items(get(r.root, "servers")) {
		doc.Servers = append(doc.Servers, text(server, "url"))
	}
	doc.Operations = r.operations()
	if r.spent > maxText {
		r.found("spec-text-cut", 0, "", "the document's texts, references written out, are too long to be shown whole")
	}
	r.judge(doc)
	r.conform(appendJSON(nil, r.root, nil))
	doc.Findings = r.sorted()
	return doc, nil
}

// isServers leaves the servers out of what readers get: the platform's gateway
// stands in their place.
func isServers(owner, key *yaml.Node) bool {
	return key.Value == "servers" && (get(owner, "openapi") != nil || get(owner, "responses") != nil || isPathItem(owner))
}

func isPathItem(n *yaml.Node) bool {
	for _, method := range methods {
		if get(n, method, "responses") != nil {
			return true
		}
	}
	return false
}

// reader holds one document while it is read.
type reader struct {
	root     *yaml.Node
	findings []Finding
	slugs    map[string]int
	targets  map[string]*yaml.Node // of references followed so far
	dangling map[string]bool
	fields   int // listed so far
	spent    int // bytes shown so far
	circular bool
	marks    bool // the document marks sensitive values
	sought   int  // steps of looking for marks so far
	elements int  // of XML, of all operations
}

// maxHops is how many references in a row are followed.
const maxHops = 32

// resolve follows $ref inside the document; nil when it leads nowhere.
func (r *reader) resolve(n *yaml.Node) *yaml.Node {
	for hop := range maxHops + 1 {
		ref := get(n, "$ref")
		if ref == nil || ref.Kind != yaml.ScalarNode {
			return n
		}
		target, known := r.targets[ref.Value]
		if !known {
			target = r.at(ref.Value)
			r.targets[ref.Value] = target
		}
		if target == nil || hop == maxHops {
			r.leadsNowhere(ref)
			return nil
		}
		n = target
	}
	return nil
}

// leadsNowhere finds a $ref to nothing, or in a ring of them, once.
func (r *reader) leadsNowhere(ref *yaml.Node) {
	if !r.dangling[ref.Value] {
		r.dangling[ref.Value] = true
		r.found("spec-dangling-ref", ref.Line, "", "$ref leads nowhere: "+ref.Value, "ref", ref.Value)
	}
}

// at finds what a reference names (RFC 6901 §6).
func (r *reader) at(ref string) *yaml.Node {
	pointer, err := url.PathUnescape(strings.TrimPrefix(ref, "#"))
	if err != nil || !strings.HasPrefix(ref, "#") {
		return nil
	}
	n := r.root
	if pointer == "" {
		return n
	}
	if pointer[0] != '/' {
		return nil
	}
	for _, segment := range strings.Split(pointer[1:], "/") {
		key := strings.ReplaceAll(strings.ReplaceAll(segment, "~1", "/"), "~0", "~")
		if i, err := strconv.Atoi(key); err == nil && n.Kind == yaml.SequenceNode {
			if i < 0 || i >= len(n.Content) {
				return nil
			}
			n = n.Content[i]
			continue
		}
		if n = get(n, key); n == nil {
			return nil
		}
	}
	return n
}

// say is a text of n: beside its $ref when it stands there (OpenAPI 3.1
// §4.8.23), else of what the $ref names.
func (r *reader) say(n *yaml.Node, key string) string {
	if own := text(n, key); own != "" {
		return r.spend(own)
	}
	return r.spend(text(r.resolve(n), key))
}

// spend lets a text be shown while there is room: a long text that many
// references lead to is small only in the document.
func (r *reader) spend(text string) string {
	if r.spent += len(text); r.spent > maxText {
		return ""
	}
	return text
}

// lift makes OpenAPI 3.0 of Swagger 2.0.
func lift(root *yaml.Node) (*yaml.Node, error) {
	text, err := lifted(appendJSON(nil, root, nil))
	if err != nil {
		why := shorten(err.Error())
		return nil, refuse("spec-unliftable", 1, "Swagger 2.0 that cannot be lifted to OpenAPI 3.0: "+why, "why", why)
	}
	out, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	unline(out)
	return out, nil
}

// unline takes the lines away: those of a lifted document are not the author's.
func unline(n *yaml.Node) {
	n.Line = 0
	for _, child := range n.Content {
		unline(child)
	}
}

var spaces = regexp.MustCompile(`\s+`)

// shorten makes another program's message fit a line.
func shorten(message string) string {
	message = spaces.ReplaceAllString(message, " ")
	if runes := []rune(message); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return message
}
