package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestApply(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fields []string
		in     string
		want   string
	}{
		{"one member", []string{"/a"}, `{"a":1,"b":2}`, `{"a":1}`},
		{"order and spelling kept", []string{"/b", "/a"}, ` { "a" : 1.50e+2 , "b" : "\u00e1" } `, `{"a":1.50e+2,"b":"\u00e1"}`},
		{"whole subtree", []string{"/a"}, `{"a":{"x":[1,{"y":2}]},"b":2}`, `{"a":{"x":[1,{"y":2}]}}`},
		{"each element", []string{"/items/*/ma"}, `{"items":[{"ma":1,"ten":"x"},{"ma":2}],"tong":2}`, `{"items":[{"ma":1},{"ma":2}]}`},
		{"root array", []string{"/*/ma"}, `[{"ma":1,"ten":"x"}]`, `[{"ma":1}]`},
		{"array of arrays", []string{"/*/*/a"}, `[[{"a":1,"b":2}],[]]`, `[[{"a":1}],[]]`},
		{"whole document", []string{""}, `{"a":[1, 2]}`, `{"a":[1,2]}`},
		{"whole document, one value", []string{""}, `"a"`, `"a"`},
		{"nothing agreed", nil, `{"a":1,"b":[2]}`, `{}`},
		{"nothing agreed of an array", nil, `[{"a":1}]`, `[]`},
		{"agreed field absent", []string{"/c"}, `{"a":1}`, `{}`},
		{"value where members were agreed", []string{"/a/b"}, `{"a":"secret","c":1}`, `{}`},
		{"array where members were agreed", []string{"/a/b"}, `{"a":[{"b":1}]}`, `{}`},
		{"object where elements were agreed", []string{"/a/*/b"}, `{"a":{"*":{"b":1}}}`, `{}`},
		{"null where members were agreed", []string{"/a/b"}, `{"a":null}`, `{"a":null}`},
		{"values among elements", []string{"/*/a"}, `["secret",{"a":1},7,null]`, `[{"a":1},null]`},
		{"object or array", []string{"/a", "/*/a"}, `{"a":1,"b":2}`, `{"a":1}`},
		{"array or object", []string{"/a", "/*/a"}, `[{"a":1,"b":2}]`, `[{"a":1}]`},
		{"escaped name in the answer", []string{"/a"}, `{"\u0061":1,"b":2}`, `{"\u0061":1}`},
		{"escaped name in the path", []string{"/a~1b/~0c"}, `{"a/b":{"~c":1,"d":2}}`, `{"a/b":{"~c":1}}`},
		{"empty name", []string{"/"}, `{"":1,"a":2}`, `{"":1}`},
		{"an index is no element", []string{"/a/0"}, `{"a":[1]}`, `{}`},
		{"Vietnamese", []string{"/họTên"}, `{"họTên":"Nguyễn","sốĐịnhDanh":"1"}`, `{"họTên":"Nguyễn"}`},
		{"longer and shorter path", []string{"/a/b", "/a"}, `{"a":{"b":1,"c":2}}`, `{"a":{"b":1,"c":2}}`},
		{"empty containers", []string{"/a/b", "/c/*/d"}, `{"a":{},"c":[]}`, `{"a":{},"c":[]}`},
		{"comma after what is left out", []string{"/b", "/d"}, `{"a":1,"b":2,"c":3,"d":4,"e":5}`, `{"b":2,"d":4}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := Compile(tt.fields)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Apply([]byte(tt.in))
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
			streamedTheSame(t, f, []byte(tt.in))
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	f, err := Compile([]string{"/a", "/b/*"})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{
		``, ` `, `{`, `}`, `[`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":1}{}`, `{"a":1} x`, `{a:1}`, `{'a':1}`,
		`"a"`, `1`, `true`, `{"a":tru}`, `{"a":01}`, `{"a":1.}`, `{"a":+1}`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":0x1}`, `{"a":"`, `{"a":"\`, `{"a":"\x"}`, `{"a":"\u12"}`,
		"{\"a\":\"\n\"}", "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}", `{"a":1,"a":2}`, `{"x":{"y":1,"y":2}}`, `{"\u0061":1,"a":2}`, `[1,]`, `[,1]`, `[1 2]`, `{"a":1]`, `[1}`,
		`{"a":/*c*/1}`, strings.Repeat("[", 66) + strings.Repeat("]", 66), strings.Repeat(`{"b":`, 100000), `{"a":1,"a`,
	} {
		if got, err := f.Apply([]byte(in)); err == nil {
			t.Errorf("%.40q: got %s, want an error", in, got)
		}
		streamedTheSame(t, f, []byte(in))
		if got, err := Value([]byte(in)); err == nil && !slices.Contains([]string{`"a"`, `1`, `true`}, in) {
			t.Errorf("%.40q: got the value %v, want an error", in, got)
		}
	}
}

func TestManyNames(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("{")
	for i := range 100 {
		b.WriteString(`"x` + strings.Repeat("y", i) + `":1,`)
	}
	f, err := Compile([]string{"/a"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Apply([]byte(b.String() + `"a":1}`)); err != nil || string(got) != `{"a":1}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := f.Apply([]byte(b.String() + `"xy":1}`)); err == nil {
		t.Error("a name that is there twice among many was taken")
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, fields := range [][]string{{"a"}, {"/a~"}, {"/a~2"}, {strings.Repeat("/a", MaxDepth+1)}, make([]string, maxFields+1)} {
		if _, err := Compile(fields); err == nil {
			t.Errorf("%.60q was taken", fields)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	f, err := Compile([]string{"/a", "/items/*/ma", "/items/*/b/c"})
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]bool{
		"/a": true, "/a/x/*": true, "/items": false, "/items/*": false, "/items/*/ma": true, "/items/*/ten": false, "/items/*/b": false, "": false, "x": false,
	} {
		if got := f.Covers(field); got != want {
			t.Errorf("%s: got %v, want %v", field, got, want)
		}
	}
}

// FuzzApply: what passes is JSON whose every value was agreed; what the
// standard library refuses is refused.
func FuzzApply(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":{"c":2,"x":3}}`, `[{"a":1}]`, `{"a":[1,{"x":"\u00e1"}],"x":null}`, `{"b":[{"c":1}]}`} {
		f.Add([]byte(seed))
	}
	filter, err := Compile([]string{"/a", "/b/c", "/l/*/c"})
	if err != nil {
		f.Fatal(err)
	}
	whole, err := Compile([]string{""})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		all, err := whole.Apply(in)
		value, other := Value(in)
		if (err == nil) != (other == nil) {
			t.Fatalf("%q: read by Apply: %v, by Value: %v", in, err, other)
		}
		decoder := json.NewDecoder(bytes.NewReader(in))
		decoder.UseNumber()
		var theirs any
		if err == nil && (decoder.Decode(&theirs) != nil || !reflect.DeepEqual(value, theirs)) {
			t.Fatalf("%q became %#v, want %#v", in, value, theirs)
		}
		if (err == nil) && !json.Valid(in) {
			t.Fatalf("%q is no JSON", in)
		}
		if err == nil {
			var compact bytes.Buffer
			if err := json.Compact(&compact, in); err != nil || compact.String() != string(all) {
				t.Fatalf("%q became %q", in, all)
			}
		}
		streamedTheSame(t, filter, in)
		streamedTheSame(t, whole, in)
		got, err := filter.Apply(in)
		if err != nil {
			return
		}
		var tree any
		if err := json.Unmarshal(got, &tree); err != nil {
			t.Fatalf("%q became %q: %v", in, got, err)
		}
		members, ok := tree.(map[string]any)
		if !ok {
			if list, ok := tree.([]any); tree != nil && (!ok || len(list) > 0) {
				t.Fatalf("%q became %q", in, got)
			}
			return
		}
		for name, value := range members {
			if name == "a" || value == nil && (name == "b" || name == "l") {
				continue
			}
			inner, ok := value.(map[string]any)
			if list, isList := value.([]any); name == "l" && isList {
				for _, element := range list {
					if m, ok := element.(map[string]any); element != nil && (!ok || !only(m, "c")) {
						t.Fatalf("%q became %q", in, got)
					}
				}
			} else if name != "b" || !ok || !only(inner, "c") {
				t.Fatalf("%q became %q", in, got)
			}
		}
	})
}

func only(members map[string]any, name string) bool {
	for n := range members {
		if n != name {
			return false
		}
	}
	return true
}

func BenchmarkValue(b *testing.B) {
	row := `{"maHoSo":"H48.11-2026-000123","hoTen":"Nguyễn Văn An","soDinhDanh":"079123456789","diaChi":{"xa":"Đình Lập","thon":"3"},"ngayNop":"2026-03-02"}`
	document := []byte(`{"tong":10,"items":[` + strings.TrimSuffix(strings.Repeat(row+",", 6), ",") + `]}`)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Value(document); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	row := `{"maHoSo":"H48.11-2026-000123","hoTen":"Nguyễn Văn An","soDinhDanh":"079123456789","diaChi":{"xa":"Đình Lập","thon":"3"},"ngayNop":"2026-03-02"}`
	document := []byte(`{"tong":10,"items":[` + strings.TrimSuffix(strings.Repeat(row+",", 10), ",") + `]}`)
	f, err := Compile([]string{"/tong", "/items/*/maHoSo", "/items/*/ngayNop"})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Apply(document); err != nil {
			b.Fatal(err)
		}
	}
}

// pieces gives a document in parts of so many bytes.
type pieces struct {
	text []byte
	size int
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.text) == 0 {
		return 0, io.EOF
	}
	n := copy(to, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

// streamedTheSame holds Stream to Apply, whatever the parts that a document
// comes in.
func streamedTheSame(t *testing.T, f *Filter, in []byte) {
	t.Helper()
	want, wrong := f.Apply(in)
	for _, size := range []int{1, 2, 3, 7, 1 << 20} {
		var got bytes.Buffer
		err := f.Stream(&got, &pieces{in, size})
		if (err == nil) != (wrong == nil) || err == nil && got.String() != string(want) {
			t.Fatalf("%.100q in parts of %d: got %.100q, %v; want %.100q, %v", in, size, got.String(), err, want, wrong)
		}
	}
}

// rowsOf gives a document of so many rows, as it is asked for.
func rowsOf(count int) io.Reader {
	row := `{"maHoSo":"H48.11-2026-000123","hoTen":"Nguyễn \"Văn\" An","so":-1.50e+3,"diaChi":{"xa":"Đình Lập","thon":"3"},"ngayNop":"2026-03-02"},`
	return io.MultiReader(strings.NewReader(`{"tong":10,"items":[`), &repeated{row: row, left: count}, strings.NewReader(`null]}`))
}

type repeated struct {
	row  string
	at   int
	left int
}

func (r *repeated) Read(to []byte) (int, error) {
	n := 0
	for n < len(to) && r.left > 0 {
		c := copy(to[n:], r.row[r.at:])
		n += c
		if r.at += c; r.at == len(r.row) {
			r.at, r.left = 0, r.left-1
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestStreamIsFlat: 100 MB pass in memory that does not grow with them.
func TestStreamIsFlat(t *testing.T) {
	f, err := Compile([]string{"/tong", "/items/*/maHoSo", "/items/*/diaChi/xa"})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const count = 600_000
	out := &ending{}
	if err := f.Stream(out, rowsOf(count)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if size := len(`{"maHoSo":"H48.11-2026-000123","diaChi":{"xa":"Đình Lập"}},`)*count + len(`{"tong":10,"items":[null]}`); out.size != size || string(out.last) != "null]}" {
		t.Errorf("%d bytes that end with %q, want %d", out.size, out.last, size)
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

// ending counts what is written, and keeps its end.
type ending struct {
	size int
	last []byte
}

func (e *ending) Write(p []byte) (int, error) {
	e.size += len(p)
	e.last = append(e.last, p...)
	e.last = e.last[max(0, len(e.last)-6):]
	return len(p), nil
}

// TestStreamBounds: a text may be of any length, what is gathered may not.
func TestStreamBounds(t *testing.T) {
	t.Parallel()
	f, err := Compile([]string{"/a"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("ế\\u0061", 100_000)
	var got bytes.Buffer
	if err := f.Stream(&got, strings.NewReader(`{"b":"`+long+`","a":"`+long+`"}`)); err != nil || got.String() != `{"a":"`+long+`"}` {
		t.Errorf("a long text: %v, %d bytes", err, got.Len())
	}
	var many strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&many, `"ten-cua-truong-thu-%d":1,`, i)
	}
	for name, in := range map[string]string{
		"a long name":    `{"` + strings.Repeat("x", window) + `":1}`,
		"a long number":  `{"a":` + strings.Repeat("1", window) + `}`,
		"many names":     `{` + many.String() + `"a":1}`,
		"broken off":     `{"a":"` + long,
		"a broken rune":  `{"a":"` + strings.Repeat("x", window) + "\xe1\xba" + `"}`,
		"a second value": `{"a":1}` + strings.Repeat(" ", window) + `{}`,
	} {
		if err := f.Stream(io.Discard, strings.NewReader(in)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	broken := errors.New("broken")
	if err := f.Stream(io.Discard, io.MultiReader(strings.NewReader(`{"a":"`), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
	if err := f.Stream(failing{broken}, strings.NewReader(`{"a":"`+long+`"}`)); !errors.Is(err, broken) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func BenchmarkStream(b *testing.B) {
	f, err := Compile([]string{"/tong", "/items/*/maHoSo", "/items/*/diaChi/xa"})
	if err != nil {
		b.Fatal(err)
	}
	size, err := io.Copy(io.Discard, rowsOf(60))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Stream(io.Discard, rowsOf(60)); err != nil {
			b.Fatal(err)
		}
	}
}

// tenKB is an answer as they are: some 10 KB of rows, of which a few fields are
// agreed.
func tenKB() (document []byte, fields []string) {
	row := `{"maHoSo":"H48.11-2026-000123","hoTen":"Nguyễn Văn An","soDinhDanh":"079123456789","diaChi":{"xa":"Đình Lập","thon":"3"},"ngayNop":"2026-03-02","lePhi":125000,"trangThai":"dang-xu-ly"}`
	return []byte(`{"tong":50,"items":[` + strings.TrimSuffix(strings.Repeat(row+",", 50), ",") + `]}`), []string{"/tong", "/items/*/maHoSo", "/items/*/diaChi", "/items/*/ngayNop", "/items/*/trangThai"}
}

func BenchmarkApplyTenKB(b *testing.B) {
	document, fields := tenKB()
	f, err := Compile(fields)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Apply(document); err != nil {
			b.Fatal(err)
		}
	}
}
