package spec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lgsp/internal/problem"
)

func TestReadWSDL(t *testing.T) {
	t.Parallel()
	doc := document(t, "ho-so.wsdl")
	if doc.Kind != WSDL || doc.TitleVI != "HoSoService" || doc.DescriptionVI != "Tra cứu hồ sơ một cửa của tỉnh." || !slices.Equal(doc.Servers, []string{"https://ho-so.example.vn/HoSo.asmx"}) ||
		!strings.HasPrefix(string(doc.Text), "<?xml") {
		t.Errorf("got %s %q %q %q", doc.Kind, doc.TitleVI, doc.DescriptionVI, doc.Servers)
	}
	got := []string{}
	for _, op := range doc.Operations {
		got = append(got, fmt.Sprintf("%s %s %s %q %q %+v", op.Method, op.Path, op.OperationID, op.SummaryVI, op.Body.MediaTypes, *op.SOAP))
	}
	want := []string{
		`POST /TraCuu TraCuu "Tra cuu" ["text/xml" "application/soap+xml"] {Action:urn:lgsp:ho-so/TraCuu Namespace:urn:lgsp:ho-so Element:TraCuu}`,
		`POST /NopHoSo NopHoSo "Nop ho so" ["text/xml"] {Action:urn:lgsp:ho-so/NopHoSo Namespace:urn:lgsp:ho-so Element:NopHoSo}`,
		`POST /BaoLai BaoLai "Bao lai" ["text/xml"] {Action: Namespace:urn:lgsp:ho-so Element:BaoLai}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("operations: got %q\nwant %q", got, want)
	}
	ask := doc.Operations[0]
	fields := func(list []Field) []string {
		all := []string{}
		for _, f := range list {
			one := fmt.Sprintf("%s %s %s", f.Path, f.Type, f.Format)
			for _, mark := range []struct {
				is   bool
				name string
			}{{f.Required, " required"}, {f.Nullable, " nullable"}, {f.SameAs != "", " = " + f.SameAs}, {len(f.Enum) > 0, " " + strings.Join(f.Enum, "|")}} {
				if mark.is {
					one += mark.name
				}
			}
			all = append(all, one)
		}
		return all
	}
	if got, want := fields(ask.Fields), []string{
		"/Body object  required", "/Body/TraCuuResponse object  required", "/Body/TraCuuResponse/hoSo array ", "/Body/TraCuuResponse/hoSo/*/ma string  required",
		"/Body/TraCuuResponse/hoSo/*/trangThai string  required DANG_XU_LY|DA_TRA", "/Body/TraCuuResponse/hoSo/*/ngayNhan string date required nullable",
		"/Body/TraCuuResponse/hoSo/*/donVi object  required", "/Body/TraCuuResponse/hoSo/*/donVi/ten string  required",
		"/Body/TraCuuResponse/hoSo/*/donVi/capTren object  = /Body/TraCuuResponse/hoSo/*/donVi", "/Body/TraCuuResponse/hoSo/*/donVi/ma string  required",
		"/Body/TraCuuResponse/hoSo/*/email string ", "/Body/TraCuuResponse/hoSo/*/dienThoai array ", "/Body/TraCuuResponse/hoSo/*/ma_2 integer int32",
		"/Body/TraCuuResponse/hoSo/*/phi object  required", "/Body/TraCuuResponse/hoSo/*/phi/loaiTien string ", "/Body/TraCuuResponse/tong integer int32 required",
	}; !slices.Equal(got, want) {
		t.Errorf("fields: got %q\nwant %q", got, want)
	}
	if got, want := fields(ask.Body.Fields), []string{"/Header object ", "/Header/Phien object ", "/Header/Phien/don string  required", "/Body object  required", "/Body/TraCuu object  required",
		"/Body/TraCuu/soDinhDanh string  required", "/Body/TraCuu/trang integer "}; !slices.Equal(got, want) {
		t.Errorf("fields of the body: got %q\nwant %q", got, want)
	}
	if !slices.Equal(ask.Personal, []string{"dienThoai", "soDinhDanh"}) {
		t.Errorf("personal: got %q", ask.Personal)
	}
	if got, want := told(doc, "wsdl-"), []string{"wsdl-encoded 104 KieuCu", "wsdl-made 2", "wsdl-any 62", "wsdl-text 71", "wsdl-port 117 HoSoGet"}; !slices.Equal(got, want) {
		t.Errorf("told: got %q\nwant %q", got, want)
	}
}

// TestXMLObjects: names and namespaces stand where OpenAPI has them.
func TestXMLObjects(t *testing.T) {
	t.Parallel()
	doc := document(t, "ho-so.wsdl")
	root, err := parse(doc.JSON)
	if err != nil {
		t.Fatal(err)
	}
	schemas := []string{"components", "schemas"}
	for path, want := range map[string]string{
		"HoSo/properties/ma/xml":                   `{"namespace":"urn:lgsp:ho-so"}`,
		"HoSo/properties/ma_2/xml":                 `{"name":"ma","attribute":true}`,
		"HoSo/properties/donVi/xml":                `{"namespace":"urn:lgsp:ho-so"}`,
		"HoSo/properties/dienThoai/items/xml":      `{"namespace":"urn:lgsp:ho-so"}`,
		"HoSo/properties/dienThoai/maxItems":       `3`,
		"HoSo/additionalProperties":                `true`,
		"DonVi/properties/ma/xml":                  `{"attribute":true}`,
		"DonVi/properties/ten":                     `{"type":"string"}`,
		"TraCuu/properties/soDinhDanh/pattern":     `"^(?:[0-9]{12})$"`,
		"TraCuuResponse/properties/hoSo/items/xml": `{"namespace":"urn:lgsp:ho-so"}`,
	} {
		n := get(root, append(slices.Clone(schemas), strings.Split(path, "/")...)...)
		if n == nil || string(appendJSON(nil, n, nil)) != want {
			t.Errorf("%s: got %v, want %s", path, n, want)
		}
	}
}

func TestWSDLRefused(t *testing.T) {
	t.Parallel()
	const head, types = `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema">`, `<types><x:schema targetNamespace="urn:a">`
	for _, tt := range []struct {
		name, text, code, line string
	}{
		{"XXE", "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>\n<a>&b;</a>", "wsdl-doctype", "1"},
		{"a bomb of entities", "<?xml version=\"1.0\"?>\n<!DOCTYPE l [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>\n<l>&b;</l>", "wsdl-doctype", "2"},
		{"an entity without a DOCTYPE", head + "\n&b;</definitions>", "wsdl-syntax", "2"},
		{"an external subset", `<!DOCTYPE a SYSTEM "http://attacker.example/a.dtd"><a/>`, "wsdl-doctype", "1"},
		{"imports WSDL", head + `<import namespace="urn:b" location="http://b.example/b.wsdl"/></definitions>`, "wsdl-import", "1"},
		{"imports a schema", head + types + `<x:import namespace="urn:b" schemaLocation="file:///etc/passwd"/></x:schema></types></definitions>`, "wsdl-import", "1"},
		{"includes a schema", head + types + "\n" + `<x:include schemaLocation="b.xsd"/></x:schema></types></definitions>`, "wsdl-import", "2"},
		{"redefines a schema", head + types + `<x:redefine schemaLocation="b.xsd"/></x:schema></types></definitions>`, "wsdl-import", "1"},
		{"WSDL 2.0", `<description xmlns="http://www.w3.org/ns/wsdl"/>`, "wsdl-version", "1"},
		{"a page", "<html><head></head></html>", "wsdl-unknown", "1"},
		{"a schema alone", `<schema xmlns="http://www.w3.org/2001/XMLSchema"/>`, "wsdl-unknown", "1"},
		{"not closed", head + "<types>", "wsdl-syntax", "1"},
		{"two roots", head + "</definitions><a/>", "wsdl-syntax", "1"},
		{"deep", head + strings.Repeat("<a>", 61) + strings.Repeat("</a>", 61) + "</definitions>", "wsdl-too-deep", "1"},
		{"elements", head + strings.Repeat("<a/>", 300_001) + "</definitions>", "wsdl-too-large", "1"},
		{"not UTF-8", head + "\xff</definitions>", "spec-not-utf8", "0"},
		{"another encoding", `<?xml version="1.0" encoding="windows-1258"?>` + head + "</definitions>", "wsdl-syntax", "1"},
		{"10 MB", head + strings.Repeat(" ", MaxBytes) + "</definitions>", "spec-too-large", "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Read([]byte(tt.text))
			e := problem.Of(err)
			if e == nil || e.Code != tt.code || e.Args["line"] != tt.line {
				t.Fatalf("got %v", err)
			}
			if _, words := e.Words("vi"); strings.Contains(words, "{") || words == e.Detail {
				t.Errorf("words: %s", words)
			}
		})
	}
}

// FuzzReadWSDL: whatever stands in the types or the bindings, it is refused with
// a code or becomes OpenAPI that is read without a panic.
func FuzzReadWSDL(f *testing.F) {
	doc := document(&testing.T{}, "ho-so.wsdl")
	types := string(doc.Text[strings.Index(string(doc.Text), "<wsdl:types>"):strings.Index(string(doc.Text), "</wsdl:types>")])
	rest := string(doc.Text[strings.Index(string(doc.Text), "<wsdl:message"):])
	head := string(doc.Text[:strings.Index(string(doc.Text), "<wsdl:types>")])
	f.Add(types+"</wsdl:types>", rest)
	f.Add(`<wsdl:types><xs:schema><xs:element name="a"><xs:complexType><xs:sequence><xs:element ref="a"/></xs:sequence></xs:complexType></xs:element></xs:schema></wsdl:types>`, rest)
	f.Fuzz(func(t *testing.T, types, rest string) {
		if len(types)+len(rest) > 64<<10 {
			return
		}
		doc, err := Read([]byte(head + types + rest))
		if code := problem.Code(err); code == "spec-unreadable" || code == "spec-slow" || (err != nil && code == "") {
			t.Fatalf("refused with %q: %v", code, err)
		}
		if err == nil && !json.Valid(doc.JSON) {
			t.Errorf("no JSON: %s", doc.JSON)
		}
	})
}
