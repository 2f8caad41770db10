package ckan_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"lgsp/catalog"
)

const ownFields = `fields:
  - {name: so_hieu, label: Số hiệu, required: true, max_length: 10}
  - {name: lop, label: Lớp, type: choices, choices: [thuy-van, giao-thong]}
  - {name: ty_le, label: Tỷ lệ, type: number}
  - {name: kin, label: Kín, shown: agency}
`

// extras are those of a package, by key.
func extras(p map[string]any) map[string]string {
	found := map[string]string{}
	for _, item := range p["extras"].([]any) {
		one := item.(map[string]any)
		found[one["key"].(string)] = one["value"].(string)
	}
	return found
}

// TestOwnFields writes an agency's own fields as extras and by their names,
// and reads them as extras.
func TestOwnFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	publisher := w.tokens[asPublisher]
	_, err := w.catalog.SetFieldSchema(t.Context(), publisher, w.agencies[0].ID, catalog.FieldSchemaText{Text: ownFields})
	w.must(err)
	var p map[string]any
	w.result(post("package_create", `{"name":"ban-do","title":"Bản đồ","notes":"Nền.","owner_org":"so-cong-thuong","groups":[{"name":"envi"}],"ty_le":10000,
		"extras":[{"key":"frequency","value":"ANNUAL"},{"key":"so_hieu","value":"BD-77"},{"key":"lop","value":"[\"giao-thong\",\"thuy-van\"]"},{"key":"kin","value":"ngăn 4"}]}`).as(asPublisher), &p)
	w.id["ban-do"] = mustID(t, p["id"])
	got := extras(p)
	if got["so_hieu"] != "BD-77" || got["lop"] != `["thuy-van","giao-thong"]` || got["ty_le"] != "10000" || got["kin"] != "ngăn 4" || got["frequency"] != "ANNUAL" {
		t.Errorf("created with %v", got)
	}
	// A client sends the whole package back as it read it.
	whole, err := json.Marshal(p)
	w.must(err)
	w.result(post("package_update", string(whole)).as(asPublisher), &p)
	if again := extras(p); again["lop"] != got["lop"] || again["ty_le"] != "10000" || again["kin"] != "ngăn 4" {
		t.Errorf("sent back: %v", again)
	}
	w.result(post("package_patch", `{"id":"ban-do","lop":["giao-thong"],"notes":"Nền 2."}`).as(asPublisher), &p)
	if now := extras(p); now["lop"] != `["giao-thong"]` || now["so_hieu"] != "BD-77" || now["ty_le"] != "10000" {
		t.Errorf("patched: %v", now)
	}
	for name, tt := range map[string]struct{ body, field string }{
		"too long":          {`{"id":"ban-do","so_hieu":"` + strings.Repeat("a", 11) + `"}`, "so_hieu"},
		"no number":         {`{"id":"ban-do","extras":[{"key":"ty_le","value":"1:10000"}]}`, "ty_le"},
		"not in the list":   {`{"id":"ban-do","lop":["x"]}`, "lop"},
		"an object":         {`{"id":"ban-do","lop":{"a":1}}`, "lop"},
		"said twice":        {`{"id":"ban-do","so_hieu":"a","extras":[{"key":"so_hieu","value":"b"}]}`, "so_hieu"},
		"no field of those": {`{"id":"ban-do","extras":[{"key":"la","value":"b"}]}`, "extras"},
	} {
		a := w.do(post("package_patch", tt.body).as(asPublisher))
		if a.status != http.StatusConflict || !strings.Contains(a.body, `"`+tt.field+`":[`) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	w.result(parts("resource_create", "ho.csv", "Tên\nNước Trong\n", "package_id", "ban-do", "name", "Hồ chứa").as(asPublisher), &p)
	w.publish("ban-do")
	w.result(post("package_show", `{"id":"ban-do"}`), &p)
	if now := extras(p); now["so_hieu"] != "BD-77" || now["kin"] != "" {
		t.Errorf("everyone reads %v", now)
	}
	var f struct{ Results []map[string]any }
	w.result(post("package_search", `{"q":"BD-77"}`), &f)
	if len(f.Results) != 1 || extras(f.Results[0])["kin"] != "" || extras(f.Results[0])["lop"] != `["giao-thong"]` {
		t.Errorf("found %v", f.Results)
	}
	// What is left out of an update vanishes, which a required field may not.
	a := w.do(post("package_update", `{"id":"ban-do","title":"Bản đồ","notes":"Nền.","groups":[{"name":"envi"}]}`).as(asPublisher))
	if a.status != http.StatusConflict || !strings.Contains(a.body, `"so_hieu":["is required"]`) {
		t.Errorf("updated without what is required: %d %s", a.status, a.body)
	}
}
