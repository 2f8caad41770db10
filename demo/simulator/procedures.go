package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

// Procedure is an administrative procedure (system 12).
type Procedure struct {
	MaTTHC         string   `json:"maTTHC"`
	Ten            string   `json:"ten"`
	LinhVuc        string   `json:"linhVuc"`
	MaCoQuan       string   `json:"maCoQuan"`
	CoQuanThucHien string   `json:"coQuanThucHien"`
	ThoiHan        int      `json:"thoiHan"`  // working days
	PhiLePhi       int      `json:"phiLePhi"` // VND
	MucDo          string   `json:"mucDo"`    // toan-trinh, mot-phan, truc-tiep
	NgayCapNhat    string   `json:"ngayCapNhat"`
	ThanhPhanHoSo  []string `json:"thanhPhanHoSo"`
}

type procedureSummary struct {
	MaTTHC         string `json:"maTTHC"`
	Ten            string `json:"ten"`
	LinhVuc        string `json:"linhVuc"`
	CoQuanThucHien string `json:"coQuanThucHien"`
	ThoiHan        int    `json:"thoiHan"`
	PhiLePhi       int    `json:"phiLePhi"`
	MucDo          string `json:"mucDo"`
	NgayCapNhat    string `json:"ngayCapNhat"`
}

type procedureField struct {
	LinhVuc  string `json:"linhVuc"`
	SoThuTuc int    `json:"soThuTuc"`
}

type procedures struct{ list []Procedure }

// Procedures are all invented procedures, by code.
func Procedures() []Procedure {
	d := dice(12)
	var list []Procedure
	for _, field := range procedureNames() {
		for _, name := range field.names {
			list = append(list, Procedure{
				MaTTHC: fmt.Sprintf("9.%06d", len(list)+1), Ten: name, LinhVuc: field.name,
				MaCoQuan: field.unit.Ma, CoQuanThucHien: field.unit.Ten,
				ThoiHan: 3 + d.IntN(20), PhiLePhi: 10_000 * d.IntN(16), MucDo: pick(d, []string{"toan-trinh", "mot-phan", "truc-tiep"}),
				NgayCapNhat:   before(d, 300).Format(time.DateOnly),
				ThanhPhanHoSo: []string{"Đơn đề nghị theo mẫu", field.paper, "Giấy tờ chứng minh nội dung đề nghị"},
			})
		}
	}
	return list
}

type procedureGroup struct {
	name  string
	unit  unit
	paper string
	names []string
}

func procedureNames() []procedureGroup {
	u := units()
	return []procedureGroup{
		{"Người có công", u[1], "Bản khai theo mẫu", []string{"Xác nhận người có công với cách mạng", "Giải quyết chế độ trợ cấp thờ cúng liệt sĩ",
			"Hưởng lại chế độ ưu đãi", "Di chuyển hồ sơ người có công", "Cấp giấy giới thiệu thăm viếng mộ liệt sĩ"}},
		{"Công chức, viên chức", u[1], "Sơ yếu lý lịch", []string{"Thi tuyển công chức", "Xét tuyển viên chức", "Tiếp nhận vào làm công chức"}},
		{"Đất đai", u[2], "Bản gốc Giấy chứng nhận đã cấp", []string{"Đăng ký, cấp Giấy chứng nhận quyền sử dụng đất lần đầu", "Đăng ký biến động quyền sử dụng đất",
			"Tách thửa hoặc hợp thửa đất", "Chuyển mục đích sử dụng đất", "Cung cấp thông tin đất đai", "Cấp đổi Giấy chứng nhận"}},
		{"Trồng trọt và thuỷ sản", u[2], "Bản thuyết minh kỹ thuật", []string{"Cấp mã số vùng trồng", "Cấp Giấy chứng nhận kiểm dịch thực vật nội địa",
			"Cấp, cấp lại Giấy phép khai thác thuỷ sản", "Xoá đăng ký tàu cá"}},
		{"Viễn thông và Internet", u[3], "Sơ đồ mạng lưới", []string{"Cấp Giấy chứng nhận đủ điều kiện hoạt động điểm trò chơi điện tử", "Thông báo thay đổi chủ điểm truy nhập Internet công cộng",
			"Cấp phép trang thông tin điện tử tổng hợp"}},
		{"Thành lập và hoạt động doanh nghiệp", u[4], "Điều lệ công ty", []string{"Đăng ký thành lập công ty cổ phần", "Đăng ký thành lập doanh nghiệp tư nhân",
			"Đăng ký thay đổi địa chỉ trụ sở chính", "Đăng ký giải thể doanh nghiệp", "Thông báo tạm ngừng kinh doanh"}},
		{"Quy hoạch và xây dựng", u[5], "Bản vẽ thiết kế", []string{"Cấp giấy phép xây dựng nhà ở riêng lẻ", "Cấp thông tin quy hoạch", "Điều chỉnh giấy phép xây dựng", "Cấp giấy phép sửa chữa, cải tạo công trình"}},
		{"Hộ tịch", u[6], "Giấy tờ tuỳ thân", []string{"Đăng ký khai sinh", "Đăng ký kết hôn", "Đăng ký khai tử", "Thay đổi, cải chính hộ tịch", "Cấp bản sao trích lục hộ tịch"}},
		{"Bảo trợ xã hội và y tế", u[7], "Giấy xác nhận của cơ sở y tế", []string{"Thực hiện trợ cấp xã hội hằng tháng", "Cấp Giấy xác nhận khuyết tật", "Cấp chứng chỉ hành nghề dược"}},
		{"Thương mại", u[8], "Giấy chứng nhận đăng ký kinh doanh", []string{"Cấp Giấy phép bán lẻ rượu", "Đăng ký hoạt động khuyến mại", "Cấp Giấy chứng nhận đủ điều kiện bán lẻ xăng dầu"}},
	}
}

func newProcedures() *procedures { return &procedures{list: Procedures()} }

func (p *procedures) routes() http.Handler {
	r := router()
	r.Handle("/thu-tuc", answer(p.search)).Methods("GET")
	r.Handle("/thu-tuc/{maTTHC}", answer(p.get)).Methods("GET")
	r.Handle("/linh-vuc", answer(p.fields)).Methods("GET")
	r.Handle("/thay-doi", answer(p.changes)).Methods("GET")
	return r
}

func (p *procedures) search(r *http.Request) (any, error) {
	q := queryOf(r)
	words, field, agency := fold(q.text("tuKhoa")), q.text("linhVuc"), q.text("maCoQuan")
	level := q.oneOf("mucDo", "toan-trinh", "mot-phan", "truc-tiep")
	var found []procedureSummary
	for _, x := range p.list {
		if strings.Contains(fold(x.Ten), words) && same(field, x.LinhVuc) && same(agency, x.MaCoQuan) && same(level, x.MucDo) {
			found = append(found, summaryOf(x))
		}
	}
	return paged(q, found, func(procedureSummary) bool { return true })
}

func summaryOf(x Procedure) procedureSummary {
	return procedureSummary{MaTTHC: x.MaTTHC, Ten: x.Ten, LinhVuc: x.LinhVuc, CoQuanThucHien: x.CoQuanThucHien,
		ThoiHan: x.ThoiHan, PhiLePhi: x.PhiLePhi, MucDo: x.MucDo, NgayCapNhat: x.NgayCapNhat}
}

func (p *procedures) get(r *http.Request) (any, error) {
	code := mux.Vars(r)["maTTHC"]
	for _, x := range p.list {
		if x.MaTTHC == code {
			return x, queryOf(r).done()
		}
	}
	return nil, notFound("Không có thủ tục hành chính mang mã này.")
}

func (p *procedures) fields(r *http.Request) (any, error) {
	var fields []procedureField
	for _, g := range procedureNames() {
		fields = append(fields, procedureField{LinhVuc: g.name, SoThuTuc: len(g.names)})
	}
	return paged(queryOf(r), fields, func(procedureField) bool { return true })
}

func (p *procedures) changes(r *http.Request) (any, error) {
	q := queryOf(r)
	since := q.day("tuNgay")
	var found []procedureSummary
	for _, x := range p.list {
		found = append(found, summaryOf(x))
	}
	return paged(q, found, func(x procedureSummary) bool { return x.NgayCapNhat >= since })
}
