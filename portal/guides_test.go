package portal

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lgsp/docs"
)

// TestGuidesArePages: every guide, section, term and problem code has a page in
// both languages, and what is not there is said.
func TestGuidesArePages(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := newBrowser(p)
	all, err := docs.Read()
	if err != nil {
		t.Fatal(err)
	}
	for language, prefix := range map[string]string{"vi": "", "en": "/en"} {
		b.holds(t, prefix+"/docs", 200, `href="`+prefix+`/docs/citizens"`, `href="`+prefix+`/docs/problems"`)
		for _, g := range all[language] {
			body := b.holds(t, prefix+"/docs/"+g.Name, 200)
			if only := strings.Contains(body, "usa-alert--info"); only != (g.Language != language) {
				t.Errorf("%s in %s: says that it is in another language: %v", g.Name, language, only)
			}
			for _, section := range g.Sections {
				b.holds(t, prefix+"/docs/"+g.Name+"/"+url.PathEscape(section.ID), 200, `aria-current="page"`)
			}
		}
	}
	b.holds(t, "/docs/words", 200, `id="agreement"`, "thoả thuận chia sẻ dữ liệu")
	b.holds(t, "/docs/problems?q=quota", 200, "/docs/problems/quota-exceeded")
	b.holds(t, "/docs/problems?q=khong-co-dau", 200, "Không có mã nào như vậy")
	b.holds(t, "/en/docs/problems/agreement-ended", 200, "<dd>403</dd>")
	b.holds(t, "/docs/journey", 200, "/dataset/gia-nong-san")
	for _, path := range []string{"/docs/nothing", "/docs/agencies/nothing", "/docs/problems/nothing", "/docs/pictures/nothing.png"} {
		b.holds(t, path, 404)
	}
	p.DemoAccounts = nil
	b.holds(t, "/docs/journey", 404)
}

// holds gets a page, which has that status and holds each text.
func (b *browser) holds(t *testing.T, path string, status int, want ...string) string {
	t.Helper()
	answer, body := b.get(t, path)
	if answer.StatusCode != status {
		t.Errorf("%s: got %d, want %d", path, answer.StatusCode, status)
	}
	for _, text := range want {
		if !strings.Contains(body, text) {
			t.Errorf("%s lacks %s", path, text)
		}
	}
	if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, " style=") || strings.Contains(body, " align=") {
		t.Errorf("%s has what its policy forbids", path)
	}
	return body
}

// TestASectionOfTheOtherLanguageLeadsToItsGuide: for who turns the language on
// a page of a guide whose sections are not the same in both.
func TestASectionOfTheOtherLanguageLeadsToItsGuide(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := newBrowser(p)
	answer, _ := b.get(t, "/en/docs/agencies/"+url.PathEscape("ai-làm-gì"))
	if answer.StatusCode != 303 || answer.Header.Get("Location") != "/en/docs/agencies" {
		t.Errorf("%d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
}

// TestSearchFindsWhatTheGuidesSay: sections and terms are documents of the
// search, each at an address that there is.
func TestSearchFindsWhatTheGuidesSay(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := newBrowser(p)
	list, err := p.Documents()
	if err != nil {
		t.Fatal(err)
	}
	anchors := regexp.MustCompile(`id="([^"]*)"`)
	found := map[string]bool{}
	for _, d := range list {
		if d.TitleVI+d.TitleEN == "" || d.TextVI+d.TextEN == "" {
			t.Errorf("%s has no title, or nothing to read", d.Path)
		}
		path, anchor, _ := strings.Cut(d.Path, "#")
		prefix := ""
		if d.TitleVI == "" {
			prefix = "/en"
		}
		answer, body := b.get(t, prefix+(&url.URL{Path: path}).EscapedPath())
		if answer.StatusCode != 200 {
			t.Errorf("%s answers %d", d.Path, answer.StatusCode)
		}
		ids := map[string]bool{"": true}
		for _, id := range anchors.FindAllStringSubmatch(body, -1) {
			ids[id[1]] = true
		}
		if !ids[anchor] {
			t.Errorf("%s is not on its page", d.Path)
		}
		found[d.Path] = true
	}
	for _, path := range []string{"/docs/words#quota", "/docs/developers/limits", "/docs/agencies/công-bố-một-api"} {
		if !found[path] {
			t.Errorf("%s is not found", path)
		}
	}
}
