package portal

import (
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/internal/mail"
)

// TestInvitingAnOfficial: an agency's admin invites by letter, who is invited
// takes it up by the link, and is asked for two factors.
func TestInvitingAnOfficial(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.Auth.May = w.Portal.Policy.May
	w.Mailer = mail.Mailer{Dir: t.TempDir(), From: "lgsp@portal.test", Now: w.Now}
	const people = "/agency/so-noi-vu/people"
	w.as(t, auth.RolePublisher)
	w.sees(t, people, 403)
	w.sees(t, "/operator/people", 403)
	w.refused(t, people+"/invite", url.Values{"email": {"an@x.vn"}, "name": {"An"}, "role": {"steward"}}, 403)
	w.as(t, auth.RoleSteward)
	w.sees(t, "/operator/people", 403)
	w.sees(t, "/agency/so-noi-vu", 200, "Bắt đầu", "Có hai người duyệt", "Cần làm")
	w.sees(t, people, 200, "steward@example.vn", "Mời một người")
	form := url.Values{"email": {"an@"}, "name": {"Lê Văn An"}, "role": {"steward"}, "locale": {"vi"}}
	w.refused(t, people+"/invite", form, 400, `id="f-email-error"`, `value="Lê Văn An"`)
	form.Set("email", "an@so-noi-vu.example")
	w.sends(t, people+"/invite", form, people)
	w.refused(t, people+"/invite", form, 409, `id="f-email-error"`)
	body := w.sees(t, people, 200, "Đã mời, chưa nhận", "an@so-noi-vu.example", "Gửi lại", "Rút lại")
	_, rest, _ := strings.Cut(body, people+"/invitations/")
	id, _, _ := strings.Cut(rest, "/")
	w.refused(t, people+"/invitations/"+id+"/send", nil, 429, "Hãy chờ 5 phút")

	if err := w.SendLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	letters, err := w.Mailer.Files(10)
	if err != nil || len(letters) != 1 || letters[0].To != "an@so-noi-vu.example" || !strings.Contains(letters[0].Text, "Sở Nội vụ") || !strings.Contains(letters[0].Text, "Người duyệt") {
		t.Fatalf("the letter: got %+v, %v", letters, err)
	}
	_, rest, _ = strings.Cut(letters[0].Text, w.Origin)
	link, _, _ := strings.Cut(rest, "\r")
	guest := newBrowser(w.Portal)
	if answer, body := guest.get(t, link); answer.StatusCode != 200 || !strings.Contains(body, "Sở Nội vụ") || !strings.Contains(body, "Đặt mật khẩu") || !strings.Contains(body, "no-referrer") {
		t.Errorf("the page of the link: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, body := guest.get(t, "/en"+link); answer.StatusCode != 200 || !strings.Contains(body, "Accept the invitation") {
		t.Errorf("in English: got %d:\n%s", answer.StatusCode, body)
	}
	token, _ := url.QueryUnescape(strings.TrimPrefix(link, "/invitation?token="))
	for name, tt := range map[string]struct {
		form url.Values
		want string
	}{
		"without the terms":     {url.Values{"token": {token}, "password": {goodPassword}, "repeated": {goodPassword}}, `id="f-terms-error"`},
		"two passwords":         {url.Values{"token": {token}, "password": {goodPassword}, "repeated": {"x"}, "terms": {"yes"}}, `id="f-repeated-error"`},
		"a password too common": {url.Values{"token": {token}, "password": {"matkhau123"}, "repeated": {"matkhau123"}, "terms": {"yes"}}, `id="f-password-error"`},
	} {
		if answer, body := guest.post(t, "/invitation", tt.form); answer.StatusCode != 400 || !strings.Contains(body, tt.want) {
			t.Errorf("%s: got %d:\n%s", name, answer.StatusCode, body)
		}
	}
	answer, text := guest.post(t, "/invitation", url.Values{"token": {token}, "password": {goodPassword}, "repeated": {goodPassword}, "terms": {"yes"}})
	if answer.StatusCode != 303 || answer.Header.Get("Location") != "/sign-in?next=%2Fagency" {
		t.Fatalf("accept: got %d %q:\n%s", answer.StatusCode, answer.Header.Get("Location"), text)
	}
	if answer, _ := guest.get(t, link); answer.StatusCode != 404 {
		t.Errorf("the link afterwards: got %d", answer.StatusCode)
	}
	guest.post(t, "/sign-in", url.Values{"email": {"an@so-noi-vu.example"}, "password": {goodPassword}})
	if answer, _ := guest.get(t, "/agency/so-noi-vu"); answer.StatusCode != 303 || !strings.HasPrefix(answer.Header.Get("Location"), "/account/security") {
		t.Errorf("with one factor: got %d to %q, want the second factor first", answer.StatusCode, answer.Header.Get("Location"))
	}

	w.sees(t, people, 200, "Lê Văn An")
	w.refused(t, "/agency/so-noi-vu/contact", url.Values{"focal_email": {"x"}}, 400, `id="f-focal_email-error"`)
	w.sends(t, "/agency/so-noi-vu/contact", url.Values{"focal_name": {"Văn phòng Sở"}, "focal_email": {"vp@so-noi-vu.example"}}, people)
	if err := w.Catalog.May(t.Context(), w.who, "upstream.approve", w.version.AgencyID); err == nil {
		t.Error("a steward approves upstreams")
	}
	if body := w.sees(t, "/agency/so-noi-vu", 200); strings.Contains(body, "Có hai người duyệt") {
		t.Errorf("all is done, and the steps are still there:\n%s", body)
	}
	w.as(t, auth.RoleOperator)
	w.sees(t, "/operator/people", 200, "operator@example.vn", "auditor@example.vn")
	w.sends(t, "/operator/people/invite", url.Values{"email": {"kt@x.example"}, "name": {"Kiểm"}, "role": {"auditor"}}, "/operator/people")
	members, err := w.Auth.Members(t.Context(), auth.Platform("test"), w.version.AgencyID)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if m.Role == auth.RolePublisher {
			w.sends(t, people+"/remove", url.Values{"person": {m.Person.String()}, "role": {m.Role}}, people)
			w.refused(t, people+"/remove", url.Values{"person": {m.Person.String()}, "role": {m.Role}}, 404)
		}
	}
}
