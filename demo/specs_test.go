package demo

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"lgsp/demo/simulator"
)

// Every operation of every document is called with its own examples, and the
// simulator's answer must be what the document says, no field more.
func TestDocumentsAreTrue(t *testing.T) {
	t.Parallel()
	for _, system := range simulator.Systems() {
		t.Run(system.Slug, func(t *testing.T) {
			t.Parallel()
			doc := load(t, system.Slug)
			for path, item := range doc.Paths.Map() {
				for method, op := range item.Operations() {
					call := exampleCall(t, method, path, op)
					check(t, doc, system.Handler, call, success(op))
					strange := call.Clone(t.Context())
					strange.Body = io.NopCloser(strings.NewReader("{"))
					strange.URL.RawQuery = "kichThuoc=101"
					check(t, doc, system.Handler, strange, http.StatusBadRequest)
				}
			}
		})
	}
}

func TestAbsentRecordsAreNotFoundAsDocumented(t *testing.T) {
	t.Parallel()
	for slug, path := range map[string]string{
		"thu-tuc-hanh-chinh": "/thu-tuc/9.999999",
		"mot-cua-dien-tu":    "/ho-so/000.00.99.H48-200101-0001?SoDinhDanh=000072000199",
		"can-bo-cong-chuc":   "/can-bo/000099999999",
		"dat-dai":            "/thua-dat/99001/1/999",
		"nguoi-co-cong":      "/ho-so/000199999999",
		"nong-nghiep":        "/cay-trong/dua-hau",
	} {
		at := slices.IndexFunc(simulator.Systems(), func(s simulator.System) bool { return s.Slug == slug })
		check(t, load(t, slug), simulator.Systems()[at].Handler, httptest.NewRequest("GET", path, nil), http.StatusNotFound)
	}
}

func TestEveryOperationSaysWhoMayCallIt(t *testing.T) {
	t.Parallel()
	for _, system := range simulator.Systems() {
		doc := load(t, system.Slug)
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				access, class := op.Extensions["x-lgsp-access"], op.Extensions["x-lgsp-classification"]
				wantClass := map[any]string{"open": "public", "restricted": "internal", "personal": "confidential"}[access]
				if class != wantClass {
					t.Errorf("%s %s %s: got access %v and classification %v", system.Slug, method, path, access, class)
				}
				if _, named := op.Extensions["x-lgsp-subject"]; named != (access == "personal") {
					t.Errorf("%s %s %s: access %v, subject named: %v", system.Slug, method, path, access, named)
				}
				for _, text := range []string{"x-summary-en", "x-description-en"} {
					if english, ok := op.Extensions[text].(string); !ok || english == "" {
						t.Errorf("%s %s %s has no %s", system.Slug, method, path, text)
					}
				}
			}
		}
	}
}

// load reads a document and closes its objects: a field it does not name is an error.
func load(t *testing.T, slug string) *openapi3.T {
	t.Helper()
	text, err := spec(slug)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatalf("%s: %v", slug, err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("%s: %v", slug, err)
	}
	closed := false
	for _, schema := range doc.Components.Schemas {
		if schema.Value.Type.Is("object") {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}
	doc.Servers = nil
	return doc
}

func success(op *openapi3.Operation) int {
	if op.Responses.Value("201") != nil {
		return http.StatusCreated
	}
	return http.StatusOK
}

func exampleCall(t *testing.T, method, path string, op *openapi3.Operation) *http.Request {
	t.Helper()
	query := url.Values{}
	for _, p := range op.Parameters {
		example, ok := p.Value.Example.(string)
		if !ok {
			text, err := json.Marshal(p.Value.Example)
			if err != nil {
				t.Fatal(err)
			}
			example = string(text)
		}
		if p.Value.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", url.PathEscape(example))
		} else {
			query.Set(p.Value.Name, example)
		}
	}
	var sent io.Reader
	if op.RequestBody != nil {
		text, err := json.Marshal(op.RequestBody.Value.Content.Get("application/json").Example)
		if err != nil {
			t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	r := httptest.NewRequest(method, path+"?"+query.Encode(), sent)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func check(t *testing.T, doc *openapi3.T, h http.Handler, r *http.Request, want int) {
	t.Helper()
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
	if want < 300 {
		if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
			t.Errorf("%s %s: the example is not what the document says: %v", r.Method, r.URL, err)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != want {
		t.Fatalf("%s %s: got status %d, want %d: %s", r.Method, r.URL, w.Code, want, w.Body)
	}
	if got := w.Header().Get("X-Du-Lieu-Gia-Lap"); got != "true" {
		t.Errorf("%s %s: not marked as invented: %q", r.Method, r.URL, got)
	}
	if strings.Contains(w.Body.String(), `"duLieu":[]`) {
		t.Errorf("%s %s: the example finds nothing", r.Method, r.URL)
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: w.Code, Header: w.Header(), Body: io.NopCloser(w.Body),
	})
	if err != nil {
		t.Errorf("%s %s: the answer is not what the document says: %v", r.Method, r.URL, err)
	}
}
