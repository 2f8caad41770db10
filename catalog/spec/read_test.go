package spec

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lgsp/internal/problem"
)

func document(t *testing.T, name string) *Document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := Read(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return doc
}

func TestReadProcedures(t *testing.T) {
	t.Parallel()
	doc := document(t, "thu-tuc.yaml")
	for _, tt := range []struct{ name, got, want string }{
		{"openapi", doc.OpenAPI, "3.1.0"},
		{"title", doc.TitleVI, "Thủ tục hành chính"},
		{"English title", doc.TitleEN, "Administrative procedures"},
		{"servers", strings.Join(doc.Servers, " "), "https://noi-bo.example.vn/thu-tuc"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if len(doc.Operations) != 2 {
		t.Fatalf("operations: got %d, want 2", len(doc.Operations))
	}
	list, one := doc.Operations[0], doc.Operations[1]
	if list.Slug != "danh-sach-thu-tuc" || one.Slug != "lay-thu-tuc" || one.Path != "/thu-tuc/{maTTHC}" || one.Method != "GET" {
		t.Errorf("operations: got %s, %s %s %s", list.Slug, one.Method, one.Path, one.Slug)
	}
	if one.SummaryVI != "Lấy một thủ tục" || one.SummaryEN != "Get one procedure" {
		t.Errorf("summaries: got %q, %q", one.SummaryVI, one.SummaryEN)
	}
	paths := []string{}
	for _, f := range list.Fields {
		paths = append(paths, f.Path)
	}
	want := []string{
		"/items", "/items/*/maTTHC", "/items/*/ten", "/items/*/thanhPhanHoSo", "/items/*/lienQuan", "/items/*/nguoiLienHe",
		"/items/*/nguoiLienHe/hoTen", "/next",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("fields: got %q\nwant %q", paths, want)
	}
	if f := list.Fields[1]; f.TitleVI != "Mã thủ tục" || f.TitleEN != "Procedure code" || !f.Required || f.Type != "string" || f.Example != "1.004194" {
		t.Errorf("field: got %+v", f)
	}
	if f := list.Fields[4]; f.SameAs != "/items/*" {
		t.Errorf("circular field: got same as %q, want /items/*", f.SameAs)
	}
	if f := list.Fields[7]; !f.Nullable || f.Type != "string" {
		t.Errorf("nullable field of 3.1: got %+v", f)
	}
	if !slices.Equal(list.Personal, []string{"hoTen"}) {
		t.Errorf("personal: got %q", list.Personal)
	}
	if p := one.Parameters[0]; p.Name != "maTTHC" || p.In != "path" || !p.Required || p.DescriptionEN != "Procedure code" {
		t.Errorf("parameter: got %+v", p)
	}
	if a := one.Answers[0]; a.Status != "200" || !strings.Contains(a.Example, `"maTTHC": "1.004194"`) {
		t.Errorf("answer: got %+v", a)
	}
	if bytes.Contains(doc.JSON, []byte("noi-bo.example.vn")) || !json.Valid(doc.JSON) {
		t.Error("the served JSON is not valid or names the agency's own servers")
	}
	if codes := codes(doc, Error, Warning); len(codes) != 0 {
		t.Errorf("findings of a good document: %q", codes)
	}
}

func codes(doc *Document, severities ...string) []string {
	all := []string{}
	for _, f := range doc.Findings {
		if slices.Contains(severities, f.Severity) {
			all = append(all, f.Code)
		}
	}
	return all
}

const head = "openapi: 3.0.3\ninfo: {title: T, description: D, version: '1'}\n"

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	bomb := "openapi: 3.0.3\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 10; i++ {
		alias := "*a" + itoa(i-1)
		bomb += "a" + itoa(i) + ": &a" + itoa(i) + " [" + strings.Repeat(alias+",", 9) + alias + "]\n"
	}
	chain := "openapi: 3.0.3\nc0: &c0 " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "\nc1: " + strings.Repeat("[", 60) + "*c0" + strings.Repeat("]", 60) + "\n"
	for _, tt := range []struct{ name, text, code, line string }{
		{"nothing", "  \n", "spec-empty", "0"},
		{"over 10 MB", head + strings.Repeat("#", MaxBytes), "spec-too-large", "0"},
		{"Latin-1", "openapi: 3.0.3\ninfo: {title: Th\xe0nh}", "spec-not-utf8", "0"},
		{"NUL", "openapi: 3.0.3\n\x00", "spec-syntax", "2"},
		{"NUL, escaped in YAML", "openapi: 3.0.3\nx-a: \"\\0\"\n", "spec-syntax", "2"},
		{"NUL, escaped in JSON", "{\"x-a\":\n\"\\u0000\"}", "spec-syntax", "2"},
		{"a list", "- a\n", "spec-not-openapi", "1"},
		{"HTML", "<!doctype html>", "wsdl-unknown", "1"},
		{"another version", "openapi: 4.0.0\n", "spec-not-openapi", "1"},
		{"YAML syntax", "openapi: 3.0.3\ninfo: [\n", "spec-syntax", "2"},
		{"JSON syntax", "{\n\"openapi\": \"3.0.3\",\n}", "spec-syntax", "3"},
		{"JSON with a tail", "{\"openapi\": \"3.0.3\"}\n{}", "spec-syntax", "2"},
		{"a key twice, YAML", head + "paths:\n  /a: {}\n  /a: {}\n", "spec-duplicate-key", "5"},
		{"a key twice, JSON", "{\"openapi\": \"3.0.3\",\n\"paths\": {},\n\"paths\": {}}", "spec-duplicate-key", "3"},
		{"200 and \"200\"", head + "paths: {/a: {get: {responses: {200: {}, '200': {}}}}}", "spec-duplicate-key", "3"},
		{"alias bomb", bomb, "spec-alias", "7"},
		{"an anchor in itself", "openapi: 3.0.3\na: &a [*a]\n", "spec-alias", "2"},
		{"deep YAML", head + "x: " + strings.Repeat("[", 120) + strings.Repeat("]", 120), "spec-too-deep", "3"},
		{"deep JSON", "{\"x\":\n" + strings.Repeat("[", 120) + strings.Repeat("]", 120) + "}", "spec-too-deep", "2"},
		{"deep through aliases", chain, "spec-too-deep", "3"},
		{"remote $ref", head + "paths:\n  /a:\n    $ref: https://evil.example/a.yaml\n", "spec-remote-ref", "5"},
		{"file $ref", head + "paths:\n  /a:\n    $ref: /etc/passwd\n", "spec-remote-ref", "5"},
		{"relative $ref", head + "components:\n  schemas:\n    A:\n      $ref: 'a.yaml#/A'\n", "spec-remote-ref", "6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := Read([]byte(tt.text))
			if got := problem.Code(err); got != tt.code {
				t.Fatalf("got %v (%+v), want %s", err, doc, tt.code)
			}
			if got := problem.Of(err).Args["line"]; got != tt.line {
				t.Errorf("line: got %s, want %s", got, tt.line)
			}
			for _, locale := range []string{"vi", "en"} {
				if title, detail := problem.Of(err).Words(locale); title == detail || strings.Contains(detail, "{") {
					t.Errorf("no words in %s: %q, %q", locale, title, detail)
				}
			}
		})
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	const fine = "operationId: a, summary: S, x-summary-en: S, responses: {'204': {description: d}}"
	get := func(path, inner string) string { return head + "paths:\n  " + path + ":\n    get: {" + inner + "}\n" }
	for _, tt := range []struct{ name, text, severity, code string }{
		{"no title", "openapi: 3.0.3\npaths: {}", Error, "spec-no-title"},
		{"no description", "openapi: 3.0.3\npaths: {}", Warning, "spec-no-description"},
		{"no operation", head + "paths: {}", Error, "spec-no-operations"},
		{"no operationId", get("/a", "summary: S, responses: {'204': {description: d}}"), Warning, "spec-no-operation-id"},
		{"operationId twice", get("/a", fine) + "  /b:\n    get: {" + fine + "}", Error, "spec-duplicate-operation-id"},
		{"no summary", get("/a", "operationId: a, responses: {'204': {description: d}}"), Warning, "spec-no-summary"},
		{"no English", get("/a", "operationId: a, summary: S, responses: {'204': {description: d}}"), Info, "spec-no-english"},
		{"no 2xx", get("/a", "operationId: a, summary: S, responses: {'404': {description: d}}"), Warning, "spec-no-success"},
		{"no schema", get("/a", "operationId: a, responses: {'200': {description: d, content: {application/json: {}}}}"), Warning, "spec-no-fields"},
		{"a picture", get("/a", "operationId: a, responses: {'200': {description: d, content: {image/png: {}}}}"), Warning, "spec-not-structured"},
		{"one address twice", get("/a/{x}", fine) + "  /a/{y}:\n    get: {}", Error, "spec-path-twice"},
		{"parameter not declared", get("/a/{x}", fine), Error, "spec-path-parameter-undeclared"},
		{"parameter not used", get("/a", "operationId: a, parameters: [{name: x, in: path, required: true, schema: {}}]"), Warning, "spec-path-parameter-unused"},
		{"dot segment", get("/a/../b", fine), Error, "spec-path-shape"},
		{"no slash", get("a", fine), Error, "spec-path-shape"},
		{"a query in the path", get("'/a?b=c'", fine), Error, "spec-path-shape"},
		{"TRACE", head + "paths: {/a: {trace: {}}}", Warning, "spec-method-ignored"},
		{"servers", head + "servers: [{url: 'http://x'}]\npaths: {}", Info, "spec-servers-ignored"},
		{"basic auth", head + "paths: {}\ncomponents: {securitySchemes: {b: {type: http, scheme: basic}}}", Warning, "spec-basic-auth"},
		{"security", head + "paths: {}\nsecurity: [{k: []}]", Info, "spec-security-ignored"},
		{"a $ref to nowhere", get("/a", "operationId: a, parameters: [{$ref: '#/components/parameters/X'}]"), Error, "spec-dangling-ref"},
		{"refs in a ring", get("/a", "operationId: a, requestBody: {$ref: '#/components/requestBodies/X'}") +
			"components: {requestBodies: {X: {$ref: '#/components/requestBodies/X'}}}", Error, "spec-dangling-ref"},
		{"not OpenAPI inside", get("/a", "operationId: [a]"), Error, "spec-invalid"},
		{"against the rules", get("/a", "operationId: a, parameters: [{name: x, in: nowhere}]"), Warning, "spec-not-conforming"},
		{"callbacks", get("/a", "operationId: a, callbacks: {}"), Info, "spec-callbacks-ignored"},
		{"Swagger 2.0", "swagger: '2.0'\ninfo: {title: T, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: d, schema: {type: object, properties: {b: {type: string}}}}}}}}", Info, "spec-lifted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := Read([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(doc.Findings, func(f Finding) bool { return f.Code == tt.code && f.Severity == tt.severity })
			if i < 0 {
				t.Fatalf("got %+v, want %s %s", doc.Findings, tt.severity, tt.code)
			}
			for _, locale := range []string{"vi", "en"} {
				if words := doc.Findings[i].Words(locale); words == doc.Findings[i].Detail || strings.Contains(strings.ReplaceAll(words, "{x}", ""), "{n") {
					t.Errorf("words in %s: %q", locale, words)
				}
			}
		})
	}
}

func TestReadSwagger2(t *testing.T) {
	t.Parallel()
	doc, err := Read([]byte("swagger: '2.0'\ninfo: {title: T, version: '1'}\npaths: {/a: {get: {produces: [application/json], responses: {'200': {description: d, schema: {type: object, properties: {b: {type: string}}}}}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Operations) != 1 || len(doc.Operations[0].Fields) != 1 || doc.Operations[0].Fields[0].Path != "/b" {
		t.Errorf("got %+v", doc.Operations)
	}
}

func TestYAMLAsJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"numbers as written", "a: 1.10\nb: 0x1F\nc: 1_000\nd: .inf\ne: 1e3", `{"a":1.10,"b":31,"c":1000,"d":".inf","e":1e3}`},
		{"texts that look like something else", "a: '1'\nb: 2025-07-01\nc: no\nd: ~\ne: 'true'", `{"a":"1","b":"2025-07-01","c":"no","d":null,"e":"true"}`},
		{"aliases and merge keys", "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a]", `{"a":{"x":1,"y":2},"b":{"y":3,"x":1},"c":[{"x":1,"y":2}]}`},
		{"order and numeric keys", "z: 1\n200: 2", `{"z":1,"200":2}`},
		{"JSON with a surrogate pair", `{"a":"\ud83d\ude00","b":"\/"}`, `{"a":"😀","b":"/"}`},
		{"byte order mark", "\ufeff{\"a\":1}", `{"a":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root, err := parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(appendJSON(nil, root, nil)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestHostileStaysBounded reads small documents that grow without end when
// references or combinations are followed naively.
func TestHostileStaysBounded(t *testing.T) {
	t.Parallel()
	answer := "paths: {/a: {get: {operationId: a, summary: S, responses: {'200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/S0'}}}}}}}}\ncomponents:\n  schemas:\n"
	fan := head + answer
	for i := range 20 {
		part := "{$ref: '#/components/schemas/S" + itoa(i+1) + "'}"
		fan += "    S" + itoa(i) + ": {oneOf: [" + strings.Repeat(part+",", 9) + part + "]}\n"
	}
	fan += "    S20: {type: string}\n"
	tree := head + answer
	for i := range 20 {
		part := "{$ref: '#/components/schemas/S" + itoa(i+1) + "'}"
		tree += "    S" + itoa(i) + ": {properties: {a: " + part + ", b: " + part + ", c: " + part + "}}\n"
	}
	tree += "    S20: {type: string}\n"
	long := head + "components: {parameters: {P: {name: p, in: query, description: " + strings.Repeat("x", 1<<20) + "}}}\npaths:\n"
	for i := range 100 {
		long += "  /a" + itoa(i) + ": {get: {operationId: a" + itoa(i) + ", parameters: [{$ref: '#/components/parameters/P'}]}}\n"
	}
	var same, merge strings.Builder
	same.WriteString(head + "paths:\n")
	for i := range 3_000 {
		same.WriteString("  /a" + itoa(i) + ": {get: {operationId: a}}\n")
	}
	merge.WriteString("openapi: 3.0.3\nm: &m {")
	for i := range 50_000 {
		merge.WriteString("k" + itoa(i) + ": 1, ")
	}
	merge.WriteString("}\nn: {<<: *m}\n")
	for _, tt := range []struct{ name, text, code string }{
		{"combinations of combinations", fan, "spec-fields-cut"},
		{"a tree of references", tree, "spec-fields-cut"},
		{"one long text, referred to a hundred times", long, "spec-text-cut"},
		{"3,000 operations of one name", same.String(), "spec-more"},
		{"a merge of 50,000 keys", merge.String(), "spec-no-operations"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := readWithin([]byte(tt.text), corpusTime)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(codes(doc, Error, Warning, Info), tt.code) {
				t.Errorf("got %q, want %s", codes(doc, Error, Warning), tt.code)
			}
			text, err := json.Marshal(doc)
			if err != nil || len(text) > 2*maxText {
				t.Errorf("%d bytes, %v", len(text), err)
			}
		})
	}
}

// corpusTime is what one document may take in a test: more than Read allows,
// since tests share the machine and the race detector slows them tenfold.
const corpusTime = 2 * time.Minute

func TestKebab(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"layThuTuc": "lay-thu-tuc", "Lấy đường phố": "lay-duong-pho", "GET /thu-tuc/{maTTHC}": "get-thu-tuc-ma-tthc", "___": "", "getV2Users": "get-v2-users",
	} {
		if got := kebab(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	text, err := os.ReadFile("testdata/thu-tuc.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"openapi":"3.0.3","info":{"title":"T"},"paths":{"/a/{b}":{"get":{"responses":{"200":{"$ref":"#/components/responses/A"}}}}},"components":{"responses":{"A":{"content":{"application/json":{"schema":{"allOf":[{"$ref":"#/components/schemas/B"}]}}}}},"schemas":{"B":{"properties":{"b":{"$ref":"#/components/schemas/B"}}}}}}`))
	f.Add([]byte("swagger: '2.0'\npaths: {/a: {get: {parameters: [{in: body, schema: {}}]}}}"))
	f.Add([]byte("a: &a [b, *a]\n<<: {c: d}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64<<10 {
			return
		}
		start := time.Now()
		doc, err := Read(text)
		if took := time.Since(start); took > maxTime+time.Second {
			t.Errorf("took %s", took)
		}
		if code := problem.Code(err); code == "spec-unreadable" || code == "spec-slow" || (err != nil && code == "") {
			t.Errorf("refused with %q: %v", code, err)
		}
		if err == nil && !json.Valid(doc.JSON) {
			t.Errorf("no JSON: %s", doc.JSON)
		}
	})
}
