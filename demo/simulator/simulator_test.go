package simulator

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestRecordsAreTheSameAtEveryStart(t *testing.T) {
	t.Parallel()
	for i, first := range Systems() {
		second := Systems()[i]
		for _, path := range []string{"/thu-tuc", "/ho-so", "/can-bo", "/thua-dat", "/thong-ke", "/gia-nong-san"} {
			_, want := call(first.Handler, "GET", path, "")
			if _, got := call(second.Handler, "GET", path, ""); got != want {
				t.Errorf("%s %s: got %s, want %s", first.Slug, path, got, want)
			}
		}
	}
}

func TestEveryPersonIsImpossible(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range newPeople() {
		if !strings.HasPrefix(p.SoDinhDanh, "000") || !personNumber.MatchString(p.SoDinhDanh) || seen[p.SoDinhDanh] {
			t.Errorf("got number %s", p.SoDinhDanh)
		}
		if !strings.HasPrefix(p.Xa.Ma, "99") {
			t.Errorf("got commune %s", p.Xa.Ma)
		}
		seen[p.SoDinhDanh] = true
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	systems := map[string]http.Handler{}
	for _, s := range Systems() {
		systems[s.Slug] = s.Handler
	}
	owner := `"ChuHoSo":{"SoDinhDanh":"000072000199","HoTen":"Huỳnh Thanh Long","SoDienThoai":"","DiaChi":""}`
	for _, tt := range []struct {
		name, system, method, path, body string
		status                           int
		code, parameter                  string
	}{
		{"no such address", "nong-nghiep", "GET", "/khac", "", 404, "khong-tim-thay", ""},
		{"no such method", "nong-nghiep", "PUT", "/cay-trong", "", 405, "phuong-thuc-khong-ho-tro", ""},
		{"page zero", "nong-nghiep", "GET", "/cay-trong?trang=0", "", 400, "tham-so-khong-hop-le", "trang"},
		{"page size too large", "nong-nghiep", "GET", "/cay-trong?kichThuoc=101", "", 400, "tham-so-khong-hop-le", "kichThuoc"},
		{"unknown parameter", "nong-nghiep", "GET", "/cay-trong?limit=1", "", 400, "tham-so-khong-hop-le", "limit"},
		{"parameter twice", "nong-nghiep", "GET", "/cay-trong?nhom=a&nhom=b", "", 400, "tham-so-khong-hop-le", "nhom"},
		{"broken query", "nong-nghiep", "GET", "/cay-trong?nhom=%zz", "", 400, "tham-so-khong-hop-le", ""},
		{"not a day", "nong-nghiep", "GET", "/gia-nong-san?tuNgay=31/10/2026", "", 400, "tham-so-khong-hop-le", "tuNgay"},
		{"not a choice", "nong-nghiep", "GET", "/vu-mua?vuMua=thu-dong", "", 400, "tham-so-khong-hop-le", "vuMua"},
		{"number too short", "nguoi-co-cong", "GET", "/ho-so/1", "", 400, "tham-so-khong-hop-le", "soDinhDanh"},
		{"nobody", "nguoi-co-cong", "GET", "/ho-so/000199999999", "", 404, "khong-tim-thay", ""},
		{"a dossier without its owner", "mot-cua-dien-tu", "GET", "/ho-so/000.00.99.H48-261012-0001", "", 400, "tham-so-khong-hop-le", "SoDinhDanh"},
		{"a dossier of another", "mot-cua-dien-tu", "GET", "/ho-so/000.00.99.H48-261012-0001?SoDinhDanh=000138000002", "", 404, "khong-tim-thay", ""},
		{"unknown field in a body", "nguoi-co-cong", "POST", "/xac-nhan", `{"ten":"x"}`, 400, "noi-dung-khong-hop-le", ""},
		{"a body too large", "nguoi-co-cong", "POST", "/xac-nhan", `{"hoTen":"` + strings.Repeat("x", 70<<10) + `"}`, 400, "noi-dung-khong-hop-le", ""},
		{"a dossier for no procedure", "mot-cua-dien-tu", "POST", "/ho-so", `{"MaTTHC":"9.999999",` + owner + `}`, 400, "tham-so-khong-hop-le", "/MaTTHC"},
		{"a dossier for nobody", "mot-cua-dien-tu", "POST", "/ho-so", `{"MaTTHC":"9.000001"}`, 400, "tham-so-khong-hop-le", "/ChuHoSo/SoDinhDanh"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, text := call(systems[tt.system], tt.method, tt.path, tt.body)
			var got refusal
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if status != tt.status || got.MaLoi != tt.code || got.ThamSo != tt.parameter || got.ThongBao == "" {
				t.Errorf("got %d %s, want %d %s %s", status, text, tt.status, tt.code, tt.parameter)
			}
		})
	}
}

func TestListsFilterAndPage(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"/thu-tuc":                              41,
		"/thu-tuc?tuKhoa=dang+ky+khai+sinh":     1,
		"/thu-tuc?tuKhoa=Đăng+ký+khai+sinh":     1,
		"/thu-tuc?linhVuc=Hộ+tịch":              5,
		"/thu-tuc?linhVuc=Hộ+tịch&maCoQuan=H48": 0,
		"/thay-doi?tuNgay=2027-01-01":           0,
	} {
		_, text := call(newProcedures().routes(), "GET", strings.ReplaceAll(path, " ", "+"), "")
		var got page[procedureSummary]
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if got.TongSo != want || len(got.DuLieu) != min(want, 20) {
			t.Errorf("%s: got %d, %d on the page, want %d", path, got.TongSo, len(got.DuLieu), want)
		}
	}
	_, last := call(newProcedures().routes(), "GET", "/thu-tuc?trang=3", "")
	_, past := call(newProcedures().routes(), "GET", "/thu-tuc?trang=4", "")
	if !strings.Contains(last, `"maTTHC":"9.000041"`) || !strings.Contains(past, `"duLieu":[]`) {
		t.Errorf("got last page %s, page after it %s", last, past)
	}
}

func TestSameDossierSentTwiceIsOne(t *testing.T) {
	t.Parallel()
	h := newDossiers(newPeople()).routes()
	body := `{"MaTTHC":"9.000001","TrichYeuHoSo":"x","ChuHoSo":{"SoDinhDanh":"000072000199","HoTen":"Huỳnh Thanh Long","SoDienThoai":"","DiaChi":""},"TaiLieuNop":[]}`
	status, first := call(h, "POST", "/ho-so", body)
	_, second := call(h, "POST", "/ho-so", body)
	if status != http.StatusCreated || first != second {
		t.Errorf("got %d %s, then %s", status, first, second)
	}
}

func TestStartTakesAFreePortWhenTheUsualOneIsTaken(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	first, err := Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range second {
		if l.Addr == first[i].Addr || !strings.HasPrefix(l.Addr, "127.0.0.1:") {
			t.Errorf("got %s twice", l.Addr)
		}
		answer, err := http.Get("http://" + l.Addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %d", l.Slug, answer.StatusCode)
		}
	}
	stop()
	for _, l := range second {
		if !closes(l.Addr, time.Now().Add(5*time.Second)) {
			t.Errorf("%s still listens at %s", l.Slug, l.Addr)
		}
	}
}

// closes reports whether nothing listens at addr before the deadline.
func closes(addr string, deadline time.Time) bool {
	for time.Now().Before(deadline) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return true
		}
		_ = c.Close()
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// Whatever is asked, the answer is JSON and no system breaks.
func FuzzSystems(f *testing.F) {
	systems := Systems()
	f.Add(byte(0), "can-bo", "kichThuoc=1", "")
	f.Add(byte(1), "ho-so", "", `{"MaTTHC":"9.000001","ChuHoSo":{"SoDinhDanh":"000072000199","HoTen":"x"}}`)
	f.Add(byte(2), "thu-tuc/9.000001", "tuKhoa=%zz", "")
	f.Add(byte(3), "thua-dat/99001/1/99999999999999999999", "trang=10000&kichThuoc=100", "")
	f.Add(byte(5), "thong-ke", "trang=-1", "[]")
	f.Fuzz(func(t *testing.T, which byte, path, query, body string) {
		r := httptest.NewRequest("GET", "/", strings.NewReader(body))
		if body != "" {
			r.Method = "POST"
		}
		r.URL.Path, r.URL.RawQuery = "/"+path, query
		w := httptest.NewRecorder()
		systems[int(which)%len(systems)].Handler.ServeHTTP(w, r)
		if w.Code == http.StatusMovedPermanently {
			return // the router cleans paths such as /a//b
		}
		if w.Code == http.StatusInternalServerError || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s /%s?%s: got %d %s", r.Method, path, query, w.Code, w.Body)
		}
	})
}

func call(h http.Handler, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Body)
	return w.Code, string(text)
}
