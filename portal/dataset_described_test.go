package portal

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

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
	pending, err := s.Catalog.EditDataset(t.Context(), s.people[0], d.ID, text)
	if err == nil {
		_, err = s.Catalog.ApproveEdit(t.Context(), s.people[1], d.ID, pending.Edit.ID)
	}
	if err != nil {
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

func TestChangeOfAPublicDatasetWaitsForAnother(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	set := office + "/datasets/ho-ngheo"
	text := url.Values{"title_vi": {"Hộ nghèo năm 2024"}, "slug": {"ho-ngheo"}, "notes_vi": {"Theo xã."}, "theme": {"SOCI"}}
	w.sends(t, office+"/datasets/new", text, set)
	if answer, body := w.uploads(t, set+"/files", "bang.csv", "xa,so\nA,1\n"); answer.Header.Get("Location") != set {
		t.Fatalf("upload: got %d:\n%s", answer.StatusCode, body)
	}
	w.sends(t, set+"/submit", nil, set)
	w.as(t, auth.RoleSteward)
	w.sends(t, set+"/approve", nil, set)
	w.as(t, auth.RolePublisher)
	for _, typed := range []string{"mai", "2019-07-30T08:00"} {
		w.refused(t, set+"/schedule", url.Values{"publish_at": {typed}}, 400, `id="f-publish_at-error"`)
	}
	tomorrow := w.Now().Add(24 * time.Hour).In(province)
	w.sends(t, set+"/schedule", url.Values{"publish_at": {tomorrow.Format("2006-01-02T15:04")}}, set)
	w.sees(t, set, 200, "Sẽ tự công bố lúc", tomorrow.Format("2006-01-02T15:04")[:10])
	w.sends(t, set+"/schedule", nil, set)
	w.sends(t, set+"/publish", nil, set)
	text.Set("title_vi", "Hộ nghèo <b>năm</b> 2025")
	text.Set("theme", "ECON")
	w.sends(t, set+"/edit", text, set)
	changes := []string{"Thay đổi chờ duyệt", "Hộ nghèo <del>", "năm 2024</del>", "&lt;b&gt;năm&lt;/b&gt; 2025</ins>", "Dân số và xã hội</del>", "Kinh tế và tài chính</ins>"}
	w.sees(t, set, 200, append(changes, "Bỏ thay đổi")...)
	w.sees(t, set+"/edit", 200, `value="Hộ nghèo &lt;b&gt;năm&lt;/b&gt; 2025"`)
	w.sees(t, "/dataset/ho-ngheo", 200, "Hộ nghèo năm 2024")
	w.refused(t, set+"/edit/approve", url.Values{"edit": {"x"}}, 400)
	w.as(t, auth.RoleSteward)
	_, body := w.get(t, set)
	edit := url.Values{"edit": {regexp.MustCompile(`name="edit" value="([0-9a-f-]+)"`).FindStringSubmatch(body)[1]}, "reason": {"Nêu rõ đợt"}}
	w.sees(t, set, 200, append(changes, "Duyệt thay đổi")...)
	w.sends(t, set+"/edit/return", edit, set)
	w.as(t, auth.RolePublisher)
	w.sees(t, set, 200, "Thay đổi bị trả lại", "Nêu rõ đợt")
	text.Set("title_vi", "Hộ nghèo năm 2025, đợt 1")
	w.sends(t, set+"/edit", text, set)
	w.as(t, auth.RoleSteward)
	w.refused(t, set+"/edit/approve", edit, 409, "Thay đổi vừa được sửa lại")
	_, body = w.get(t, set)
	edit.Set("edit", regexp.MustCompile(`name="edit" value="([0-9a-f-]+)"`).FindStringSubmatch(body)[1])
	w.sends(t, set+"/edit/approve", edit, set)
	w.sees(t, "/dataset/ho-ngheo", 200, "Hộ nghèo năm 2025, đợt 1")
	w.as(t, auth.RolePublisher)
	w.sends(t, set+"/reviewed", nil, set)
	text.Set("title_vi", "Hộ nghèo")
	w.sends(t, set+"/edit", text, set)
	w.sends(t, set+"/edit/discard", nil, set)
	w.sees(t, "/dataset/ho-ngheo", 200, "Hộ nghèo năm 2025, đợt 1")
}

func TestChangeKeepsWhatBothEndsShare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ old, changed, head, out, in, tail string }{
		{"a b c", "a x c", "a ", "b ", "x ", "c"},
		{"", "a b", "", "", "a b", ""},
		{"a b", "", "", "a b", "", ""},
		{"a a", "a a a", "a ", "", "a ", "a"},
		{"a", "b", "", "a", "b", ""},
	} {
		got := changeOf(catalog.Change{Field: "title_vi", Old: tt.old, New: tt.changed})
		if want := (changeView{Field: "title-vi", Head: tt.head, Old: tt.out, New: tt.in, Tail: tt.tail}); got != want {
			t.Errorf("%q to %q: got %+v, want %+v", tt.old, tt.changed, got, want)
		}
	}
}
