package rows

import (
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// endShown is how many of a table's last rows are looked at for one that sums
// up; beneath it are at most signatures and notes.
const endShown = 12

// summing is how a row begins that sums up those above it. A Tổng công ty is
// none.
var summing = regexp.MustCompile(`(?i)^(tổng|tổng cộng|tổng số|cộng|total|grand total)\s*(:|\(.*)?$`)

// ending remembers a table's last rows.
type ending struct{ rows []endRow }

// endRow is one of them.
type endRow struct {
	row    int64
	filled int
	sums   bool
}

func (e *ending) see(r rawRow) {
	one := endRow{row: r.row, filled: r.filled()}
	for _, s := range r.cells {
		if s = strings.TrimSpace(s); s != "" {
			one.sums = one.filled > 1 && len(s) < 60 && summing.MatchString(norm.NFC.String(s))
			break
		}
	}
	if len(e.rows) == endShown {
		e.rows = append(e.rows[:0], e.rows[1:]...)
	}
	e.rows = append(e.rows, one)
}

// total is the first of the rows that sum up a table of so many columns and
// rows at its end: beneath it nothing stands but others of its kind, and rows
// that are mostly empty. 0: there is none, or nothing above it.
func (e *ending) total(columns int, all int64) (row int64) {
	for i := len(e.rows) - 1; i >= 0; i-- {
		switch one := e.rows[i]; {
		case one.sums:
			row = one.row
			if int64(len(e.rows)-i) == all {
				return 0
			}
		case one.filled > 1 && one.filled*2 >= columns:
			return row
		}
	}
	return row
}
