package rows

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Plan says how a file that was made for people becomes a table: which sheet it
// is, between which rows it stands, and what each column is.
type Plan struct {
	Sheet   string    `json:"sheet"`  // of a workbook; "": the first that holds something
	Header  int64     `json:"header"` // the row of the names, as a spreadsheet counts; 0: the one that looks so
	Last    int64     `json:"last"`   // the last row of the table; 0: the file's last
	Columns []Planned `json:"columns"`
}

// Planned is what becomes of one column of the file, in the file's order.
type Planned struct {
	Name     string   `json:"name"`
	Type     Type     `json:"type"`
	Notation Notation `json:"notation"`
	Drop     bool     `json:"drop"`   // it is left out
	Decade   bool     `json:"decade"` // of dates and years only the ten years are told that they lie in
}

// Notation is how the cells of a column write their numbers.
type Notation string

// The notations. Plain and Mixed are those of workbooks, where a number that was
// typed as text stands among numbers.
const (
	Vietnamese Notation = "vi"    // 1.350,5
	English    Notation = "en"    // 1,350.5
	Plain      Notation = "plain" // 1350.5
	Mixed      Notation = "mixed" // 1350.5 beside 1.350,5; what may be either is neither
)

// Types are what a column can be made.
func Types() []Type { return []Type{Text, Integer, Decimal, Date, Boolean} }

// oneGroup is a number that is 1350 in Vietnamese and 1.35 in a workbook.
var oneGroup = regexp.MustCompile(`^-?[1-9][0-9]{0,2}\.[0-9]{3}$`)

// read gives a cell as PostgreSQL reads the type, and whether it is of it. A
// blank cell is of every type, and is "".
func (n Notation) read(t Type, text string) (string, bool) {
	s := strings.TrimSpace(text)
	if s == "" || t == Text || t == Geometry {
		return s, true
	}
	if len(s) > 60 {
		return "", false
	}
	switch t {
	case Date:
		if _, err := time.Parse(time.DateOnly, s); err == nil && s[0] != '0' {
			return s, true
		}
		d, ok := dayFirstDate(s)
		return d.Format(time.DateOnly), ok
	case Boolean:
		yes, ok := truth(s)
		return fmt.Sprint(yes), ok
	}
	return n.number(t, s)
}

func (n Notation) number(t Type, s string) (string, bool) {
	group, point := byte('.'), byte(',')
	if n == English {
		group, point = ',', '.'
	}
	if n == Plain || n == Mixed {
		whole, tail := isPlainNumber(s)
		if n == Mixed && oneGroup.MatchString(s) {
			return "", false
		}
		if whole || tail && t == Decimal {
			return s, true
		}
		if n == Plain {
			return "", false
		}
	}
	whole, any := isNumber(s, group, point)
	if !whole && (t == Integer || !any) {
		return "", false
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, string(group), ""), string(point), "."), true
}

// decade tells of a date or a year the ten years that it lies in: 1980–1989.
// Anything else is no decade, and "".
func decade(text string) string {
	s := strings.TrimSpace(text)
	year := 0
	if iso, ok := Plain.read(Date, s); ok && s != "" {
		s = iso[:4]
	}
	if len(s) != 4 || !digits(s) {
		return ""
	}
	for _, b := range []byte(s) {
		year = year*10 + int(b-'0')
	}
	return fmt.Sprintf("%d–%d", year/10*10, year/10*10+9)
}

// value is what a cell becomes, and whether something of it was lost.
func (p Planned) value(text string) (string, bool) {
	if p.Decade {
		d := decade(text)
		return d, d != "" || strings.TrimSpace(text) == ""
	}
	value, ok := p.Notation.read(p.Type, text)
	if !ok {
		return "", false
	}
	return value, true
}

// Fits reports whether a cell loses nothing in the column.
func (p Planned) Fits(text string) bool {
	_, ok := p.value(text)
	return ok
}

// kept is the type of the column in the table.
func (p Planned) kept() Type {
	if p.Decade {
		return Text
	}
	return p.Type
}

// numbering is the line beneath a header that numbers the columns: (1) (2) (3),
// as forms of the State have it.
var numbering = regexp.MustCompile(`^\(\s*[0-9A-Za-z]{1,3}(\s*=.*)?\s*\)$`)

func isNumbering(cells []string) bool {
	filled := slices.DeleteFunc(slices.Clone(cells), func(s string) bool { return strings.TrimSpace(s) == "" })
	return len(filled) > 1 && !slices.ContainsFunc(filled, func(s string) bool { return !numbering.MatchString(strings.TrimSpace(s)) })
}

// titled is how many of a file's first rows are looked at to find the names of
// the columns.
const titled = 60

// headerAmong is which of a file's first rows names the columns: the first that
// is about as wide as the rows that follow, and holds words. None: the first.
func headerAmong(first []rawRow) int {
	var widths []int
	for _, r := range first {
		if n := r.filled(); n > 1 {
			widths = append(widths, n)
		}
	}
	if len(widths) == 0 {
		return 0
	}
	slices.Sort(widths)
	usual := widths[len(widths)/2]
	for i, r := range first {
		if r.filled()*10 >= usual*6 && r.words()*2 > r.filled() && !isNumbering(r.cells) {
			return i
		}
	}
	return 0
}

// rawRow is a row of a file as it stands there.
type rawRow struct {
	row   int64
	cells []string
}

func rawOf(row int64, cells []cell) rawRow {
	r := rawRow{row: row, cells: make([]string, len(cells))}
	for i, c := range cells {
		r.cells[i] = c.text
	}
	return r
}

func (r rawRow) filled() (n int) {
	for _, s := range r.cells {
		if strings.TrimSpace(s) != "" {
			n++
		}
	}
	return n
}

// words is how many cells hold neither a number nor a date.
func (r rawRow) words() (n int) {
	for _, s := range r.cells {
		s = strings.TrimSpace(s)
		_, number := Vietnamese.read(Decimal, s)
		_, other := English.read(Decimal, s)
		_, date := Plain.read(Date, s)
		if s != "" && !number && !other && !date {
			n++
		}
	}
	return n
}
