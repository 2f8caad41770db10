package project

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

// record is a shape that has all there is: attributes, lists wrapped and not,
// namespaces declared and not, values, what is open.
var record = Shape{
	Root: []Edge{{Name: "HoSo", To: 0}, {Name: "Envelope", Space: "urn:soap", To: 4}},
	Nodes: []Node{
		0: {Edges: []Edge{
			{Name: "ma", Attribute: true, Step: "/ma"}, {Name: "ten", Step: "/ten", To: 1}, {Name: "so", Step: "/so", To: 1},
			{Name: "muc", Step: "/muc/*", To: 2}, {Name: "ds", Step: "/ds", To: 3}, {Name: "khac", Step: "/khac", To: 5},
			{Name: "ten", Space: "urn:khac", Step: "/tenKhac", To: 1}, {Name: "so", Space: "urn:khac", Attribute: true, Step: "/soKhac"},
		}},
		1: {Value: true},
		2: {Edges: []Edge{{Name: "a", Step: "/a", To: 1}, {Name: "b", Step: "/b", To: 1}, {Name: "con", Step: "/con", To: 0}}},
		3: {Edges: []Edge{{Name: "d", Step: "/*", To: 1}}},
		4: {Edges: []Edge{{Name: "Body", Space: "urn:soap", Step: "/Body", To: 6}}},
		5: {Open: true, Value: true},
		6: {Edges: []Edge{{Name: "HoSo", Space: "urn:ho-so", Step: "/HoSo", To: 0}}},
	},
}

const head = `<?xml version="1.0" encoding="UTF-8"?>`

func compiled(t testing.TB, s Shape) *XML {
	t.Helper()
	x, err := s.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func filterOf(t testing.TB, fields []string, masks ...Masked) *Filter {
	t.Helper()
	f, err := CompileMasked(fields, masks)
	if err != nil {
		t.Fatal(err)
	}
	return f.Keyed([]byte("a key"))
}

func TestApplyXML(t *testing.T) {
	t.Parallel()
	x := compiled(t, record)
	for _, tt := range []struct{ name, fields, in, want string }{
		{"one element", "/ten", `<HoSo><ten>An</ten><so>1</so></HoSo>`, `<HoSo><ten>An</ten></HoSo>`},
		{"an attribute", "/ma", `<HoSo ma="1" x="2"><ten ma="3">An</ten></HoSo>`, `<HoSo ma="1"/>`},
		{"nothing agreed", "/z", `<HoSo ma="1"><ten>An</ten>text</HoSo>`, `<HoSo/>`},
		{"undeclared elements and attributes", "/ten", `<HoSo><la><ten>An</ten></la><ten so="079">An<x>079</x></ten></HoSo>`, `<HoSo><ten>An</ten></HoSo>`},
		{"text beside elements", "/ten", `<HoSo>079<ten>An</ten>079</HoSo>`, `<HoSo><ten>An</ten></HoSo>`},
		{"white space", "/ten", "<HoSo >\n  <ten>An </ten >\n</HoSo>\n", `<HoSo><ten>An </ten></HoSo>`},
		{"a list that is not wrapped", "/muc/*/a", `<HoSo><muc><a>1</a><b>2</b></muc><muc><a>3</a></muc></HoSo>`, `<HoSo><muc><a>1</a></muc><muc><a>3</a></muc></HoSo>`},
		{"a list that is wrapped", "/ds", `<HoSo><ds><d>1</d><d>2</d><e>3</e></ds></HoSo>`, `<HoSo><ds><d>1</d><d>2</d></ds></HoSo>`},
		{"a circle", "/muc/*/con/ten", `<HoSo><ten>1</ten><muc><con ma="2"><ten>3</ten></con></muc></HoSo>`, `<HoSo><muc><con><ten>3</ten></con></muc></HoSo>`},
		{"what is open", "/khac", `<HoSo xmlns:p="urn:p"><khac k="1"><p:x p:y="2">3</p:x>4</khac></HoSo>`, `<HoSo><khac k="1"><p:x xmlns:p="urn:p" p:y="2">3</p:x>4</khac></HoSo>`},
		{"an undeclared namespace is the parent's", "/ten", `<HoSo xmlns="urn:a"><ten>An</ten><ten xmlns="urn:b">079</ten></HoSo>`, `<HoSo xmlns="urn:a"><ten>An</ten></HoSo>`},
		{"and may be none", "/ten", `<p:HoSo xmlns:p="urn:a"><ten>An</ten><p:ten>B</p:ten></p:HoSo>`, `<p:HoSo xmlns:p="urn:a"><ten>An</ten><p:ten>B</p:ten></p:HoSo>`},
		{"a declared namespace", "/tenKhac", `<HoSo xmlns:k="urn:khac"><ten>An</ten><k:ten>B</k:ten></HoSo>`, `<HoSo><k:ten xmlns:k="urn:khac">B</k:ten></HoSo>`},
		{"prefixes that stand for one", "/tenKhac", `<HoSo xmlns:k="urn:khac" xmlns:l="urn:&#107;hac"><l:ten>B</l:ten><ten xmlns="urn:khac">C</ten></HoSo>`,
			`<HoSo><l:ten xmlns:l="urn:khac">B</l:ten><ten xmlns="urn:khac">C</ten></HoSo>`},
		{"a prefix that stands for another", "/tenKhac", `<HoSo xmlns:k="urn:khac"><k:ten xmlns:k="urn:la">079</k:ten></HoSo>`, `<HoSo/>`},
		{"an attribute of a namespace", "/soKhac", `<HoSo xmlns:k="urn:khac" k:so="1" so="079"/>`, `<HoSo xmlns:k="urn:khac" k:so="1"/>`},
		{"out of the default namespace", "/ds", `<p:HoSo xmlns:p="urn:a"><ds><d xmlns="">1</d></ds></p:HoSo>`, `<p:HoSo xmlns:p="urn:a"><ds><d>1</d></ds></p:HoSo>`},
		{"and back", "/muc", `<HoSo xmlns="urn:a"><muc xmlns=""><a>1</a></muc><muc><a>2</a></muc></HoSo>`, `<HoSo xmlns="urn:a"><muc xmlns=""><a>1</a></muc><muc><a>2</a></muc></HoSo>`},
		{"an envelope", "/Body/HoSo/ten", `<s:Envelope xmlns:s="urn:soap"><s:Header><x>079</x></s:Header><s:Body><HoSo xmlns="urn:ho-so"><ten>An</ten><so>079</so></HoSo></s:Body></s:Envelope>`,
			`<s:Envelope xmlns:s="urn:soap"><s:Body><HoSo xmlns="urn:ho-so"><ten>An</ten></HoSo></s:Body></s:Envelope>`},
		{"CDATA", "/ten", `<HoSo><ten>a<![CDATA[<b>&]]]>c</ten><so><![CDATA[079]]></so></HoSo>`, `<HoSo><ten>a&lt;b&gt;&amp;]c</ten></HoSo>`},
		{"comments", "/ten", `<!-- 079 --><HoSo><ten>1<!--079-->2</ten></HoSo><!----> `, `<HoSo><ten>12</ten></HoSo>`},
		{"references", "/ten", `<HoSo><ten>&lt;&#x111;&#60;b&#62;</ten></HoSo>`, `<HoSo><ten>&lt;&#x111;&#60;b&#62;</ten></HoSo>`},
		{"in values", "/ma", "<HoSo ma='&#34;&lt;\n\"'/>", `<HoSo ma="&quot;&lt; &quot;"/>`},
		{"the mark of UTF-8 and a declaration", "/ten", "\ufeff<?xml version='1.0' encoding='utf-8' standalone=\"yes\" ?>\n<HoSo><ten>Nguyễn</ten></HoSo>", `<HoSo><ten>Nguyễn</ten></HoSo>`},
		{"null stays null", "/ten", `<HoSo xmlns:i="` + xsiSpace + `"><ten i:nil="true" i:type="x"/><so i:nil="1"/></HoSo>`, `<HoSo><ten xmlns:i="` + xsiSpace + `" i:nil="true"/></HoSo>`},
		{"Vietnamese names", "/ten", `<HoSo><họTên>079</họTên><ten>An</ten></HoSo>`, `<HoSo><ten>An</ten></HoSo>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := filterOf(t, strings.Split(tt.fields, " "))
			got, err := f.ApplyXML([]byte(tt.in), x)
			if err != nil || string(got) != head+tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
			streamedTheSameXML(t, f, x, []byte(tt.in))
		})
	}
}

func TestApplyXMLRefuses(t *testing.T) {
	t.Parallel()
	x := compiled(t, record)
	f := filterOf(t, []string{"/ten", "/so", "/khac"}, Masked{"/so", "last-4"})
	for _, in := range []string{
		``, ` `, `{}`, `<`, `<HoSo`, `<HoSo>`, `</HoSo>`, `<HoSo></Hoso>`, `<HoSo><ten></HoSo></ten>`, `<HoSo/><HoSo/>`, `<HoSo/>x`, `x<HoSo/>`, `<HoSo/>&#32;`, `<Khac/>`, `<Envelope/>`,
		`<!DOCTYPE HoSo><HoSo/>`, `<!DOCTYPE HoSo [<!ENTITY a "079">]><HoSo><ten>&a;</ten></HoSo>`, `<HoSo><ten>&a;</ten></HoSo>`, `<HoSo><la>&a;</la></HoSo>`, `<HoSo la="&a;"/>`,
		`<?xml-stylesheet href="x"?><HoSo/>`, `<HoSo><?php x?></HoSo>`, ` <?xml version="1.0"?><HoSo/>`, `<?xml version="1.1"?><HoSo/>`, `<?xml version="1.0" encoding="ISO-8859-1"?><HoSo/>`, `<?xml version="1.0" encoding="UTF-16"?><HoSo/>`, `<?xml?><HoSo/>`,
		"\xfe\xff<HoSo/>", "\xff\xfe<\x00H\x00", "<HoSo><ten>\xff</ten></HoSo>", "<HoSo><la>\xff</la></HoSo>", "<HoSo><ten>\x00</ten></HoSo>", "<HoSo><ten>\x0b</ten></HoSo>", "<HoSo><la>\ufffe</la></HoSo>", `<HoSo><ten>&#0;</ten></HoSo>`, `<HoSo><ten>&#xD800;</ten></HoSo>`, `<HoSo><ten>&#;</ten></HoSo>`, `<HoSo><ten>& </ten></HoSo>`, `<HoSo><ten>&amp</ten></HoSo>`,
		`<HoSo ma="1" ma="2"/>`, `<HoSo><la a="1" a="2"/></HoSo>`, `<HoSo xmlns:p="u" xmlns:q="u" p:a="1" q:a="2"/>`, `<HoSo xmlns="u" xmlns="u"/>`, `<HoSo xmlns:p="u" xmlns:p="u"/>`,
		`<p:HoSo/>`, `<HoSo p:a="1"/>`, `<HoSo xmlns:p=""/>`, `<HoSo xmlns:xml="u"/>`, `<HoSo xmlns:xmlns="u"/>`, `<HoSo xmlns:p="` + xmlSpace + `"/>`, `<HoSo xmlns="` + xmlnsSpace + `"/>`, `<a:b:c/>`, `<:a/>`, `<a:/>`, `<HoSo><a:b:c/></HoSo>`,
		`<HoSo ma=1/>`, `<HoSo ma/>`, `<HoSo ma="1"b="2"/>`, `<HoSo ma="<"/>`, `<HoSo ma="1/>`, `<HoSo><1/></HoSo>`, `< HoSo/>`, `<HoSo / >`, `<HoSo></ HoSo>`, `<HoSo><ten>]]></ten></HoSo>`, `<HoSo><![CDATA[x]]</HoSo>`, `<![CDATA[x]]><HoSo/>`, `<HoSo><!-- -- --></HoSo>`, `<HoSo><!-- --->`, `<HoSo><!--`,
		`<HoSo><so><x/>079123456789</so></HoSo>`, `<HoSo><so>079<x>1</x></so></HoSo>`,
		`<HoSo>` + strings.Repeat(`<x>`, 70) + strings.Repeat(`</x>`, 70) + `</HoSo>`, `<HoSo` + strings.Repeat(` a="1"`, 300) + `/>`,
	} {
		if got, err := f.ApplyXML([]byte(in), x); err == nil {
			t.Errorf("%.60q: got %s, want an error", in, got)
		}
		streamedTheSameXML(t, f, x, []byte(in))
	}
}

// streamedTheSameXML holds StreamXML to ApplyXML, whatever the parts that a
// document comes in.
func streamedTheSameXML(t *testing.T, f *Filter, x *XML, in []byte) {
	t.Helper()
	want, wrong := f.ApplyXML(in, x)
	for _, size := range []int{1, 2, 3, 7, 1 << 20} {
		var got bytes.Buffer
		err := f.StreamXML(&got, &pieces{in, size}, x)
		if (err == nil) != (wrong == nil) || err == nil && got.String() != string(want) {
			t.Fatalf("%.100q in parts of %d: got %.100q, %v; want %.100q, %v", in, size, got.String(), err, want, wrong)
		}
	}
}

// TestStreamXMLIsFlat: 100 MB pass in memory that does not grow with them.
func TestStreamXMLIsFlat(t *testing.T) {
	x := compiled(t, record)
	f := filterOf(t, []string{"/muc/*/a"})
	row := "<muc>\n <a>Nguyễn &quot;Văn&quot; An</a><b><![CDATA[079]]></b><!-- x --><c d='1'/></muc>"
	const count = 1_200_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	out := &ending{}
	if err := f.StreamXML(out, io.MultiReader(strings.NewReader("<HoSo>"), &repeated{row: row, left: count}, strings.NewReader("</HoSo>")), x); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if size := len(head+"<HoSo></HoSo>") + count*len(`<muc><a>Nguyễn &quot;Văn&quot; An</a></muc>`); out.size != size || string(out.last) != "/HoSo>" {
		t.Errorf("%d bytes that end with %q, want %d", out.size, out.last, size)
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

// TestStreamXMLBounds: text may be of any length, what is gathered may not.
func TestStreamXMLBounds(t *testing.T) {
	t.Parallel()
	x := compiled(t, record)
	f := filterOf(t, []string{"/ten", "/so"}, Masked{"/so", "hash"})
	long := strings.Repeat("ế&#97;]", 100_000)
	var got bytes.Buffer
	if err := f.StreamXML(&got, strings.NewReader("<HoSo><la>"+long+"</la><ten>"+long+"</ten></HoSo>"), x); err != nil || got.String() != head+"<HoSo><ten>"+long+"</ten></HoSo>" {
		t.Errorf("a long text: %v, %d bytes", err, got.Len())
	}
	for name, in := range map[string]string{
		"a long tag":          `<HoSo ma="` + strings.Repeat("x", window) + `"/>`,
		"a long masked value": `<HoSo><so>` + long + `</so></HoSo>`,
		"broken off":          `<HoSo><ten>` + long,
	} {
		if err := f.StreamXML(io.Discard, strings.NewReader(in), x); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	broken := errors.New("broken")
	if err := f.StreamXML(failing{broken}, strings.NewReader("<HoSo><ten>"+long+"</ten></HoSo>"), x); !errors.Is(err, broken) {
		t.Errorf("a writer that fails: %v", err)
	}
}

func TestShapeRefuses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Shape{
		"an edge to nothing":     {Root: []Edge{{Name: "a", To: 1}}, Nodes: []Node{{}}},
		"no name":                {Root: []Edge{{Name: "a"}}, Nodes: []Node{{Edges: []Edge{{Step: "/a"}}}}},
		"a step that is no path": {Root: []Edge{{Name: "a", Step: "x"}}, Nodes: []Node{{}}},
		"too large":              {Root: make([]Edge, 1), Nodes: []Node{{Edges: make([]Edge, maxEdges)}}},
	} {
		if _, err := s.Compile(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if x, err := (Shape{}).Compile(); x != nil || err != nil {
		t.Errorf("no shape: %v, %v", x, err)
	}
}

// FuzzApplyXML: what passes is XML to encoding/xml too, whose every value was
// agreed by a reading of our own; nothing is masked and open at once.
func FuzzApplyXML(f *testing.F) {
	for _, seed := range []string{
		`<HoSo ma="1" xmlns:k="urn:khac" k:so="2"><ten>An</ten><so>079123456789</so><k:ten>B</k:ten><muc><a>1</a><con ma="9"><so>3</so></con></muc><ds><d>1</d></ds><khac><x y="1">2</x></khac></HoSo>`,
		`<s:Envelope xmlns:s="urn:soap"><s:Body><HoSo xmlns="urn:ho-so"><ten><![CDATA[x]]></ten></HoSo></s:Body></s:Envelope>`,
		"\ufeff<?xml version=\"1.0\"?><!-- c --><HoSo>t&amp;<ten xmlns='u'/></HoSo>",
	} {
		f.Add([]byte(seed))
	}
	x := compiled(f, record)
	filter := filterOf(f, []string{"/ten", "/so", "/muc/*/a", "/ds", "/Body/HoSo/ten"}, Masked{"/so", "last-4"})
	f.Fuzz(func(t *testing.T, in []byte) {
		streamedTheSameXML(t, filter, x, in)
		got, err := filter.ApplyXML(in, x)
		if err != nil {
			return
		}
		if err := xml.Unmarshal(in, new(struct{})); err != nil && !strings.Contains(err.Error(), "invalid XML name") {
			t.Fatalf("%q passes, but: %v", in, err)
		}
		agreedOnly(t, got)
	})
}

// agreedOnly reads what left with encoding/xml, and fails for what FuzzApplyXML
// did not agree to.
func agreedOnly(t *testing.T, out []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(out))
	var path []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		at := strings.Join(path, "/")
		switch v := token.(type) {
		case xml.StartElement:
			if path = append(path, v.Name.Local); len(path) > 1 && v.Name.Space == "urn:khac" && path[0] == "HoSo" && at != "HoSo" {
				t.Fatalf("%q has %v", out, v.Name)
			}
			for _, a := range v.Attr {
				if a.Name.Local != "nil" && a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
					t.Fatalf("%q has attribute %v", out, a)
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			switch at {
			case "HoSo/ten", "HoSo/muc/a", "HoSo/ds/d", "Envelope/Body/HoSo/ten":
			case "HoSo/so":
				if text := []rune(string(v)); !strings.HasPrefix(string(v), hidden) || len(text) > len(hidden)+4 {
					t.Fatalf("%q shows %q", out, v)
				}
			default:
				if strings.TrimSpace(string(v)) != "" {
					t.Fatalf("%q has text at %s", out, at)
				}
			}
		case xml.Directive, xml.Comment:
			t.Fatalf("%q has %T", out, v)
		}
	}
}

func BenchmarkApplyXML(b *testing.B) {
	x := compiled(b, record)
	f := filterOf(b, []string{"/muc/*/a"})
	document := []byte("<HoSo>" + strings.Repeat("<muc><a>Nguyễn Văn An</a><b>079123456789</b><c>x</c></muc>", 200) + "</HoSo>")
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.ApplyXML(document, x); err != nil {
			b.Fatal(err)
		}
	}
}
