package dcat

import (
	"encoding/json"
	"testing"

	"lgsp/catalog"
)

const ownFields = `fields:
  - {name: so_hieu, label: Số hiệu, property: schema:serialNumber}
  - {name: ty_le, label: Tỷ lệ, type: number, property: https://example.vn/ns/ban-do#tyLe}
  - {name: ngay_do, label: Ngày đo, type: date, property: "https://example.vn/a&b/ngayDo"}
  - {name: he, label: Hệ, type: choice, property: dct:audience, choices: [{value: VN, label: {vi: Hệ Việt Nam, en: Vietnamese}}]}
  - {name: trang, label: Trang, type: url, property: schema:sameAs}
  - {name: thu, label: Thư, type: email, property: schema:email}
  - {name: xong, label: Đã kiểm tra, type: yes-no, property: schema:isAccessibleForFree}
  - {name: tran, label: Không xuất}
  - {name: kin, label: Kín, shown: agency}
`

// An agency's own fields that name a property are said in each syntax, and
// nothing else of them is.
func TestOwnFieldsInEachSyntax(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	if _, err := l.Catalog.SetFieldSchema(t.Context(), l.steward, l.agency.ID, catalog.FieldSchemaText{Text: ownFields}); err != nil {
		t.Fatal(err)
	}
	text := full("ban-do")
	err := json.Unmarshal([]byte(`{"so_hieu":"BD \"77\" <&","ty_le":10000.5,"ngay_do":"2026-07-30","he":"VN","trang":"https://example.vn/a?b=1&c=2",
		"thu":"so@quangngai.gov.vn","xong":true,"tran":"thấy ở trang","kin":"ngăn 4"}`), &text.Fields)
	if err != nil {
		t.Fatal(err)
	}
	l.publish(t, text)
	const it = "https://mo.example/dataset/ban-do"
	iri := func(to string) term { return term{iri: to} }
	want := []triple{
		{it, arc{"https://schema.org/serialNumber", plain(`BD "77" <&`)}},
		{it, arc{"https://example.vn/ns/ban-do#tyLe", valued("10000.5", "xsd:decimal")}},
		{it, arc{"https://example.vn/a&b/ngayDo", valued("2026-07-30", "xsd:date")}},
		{it, arc{expand("dct:audience"), spoken("Hệ Việt Nam", "vi")}}, {it, arc{expand("dct:audience"), spoken("Vietnamese", "en")}},
		{it, arc{"https://schema.org/sameAs", iri("https://example.vn/a?b=1&c=2")}},
		{it, arc{"https://schema.org/email", iri("mailto:so@quangngai.gov.vn")}},
		{it, arc{"https://schema.org/isAccessibleForFree", valued("true", "xsd:boolean")}},
	}
	for ending, read := range map[string]func(string) (map[triple]bool, error){"ttl": readTurtle, "rdf": readXML, "jsonld": readJSON} {
		for _, address := range []string{"/dataset/ban-do.", "/catalog."} {
			got, err := read(l.get(t, address+ending).Body.String())
			if err != nil {
				t.Fatalf("%s%s: %v", address, ending, err)
			}
			for _, one := range want {
				if !got[one] {
					t.Errorf("%s%s does not say %s %+v", address, ending, one.predicate, one.object)
				}
			}
			for said := range got {
				if said.object.text == "ngăn 4" || said.object.text == "thấy ở trang" {
					t.Errorf("%s%s says %s", address, ending, said.object.text)
				}
			}
		}
	}
}
