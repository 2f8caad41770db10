// Package change answers what became of a document: everything that was added,
// removed or changed, in plain words, and what of it breaks those who call.
package change

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lgsp/catalog/spec"
	"lgsp/internal/problem"
)

// The kinds of changes.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// maxChanges is how many are told; past it the last says how many more there are.
const maxChanges = 2000

// Change is one thing that is otherwise than before.
type Change struct {
	Kind      string `json:"kind"`      // added, removed, changed
	Code      string `json:"code"`      // doc-field-removed …
	Operation string `json:"operation"` // slug, of the later document where it is there; "": the document as a whole
	Method    string `json:"method"`
	Path      string `json:"path"`
	In        string `json:"in"`     // path, query, header, cookie, body, answer; "": the operation itself
	Status    string `json:"status"` // of an answer
	Name      string `json:"name"`   // of the parameter, or the field's JSON pointer
	Before    string `json:"before"`
	After     string `json:"after"`
}

// Words gives the text of the change in a locale, "vi" or "en".
func (c Change) Words(locale string) string {
	return problem.Field{Code: c.Code, Detail: c.Code, Args: map[string]string{"name": c.Name, "before": c.Before, "after": c.After}}.Words(locale)
}

// place is where in an operation one looks.
type place struct{ in, status, name string }

// comparer collects the changes of one operation after the other.
type comparer struct {
	list []Change
	at   Change // with the operation filled in
	more int
}

func (c *comparer) say(kind, code string, at place, before, after string) {
	if len(c.list) >= maxChanges {
		c.more++
		return
	}
	one := c.at
	one.Kind, one.Code, one.In, one.Status, one.Name, one.Before, one.After = kind, code, at.in, at.status, at.name, before, after
	c.list = append(c.list, one)
}

// value says of one value that it is another now.
func (c *comparer) value(code string, at place, before, after string) {
	if before != after {
		c.say(Changed, code, at, before, after)
	}
}

var templateName = regexp.MustCompile(`\{[^{}/]*\}`)

// address tells operations apart: what a variable of the path is called does not.
func address(o spec.Operation) string {
	return o.Method + " " + templateName.ReplaceAllString(o.Path, "{}")
}

// SameAddress reports whether calls of two operations cannot be told apart.
func SameAddress(a, b spec.Operation) bool { return address(a) == address(b) }

// Compare tells what became of a document, by operation in the order of the
// later one, those that are gone last; at most 2,000 changes.
func Compare(before, after *spec.Document) []Change {
	c := &comparer{list: []Change{}}
	c.value("doc-title", place{}, before.TitleVI, after.TitleVI)
	c.value("doc-title", place{}, before.TitleEN, after.TitleEN)
	c.value("doc-description", place{}, cut(before.DescriptionVI), cut(after.DescriptionVI))
	c.value("doc-description", place{}, cut(before.DescriptionEN), cut(after.DescriptionEN))
	c.value("doc-version", place{}, before.Version, after.Version)
	old := map[string]spec.Operation{}
	for _, o := range before.Operations {
		old[address(o)] = o
	}
	for _, o := range after.Operations {
		c.at = Change{Operation: o.Slug, Method: o.Method, Path: o.Path}
		was, known := old[address(o)]
		if !known {
			c.say(Added, "doc-operation-added", place{}, "", "")
			continue
		}
		delete(old, address(o))
		c.operation(was, o)
	}
	for _, o := range before.Operations {
		if _, gone := old[address(o)]; gone {
			c.at = Change{Operation: o.Slug, Method: o.Method, Path: o.Path}
			c.say(Removed, "doc-operation-removed", place{}, "", "")
		}
	}
	if c.more > 0 {
		c.at = Change{}
		c.list = append(c.list, Change{Kind: Changed, Code: "doc-more", Name: strconv.Itoa(c.more)})
	}
	return c.list
}

func (c *comparer) operation(a, b spec.Operation) {
	c.value("doc-path", place{}, a.Path, b.Path)
	c.value("doc-operation-id", place{}, a.Slug, b.Slug)
	c.value("doc-summary", place{}, a.SummaryVI, b.SummaryVI)
	c.value("doc-summary", place{}, a.SummaryEN, b.SummaryEN)
	c.value("doc-description", place{}, cut(a.DescriptionVI), cut(b.DescriptionVI))
	c.value("doc-description", place{}, cut(a.DescriptionEN), cut(b.DescriptionEN))
	if a.Deprecated != b.Deprecated {
		code := "doc-deprecated"
		if a.Deprecated {
			code = "doc-undeprecated"
		}
		c.say(Changed, code, place{}, "", "")
	}
	c.parameters(a.Parameters, b.Parameters)
	c.body(a.Body, b.Body)
	c.answers(a.Answers, b.Answers)
}

// each pairs what has the same key, in the order of b, then what only a has.
func each[T any](a, b []T, key func(T) string, both func(was, is *T)) {
	old := map[string]*T{}
	for i := range a {
		old[key(a[i])] = &a[i]
	}
	for i := range b {
		k := key(b[i])
		both(old[k], &b[i])
		delete(old, k)
	}
	for i := range a {
		if old[key(a[i])] == &a[i] {
			both(&a[i], nil)
		}
	}
}

func (c *comparer) parameters(a, b []spec.Parameter) {
	each(a, b, func(p spec.Parameter) string { return p.In + " " + p.Name }, func(was, is *spec.Parameter) {
		switch {
		case was == nil:
			code := "doc-parameter-added"
			if is.Required {
				code = "doc-parameter-added-required"
			}
			c.say(Added, code, place{in: is.In, name: is.Name}, "", is.Type)
		case is == nil:
			c.say(Removed, "doc-parameter-removed", place{in: was.In, name: was.Name}, was.Type, "")
		default:
			at := place{in: is.In, name: is.Name}
			c.required(at, was.Required, is.Required)
			c.kind(at, [3]string{was.Type, was.Format, strings.Join(was.Enum, ", ")}, [3]string{is.Type, is.Format, strings.Join(is.Enum, ", ")})
			c.value("doc-default", at, was.Default, is.Default)
			c.value("doc-meaning", at, cut(was.DescriptionVI), cut(is.DescriptionVI))
			c.value("doc-meaning", at, cut(was.DescriptionEN), cut(is.DescriptionEN))
		}
	})
}

func (c *comparer) required(at place, was, is bool) {
	switch {
	case is && !was:
		c.say(Changed, "doc-required", at, "", "")
	case was && !is:
		c.say(Changed, "doc-optional", at, "", "")
	}
}

// kind compares type, format and the values that are allowed.
func (c *comparer) kind(at place, was, is [3]string) {
	for i, code := range []string{"doc-type", "doc-format", "doc-values"} {
		c.value(code, at, was[i], is[i])
	}
}

func (c *comparer) body(a, b *spec.Body) {
	at := place{in: "body"}
	switch {
	case a == nil && b == nil:
	case a == nil:
		c.say(Added, "doc-body-added", at, "", strings.Join(b.MediaTypes, ", "))
	case b == nil:
		c.say(Removed, "doc-body-removed", at, strings.Join(a.MediaTypes, ", "), "")
	default:
		c.required(at, a.Required, b.Required)
		c.value("doc-media", at, strings.Join(a.MediaTypes, ", "), strings.Join(b.MediaTypes, ", "))
		c.fields(at, a.Fields, b.Fields)
	}
}

func (c *comparer) answers(a, b []spec.Answer) {
	each(a, b, func(x spec.Answer) string { return x.Status }, func(was, is *spec.Answer) {
		at := place{in: "answer", status: cmp.Or(is, was).Status}
		switch {
		case was == nil:
			c.say(Added, "doc-answer-added", at, "", strings.Join(is.MediaTypes, ", "))
		case is == nil:
			c.say(Removed, "doc-answer-removed", at, strings.Join(was.MediaTypes, ", "), "")
		default:
			c.value("doc-media", at, strings.Join(was.MediaTypes, ", "), strings.Join(is.MediaTypes, ", "))
			c.value("doc-description", at, cut(was.DescriptionVI), cut(is.DescriptionVI))
			c.fields(at, was.Fields, is.Fields)
		}
	})
}

func (c *comparer) fields(at place, a, b []spec.Field) {
	below := "" // of what came or went whole: what is in it needs no word
	each(a, b, func(f spec.Field) string { return f.Path }, func(was, is *spec.Field) {
		f := cmp.Or(is, was)
		here := place{in: at.in, status: at.status, name: f.Path}
		if was != nil && is != nil {
			c.field(here, *was, *is)
			return
		}
		if below != "" && strings.HasPrefix(f.Path, below+"/") {
			return
		}
		below = f.Path
		if was == nil {
			c.say(Added, "doc-field-added", here, "", is.Type)
			return
		}
		c.say(Removed, "doc-field-removed", here, was.Type, "")
	})
}

func (c *comparer) field(at place, a, b spec.Field) {
	c.required(at, a.Required, b.Required)
	if a.Nullable != b.Nullable {
		code := "doc-nullable"
		if a.Nullable {
			code = "doc-not-nullable"
		}
		c.say(Changed, code, at, "", "")
	}
	c.kind(at, [3]string{a.Type, a.Format, strings.Join(a.Enum, ", ")}, [3]string{b.Type, b.Format, strings.Join(b.Enum, ", ")})
	for _, words := range [][2]string{{a.TitleVI, b.TitleVI}, {a.TitleEN, b.TitleEN}, {a.DescriptionVI, b.DescriptionVI}, {a.DescriptionEN, b.DescriptionEN}} {
		if words[0] != words[1] {
			c.say(Changed, "doc-meaning", at, cut(words[0]), cut(words[1]))
			return // once is enough to look
		}
	}
}

// cut is the beginning of a long text.
func cut(text string) string {
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return text
}

// Group are the changes of one operation.
type Group struct {
	Operation, Method, Path string
	Changes                 []Change
}

// Grouped are changes by operation, in their order.
func Grouped(list []Change) []Group {
	var groups []Group
	for _, one := range list {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Method == one.Method && g.Path == one.Path })
		if i < 0 {
			i, groups = len(groups), append(groups, Group{Operation: one.Operation, Method: one.Method, Path: one.Path})
		}
		groups[i].Changes = append(groups[i].Changes, one)
	}
	return groups
}
