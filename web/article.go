package web

import (
	"html/template"
	"strings"
)

// article is prose with the parts that a page of documentation needs beside
// paragraphs: headings (## and ###), lists (- or 1.) and code between lines of
// three backticks. Everything else is text; nothing of it is HTML.
func article(locale, vi, en string) template.HTML {
	text, lang := vi, ""
	switch {
	case locale == "en" && strings.TrimSpace(en) != "":
		text = en
	case locale == "en":
		lang = ` lang="vi"`
	}
	var b strings.Builder
	b.WriteString("<div" + lang + ">\n")
	for i, part := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "```") {
		if i%2 == 1 {
			_, code, _ := strings.Cut(part, "\n") // behind the name of the language
			b.WriteString(`<pre tabindex="0"><code>` + template.HTMLEscapeString(strings.TrimRight(code, "\n")) + "</code></pre>\n")
			continue
		}
		for _, block := range blankLines.Split(part, -1) {
			writeBlock(&b, strings.TrimSpace(block))
		}
	}
	b.WriteString("</div>")
	return template.HTML(b.String())
}

// writeBlock writes what stands between empty lines.
func writeBlock(b *strings.Builder, block string) {
	first, rest, _ := strings.Cut(block, "\n")
	for level, marks := range []string{"## ", "### "} {
		if heading, is := strings.CutPrefix(first, marks); is {
			tag := []string{"h2", "h3"}[level]
			b.WriteString("<" + tag + ">" + inline(heading) + "</" + tag + ">\n")
			writeBlock(b, strings.TrimSpace(rest))
			return
		}
	}
	for tag, is := range map[string]func(string) (string, bool){"ul": bullet, "ol": numbered} {
		if _, begins := is(first); begins {
			b.WriteString("<" + tag + ">\n")
			for line := range strings.SplitSeq(block, "\n") {
				item, _ := is(strings.TrimSpace(line))
				b.WriteString("<li>" + inline(item) + "</li>\n")
			}
			b.WriteString("</" + tag + ">\n")
			return
		}
	}
	if block != "" {
		b.WriteString("<p>" + inline(block) + "</p>\n")
	}
}

func bullet(line string) (string, bool) { return strings.CutPrefix(line, "- ") }

// numbered is the text of an item 1. to 99.
func numbered(line string) (string, bool) {
	number, text, is := strings.Cut(line, ". ")
	if !is || number == "" || len(number) > 2 || strings.Trim(number, "0123456789") != "" {
		return line, false
	}
	return text, true
}

// inline escapes a text, and marks what is strong or code.
func inline(text string) string {
	text = template.HTMLEscapeString(text)
	text = strong.ReplaceAllString(text, "<strong>$1</strong>")
	return monospace.ReplaceAllString(text, "<code>$1</code>")
}
