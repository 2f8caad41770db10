package wsdl

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// described is a description with one operation, whose style, types and
// messages are given.
func described(style, types, parts string) string {
	return `<definitions name="D" targetNamespace="urn:d" xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:d">
<types><x:schema targetNamespace="urn:d" elementFormDefault="qualified">` + types + `</x:schema></types>
<message name="In">` + parts + `</message><message name="Out"/>
<portType name="P"><operation name="Hoi"><input message="t:In"/><output message="t:Out"/></operation></portType>
<binding name="B" type="t:P"><s:binding style="` + style + `"/><operation name="Hoi"><s:operation soapAction="urn:hoi"/><input><s:body use="literal" namespace="urn:r"/></input><output><s:body use="literal" namespace="urn:r"/></output></operation></binding>
</definitions>`
}

// at goes down the keys of a document; the zero node where there is nothing.
func at(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				found = n.Content[i+1]
			}
		}
		if found == nil {
			return &yaml.Node{}
		}
		n = found
	}
	return n
}

// flow writes a part of a document on one line.
func flow(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	parts := []string{}
	for i := 0; i < len(n.Content); i++ {
		if n.Kind == yaml.SequenceNode {
			parts = append(parts, flow(n.Content[i]))
			continue
		}
		parts = append(parts, n.Content[i].Value+":"+flow(n.Content[i+1]))
		i++
	}
	return "{" + strings.Join(parts, " ") + "}"
}

func TestRPC(t *testing.T) {
	t.Parallel()
	made, err := Convert([]byte(described("rpc", `<x:complexType name="K"><x:sequence><x:element name="so" type="x:int"/></x:sequence></x:complexType>`,
		`<part name="ma" type="x:string"/><part name="k" type="t:K"/>`)))
	if err != nil {
		t.Fatal(err)
	}
	post := at(made.Document, "paths", "/Hoi", "post")
	if got, want := flow(at(post, "x-soap")), "{action:urn:hoi element:{namespace:urn:r name:Hoi}}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	body := at(post, "requestBody", "content", "text/xml", "schema", "properties", "Body", "properties", "Hoi")
	if got, want := flow(body), "{type:object properties:{ma:{type:string} k:{$ref:#/components/schemas/K}} required:{ma k} xml:{name:Hoi namespace:urn:r}}"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	answer := at(post, "responses", "200", "content", "text/xml", "schema", "properties", "Body", "properties")
	if got, want := flow(answer), "{HoiResponse:{type:object xml:{name:HoiResponse namespace:urn:r}}}"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestTypes: what each construct of XML Schema becomes.
func TestTypes(t *testing.T) {
	t.Parallel()
	const xml = " xml:{namespace:urn:d}"
	for _, tt := range []struct{ name, types, inside, want string }{
		{"builtins", "", `<x:element name="a" type="x:dateTime"/><x:element name="b" type="x:unsignedInt" minOccurs="0"/><x:element name="c"/>`,
			"a:{type:string format:date-time" + xml + "} b:{type:integer format:int64 minimum:0" + xml + "} c:{" + xml[1:] + "}"},
		{"the same name twice is a list", "", `<x:element name="a" type="x:int"/><x:element name="b" type="x:int"/><x:element name="a" type="x:int"/>`,
			"a:{type:array items:{type:integer format:int32" + xml + "}} b:{type:integer format:int32" + xml + "}"},
		{"a sequence that repeats makes lists", "", `<x:sequence maxOccurs="unbounded"><x:element name="a" type="x:int"/></x:sequence>`,
			"a:{type:array items:{type:integer format:int32" + xml + "}}"},
		{"none may occur", "", `<x:element name="a" type="x:int" maxOccurs="0"/>`, ""},
		{"unqualified by its own word", "", `<x:element name="a" type="x:int" form="unqualified"/>`, "a:{type:integer format:int32}"},
		{"facets of a chain", `<x:simpleType name="N"><x:restriction base="x:int"><x:minInclusive value="1"/><x:maxExclusive value="9"/></x:restriction></x:simpleType>
<x:simpleType name="M"><x:restriction base="t:N"><x:minInclusive value="2"/></x:restriction></x:simpleType>`, `<x:element name="a" type="t:M"/>`,
			"a:{type:integer format:int32 minimum:2 maximum:9 exclusiveMaximum:true" + xml + "}"},
		{"a type that is its own base", `<x:simpleType name="N"><x:restriction base="t:N"/></x:simpleType>`, `<x:element name="a" type="t:N"/>`, "a:{" + xml[1:] + "}"},
		{"a group inside itself", `<x:group name="G"><x:sequence><x:element name="a" type="x:int"/><x:group ref="t:G"/></x:sequence></x:group>`, `<x:group ref="t:G"/>`,
			"a:{type:integer format:int32" + xml + "}"},
		{"an expression that others have not", "", `<x:element name="a"><x:simpleType><x:restriction base="x:string"><x:pattern value="\i\c*"/></x:restriction></x:simpleType></x:element>`,
			"a:{type:string" + xml + "}"},
		{"a default", "", `<x:element name="a" type="x:string" default="b"/>`, "a:{type:string default:b" + xml + "}"},
		{"nothing of that name", "", `<x:element name="a" type="t:Khong"/><x:element ref="t:Khong"/>`, "a:{" + xml[1:] + "}"},
		{"a reference to what has no type of its own", `<x:element name="g" type="x:int"/>`, `<x:element ref="t:g"/>`, "g:{type:integer format:int32" + xml + "}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			made, err := Convert([]byte(described("document", tt.types+`<x:element name="Hoi"><x:complexType><x:sequence>`+tt.inside+`</x:sequence></x:complexType></x:element>`,
				`<part name="p" element="t:Hoi"/>`)))
			if err != nil {
				t.Fatal(err)
			}
			got := flow(at(made.Document, "components", "schemas", "Hoi", "properties"))
			if got = strings.TrimSuffix(strings.TrimPrefix(got, "{"), "}"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestNotCarried: operations that are left out are told.
func TestNotCarried(t *testing.T) {
	t.Parallel()
	const element = `<x:element name="Hoi"><x:complexType/></x:element>`
	whole := described("document", element, `<part name="p" element="t:Hoi"/>`)
	for _, tt := range []struct{ name, text, code string }{
		{"SOAP encoding", strings.Replace(whole, `use="literal"`, `use="encoded"`, 1), "wsdl-encoded"},
		{"a type in the body", described("document", "", `<part name="p" type="x:string"/>`), "wsdl-body"},
		{"two elements in the body", described("document", element, `<part name="p" element="t:Hoi"/><part name="q" element="t:Hoi"/>`), "wsdl-body"},
		{"no message", strings.Replace(whole, `message="t:In"`, `message="t:Khong"`, 1), "wsdl-body"},
		{"no port type", strings.Replace(whole, `type="t:P"`, `type="t:Khong"`, 1), "wsdl-reference"},
		{"not in the port type", strings.Replace(whole, `<portType name="P"><operation name="Hoi">`, `<portType name="P"><operation name="Khac">`, 1), "wsdl-no-input"},
		{"over mail", strings.Replace(whole, `<s:binding `, `<s:binding transport="urn:smtp" `, 1), "wsdl-transport"},
		{"a name that is no path", strings.ReplaceAll(whole, `operation name="Hoi"`, `operation name="a/b"`), "wsdl-name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			made, err := Convert([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			told := false
			for _, n := range made.Notes {
				told = told || n.Code == tt.code && n.Line > 0
			}
			if paths := at(made.Document, "paths"); len(paths.Content) > 0 || !told {
				t.Errorf("got %s, told %+v", flow(paths), made.Notes)
			}
		})
	}
}

// TestOverloads: operations of one name, and port types, have paths of their own.
func TestOverloads(t *testing.T) {
	t.Parallel()
	text := described("document", `<x:element name="Hoi"><x:complexType/></x:element><x:element name="Hoi2"><x:complexType/></x:element>`, `<part name="p" element="t:Hoi"/>`)
	text = strings.Replace(text, `<portType name="P">`, `<message name="In2"><part name="p" element="t:Hoi2"/></message><portType name="P"><operation name="Hoi"><input name="b" message="t:In2"/></operation>`, 1)
	text = strings.Replace(text, `<operation name="Hoi"><s:operation`, `<operation name="Hoi"><s:operation soapAction="urn:b"/><input name="b"><s:body use="literal"/></input></operation><operation name="Hoi"><s:operation`, 1)
	text = strings.Replace(text, `</definitions>`, `<portType name="Q"><operation name="Hoi"><input message="t:In"/></operation></portType><binding name="C" type="t:Q"><s:binding/><operation name="Hoi"><input><s:body use="literal"/></input></operation></binding></definitions>`, 1)
	made, err := Convert([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	paths := at(made.Document, "paths")
	for i := 0; i < len(paths.Content); i += 2 {
		got = append(got, paths.Content[i].Value+" "+at(paths.Content[i+1], "post", "x-soap", "element", "name").Value)
	}
	if want := []string{"/P/Hoi Hoi2", "/P/Hoi-2 Hoi", "/Q/Hoi Hoi"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestGrows: what multiplies itself is refused.
func TestGrows(t *testing.T) {
	t.Parallel()
	var groups, simple strings.Builder
	for i := range 20 {
		fmt.Fprintf(&groups, `<x:group name="g%d"><x:sequence>%s</x:sequence></x:group>`, i, strings.Repeat(fmt.Sprintf(`<x:group ref="t:g%d"/>`, i+1), 10))
		fmt.Fprintf(&simple, `<x:element name="e%d" type="t:E"/>`, i)
	}
	const hoi = `<x:element name="Hoi"><x:complexType><x:sequence><x:group ref="t:g0"/></x:sequence></x:complexType></x:element>`
	enum := `<x:simpleType name="E"><x:restriction base="x:string">` + strings.Repeat(`<x:enumeration value="a"/>`, 20_000) + `</x:restriction></x:simpleType>`
	for name, types := range map[string]string{
		"groups": groups.String() + hoi,
		"values": enum + `<x:group name="g0"><x:sequence>` + strings.Repeat(simple.String(), 20) + `</x:sequence></x:group>` + hoi,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Convert([]byte(described("document", types, `<part name="p" element="t:Hoi"/>`)))
			var refused *Refusal
			if !errors.As(err, &refused) || refused.Code != "wsdl-too-large" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestAt: a client that is made of the description calls the given address, and
// the service's own is nowhere in it.
func TestAt(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../testdata/ho-so.wsdl")
	if err != nil {
		t.Fatal(err)
	}
	extended := strings.Replace(string(text), `<wsdl:port name="HoSoSoap12"`, `<!-- https://ho-so.example.vn/cu --><wsdl:port name="HoSoSoap12"`, 1)
	extended = strings.Replace(extended, `</wsdl:port>`, `<w:EndpointReference xmlns:w="http://www.w3.org/2005/08/addressing"><w:Address>https://ho-so.example.vn/HoSo.svc</w:Address></w:EndpointReference></wsdl:port>`, 1)
	got, err := At([]byte(extended), "https://cong.example.vn/a/b/v1/?a=$1&b")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got), "ho-so.example.vn") || strings.Count(string(got), `location="https://cong.example.vn/a/b/v1/?a=$1&amp;b"`) != 3 {
		t.Errorf("got %s", got[strings.Index(string(got), "<wsdl:service"):])
	}
	before, err := Convert(text)
	if err != nil {
		t.Fatal(err)
	}
	after, err := Convert(got)
	if err != nil || flow(at(before.Document, "paths")) != flow(at(after.Document, "paths")) {
		t.Errorf("it says something else: %v", err)
	}
}

// TestSamples: an example has what the schema names, where it names it.
func TestSamples(t *testing.T) {
	t.Parallel()
	made, err := Convert([]byte(described("document", `<x:element name="Hoi"><x:complexType><x:sequence><x:element name="a" type="x:date" maxOccurs="9"/>
<x:element name="b" form="unqualified"><x:complexType><x:sequence><x:element ref="t:Hoi"/></x:sequence><x:attribute name="c" type="x:int"/></x:complexType></x:element></x:sequence></x:complexType></x:element>`,
		`<part name="p" element="t:Hoi"/>`)))
	if err != nil {
		t.Fatal(err)
	}
	want := `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
  <soap:Body>
    <Hoi xmlns="urn:d">
      <a>2025-01-01</a>
      <b xmlns="" c="1">
        <Hoi xmlns="urn:d"/>
      </b>
    </Hoi>
  </soap:Body>
</soap:Envelope>`
	if got := at(made.Document, "paths", "/Hoi", "post", "requestBody", "content", "text/xml", "example").Value; got != want {
		t.Errorf("got %s", got)
	}
}
