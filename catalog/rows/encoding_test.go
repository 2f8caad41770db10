package rows

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"lgsp/internal/problem"
)

const province = `Đơn vị,Người đứng đầu,Số hộ
Xã Nghĩa Hành,Nguyễn Thị Hường,"1.350,5"
Phường Đức Phổ,Trần Quốc Vượng,2
Đặc khu Lý Sơn,Phạm Huỳnh Khuê,3
Xã Sơn Tịnh,Lê Hoàng Ánh Tuyết,4
`

// vniOf writes Unicode in VNI, the other way round than the reader.
func vniOf(text string) []byte {
	back := map[string]byte{}
	for b, mark := range vniMarks {
		back[norm.NFC.String("a"+mark)] = b
	}
	var out []byte
	for _, r := range text {
		upper, lower := string(r), strings.ToLower(string(r))
		if len(lower) == 1 {
			out = append(out, string(r)...)
			continue
		}
		drop := byte(0)
		if upper != lower {
			drop = 0x20
		}
		done := false
		for b, letter := range vniAlone {
			if string(letter) == lower {
				out, done = append(out, b-drop), true
			}
		}
		for b, mark := range vniMarks {
			for _, base := range []string{"a", "e", "o", "u", "y", "ơ", "ư"} {
				if done || norm.NFC.String(base+mark) != lower {
					continue
				}
				letter := base[0]
				switch base {
				case "ơ":
					letter = 0xF4
				case "ư":
					letter = 0xF6
				}
				out, done = append(out, letter-drop, b-drop), true
			}
		}
		if !done {
			panic("no VNI for " + string(r))
		}
	}
	return out
}

// windows1258Of writes Unicode as windows-1258 has it: tones apart.
func windows1258Of(t *testing.T, text string) []byte {
	t.Helper()
	var b strings.Builder
	for _, r := range text {
		if _, ok := charmap.Windows1258.EncodeRune(r); ok {
			b.WriteRune(r)
			continue
		}
		letters, tones := toneless(string(r))
		if tones == 0 {
			t.Fatalf("no windows-1258 for %q", r)
		}
		b.WriteString(letters)
		for _, mark := range norm.NFD.String(string(r)) {
			if strings.ContainsRune("\u0300\u0301\u0303\u0309\u0323", mark) {
				b.WriteRune(mark)
			}
		}
	}
	raw, err := charmap.Windows1258.NewEncoder().Bytes([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// tcvn3Of writes Unicode in TCVN3 as the C library knows it.
func tcvn3Of(t *testing.T, text string) []byte {
	t.Helper()
	cmd := exec.Command("iconv", "-f", "UTF-8", "-t", "TCVN5712-1")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLegacyEncodings(t *testing.T) {
	t.Parallel()
	wanted, err := Scan(t.Context(), write(t, "CSV", []byte(province)))
	if err != nil {
		t.Fatal(err)
	}
	lower := strings.ReplaceAll(province, "Á", "á") // TCVN3 has no capitals with tones: its capital fonts do
	for _, tt := range []struct {
		name string
		raw  []byte
		text string
	}{
		{tcvn3, tcvn3Of(t, lower), lower},
		{vni, vniOf(province), province},
		{windows1258, windows1258Of(t, province), province},
	} {
		source := write(t, "CSV", tt.raw)
		table, err := Scan(t.Context(), source)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got, want := types(table), types(wanted); got != want {
			t.Errorf("%s: types %q, want %q", tt.name, got, want)
		}
		f := table.Report.Findings[0]
		if f.Code != "rows-encoding-guessed" || f.Args["encoding"] != tt.name || f.Args["percent"] != "100" {
			t.Errorf("%s: found %+v", tt.name, f)
		}
		if words := f.Words("vi"); !strings.Contains(words, tt.name) || !strings.Contains(words, "100 %") {
			t.Errorf("%s: told %q", tt.name, words)
		}
		if got, want := contents(t, source, table), contents(t, write(t, "CSV", []byte(tt.text)), wanted); got != want {
			t.Errorf("%s: read %q, want %q", tt.name, got, want)
		}
	}
}

// contents are the rows of a file as they are loaded.
func contents(t *testing.T, source Source, table Table) string {
	t.Helper()
	r, err := source.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var b bytes.Buffer
	if err := table.write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Letters beyond ASCII that come late decide all the same.
func TestEncodingFoundLateInTheFile(t *testing.T) {
	t.Parallel()
	raw := append([]byte("t\n"+strings.Repeat("khong dau\n", 100_000)), tcvn3Of(t, "Quảng Ngãi\nNghĩa Hành\n")...)
	table, err := Scan(t.Context(), write(t, "CSV", raw))
	if err != nil || findings(table) != "0//rows-encoding-guessed" || table.Rows != 100_002 {
		t.Errorf("findings %q, %d rows, error %v", findings(table), table.Rows, err)
	}
}

// A workbook typed in a font .VnTime holds TCVN3 that only looks like Unicode.
func TestWorkbookInALegacyFont(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	for i, text := range []string{"Tên xã", "Nghĩa Hành", "Sơn Tịnh", "Đức Phổ", "Lý Sơn"} {
		var letters []rune
		for _, b := range tcvn3Of(t, text) {
			letters = append(letters, rune(b))
		}
		if err := f.SetCellValue("Sheet1", "A"+string(rune('1'+i)), string(letters)); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	table, err := Scan(t.Context(), write(t, "XLSX", b.Bytes()))
	if err != nil || types(table) != "ten_xa:text" || table.Columns[0].Name != "Tên xã" {
		t.Fatalf("columns %+v, findings %q, error %v", table.Columns, findings(table), err)
	}
	if got, want := contents(t, table.source, table), "1,\"Nghĩa Hành\"\n2,\"Sơn Tịnh\"\n3,\"Đức Phổ\"\n4,\"Lý Sơn\"\n"; got != want {
		t.Errorf("read %q, want %q", got, want)
	}
}

// A cell of one GiB is refused when a MiB of it has been read.
func TestHugeCellEndsEarly(t *testing.T) {
	t.Parallel()
	source := write(t, "CSV", []byte("t\nx"))
	if err := os.Truncate(source.Path, 1<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := Scan(t.Context(), source); problem.Code(err) != "rows-cell-too-large" {
		t.Errorf("got %v, want rows-cell-too-large", err)
	}
}

func TestFormulasWithoutValue(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	for at, value := range map[string]any{"A1": "a", "B1": "b", "A2": 1, "B2": 2, "A3": 4, "A4": 5} {
		if err := f.SetCellValue("Sheet1", at, value); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []string{"B3", "B4"} {
		if err := f.SetCellFormula("Sheet1", at, "SUM(A2:B2)"); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	table, err := Scan(t.Context(), write(t, "XLSX", b.Bytes()))
	if got, want := findings(table), "3/B/rows-formula-uncomputed 4/B/rows-formula-uncomputed"; err != nil || got != want || table.Rows != 3 {
		t.Errorf("findings %q, want %q; %d rows, error %v", got, want, table.Rows, err)
	}
	for element, want := range map[string]string{
		`<c r="B7"><f>A1</f><v></v>`: "B7", `<c r="A7"/><c r="B7" s="2"><f>A1</f><v/>`: "B7", `<c r="B7"><f>A1</f><v>3</v>`: "",
		`<c r="B7" t="str"><f>A1</f><v xml:space="preserve">3</v>`: "", `<c r="B7"><v>3</v>`: "", `<c r="B7" t="inlineStr"><f>x</f><is><t>a</t></is>`: "",
	} {
		if got, _ := uncomputed([]byte(element)); got != want {
			t.Errorf("%s: got %q, want %q", element, got, want)
		}
	}
}

func TestSyllables(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]bool{"Quảng": true, "nghĩa": true, "giếng": true, "gì": true, "thuở": true, "khuỷu": true, "Ngoằn": true,
		"ướt": true, "ý": true, "Đắk": false, "Qu¶ng": false, "àá": false, "straße": false, "ñ": false, "": false} {
		if got := isSyllable(word); got != want {
			t.Errorf("%q: got %t, want %t", word, got, want)
		}
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`{"type":"Point","coordinates":[108,15,3]}`:                                           1,
		`{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}`:                                   2,
		`{"type":"MultiLineString","coordinates":[[[1,2],[3,4]],[[5,6],[7,8]]]}`:              1,
		`{"type":"MultiPolygon","coordinates":[[[[1,2],[3,4],[1,2]]],[[[1,2],[3,4],[1,2]]]]}`: 2,
		`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}`:   1,
		`{"type":"Point","coordinates":[1]}`:                                                  0,
		`{"type":"Polygon","coordinates":[]}`:                                                 0,
		`{"type":"MultiPolygon","coordinates":[[[1,2]]]}`:                                     0,
		`[]`: 0,
		strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 9) + strings.Repeat(`]}`, 9): 0,
	} {
		shapes, err := Shapes(text)
		if len(shapes) != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d shapes, error %v", text, len(shapes), err)
		}
	}
}
