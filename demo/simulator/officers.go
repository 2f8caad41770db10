package simulator

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/mux"
)

// officer is a civil servant (system 3).
type officer struct {
	SoHieuCBCC  string   `json:"soHieuCBCC"`
	SoDinhDanh  string   `json:"soDinhDanh"`
	HoTen       string   `json:"hoTen"`
	NgaySinh    string   `json:"ngaySinh"`
	GioiTinh    string   `json:"gioiTinh"`
	NgachBac    string   `json:"ngachBac"`
	HeSoLuong   float64  `json:"heSoLuong"`
	ChucVu      string   `json:"chucVu"`
	DonVi       string   `json:"donVi"`
	TenDonVi    string   `json:"tenDonVi"`
	NgayBoNhiem string   `json:"ngayBoNhiem"`
	ThuDienTu   string   `json:"thuDienTu"`
	QuaTrinh    []career `json:"-"`
}

type career struct {
	TuNgay   string  `json:"tuNgay"`
	DenNgay  *string `json:"denNgay"` // null: until now
	ChucVu   string  `json:"chucVu"`
	TenDonVi string  `json:"tenDonVi"`
}

type officerSummary struct {
	SoHieuCBCC string `json:"soHieuCBCC"`
	HoTen      string `json:"hoTen"`
	NgachBac   string `json:"ngachBac"`
	ChucVu     string `json:"chucVu"`
	DonVi      string `json:"donVi"`
	TenDonVi   string `json:"tenDonVi"`
}

type headcount struct {
	DonVi    string `json:"donVi"`
	TenDonVi string `json:"tenDonVi"`
	NgachBac string `json:"ngachBac"`
	SoNguoi  int    `json:"soNguoi"`
}

type verification struct {
	SoDinhDanh string `json:"soDinhDanh"`
	HoTen      string `json:"hoTen"`
}

type officers struct{ list []officer }

func newOfficers(people []person) *officers {
	d := dice(3)
	grades := []string{"Chuyên viên", "Chuyên viên chính", "Chuyên viên cao cấp", "Cán sự"}
	var list []officer
	for i, p := range adults(people, 26, 59, 180) {
		u := pick(d, units())
		appointed := before(d, 2500)
		role := pick(d, []string{"Chuyên viên", "Chuyên viên", "Chuyên viên", "Phó Trưởng phòng", "Trưởng phòng"})
		until := appointed.Format(time.DateOnly)
		list = append(list, officer{
			SoHieuCBCC: fmt.Sprintf("QNG-GL-%05d", i+1), SoDinhDanh: p.SoDinhDanh, HoTen: p.HoTen, NgaySinh: p.NgaySinh, GioiTinh: p.GioiTinh,
			NgachBac: pick(d, grades), HeSoLuong: 2.34 + 0.33*float64(d.IntN(9)), ChucVu: role, DonVi: u.Ma, TenDonVi: u.Ten,
			NgayBoNhiem: until, ThuDienTu: fmt.Sprintf("cbcc%05d@demo.lgsp.example", i+1),
			QuaTrinh: []career{
				{TuNgay: appointed.AddDate(-3-d.IntN(3), 0, 0).Format(time.DateOnly), DenNgay: &until, ChucVu: "Chuyên viên", TenDonVi: pick(d, units()).Ten},
				{TuNgay: until, ChucVu: role, TenDonVi: u.Ten},
			},
		})
	}
	return &officers{list: list}
}

func (o *officers) routes() http.Handler {
	r := router()
	r.Handle("/can-bo", answer(o.search)).Methods("GET")
	r.Handle("/can-bo/{soDinhDanh}", answer(o.get)).Methods("GET")
	r.Handle("/can-bo/{soDinhDanh}/qua-trinh", answer(o.careers)).Methods("GET")
	r.Handle("/xac-minh", answer(o.verify)).Methods("POST")
	r.Handle("/bien-che", answer(o.headcounts)).Methods("GET")
	return r
}

func (o *officers) search(r *http.Request) (any, error) {
	q := queryOf(r)
	unit, grade := q.text("donVi"), q.text("ngachBac")
	var found []officerSummary
	for _, x := range o.list {
		found = append(found, officerSummary{SoHieuCBCC: x.SoHieuCBCC, HoTen: x.HoTen, NgachBac: x.NgachBac, ChucVu: x.ChucVu, DonVi: x.DonVi, TenDonVi: x.TenDonVi})
	}
	return paged(q, found, func(x officerSummary) bool { return same(unit, x.DonVi) && same(grade, x.NgachBac) })
}

func (o *officers) find(r *http.Request) (officer, error) {
	number := mux.Vars(r)["soDinhDanh"]
	if !personNumber.MatchString(number) {
		return officer{}, invalid("soDinhDanh", "Số định danh cá nhân gồm đúng 12 chữ số.")
	}
	for _, x := range o.list {
		if x.SoDinhDanh == number {
			return x, nil
		}
	}
	return officer{}, notFound("Không có cán bộ, công chức, viên chức mang số định danh này.")
}

func (o *officers) get(r *http.Request) (any, error) {
	if err := queryOf(r).done(); err != nil {
		return nil, err
	}
	return o.find(r)
}

func (o *officers) careers(r *http.Request) (any, error) {
	x, err := o.find(r)
	if err != nil {
		return nil, err
	}
	return paged(queryOf(r), x.QuaTrinh, func(career) bool { return true })
}

func (o *officers) verify(r *http.Request) (any, error) {
	var asked verification
	if err := body(r, &asked); err != nil {
		return nil, err
	}
	if !personNumber.MatchString(asked.SoDinhDanh) {
		return nil, invalid("soDinhDanh", "Số định danh cá nhân gồm đúng 12 chữ số.")
	}
	for _, x := range o.list {
		if x.SoDinhDanh == asked.SoDinhDanh && fold(x.HoTen) == fold(asked.HoTen) {
			return map[string]bool{"tonTai": true}, nil
		}
	}
	return map[string]bool{"tonTai": false}, nil
}

func (o *officers) headcounts(r *http.Request) (any, error) {
	q := queryOf(r)
	filter := q.text("donVi")
	var counts []headcount
	index := map[[2]string]int{}
	for _, u := range units() {
		for _, x := range o.list {
			if x.DonVi != u.Ma {
				continue
			}
			at, ok := index[[2]string{u.Ma, x.NgachBac}]
			if !ok {
				at = len(counts)
				index[[2]string{u.Ma, x.NgachBac}] = at
				counts = append(counts, headcount{DonVi: u.Ma, TenDonVi: u.Ten, NgachBac: x.NgachBac})
			}
			counts[at].SoNguoi++
		}
	}
	return paged(q, counts, func(x headcount) bool { return same(filter, x.DonVi) })
}
