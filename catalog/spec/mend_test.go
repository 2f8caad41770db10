package spec

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lgsp/internal/problem"
)

const habits = `openapi: 3.0.3
info: {title: T, description: D, version: '1'} # kept
servers:
  - url: https://noi-bo.example.vn
paths:
  # the list
  /ho-so/:
    get:
      summary: Tìm hồ sơ
      responses:
        '200': {description: OK, content: {application/json: {schema: {$ref: '#/components/schemas/HoSo'}}}}
    post:
      summary: Tìm hồ sơ
      operationId: nop
      responses: {'201': {description: OK}}
  /ho-so/{ma}:
    servers: [{url: 'https://x.example.vn'}]
    get:
      operationId: nop
      responses: {'200': {description: OK}, '404': {description: Không có}}
components:
  schemas:
    HoSo: {type: object, properties: {ma: {type: string}, con: {$ref: '#/components/schemas/Con/properties/a'}}}
    Con: {type: object, properties: {a: {type: string}}}
    Thua: {type: object, properties: {b: {$ref: '#/components/schemas/ThuaNua'}}}
    ThuaNua: {type: string}
`

// TestMend: each finding that can be mended is gone afterwards, with nothing
// else changed.
func TestMend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code string
		want []string // stands in the mended document
		gone []string // does not
	}{
		{"spec-no-operation-id", []string{"operationId: timHoSo", "operationId: nop", "# the list", "# kept"}, nil},
		{"spec-duplicate-operation-id", []string{"operationId: nop\n", "operationId: nop2", "operationId: timHoSo"}, nil},
		{"spec-no-refusals", []string{"4XX:", "application/problem+json", "Problem:", "'404': {description: Không có}"}, nil},
		{"spec-servers-ignored", []string{"/ho-so/:"}, []string{"noi-bo", "x.example.vn", "servers"}},
		{"spec-trailing-slash", []string{"  /ho-so:\n", "/ho-so/{ma}:"}, []string{"/ho-so/:"}},
		{"spec-unused-component", []string{"HoSo:", "Con:"}, []string{"Thua"}},
		{"spec-path-parameter-undeclared", []string{"name: ma\n", "in: path", "required: true"}, nil},
	} {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			mended, err := Mend([]byte(habits), tt.code)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range tt.want {
				if !strings.Contains(string(mended), part) {
					t.Errorf("lacks %q: %s", part, mended)
				}
			}
			for _, part := range tt.gone {
				if strings.Contains(string(mended), part) {
					t.Errorf("has %q: %s", part, mended)
				}
			}
			_, err = Mend(mended, tt.code)
			if problem.Code(err) != "lint-not-mended" {
				t.Errorf("mended twice: %v", err)
			}
			before, after := findings(t, habits), findings(t, string(mended))
			for code, n := range after {
				if n > before[code] && code != "spec-no-english" {
					t.Errorf("%s came with it", code)
				}
			}
		})
	}
}

// findings counts what is found in a document by code.
func findings(t *testing.T, text string) map[string]int {
	t.Helper()
	doc, err := Read([]byte(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	count := map[string]int{}
	for _, f := range doc.Findings {
		count[f.Code]++
	}
	return count
}

func TestMendForms(t *testing.T) {
	t.Parallel()
	mended, err := Mend([]byte(`{"openapi":"3.1.0","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{"responses":{}}}}}`), "spec-no-operation-id")
	if err != nil || !strings.HasPrefix(string(mended), "{\n") || !strings.Contains(string(mended), `"operationId": "getA"`) {
		t.Errorf("JSON: got %v %s", err, mended)
	}
	mended, err = Mend([]byte("openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a: {get: {summary: A b, responses: &r {'200': {description: D}}}, put: {responses: *r}}\n"), "spec-no-refusals")
	if err != nil || strings.Contains(string(mended), "*r") {
		t.Errorf("aliases: got %v %s", err, mended)
	}
	for name, text := range map[string]string{
		"Swagger": `{"swagger":"2.0","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"D"}}}}}}`,
		"WSDL":    string(document(t, "ho-so.wsdl").Text),
	} {
		if _, err := Mend([]byte(text), "spec-servers-ignored"); problem.Code(err) != "lint-not-mended" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Mend([]byte(habits), "spec-no-english"); problem.Code(err) != "lint-not-mended" {
		t.Errorf("what only people can mend: got %v", err)
	}
}

// TestAdvice: every finding on a document has why it matters and what to write,
// in both languages.
func TestAdvice(t *testing.T) {
	t.Parallel()
	codes := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "found" {
				if lit, ok := call.Args[0].(*ast.BasicLit); ok {
					if code, err := strconv.Unquote(lit.Value); err == nil && strings.HasPrefix(code, "spec-") {
						codes[code] = true
					}
				}
			}
			return true
		})
	}
	if len(codes) < 25 {
		t.Fatalf("only %d codes", len(codes))
	}
	for code := range codes {
		f := Finding{Code: code, Args: map[string]string{"name": "ma"}}
		for _, locale := range []string{"vi", "en"} {
			if why, fix := f.Why(locale), f.Fix(locale); why == "" || fix == "" || strings.Contains(why+fix, "{name}") {
				t.Errorf("%s in %s: %q, %q", code, locale, why, fix)
			}
		}
	}
}

// FuzzMend: what is mended reads as a document, without one finding more of any
// kind that stops it.
func FuzzMend(f *testing.F) {
	for code := range mends {
		f.Add(habits, code)
	}
	f.Fuzz(func(t *testing.T, text, code string) {
		if len(text) > 16<<10 {
			return
		}
		mended, err := Mend([]byte(text), code)
		if err != nil {
			if problem.Code(err) == "" || problem.Code(err) == "spec-unreadable" {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if _, err := Read(mended); err != nil {
			t.Errorf("what was mended does not read: %v", err)
		}
	})
}
