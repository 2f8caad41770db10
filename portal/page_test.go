package portal

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/keyring"
	"lgsp/internal/mail"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
	"lgsp/portal/report"
	"lgsp/web"
)

var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

const goodPassword = "bốn chữ dễ nhớ"

// newPortal is a portal on an empty database of its own transaction, in the
// demonstration, with a clock that stands still.
func newPortal(t *testing.T) *Portal {
	t.Helper()
	db := pgtest.Tx(t)
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return monday }
	may := func(context.Context, auth.Principal, string, uuid.UUID) error { return nil }
	record := func(context.Context, pgx.Tx, auth.Act) error { return nil }
	keys := &gateway.ClientKeys{DB: db, Now: now, Seals: keyring.Of([]byte("thirty-two bytes to seal with..."))}
	p := &Portal{
		ClientCertificate: keys.Of,
		Auth: &auth.Auth{DB: db, Now: now, Peppers: keyring.Of([]byte("a pepper of thirty-two bytes ....")), Passwords: auth.NewPasswords(2, 16), May: may, Record: record,
			Forget: func(context.Context, pgx.Tx, uuid.UUID, []uuid.UUID) error { return nil }},
		Catalog: &catalog.Catalog{DB: db, Now: now, May: may, Record: record,
			Names:         func(context.Context, []uuid.UUID) (map[uuid.UUID]string, error) { return nil, nil },
			CheckTraffic:  checkTraffic,
			KeepClientKey: keys.Keep,
			Agencies:      func(context.Context, []uuid.UUID) (map[uuid.UUID]catalog.Agency, error) { return nil, nil },
			AgencyBySlug: func(_ context.Context, slug string) (catalog.Agency, error) {
				return catalog.Agency{}, problem.Errorf(problem.NotFound, "no agency %s", slug)
			}},
		OAuth: &oauth.Server{DB: db, Now: now},
		Nodes: &gateway.Nodes{DB: db, Now: now, May: may},
		Drifts: &gateway.Drifts{DB: db, Now: now, May: may, Record: record, Agency: func(context.Context, auth.Principal, uuid.UUID) (uuid.UUID, error) {
			return uuid.Nil, nil
		}},
		Pages: pages, Now: now, Origin: "http://portal.test", Gateway: "http://gateway.test", Province: "Quảng Ngãi",
		Cookies: keyring.Of([]byte("thirty-two bytes to sign with...")),
		Health:  func() gateway.Health { return gateway.Health{} },
		Mailer:  mail.Mailer{Dir: t.TempDir(), From: "lgsp@portal.test", Now: now},
		DemoAccounts: func(context.Context) ([]DemoAccount, error) {
			return []DemoAccount{{Role: "steward", Email: "lan@demo.test", Password: "<mật khẩu>"}}, nil
		},
	}
	p.Notices, p.Auth.Notify = testNotices(p), p.NotifyFactor
	p.Reports = &report.Reports{DB: db, Now: now, May: may, Auth: p.Auth, Catalog: p.Catalog, Tell: p.TellOfReport}
	return p
}

// browser keeps cookies between requests to a portal.
type browser struct {
	portal  http.Handler
	cookies map[string]string
}

func newBrowser(p *Portal) *browser {
	return &browser{portal: p.Routes(), cookies: map[string]string{}}
}

func (b *browser) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	return b.do(t, httptest.NewRequest(http.MethodGet, path, nil))
}

func (b *browser) post(t *testing.T, path string, form url.Values) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(t, r)
}

func (b *browser) do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.portal.ServeHTTP(w, r)
	answer := w.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range answer.Cookies() {
		b.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer, string(body)
}

func TestEveryPageInBothLanguages(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := newBrowser(p)
	for _, tt := range []struct {
		path   string
		status int
		vi, en string
	}{
		{"/", 200, "Dữ liệu của tỉnh, ai cũng tra cứu và dùng lại được", "for everyone to look up and build on"},
		{"/search", 200, "Tất cả dữ liệu và dịch vụ", "All data and services"},
		{"/search?q=%3Cscript%3E", 200, "Kết quả cho “&lt;script&gt;”", "Results for “&lt;script&gt;”"},
		{"/start", 200, "http://gateway.test/.well-known/api-catalog", "Get started"},
		{"/sign-in", 200, "&lt;mật khẩu&gt;", "Demonstration accounts"},
		{"/sign-up", 200, "Tạo tài khoản", "Create an account"},
		{"/forgot-password", 200, "Quên mật khẩu", "Forgotten password"},
		{"/terms", 200, "Điều khoản sử dụng", "Terms of use"},
		{"/privacy", 200, "Quyền riêng tư", "Privacy"},
		{"/accessibility", 200, "Khả năng tiếp cận", "Accessibility"},
		{"/dev/components", 200, "Bộ phận giao diện", "Interface parts"},
		{"/status", 200, "Có phần đang gặp trở ngại", "Something is in trouble"},
		{"/khong-co", 404, "Không có trang này", "There is no such page"},
	} {
		for locale, want := range map[string]string{"vi": tt.vi, "en": tt.en} {
			path := tt.path
			if locale == "en" {
				path = "/en" + path
			}
			answer, body := b.get(t, path)
			if answer.StatusCode != tt.status || !strings.Contains(body, want) || !strings.Contains(body, `<html lang="`+locale+`">`) {
				t.Errorf("%s: got %d, want %d with %q:\n%s", path, answer.StatusCode, tt.status, want, body)
			}
			if got := answer.Header.Get("Content-Language"); got != locale {
				t.Errorf("%s: Content-Language: got %q, want %q", path, got, locale)
			}
			if strings.Contains(body, " style=") || strings.Contains(body, "<style") || strings.Contains(body, " onclick=") || strings.Contains(body, "ZgotmplZ") {
				t.Errorf("%s has what its policy forbids:\n%s", path, body)
			}
		}
	}
}

func TestComponentsAreForTheDemonstrationOnly(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.DemoAccounts = nil
	b := newBrowser(p)
	if answer, _ := b.get(t, "/dev/components"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("got %d, want 404", answer.StatusCode)
	}
	if _, body := b.get(t, "/"); strings.Contains(body, "Dữ liệu trình diễn") {
		t.Error("the demonstration strip is shown")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	answer, body := newBrowser(p).get(t, "/terms")
	for name, want := range map[string]string{
		"Content-Security-Policy":   "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self' http://gateway.test; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":    "nosniff",
		"Referrer-Policy":           "same-origin",
		"Strict-Transport-Security": "",
		"Cache-Control":             "no-store",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for _, want := range []string{`<link rel="canonical" href="http://portal.test/terms">`, `hreflang="en" href="http://portal.test/en/terms"`} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %s", want)
		}
	}
	p.Origin = "https://portal.test"
	answer, _ = newBrowser(p).get(t, "/terms")
	if got := answer.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("over https: got %q", got)
	}
}

func first(answer *http.Response, _ string) *http.Response { return answer }

// signUp signs up by way of a letter and gives the page with the secrets.
func (b *browser) signUp(t *testing.T, p *Portal, locale string) string {
	t.Helper()
	form := url.Values{"name": {"Trần Thị B"}, "email": {"b@example.vn"}, "terms": {"yes"}}
	if answer, body := b.post(t, locale+"/sign-up", form); answer.StatusCode != 202 || !strings.Contains(body, "b@example.vn") {
		t.Fatalf("sign up: got %d:\n%s", answer.StatusCode, body)
	}
	link := linkIn(t, p, "b@example.vn")
	if !strings.HasPrefix(link, locale+"/sign-up/confirm?token=") {
		t.Fatalf("the letter leads to %s", link)
	}
	if answer, body := b.get(t, link); answer.StatusCode != 200 || !strings.Contains(body, "b@example.vn") {
		t.Fatalf("the link: got %d:\n%s", answer.StatusCode, body)
	}
	answer, body := b.post(t, locale+"/sign-up/confirm", url.Values{"token": {tokenOf(t, link)}, "password": {goodPassword}})
	if answer.StatusCode != 201 {
		t.Fatalf("confirm: got %d:\n%s", answer.StatusCode, body)
	}
	return body
}

// linkIn sends the letters that are due and gives the last link in the newest
// one to an address, without the origin.
func linkIn(t *testing.T, p *Portal, to string) string {
	t.Helper()
	if err := p.SendLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	letters, err := p.Mailer.Files(100)
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(regexp.QuoteMeta(p.Origin) + `(/\S*)`)
	for _, l := range letters {
		if all := links.FindAllStringSubmatch(l.Text, -1); l.To == to && len(all) > 0 {
			return all[len(all)-1][1]
		}
	}
	t.Fatalf("no letter to %s among %d", to, len(letters))
	return ""
}

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	at, err := url.Parse(link)
	if err != nil || at.Query().Get("token") == "" {
		t.Fatalf("no token in %s", link)
	}
	return at.Query().Get("token")
}

func TestSignUpThenSignOutAndIn(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := newBrowser(p)
	form := url.Values{"name": {"Trần Thị B"}, "email": {"b@example.vn"}}

	answer, body := b.post(t, "/sign-up", form)
	if answer.StatusCode != 400 || !strings.Contains(body, `value="Trần Thị B"`) {
		t.Errorf("without agreeing to the terms: got %d:\n%s", answer.StatusCode, body)
	}
	body = b.signUp(t, p, "/en")
	if !strings.Contains(body, "lgsp_key_") || !strings.Contains(body, "lgsp_secret_") || !strings.Contains(body, "My first application") {
		t.Fatalf("the page with the secrets:\n%s", body)
	}
	if !strings.Contains(body, "Sign out") || strings.Contains(body, "Tiếng Việt") {
		t.Errorf("the page with the secrets does not know who reads it, or offers to leave for another language:\n%s", body)
	}
	if _, ok := b.cookies["lgsp_session"]; !ok {
		t.Fatalf("no session: %v", b.cookies)
	}
	for method, answer := range map[string]*http.Response{"GET": first(b.get(t, "/sign-up")), "POST": first(b.post(t, "/en/sign-up", form)),
		"the page with the secrets, loaded again": first(b.post(t, "/en/sign-up/confirm", url.Values{"token": {"x"}, "password": {goodPassword}}))} {
		if !strings.HasSuffix(answer.Header.Get("Location"), "/developer") {
			t.Errorf("%s of who is signed in: got %d %q, want the desk", method, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	if _, body = b.get(t, "/terms"); !strings.Contains(body, "chỉ hiện một lần") {
		t.Error("the page with the secrets, loaded again, does not say that they are shown once")
	}
	if _, body = b.get(t, "/"); !strings.Contains(body, "Trần Thị B") || !strings.Contains(body, "Bàn làm việc của tôi") {
		t.Errorf("the header does not say who is signed in:\n%s", body)
	}
	answer, _ = b.post(t, "/sign-out", nil)
	if answer.StatusCode != 303 || len(b.cookies) != 1 {
		t.Errorf("sign out: got %d, cookies %v", answer.StatusCode, b.cookies)
	}
	if _, body = b.get(t, "/en/"); !strings.Contains(body, "You have signed out.") {
		t.Error("the page after signing out does not say so")
	}
	if _, body = b.get(t, "/en/"); strings.Contains(body, "You have signed out.") {
		t.Error("it is said twice")
	}
	answer, body = b.post(t, "/sign-in", url.Values{"email": {"b@example.vn"}, "password": {"không phải"}})
	if answer.StatusCode != 401 || !strings.Contains(body, `value="b@example.vn"`) || !strings.Contains(body, "autofocus") {
		t.Errorf("wrong password: got %d:\n%s", answer.StatusCode, body)
	}
	for next, want := range map[string]string{
		"":                    "/en/developer",
		"/apis/a/b?x=1":       "/en/apis/a/b?x=1",
		"https://evil.test/":  "/en/developer",
		"//evil.test/":        "/en/developer",
		"/\\evil.test":        "/en/developer",
		"javascript:alert(1)": "/en/developer",
	} {
		answer, _ = b.post(t, "/en/sign-in", url.Values{"email": {"b@example.vn"}, "password": {goodPassword}, "next": {next}})
		if got := answer.Header.Get("Location"); answer.StatusCode != 303 || got != want {
			t.Errorf("next %q: got %d %q, want 303 %q", next, answer.StatusCode, got, want)
		}
	}
}

func TestSignInOnTheWayToAnApplication(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := newBrowser(p)
	b.signUp(t, p, "")
	form := url.Values{"email": {"b@example.vn"}, "password": {goodPassword}}
	form.Set("next", "/oauth2/authorize?client_id=a&state=b")
	answer, body := b.post(t, "/en/sign-in", form)
	if want := `content="0;url=/oauth2/authorize?client_id=a&amp;state=b"`; answer.StatusCode != 200 || !strings.Contains(body, want) {
		t.Errorf("got %d, want 200 with %s:\n%s", answer.StatusCode, want, body)
	}
}

func TestSetPassword(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	operator := auth.Platform("test")
	person, err := p.Auth.CreatePerson(t.Context(), operator, auth.NewPerson{Email: "o@example.vn", Name: "Vận hành"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := p.Auth.CreateLink(t.Context(), operator, person.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(p)
	if answer, body := b.get(t, "/set-password?token="+url.QueryEscape(token)); answer.StatusCode != 200 || !strings.Contains(body, "o@example.vn") {
		t.Fatalf("the link: got %d:\n%s", answer.StatusCode, body)
	}
	form := url.Values{"token": {token}, "password": {goodPassword}, "repeated": {"khác"}}
	if answer, body := b.post(t, "/set-password", form); answer.StatusCode != 400 || !strings.Contains(body, "không giống nhau") {
		t.Errorf("two different ones: got %d:\n%s", answer.StatusCode, body)
	}
	form.Set("repeated", goodPassword)
	if answer, _ := b.post(t, "/set-password", form); answer.StatusCode != 303 || answer.Header.Get("Location") != "/sign-in" || b.cookies["lgsp_session"] != "" {
		t.Errorf("set: got %d, cookies %v", answer.StatusCode, b.cookies)
	}
	if answer, _ := b.post(t, "/sign-in", url.Values{"email": {"o@example.vn"}, "password": {goodPassword}}); answer.StatusCode != 303 {
		t.Errorf("sign in: got %d", answer.StatusCode)
	}
	if answer, body := b.get(t, "/agency"); answer.StatusCode != 404 || !strings.Contains(body, "Chưa có cơ quan nào trên nền tảng") {
		t.Errorf("the first operator of a platform without agencies: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ := b.get(t, "/set-password?token="+url.QueryEscape(token)); answer.StatusCode != 404 {
		t.Errorf("the link again: got %d, want 404", answer.StatusCode)
	}
}

func TestFormsFromElsewhereAreRefused(t *testing.T) {
	t.Parallel()
	b := newBrowser(newPortal(t))
	for _, tt := range []struct {
		name, header, value string
		status              int
	}{
		{"another site, by Sec-Fetch-Site", "Sec-Fetch-Site", "cross-site", 403},
		{"another site, by Origin", "Origin", "https://evil.test", 403},
		{"a sister site", "Sec-Fetch-Site", "same-site", 403},
		{"our own", "Sec-Fetch-Site", "same-origin", 303},
		{"our own, by Origin", "Origin", "http://example.com", 303}, // the Host of httptest
	} {
		r := httptest.NewRequest(http.MethodPost, "/sign-out", nil)
		r.Header.Set(tt.header, tt.value)
		if answer, body := b.do(t, r); answer.StatusCode != tt.status {
			t.Errorf("%s: got %d, want %d:\n%s", tt.name, answer.StatusCode, tt.status, body)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	for _, tt := range []struct {
		name   string
		method string
		h      pageFunc
		status int
		want   string
		not    string
	}{
		{"a bug tells nothing", "GET", func(*http.Request) (page, error) {
			return page{}, &pgconn.PgError{Code: "42703", Message: "no column password"}
		}, 500, "Hệ thống gặp lỗi", "password"},
		{"a connection that broke", "GET", func(*http.Request) (page, error) { return page{}, io.ErrUnexpectedEOF }, 503, `href="/x?a=1"`, "EOF"},
		{"a connection that broke under a form", "POST", func(*http.Request) (page, error) { return page{}, io.ErrUnexpectedEOF }, 503, "quay lại trang trước", `href="/x?a=1"`},
		{"a panic too", "GET", func(*http.Request) (page, error) { panic("hunter2") }, 500, "Mã truy vết", "hunter2"},
		{"no such template", "GET", func(*http.Request) (page, error) { return page{Name: "absent"}, nil }, 500, "Hệ thống gặp lỗi", "absent"},
		{"not signed in, reading", "GET", func(r *http.Request) (page, error) { _, err := signedIn(r); return page{}, err }, 303, "/sign-in?next=%2Fx%3Fa%3D1", ""},
		{"not signed in, sending", "POST", func(r *http.Request) (page, error) { _, err := signedIn(r); return page{}, err }, 401, "Đăng nhập bằng tài khoản khác", ""},
		{"English for the log stays there", "GET", func(*http.Request) (page, error) {
			return page{}, problem.Errorf(problem.Conflict, "v1 is draft, not in review")
		}, 409, "Không còn khớp", "v1 is draft"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			p.trace(p.recovered(p.page(tt.h))).ServeHTTP(w, httptest.NewRequest(tt.method, "/x?a=1", nil))
			if w.Code != tt.status || !strings.Contains(w.Header().Get("Location")+w.Body.String(), tt.want) {
				t.Errorf("got %d, want %d with %q:\n%s", w.Code, tt.status, tt.want, w.Body)
			}
			if tt.not != "" && strings.Contains(w.Body.String(), tt.not) {
				t.Errorf("it tells %q:\n%s", tt.not, w.Body)
			}
		})
	}
}

func TestFormTooLarge(t *testing.T) {
	t.Parallel()
	b := newBrowser(newPortal(t))
	answer, _ := b.post(t, "/sign-in", url.Values{"email": {strings.Repeat("a", bodyLimit)}})
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", answer.StatusCode)
	}
}

func TestForgedFlashIsNothing(t *testing.T) {
	t.Parallel()
	b := newBrowser(newPortal(t))
	b.cookies[flashCookie] = "eyJLZXkiOiJhdXRoLnNpZ25lZC1vdXQifQ.AAAA"
	if _, body := b.get(t, "/"); strings.Contains(body, "Bạn đã đăng xuất") {
		t.Error("a forged sentence is shown")
	}
}

// TestAFlashOutlivesItsKey: a sentence signed by the secret of before is shown
// while that is there.
func TestAFlashOutlivesItsKey(t *testing.T) {
	t.Parallel()
	old, newer := []byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))
	given := httptest.NewRecorder()
	(&Portal{Cookies: keyring.Of(old)}).giveFlash(given, web.Flash{Key: "keys.saved"})
	for name, tt := range map[string]struct {
		keys  map[int][]byte
		shown bool
	}{
		"with both": {map[int][]byte{1: old, 2: newer}, true}, "with the newer alone": {map[int][]byte{2: newer}, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, cookie := range given.Result().Cookies() {
			r.AddCookie(cookie)
		}
		p := &Portal{Cookies: keyring.New(tt.keys, func() int { return 2 })}
		if f := p.takeFlash(httptest.NewRecorder(), r); (f != nil) != tt.shown {
			t.Errorf("%s: got %+v", name, f)
		}
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	p := &Portal{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, tt := range []struct{ name, peer, forwarded, want string }{
		{"nobody between", "203.0.113.7:5", "198.51.100.1", "203.0.113.7"},
		{"our proxy", "10.0.0.1:5", "198.51.100.1", "198.51.100.1"},
		{"a forged first hop", "10.0.0.1:5", "1.2.3.4, 198.51.100.1", "198.51.100.1"},
		{"two of ours", "10.0.0.1:5", "198.51.100.1, 10.0.0.2", "198.51.100.1"},
		{"nonsense", "10.0.0.1:5", "unknown", "10.0.0.1"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.7]:5", "", "203.0.113.7"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.peer
		r.Header.Set("X-Forwarded-For", tt.forwarded)
		if got := p.Address(r).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The page after asking for an account, or a new password, is the same for an
// address with an account as for one without; the letters tell.
func TestAnswerTellsNobodyWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	newPerson(t, p, "lan@example.vn", "en")
	b := newBrowser(p)
	for path, form := range map[string]url.Values{"/sign-up": {"name": {"Ai đó"}, "terms": {"yes"}}, "/forgot-password": {}} {
		var pages []string
		for _, email := range []string{"lan@example.vn", "moi@example.vn"} {
			form.Set("email", email)
			answer, body := b.post(t, path, form)
			if answer.StatusCode != 202 || len(answer.Cookies()) != 0 {
				t.Errorf("%s: got %d, cookies %v", path, answer.StatusCode, answer.Cookies())
			}
			pages = append(pages, strings.ReplaceAll(body, email, "…"))
		}
		if pages[0] != pages[1] {
			t.Errorf("%s differs:\n%s\n%s", path, pages[0], pages[1])
		}
	}
	if link := linkIn(t, p, "moi@example.vn"); !strings.HasPrefix(link, "/sign-up/confirm?token=") {
		t.Errorf("who is new gets %s", link)
	}
	letters, err := p.Mailer.Files(10)
	if err != nil || len(letters) != 3 {
		t.Fatalf("got %d letters, %v", len(letters), err)
	}
	for _, l := range letters {
		if l.To == "lan@example.vn" && l.Subject != "This address has an account" && l.Subject != "Choose a new password" {
			t.Errorf("who has an account gets %q", l.Subject)
		}
	}
}

func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	newPerson(t, p, "lan@example.vn", "vi")
	b := newBrowser(p)
	if answer, body := b.post(t, "/forgot-password", url.Values{"email": {"không phải"}}); answer.StatusCode != 400 || !strings.Contains(body, `value="không phải"`) {
		t.Errorf("no address: got %d:\n%s", answer.StatusCode, body)
	}
	b.post(t, "/forgot-password", url.Values{"email": {"lan@example.vn"}})
	link := linkIn(t, p, "lan@example.vn")
	form := url.Values{"token": {tokenOf(t, link)}, "password": {"matkhau123"}, "repeated": {"matkhau123"}}
	if answer, body := b.post(t, "/set-password", form); answer.StatusCode != 400 || !strings.Contains(body, "bị thử trước tiên") {
		t.Errorf("a common one: got %d:\n%s", answer.StatusCode, body)
	}
	form = url.Values{"token": {tokenOf(t, link)}, "password": {goodPassword}, "repeated": {goodPassword}}
	if answer, _ := b.post(t, "/set-password", form); answer.StatusCode != 303 {
		t.Errorf("set: got %d", answer.StatusCode)
	}
	if _, body := b.get(t, "/sign-in"); !strings.Contains(body, "Mời bạn đăng nhập bằng mật khẩu mới") {
		t.Errorf("the sign-in page does not say that the password is set:\n%s", body)
	}
	if answer, _ := b.post(t, "/sign-in", url.Values{"email": {"lan@example.vn"}, "password": {goodPassword}}); answer.StatusCode != 303 {
		t.Errorf("sign in: got %d", answer.StatusCode)
	}
}

// Without a mail server the page says plainly where letters go.
func TestWhereLettersGo(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := newBrowser(p)
	ask := func() string {
		_, body := b.post(t, "/forgot-password", url.Values{"email": {"a@example.vn"}})
		return body
	}
	if body := ask(); !strings.Contains(body, `href="/demo/mail"`) {
		t.Errorf("in the demonstration:\n%s", body)
	}
	p.DemoAccounts = nil
	if body := ask(); !strings.Contains(body, "chưa có máy chủ thư") || strings.Contains(body, "/demo/mail") {
		t.Errorf("without a mail server:\n%s", body)
	}
	p.Mailer.URL = "smtp://mail.test:25"
	if body := ask(); !strings.Contains(body, "mục thư rác") || strings.Contains(body, "máy chủ thư") {
		t.Errorf("with one:\n%s", body)
	}
}

// A name that somebody types for another is not read out to them.
func TestLettersToStrangersRepeatNoName(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	newBrowser(p).post(t, "/sign-up", url.Values{"email": {"khach@example.vn"}, "name": {"Trúng thưởng tại evil.example"}, "terms": {"1"}})
	linkIn(t, p, "khach@example.vn")
	letters, err := p.Mailer.Files(10)
	if err != nil || len(letters) != 1 || strings.Contains(letters[0].Text, "evil.example") || !strings.Contains(letters[0].Text, "Kính gửi khach@example.vn") {
		t.Errorf("got %+v, %v", letters, err)
	}
}
