package portal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/mail"
)

// TestOwnersLetters: each kind of letter, about each kind of thing, has whole
// words in both languages.
func TestOwnersLetters(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	id, ends := uuid.New(), p.Now()
	for _, locale := range []string{"vi", "en"} {
		for _, kind := range []string{auth.KeyExpiring, auth.KeyLeaked} {
			for _, what := range []string{auth.APIKey, auth.ClientSecret, auth.TokenLeak, auth.RefreshLeak, auth.RegistrationLeak, auth.ClientLeak} {
				told := auth.KeyLetterDetail{What: what, Name: "Tên", Shown: "lgsp_key_abc…wxyz", Application: "Tra cứu",
					ID: &id, Expires: &ends, Found: "https://github.example/a", Scanner: "GitHub"}
				got, err := p.keyWords(auth.Person{Name: "Lan", Locale: locale}, kind, told)
				if err != nil {
					t.Fatal(err)
				}
				all := got.Subject + got.Text
				if strings.ContainsAny(all, "{}") || !strings.Contains(got.Text, "/developer/applications/"+id.String()) || strings.Contains(all, "\u2014") {
					t.Errorf("%s %s %s: %q %q", locale, kind, what, got.Subject, got.Text)
				}
			}
		}
	}
}

// TestHoneyLetters say when, from where and at which door, and lead to the page
// that its reader may open.
func TestHoneyLetters(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	id, at := uuid.New(), p.Now()
	for locale, says := range map[string][]string{"vi": {"15:00 ngày 23/11/2026", "cổng gọi API", "không rõ"}, "en": {"15:00 on 23 November 2026", "API gateway", "not known"}} {
		for _, tt := range []struct {
			what, from, link string
			of               *uuid.UUID
		}{
			{"application_honey_key", "203.0.113.7", "/developer/applications/" + id.String() + "/honey-keys", &id},
			{"application_honey_key", "203.0.113.7", "/operator/honey-keys", nil},
			{"honey_key", "", "/operator/honey-keys", nil},
		} {
			got, err := p.keyWords(auth.Person{Name: "Lan", Locale: locale}, auth.KeyHoney,
				auth.KeyLetterDetail{What: tt.what, Name: "Kho mã", Shown: "lgsp_key_abc…wxyz", Application: "Tra cứu", ID: tt.of, At: &at, From: tt.from, Where: auth.AtGateway})
			if err != nil {
				t.Fatal(err)
			}
			from := tt.from
			if from == "" {
				from = says[2]
			}
			for _, text := range []string{says[0], says[1], from, "lgsp_key_abc…wxyz", "Kho mã", tt.link} {
				if !strings.Contains(got.Text, text) {
					t.Errorf("%s: %s: lacks %q:\n%s", locale, tt.what, text, got.Text)
				}
			}
			if strings.ContainsAny(got.Subject+got.Text, "{}") || strings.Contains(got.Text, "Tra cứu") != (tt.what != "honey_key") {
				t.Errorf("%s: %s: %s\n%s", locale, tt.what, got.Subject, got.Text)
			}
		}
	}
	for _, where := range []string{auth.AtGateway, auth.AtOAuth, auth.AtAPI, auth.AtLeaks} {
		if _, _, err := p.shownWhere("vi", auth.KeyLetterDetail{Where: where}); err != nil {
			t.Error(err)
		}
	}
}

func TestLettersThatWaitAreSentOnce(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.Mailer = mail.Mailer{Dir: t.TempDir(), From: "lgsp@portal.test", Now: p.Now}
	to := newPerson(t, p, "chu@portal.test", "vi")
	if _, err := p.Auth.DB.Exec(t.Context(), `
insert into auth.letter (id, person_id, kind, about, mark, detail, created_at)
values (gen_random_uuid(), $1, 'leaked', gen_random_uuid(), '', '{"what":"api_key","shown":"lgsp_key_a…b","application":"X"}', now())`, to); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.gatherKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(p.Mailer.Dir, "*.eml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got %v, %v, want one letter", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(text), "Subject:") {
		t.Errorf("got %s, %v", text, err)
	}
}
