package portal

import (
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/catalog"
)

// A table with communes and no coordinates is drawn by the list of places, a
// dot a commune, as far as the list goes.
func TestMapOfCommunes(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	const prices = "ma_xa,ten,gia\n99001,Lúa,1\n99001,Ngô,2\n99002,Lúa,3\n99009,Lúa,4\n,Lúa,5\n"
	d := s.publish(t, "gia", prices)
	if body := s.holds(t, "/dataset/gia", 200); strings.Contains(body, `id="map"`) {
		t.Error("a map without a list")
	}
	s.Catalog.Places = "danh-muc"
	list := s.publish(t, "danh-muc", "ma_xa,ten_xa,vi_do,kinh_do\n99001,Phường Cẩm Thành,15.2,108.6\n99002,Phường Nghĩa Lộ,15.2,108.8\n")
	s.holds(t, "/dataset/gia", 200, `id="map"`, "<title>Phường Cẩm Thành</title></circle>", `<a href="/dataset/danh-muc">`, "Danh sách 2 vị trí",
		`<th scope="row">Phường Cẩm Thành</th><td class="number">2</td><td class="number">15,2</td>`, "1 dòng ghi xã, phường mà danh sách không có", "1 dòng không ghi xã, phường", "/embed/dataset/gia/map")
	s.holds(t, "/en/dataset/gia?ten__exact=Ng%C3%B4", 200, "List of the 1 place", "A dot for each commune")
	s.holds(t, "/embed/dataset/gia/map", 200, "<title>Phường Nghĩa Lộ</title>")
	for place, drawn := range map[string]bool{catalog.PlaceNone: false, catalog.PlaceCode: true} {
		column := catalog.Column{Place: place}
		column.Key = "ma_xa"
		if err := s.Catalog.DescribeColumns(t.Context(), s.people[0], d.Distributions[0].ID, []catalog.Column{column}); err != nil {
			t.Fatal(err)
		}
		if body := s.holds(t, "/dataset/gia", 200); strings.Contains(body, `id="map"`) != drawn {
			t.Errorf("described as %s: a map is %t", place, !drawn)
		}
	}
	if _, err := s.Catalog.WithdrawDataset(t.Context(), s.people[0], list.ID, "sai toạ độ"); err != nil {
		t.Fatal(err)
	}
	if body := s.holds(t, "/dataset/gia", 200); strings.Contains(body, `id="map"`) {
		t.Error("a map by a list that was withdrawn")
	}
}

// The form of the data dictionary says of a column whether it names communes.
func TestColumnsSayPlaces(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	const set = office + "/datasets/gia"
	w.sends(t, office+"/datasets/new", url.Values{"slug": {"gia"}, "title_vi": {"Giá"}, "notes_vi": {"Giá"}, "theme": {"AGRI"}}, set)
	if answer, body := w.uploads(t, set+"/files", "a.csv", "nơi,giá\n99001,1\n"); answer.StatusCode != 303 {
		t.Fatalf("upload: %d\n%s", answer.StatusCode, body)
	}
	_, body := w.get(t, set)
	form := set + "/files/" + between(body, `href="`+set+`/files/`, `/columns"`) + "/columns"
	w.sends(t, form, url.Values{"title_vi.noi": {"Nơi"}, "place.noi": {"code"}}, set)
	if _, body := w.get(t, form); !strings.Contains(body, `<option value="code" selected>Mã xã, phường</option>`) || !strings.Contains(body, "Theo tên cột") {
		t.Errorf("the form forgets it:\n%s", body)
	}
	w.refused(t, form, url.Values{"place.noi": {"xa"}}, 400, "place là code, name, none")
}
