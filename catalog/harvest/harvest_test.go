package harvest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func code(err error) string {
	var f *Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return fmt.Sprint(err)
}

// serve answers each address with a text of a media type.
func serve(t *testing.T, mediaType string, texts map[string]string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, known := texts[r.URL.RequestURI()]
		if !known {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", mediaType)
		_, _ = io.WriteString(w, strings.ReplaceAll(text, "{HERE}", "http://"+r.Host))
	}))
	t.Cleanup(s.Close)
	return s
}

func reader() Reader { return Reader{Client: &http.Client{Timeout: 5 * time.Second}} }

// ckanSite is a site with so many datasets, that gives at most most of them at once.
func ckanSite(t *testing.T, count, most int) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/goc/api/3/action/package_search" || r.FormValue("sort") != "id asc" {
			http.NotFound(w, r)
			return
		}
		start, _ := strconv.Atoi(r.FormValue("start"))
		rows, _ := strconv.Atoi(r.FormValue("rows"))
		list := []any{}
		for i := start; i < min(count, start+min(rows, most)); i++ {
			list = append(list, map[string]any{"id": fmt.Sprintf("id-%06d", i), "name": fmt.Sprint("so-lieu-", i), "title": fmt.Sprint("Số liệu ", i), "state": "active",
				"organization": map[string]any{"name": "so-a", "title": "Sở A"}, "resources": []any{map[string]any{"url": fmt.Sprintf("https://a.example/%d.csv", i), "format": "csv"}}})
		}
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "result": map[string]any{"count": count, "results": list}})
	}))
	t.Cleanup(s.Close)
	return s
}

// TestCKANPages: a site is read to its end, however few it gives at once.
func TestCKANPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ count, most int }{{0, 100}, {1, 100}, {100, 100}, {250, 100}, {25, 7}} {
		s := ckanSite(t, tt.count, tt.most)
		for _, address := range []string{s.URL + "/goc", s.URL + "/goc/", s.URL + "/goc/api/3/action/package_list"} {
			got, err := reader().Read(t.Context(), CKAN, address, Filter{})
			if err != nil || len(got.Records) != tt.count || got.Seen != tt.count {
				t.Errorf("%d at most %d: got %+v, %v", tt.count, tt.most, got, err)
			}
		}
	}
	s := ckanSite(t, 30, 100)
	got, err := reader().Read(t.Context(), CKAN, s.URL+"/goc", Filter{Publisher: "SỞ a", Words: "liệu 7"})
	if err != nil || len(got.Records) != 3 || got.Seen != 30 {
		t.Errorf("narrowed down: got %+v, %v", got, err)
	}
}

const ckanPage = `{"success":true,"result":{"count":4,"results":[
 {"id":"a","name":"dan-so","title":" Dân số\u0000 ","notes":"Mô tả","url":"","license_id":"cc-by","license_url":"https://creativecommons.org/licenses/by/4.0/","maintainer_email":"a@x.vn",
  "metadata_modified":"2026-03-01T07:00:00.123456","state":"active","private":false,"organization":{"name":"so-a","title":"Sở A"},
  "tags":[{"name":"dan so","display_name":"dân số"}],"groups":[{"name":"soci"}],
  "extras":[{"key":"frequency","value":"http://publications.europa.eu/resource/authority/frequency/ANNUAL"},{"key":"temporal_start","value":"2025-01-01T00:00:00"},{"key":"temporal_end","value":2025},{"key":"title_en","value":"Population"}],
  "resources":[{"url":"https://x.vn/a.csv","name":"Tệp","format":"CSV"},{"url":"ftp://x.vn/b","name":"B"},{"url":"https://x.vn/a.csv","name":"lần nữa"},{"url":"https://x.vn/c.xlsx","mimetype":"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},{"url":"javascript:alert(1)"}]},
 {"id":"b","title":"Riêng","private":true},{"id":"c","title":"Nháp","state":"draft"},{"id":5}
]}}`

func TestCKANRecord(t *testing.T) {
	t.Parallel()
	s := serve(t, "application/json", map[string]string{"/api/3/action/package_search?sort=id+asc&rows=100&start=0": ckanPage})
	got, err := reader().Read(t.Context(), CKAN, s.URL, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	want := Record{Key: "a", TitleVI: "Dân số", TitleEN: "Population", NotesVI: "Mô tả", Keywords: []string{"dân số"}, Publisher: "Sở A", Theme: "SOCI",
		Licence: "https://creativecommons.org/licenses/by/4.0/", Frequency: "ANNUAL", Start: "2025-01-01", Modified: time.Date(2026, 3, 1, 7, 0, 0, 123456000, time.UTC),
		Page: s.URL + "/dataset/dan-so", Contact: "a@x.vn",
		Links: []Link{{"https://x.vn/a.csv", "Tệp", "CSV"}, {"https://x.vn/c.xlsx", "", "XLSX"}}}
	if len(got.Records) != 1 || !reflect.DeepEqual(got.Records[0], want) {
		t.Errorf("got  %+v\nwant %+v", got.Records, want)
	}
	if got.Seen != 2 || len(got.Skipped) != 1 || !strings.Contains(got.Skipped[0], "dataset 4") {
		t.Errorf("got %d seen, skipped %q", got.Seen, got.Skipped)
	}
}

const jsonLD = `{"@context":{"dcat":"http://www.w3.org/ns/dcat#","dct":"http://purl.org/dc/terms/","foaf":"http://xmlns.com/foaf/0.1/","vcard":"http://www.w3.org/2006/vcard/ns#","hydra":"http://www.w3.org/ns/hydra/core#"},
 "@graph":[
 {"@id":"{HERE}/catalog.jsonld?page=1","@type":"hydra:PartialCollectionView","hydra:next":{"@id":"{HERE}/catalog.jsonld?page=2"}},
 {"@id":"https://a.example/so-a","@type":"foaf:Agent","foaf:name":"Sở A"},
 {"@id":"https://a.example/dataset/1","@type":"dcat:Dataset","dct:identifier":"ds-1","dct:title":[{"@value":"Population","@language":"en"},{"@value":"Dân số","@language":"vi"}],
  "dct:description":{"@value":"Mô tả","@language":"vi-VN"},"dcat:keyword":["dân số","xã"],"dct:publisher":{"@id":"https://a.example/so-a"},
  "dcat:theme":{"@id":"http://publications.europa.eu/resource/authority/data-theme/SOCI"},"dct:accrualPeriodicity":{"@id":"http://publications.europa.eu/resource/authority/frequency/ANNUAL"},
  "dct:temporal":{"@type":"dct:PeriodOfTime","dcat:startDate":"2025-01-01","dcat:endDate":{"@value":"2025-12-31","@type":"http://www.w3.org/2001/XMLSchema#date"}},
  "dct:modified":"2026-03-01T07:00:00+07:00","dcat:contactPoint":{"vcard:hasEmail":{"@id":"mailto:a@x.vn"}},"dcat:landingPage":{"@id":"https://a.example/1"},
  "dcat:distribution":{"@type":"dcat:Distribution","dcat:downloadURL":{"@id":"https://a.example/1.csv"},"dct:title":"Tệp","dct:license":{"@id":"https://creativecommons.org/publicdomain/zero/1.0/"},"dct:format":{"@id":"http://publications.europa.eu/resource/authority/file-type/CSV"}}}]}`

const rdfXML = `<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dcat="http://www.w3.org/ns/dcat#" xmlns:dct="http://purl.org/dc/terms/" xmlns:foaf="http://xmlns.com/foaf/0.1/" xmlns:vcard="http://www.w3.org/2006/vcard/ns#" xmlns:hydra="http://www.w3.org/ns/hydra/core#">
<hydra:PartialCollectionView rdf:about=""><hydra:next rdf:resource="?page=2"/></hydra:PartialCollectionView>
<dcat:Catalog><dcat:dataset><dcat:Dataset rdf:about="https://a.example/dataset/1">
 <dct:identifier>ds-1</dct:identifier><dct:title xml:lang="en">Population</dct:title><dct:title xml:lang="vi">Dân số</dct:title><dct:description xml:lang="vi-VN">Mô tả</dct:description>
 <dcat:keyword>dân số</dcat:keyword><dcat:keyword>xã</dcat:keyword><dct:publisher><foaf:Agent foaf:name="Sở A"/></dct:publisher>
 <dcat:theme rdf:resource="http://publications.europa.eu/resource/authority/data-theme/SOCI"/><dct:accrualPeriodicity rdf:resource="http://publications.europa.eu/resource/authority/frequency/ANNUAL"/>
 <dct:temporal rdf:parseType="Resource"><dcat:startDate>2025-01-01</dcat:startDate><dcat:endDate rdf:datatype="http://www.w3.org/2001/XMLSchema#date">2025-12-31</dcat:endDate></dct:temporal>
 <dct:modified>2026-03-01T07:00:00+07:00</dct:modified><dcat:contactPoint rdf:nodeID="k"/><dcat:landingPage rdf:resource="https://a.example/1"/>
 <dcat:distribution><dcat:Distribution><dcat:downloadURL rdf:resource="https://a.example/1.csv"/><dct:title>Tệp</dct:title><dct:license rdf:resource="https://creativecommons.org/publicdomain/zero/1.0/"/><dct:format rdf:resource="http://publications.europa.eu/resource/authority/file-type/CSV"/></dcat:Distribution></dcat:distribution>
</dcat:Dataset></dcat:dataset></dcat:Catalog>
<rdf:Description rdf:nodeID="k"><vcard:hasEmail rdf:resource="mailto:a@x.vn"/></rdf:Description></rdf:RDF>`

// TestDCAT: the same catalogue in both syntaxes, over two pages, gives the same
// records; what has no identifier of its own is told.
func TestDCAT(t *testing.T) {
	t.Parallel()
	want := Record{Key: "ds-1", TitleVI: "Dân số", TitleEN: "Population", NotesVI: "Mô tả", Keywords: []string{"dân số", "xã"}, Publisher: "Sở A", Theme: "SOCI",
		Licence: "https://creativecommons.org/publicdomain/zero/1.0/", Frequency: "ANNUAL", Start: "2025-01-01", End: "2025-12-31", Modified: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Page: "https://a.example/1", Contact: "a@x.vn", Links: []Link{{"https://a.example/1.csv", "Tệp", "CSV"}}}
	for mediaType, pages := range map[string][2]string{
		"application/ld+json": {jsonLD, `[{"@id":"https://a.example/dataset/2","@type":"http://www.w3.org/ns/dcat#Dataset","http://purl.org/dc/terms/title":"Hai"},{"@type":"http://www.w3.org/ns/dcat#Dataset","http://purl.org/dc/terms/title":"Không mã"}]`},
		"application/rdf+xml": {rdfXML, `<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:d="http://purl.org/dc/terms/"><r:Description r:about="https://a.example/dataset/2" d:title="Hai"><r:type r:resource="http://www.w3.org/ns/dcat#Dataset"/></r:Description><d:Dataset xmlns:d="http://www.w3.org/ns/dcat#" xmlns:e="http://purl.org/dc/terms/" e:title="Không mã"/></r:RDF>`},
	} {
		s := serve(t, mediaType, map[string]string{"/catalog.jsonld?page=1": pages[0], "/catalog.jsonld?page=2": pages[1]})
		got, err := reader().Read(t.Context(), DCAT, s.URL+"/catalog.jsonld?page=1", Filter{})
		if err != nil || len(got.Records) != 2 || got.Seen != 3 || len(got.Skipped) != 1 {
			t.Errorf("%s: got %+v, %v", mediaType, got, err)
			continue
		}
		if !reflect.DeepEqual(got.Records[0], want) {
			t.Errorf("%s: got\n%+v, want\n%+v", mediaType, got.Records[0], want)
		}
		if two := got.Records[1]; two.Key != "https://a.example/dataset/2" || two.TitleVI != "Hai" || two.Page != two.Key {
			t.Errorf("%s: got %+v", mediaType, two)
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	const list = "\ufeffMã;Tiêu đề;Liên kết;Định dạng;Từ khoá;Cập nhật\n" +
		"1;Dân số;https://a.example/1.csv;;dân số, xã;2026-03-01\n1;;https://a.example/1.xlsx\n;Không mã;https://a.example/x\n2;\"Giá \"\"nông sản\"\"\";https://a.example/2;csv;;\n"
	s := serve(t, "text/csv", map[string]string{"/ds.csv": list})
	got, err := reader().Read(t.Context(), CSV, s.URL+"/ds.csv", Filter{})
	if err != nil || len(got.Records) != 2 || len(got.Skipped) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	want := []Record{{Key: "1", TitleVI: "Dân số", Keywords: []string{"dân số", "xã"}, Modified: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Links: []Link{{"https://a.example/1.csv", "", "CSV"}, {"https://a.example/1.xlsx", "", "XLSX"}}},
		{Key: "2", TitleVI: `Giá "nông sản"`, Links: []Link{{"https://a.example/2", "", "CSV"}}}}
	if !reflect.DeepEqual(got.Records, want) {
		t.Errorf("got  %+v\nwant %+v", got.Records, want)
	}
}

// TestReadRefused: what is no catalogue, and what cannot be read whole, is
// never half a reading.
func TestReadRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100)
	deepXML := `<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` + strings.Repeat("<a><b>", 100) + strings.Repeat("</b></a>", 100) + `</r:RDF>`
	s := serve(t, "", map[string]string{
		"/html": "<!DOCTYPE html><p>x", "/empty": "", "/text": "hello", "/json": `{"a":1}`, "/deep": deep, "/deepxml": deepXML, "/broken": `{"@graph":[`,
		"/brokenxml": `<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><a`, "/remote": `{"@context":"http://{HERE}/context","@type":"x"}`,
		"/entity": `<!DOCTYPE a [<!ENTITY b "c">]><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><a>&b;</a></r:RDF>`,
		"/loop":   `{"@graph":[{"@id":"{HERE}/loop","http://www.w3.org/ns/hydra/core#next":{"@id":"{HERE}/loop"}},{"@id":"http://a.example/1","@type":"http://www.w3.org/ns/dcat#Dataset","http://purl.org/dc/terms/title":"Một"}]}`,
		"/cols":   "a,b\n1,2\n", "/quote": "id,title,url\n\"1,2\n", "/large": "id,title,url\n" + strings.Repeat("x", maxPage),
		"/api/3/action/package_search?sort=id+asc&rows=100&start=0":   `{"success":true,"result":{"count":200,"results":[{"id":"a","title":"A"}]}}`,
		"/api/3/action/package_search?sort=id+asc&rows=100&start=1":   `{"success":true,"result":{"count":200,"results":[{"id":"a","title":"A"}]}}`,
		"/n/api/3/action/package_search?sort=id+asc&rows=100&start=0": `{"success":false}`,
	})
	for _, tt := range []struct{ kind, address, want string }{
		{DCAT, "/html", "not-a-catalogue"}, {DCAT, "/empty", "not-a-catalogue"}, {DCAT, "/text", "not-a-catalogue"}, {DCAT, "/json", "not-a-catalogue"},
		{DCAT, "/deep", "not-a-catalogue"}, {DCAT, "/deepxml", "not-a-catalogue"}, {DCAT, "/broken", "not-a-catalogue"}, {DCAT, "/brokenxml", "not-a-catalogue"},
		{DCAT, "/remote", "not-a-catalogue"}, {DCAT, "/entity", "not-a-catalogue"}, {DCAT, "/loop", "repeats"}, {DCAT, "/none", "refused"},
		{CSV, "/cols", "not-a-catalogue"}, {CSV, "/empty", "not-a-catalogue"}, {CSV, "/quote", "not-a-catalogue"}, {CSV, "/large", "too-large"},
		{CKAN, "", "not-a-catalogue"}, {CKAN, "/none", "refused"}, {"oai", "", "not-a-catalogue"},
	} {
		if got, err := reader().Read(t.Context(), tt.kind, s.URL+tt.address, Filter{}); got != nil || code(err) != tt.want {
			t.Errorf("%s %s: got %+v, %v, want %s", tt.kind, tt.address, got, err, tt.want)
		}
	}
	ck := serve(t, "application/json", map[string]string{
		"/api/3/action/package_search?sort=id+asc&rows=100&start=0": `{"success":true,"result":{"count":200,"results":[{"id":"a","title":"A"}]}}`,
		"/api/3/action/package_search?sort=id+asc&rows=100&start=1": `{"success":true,"result":{"count":200,"results":[{"id":"a","title":"A"}]}}`,
	})
	if _, err := reader().Read(t.Context(), CKAN, ck.URL, Filter{}); code(err) != "repeats" {
		t.Errorf("a site that turns no page: got %v", err)
	}
	for _, address := range []string{"ftp://a.example/x", "x", "http://"} {
		if _, err := reader().Read(t.Context(), DCAT, address, Filter{}); code(err) != "not-a-catalogue" {
			t.Errorf("%s: got %v", address, err)
		}
	}
	closed := serve(t, "", nil)
	closed.Close()
	if _, err := reader().Read(t.Context(), CSV, closed.URL, Filter{}); code(err) != "unreachable" {
		t.Errorf("nobody there: got %v", err)
	}
}

// FuzzRead: whatever comes, reading ends, and what it gives is within bounds.
func FuzzRead(f *testing.F) {
	for _, text := range []string{jsonLD, rdfXML, ckanPage, "id,title,url\n1,a,http://a.example/\n", `[]`, `<a/>`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := &collector{keys: map[string]bool{}}
		_ = readList(text, c)
		if g, err := parse(text, "", "http://a.example/"); err == nil {
			for _, subject := range g.of(dcat + "Dataset") {
				_ = c.add(g.record(subject))
			}
		}
		var p ckanPackage
		if json.Unmarshal(text, &p) == nil {
			_ = c.add(p.record("http://a.example"))
		}
		for _, rec := range c.Records {
			if rec.Key == "" || len(rec.Key) > 500 || rec.TitleVI+rec.TitleEN == "" || strings.ContainsRune(rec.TitleVI+rec.NotesVI, 0) || len(rec.Links) > maxLinks {
				t.Errorf("%q gives %+v", text, rec)
			}
			for _, l := range rec.Links {
				if !strings.HasPrefix(l.URL, "http") {
					t.Errorf("%q leads to %q", text, l.URL)
				}
			}
		}
	})
}
