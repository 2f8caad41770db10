package ckan_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lgsp/catalog"
	"lgsp/catalog/ckan"
)

// wants are the parameters to try each action with; {it} is a dataset's name
// or id, {file} its file's.
var wants = map[string][]string{
	"package_show": {`{"id":"{it}"}`}, "package_activity_list": {`{"id":"{it}"}`}, "resource_show": {`{"id":"{file}"}`}, "resource_view_list": {`{"id":"{file}"}`},
	"datastore_search": {`{"resource_id":"{file}"}`, `{"resource_id":"_table_metadata"}`}, "datastore_info": {`{"id":"{file}"}`},
	"package_search": {`{"rows":1000,"facet.field":["tags","organization","groups","res_format","license_id","state","private","capacity"]}`, `{"q":"bí mật"}`, `{"q":"lúa"}`, `{"fq":"name:{it} OR id:{it}"}`, `{"fq":"tags:b*"}`, `{"fq":"private:true OR state:draft"}`,
		`{"include_private":true,"include_drafts":true,"include_deleted":true}`, `{"q":"bí mật","include_private":true,"include_drafts":true}`, `{"fq":"maintainer:giữ","include_drafts":true}`, `{"fq":"groups:just"}`, `{"fq":"-name:x","include_private":"True"}`},
	"package_autocomplete": {`{"q":"chưa"}`, `{"q":"chua-mo"}`}, "tag_autocomplete": {`{"q":"bí"}`}, "tag_search": {`{"query":"bí"}`}, "tag_show": {`{"id":"bí mật","include_datasets":true}`}, "tag_list": {`{}`, `{"query":"bí","all_fields":true}`},
	"format_autocomplete": {`{"q":"s"}`}, "resource_search": {`{"query":"name:Số","limit":1000}`, `{"query":"url:{it}"}`, `{"query":"hash:a"}`}, "group_show": {`{"id":"just","include_datasets":true}`}, "group_package_show": {`{"id":"just"}`},
	"organization_show": {`{"id":"so-cong-thuong","include_datasets":true}`}, "organization_list": {`{"all_fields":true}`}, "group_list": {`{"all_fields":true}`},
	"organization_autocomplete": {`{"q":"sở"}`}, "group_autocomplete": {`{"q":"tư"}`}, "help_show": {`{"name":"package_show"}`},
	"package_list": {`{}`}, "current_package_list_with_resources": {`{}`}, "recently_changed_packages_activity_list": {`{}`},
	"license_list": {`{}`}, "vocabulary_list": {`{}`}, "status_show": {`{}`}, "site_read": {`{}`}, "datastore_search_sql": {`{"sql":"select 1"}`}, "organization_list_for_user": {`{}`},
}

// TestWhoSeesWhat calls every action about every dataset that is not public as
// everybody who may not know of it: no answer holds a word of it, and an
// unknown one is answered the same.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	for _, action := range ckan.ActionNames() {
		if wants[action] == nil && !slices.Contains(writing, action) {
			t.Errorf("nobody has tried %s", action)
		}
	}
	for _, state := range []string{"draft", "review", "approved", "withdrawn"} {
		name := "chua-mo-" + state
		for _, who := range []string{"", "citizen", "publisher so-y-te", "steward so-y-te", "no such token"} {
			w.hidden(name, who)
		}
		for _, who := range []string{"publisher so-cong-thuong", "steward so-cong-thuong", "operator"} {
			w.seen(name, who)
		}
	}
}

func (w *world) hidden(name, who string) {
	w.t.Helper()
	id, file := w.id[name].String(), w.id[name+" file"].String()
	secret := func(text string) bool {
		return strings.Contains(text, "ưa mở") || strings.Contains(text, "í mật") || strings.Contains(strings.ToLower(text), `"tsv"`)
	}
	for action, list := range wants {
		for _, params := range list {
			for _, it := range []string{name, id} {
				asked := strings.NewReplacer("{it}", it, "{file}", file).Replace(params)
				r := post(action, asked)
				if who != "" {
					r = r.as(who)
				}
				a := w.do(r)
				said := strings.ReplaceAll(a.body, asked, "")
				for _, own := range []string{it, file, "bí mật"} { // what the caller said themselves, back in an error or a link
					if strings.Contains(asked, own) {
						said = strings.ReplaceAll(said, own, "")
					}
				}
				if secret(said) || strings.Contains(said, id) || strings.Contains(said, file) || strings.Contains(said, name) || a.status >= 500 {
					w.t.Errorf("%s %s as %q tells of %s: %d %s", action, asked, who, name, a.status, a.body)
				}
				if strings.Contains(params, `"{it}"`) || strings.Contains(params, `"{file}"`) {
					if a.status != http.StatusNotFound && !strings.Contains(action, "search") || a.status == 200 && action == "datastore_search" {
						w.t.Errorf("%s %s as %q: got %d, want 404", action, asked, who, a.status)
					}
				}
			}
		}
	}
	if got := w.found(who, map[string]any{"include_private": true, "include_drafts": true}); len(got) != 4 { // and counts as many
		w.t.Errorf("%q finds %v", who, got)
	}
	for _, path := range []string{"/datastore/dump/" + file, "/api/2/util/dataset/autocomplete?incomplete=chua+mo"} {
		r := get(path)
		if who != "" {
			r = r.as(who)
		}
		if a := w.do(r); secret(a.body) || strings.HasPrefix(path, "/datastore") && a.status != http.StatusNotFound {
			w.t.Errorf("%s as %q: got %d %s", path, who, a.status, a.body)
		}
	}
}

// seen: who works on it sees it where CKAN shows it to them, and nowhere else.
func (w *world) seen(name, who string) {
	w.t.Helper()
	var p struct {
		Name, State string
		Private     bool
	}
	w.result(post("package_show", `{"id":"`+name+`"}`).as(who), &p)
	if want := map[bool]string{true: "active", false: "draft"}[strings.HasSuffix(name, "withdrawn")]; p.State != want || !p.Private {
		w.t.Errorf("%s is %s, private %t, want %s, true", name, p.State, p.Private, want)
	}
	if got := w.found(who, map[string]any{"fq": "name:" + name}); len(got) != 0 {
		w.t.Errorf("%s finds %v unasked", who, got)
	}
	asked := map[string]any{"fq": "name:" + name, "include_private": true, "include_drafts": true, "q": "lúa"}
	if got := w.found(who, asked); !slices.Equal(got, []string{name}) {
		w.t.Errorf("%s finds %v", who, got)
	}
	var rows struct{ Records []json.RawMessage }
	w.result(post("datastore_search", `{"resource_id":"{`+name+` file}"}`).as(who), &rows)
	if len(rows.Records) != 1 {
		w.t.Errorf("%s reads %d rows", who, len(rows.Records))
	}
}

// writing are the actions that change something; others try them.
var writing = []string{"package_create", "package_update", "package_patch", "package_delete", "resource_create", "resource_update", "resource_patch", "resource_delete"}

// TestTokens: a token comes raw or as Bearer, in either header.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	show := post("package_show", `{"id":"chua-mo-draft"}`)
	for _, tt := range []struct {
		name, header, value string
		status              int
	}{
		{"raw", "Authorization", "operator", 200}, {"bearer", "Authorization", "Bearer operator", 200}, {"bearer in small letters", "authorization", "bearer operator", 200},
		{"the old header", "X-CKAN-API-Key", "operator", 200}, {"nobody's", "Authorization", "stolen", 404}, {"empty", "Authorization", "", 404},
	} {
		show.headers = map[string]string{tt.header: tt.value}
		if a := w.do(show); a.status != tt.status {
			t.Errorf("%s: got %d, want %d", tt.name, a.status, tt.status)
		}
	}
}

func TestAnyPageMayRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.do(request{method: "OPTIONS", path: "/api/3/action/package_search"})
	if a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "X-CKAN-API-Key") {
		t.Errorf("asked beforehand: %d %v", a.status, a.header)
	}
	if a := w.do(get("/api/3/action/status_show")); a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("asked: %v", a.header)
	}
}

// TestLinksAndRestrictedData: a link is told with its own address; the files of
// a restricted dataset are its agency's alone, on every action that tells of files.
func TestLinksAndRestrictedData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	d := w.dataset(made{state: "draft", csv: harvest, file: "bi-mat.csv", DatasetText: catalog.DatasetText{Slug: "han-che", TitleVI: "Hạn chế", NotesVI: "x", Theme: "AGRI", AccessRights: catalog.AccessRestricted}})
	_, err := w.catalog.AddLink(t.Context(), w.tokens[asPublisher], d.ID, catalog.NewLink{URL: "https://noi-khac.example/so-lieu.xlsx", TitleVI: "Ở nơi khác"})
	w.must(err)
	w.publish("han-che")
	file := w.id["han-che file"].String()
	for _, r := range []request{
		post("package_show", `{"id":"han-che"}`), post("package_search", `{"fq":"name:han-che"}`), post("resource_search", `{"query":["name:"]}`), post("resource_search", `{"query":["url:noi-khac"]}`),
		post("resource_show", `{"id":"`+file+`"}`), post("datastore_search", `{"resource_id":"`+file+`"}`), post("current_package_list_with_resources", `{}`),
	} {
		if a := w.do(r); strings.Contains(a.body, "bi-mat") || strings.Contains(a.body, "noi-khac.example") {
			t.Errorf("nobody in particular is told: %s", a.body)
		}
	}
	var p struct {
		Resources []struct{ URL string }
	}
	w.result(post("package_show", `{"id":"han-che"}`).as(asPublisher), &p)
	if len(p.Resources) != 2 || !strings.HasSuffix(p.Resources[0].URL, "/bi-mat.csv") || p.Resources[1].URL != "https://noi-khac.example/so-lieu.xlsx" {
		t.Errorf("its agency is told %+v", p)
	}
	open := w.id["san-luong-lua"]
	if _, err := w.catalog.AddLink(t.Context(), w.tokens[asPublisher], open, catalog.NewLink{URL: "https://noi-khac.example/mo.xlsx"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range []request{post("package_show", `{"id":"san-luong-lua"}`), post("resource_search", `{"query":["url:noi-khac"]}`), post("package_search", `{"fq":"res_format:XLSX"}`)} {
		if a := w.do(r); !strings.Contains(a.body, `"url":"https://noi-khac.example/mo.xlsx"`) {
			t.Errorf("a link is not told: %s", a.body)
		}
	}
}
