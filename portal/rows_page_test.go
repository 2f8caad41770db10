package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/mux"

	"lgsp/catalog"
)

func TestProfileOfColumns(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	s.holds(t, "/dataset/thue-bao", 200, "Mỗi cột chứa gì", `<svg class="spark"`, "25.800 – 995.800", "30/7/2019</time> – <time", "Có (2); Không (1)", "Nhiều nhất từ 947.319 – 995.800: 2 dòng")
	s.holds(t, "/en/dataset/thue-bao", 200, "What each column holds", "25,800 – 995,800", "Most from 947,319 – 995,800: 2 rows")
}

func TestFilteredRowsAreCounted(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	var b strings.Builder
	b.WriteString("ten,gia\n")
	for i := range 45 {
		fmt.Fprintf(&b, "hàng %d,%d\n", i, i%2)
	}
	s.publish(t, "dai", b.String())
	s.holds(t, "/dataset/dai?gia__exact=0", 200, "20 trong 23 dòng khớp với điều kiện lọc")
	s.holds(t, "/en/dataset/dai?gia__exact=1", 200, "20 of the 22 rows that match")
}

func TestTableDescribesItself(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	router := mux.NewRouter()
	(&API{Catalog: s.Catalog, Origin: s.Origin}).Routes(router)
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/v1/datasets/thue-bao/distributions/"+d.Distributions[0].ID.String()+"/rows/openapi.json", nil))
	body := answer.Body.String()
	document, err := openapi3.NewLoader().LoadFromData([]byte(body))
	if err == nil {
		err = document.Validate(t.Context())
	}
	if err != nil || !json.Valid([]byte(body)) || document.Paths.Find("/rows").Get.Parameters.GetByInAndName("query", "so_thue_bao__greater") == nil ||
		document.Servers[0].URL != "http://portal.test/api/v1/datasets/thue-bao/distributions/"+d.Distributions[0].ID.String() {
		t.Errorf("%v:\n%s", err, body)
	}
}

const stations = `tên,vĩ độ,kinh độ,ngày,số khách
Sa Kỳ,15.2,108.9,1/1/2024,100
Lý Sơn,15.38,109.1,2/1/2024,250
Đảo lạ,108.8,15.1,4/1/2024,-50
Nơi khác,1670000,590000,3/1/2024,
Không rõ,,,3/1/2024,30
`

func TestChosenCharts(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	s.publish(t, "khach", stations)
	s.holds(t, "/dataset/khach", 200, "Chọn cột để vẽ", `<option value="so_khach">`, "Nhúng vào trang web khác")
	s.holds(t, "/dataset/khach?chart=bar&x=ten&y=so_khach&fn=sum&ten__contains=%C6%A1n", 200, "<strong>số khách, tổng theo tên</strong>", `<rect width="100.00%"`,
		`<input type="hidden" name="ten__contains" value="ơn">`, `<th scope="row">Lý Sơn</th><td class="number">250</td>`, "http://portal.test/embed/dataset/khach/chart?")
	s.holds(t, "/dataset/khach?chart=bar&x=ten&y=so_khach", 200, `<li class="below">`, "−50")
	body := s.holds(t, "/en/dataset/khach?chart=line&x=ngay&y=so_khach&fn=avg", 200, "<strong>số khách, average by ngày</strong>", `<path d="M96.00 `, ">2024-01-01</text>", `<circle cx="704.00"`, "<td class=\"number\">30</td>")
	if strings.Contains(body, `class="bars"`) {
		t.Error("the chart that nobody chose is drawn too")
	}
	s.holds(t, "/dataset/khach?chart=bar&x=ngay&y=", 200, "<strong>Số dòng theo ngày</strong>")
	s.holds(t, "/dataset/khach?chart=bar&x=ngay&y=so_khach&ten__exact=gi", 200, "Không có số liệu nào để vẽ")
	for _, query := range []string{"chart=pie&x=ten", "chart=bar&x=khong", "chart=bar&x=ten&y=ten", "chart=bar&x=ten&y=so_khach&fn=median", "chart=bar"} {
		s.holds(t, "/dataset/khach?"+query, 200, "Không vẽ được")
	}
	answer, _ := s.get(t, "/dataset/khach?chart=bar&x=ten&column=ten&comparison=contains&value=a")
	if to := answer.Header.Get("Location"); to != "/dataset/khach?chart=bar&ten__contains=a&x=ten#rows" {
		t.Errorf("the filter forgets the chart: %q", to)
	}
}

func TestMapOfPlaces(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	s.publish(t, "khach", stations)
	s.holds(t, "/dataset/khach", 200, "<title>Sa Kỳ</title></circle>", "15,38", "1 dòng ghi đổi chỗ vĩ độ và kinh độ", "1 dòng có toạ độ không đọc được", "1 dòng không ghi toạ độ",
		"Danh sách 3 vị trí", "° B</text>", "không vẽ địa giới", `<td class="number">15,1</td><td class="number">108,8</td>`)
	s.holds(t, "/dataset/khach?ten__exact=Sa+K%E1%BB%B3", 200, "Danh sách 1 vị trí")
	if body := s.holds(t, "/dataset/thue-bao", 200); strings.Contains(body, `id="map"`) {
		t.Error("a table without places has a map")
	}
	d := s.draft(t, "vung")
	if _, err := s.Catalog.AddDistribution(t.Context(), s.people[0], d.ID, catalog.Upload{FileName: "a.geojson", Body: strings.NewReader(
		`{"type":"FeatureCollection","features":[{"properties":{"tên":"Hồ"},"geometry":{"type":"Polygon","coordinates":[[[108.1,15.1],[108.2,15.1],[108.2,15.2],[108.1,15.1]]]}},` +
			`{"properties":{"tên":"Đường"},"geometry":{"type":"LineString","coordinates":[[108.1,15.1],[108.3,15.3]]}},{"properties":{"tên":"Sai"},"geometry":{"type":"Star"}}]}`)}); err != nil {
		t.Fatal(err)
	}
	s.release(t, d.ID)
	s.holds(t, "/dataset/vung", 200, `<path class="area" d="M`, "Z\"><title>Hồ</title></path>", "<title>Đường</title>", "<td>Vùng</td>", "<td>Không đọc được</td>", "1 dòng có toạ độ không đọc được")
}

// A frame of another site shows what is public, and nothing else.
func TestEmbeddedParts(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	s.publish(t, "khach", stations)
	for path, want := range map[string]string{
		"/embed/dataset/khach/table?sort=ten":                       "<td class=\"number\">250</td>",
		"/en/embed/dataset/khach/map":                               "<title>Sa Kỳ</title>",
		"/embed/dataset/khach/chart?chart=bar&x=ten&y=so_khach":     "<strong>số khách, tổng theo tên</strong>",
		"/en/embed/dataset/khach/chart?chart=line&x=ngay&y=&fn=sum": "<strong>Number of rows by ngày</strong>",
	} {
		answer, body := s.get(t, path)
		if answer.StatusCode != 200 || !strings.Contains(body, want) || answer.Header.Get("Content-Security-Policy") != embedPolicy {
			t.Errorf("%s: got %d with policy %q, want %q:\n%s", path, answer.StatusCode, answer.Header.Get("Content-Security-Policy"), want, body)
		}
		for _, never := range []string{"<script", "<form", "<header", "sign-in", "<input"} {
			if strings.Contains(body, never) {
				t.Errorf("%s has %s:\n%s", path, never, body)
			}
		}
	}
	s.draft(t, "nhap")
	for _, path := range []string{"/embed/dataset/nhap/table", "/embed/dataset/khach/chart", "/embed/dataset/thue-bao/map", "/embed/dataset/khach/code", "/embed/dataset/khong/table", "/dataset/khach"} {
		answer, _ := s.get(t, path)
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "frame-ancestors 'none'") || answer.StatusCode != 404 && path != "/dataset/khach" {
			t.Errorf("%s: got %d, policy %q", path, answer.StatusCode, policy)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/embed/dataset/khach/table", nil)
	r.AddCookie(&http.Cookie{Name: s.sessionCookie(), Value: "x"})
	if answer, _ := s.do(t, r); len(answer.Cookies()) > 0 {
		t.Errorf("a frame sets cookies: %v", answer.Cookies())
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	for width, want := range map[float64]float64{0: 1, 0.003: 0.005, 0.02: 0.02, 1: 1, 3: 5, 7: 10, 230: 500} {
		if got := niceStep(width); got != want {
			t.Errorf("%v: got %v, want %v", width, got, want)
		}
	}
	for text, want := range map[string]string{"1.50000": "1.50", "2": "2", "15.200000": "15.20", "-3.14159": "-3.14"} {
		if got := decimalsAtMost(text, 2); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
