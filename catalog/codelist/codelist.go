// Package codelist answers what a file of shared codes says, whether it is right,
// and what it would change: CSV in, entries and faults out. It keeps nothing.
package codelist

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Entry is one code of a list.
type Entry struct {
	Code      string `json:"code"`
	NameVI    string `json:"name_vi"`
	NameEN    string `json:"name_en"`
	Parent    string `json:"parent"`     // another code of the list, or ""
	ValidFrom string `json:"valid_from"` // YYYY-MM-DD, or ""
	ValidTo   string `json:"valid_to"`   // its last day, or ""
	Note      string `json:"note"`
}

// The bounds of a file.
const (
	MaxBytes   = 512 << 10
	MaxEntries = 5000
	maxFaults  = 50
	maxName    = 300 // characters
)

// Columns are the names in the first line of a file, in the order in which they
// are written. The first two must be there, in any order.
var Columns = []string{"code", "name_vi", "name_en", "parent", "valid_from", "valid_to", "note"}

// Fault is what is wrong with a file, and where.
type Fault struct {
	Line   int    // from 1
	Column string // "" when the line, or the file, is meant
	Code   string // codes-header, codes-row, codes-value, codes-twice, codes-parent, codes-size
	Why    string // English
}

var codeForm = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._/:-]{0,63}$`)

// Read reads a file of codes: CSV in UTF-8 (RFC 4180) with commas, or with
// semicolons as spreadsheets here write it. It gives the entries in their
// order, or at most 50 faults, each with its line and column.
func Read(text []byte) ([]Entry, []Fault) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	switch {
	case len(text) > MaxBytes:
		return nil, []Fault{{1, "", "codes-size", "the file is over 512 kB"}}
	case !utf8.Valid(text):
		return nil, []Fault{{1, "", "codes-size", "the file is not in UTF-8"}}
	}
	r := &reader{csv: csv.NewReader(bytes.NewReader(text)), at: map[string]int{}, lines: map[string]int{}}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	if bytes.ContainsRune(first, ';') && !bytes.ContainsRune(first, ',') {
		r.csv.Comma = ';'
	}
	if !r.header() || !r.rows() {
		return nil, r.faults
	}
	r.parents()
	if len(r.faults) > 0 {
		return nil, r.faults
	}
	return r.entries, nil
}

// reader is a file that is being read.
type reader struct {
	csv     *csv.Reader
	at      map[string]int // columns by name
	lines   map[string]int // of each code
	entries []Entry
	faults  []Fault
}

// fault notes one more; false when there are enough.
func (r *reader) fault(line int, column, code, why string) bool {
	r.faults = append(r.faults, Fault{line, column, code, why})
	return len(r.faults) < maxFaults
}

// header reads the first line.
func (r *reader) header() bool {
	names, err := r.csv.Read()
	if err != nil {
		r.fault(1, "", "codes-header", "the first line names the columns")
		return false
	}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := r.at[name]; twice || !slices.Contains(Columns, name) {
			r.fault(1, name, "codes-header", "the columns are "+strings.Join(Columns, ", "))
			return false
		}
		r.at[name] = i
	}
	for _, name := range Columns[:2] {
		if _, there := r.at[name]; !there {
			r.fault(1, name, "codes-header", "the column "+name+" is missing")
			return false
		}
	}
	return true
}

// rows reads the lines below it.
func (r *reader) rows() bool {
	for {
		row, err := r.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			if !r.fault(syntax.Line, "", "codes-row", "the line cannot be read, or has other cells than the first") || !errors.Is(err, csv.ErrFieldCount) {
				return false
			}
			continue
		}
		line, _ := r.csv.FieldPos(0)
		if len(r.entries) == MaxEntries {
			r.fault(line, "", "codes-size", fmt.Sprintf("there are over %d codes", MaxEntries))
			return false
		}
		if !r.row(row, line) {
			return false
		}
	}
	if len(r.entries) == 0 && len(r.faults) == 0 {
		r.fault(2, "", "codes-size", "the file names no code")
	}
	return true
}

// row reads one line; false when there are enough faults.
func (r *reader) row(row []string, line int) bool {
	cell := func(name string) string {
		i, there := r.at[name]
		if !there {
			return ""
		}
		return norm.NFC.String(strings.Join(strings.Fields(row[i]), " "))
	}
	e := Entry{cell("code"), cell("name_vi"), cell("name_en"), cell("parent"), cell("valid_from"), cell("valid_to"), cell("note")}
	for i, value := range []string{e.Code, e.NameVI, e.NameEN, e.Parent, e.ValidFrom, e.ValidTo, e.Note} {
		if why := faultIn(Columns[i], value); why != "" && !r.fault(line, Columns[i], "codes-value", why) {
			return false
		}
	}
	if e.ValidFrom != "" && e.ValidTo != "" && e.ValidTo < e.ValidFrom && !r.fault(line, "valid_to", "codes-value", "it ends before it begins") {
		return false
	}
	if _, twice := r.lines[e.Code]; twice && !r.fault(line, "code", "codes-twice", "the code is there already") {
		return false
	}
	r.lines[e.Code] = line
	r.entries = append(r.entries, e)
	return true
}

// faultIn says what is wrong with a value by itself; "" when nothing is.
func faultIn(column, value string) string {
	switch column {
	case "code":
		if !codeForm.MatchString(value) {
			return "a code has 1 to 64 letters, digits and . _ / : -, and begins with a letter or a digit"
		}
		return ""
	case "valid_from", "valid_to":
		if at, err := time.Parse(time.DateOnly, value); value != "" && (err != nil || at.Year() < 1900 || at.Year() > 2200) {
			return "a day is written 2026-07-01"
		}
		return ""
	case "name_vi":
		if value == "" {
			return "a name is needed"
		}
	}
	switch {
	case utf8.RuneCountInString(value) > maxName:
		return fmt.Sprintf("at most %d characters", maxName)
	case strings.ContainsFunc(value, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) }):
		return "it holds characters that cannot be shown"
	case strings.ContainsAny(value[:min(1, len(value))], "=+-@"):
		return "a spreadsheet would take it for a formula"
	}
	return ""
}

// parents looks whether what stands above each code is there, and not below it.
func (r *reader) parents() {
	above := make(map[string]string, len(r.entries))
	for _, e := range r.entries {
		above[e.Code] = e.Parent
	}
	for _, e := range r.entries {
		if e.Parent == "" {
			continue
		}
		if _, there := above[e.Parent]; !there {
			if !r.fault(r.lines[e.Code], "parent", "codes-parent", "no such code in the file") {
				return
			}
			continue
		}
		steps := 0
		for at := e.Parent; at != ""; at = above[at] {
			if steps++; at == e.Code || steps > maxDepth {
				if !r.fault(r.lines[e.Code], "parent", "codes-parent", "it stands below itself, or too deep") {
					return
				}
				break
			}
		}
	}
}

// maxDepth is how many codes may stand above one.
const maxDepth = 16

// Write writes entries as Read reads them.
func Write(entries []Entry) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(Columns) // a buffer takes all
	for _, e := range entries {
		_ = w.Write([]string{e.Code, e.NameVI, e.NameEN, e.Parent, e.ValidFrom, e.ValidTo, e.Note})
	}
	w.Flush()
	return out.Bytes()
}

// Change is one code that is not as it was.
type Change struct {
	What   string `json:"what"` // added, changed, removed
	Before *Entry `json:"before"`
	After  *Entry `json:"after"`
}

// Code is the code that the change is about.
func (c Change) Code() string {
	if c.After != nil {
		return c.After.Code
	}
	return c.Before.Code
}

// Compare lists what is not the same, by code, and counts what is. The order of
// a list says nothing.
func Compare(before, after []Entry) ([]Change, int) {
	var changes []Change
	same := 0
	was := make(map[string]*Entry, len(before))
	for i := range before {
		was[before[i].Code] = &before[i]
	}
	for i := range after {
		now := &after[i]
		old := was[now.Code]
		delete(was, now.Code)
		switch {
		case old == nil:
			changes = append(changes, Change{"added", nil, now})
		case *old != *now:
			changes = append(changes, Change{"changed", old, now})
		default:
			same++
		}
	}
	for _, old := range was {
		changes = append(changes, Change{"removed", old, nil})
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Code(), b.Code()) })
	return changes, same
}
