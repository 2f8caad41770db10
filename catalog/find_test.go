package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"lgsp/catalog/search"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// corpus is what the relevance test looks for: slug, title and notes.
var corpus = [][3]string{
	{"thue-bao", "Thuê bao điện thoại và Internet tỉnh Quảng Ngãi", "Khoảng 1.350.000 thuê bao di động, cố định; nguồn 4259/UBND-KGVX"},
	{"bts", "Trạm thu phát sóng di động (BTS)", "Hạ tầng viễn thông, cáp quang, trạm phát"},
	{"chung-thu-so", "Chứng thư số chuyên dùng", "Chữ ký số của cơ quan nhà nước"},
	{"hop-thu", "Hộp thư công vụ", "Thư điện tử của cán bộ, công chức, viên chức"},
	{"du-an-cntt", "Dự án công nghệ thông tin và kinh phí", "Ngân sách nhà nước, phụ lục"},
	{"tthc", "Thủ tục hành chính cấp tỉnh", "Thời hạn giải quyết, lệ phí, cơ quan thực hiện"},
	{"gia-lua", "Giá lúa, mì và nông sản", "Giá bán tại chợ theo tuần"},
	{"gia-vang", "Giá vàng, ngoại tệ", "Theo ngày"},
	{"dat-dai", "Thống kê đất đai theo loại đất", "Giấy chứng nhận quyền sử dụng đất đã cấp"},
	{"nguoi-co-cong", "Người có công với cách mạng", "Danh sách chế độ trợ cấp theo xã"},
	{"ho-ngheo", "Hộ nghèo, hộ cận nghèo", "Rà soát theo chuẩn đa chiều"},
	{"truong-hoc", "Trường học phổ thông", "Trường trung học phổ thông, trung học cơ sở, tiểu học"},
	{"khi-hau", "Quan trắc không khí PM2.5", "Nồng độ bụi mịn theo giờ tại trạm"},
	{"nuoc", "Chất lượng nước sông Trà Khúc", "pH, DO, BOD5"},
	{"dan-so", "Dân số và lao động", "Điều tra dân số theo huyện"},
	{"benh-vien", "Bệnh viện, trạm y tế", "Giường bệnh, bác sĩ, bảo hiểm y tế"},
	{"khu-cong-nghiep", "Khu công nghiệp và khu kinh tế Dung Quất", "Diện tích, tỷ lệ lấp đầy"},
	{"hop-tac-xa", "Hợp tác xã nông nghiệp", "Số thành viên, vốn điều lệ"},
	{"nong-thon-moi", "Xã đạt chuẩn nông thôn mới", "Tiêu chí theo năm"},
	{"xe-buyt", "Tuyến xe buýt", "Điểm dừng, giờ chạy"},
	{"ly-son", "Du lịch đảo Lý Sơn", "Lượt khách, cơ sở lưu trú"},
	{"tom", "Sản lượng tôm nước lợ", "Nuôi trồng thuỷ sản"},
	{"hoa", "Vùng trồng hoa cúc", "Huyện Tư Nghĩa"},
	{"hoa-binh", "Công viên Hoà Bình", "Cây xanh đô thị"},
	{"thuy-loi", "Công trình thuỷ lợi, hồ chứa", "Dung tích, mực nước hồ"},
	{"chay", "Cơ sở phòng cháy chữa cháy", "Kiểm tra an toàn"},
	{"thuc-pham", "Cơ sở đủ điều kiện an toàn thực phẩm", "Giấy phép còn hiệu lực"},
	{"hoi-dong", "Nghị quyết của Hội đồng nhân dân tỉnh", "Các kỳ họp"},
	{"ubnd", "Quyết định của UBND tỉnh", "Văn bản quy phạm pháp luật"},
	{"ky-thuat", "Tiêu chuẩn kỹ thuật địa phương", "Quy chuẩn"},
	{"ma-dinh-danh", "Mã định danh cơ quan H48.11", "Danh mục mã của các cơ quan"},
	{"wifi", "Điểm phát wifi công cộng", "Mạng không dây miễn phí"},
	{"cho-dem", "Chợ đêm và chợ truyền thống", "Ban quản lý chợ"},
	{"cho-nuoi", "Đàn chó nuôi và tiêm phòng dại", "Theo xã"},
	{"can-bo", "Biên chế cán bộ công chức viên chức", "Theo cơ quan"},
	{"mo-cong", "Dịch vụ công trực tuyến mức độ 4", "Hồ sơ nộp trực tuyến"},
}

// plainCase is one query and what must come first, or among the first three.
type plainCase struct {
	name, typed, want string
	among             int
	partial           bool
}

var hardQueries = []plainCase{
	{name: "with marks", typed: "thuê bao internet", want: "thue-bao"},
	{name: "without marks", typed: "thue bao internet", want: "thue-bao"},
	{name: "capitals", typed: "THUÊ BAO", want: "thue-bao"},
	{name: "decomposed", typed: norm.NFD.String("thủ tục hành chính"), want: "tthc"},
	{name: "half composed", typed: "giâ\u0301y chư\u0301ng nhâ\u0323n quyê\u0300n sử dụng đất", want: "dat-dai"},
	{name: "old tone place", typed: "thủy lợi", want: "thuy-loi"},
	{name: "new tone place", typed: "thuỷ lợi", want: "thuy-loi"},
	{name: "old tone place, hòa bình", typed: "công viên hòa bình", want: "hoa-binh"},
	{name: "marks tell hoa from hoà", typed: "hoà", want: "hoa-binh"},
	{name: "no mark typed, flower", typed: "hoa cuc", want: "hoa"},
	{name: "marks tell chợ from chó", typed: "chợ", want: "cho-dem"},
	{name: "marks tell chó from chợ", typed: "chó", want: "cho-nuoi"},
	{name: "đ typed as d", typed: "dat dai", want: "dat-dai"},
	{name: "Eth for đ", typed: "\u00f0ất \u00f0ai", want: "dat-dai"},
	{name: "i for y", typed: "tiêu chuẩn kĩ thuật", want: "ky-thuat"},
	{name: "Lí for Lý", typed: "đảo Lí Sơn", want: "ly-son"},
	{name: "abbreviation for words", typed: "TTHC", want: "tthc"},
	{name: "abbreviation without marks", typed: "hđnd", want: "hoi-dong"},
	{name: "abbreviation typed plain", typed: "hdnd tinh", want: "hoi-dong"},
	{name: "words for an abbreviation", typed: "uỷ ban nhân dân tỉnh", want: "ubnd"},
	{name: "words for an abbreviation, no marks", typed: "quyet dinh uy ban nhan dan", want: "ubnd"},
	{name: "lay word", typed: "sổ đỏ", want: "dat-dai"},
	{name: "CNTT", typed: "dự án CNTT", want: "du-an-cntt"},
	{name: "CBCCVC", typed: "biên chế CBCCVC", want: "can-bo"},
	{name: "PCCC", typed: "pccc", want: "chay"},
	{name: "ATTP", typed: "attp", want: "thuc-pham"},
	{name: "HTX", typed: "htx nông nghiệp", want: "hop-tac-xa"},
	{name: "KCN", typed: "kcn dung quat", want: "khu-cong-nghiep"},
	{name: "NTM", typed: "xã ntm", want: "nong-thon-moi"},
	{name: "BHYT", typed: "bhyt", want: "benh-vien"},
	{name: "THPT", typed: "trường THPT", want: "truong-hoc"},
	{name: "code", typed: "PM2.5", want: "khi-hau"},
	{name: "code without its point", typed: "pm25", want: "khi-hau"},
	{name: "code in two", typed: "PM 2.5", want: "khi-hau"},
	{name: "agency code", typed: "H48.11", want: "ma-dinh-danh"},
	{name: "document number", typed: "4259/UBND-KGVX", want: "thue-bao"},
	{name: "document number, its beginning", typed: "4259", want: "thue-bao"},
	{name: "question", typed: "Quảng Ngãi có bao nhiêu thuê bao internet?", want: "thue-bao"},
	{name: "Telex left in", typed: "chuwsng thuw soos", want: "chung-thu-so"},
	{name: "a letter off", typed: "thue bao interner", want: "thue-bao"},
	{name: "x for s", typed: "xản lượng tôm", want: "tom"},
	{name: "ch for tr", typed: "chường học phổ thông", want: "truong-hoc"},
	{name: "glued", typed: "quangngai thue bao", want: "thue-bao"},
	{name: "half the words are elsewhere", typed: "tuyến xe buýt đường sắt", want: "xe-buyt", partial: true},
	{name: "in the notes", typed: "bụi mịn", want: "khi-hau"},
	{name: "agency and subject", typed: "sở thông tin truyền thông hộp thư", want: "hop-thu"},
	{name: "neighbours count", typed: "mực nước hồ", want: "thuy-loi"},
	{name: "English", typed: "dataset 42", want: "d-42"},
}

func indexCorpus(t testing.TB, s *shelf, noise int) {
	t.Helper()
	tx, err := s.DB.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	put := func(d SearchDoc) {
		d.Kind, d.ID, d.Agency, d.At = "dataset", uuid.Must(uuid.NewV7()), s.agency, s.now
		if err := s.index(context.Background(), tx, d); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range corpus {
		put(SearchDoc{Slug: d[0], TitleVI: d[1], TextVI: d[2], Theme: "TECH", Formats: []string{"CSV"}})
	}
	subjects := strings.Split("Báo cáo|Danh sách|Kế hoạch|Số liệu|Bảng kê|Tổng hợp|Hồ sơ|Kết quả", "|")
	things := strings.Split("phương tiện vận tải|cấp phép xây dựng|doanh nghiệp thành lập|lễ hội văn hoá|di tích lịch sử|rừng phòng hộ|tàu cá|giống cây ăn quả|thư viện|sân vận động|nhà ở xã hội|chất thải rắn", "|")
	places := strings.Split("Bình Sơn|Sơn Tịnh|Mộ Đức|Đức Phổ|Ba Tơ|Trà Bồng|Sơn Hà|Minh Long|Nghĩa Hành|Sơn Tây", "|")
	for i := range noise {
		title := fmt.Sprintf("%s %s huyện %s năm %d", subjects[i%8], things[i/8%12], places[i/96%10], 2015+i/960%10)
		put(SearchDoc{Slug: fmt.Sprintf("d-%d", i), TitleVI: title, TitleEN: fmt.Sprintf("Dataset %d", i), Theme: Themes()[i%13].ID,
			TextVI:  title + ", do cơ quan chuyên môn tổng hợp hằng quý từ các xã, phường, thị trấn; đơn vị tính và kỳ số liệu ghi trong bảng.",
			Formats: []string{[]string{"CSV", "XLSX", "JSON"}[i%3]}, Columns: []string{"Mã", "Tên", "Xã", "Giá trị"}})
	}
	if err := tx.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestHardQueries(t *testing.T) {
	t.Parallel()
	s := newShelf(t, pgtest.Tx(t))
	indexCorpus(t, s, 300)
	for _, tt := range hardQueries {
		found, err := s.Find(t.Context(), FindQuery{Text: tt.typed, Limit: 100})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var slugs []string
		for _, h := range found.Hits {
			slugs = append(slugs, h.Slug)
		}
		at := slices.Index(slugs, tt.want)
		if at < 0 || at >= max(1, tt.among) || found.Partial != tt.partial {
			t.Errorf("%s: %q finds %v (partial %t), want %s first", tt.name, tt.typed, slugs[:min(3, len(slugs))], found.Partial, tt.want)
		}
	}
}

func TestFindFiltersCountsAndPages(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	indexCorpus(t, s, 90)
	all, err := s.Find(ctx, FindQuery{})
	if err != nil || all.Total != len(corpus)+90 || len(all.Hits) != 20 || all.Next == "" {
		t.Errorf("total %d, %d hits, next %q, error %v", all.Total, len(all.Hits), all.Next, err)
	}
	found, err := s.Find(ctx, FindQuery{Text: "huyen binh son", Format: "CSV", Agency: s.agency.Slug})
	if err != nil || found.Total != 30 || len(found.Facets["format"]) != 3 || found.Facets["format"][0].Count != 30 ||
		found.Facets["agency"][0].Value != s.agency.Slug || found.Facets["kind"][0].Count != 30 || found.Partial {
		t.Errorf("found %+v, error %v", found.Facets, err)
	}
	seen := map[string]bool{}
	q := FindQuery{Text: "huyen", Limit: 7}
	for {
		page, err := s.Find(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range page.Hits {
			if seen[h.Slug] {
				t.Errorf("%s comes twice", h.Slug)
			}
			seen[h.Slug] = true
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if len(seen) < 90 {
		t.Errorf("pages hold %d, want at least 90", len(seen))
	}
	for name, q := range map[string]FindQuery{
		"search-too-long": {Text: strings.Repeat("ă", 401)}, "page-limit": {Limit: -1}, "page-cursor": {After: "OTk5OTk5"},
	} {
		if _, err := s.Find(ctx, q); problem.Code(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, nothing := range []FindQuery{{Text: "?!…"}, {Agency: "khong-co"}, {Text: "zzzzqqqq"}} {
		if found, err := s.Find(ctx, nothing); err != nil || len(found.Hits) != 0 {
			t.Errorf("%+v finds %d, error %v", nothing, len(found.Hits), err)
		}
	}
	if h := mustFind(t, s, "thue bao").Hits[0]; h.MarkedVI != "<mark>Thuê</mark> <mark>bao</mark> điện thoại và Internet tỉnh Quảng Ngãi" {
		t.Errorf("marked %s", h.MarkedVI)
	}
}

func mustFind(t *testing.T, s *shelf, typed string) SearchAnswer {
	t.Helper()
	found, err := s.Find(t.Context(), FindQuery{Text: typed})
	if err != nil || len(found.Hits) == 0 {
		t.Fatalf("%q finds %d, error %v", typed, len(found.Hits), err)
	}
	return found
}

func TestSuggestDatasets(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	indexCorpus(t, s, 50)
	for typed, want := range map[string]string{"thue b": "thue-bao", "Thuê bao điện th": "thue-bao", "tram thu ph": "bts", "h48": "ma-dinh-danh"} {
		hits, err := s.Suggest(ctx, typed)
		if err != nil || len(hits) == 0 || hits[0].Slug != want || len(hits) > 8 {
			t.Errorf("%q suggests %d, error %v", typed, len(hits), err)
		}
	}
	for _, typed := range []string{"", "' & !", strings.Repeat("a", 500)} {
		if hits, err := s.Suggest(ctx, typed); err != nil || len(hits) != 0 {
			t.Errorf("%q suggests %d, error %v", typed, len(hits), err)
		}
	}
}

func FuzzFind(f *testing.F) {
	s := newShelf(f, pgtest.Tx(f))
	indexCorpus(f, s, 0)
	for _, q := range hardQueries[:8] {
		f.Add(q.typed)
	}
	f.Add(`' " \ & | ! :* <-> (`)
	f.Add("a\x00b\xff")
	f.Fuzz(func(t *testing.T, typed string) {
		if _, err := s.Find(context.Background(), FindQuery{Text: typed}); err != nil && problem.Code(err) == "" {
			t.Fatalf("%q: %v", typed, err)
		}
		if _, err := s.Suggest(context.Background(), typed); err != nil {
			t.Fatalf("%q: %v", typed, err)
		}
	})
}

// BenchmarkFind measures Find at 10,000 datasets and reports the 95th
// percentile in milliseconds, the fallback path apart.
func BenchmarkFind(b *testing.B) {
	s := newShelf(b, pgtest.New(b))
	indexCorpus(b, s, 10_000-len(corpus))
	if _, err := s.DB.Exec(b.Context(), "analyze catalog.search_doc"); err != nil {
		b.Fatal(err)
	}
	var whole, partial []string
	for _, q := range hardQueries {
		if q.partial {
			partial = append(partial, q.typed)
		} else {
			whole = append(whole, q.typed)
		}
	}
	whole = append(whole, "huyện Bình Sơn", "danh sách", "so lieu", "rừng phòng hộ Ba Tơ", "")
	partial = append(partial, "rừng phòng hộ thành phố Hà Nội", "di tich lich su van mieu ha noi")
	for name, queries := range map[string][]string{"all-words": whole, "fallback": partial} {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			for i := range b.N {
				start := time.Now()
				if _, err := s.Find(b.Context(), FindQuery{Text: queries[i%len(queries)]}); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}

// BenchmarkFacetsAtHundredThousand measures counting alone, exact, under
// filters, and the whole search, at 100,000 datasets of 45 subjects.
func BenchmarkFacetsAtHundredThousand(b *testing.B) {
	s := newShelf(b, pgtest.New(b))
	indexProvince(b, s)
	if _, err := s.DB.Exec(b.Context(), `
		insert into catalog.search_doc (kind, id, agency_id, slug, title_vi, title_en, summary_vi, summary_en, theme, formats, exact, folded, letters, updated_at, licence, access, keywords)
		select kind, gen_random_uuid(), agency_id, slug || i, title_vi, title_en, summary_vi, summary_en, theme, formats, exact, folded, letters, updated_at - i * interval '1 hour', licence, access, keywords
		  from catalog.search_doc cross join generate_series(1, 49) i`); err != nil {
		b.Fatal(err)
	}
	if _, err := s.DB.Exec(b.Context(), "vacuum analyze catalog.search_doc"); err != nil {
		b.Fatal(err)
	}
	count := func(sql, words string) func() error {
		return func() error {
			_, err := pg.All[search.Count](b.Context(), s.DB, sql, words, "", uuid.Nil, "", "CSV", "", "", time.Time{})
			return err
		}
	}
	find := func(q FindQuery) func() error {
		return func() error { _, err := s.Find(b.Context(), q); return err }
	}
	for name, do := range map[string]func() error{
		"count everything":           count(countNewestSQL, ""),
		"count 9,000 by words":       count(countAllSQL, "'tau' & 'ca'"),
		"count every second":         count(countAllSQL, "'huyen'"),
		"find nothing typed":         find(FindQuery{}),
		"find tàu cá Lý Sơn":         find(FindQuery{Text: "tàu cá Lý Sơn"}),
		"find a word of every title": find(FindQuery{Text: "năm"}),
	} {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			for range b.N {
				start := time.Now()
				if err := do(); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
