package portal

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/keyring"
)

const otherPassword = "núi Ấn sông Trà"

// letterOf is the text of the letter of a subject to an address.
func letterOf(t *testing.T, p *Portal, subject, to string) string {
	t.Helper()
	if err := p.SendLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	letters, err := p.Mailer.Files(100)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		if l.To == to && l.Subject == subject {
			return l.Text
		}
	}
	t.Fatalf("no letter to %s", to)
	return ""
}

// twoSteps lets the people of a portal add second factors.
func twoSteps(p *Portal) {
	p.Auth.Seals = keyring.Of(make([]byte, 32))
	p.Auth.Notify = func(context.Context, pgx.Tx, auth.FactorNotice) error { return nil }
}

// addApp adds an authenticator app on the pages.
func (b *browser) addApp(t *testing.T) {
	t.Helper()
	b.post(t, "/account/security/app", nil)
	_, body := b.get(t, "/account/security/app")
	found := regexp.MustCompile(`class="secret">([A-Z2-7 ]+)<`).FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no secret:\n%s", body)
	}
	answer, body := b.post(t, "/account/security/app/confirm", url.Values{"code": {totp(t, strings.ReplaceAll(found[1], " ", ""), monday)}})
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("confirm: got %d:\n%s", answer.StatusCode, body)
	}
}

// The page of a new password shows what else opens the account, and the letter
// afterwards what is gone.
func TestSetPasswordShowsTheWaysIn(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	twoSteps(p)
	if _, err := p.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: "b@example.vn", Name: "Trần Thị B", Password: goodPassword}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(p)
	b.post(t, "/sign-in", url.Values{"email": {"b@example.vn"}, "password": {goodPassword}})
	b.addApp(t)
	b.post(t, "/account/tokens", url.Values{"name": {"của script"}, "lasts": {"30"}})
	ask := func() string {
		t.Helper()
		newBrowser(p).post(t, "/forgot-password", url.Values{"email": {"b@example.vn"}})
		return linkIn(t, p, "b@example.vn")
	}
	link := ask()
	_, body := newBrowser(p).get(t, link)
	for _, want := range []string{"Giữ: Ứng dụng xác thực", "Giữ: Mã khôi phục", "192.0.2.1", "của script", `name="keep" value="app">`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
	form := url.Values{"token": {tokenOf(t, link)}, "password": {"12345"}, "repeated": {"12345"}, "keep": {"app"}}
	if answer, body := newBrowser(p).post(t, "/set-password", form); answer.StatusCode != 400 || !strings.Contains(body, `value="app" checked`) || strings.Contains(body, `value="codes" checked`) {
		t.Errorf("what was ticked is forgotten: got %d:\n%s", answer.StatusCode, body)
	}
	form["password"], form["repeated"] = []string{otherPassword}, []string{otherPassword}
	newBrowser(p).post(t, "/set-password", form)
	if text := letterOf(t, p, "Mật khẩu đã đổi", "b@example.vn"); !strings.Contains(text, "- Mã khôi phục, thêm ngày 23/11/2026") || strings.Contains(text, "Ứng dụng xác thực") || strings.Contains(text, "đơn vị vận hành") {
		t.Errorf("the letter:\n%s", text)
	}
	answer, _ := newBrowser(p).post(t, "/sign-in", url.Values{"email": {"b@example.vn"}, "password": {otherPassword}})
	if got := answer.Header.Get("Location"); !strings.HasPrefix(got, "/sign-in/second") {
		t.Errorf("kept, and not asked for: got %q", got)
	}

	later := func() time.Time { return monday.Add(31 * 24 * time.Hour) }
	p.Now, p.Auth.Now, p.Mailer.Now = later, later, later
	if _, body := newBrowser(p).get(t, ask()); strings.Contains(body, `name="keep"`) || !strings.Contains(body, "Giữ nguyên") {
		t.Errorf("a month later:\n%s", body)
	}
}

// An official who is left without a second factor by a letter is told whom to
// ask, and adds none.
func TestSetPasswordOfAnOfficial(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	twoSteps(p)
	person, err := p.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: "o@example.vn", Name: "Kiểm", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Auth.AddMembership(t.Context(), auth.Platform("test"), person.ID, auth.Membership{Role: auth.RoleAuditor}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(p)
	b.post(t, "/sign-in", url.Values{"email": {"o@example.vn"}, "password": {goodPassword}})
	b.addApp(t)
	b.post(t, "/forgot-password", url.Values{"email": {"o@example.vn"}})
	link := linkIn(t, p, "o@example.vn")
	if _, body := b.get(t, link); !strings.Contains(body, "Bạn giữ vai trò cán bộ") {
		t.Errorf("the page does not say what it costs:\n%s", body)
	}
	b.post(t, "/set-password", url.Values{"token": {tokenOf(t, link)}, "password": {otherPassword}, "repeated": {otherPassword}})
	if text := letterOf(t, p, "Mật khẩu đã đổi", "o@example.vn"); !strings.Contains(text, "đơn vị vận hành cần xác nhận bạn") {
		t.Errorf("the letter:\n%s", text)
	}
	b.post(t, "/sign-in", url.Values{"email": {"o@example.vn"}, "password": {otherPassword}})
	if answer, _ := b.get(t, "/audit"); answer.Header.Get("Location") != "/account/security?next=%2Faudit" {
		t.Errorf("the desk: got %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	_, body := b.get(t, "/account/security")
	if !strings.Contains(body, "Cần đơn vị vận hành xác nhận bạn") || strings.Contains(body, `action="/account/security/app"`) || strings.Contains(body, "data-passkey") {
		t.Errorf("the page offers what is refused:\n%s", body)
	}
	for _, path := range []string{"/account/security/app", "/account/security/app/confirm", "/account/security/passkeys"} {
		if answer, body := b.post(t, path, url.Values{"code": {"1"}}); answer.StatusCode != 403 || !strings.Contains(body, "Cần đơn vị vận hành xác nhận bạn") {
			t.Errorf("%s: got %d %q:\n%s", path, answer.StatusCode, answer.Header.Get("Location"), body)
		}
	}
	if answer, _ := b.get(t, "/audit"); answer.StatusCode != 303 {
		t.Errorf("the desk, afterwards: got %d", answer.StatusCode)
	}
}
