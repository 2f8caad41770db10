// Package guard answers which columns and texts look as if they held personal
// data: identity numbers, phone numbers, e-mail addresses, birth dates beside
// names, home addresses, bank accounts and tax numbers of persons. It knows no
// file format and no database: cells come in, findings go out.
package guard

import (
	"fmt"
	"strings"
)

// Kind is a kind of personal data.
type Kind string

// The kinds.
const (
	Identity Kind = "identity" // căn cước công dân of 12 digits, chứng minh nhân dân of 9
	Phone    Kind = "phone"
	Email    Kind = "email"   // of a person; the letter box of an office is none
	Birth    Kind = "birth"   // a birth date or year beside a name
	Address  Kind = "address" // where a person lives
	Bank     Kind = "bank"
	Tax      Kind = "tax" // the tax number of a person
)

// kinds in the order in which they are shown.
var kinds = []Kind{Identity, Phone, Email, Birth, Address, Bank, Tax}

// The thresholds. A column alarms when its name tells of the kind and the
// bounds below are met; without a telling name the cells alone must speak.
const (
	// identityShare of the 12-digit numbers in a column must be built as identity
	// numbers are: of random numbers about 1 in 70 is.
	identityShare = 0.2
	// phoneShare of the 10-digit numbers that begin with 0 must have the prefix of
	// a mobile network; codeShare when the column's name tells of a code.
	phoneShare, codeShare = 0.5, 0.9
	// From spread hits on, identity and phone numbers must begin in at least
	// fewest ways: numbers given out in a row are codes of objects.
	spread, fewest = 10, 3
	// birthShare, bankShare and homeShare of a column's filled cells must look
	// like it, and its name must tell of it; nameShare of a column are names of
	// persons, or toldShare where the column's name says so.
	birthShare, bankShare, homeShare = 0.5, 0.5, 0.3
	nameShare, toldShare             = 0.8, 0.3

	maxExamples = 3
	maxPlace    = 120 // runes
	maxCell     = 1 << 16
	oldest      = 105 // years: nobody born earlier is a person whose data need protection here
)

// Finding is one kind of personal data in one place.
type Finding struct {
	Place    string   // the column's name, or what the text is
	Column   int      // its position in the table, from 0
	Kind     Kind     // what it looks like
	Rows     int64    // in how many rows; the header counts as one
	Examples []string // at most 3, masked
}

// Scanner reads the rows of one table. Its memory does not grow with them.
type Scanner struct {
	year    int
	columns []*column
	named   bool // the row at hand has a name of a person
	births  []int
}

// column is what was seen of one column.
type column struct {
	place  string
	means  meaning
	filled int64

	twelves, tens int64 // cells with a number of so many digits that could be one
	names         int64 // cells that are a person's name
	homes         int64 // cells that are an address
	taxes         int64 // cells that are a tax number

	hits     map[Kind]int64
	examples map[Kind][]string
	homeLike []string
	taxLike  []string
	starts   map[Kind]map[string]bool // how the numbers begin, at most fewest
}

// Table begins the scan of a table with those columns in that year. The names
// are read as cells too: a table without a header has its first row there.
func Table(year int, names []string) *Scanner {
	s := &Scanner{year: year}
	taken := map[string]bool{}
	for i, name := range names {
		c := newColumn(means(name))
		s.columns = append(s.columns, c)
		c.see(s, name)
		c.filled, c.names, c.homes, c.taxes, c.homeLike, c.taxLike = 0, 0, 0, 0, nil, nil // of the cells below
		place := clip(strings.Join(strings.Fields(name), " "), maxPlace)
		if place == "" || len(c.hits) > 0 {
			place = fmt.Sprintf("cột %d", i+1)
		}
		for base, n := place, 2; taken[place]; n++ {
			place = fmt.Sprintf("%s (%d)", base, n)
		}
		taken[place], c.place = true, place
	}
	s.named, s.births = false, s.births[:0]
	return s
}

func newColumn(m meaning) *column {
	return &column{means: m, hits: map[Kind]int64{}, examples: map[Kind][]string{}, starts: map[Kind]map[string]bool{}}
}

// Row reads one row; cells beyond the header are read as if of one further
// column.
func (s *Scanner) Row(cells []string) {
	s.named, s.births = false, s.births[:0]
	for i, cell := range cells {
		if i >= len(s.columns) {
			i = len(s.columns)
			s.columns = append(s.columns, newColumn(0))
			s.columns[i].place = fmt.Sprintf("cột %d", i+1)
		}
		s.columns[i].see(s, cell)
		if i < len(s.columns) && s.columns[i].place == "" {
			s.columns[i].place = fmt.Sprintf("cột %d", i+1)
		}
	}
	if !s.named {
		return
	}
	for _, i := range s.births {
		s.columns[i].hit(Birth, birthMask(cells[i]))
	}
}

// Findings judges what was seen, in the order of the columns.
func (s *Scanner) Findings() []Finding {
	persons := false
	for _, c := range s.columns {
		persons = persons || c.isPersons()
	}
	var list []Finding
	for i, c := range s.columns {
		for _, kind := range kinds {
			if n := c.alarm(kind, persons); n > 0 {
				list = append(list, Finding{Place: c.place, Column: i, Kind: kind, Rows: n, Examples: c.examplesOf(kind)})
			}
		}
	}
	return list
}

// Words scans texts that are no table, each under the name of its place.
func Words(year int, texts map[string]string) []Finding {
	var list []Finding
	for place, text := range texts {
		found := Table(year, []string{""})
		for len(text) > maxCell {
			cut := strings.LastIndexAny(text[:maxCell], " \n\t,;") + 1
			if cut == 0 {
				cut = maxCell
			}
			found.Row([]string{text[:cut]})
			text = text[cut:]
		}
		found.Row([]string{text})
		for _, f := range found.Findings() {
			f.Place = place
			list = append(list, f)
		}
	}
	return list
}

// isPersons reports whether the column holds the names of persons.
func (c *column) isPersons() bool {
	switch {
	case c.filled == 0 || c.means.isThing():
		return false
	case c.means.has(ofPerson):
		return c.share(c.names) >= toldShare
	}
	return c.filled >= 3 && c.share(c.names) >= nameShare
}

func (c *column) share(n int64) float64 { return float64(n) / float64(max(1, c.filled)) }

// alarm is in how many rows a kind was found, 0 when that does not reach the
// threshold. persons: another column holds the names of persons.
func (c *column) alarm(kind Kind, persons bool) int64 {
	n := c.hits[kind]
	spreads := n < spread || len(c.starts[kind]) >= fewest
	switch kind {
	case Identity:
		if c.means.has(ofIdentity) || spreads && float64(n) >= identityShare*float64(c.twelves) {
			return n
		}
	case Phone:
		least := phoneShare
		if c.means.has(ofCode) {
			least = codeShare
		}
		if c.means.has(ofPhone) || spreads && float64(n) >= least*float64(c.tens) {
			return n
		}
	case Birth:
		if !c.means.has(ofBirth) || c.share(n) >= birthShare {
			return n
		}
	case Address:
		if (c.means.has(ofHome) || c.means.has(ofAddress) && persons) && c.share(c.homes) >= homeShare {
			return max(n, c.homes)
		}
		return n
	case Bank:
		if !c.means.has(ofBank) || c.share(n) >= bankShare {
			return n
		}
	case Tax:
		if c.means.has(ofTax) && (persons || c.means.has(ofPerson)) && c.share(c.taxes) >= bankShare {
			return c.taxes
		}
	default:
		return n
	}
	return 0
}

func (c *column) examplesOf(kind Kind) []string {
	switch {
	case kind == Tax:
		return c.taxLike
	case kind == Address && len(c.examples[kind]) == 0:
		return c.homeLike
	}
	return c.examples[kind]
}

// hit notes a row with a kind, and up to three masked examples.
func (c *column) hit(kind Kind, example string) {
	c.hits[kind]++
	if list := c.examples[kind]; len(list) < maxExamples {
		c.examples[kind] = append(list, example)
	}
}

// begins notes how a number begins.
func (c *column) begins(kind Kind, start string) {
	known := c.starts[kind]
	if known == nil {
		known = map[string]bool{}
		c.starts[kind] = known
	}
	if len(known) < fewest {
		known[start] = true
	}
}
