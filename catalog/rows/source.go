package rows

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"lgsp/internal/problem"
)

// Source is a file that may hold a table.
type Source struct {
	Path   string
	Format string // CSV, TSV, JSON, GEOJSON, XLSX
	Sheet  string // of a workbook; "": the first that holds something

	// Prepared are the types of the columns of a file that Prepare wrote, whose
	// values are as PostgreSQL reads them; nil: they have to be found. Notes are
	// what was found while it was written.
	Prepared []Type
	Notes    []Finding

	beneath encoding // the legacy encoding in which text that is Unicode by its form was typed
}

// IsTable reports whether files of that format are read as tables.
func IsTable(format string) bool {
	return format == "CSV" || format == "TSV" || format == "JSON" || format == "GEOJSON" || format == "XLSX"
}

// cell is one value as the file writes it. Literal text is never a number.
type cell struct {
	text    string
	null    bool
	literal bool
}

// record is one row; its cells are valid until the next one is read.
type record struct {
	row   int64
	cells []cell
}

// reader gives the rows of a file one by one, io.EOF at the end.
type reader interface {
	header() []string
	next() (record, error)
	traits() traits
	close()
}

// traits is what a format says about its cells.
type traits struct {
	dot    bool   // numbers have a decimal point and no groups
	padded bool   // empty cells at a row's end are left out
	shapes string // name of the column that holds geometries
	at     int64  // the row of the header, before any other was read
	notes  []Finding
}

func (s Source) open(ctx context.Context) (reader, error) {
	r, err := s.openForm(ctx)
	if err != nil || s.beneath.name == "" {
		return r, err
	}
	return &undisguised{r, s.beneath}, nil
}

// undisguised reads a table whose text was typed in a legacy encoding.
type undisguised struct {
	reader
	enc encoding
}

func (u *undisguised) header() []string {
	var names []string
	for _, name := range u.reader.header() {
		names = append(names, undisguise(name, u.enc.name))
	}
	return names
}

func (u *undisguised) next() (record, error) {
	rec, err := u.reader.next()
	for i := range rec.cells {
		if !isASCII(rec.cells[i].text) {
			rec.cells[i].text = undisguise(rec.cells[i].text, u.enc.name)
		}
	}
	return rec, err
}

func (u *undisguised) traits() traits {
	t := u.reader.traits()
	if note, ok := u.enc.finding(); ok {
		t.notes = append(slices.Clone(t.notes), note)
	}
	return t
}

func (s Source) openForm(ctx context.Context) (reader, error) {
	file, err := os.Open(s.Path)
	if err != nil {
		return nil, fmt.Errorf("open table: %w", err)
	}
	var r reader
	switch s.Format {
	case "CSV", "TSV":
		comma := byte(0)
		if s.Prepared != nil {
			comma = ','
		}
		r, err = openDelimited(ctx, file, s.Format, comma)
	case "JSON":
		r, err = openJSON(ctx, file)
	case "GEOJSON":
		r, err = openGeoJSON(ctx, file)
	case "XLSX":
		_ = file.Close()
		return openXLSX(s.Path, s.Sheet)
	default:
		err = problem.Errorf(problem.UnsupportedMedia, "%s is not a table", s.Format)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return r, nil
}

// ctxReader stops reading when the caller has gone.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// cleanHeader gives every column a name and reports what had to be done for it.
func cleanHeader(names []string, report *Report) ([]Column, error) {
	if len(names) > MaxColumns {
		return nil, problem.Errorf(problem.Invalid, "the table has %d columns, more than %d", len(names), MaxColumns).
			Coded("rows-too-many-columns", "count", fmt.Sprint(len(names)), "most", fmt.Sprint(MaxColumns))
	}
	columns := make([]Column, len(names))
	taken, keys := map[string]bool{}, map[string]bool{}
	for i, name := range names {
		name = nfc(strings.Join(strings.Fields(name), " "))
		if name == "" {
			name = fmt.Sprintf("cột %d", i+1)
			report.add(1, name, "rows-header-empty", "the column has no name and is called "+name).with("name", name)
		}
		if taken[name] {
			old := name
			name = unique(name, " ", taken)
			report.add(1, name, "rows-header-twice", "the name "+old+" stands twice; the later column is called "+name).
				with("old", shorten(old), "name", shorten(name))
		}
		taken[name] = true
		key := unique(keyOf(name), "_", keys)
		keys[key] = true
		columns[i] = Column{Key: key, Name: name, Type: Text, Position: i + 1, Field: fmt.Sprintf("c%d", i+1)}
	}
	return columns, nil
}

func unique(name, joint string, taken map[string]bool) string {
	if !taken[name] {
		return name
	}
	for n := 2; ; n++ {
		if next := fmt.Sprintf("%s%s%d", name, joint, n); !taken[next] {
			return next
		}
	}
}
