package portal

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/mail"
)

// publishedSet has the workshop's agency publish a dataset through the pages.
func (w *workshop) publishedSet(t *testing.T, slug, title string) {
	t.Helper()
	w.as(t, auth.RolePublisher)
	set := office + "/datasets/" + slug
	w.sends(t, office+"/datasets/new", url.Values{"title_vi": {title}, "slug": {slug}, "notes_vi": {"Theo xã."}, "theme": {"SOCI"}}, set)
	if answer, body := w.uploads(t, set+"/files", "bang.csv", "xa,so\nA,1\n"); answer.Header.Get("Location") != set {
		t.Fatalf("upload: got %d:\n%s", answer.StatusCode, body)
	}
	w.sends(t, set+"/submit", nil, set)
	w.as(t, auth.RoleSteward)
	w.sees(t, set, 200, "Còn 5 ngày")
	w.sees(t, office+"/due", 200, "Duyệt bộ dữ liệu", "Còn 5 ngày")
	w.sends(t, set+"/approve", nil, set)
	w.as(t, auth.RolePublisher)
	w.sends(t, set+"/publish", nil, set)
}

func TestWhatIsDueIsListedAndMailed(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.publishedSet(t, "ho-ngheo", "Hộ nghèo")
	w.sees(t, office+"/due", 200, "Không có việc nào đến hạn", "không phải quy định của luật")
	later := w.Now().Add(184 * 24 * time.Hour)
	w.Portal.Catalog.Now = func() time.Time { return later }
	w.Mailer = mail.Mailer{Dir: t.TempDir(), From: "lgsp@portal.test", Now: w.Now}
	for range 2 {
		if err := w.gatherDuties(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	letters, err := w.Mailer.Files(10)
	if err != nil || len(letters) != 1 || letters[0].To != "publisher@example.vn" {
		t.Fatalf("got %+v, error %v; want one letter, to the publisher", letters, err)
	}
	for _, want := range []string{"QUÁ HẠN rà soát mô tả", "QUÁ HẠN cập nhật số liệu", "Hộ nghèo", "http://portal.test" + office + "/due"} {
		if !strings.Contains(letters[0].Text, want) {
			t.Errorf("the letter lacks %q:\n%s", want, letters[0].Text)
		}
	}
	w.Portal.Now = func() time.Time { return later }
	w.as(t, auth.RolePublisher)
	w.sees(t, office+"/due", 200, "Quá hạn", "Rà soát mô tả", "Cập nhật số liệu", "/datasets/ho-ngheo")
	w.sees(t, office, 200, "2 quá hạn", "2 việc đến hạn với bộ dữ liệu")
	w.sends(t, office+"/datasets/ho-ngheo/reviewed", nil, office+"/datasets/ho-ngheo")
	w.sees(t, office, 200, "1 quá hạn")
}

func TestDutyLetterThatCannotBeSentIsGivenBack(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.publishedSet(t, "ho-ngheo", "Hộ nghèo")
	later := w.Now().Add(100 * 24 * time.Hour)
	w.Portal.Catalog.Now = func() time.Time { return later }
	blocked := filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Mailer = mail.Mailer{Dir: blocked, From: "lgsp@portal.test", Now: w.Now}
	if err := w.gatherDuties(t.Context()); err == nil {
		t.Fatal("a letter went into a folder that is none")
	}
	w.Mailer.Dir = t.TempDir()
	later = later.Add(time.Hour + time.Minute)
	if err := w.gatherDuties(t.Context()); err != nil {
		t.Fatal(err)
	}
	if letters, err := w.Mailer.Files(10); err != nil || len(letters) != 1 {
		t.Errorf("an hour later: %d letters, error %v; want one", len(letters), err)
	}
}

func TestDutyLetterNamesTwenty(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	duties := slices.Repeat([]catalog.Duty{{Kind: catalog.DutyRenew, TitleVI: "Số liệu", TitleEN: "Figures", Due: monday}}, 20)
	got, err := p.dutyWords(auth.Person{Name: "Lan", Locale: "en"}, "", dutiesTold{"Sở", "Department", "so", duties, 3})
	if err != nil || strings.Count(got.Text, "- Figures: upload new data before") != 20 || !strings.Contains(got.Text, "- and 3 more") ||
		!strings.Contains(got.Text, "datasets of Department") || !strings.Contains(got.Text, "/en/agency/so/due") {
		t.Errorf("got %s\n%s\nerror %v", got.Subject, got.Text, err)
	}
}
