package ckan_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestReplay sends what clients of CKAN send, byte for byte as they shape it,
// and compares every whole answer with testdata/replay.txt.
func TestReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	var out strings.Builder
	for _, r := range requests() {
		a := w.do(r)
		fmt.Fprintf(&out, "## %s %s\n", r.method, r.path)
		if r.body != "" {
			fmt.Fprintf(&out, "%s\n%s\n", r.kind, r.body)
		}
		body := volatile.ReplaceAllString(indented(a.body), `"size": 0`)
		if strings.Contains(r.path, "activity") { // whose ids are made of the datasets' own
			body = activityID.ReplaceAllString(body, `"id": "of the activity"`)
		}
		fmt.Fprintf(&out, "-> %d %s\n%s\n\n", a.status, a.header.Get("Content-Type"), strings.TrimSpace(w.plain(body)))
	}
	golden(t, "testdata/replay.txt", out.String())
}

var activityID = regexp.MustCompile(`"id": "\w{8}-\w{4}-5\w{3}-\w{4}-\w{12}"`)

const form = "application/x-www-form-urlencoded"

func requests() []request {
	list := []request{
		// ckanapi: RemoteCKAN posts JSON to /api/action/.
		post("status_show", `{}`), post("site_read", `{}`), post("package_list", `{}`), post("package_list", `{"limit": 2, "offset": 1}`),
		post("package_show", `{"id": "san-luong-lua"}`), post("package_show", `{"id": "{tram-y-te}"}`), post("package_show", `{"name_or_id": "cho-truyen-thong", "use_default_schema": true}`),
		post("resource_show", `{"id": "{san-luong-lua file}"}`),
		post("license_list", `{}`), post("organization_list", `{}`), post("organization_list", `{"all_fields": true, "sort": "package_count desc"}`),
		post("organization_list", `{"organizations": ["so-y-te"], "all_fields": true, "include_extras": true}`),
		post("organization_show", `{"id": "so-cong-thuong", "include_datasets": true}`), post("organization_show", `{"id": "so-cong-thuong"}`),
		post("group_list", `{"all_fields": true, "limit": 2}`), post("group_list", `{"q": "nông"}`), post("group_show", `{"id": "agri"}`), post("group_package_show", `{"id": "heal"}`),
		post("tag_list", `{}`), post("tag_list", `{"query": "nông", "all_fields": true}`), post("tag_show", `{"id": "rice"}`), post("tag_search", `{"query": "y"}`), post("vocabulary_list", `{}`),
		post("package_autocomplete", `{"q": "lua ga"}`), post("package_autocomplete", `{"q": "san-l"}`), post("format_autocomplete", `{"q": "c"}`), post("organization_autocomplete", `{"q": "y tế"}`),
		post("group_autocomplete", `{"q": "y"}`), post("tag_autocomplete", `{"q": "n"}`), post("resource_search", `{"query": "format:csv", "limit": 1}`), post("resource_search", `{"query": ["name:SỐ", "url:so lieu"]}`),
		post("resource_view_list", `{"id": "{tram-y-te file}"}`), post("help_show", `{"name": "package_show"}`), post("current_package_list_with_resources", `{"limit": 1, "offset": 1}`),
		post("recently_changed_packages_activity_list", `{"limit": 2}`), post("package_activity_list", `{"id": "san-luong-lua"}`),
		// uData's harvester.
		get("/api/3/action/package_list"), get("/api/3/action/package_show?id=san-luong-lua"), get("/api/3/action/package_search?q=&rows=1000&start=0"),
		get("/api/3/action/package_search?q=organization%3Aso-y-te&rows=1000"),
		// ckanext-harvest.
		get("/api/3"), get("/api/3/"), post("package_search", `{"fq": "+dataset_type:dataset", "sort": "id asc", "rows": 2, "start": 0}`),
		get("/api/3/action/package_search?fq=metadata_modified%3A%5B2026-03-01T09%3A30%3A00Z+TO+*%5D+%2Borganization%3A%22so-cong-thuong%22&sort=id+asc&rows=100&start=0"),
		get("/api/3/action/package_search?sort=id+asc&rows=100&start=100"),
		// Portals that show facets.
		get("/api/3/action/package_search?q=lua&facet.field=%5B%22organization%22%2C%22tags%22%2C%22res_format%22%2C%22groups%22%2C%22license_id%22%5D&facet.limit=-1&rows=0"),
		get("/api/3/action/package_search?q=lua&facet.field=tags&facet.field=organization&facet.mincount=2&rows=1&fl=name,title"),
		get("/api/3/action/package_search?q=*:*&sort=name+desc&rows=5000&ext_bbox=1,2,3,4&fl=name"),
		get("/api/2/util/dataset/autocomplete?incomplete=lua"),
		// The DataStore.
		post("datastore_search", `{"resource_id": "{san-luong-lua file}"}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua file}", "filters": {"ma_xa": ["001", "003"]}, "fields": "_id,ten_xa", "sort": "san_luong desc nulls last", "limit": 1, "offset": 1}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua file}", "q": "sơn", "records_format": "lists"}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua file}", "q": {"ten_xa": "bồng"}, "limit": 50000, "include_total": false}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua file}", "filters": {"san_luong": null}, "records_format": "csv"}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua file}", "fields": ["ngay"], "distinct": true, "records_format": "tsv", "sort": "ngay desc"}`),
		get("/api/3/action/datastore_search?resource_id={san-luong-lua%20file}&filters=%7B%22Tên%20xã%22%3A%22Ba%20Tơ%22%7D&limit=0"),
		get("/api/3/action/datastore_search?resource_id=_table_metadata&limit=2"),
		post("datastore_info", `{"id": "{san-luong-lua file}"}`),
		get("/datastore/dump/{san-luong-lua%20file}"), get("/datastore/dump/{san-luong-lua%20file}?format=tsv&bom=true&limit=1"),
		get("/datastore/dump/{san-luong-lua%20file}?format=json&offset=1&limit=1"), get("/datastore/dump/{san-luong-lua%20file}?format=xml&sort=san_luong"),
		get("/datastore/dump/{san-luong-lua%20file}?format=json&q=nowhere"),
		// Bodies of other clients.
		{method: "POST", path: "/api/3/action/package_show", kind: form, body: "id=tram-y-te"},
		{method: "POST", path: "/api/3/action/package_list", kind: form, body: `{"limit": 1}`},
		{method: "POST", path: "/api/3/action/package_list", kind: form, body: `%7B%22limit%22%3A+1%7D=`},
		{method: "POST", path: "/api/3/action/package_list?limit=1"},
		{method: "POST", path: "/api/3/action/package_list", kind: "multipart/form-data; boundary=x", body: "--x\r\nContent-Disposition: form-data; name=\"limit\"\r\n\r\n1\r\n--x--\r\n"},
	}
	return append(list, refusals()...)
}

func refusals() []request {
	return []request{
		post("package_shew", `{}`), post("package_show", `{"id": "khong-co"}`), post("package_show", `{}`), post("package_show", `{"id": {"a": 1}}`),
		post("package_show", `{"id": `), post("package_show", `[]`), post("package_show", `null`), post("package_show", `{} {}`),
		post("package_search", `{"rows": "abc"}`), post("package_search", `{"rows": -1}`), post("package_search", `{"limit": 5}`), post("package_search", `{"limit": 5, "rowz": 1}`),
		post("package_search", `{"fq": "{!lucene}x"}`), post("package_search", `{"fq": "(name:a"}`), post("package_search", `{"fq": "nosuch:a"}`), post("package_search", `{"sort": "nosuch asc"}`),
		post("package_search", `{"sort": "name up"}`), post("package_search", `{"facet.field": ["nosuch"]}`), post("package_search", `{"fq": "metadata_modified:[yesterday TO *]"}`),
		post("package_search", `{"q": "nosuch:a"}`), post("package_search", `{"start": 1000001}`),
		get("/api/3/action/package_list?callback=f"), get("/api/3/action/package_create?name=a"), post("package_create", `{"name": "a"}`), post("package_purge", `{}`),
		post("resource_show", `{"id": "x"}`), post("organization_show", `{"id": "khong-co"}`), post("organization_list", `{"sort": "nosuch"}`), post("group_show", `{"id": "khong-co"}`),
		post("tag_show", `{"id": "khong-co"}`), post("resource_search", `{"query": "x"}`), post("resource_search", `{"query": "nosuch:x"}`), post("package_autocomplete", `{}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua}"}`), post("datastore_search", `{"resource_id": "{san-luong-lua file}", "filters": {"x": 1}}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua file}", "filters": {"san_luong": "nhiều"}}`), post("datastore_search", `{"resource_id": "{san-luong-lua file}", "filters": {"ngay": {"lt": 1}}}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua file}", "sort": "x desc"}`), post("datastore_search", `{"resource_id": "{san-luong-lua file}", "fields": "x"}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua file}", "limit": "all"}`), post("datastore_search", `{"resource_id": "{san-luong-lua file}", "records_format": "yaml"}`),
		post("datastore_search", `{"resource_id": "{san-luong-lua file}", "q": "a", "plain": false}`), post("datastore_search", `{}`), post("datastore_search_sql", `{"sql": "select 1"}`),
		get("/datastore/dump/khong-co"), get("/datastore/dump/{san-luong-lua%20file}?format=yaml"), get("/api/3/nosuch"), get("/api/2/rest/dataset"),
		{method: "DELETE", path: "/api/3/action/package_show?id=tram-y-te"},
		{method: "POST", path: "/api/3/action/package_list", kind: "multipart/form-data; boundary=x", body: "--x\r\nbroken"},
	}
}
