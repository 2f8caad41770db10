package portal

import (
	"net/http"
	"strings"

	"lgsp/internal/mail"
)

// letterView is a letter that was written to a file.
type letterView struct {
	mail.Filed
	Parts []letterPart
}

// letterPart is a piece of a letter; one that is an address of this portal is
// a link.
type letterPart struct{ Text, Href string }

// shownLetters is how many letters are shown.
const shownLetters = 50

// demoMail answers GET /demo/mail, in the demonstration only and where no mail
// server is set: the letters that would have been sent.
func (p *Portal) demoMail(r *http.Request) (page, error) {
	if p.DemoAccounts == nil || p.Mailer.URL != "" {
		return p.notFound(r)
	}
	letters, err := p.Mailer.Files(shownLetters)
	if err != nil {
		return page{}, err
	}
	var views []letterView
	for _, letter := range letters {
		views = append(views, letterView{letter, p.linked(letter.Text)})
	}
	return page{Name: "dataset-mail", Data: views}, nil
}

// linked cuts a letter at the addresses of this portal.
func (p *Portal) linked(text string) []letterPart {
	var parts []letterPart
	for {
		before, after, found := strings.Cut(text, p.Origin+"/")
		if before != "" {
			parts = append(parts, letterPart{Text: before})
		}
		if !found {
			return parts
		}
		end := strings.IndexAny(after, " \t\r\n<>\"")
		if end < 0 {
			end = len(after)
		}
		path := strings.TrimRight(after[:end], ".,;:)")
		parts = append(parts, letterPart{Text: p.Origin + "/" + path, Href: "/" + path})
		text = after[len(path):]
	}
}
