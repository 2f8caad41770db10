package rows

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func nfc(s string) string {
	if norm.NFC.IsNormalString(s) {
		return s
	}
	return norm.NFC.String(s)
}

// KeyOf is the key of a column of that name, alone in its table.
func KeyOf(name string) string { return keyOf(strings.Join(strings.Fields(name), " ")) }

// keyOf is a name as it stands in a URL: "Số thuê bao" is so_thue_bao.
func keyOf(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(name)) {
		switch {
		case r == 'đ' || r == 'ð':
			b.WriteByte('d')
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		default:
			if s := b.String(); s != "" && s[len(s)-1] != '_' {
				b.WriteByte('_')
			}
		}
	}
	key := strings.Trim(b.String(), "_")
	if len(key) > 60 {
		key = strings.Trim(key[:60], "_")
	}
	if key == "" {
		return "cot"
	}
	return key
}
