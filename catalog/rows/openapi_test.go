package rows

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestOpenAPIDescribesTheTable(t *testing.T) {
	t.Parallel()
	table, err := scan(t, "GEOJSON", `{"features":[{"geometry":{"type":"Point","coordinates":[108.8,15.1]},"properties":{"mã":"01","số":2,"ngày":"2019-07-30","mở":"có","giá":1.5}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	var columns []Described
	for _, c := range table.Columns {
		columns = append(columns, Described{Column: c, Title: c.Name, Unit: "đồng"})
	}
	text, err := json.Marshal(OpenAPI(Document{Title: "Thuê bao", Version: "1", Address: "https://lgsp.example.vn/x", Licence: "CC-BY-4.0", Rows: 1350}, columns))
	if err != nil {
		t.Fatal(err)
	}
	d, err := openapi3.NewLoader().LoadFromData(text)
	if err == nil {
		err = d.Validate(t.Context())
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	// Every parameter of the document is understood, and none is missing.
	for _, p := range d.Paths.Find("/rows").Get.Parameters {
		value := "1"
		switch name := p.Value.Name; {
		case p.Value.Schema.Value.Enum != nil:
			value = p.Value.Schema.Value.Enum[0].(string)
		case name == "sort", name == "columns", name == "group", strings.HasPrefix(name, "ma__"):
			value = "ma"
		case name == "sum", name == "avg", name == "min", name == "max":
			value = "so"
		case strings.HasPrefix(name, "ngay__"):
			value = "30/7/2019"
		case strings.HasPrefix(name, "mo__"):
			value = "có"
		case name == "after":
			continue
		}
		if _, err := Parse(url.Values{p.Value.Name: {value}}, table.Columns); err != nil {
			t.Errorf("%s=%s: %v", p.Value.Name, value, err)
		}
	}
	if !strings.Contains(string(text), "1,350 rows") || strings.Contains(string(text), "geometry__exact") {
		t.Errorf("the document: %s", text)
	}
}
