package guard

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// example is a small table and what must be found in it: "column kind". Every
// person and number in it is made up.
type example struct {
	Title   string
	Columns []struct {
		Name  string
		Cells []string
	}
	Want []string
}

func examples(t testing.TB) []example {
	t.Helper()
	text, err := os.ReadFile("testdata/tables.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []example
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func (e example) scan() []string {
	var names []string
	most := 0
	for _, c := range e.Columns {
		names = append(names, c.Name)
		most = max(most, len(c.Cells))
	}
	s := Table(2025, names)
	for row := range most {
		cells := make([]string, len(e.Columns))
		for i, c := range e.Columns {
			if row < len(c.Cells) {
				cells[i] = c.Cells[row]
			}
		}
		s.Row(cells)
	}
	found := []string{}
	for _, f := range s.Findings() {
		found = append(found, f.Place+" "+string(f.Kind))
	}
	return found
}

// TestTables counts, over all columns of the examples, how many alarms were
// right and how many of the right ones came.
func TestTables(t *testing.T) {
	t.Parallel()
	right, alarms, wanted, columns := 0, 0, 0, 0
	for _, e := range examples(t) {
		found := e.scan()
		columns += len(e.Columns)
		alarms, wanted = alarms+len(found), wanted+len(e.Want)
		for _, f := range found {
			if slices.Contains(e.Want, f) {
				right++
			} else {
				t.Errorf("%s: false alarm %s", e.Title, f)
			}
		}
		for _, w := range e.Want {
			if !slices.Contains(found, w) {
				t.Errorf("%s: missed %s", e.Title, w)
			}
		}
	}
	t.Logf("%d columns: %d alarms, %d right of %d that must come; precision %.3f, recall %.3f", columns, alarms, right, wanted,
		float64(right)/float64(alarms), float64(right)/float64(wanted))
	if wanted < 30 || columns < 70 {
		t.Errorf("only %d columns of which %d must alarm", columns, wanted)
	}
}

func TestFindingsAreMasked(t *testing.T) {
	t.Parallel()
	secrets := []string{"051085001234", "0905123456", "nguyenvanan85@gmail.com", "Nguyễn", "12/3/1985", "Trãi", "0041000123456", "8012345678"}
	s := Table(2025, []string{"CCCD", "SĐT", "Email", "Họ tên", "Ngày sinh", "Nơi ở", "STK", "MST cá nhân"})
	for range 5 {
		s.Row([]string{secrets[0], secrets[1], secrets[2], "Nguyễn Văn An", secrets[4], "12 Nguyễn Trãi, phường Nghĩa Lộ", secrets[6], secrets[7]})
	}
	found := s.Findings()
	if len(found) != 7 {
		t.Fatalf("found %+v", found)
	}
	for _, f := range found {
		if f.Rows != 5 || len(f.Examples) == 0 || len(f.Examples) > 3 {
			t.Errorf("%s in %d rows, examples %q", f.Kind, f.Rows, f.Examples)
		}
		for _, secret := range secrets {
			if strings.Contains(strings.Join(f.Examples, " ")+f.Place, secret) {
				t.Errorf("%s shows %q in %q", f.Kind, secret, f.Examples)
			}
		}
	}
}

// A table without a header has its first row where the names of columns are;
// none of it becomes the name of a place.
func TestPlacesShowNobody(t *testing.T) {
	t.Parallel()
	s := Table(2025, []string{"051085001234", "0905123456", "Ghi chú", "Ghi chú", ""})
	s.Row([]string{"051190004321", "0914234567", "a@gmail.com", "b@gmail.com", "c@gmail.com", "thừa d@gmail.com"})
	var places []string
	for _, f := range s.Findings() {
		places = append(places, f.Place)
	}
	want := []string{"cột 1", "cột 2", "Ghi chú", "Ghi chú (2)", "cột 5", "cột 6"}
	if !slices.Equal(places, want) {
		t.Errorf("places %q, want %q", places, want)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	found := Words(2025, map[string]string{
		"notes": "Số liệu do Sở tổng hợp. " + strings.Repeat("Số liệu theo xã. ", 9000) + "Hỏi anh An, 0905 123 456.",
		"title": "Danh sách hộ nghèo năm 2025",
	})
	if len(found) != 1 || found[0].Place != "notes" || found[0].Kind != Phone || found[0].Rows != 1 {
		t.Errorf("found %+v", found)
	}
}

func TestIdentityNumbers(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]bool{
		"051085001234": true, "051190004321": true, "051202012321": true, "051324000001": true,
		"003085001234": false, // no such province
		"051485001234": false, // born after 2100
		"051015001234": false, // born in 1915
		"051226001234": false, // born in 2026
		"512345678901": false,
	} {
		if got := isIdentity(digits, 2025); got != want {
			t.Errorf("%s: %t, want %t", digits, got, want)
		}
	}
}

func FuzzTable(f *testing.F) {
	for _, e := range examples(f) {
		for _, c := range e.Columns {
			f.Add(c.Name, strings.Join(c.Cells, "\n"), c.Name)
		}
	}
	f.Add("Ngày sinh", "tài khoản tài khoản 1 SN  SN @@@@.@a.b", "Họ tên")
	f.Add("\xff", "0905\xff123456@\xc3", "é")
	f.Fuzz(func(t *testing.T, name, cells, other string) {
		s := Table(2025, []string{name, other})
		rows := int64(1)
		for _, cell := range strings.Split(cells, "\n") {
			s.Row([]string{cell, "Nguyễn Văn An", cell})
			rows++
		}
		for _, finding := range s.Findings() {
			if finding.Rows < 1 || finding.Rows > rows || len(finding.Examples) > maxExamples || finding.Place == "" {
				t.Fatalf("%+v of %d rows", finding, rows)
			}
			for _, shown := range finding.Examples {
				if utf8.ValidString(cells) && !utf8.ValidString(shown) || longestNumber(shown) > 2 {
					t.Fatalf("%s shown as %q", finding.Kind, shown)
				}
			}
		}
	})
}

func longestNumber(text string) int {
	most, n := 0, 0
	for i := range len(text) {
		if n++; !isDigit(text[i]) {
			n = 0
		}
		most = max(most, n)
	}
	return most
}

func BenchmarkRow(b *testing.B) {
	s := Table(2025, []string{"Mã", "Tên thủ tục", "Lĩnh vực", "Cơ quan", "Số lượng", "Ngày"})
	row := []string{"1.004734.000.00.00.H48", "Cấp giấy phép xây dựng nhà ở riêng lẻ tại đô thị", "Xây dựng", "Sở Xây dựng", "1350", "30/7/2019"}
	for b.Loop() {
		s.Row(row)
	}
}
