package web

import (
	"html/template"
	"regexp"
	"strings"
)

var (
	blankLines = regexp.MustCompile(`\n[ \t]*\n+`)
	strong     = regexp.MustCompile(`\*\*([^*\n]+)\*\*`)
	monospace  = regexp.MustCompile("`([^`\n]+)`")
)

// prose sets what an agency wrote as paragraphs; of Markdown it knows
// **strong** and `code`. The text itself is escaped.
func prose(locale, vi, en string) template.HTML {
	text, lang := vi, ""
	switch {
	case locale == "en" && strings.TrimSpace(en) != "":
		text = en
	case locale == "en":
		lang = ` lang="vi"`
	case strings.TrimSpace(vi) == "":
		text, lang = en, ` lang="en"`
	}
	var b strings.Builder
	for _, paragraph := range blankLines.Split(strings.ReplaceAll(text, "\r\n", "\n"), -1) {
		if paragraph = strings.TrimSpace(paragraph); paragraph == "" {
			continue
		}
		paragraph = template.HTMLEscapeString(paragraph)
		paragraph = strong.ReplaceAllString(paragraph, "<strong>$1</strong>")
		paragraph = monospace.ReplaceAllString(paragraph, "<code>$1</code>")
		b.WriteString("<p" + lang + ">" + paragraph + "</p>\n")
	}
	return template.HTML(b.String())
}
