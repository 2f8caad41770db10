package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"
)

// smallest is the least count that statistics show; below it a person could
// be recognised.
const smallest = 5

// merit is a person of merit (system 22).
type merit struct {
	SoHoSoNCC      string `json:"soHoSoNCC"`
	SoDinhDanh     string `json:"soDinhDanh"`
	HoTen          string `json:"hoTen"`
	NgaySinh       string `json:"ngaySinh"`
	GioiTinh       string `json:"gioiTinh"`
	DoiTuong       string `json:"doiTuong"`
	TenDoiTuong    string `json:"tenDoiTuong"`
	TyLeTonThuong  *int   `json:"tyLeTonThuong"` // percent; null: does not apply
	MucTroCap      int    `json:"mucTroCap"`     // VND a month
	TuNgay         string `json:"tuNgay"`
	TrangThai      string `json:"trangThai"`
	MaXa           string `json:"maXa"`
	TenXa          string `json:"tenXa"`
	TaiKhoanChiTra string `json:"taiKhoanChiTra"`
}

type meritKind struct {
	DoiTuong    string `json:"doiTuong"`
	TenDoiTuong string `json:"tenDoiTuong"`
}

type payment struct {
	KyChiTra  string `json:"kyChiTra"` // 2026-09
	SoTien    int    `json:"soTien"`
	NgayChi   string `json:"ngayChi"`
	HinhThuc  string `json:"hinhThuc"`
	TrangThai string `json:"trangThai"`
}

type meritCount struct {
	MaXa        string `json:"maXa"`
	TenXa       string `json:"tenXa"`
	DoiTuong    string `json:"doiTuong"`
	TenDoiTuong string `json:"tenDoiTuong"`
	SoNguoi     *int   `json:"soNguoi"` // null: fewer than smallest
}

type merits struct{ list []merit }

func meritKinds() []meritKind {
	return []meritKind{
		{"thuong-binh", "Thương binh, người hưởng chính sách như thương binh"}, {"benh-binh", "Bệnh binh"},
		{"than-nhan-liet-si", "Thân nhân liệt sĩ"}, {"chat-doc-hoa-hoc", "Người hoạt động kháng chiến bị nhiễm chất độc hoá học"},
	}
}

func newMerits(people []person) *merits {
	d := dice(22)
	var list []merit
	for i, p := range adults(people, 55, 96, 600) {
		kind := pick(d, meritKinds())
		x := merit{
			SoHoSoNCC: fmt.Sprintf("NCC-GL-%05d", i+1), SoDinhDanh: p.SoDinhDanh, HoTen: p.HoTen, NgaySinh: p.NgaySinh, GioiTinh: p.GioiTinh,
			DoiTuong: kind.DoiTuong, TenDoiTuong: kind.TenDoiTuong, MucTroCap: 1_500_000 + 50_000*d.IntN(80), TuNgay: before(d, 9000).Format(time.DateOnly),
			TrangThai: pick(d, []string{"dang-huong", "dang-huong", "dang-huong", "tam-dung"}), MaXa: p.Xa.Ma, TenXa: p.Xa.Ten,
			TaiKhoanChiTra: fmt.Sprintf("0000%08d", 1000+i),
		}
		if kind.DoiTuong != "than-nhan-liet-si" {
			share := 21 + d.IntN(70)
			x.TyLeTonThuong = &share
		}
		list = append(list, x)
	}
	return &merits{list: list}
}

func (m *merits) routes() http.Handler {
	r := router()
	r.Handle("/ho-so/{soDinhDanh}", answer(m.get)).Methods("GET")
	r.Handle("/ho-so/{soDinhDanh}/chi-tra", answer(m.payments)).Methods("GET")
	r.Handle("/xac-nhan", answer(m.verify)).Methods("POST")
	r.Handle("/doi-tuong", answer(m.kinds)).Methods("GET")
	r.Handle("/thong-ke", answer(m.statistics)).Methods("GET")
	return r
}

func (m *merits) find(number string) (merit, error) {
	if !personNumber.MatchString(number) {
		return merit{}, invalid("soDinhDanh", "Số định danh cá nhân gồm đúng 12 chữ số.")
	}
	for _, x := range m.list {
		if x.SoDinhDanh == number {
			return x, nil
		}
	}
	return merit{}, notFound("Không có hồ sơ người có công mang số định danh này.")
}

func (m *merits) get(r *http.Request) (any, error) {
	if err := queryOf(r).done(); err != nil {
		return nil, err
	}
	return m.find(mux.Vars(r)["soDinhDanh"])
}

// payments are the monthly ones of a year, as far as asOf.
func (m *merits) payments(r *http.Request) (any, error) {
	x, err := m.find(mux.Vars(r)["soDinhDanh"])
	if err != nil {
		return nil, err
	}
	q := queryOf(r)
	year := q.number("nam", 2020, asOf.Year(), asOf.Year())
	var list []payment
	for month := time.January; month <= time.December; month++ {
		day := time.Date(year, month, 10, 0, 0, 0, 0, time.UTC)
		if day.After(asOf) || x.TrangThai != "dang-huong" || day.Format(time.DateOnly) < x.TuNgay {
			continue
		}
		list = append(list, payment{KyChiTra: strconv.Itoa(year) + "-" + day.Format("01"), SoTien: x.MucTroCap,
			NgayChi: day.Format(time.DateOnly), HinhThuc: "chuyen-khoan", TrangThai: "da-chi"})
	}
	return paged(q, list, func(payment) bool { return true })
}

// verify answers yes or no, and nothing else about the person.
func (m *merits) verify(r *http.Request) (any, error) {
	var asked verification
	if err := body(r, &asked); err != nil {
		return nil, err
	}
	if !personNumber.MatchString(asked.SoDinhDanh) {
		return nil, invalid("soDinhDanh", "Số định danh cá nhân gồm đúng 12 chữ số.")
	}
	x, err := m.find(asked.SoDinhDanh)
	return map[string]bool{"laNguoiCoCong": err == nil && fold(x.HoTen) == fold(asked.HoTen)}, nil
}

func (m *merits) kinds(r *http.Request) (any, error) {
	return paged(queryOf(r), meritKinds(), func(meritKind) bool { return true })
}

func (m *merits) statistics(r *http.Request) (any, error) {
	q := queryOf(r)
	commune, kind := q.text("maXa"), q.text("doiTuong")
	var counts []meritCount
	for _, c := range communes() {
		for _, k := range meritKinds() {
			n := 0
			for _, x := range m.list {
				if x.MaXa == c.Ma && x.DoiTuong == k.DoiTuong {
					n++
				}
			}
			shown := &n
			if n < smallest {
				shown = nil
			}
			counts = append(counts, meritCount{MaXa: c.Ma, TenXa: c.Ten, DoiTuong: k.DoiTuong, TenDoiTuong: k.TenDoiTuong, SoNguoi: shown})
		}
	}
	return paged(q, counts, func(x meritCount) bool { return same(commune, x.MaXa) && same(kind, x.DoiTuong) })
}
