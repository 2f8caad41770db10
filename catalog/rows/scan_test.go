package rows

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"

	"lgsp/internal/problem"
)

func write(t testing.TB, format string, content []byte) Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return Source{Path: path, Format: format}
}

func scan(t testing.TB, format, content string) (Table, error) {
	t.Helper()
	return Scan(context.Background(), write(t, format, []byte(content)))
}

func types(table Table) string {
	var list []string
	for _, c := range table.Columns {
		list = append(list, c.Key+":"+string(c.Type))
	}
	return strings.Join(list, " ")
}

func findings(table Table) string {
	var list []string
	for _, f := range table.Report.Findings {
		list = append(list, fmt.Sprintf("%d/%s/%s", f.Row, f.Column, f.Code))
	}
	return strings.Join(list, " ")
}

func TestTypes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, format, content, types, findings string }{
		{"integers and text", "CSV", "Tên,Số\nA,1\nB,-20\n", "ten:text so:integer", ""},
		{"leading zeros are codes", "CSV", "mã\n01\n12\n", "ma:text", ""},
		{"codes by their name", "CSV", "ma_tthc,Mã xã,Mãng cầu,user id\n9.000001,99001,5,7\n9.000010,99002,6,8\n", "ma_tthc:text ma_xa:text mang_cau:integer user_id:text", ""},
		{"long numbers are codes", "CSV", "m\n1234567890123456789\n", "m:text", ""},
		{"Vietnamese groups", "CSV", "s\n1.350\n95.000\n", "s:integer", "0/s/rows-points-grouped"},
		{"groups with a plain number", "CSV", "s\n1.350\n12\n", "s:integer", "0/s/rows-points-grouped"},
		{"decimal comma, quoted", "CSV", "s\n\"12,5\"\n\"1.350,75\"\n3\n", "s:decimal", ""},
		{"decimal point", "CSV", "s\n12.5\n0.25\n", "s:decimal", ""},
		{"doubtful commas", "CSV", "s\n\"1,350\"\n\"2,500\"\n", "s:text", "0/s/rows-commas-doubtful"},
		{"English groups", "CSV", "s\n\"1,350,000\"\n\"2,500\"\n", "s:integer", ""},
		{"dates, day first", "CSV", "d\n30/7/2019\n1/8/2019\n05-06-2020\n", "d:date", ""},
		{"ISO dates", "CSV", "d\n2019-07-30\n", "d:date", ""},
		{"a day that is none", "CSV", "d\n30/2/2019\n", "d:text", ""},
		{"month first is not assumed", "CSV", "d\n07/30/2019\n", "d:text", ""},
		{"a time is no date", "CSV", "d\n00:10\n", "d:text", ""},
		{"yes and no", "CSV", "b\ncó\nKhông\n", "b:boolean", ""},
		{"0 and 1 stay numbers", "CSV", "b\n0\n1\n", "b:integer", ""},
		{"a conflict late", "CSV", "n\n1\n2\n3\n4\n5\n0164A\n", "n:text", "7/n/rows-not-integer"},
		{"most are dates, one day is none", "CSV", "d\n30/7/2019\n1/8/2019\n31/2/2019\n", "d:text", "4/d/rows-not-date"},
		{"half a column tells nothing", "CSV", "n\n1\nx\n", "n:text", ""},
		{"empty cells are no conflict", "CSV", "n,m\n1,x\n,y\n \t,z\n", "n:integer m:text", ""},
		{"semicolons", "CSV", "a;b\n1,5;x\n", "a:decimal b:text", ""},
		{"tabs", "TSV", "a\tb\n1\tx\n", "a:integer b:text", ""},
		{"one column", "CSV", "a\n\nx\n", "a:text", ""},
		{"short row", "CSV", "a,b\n1\n", "a:integer b:text", "2//rows-short"},
		{"long row", "CSV", "a,b\n1,2,3,4\n", "a:integer b:integer cot_thua:text", "2//rows-long"},
		{"trailing commas are no loss", "CSV", "a,b\n1,2,,\n", "a:integer b:integer", ""},
		{"header twice and empty", "CSV", "a,a,\n1,2,3\n", "a:integer a_2:integer cot_3:integer", "1/a 2/rows-header-twice 1/cột 3/rows-header-empty"},
		{"quotes and line breaks", "CSV", "a,b\r\n\"x \"\"y\"\"\r\nz\",2\r\n", "a:text b:integer", ""},
		{"BOM", "CSV", "\ufeffmã,b\n01,2\n", "ma:text b:integer", ""},
		{"GeoJSON", "GEOJSON", `{"type":"FeatureCollection","features":[{"type":"Feature","id":7,"geometry":{"type":"Point","coordinates":[108.8,15.1]},"properties":{"mã":"01","số":2}},` +
			`{"type":"Feature","geometry":null,"properties":null}]}`, "feature_id:text geometry:geometry ma:text so:integer", ""},
		{"GeoJSON, wrong places and shapes", "GEOJSON", `{"crs":{"name":"EPSG:3405"},"features":[{"geometry":{"type":"Point","coordinates":[15.1,108.8]}},{"geometry":{"type":"LineString","coordinates":[[590000,1670000],[1,1]]}},` +
			`{"geometry":{"type":"Point","coordinates":["x"]}},{"geometry":{"type":"Star"},"properties":{"geometry":1}}]} `, "geometry:geometry properties_geometry:integer",
			"0//rows-geojson-crs 2/geometry/rows-coordinates-swapped 3/geometry/rows-coordinates-outside 4/geometry/rows-geometry 5/geometry/rows-geometry"},
		{"swapped coordinates", "CSV", "tên,Vĩ độ,Kinh độ\na,15.1,108.8\nb,108.8,15.1\nc,1670000,590000\nd,,\n", "ten:text vi_do:decimal kinh_do:decimal",
			"3/Vĩ độ/rows-coordinates-swapped 4/Vĩ độ/rows-coordinates-outside"},
		{"formulas are text", "CSV", "a,b\n=1+1,x\n#REF!,=\n", "a:text b:text", "2/a/rows-formula 3/a/rows-formula-error"},
		{"text typed in a font of TCVN3", "CSV", "Tªn x·,Sè\nNghÜa Hµnh,1\nS¬n TÞnh,2\n", "ten_xa:text so:integer", "0//rows-encoding-guessed"},
		{"words that Western Europe has too", "CSV", "tên\nTrà Câu\nPhổ Văn\n", "ten:text", ""},
		{"Vietnamese without letters of its own", "CSV", "a\nTrà Câu\nBa Tô\nSa Kì\nThanh Trà\n", "a:text", ""},
		{"JSON numbers, text and gaps", "JSON", `[{"a":1,"b":"01"},{"b":"2","c":1.5,"a":null}]`, "a:integer b:text c:decimal", ""},
		{"JSON nested", "JSON", `[{"a":{"x":[1, 2]},"d":"2019-07-30"}]`, "a:text d:date", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			table, err := scan(t, tt.format, tt.content)
			if err != nil {
				t.Fatal(err)
			}
			if got := types(table); got != tt.types {
				t.Errorf("types %q, want %q", got, tt.types)
			}
			if got := findings(table); got != tt.findings {
				t.Errorf("findings %q, want %q", got, tt.findings)
			}
		})
	}
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("a,", 10_000) + "\n"
	for _, tt := range []struct{ name, format, content, code string }{
		{"nothing", "CSV", "", "rows-empty"},
		{"blank lines only", "CSV", "\n\n", "rows-empty"},
		{"a row of TCVN3 in UTF-8", "CSV", "t\nĐức Phổ\nQu\xb6ng\n", "rows-encoding"},
		{"a row of UTF-8 in TCVN3", "CSV", "t\nQu\xb6ng Ng\xb7i\nn\xa8m\nĐức\n", "rows-encoding-mixed"},
		{"no encoding of ours", "CSV", "t\n\x83\x65\x83\x58\x83\x67\n", "rows-encoding-unknown"},
		{"JSON in TCVN3", "JSON", "[{\"t\":\"Qu\xb6ng Ng\xb7i\"}]", "rows-json-encoding"},
		{"JSON with a broken letter", "JSON", "[{\"t\":\"Đức Phổ\"},{\"t\":\"Qu\xb6ng\"}]", "rows-json-encoding"},
		{"a workbook named as CSV", "CSV", "PK\x03\x04\x14\x00", "rows-mislabelled"},
		{"an old workbook", "XLSX", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "rows-mislabelled"},
		{"a web page named as workbook", "XLSX", "<html><table>", "rows-mislabelled"},
		{"CSV named as workbook", "XLSX", "Mã,Số\n01,2\n", "rows-mislabelled"},
		{"a feature alone", "GEOJSON", `{"type":"Feature","geometry":null,"properties":{}}`, "rows-json-form"},
		{"GeoJSON cut off", "GEOJSON", `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":`, "rows-json-broken"},
		{"properties that are none", "GEOJSON", `{"features":[{"properties":[1]}]}`, "rows-json-object"},
		{"a property twice", "GEOJSON", `{"features":[{"properties":{"a":1,"a":2}}]}`, "rows-json-twice"},
		{"zero byte", "CSV", "t\na\x00b\n", "rows-nul"},
		{"quote never closed", "CSV", "t\n\"a\n", "rows-quote-open"},
		{"10,000 columns", "CSV", wide, "rows-too-many-columns"},
		{"huge cell", "CSV", "t\n" + strings.Repeat("x", MaxCell+1), "rows-cell-too-large"},
		{"huge cell in quotes", "CSV", "t\n\"" + strings.Repeat("x", MaxCell+1), "rows-cell-too-large"},
		{"huge row", "CSV", "t\n" + strings.Repeat(strings.Repeat("x", MaxCell)+",", 9), "rows-row-too-large"},
		{"JSON object", "JSON", `{"a":1}`, "rows-json-form"},
		{"JSON array of numbers", "JSON", `[1]`, "rows-json-object"},
		{"JSON name twice", "JSON", `[{"a":1,"a":2}]`, "rows-json-twice"},
		{"JSON cut off", "JSON", `[{"a":1},{"a":`, "rows-json-broken"},
		{"JSON more after the array", "JSON", `[{"a":1}] 2`, "rows-json-form"},
		{"JSON huge cell", "JSON", `[{"a":"` + strings.Repeat("x", MaxCell+1) + `"}]`, "rows-cell-too-large"},
		{"JSON huge row", "JSON", `[{"a":"` + strings.Repeat("x", MaxRecord+1<<20) + `"}]`, "rows-row-too-large"},
		{"JSON zero in text", "JSON", `[{"a":"\u0000"}]`, "rows-nul"},
		{"JSON empty", "JSON", `[]`, "rows-empty"},
		{"no workbook", "XLSX", "PK", "rows-xlsx-broken"},
		{"no table", "PDF", "%PDF", "unsupported-media"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := scan(t, tt.format, tt.content); problem.Code(err) != tt.code {
				t.Errorf("got %v, want code %s", err, tt.code)
			}
		})
	}
}

func TestRefusalNamesTheRow(t *testing.T) {
	t.Parallel()
	_, err := scan(t, "CSV", "a\nĐức\ny\nQu\xb6ng\n")
	if got, want := fmt.Sprint(err), "row 4: the text is not UTF-8, near byte 12, while other rows are"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUTF16(t *testing.T) {
	t.Parallel()
	for _, order := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		for _, bom := range []unicode.BOMPolicy{unicode.UseBOM, unicode.IgnoreBOM} {
			content, err := unicode.UTF16(order, bom).NewEncoder().String("Đơn vị,Số\nĐức Phổ,1\n")
			if err != nil {
				t.Fatal(err)
			}
			table, err := scan(t, "CSV", content)
			if err != nil || types(table) != "don_vi:text so:integer" || findings(table) != "0//rows-encoding-read" {
				t.Errorf("%v: types %q, error %v", order, types(table), err)
			}
		}
	}
}

func TestTextBecomesNFC(t *testing.T) {
	t.Parallel()
	table, err := scan(t, "CSV", norm.NFD.String("Huyện\nĐức Phổ\n"))
	if err != nil || table.Columns[0].Name != "Huyện" {
		t.Errorf("columns %+v, error %v", table.Columns, err)
	}
}

func TestReportIsBounded(t *testing.T) {
	t.Parallel()
	table, err := scan(t, "CSV", "a,b\n"+strings.Repeat("1\n", 500))
	if err != nil || table.Report.Count != 500 || len(table.Report.Findings) != 100 || table.Rows != 500 {
		t.Errorf("%d findings, %d kept, %d rows, error %v", table.Report.Count, len(table.Report.Findings), table.Rows, err)
	}
}

// workbookOf makes a workbook with a date, a grouped number and a code.
func workbookOf(t testing.TB) []byte {
	t.Helper()
	f := excelize.NewFile()
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	grouped, err := f.NewStyle(&excelize.Style{NumFmt: 4})
	if err != nil {
		t.Fatal(err)
	}
	for at, value := range map[string]any{
		"A2": "Mã", "B2": "Ngày", "C2": "Số", "D2": "Tỷ lệ", "A3": "01", "B3": 43676, "C3": 1350, "D3": 0.125,
		"A5": "02", "B5": 43677, "C5": 95000, "D5": 12.5,
	} {
		if err := f.SetCellValue("Sheet1", at, value); err != nil {
			t.Fatal(err)
		}
	}
	_ = f.SetCellStyle("Sheet1", "B3", "B5", date)
	_ = f.SetCellStyle("Sheet1", "C3", "C5", grouped)
	if _, err := f.NewSheet("Ghi chú"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWorkbook(t *testing.T) {
	t.Parallel()
	table, err := Scan(t.Context(), write(t, "XLSX", workbookOf(t)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := types(table), "ma:text ngay:date so:integer ty_le:decimal"; got != want {
		t.Errorf("types %q, want %q", got, want)
	}
	if got, want := findings(table), "0//rows-other-sheets"; got != want || table.Rows != 2 {
		t.Errorf("findings %q, want %q; %d rows", got, want, table.Rows)
	}
}

func TestMemoryStaysFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 30 MB")
	}
	var b bytes.Buffer
	b.WriteString("a,b,c\n")
	for i := range 1_000_000 {
		fmt.Fprintf(&b, "%d,hàng số %d,1/8/2019\n", i, i)
	}
	source := write(t, "CSV", b.Bytes())
	b = bytes.Buffer{}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	table, err := Scan(t.Context(), source)
	runtime.ReadMemStats(&after)
	if err != nil || table.Rows != 1_000_000 {
		t.Fatalf("%d rows, error %v", table.Rows, err)
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("CSV", []byte("Mã,Số\n01,1.350\n\"x\",2,3\n"))
	f.Add("TSV", []byte("a\tb\r\n1\t\"2"))
	f.Add("CSV", []byte("\xff\xfea\x00,\x00b\x00\n\x00"))
	f.Add("JSON", []byte(`[{"a":1,"b":[{}]},{"a":"x"}]`))
	f.Add("CSV", []byte("\"\"\"\n,,;|\r\r\n"))
	f.Add("CSV", []byte("T\xaan x\xb7,S\xe8\nNgh\xdca H\xb5nh,1\n"))
	f.Add("CSV", []byte("teân\n\xf1\xf6\xf4\xefc\n"))
	f.Add("GEOJSON", []byte(`{"crs":1,"features":[{"geometry":{"type":"Point","coordinates":[1,2]},"properties":{"a":1}}]}`))
	f.Fuzz(func(t *testing.T, format string, content []byte) {
		if len(content) > 4000 || format != "CSV" && format != "TSV" && format != "JSON" && format != "GEOJSON" {
			return
		}
		source := write(t, format, content)
		table, err := Scan(context.Background(), source)
		if err != nil {
			if problem.Code(err) == "" {
				t.Fatalf("%q: %v is no problem", content, err)
			}
			return
		}
		keys := map[string]bool{}
		for _, c := range table.Columns {
			if c.Key == "" || c.Name == "" || keys[c.Key] {
				t.Fatalf("%q: columns %+v", content, table.Columns)
			}
			keys[c.Key] = true
		}
		r, err := source.open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		var out bytes.Buffer
		if err := table.write(&out, r); err != nil {
			t.Fatalf("%q: the second reading fails: %v", content, err)
		}
	})
}
