package catalog

import (
	"strings"
	"testing"

	"lgsp/catalog/rows"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestWhichColumnNamesCommunes(t *testing.T) {
	t.Parallel()
	of := func(key, place string, kind rows.Type) Column {
		return Column{Column: rows.Column{Key: key, Type: kind}, Place: place}
	}
	for _, tt := range []struct {
		name    string
		columns []Column
		want    string
	}{
		{"a code", []Column{of("ten_xa", "", rows.Text), of("ma_xa", "", rows.Integer)}, "ma_xa code"},
		{"a name", []Column{of("ten", "", rows.Text), of("xa_phuong", "", rows.Text)}, "xa_phuong name"},
		{"described", []Column{of("ma_xa", "", rows.Text), of("noi", PlaceName, rows.Text)}, "noi name"},
		{"described as none", []Column{of("ma_xa", PlaceNone, rows.Text)}, ""},
		{"a date of that name", []Column{of("xa", "", rows.Date)}, ""},
		{"anything", []Column{of("ma", "", rows.Text), of("ten", "", rows.Text)}, ""},
	} {
		c, ok := PlaceColumn(tt.columns)
		if got := strings.TrimSpace(c.Key + " " + c.Place); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: got %q", tt.name, got)
		}
	}
}

// TestPlacesAreLookedUp: codes with and without their zeros, names with marks
// in either place and with or without their kind, and nothing that is only like one.
func TestPlacesAreLookedUp(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	s.Places = "danh-muc-xa"
	if list, err := s.PlaceList(ctx); list != nil || err != nil {
		t.Errorf("there is none yet: %v, %v", list, err)
	}
	d, part := s.published(t, "danh-muc-xa", "Danh mục xã", "mã xã,tên xã,vĩ độ,kinh độ\n"+
		"00123,Phường Nghĩa Lộ,15.1,108.8\n124,Xã Sơn Hà,15.0,108.5\n125,Xã An Phú,14.1,108.1\n126,Phường An Phú,14.2,108.2\n127,Xã Hòa Bình,108.3,14.9\n128,Xã Xa,,\n129,Xã Lạ,95,200\n130,Thuỷ Dương,15.2,108.4\n")
	list, err := s.PlaceList(ctx)
	if err != nil || list == nil {
		t.Fatal(list, err)
	}
	for _, tt := range []struct{ place, value, want string }{
		{PlaceCode, "00123", "Phường Nghĩa Lộ"}, {PlaceCode, "123", "Phường Nghĩa Lộ"}, {PlaceCode, " 0124 ", "Xã Sơn Hà"}, {PlaceCode, "999", ""}, {PlaceCode, "", ""}, {PlaceCode, "0", ""},
		{PlaceName, "phường nghĩa lộ", "Phường Nghĩa Lộ"}, {PlaceName, "Nghĩa Lộ", "Phường Nghĩa Lộ"}, {PlaceName, "Nghia Lo", ""}, {PlaceName, "Xã Nghĩa Lộ", ""},
		{PlaceName, "Xã Hoà Bình", "Xã Hòa Bình"}, {PlaceName, "An Phú", ""}, {PlaceName, "Phường An Phú", "Phường An Phú"}, {PlaceName, "Xã Thuỷ Dương", "Thuỷ Dương"}, {PlaceName, "Thủy Dương", "Thuỷ Dương"},
		{PlaceCode, "128", ""}, {PlaceCode, "129", ""}, {PlaceName, "Xã", ""}, {PlaceName, "", ""},
	} {
		got, ok := list.Find(tt.place, tt.value)
		if got.Name != tt.want || ok != (tt.want != "") {
			t.Errorf("%s %q: got %q, want %q", tt.place, tt.value, got.Name, tt.want)
		}
	}
	if got, _ := list.Find(PlaceCode, "127"); got.Lat != 14.9 || got.Lng != 108.3 {
		t.Errorf("turned places are turned back: %+v", got)
	}
	if _, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "a.csv", Body: strings.NewReader("mã xã,vĩ độ,kinh độ\n1,15,108\n")}); err != nil {
		t.Fatal(err)
	}
	if list, err = s.PlaceList(ctx); err != nil || list == nil {
		t.Fatal(list, err)
	}
	if got, ok := list.Find(PlaceCode, "01"); !ok || got.Name != "1" {
		t.Errorf("a new file is a new list: %+v", list)
	}
	if _, err := s.WithdrawDataset(ctx, s.publisher, d.ID, "sai"); err != nil {
		t.Fatal(err)
	}
	if list, err := s.PlaceList(ctx); list != nil || err != nil {
		t.Errorf("what is withdrawn tells no places: %v, %v", list, err)
	}
	err = s.DescribeColumns(ctx, s.publisher, part.ID, []Column{{Column: rows.Column{Key: "ma_xa"}, Place: "xa"}})
	if problem.Code(err) != "column-place" {
		t.Errorf("a place that is none: %v", err)
	}
}
