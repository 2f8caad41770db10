package spec

import (
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/internal/problem"
)

// Why says why a finding matters to those who call, in a locale, "vi" or "en";
// "" for a finding that says so itself.
func (f Finding) Why(locale string) string {
	why, _ := (&problem.Error{Code: "lint-" + f.Code}).Words(locale)
	return why
}

// Fix says what to write; "" for a finding that says so itself.
func (f Finding) Fix(locale string) string {
	_, fix := (&problem.Error{Code: "lint-" + f.Code, Args: f.Args}).Words(locale)
	return fix
}

// Imported reports whether a finding is of what a document was made of.
func (f Finding) Imported() bool {
	return strings.HasPrefix(f.Code, "import-") || strings.HasPrefix(f.Code, "wsdl-") || f.Code == "spec-lifted"
}

// judgeHabits finds what works, but makes callers guess or trip.
func (r *reader) judgeHabits() {
	without, line := 0, 0
	r.each(func(_, _ string, _, n *yaml.Node) {
		if answers := get(n, "responses"); answers != nil && get(n, "x-soap") == nil && !describesRefusals(answers) {
			if without++; without == 1 {
				line = n.Line
			}
		}
	})
	if without > 0 {
		r.found("spec-no-refusals", line, "", itoa(without)+" operations describe no 4xx answer", "count", itoa(without))
	}
	for key := range pairs(get(r.root, "paths")) {
		if strings.HasSuffix(key.Value, "/") && key.Value != "/" && !strings.HasPrefix(key.Value, "x-") {
			r.found("spec-trailing-slash", key.Line, key.Value, "the path ends with a slash")
		}
	}
	for _, u := range r.unused() {
		r.found("spec-unused-component", u.line, "", "nothing refers to components/"+u.kind+"/"+u.name, "name", u.kind+"/"+shorten(u.name))
	}
}

// component is one part that others may refer to.
type component struct {
	kind, name string
	line       int
}

// unused are the components that nothing refers to: security schemes apart,
// which are named without a reference, and schemas of a document that tells
// them apart by a discriminator, whose values are names.
func (r *reader) unused() []component {
	used := map[string]bool{}
	mapped := r.refers(r.root, used, map[*yaml.Node]bool{})
	list := []component{}
	for kind, all := range pairs(get(r.root, "components")) {
		if kind.Value == "securitySchemes" || strings.HasPrefix(kind.Value, "x-") || mapped && kind.Value == "schemas" {
			continue
		}
		for name := range pairs(all) {
			at := "#/components/" + kind.Value + "/" + strings.ReplaceAll(strings.ReplaceAll(name.Value, "~", "~0"), "/", "~1")
			if !used[at] {
				list = append(list, component{kind.Value, name.Value, name.Line})
			}
		}
	}
	return list
}

// refers gathers what is referred to, also by parts of it, and reports whether
// a discriminator may refer to any schema.
func (r *reader) refers(n *yaml.Node, used map[string]bool, done map[*yaml.Node]bool) bool {
	if done[n] {
		return false
	}
	done[n] = true
	mapped := false
	for key, value := range pairs(n) {
		if key.Value == "$ref" && value.Kind == yaml.ScalarNode {
			ref := value.Value
			if plain, err := url.PathUnescape(ref); err == nil {
				ref = plain
			}
			parts := strings.SplitN(ref, "/", 5)
			used[strings.Join(parts[:min(4, len(parts))], "/")] = true
		}
		mapped = mapped || key.Value == "discriminator"
	}
	for _, child := range n.Content {
		mapped = r.refers(child, used, done) || mapped
	}
	return mapped
}
