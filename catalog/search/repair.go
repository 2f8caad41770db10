package search

import (
	"slices"
	"strings"
)

// maxGlued is how long words are that were run together, in bytes, and
// maxSyllable how long the longest syllable is (nghiêng).
const (
	maxGlued    = 40
	maxSyllable = 8
)

// Candidates gives every folded key that one of the unknown words may have
// been meant as: one letter off, letters that sound alike, Telex and VNI keys
// left in, words run together or parted. At most four words are considered.
func (q Query) Candidates(known map[string]bool) []string {
	var list []string
	unknown := 0
	for i, w := range q.words {
		if known[w.Folded] || unknown == 4 {
			continue
		}
		unknown++
		list = append(list, variants(w.Folded)...)
		list = append(list, untype(w.Folded)...)
		list = append(list, pieces(w.Folded)...)
		if i > 0 {
			list = append(list, q.words[i-1].Folded+w.Folded)
		}
		if i+1 < len(q.words) {
			list = append(list, w.Folded+q.words[i+1].Folded)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// pieces gives every part of a word that may be a syllable of it.
func pieces(word string) []string {
	if !isGlued(word) {
		return nil
	}
	var list []string
	for i := range word {
		for n := 1; n <= maxSyllable && i+n <= len(word); n++ {
			if n < len(word) {
				list = append(list, word[i:i+n])
			}
		}
	}
	return list
}

// isGlued reports whether a word may be several: ASCII letters, not too many.
func isGlued(word string) bool {
	return len(word) >= 4 && len(word) <= maxGlued && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == ""
}

// unglue parts a word into known syllables, as few as there can be; of two ways
// the one whose first syllable is longer. One letter alone is no syllable.
func unglue(word string, known map[string]bool) []string {
	if !isGlued(word) {
		return nil
	}
	best := make([][]string, len(word)+1) // of what follows each place
	best[len(word)] = []string{}
	for i := len(word) - 2; i >= 0; i-- {
		for n := min(maxSyllable, len(word)-i); n >= 2; n-- {
			rest := best[i+n]
			if rest != nil && known[word[i:i+n]] && (best[i] == nil || len(rest)+1 < len(best[i])) {
				best[i] = append([]string{word[i : i+n]}, rest...)
			}
		}
	}
	if len(best[0]) < 2 {
		return nil
	}
	return best[0]
}

// repairs gives what stands for a word that no document holds, as phrases, the
// surest kind only: left-in keys, then sounds and single letters, then a split.
// A long word is split first: one letter off it would be another long word.
func repairs(word string, known map[string]bool) [][]string {
	parted := unglue(word, known)
	if len(word) > maxSyllable && parted != nil {
		return [][]string{parted}
	}
	for _, kind := range [][]string{untype(word), alike(word), variants(word)} {
		var found [][]string
		for _, w := range kind {
			if known[w] && len(found) < 6 {
				found = append(found, []string{w})
			}
		}
		if found != nil {
			return found
		}
	}
	if parted != nil {
		return [][]string{parted}
	}
	return nil
}

// plain reports whether a word is one that can hold a typing error: ASCII
// letters, three to ten.
func plain(word string) bool {
	for _, c := range []byte(word) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return len(word) >= 3 && len(word) <= 10
}

// variants gives the words at edit distance one (a swap of neighbours counts
// as one), after those that sound alike.
func variants(word string) []string {
	if !plain(word) {
		return nil
	}
	list := alike(word)
	const letters = "abcdeghiklmnopqrstuvxy"
	for i := 0; i <= len(word); i++ {
		for _, c := range letters {
			list = append(list, word[:i]+string(c)+word[i:])
		}
		if i == len(word) {
			break
		}
		list = append(list, word[:i]+word[i+1:])
		for _, c := range letters {
			if byte(c) != word[i] {
				list = append(list, word[:i]+string(c)+word[i+1:])
			}
		}
		if i+1 < len(word) {
			list = append(list, word[:i]+word[i+1:i+2]+word[i:i+1]+word[i+2:])
		}
	}
	return list
}

// alike gives the words that regional speech does not tell apart: s and x, ch
// and tr, d, gi and r, l and n, final n and ng, c and t.
func alike(word string) []string {
	if !plain(word) {
		return nil
	}
	var list []string
	for _, set := range [][]string{{"s", "x"}, {"ch", "tr"}, {"d", "gi", "r", "v"}, {"l", "n"}} {
		for _, from := range set {
			rest, ok := strings.CutPrefix(word, from)
			for _, to := range set {
				if ok && to != from && rest != "" {
					list = append(list, to+rest)
				}
			}
		}
	}
	for _, pair := range [][2]string{{"ng", "n"}, {"n", "ng"}, {"c", "t"}, {"t", "c"}} {
		if rest, ok := strings.CutSuffix(word, pair[0]); ok && rest != "" {
			list = append(list, rest+pair[1])
		}
	}
	return list
}

// untype takes out the keys of Telex (quangr, ddaats) and VNI (quang3, d9at61)
// that an input method would have eaten.
func untype(word string) []string {
	if len(word) > 14 {
		return nil
	}
	var list []string
	for _, keys := range []*strings.Replacer{telexMarks, telexHorns} {
		telex := keys.Replace(word)
		list = append(list, telex)
		for i := 2; i < len(telex); i++ { // the tone's key stands after a vowel, mostly last
			if strings.IndexByte("sfrxj", telex[i]) >= 0 {
				list = append(list, telex[:i]+telex[i+1:])
			}
		}
	}
	if vni := strings.TrimRight(strings.Map(dropDigit, word), "0"); vni != word && strings.IndexByte("0123456789", word[0]) < 0 {
		list = append(list, vni)
	}
	return slices.DeleteFunc(list, func(w string) bool { return w == word || len(w) < 2 })
}

// In Telex w is the horn of the vowel before it, or the vowel ư itself.
var (
	telexMarks = strings.NewReplacer("dd", "d", "aa", "a", "ee", "e", "oo", "o", "w", "")
	telexHorns = strings.NewReplacer("dd", "d", "aa", "a", "ee", "e", "oo", "o", "uw", "u", "ow", "o", "aw", "a", "w", "u")
)

func dropDigit(r rune) rune {
	if r >= '0' && r <= '9' {
		return -1
	}
	return r
}
