package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"lgsp/internal/pgtest"
)

// TestVietnamesePropertiesOneByOne has a row, or several, for each property
// that search over Vietnamese must have: what is there, what is typed, and what
// is found in which order.
func TestVietnamesePropertiesOneByOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		titles  []string
		typed   string
		found   []int // places in titles, best first
		partial bool
	}{
		{name: "syllables side by side stand before the same apart", titles: []string{"Trường của môi", "Môi trường"}, typed: "moi truong", found: []int{1, 0}},
		{name: "side by side does not reach across punctuation", titles: []string{"Xây dựng; nông nghiệp", "Xây dựng nông thôn, nghiệp vụ", "Nông nghiệp xây dựng"}, typed: "dung nong", found: []int{1, 0, 2}},
		{name: "a code is one word, and its parts are words", titles: []string{"Bụi PM2.5", "Bụi PM10"}, typed: "PM2.5", found: []int{0}},
		{name: "a low line parts nothing", titles: []string{"Chỉ số VN_AQI"}, typed: "vn_aqi", found: []int{0}},
		{name: "typed without marks, every reading is found", titles: []string{"Chợ đêm", "Chó nuôi", "Chở hàng"}, typed: "cho", found: []int{0, 1, 2}},
		{name: "typed with marks, the same marks come first and others stay", titles: []string{"Chó nuôi", "Chợ đêm"}, typed: "chợ", found: []int{1, 0}},
		{name: "exact marks outweigh a better place without them", titles: []string{"Bán hàng", "Sổ bạn"}, typed: "bạn", found: []int{1, 0}},
		{name: "đ and d", titles: []string{"Đất đai"}, typed: "dat dai", found: []int{0}},
		{name: "d finds đ but đ comes first", titles: []string{"Dân số", "Đàn số"}, typed: "đàn số", found: []int{1, 0}},
		{name: "Eth for đ", titles: []string{"Đất đai"}, typed: "\u00d0ất \u00f0ai", found: []int{0}},
		{name: "Eth stored", titles: []string{"\u00d0ất \u00f0ai"}, typed: "đất đai", found: []int{0}},
		{name: "decomposed typed", titles: []string{"Quản lý chợ"}, typed: norm.NFD.String("quản lý chợ"), found: []int{0}},
		{name: "decomposed stored", titles: []string{norm.NFD.String("Quản lý chợ")}, typed: "quản lý chợ", found: []int{0}},
		{name: "place of the tone mark", titles: []string{"Hoà bình", "Hòa bình", "Hoa bình"}, typed: "hòa bình", found: []int{0, 1, 2}},
		{name: "i for y after h k l m s t", titles: []string{"Kỹ thuật", "Kĩ thuật", "Ky thuật"}, typed: "kĩ thuật", found: []int{0, 1, 2}},
		{name: "y stays elsewhere: thuỷ is not thuỉ, tay is not tai", titles: []string{"Tay nghề", "Tai nạn"}, typed: "tay", found: []int{0}},
		{name: "a word that stands somewhere is no typing error", titles: []string{"Xã", "Sả"}, typed: "xa", found: []int{0}},
		{name: "one letter off", titles: []string{"Doanh nghiệp"}, typed: "doanh ngiep", found: []int{0}},
		{name: "two letters off is not guessed", titles: []string{"Nghiệp đoàn", "Cầu đường"}, typed: "ngiepp cầu", found: []int{1}, partial: true},
		{name: "s and x", titles: []string{"Sản lượng"}, typed: "xản lượng", found: []int{0}},
		{name: "ch and tr", titles: []string{"Trường học"}, typed: "chường học", found: []int{0}},
		{name: "d, gi and r", titles: []string{"Giải ngân", "Giảm trừ"}, typed: "rải ngân", found: []int{0}},
		{name: "hỏi and ngã", titles: []string{"Nghỉ lễ"}, typed: "nghĩ lễ", found: []int{0}},
		{name: "Telex left in", titles: []string{"Thuỷ sản nước lợ"}, typed: "thuyr sanr nuwowcs lowj", found: []int{0}},
		{name: "VNI left in", titles: []string{"Thuỷ sản nước lợ"}, typed: "thuy3 sa3n nu7o71c lo75", found: []int{0}},
		{name: "Telex keys that are a word are that word", titles: []string{"Khu as", "Khu á"}, typed: "khu as", found: []int{0}},
		{name: "run together", titles: []string{"Giao thông vận tải", "Giao nộp", "Vận hành"}, typed: "giaothongvantai", found: []int{0}},
		{name: "parted", titles: []string{"Thuê bao Internet"}, typed: "inter net", found: []int{0}},
		{name: "an abbreviation finds its words", titles: []string{"Uỷ ban nhân dân xã"}, typed: "UBND", found: []int{0}},
		{name: "words find their abbreviation", titles: []string{"Quyết định UBND"}, typed: "uỷ ban nhân dân", found: []int{0}},
		{name: "TT&TT", titles: []string{"Thông tin và truyền thông"}, typed: "TT&TT", found: []int{0}},
		{name: "a lay word", titles: []string{"Giấy chứng nhận quyền sử dụng đất"}, typed: "sổ đỏ", found: []int{0}},
		{name: "what a lay word means is meant as a phrase", titles: []string{"Đất chưa sử dụng; quyền và giấy chứng nhận"}, typed: "sổ đỏ", found: nil, partial: true},
		{name: "a former name finds today's", titles: []string{"Báo cáo của Sở Khoa học và Công nghệ"}, typed: "Sở Thông tin và Truyền thông", found: []int{0}},
		{name: "today's name finds the former", titles: []string{"Báo cáo của Sở Thông tin và Truyền thông"}, typed: "sở khoa học công nghệ", found: []int{0}},
		{name: "function words of a question do not count", titles: []string{"Số trường mầm non", "Và của những"}, typed: "ở tỉnh có bao nhiêu trường mầm non?", found: []int{0}, partial: true},
		{name: "more than ten words count", titles: []string{"Một hai ba bốn năm sáu bảy tám chín mười mười-một lúa", "Một hai ba bốn năm sáu bảy tám chín mười mười-một ngô"},
			typed: "hai ba bốn năm sáu bảy tám chín mười mười-một ngô", found: []int{1}},
		{name: "half of the words is near, and said to be", titles: []string{"Xe buýt", "Đường sắt"}, typed: "xe buýt trên không", found: []int{0}, partial: true},
		{name: "nothing near is nothing", titles: []string{"Xe buýt"}, typed: "zzqq wwpp", found: nil, partial: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, pgtest.Tx(t))
			s.agency.TitleVI, s.agency.TitleEN = "Cơ quan", "Agency"
			tx, err := s.DB.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ids := make([]uuid.UUID, len(tt.titles))
			for i, title := range tt.titles {
				ids[i] = uuid.Must(uuid.NewV7())
				d := SearchDoc{Kind: "dataset", ID: ids[i], Agency: s.agency, Slug: "d", TitleVI: title, At: s.now.Add(-1e9 * 60)}
				s.now = s.now.Add(-1e9 * 60) // of two as near, the first is the newer
				if err := s.index(t.Context(), tx, d); err != nil {
					t.Fatal(err)
				}
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			found, err := s.Find(t.Context(), FindQuery{Text: tt.typed})
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, h := range found.Hits {
				got = append(got, slices.Index(ids, h.ID))
			}
			if !slices.Equal(got, tt.found) || found.Partial != tt.partial {
				t.Errorf("%q in %q finds %v (partial %t), want %v (partial %t)", tt.typed, strings.Join(tt.titles, " | "), got, found.Partial, tt.found, tt.partial)
			}
		})
	}
}
