package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLeftUnchecked: what cannot be checked is said, refuses nothing, and makes
// nothing around it refuse more than before.
func TestLeftUnchecked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, schema, components string
		notes                    []string
		good                     []string
	}{
		{name: "a look ahead", schema: `{"type":"string","pattern":"^(?=a)b"}`, notes: []string{"pattern ^(?=a)b"}, good: []string{`"c"`}},
		{name: "a huge expression", schema: `{"pattern":"(a{1000}){1000}"}`, notes: []string{"pattern (a{1000}){1000}"}, good: []string{`"c"`}},
		{name: "conditions", schema: `{"if":{"type":"string"},"then":false}`, notes: []string{"keyword if"}, good: []string{`"c"`}},
		{name: "several keywords", schema: `{"contains":{},"unevaluatedProperties":false,"dependentRequired":{"a":["b"]}}`, notes: []string{"keyword dependentRequired", "keyword contains", "keyword unevaluatedProperties"}, good: []string{`{"a":1}`}},
		{name: "a type that is none", schema: `{"type":"file"}`, notes: []string{"keyword type file"}, good: []string{`1`}},
		{name: "numbers that are none", schema: `{"minimum":1e999,"maxLength":-1,"maxItems":"x"}`, notes: []string{"keyword minimum", "keyword maxLength", "keyword maxItems"}, good: []string{`0`, `"abc"`, `[1]`}},
		{name: "a reference out of the document", schema: `{"$ref":"http://127.0.0.1:9/a.json"}`, notes: []string{"ref http://127.0.0.1:9/a.json"}, good: []string{`1`}},
		{name: "a reference to nothing", schema: `{"properties":{"a":{"$ref":"#/components/schemas/B"}}}`, notes: []string{"ref #/components/schemas/B"}, good: []string{`{"a":1}`}},
		{name: "not, of what is not checked", schema: `{"not":{"pattern":"(?!a)"}}`, notes: []string{"pattern (?!a)", "keyword not"}, good: []string{`"a"`, `"b"`}},
		{name: "not, of what refers to it", schema: `{"not":{"items":{"$ref":"#/components/schemas/A"}}}`, components: `{"A":{"allOf":[{"$ref":"#/components/schemas/B"}]},"B":{"if":{}}}`, notes: []string{"keyword if", "keyword not"}, good: []string{`[1]`}},
		{name: "one of forms that differ in it", schema: `{"oneOf":[{"pattern":"(?=a)"},{"pattern":"^b"}]}`, notes: []string{"pattern (?=a)", "keyword oneOf"}, good: []string{`"b"`, `"a"`}},
		{name: "one of formats that are not checked", schema: `{"oneOf":[{"format":"email"},{"format":"uri"}]}`, notes: []string{"keyword oneOf"}, good: []string{`"b"`}},
		{name: "other members than those of an expression", schema: `{"patternProperties":{"(?=a)":{}},"additionalProperties":false}`, notes: []string{"pattern (?=a)", "keyword additionalProperties"}, good: []string{`{"a":1}`}},
		{name: "a ring of one of", schema: `{"$ref":"#/components/schemas/X"}`, components: `{"X":{"oneOf":[{"$ref":"#/components/schemas/X"},{"type":"string"}]}}`, notes: []string{"ref X", "keyword oneOf"}, good: []string{`"a"`, `1`}},
		{name: "what multiplies by itself", schema: `{"$ref":"#/components/schemas/A0"}`, components: doubling(20), notes: []string{"schema A8"}, good: []string{`1`}},
	} {
		o, notes := made(t, ofSchema("3.1.0", tt.schema, tt.components))
		var got []string
		for _, n := range notes {
			got = append(got, n.Reason+" "+n.What)
		}
		slices.Sort(got)
		slices.Sort(tt.notes)
		if !slices.Equal(slices.Compact(got), tt.notes) {
			t.Errorf("%s: noted %q, want %q", tt.name, got, tt.notes)
		}
		for _, body := range tt.good {
			if found := told(o.Request(sent(body))); len(found) > 0 {
				t.Errorf("%s: %s: found %q, want nothing", tt.name, body, found)
			}
		}
	}
}

// doubling are schemas each of which asks the next one twice.
func doubling(n int) string {
	all := map[string]any{}
	for i := range n {
		next := map[string]any{"$ref": fmt.Sprintf("#/components/schemas/A%d", i+1)}
		all[fmt.Sprintf("A%d", i)] = map[string]any{"allOf": []any{next, next}}
	}
	all[fmt.Sprintf("A%d", n)] = map[string]any{"minimum": 0}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestParametersLeftUnchecked(t *testing.T) {
	t.Parallel()
	o, notes := made(t, `{"openapi":"3.0.3","paths":{"/a/{so}":{"post":{"parameters":[
		{"in":"query","name":"loc","style":"deepObject","schema":{"type":"object","properties":{"a":{}}}},
		{"in":"query","name":"q","required":true,"content":{"application/json":{"schema":{"type":"integer"}}}},
		{"in":"path","name":"so","required":true,"style":"matrix","schema":{"type":"string"}},
		{"in":"body","name":"x"},{"in":"query"},{"$ref":"#/components/parameters/X"}],
		"requestBody":{"$ref":"#/components/requestBodies/X"},"responses":{"200":{"content":{"application/xml":{"schema":{"type":"object"}}}}}}}}}`)
	var got []string
	for _, n := range notes {
		got = append(got, n.Where+": "+n.Reason+" "+n.What)
	}
	slices.Sort(got)
	const where = "POST /a/{so}: "
	want := []string{where + "media application/xml", where + "parameter loc", where + "parameter q", where + "parameter so",
		where + "ref #/components/parameters/X", where + "ref #/components/requestBodies/X"}
	if !slices.Equal(got, want) {
		t.Errorf("noted %q, want %q", got, want)
	}
	in := sent(`x`)
	in.Path = func(string) (string, bool) { return ";so=1", true }
	if found := strings.Join(told(o.Request(in)), ","); found != "query/q required" {
		t.Errorf("found %q: that it is there can be asked", found)
	}
	in.Query = map[string][]string{"q": {"x"}, "loc[a]": {"1"}}
	if found := told(o.Request(in)); len(found) > 0 {
		t.Errorf("found %q, want nothing", found)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	wide := map[string]any{}
	for i := range 40_000 {
		wide[fmt.Sprintf("truong_%d", i)] = map[string]any{"type": "string"}
	}
	schema, err := json.Marshal(map[string]any{"properties": wide})
	if err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string]string{
		"of bytes":   ofSchema("3.1.0", string(schema), ""),
		"of schemas": ofSchema("3.1.0", `{"prefixItems":[`+strings.Repeat(`{},`, maxNodes)+`{}]}`, ""),
	} {
		d, _, err := Describe(Source{OpenAPI: []byte(document), Operations: []Wanted{{"o", "POST", "/a/{so}"}}})
		if !errors.Is(err, ErrTooLarge) || d != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, err := Describe(Source{OpenAPI: []byte(`{`)}); err == nil {
		t.Error("what is no JSON is described")
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"a schema that is not there": `{"operations":{"o":{"body":{"content":{"application/json":{"$ref":"A"}}}}}}`,
		"a schema without end":       `{"operations":{},"schemas":{"A":{"allOf":[{"$ref":"A"}]}}}`,
		"an expression that is none": `{"operations":{},"schemas":{"A":{"pattern":"("}}}`,
		"a form that is not there":   `{"operations":{},"schemas":{"A":{"oneOf":[{}],"discriminator":{"member":"a","means":{"x":1}}}}}`,
		"too many expressions":       `{"operations":{},"schemas":{"A":{"allOf":[` + manyPatterns() + `]}}}`,
	} {
		var d Document
		if err := json.Unmarshal([]byte(document), &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Compile(&d); err == nil {
			t.Errorf("%s: compiled", name)
		}
	}
}

func manyPatterns() string {
	var all []string
	for i := range 120 {
		all = append(all, fmt.Sprintf(`{"pattern":"(%d|a{900}){2}"}`, i))
	}
	return strings.Join(all, ",")
}

// TestBounds: a hostile body and a hostile document cost a bounded time, and
// what is found stays short.
func TestBounds(t *testing.T) {
	t.Parallel()
	const forms = `{"X":{"oneOf":[{"properties":{"a":{"$ref":"#/components/schemas/X"}}},{"properties":{"a":{"$ref":"#/components/schemas/X"}},"required":["b"]},{"type":"integer"}]}}`
	deep := strings.Repeat(`{"a":`, 60) + `"x"` + strings.Repeat(`}`, 60)
	for _, tt := range []struct{ name, schema, components, body, want string }{
		{"forms of forms", `{"$ref":"#/components/schemas/X"}`, forms, deep, "body too-complex"},
		{"a long text against an expression", `{"pattern":"^(a|b|[ac]){1,300}x$"}`, "", `"` + strings.Repeat("a", 1<<20) + `"`, "body too-complex"},
		{"a million wrong elements", `{"items":{"type":"string"}}`, "", `[` + strings.Repeat(`1,`, 1<<19) + `1]`, ""},
		{"many equal elements", `{"uniqueItems":true,"items":{"uniqueItems":true}}`, "", `[` + strings.Repeat(`[],`, 1<<18) + `[]]`, "body unique"},
		{"members of nobody", `{"additionalProperties":{"type":"string"}}`, "", manyMembers(100_000), ""},
		{"listed values", `{"items":{"enum":[` + strings.Repeat(`0,`, 10_000) + `1]}}`, "", `[` + strings.Repeat(`1,`, 1<<19) + `1]`, "body too-complex"},
	} {
		o, _ := made(t, ofSchema("3.1.0", tt.schema, tt.components))
		begun := time.Now()
		findings := o.Request(sent(tt.body))
		took := time.Since(begun)
		if got := strings.Join(told(findings), ","); took > 5*time.Second || len(findings) > maxFindings || !Wrong(findings) || tt.want != "" && got != tt.want {
			t.Errorf("%s: %s, found %q, want %q", tt.name, took, got, tt.want)
		}
		t.Logf("%s: %s", tt.name, took)
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":1`, i)
	}
	return "{" + b.String()[1:] + "}"
}

// FuzzDescribe reads a hostile document, and holds a body to what came of it.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte(ofSchema("3.1.0", `{"$ref":"#/components/schemas/A"}`, tree)), []byte(`{"ma":"a"}`))
	f.Add([]byte(ofSchema("3.0.3", `{"oneOf":[{"$ref":"#/components/schemas/A"},{"type":"string","pattern":"^a"}],"discriminator":{"propertyName":"ma"}}`, tree)), []byte(`{"ma":1}`))
	f.Add([]byte(`{"openapi":"3.1.0","paths":{"/a/{so}":{"post":{"parameters":[{"in":"query","name":"q","schema":{"type":"array","items":{"type":"integer"}}}]}}}}`), []byte(`1`))
	f.Add([]byte(ofSchema("3.1.0", `{"not":{"prefixItems":[false],"uniqueItems":true},"enum":[1,{"a":[]}]}`, `{"X":{"$ref":"#/components/schemas/X"}}`)), []byte(`[1,1]`))
	f.Fuzz(func(t *testing.T, document, body []byte) {
		d, notes, err := Describe(Source{OpenAPI: document, Operations: []Wanted{{"o", "POST", "/a/{so}"}}})
		if err != nil {
			return
		}
		if len(notes) > maxNotes {
			t.Errorf("%d notes", len(notes))
		}
		compiled, err := Compile(d)
		if err != nil {
			t.Fatalf("what is described does not compile: %v", err)
		}
		o := compiled["o"]
		if o == nil {
			return
		}
		begun := time.Now()
		query := map[string][]string{"q": {string(body), "1"}}
		findings := o.Request(Request{Path: func(string) (string, bool) { return string(body), true }, Query: query, HasBody: true, Body: read(string(body)),
			Header: map[string][]string{"Content-Type": {"application/json"}}, Cookies: noCookies})
		findings = append(findings, o.Answer(Answer{Status: 200, ContentType: "application/json", Body: read(string(body))})...)
		if took := time.Since(begun); took > 10*time.Second || len(findings) > 2*maxFindings {
			t.Errorf("%s, %d findings", took, len(findings))
		}
	})
}
