package portal

import (
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/catalog"
)

func TestDatasetPageSaysHowItIsDescribed(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	s.holds(t, "/dataset/thue-bao", 200, "Rất tốt", "385 trên 405 điểm", "3 trên 5 sao", "Sáu yếu tố bắt buộc theo Thông tư 24/2011/TT-BTTTT",
		"Cơ quan ban hành", "Ai cũng được dùng, chia sẻ và sửa đổi dữ liệu", "Tiếng Việt", "Chưa nói dữ liệu thuộc khu vực nào", "http://portal.test/dataset/thue-bao")
	s.holds(t, "/en/dataset/thue-bao", 200, "Excellent", "385 of 405 points", "3 of 5 stars", "Everyone may use, share and change the data")
	text := d.DatasetText
	text.AccessRights = catalog.AccessRestricted
	if _, err := s.Catalog.EditDataset(t.Context(), s.people[0], d.ID, text); err != nil {
		t.Fatal(err)
	}
	body := s.holds(t, "/dataset/thue-bao", 200, "Dữ liệu hạn chế", "phải hỏi cơ quan công bố")
	if strings.Contains(body, "/r/") || strings.Contains(body, "trên 405 điểm") {
		t.Errorf("the page of restricted data gives a file or a score:\n%s", body)
	}
	s.holds(t, "/r/"+d.Distributions[0].ID.String(), 404)
}

func TestDatasetFormTakesWhatStandsInItsParts(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	w.sees(t, office+"/datasets/new", 200, `value="PUBLIC" checked`, `value="VIE" checked`, "Chỉ cần năm mục")
	set := office + "/datasets/so-ho-ngheo-nam-2025"
	form := url.Values{"title_vi": {"Số hộ nghèo năm 2025"}, "notes_vi": {"Theo xã."}, "theme": {"SOCI"}, "spatial": {"Toàn tỉnh"},
		"temporal_start": {"2025-01-01"}, "temporal_end": {"2025-12-31"}}
	w.sends(t, office+"/datasets/new", form, set)
	w.sees(t, set, 200, "Tải lên ít nhất một tệp", "215 điểm", "190 trên 405 điểm", "0 trên 5 sao")
	form.Set("slug", "so-ho-ngheo-nam-2025")
	form.Set("bbox", "108,1; 14,5; 109")
	w.refused(t, set+"/edit", form, 400, `id="f-bbox-error"`, "<details class=\"more\" open><summary>Mã địa bàn và toạ độ")
	form.Set("bbox", "108.1, bắc, 109, 15")
	w.refused(t, set+"/edit", form, 400, `id="f-bbox-error"`, `value="108.1, bắc, 109, 15"`)
	form.Set("bbox", "108.1, 14.5, 109.2, 15.5")
	form.Set("spatial_codes", "51\r\n21115, 21118")
	form.Set("conforms_to", "https://a.example/x,y\nhttps://b.example/")
	form["languages"] = []string{"VIE", "ENG"}
	w.sends(t, set+"/edit", form, set)
	w.sees(t, set+"/edit", 200, `value="108.1, 14.5, 109.2, 15.5"`, "51\n21115\n21118", "https://a.example/x,y\nhttps://b.example/", `value="ENG" checked`)
}
