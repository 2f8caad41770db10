package portal

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSessionCookieOverHTTPS(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.Origin = "https://portal.test"
	b := newBrowser(p)
	b.signUp(t, p, "")
	answer, _ := b.post(t, "/sign-in", url.Values{"email": {"b@example.vn"}, "password": {goodPassword}})
	var session *http.Cookie
	for _, c := range answer.Cookies() {
		if c.Name == "__Host-lgsp" {
			session = c
		}
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.Path != "/" {
			t.Errorf("%s: %+v", c.Name, c)
		}
	}
	if session == nil {
		t.Fatalf("no session: %v", answer.Header)
	}
	if answer, _ := b.get(t, "/account"); answer.StatusCode != http.StatusOK {
		t.Errorf("with the cookie: got %d", answer.StatusCode)
	}
	// A sister site over http can plant a cookie without the prefix.
	b.cookies = map[string]string{"lgsp_session": session.Value}
	if answer, _ := b.get(t, "/account"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("with a planted cookie: got %d, want 303 to the sign-in", answer.StatusCode)
	}
}

// Signing in again does not go on with the session that was there (OWASP
// session fixation).
func TestSignInMakesANewSession(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := newBrowser(p)
	b.signUp(t, p, "")
	before := b.cookies["lgsp_session"]
	b.post(t, "/sign-in", url.Values{"email": {"b@example.vn"}, "password": {goodPassword}})
	if after := b.cookies["lgsp_session"]; before == "" || after == "" || after == before {
		t.Errorf("before %q, after %q", before, after)
	}
}

// A link that ends in our sign-in page leads nowhere but to our own pages.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/apis?x=1", "//evil.test", "/\\evil.test", "https://evil.test", "/%2f/evil.test", "/\t/evil.test", "javascript:alert(1)", "/.//evil.test", "/@evil.test"} {
		f.Add(seed)
	}
	here, _ := url.Parse("https://portal.test/sign-in")
	f.Fuzz(func(t *testing.T, next string) {
		got := localPath(next)
		if got == "" {
			return
		}
		to, err := here.Parse(got)
		if err != nil || to.Host != here.Host || to.Scheme != here.Scheme || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t") {
			t.Errorf("%q leads to %v", next, to)
		}
	})
}
