package spec

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/tree"
	"lgsp/internal/problem"
)

// mends are the findings that can be mended without knowing the service: what
// to write follows from the document.
var mends = map[string]func(r *reader){
	"spec-no-operation-id":           (*reader).mendIDs,
	"spec-duplicate-operation-id":    (*reader).mendIDs,
	"spec-no-refusals":               (*reader).mendRefusals,
	"spec-servers-ignored":           (*reader).mendServers,
	"spec-trailing-slash":            (*reader).mendSlashes,
	"spec-unused-component":          (*reader).mendUnused,
	"spec-path-parameter-undeclared": (*reader).mendParameters,
}

// Mendable reports whether findings of a code can be mended by Mend, among those
// of one document: not where they are of a document made of something else.
func Mendable(code string, among []Finding) bool {
	_, ok := mends[code]
	return ok && !slices.ContainsFunc(among, func(f Finding) bool { return f.Code == "spec-lifted" || f.Code == "wsdl-made" })
}

// Mend writes an OpenAPI document without the findings of a code. JSON stays
// JSON, YAML keeps its comments, and is laid out anew. It fails as Read does,
// and with Conflict for what it cannot mend, or has nothing of.
func Mend(text []byte, code string) ([]byte, error) {
	doc, err := Read(text)
	if err != nil {
		return nil, err
	}
	count := func(d *Document) (n int) {
		for _, f := range d.Findings {
			if f.Code == code {
				n++
			}
		}
		return n
	}
	if doc.Kind != OpenAPI || count(doc) == 0 || !Mendable(code, doc.Findings) {
		return nil, notMended(code)
	}
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	r := &reader{root: root, slugs: map[string]int{}, targets: map[string]*yaml.Node{}, dangling: map[string]bool{}}
	mends[code](r)
	mended, err := written(root, text)
	if err != nil {
		return nil, notMended(code)
	}
	after, err := Read(mended)
	if err != nil || count(after) >= count(doc) {
		return nil, notMended(code)
	}
	return mended, nil
}

func notMended(code string) error {
	return problem.Errorf(problem.Conflict, "%s cannot be mended here", code).Coded("lint-not-mended", "code", code)
}

// written is a tree as the text was: JSON or YAML.
func written(root *yaml.Node, text []byte) ([]byte, error) {
	if begin := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n"); len(begin) > 0 && begin[0] == '{' {
		return indented(root)
	}
	bareOfAnchors(root, map[*yaml.Node]bool{})
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}

// bareOfAnchors takes away the names of what aliases stood for: it is written
// out wherever it stands.
func bareOfAnchors(n *yaml.Node, done map[*yaml.Node]bool) {
	if done[n] {
		return
	}
	done[n] = true
	n.Anchor = ""
	for _, child := range n.Content {
		bareOfAnchors(child, done)
	}
}

// each goes through the operations of the document.
func (r *reader) each(do func(path, method string, item, operation *yaml.Node)) {
	for path, item := range pairs(get(r.root, "paths")) {
		node := r.resolve(item)
		for _, method := range methods {
			if n := get(node, method); n != nil && n.Kind == yaml.MappingNode && !strings.HasPrefix(path.Value, "x-") {
				do(path.Value, method, node, n)
			}
		}
	}
}

// mendIDs gives each operation an operationId of its own: its summary in one
// word, or its method and path.
func (r *reader) mendIDs() {
	taken := map[string]bool{}
	r.each(func(_, _ string, _, n *yaml.Node) { taken[text(n, "operationId")] = true })
	seen := map[string]bool{}
	r.each(func(path, method string, _, n *yaml.Node) {
		id := text(n, "operationId")
		if id != "" && !seen[id] {
			seen[id] = true
			return
		}
		base := id
		if base == "" {
			base = camel(kebab(text(n, "summary")))
		}
		if base == "" {
			base = camel(kebab(method + " " + path))
		}
		id = base
		for i := 2; taken[id] || seen[id]; i++ {
			id = base + itoa(i)
		}
		seen[id] = true
		if old := get(n, "operationId"); old != nil {
			*old = *tree.Text(id)
			return
		}
		tree.Put(n, "operationId", id)
	})
}

// mendRefusals describes the problem that the gateway answers when it refuses a
// call (RFC 9457), where an operation describes no 4xx.
func (r *reader) mendRefusals() {
	vi, _ := (&problem.Error{Code: "lint-refusal"}).Words("vi")
	en, _ := (&problem.Error{Code: "lint-refusal"}).Words("en")
	const name = "Problem"
	r.each(func(_, _ string, _, n *yaml.Node) {
		answers := get(n, "responses")
		if answers == nil || answers.Kind != yaml.MappingNode || describesRefusals(answers) {
			return
		}
		tree.Put(answers, "4XX", tree.Map("description", vi, "x-description-en", en, "content",
			tree.Map("application/problem+json", tree.Map("schema", tree.Map("$ref", "#/components/schemas/"+name)))))
	})
	if get(r.root, "components", "schemas", name) != nil {
		return
	}
	member := func(kind string) *yaml.Node { return tree.Map("type", kind) }
	schema := tree.Map("type", "object", "properties", tree.Map("type", member("string"), "title", member("string"), "status", member("integer"),
		"detail", member("string"), "code", member("string"), "trace_id", member("string")))
	tree.Put(under(under(r.root, "components"), "schemas"), name, schema)
}

// under is the mapping under a key, made when there is none.
func under(n *yaml.Node, key string) *yaml.Node {
	if found := get(n, key); found != nil {
		return found
	}
	made := tree.Map()
	tree.Put(n, key, made)
	return made
}

// describesRefusals reports whether an operation says what it answers to a call
// that it refuses.
func describesRefusals(answers *yaml.Node) bool {
	for status := range pairs(answers) {
		if strings.HasPrefix(status.Value, "4") || status.Value == "default" {
			return true
		}
	}
	return false
}

// remove takes a member out of a mapping.
func remove(n *yaml.Node, key string) {
	for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content = slices.Delete(n.Content, i, i+2)
			return
		}
	}
}

// mendServers takes the servers away: callers go through the gateway.
func (r *reader) mendServers() {
	remove(r.root, "servers")
	for _, item := range pairs(get(r.root, "paths")) {
		remove(item, "servers")
	}
}

// mendSlashes takes the slash at the end of paths away, where nothing else
// stands at what is left.
func (r *reader) mendSlashes() {
	taken := map[string]bool{}
	for key := range pairs(get(r.root, "paths")) {
		taken[templateName.ReplaceAllString(key.Value, "{}")] = true
	}
	for key := range pairs(get(r.root, "paths")) {
		short, ok := strings.CutSuffix(key.Value, "/")
		if bare := templateName.ReplaceAllString(short, "{}"); ok && short != "" && !taken[bare] {
			key.Value, taken[bare] = short, true
		}
	}
}

// mendUnused takes components away that nothing refers to, and those that only
// they referred to.
func (r *reader) mendUnused() {
	for range maxDepth {
		unused := r.unused()
		for _, u := range unused {
			remove(get(r.root, "components", u.kind), u.name)
		}
		if len(unused) == 0 {
			return
		}
	}
}

// mendParameters declares the variables of paths: texts, and required.
func (r *reader) mendParameters() {
	r.each(func(path, _ string, item, n *yaml.Node) {
		declared := map[string]bool{}
		for _, p := range r.parameters(get(item, "parameters"), get(n, "parameters")) {
			declared[p.In+" "+p.Name] = true
		}
		for _, m := range templateName.FindAllStringSubmatch(path, -1) {
			if declared["path "+m[1]] {
				continue
			}
			declared["path "+m[1]] = true
			list := get(n, "parameters")
			if list == nil {
				list = tree.List()
				tree.Put(n, "parameters", list)
			}
			list.Content = append(list.Content, tree.Map("name", m[1], "in", "path", "required", true, "schema", tree.Map("type", "string")))
		}
	})
}
