package rows

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"unicode/utf8"

	"lgsp/internal/problem"
)

// delimited reads CSV and TSV (RFC 4180), with commas, semicolons, tabs or bars.
type delimited struct {
	in     *bufio.Reader
	file   io.Closer
	comma  byte
	enc    encoding
	notes  []Finding
	names  []string
	row    int64
	offset int64 // bytes read, after a BOM, for messages
	buf    []byte
	ends   []int
	cells  []cell
}

// openDelimited finds what stands between the cells, unless comma says it.
func openDelimited(ctx context.Context, file *os.File, format string, comma byte) (*delimited, error) {
	enc, err := detect(file)
	if err != nil {
		return nil, err
	}
	d := &delimited{file: file, enc: enc}
	var in io.Reader = ctxReader{ctx, file}
	if enc.name == utf16LE || enc.name == utf16BE {
		in = wideReader(in, enc.name)
	}
	if note, ok := enc.finding(); ok {
		d.notes = append(d.notes, note)
	}
	d.in = bufio.NewReaderSize(in, 1<<16)
	sample, err := d.in.Peek(1 << 16)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(sample, []byte("\uFEFF")) {
		sample = sample[3:]
		_, _ = d.in.Discard(3) // it was peeked
	}
	if is := kindOf(sample); is != "" {
		return nil, problem.Errorf(problem.Invalid, "the file is named as %s and is %s", format, is).
			Coded("rows-mislabelled", "format", format, "is", is)
	}
	if d.comma = comma; comma == 0 {
		d.comma = sniff(sample)
	}
	rec, err := d.next()
	if errors.Is(err, io.EOF) {
		return nil, problem.Errorf(problem.Invalid, "the file holds no table").Coded("rows-empty")
	} else if err != nil {
		return nil, err
	}
	for _, c := range rec.cells {
		d.names = append(d.names, c.text)
	}
	return d, nil
}

// kindOf recognises files of another kind by how they begin; "" for text.
func kindOf(head []byte) string {
	for _, kind := range []struct{ begins, is string }{
		{"PK\x03\x04", "XLSX / ZIP"}, {"\xD0\xCF\x11\xE0", "XLS / DOC"}, {"%PDF", "PDF"}, {"\x1F\x8B", "GZIP"}, {"PAR1", "Parquet"},
		{"<!DOCTYPE", "HTML"}, {"<html", "HTML"}, {"<?xml", "XML"}, {"{\"", "JSON"}, {"[{", "JSON"},
	} {
		if bytes.HasPrefix(head, []byte(kind.begins)) {
			return kind.is
		}
	}
	return ""
}

// sniff finds what stands between the cells: the mark that stands as often in
// each of the first lines, outside quotes.
func sniff(sample []byte) byte {
	lines := bytes.SplitN(sample, []byte("\n"), 12)
	if len(lines) > 1 {
		lines = lines[:len(lines)-1]
	}
	for len(lines) > 1 && !bytes.ContainsAny(lines[0], ",;\t|") {
		lines = lines[1:] // a title above the table
	}
	best, most := byte(','), 0
	for _, mark := range []byte(",;\t|") {
		first, same := 0, 0
		for i, line := range lines {
			n := countOutside(line, mark)
			if i == 0 {
				first = n
			} else if n == first {
				same++
			}
		}
		if score := first * (same + 1); first > 0 && score > most {
			best, most = mark, score
		}
	}
	return best
}

func countOutside(line []byte, mark byte) int {
	n, quoted := 0, false
	for _, b := range line {
		if b == '"' {
			quoted = !quoted
		} else if b == mark && !quoted {
			n++
		}
	}
	return n
}

func (d *delimited) header() []string { return d.names }
func (d *delimited) traits() traits   { return traits{at: d.row, notes: d.notes} }
func (d *delimited) close()           { _ = d.file.Close() }

// next gives the next row that is not a blank line.
func (d *delimited) next() (record, error) {
	for {
		d.row++
		if err := d.read(); err != nil {
			return record{}, err
		}
		if len(d.ends) == 1 && d.ends[0] == 0 && len(d.names) != 1 {
			continue
		}
		return d.record()
	}
}

// record checks the row's text and cuts it into cells.
func (d *delimited) record() (record, error) {
	if bytes.IndexByte(d.buf, 0) >= 0 {
		return record{}, refuse("rows-nul", d.row, "the text holds a zero byte")
	}
	d.cells = d.cells[:0]
	if d.enc.words > 0 {
		return d.decoded()
	}
	if !utf8.Valid(d.buf) {
		at := d.offset - int64(len(d.buf))
		return record{}, refuse("rows-encoding", d.row, "the text is not UTF-8, near byte %d, while other rows are", at)
	}
	whole, start := nfc(string(d.buf)), 0
	if len(whole) == len(d.buf) {
		for _, end := range d.ends {
			d.cells = append(d.cells, cell{text: whole[start:end], null: start == end})
			start = end
		}
		return record{d.row, d.cells}, nil
	}
	for _, end := range d.ends {
		d.cells = append(d.cells, cell{text: nfc(string(d.buf[start:end])), null: start == end})
		start = end
	}
	return record{d.row, d.cells}, nil
}

// decoded is record for a file in a legacy encoding. A cell that is UTF-8 came
// from elsewhere; read as the others are it would be spoiled.
func (d *delimited) decoded() (record, error) {
	start := 0
	for _, end := range d.ends {
		raw := d.buf[start:end]
		if hasHigh(raw) && utf8.Valid(raw) {
			e := refuse("rows-encoding-mixed", d.row, "the row is UTF-8, while other rows are %s", d.enc.name)
			return record{}, e.Coded("rows-encoding-mixed", "row", strconv.FormatInt(d.row, 10), "encoding", d.enc.name)
		}
		d.cells = append(d.cells, cell{text: decodeBytes(raw, d.enc.name), null: start == end})
		start = end
	}
	return record{d.row, d.cells}, nil
}

// read fills buf with the row's cells and ends with where each ends.
func (d *delimited) read() error {
	d.buf, d.ends = d.buf[:0], d.ends[:0]
	quoted, begun, atStart := false, false, true
	for {
		b, err := d.in.ReadByte()
		if errors.Is(err, io.EOF) {
			if quoted {
				return refuse("rows-quote-open", d.row, "a quotation mark is opened here and never closed")
			}
			if !begun {
				return io.EOF
			}
			d.ends = append(d.ends, len(d.buf))
			return nil
		} else if err != nil {
			return fmt.Errorf("read table: %w", err)
		}
		d.offset++
		opening := atStart && b == '"'
		begun, atStart = true, b == d.comma && !quoted
		switch {
		case quoted && b == '"':
			if next, _ := d.in.Peek(1); len(next) == 1 && next[0] == '"' {
				_, _ = d.in.Discard(1) // it was peeked
				d.offset++
				d.buf = append(d.buf, '"')
			} else {
				quoted = false
			}
		case quoted:
			d.buf = append(d.buf, b)
		case opening:
			quoted = true
		case b == d.comma:
			d.ends = append(d.ends, len(d.buf))
		case b == '\n':
			d.ends = append(d.ends, len(d.buf))
			return nil
		case b == '\r':
			if next, _ := d.in.Peek(1); len(next) == 0 || next[0] != '\n' {
				d.ends = append(d.ends, len(d.buf)) // a lone carriage return ends the row too
				return nil
			}
		default:
			d.buf = append(d.buf, b)
		}
		if err := d.bounded(); err != nil {
			return err
		}
	}
}

func (d *delimited) bounded() error {
	start := 0
	if n := len(d.ends); n > 0 {
		start = d.ends[n-1]
	}
	if len(d.buf)-start > MaxCell {
		return refuse("rows-cell-too-large", d.row, "a cell is larger than %d bytes", MaxCell)
	}
	if len(d.buf) > MaxRecord || len(d.ends) > MaxRecord {
		return refuse("rows-row-too-large", d.row, "the row is larger than %d bytes", MaxRecord)
	}
	return nil
}
