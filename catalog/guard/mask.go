package guard

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maskDigits shows of a number its first two digits and its last.
func maskDigits(text string) string {
	var digits []byte
	for i := range len(text) {
		if isDigit(text[i]) {
			digits = append(digits, text[i])
		}
	}
	if len(digits) < 6 {
		return "••••"
	}
	return string(digits[:2]) + strings.Repeat("•", len(digits)-3) + string(digits[len(digits)-1])
}

// maskEmail shows the first letter, and which mail service it is.
func maskEmail(address string) string {
	local, host, _ := strings.Cut(address, "@")
	_, size := utf8.DecodeRuneInString(local)
	return local[:size] + "•••@" + clip(host, 40)
}

// birthMask shows that there is a date, or a year, and nothing of it.
func birthMask(text string) string {
	if len(strings.TrimSpace(text)) == 4 {
		return "••••"
	}
	return "••/••/••••"
}

// initials shows the first letter of each of the first eight words; numbers are
// hidden.
func initials(text string) string {
	var b strings.Builder
	for _, w := range strings.Fields(clip(text, 200))[:min(8, len(strings.Fields(clip(text, 200))))] {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		first, _ := utf8.DecodeRuneInString(w)
		if unicode.IsLetter(first) {
			b.WriteRune(first)
			b.WriteByte('.')
			continue
		}
		b.WriteString("•")
	}
	return b.String()
}
