package portal

import (
	"strings"
	"time"

	"lgsp/auth"
	"lgsp/catalog"
)

// lifeWords are those of a version's end, for who owns applications that call it.
func (p *Portal) lifeWords(to auth.Person, what string, d catalog.LetterDetail) (noticeWords, error) {
	what = strings.TrimPrefix(what, catalog.LetterVersion)
	end := d.Ending
	if end == nil {
		end = &catalog.EndingTold{}
	}
	origin := p.at(to.Locale, "")
	lines := [][]string{{"uses"}}
	if end.Lacks != nil {
		list, err := p.lacksInWords(to.Locale, end.Lacks)
		if err != nil {
			return noticeWords{}, err
		}
		d.Text, lines = "", [][]string{{"lacking", "list", list}, {"uses"}}
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
	facts := []any{"name", to.Name, "title", titleIn(to.Locale, d.TitleVI, d.TitleEN),
		"applications", strings.Join(end.Applications, ", "), "day", lastDayIn(to.Locale, end.Sunset)}
	w, err := p.said(to, d.Path, "life.letter-subject-"+what, "life.letter-text-"+what, facts...)
	if err != nil {
		return w, err
	}
	for _, line := range lines {
		pairs := facts
		for _, pair := range line[1:] {
			pairs = append(pairs, pair)
		}
		text, err := p.Pages.Text(to.Locale, "life.letter-"+line[0], pairs...)
		if err != nil {
			return w, err
		}
		w.Text += "\n\n" + text
	}
	return w, nil
}

// lastDayIn is the last day before a moment as a letter says it, on the
// province's calendar; "" for none.
func lastDayIn(locale string, over *time.Time) string {
	if over == nil {
		return ""
	}
	return over.Add(-time.Nanosecond).In(province).Format(dayForm[locale])
}
