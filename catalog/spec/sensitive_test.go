package spec

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// answering is a document of one operation that answers with a schema, in JSON
// and in XML.
func answering(schema, components string) []byte {
	return []byte(`{"openapi":"3.1.0","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{"operationId":"a","summary":"A","responses":{"200":{"description":"A",
"content":{"application/json":{"schema":` + schema + `},"application/xml":{"schema":` + schema + `}}}}}}},"components":{"schemas":{` + components + `}}}`)
}

const person = `"Nguoi":{"type":"object","properties":{"hoTen":{"type":"string","title":"Họ tên","x-title-en":"Name","x-lgsp-mask":"initials"},
"so":{"$ref":"#/components/schemas/So"},"dienThoai":{"type":"array","title":"Điện thoại","items":{"type":"string","x-lgsp-mask":"last-3"}}}},"So":{"type":"string","x-lgsp-mask":"last-4"}`

func TestSensitive(t *testing.T) {
	t.Parallel()
	doc, err := Read(answering(`{"type":"object","properties":{"chu":{"$ref":"#/components/schemas/Nguoi"},"ds":{"type":"array","items":{"$ref":"#/components/schemas/Nguoi"}}}}`, person))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range doc.Operations[0].Sensitive {
		got = append(got, s.Path+" "+s.Mask+" "+s.TitleVI)
	}
	want := []string{"/chu/hoTen initials Họ tên", "/chu/so last-4 ", "/chu/dienThoai/* last-3 Điện thoại", "/ds/*/hoTen initials Họ tên", "/ds/*/so last-4 ", "/ds/*/dienThoai/* last-3 Điện thoại"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	for _, f := range doc.Findings {
		if f.Severity == Error {
			t.Errorf("found %s: %s", f.Code, f.Detail)
		}
	}
}

// TestSensitiveFindings: a mark that could not be held to is an error, so that
// the version is not published.
func TestSensitiveFindings(t *testing.T) {
	t.Parallel()
	of := func(key, inside string) string {
		return `{"type":"object","properties":{"a":{"type":"string"}},"` + key + `":` + inside + `}`
	}
	ref := `{"$ref":"#/components/schemas/Nguoi"}`
	deep := `{"type":"string","x-lgsp-mask":"hash"}`
	for range maxFieldDepth + 2 {
		deep = `{"type":"object","properties":{"x":` + deep + `}}`
	}
	for name, tt := range map[string]struct{ schema, code string }{
		"no mask":                      {of("properties", `{"b":{"type":"string","x-lgsp-mask":"last-9"}}`), "spec-mask-unknown"},
		"a mask that is none":          {of("properties", `{"b":{"type":"string","x-lgsp-mask":{"n":4}}}`), "spec-mask-unknown"},
		"an object":                    {of("properties", `{"b":{"type":"object","x-lgsp-mask":"hash"}}`), "spec-mask-not-value"},
		"a list":                       {of("properties", `{"b":{"type":"array","items":{"type":"string"},"x-lgsp-mask":"hash"}}`), "spec-mask-not-value"},
		"yes or no":                    {of("properties", `{"b":{"type":"boolean","x-lgsp-mask":"hash"}}`), "spec-mask-not-value"},
		"the whole answer":             {`{"type":"string","x-lgsp-mask":"hash"}`, "spec-mask-not-value"},
		"open names":                   {of("additionalProperties", ref), "spec-mask-unreached"},
		"patterns of names":            {of("patternProperties", `{"^x-":`+ref+`}`), "spec-mask-unreached"},
		"a condition":                  {of("then", ref), "spec-mask-unreached"},
		"a name that no path can give": {of("properties", `{"*":`+ref+`}`), "spec-mask-unreached"},
		"beside a reference":           {`{"$ref":"#/components/schemas/Nguoi","properties":{"b":{"type":"string","x-lgsp-mask":"hash"}}}`, "spec-mask-unreached"},
		"a circle":                     {`{"$ref":"#/components/schemas/Vong"}`, "spec-mask-unreached"},
		"too deep":                     {deep, "spec-mask-unreached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(tt.schema, `"properties":{"a":{"type":"string"}},"properties":`) {
				tt.schema = strings.Replace(tt.schema, `"properties":{"a":{"type":"string"}},`, "", 1)
			}
			doc, err := Read(answering(tt.schema, person+`,"Vong":{"type":"object","properties":{"so":{"$ref":"#/components/schemas/So"},"cha":{"$ref":"#/components/schemas/Vong"}}}`))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(doc.Findings, func(f Finding) bool {
				return f.Code == tt.code && f.Severity == Error && f.Where == "GET /a" && f.Words("vi") != f.Detail
			}) {
				t.Errorf("not found: %s in %+v", tt.code, doc.Findings)
			}
		})
	}
	t.Run("what no answer holds is of no matter", func(t *testing.T) {
		doc, err := Read(answering(`{"type":"object","properties":{"x-lgsp-mask":{"type":"string"},"b":{"type":"string","example":{"x-lgsp-mask":1}}}}`,
			`"Khac":{"type":"object","additionalProperties":{"type":"string","x-lgsp-mask":"nothing"}}`))
		if err != nil || len(doc.Operations[0].Sensitive) > 0 || slices.ContainsFunc(doc.Findings, func(f Finding) bool { return strings.HasPrefix(f.Code, "spec-mask") }) {
			t.Errorf("%v: %+v", err, doc.Findings)
		}
	})
}

// TestXML: what cannot be told apart is found and left out; a schema that holds
// itself is a graph that ends.
func TestXML(t *testing.T) {
	t.Parallel()
	doc, err := Read(answering(`{"$ref":"#/components/schemas/Vong"}`,
		`"Vong":{"type":"object","xml":{"name":"vong","namespace":"urn:v"},"properties":{"ten":{"type":"string","xml":{"attribute":true}},"con":{"type":"array","items":{"$ref":"#/components/schemas/Vong"}},"a":{"type":"string","xml":{"name":"x"}},"b":{"type":"string","xml":{"name":"x"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(doc.Operations[0].XML)
	want := `{"root":[{"name":"vong","space":"urn:v"}],"nodes":[{"edges":[{"name":"ten","attribute":true,"step":"/ten"},{"name":"vong","space":"urn:v","step":"/con/*"},{"name":"con","space":"urn:v","step":"/con/*"}]},{"value":true},{"value":true}]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	if !slices.ContainsFunc(doc.Findings, func(f Finding) bool { return f.Code == "spec-xml-ambiguous" && f.Args["name"] == "x" }) {
		t.Errorf("two fields by one name are not found: %+v", doc.Findings)
	}
	deep := `{"type":"string"}`
	for range maxFieldDepth + 1 {
		deep = `{"type":"array","items":` + deep + `}`
	}
	doc, err = Read(answering(`{"type":"object","properties":{"a":`+deep+`}}`, `"X":{}`))
	if err != nil || doc.Operations[0].XML != nil || !slices.ContainsFunc(doc.Findings, func(f Finding) bool { return f.Code == "spec-xml-cut" }) {
		t.Errorf("an XML answer without end: %v", err)
	}
}
