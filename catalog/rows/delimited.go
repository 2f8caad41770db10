package rows

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"lgsp/internal/problem"
)

// delimited reads CSV and TSV (RFC 4180), with commas, semicolons, tabs or bars.
type delimited struct {
	in     *bufio.Reader
	file   io.Closer
	comma  byte
	names  []string
	row    int64
	offset int64 // bytes read, after a BOM, for messages
	buf    []byte
	ends   []int
	cells  []cell
}

func openDelimited(in io.Reader, file io.Closer) (*delimited, error) {
	d := &delimited{in: bufio.NewReaderSize(in, 1<<16), file: file}
	if err := d.decode(); err != nil {
		return nil, err
	}
	sample, err := d.in.Peek(1 << 16)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	d.comma = sniff(sample)
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

// decode takes a byte-order mark off and turns UTF-16 into UTF-8.
func (d *delimited) decode() error {
	head, err := d.in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var order unicode.Endianness
	switch {
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		_, err := d.in.Discard(3)
		return err
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), len(head) == 4 && head[1] == 0 && head[3] == 0:
		order = unicode.LittleEndian
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}), len(head) == 4 && head[0] == 0 && head[2] == 0:
		order = unicode.BigEndian
	default:
		return nil
	}
	decoder := unicode.UTF16(order, unicode.UseBOM).NewDecoder()
	d.in = bufio.NewReaderSize(transform.NewReader(d.in, decoder), 1<<16)
	return nil
}

// sniff finds what stands between the cells: the mark that stands as often in
// each of the first lines, outside quotes.
func sniff(sample []byte) byte {
	lines := bytes.SplitN(sample, []byte("\n"), 12)
	if len(lines) > 1 {
		lines = lines[:len(lines)-1]
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
func (d *delimited) traits() traits   { return traits{} }
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
	if !utf8.Valid(d.buf) {
		at := d.offset - int64(len(d.buf))
		return record{}, refuse("rows-encoding", d.row, "the text is not UTF-8, near byte %d", at)
	}
	if bytes.IndexByte(d.buf, 0) >= 0 {
		return record{}, refuse("rows-nul", d.row, "the text holds a zero byte")
	}
	d.cells = d.cells[:0]
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
