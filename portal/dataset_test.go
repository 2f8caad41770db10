package portal

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/mail"
)

// shelf is a portal with agencies of its own and one published dataset.
type shelf struct {
	*Portal
	*browser
	agency auth.Agency
	people [2]auth.Principal // who writes, who approves
}

const subscriptions = `loai_thue_bao,so_thue_bao,uoc_luong,ma_xa,ngay,mo
Điện thoại di động,970000,ước,99001,2019-07-30,có
Điện thoại cố định,25800,,99002,2019-07-30,không
Tổng cộng,995800,,,2019-07-30,có
`

func newShelf(t *testing.T) (*shelf, catalog.Dataset) {
	t.Helper()
	p, ctx := newPortal(t), t.Context()
	p.Catalog.Files = catalog.OnDisk(t.TempDir())
	ended := monday.AddDate(0, 0, -10)
	agency, err := p.Auth.CreateAgency(ctx, auth.Platform("test"), auth.Agency{Slug: "so-khcn", Code: "H48.13", Synthetic: true,
		NameVI: "Sở Khoa học", NameEN: "Science", ValidFrom: monday, NoteVI: "Mã giả lập.", NoteEN: "Made up."},
		auth.Alias{Kind: "slug", Value: "so-tttt", ValidFrom: ended, ValidTo: &ended})
	if err != nil {
		t.Fatal(err)
	}
	p.Catalog.Agencies = func(context.Context, []uuid.UUID) (map[uuid.UUID]catalog.Agency, error) {
		return map[uuid.UUID]catalog.Agency{agency.ID: {ID: agency.ID, Slug: agency.Slug, TitleVI: agency.NameVI, TitleEN: agency.NameEN}}, nil
	}
	s := &shelf{Portal: p, browser: newBrowser(p), agency: agency}
	for i, email := range []string{"a@example.vn", "b@example.vn"} {
		person, err := p.Auth.CreatePerson(ctx, auth.Platform("test"), auth.NewPerson{Email: email, Name: email})
		if err != nil {
			t.Fatal(err)
		}
		s.people[i] = auth.Principal{Person: person.ID, Name: person.Name}
	}
	return s, s.publish(t, "thue-bao", subscriptions)
}

// publish makes a dataset of a table public.
func (s *shelf) publish(t *testing.T, slug, table string) catalog.Dataset {
	t.Helper()
	d := s.draft(t, slug)
	ctx := t.Context()
	if _, err := s.Catalog.AddDistribution(ctx, s.people[0], d.ID, catalog.Upload{TitleVI: "Bảng", FileName: "thuê bao.csv", Body: strings.NewReader(table)}); err != nil {
		t.Fatal(err)
	}
	return s.release(t, d.ID)
}

// release takes a draft with its file all the way.
func (s *shelf) release(t *testing.T, id uuid.UUID) catalog.Dataset {
	t.Helper()
	ctx := t.Context()
	var d catalog.Dataset
	_, err := s.Catalog.SubmitDataset(ctx, s.people[0], id)
	if err == nil {
		_, err = s.Catalog.ApproveDataset(ctx, s.people[1], id)
	}
	if err == nil {
		_, err = s.Catalog.PublishDataset(ctx, s.people[0], id)
	}
	if err == nil {
		d, err = s.Catalog.Dataset(ctx, s.people[0], id)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (s *shelf) draft(t *testing.T, slug string) catalog.Dataset {
	t.Helper()
	d, err := s.Catalog.CreateDataset(t.Context(), s.people[0], s.agency.ID, catalog.DatasetText{
		Slug: slug, TitleVI: "Thuê bao <năm>", TitleEN: "Subscriptions", NotesVI: "Đoạn **đầu**.\n\n<script>alert(1)</script>", NotesEN: "First.\n\nSecond.",
		Theme: "TECH", SourceDocument: "4259/UBND-KGVX", SourceURL: "https://example.vn/4259", TemporalStart: "2019-07-30", TemporalEnd: "2019-07-30"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// holds checks that a page is answered with what it should hold.
func (s *shelf) holds(t *testing.T, path string, status int, want ...string) string {
	t.Helper()
	answer, body := s.get(t, path)
	if answer.StatusCode != status {
		t.Fatalf("%s: got %d, want %d:\n%s", path, answer.StatusCode, status, body)
	}
	for _, text := range want {
		if !strings.Contains(body, text) {
			t.Errorf("%s lacks %s:\n%s", path, text, body)
		}
	}
	if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, " style=") {
		t.Errorf("%s has what its policy forbids:\n%s", path, body)
	}
	return body
}

func TestDatasetPage(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	other := s.publish(t, "khac", "a,b\nx,1\n")
	part := d.Distributions[0].ID.String()
	body := s.holds(t, "/dataset/thue-bao", 200, "Thuê bao &lt;năm&gt;", "<p>Đoạn <strong>đầu</strong>.</p>", "&lt;script&gt;alert(1)",
		`<td class="number">970.000</td>`, `<th scope="row">Điện thoại di động</th>`, "<td>99001</td>", "30/7/2019", "<td>Có</td>", "<em>ước</em>", "Đủ 3 dòng",
		`href="https://example.vn/4259"`, "creativecommons.org/licenses/by/4.0", "/r/"+part, "?version=1", d.Distributions[0].Hash,
		"http://portal.test/api/v1/datasets/thue-bao/distributions/"+part+"/rows", `href="/dataset/`+other.Slug, `href="/agencies/so-khcn"`,
		`<rect width="97.41%" height="14"`, `<li class="total">`, `<rect width="100.00%"`, `<link rel="canonical" href="http://portal.test/dataset/thue-bao">`)
	s.holds(t, "/en/dataset/thue-bao", 200, `<td class="number">970,000</td>`, "30 July 2019", "<td>Yes</td>", "All 3 rows", "<p>Second.</p>", `href="/en/agencies/so-khcn"`)

	_, after, _ := strings.Cut(body, `<script type="application/ld+json">`)
	var about struct {
		Type         string `json:"@type"`
		Name         string `json:"name"`
		Distribution []struct{ ContentURL string }
	}
	text, _, _ := strings.Cut(after, "</script>")
	if err := json.Unmarshal([]byte(text), &about); err != nil || about.Type != "Dataset" || about.Name != d.TitleVI ||
		len(about.Distribution) != 1 || about.Distribution[0].ContentURL != "http://portal.test/r/"+part {
		t.Errorf("structured data: %v, %+v:\n%s", err, about, text)
	}
	s.draft(t, "nhap")
	s.holds(t, "/dataset/nhap", 404)
	s.holds(t, "/dataset/khong-co", 404)
	inside := httptest.NewRequest(http.MethodGet, "/en/dataset/nhap", nil)
	inside = inside.WithContext(context.WithValue(inside.Context(), whoKey{}, s.people[0]))
	if answer, body := s.do(t, inside); answer.StatusCode != 200 || !strings.Contains(body, "This dataset is not public") || !strings.Contains(body, "no file yet") {
		t.Errorf("a draft, to its agency: got %d:\n%s", answer.StatusCode, body)
	}
}

func TestDatasetTable(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	body := s.holds(t, "/dataset/thue-bao?sort=-so_thue_bao", 200, `class="number" aria-sort="descending"><a href="/dataset/thue-bao?sort=so_thue_bao#rows"`)
	if strings.Index(body, "995.800") > strings.Index(body, "25.800</td>") {
		t.Error("it is not sorted")
	}
	answer, _ := s.get(t, "/en/dataset/thue-bao?sort=-so_thue_bao&column=loai_thue_bao&comparison=contains&value=+c%E1%BB%91&utm_source=x")
	to := answer.Header.Get("Location")
	if want := "/en/dataset/thue-bao?loai_thue_bao__contains=c%E1%BB%91&sort=-so_thue_bao#rows"; answer.StatusCode != 303 || to != want {
		t.Errorf("the form: got %d %q, want 303 %q", answer.StatusCode, to, want)
	}
	s.holds(t, strings.TrimSuffix(to, "#rows"), 200, "1 row matches the filter", "“cố”", `href="/en/dataset/thue-bao?sort=-so_thue_bao#rows"`, "/rows?loai_thue_bao__contains=",
		`<input type="hidden" name="loai_thue_bao__contains" value="cố">`)
	s.holds(t, "/dataset/thue-bao?so_thue_bao__contains=25800", 200, "1 dòng khớp", "25.800")
	s.holds(t, "/dataset/thue-bao?so_thue_bao__greater=nhieu", 400, "Không lọc được như yêu cầu", `value="nhieu"`, "“nhieu” không phải giá trị của cột “so_thue_bao” (kiểu: số nguyên)", `<option value="greater" selected>`, "970.000", "Đủ 3 dòng")
	s.holds(t, "/dataset/thue-bao?khong_co__exact=1", 400, "Không lọc được như yêu cầu")
	s.holds(t, "/dataset/thue-bao?after=xx", 400)
	s.holds(t, "/dataset/thue-bao?loai_thue_bao__exact=gi", 200, "Không có dòng nào khớp")
	s.holds(t, "/dataset/thue-bao?fbclid=1&table=9", 200, "Đủ 3 dòng")

	var long strings.Builder
	long.WriteString("ten,gia\n")
	for i := range 45 {
		long.WriteString("hàng " + strconv.Itoa(i) + "," + strconv.Itoa(i) + "\n")
	}
	s.publish(t, "dai", long.String())
	body = s.holds(t, "/dataset/dai?sort=-gia", 200, "20 trong tổng số 45 dòng", "hàng 44<", "hàng 25<")
	if strings.Contains(body, `class="bars"`) {
		t.Error("a part of a table is drawn")
	}
	_, next, _ := strings.Cut(body, `<a class="usa-button usa-button--outline" href="`)
	next, _, _ = strings.Cut(next, `"`)
	s.holds(t, strings.ReplaceAll(strings.TrimSuffix(next, "#rows"), "&amp;", "&"), 200, "hàng 24<", `rel="first"`, "hàng 5<")
}

func TestFilesOfADataset(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	id := d.Distributions[0].ID.String()
	answer, body := s.get(t, "/r/"+id)
	for name, want := range map[string]string{
		"Content-Type": "text/csv", "Content-Disposition": `attachment; filename*=utf-8''thu%C3%AA%20bao.csv`,
		"ETag": `"` + d.Distributions[0].Hash + `"`, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if body != subscriptions {
		t.Errorf("the file: got %q", body)
	}
	for header, want := range map[[2]string]int{
		{"Range", "bytes=0-4"}: http.StatusPartialContent, {"Range", "bytes=9999-"}: http.StatusRequestedRangeNotSatisfiable,
		{"If-None-Match", answer.Header.Get("ETag")}: http.StatusNotModified,
	} {
		r := httptest.NewRequest(http.MethodGet, "/r/"+id, nil)
		r.Header.Set(header[0], header[1])
		if got, _ := s.do(t, r); got.StatusCode != want {
			t.Errorf("%v: got %d, want %d", header, got.StatusCode, want)
		}
	}
	if _, err := s.Catalog.ReplaceFile(t.Context(), s.people[0], d.Distributions[0].ID, catalog.Upload{FileName: "b.csv", Body: strings.NewReader("a,b\nx,1\n")}); err != nil {
		t.Fatal(err)
	}
	if _, body := s.get(t, "/r/"+id+"?version=1"); body != subscriptions {
		t.Errorf("the earlier version: got %q", body)
	}
	for _, path := range []string{"/r/x", "/r/" + uuid.NewString(), "/r/" + id + "?version=0", "/r/" + id + "?version=3", "/r/" + id + "?version=a",
		"/dataset/khong-co/download/" + id + "?format=csv", "/dataset/thue-bao/download/" + uuid.NewString() + "?format=csv"} {
		s.holds(t, path, 404)
	}
	hidden := s.draft(t, "nhap")
	part, err := s.Catalog.AddDistribution(t.Context(), s.people[0], hidden.ID, catalog.Upload{FileName: "b.csv", Body: strings.NewReader("a,b\nx,1\n")})
	if err != nil {
		t.Fatal(err)
	}
	s.holds(t, "/r/"+part.ID.String(), 404)
	s.holds(t, "/dataset/nhap/download/"+part.ID.String()+"?format=csv", 404)
}

func TestDownloads(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	at := "/dataset/thue-bao/download/" + d.Distributions[0].ID.String() + "?format="
	for format, want := range map[string][3]string{
		"csv":       {"text/csv; charset=utf-8", "attachment; filename=thue-bao.csv", "loai_thue_bao,so"},
		"csv-excel": {"text/csv; charset=utf-8", "attachment; filename=thue-bao-excel.csv", "\uFEFFloai_thue_bao,so"},
		"xlsx":      {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "attachment; filename=thue-bao.xlsx", "PK"},
		"json":      {"application/json", "attachment; filename=thue-bao.json", "[\n{"},
		"parquet":   {"application/vnd.apache.parquet", "attachment; filename=thue-bao.parquet", "PAR1"},
		"jsonl":     {"application/jsonl", "attachment; filename=thue-bao.jsonl", `{"loai_thue_bao":"Điện thoại di động","so_thue_bao":970000`},
	} {
		answer, body := s.get(t, at+format)
		if got := [2]string{answer.Header.Get("Content-Type"), answer.Header.Get("Content-Disposition")}; answer.StatusCode != 200 ||
			got != [2]string{want[0], want[1]} || !strings.HasPrefix(body, want[2]) {
			t.Errorf("%s: got %d %q %.60q", format, answer.StatusCode, got, body)
		}
	}
	if _, body := s.get(t, at+"csv&so_thue_bao__less=30000&sort=ma_xa"); strings.Count(body, "\n") != 2 || !strings.Contains(body, "25800") {
		t.Errorf("filtered: got %q", body)
	}
	s.holds(t, "/dataset/thue-bao?so_thue_bao__less=30000", 200, "format=csv&amp;so_thue_bao__less=30000", "Bảng đang được lọc")
	s.holds(t, at+"doc", 400)
	s.holds(t, at+"geojson", 400)
	if body := s.holds(t, "/dataset/thue-bao", 200, "format=parquet"); strings.Contains(body, "format=geojson") {
		t.Error("a table without coordinates is offered as GeoJSON")
	}
	placed := s.publish(t, "tram", "ten,vi_do,kinh_do\nTrạm A,15.12,108.8\n")
	s.holds(t, "/dataset/tram", 200, "format=geojson")
	if _, body := s.get(t, "/dataset/tram/download/"+placed.Distributions[0].ID.String()+"?format=geojson"); !strings.Contains(body, `"coordinates":[108.8,15.12]`) {
		t.Errorf("as GeoJSON: %s", body)
	}
	s.holds(t, at+"csv&khong_co__exact=1", 400)
}

func TestChartSaysSomething(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	for name, table := range map[string]string{
		"two measures":         "ten,a,b\nx,1,2\ny,3,4\n",
		"one row":              "ten,a\nx,1\n",
		"no text":              "a\n1\n2\n",
		"names that repeat":    "ten,a\nx,1\nx,2\n",
		"below zero":           "ten,a\nx,-1\ny,2\n",
		"all zero":             "ten,a\nx,0\ny,0\n",
		"units that differ":    "ten,a,don_vi_tinh\nx,1,m\ny,2,kg\n",
		"numbers that are ids": "ten,nam\nx,2019\ny,2020\n",
	} {
		slug := strings.ReplaceAll(name, " ", "-")
		s.publish(t, slug, table)
		if body := s.holds(t, "/dataset/"+slug, 200); strings.Contains(body, `class="bars"`) {
			t.Errorf("%s: it is drawn", name)
		}
	}
	s.publish(t, "cung-don-vi", "ten,a,don_vi_tinh\nx,1,m\ny,,m\nz,4,m\n")
	if body := s.holds(t, "/dataset/cung-don-vi", 200, `<rect width="25.00%"`); strings.Count(body, "<rect width") != 2 {
		t.Error("an empty cell is drawn")
	}
}

func TestAgencies(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	s.Catalog.AgencyBySlug = func(context.Context, string) (catalog.Agency, error) { return catalog.Agency{ID: s.agency.ID}, nil }
	s.holds(t, "/agencies", 200, `href="/agencies/so-khcn">Sở Khoa học`, "<code>H48.13</code>", `<td class="number" data-label="Bộ dữ liệu">1</td>`, "mã giả lập")
	s.holds(t, "/en/agencies/so-khcn", 200, "Science", "Made up.", "made up", "so-tttt", `href="/en/dataset/thue-bao"`)
	answer, _ := s.get(t, "/en/agencies/so-tttt")
	if got := answer.Header.Get("Location"); answer.StatusCode != 303 || got != "/en/agencies/so-khcn" {
		t.Errorf("an old name: got %d %q", answer.StatusCode, got)
	}
	s.holds(t, "/agencies/khong-co", 404)
}

func TestRowsGuide(t *testing.T) {
	t.Parallel()
	empty := newPortal(t)
	if answer, body := newBrowser(empty).get(t, "/docs/rows"); answer.StatusCode != 200 || !strings.Contains(body, "cột__contains=chữ") {
		t.Errorf("without a dataset: got %d:\n%s", answer.StatusCode, body)
	}
	s, d := newShelf(t)
	body := s.holds(t, "/en/docs/rows", 200, "?loai_thue_bao__exact=Điện thoại di động", "?group=loai_thue_bao&amp;avg=so_thue_bao&amp;count=*", "1,000")
	tried := 0
	for _, rest := range strings.Split(body, `<a href="http://portal.test/api/v1/datasets/thue-bao/distributions/`)[1:] {
		link, _, _ := strings.Cut(rest, `"`)
		u, err := url.Parse(strings.ReplaceAll(link, "&amp;", "&"))
		if err != nil {
			t.Fatal(err)
		}
		question := u.Query()
		if _, err := s.Catalog.QueryRows(t.Context(), auth.Principal{}, d.Distributions[0].ID, question); err != nil {
			t.Errorf("%s: %v", u.RawQuery, err)
		}
		tried++
	}
	if tried != wholeGrammar {
		t.Errorf("got %d examples, want %d", tried, wholeGrammar)
	}
}

func TestForSearchEngines(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	s.draft(t, "nhap")
	s.holds(t, "/robots.txt", 200, "Sitemap: http://portal.test/sitemap.xml", "Disallow: /search?")
	body := s.holds(t, "/sitemap.xml", 200, "<loc>http://portal.test/dataset/thue-bao</loc>", "<loc>http://portal.test/en/dataset/thue-bao</loc>", "<lastmod>2026-11-23T08:00:00Z</lastmod>")
	var read struct {
		URLs []struct {
			Loc string `xml:"loc"`
		} `xml:"url"`
	}
	if err := xml.Unmarshal([]byte(body), &read); err != nil || len(read.URLs) == 0 || strings.Contains(body, "nhap") {
		t.Errorf("sitemap: %v:\n%s", err, body)
	}
	if answer, _ := s.get(t, "/datasets"); answer.Header.Get("Location") != "/search?kind=dataset" {
		t.Errorf("/datasets leads to %q", answer.Header.Get("Location"))
	}
}

func TestSearchesAreNotIndexed(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	const hidden = `<meta name="robots" content="noindex">`
	for address, want := range map[string]bool{"/search": false, "/search?theme=TECH": true, "/search?q=thue": true, "/en/search?kind=dataset": true,
		"/dataset/thue-bao": false, "/dataset/thue-bao?sort=ma_xa": true} {
		if got := strings.Contains(s.holds(t, address, 200), hidden); got != want {
			t.Errorf("%s is hidden from search engines: %v", address, got)
		}
	}
	s.holds(t, "/", 200, `<link rel="alternate" type="application/atom+xml" href="/feeds/dataset.atom"`, `href="/catalog.ttl"`)
	s.holds(t, "/agencies/so-khcn", 200, `<link rel="alternate" type="application/atom+xml" href="/feeds/organization/so-khcn.atom"`)
	s.holds(t, "/dataset/thue-bao", 200, `<link rel="alternate" type="text/turtle" href="/dataset/thue-bao.ttl">`)
	s.draft(t, "nhap")
	inside := httptest.NewRequest(http.MethodGet, "/dataset/nhap", nil)
	inside = inside.WithContext(context.WithValue(inside.Context(), whoKey{}, s.people[0]))
	w := httptest.NewRecorder()
	s.PageRoutes().ServeHTTP(w, inside)
	if w.Code != 200 || strings.Contains(w.Body.String(), "nhap.ttl") {
		t.Errorf("a draft's page, %d, leads to a description that nobody gets", w.Code)
	}
}

// copyDatasetSQL publishes copies of a dataset.
const copyDatasetSQL = `
insert into catalog.dataset (id, agency_id, slug, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme, licence,
       frequency, spatial, source_document, source_url, contact_name, contact_email, contact_phone, state, created_at, updated_at, published_at)
select gen_random_uuid(), agency_id, slug || '-' || n, title_vi, title_en, notes_vi, notes_en, keywords_vi, keywords_en, theme, licence,
       frequency, spatial, source_document, source_url, contact_name, contact_email, contact_phone, state, created_at, updated_at, published_at
  from catalog.dataset, generate_series(1, $2) n
 where id = $1`

func TestLargeSitemap(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	s.draft(t, "nhap")
	if _, err := s.Catalog.DB.Exec(t.Context(), copyDatasetSQL, d.ID, 24); err != nil {
		t.Fatal(err)
	}
	s.SitemapSize = 48
	var index struct {
		XMLName xml.Name
		Files   []struct {
			Loc string `xml:"loc"`
		} `xml:"sitemap"`
	}
	if err := xml.Unmarshal([]byte(s.holds(t, "/sitemap.xml", 200)), &index); err != nil || index.XMLName.Local != "sitemapindex" || len(index.Files) != 3 {
		t.Fatalf("index %+v: %v", index, err)
	}
	seen := map[string]bool{}
	for _, file := range index.Files {
		var set struct {
			XMLName xml.Name
			URLs    []struct {
				Loc string `xml:"loc"`
			} `xml:"url"`
		}
		body := s.holds(t, strings.TrimPrefix(file.Loc, "http://portal.test"), 200)
		if err := xml.Unmarshal([]byte(body), &set); err != nil || set.XMLName.Local != "urlset" || len(set.URLs) == 0 || len(set.URLs) > 48 {
			t.Errorf("%s holds %d: %v", file.Loc, len(set.URLs), err)
		}
		for _, u := range set.URLs {
			if seen[u.Loc] {
				t.Errorf("%s stands twice", u.Loc)
			}
			seen[u.Loc] = true
		}
	}
	for _, want := range []string{"/", "/agencies/so-khcn", "/dataset/thue-bao", "/en/dataset/thue-bao-24"} {
		if !seen["http://portal.test"+want] {
			t.Errorf("nothing leads to %s", want)
		}
	}
	for address := range seen {
		if strings.Contains(address, "nhap") {
			t.Errorf("a draft: %s", address)
		}
	}
	for _, address := range []string{"/sitemap/datasets-0.xml", "/sitemap/datasets-3.xml", "/sitemap/datasets-99999.xml"} {
		s.holds(t, address, 404)
	}
}

func TestDemoMail(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.Mailer = mail.Mailer{Dir: t.TempDir(), From: "lgsp@example.vn", Now: p.Now}
	b := newBrowser(p)
	if _, body := b.get(t, "/demo/mail"); !strings.Contains(body, "Chưa có thư nào") {
		t.Errorf("no letters:\n%s", body)
	}
	err := p.Mailer.Send(t.Context(), mail.Letter{To: "lan@example.vn", Subject: "Yêu cầu mới",
		Text: "Mở http://portal.test/agreements/1. Hoặc <b>http://evil.test/x</b>"})
	if err != nil {
		t.Fatal(err)
	}
	_, body := b.get(t, "/demo/mail")
	for _, want := range []string{"Yêu cầu mới", "Gửi lan@example.vn", `<a href="/agreements/1">http://portal.test/agreements/1</a>.`, "&lt;b&gt;http://evil.test/x"} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %s:\n%s", want, body)
		}
	}
	p.DemoAccounts = nil
	if answer, _ := newBrowser(p).get(t, "/demo/mail"); answer.StatusCode != 404 {
		t.Errorf("outside the demonstration: got %d, want 404", answer.StatusCode)
	}
}

func TestAddressesAndFormsAreText(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	for path, want := range map[string]int{
		"/dataset/%00": 404, "/dataset/%ff": 404, "/en/agencies/%ff": 404, "/r/%00": 404,
		"/dataset/thue-bao?loai_thue_bao__contains=%00": 400, "/dataset/thue-bao?loai_thue_bao__in=%ff": 400, "/search?%ff=1": 400, "/search?theme=%00": 400,
		"/dataset/thue-bao?loai_thue_bao__contains=%25%5C%27": 200, "/search?q=%zz": 200,
	} {
		s.holds(t, path, want)
	}
	if answer, body := s.post(t, "/sign-in", url.Values{"email": {"a\x00@example.vn"}, "password": {goodPassword}}); answer.StatusCode != 400 {
		t.Errorf("a form: got %d, want 400:\n%s", answer.StatusCode, body)
	}
}
