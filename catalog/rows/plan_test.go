package rows

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"lgsp/internal/problem"
)

// forPeople is a workbook as offices write them: titles across merged cells, a
// line that numbers the columns, dates and numbers of several writings, codes
// with zeros, a total below.
func forPeople(t testing.TB) Source {
	t.Helper()
	f := excelize.NewFile()
	code, err := f.NewStyle(&excelize.Style{CustomNumFmt: &[]string{"00000"}[0]})
	if err != nil {
		t.Fatal(err)
	}
	for at, row := range map[string][]any{
		"A1": {"UBND TỈNH", nil, nil, nil}, "A2": {"DANH SÁCH ĐIỂM BÁN NĂM 2024"}, "A4": {"STT", "Mã xã", "Ngày cấp", "Diện tích\n(ha)", "Điện thoại"},
		"A5": {"(1)", "(2)", "(3)", "(4)", "(5)"}, "A6": {1, 1234, "30/7/2019", "12,5", "0905000001"},
		"A7": {2, 234, "2019-08-01", 7.25, "0905000002"}, "A8": {3, 21234, "1/9/2019", "1.350,5", "không có"},
		"A9": {4, 21235, "chưa rõ", "1.350", "0905000003"}, "A10": {"Tổng cộng", nil, nil, 1400},
	} {
		if err := f.SetSheetRow("Sheet1", at, &row); err != nil {
			t.Fatal(err)
		}
	}
	err = errors.Join(f.MergeCell("Sheet1", "A1", "E1"), f.MergeCell("Sheet1", "A2", "E2"), f.SetCellStyle("Sheet1", "B6", "B9", code))
	if _, failed := f.NewSheet("Ghi chú"); err == nil {
		err = failed
	}
	path := filepath.Join(t.TempDir(), "a.xlsx")
	if err = errors.Join(err, f.SaveAs(path), f.Close()); err != nil {
		t.Fatal(err)
	}
	return Source{Path: path, Format: "XLSX"}
}

func TestInspectFindsTheTable(t *testing.T) {
	t.Parallel()
	var told []string
	f, err := Inspect(t.Context(), forPeople(t), Plan{}, Watch{Row: func(cells []string) { told = append(told, cells[0]) }})
	if err != nil {
		t.Fatal(err)
	}
	if f.Header != 4 || f.Rows != 5 || f.Last != 10 || f.Total != 10 || f.Sheet != "Sheet1" || !slices.Equal(f.Sheets, []string{"Sheet1", "Ghi chú"}) ||
		!slices.Equal(f.Above, []string{"UBND TỈNH", "DANH SÁCH ĐIỂM BÁN NĂM 2024"}) || len(told) != 5 || f.First[0].Row != 6 {
		t.Errorf("got %+v, told %q", f, told)
	}
	if f.First[0].Cells[1] != "01234" {
		t.Errorf("the code is shown as %q", f.First[0].Cells[1])
	}
	for i, want := range []struct {
		name    string
		is      Type
		leaning Type
		misfits int64
	}{{"STT", Text, Integer, 1}, {"Mã xã", Text, "", 0}, {"Ngày cấp", Text, Date, 1}, {"Diện tích (ha)", Text, Decimal, 1}, {"Điện thoại", Text, "", 0}} {
		c := f.Columns[i]
		if c.Name != want.name || c.Type != want.is || c.Leaning != want.leaning || c.Misfits(want.leaning) != want.misfits && want.leaning != "" {
			t.Errorf("column %d: got %+v, want %+v", i, c, want)
		}
	}
	if got := f.Columns[2].Misses[Date]; len(got) != 1 || got[0] != (Cell{9, "chưa rõ"}) {
		t.Errorf("no date: %v", got)
	}
	without, err := Inspect(t.Context(), forPeople(t), Plan{Last: 9}, Watch{})
	if err != nil || without.Columns[0].Type != Integer || without.Rows != 4 || without.Total != 0 {
		t.Errorf("without the total: %v, %v", without.Columns[0], err)
	}
}

func TestPreparedTableIsAsPlanned(t *testing.T) {
	t.Parallel()
	source := forPeople(t)
	plan := Plan{Header: 4, Last: 9, Columns: []Planned{
		{Name: "STT", Drop: true}, {Name: "Mã xã", Type: Text}, {Name: "Năm cấp", Type: Date, Decade: true}, {Name: "Diện tích", Type: Decimal, Notation: Mixed}, {Name: "Điện thoại", Drop: true},
	}}
	var out bytes.Buffer
	made, err := Prepare(t.Context(), source, plan, "", &out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "Mã xã,Năm cấp,Diện tích\n01234,2010–2019,12.5\n00234,2010–2019,7.25\n21234,2010–2019,1350.5\n21235,,\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	made.Path = filepath.Join(t.TempDir(), "b.csv")
	if err := os.WriteFile(made.Path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := Scan(t.Context(), made)
	if err != nil || table.Rows != 4 || table.Columns[0].Type != Text || table.Columns[1].Type != Text || table.Columns[2].Type != Decimal {
		t.Fatalf("scanned %+v, %v", table.Columns, err)
	}
	var codes []string
	for _, n := range table.Report.Findings {
		codes = append(codes, n.Code)
	}
	if want := []string{"rows-above-left-out", "rows-column-left-out", "rows-decades", "rows-emptied", "rows-column-left-out"}; !slices.Equal(codes, want) {
		t.Errorf("notes %q, want %q", codes, want)
	}
}

func TestPlansThatDoNotFit(t *testing.T) {
	t.Parallel()
	for code, plan := range map[string]Plan{
		"plan-header": {Header: 3}, "plan-stale": {Columns: []Planned{{Name: "STT", Type: Text}}}, "plan-empty": {Columns: []Planned{{Name: "STT", Drop: true}}},
		"rows-empty": {Sheet: "Ghi chú"},
	} {
		_, err := Prepare(t.Context(), forPeople(t), plan, "", &bytes.Buffer{})
		if problem.Code(err) != code {
			t.Errorf("%+v: got %v, want %s", plan, err, code)
		}
	}
}

// Three decimals and a group of thousands look alike; nothing is guessed.
func TestNotations(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    Notation
		is   Type
		text string
		want string
		ok   bool
	}{
		{Vietnamese, Decimal, "1.350,5", "1350.5", true}, {Vietnamese, Integer, "1.350", "1350", true}, {English, Decimal, "1,350.5", "1350.5", true},
		{Plain, Decimal, "12,5", "", false}, {Plain, Decimal, "1.350", "1.350", true}, {Mixed, Decimal, "1.350", "", false}, {Mixed, Decimal, "12,5", "12.5", true},
		{Mixed, Integer, "1.350.000", "1350000", true}, {Plain, Integer, "007", "", false}, {Plain, Date, "31/12/2019", "2019-12-31", true},
		{Plain, Date, "31/02/2019", "", false}, {Plain, Date, "2019-12-31", "2019-12-31", true}, {Plain, Boolean, "Có", "true", true}, {Plain, Boolean, "x", "", false},
		{Plain, Decimal, " ", "", true}, {Plain, Text, " a ", "a", true}, {Plain, Decimal, strings.Repeat("1", 61), "", false},
	} {
		if got, ok := (Planned{Type: tt.is, Notation: tt.n}).value(tt.text); ok != tt.ok || got != tt.want {
			t.Errorf("%s %s %q: got %q %v, want %q %v", tt.n, tt.is, tt.text, got, ok, tt.want, tt.ok)
		}
	}
	for text, want := range map[string]string{"1985": "1980–1989", "2/9/1990": "1990–1999", "2001-01-01": "2000–2009", "12": "", "x": ""} {
		if got := decade(text); got != want {
			t.Errorf("decade of %q: got %q, want %q", text, got, want)
		}
	}
}

func TestTitleAboveDelimitedTable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte("Danh sách chợ\n\nTên;Số sạp\nChợ A;12\nChợ B;7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Inspect(t.Context(), Source{Path: path, Format: "CSV"}, Plan{}, Watch{})
	if err != nil || f.Header != 3 || f.Rows != 2 || len(f.Columns) != 2 || f.Columns[1].Type != Integer || f.Encoding != "UTF-8" {
		t.Errorf("got %+v, %v", f, err)
	}
}

func FuzzPrepare(f *testing.F) {
	f.Add("Danh sách\n\nTên;Số\na;1,5\nb;x\n", int64(0))
	f.Add("a,b\n(1),(2)\n1,2\n", int64(1))
	f.Fuzz(func(t *testing.T, text string, header int64) {
		path := filepath.Join(t.TempDir(), "a.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		source := Source{Path: path, Format: "CSV"}
		found, err := Inspect(context.Background(), source, Plan{Header: header}, Watch{})
		if err != nil {
			return
		}
		plan := Plan{Header: found.Header}
		for _, c := range found.Columns {
			plan.Columns = append(plan.Columns, Planned{Name: c.Name, Type: c.Type, Notation: c.Notation})
		}
		var out bytes.Buffer
		made, err := Prepare(context.Background(), source, plan, found.Encoding, &out)
		if err != nil {
			t.Fatalf("found and not prepared: %v", err)
		}
		made.Path = filepath.Join(t.TempDir(), "b.csv")
		if err := os.WriteFile(made.Path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if table, err := Scan(context.Background(), made); err != nil || table.Rows != found.Rows {
			t.Fatalf("prepared %d rows of %d: %v", table.Rows, found.Rows, err)
		}
	})
}
