package dcat

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestFeedPages(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	d := l.publish(t, full("mau"))
	l.copies(t, d, 119)
	var order []string
	seen := map[string]bool{}
	for address := "/feeds/dataset.atom"; address != ""; {
		w := l.get(t, address)
		var f atomFeed
		if err := xml.Unmarshal(w.Body.Bytes(), &f); err != nil || w.Header().Get("Content-Type") != "application/atom+xml; charset=utf-8" {
			t.Fatalf("%s answers %d %s: %v", address, w.Code, w.Body, err)
		}
		address = ""
		for _, link := range f.Links {
			if link.Rel == "next" {
				u, _ := url.Parse(link.Href)
				address = u.RequestURI()
			}
		}
		for _, e := range f.Entries {
			if seen[e.ID] {
				t.Errorf("%s stands twice", e.ID)
			}
			seen[e.ID] = true
			order = append(order, e.Updated)
		}
		if len(order) == feedSize { // what was on a page that was read changes, and moves to the front
			if _, err := l.db.Exec(t.Context(), `update catalog.dataset set updated_at = updated_at + interval '1 year' where id = $1`,
				uuid.MustParse(strings.TrimPrefix(f.Entries[feedSize-1].ID, "urn:uuid:"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(seen) != 120 || !slices.IsSortedFunc(order, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("%d entries in the order %v", len(seen), order)
	}
	if w := l.get(t, "/feeds/organization/so-cu.atom"); w.Code != 301 || w.Header().Get("Location") != "/feeds/organization/so-noi-vu.atom" {
		t.Errorf("a former slug: %d %v", w.Code, w.Header())
	}
}

func TestDataJSON(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.copies(t, l.publish(t, full("mau")), 230)
	w := l.get(t, "/data.json")
	var got struct {
		ConformsTo string `json:"conformsTo"`
		Dataset    []usDataset
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.ConformsTo != usSchema || len(got.Dataset) != 231 {
		t.Fatalf("%d datasets, %v", len(got.Dataset), err)
	}
	i := slices.IndexFunc(got.Dataset, func(d usDataset) bool { return len(d.Distribution) > 0 })
	d := got.Dataset[i]
	d.Identifier, d.Distribution[0].DownloadURL = "", strings.TrimRight(d.Distribution[0].DownloadURL, "0123456789abcdef-")
	want := usDataset{
		Type: "dcat:Dataset", Title: "Thuê bao mau", Description: "Đoạn đầu </script>.\n\nĐoạn sau.", Keyword: []string{"thuê bao"},
		Issued: "2026-08-01T09:00:00Z", Modified: "2026-08-01T09:00:00Z", Publisher: usAgent{"org:Organization", "Sở Nội vụ"},
		ContactPoint: usContact{"vcard:Contact", "Phòng Thống kê", "mailto:tk@example.vn"}, AccessLevel: "public", Rights: "Ghi nguồn",
		License: "https://creativecommons.org/licenses/by/4.0/", Spatial: "Xã An Phú", Temporal: "2025-01-01/2025-12-31",
		AccrualPeriodicity: "R/P3M", Language: []string{"vi", "en"}, Theme: []string{"Khoa học, công nghệ và viễn thông"},
		LandingPage: "https://mo.example/dataset/mau", ConformsTo: "https://example.vn/chuan",
		References:   []string{"https://example.vn/4259%20a", "https://example.vn/trang"},
		Distribution: []usDistribution{{"dcat:Distribution", "Bảng", "CSV", "text/csv", "https://mo.example/r/"}},
	}
	if fmt.Sprintf("%+v", d) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
}

func TestCroissant(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	d := l.publish(t, full("thue-bao"))
	var got struct {
		Type         string `json:"@type"`
		Name         string
		InLanguage   []string
		Version      string
		Distribution []struct{ ContentURL, SHA256 string }
		RecordSet    []struct {
			Field []struct {
				Name, DataType string
				Source         struct {
					Extract    struct{ Column string }
					FileObject map[string]string
				}
			}
		}
	}
	w := l.get(t, "/dataset/thue-bao/croissant.jsonld")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Type != "sc:Dataset" || got.Name != d.TitleVI || got.Version != "" ||
		!slices.Equal(got.InLanguage, []string{"vi", "en"}) || len(got.Distribution) != 2 || got.Distribution[0].SHA256 != d.Distributions[0].Hash ||
		!strings.HasSuffix(got.Distribution[1].ContentURL, d.Distributions[0].ID.String()+"/rows?format=csv") {
		t.Errorf("%v: %+v\n%s", err, got, w.Body)
	}
	var columns []string
	for _, field := range got.RecordSet[0].Field {
		columns = append(columns, field.Name+" "+field.DataType+" "+field.Source.Extract.Column+" "+field.Source.FileObject["@id"])
	}
	rows := "rows-" + d.Distributions[0].ID.String()
	if want := []string{"ma sc:Text ma " + rows, "ten sc:Text ten " + rows}; !slices.Equal(columns, want) {
		t.Errorf("columns %q, want %q", columns, want)
	}
}

func TestEmptyCatalogue(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	for _, address := range []string{"/catalog.ttl", "/catalog.rdf", "/catalog.jsonld", "/data.json", "/feeds/dataset.atom"} {
		if w := l.get(t, address); w.Code != 200 {
			t.Errorf("%s answers %d %s", address, w.Code, w.Body)
		}
	}
	var f atomFeed
	if err := xml.Unmarshal(l.get(t, "/feeds/dataset.atom").Body.Bytes(), &f); err != nil || f.Updated != "1970-01-01T00:00:00Z" {
		t.Errorf("feed updated %q, %v", f.Updated, err)
	}
}
