package portal

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lgsp/auth"
)

// member is a browser signed in to an account of its own.
func member(t *testing.T, p *Portal, email string) *browser {
	t.Helper()
	if _, err := p.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: email, Name: "Trần Thị B", Password: goodPassword}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(p)
	if answer, body := b.post(t, "/sign-in", url.Values{"email": {email}, "password": {goodPassword}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign in: got %d:\n%s", answer.StatusCode, body)
	}
	return b
}

func TestAccountPages(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b, nobody := member(t, p, "b@example.vn"), newBrowser(p)
	for path, want := range map[string][2]string{
		"/account":          {"Tên và ngôn ngữ", "Name and language"},
		"/account/password": {"Mật khẩu hiện tại", "Present password"},
		"/account/email":    {"Địa chỉ hiện nay là b@example.vn", "The address is b@example.vn now"},
		"/account/data":     {"Xoá tài khoản", "Delete the account"},
	} {
		for i, locale := range []string{"", "/en"} {
			if answer, body := b.get(t, locale+path); answer.StatusCode != 200 || !strings.Contains(body, want[i]) {
				t.Errorf("%s%s: got %d, want %q:\n%s", locale, path, answer.StatusCode, want[i], body)
			}
		}
		if answer, _ := nobody.get(t, path); answer.StatusCode != 303 || !strings.HasPrefix(answer.Header.Get("Location"), "/sign-in?next=") {
			t.Errorf("%s for nobody: got %d", path, answer.StatusCode)
		}
	}
	if answer, body := b.post(t, "/account/name", url.Values{"full_name": {""}, "locale": {"vi"}}); answer.StatusCode != 400 || !strings.Contains(body, "Hãy nhập tên") {
		t.Errorf("no name: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ := b.post(t, "/account/name", url.Values{"full_name": {"Lê Thị C"}, "locale": {"en"}}); answer.StatusCode != 303 {
		t.Errorf("rename: got %d", answer.StatusCode)
	}
	if _, body := b.get(t, "/account"); !strings.Contains(body, "Lê Thị C") {
		t.Errorf("the name is not kept:\n%s", body)
	}
}

func TestChangePasswordPage(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := member(t, p, "b@example.vn")
	other := newBrowser(p)
	other.post(t, "/sign-in", url.Values{"email": {"b@example.vn"}, "password": {goodPassword}})
	const next = "núi Ấn sông Trà"
	for name, tt := range map[string]struct {
		form   url.Values
		status int
		want   string
	}{
		"a wrong present one": {url.Values{"present": {"khác hẳn"}, "password": {next}, "repeated": {next}}, 401, "Mật khẩu hiện tại không đúng"},
		"two different ones":  {url.Values{"present": {goodPassword}, "password": {next}, "repeated": {"x"}}, 400, "không giống nhau"},
		"a common one":        {url.Values{"present": {goodPassword}, "password": {"matkhau123"}, "repeated": {"matkhau123"}}, 400, "bị thử trước tiên"},
	} {
		if answer, body := b.post(t, "/account/password", tt.form); answer.StatusCode != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: got %d, want %d with %q:\n%s", name, answer.StatusCode, tt.status, tt.want, body)
		}
	}
	if answer, _ := b.post(t, "/account/password", url.Values{"present": {goodPassword}, "password": {next}, "repeated": {next}}); answer.Header.Get("Location") != "/account" {
		t.Errorf("change: got %d", answer.StatusCode)
	}
	if answer, _ := b.get(t, "/account"); answer.StatusCode != 200 {
		t.Errorf("who changed it: got %d", answer.StatusCode)
	}
	if answer, _ := other.get(t, "/account"); answer.StatusCode != 303 {
		t.Errorf("another session goes on: got %d", answer.StatusCode)
	}
}

// What opens an account is changed only by who has proved lately who they are.
func TestOldProofIsNotEnough(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := member(t, p, "b@example.vn")
	later := func() time.Time { return monday.Add(11 * time.Minute) }
	p.Now, p.Auth.Now = later, later
	for method, paths := range map[string][]string{"GET": {"/account/email", "/account/data"}, "POST": {"/account/email", "/account/delete", "/account/identities/unlink"}} {
		for _, path := range paths {
			answer, _ := b.get(t, path)
			if method == "POST" {
				answer, _ = b.post(t, path, url.Values{"email": {"b@example.vn"}})
			}
			if got := answer.Header.Get("Location"); !strings.HasPrefix(got, "/sign-in/confirm?next=%2Faccount") {
				t.Errorf("%s %s: got %d %q", method, path, answer.StatusCode, got)
			}
		}
	}
	if answer, _ := b.get(t, "/account/export"); answer.Header.Get("Location") != "/account/data" {
		t.Errorf("export: got %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
}

func TestEmailByTwoLetters(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := member(t, p, "b@example.vn")
	if answer, body := b.post(t, "/account/email", url.Values{"email": {"moi@example.vn"}}); answer.StatusCode != 202 || !strings.Contains(body, "moi@example.vn") {
		t.Fatalf("ask: got %d:\n%s", answer.StatusCode, body)
	}
	link := linkIn(t, p, "moi@example.vn")
	if answer, body := newBrowser(p).get(t, link); answer.StatusCode != 200 || !strings.Contains(body, "moi@example.vn") {
		t.Errorf("the link: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ := b.post(t, "/account/email/confirm", url.Values{"token": {tokenOf(t, link)}}); answer.Header.Get("Location") != "/account" {
		t.Errorf("confirm: got %d", answer.StatusCode)
	}
	if _, body := b.get(t, "/account"); !strings.Contains(body, "moi@example.vn") {
		t.Errorf("the address is not changed:\n%s", body)
	}
	back := linkIn(t, p, "b@example.vn")
	if answer, body := newBrowser(p).get(t, back); answer.StatusCode != 200 || !strings.Contains(body, "Lấy lại địa chỉ") {
		t.Errorf("the way back: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ := newBrowser(p).post(t, "/account/email/confirm", url.Values{"token": {tokenOf(t, back)}}); answer.Header.Get("Location") != "/forgot-password" {
		t.Errorf("take it back: got %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer, _ := b.get(t, "/account"); answer.StatusCode != 303 {
		t.Errorf("who changed it is still in: got %d", answer.StatusCode)
	}
}

func TestDeleteAccountPage(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := member(t, p, "b@example.vn")
	if answer, body := b.post(t, "/account/delete", url.Values{"email": {"khac@example.vn"}}); answer.StatusCode != 400 || !strings.Contains(body, "Không phải địa chỉ") && !strings.Contains(body, "đúng địa chỉ") {
		t.Errorf("another address: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ := b.post(t, "/account/delete", url.Values{"email": {" B@example.vn"}}); answer.Header.Get("Location") != "/" {
		t.Errorf("delete: got %d", answer.StatusCode)
	}
	if b.cookies["lgsp_session"] != "" {
		t.Errorf("cookies %v", b.cookies)
	}
	if answer, _ := b.post(t, "/sign-in", url.Values{"email": {"b@example.vn"}, "password": {goodPassword}}); answer.StatusCode != 401 {
		t.Errorf("sign in: got %d, want 401", answer.StatusCode)
	}
}
