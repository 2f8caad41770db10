package portal

import (
	"strings"
	"time"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/mail"
)

// lifeLetter is a letter about a version's end, to who owns applications that
// call it, in the language of its reader.
func (p *Portal) lifeLetter(to auth.Person, l catalog.Letter) (mail.Letter, error) {
	origin, title, d, end := p.Origin, l.Detail.TitleVI, l.Detail, l.Detail.Ending
	if to.Locale == "en" {
		origin, title = p.Origin+"/en", d.TitleEN
	}
	if end == nil {
		end = &catalog.EndingTold{}
	}
	text := func(key string, pairs ...string) (string, error) {
		args := []any{"name", to.Name, "title", title, "applications", strings.Join(end.Applications, ", "), "day", lastDayIn(to.Locale, end.Sunset)}
		for _, pair := range pairs {
			args = append(args, pair)
		}
		return p.Pages.Text(to.Locale, "life.letter-"+key, args...)
	}
	out := mail.Letter{To: to.Email}
	var err error
	if out.Subject, err = text("subject-" + strings.TrimPrefix(l.Kind, catalog.LetterVersion)); err != nil {
		return out, err
	}
	lines := [][]string{{"text-" + strings.TrimPrefix(l.Kind, catalog.LetterVersion)}, {"uses"}}
	if end.Lacks != nil {
		list, err := p.lacksInWords(to.Locale, end.Lacks)
		if err != nil {
			return out, err
		}
		d.Text, lines = "", [][]string{lines[0], {"lacking", "list", list}, lines[1]}
	}
	if end.LastAt != nil {
		lines = append(lines, []string{"last-call", "at", momentIn(to.Locale, end.LastAt)})
	}
	if d.Text != "" {
		lines = append(lines, []string{"reason", "reason", d.Text})
	}
	if end.Successor != "" {
		lines = append(lines, []string{"successor", "link", origin + "/apis" + end.Successor})
	}
	if end.Docs != "" {
		lines = append(lines, []string{"docs", "link", end.Docs})
	}
	lines = append(lines, []string{"page", "link", origin + d.Path})
	var body []string
	for _, line := range lines {
		words, err := text(line[0], line[1:]...)
		if err != nil {
			return out, err
		}
		body = append(body, words)
	}
	out.Text = strings.Join(body, "\n\n")
	return out, nil
}

// lastDayIn is the last day before a moment as a letter says it, on the
// province's calendar; "" for none.
func lastDayIn(locale string, over *time.Time) string {
	if over == nil {
		return ""
	}
	return over.Add(-time.Nanosecond).In(province).Format(map[string]string{"vi": "2/1/2006", "en": "2 January 2006"}[locale])
}
