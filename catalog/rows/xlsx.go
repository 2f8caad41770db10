package rows

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"lgsp/internal/problem"
)

// unzipLimit bounds what a workbook may unpack to; larger sheets than
// unzipInMemory are unpacked to temporary files.
const (
	unzipLimit    = 1 << 30
	unzipInMemory = 16 << 20
)

// workbook reads the first sheet that holds something. Raw values are taken,
// so that 1350 shown as "1.350" is 1350; a date is taken as it is shown.
type workbook struct {
	file       *excelize.File
	raw, shown *excelize.Rows
	sheet      string
	names      []string
	row        int64
	cells      []cell
	notes      []Finding
}

func openXLSX(path, wanted string) (*workbook, error) {
	file, err := excelize.OpenFile(path, excelize.Options{
		UnzipSizeLimit: unzipLimit, UnzipXMLSizeLimit: unzipInMemory, ShortDatePattern: "yyyy-mm-dd",
	})
	if err != nil {
		return nil, notAWorkbook(path, err)
	}
	for i, sheet := range file.GetSheetList() {
		if wanted != "" && sheet != wanted {
			continue
		}
		w, err := openSheet(file, sheet)
		if err != nil {
			_ = file.Close()
			return nil, err
		}
		if w == nil {
			continue
		}
		var r Report
		if rest := file.GetSheetList()[i+1:]; len(rest) > 0 && wanted == "" {
			r.add(0, "", "rows-other-sheets", "only the sheet "+sheet+" is a table here; not read: "+strings.Join(rest, ", ")).
				with("sheet", shorten(sheet), "rest", shorten(strings.Join(rest, ", ")))
		}
		if err := reportUncomputed(path, sheet, &r); err != nil {
			_ = file.Close()
			return nil, err
		}
		w.notes, w.sheet = r.Findings, sheet
		return w, nil
	}
	_ = file.Close()
	return nil, problem.Errorf(problem.Invalid, "the file holds no table").Coded("rows-empty")
}

// notAWorkbook says what a file named as a workbook is instead.
func notAWorkbook(path string, err error) error {
	head := make([]byte, 512)
	if file, opened := os.Open(path); opened == nil {
		defer file.Close()
		n, _ := io.ReadFull(file, head) // a short file is no workbook either
		head = head[:n]
	}
	is := kindOf(head)
	if is == "" && len(head) > 4 && !bytes.ContainsRune(head, 0) {
		is = "CSV / TXT"
	}
	if is != "" && !strings.HasPrefix(is, "XLSX") {
		return problem.Errorf(problem.Invalid, "the file is named as XLSX and is %s", is).
			Coded("rows-mislabelled", "format", "XLSX", "is", is).Because(err)
	}
	return problem.Errorf(problem.Invalid, "the file is not an Excel workbook that can be read").
		Coded("rows-xlsx-broken").Because(err)
}

// openSheet stands after the header, the first row with a value; nil for a
// sheet without one.
func openSheet(file *excelize.File, sheet string) (*workbook, error) {
	w := &workbook{file: file}
	var err error
	if w.raw, err = file.Rows(sheet); err == nil {
		w.shown, err = file.Rows(sheet)
	}
	if err != nil {
		return nil, problem.Errorf(problem.Invalid, "the sheet %s cannot be read", sheet).Coded("rows-xlsx-broken").Because(err)
	}
	rec, err := w.next()
	if err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	for _, c := range rec.cells {
		w.names = append(w.names, c.text)
	}
	return w, nil
}

func (w *workbook) header() []string { return w.names }
func (w *workbook) traits() traits   { return traits{dot: true, padded: true, at: w.row, notes: w.notes} }
func (w *workbook) close()           { _ = w.file.Close() }

func (w *workbook) next() (record, error) {
	for w.raw.Next() && w.shown.Next() {
		w.row++
		raw, err := w.raw.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return record{}, w.broken(err)
		}
		shown, err := w.shown.Columns()
		if err != nil {
			return record{}, w.broken(err)
		}
		w.cells = w.cells[:0]
		empty := true
		for i, text := range raw {
			if len(text) > MaxCell {
				return record{}, refuse("rows-cell-too-large", w.row, "a cell is larger than %d bytes", MaxCell)
			}
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return record{}, refuse("rows-nul", w.row, "a cell holds what is not text")
			}
			if i < len(shown) && (isShownDate(text, shown[i]) || isShownCode(text, shown[i])) {
				text = shown[i]
			}
			empty = empty && text == ""
			w.cells = append(w.cells, cell{text: nfc(text), null: text == ""})
		}
		if !empty {
			return record{w.row, w.cells}, nil
		}
	}
	if err := w.raw.Error(); err != nil {
		return record{}, w.broken(err)
	}
	return record{}, io.EOF
}

func (w *workbook) broken(err error) error {
	return refuse("rows-xlsx-broken", w.row, "the workbook breaks here").Because(err)
}

// isShownCode reports whether a number is shown with zeros before it, as a code
// is: 1234 by the form 00000.
func isShownCode(raw, shown string) bool {
	zeros, is := strings.CutSuffix(shown, raw)
	return is && zeros != "" && raw != "" && digits(raw) && strings.Trim(zeros, "0") == ""
}

// isShownDate reports whether a number is shown as a date.
func isShownDate(raw, shown string) bool {
	if raw == shown || !strings.ContainsAny(shown, "/-.") {
		return false
	}
	if _, err := strconv.ParseFloat(raw, 64); err != nil {
		return false
	}
	return dateForm(shown) != ""
}
