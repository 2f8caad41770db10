package rows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"lgsp/internal/problem"
)

// jsonTable reads a JSON array of objects; its columns are all keys of all
// objects, in the order they first appear.
type jsonTable struct {
	file    *os.File
	budget  *budgetReader
	dec     *json.Decoder
	names   []string
	columns map[string]int
	geo     bool // the objects are GeoJSON features
	enc     encoding
	notes   []Finding
	seen    []string // names in the object that is read
	row     int64
	cells   []cell
}

// budgetReader bounds how much is read for one element.
type budgetReader struct {
	r    io.Reader
	left int
}

var errBudget = errors.New("element too large")

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBudget
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func openJSON(ctx context.Context, file *os.File) (*jsonTable, error) {
	return openObjects(ctx, &jsonTable{file: file, columns: map[string]int{}})
}

// openObjects reads every object once for its keys, and stands before the first.
func openObjects(ctx context.Context, j *jsonTable) (*jsonTable, error) {
	var err error
	if j.enc, err = detect(j.file); err != nil {
		return nil, err
	}
	if j.enc.broken || j.enc.words > 0 {
		return nil, problem.Errorf(problem.Invalid, "JSON is written in UTF-8 (RFC 8259 §8.1); this file is not").Coded("rows-json-encoding")
	}
	if err := j.rewind(ctx); err != nil {
		return nil, err
	}
	for {
		_, err := j.object(func(name string, _ json.RawMessage) error {
			if _, ok := j.columns[name]; !ok {
				j.columns[name] = len(j.names)
				j.names = append(j.names, name)
			}
			if len(j.names) > MaxColumns {
				return problem.Errorf(problem.Invalid, "the table has more than %d columns", MaxColumns).
					Coded("rows-too-many-columns", "count", fmt.Sprint(len(j.names)), "most", fmt.Sprint(MaxColumns))
			}
			return nil
		})
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if len(j.names) == 0 {
		return nil, problem.Errorf(problem.Invalid, "the file holds no table").Coded("rows-empty")
	}
	return j, j.rewind(ctx)
}

func (j *jsonTable) rewind(ctx context.Context) error {
	if _, err := j.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind table: %w", err)
	}
	var in io.Reader = ctxReader{ctx, j.file}
	if j.enc.name == utf16LE || j.enc.name == utf16BE {
		in = wideReader(in, j.enc.name)
	}
	j.budget = &budgetReader{r: in, left: MaxRecord}
	j.dec = json.NewDecoder(skipBOM(j.budget))
	j.row, j.notes = 1, nil
	if note, ok := j.enc.finding(); ok {
		j.notes = append(j.notes, note)
	}
	if j.geo {
		return j.features()
	}
	token, err := j.dec.Token()
	if err != nil || token != json.Delim('[') {
		return problem.Errorf(problem.Invalid, "the file is not a JSON array of objects").Coded("rows-json-form")
	}
	return nil
}

func skipBOM(r io.Reader) io.Reader {
	var head [3]byte
	n, _ := io.ReadFull(r, head[:])
	if bytes.Equal(head[:n], []byte{0xEF, 0xBB, 0xBF}) {
		return r
	}
	return io.MultiReader(bytes.NewReader(head[:n]), r)
}

// object hands each member of the next object to put.
func (j *jsonTable) object(put func(name string, value json.RawMessage) error) (int64, error) {
	j.budget.left = MaxRecord
	if !j.dec.More() {
		if _, err := j.dec.Token(); err != nil {
			return 0, j.wrong(err)
		}
		if j.geo {
			if err := j.afterFeatures(); err != nil {
				return 0, err
			}
		}
		if _, err := j.dec.Token(); !errors.Is(err, io.EOF) {
			return 0, problem.Errorf(problem.Invalid, "something stands after the array").Coded("rows-json-form")
		}
		return 0, io.EOF
	}
	j.row++
	if token, err := j.dec.Token(); err != nil {
		return 0, j.wrong(err)
	} else if token != json.Delim('{') {
		return 0, refuse("rows-json-object", j.row, "the array holds something that is not an object")
	}
	j.seen = j.seen[:0]
	for j.dec.More() {
		name, err := j.dec.Token()
		if err != nil {
			return 0, j.wrong(err)
		}
		var value json.RawMessage
		if err := j.dec.Decode(&value); err != nil {
			return 0, j.wrong(err)
		}
		key := nfc(name.(string)) // the decoder refuses a key that is no string
		take := func(key string, value json.RawMessage) error { return j.take(key, value, put) }
		if j.geo {
			err = j.member(key, value, take)
		} else {
			err = take(key, value)
		}
		if err != nil {
			return 0, err
		}
	}
	_, err := j.dec.Token()
	return j.row, j.wrong(err)
}

// take bounds a cell and hands it on.
func (j *jsonTable) take(key string, value json.RawMessage, put func(string, json.RawMessage) error) error {
	if slices.Contains(j.seen, key) {
		return refuse("rows-json-twice", j.row, "the name %s stands twice in one object", shorten(key))
	}
	if j.seen = append(j.seen, key); len(j.seen) > MaxColumns {
		return refuse("rows-too-many-columns", j.row, "more than %d names", MaxColumns)
	}
	if len(value) > MaxCell && (!j.geo || key != geometryName) {
		return refuse("rows-cell-too-large", j.row, "a cell is larger than %d bytes", MaxCell)
	}
	return put(key, value)
}

// note adds a finding about the whole file.
func (j *jsonTable) note(code, detail string) {
	var r Report
	r.add(0, "", code, detail)
	j.notes = append(j.notes, r.Findings...)
}

func (j *jsonTable) wrong(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errBudget):
		return refuse("rows-row-too-large", j.row, "the row is larger than %d bytes", MaxRecord)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	// The error underneath may be io.EOF, which must not pass for the table's end.
	return refuse("rows-json-broken", j.row, "the JSON breaks here, at byte %d: %v", j.dec.InputOffset(), err)
}

func (j *jsonTable) header() []string { return j.names }
func (j *jsonTable) close()           { _ = j.file.Close() }

func (j *jsonTable) traits() traits {
	t := traits{dot: true, padded: true, notes: j.notes}
	if j.geo {
		t.shapes = geometryName
	}
	return t
}

func (j *jsonTable) next() (record, error) {
	j.cells = j.cells[:0]
	for range j.names {
		j.cells = append(j.cells, cell{null: true})
	}
	row, err := j.object(func(name string, value json.RawMessage) error {
		c, err := jsonCell(value)
		if err != nil || strings.ContainsRune(c.text, 0) {
			return refuse("rows-nul", j.row, "the text holds a zero byte")
		}
		j.cells[j.columns[name]] = c
		return nil
	})
	return record{row, j.cells}, err
}

func jsonCell(value json.RawMessage) (cell, error) {
	switch value[0] {
	case 'n':
		return cell{null: true}, nil
	case '"':
		var s string
		err := json.Unmarshal(value, &s)
		return cell{text: nfc(s), literal: true}, err
	case '{', '[':
		var b bytes.Buffer
		err := json.Compact(&b, value)
		return cell{text: nfc(b.String()), literal: true}, err
	}
	return cell{text: string(value)}, nil
}
