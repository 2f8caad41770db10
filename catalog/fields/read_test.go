package fields

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lgsp/internal/problem"
)

const drawn = `# Bản đồ của Sở
fields:
  - name: so_hieu
    label: {vi: Số hiệu bản đồ, en: Map number}
    help: {vi: "Ghi như trên bìa", en: As on the cover}
    required: true
    max_length: 40
    property: schema:serialNumber
  - name: ty_le
    label: Tỷ lệ
    type: number
  - name: he_toa_do
    label: {vi: Hệ toạ độ, en: Coordinates}
    type: choice
    choices:
      - {value: VN2000, label: {vi: "VN-2000", en: "VN-2000"}}
      - {value: WGS84, label: {vi: Toàn cầu WGS 84, en: Global WGS 84}}
  - name: lop
    label: Lớp
    type: choices
    choices: [thuy-van, giao-thong, dia-hinh]
  - name: ghi_chu
    label: Ghi chú nội bộ
    type: long-text
    shown: agency
`

func TestReadsASchema(t *testing.T) {
	t.Parallel()
	s, err := Read([]byte("\ufeff" + drawn))
	if err != nil {
		t.Fatal(err)
	}
	want := []Field{
		{Name: "so_hieu", LabelVI: "Số hiệu bản đồ", LabelEN: "Map number", HelpVI: "Ghi như trên bìa", HelpEN: "As on the cover", Type: Text,
			Required: true, MaxLength: 40, Shown: ShownToAll, Property: "https://schema.org/serialNumber", Choices: []Option{}},
		{Name: "ty_le", LabelVI: "Tỷ lệ", Type: Number, Shown: ShownToAll, Choices: []Option{}},
		{Name: "he_toa_do", LabelVI: "Hệ toạ độ", LabelEN: "Coordinates", Type: Choice, Shown: ShownToAll,
			Choices: []Option{{"VN2000", "VN-2000", "VN-2000"}, {"WGS84", "Toàn cầu WGS 84", "Global WGS 84"}}},
		{Name: "lop", LabelVI: "Lớp", Type: Choices, Shown: ShownToAll,
			Choices: []Option{{"thuy-van", "thuy-van", ""}, {"giao-thong", "giao-thong", ""}, {"dia-hinh", "dia-hinh", ""}}},
		{Name: "ghi_chu", LabelVI: "Ghi chú nội bộ", Type: Long, MaxLength: 4000, Shown: ShownToAgency, Choices: []Option{}},
	}
	if !reflect.DeepEqual(s.Fields, want) {
		t.Errorf("read %+v", s.Fields)
	}
	if none, err := Read([]byte("fields: []\n")); err != nil || none.Fields == nil || len(none.Fields) != 0 {
		t.Errorf("no fields: %+v, %v", none, err)
	}
	if public := s.Public(); len(public.Fields) != 4 {
		t.Errorf("%d fields are public", len(public.Fields))
	}
}

func TestRefusesWithTheLine(t *testing.T) {
	t.Parallel()
	many := "fields:\n" + strings.Repeat("  - {name: ab, label: A}\n", MaxFields+1)
	choices := "fields:\n  - name: ab\n    label: A\n    type: choice\n    choices:\n" + strings.Repeat("      - a\n", MaxChoices+1)
	laughs := "a: &a [x,x]\nb: &b [*a,*a]\nfields: [*b,*b]\n"
	deep := "fields: " + strings.Repeat("[", 30) + strings.Repeat("]", 30)
	one := func(more string) string { return "fields:\n  - name: ab\n    label: A\n" + more }
	for name, tt := range map[string]struct {
		text, code, line string
	}{
		"empty":                {"", "schema-yaml", "1"},
		"no YAML":              {"fields:\n  - name: [\n", "schema-yaml", ""},
		"a list":               {"- a\n", "schema-object", "1"},
		"no list of fields":    {"fields: 3\n", "schema-fields", "1"},
		"another member":       {"fields: []\nfoo: 1\n", "schema-unknown", "2"},
		"fields twice":         {"fields: []\nfields: []\n", "schema-twice", "2"},
		"two documents":        {"fields: []\n---\nfields: []\n", "schema-documents", "2"},
		"aliases":              {laughs, "schema-alias", "1"},
		"an anchor":            {one("    help: &a b\n"), "schema-alias", "4"},
		"a merge key":          {"x: &x {name: ab}\nfields:\n  - <<: *x\n", "schema-alias", "1"},
		"a tag":                {one("    help: !!binary aGE=\n"), "schema-tag", "4"},
		"deep":                 {deep, "schema-deep", "1"},
		"NUL":                  {"fields: []\n\x00", "schema-text", "2"},
		"NUL escaped":          {one("    help: \"a\\0b\"\n"), "schema-text", "4"},
		"not UTF-8":            {"# a\n# \xff\nfields: []\n", "schema-text", "2"},
		"many fields":          {many, "schema-many", "42"},
		"no name":              {"fields:\n  - label: A\n", "schema-name", "2"},
		"a name in capitals":   {"fields:\n  - name: Ab\n    label: A\n", "schema-name", "2"},
		"a name of CKAN's":     {"fields:\n  - name: notes\n    label: A\n", "schema-name-taken", "2"},
		"a name twice":         {one("  - name: ab\n    label: B\n"), "schema-name-twice", "4"},
		"no label":             {"fields:\n  - name: ab\n", "schema-label", "2"},
		"an English label":     {"fields:\n  - name: ab\n    label: {en: A}\n", "schema-label", "3"},
		"a third language":     {"fields:\n  - name: ab\n    label: {vi: A, fr: B}\n", "schema-unknown", "3"},
		"a long label":         {"fields:\n  - name: ab\n    label: " + strings.Repeat("ă", maxLabel+1) + "\n", "schema-long", "3"},
		"a label that is none": {"fields:\n  - name: ab\n    label: [a]\n", "schema-no-text", "3"},
		"an unknown member":    {one("    hint: b\n"), "schema-unknown", "4"},
		"an unknown type":      {one("    type: colour\n"), "schema-type", "4"},
		"shown to others":      {one("    shown: friends\n"), "schema-shown", "4"},
		"required perhaps":     {one("    required: perhaps\n"), "schema-bool", "4"},
		"a length too large":   {one("    max_length: 1001\n"), "schema-length", "4"},
		"a length of a date":   {one("    type: date\n    max_length: 10\n"), "schema-length-type", "5"},
		"choices of a text":    {one("    choices: [a]\n"), "schema-choices-type", "4"},
		"a choice of nothing":  {one("    type: choice\n"), "schema-choices-none", "2"},
		"an empty list":        {one("    type: choice\n    choices: []\n"), "schema-choices-none", "5"},
		"many choices":         {choices, "schema-choices-many", "206"},
		"a choice twice":       {one("    type: choice\n    choices:\n      - a\n      - a\n"), "schema-choice-twice", "7"},
		"an empty choice":      {one("    type: choice\n    choices:\n      - \"\"\n"), "schema-choice", "6"},
		"a property of words":  {one("    property: số hiệu\n"), "schema-property", "4"},
		"a prefix unknown":     {one("    property: foo:bar\n"), "schema-property-prefix", "4"},
		"the title again":      {one("    property: dct:title\n"), "schema-property-taken", "4"},
		"rdf:type":             {one("    property: http://www.w3.org/1999/02/22-rdf-syntax-ns#type\n"), "schema-property-taken", "4"},
		"injected":             {one("    property: 'https://a.vn/x> <b> \"c'\n"), "schema-property", "4"},
		"exported in secret":   {one("    property: schema:about\n    shown: agency\n"), "schema-property-hidden", "4"},
	} {
		_, err := Read([]byte(tt.text))
		var found []string
		for _, f := range problem.Of(err).Fields {
			found = append(found, f.Code+" "+f.Args["line"])
			if tt.line == "" {
				found = append(found, f.Code+" ")
			}
		}
		if !problem.Is(err, problem.Invalid) || !slices.Contains(found, tt.code+" "+tt.line) {
			t.Errorf("%s: %v, %v; want %s of line %s", name, err, found, tt.code, tt.line)
		}
	}
	if _, err := Read([]byte("#" + strings.Repeat("a", MaxBytes))); !problem.Is(err, problem.TooLarge) {
		t.Errorf("a large one: %v", err)
	}
	faults := "fields:\n" + strings.Repeat("  - {nom: 1, label: [a], typo: 2, required: x}\n", MaxFields)
	if _, err := Read([]byte(faults)); len(problem.Of(err).Fields) != maxFaults {
		t.Errorf("%d faults are told", len(problem.Of(err).Fields))
	}
}

// Whatever it is fed, Read neither panics nor takes a schema beyond its bounds,
// and a schema that it takes survives being kept as JSON.
func FuzzRead(f *testing.F) {
	f.Add([]byte(drawn))
	f.Add([]byte("a: &a [x,x]\nfields: [*a,*a]\n"))
	f.Add([]byte("fields:\n - {name: ab, label: {vi: A}, type: choice, choices: [a, {value: b}]}\n"))
	f.Add([]byte(`{"fields":[{"name":"ab","label":"A","property":"dct:audience","max_length":3}]}`))
	f.Add([]byte("fields: !!set {a}\n---\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Read(text)
		if err != nil {
			if !problem.Is(err, problem.Invalid) && !problem.Is(err, problem.TooLarge) || len(problem.Of(err).Fields) == 0 {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		kept, err := json.Marshal(s)
		var again Schema
		if err == nil {
			err = json.Unmarshal(kept, &again)
		}
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("kept as %s, %v", kept, err)
		}
		for _, field := range s.Fields {
			if len(s.Fields) > MaxFields || !nameForm.MatchString(field.Name) || field.LabelVI == "" || len(field.Choices) > MaxChoices ||
				strings.ContainsAny(field.Property, "<>\" \n") || strings.ContainsRune(string(kept), 0) {
				t.Fatalf("took %+v", field)
			}
		}
	})
}

func TestHoldsValuesToTheSchema(t *testing.T) {
	t.Parallel()
	s, err := Read([]byte(drawn + `
  - {name: ngay_do, label: Ngày đo, type: date}
  - {name: trang, label: Trang, type: url}
  - {name: hop_thu, label: Hộp thư, type: email}
  - {name: kiem_tra, label: Đã kiểm tra, type: yes-no}
`))
	if err != nil {
		t.Fatal(err)
	}
	var given Values
	body := `{"so_hieu":"  BD  12 ","ty_le":10000,"he_toa_do":"WGS84","lop":["giao-thong","thuy-van","thuy-van"],"kiem_tra":true,
		"ngay_do":"2026-07-30","trang":"https://a.vn/x","hop_thu":"so@quangngai.gov.vn","ghi_chu":"a\r\nb","cu":"giữ","bo":null}`
	if err := json.Unmarshal([]byte(body), &given); err != nil {
		t.Fatal(err)
	}
	e := &problem.Error{}
	clean := s.Check(e, given, Values{"cu": {Text: "giữ"}, "bo": {Text: "xoá"}, "con": {Text: "còn"}})
	want := Values{"so_hieu": {Text: "BD 12"}, "ty_le": {Text: "10000"}, "he_toa_do": {Text: "WGS84"}, "lop": {Many: []string{"thuy-van", "giao-thong"}},
		"kiem_tra": {Text: "yes"}, "ngay_do": {Text: "2026-07-30"}, "trang": {Text: "https://a.vn/x"}, "hop_thu": {Text: "so@quangngai.gov.vn"},
		"ghi_chu": {Text: "a\nb"}, "cu": {Text: "giữ"}, "con": {Text: "còn"}}
	if len(e.Fields) > 0 || !reflect.DeepEqual(clean, want) {
		t.Errorf("checked as %+v, %+v", clean, e.Fields)
	}
	if kept := s.Kept(clean); !slices.Equal(kept, []string{"con", "cu"}) {
		t.Errorf("kept %v", kept)
	}
	if public := s.PublicOf(clean); len(public) != 8 || !public["ghi_chu"].Empty() || !public["cu"].Empty() {
		t.Errorf("public are %+v", public)
	}
	if words := s.Searched(clean); !strings.Contains(words, "Toàn cầu WGS 84. Global WGS 84") || strings.Contains(words, "a\nb") {
		t.Errorf("searched by %q", words)
	}
	for name, tt := range map[string]struct {
		field string
		value Value
		code  string
	}{
		"long":              {"so_hieu", Value{Text: strings.Repeat("a", 41)}, "schema-value-long"},
		"no text":           {"so_hieu", Value{Text: "\xff"}, "schema-value-text"},
		"several":           {"so_hieu", Value{Many: []string{"a", "b"}}, "schema-value-one"},
		"no number":         {"ty_le", Value{Text: "1.350,5"}, "schema-value-number"},
		"endless number":    {"ty_le", Value{Text: strings.Repeat("9", 31)}, "schema-value-number"},
		"no date":           {"ngay_do", Value{Text: "30/7/2026"}, "schema-value-date"},
		"a script":          {"trang", Value{Text: "javascript:alert(1)"}, "schema-value-url"},
		"no e-mail":         {"hop_thu", Value{Text: "so"}, "schema-value-email"},
		"not in the list":   {"he_toa_do", Value{Text: "HN72"}, "schema-value-choice"},
		"one not in list":   {"lop", Value{Many: []string{"thuy-van", "x"}}, "schema-value-choice"},
		"perhaps":           {"kiem_tra", Value{Text: "perhaps"}, "schema-value-yes-no"},
		"not in the schema": {"la", Value{Text: "x"}, "schema-field-gone"},
	} {
		e := &problem.Error{}
		s.Check(e, Values{tt.field: tt.value}, nil)
		if len(e.Fields) != 1 || e.Fields[0].Code != tt.code || e.Fields[0].Name != "fields/"+tt.field {
			t.Errorf("%s: %+v", name, e.Fields)
		}
	}
	e = &problem.Error{}
	s.Missing(e, Values{"ty_le": {Text: "1"}})
	if len(e.Fields) != 1 || e.Fields[0].Name != "fields/so_hieu" {
		t.Errorf("missing %+v", e.Fields)
	}
	large := Values{}
	for i := range 40 {
		large["f"+string(rune('a'+i%26))+string(rune('a'+i/26))] = Value{Text: strings.Repeat("a", 2000)}
	}
	e = &problem.Error{}
	s.Check(e, Values{}, large)
	if len(e.Fields) != 1 || e.Fields[0].Code != "schema-values-large" {
		t.Errorf("much: %+v", e.Fields)
	}
	var v Value
	if err := json.Unmarshal([]byte(`{"a":1}`), &v); err == nil {
		t.Error("an object was read as a value")
	}
}
