package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/problem"
)

// loadApplication makes the developer's application, whose key and secret are
// shown once: without demo.json there is no way to them, and another is made.
func (s *seed) loadApplication(ctx context.Context) error {
	if id, err := uuid.Parse(s.Application.ClientID); err == nil {
		_, err := s.Auth.Application(ctx, id)
		if !problem.Is(err, problem.NotFound) {
			return err
		}
	}
	app, issued, err := s.Auth.CreateApplication(ctx, s.people["developer"], auth.NewApplication{
		Name: "Tra cứu một cửa (trình diễn)", Description: "Ứng dụng mẫu để thử các dịch vụ dữ liệu của địa bàn trình diễn."})
	if err != nil {
		return err
	}
	s.Application = Application{ClientID: app.ID.String()}
	for _, credential := range issued {
		if credential.Kind == "api_key" {
			s.Application.APIKey = credential.Secret
		} else {
			s.Application.ClientSecret = credential.Secret
		}
	}
	return s.save(s.Dir)
}

// wish is an agreement of the demo: approved, or left for the steward to decide.
type wish struct {
	agency, api    string
	purpose, basis string // code and id, as agreement lists them
	why            string
	approved       bool
	subjects       string // whose data it is
	volume, kept   int    // calls a day, and days that what is got is kept
	operations     []agreement.Wanted
}

func wishes() []wish {
	return []wish{
		{agency: "so-nong-nghiep-moi-truong", api: "dat-dai", purpose: "thu-tuc", basis: "luat-60-2024-d11-2b", approved: true,
			subjects: "Chủ sử dụng đất nộp hồ sơ tại một cửa", volume: 300, kept: 30,
			why: "Điền sẵn thông tin thửa đất khi tiếp nhận hồ sơ một cửa, không yêu cầu người dân nộp lại.",
			operations: []agreement.Wanted{
				{Operation: "xem-thua-dat", Fields: []string{"/maXa", "/tenXa", "/soTo", "/soThua", "/dienTich", "/mucDich", "/soGCN"}},
				{Operation: "tim-thua-dat", Fields: []string{"/tongSo", "/trang", "/kichThuoc", "/duLieu/*/maXa", "/duLieu/*/soTo", "/duLieu/*/soThua", "/duLieu/*/mucDich"}},
			}},
		{agency: "so-noi-vu", api: "nguoi-co-cong", purpose: "thu-tuc", basis: "luat-60-2024-d11-2b", approved: true,
			subjects: "Người có công và thân nhân đề nghị trợ cấp", volume: 100, kept: 30,
			why: "Xác nhận chế độ đang hưởng khi giải quyết hồ sơ trợ cấp thờ cúng liệt sĩ.",
			operations: []agreement.Wanted{
				{Operation: "xem-nguoi-co-cong", Fields: []string{"/soDinhDanh", "/hoTen", "/doiTuong", "/tenDoiTuong", "/mucTroCap", "/trangThai", "/tenXa"}},
				{Operation: "xac-nhan-nguoi-co-cong", Fields: []string{"/laNguoiCoCong"}},
			}},
		{agency: "van-phong-ubnd-tinh", api: "mot-cua-dien-tu", purpose: "dich-vu", basis: "nd-194-2025-d16",
			subjects: "Người nộp hồ sơ, xem hồ sơ của chính mình", volume: 500, kept: 0,
			why: "Cho người dân theo dõi tiến độ hồ sơ của mình trên ứng dụng.",
			operations: []agreement.Wanted{
				{Operation: "tien-do-ho-so", Fields: []string{"/tongSo", "/duLieu/*/NoiDungXuLy", "/duLieu/*/ThoiDiemXuLy", "/duLieu/*/TrangThai"}},
				{Operation: "xem-ho-so", Fields: []string{"/MaHoSo", "/TenTTHC", "/NgayHenTra", "/TrangThaiHoSo"}},
			}},
	}
}

// loadAgreements asks for each wish once, and has the steward approve those
// that the printed calls need.
func (s *seed) loadAgreements(ctx context.Context) error {
	application, err := uuid.Parse(s.Application.ClientID)
	if err != nil {
		return err
	}
	today := s.Catalog.Now().UTC().Add(7 * time.Hour) // agreements count Vietnamese days
	for _, w := range wishes() {
		version, err := s.Catalog.VersionBySlug(ctx, s.people[auth.RolePublisher], w.agency, w.api, number)
		if err != nil {
			return err
		}
		asked, err := s.asked(ctx, agreement.Request{
			ApplicationID: application, VersionID: version.ID, Operations: w.operations, Purpose: w.purpose, PurposeText: w.why,
			LegalBasis: w.basis, Subjects: w.subjects, VolumePerDay: w.volume, RetentionDays: &w.kept, Starts: today.Format(time.DateOnly), Ends: today.AddDate(1, 0, 0).Format(time.DateOnly)})
		if err != nil {
			return fmt.Errorf("%s: %w", w.api, err)
		}
		if !w.approved || asked.State != agreement.Requested {
			continue
		}
		if _, err := s.Agreements.Approve(ctx, s.people[auth.RoleSteward], asked.ID, "Phù hợp mục đích đã nêu (trình diễn)."); err != nil {
			return fmt.Errorf("%s: %w", w.api, err)
		}
	}
	return nil
}

// asked finds the newest agreement between application and version, or asks for one.
func (s *seed) asked(ctx context.Context, r agreement.Request) (agreement.Agreement, error) {
	developer := s.people["developer"]
	page, err := s.Agreements.Mine(ctx, developer, agreement.Filter{Application: r.ApplicationID, Version: r.VersionID, Limit: 1})
	if err != nil || len(page.Items) > 0 {
		return first(page.Items), err
	}
	return s.Agreements.Request(ctx, developer, r)
}

func first(list []agreement.Agreement) agreement.Agreement {
	if len(list) == 0 {
		return agreement.Agreement{}
	}
	return list[0]
}
