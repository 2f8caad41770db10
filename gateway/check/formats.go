package check

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// textFormats are the formats of texts that are checked: those of which
// everybody means the same.
var textFormats = map[string]func(string) bool{
	"date":      func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil },
	"date-time": isMoment,
	"uuid":      isUUID,
	"ipv4":      func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() },
	"ipv6":      func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() && a.Zone() == "" },
}

// isMoment reports whether s is a date-time of RFC 3339 §5.6, a leap second among them.
func isMoment(s string) bool {
	s = strings.ToUpper(s)
	if len(s) > 19 && s[16:19] == ":60" {
		s = s[:17] + "59" + s[19:]
	}
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// isUUID reports whether s is 8-4-4-4-12 hexadecimal digits (RFC 9562 §4).
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}

// numberFormats are the formats of whole numbers that are checked.
var numberFormats = map[string]func(json.Number) bool{
	"int32": func(n json.Number) bool { return fits(n, 32) },
	"int64": func(n json.Number) bool { return fits(n, 64) },
}

// fits reports whether a whole number fits into so many bits. What is written
// with a point or an exponent is left to the range.
func fits(n json.Number, bits int) bool {
	text := n.String()
	if strings.ContainsAny(text, ".eE") {
		return true
	}
	_, err := strconv.ParseInt(text, 10, bits)
	return err == nil
}
