package ckan

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/catalog"
)

// dumpForms are the forms of a dump with their media types.
var dumpForms = map[string]string{
	"csv": "text/csv; charset=utf-8", "tsv": "text/tab-separated-values; charset=utf-8",
	"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8",
}

// serveDump answers GET /datastore/dump/{id}: all rows, or those asked for, as
// a file.
func (s *Server) serveDump(w http.ResponseWriter, r *http.Request) {
	open(w)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	c := &call{ctx: r.Context(), params: spread(r.URL.Query())}
	c.params["id"] = mux.Vars(r)["id"]
	if err := s.dump(w, r, c); err != nil {
		s.fail(w, r, "datastore_search", err)
	}
}

func (s *Server) dump(w http.ResponseWriter, r *http.Request, c *call) error {
	var err error
	if c.who, err = s.caller(r); err != nil {
		return err
	}
	format, err := c.text("format")
	if err != nil {
		return err
	}
	if format == "" {
		format = "csv"
	}
	media := dumpForms[format]
	if media == "" {
		return invalid("format", "Value must be one of csv, tsv, json, xml")
	}
	table, err := s.openTable(c, "id")
	if err != nil {
		return err
	}
	q, err := readQuestion(c)
	if err != nil {
		return err
	}
	q.slice.Export = true
	if !c.has("limit") {
		q.slice.Limit = -1
	} else if n, err := c.number("limit", 0); err == nil { // a dump is not clamped
		q.slice.Limit = int64(n)
	}
	asked, err := table.Ask(q.slice)
	if err != nil {
		return err
	}
	// It is made whole first, so that a slow reader holds no connection to the
	// database, and that what cannot be made is told as such.
	file, err := os.CreateTemp("", "lgsp-dump-")
	if err != nil {
		return fmt.Errorf("begin dump: %w", err)
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil { // it lives until it is closed, however this ends
		return fmt.Errorf("begin dump: %w", err)
	}
	out := bufio.NewWriterSize(file, 1<<16)
	to := newDump(out, dataFields(table, asked), format, c.yes("bom", false))
	to.begin()
	if err := table.Each(c.ctx, asked, to.row); err != nil {
		return err
	}
	if err := errors.Join(to.end(), out.Flush()); err != nil {
		return fmt.Errorf("make dump: %w", err)
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("read dump: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read dump: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+table.ID.String()+"."+format+`"`)
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	if r.Method != http.MethodHead {
		if !catalog.IsRobot(r.UserAgent()) {
			s.Catalog.CountUse(catalog.Use{Kind: catalog.UseDownload, Part: table.ID})
		}
		_, _ = io.Copy(w, file) // the caller may have gone
	}
	return nil
}

// dump writes rows as a file.
type dump struct {
	out    *bufio.Writer
	fields []dataField
	format string
	bom    bool

	lines *csv.Writer
	line  []string
	buf   bytes.Buffer
	count int
}

func newDump(out *bufio.Writer, fields []dataField, format string, bom bool) *dump {
	d := &dump{out: out, fields: fields, format: format, bom: bom && format != "json"}
	if format == "csv" || format == "tsv" {
		d.lines = csv.NewWriter(out)
		d.lines.UseCRLF = true // RFC 4180 §2, as CKAN writes it
		if format == "tsv" {
			d.lines.Comma = '\t'
		}
		d.line = make([]string, len(fields))
	}
	return d
}

// begin writes what stands before the rows; the writer's Flush tells how it went.
func (d *dump) begin() {
	if d.bom {
		_, _ = d.out.WriteString("\uFEFF")
	}
	switch {
	case d.lines != nil:
		for i, f := range d.fields {
			d.line[i] = f.ID
		}
		_ = d.lines.Write(d.line)
	case d.format == "json":
		fields, _ := json.Marshal(d.fields) // strings always marshal
		_, _ = d.out.WriteString("{\n  \"fields\": " + string(fields) + ",\n  \"records\": [")
	default:
		_, _ = d.out.WriteString("<data xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n")
	}
}

func (d *dump) row(row [][]byte) error {
	d.count++
	if d.lines != nil {
		for i, value := range row {
			d.line[i] = string(value)
		}
		return d.lines.Write(d.line)
	}
	d.buf.Reset()
	if d.format == "json" {
		d.buf.WriteString(map[bool]string{true: "\n    [", false: ",\n    ["}[d.count == 1])
		for i, value := range row {
			if i > 0 {
				d.buf.WriteByte(',')
			}
			writeValue(&d.buf, d.fields[i].Type, value)
		}
		d.buf.WriteByte(']')
	} else if err := d.element(row); err != nil {
		return err
	}
	_, err := d.out.Write(d.buf.Bytes())
	return err
}

// element writes a row as XML. A column's key is a name there too, but for a
// digit at its beginning.
func (d *dump) element(row [][]byte) error {
	d.buf.WriteString("<row")
	for i, f := range d.fields {
		if f.ID == "_id" {
			fmt.Fprintf(&d.buf, " _id=\"%s\"", row[i])
		}
	}
	d.buf.WriteString(">")
	for i, f := range d.fields {
		name := f.ID
		switch {
		case name == "_id":
			continue
		case name[0] >= '0' && name[0] <= '9':
			name = "_" + name
		}
		if row[i] == nil {
			d.buf.WriteString("<" + name + ` xsi:nil="true"/>`)
			continue
		}
		d.buf.WriteString("<" + name + ">")
		if err := xml.EscapeText(&d.buf, row[i]); err != nil {
			return err
		}
		d.buf.WriteString("</" + name + ">")
	}
	d.buf.WriteString("</row>\n")
	return nil
}

func (d *dump) end() error {
	switch {
	case d.lines != nil:
		d.lines.Flush()
		return d.lines.Error()
	case d.format == "json":
		_, err := d.out.WriteString(strings.TrimPrefix("\n]}\n", map[bool]string{true: "\n"}[d.count == 0]))
		return err
	}
	_, err := d.out.WriteString("</data>\n")
	return err
}
