package catalog

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"lgsp/internal/pgtest"
)

// subjects are what a province's datasets are about: slug, title, notes,
// keywords, agency. Each comes for the province and each district, for two years.
var subjects = [][5]string{
	{"ho-ngheo", "Hộ nghèo, hộ cận nghèo", "Kết quả rà soát theo chuẩn nghèo đa chiều", "giảm nghèo, an sinh xã hội", "Sở Nông nghiệp và Môi trường"},
	{"dat-dai", "Thống kê, kiểm kê đất đai", "Diện tích theo mục đích sử dụng; giấy chứng nhận quyền sử dụng đất đã cấp", "quản lý đất đai", "Sở Nông nghiệp và Môi trường"},
	{"gia-dat", "Bảng giá các loại đất", "Giá đất ở, đất nông nghiệp theo vị trí, đoạn đường", "giá đất", "Sở Nông nghiệp và Môi trường"},
	{"nuoc-mat", "Quan trắc chất lượng nước mặt", "pH, DO, BOD5, COD tại các điểm quan trắc trên sông", "môi trường nước", "Sở Nông nghiệp và Môi trường"},
	{"khong-khi", "Quan trắc chất lượng không khí", "Nồng độ PM2.5, PM10, SO2 theo giờ; chỉ số VN_AQI", "bụi mịn, môi trường không khí", "Sở Nông nghiệp và Môi trường"},
	{"lua", "Diện tích, năng suất, sản lượng lúa", "Vụ đông xuân, vụ hè thu", "trồng trọt", "Sở Nông nghiệp và Môi trường"},
	{"tom", "Sản lượng nuôi tôm nước lợ", "Diện tích thả nuôi, số lượng giống, sản lượng thu hoạch", "thuỷ sản", "Sở Nông nghiệp và Môi trường"},
	{"tau-ca", "Tàu cá đã đăng ký", "Số đăng ký, chiều dài, công suất máy, nghề khai thác; thiết bị giám sát hành trình VMS", "khai thác hải sản, chống IUU", "Sở Nông nghiệp và Môi trường"},
	{"rung", "Diện tích rừng và độ che phủ", "Rừng phòng hộ, rừng đặc dụng, rừng sản xuất", "lâm nghiệp, kiểm lâm", "Sở Nông nghiệp và Môi trường"},
	{"ho-chua", "Hồ chứa thuỷ lợi và mực nước", "Dung tích, cao trình, mực nước hằng ngày", "thuỷ lợi, phòng chống thiên tai", "Sở Nông nghiệp và Môi trường"},
	{"htx", "Hợp tác xã nông nghiệp", "Số thành viên, vốn điều lệ, doanh thu", "kinh tế tập thể", "Sở Nông nghiệp và Môi trường"},
	{"ntm", "Xã đạt chuẩn nông thôn mới", "Tiêu chí đã đạt, năm công nhận", "nông thôn mới nâng cao", "Sở Nông nghiệp và Môi trường"},
	{"ocop", "Sản phẩm OCOP được công nhận", "Tên sản phẩm, chủ thể, hạng sao", "mỗi xã một sản phẩm", "Sở Nông nghiệp và Môi trường"},
	{"dan-so", "Dân số trung bình theo giới tính và khu vực", "Thành thị, nông thôn; mật độ dân số", "thống kê dân số", "Chi cục Thống kê"},
	{"lao-dong", "Lực lượng lao động và việc làm", "Tỷ lệ thất nghiệp, lao động qua đào tạo", "việc làm", "Sở Nội vụ"},
	{"nguoi-co-cong", "Người có công với cách mạng", "Số người hưởng trợ cấp thường xuyên, quà lễ tết", "chính sách, thương binh, liệt sĩ", "Sở Nội vụ"},
	{"can-bo", "Biên chế cán bộ, công chức, viên chức", "Theo cơ quan, ngạch, trình độ đào tạo", "tổ chức bộ máy", "Sở Nội vụ"},
	{"cchc", "Chỉ số cải cách hành chính", "Điểm PAR INDEX, SIPAS của sở, ban, ngành và địa phương", "xếp hạng", "Sở Nội vụ"},
	{"tthc", "Danh mục thủ tục hành chính", "Thời hạn giải quyết, phí, lệ phí, cơ quan thực hiện", "bộ phận một cửa", "Văn phòng Uỷ ban nhân dân tỉnh"},
	{"ho-so", "Tình hình giải quyết hồ sơ trực tuyến", "Tiếp nhận, đúng hạn, quá hạn; dịch vụ công trực tuyến toàn trình", "một cửa điện tử", "Văn phòng Uỷ ban nhân dân tỉnh"},
	{"nghi-quyet", "Nghị quyết của Hội đồng nhân dân tỉnh", "Số, ngày ban hành, trích yếu", "văn bản", "Văn phòng Đoàn đại biểu Quốc hội và HĐND tỉnh"},
	{"quyet-dinh", "Quyết định của UBND tỉnh", "Văn bản quy phạm pháp luật và cá biệt; 958/QĐ-UBND", "văn bản", "Văn phòng Uỷ ban nhân dân tỉnh"},
	{"ngan-sach", "Công khai dự toán, quyết toán ngân sách nhà nước", "Thu, chi cân đối; biểu mẫu công khai", "tài chính công", "Sở Tài chính"},
	{"dau-tu-cong", "Giải ngân vốn đầu tư công", "Kế hoạch vốn, lũy kế giải ngân theo dự án", "đầu tư", "Sở Tài chính"},
	{"doanh-nghiep", "Doanh nghiệp đăng ký thành lập mới", "Mã số doanh nghiệp, ngành nghề, vốn điều lệ", "đăng ký kinh doanh", "Sở Tài chính"},
	{"gia-thi-truong", "Giá cả hàng hoá thiết yếu", "Giá gạo, thịt lợn, rau củ, xăng dầu tại các chợ theo tuần", "giá nông sản, thị trường", "Sở Tài chính"},
	{"thue-bao", "Thuê bao điện thoại và Internet", "Thuê bao di động, cố định, băng rộng", "viễn thông", "Sở Khoa học và Công nghệ"},
	{"bts", "Trạm thu phát sóng di động (BTS)", "Vị trí, nhà mạng, công nghệ 3G, 4G, 5G", "hạ tầng viễn thông", "Sở Khoa học và Công nghệ"},
	{"chu-ky-so", "Chứng thư số chuyên dùng công vụ", "Số lượng cấp mới, gia hạn, thu hồi", "chữ ký số", "Sở Khoa học và Công nghệ"},
	{"de-tai", "Đề tài nghiên cứu khoa học cấp tỉnh", "Chủ nhiệm, đơn vị chủ trì, kinh phí, kết quả nghiệm thu", "khoa học công nghệ", "Sở Khoa học và Công nghệ"},
	{"truong-hoc", "Trường mầm non, tiểu học, trung học cơ sở, trung học phổ thông", "Số lớp, số học sinh, giáo viên; trường đạt chuẩn quốc gia", "giáo dục", "Sở Giáo dục và Đào tạo"},
	{"diem-thi", "Phổ điểm thi tốt nghiệp", "Theo môn, theo trường", "kỳ thi", "Sở Giáo dục và Đào tạo"},
	{"co-so-y-te", "Cơ sở khám bệnh, chữa bệnh được cấp phép", "Bệnh viện, trạm y tế, phòng khám; số giường bệnh", "y tế", "Sở Y tế"},
	{"tiem-chung", "Tiêm chủng mở rộng cho trẻ em", "Tỷ lệ tiêm đủ mũi theo loại vắc xin", "y tế dự phòng", "Sở Y tế"},
	{"attp", "Cơ sở đủ điều kiện an toàn thực phẩm", "Giấy chứng nhận, ngày cấp, ngày hết hạn", "thực phẩm", "Sở Y tế"},
	{"bhyt", "Người tham gia bảo hiểm y tế", "Theo nhóm đối tượng, tỷ lệ bao phủ", "bảo hiểm xã hội", "Bảo hiểm xã hội tỉnh"},
	{"kcn", "Khu công nghiệp, cụm công nghiệp", "Diện tích, tỷ lệ lấp đầy, dự án thứ cấp; Khu kinh tế Dung Quất", "đầu tư, công nghiệp", "Ban Quản lý Khu kinh tế Dung Quất"},
	{"cho", "Chợ, siêu thị, trung tâm thương mại", "Hạng chợ, số hộ kinh doanh, địa chỉ", "thương mại", "Sở Công Thương"},
	{"xang-dau", "Cửa hàng bán lẻ xăng dầu", "Tên cửa hàng, thương nhân, toạ độ", "kinh doanh có điều kiện", "Sở Công Thương"},
	{"xe-buyt", "Tuyến xe buýt và điểm dừng", "Lộ trình, giờ chạy, tần suất", "vận tải hành khách công cộng", "Sở Xây dựng"},
	{"tai-nan", "Tai nạn giao thông", "Số vụ, số người chết, số người bị thương theo tháng", "an toàn giao thông", "Sở Xây dựng"},
	{"gpxd", "Giấy phép xây dựng đã cấp", "Chủ đầu tư, quy mô, địa điểm", "quy hoạch, xây dựng", "Sở Xây dựng"},
	{"di-tich", "Di tích lịch sử, văn hoá đã xếp hạng", "Cấp quốc gia, cấp tỉnh; toạ độ", "di sản, Sa Huỳnh", "Sở Văn hoá, Thể thao và Du lịch"},
	{"luu-tru", "Cơ sở lưu trú du lịch", "Khách sạn, nhà nghỉ, homestay; số phòng, hạng sao", "du lịch", "Sở Văn hoá, Thể thao và Du lịch"},
	{"pccc", "Cơ sở thuộc diện quản lý về phòng cháy và chữa cháy", "Nhóm nguy hiểm, lần kiểm tra gần nhất", "an toàn cháy nổ", "Công an tỉnh"},
}

var districts = strings.Split("toàn tỉnh Quảng Ngãi|thành phố Quảng Ngãi|huyện Bình Sơn|huyện Sơn Tịnh|huyện Tư Nghĩa|huyện Nghĩa Hành|huyện Mộ Đức|thị xã Đức Phổ|huyện Ba Tơ|huyện Minh Long|huyện Sơn Hà|huyện Sơn Tây|huyện Trà Bồng|đặc khu Lý Sơn|thành phố Kon Tum|huyện Đăk Hà|huyện Đăk Tô|huyện Ngọc Hồi|huyện Sa Thầy|huyện Kon Plông|huyện Kon Rẫy|huyện Tu Mơ Rông|huyện Đăk Glei", "|")

// wanted is a query as people type it, and of which subject and district what
// they look for is; "" is any.
type wanted struct{ why, typed, subject, district string }

var hardSet = []wanted{
	{"plain", "hộ nghèo huyện Ba Tơ", "ho-ngheo", "Ba Tơ"},
	{"no marks", "ho ngheo ba to", "ho-ngheo", "Ba Tơ"},
	{"no marks, ambiguous", "cho sieu thi binh son", "cho", "Bình Sơn"},
	{"capitals", "DI TÍCH LỊCH SỬ ĐỨC PHỔ", "di-tich", "Đức Phổ"},
	{"decomposed", norm.NFD.String("giá đất Mộ Đức"), "gia-dat", "Mộ Đức"},
	{"half composed", "chất lượ\u0300ng nươ\u0301c mặt", "nuoc-mat", ""},
	{"Eth", "\u00d0ất \u00f0ai Sơn Tịnh", "dat-dai", "Sơn Tịnh"},
	{"African d", "c\u00e1n b\u1ed9 c\u00f4ng ch\u1ee9c \u0110\u0103k H\u00e0", "can-bo", "Đăk Hà"},
	{"old tone place", "thủy lợi hồ chứa", "ho-chua", ""},
	{"new tone place", "thuỷ sản tôm nước lợ", "tom", ""},
	{"old tone place in văn hóa", "di tích văn hóa Lý Sơn", "di-tich", "Lý Sơn"},
	{"i for y", "tỉ lệ tiêm chủng", "tiem-chung", ""},
	{"y for i", "xe buýt Lí Sơn", "xe-buyt", "Lý Sơn"},
	{"kĩ for kỹ", "chữ kí số", "chu-ky-so", ""},
	{"TTHC", "TTHC Sơn Hà", "tthc", "Sơn Hà"},
	{"HĐND", "nghị quyết HĐND tỉnh", "nghi-quyet", ""},
	{"hdnd plain", "nghi quyet hdnd", "nghi-quyet", ""},
	{"words for UBND", "quyết định của ủy ban nhân dân tỉnh", "quyet-dinh", ""},
	{"KCN", "KCN Dung Quất", "kcn", ""},
	{"CCN", "ccn tư nghĩa", "kcn", "Tư Nghĩa"},
	{"NSNN", "dự toán NSNN", "ngan-sach", ""},
	{"HTX", "htx nghĩa hành", "htx", "Nghĩa Hành"},
	{"NTM", "xã ntm minh long", "ntm", "Minh Long"},
	{"THPT", "truong thpt kon tum", "truong-hoc", "Kon Tum"},
	{"THCS", "THCS Ngọc Hồi", "truong-hoc", "Ngọc Hồi"},
	{"BHYT", "bhyt sa thầy", "bhyt", "Sa Thầy"},
	{"PCCC", "PCCC Trà Bồng", "pccc", "Trà Bồng"},
	{"ATTP", "giấy ATTP", "attp", ""},
	{"GPXD", "gpxd thành phố quảng ngãi", "gpxd", "thành phố Quảng Ngãi"},
	{"CCHC", "chỉ số CCHC", "cchc", ""},
	{"CBCCVC", "biên chế cbccvc", "can-bo", ""},
	{"DVC", "DVCTT quá hạn", "ho-so", ""},
	{"sổ đỏ", "sổ đỏ Đăk Tô", "dat-dai", "Đăk Tô"},
	{"sổ hồng", "so hong", "dat-dai", ""},
	{"former department", "Sở Thông tin và Truyền thông thuê bao", "thue-bao", ""},
	{"former department, no và", "so thong tin truyen thong bts", "bts", ""},
	{"former department of transport", "sở giao thông vận tải tai nạn", "tai-nan", ""},
	{"former department, its letters", "Sở LĐTBXH người có công", "nguoi-co-cong", ""},
	{"former district", "tàu cá huyện Lý Sơn", "tau-ca", "Lý Sơn"},
	{"letter off", "doanh ngiep thanh lap moi", "doanh-nghiep", ""},
	{"letters swapped", "thống kê đất đia", "dat-dai", ""},
	{"x for s", "xản lượng lúa", "lua", ""},
	{"ch for tr", "chạm thu phát sóng", "bts", ""},
	{"tr for ch", "trữ ký số", "chu-ky-so", ""},
	{"d for gi", "diải ngân vốn đầu tư công", "dau-tu-cong", ""},
	{"r for gi", "rấy phép xây dựng", "gpxd", ""},
	{"hỏi for ngã", "điểm thi tốt nghiệp kon rãy", "diem-thi", "Kon Rẫy"},
	{"Telex left in", "ddaats ddai mooj ddwcs", "dat-dai", "Mộ Đức"},
	{"Telex, w alone", "nuwowcs mawtj", "nuoc-mat", ""},
	{"VNI left in", "ho65 nghe2o so7n ta6y", "ho-ngheo", "Sơn Tây"},
	{"glued in two", "doanhnghiep", "doanh-nghiep", ""},
	{"glued in four", "tainangiaothong", "tai-nan", ""},
	{"parted", "inter net thuê bao", "thue-bao", ""},
	{"code", "PM2.5", "khong-khi", ""},
	{"code apart", "bụi PM 2.5", "khong-khi", ""},
	{"code with a low line", "vn aqi", "khong-khi", ""},
	{"document number", "958/QĐ-UBND", "quyet-dinh", ""},
	{"long question", "Tôi muốn biết huyện Bình Sơn có bao nhiêu hộ nghèo và hộ cận nghèo trong năm 2024?", "ho-ngheo", "Bình Sơn"},
	{"long question, no marks", "cho toi hoi nhung co so y te nao duoc cap phep o tu nghia", "co-so-y-te", "Tư Nghĩa"},
	{"question about a place", "ở đâu bán lẻ xăng dầu tại Sơn Hà", "xang-dau", "Sơn Hà"},
	{"words nowhere", "bảng giá đất thành phố Hà Nội năm 2030", "gia-dat", ""},
	{"keyword only", "chống IUU", "tau-ca", ""},
	{"notes only", "homestay", "luu-tru", ""},
	{"agency only", "bảo hiểm xã hội tỉnh", "bhyt", ""},
	{"mixed with English", "OCOP 5 sao", "ocop", ""},
	{"lay words", "giá thịt lợn ngoài chợ", "gia-thi-truong", ""},
}

// indexProvince fills the index with about 2,000 records.
func indexProvince(t testing.TB, s *shelf) int {
	t.Helper()
	ctx := context.Background()
	tx, err := s.DB.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, subject := range subjects {
		owner := Agency{ID: uuid.NewSHA1(uuid.Nil, []byte(subject[4])), Slug: strings.ReplaceAll(subject[4], " ", "-"), TitleVI: subject[4]}
		for i, district := range districts {
			for year := 2023; year <= 2024; year++ {
				n++
				err := s.index(ctx, tx, SearchDoc{
					Kind: "dataset", ID: uuid.Must(uuid.NewV7()), Agency: owner, Slug: fmt.Sprintf("%s %s %d", subject[0], district, year),
					TitleVI: fmt.Sprintf("%s %s năm %d", subject[1], district, year), TextVI: subject[2] + ". Số liệu " + district + ", cập nhật hằng năm.",
					Keywords: strings.Split(subject[3], ", "), Theme: Themes()[n%13].ID, Licence: Licences()[0].ID, Access: []string{Open},
					Formats: [][]string{{"CSV"}, {"XLSX"}, {"CSV", "XLSX"}}[i%3], Columns: []string{"Mã", "Tên đơn vị", "Số lượng", "Ghi chú"}, At: s.now,
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	return n
}

// recallFloor is how many of hardSet have what is wanted among the first three:
// what was measured. A change that finds less is a fault.
const recallFloor = 65

func TestRecallOfHardQueries(t *testing.T) {
	t.Parallel()
	s := newShelf(t, pgtest.Tx(t))
	if n := indexProvince(t, s); n < 2000 {
		t.Fatalf("%d records, want about 2000", n)
	}
	met := 0
	for _, q := range hardSet {
		found, err := s.Find(t.Context(), FindQuery{Text: q.typed, Limit: 3})
		if err != nil {
			t.Fatalf("%s: %v", q.why, err)
		}
		hit := false
		var slugs []string
		for _, h := range found.Hits {
			slugs = append(slugs, h.Slug)
			hit = hit || strings.HasPrefix(h.Slug, q.subject+" ") && strings.Contains(h.Slug, q.district)
		}
		if hit {
			met++
		} else {
			t.Logf("%s: %q finds %q (partial %t)", q.why, q.typed, slugs, found.Partial)
		}
	}
	t.Logf("recall@3: %d of %d", met, len(hardSet))
	if met < recallFloor {
		t.Errorf("recall@3 is %d of %d, want at least %d", met, len(hardSet), recallFloor)
	}
}
