package simulator

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"
)

// maxSent bounds how many dossiers sent by callers are remembered.
const maxSent = 1000

// dossier is a dossier at a one-stop counter (system 4), with the field names
// of the national public-service portal's messages.
type dossier struct {
	dossierSummary
	ChuHoSo       dossierOwner `json:"ChuHoSo"`
	TrichYeuHoSo  string       `json:"TrichYeuHoSo"`
	TaiLieuNop    []string     `json:"TaiLieuNop"`
	DanhSachLePhi []fee        `json:"DanhSachLePhi"`
	progress      []step
}

type dossierSummary struct {
	MaHoSo        string  `json:"MaHoSo"`
	MaTTHC        string  `json:"MaTTHC"`
	TenTTHC       string  `json:"TenTTHC"`
	DonViXuLy     string  `json:"DonViXuLy"`
	NgayTiepNhan  string  `json:"NgayTiepNhan"`
	NgayHenTra    string  `json:"NgayHenTra"`
	NgayTra       *string `json:"NgayTra"` // null: not handed back yet
	TrangThaiHoSo string  `json:"TrangThaiHoSo"`
	SoNgayTre     int     `json:"SoNgayTre"`
	KenhTiepNhan  string  `json:"KenhTiepNhan"`
}

type dossierOwner struct {
	SoDinhDanh  string `json:"SoDinhDanh"`
	HoTen       string `json:"HoTen"`
	SoDienThoai string `json:"SoDienThoai"`
	DiaChi      string `json:"DiaChi"`
}

type fee struct {
	TenLePhi    string `json:"TenLePhi"`
	SoTien      int    `json:"SoTien"`
	DaThanhToan bool   `json:"DaThanhToan"`
}

type step struct {
	MaHoSo       string `json:"MaHoSo"`
	ChucDanh     string `json:"ChucDanh"`
	PhongBanXuLy string `json:"PhongBanXuLy"`
	NoiDungXuLy  string `json:"NoiDungXuLy"`
	ThoiDiemXuLy string `json:"ThoiDiemXuLy"`
	TrangThai    string `json:"TrangThai"`
}

// submission is what a caller sends to open a dossier.
type submission struct {
	MaTTHC       string       `json:"MaTTHC"`
	TrichYeuHoSo string       `json:"TrichYeuHoSo"`
	ChuHoSo      dossierOwner `json:"ChuHoSo"`
	TaiLieuNop   []string     `json:"TaiLieuNop"`
}

type receipt struct {
	MaHoSo        string `json:"MaHoSo"`
	TrangThaiHoSo string `json:"TrangThaiHoSo"`
	NgayHenTra    string `json:"NgayHenTra"`
}

type punctuality struct {
	DonViXuLy  string `json:"DonViXuLy"`
	SoTiepNhan int    `json:"SoTiepNhan"`
	SoDaTra    int    `json:"SoDaTra"`
	SoDungHan  int    `json:"SoDungHan"`
	SoTreHan   int    `json:"SoTreHan"`
}

type dossiers struct {
	procedures []Procedure
	list       []dossier

	mu   sync.Mutex
	sent map[string]receipt // by dossier number, at most maxSent
}

func newDossiers(people []person) *dossiers {
	d, procedures := dice(4), Procedures()
	known := &dossiers{procedures: procedures, sent: map[string]receipt{}}
	owners := adults(people, 18, 90, 300)
	for i := range 320 {
		owner, procedure := pick(d, owners), pick(d, procedures)
		received := before(d, 240)
		due := received.AddDate(0, 0, procedure.ThoiHan)
		x := dossier{
			dossierSummary: dossierSummary{
				MaHoSo: fmt.Sprintf("000.00.99.H48-%s-%04d", received.Format("060102"), i+1), MaTTHC: procedure.MaTTHC, TenTTHC: procedure.Ten,
				DonViXuLy: procedure.CoQuanThucHien, NgayTiepNhan: received.Format(time.DateOnly), NgayHenTra: due.Format(time.DateOnly),
				TrangThaiHoSo: "dang-xu-ly", KenhTiepNhan: pick(d, []string{"truc-tiep", "truc-tuyen", "buu-chinh"}),
			},
			ChuHoSo:      dossierOwner{SoDinhDanh: owner.SoDinhDanh, HoTen: owner.HoTen, SoDienThoai: fmt.Sprintf("0000%06d", i+1), DiaChi: owner.Xa.Ten + ", tỉnh Quảng Ngãi"},
			TrichYeuHoSo: procedure.Ten, TaiLieuNop: procedure.ThanhPhanHoSo,
			DanhSachLePhi: []fee{{TenLePhi: "Lệ phí giải quyết hồ sơ", SoTien: procedure.PhiLePhi, DaThanhToan: d.IntN(4) > 0}},
		}
		x.finish(due.AddDate(0, 0, d.IntN(8)-5))
		x.progress = x.steps(received)
		known.list = append(known.list, x)
	}
	return known
}

// finish hands the dossier back on that day, unless it is still to come.
func (x *dossier) finish(day time.Time) {
	due, _ := time.Parse(time.DateOnly, x.NgayHenTra)
	if day.After(asOf) {
		x.SoNgayTre = max(0, int(asOf.Sub(due).Hours()/24))
		return
	}
	handed := day.Format(time.DateOnly)
	x.NgayTra, x.TrangThaiHoSo = &handed, "da-tra"
	x.SoNgayTre = max(0, int(day.Sub(due).Hours()/24))
}

func (x *dossier) steps(received time.Time) []step {
	at := func(hours int) string { return received.Add(time.Duration(hours) * time.Hour).Format(time.RFC3339) }
	list := []step{
		{x.MaHoSo, "Cán bộ tiếp nhận", "Trung tâm Phục vụ hành chính công", "Tiếp nhận hồ sơ, cấp giấy hẹn trả", at(2), "tiep-nhan"},
		{x.MaHoSo, "Chuyên viên", x.DonViXuLy, "Thẩm định hồ sơ", at(26), "dang-xu-ly"},
	}
	if x.NgayTra != nil {
		list = append(list, step{x.MaHoSo, "Cán bộ trả kết quả", "Trung tâm Phục vụ hành chính công", "Trả kết quả cho người nộp", *x.NgayTra + "T03:00:00Z", "da-tra"})
	}
	return list
}

func (k *dossiers) routes() http.Handler {
	r := router()
	r.Handle("/ho-so", answer(k.search)).Methods("GET")
	r.Handle("/ho-so", answer(k.send)).Methods("POST")
	r.Handle("/ho-so/{MaHoSo}", answer(k.get)).Methods("GET")
	r.Handle("/ho-so/{MaHoSo}/tien-do", answer(k.steps)).Methods("GET")
	r.Handle("/thong-ke", answer(k.statistics)).Methods("GET")
	return r
}

func (k *dossiers) search(r *http.Request) (any, error) {
	q := queryOf(r)
	procedure, status := q.text("MaTTHC"), q.oneOf("TrangThaiHoSo", "dang-xu-ly", "da-tra")
	from, to := q.day("tuNgay"), q.day("denNgay")
	list := make([]dossierSummary, len(k.list))
	for i, x := range k.list {
		list[i] = x.dossierSummary
	}
	return paged(q, list, func(x dossierSummary) bool {
		return same(procedure, x.MaTTHC) && same(status, x.TrangThaiHoSo) && x.NgayTiepNhan >= from && (to == "" || x.NgayTiepNhan <= to)
	})
}

func (k *dossiers) find(r *http.Request) (dossier, error) {
	for _, x := range k.list {
		if x.MaHoSo == mux.Vars(r)["MaHoSo"] {
			return x, nil
		}
	}
	return dossier{}, notFound("Không có hồ sơ mang mã này, hoặc hồ sơ không thuộc người đã nêu.")
}

// get shows a dossier to those who know whose it is.
func (k *dossiers) get(r *http.Request) (any, error) {
	q := queryOf(r)
	owner := q.text("SoDinhDanh")
	if err := q.done(); err != nil {
		return nil, err
	}
	if !personNumber.MatchString(owner) {
		return nil, invalid("SoDinhDanh", "Cần số định danh (12 chữ số) của chủ hồ sơ.")
	}
	x, err := k.find(r)
	if err == nil && x.ChuHoSo.SoDinhDanh != owner {
		return nil, notFound("Không có hồ sơ mang mã này, hoặc hồ sơ không thuộc người đã nêu.")
	}
	return x, err
}

func (k *dossiers) steps(r *http.Request) (any, error) {
	x, err := k.find(r)
	if err != nil {
		return nil, err
	}
	return paged(queryOf(r), x.progress, func(step) bool { return true })
}

// send opens a dossier. The same body opens the same dossier again.
func (k *dossiers) send(r *http.Request) (any, error) {
	var asked submission
	if err := body(r, &asked); err != nil {
		return nil, err
	}
	if !personNumber.MatchString(asked.ChuHoSo.SoDinhDanh) {
		return nil, invalid("/ChuHoSo/SoDinhDanh", "Số định danh cá nhân gồm đúng 12 chữ số.")
	}
	if strings.TrimSpace(asked.ChuHoSo.HoTen) == "" {
		return nil, invalid("/ChuHoSo/HoTen", "Cần họ tên chủ hồ sơ.")
	}
	for _, procedure := range k.procedures {
		if procedure.MaTTHC == asked.MaTTHC {
			return k.receive(asked, procedure)
		}
	}
	return nil, invalid("/MaTTHC", "Không có thủ tục hành chính mang mã này.")
}

func (k *dossiers) receive(asked submission, procedure Procedure) (any, error) {
	text, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	number := fmt.Sprintf("000.00.99.H48-%s-%X", asOf.Format("060102"), sha256.Sum256(text))[:28]
	k.mu.Lock()
	defer k.mu.Unlock()
	got, ok := k.sent[number]
	if !ok && len(k.sent) >= maxSent {
		return nil, &refusal{Status: http.StatusServiceUnavailable, MaLoi: "day-bo-nho", ThongBao: "Hệ thống giả lập đã nhận đủ số hồ sơ thử, xin khởi động lại."}
	}
	if !ok {
		got = receipt{MaHoSo: number, TrangThaiHoSo: "tiep-nhan", NgayHenTra: asOf.AddDate(0, 0, procedure.ThoiHan).Format(time.DateOnly)}
		k.sent[number] = got
	}
	return created{got}, nil
}

func (k *dossiers) statistics(r *http.Request) (any, error) {
	var counts []punctuality
	for _, u := range units() {
		c := punctuality{DonViXuLy: u.Ten}
		for _, x := range k.list {
			if x.DonViXuLy != u.Ten {
				continue
			}
			c.SoTiepNhan++
			switch {
			case x.NgayTra == nil:
			case x.SoNgayTre == 0:
				c.SoDaTra++
				c.SoDungHan++
			default:
				c.SoDaTra++
				c.SoTreHan++
			}
		}
		counts = append(counts, c)
	}
	return paged(queryOf(r), counts, func(punctuality) bool { return true })
}
