package rows

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Format is a form in which rows leave.
type Format struct {
	Name      string
	MediaType string
	Ending    string
}

// Formats are the forms that Export writes; csv-excel is CSV as Excel opens it
// by a double click: with a byte-order mark, and with formulas disarmed.
func Formats() []Format {
	return []Format{
		{"csv", "text/csv; charset=utf-8", ".csv"},
		{"csv-excel", "text/csv; charset=utf-8", "-excel.csv"},
		{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"},
		{"json", "application/json", ".json"},
		{"jsonl", "application/jsonl", ".jsonl"},
		{"parquet", "application/vnd.apache.parquet", ".parquet"},
		{geoForm, "application/geo+json", ".geojson"},
	}
}

// geoForm is the one form that not every table can take.
const geoForm = "geojson"

// FormatsOf are the forms that rows with these columns can leave in: GeoJSON
// only where they have a place.
func FormatsOf(columns []Column) []Format {
	return slices.DeleteFunc(Formats(), func(f Format) bool { return f.Name == geoForm && !placingOf(columns).found() })
}

// FormatOf finds a form by its name, or fails with Invalid.
func FormatOf(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, problem.Errorf(problem.Invalid, "there is no format %s; there are %s", shorten(name), strings.Join(names, ", ")).
		Coded("rows-format", "name", shorten(name), "formats", strings.Join(names, ", "))
}

// maxSheetRows is Excel's own bound, less the header.
const maxSheetRows = 1<<20 - 1

// writer takes the rows of an export.
type writer interface {
	row([]*string) error
	end() error
}

// Export writes the answer to w. It is made whole in a temporary file first, so
// that a slow reader holds no connection to the database. When it fails after
// a byte was written the caller must break the connection, since what was sent
// is not whole.
func (q Query) Export(ctx context.Context, db pg.DB, table string, format Format, w io.Writer) error {
	file, err := os.CreateTemp("", "lgsp-export-")
	if err != nil {
		return fmt.Errorf("begin export: %w", err)
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil { // it lives until it is closed, however this ends
		return fmt.Errorf("begin export: %w", err)
	}
	if err := q.make(ctx, db, tableTime{table, exportTime}, format, file); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read export: %w", err)
	}
	if _, err := io.Copy(w, file); err != nil {
		return fmt.Errorf("send export: %w", err)
	}
	return nil
}

func (q Query) make(ctx context.Context, db pg.DB, t tableTime, format Format, w io.Writer) error {
	q.fetch = q.limit
	out := bufio.NewWriterSize(w, 1<<16)
	columns := q.Output()
	var to writer
	var err error
	switch format.Name {
	case "csv", "csv-excel":
		to = newCSV(out, columns, format.Name)
	case "xlsx":
		s, e := newSheet(out, columns)
		if e == nil {
			defer s.file.Close()
		}
		to, err = s, e
	case "parquet":
		to = newParquet(out, columns)
	case geoForm:
		to, err = newFeatures(out, columns)
	default:
		to = &jsonWriter{out: out, columns: columns, lines: format.Name == "jsonl"}
	}
	if err != nil {
		return err
	}
	err = q.each(ctx, db, t, func(row []*string) error { return to.row(row[:len(columns)]) })
	if err != nil {
		return err
	}
	if err := to.end(); err != nil {
		return err
	}
	return out.Flush()
}

type csvWriter struct {
	out     *csv.Writer
	columns []Column
	guard   bool
	begin   func() error
	line    []string
}

func newCSV(out *bufio.Writer, columns []Column, name string) *csvWriter {
	c := &csvWriter{out: csv.NewWriter(out), columns: columns, guard: name == "csv-excel", line: make([]string, len(columns))}
	c.begin = func() error {
		if c.guard {
			_, _ = out.WriteString("\uFEFF") // Flush tells
		}
		for i, column := range columns {
			c.line[i] = c.safe(column.Name)
		}
		return c.out.Write(c.line)
	}
	return c
}

// safe puts an apostrophe before what a spreadsheet would run as a formula
// (OWASP, CSV injection).
func (c *csvWriter) safe(text string) string {
	if c.guard && text != "" && strings.IndexByte("=+-@\t\r", text[0]) >= 0 {
		return "'" + text
	}
	return text
}

func (c *csvWriter) row(row []*string) error {
	if c.begin != nil {
		if err := c.begin(); err != nil {
			return err
		}
		c.begin = nil
	}
	for i, v := range row {
		c.line[i] = ""
		if v != nil && c.columns[i].Type == Text {
			c.line[i] = c.safe(*v)
		} else if v != nil {
			c.line[i] = *v
		}
	}
	return c.out.Write(c.line)
}

func (c *csvWriter) end() error {
	if c.begin != nil {
		if err := c.begin(); err != nil {
			return err
		}
	}
	c.out.Flush()
	return c.out.Error()
}

type jsonWriter struct {
	out     *bufio.Writer
	columns []Column
	lines   bool
	buf     bytes.Buffer
	count   int
}

func (j *jsonWriter) row(row []*string) error {
	j.buf.Reset()
	if !j.lines {
		j.buf.WriteString(map[bool]string{true: "[\n", false: ",\n"}[j.count == 0])
	}
	j.count++
	writeObject(&j.buf, j.columns, row)
	if j.lines {
		j.buf.WriteByte('\n')
	}
	_, err := j.out.Write(j.buf.Bytes())
	return err
}

func (j *jsonWriter) end() error {
	switch {
	case j.lines:
		return nil
	case j.count == 0:
		_, err := j.out.WriteString("[]\n")
		return err
	}
	_, err := j.out.WriteString("\n]\n")
	return err
}

// sheet writes a workbook; excelize keeps the rows in a temporary file until
// the end (excelize, StreamWriter).
type sheet struct {
	out     *bufio.Writer
	file    *excelize.File
	stream  *excelize.StreamWriter
	columns []Column
	next    int
}

func newSheet(out *bufio.Writer, columns []Column) (*sheet, error) {
	file := excelize.NewFile()
	stream, err := file.NewStreamWriter("Sheet1")
	if err != nil {
		return nil, fmt.Errorf("begin workbook: %w", err)
	}
	s := &sheet{out: out, file: file, stream: stream, columns: columns, next: 2}
	head := make([]any, len(columns))
	for i, c := range columns {
		head[i] = c.Name
	}
	if err := stream.SetRow("A1", head); err != nil {
		return nil, fmt.Errorf("write workbook: %w", err)
	}
	return s, nil
}

func (s *sheet) row(row []*string) error {
	if s.next > maxSheetRows+1 {
		return problem.Errorf(problem.Invalid, "a workbook holds at most %d rows; take csv, or filter", maxSheetRows).Coded("rows-xlsx-full")
	}
	cells := make([]any, len(row))
	for i, v := range row {
		switch {
		case v == nil:
		case s.columns[i].Type == Integer, s.columns[i].Type == Decimal:
			cells[i] = *v
			if n, err := strconv.ParseFloat(*v, 64); err == nil && len(*v) <= 15 { // Excel keeps 15 digits
				cells[i] = n
			}
		case s.columns[i].Type == Boolean:
			cells[i] = *v == "true"
		case utf8.RuneCountInString(*v) > excelize.TotalCellChars:
			return problem.Errorf(problem.Invalid, "a workbook's cell holds at most %d characters; take csv", excelize.TotalCellChars).Coded("rows-xlsx-cell")
		default:
			cells[i] = *v
		}
	}
	at := "A" + strconv.Itoa(s.next)
	s.next++
	if err := s.stream.SetRow(at, cells); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

func (s *sheet) end() error {
	if err := s.stream.Flush(); err != nil {
		return fmt.Errorf("end workbook: %w", err)
	}
	if _, err := s.file.WriteTo(s.out); err != nil {
		return fmt.Errorf("send workbook: %w", err)
	}
	return nil
}
