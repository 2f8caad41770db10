package rows

import (
	"strings"
	"time"
)

// shape is one way in which every cell of a column may be written.
type shape int

const (
	plainInt  shape = iota // 1350, and 1.350 with Vietnamese groups
	viDecimal              // 12,5 and 1.350,5
	enInt                  // 1,350
	enDecimal              // 12.5 and 1,350.5
	dayFirst               // 30/7/2019, also with - or .
	isoDate                // 2019-07-30
	yesNo                  // có, không, true, false …
	shapes
)

// shapeTypes are the types that columns of each shape get.
var shapeTypes = [shapes]Type{Integer, Decimal, Integer, Decimal, Date, Date, Boolean}

// tracker learns, cell by cell, what a column can be.
type tracker struct {
	filled  int64
	longest int // bytes of the longest cell
	fits    [shapes]int64
	grouped int64 // integers with a point as group mark, which an English reader takes for decimals
	misses  [shapes][]miss
}

// miss is a cell that speaks against a shape; the first 20 are kept.
type miss struct {
	row  int64
	text string
}

const maxMisses = 20

func (t *tracker) see(row int64, c cell, dot bool) {
	if c.null || c.text == "" || c.text[0] <= ' ' && strings.TrimSpace(c.text) == "" {
		return
	}
	t.filled++
	t.longest = max(t.longest, len(c.text))
	fits := fitting(c, dot)
	if fits[plainInt] && strings.Contains(c.text, ".") {
		t.grouped++
	}
	for s := range shapes {
		if fits[s] {
			t.fits[s]++
		} else if len(t.misses[s]) < maxMisses {
			t.misses[s] = append(t.misses[s], miss{row, shorten(c.text)})
		}
	}
}

// fitting tells which shapes a cell has.
func fitting(c cell, dot bool) [shapes]bool {
	var fits [shapes]bool
	s := strings.TrimSpace(c.text)
	if s == "" || len(s) > 60 {
		return fits
	}
	if s[0] >= '0' && s[0] <= '9' || s[0] == '-' {
		switch dateForm(s) {
		case "dmy":
			fits[dayFirst] = true
		case "iso":
			fits[isoDate] = true
		}
		if c.literal {
			return fits
		}
		if dot {
			whole, tail := isPlainNumber(s)
			fits[plainInt], fits[enInt] = whole, whole
			fits[viDecimal], fits[enDecimal] = whole, whole || tail
			return fits
		}
		fits[plainInt], fits[viDecimal] = isNumber(s, '.', ',')
		fits[enInt], fits[enDecimal] = isNumber(s, ',', '.')
		return fits
	}
	if !c.literal {
		_, fits[yesNo] = truth(s)
	}
	return fits
}

// isNumber reads a number with that group mark and decimal mark: whole for one
// without decimals, any for both. A number with a leading zero is a code, and
// so is one longer than a bigint.
func isNumber(s string, group, point byte) (whole, any bool) {
	s = strings.TrimPrefix(s, "-")
	left, right, hasPoint := strings.Cut(s, string(point))
	if hasPoint && (right == "" || !digits(right)) {
		return false, false
	}
	parts := strings.Split(left, string(group))
	for i, part := range parts {
		if !digits(part) || part == "" || len(parts) > 1 && (i > 0 && len(part) != 3 || i == 0 && len(part) > 3) {
			return false, false
		}
	}
	if parts[0][0] == '0' && (len(parts[0]) > 1 || len(parts) > 1) {
		return false, false
	}
	n := len(left) - len(parts) + 1
	return !hasPoint && n <= 18, n <= 18 || hasPoint
}

// isPlainNumber reads a number as JSON and workbooks write it.
func isPlainNumber(s string) (whole, decimal bool) {
	s = strings.TrimPrefix(s, "-")
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(s), "e")
	if hasExponent {
		exponent = strings.TrimLeft(exponent, "+-")
		if !digits(exponent) || exponent == "" || len(exponent) > 3 || exponent > "300" && len(exponent) == 3 {
			return false, false
		}
	}
	left, right, hasPoint := strings.Cut(mantissa, ".")
	if !digits(left) || left == "" || len(left) > 1 && left[0] == '0' || hasPoint && (right == "" || !digits(right)) {
		return false, false
	}
	if hasPoint || hasExponent {
		return false, true
	}
	return len(left) <= 18, false
}

func digits(s string) bool {
	for _, b := range []byte(s) {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

// dateForm tells how a date is written: "dmy" for 30/7/2019, "iso" for
// 2019-07-30, "" for anything else, a day that does not exist included.
func dateForm(s string) string {
	if len(s) < 8 || len(s) > 10 {
		return ""
	}
	if _, err := time.Parse(time.DateOnly, s); err == nil && s[0] != '0' {
		return "iso"
	}
	if _, ok := dayFirstDate(s); ok {
		return "dmy"
	}
	return ""
}

func dayFirstDate(s string) (time.Time, bool) {
	for _, layout := range []string{"2/1/2006", "2-1-2006", "2.1.2006"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1000 {
			return t, true
		}
	}
	return time.Time{}, false
}

// truth reads a yes or no.
func truth(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "có", "đúng", "true", "yes":
		return true, true
	case "không", "sai", "false", "no":
		return false, true
	}
	return false, false
}

// numbers says how a column writes its numbers.
type numbers int

const (
	vietnamese numbers = iota // 1.350,5
	english                   // 1,350.5, and the plain numbers of JSON and workbooks
)

// codeWords begin the names of columns that hold codes: mã xã, số định danh, số
// hiệu, số điện thoại, số CCCD …
var codeWords = []string{"ma", "so_dinh_danh", "so_hieu", "so_dien_thoai", "so_cccd", "so_cmnd", "cccd", "code", "id"}

// isCode reports whether a column's name says that it holds codes. They are
// text even where all are digits: 9.000010 is another procedure than 9.00001.
func isCode(column string) bool {
	key := keyOf(column) + "_"
	for _, word := range codeWords {
		if strings.HasPrefix(key, word+"_") {
			return true
		}
	}
	return strings.HasSuffix(key, "_id_") || strings.HasSuffix(key, "_code_")
}

// decide gives the column's type. What is doubtful stays text, with a finding.
func (t *tracker) decide(column string, report *Report) (Type, numbers) {
	all := func(s shape) bool { return t.filled > 0 && t.fits[s] == t.filled }
	switch {
	case isCode(column) && !all(dayFirst) && !all(isoDate):
		return Text, vietnamese
	case all(plainInt):
		if t.grouped > 0 && all(enDecimal) {
			report.add(0, column, "rows-points-grouped", "points are read as groups of thousands: 1.350 is 1350")
		}
		return Integer, vietnamese
	case all(viDecimal) && all(enInt):
		report.add(0, column, "rows-commas-doubtful", "1,350 may be 1350 or 1.35; the column stays text")
		return Text, vietnamese
	case all(viDecimal):
		return Decimal, vietnamese
	case all(enInt):
		return Integer, english
	case all(enDecimal):
		return Decimal, english
	case all(dayFirst) || all(isoDate):
		return Date, vietnamese
	case all(yesNo):
		return Boolean, vietnamese
	}
	t.reportMisses(column, report)
	return Text, vietnamese
}

// reportMisses says which cells keep a column from the type that most of its
// cells have.
func (t *tracker) reportMisses(column string, report *Report) {
	best := plainInt
	for s := range shapes {
		if t.fits[s] > t.fits[best] {
			best = s
		}
	}
	if t.fits[best]*2 <= t.filled {
		return
	}
	for _, m := range t.misses[best] {
		report.add(m.row, column, "rows-not-"+string(shapeTypes[best]), "“"+m.text+"” is no "+string(shapeTypes[best])+"; the column stays text").
			with("value", m.text)
	}
	if hidden := t.filled - t.fits[best] - int64(len(t.misses[best])); hidden > 0 {
		report.Count += int(hidden)
	}
}
