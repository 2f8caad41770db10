package portal

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lgsp/auth"
)

// A token is made, shown once, listed without its secret, spent and revoked.
func TestRegistrationTokensOnTheDesk(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	const at = "/developer/registration-tokens"
	w.sees(t, "/developer", 200, at) // where one looks for it
	w.sees(t, at, 200, "Bạn chưa tạo mã đăng ký nào")
	form := url.Values{"name": {"Đợt cài <máy>"}, "grant_types": {auth.GrantCode, auth.GrantRefresh}, "max_uses": {"2"}, "days": {"30"}}
	answer, body := w.post(t, at, form)
	secret := regexp.MustCompile(`lgsp_reg_[0-9A-Za-z]{49}`).FindString(body)
	if answer.StatusCode != 201 || secret == "" || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("made: got %d, %v:\n%s", answer.StatusCode, answer.Header, body)
	}
	for _, want := range []string{"Đợt cài &lt;máy&gt;", "/oauth2/register", "https://tram7.example.vn/cb", "Đăng ký được 2 ứng dụng"} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %s:\n%s", want, body)
		}
	}
	listed := w.sees(t, at, 200, "lgsp_reg_"+secret[9:21]+"…"+secret[len(secret)-10:len(secret)-6], "Đã dùng 0/2 lượt", "Mã làm mới (refresh_token)", "Đang dùng được", "Đợt cài &lt;máy&gt;")
	if strings.Contains(listed, secret) {
		t.Error("the list shows the secret")
	}

	register := func() error {
		_, err := w.Auth.Register(t.Context(), secret, auth.Registering{Scopes: []string{"openid"}, NewApplication: auth.NewApplication{
			Name: "Trạm", RedirectURIs: []string{"https://a.example/cb"}, Protocol: auth.Protocol{GrantTypes: []string{auth.GrantCode}}}})
		return err
	}
	for range 2 {
		if err := register(); err != nil {
			t.Fatal(err)
		}
	}
	w.sees(t, at, 200, "Đã dùng 2/2 lượt", "Đã dùng hết lượt")

	form.Set("max_uses", "9")
	_, body = w.post(t, at, form)
	secret = regexp.MustCompile(`lgsp_reg_[0-9A-Za-z]{49}`).FindString(body)
	revoke := regexp.MustCompile(at + `/[0-9a-f-]{36}/revoke`).FindString(w.sees(t, at, 200, "Thu hồi"))
	if answer, _ := w.post(t, revoke, nil); answer.StatusCode != 303 {
		t.Errorf("revoke: got %d", answer.StatusCode)
	}
	if body := w.sees(t, at, 200, "Đã thu hồi"); strings.Contains(body, "/revoke") {
		t.Error("what is over can be revoked")
	}
	if err := register(); err == nil {
		t.Error("a revoked token registers")
	}
}

func TestRegistrationTokenFormRefuses(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	const at = "/developer/registration-tokens"
	for name, tt := range map[string]struct {
		field, value string
		want         string // field that is wrong
	}{
		"no name":             {"name", "", "name"},
		"no grant":            {"grant_types", "", "grant_types"},
		"a grant of nobody":   {"grant_types", "password", "grant_types"},
		"no number":           {"max_uses", "", "max_uses"},
		"a word for a number": {"max_uses", "nhiều", "max_uses"},
		"none":                {"max_uses", "0", "max_uses"},
		"too many":            {"max_uses", "10001", "max_uses"},
		"beyond counting":     {"max_uses", "99999999999999999999", "max_uses"},
		"no days":             {"days", "0", "days"},
		"too many days":       {"days", "366", "days"},
	} {
		form := url.Values{"name": {"Đợt cài"}, "grant_types": {auth.GrantCode}, "max_uses": {"1"}, "days": {"7"}}
		form.Set(tt.field, tt.value)
		if answer, body := w.post(t, at, form); answer.StatusCode != 400 || !strings.Contains(body, `id="f-`+tt.want+`-error"`) {
			t.Errorf("%s: got %d:\n%s", name, answer.StatusCode, body)
		}
	}
	form := url.Values{"name": {"Đợt cài"}, "grant_types": {auth.GrantCode}, "max_uses": {"1"}, "days": {"7"}, "agency": {w.app.ID.String()}}
	if answer, _ := w.post(t, at, form); answer.StatusCode != 403 {
		t.Errorf("for an agency of others: got %d", answer.StatusCode)
	}
	if answer, _ := w.post(t, at+"/"+w.app.ID.String()+"/revoke", nil); answer.StatusCode != 404 {
		t.Errorf("a token of nobody: got %d", answer.StatusCode)
	}
	w.sees(t, at, 200, "Bạn chưa tạo mã đăng ký nào")
}
