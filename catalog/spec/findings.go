package spec

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFindings is how many are kept; past it one says how many more there are.
const maxFindings = 500

func itoa(i int) string { return strconv.Itoa(i) }

// severity is how much a finding matters, by its code; what is not named here
// is good to know.
func severity(code string) string {
	switch code {
	case "spec-dangling-ref", "spec-duplicate-operation-id", "spec-invalid", "spec-mask-not-value", "spec-mask-unknown",
		"spec-mask-unreached", "spec-no-operations",
		"spec-no-title", "spec-path-parameter-undeclared", "spec-path-shape", "spec-path-twice":
		return Error
	case "spec-basic-auth", "spec-fields-cut", "spec-method-ignored", "spec-no-description", "spec-no-fields",
		"spec-no-operation-id", "spec-no-success", "spec-no-summary", "spec-not-conforming",
		"spec-not-structured", "spec-path-parameter-unused", "spec-text-cut", "spec-xml-ambiguous", "spec-xml-cut":
		return Warning
	}
	return Info
}

// found keeps a finding; pairs are name, value … for the words of the code.
func (r *reader) found(code string, line int, where, detail string, pairs ...string) {
	f := Finding{Severity: severity(code), Code: code, Line: line, Where: where, Detail: detail, Args: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Args[pairs[i]] = pairs[i+1]
	}
	r.findings = append(r.findings, f)
}

// sorted gives the findings, worst first and by line.
func (r *reader) sorted() []Finding {
	order := []string{Error, Warning, Info}
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Severity), slices.Index(order, b.Severity)), cmp.Compare(a.Line, b.Line))
	})
	if more := len(r.findings) - maxFindings; more > 0 {
		r.findings = r.findings[:maxFindings]
		r.found("spec-more", 0, "", itoa(more)+" more findings", "count", itoa(more))
	}
	if r.findings == nil {
		return []Finding{}
	}
	return r.findings
}

var templateName = regexp.MustCompile(`\{([^{}/]*)\}`)

// judge finds what is wrong with the document as a whole.
func (r *reader) judge(doc *Document) {
	info := get(r.root, "info")
	if doc.TitleVI == "" {
		r.found("spec-no-title", lineOf(info), "", "info.title is missing")
	}
	if doc.DescriptionVI == "" {
		r.found("spec-no-description", lineOf(info), "", "info.description is missing")
	}
	if len(doc.Operations) == 0 {
		r.found("spec-no-operations", lineOf(get(r.root, "paths")), "", "the document has no operation")
	}
	if len(doc.Servers) > 0 {
		r.found("spec-servers-ignored", lineOf(get(r.root, "servers")), "", "servers are not used: callers go through the gateway")
	}
	if n := get(r.root, "webhooks"); n != nil {
		r.found("spec-callbacks-ignored", n.Line, "", "webhooks and callbacks are shown in the document but not carried")
	}
	if r.circular {
		r.found("spec-circular", 0, "", "a schema contains itself; it is shown once")
	}
	r.judgePaths()
	r.judgeSecurity()
	ids, english := map[string]string{}, 0
	for _, op := range doc.Operations {
		where := op.Method + " " + op.Path
		if first, ok := ids[op.OperationID]; ok && op.OperationID != "" {
			r.found("spec-duplicate-operation-id", r.lineOfOperation(op, "operationId"), where,
				"operationId "+op.OperationID+" is also that of "+first, "id", op.OperationID, "first", first)
		}
		ids[op.OperationID] = where
		if op.SummaryVI != "" && op.SummaryEN == "" {
			english++
		}
	}
	if english > 0 {
		r.found("spec-no-english", 0, "", itoa(english)+" operations have no x-summary-en", "count", itoa(english))
	}
}

func (r *reader) lineOfOperation(op Operation, key string) int {
	n := get(r.resolve(get(r.root, "paths", op.Path)), strings.ToLower(op.Method))
	if line := lineOf(get(n, key)); line > 0 {
		return line
	}
	return lineOf(n)
}

// judgePaths finds templates that the gateway could not tell apart, or would
// never see because it refuses such paths.
func (r *reader) judgePaths() {
	templates := map[string]string{}
	for key, item := range pairs(get(r.root, "paths")) {
		path := key.Value
		if strings.HasPrefix(path, "x-") {
			continue
		}
		if n := get(item, "servers"); n != nil {
			r.found("spec-servers-ignored", n.Line, path, "servers are not used: callers go through the gateway")
		}
		bare := templateName.ReplaceAllString(path, "{}")
		if first, ok := templates[bare]; ok {
			r.found("spec-path-twice", key.Line, path, "the same address as "+first, "path", path, "first", first)
		} else {
			templates[bare] = path
		}
		if !wellFormed(path, bare) {
			r.found("spec-path-shape", key.Line, path, "no address the gateway forwards: "+path, "path", path)
		}
	}
}

// wellFormed reports whether the template begins with a slash and holds no
// empty or dot segment, query, fragment, backslash or stray brace. A slash at
// the end is allowed.
func wellFormed(path, bare string) bool {
	rest, ok := strings.CutPrefix(strings.ReplaceAll(bare, "{}", "x"), "/")
	if !ok || strings.ContainsAny(rest, "?#\\{}\x00 ") {
		return false
	}
	for _, segment := range strings.Split(strings.TrimSuffix(rest, "/"), "/") {
		if segment == "." || segment == ".." || (segment == "" && rest != "") {
			return false
		}
	}
	return path != ""
}

// judgeSecurity tells that callers prove themselves to the platform, not as
// the document says.
func (r *reader) judgeSecurity() {
	schemes := get(r.root, "components", "securitySchemes")
	for name, n := range pairs(schemes) {
		if scheme := r.resolve(n); text(scheme, "type") == "http" && strings.EqualFold(text(scheme, "scheme"), "basic") {
			r.found("spec-basic-auth", name.Line, "", "HTTP Basic is not carried to callers: "+name.Value, "name", name.Value)
		}
	}
	if len(items(get(r.root, "security"))) > 0 || schemes != nil {
		r.found("spec-security-ignored", lineOf(schemes), "", "callers prove themselves with the platform's keys and tokens")
	}
}

// judgeOperation finds what is wrong with one operation.
func (r *reader) judgeOperation(op Operation, n *yaml.Node) {
	where, line := op.Method+" "+op.Path, n.Line
	if op.OperationID == "" {
		r.found("spec-no-operation-id", line, where, "operationId is missing")
	}
	if op.SummaryVI == "" {
		r.found("spec-no-summary", line, where, "summary is missing")
	}
	if cb := get(n, "callbacks"); cb != nil {
		r.found("spec-callbacks-ignored", cb.Line, where, "webhooks and callbacks are shown in the document but not carried")
	}
	r.judgeAnswers(op, line)
	inPath, declared := map[string]bool{}, map[string]bool{}
	for _, m := range templateName.FindAllStringSubmatch(op.Path, -1) {
		inPath[m[1]] = true
	}
	for _, p := range op.Parameters {
		if p.In != "path" {
			continue
		}
		if declared[p.Name] = true; !inPath[p.Name] {
			r.found("spec-path-parameter-unused", line, where, p.Name+" is declared but not in the path", "name", p.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(inPath)) {
		if !declared[name] {
			r.found("spec-path-parameter-undeclared", line, where, "{"+name+"} is not declared", "name", name)
		}
	}
}

// judgeAnswers finds answers out of which no field could be agreed.
func (r *reader) judgeAnswers(op Operation, line int) {
	where := op.Method + " " + op.Path
	ok := slices.DeleteFunc(slices.Clone(op.Answers), func(a Answer) bool { return !strings.HasPrefix(a.Status, "2") })
	media := []string{}
	for _, a := range ok {
		media = append(media, a.MediaTypes...)
	}
	switch {
	case len(ok) == 0:
		r.found("spec-no-success", line, where, "no 2xx answer is described")
	case len(media) > 0 && !slices.ContainsFunc(media, isStructured):
		r.found("spec-not-structured", line, where, "the answer is neither JSON nor XML: "+media[0], "media", media[0])
	case len(media) > 0 && len(op.Fields) == 0:
		r.found("spec-no-fields", line, where, "the 2xx answer has no schema with fields")
	}
}
