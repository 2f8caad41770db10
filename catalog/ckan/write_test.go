package ckan_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/catalog"
)

const asPublisher, asOther = "publisher so-cong-thuong", "publisher so-y-te"

// parts is a form with a file, as requests and curl send it.
func parts(action, file, content string, fields ...string) request {
	var b strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", fields[i], fields[i+1])
	}
	if file != "" {
		fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=\"upload\"; filename=%q\r\nContent-Type: application/octet-stream\r\n\r\n%s\r\n", file, content)
	}
	return request{method: "POST", path: "/api/action/" + action, kind: "multipart/form-data; boundary=x", body: b.String() + "--x--\r\n"}
}

// TestWrites takes a dataset from package_create to package_delete with a
// token, as ckanapi does; in between the agency's people review it.
func TestWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var p map[string]any
	w.result(post("package_create", `{"name":"thuy-loi","title":"Thuỷ lợi","title_translated":{"en":"Irrigation"},"notes":"Hồ, đập.","owner_org":"so-cong-thuong","license_id":"CC0-1.0","url":"https://a.example.vn/x",
		"maintainer":"Phòng A","maintainer_email":"a@example.vn","tags":[{"name":"hồ"},{"name":"đập"}],"groups":[{"name":"envi"}],"extras":[{"key":"frequency","value":"ANNUAL"},{"key":"temporal_start","value":"2025-01-01"}]}`).as(asPublisher), &p)
	w.id["thuy-loi"] = mustID(t, p["id"])
	want := `{"frequency":"ANNUAL","groups":"envi","license_id":"CC0-1.0","maintainer":"Phòng A","maintainer_email":"a@example.vn","name":"thuy-loi","notes":"Hồ, đập.","private":true,"state":"draft","tags":"hồ đập","title":"Thuỷ lợi","url":"https://a.example.vn/x"}`
	if got := brief(p); got != want {
		t.Errorf("created\n got %s\nwant %s", got, want)
	}
	if a := w.do(post("package_show", `{"id":"thuy-loi"}`)); a.status != http.StatusNotFound {
		t.Errorf("a draft is shown to all: %d", a.status)
	}

	var r struct {
		ID, Name, Description, Format, Hash string
		Active                              bool `json:"datastore_active"`
		Position                            int
	}
	w.result(parts("resource_create", "ho.csv", "Tên\nNước Trong\n", "package_id", "thuy-loi", "name", "Hồ chứa", "url", "ignored").as(asPublisher), &r)
	w.id["file"] = mustID(t, r.ID)
	if r.Name != "Hồ chứa" || r.Format != "CSV" || !r.Active || r.Position != 0 {
		t.Errorf("resource %+v", r)
	}
	first := r.Hash
	w.result(parts("resource_patch", "ho.csv", "Tên\nNước Trong\nLiệt Sơn\n", "id", "{file}").as(asPublisher), &r)
	if r.Name != "Hồ chứa" || r.Hash == first {
		t.Errorf("patched resource %+v", r)
	}
	w.result(post("resource_update", `{"id":"{file}","name":"Hồ","description":"Lakes"}`).as(asPublisher), &r)
	if r.Name != "Hồ" || r.Description != "Lakes" {
		t.Errorf("updated resource %+v", r)
	}

	w.result(post("package_patch", `{"id":"thuy-loi","tag_string":"hồ, đập nước"}`).as(asPublisher), &p)
	if got := brief(p); got != strings.Replace(want, `"hồ đập"`, `"hồ đập nước"`, 1) {
		t.Errorf("patched: %s", got)
	}
	// A client reads a package, changes it and sends the whole of it back.
	p["title"] = "Thuỷ lợi tỉnh"
	whole, err := json.Marshal(p)
	w.must(err)
	w.result(post("package_update", string(whole)).as(asPublisher), &p)
	if got := brief(p); got != strings.NewReplacer(`"hồ đập"`, `"hồ đập nước"`, `"Thuỷ lợi"`, `"Thuỷ lợi tỉnh"`).Replace(want) {
		t.Errorf("sent back: %s", got)
	}
	if en := p["title_translated"].(map[string]any)["en"]; en != "Irrigation" {
		t.Errorf("the English title became %v", en)
	}
	w.result(post("package_update", `{"id":"thuy-loi","title":"Hồ","notes":"Hồ.","groups":[{"name":"agri"}]}`).as(asPublisher), &p)
	if got, want := brief(p), `{"frequency":"UNKNOWN","groups":"agri","license_id":"CC-BY-4.0","maintainer":"Sở Công Thương","maintainer_email":null,"name":"thuy-loi","notes":"Hồ.","private":true,"state":"draft","tags":"agriculture fisheries food forestry lâm nghiệp nông nghiệp thuỷ sản","title":"Hồ","url":null}`; got != want {
		t.Errorf("updated\n got %s\nwant %s", got, want)
	}

	w.publish("thuy-loi")
	if got := w.found("", map[string]any{"q": "hồ"}); len(got) != 1 {
		t.Errorf("published, found %v", got)
	}
	a := w.do(post("package_delete", `{"id":"thuy-loi","reason":"trùng"}`).as(asPublisher))
	if a.status != 200 || !strings.Contains(a.body, `"result":null`) {
		t.Errorf("deleted: %d %s", a.status, a.body)
	}
	if a := w.do(post("package_show", `{"id":"thuy-loi"}`)); a.status != http.StatusNotFound {
		t.Errorf("a withdrawn one is shown to all: %d", a.status)
	}
	acts := "dataset.create distribution.add distribution.replace distribution.name dataset.edit dataset.edit dataset.edit dataset.submit dataset.approve dataset.publish dataset.withdraw"
	if got := strings.Join(w.acts, " "); got != acts {
		t.Errorf("recorded %s, want %s", got, acts)
	}
}

// publish takes a draft through review.
func (w *world) publish(name string) {
	w.t.Helper()
	publisher, steward := w.tokens[asPublisher], w.tokens["steward so-cong-thuong"]
	_, err := w.catalog.SubmitDataset(w.t.Context(), publisher, w.id[name])
	w.must(err)
	_, err = w.catalog.ApproveDataset(w.t.Context(), steward, w.id[name])
	w.must(err)
	_, err = w.catalog.PublishDataset(w.t.Context(), publisher, w.id[name])
	w.must(err)
}

// brief is what the tests look at of a package.
func brief(p map[string]any) string {
	out := map[string]any{}
	for _, name := range []string{"name", "title", "notes", "url", "license_id", "maintainer", "maintainer_email", "private", "state"} {
		out[name] = p[name]
	}
	for _, list := range []string{"tags", "groups"} {
		var names []string
		for _, item := range p[list].([]any) {
			names = append(names, item.(map[string]any)["name"].(string))
		}
		out[list] = strings.Join(names, " ")
	}
	for _, item := range p["extras"].([]any) {
		if extra := item.(map[string]any); extra["key"] == "frequency" {
			out["frequency"] = extra["value"]
		}
	}
	text, _ := json.Marshal(out) // it came as JSON
	return string(text)
}

func TestWriteRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	before := len(w.acts)
	const invalid = `"__type":"Validation Error"`
	for _, tt := range []struct {
		name   string
		r      request
		who    string
		status int
		want   string
	}{
		{"nobody", post("package_create", `{"name":"a-b"}`), "", 403, "Access denied: a token is needed"},
		{"a token of nobody", post("package_delete", `{"id":"san-luong-lua"}`), "stolen", 403, "Access denied: a token is needed"},
		{"nobody with a file", parts("resource_create", "a.csv", "a\n1\n", "package_id", "san-luong-lua"), "", 403, "Access denied: a token is needed"},
		{"an official with one factor", post("package_patch", `{"id":"san-luong-lua","title":"A"}`), "one factor", 403, "Access denied: an official's roles ask"},
		{"by GET", get("/api/3/action/package_patch?id=san-luong-lua&title=x"), asPublisher, 400, "Please use POST method"},
		{"a citizen creates", post("package_create", `{"name":"a-b","title":"A","owner_org":"so-y-te"}`), "citizen", 403, "Access denied: dataset.edit"},
		{"another agency creates", post("package_create", `{"name":"a-b","title":"A","owner_org":"so-cong-thuong"}`), asOther, 403, "Access denied: dataset.edit"},
		{"another agency patches", post("package_patch", `{"id":"san-luong-lua","title":"A"}`), asOther, 403, "Access denied: dataset.edit"},
		{"another agency updates what it cannot see", post("package_update", `{"id":"chua-mo-draft","title":"A"}`), asOther, 404, "Not found"},
		{"another agency adds a file", parts("resource_create", "a.csv", "a\n1\n", "package_id", "san-luong-lua"), asOther, 403, "Access denied: dataset.edit"},
		{"another agency replaces a file", parts("resource_patch", "a.csv", "a\n1\n", "id", "{san-luong-lua file}"), asOther, 403, "Access denied: dataset.edit"},
		{"another agency names a file", post("resource_patch", `{"id":"{san-luong-lua file}","name":"A"}`), asOther, 403, "Access denied: dataset.edit"},
		{"another agency names what it cannot see", post("resource_patch", `{"id":"{chua-mo-draft file}","name":"A"}`), asOther, 404, "Not found"},
		{"another agency withdraws", post("package_delete", `{"id":"san-luong-lua"}`), asOther, 403, "Access denied: dataset.publish"},
		{"a steward edits", post("package_patch", `{"id":"san-luong-lua","title":"A"}`), "steward so-cong-thuong", 403, "Access denied: dataset.edit"},
		{"no organization", post("package_create", `{"name":"a-b","title":"A"}`), asPublisher, 409, `"owner_org":["An organization must be provided"]`},
		{"an unknown organization", post("package_create", `{"name":"a-b","title":"A","owner_org":"x"}`), asPublisher, 409, `"owner_org":["Organization does not exist"]`},
		{"name taken", post("package_create", `{"name":"tram-y-te","title":"A","owner_org":"so-cong-thuong"}`), asPublisher, 409, `"name":["That URL is already in use."]`},
		{"no name, no title, wrong address", post("package_create", `{"url":"javascript:x","maintainer_email":"x","owner_org":"so-cong-thuong"}`), asPublisher, 409, `"maintainer_email":["is not an e-mail address"],"title":["is required"],"url":["is not an http or https address"]`},
		{"an unknown licence", post("package_create", `{"name":"a-b","title":"A","license_id":"notspecified","owner_org":"so-cong-thuong"}`), asPublisher, 409, `"license_id":["is not in the list"]`},
		{"an unknown theme", post("package_create", `{"name":"a-b","title":"A","groups":[{"name":"x"}],"owner_org":"so-cong-thuong"}`), asPublisher, 409, `"groups":["There is no theme`},
		{"two themes", post("package_patch", `{"id":"san-luong-lua","groups":[{"name":"agri"},{"name":"econ"}]}`), asPublisher, 409, `"groups":`},
		{"an extra without a place", post("package_patch", `{"id":"san-luong-lua","extras":[{"key":"colour","value":"red"}]}`), asPublisher, 409, `"extras":["There is no place for colour`},
		{"a wrong date", post("package_patch", `{"id":"san-luong-lua","extras":[{"key":"temporal_start","value":"30/7/2019"}]}`), asPublisher, 409, `"extras":["temporal_start is not a date`},
		{"wrong shapes", post("package_patch", `{"id":"san-luong-lua","tags":"x"}`), asPublisher, 409, `"tags":`},
		{"a language", post("package_patch", `{"id":"san-luong-lua","title_translated":{"fr":"x"}}`), asPublisher, 409, `"title_translated":`},
		{"a type", post("package_patch", `{"id":"san-luong-lua","type":"harvest"}`), asPublisher, 409, `"type":`},
		{"another organization", post("package_patch", `{"id":"san-luong-lua","owner_org":"so-y-te"}`), asPublisher, 409, `"owner_org":["A dataset stays`},
		{"another name once published", post("package_patch", `{"id":"san-luong-lua","name":"lua"}`), asPublisher, 409, "stays san-luong-lua"},
		{"resources inside", post("package_create", `{"name":"a-b","title":"A","owner_org":"so-cong-thuong","resources":[{"url":"https://a.vn/x"}]}`), asPublisher, 409, `"resources":["Files are sent by resource_create`},
		{"a resource added inside", post("package_patch", `{"id":"san-luong-lua","resources":[{"url":"https://a.vn/x"}]}`), asPublisher, 409, `"resources":`},
		{"what is in review", post("package_patch", `{"id":"chua-mo-review","title":"A"}`), asPublisher, 409, "is review"},
		{"delete a draft", post("package_delete", `{"id":"chua-mo-draft"}`), asPublisher, 409, "is draft"},
		{"a resource without a file", post("resource_create", `{"package_id":"san-luong-lua","url":"https://a.vn/x.csv"}`), asPublisher, 409, `"upload":["Missing value`},
		{"a program as a file", parts("resource_create", "a.exe", "MZ", "package_id", "san-luong-lua"), asPublisher, 409, `"upload":["files named`},
		{"a broken table", parts("resource_create", "a.csv", "a,b\n1,\"2\n", "package_id", "san-luong-lua"), asPublisher, 409, invalid},
		{"a long name", post("resource_patch", `{"id":"{san-luong-lua file}","name":"`+strings.Repeat("x", 301)+`"}`), asPublisher, 409, `"name":["Must be text`},
		{"a file for an action that takes none", parts("package_patch", "a.csv", strings.Repeat("a\n", 3<<20), "id", "san-luong-lua"), asPublisher, 400, "too large"},
		{"delete a resource", post("resource_delete", `{"id":"{san-luong-lua file}"}`), asPublisher, 403, "stays with all its versions"},
		{"delete what cannot be seen", post("resource_delete", `{"id":"{chua-mo-draft file}"}`), asOther, 404, "Not found"},
	} {
		if tt.who != "" {
			tt.r = tt.r.as(tt.who)
		}
		if a := w.do(tt.r); a.status != tt.status || !strings.Contains(a.body, tt.want) {
			t.Errorf("%s: got %d %s\nwant %d %s", tt.name, a.status, a.body, tt.status, tt.want)
		}
	}
	if len(w.acts) != before {
		t.Errorf("refusals left acts: %v", w.acts[before:])
	}
	d, err := w.catalog.DatasetBySlug(t.Context(), auth.Principal{}, "san-luong-lua")
	w.must(err)
	if d.TitleVI != "Sản lượng lúa" || len(d.Distributions) != 1 || d.Distributions[0].Version != 1 || d.Distributions[0].TitleVI != "Số liệu" || d.State != catalog.Published {
		t.Errorf("a refusal changed %+v", d)
	}
}

// TestTagsKeepKeywords: a keyword whose tag is sent back stays as it was; a
// change of a public dataset waits for approval.
func TestTagsKeepKeywords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	var p map[string]any
	w.result(post("package_patch", `{"id":"san-luong-lua","tags":[{"name":"lúa gạo"},{"name":"rice"},{"name":"mới"}]}`).as(asPublisher), &p)
	if got := fmt.Sprintf("%v %v", p["title"], p["num_tags"]); got != "Sản lượng lúa 3" {
		t.Errorf("before anybody approved it, the public one is %s", got)
	}
	d, err := w.catalog.DatasetBySlug(t.Context(), w.tokens[asPublisher], "san-luong-lua")
	w.must(err)
	if d.Edit == nil || fmt.Sprint(d.Edit.Text.KeywordsVI, d.Edit.Text.KeywordsEN) != "[lúa, gạo mới] [rice]" {
		t.Errorf("what waits is %+v", d.Edit)
	}
}
