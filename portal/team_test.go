package portal

import (
	"html"
	"net/url"
	"strings"
	"testing"

	"lgsp/internal/mail"
)

// TestTeamOfAnApplication: an owner invites by letter, who is invited makes an
// account by its link, works on the application as a developer, and leaves.
func TestTeamOfAnApplication(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.Mailer = mail.Mailer{Dir: t.TempDir(), From: "lgsp@portal.test", Now: w.Now}
	at := "/developer/applications/" + w.app.ID.String()
	w.sees(t, at+"/team", 200, "Mời một người", "Chủ sở hữu duy nhất không rời nhóm được")
	if answer, body := w.post(t, at+"/team", url.Values{"email": {"an@"}, "role": {"developer"}, "locale": {"vi"}}); answer.StatusCode != 400 || !strings.Contains(body, `id="f-email-error"`) {
		t.Errorf("no address: got %d:\n%s", answer.StatusCode, body)
	}
	form := url.Values{"email": {"an@nhom.example"}, "role": {"developer"}, "locale": {"vi"}}
	if answer, body := w.post(t, at+"/team", form); answer.StatusCode != 303 {
		t.Fatalf("invite: got %d:\n%s", answer.StatusCode, body)
	}
	w.sees(t, at+"/team", 200, "Đã mời, chưa nhận", "an@nhom.example", "Gửi lại", "Rút lại")
	if err := w.SendLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	letters, err := w.Mailer.Files(10)
	if err != nil || len(letters) != 1 || letters[0].To != "an@nhom.example" || !strings.Contains(letters[0].Text, "Người phát triển") {
		t.Fatalf("the letter: got %+v, %v", letters, err)
	}
	_, rest, _ := strings.Cut(letters[0].Text, w.Origin)
	link, _, _ := strings.Cut(rest, "\r")
	guest := newBrowser(w.Portal)
	if answer, body := guest.get(t, link); answer.StatusCode != 200 || !strings.Contains(body, html.EscapeString(w.app.Name)) || !strings.Contains(body, "no-referrer") || !strings.Contains(body, "Từ chối") {
		t.Errorf("the page of the link: got %d:\n%s", answer.StatusCode, body)
	}
	token, _ := url.QueryUnescape(strings.TrimPrefix(link, "/team-invitation?token="))
	yes := url.Values{"token": {token}, "full_name": {" "}, "password": {goodPassword}, "repeated": {goodPassword}, "terms": {"yes"}}
	if answer, body := guest.post(t, "/team-invitation", yes); answer.StatusCode != 400 || !strings.Contains(body, `id="f-full_name-error"`) {
		t.Errorf("no name: got %d:\n%s", answer.StatusCode, body)
	}
	yes.Set("full_name", "Lê Văn An")
	answer, body := guest.post(t, "/team-invitation", yes)
	if answer.StatusCode != 303 || answer.Header.Get("Location") != "/sign-in?next="+url.QueryEscape(at) {
		t.Fatalf("accept: got %d %q:\n%s", answer.StatusCode, answer.Header.Get("Location"), body)
	}
	guest.post(t, "/sign-in", url.Values{"email": {"an@nhom.example"}, "password": {goodPassword}})
	if answer, body := guest.get(t, at); answer.StatusCode != 200 || strings.Contains(body, at+"/settings") || !strings.Contains(body, at+"/team") {
		t.Errorf("as a developer: got %d, with the settings in the navigation: %t", answer.StatusCode, strings.Contains(body, at+"/settings"))
	}
	if answer, body := guest.get(t, at+"/settings"); answer.StatusCode != 403 || !strings.Contains(body, "Cần chủ sở hữu") {
		t.Errorf("the settings as a developer: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, body := guest.get(t, at+"/team"); answer.StatusCode != 200 || strings.Contains(body, "Mời một người") || !strings.Contains(body, "Rời nhóm") {
		t.Errorf("the team as a developer: got %d:\n%s", answer.StatusCode, body)
	}
	_, body = guest.get(t, at+"/team")
	_, rest, _ = strings.Cut(body, `action="`+at+"/team/")
	me, _, _ := strings.Cut(rest, "/")
	if answer, _ := guest.post(t, at+"/team/"+me+"/remove", nil); answer.StatusCode != 303 || answer.Header.Get("Location") != "/developer" {
		t.Errorf("leave: got %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer, _ := guest.get(t, at); answer.StatusCode != 404 {
		t.Errorf("after leaving: got %d", answer.StatusCode)
	}
}
