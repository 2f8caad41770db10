package docs

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLinksOfTheGuidesLeadSomewhere: each link inside the guides has its place,
// in both languages.
func TestLinksOfTheGuidesLeadSomewhere(t *testing.T) {
	t.Parallel()
	links, ids := regexp.MustCompile(`href="([^"]*)"`), regexp.MustCompile(`id="([^"]*)"`)
	all := readAll(t)
	there, html := map[string]bool{}, map[string]string{}
	for language, list := range all {
		at := addresses[language]
		there[at+"problems"] = true
		for _, g := range list {
			there[at+g.Name], html[at+g.Name] = true, string(g.Lead)
			for _, s := range g.Sections {
				page := at + g.Name + "/" + s.ID
				if s.ID == "" || s.Title == "" || s.Text == "" || there[page] {
					t.Errorf("%s has a section %q %q", at+g.Name, s.ID, s.Title)
				}
				there[page], html[page] = true, string(s.HTML)
				for _, id := range ids.FindAllStringSubmatch(string(s.HTML), -1) {
					there[page+"#"+id[1]] = true
				}
			}
		}
	}
	n := 0
	for page, text := range html {
		for _, link := range links.FindAllStringSubmatch(text, -1) {
			to := unescape(link[1])
			if strings.HasPrefix(to, "http") {
				continue
			}
			n++
			if !there[to] {
				t.Errorf("%s links to %s, which is not there", page, link[1])
			}
		}
	}
	if n < 20 {
		t.Errorf("there are %d links inside", n)
	}
}

func readAll(t *testing.T) map[string][]Guide {
	t.Helper()
	all, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// whole is the text of a guide.
func whole(g Guide) string {
	html := string(g.Lead)
	for _, s := range g.Sections {
		html += s.Title + string(s.HTML)
	}
	return html
}

func unescape(to string) string {
	plain, err := url.PathUnescape(to)
	if err != nil {
		return to
	}
	return plain
}

// TestGuidesAreInTheReadersLanguage: the parts of a file in two languages are
// told apart, and what there is in one language says which.
func TestGuidesAreInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	all := readAll(t)
	for _, c := range []struct{ name, language, is, holds, not string }{
		{"agencies", "vi", "vi", "Bàn làm việc cơ quan", "Who does what"},
		{"agencies", "en", "en", "Who does what", "Ai làm gì"},
		{"citizens", "vi", "vi", "Tìm dữ liệu bằng cách nào?", "How do I find data?"},
		{"operators", "vi", "en", "What it needs", "Tiếng Việt"},
		{"operators", "en", "en", "What it needs", "Tiếng Việt"},
	} {
		g := all[c.language][slices.Index(Names, c.name)]
		html := whole(g)
		if g.Language != c.is || !strings.Contains(html, c.holds) || strings.Contains(html, c.not) {
			t.Errorf("%s for readers of %s is in %s, with %d characters", c.name, c.language, g.Language, len(html))
		}
		if strings.Contains(html, "raw HTML omitted") {
			t.Errorf("%s has HTML of its own", c.name)
		}
	}
}

func TestEveryProblemIsRead(t *testing.T) {
	t.Parallel()
	groups, err := Problems()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range groups {
		if g.ID == "" || g.TitleVI == "" || len(g.Problems) == 0 {
			t.Errorf("the group %+v lacks something", g)
		}
		for _, p := range g.Problems {
			n++
			if p.TitleVI == "" || p.TitleEN == "" || strings.Contains(p.TextVI+p.TextEN, "**") {
				t.Errorf("the problem %+v lacks something", p)
			}
		}
	}
	raw, err := files.ReadFile("problems.md")
	if want := strings.Count(string(raw), "\n| `"); err != nil || n != want || n < 500 {
		t.Errorf("%d of %d problems were read, error %v", n, want, err)
	}
}
