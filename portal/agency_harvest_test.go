package portal

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestHarvestOnItsPages: a source is added, looked at beforehand, read, let
// publish by a steward, and ended; what is wrong is said where it was typed.
func TestHarvestOnItsPages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, "publisher")
	list := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ds.csv" {
			http.NotFound(rw, r)
			return
		}
		_, _ = io.WriteString(rw, "id,title,notes,url\n1,Dân số <xã>,Mô tả,https://a.example/1.csv\n,Không mã,,https://a.example/2\n")
	}))
	defer list.Close()
	w.Catalog.Fetch = &http.Client{Timeout: 5 * time.Second}
	const at = office + "/harvest"
	w.sees(t, at, 200, "Chưa lấy từ danh mục nào")
	typed := url.Values{"name": {"Danh sách"}, "kind": {"csv"}, "url": {"ftp://a"}, "theme": {""}, "licence": {"CC0-1.0"}, "every_hours": {"24"}}
	w.refused(t, at, typed, 400, `href="#f-url"`, `href="#f-theme"`, `value="ftp://a"`)
	typed.Set("url", list.URL+"/khong.csv")
	typed.Set("theme", "SOCI")
	answer, _ := w.post(t, at, typed)
	own := answer.Header.Get("Location")
	if answer.StatusCode != 303 || !strings.HasPrefix(own, at+"/") {
		t.Fatalf("add: got %d %s", answer.StatusCode, own)
	}
	w.refused(t, own+"/preview", nil, 400, "Nguồn từ chối")
	typed.Set("url", list.URL+"/ds.csv")
	w.sends(t, own, typed, own)
	if answer, body := w.post(t, own+"/preview", nil); answer.StatusCode != 200 || !strings.Contains(body, "Dân số &lt;xã&gt;") || !strings.Contains(body, "line 3") {
		t.Errorf("preview: got %d %s", answer.StatusCode, body)
	}
	w.sends(t, own+"/ask", nil, own)
	if err := w.Catalog.HarvestDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.sees(t, own, 200, "Trọn vẹn", "line 3")
	w.sees(t, office+"/datasets/dan-so-xa", 200, "Dân số &lt;xã&gt;", "https://a.example/1.csv")
	w.refused(t, own+"/publishes", url.Values{"publishes": {"yes"}}, 403)
	w.as(t, "steward")
	w.sends(t, own+"/publishes", url.Values{"publishes": {"yes"}}, own)
	if body := w.sees(t, own, 200, "được công bố ngay"); strings.Contains(body, own+"/end") {
		t.Error("a steward is offered what they may not")
	}
	w.as(t, "publisher")
	w.sends(t, own+"/end", nil, at)
	w.sees(t, own, 404)
}
