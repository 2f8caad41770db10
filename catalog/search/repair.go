package search

import (
	"slices"
	"strings"
)

// Candidates gives every folded key that one of the unknown words may have
// been meant as: one letter off, letters that sound alike, Telex and VNI keys
// left in, two words run together. At most four words are considered.
func (q Query) Candidates(known map[string]bool) []string {
	var list []string
	unknown := 0
	for _, w := range q.words {
		if known[w.Folded] || unknown == 4 {
			continue
		}
		unknown++
		list = append(list, variants(w.Folded)...)
		list = append(list, untype(w.Folded)...)
		for i := 2; i+2 <= len(w.Folded) && len(w.Folded) <= 14; i++ {
			list = append(list, w.Folded[:i], w.Folded[i:])
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// repairs gives what stands for a word that no document holds, as phrases, the
// surest kind only: left-in keys, then sounds and single letters, then a split.
func repairs(word string, known map[string]bool) [][]string {
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
	for i := 2; i+2 <= len(word) && len(word) <= 14; i++ {
		if known[word[:i]] && known[word[i:]] {
			return [][]string{{word[:i], word[i:]}}
		}
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
	telex := strings.NewReplacer("dd", "d", "aa", "a", "ee", "e", "oo", "o", "w", "").Replace(word)
	list := []string{telex}
	for i := 2; i < len(telex); i++ { // the tone's key stands after a vowel, mostly last
		if strings.IndexByte("sfrxj", telex[i]) >= 0 {
			list = append(list, telex[:i]+telex[i+1:])
		}
	}
	if vni := strings.TrimRight(strings.Map(dropDigit, word), "0"); vni != word && strings.IndexByte("0123456789", word[0]) < 0 {
		list = append(list, vni)
	}
	return slices.DeleteFunc(list, func(w string) bool { return w == word || len(w) < 2 })
}

func dropDigit(r rune) rune {
	if r >= '0' && r <= '9' {
		return -1
	}
	return r
}
