package guard

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// see reads one cell. What is longer than 64 KiB is read to there in each
// part, so that the work grows with the text and no faster.
func (c *column) see(s *Scanner, cell string) {
	if strings.TrimSpace(cell) == "" {
		return
	}
	c.filled++
	seen := map[Kind]bool(nil)
	for first := true; first || cell != ""; first = false {
		part := cell
		if len(part) > maxCell {
			part = part[:maxCell]
		}
		cell = cell[len(part):]
		seen = c.look(s, part, seen)
	}
}

// look finds the kinds in a part of a cell; each counts once a cell.
func (c *column) look(s *Scanner, text string, seen map[Kind]bool) map[Kind]bool {
	found := func(kind Kind, example string) {
		if !seen[kind] {
			if seen == nil {
				seen = map[Kind]bool{}
			}
			seen[kind] = true
			c.hit(kind, example)
		}
	}
	digits, at := 0, false
	for i := range len(text) {
		if b := text[i]; b >= '0' && b <= '9' {
			digits++
		} else if b == '@' {
			at = true
		}
	}
	if digits >= 9 {
		c.numbers(s, text, found)
	}
	if at {
		if address := personsEmail(text); address != "" {
			found(Email, maskEmail(address))
		}
	}
	if len(text) >= 20 {
		c.sentences(s, text, found)
	}
	c.whole(s, text, digits, found)
	return seen
}

// whole reads a cell for what it is as a whole.
func (c *column) whole(s *Scanner, text string, digits int, found func(Kind, string)) {
	text = strings.TrimSpace(text)
	if digits == 0 && !c.means.isThing() && isName(text) {
		c.names++
		s.named = true
	}
	if c.means.has(ofBirth) && isBirth(text, s.year) {
		for i, other := range s.columns {
			if other == c {
				s.births = append(s.births, i)
			}
		}
	}
	if c.means.has(ofHome) || c.means.has(ofAddress) {
		if isAddress(text, digits) {
			if c.homes++; len(c.homeLike) < maxExamples {
				c.homeLike = append(c.homeLike, initials(text))
			}
		}
	}
	if c.means.has(ofBank) && digits >= 6 && digits <= 19 && onlyDigits(text) {
		found(Bank, maskDigits(text))
	}
	if c.means.has(ofTax) && (digits == 10 || digits == 12) && onlyDigits(text) {
		if c.taxes++; len(c.taxLike) < maxExamples {
			c.taxLike = append(c.taxLike, maskDigits(text))
		}
	}
}

// onlyDigits allows what people put between groups of digits.
func onlyDigits(text string) bool {
	for i := range len(text) {
		if b := text[i]; (b < '0' || b > '9') && b != ' ' && b != '-' && b != '.' {
			return false
		}
	}
	return true
}

// isBirth reads a date or a year in which a living person may have been born.
func isBirth(text string, year int) bool {
	if y, err := strconv.Atoi(text); err == nil {
		return y >= year-oldest && y <= year && len(text) == 4
	}
	if len(text) < 6 || len(text) > 25 {
		return false
	}
	for _, layout := range []string{"2/1/2006", "2-1-2006", "2.1.2006", "2006-01-02", "2006-01-02 15:04:05", time.RFC3339, "1/2006", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Year() >= year-oldest && t.Year() <= year
		}
	}
	return false
}

// places are the words that an address in Việt Nam has, folded.
var places = map[string]bool{"thon": true, "xom": true, "to": true, "ap": true, "duong": true, "pho": true, "phuong": true,
	"xa": true, "huyen": true, "quan": true, "ngo": true, "hem": true, "kiet": true, "ngach": true, "khoi": true,
	"kdc": true, "tdp": true, "tp": true, "street": true, "ward": true, "district": true}

// isAddress reads a text as an address: three words or more, with a number or
// two of the words of places. The name of a commune alone is nobody's home.
func isAddress(text string, digits int) bool {
	if len(text) < 8 || len(text) > 500 {
		return false
	}
	words := strings.Fields(fold(text))
	if len(words) < 3 || digits > len(text)/2 {
		return false
	}
	n := 0
	for _, w := range words {
		if places[w] {
			n++
		}
	}
	return digits > 0 || n >= 2
}

// sentences finds in running text a person with a birth date, with the place
// where they live, or with an account.
func (c *column) sentences(s *Scanner, text string, found func(Kind, string)) {
	for _, cue := range []string{"inh ngày", "inh năm", "(SN ", " SN "} {
		for at := range cues(text, cue) {
			rest := after(text, at+len(cue), 30)
			name := nameBefore(before(text, at, 90))
			if y := firstYear(rest); name != "" && y >= s.year-oldest && y <= s.year {
				found(Birth, initials(name)+", ••/••/••••")
			}
		}
	}
	for _, cue := range []string{"trú tại", "thường trú", "Thường trú"} {
		for at := range cues(text, cue) {
			rest := after(text, at+len(cue), 80)
			if name := nameBefore(before(text, at, 160)); name != "" && len(rest) > 8 {
				found(Address, initials(name)+", •••")
			}
		}
	}
	for _, cue := range []string{"tài khoản", "STK", "TK số"} {
		for at := range cues(text, cue) {
			rest := after(text, at+len(cue), 40)
			around := strings.ToLower(before(text, at, 120) + after(text, at, 160))
			number := firstNumber(rest)
			if len(number) >= 8 && len(number) <= 19 && !strings.Contains(around, "kho bạc") && nameBefore(before(text, at, 160)) != "" {
				found(Bank, maskDigits(number))
			}
		}
	}
}

// cues gives where a cue stands in a text, at most 20 times.
func cues(text, cue string) func(func(int) bool) {
	return func(yield func(int) bool) {
		from := 0
		for range 20 {
			at := strings.Index(text[from:], cue)
			if at < 0 || !yield(from+at) {
				return
			}
			from += at + len(cue)
		}
	}
}

// before and after are at most n bytes beside a place in a text, cut where a
// character begins.
func before(text string, at, n int) string {
	from := max(0, at-n)
	for from < at && !utf8.RuneStart(text[from]) {
		from++
	}
	return text[from:at]
}

func after(text string, at, n int) string {
	to := min(len(text), at+n)
	for to < len(text) && to > at && !utf8.RuneStart(text[to]) {
		to--
	}
	return text[min(at, to):to]
}

// firstYear is the first number of four digits in a text.
func firstYear(text string) int {
	n, value := 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] >= '0' && text[i] <= '9' {
			n, value = n+1, value*10+int(text[i]-'0')
			continue
		}
		if n == 4 {
			return value
		}
		n, value = 0, 0
	}
	return 0
}

// firstNumber is the first run of digits in a text, blanks between them
// allowed, as long as no other letter stands before it than a few.
func firstNumber(text string) string {
	var number strings.Builder
	for i := range len(text) {
		b := text[i]
		switch {
		case b >= '0' && b <= '9':
			number.WriteByte(b)
		case number.Len() > 0 && b != ' ' && b != '.':
			return number.String()
		}
	}
	return number.String()
}
