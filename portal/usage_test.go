package portal

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/catalog"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// asks sends a request with headers, given as name and value.
func (s *shelf) asks(t *testing.T, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, _ := s.do(t, r)
	return answer
}

// counted is the use of a dataset in this month.
func (s *shelf) counted(t *testing.T, slug string) catalog.UsageCounts {
	t.Helper()
	ctx := t.Context()
	if err := s.Catalog.SaveUses(ctx); err != nil {
		t.Fatal(err)
	}
	d, err := s.Catalog.DatasetBySlug(ctx, auth.Principal{}, slug)
	if err != nil {
		t.Fatal(err)
	}
	months, err := s.Catalog.UsageOf(ctx, d, 1)
	if err != nil {
		t.Fatal(err)
	}
	return months[0].UsageCounts
}

func TestWhatIsCounted(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	part := d.Distributions[0].ID.String()
	file, page := "/r/"+part, "/dataset/thue-bao"
	rows := "/api/v1/datasets/thue-bao/distributions/" + part + "/rows"
	s.Protocols = map[string]http.Handler{"/api/v1/": (&API{Catalog: s.Catalog, Auth: s.Auth}).router()}
	s.browser = newBrowser(s.Portal)
	tag := s.asks(t, http.MethodHead, file).Header.Get("ETag")
	type counts = catalog.UsageCounts
	before := counts{}
	for _, tt := range []struct {
		name, method, path string
		headers            []string
		want               counts
	}{
		{"a person", "GET", page, []string{"User-Agent", firefox}, counts{Views: 1}},
		{"from a search, in English", "GET", "/en" + page + "?fbclid=1", []string{"User-Agent", firefox, "Referer", "http://portal.test/search?q=x"}, counts{Views: 1}},
		{"the next page of its table", "GET", page + "?sort=-so_thue_bao", []string{"User-Agent", firefox, "Referer", "http://portal.test/en" + page}, counts{}},
		{"a question that is wrong", "GET", page + "?khong_co__exact=1", []string{"User-Agent", firefox}, counts{}},
		{"fetched ahead", "GET", page, []string{"User-Agent", firefox, "Sec-Purpose", "prefetch;prerender"}, counts{}},
		{"a robot", "GET", page, []string{"User-Agent", "Mozilla/5.0 (compatible; bingbot/2.0)"}, counts{}},
		{"a program", "GET", page, []string{"User-Agent", "curl/8.5.0"}, counts{}},
		{"only the head", "HEAD", page, []string{"User-Agent", firefox}, counts{}},
		{"the file", "GET", file, []string{"User-Agent", "curl/8.5.0"}, counts{Downloads: 1}},
		{"the file, as CKAN's clients know it", "GET", page + "/resource/" + part + "/download/x.csv", nil, counts{Downloads: 1}},
		{"the file's head", "HEAD", file, nil, counts{}},
		{"the file, which is there already", "GET", file, []string{"If-None-Match", tag}, counts{}},
		{"the file's first piece", "GET", file, []string{"Range", "bytes=0-9"}, counts{Downloads: 1}},
		{"the file's second piece", "GET", file, []string{"Range", "bytes=10-"}, counts{}},
		{"the file, for a robot", "GET", file, []string{"User-Agent", "GPTBot/1.2"}, counts{}},
		{"the rows as a file", "GET", page + "/download/" + part + "?format=xlsx", nil, counts{Downloads: 1}},
		{"the rows in a form there is not", "GET", page + "/download/" + part + "?format=dbf", nil, counts{}},
		{"all files", "GET", page + "/all.zip", nil, counts{Downloads: 1}},
		{"a page of rows", "GET", rows + "?limit=1", []string{"User-Agent", "python-requests/2.32"}, counts{RowCalls: 1}},
		{"a wrong question", "GET", rows + "?limit=x", nil, counts{}},
		{"the rows as a file, by the API", "GET", rows + "?format=csv", nil, counts{Downloads: 1}},
	} {
		s.asks(t, tt.method, tt.path, tt.headers...)
		now := s.counted(t, "thue-bao")
		if got := (counts{Views: now.Views - before.Views, Downloads: now.Downloads - before.Downloads, RowCalls: now.RowCalls - before.RowCalls}); got != tt.want {
			t.Errorf("%s: counted %+v, want %+v", tt.name, got, tt.want)
		}
		before = now
	}
}

func TestUsagePages(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	s.holds(t, "/dataset/thue-bao", 200, "Chưa có lượt sử dụng nào")
	for range 1350 {
		s.Catalog.CountUse(catalog.Use{Kind: catalog.UseView, Dataset: d.ID})
	}
	s.Catalog.CountUse(catalog.Use{Kind: catalog.UseRows, Part: d.Distributions[0].ID})
	s.Catalog.CountCatalogue("ttl")
	s.counted(t, "thue-bao")
	s.holds(t, "/dataset/thue-bao", 200, "1.350 lượt xem trang, 0 lượt tải, 1 lượt gọi dòng", `<tr><th scope="row">11/2026</th><td class="number">1.350</td><td class="number">0</td><td class="number">1</td></tr>`,
		`<rect class="bar" x="335" y="18" width="20" height="100"/>`, `class="count">1.351</text>`, "Theo tệp")
	s.holds(t, "/en/dataset/thue-bao", 200, "views of the page: 1,350; downloads: 0; calls for rows: 1", "November 2026", `href="/api/v1/datasets/thue-bao/usage"`)
	s.publish(t, "gia-dat", subscriptions)
	if body := s.holds(t, "/search?sort=used", 200, `href="/search?sort=used" rel="nofollow" aria-current="true"`, `name="sort" value="used"`); strings.Index(body, "/dataset/thue-bao") > strings.Index(body, "/dataset/gia-dat") {
		t.Error("the most used does not come first")
	}
	s.holds(t, "/search?sort=size", 400)

	api := (&API{Catalog: s.Catalog, Auth: s.Auth}).router()
	for path, want := range map[string]string{
		"/api/v1/datasets/thue-bao/usage?months=1":    `{"items":[{"month":"2026-11","views":1350,"downloads":0,"row_calls":1,"distributions":[{"id":"` + d.Distributions[0].ID.String() + `","views":0,"downloads":0,"row_calls":1}]}],"next":""}`,
		"/api/v1/usage?months=1":                      `{"items":[{"month":"2026-11","views":1350,"downloads":0,"row_calls":1,"catalogue":{"ttl":1}}],"next":""}`,
		"/api/v1/datasets/thue-bao/usage?months=61":   `"code":"usage-months"`,
		"/api/v1/datasets/thue-bao/usage?months=x":    `"code":"usage-months"`,
		"/api/v1/usage/datasets?from=thang-muoi-mot":  `"code":"usage-month"`,
		"/api/v1/datasets/khong-co/usage":             `"code":"dataset-unknown"`,
		"/api/v1/usage/datasets?limit=1&from=2026-11": `"slug":"thue-bao"`,
	} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Body.String(); !strings.Contains(got, want) || !json.Valid([]byte(got)) {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
