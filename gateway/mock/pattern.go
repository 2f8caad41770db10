package mock

import (
	"math/rand/v2"
	"regexp/syntax"
	"unicode"
	"unicode/utf8"
)

// maxFromPattern is how long a text made from an expression becomes, in bytes.
const maxFromPattern = 2_000

// What is repeated without an end is so a few times at first; then, for texts
// that must be longer, once more at each try.
const (
	fewTries  = 10
	mostTries = fewTries + 64
)

// fill makes texts from expressions.
type fill struct {
	random *rand.Rand
	times  int // of what is repeated without an end; negative: some few
	steps  int // that were taken
}

// from appends a text that a parsed expression describes, as far as it goes by
// its parts alone: whether it fits is for who asks to see.
func (f *fill) from(b []byte, e *syntax.Regexp) []byte {
	if f.steps++; len(b) > maxFromPattern || f.steps > 4*maxFromPattern {
		return b
	}
	switch e.Op {
	case syntax.OpLiteral:
		for _, c := range e.Rune {
			b = utf8.AppendRune(b, c)
		}
	case syntax.OpCharClass:
		b = utf8.AppendRune(b, ofClass(e.Rune, f.random))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b = append(b, byte('a'+f.random.IntN(26)))
	case syntax.OpCapture, syntax.OpConcat:
		for _, part := range e.Sub {
			b = f.from(b, part)
		}
	case syntax.OpAlternate:
		b = f.from(b, pick(f.random, e.Sub))
	case syntax.OpStar:
		b = f.repeat(b, e.Sub[0], 0, -1)
	case syntax.OpPlus:
		b = f.repeat(b, e.Sub[0], 1, -1)
	case syntax.OpQuest:
		b = f.repeat(b, e.Sub[0], 0, 1)
	case syntax.OpRepeat:
		b = f.repeat(b, e.Sub[0], e.Min, e.Max)
	}
	return b
}

// repeat appends what an expression describes least to most times; most
// negative: without an end.
func (f *fill) repeat(b []byte, e *syntax.Regexp, least, most int) []byte {
	if most < 0 {
		most = least + maxFromPattern
	}
	times := least + f.random.IntN(min(most-least, 4)+1)
	if f.times >= 0 {
		times = min(least+f.times, most)
	}
	for i := 0; i < times && f.steps <= 4*maxFromPattern; i++ {
		b = f.from(b, e)
	}
	return b
}

// ofClass is one character of a class, given as pairs of first and last: of
// those that are printed and of ASCII, where it has any.
func ofClass(pairs []rune, r *rand.Rand) rune {
	var usual []rune
	for i := 0; i+1 < len(pairs); i += 2 {
		if low, high := max(pairs[i], '!'), min(pairs[i+1], '~'); low <= high {
			usual = append(usual, low, high)
		}
	}
	if usual != nil {
		pairs = plainest(usual)
	}
	if len(pairs) == 0 {
		return unicode.ReplacementChar // a class of nothing: it fits nothing
	}
	i := 2 * r.IntN(len(pairs)/2)
	return pairs[i] + rune(r.IntN(int(min(pairs[i+1]-pairs[i], 1<<10))+1))
}

// plainest are the letters and digits of a class, where it has any.
func plainest(pairs []rune) []rune {
	var all []rune
	for _, span := range [][2]rune{{'0', '9'}, {'A', 'Z'}, {'a', 'z'}} {
		for i := 0; i+1 < len(pairs); i += 2 {
			if low, high := max(pairs[i], span[0]), min(pairs[i+1], span[1]); low <= high {
				all = append(all, low, high)
			}
		}
	}
	if all == nil {
		return pairs
	}
	return all
}
