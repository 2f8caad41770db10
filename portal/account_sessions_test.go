package portal

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const afterLogout = "https://app.test/bye"

// newHome is a portal with a citizen, and an application that another person owns.
func newHome(t *testing.T) (*Portal, auth.Application) {
	t.Helper()
	p := newPortal(t)
	p.OAuth = &oauth.Server{DB: p.Auth.DB, Now: p.Now, Issuer: p.Origin, Portal: p.Origin, Client: p.Auth.Application, Record: p.Auth.Record}
	_, err := p.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: "dan@x.vn", Name: "Dân", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	owner, err := p.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: "lap@x.vn", Name: "Lập"})
	if err != nil {
		t.Fatal(err)
	}
	app, _, err := p.Auth.CreateApplication(t.Context(), auth.Principal{Person: owner.ID}, auth.NewApplication{
		Name: "Một <cửa>", RedirectURIs: []string{"https://app.test/cb"}, Protocol: auth.Protocol{LogoutURIs: []string{afterLogout}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, app
}

// comeIn signs the citizen in with a browser that calls itself agent.
func comeIn(t *testing.T, p *Portal, agent string) *browser {
	t.Helper()
	b := newBrowser(p)
	r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(url.Values{"email": {"dan@x.vn"}, "password": {goodPassword}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("User-Agent", agent)
	if answer, body := b.do(t, r); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign in: got %d %s", answer.StatusCode, body)
	}
	return b
}

func signedInAt(t *testing.T, b *browser) bool {
	t.Helper()
	answer, _ := b.get(t, "/account/sessions")
	return answer.StatusCode == http.StatusOK
}

func TestSessionsPage(t *testing.T) {
	t.Parallel()
	p, _ := newHome(t)
	here := comeIn(t, p, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36 Edg/142.0")
	phone := comeIn(t, p, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) Version/18.5 Mobile Safari/604.1")
	strange := comeIn(t, p, "<script>alert(1)</script>")
	for path, want := range map[string][]string{
		"/account/sessions":    {"Edge trên Windows", "Safari trên iPhone", "Trình duyệt không rõ", "Phiên này", "192.0.2.1", "Đăng xuất khỏi mọi nơi khác"},
		"/en/account/sessions": {"Edge on Windows", "Safari on iPhone", "Unknown browser", "This browser", "Sign out everywhere else"},
	} {
		answer, body := here.get(t, path)
		if answer.StatusCode != 200 || strings.Contains(body, "<script>alert") || strings.Count(body, "/end\"") != 3 {
			t.Errorf("%s: got %d %s", path, answer.StatusCode, body)
		}
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s lacks %q", path, text)
			}
		}
	}
	if answer, _ := newBrowser(p).get(t, "/account/sessions"); answer.Header.Get("Location") != "/sign-in?next=%2Faccount%2Fsessions" {
		t.Errorf("nobody: got %d %v", answer.StatusCode, answer.Header)
	}

	id := func(b *browser) uuid.UUID {
		t.Helper()
		proof, err := p.Auth.SessionProof(t.Context(), b.cookies["lgsp_session"])
		if err != nil {
			t.Fatal(err)
		}
		return proof.Session
	}
	end := "/account/sessions/" + id(phone).String() + "/end"
	for _, what := range []string{"end one", "end it again"} {
		if answer, _ := here.post(t, end, nil); answer.Header.Get("Location") != "/account/sessions" {
			t.Errorf("%s: got %d %v", what, answer.StatusCode, answer.Header)
		}
	}
	if signedInAt(t, phone) || !signedInAt(t, strange) || !signedInAt(t, here) {
		t.Error("another than the one session ended")
	}
	if answer, _ := here.post(t, "/en/account/sessions/end-others", nil); answer.Header.Get("Location") != "/en/account/sessions" {
		t.Errorf("end others: got %d %v", answer.StatusCode, answer.Header)
	}
	if _, body := here.get(t, "/account/sessions"); signedInAt(t, strange) || !strings.Contains(body, "Bạn chỉ đang đăng nhập ở đây.") {
		t.Error("the others live on")
	}
	if answer, _ := here.post(t, "/account/sessions/"+id(here).String()+"/end", nil); answer.Header.Get("Location") != "/" || signedInAt(t, here) || here.cookies["lgsp_session"] != "" {
		t.Errorf("end this one: got %d %v", answer.StatusCode, answer.Header)
	}
	if answer, _ := here.post(t, "/account/sessions/end-others", nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody ends others: got %d", answer.StatusCode)
	}
}

const testAllowSQL = `
insert into auth.oauth_allowed (person_id, client_id, audience, scopes, allowed_at, used_at)
select id, $1, $2, $3, $4, $5 from auth.person where email = 'dan@x.vn'`

func allowed(t *testing.T, db pg.DB, o oauth.Allowed) {
	t.Helper()
	if _, err := db.Exec(t.Context(), testAllowSQL, o.ClientID, o.Audience, o.Scopes, monday, o.UsedAt); err != nil {
		t.Fatal(err)
	}
}

func TestConsentsPage(t *testing.T) {
	t.Parallel()
	p, app := newHome(t)
	b := comeIn(t, p, "")
	if _, body := b.get(t, "/account/consents"); !strings.Contains(body, "Bạn chưa cho phép ứng dụng nào.") {
		t.Error("nothing allowed, and the page does not say so")
	}
	used := monday.Add(time.Hour)
	allowed(t, p.Auth.DB, oauth.Allowed{ClientID: app.ID, Audience: p.Origin, UsedAt: &used,
		Scopes: []string{"openid", "profile", "email", "offline_access", oauth.ScopeManage}})
	allowed(t, p.Auth.DB, oauth.Allowed{ClientID: app.ID, Audience: p.Gateway + "/so-cu/dich-vu/v1", Scopes: []string{}})
	for path, want := range map[string][]string{
		"/account/consents": {"Một &lt;cửa&gt;", "Biết bạn là ai", "Xem họ tên", "Xem địa chỉ thư điện tử của bạn", "khi bạn vắng mặt", "qua API quản lý (/api/v1)",
			"<dt>Dịch vụ dữ liệu</dt>", p.Gateway + "/so-cu/dich-vu/v1", "Gọi dịch vụ dữ liệu này thay bạn", "Chưa dùng lần nào"},
		"/en/account/consents": {"See your name and language", "Keep this access while you are away", "Never used", "Withdraw access"},
	} {
		answer, body := b.get(t, path)
		for _, text := range want {
			if answer.StatusCode != 200 || !strings.Contains(body, text) {
				t.Errorf("%s, %d, lacks %q", path, answer.StatusCode, text)
			}
		}
		if strings.Contains(body, "offline_access") || strings.Contains(body, "lgsp.manage") || strings.Count(body, "/revoke\"") != 1 {
			t.Errorf("%s shows names of the protocol, or not one button: %s", path, body)
		}
	}
	if answer, _ := newBrowser(p).get(t, "/account/consents"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("nobody: got %d", answer.StatusCode)
	}
	for _, what := range []string{"take back", "take back again"} {
		if answer, _ := b.post(t, "/account/consents/"+app.ID.String()+"/revoke", nil); answer.Header.Get("Location") != "/account/consents" {
			t.Errorf("%s: got %d %v", what, answer.StatusCode, answer.Header)
		}
	}
	if _, body := b.get(t, "/account/consents"); !strings.Contains(body, "Bạn chưa cho phép ứng dụng nào.") {
		t.Error("it is still allowed")
	}
}

func TestSignOutPage(t *testing.T) {
	t.Parallel()
	p, app := newHome(t)
	b := comeIn(t, p, "")
	ask := url.Values{"client_id": {app.ID.String()}, "post_logout_redirect_uri": {afterLogout}, "state": {"<s>"}}
	for path, want := range map[string][]string{
		"/sign-out?" + ask.Encode(): {"Ứng dụng “Một &lt;cửa&gt;” đề nghị đăng xuất bạn", "đăng nhập với tên Dân", `name="client_id" value="` + app.ID.String() + `"`,
			`name="post_logout_redirect_uri" value="` + afterLogout + `"`, `name="state" value="&lt;s&gt;"`, "Vẫn đăng nhập"},
		"/en/sign-out": {"An application asks to sign you out", "You are signed in as Dân", `action="/en/sign-out"`},
	} {
		answer, body := b.get(t, path)
		for _, text := range want {
			if answer.StatusCode != 200 || !strings.Contains(body, text) {
				t.Errorf("%s, %d, lacks %q", path, answer.StatusCode, text)
			}
		}
	}
	if !signedInAt(t, b) {
		t.Fatal("looking at the page signed out")
	}

	evil := url.Values{"client_id": {app.ID.String()}, "post_logout_redirect_uri": {"https://evil.test/"}}
	for _, path := range []string{"/sign-out?" + evil.Encode(), "/sign-out?post_logout_redirect_uri=https%3A%2F%2Fevil.test"} {
		if answer, body := b.get(t, path); answer.StatusCode != 400 || strings.Contains(body, `href="https://evil.test`) || !strings.Contains(body, "chưa đăng ký") {
			t.Errorf("%s: got %d %s", path, answer.StatusCode, body)
		}
	}
	if answer, _ := b.post(t, "/sign-out", evil); answer.StatusCode != 400 || !signedInAt(t, b) {
		t.Errorf("evil form: got %d", answer.StatusCode)
	}
	r := httptest.NewRequest(http.MethodPost, "/sign-out", strings.NewReader(ask.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer, _ := b.do(t, r); answer.StatusCode != http.StatusForbidden || !signedInAt(t, b) {
		t.Errorf("a form of another site: got %d", answer.StatusCode)
	}

	answer, body := b.post(t, "/sign-out", ask)
	if answer.StatusCode != 200 || !strings.Contains(body, `href="https://app.test/bye?state=%3Cs%3E"`) || b.cookies["lgsp_session"] != "" || signedInAt(t, b) {
		t.Errorf("agreed: got %d %s", answer.StatusCode, body)
	}
	if strings.Contains(body, "Dân") {
		t.Error("the page after it still names who was signed in")
	}
	if answer, body := b.get(t, "/sign-out?"+ask.Encode()); answer.StatusCode != 200 || !strings.Contains(body, afterLogout) {
		t.Errorf("signed out already: got %d, want on to the application", answer.StatusCode)
	}
	if answer, _ := b.get(t, "/en/sign-out"); answer.Header.Get("Location") != "/en/signed-out" {
		t.Errorf("signed out already, of nobody: got %d %v", answer.StatusCode, answer.Header)
	}
	if answer, body := b.get(t, "/signed-out"); answer.StatusCode != 200 || !strings.Contains(body, "Bạn đã đăng xuất") {
		t.Errorf("signed-out page: got %d", answer.StatusCode)
	}
}

// The authorization server's faults are told in words, in the reader's language.
func TestExplain(t *testing.T) {
	t.Parallel()
	p, _ := newHome(t)
	const vi, en = "Địa chỉ quay về chưa được đăng ký", "The address to return to is not registered"
	for _, tt := range []struct{ browser, asked, want string }{
		{"", "", vi}, {"en-GB,en", "", en}, {"vi", "", vi}, {"en", "vi", vi}, {"", "fr en-US", en}, {"en", "fr", en},
	} {
		language, want := tt.browser+" "+tt.asked, tt.want
		r := httptest.NewRequest(http.MethodGet, "/oauth2/authorize?ui_locales="+url.QueryEscape(tt.asked), nil)
		r.Header.Set("Accept-Language", tt.browser)
		w := httptest.NewRecorder()
		p.Explain(w, r, problem.Errorf(problem.Invalid, "no").Coded("authorize-redirect"))
		if w.Code != 400 || !strings.Contains(w.Body.String(), want) || w.Header().Get("Location") != "" {
			t.Errorf("%q: got %d %s", language, w.Code, w.Body)
		}
	}
}

// Signing in once more in the same browser leaves one session, not two.
func TestSignInAgainIsOneSession(t *testing.T) {
	t.Parallel()
	p, _ := newHome(t)
	b := comeIn(t, p, "")
	before := b.cookies["lgsp_session"]
	if answer, _ := b.post(t, "/sign-in", url.Values{"email": {"dan@x.vn"}, "password": {goodPassword}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("got %d", answer.StatusCode)
	}
	if _, body := b.get(t, "/account/sessions"); b.cookies["lgsp_session"] == before || strings.Count(body, "/end\"") != 1 {
		t.Errorf("not one new session: %s", body)
	}
}
