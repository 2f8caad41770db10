package web

import (
	"bytes"
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

// Letter is what stands in a letter, and around it.
type Letter struct {
	Subject string
	Text    string // paragraphs with blank lines between them
	Link    string // where it leads first; a paragraph that is nothing else becomes the button

	Why         string // the message key of why its reader gets it; "": it has no foot
	Home        string // addresses of the portal
	Settings    string
	Unsubscribe string // "": it cannot be ended by one click
}

// letterPiece is a piece of a line; one with an Href is a link.
type letterPiece struct{ Text, Href string }

// letterView is what the template letter.html is made from.
type letterView struct {
	Letter
	Paragraphs []letterParagraph
	Foot       []letterParagraph
}

// letterParagraph is the lines of a paragraph, or the button.
type letterParagraph struct {
	Button string
	Lines  [][]letterPiece
}

var webAddress = regexp.MustCompile(`https?://[^\s<>"]+`)

// Letter gives a letter as plain text, with its foot, and as HTML for programs
// that show it.
func (p *Pages) Letter(locale string, l Letter) (text, html string, err error) {
	foot, err := p.letterFoot(locale, l)
	if err != nil {
		return "", "", err
	}
	view := letterView{Letter: l, Paragraphs: paragraphs(l.Text, l.Link), Foot: paragraphs(foot, "")}
	text = l.Text
	if foot != "" {
		text = strings.TrimRight(text, "\n") + "\n\n-- \n" + foot + "\n"
	}
	var page bytes.Buffer
	if err := p.templates[locale].ExecuteTemplate(&page, "letter.html", view); err != nil {
		return "", "", fmt.Errorf("render letter in %s: %w", locale, err)
	}
	return text, page.String(), nil
}

// letterFoot says why somebody gets a letter, and where that is changed.
func (p *Pages) letterFoot(locale string, l Letter) (string, error) {
	if l.Why == "" {
		return "", nil
	}
	foot, err := p.Text(locale, l.Why)
	if err != nil {
		return "", err
	}
	for _, line := range []struct{ key, link string }{{"inbox.letter-settings", l.Settings}, {"inbox.letter-stop", l.Unsubscribe}} {
		if line.link == "" {
			continue
		}
		words, err := p.Text(locale, line.key, "link", line.link)
		if err != nil {
			return "", err
		}
		foot += "\n\n" + words
	}
	return foot, nil
}

// paragraphs cuts a text into its paragraphs, lines and links.
func paragraphs(text, link string) []letterParagraph {
	var list []letterParagraph
	for _, paragraph := range blankLines.Split(text, -1) {
		paragraph = strings.TrimSpace(paragraph)
		switch {
		case paragraph == "":
		case paragraph == link:
			list = append(list, letterParagraph{Button: link})
		default:
			var lines [][]letterPiece
			for _, line := range strings.Split(paragraph, "\n") {
				lines = append(lines, linked(line))
			}
			list = append(list, letterParagraph{Lines: lines})
		}
	}
	return list
}

// linked cuts a line at the web addresses in it.
func linked(line string) []letterPiece {
	var pieces []letterPiece
	for {
		at := webAddress.FindStringIndex(line)
		if at == nil {
			return append(pieces, letterPiece{Text: line})
		}
		address := strings.TrimRight(line[at[0]:at[1]], ".,;:)”")
		pieces = append(pieces, letterPiece{Text: line[:at[0]]}, letterPiece{Text: address, Href: address})
		line = line[at[0]+len(address):]
	}
}

// addLetter parses the template of letters beside the pages of a locale.
func addLetter(set *template.Template) error {
	if _, err := set.ParseFS(files, "letter.html"); err != nil {
		return fmt.Errorf("parse letter.html: %w", err)
	}
	return nil
}
