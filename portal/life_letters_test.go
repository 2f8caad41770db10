package portal

import (
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/catalog"
)

// TestLifeLetters: each word about a version's end is whole in both languages,
// and says why its reader gets it, until when, and where to go on.
func TestLifeLetters(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	at := p.Now()
	days := map[string]string{"vi": "23/11/2026", "en": "23 November 2026"}
	for _, locale := range []string{"vi", "en"} {
		for _, kind := range []string{catalog.NoticeDeprecated, catalog.NoticeNear, catalog.NoticeMoved, catalog.NoticeKept, catalog.NoticeEnded} {
			told := catalog.LetterDetail{
				TitleVI: "Hồ sơ v1", TitleEN: "Dossiers v1", Text: "Hệ thống cũ", Path: "/apis/so/ho-so/v1",
				Ending: &catalog.EndingTold{Applications: []string{"Một cửa", "Tra cứu"}, Sunset: &at, Successor: "/so/ho-so/v2", Docs: "https://so.example.vn/x", LastAt: &at},
			}
			got, err := p.lifeWords(auth.Person{Name: "Lan", Locale: locale}, catalog.LetterVersion+kind, told)
			if err != nil {
				t.Fatal(err)
			}
			says := []string{"Lan", "Một cửa, Tra cứu", "Hệ thống cũ", "/apis/so/ho-so/v2", "https://so.example.vn/x", "/apis/so/ho-so/v1"}
			if kind != catalog.NoticeEnded {
				says = append(says, days[locale])
			}
			for _, want := range says {
				if !strings.Contains(got.Text, want) {
					t.Errorf("%s %s lacks %q: %s", locale, kind, want, got.Text)
				}
			}
			if all := got.Subject + got.Text; got.Path != "/apis/so/ho-so/v1" || strings.ContainsAny(all, "{}") || got.Subject == "" {
				t.Errorf("%s %s: %q %q", locale, kind, got.Subject, got.Text)
			}
		}
	}
}
