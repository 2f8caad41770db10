package rows

import (
	"context"
	"errors"
	"io"

	"github.com/xuri/excelize/v2"

	"lgsp/internal/problem"
)

// Walk reads every table of a file, all sheets of a workbook, those that are no
// rows of the catalogue included. begin takes a table's sheet ("" where the
// file is one table) and its header, and gives what takes each row, whose cells
// are valid until the next. It fails like Scan.
func Walk(ctx context.Context, source Source, begin func(sheet string, header []string) func(cells []string)) error {
	if source.Format == "XLSX" {
		return walkSheets(ctx, source.Path, begin)
	}
	r, err := source.open(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	return walkRows(ctx, r, begin("", r.header()))
}

func walkRows(ctx context.Context, r reader, take func([]string)) error {
	var cells []string
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		cells = cells[:0]
		for _, c := range rec.cells {
			cells = append(cells, c.text)
		}
		take(cells)
	}
}

func walkSheets(ctx context.Context, path string, begin func(string, []string) func([]string)) error {
	file, err := excelize.OpenFile(path, excelize.Options{
		UnzipSizeLimit: unzipLimit, UnzipXMLSizeLimit: unzipInMemory, ShortDatePattern: "yyyy-mm-dd",
	})
	if err != nil {
		return problem.Errorf(problem.Invalid, "the file is not an Excel workbook that can be read").
			Coded("rows-xlsx-broken").Because(err)
	}
	defer file.Close()
	for i, sheet := range file.GetSheetList() {
		w, err := openSheet(file, sheet)
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		name := sheet
		if i == 0 {
			name = ""
		}
		if err := walkRows(ctx, w, begin(name, w.header())); err != nil {
			return err
		}
	}
	return nil
}
