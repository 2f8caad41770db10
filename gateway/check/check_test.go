package check

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// made compiles the one operation of a document as a node gets it: through
// Describe, JSON and Compile.
func made(t testing.TB, document string) (*Operation, []Note) {
	t.Helper()
	d, notes, err := Describe(Source{OpenAPI: []byte(document), Operations: []Wanted{{"o", "POST", "/a/{so}"}}, Ignored: func(name string) bool { return name == "X-API-Key" }})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var stored Document
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	operations, err := Compile(&stored)
	if err != nil {
		t.Fatal(err)
	}
	if operations["o"] == nil {
		t.Fatalf("the operation is not described: %s", text)
	}
	return operations["o"], notes
}

// ofSchema is a document whose operation takes and gives JSON of one schema,
// with further components.
func ofSchema(version, schema, components string) string {
	if components == "" {
		components = "{}"
	}
	return fmt.Sprintf(`{"openapi":%q,"paths":{"/a/{so}":{"post":{"requestBody":{"content":{"application/json":{"schema":%s}}},
		"responses":{"200":{"content":{"application/json":{"schema":%s}}}}}}},"components":{"schemas":%s}}`, version, schema, schema, components)
}

// told are findings in short: place, code, and a question mark when nothing is
// refused for it.
func told(findings []Finding) []string {
	all := []string{}
	for _, f := range findings {
		text := f.At + " " + f.Code
		if f.Told {
			text += "?"
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

func sent(body string) Request {
	return Request{Header: http.Header{"Content-Type": {"application/json"}}, HasBody: true, Body: read(body)}
}

func read(text string) *JSON {
	value, err := decode([]byte(text))
	return &JSON{Value: value, Size: len(text), Err: err}
}

const tree = `{"A":{"type":"object","required":["ma"],"properties":{"ma":{"type":"string","maxLength":3},"con":{"type":"array","items":{"$ref":"#/components/schemas/A"}}}}}`

func TestSchemas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, schema, components string
		good                     []string
		bad                      map[string]string // body → what is found, with commas between
	}{
		{name: "types", schema: `{"type":"integer"}`, good: []string{`1`, `-3`, `1.0`, `1e2`, `1e400`}, bad: map[string]string{`1.5`: "body type", `"1"`: "body type", `null`: "body type", `[]`: "body type", `true`: "body type"}},
		{name: "no type", schema: `{}`, good: []string{`1`, `null`, `{"a":[1]}`}},
		{name: "type lists of 3.1", schema: `{"type":["string","null"]}`, good: []string{`"a"`, `null`}, bad: map[string]string{`1`: "body type"}},
		{name: "numbers", schema: `{"minimum":1,"exclusiveMaximum":3,"multipleOf":0.1}`, good: []string{`1`, `2.9`, `"9"`}, bad: map[string]string{`0.9`: "body range", `3`: "body range", `1.05`: "body multiple"}},
		{name: "texts", schema: `{"minLength":2,"maxLength":3,"pattern":"^đ"}`, good: []string{`"đa"`, `"đab"`, `7`}, bad: map[string]string{`"đ"`: "body length", `"đabc"`: "body length", `"ab"`: "body pattern"}},
		{name: "unicode escapes of ECMAScript", schema: `{"pattern":"^\\u0111$"}`, good: []string{`"đ"`}, bad: map[string]string{`"d"`: "body pattern"}},
		{name: "date", schema: `{"format":"date"}`, good: []string{`"2026-02-28"`, `5`}, bad: map[string]string{`"2026-02-30"`: "body format", `"28/02/2026"`: "body format"}},
		{name: "date-time", schema: `{"format":"date-time"}`, good: []string{`"2026-02-28T10:00:00Z"`, `"2026-02-28t10:00:00.5+07:00"`, `"2016-12-31T23:59:60Z"`}, bad: map[string]string{`"2026-02-28 10:00"`: "body format"}},
		{name: "uuid, addresses", schema: `{"items":{"anyOf":[{"format":"uuid"},{"format":"ipv4"},{"format":"ipv6"}]}}`, good: []string{`["0195d3f0-0000-7000-8000-00000000000f","10.0.0.1","::1"]`}, bad: map[string]string{`["10.0.0"]`: "body/0 one-of"}},
		{name: "whole numbers", schema: `{"prefixItems":[{"format":"int32"},{"format":"int64"}]}`, good: []string{`[2147483647,9223372036854775807]`}, bad: map[string]string{`[2147483648,9223372036854775808]`: "body/0 format,body/1 format"}},
		{name: "an unknown format", schema: `{"format":"so-dinh-danh"}`, good: []string{`"x"`}},
		{name: "listed values", schema: `{"enum":["a",1,null,{"b":[1]}]}`, good: []string{`"a"`, `1.0`, `null`, `{"b":[1.0]}`}, bad: map[string]string{`"b"`: "body value", `2`: "body value", `{"b":[2]}`: "body value", `{"b":[1],"c":1}`: "body value"}},
		{name: "const", schema: `{"const":"a"}`, good: []string{`"a"`}, bad: map[string]string{`"b"`: "body value"}},
		{name: "const beside enum", schema: `{"const":"a","enum":["b"]}`, bad: map[string]string{`"a"`: "body not-allowed"}},
		{name: "arrays", schema: `{"type":"array","minItems":1,"maxItems":2,"uniqueItems":true,"items":{"type":["integer","object"]}}`, good: []string{`[1]`, `[1,2]`, `[{"a":1,"b":2},{"a":1}]`},
			bad: map[string]string{`[]`: "body count", `[1,2,3]`: "body count", `[1,1.0]`: "body unique", `[{"a":1,"b":2},{"b":2,"a":1.0}]`: "body unique", `["x",1]`: "body/0 type"}},
		{name: "first elements", schema: `{"prefixItems":[{"type":"string"}],"items":false}`, good: []string{`["a"]`, `[]`}, bad: map[string]string{`[1]`: "body/0 type", `["a","b"]`: "body/1 not-allowed"}},
		{name: "members", schema: `{"type":"object","required":["a","x"],"properties":{"a":{"type":"string"},"b/~":{"type":"string"}},"minProperties":1,"maxProperties":3}`, good: []string{`{"a":"","x":1}`},
			bad: map[string]string{`{}`: "body count,body/a required,body/x required", `{"a":1,"x":1,"b/~":1}`: "body/a type,body/b~1~0 type", `{"a":"","x":1,"y":1,"z":1}`: "body count,body/* not-named?"}},
		{name: "no other members", schema: `{"properties":{"a":{}},"additionalProperties":false}`, good: []string{`{"a":1}`, `{}`}, bad: map[string]string{`{"001138000777":1}`: "body/* not-allowed"}},
		{name: "other members", schema: `{"properties":{"a":{}},"additionalProperties":{"type":"string"}}`, good: []string{`{"a":1,"x":"y"}`}, bad: map[string]string{`{"a":1,"001138000777":1}`: "body/* type"}},
		{name: "patterned members", schema: `{"patternProperties":{"^so":{"type":"integer"}},"additionalProperties":false}`, good: []string{`{"so1":1}`}, bad: map[string]string{`{"so1":"x"}`: "body/* type", `{"ten":1}`: "body/* not-allowed"}},
		{name: "members that nothing names", schema: `{"allOf":[{"properties":{"a":{}}},{"$ref":"#/components/schemas/A"}]}`, components: tree, good: []string{`{"a":1,"ma":"x","con":[]}`}, bad: map[string]string{`{"ma":"x","la":1}`: "body/* not-named?"}},
		{name: "all of", schema: `{"allOf":[{"properties":{"a":{"type":"string"}}},{"required":["b"]}]}`, good: []string{`{"a":"","b":1}`}, bad: map[string]string{`{"a":1}`: "body/a type,body/b required"}},
		{name: "one of", schema: `{"oneOf":[{"type":"string"},{"type":"number"},{"type":"integer"}]}`, good: []string{`"a"`, `1.5`}, bad: map[string]string{`1`: "body several", `true`: "body one-of"}},
		{name: "any of", schema: `{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, good: []string{`{"a":1,"b":1}`, `{"b":1}`}, bad: map[string]string{`{}`: "body one-of"}},
		{name: "one of and any of", schema: `{"oneOf":[{"type":"string"},{"type":"number"}],"anyOf":[{"minLength":2},{"minimum":2}]}`, good: []string{`"ab"`, `"a"`}, bad: map[string]string{`true`: "body one-of"}},
		{name: "not", schema: `{"not":{"type":"string"}}`, good: []string{`1`}, bad: map[string]string{`"a"`: "body not"}},
		{name: "not anything", schema: `{"properties":{"a":{"not":{}}}}`, good: []string{`{}`}, bad: map[string]string{`{"a":1}`: "body/a not"}},
		{name: "a form told by a member", schema: `{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"$ref":"#/components/schemas/Dog"}],"discriminator":{"propertyName":"loai","mapping":{"meo":"#/components/schemas/Cat","cho":"Dog"}}}`,
			components: `{"Cat":{"required":["long"],"properties":{"loai":{},"long":{}}},"Dog":{"required":["sua"],"properties":{"loai":{},"sua":{}}}}`,
			good:       []string{`{"loai":"meo","long":1}`, `{"loai":"Dog","sua":1}`}, bad: map[string]string{`{"loai":"meo","sua":1}`: "body/long required", `{"loai":"chim"}`: "body one-of", `{"loai":1}`: "body one-of"}},
		{name: "a tree", schema: `{"$ref":"#/components/schemas/A"}`, components: tree, good: []string{`{"ma":"a","con":[{"ma":"b","con":[{"ma":"c"}]}]}`},
			bad: map[string]string{`{"ma":"a","con":[{"ma":"b","con":[{"ma":"cdef"},{}]}]}`: "body/con/0/con/0/ma length,body/con/0/con/1/ma required"}},
		{name: "what stands beside a $ref in 3.1", schema: `{"$ref":"#/components/schemas/A","required":["con"]}`, components: tree, good: []string{`{"ma":"a","con":[]}`}, bad: map[string]string{`{"ma":"a"}`: "body/con required"}},
		{name: "a chain of references", schema: `{"$ref":"#/components/schemas/X"}`, components: `{"X":{"$ref":"#/components/schemas/Y"},"Y":{"$ref":"#/components/schemas/Z"},"Z":{"type":"string"}}`, good: []string{`"a"`}, bad: map[string]string{`1`: "body type"}},
		{name: "a schema inside another", schema: `{"$ref":"#/components/schemas/A/properties/ma"}`, components: tree, good: []string{`"abc"`}, bad: map[string]string{`"abcd"`: "body length"}},
		{name: "references in a ring", schema: `{"$ref":"#/components/schemas/X"}`, components: `{"X":{"$ref":"#/components/schemas/Y"},"Y":{"allOf":[{"$ref":"#/components/schemas/X"},{"type":"string"}]}}`, good: []string{`"a"`}, bad: map[string]string{`1`: "body type"}},
		{name: "a schema that is all of itself", schema: `{"$ref":"#/components/schemas/X"}`, components: `{"X":{"allOf":[{"$ref":"#/components/schemas/X"}],"type":"string"}}`, good: []string{`"a"`}, bad: map[string]string{`1`: "body type"}},
		{name: "true and false", schema: `{"properties":{"a":true,"b":false}}`, good: []string{`{"a":1}`}, bad: map[string]string{`{"b":1}`: "body/b not-allowed"}},
	} {
		o, _ := made(t, ofSchema("3.1.0", tt.schema, tt.components))
		for _, body := range tt.good {
			if got := told(o.Request(sent(body))); len(got) > 0 {
				t.Errorf("%s: %s: found %q, want nothing", tt.name, body, got)
			}
		}
		for body, want := range tt.bad {
			if got := strings.Join(told(o.Request(sent(body))), ","); got != want {
				t.Errorf("%s: %s: found %q, want %q", tt.name, body, got, want)
			}
		}
	}
}

func TestSchemasOf30(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, schema, body, want string }{
		{"nullable", `{"type":"string","nullable":true,"enum":["a"]}`, `null`, ""},
		{"nullable around a reference", `{"nullable":true,"allOf":[{"$ref":"#/components/schemas/A"}]}`, `null`, ""},
		{"not nullable", `{"type":"string"}`, `null`, "body type"},
		{"exclusive", `{"minimum":1,"exclusiveMinimum":true}`, `1`, "body range"},
		{"not exclusive", `{"minimum":1,"exclusiveMinimum":false}`, `1`, ""},
		{"exclusive above", `{"maximum":1,"exclusiveMaximum":true}`, `1`, "body range"},
		{"what stands beside a $ref is not said", `{"$ref":"#/components/schemas/A","required":["con"]}`, `{"ma":"a"}`, ""},
		{"const is not said", `{"const":1}`, `2`, ""},
	} {
		o, _ := made(t, ofSchema("3.0.3", tt.schema, tree))
		if got := strings.Join(told(o.Request(sent(tt.body))), ","); got != tt.want {
			t.Errorf("%s: found %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestDirections: what is only read is not asked for, what is only written is
// not given.
func TestDirections(t *testing.T) {
	t.Parallel()
	const schema = `{"allOf":[{"properties":{"id":{"type":"integer","readOnly":true},"matKhau":{"$ref":"#/components/schemas/Secret"},"ten":{}}},{"required":["id","matKhau","ten"]}]}`
	o, _ := made(t, ofSchema("3.0.3", schema, `{"Secret":{"type":"string","writeOnly":true}}`))
	for body, want := range map[string]string{`{"matKhau":"x","ten":1}`: "", `{"id":1,"matKhau":"x","ten":1}`: "", `{}`: "body/matKhau required,body/ten required"} {
		if got := strings.Join(told(o.Request(sent(body))), ","); got != want {
			t.Errorf("request %s: found %q, want %q", body, got, want)
		}
	}
	for body, want := range map[string]string{`{"id":1,"ten":1}`: "", `{"id":1,"ten":1,"matKhau":"x"}`: "body/matKhau write-only", `{}`: "body/id required,body/ten required"} {
		if got := strings.Join(told(o.Answer(Answer{Status: 200, ContentType: "application/json", Body: read(body)})), ","); got != want {
			t.Errorf("answer %s: found %q, want %q", body, got, want)
		}
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	const document = `{"openapi":"3.0.3","paths":{"/a/{so}":{
		"parameters":[{"in":"query","name":"q","schema":{"type":"integer"}},{"$ref":"#/components/parameters/Trang"}],
		"post":{"parameters":[
			{"in":"path","name":"so","required":true,"schema":{"type":"string","pattern":"^[0-9]{3}$"}},
			{"in":"query","name":"q","required":true,"schema":{"type":"string","maxLength":3}},
			{"in":"query","name":"con","schema":{"type":"boolean"}},
			{"in":"query","name":"loai","schema":{"type":"array","maxItems":2,"items":{"type":"integer"}}},
			{"in":"query","name":"cot","explode":false,"schema":{"type":"array","items":{"enum":["a","b"]}}},
			{"in":"query","name":"ong","style":"pipeDelimited","explode":false,"schema":{"type":"array","items":{"type":"integer"}}},
			{"in":"query","name":"co","allowEmptyValue":true,"schema":{"type":"integer"}},
			{"in":"query","name":"mot-hay-nhieu","schema":{"oneOf":[{"type":"string"},{"type":"array","items":{"type":"integer"}}]}},
			{"in":"header","name":"X-Lan","schema":{"type":"integer"}},
			{"in":"header","name":"X-API-Key","required":true,"schema":{"type":"string"}},
			{"in":"header","name":"Authorization","required":true,"schema":{"type":"string"}},
			{"in":"header","name":"x-ds","schema":{"type":"array","items":{"type":"integer"}}},
			{"in":"cookie","name":"phien","required":true,"schema":{"type":"integer"}}
		],"responses":{}}}},
		"components":{"parameters":{"Trang":{"in":"query","name":"trang","schema":{"type":"integer","minimum":1}}}}}`
	o, notes := made(t, document)
	if len(notes) > 0 {
		t.Errorf("left unchecked: %v", notes)
	}
	for _, tt := range []struct{ name, so, query, header, cookie, want string }{
		{name: "as described", so: "123", query: "q=abc&trang=2&con=true&loai=1&loai=2&cot=a,b&ong=1|2&co=&mot-hay-nhieu=x", header: "X-Lan: 7\nX-Ds: 1, 2", cookie: "phien=3"},
		{name: "path", so: "12", query: "q=1", want: "path/so pattern"},
		{name: "missing", so: "123", want: "query/q required"},
		{name: "without a value", so: "123", query: "q=&trang=", want: ""},
		{name: "a text that is too long", so: "123", query: "q=abcd", want: "query/q length"},
		{name: "a number that is a text", so: "123", query: "q=123", want: ""},
		{name: "no number", so: "123", query: "q=a&trang=x&co=x", want: "query/co type,query/trang type"},
		{name: "a number that is too small", so: "123", query: "q=a&trang=0", want: "query/trang range"},
		{name: "written as people do", so: "123", query: "q=a&trang=%2B7&loai=007", want: ""},
		{name: "given twice", so: "123", query: "q=a&q=b", want: "query/q count"},
		{name: "no truth value", so: "123", query: "q=a&con=1", want: "query/con type"},
		{name: "too many", so: "123", query: "q=a&loai=1&loai=2&loai=3", want: "query/loai count"},
		{name: "a wrong element", so: "123", query: "q=a&loai=1&loai=x&cot=a,c&ong=1|x", want: "query/cot/1 value,query/loai/1 type,query/ong/1 type"},
		{name: "a name of nobody", so: "123", query: "q=a&001138000777=1&x=2", want: "query/* not-named?"},
		{name: "headers", so: "123", query: "q=a", header: "X-Lan: x\nX-Ds: 1,b", want: "header/X-Ds/1 type,header/X-Lan type"},
		{name: "a header twice", so: "123", query: "q=a", header: "X-Lan: 1\nX-Lan: 2", want: "header/X-Lan count"},
		{name: "cookie", so: "123", query: "q=a", cookie: "phien=x", want: "cookie/phien type"},
	} {
		query, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Header: http.Header{}}
		for line := range strings.Lines(tt.header) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			r.Header.Add(name, value)
		}
		if tt.cookie != "" {
			r.Header.Set("Cookie", tt.cookie)
		}
		got := strings.Join(told(o.Request(Request{Path: func(string) (string, bool) { return tt.so, true }, Query: query, Header: r.Header, Cookies: r.Cookies})), ",")
		if got != tt.want {
			t.Errorf("%s: found %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	body := func(content string) string {
		return `{"openapi":"3.0.3","paths":{"/a/{so}":{"post":{"requestBody":{"required":true,"content":` + content + `},"responses":{}}}}}`
	}
	const one = `{"application/json; charset=utf-8":{"schema":{"type":"object"}}}`
	const several = `{"application/vnd.a+json":{"schema":{"type":"object"}},"text/*":{},"multipart/form-data":{"schema":{"type":"object"}}}`
	for _, tt := range []struct {
		name, content, contentType, body string
		empty, encoded                   bool
		want                             string
	}{
		{name: "compressed", content: one, contentType: "application/json", encoded: true, want: "header/Content-Encoding encoded"},
		{name: "compressed, of another type", content: several, contentType: "text/csv", encoded: true},
		{name: "two types in a line", content: several, contentType: "text/csv, application/vnd.a+json", want: "header/Content-Type media-type"},
		{name: "JSON", content: one, contentType: "Application/JSON", body: `{}`},
		{name: "another charset is the upstream's to read", content: one, contentType: "application/json;charset=utf-16", body: `{}`},
		{name: "not said", content: one, body: `[]`, want: "body type"},
		{name: "nothing", content: one, contentType: "application/json", empty: true, want: "body required"},
		{name: "another type", content: one, contentType: "text/plain", body: `{}`, want: "header/Content-Type media-type"},
		{name: "what is no type", content: one, contentType: "json", body: `{}`, want: "header/Content-Type media-type"},
		{name: "a type of several", content: several, contentType: "application/vnd.a+json", body: `[]`, want: "body type"},
		{name: "a kind of types", content: several, contentType: "text/csv", body: `a,b`},
		{name: "a form", content: several, contentType: "multipart/form-data; boundary=x", body: `--x--`},
		{name: "not said, of several", content: several, body: `{}`, want: "header/Content-Type media-type"},
		{name: "anything", content: `{"*/*":{}}`, contentType: "image/png", body: `x`},
		{name: "no JSON", content: one, contentType: "application/json", body: `{`, want: "body not-json"},
		{name: "two values", content: one, contentType: "application/json", body: `{}{}`, want: "body not-json"},
	} {
		o, _ := made(t, body(tt.content))
		in := sent(tt.body)
		in.Header.Set("Content-Type", tt.contentType)
		in.Encoded = tt.encoded
		if tt.empty {
			in.HasBody, in.Body = false, nil
		}
		if got := strings.Join(told(o.Request(in)), ","); got != tt.want {
			t.Errorf("%s: found %q, want %q", tt.name, got, tt.want)
		}
	}
	o, _ := made(t, `{"openapi":"3.0.3","paths":{"/a/{so}":{"post":{"responses":{}}}}}`)
	if got := strings.Join(told(o.Request(sent(`{}`))), ","); got != "body not-described?" {
		t.Errorf("a body where none is described: found %q", got)
	}
	o, _ = made(t, body(several))
	if got := o.Takes(); !slices.Equal(got, []string{"application/vnd.a+json", "multipart/form-data", "text/*"}) || !o.TakesJSON("application/vnd.a+json") || o.TakesJSON("text/csv") || o.TakesJSON("application/json") {
		t.Errorf("takes %q", got)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	o, _ := made(t, `{"openapi":"3.1.0","paths":{"/a/{so}":{"post":{"responses":{
		"200":{"content":{"application/json":{"schema":{"type":"object"}},"text/csv":{}}},"201":{"$ref":"#/components/responses/Made"},"204":{"description":"none"},"4XX":{"content":{"application/problem+json":{"schema":{"required":["status"]}}}}}}}},
		"components":{"responses":{"Made":{"content":{"application/json":{"schema":{"type":"string"}}}}}}}`)
	for _, tt := range []struct {
		name, contentType, body string
		status                  int
		empty                   bool
		want                    string
	}{
		{name: "as described", status: 200, contentType: "application/json", body: `{}`},
		{name: "wrong", status: 200, contentType: "application/json", body: `[]`, want: "body type"},
		{name: "of another form", status: 200, contentType: "text/csv", body: `a,b`},
		{name: "of no form that is described", status: 200, contentType: "text/html", body: `<p>`, want: "header/Content-Type media-type"},
		{name: "no body", status: 200, empty: true},
		{name: "a head", status: 404, empty: true},
		{name: "nothing where JSON is described", status: 200, contentType: "application/json", want: "body not-json"},
		{name: "a reference", status: 201, contentType: "application/json", body: `1`, want: "body type"},
		{name: "none described", status: 204, empty: true},
		{name: "a body where none is described", status: 204, contentType: "application/json", body: `{}`, want: "body not-described?"},
		{name: "a kind of statuses", status: 404, contentType: "application/problem+json", body: `{}`, want: "body/status required"},
		{name: "a good status that nothing names", status: 202, want: "status status"},
		{name: "nothing new, as the caller asked", status: 304, empty: true},
		{name: "a bad status that nothing names", status: 500, contentType: "application/json", body: `{}`, want: "status status?"},
	} {
		got := strings.Join(told(o.Answer(Answer{Status: tt.status, ContentType: tt.contentType, Body: read(tt.body), Empty: tt.empty})), ",")
		if got != tt.want {
			t.Errorf("%s: found %q, want %q", tt.name, got, tt.want)
		}
	}
	for status, want := range map[int]bool{200: true, 404: false, 500: false} {
		if got := o.Describes(status, "application/json"); got != want {
			t.Errorf("describes JSON of %d: %v", status, got)
		}
	}
	o, _ = made(t, `{"openapi":"3.1.0","paths":{"/a/{so}":{"post":{"responses":{"default":{"content":{"application/json":{"schema":{"type":"object"}}}}}}}}}`)
	if got := told(o.Answer(Answer{Status: 503, ContentType: "application/json", Body: read(`1`)})); len(got) != 1 {
		t.Errorf("default: found %q", got)
	}
}

func noCookies() []*http.Cookie { return nil }
