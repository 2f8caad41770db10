//go:build !race

package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"lgsp/gateway/check"
	"lgsp/gateway/project"
	"lgsp/gateway/route"
)

// fuzzedSpec is a document of which every name is one of fuzzedNames.
const fuzzedSpec = `{"openapi":"3.0.3","info":{"title":"x","version":"1"},"paths":{
  "/ho-so/{ma}":{"post":{"parameters":[
     {"in":"path","name":"ma","required":true,"schema":{"type":"string","pattern":"^H[0-9]+$","maxLength":8}},
     {"in":"query","name":"trang","schema":{"type":"integer","minimum":1,"maximum":99}},
     {"in":"query","name":"loai","schema":{"type":"array","items":{"type":"string","enum":["a","b"]},"maxItems":3}},
     {"in":"query","name":"ids","explode":false,"schema":{"type":"array","items":{"type":"integer","format":"int32"},"uniqueItems":true}},
     {"in":"header","name":"X-Ngay","schema":{"type":"string","format":"date"}}],
    "requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/HoSo"}},"text/plain":{}}},
    "responses":{"200":{"description":"x","content":{"application/json":{"schema":{"$ref":"#/components/schemas/HoSo"}}}},"4XX":{"description":"x"}}}}},
 "components":{"schemas":{
  "HoSo":{"type":"object","required":["ma","nguoi"],"additionalProperties":false,"properties":{
    "ma":{"type":"string","minLength":1,"maxLength":5},"so":{"type":"number","exclusiveMinimum":true,"minimum":0,"multipleOf":0.5},"loai":{"enum":["a",1,null],"nullable":true},
    "nguoi":{"oneOf":[{"$ref":"#/components/schemas/Nguoi"},{"type":"string","pattern":"^[0-9]+$"}]},
    "con":{"type":"array","maxItems":3,"items":{"$ref":"#/components/schemas/HoSo"}},
    "ids":{"type":"array","uniqueItems":true,"items":{"type":"integer"}},
    "them":{"type":"object","additionalProperties":{"type":"boolean"},"maxProperties":2}}},
  "Nguoi":{"allOf":[{"type":"object","required":["ten"],"properties":{"ten":{"type":"string"}}},{"properties":{"tuoi":{"type":"integer","not":{"minimum":200,"type":"integer"}}}}]}}}}`

// fuzzedNames are what a place of the document may be made of.
var fuzzedNames = []string{"path", "query", "header", "body", "status", "ma", "trang", "loai", "ids", "X-Ngay", "so", "nguoi", "con", "them", "ten", "tuoi", "Content-Type", "Content-Encoding", "*"}

// FuzzChecks makes any call and any answer: what is found is bounded, says
// nothing of the call but places of the document, and of a JSON body
// kin-openapi's validator says the same.
func FuzzChecks(f *testing.F) {
	for _, seed := range []struct{ target, header, body string }{
		{"/ho-so/H1?trang=1&loai=a&loai=b&ids=1,2", "application/json", `{"ma":"a","nguoi":{"ten":"An"}}`},
		{"/ho-so/H1?trang=0&la&ngay=2026-02-30", "application/json; charset=utf-8", `{"ma":"","so":-0.3,"nguoi":"12a","la":1}`},
		{"/ho-so/x", "application/json, text/plain", "abc"},
		{"/ho-so/H1", "application/json", `{"ma":"abcdef","nguoi":"1"}`},
		{"/ho-so/H1", "application/json", `{"ma":"a","nguoi":"1","la":1}`},
		{"/ho-so/H1?ids=1,1", "application/json", `{"ma":"a","nguoi":"1","loai":null,"ids":[1,1.0,1e0],"con":[{"ma":"abcdef","nguoi":{"ten":1,"tuoi":200}}],"them":{"x":true,"y":0,"z":false}}`},
	} {
		f.Add(seed.target, seed.header, []byte(seed.body), 200)
	}
	theirs, err := openapi3.NewLoader().LoadFromData([]byte(fuzzedSpec))
	if err != nil {
		f.Fatal(err)
	}
	schema := theirs.Components.Schemas["HoSo"].Value
	const template = "/ho-so/{ma}"
	described, notes, err := check.Describe(check.Source{OpenAPI: []byte(fuzzedSpec), Operations: []check.Wanted{{ID: "gui", Method: "POST", Path: template}}})
	if err != nil || len(notes) > 1 { // of the text
		f.Fatal(notes, err)
	}
	compiled, err := check.Compile(described)
	if err != nil {
		f.Fatal(err)
	}
	var tree route.Tree[*check.Operation]
	if err := tree.Add("POST", template, compiled["gui"]); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target, header string, body []byte, status int) {
		raw, rawQuery, _ := strings.Cut(target, "?")
		path, err := route.Canonical(raw)
		if err != nil {
			return
		}
		o, _, ok := tree.Match("POST", path)
		query, err := url.ParseQuery(rawQuery)
		if !ok || err != nil || status < 200 || status > 599 {
			return
		}
		begun := time.Now()
		value, err := project.Value(body)
		in := check.Request{Path: func(name string) (string, bool) { return route.Variable(template, name, path) }, Query: query, HasBody: len(body) > 0,
			Header: http.Header{"Content-Type": {header}, "X-Ngay": {query.Get("ngay")}}, Cookies: func() []*http.Cookie { return nil }}
		if o.TakesJSON(header) && len(body) > 0 {
			in.Body = &check.JSON{Value: value, Size: len(body), Err: err}
		}
		findings := o.Request(in)
		if check.Wrong(findings) != check.Wrong(o.Request(in)) {
			t.Errorf("the same request is judged in two ways: %v", findings)
		}
		answered := o.Answer(check.Answer{Status: status, ContentType: header, Empty: len(body) == 0, Body: in.Body})
		if took := time.Since(begun); took > 10*time.Second || len(findings) > 10 || len(answered) > 10 {
			t.Errorf("%s, %d and %d findings", took, len(findings), len(answered))
		}
		for _, found := range slices.Concat(findings, answered) {
			foundInDocument(t, found)
		}
		if in.Body == nil || err != nil {
			return
		}
		var plain any
		if json.Unmarshal(body, &plain) != nil {
			return // a number beyond theirs
		}
		wrong := check.Wrong(slices.DeleteFunc(slices.Clone(findings), func(f check.Finding) bool { return !strings.HasPrefix(f.Place, "body") }))
		if full := len(o.Request(in)) == 10; !full && wrong != (schema.VisitJSON(plain) != nil) {
			t.Errorf("%s: found %v; kin-openapi says %v", body, findings, schema.VisitJSON(plain))
		}
	})
}

// foundInDocument holds a finding to what it may say.
func foundInDocument(t *testing.T, found check.Finding) {
	t.Helper()
	for name := range strings.SplitSeq(found.Place, "/") {
		if !slices.Contains(fuzzedNames, name) {
			t.Errorf("place %q says what the document does not: %q", found.Place, name)
		}
	}
	for name := range strings.SplitSeq(found.At, "/") {
		if _, err := strconv.Atoi(name); err != nil && !slices.Contains(fuzzedNames, name) {
			t.Errorf("at %q says what the document does not: %q", found.At, name)
		}
	}
	if found.Code == "" || strings.Trim(found.Code, "abcdefghijklmnopqrstuvwxyz-") != "" {
		t.Errorf("code %q", found.Code)
	}
}
