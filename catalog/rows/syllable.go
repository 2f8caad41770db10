package rows

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A Vietnamese syllable is an initial, a nucleus with its tone, and a final.
// Longest first, so that the first that fits is the right one.
var (
	initials = []string{"ngh", "ch", "gh", "gi", "kh", "ng", "nh", "ph", "qu", "th", "tr",
		"b", "c", "d", "đ", "g", "h", "k", "l", "m", "n", "p", "q", "r", "s", "t", "v", "x"}
	finals = []string{"ch", "ng", "nh", "c", "m", "n", "p", "t", ""}
	nuclei = wordSet(`a ă â e ê i o ô ơ u ư y ai ao au ay âu ây eo êu ia iê iêu iu oa oă oai oao oay oe oeo oi oo ôi ơi
		ua uâ uây uê ui uô uôi uơ uy uya uyê uyu ưa ưi ươ ươi ươu ưu yê yêu ya uya`)
)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(words) {
		set[word] = true
	}
	return set
}

// isSyllable reports whether a word is spelled as a Vietnamese syllable, with
// at most one tone. Some letters of foreign names are none.
func isSyllable(word string) bool {
	letters, tones := toneless(strings.ToLower(word))
	if tones > 1 {
		return false
	}
	for _, final := range finals {
		rest, ok := strings.CutSuffix(letters, final)
		if !ok {
			continue
		}
		if nuclei[rest] {
			return true
		}
		for _, initial := range initials {
			if nucleus, ok := strings.CutPrefix(rest, initial); ok && (nuclei[nucleus] || nucleus == "" && initial == "gi") {
				return true
			}
		}
	}
	return false
}

// toneless takes the tones off: ă, â, ê, ô, ơ, ư and đ stay.
func toneless(word string) (string, int) {
	var b strings.Builder
	tones := 0
	for _, r := range norm.NFD.String(word) {
		switch r {
		case '\u0300', '\u0301', '\u0303', '\u0309', '\u0323':
			tones++
		default:
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String()), tones
}

// onlyVietnamese reports whether a letter stands in Vietnamese and in no
// legacy text that was taken for Western European.
func onlyVietnamese(r rune) bool {
	return r >= 0x1EA0 && r <= 0x1EF9 || strings.ContainsRune("ăĂđĐơƠưƯĩĨũŨ", r) || unicode.Is(unicode.Mn, r)
}
