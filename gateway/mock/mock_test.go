package mock

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// answerOf is what the only operation of a document answers a call.
func answerOf(t testing.TB, responses, schemas string, c Call) (string, Given, error) {
	t.Helper()
	text := `{"openapi":"3.1.0","paths":{"/a":{"get":{"responses":` + responses + `}}},"components":{"schemas":{` + schemas + `}}}`
	d, err := Describe([]byte(text), []Wanted{{ID: "a", Method: "GET", Path: "/a"}})
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	stored, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var again Document
	if err := json.Unmarshal(stored, &again); err != nil {
		t.Fatal(err)
	}
	all, err := Compile(&again)
	if err != nil {
		t.Fatal(err)
	}
	given, err := all["a"].Answer(c)
	return string(given.Body), given, err
}

func TestValuesOfSchemas(t *testing.T) {
	t.Parallel()
	node := `"Node":{"type":"object","required":["name","next"],"properties":{"name":{"type":"string"},"next":{"$ref":"#/components/schemas/Node"},"all":{"type":"array","items":{"$ref":"#/components/schemas/Node"}}}},
	"Cat":{"type":"object","required":["kind"],"properties":{"kind":{"type":"string"},"lives":{"type":"integer","minimum":9,"maximum":9}}},
	"Base":{"type":"object","required":["id"],"properties":{"id":{"type":"integer","const":4}}}`
	for _, tt := range []struct{ name, schema, want string }{
		{"a constant", `{"const":{"a":1}}`, `^{"a":1}$`},
		{"one of a list", `{"type":"string","enum":["x"]}`, `^"x"$`},
		{"a whole number within bounds", `{"type":"integer","minimum":7,"exclusiveMaximum":9}`, `^[78]$`},
		{"a multiple", `{"type":"number","multipleOf":0.5,"minimum":1.2,"maximum":1.6}`, `^1\.5$`},
		{"a number below all that is usual", `{"type":"integer","maximum":-5}`, `^-[0-9]+$`},
		{"a text of one length", `{"type":"string","minLength":3,"maxLength":3}`, `^".{3}"$`},
		{"a pattern", `{"type":"string","pattern":"^[A-Z]{2}-\\d{3}$"}`, `^"[A-Z]{2}-[0-9]{3}"$`},
		{"a pattern with a length", `{"type":"string","pattern":"^x[a-f]+$","minLength":26,"maxLength":26}`, `^"x[a-f]{25}"$`},
		{"a pattern that Go has not", `{"type":"string","pattern":"^(?=a)b$","example":"ab"}`, `^"ab"$`},
		{"a pattern that repeats nothing over and over", `{"type":"string","pattern":"^((((a?)*)*)*)*b$","minLength":70}`, `^".{70,}"$`},
		{"an example", `{"type":"string","example":"Quảng Ngãi"}`, `^"Quảng Ngãi"$`},
		{"an example that does not fit", `{"type":"string","maxLength":2,"example":"abc"}`, `^"..?"$`},
		{"a day", `{"type":"string","format":"date"}`, `^"202[4-6]-\d\d-\d\d"$`},
		{"a moment", `{"type":"string","format":"date-time"}`, `^"202[4-6]-\d\d-\d\dT\d\d:\d\d:\d\dZ"$`},
		{"an id", `{"type":"string","format":"uuid"}`, `^"[0-9a-f-]{36}"$`},
		{"null among types", `{"type":["null","boolean"]}`, `^(true|false)$`},
		{"an array of bounded length", `{"type":"array","minItems":5,"items":{"const":1}}`, `^\[1,1,1,1,1\]$`},
		{"an array without elements", `{"type":"array","maxItems":0,"items":{"const":1}}`, `^\[\]$`},
		{"elements that differ", `{"type":"array","uniqueItems":true,"items":{"enum":[1,2]}}`, `^\[(1,2|2,1)\]$`},
		{"a tuple", `{"type":"array","prefixItems":[{"const":"a"},{"const":2}],"items":false}`, `^\["a",2\]$`},
		{"a map", `{"type":"object","additionalProperties":{"const":1}}`, `^{"mau1":1,"mau2":1}$`},
		{"what is put together", `{"allOf":[{"$ref":"#/components/schemas/Base"},{"type":"object","properties":{"b":{"const":true}}}]}`, `^{"b":true,"id":4}$`},
		{"what is written only", `{"type":"object","properties":{"a":{"const":1},"p":{"type":"string","writeOnly":true}}}`, `^{"a":1}$`},
		{"what is read only", `{"type":"object","properties":{"a":{"const":1,"readOnly":true}}}`, `^{"a":1}$`},
		{"what is required and not described", `{"type":"object","required":["b"]}`, `^{"b":"[^"]+"}$`},
		{"one form", `{"oneOf":[{"type":"null"},{"$ref":"#/components/schemas/Base"}]}`, `^{"id":4}$`},
		{"a form told by a member", `{"oneOf":[{"$ref":"#/components/schemas/Cat"}],"discriminator":{"propertyName":"kind","mapping":{"meo":"#/components/schemas/Cat"}}}`, `^{"kind":"meo","lives":9}$`},
		{"what holds itself", `{"$ref":"#/components/schemas/Node"}`, `^{"all":\[\],"name":"[^"]+","next":{}}$`},
		{"a reference that leads nowhere", `{"$ref":"#/components/schemas/None"}`, `^{}$`},
		{"a reference out of the document", `{"$ref":"https://example.com/a.json"}`, `^{}$`},
		{"anything", `{}`, `^{}$`},
		{"people, places and numbers", `{"type":"object","properties":{"hoTen":{"type":"string"},"so_dinh_danh":{"type":"string"},"SoDienThoai":{"type":"string"},"email":{"type":"string"},"tenXa":{"type":"string"},"gioiTinh":{"type":"string"}}}`,
			`^{"SoDienThoai":"0000\d{6}","email":"mau\.\d{4}@vi-du\.example","gioiTinh":"(Nam|Nữ)","hoTen":"\S+ \S+ (Mẫu|Thử|Ví Dụ)","so_dinh_danh":"000\d{9}","tenXa":"(Xã|Phường) (Thử|Mẫu|Ví) [^"]+"}$`},
		{"a real-looking example of a person", `{"type":"object","properties":{"cccd":{"type":"string","example":"051085012345"}}}`, `^{"cccd":"000\d{9}"}$`},
	} {
		body, _, err := answerOf(t, `{"200":{"content":{"application/json":{"schema":`+tt.schema+`}}}}`, node, Call{})
		if err != nil || !regexp.MustCompile(tt.want).MatchString(body) || !json.Valid([]byte(body)) {
			t.Errorf("%s: %s, %v, want %s", tt.name, body, err, tt.want)
		}
	}
}

func TestWhichAnswer(t *testing.T) {
	t.Parallel()
	const several = `{"default":{"content":{"application/json":{"example":"d"}}},"201":{"content":{"text/plain":{"example":"t"},"application/json":{"examples":{"b":{"value":2},"a":{"value":1}}}}},"4XX":{"content":{"application/json":{"example":4}}},"404":{"description":"none"}}`
	for _, tt := range []struct {
		name, responses string
		call            Call
		status          int
		kind, body      string
		wished          bool
		err             error
	}{
		{"the lowest that went well, JSON first, the first example", several, Call{}, 201, "application/json", "1", false, nil},
		{"another type that is asked for", several, Call{Kinds: "text/html, text/plain;q=0.5"}, 201, "text/plain", "t", false, nil},
		{"a status", several, Call{Code: 404}, 404, "", "", true, nil},
		{"one of a range", several, Call{Code: 409}, 409, "application/json", "4", true, nil},
		{"one by default", several, Call{Code: 503}, 503, "application/json", `"d"`, true, nil},
		{"none of HTTP", several, Call{Code: 99}, 201, "application/json", "1", false, nil},
		{"one that is not described", `{"200":{"description":"none"}}`, Call{Code: 404}, 200, "", "", false, nil},
		{"a range that went well", `{"2XX":{"content":{"application/json":{"schema":{"const":1}}}}}`, Call{}, 200, "application/json", "1", false, nil},
		{"only elsewhere", `{"302":{"description":"there"}}`, Call{}, 302, "", "", false, nil},
		{"nothing", `{}`, Call{}, 0, "", "", false, ErrNoAnswer},
		{"a file without an example", `{"200":{"content":{"application/pdf":{"schema":{}}}}}`, Call{}, 0, "", "", false, ErrLacks},
		{"XML with an example", `{"200":{"content":{"application/xml":{"example":"<a/>"}}}}`, Call{}, 200, "application/xml", "<a/>", false, nil},
		{"more than is given", `{"200":{"content":{"application/json":{"schema":` + strings.Repeat(`{"type":"array","minItems":50,"items":`, 4) + `{"const":1}}}}}}}}}`, Call{}, 0, "", "", false, ErrTooMuch},
	} {
		body, given, err := answerOf(t, tt.responses, "", tt.call)
		if given.Status != tt.status || given.Kind != tt.kind || body != tt.body || given.Wished != tt.wished || err != tt.err {
			t.Errorf("%s: %d %q %q %t, %v", tt.name, given.Status, given.Kind, body, given.Wished, err)
		}
	}
}

// TestTaxNumbersAreNobodys: the digit that is to check the others does not.
func TestTaxNumbersAreNobodys(t *testing.T) {
	t.Parallel()
	for n := range 2000 {
		number, sum := wrongTaxNumber(n*4999), 0
		for i, weight := range []int{31, 29, 23, 19, 17, 13, 7, 5, 3} {
			sum += weight * int(number[i]-'0')
		}
		if right := 10 - sum%11; len(number) != 10 || fmt.Sprint(right) == number[9:] {
			t.Fatalf("%s could be somebody's", number)
		}
	}
}

// TestLargeDocuments: what would be held is bounded, whatever stands in the document.
func TestLargeDocuments(t *testing.T) {
	t.Parallel()
	var wanted []Wanted
	var paths []string
	for i := range 400 {
		path := fmt.Sprintf("/a%d", i)
		wanted = append(wanted, Wanted{ID: path, Method: "GET", Path: path})
		paths = append(paths, fmt.Sprintf(`%q:{"get":{"responses":{"200":{"content":{"application/json":{"example":%q}}}}}}`, path, strings.Repeat("x", 2000)))
	}
	if _, err := Describe([]byte(`{"openapi":"3.0.3","paths":{`+strings.Join(paths, ",")+`}}`), wanted); err != ErrTooLarge {
		t.Errorf("too large a document: %v", err)
	}
	if _, err := Describe([]byte(`[]`), nil); err == nil {
		t.Error("no document was read")
	}
	deep := strings.Repeat(`{"type":"array","items":`, 3000) + `{}` + strings.Repeat(`}`, 3000)
	body, _, err := answerOf(t, `{"200":{"content":{"application/json":{"schema":`+deep+`}}}}`, "", Call{})
	if err != nil && err != ErrTooMuch || err == nil && !json.Valid([]byte(body)) {
		t.Errorf("a deep schema: %v, %.80s", err, body)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(`{"type":"object","properties":{"maHoSo":{"type":"string","pattern":"^H[0-9]{3}$"}}}`, "maHoSo", "H001")
	f.Add(`{"oneOf":[{"$ref":"#/components/schemas/S"},{"type":"array","items":{"$ref":"#/components/schemas/S"},"minItems":9,"uniqueItems":true}]}`, "id", "\xff\"")
	f.Add(`{"allOf":[{"minimum":3},{"maximum":1,"multipleOf":0.3,"type":"integer"}],"enum":[null]}`, "", "")
	f.Fuzz(func(t *testing.T, schema, name, value string) {
		if !json.Valid([]byte(schema)) || len(schema) > 4000 {
			return
		}
		text := `{"openapi":"3.1.0","paths":{"/a":{"get":{"responses":{"200":{"content":{"application/json":{"schema":` + schema + `}}}}}}},"components":{"schemas":{"S":` + schema + `}}}`
		d, err := Describe([]byte(text), []Wanted{{ID: "a", Method: "GET", Path: "/a"}})
		if err != nil {
			return
		}
		all, err := Compile(d)
		if err != nil {
			t.Fatal(err)
		}
		call := Call{Path: [][2]string{{name, value}}}
		one, err := all["a"].Answer(call)
		again, _ := all["a"].Answer(call)
		if err == nil && (!json.Valid(one.Body) || len(one.Body) > 2*MaxAnswer) || string(one.Body) != string(again.Body) {
			t.Fatalf("%.300s, %.300s: %v", one.Body, again.Body, err)
		}
	})
}
