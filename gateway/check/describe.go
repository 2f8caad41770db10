package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Source is what Describe reads.
type Source struct {
	OpenAPI    []byte // the document, 3.0 or 3.1, as JSON
	Operations []Wanted
	Ignored    func(header string) bool // a header that upstreams are never given as the caller sent it; nil: none
}

// Wanted is an operation that is to be described.
type Wanted struct{ ID, Method, Path string }

// Note is something of the document that is left unchecked.
type Note struct {
	Where  string // "GET /ho-so", or "" for a schema that several may use
	Reason string // one of the reasons below
	What   string // the pattern, keyword, parameter, media type or $ref
}

// The reasons of notes.
const (
	NotePattern   = "pattern"   // an expression that cannot run in linear time
	NoteKeyword   = "keyword"   // a keyword of JSON Schema that is not checked, or with a value that is none
	NoteParameter = "parameter" // a parameter that is an object, or is written in an unusual way
	NoteMedia     = "media"     // a body that is not JSON: its type is checked only
	NoteRef       = "ref"       // a $ref that leads nowhere, or to itself
	NoteSchema    = "schema"    // a schema that multiplies by itself too often
)

// maxNotes is how many are told.
const maxNotes = 100

// ErrTooLarge is that a version's Document would be larger than MaxDocument.
var ErrTooLarge = errors.New("what is to be checked of the document is larger than 512 KiB")

// Describe reads what can be checked of a version's operations, and tells what
// cannot. It follows no $ref out of the document. It fails with ErrTooLarge, and
// for text that is no OpenAPI document.
func Describe(s Source) (*Document, []Note, error) {
	decoder := json.NewDecoder(bytes.NewReader(s.OpenAPI))
	decoder.UseNumber()
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return nil, nil, fmt.Errorf("read document: %w", err)
	}
	r := &reader{root: root, ignored: s.Ignored, names: map[string]string{}, told: map[Note]bool{},
		document: &Document{Operations: map[string]*Described{}, Schemas: map[string]*Schema{}}}
	r.version31 = !strings.HasPrefix(text(root["openapi"]), "3.0")
	paths := object(root["paths"])
	for _, w := range s.Operations {
		r.where = w.Method + " " + w.Path
		item := r.resolve(paths[w.Path])
		if o := object(item[strings.ToLower(w.Method)]); o != nil {
			r.document.Operations[w.ID] = r.operation(item, o)
		}
		if r.nodes > maxNodes {
			return nil, r.notes, ErrTooLarge
		}
	}
	r.where = ""
	for len(r.pending) > 0 {
		ref := r.pending[0]
		r.pending = r.pending[1:]
		target, _ := r.at(ref)
		schema := r.schema(target, 0)
		if schema == nil {
			schema = &Schema{}
		}
		r.document.Schemas[r.names[ref]] = schema
		if r.nodes > maxNodes {
			return nil, r.notes, ErrTooLarge
		}
	}
	r.untangle()
	r.loosen()
	encoded, err := json.Marshal(r.document)
	if err != nil {
		return nil, r.notes, fmt.Errorf("write what is checked: %w", err)
	}
	if len(encoded) > MaxDocument {
		return nil, r.notes, ErrTooLarge
	}
	return r.document, r.notes, nil
}

// maxNodes is how many schemas are read of a document: each takes some bytes.
const maxNodes = MaxDocument / 4

type reader struct {
	root      map[string]any
	version31 bool
	ignored   func(string) bool
	document  *Document
	names     map[string]string // of schemas, by $ref
	pending   []string          // references whose schema is not read yet
	nodes     int
	where     string
	openQuery bool // a parameter of this operation stands under names of its members
	notes     []Note
	left      int // how often something was left unchecked
	told      map[Note]bool
}

// note tells once what is left unchecked.
func (r *reader) note(reason, what string) {
	r.left++
	if runes := []rune(what); len(runes) > 100 {
		what = string(runes[:100]) + "…"
	}
	n := Note{Where: r.where, Reason: reason, What: what}
	if !r.told[n] && len(r.notes) < maxNotes {
		r.told[n] = true
		r.notes = append(r.notes, n)
	}
}

// at finds what a reference names inside the document (RFC 6901 §6).
func (r *reader) at(ref string) (any, bool) {
	pointer, err := url.PathUnescape(strings.TrimPrefix(ref, "#"))
	if err != nil || !strings.HasPrefix(ref, "#/") {
		return nil, false
	}
	var here any = r.root
	for token := range strings.SplitSeq(pointer[1:], "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch value := here.(type) {
		case map[string]any:
			inner, ok := value[token]
			if !ok {
				return nil, false
			}
			here = inner
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(value) {
				return nil, false
			}
			here = value[i]
		default:
			return nil, false
		}
	}
	return here, true
}

// maxHops is how many references in a row are followed.
const maxHops = 32

// resolve is the object that x is, or that its $ref leads to; nil for none.
func (r *reader) resolve(x any) map[string]any {
	for range maxHops {
		o := object(x)
		ref, is := o["$ref"].(string)
		if !is {
			return o
		}
		target, ok := r.at(ref)
		if !ok {
			r.note(NoteRef, ref)
			return nil
		}
		x = target
	}
	return nil
}

func (r *reader) operation(item, o map[string]any) *Described {
	r.openQuery = false
	d := &Described{Parameters: r.parameters(list(item["parameters"]), list(o["parameters"]))}
	d.OpenQuery = r.openQuery
	if o["requestBody"] != nil {
		if body := r.resolve(o["requestBody"]); body != nil {
			d.Body = &Body{Required: body["required"] == true, Content: r.content(body["content"])}
		} else {
			d.Body = &Body{Content: Content{"*/*": nil}}
		}
	}
	for status, x := range object(o["responses"]) {
		if strings.HasPrefix(status, "x-") {
			continue
		}
		if d.Answers == nil {
			d.Answers = map[string]Content{}
		}
		answer := r.resolve(x)
		if answer == nil {
			d.Answers[strings.ToUpper(status)] = Content{"*/*": nil}
			continue
		}
		d.Answers[strings.ToUpper(status)] = r.content(answer["content"])
	}
	return d
}

// content are media types with the schemas of those that are JSON; nil for none.
func (r *reader) content(x any) Content {
	var c Content
	all := object(x)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		kind := mediaType(name)
		if c == nil {
			c = Content{}
		}
		schema := object(all[name])["schema"]
		switch {
		case isJSON(kind) || strings.HasSuffix(kind, "/*"):
			c[kind] = r.schema(schema, 0)
		case schema != nil:
			r.note(NoteMedia, kind)
			c[kind] = nil
		default:
			c[kind] = nil
		}
	}
	return c
}

// mediaType is a media type in lower case, without its parameters.
func mediaType(text string) string {
	if text == "application/json" {
		return text
	}
	if kind, _, err := mime.ParseMediaType(text); err == nil {
		return kind
	}
	kind, _, _ := strings.Cut(text, ";")
	if kind = strings.ToLower(strings.TrimSpace(kind)); strings.ContainsAny(kind, ", \t") {
		return noType // two types may be said, of which one would be looked at
	}
	return kind
}

// noType is what is said in place of a media type; no document describes it.
const noType = "?"

func isJSON(kind string) bool {
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// parameters are those of the path, each replaced by the operation's own of the
// same name and place (OpenAPI 3.1 §4.8.10).
func (r *reader) parameters(ofPath, own []any) []Parameter {
	var all []Parameter
	index := map[[2]string]int{}
	for _, x := range append(slices.Clone(ofPath), own...) {
		o := r.resolve(x)
		place := [2]string{text(o["in"]), text(o["name"])}
		if place[0] == "header" {
			place[1] = strings.ToLower(place[1])
		}
		p, ok := r.parameter(o)
		at, known := index[place]
		switch {
		case known:
			all[at] = p // one without a name is left out below
		case ok:
			index[place] = len(all)
			all = append(all, p)
		}
	}
	return slices.DeleteFunc(all, func(p Parameter) bool { return p.Name == "" })
}

// parameter is one input; false for one that is left alone.
func (r *reader) parameter(o map[string]any) (Parameter, bool) {
	p := Parameter{In: text(o["in"]), Name: text(o["name"]), Required: o["required"] == true, Empty: o["allowEmptyValue"] == true}
	switch p.In {
	case "path", "query":
	case "header": // OpenAPI 3.1 §4.8.12.1: these three are described elsewhere
		switch strings.ToLower(p.Name) {
		case "accept", "content-type", "authorization":
			return Parameter{}, false
		}
		if r.ignored != nil && r.ignored(p.Name) {
			return Parameter{}, false
		}
	case "cookie": // not carried: nobody can be asked for one
		p.Required = false
	default:
		return Parameter{}, false
	}
	if p.Name == "" {
		return Parameter{}, false
	}
	schema, described := o["schema"]
	types := r.typesOf(schema, 0)
	if described && r.plain(&p, o, types) {
		p.Schema = r.schema(schema, 0)
		return p, true
	}
	if described || o["content"] != nil {
		r.note(NoteParameter, p.Name)
	}
	r.openQuery = r.openQuery || p.In == "query" && slices.Contains(types, "object")
	p.List = "" // that it is there can still be asked, where it stands under its own name
	return p, p.In != "path" && !slices.Contains(types, "object")
}

// plain reports whether a parameter is a value, or an array of them that can be
// told apart, and says by what.
func (r *reader) plain(p *Parameter, o map[string]any, types []string) bool {
	style := text(o["style"])
	usual := map[string]string{"path": "simple", "header": "simple", "query": "form", "cookie": "form"}[p.In]
	if slices.Contains(types, "object") {
		return false
	}
	if !slices.Contains(types, "array") {
		return style == "" || style == usual
	}
	explode, given := o["explode"].(bool)
	switch {
	case style == "" || style == usual:
		p.List = ","
		if usual == "form" && (explode || !given) {
			p.List = "&"
		}
	case style == "spaceDelimited" && p.In == "query" && given && !explode:
		p.List = " "
	case style == "pipeDelimited" && p.In == "query" && given && !explode:
		p.List = "|"
	default:
		return false
	}
	return true
}

// typesOf are the types that a schema names, or that what it is put together of does.
func (r *reader) typesOf(x any, depth int) []string {
	o := r.resolve(x)
	if types := texts(o["type"]); len(types) > 0 || depth > 8 {
		return types
	}
	var types []string
	for _, together := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range list(o[together]) {
			types = append(types, r.typesOf(part, depth+1)...)
		}
	}
	if o["properties"] != nil {
		types = append(types, "object")
	}
	if o["items"] != nil {
		types = append(types, "array")
	}
	return types
}

func object(x any) map[string]any { o, _ := x.(map[string]any); return o }
func list(x any) []any            { l, _ := x.([]any); return l }
func text(x any) string           { s, _ := x.(string); return s }

// texts are a text, or the texts of a list.
func texts(x any) []string {
	if s, is := x.(string); is {
		return []string{s}
	}
	var all []string
	for _, one := range list(x) {
		if s, is := one.(string); is {
			all = append(all, s)
		}
	}
	return all
}
