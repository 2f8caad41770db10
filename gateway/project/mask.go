package project

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mask is how a sensitive value leaves, one of a closed set:
//
//	last-1 … last-6  ****** and so many of its last characters, never more than half of them
//	initials         the first letter of each word: N. V. A.
//	year             of a date, its year
//	hash             a keyed hash, so that equal values stay equal for one application and tell nothing to two
//
// A value that a mask finds nothing in leaves as ****** alone.
type Mask string

const (
	maskInitials Mask = "initials"
	maskYear     Mask = "year"
	maskHash     Mask = "hash"
	maskLast          = "last-"

	hidden   = "******" // whatever it hides: its length tells too
	mostLast = 6
)

// ParseMask reads a mask's name; it fails for any that is none.
func ParseMask(name string) (Mask, error) {
	if m := Mask(name); m == maskInitials || m == maskYear || m == maskHash || m.last() > 0 {
		return m, nil
	}
	return "", fmt.Errorf("%q is no mask", name)
}

// last is how many characters the mask last-n shows; 0: it is another mask.
func (m Mask) last() int {
	count, ok := strings.CutPrefix(string(m), maskLast)
	if !ok || len(count) != 1 || count[0] < '1' || count[0] > '0'+mostLast {
		return 0
	}
	return int(count[0] - '0')
}

// of is what a value leaves as.
func (m Mask) of(value string, key []byte) string {
	switch m {
	case maskInitials:
		return initials(value)
	case maskYear:
		return year(value)
	case maskHash:
		if len(key) == 0 {
			return hidden // a hash without a key could be looked up
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(value)) // never fails (package hash)
		return hex.EncodeToString(mac.Sum(nil)[:16])
	}
	value = strings.TrimSpace(value)
	count := utf8.RuneCountInString(value)
	from := len(value)
	for range min(m.last(), count/2) {
		_, size := utf8.DecodeLastRuneInString(value[:from])
		from -= size
	}
	return hidden + value[from:]
}

// maxInitials bounds what a name can be.
const maxInitials = 12

func initials(name string) string {
	var list []string
	hides := false
	for _, word := range strings.Fields(name) {
		first, size := utf8.DecodeRuneInString(word)
		if unicode.IsLetter(first) && len(list) < maxInitials {
			list = append(list, string(unicode.ToUpper(first))+".")
		}
		hides = hides || size < len(word)
	}
	if !hides || len(list) == 0 {
		return hidden
	}
	return strings.Join(list, " ")
}

// Dates as they are written in RFC 3339 and here, their year once.
var (
	yearFirst = regexp.MustCompile(`^([0-9]{4})-[0-9]{1,2}(-[0-9]{1,2}([T ][0-9:.+Z-]*)?)?$`)
	yearLast  = regexp.MustCompile(`^([0-9]{1,2}[/.-])?[0-9]{1,2}[/.-]([0-9]{4})$`)
)

func year(date string) string {
	date = strings.TrimSpace(date)
	if parts := yearFirst.FindStringSubmatch(date); parts != nil {
		return parts[1]
	}
	if parts := yearLast.FindStringSubmatch(date); parts != nil {
		return parts[2]
	}
	return hidden
}

// masked writes the JSON string that a string or a number leaves as.
func (s *scanner) masked(m Mask, value string) {
	text := m.of(value, s.secret)
	if plainTo([]byte(text), 0) == len(text) {
		s.out = append(append(append(s.out, '"'), text...), '"')
		return
	}
	quoted, err := json.Marshal(text)
	if err != nil { // a string always can be
		quoted = []byte(`"` + hidden + `"`)
	}
	s.out = append(s.out, quoted...)
}
