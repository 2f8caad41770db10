// Package rows answers what a table in a file holds and what its rows say: it
// reads CSV, TSV, JSON, GeoJSON and XLSX, finds the type of each column over the whole
// file, loads the rows into PostgreSQL, and answers questions about them in a
// small structured language, never SQL from outside.
package rows

import (
	"fmt"
	"strconv"

	"lgsp/internal/problem"
)

// The bounds of a table.
const (
	MaxColumns  = 200
	MaxCell     = 1 << 20 // bytes
	MaxRecord   = 8 << 20 // bytes of one row
	MaxRows     = 20_000_000
	maxFindings = 100
)

// Type is the type of a column.
type Type string

// The types. Decimal is exact; Date has no time of day; Geometry is a GeoJSON
// geometry (RFC 7946 §3.1).
const (
	Integer  Type = "integer"
	Decimal  Type = "decimal"
	Date     Type = "date"
	Boolean  Type = "boolean"
	Text     Type = "text"
	Geometry Type = "geometry"
)

// Column is one column of a table.
type Column struct {
	Key      string `json:"key"`  // in URLs: a-z, 0-9 and _, unique in the table
	Name     string `json:"name"` // as the file's header says it
	Type     Type   `json:"type"`
	Position int    `json:"position"` // from 1
	Indexed  bool   `json:"indexed"`  // filters, sorts and groups of it are answered from an index
	Field    string `json:"-"`        // physical column, c1 to c200
}

// Table is what a file turned out to hold.
type Table struct {
	Columns  []Column
	Rows     int64
	Report   Report
	Profiles []Profile // of each column, once it is loaded

	source  Source
	numbers []numbers // how each column writes its numbers
	longest []int     // bytes of each column's longest cell
}

// Report is what was found while reading a table. Nothing in it was dropped.
type Report struct {
	Rows     int64     `json:"rows"`
	Count    int       `json:"count"`    // of all findings
	Findings []Finding `json:"findings"` // the first 100
}

// Finding is one thing a reader should know. Code finds its words.
type Finding struct {
	Row    int64             `json:"row"`    // as a spreadsheet counts, the header is 1; 0: the whole column or file
	Column string            `json:"column"` // "" for a whole row
	Code   string            `json:"code"`
	Detail string            `json:"detail"` // in English
	Args   map[string]string `json:"args,omitempty"`
}

// Words gives the finding's text in a locale, "vi" or "en".
func (f Finding) Words(locale string) string {
	return problem.Field{Name: f.Column, Code: f.Code, Detail: f.Detail, Args: f.Args}.Words(locale)
}

func (r *Report) add(row int64, column, code, detail string) *Finding {
	r.Count++
	if len(r.Findings) >= maxFindings {
		return &Finding{}
	}
	r.Findings = append(r.Findings, Finding{Row: row, Column: column, Code: code, Detail: detail})
	return &r.Findings[len(r.Findings)-1]
}

// note takes in a finding that was made elsewhere.
func (r *Report) note(f Finding) {
	*r.add(f.Row, f.Column, f.Code, f.Detail) = f
}

// with gives the finding's words their arguments: name, value, name, value.
func (f *Finding) with(pairs ...string) {
	f.Args = map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Args[pairs[i]] = pairs[i+1]
	}
}

// refuse is the problem of a file that cannot be read as a table.
func refuse(code string, row int64, format string, args ...any) *problem.Error {
	return problem.Errorf(problem.Invalid, "row %d: %s", row, fmt.Sprintf(format, args...)).
		Coded(code, "row", strconv.FormatInt(row, 10))
}

// shorten cuts a value for a message.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
