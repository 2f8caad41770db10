package ckan_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

// found are the names that a search finds, in order.
func (w *world) found(who string, params map[string]any) []string {
	w.t.Helper()
	body, err := json.Marshal(params)
	w.must(err)
	r := post("package_search", string(body))
	if who != "" {
		r = r.as(who)
	}
	var a struct {
		Count   int
		Results []struct{ Name string }
	}
	w.result(r, &a)
	names := []string{}
	for _, p := range a.Results {
		names = append(names, p.Name)
	}
	if params["rows"] == nil && params["start"] == nil && a.Count != len(names) {
		w.t.Errorf("%s: count %d with %d results", body, a.Count, len(names))
	}
	return names
}

func TestFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	const all = "cho gia san tram"
	short := map[string]string{"cho-truyen-thong": "cho", "gia-lua-gao": "gia", "san-luong-lua": "san", "tram-y-te": "tram"}
	for fq, want := range map[string]string{
		"": all, "*:*": all, "name:gia-lua-gao": "gia", "name:gia*": "gia", "name:*lua*": "gia san", `name:(gia-lua-gao OR "tram-y-te")`: "gia tram", "-name:gia*": "cho san tram", "name:GIA*": "gia",
		"id:({gia-lua-gao} OR {tram-y-te} OR x)": "gia tram", "id:{chua-mo-draft}": "", "organization:so-y-te": "gia tram", `owner_org:"0199aaaa-0000-7000-8000-000000000002"`: "gia tram", "organization:so-*": all, "organization:*cong*": "cho san",
		"organization:nosuch": "", `author:"y tế"`: "gia tram", "author:sở*": all, "groups:agri": "gia san", "groups:AGRI -tags:rice": "gia", `tags:"nông nghiệp"`: "gia san", "tags:(rice OR chợ)": "cho san", "tags:(rice AND chợ)": "",
		"tags:n*": "gia san", "tags:*": all, "res_format:csv": all, "res_format:CSV": all, "res_format:XLSX": "", "res_format:(CSV XLSX)": "", "res_format:(CSV OR XLSX)": all, "license_id:CC0-1.0": "cho", "-license_id:CC0-1.0": "gia san tram",
		"title:lua": "gia san", `title:"lúa gạo"`: "gia", "title:gia": "gia", "title:mở": "", "title:lu*": "gia san", "title:*ruyền*": "cho", "lu* -name:gia*": "san", "notes:hằng": "gia san", "notes:gio": "cho", "text:gạo": "gia san", "lúa -title:gạo": "san", "lúa NOT gạo": "", "(gạo OR chợ)": "cho gia san",
		"maintainer:thống": "san", "maintainer_email:*": "", "url:sct.example.vn": "san", "url:[* TO *]": "san", "-url:[* TO *]": "cho gia tram", "res_name:liệu": all, "res_url:\"so lieu\"": all, "res_description:x": "",
		"type:dataset": all, "dataset_type:dataset": all, "type:harvest": "", "+entity_type:package +site_id:default +state:active +capacity:public +private:false": all, "private:true": "", "state:draft": "", "isopen:true": all, "permission_labels:public": all,
		"version:*": "", "version:1": "", "author_email:x": "", "extras_frequency:QUARTERLY": "san", "extras_nosuch:x": "", "vocab_X:y": "", "extras_temporal_start:2026-01-01": "san", "-extras_nosuch:x": all,
		"metadata_created:[2026-03-01T09:00:00Z TO 2026-03-01T10:30:00Z]": "cho tram", "metadata_modified:{2026-03-01T10:00:00.123456Z TO *]": "gia", "metadata_modified:[2026-03-01T10:00:00.123456Z TO *]": "gia tram", "metadata_modified:{NOW-5HOURS TO NOW]": "gia",
		`metadata_created:"2026-03-01T08:00:00.123456Z"`: "san", "metadata_modified:[* TO *]": all, "metadata_modified:*": all, "metadata_modified:[2026-03-02 TO *] OR name:san-luong-lua": "san", "notes:*": all, "notes:Bí": "",
		"title:x' OR '1'='1": "", `name:"a';drop table catalog.dataset;--"`: "", `tags:"%"`: "", "name:%*": "", `name:san\-luong\-lua`: "san", `name:san_luong*`: "",
	} {
		fq = w.named(fq)
		if fq == "maintainer_email:*" {
			want = "san"
		}
		got := []string{}
		for _, name := range w.found("", map[string]any{"fq": fq, "sort": "name asc"}) {
			got = append(got, short[name])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("fq=%s: got %q, want %q", fq, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	for _, tt := range []struct {
		params map[string]any
		want   string
	}{
		{map[string]any{"q": "giá lúa"}, "gia-lua-gao"},
		{map[string]any{"q": "gia lua"}, "gia-lua-gao"},
		{map[string]any{"q": "lúa", "sort": "score desc, name asc"}, "san-luong-lua gia-lua-gao"},
		{map[string]any{"q": "lúa", "fq": "organization:so-y-te"}, "gia-lua-gao"},
		{map[string]any{"q": "tags:rice"}, "san-luong-lua"},
		{map[string]any{"q": "title:lúa AND organization:so-y-te"}, "gia-lua-gao"},
		{map[string]any{"q": "Danh sách chợ: địa chỉ"}, "cho-truyen-thong"},
		{map[string]any{"q": "*"}, "gia-lua-gao tram-y-te cho-truyen-thong san-luong-lua"},
		{map[string]any{"sort": "metadata_modified asc"}, "san-luong-lua cho-truyen-thong tram-y-te gia-lua-gao"},
		{map[string]any{"sort": "title_string desc"}, "tram-y-te san-luong-lua gia-lua-gao cho-truyen-thong"},
		{map[string]any{"sort": "id asc", "rows": 2, "start": 1}, "cho-truyen-thong tram-y-te"},
		{map[string]any{"fq_list": []string{"tags:*", "groups:agri"}, "fq": "-tags:rice"}, "gia-lua-gao"},
		{map[string]any{"q": "giá lúa gạo bình quân"}, "gia-lua-gao"}, // by its parts
		{map[string]any{"q": "!!!"}, ""},
		{map[string]any{"q": "bí mật"}, ""},
	} {
		if got := strings.Join(w.found("", tt.params), " "); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.params, got, tt.want)
		}
	}
}

// TestAnyQuery sends what nobody would: whatever a query holds, it is answered
// or refused, and never breaks.
func TestAnyQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	parts := []string{"name", "title", "tags", "id", "organization", "metadata_modified", "author", "groups", "notes", "res_url", "extras_x", "extras_theme", "state", "url", "text", ":", ":", ":", " ", " ", " ", "(", ")", "(", ")", "OR", "AND", "NOT", "-", "+",
		`"`, "'", "--", ";", "*", "?", "[", "]", "{", "}", " TO ", "NOW-1DAY", "2026-01-01T00:00:00Z", "lúa", "a", `\`, "%", "_", "$1", "::text", "select", "^2", "~", "gạo", "0199aaaa-0000-7000-8000-000000000002", "\t"}
	dice := rand.New(rand.NewPCG(1, 2))
	for range 1500 {
		var b strings.Builder
		for range 1 + dice.IntN(9) {
			b.WriteString(parts[dice.IntN(len(parts))])
		}
		name := []string{"fq", "q"}[dice.IntN(2)]
		a := w.do(get("/api/3/action/package_search?" + url.Values{name: {b.String()}, "facet.field": {`["tags","organization"]`}}.Encode()))
		if a.status != 200 && a.status != 409 {
			t.Fatalf("%s=%s: got %d %s", name, b.String(), a.status, a.body)
		}
	}
}

// TestPagingIsStable: a harvester sees every dataset that was there when it
// began exactly once, while others come and change.
func TestPagingIsStable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for i := range 7 {
		want = append(want, fmt.Sprintf("so-lieu-%d", i))
		w.dataset(made{state: "published", csv: "a\n1\n", DatasetText: catalog.DatasetText{Slug: want[i], TitleVI: "Số liệu", NotesVI: "x", Theme: "TECH"}})
	}
	var got []string
	former := ""
	for start := 0; ; start += 3 {
		page := w.found("", map[string]any{"sort": "id asc", "rows": 3, "start": start})
		if len(page) == 0 {
			break
		}
		if strings.Join(page, " ") == former {
			t.Fatalf("the same page twice: %s", former)
		}
		former = strings.Join(page, " ")
		got = append(got, page...)
		if start == 0 {
			w.dataset(made{state: "published", csv: "a\n1\n", DatasetText: catalog.DatasetText{Slug: "moi", TitleVI: "A", NotesVI: "x", Theme: "TECH"}})
			_, err := w.catalog.EditDataset(t.Context(), w.tokens["publisher so-cong-thuong"], w.id["so-lieu-0"], catalog.DatasetText{Slug: "so-lieu-0", TitleVI: "Zz", NotesVI: "x", Theme: "TECH"})
			w.must(err)
		}
	}
	if want = append(want, "moi"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestFileChangeIsSeenByHarvesters: what only a new file changes has changed.
func TestFileChangeIsSeenByHarvesters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	since := w.now.Add(1).Format("2006-01-02T15:04:05.999999999Z")
	w.now = w.now.Add(24 * 60 * 60 * 1e9)
	_, err := w.catalog.ReplaceFile(t.Context(), w.tokens["publisher so-cong-thuong"], w.id["san-luong-lua file"], catalog.Upload{FileName: "moi.xml", Body: strings.NewReader("<a/>")})
	w.must(err)
	if got := w.found("", map[string]any{"fq": "metadata_modified:[" + since + " TO *]"}); !slices.Equal(got, []string{"san-luong-lua"}) {
		t.Errorf("changed since: %v", got)
	}
	if got := w.found("", map[string]any{"fq": "res_format:XML"}); !slices.Equal(got, []string{"san-luong-lua"}) {
		t.Errorf("by the new format: %v", got)
	}
	var p struct {
		MetadataModified string `json:"metadata_modified"`
		ID               uuid.UUID
	}
	w.result(post("package_show", `{"id":"san-luong-lua"}`), &p)
	if want := w.now.Format("2006-01-02T15:04:05.000000"); p.MetadataModified != want {
		t.Errorf("metadata_modified is %s, want %s", p.MetadataModified, want)
	}
}

func TestUseIsCountedAndSortedBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	count := func(slug string) catalog.UsageCounts {
		t.Helper()
		if err := w.catalog.SaveUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		d, err := w.catalog.DatasetBySlug(t.Context(), auth.Principal{}, slug)
		if err != nil {
			t.Fatal(err)
		}
		months, err := w.catalog.UsageOf(t.Context(), d, 1)
		if err != nil {
			t.Fatal(err)
		}
		return months[0].UsageCounts
	}
	d, err := w.catalog.DatasetBySlug(t.Context(), auth.Principal{}, "tram-y-te")
	if err != nil {
		t.Fatal(err)
	}
	part := d.Distributions[0].ID.String()
	w.do(post("datastore_search", `{"resource_id": "`+part+`"}`))
	w.do(post("datastore_search", `{"resource_id": "`+part+`", "sort": "nothing"}`)) // refused
	w.do(get("/datastore/dump/" + part))
	w.do(request{method: "HEAD", path: "/datastore/dump/" + part})
	w.do(request{method: "GET", path: "/datastore/dump/" + part, headers: map[string]string{"User-Agent": "CCBot/2.0"}})
	if got, want := count("tram-y-te"), (catalog.UsageCounts{Downloads: 1, RowCalls: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	w.catalog.CountUse(catalog.Use{Kind: catalog.UseView, Dataset: d.ID})
	count("tram-y-te")
	for _, sort := range []string{"views_recent desc, name asc", "views_total desc, name asc"} {
		if got, want := strings.Join(w.found("", map[string]any{"sort": sort}), " "), "tram-y-te cho-truyen-thong gia-lua-gao san-luong-lua"; got != want {
			t.Errorf("%s: got %q, want %q", sort, got, want)
		}
	}
}
