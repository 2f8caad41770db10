package spec

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
)

// postAddress is where a request goes.
type postAddress struct {
	template string                // /ho-so/{id}
	names    []string              // of the template, in its order
	said     map[string]*yaml.Node // what the collection says of each: a member of url.variable
	query    []*yaml.Node          // key, value, description
}

// rename gives the variables the names of another template of the same shape.
func (a *postAddress) rename(template string) {
	said := map[string]*yaml.Node{}
	for i, m := range templateName.FindAllStringSubmatch(template, -1) {
		said[m[1]] = a.said[a.names[i]]
		a.names[i] = m[1]
	}
	a.template, a.said = template, said
}

// maxServers is how many hosts are told.
const maxServers = 10

// address reads a request's address, an object or a text; nil when it names no
// path that could be called.
func (p *postman) address(n *yaml.Node, where string) *postAddress {
	if n == nil {
		return nil
	}
	raw := text(n, "raw")
	if n.Kind == yaml.ScalarNode {
		raw = n.Value
	}
	if raw == "" && get(n, "path") == nil {
		return nil
	}
	base, path, query := splitAddress(raw)
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if list := get(n, "path"); list != nil {
		segments = segmentsOf(list)
	}
	p.server(base, n, where)
	a := &postAddress{said: map[string]*yaml.Node{}}
	for _, v := range items(get(n, "variable")) {
		name := text(v, "key")
		if name == "" {
			name = text(v, "id")
		}
		a.said[parameterName(name)] = v
	}
	if list := get(n, "query"); list != nil {
		a.query = items(list)
	} else {
		a.query = queryOf(query)
	}
	if !a.fill(segments) {
		return nil
	}
	return a
}

// splitAddress cuts an address into what stands before its path, the path and
// the query. A variable may stand for what is before the path.
func splitAddress(raw string) (base, path, query string) {
	raw, _, _ = strings.Cut(strings.TrimSpace(raw), "#")
	raw, query, _ = strings.Cut(raw, "?")
	begin := 0
	if i := strings.Index(raw, "://"); i >= 0 {
		begin = i + len("://")
	}
	if i := strings.IndexByte(raw[begin:], '/'); i >= 0 {
		return raw[:begin+i], raw[begin+i:], query
	}
	return raw, "/", query
}

// segmentsOf are a path's: a list of texts or of objects with a value, or one text.
func segmentsOf(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		return strings.Split(strings.TrimPrefix(n.Value, "/"), "/")
	}
	list := []string{}
	for _, one := range items(n) {
		if one.Kind == yaml.MappingNode {
			list = append(list, text(one, "value"))
			continue
		}
		list = append(list, one.Value)
	}
	return list
}

func queryOf(query string) []*yaml.Node {
	list := []*yaml.Node{}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key, err := url.QueryUnescape(key); err == nil && key != "" {
			list = append(list, tree.Map("key", key, "value", value))
		}
	}
	return list
}

// server keeps where a request goes, and tells of who signs in there.
func (p *postman) server(base string, n *yaml.Node, where string) {
	if m := postVariable.FindStringSubmatch(base); m != nil && m[0] == base {
		base = p.bases[m[1]]
	}
	if u, err := url.Parse(base); err == nil && u.User != nil {
		p.secret(n, where, "user:password@"+u.Hostname())
	}
	base = baseOf(base)
	if base != "" && len(p.servers) < maxServers && !slices.Contains(p.servers, base) {
		p.servers = append(p.servers, base)
	}
}

var oddInName = regexp.MustCompile(`[^\pL\pN_.-]+`)

// parameterName is a variable's name without what cannot stand in a template.
func parameterName(name string) string {
	if name = strings.Trim(oddInName.ReplaceAllString(strings.TrimSpace(name), "_"), "_"); name == "" {
		return "x"
	}
	return name
}

// maxSegments is how many parts a path may have.
const maxSegments = 64

// fill makes the template of the segments: :id and {{id}} are variables. It
// reports false for a path that the gateway would not forward.
func (a *postAddress) fill(segments []string) bool {
	if len(segments) > maxSegments {
		return false
	}
	var b strings.Builder
	taken := map[string]bool{}
	variable := func(name string) string {
		own := parameterName(name)
		name = own
		for i := 2; taken[name]; i++ {
			name = own + itoa(i)
		}
		taken[name] = true
		a.names = append(a.names, name)
		return "{" + name + "}"
	}
	for i, segment := range segments {
		segment = strings.TrimSpace(segment)
		if segment == "" && i < len(segments)-1 {
			continue
		}
		b.WriteByte('/')
		if name, ok := strings.CutPrefix(segment, ":"); ok && name != "" {
			b.WriteString(variable(name))
			continue
		}
		last := 0
		for _, m := range postVariable.FindAllStringSubmatchIndex(segment, -1) {
			b.WriteString(literal(segment[last:m[0]]))
			b.WriteString(variable(segment[m[2]:m[3]]))
			last = m[1]
		}
		b.WriteString(literal(segment[last:]))
	}
	if a.template = b.String(); a.template == "" {
		a.template = "/"
	}
	return !strings.Contains(a.template, "}{") && len(a.template) <= maxPath && wellFormed(a.template, templateName.ReplaceAllString(a.template, "{}"))
}

// literal is a part of a path that is no variable.
func literal(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	return url.PathEscape(text)
}
