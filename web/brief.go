package web

import (
	"strings"
	"unicode/utf8"
)

// briefMost is how long a description in a page's head becomes, in characters:
// what search engines and previews of links show of one.
const briefMost = 200

// brief is the first paragraph of an agency's own text, without marks of
// Markdown and on one line, cut between words: what describes a thing where
// only a line is shown. It is "" where the agency wrote nothing.
func brief(locale, vi, en string) string {
	text, other := vi, en
	if locale == "en" {
		text, other = en, vi
	}
	if strings.TrimSpace(text) == "" {
		text = other
	}
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	text = blankLines.Split(text, 2)[0]
	text = strong.ReplaceAllString(text, "$1")
	text = monospace.ReplaceAllString(text, "$1")
	text = strings.Join(strings.Fields(strings.TrimLeft(text, "#>*- ")), " ")
	if utf8.RuneCountInString(text) <= briefMost {
		return text
	}
	runes := []rune(text)[:briefMost-1]
	cut := string(runes)
	if space := strings.LastIndexByte(cut, ' '); space > 0 {
		cut = cut[:space]
	}
	return strings.TrimRight(cut, " ,;:.") + "…"
}
