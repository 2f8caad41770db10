package portal

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"lgsp/gateway"
)

// readRewrite reads the part "rewrite" of the form.
func readRewrite(r *http.Request) gateway.Rewrite {
	typed := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	return gateway.Rewrite{
		StripPrefix: typed("rewrite/strip_prefix"), AddPrefix: typed("rewrite/add_prefix"),
		Request: gateway.HeaderChanges{Set: typedHeaders(typed("rewrite/request/set")), Remove: typedNames(typed("rewrite/request/remove"))},
		Answer:  gateway.HeaderChanges{Set: typedHeaders(typed("rewrite/answer/set")), Remove: typedNames(typed("rewrite/answer/remove"))},
	}
}

// typedHeaders are lines of "Name: value"; one without a value is told to be wrong.
func typedHeaders(text string) map[string]string {
	set := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name != "" || value != "" {
			set[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return set
}

// typedNames are names between spaces, commas or lines.
func typedNames(text string) []string { return strings.Fields(strings.ReplaceAll(text, ",", " ")) }

// Lines are the headers that are set, as typedHeaders reads them.
func (d upstreamData) Lines(set map[string]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(set)) {
		text.WriteString(name + ": " + set[name] + "\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// Names are a list as typedNames reads it.
func (d upstreamData) Names(list []string) string { return strings.Join(list, ", ") }
