// Package search answers which words a Vietnamese text is made of, in a form
// that stored and typed text share, and how typed words are looked for. It
// knows no database: what it makes are keys, tsvectors and tsqueries as text.
package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Token is one syllable, number or code of a text.
type Token struct {
	Exact  string // letters with their quality, then the tone's digit: mươi2
	Folded string // without marks: muoi
	Pos    int    // 1 for the first; the next syllable is one further, beyond punctuation two
	Marked bool   // the text bore marks here (or đ)
	Start  int    // bytes of the text it came from
	End    int
}

// maxCode is how many letters and digits a code may have to be one word.
const maxCode = 40

// Tokens gives the words of a text in order, codes whole first, then their
// parts at the same place and on: 4259/UBND-KGVX is also 4259, ubnd, kgvx.
func Tokens(text string) []Token {
	var list []Token
	pos, last := 0, -1
	for _, r := range runs(text) {
		step := 1
		if last >= 0 && strings.ContainsFunc(text[last:r.start], breaks) {
			step = 2
		}
		pos, last = pos+step, r.end
		parts := r.split(text)
		if len(parts) > 1 && r.isCode(text) {
			list = append(list, newToken(text, r, pos))
			if bare := strings.Map(onlyWord, text[r.start:r.end]); bare != text[r.start:r.end] {
				compact := newToken(bare, run{0, len(bare)}, pos)
				compact.Start, compact.End = r.start, r.end
				list = append(list, compact)
			}
			list = append(list, headAndNumber(text, r, pos)...)
		}
		for i, part := range parts {
			if i > 0 {
				pos++
				if !r.isCode(text) {
					pos++
				}
			}
			list = append(list, newToken(text, part, pos))
		}
	}
	return list
}

// Words is Tokens for typed text: a code is only whole.
func Words(text string) []Token {
	var list []Token
	for _, t := range Tokens(text) {
		if n := len(list); n > 0 && t.Start < list[n-1].End {
			continue // a part of the code before
		}
		list = append(list, t)
	}
	return list
}

// Fold is the text without marks, in words with one blank between them.
func Fold(text string) string {
	var b strings.Builder
	for _, t := range Words(text) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.Folded)
	}
	return b.String()
}

// headAndNumber splits PM2.5 into pm and 2.5, as people also write it.
func headAndNumber(text string, r run, pos int) []Token {
	digit := strings.IndexFunc(text[r.start:r.end], unicode.IsDigit)
	if digit < 1 || isJoint(rune(text[r.start+digit-1])) {
		return nil
	}
	cut := r.start + digit
	return []Token{newToken(text, run{r.start, cut}, pos), newToken(text, run{cut, r.end}, pos+1)}
}

type run struct{ start, end int }

// runs gives the stretches of letters and digits, with single joints (. / - _)
// between them taken in.
func runs(text string) []run {
	var list []run
	start, end, joint := -1, -1, false
	flush := func() {
		if start >= 0 {
			list = append(list, run{start, end})
		}
		start, joint = -1, false
	}
	for i, r := range text {
		switch {
		case isWord(r):
			if start < 0 {
				start = i
			}
			end, joint = i+utf8.RuneLen(r), false
		case unicode.Is(unicode.Mn, r) && start >= 0 && !joint:
			end = i + utf8.RuneLen(r)
		case isJoint(r) && start >= 0 && !joint:
			joint = true
		default:
			flush()
		}
	}
	flush()
	return list
}

// split gives the stretches between the joints.
func (r run) split(text string) []run {
	var parts []run
	start := r.start
	for i := r.start; i < r.end; i++ {
		if isJoint(rune(text[i])) {
			parts = append(parts, run{start, i})
			start = i + 1
		}
	}
	return append(parts, run{start, r.end})
}

// isCode reports whether the joints belong to the word: there is a digit in it.
func (r run) isCode(text string) bool {
	word := text[r.start:r.end]
	return strings.ContainsFunc(word, unicode.IsDigit) && len(word) <= maxCode
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}
func isJoint(r rune) bool { return r == '.' || r == '/' || r == '-' || r == '_' }
func breaks(r rune) bool  { return !unicode.IsSpace(r) }

// onlyWord is for strings.Map: it takes the joints out.
func onlyWord(r rune) rune {
	if isJoint(r) {
		return -1
	}
	return r
}

// tones are the digits of the combining tone marks: sắc, huyền, hỏi, ngã, nặng.
var tones = map[rune]byte{0x0301: '1', 0x0300: '2', 0x0309: '3', 0x0303: '4', 0x0323: '5'}

func newToken(text string, r run, pos int) Token {
	t := Token{Pos: pos, Start: r.start, End: r.end}
	var exact, folded strings.Builder
	var tone byte
	for _, c := range norm.NFD.String(strings.ToLower(norm.NFC.String(text[r.start:r.end]))) {
		switch c {
		case 'ð', 'ɖ', 'đ': // Eth and African d look the same and are typed for it
			exact.WriteRune('đ')
			folded.WriteByte('d')
			t.Marked = true
			continue
		}
		if d, ok := tones[c]; ok {
			if tone == 0 {
				tone = d
			}
			t.Marked = true
			continue
		}
		exact.WriteRune(c)
		if unicode.Is(unicode.Mn, c) {
			t.Marked = true
			continue
		}
		folded.WriteRune(c)
	}
	t.Exact, t.Folded = norm.NFC.String(lastY(exact.String())), lastY(folded.String())
	if tone != 0 {
		t.Exact += string(tone)
	}
	return t
}

// lastY writes i for y after h k l m s t at the end: kỹ is kĩ, Lý is Lí.
func lastY(s string) string {
	n := len(s)
	if n >= 2 && s[n-1] == 'y' && strings.IndexByte("hklmst", s[n-2]) >= 0 {
		return s[:n-1] + "i"
	}
	return s
}
