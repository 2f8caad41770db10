package portal

import (
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/auth/policy"
)

var shownSecret = regexp.MustCompile(`lgsp_(key|secret|pat)_[0-9A-Za-z]{49}`)

// TestHoneyKeysOnTheirPages: made once shown, counted on its row, ended; an
// owner sees their application's, an operator all.
func TestHoneyKeysOnTheirPages(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	enforcer, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	w.Auth.May = enforcer.May
	own := "/developer/applications/" + w.app.ID.String()
	at := own + "/honey-keys"
	w.sees(t, own, 200, `href="`+at+`"`)
	w.sees(t, at, 200, "Chưa có khoá mồi nào", "Giống khoá API", "Giống bí mật ứng dụng", "Giống mã truy cập cá nhân")
	w.refused(t, at, url.Values{"kind": {"api_key"}, "name": {" "}}, 400, "usa-error-message")
	answer, body := w.post(t, at, url.Values{"kind": {"client_secret"}, "name": {"Kho <mã>"}})
	secret := shownSecret.FindString(body)
	if answer.StatusCode != 201 || !strings.HasPrefix(secret, "lgsp_secret_") || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("make: got %d:\n%s", answer.StatusCode, body)
	}
	if body := w.sees(t, at, 200, "Kho &lt;mã&gt;", "Chưa ai dùng"); strings.Contains(body, secret) {
		t.Error("the key is shown a second time")
	}
	w.Auth.NoteShown(t.Context(), auth.ReadKeys([]string{secret}), auth.AtAPI, w.Address(httptest.NewRequest("GET", "/", nil)))
	if err := w.Auth.SaveUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.sees(t, at, 200, "Đã bị dùng 1 lần", "ở API quản lý", "192.0.2.1")
	keys, err := w.Auth.HoneyKeys(t.Context(), w.who, w.app.ID)
	if err != nil {
		t.Fatal(err)
	}
	end := at + "/" + keys[0].ID.String() + "/end"

	boss := w.person(t, "operator@example.vn")
	w.as(t, "operator")
	w.sees(t, "/operator/honey-keys", 403)
	w.refused(t, end, nil, 404)
	if err := w.Auth.AddMembership(t.Context(), auth.Platform("test"), boss.Person, auth.Membership{Role: auth.RoleOperator}); err != nil {
		t.Fatal(err)
	}
	w.sees(t, "/operator/honey-keys", 200, "Kho &lt;mã&gt;", "Ứng dụng Tra cứu")
	if answer, body := w.post(t, "/operator/honey-keys", url.Values{"kind": {"personal_token"}, "name": {"Hộp thư"}}); answer.StatusCode != 201 || !strings.Contains(body, "lgsp_pat_") {
		t.Errorf("the platform's: got %d:\n%s", answer.StatusCode, body)
	}
	w.sees(t, "/operator/honey-keys", 200, "Của nền tảng")
	w.sees(t, at, 404)
	w.as(t, "lap")
	if body := w.sees(t, at, 200); strings.Contains(body, "Hộp thư") {
		t.Error("an owner sees the platform's honey keys")
	}
	w.sends(t, end, nil, at)
	if body := w.sees(t, at, 200, "Đã bỏ"); strings.Contains(body, "/end\"") {
		t.Error("what has ended can be ended")
	}
}
