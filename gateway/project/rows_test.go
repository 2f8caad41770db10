package project

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func rowsFor(t testing.TB, list ...Row) *Rows {
	t.Helper()
	r, err := CompileRows(list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var ofCommune = Row{Field: "/items/*/maXa", Type: "string", Values: []string{"25201", "25204"}}

// read gives what of a document comes out of a reader, fed in small pieces.
func (r *Rows) read(document string) (string, error) {
	in := r.Reader(&pieces{[]byte(document), 1})
	defer in.Close()
	out, err := io.ReadAll(in)
	return string(out), err
}

func TestRows(t *testing.T) {
	t.Parallel()
	number := Row{Field: "/items/*/xa/so", Type: "integer", Values: []string{"7", "-1"}}
	for _, tt := range []struct {
		name     string
		rows     []Row
		in, want string
	}{
		{"kept and dropped", []Row{ofCommune}, `{"n":3,"items":[{"maXa":"25201","a":1},{"maXa":"1"},{"a":2,"maXa":"25204"}]}`, `{"n":3,"items":[{"maXa":"25201","a":1},{"a":2,"maXa":"25204"}]}`},
		{"the first dropped", []Row{ofCommune}, `{"items":[{"maXa":"1"},{"maXa":"25201"}],"sau":true}`, `{"items":[{"maXa":"25201"}],"sau":true}`},
		{"none kept", []Row{ofCommune}, `{"items":[{"maXa":"1"}]}`, `{"items":[]}`},
		{"missing, null, other types", []Row{ofCommune}, `{"items":[{},{"maXa":null},{"maXa":25201},{"maXa":["25201"]},{"maXa":{"a":"25201"}},null,"25201",["25201"],{"maXa":"25201"}]}`, `{"items":[{"maXa":"25201"}]}`},
		{"an escape says the same", []Row{ofCommune}, `{"items":[{"\u006daXa":"2520\u0031"},{"maXa":"2520\u0032"}]}`, `{"items":[{"\u006daXa":"2520\u0031"}]}`},
		{"the name at another depth is another", []Row{ofCommune}, `{"items":[{"x":{"maXa":"25201"}},{"maXa":"25201"}],"maXa":"1"}`, `{"items":[{"maXa":"25201"}],"maXa":"1"}`},
		{"another case is another", []Row{ofCommune}, `{"items":[{"MAXA":"25201"},{"maXa":"25201 "}]}`, `{"items":[]}`},
		{"whole numbers in one spelling", []Row{number}, `{"items":[{"xa":{"so":7}},{"xa":{"so":7.0}},{"xa":{"so":70e-1}},{"xa":{"so":"7"}},{"xa":{"so":-1}},{"xa":7}]}`, `{"items":[{"xa":{"so":7}},{"xa":{"so":-1}}]}`},
		{"a row that is the value", []Row{{Field: "/*", Type: "boolean", Values: []string{"true"}}}, `[true,false,null,"true",true]`, `[true,true]`},
		{"two conditions on a list", []Row{ofCommune, {Field: "/items/*/loai", Type: "string", Values: []string{"A"}}}, `{"items":[{"maXa":"25201","loai":"A"},{"maXa":"25201"},{"loai":"A"}]}`, `{"items":[{"maXa":"25201","loai":"A"}]}`},
		{"lists in rows", []Row{ofCommune, {Field: "/items/*/con/*/loai", Type: "string", Values: []string{"A"}}},
			`{"items":[{"con":[{"loai":"A"},{"loai":"B"}],"maXa":"25201"},{"con":[{"loai":"A"}],"maXa":"1"},{"con":null,"maXa":"25204"}]}`,
			`{"items":[{"con":[{"loai":"A"}],"maXa":"25201"},{"con":null,"maXa":"25204"}]}`},
		{"no list there", []Row{ofCommune}, `{"n":1}`, `{"n":1}`},
		{"null for the list", []Row{ofCommune}, `{"items":null}`, `{"items":null}`},
		{"spaces", []Row{ofCommune}, " { \"items\" : [ { \"maXa\" : \"25201\" } , { } ] } ", `{"items":[{"maXa":"25201"}]}`},
	} {
		r := rowsFor(t, tt.rows...)
		got, err := r.Apply([]byte(tt.in))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
		if got, err := r.read(tt.in); err != nil || got != tt.want {
			t.Errorf("%s, as it comes: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestRowsRefuse(t *testing.T) {
	t.Parallel()
	r := rowsFor(t, ofCommune)
	for name, in := range map[string]string{
		"an object for the list":  `{"items":{"maXa":"25201"}}`,
		"a text for the list":     `{"items":"25201"}`,
		"a list for the whole":    `[{"maXa":"25201"}]`,
		"a number for the whole":  `7`,
		"a name twice":            `{"items":[{"maXa":"25201","maXa":"1"}]}`,
		"a name twice in dropped": `{"items":[{"maXa":"1","a":1,"\u0061":2}]}`,
		"the list twice":          `{"items":[],"items":[{"maXa":"1"}]}`,
		"something after":         `{"items":[]} {}`,
		"no end":                  `{"items":[{"maXa":"25201"}`,
		"not UTF-8":               "{\"items\":[{\"maXa\":\"\xff\"}]}",
		"a BOM":                   "\ufeff{}",
		"empty":                   ``,
		"a wrong escape":          `{"items":[{"maXa":"\x"}]}`,
		"too deep":                `{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`,
	} {
		if got, err := r.Apply([]byte(in)); err == nil {
			t.Errorf("%s: got %s", name, got)
		}
		if got, err := r.read(in); err == nil {
			t.Errorf("%s, as it comes: got %s", name, got)
		}
	}
}

func TestRowsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, list := range map[string][]Row{
		"no list":       {{Field: "/maXa", Type: "string", Values: []string{"1"}}},
		"no path":       {{Field: "maXa", Type: "string", Values: []string{"1"}}},
		"the whole":     {{Field: "", Type: "string", Values: []string{"1"}}},
		"no value":      {{Field: "/*/a", Type: "string"}},
		"no such type":  {{Field: "/*/a", Type: "number", Values: []string{"1"}}},
		"no integer":    {{Field: "/*/a", Type: "integer", Values: []string{"1.0"}}},
		"minus nothing": {{Field: "/*/a", Type: "integer", Values: []string{"-0"}}},
		"no boolean":    {{Field: "/*/a", Type: "boolean", Values: []string{"True"}}},
		"too many":      make([]Row, MaxRows+1),
	} {
		if _, err := CompileRows(list); err == nil {
			t.Errorf("%s: compiled", name)
		}
	}
	if r, err := CompileRows(nil); r != nil || err != nil {
		t.Errorf("none: got %v, %v", r, err)
	}
}

// TestRowsAreFlat: of 20 MB nothing is held but a row; one that is too long is
// refused, and a row longer than what is gathered is kept or dropped whole.
func TestRowsAreFlat(t *testing.T) {
	flat := rowsFor(t, Row{Field: "/items/*/diaChi/thon", Type: "string", Values: []string{"4"}})
	in := flat.Reader(rowsOf(150_000)) // some 20 MB, of which nothing is kept
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	got, err := io.ReadAll(in)
	runtime.ReadMemStats(&after)
	if in.Close(); err != nil || string(got) != `{"tong":10,"items":[]}` {
		t.Fatalf("got %.100q, %v", got, err)
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	r := rowsFor(t, Row{Field: "/*/a", Type: "integer", Values: []string{"1"}})
	long := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	for _, tt := range []struct {
		name, in string
		want     int
		fails    bool
	}{
		{"long and kept", `[{"a":1},{"t":` + long(200_000) + `,"a":1},{"a":1}]`, 200_032, false},
		{"long and dropped", `[{"a":1},{"t":` + long(200_000) + `,"a":2},{"a":1}]`, len(`[{"a":1},{"a":1}]`), false},
		{"too long", `[{"t":` + long(2*maxRow) + `,"a":1}]`, 0, true},
	} {
		in := r.Reader(strings.NewReader(tt.in))
		got, err := io.ReadAll(in)
		if in.Close(); (err != nil) != tt.fails || !tt.fails && len(got) != tt.want {
			t.Errorf("%s: got %d bytes, %v, want %d", tt.name, len(got), err, tt.want)
		}
	}
	half := flat.Reader(rowsOf(400_000)) // who reads a part only leaves nothing behind
	if _, err := half.Read(make([]byte, 8)); err != nil {
		t.Error(err)
	}
	if err := half.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzRows: no row stands in what comes out that does not meet the condition,
// and both ways of reading say the same.
func FuzzRows(f *testing.F) {
	for _, seed := range []string{`{"items":[{"maXa":"25201"},{"maXa":"x"}]}`, `{"items":null}`, `{"items":[[],{"maXa":"\u0032"}]}`, `[1,{"a":"é\\"}]`, `{"items":[{"maXa":"25204","a":[{"maXa":"1"}]}]}`} {
		f.Add([]byte(seed))
	}
	r := rowsFor(f, ofCommune)
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := r.Apply(in)
		streamed, streamErr := r.read(string(in))
		if (err == nil) != (streamErr == nil) || err == nil && streamed != string(got) {
			t.Fatalf("at once %q, %v; as it comes %q, %v", got, err, streamed, streamErr)
		}
		if err != nil {
			return
		}
		whole, err := Value(got)
		if err != nil {
			t.Fatalf("got %q: %v", got, err)
		}
		before, err := Value(in)
		if err != nil {
			t.Fatalf("%q passed: %v", in, err)
		}
		if want := sieved(before); !reflect.DeepEqual(whole, want) {
			t.Fatalf("got %q of %q", got, in)
		}
	})
}

// sieved does as the condition ofCommune says, the plain way.
func sieved(value any) any {
	top, ok := value.(map[string]any)
	if !ok {
		return value
	}
	items, ok := top["items"].([]any)
	if !ok {
		return value
	}
	kept := []any{}
	for _, item := range items {
		row, _ := item.(map[string]any)
		if ma, ok := row["maXa"].(string); ok && (ma == "25201" || ma == "25204") {
			kept = append(kept, item)
		}
	}
	top["items"] = kept
	return top
}

func BenchmarkRows(b *testing.B) {
	var document bytes.Buffer
	document.WriteString(`{"items":[`)
	for i := range 100 {
		if i > 0 {
			document.WriteByte(',')
		}
		fmt.Fprintf(&document, `{"maXa":"2520%d","hoTen":"Nguyễn Văn An","diaChi":{"thon":"Tư Cung","xa":"Tịnh Khê"},"so":%d}`, i%5, i)
	}
	document.WriteString(`]}`)
	if !json.Valid(document.Bytes()) {
		b.Fatal("the document is none")
	}
	r := rowsFor(b, ofCommune)
	b.SetBytes(int64(document.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Apply(document.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
