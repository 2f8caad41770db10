package portal

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/auth/outside"
)

// from sends a form from a client address.
func (b *browser) from(t *testing.T, address, path string, form url.Values) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(address), 5000).String()
	return b.do(t, r)
}

func TestSignInBrake(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	now := monday
	p.Now = func() time.Time { return now }
	b := newBrowser(p)
	if _, err := p.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Name: "Chủ", Email: "chu@example.vn", Password: goodPassword}); err != nil {
		t.Fatal(err)
	}
	wrong := func(email string) url.Values { return url.Values{"email": {email}, "password": {"không phải"}} }
	right := url.Values{"email": {"chu@example.vn"}, "password": {goodPassword}}
	for _, email := range []string{"chu@example.vn", "khong-co@example.vn"} {
		for try := range maxAccountTries {
			if answer, _ := b.from(t, "203.0.113.7", "/sign-in", wrong(email)); answer.StatusCode != 401 {
				t.Fatalf("%s, try %d: got %d, want 401", email, try+1, answer.StatusCode)
			}
		}
		answer, body := b.from(t, "203.0.113.7", "/sign-in", wrong(" "+strings.ToUpper(email)))
		if answer.StatusCode != 429 || !strings.Contains(body, "quá nhiều lần đăng nhập") {
			t.Errorf("%s, one more: got %d, want 429", email, answer.StatusCode)
		}
	}
	for _, tt := range []struct {
		name, address string
		form          url.Values
		status        int
	}{
		{"the right password after too many wrong ones", "203.0.113.7", right, 429},
		{"another account from there", "203.0.113.7", wrong("dong-nghiep@example.vn"), 401},
		{"the owner, from elsewhere", "198.51.100.9", right, 303},
	} {
		if answer, _ := b.from(t, tt.address, "/sign-in", tt.form); answer.StatusCode != tt.status {
			t.Errorf("%s: got %d, want %d", tt.name, answer.StatusCode, tt.status)
		}
	}
	now = now.Add(attemptWindow)
	if answer, _ := b.from(t, "203.0.113.7", "/sign-in", right); answer.StatusCode != 303 {
		t.Errorf("when the window is over: got %d, want 303", answer.StatusCode)
	}
}

func TestSignUpBrake(t *testing.T) {
	t.Parallel()
	b := newBrowser(newPortal(t))
	for range maxNetworkSignUps {
		if answer, _ := b.from(t, "2001:db8::1", "/sign-up", nil); answer.StatusCode != 400 {
			t.Fatalf("got %d, want 400", answer.StatusCode)
		}
	}
	for _, tt := range []struct {
		address, path, want string
		status              int
	}{
		{"2001:db8::2", "/sign-up", "xin quá nhiều thư", 429}, // the same /64
		{"2001:db8::3", "/en/sign-up", "Too many letters", 429},
		{"2001:db8::5", "/forgot-password", "xin quá nhiều thư", 429},
		{"2001:db8::4", "/api/v1/sign-up", `"code":"too-many-sign-ups"`, 429},
		{"2001:db8:0:1::1", "/sign-up", "", 400},
	} {
		answer, body := b.from(t, tt.address, tt.path, nil)
		if answer.StatusCode != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s from %s: got %d, want %d with %q:\n%s", tt.path, tt.address, answer.StatusCode, tt.status, tt.want, body)
		}
	}
}

// Many at once are no way around, and many networks make nobody forget.
func TestAttemptsAtOnce(t *testing.T) {
	t.Parallel()
	var a attempts
	one := tries{netip.MustParsePrefix("203.0.113.7/32"), signIns}
	var let atomic.Int64
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			if a.take(one, 8, monday) {
				let.Add(1)
			}
		})
	}
	group.Wait()
	if let.Load() != 8 {
		t.Errorf("%d of 200 were let through, want 8", let.Load())
	}
	for n := range maxTallies + 100 {
		a.take(tries{one.network, strconv.Itoa(n)}, 8, monday)
	}
	if got := len(a.tallies); got != maxTallies {
		t.Errorf("%d are remembered, want %d", got, maxTallies)
	}
	a.take(tries{one.network, "later"}, 8, monday.Add(attemptWindow))
	if got := len(a.tallies); got != 1 {
		t.Errorf("after the window %d are remembered, want 1", got)
	}
}

// What is kept for whoever begins to sign in is bounded by network.
func TestAskedBrake(t *testing.T) {
	t.Parallel()
	tv := newTelevision(t)
	tv.portal.Outside = &outside.Provider{Issuer: "http://127.0.0.1:1", Client: http.DefaultClient, Now: tv.portal.Now}
	for range maxNetworkAsked {
		tv.portal.attempts.take(tries{network(netip.MustParseAddr("203.0.113.7")), begun}, maxNetworkAsked, monday)
	}
	b := newBrowser(tv.portal)
	for _, path := range []string{"/sign-in/passkey/ask", "/sign-in/outside", "/en/sign-in/outside"} {
		if answer, _ := b.from(t, "203.0.113.7", path, nil); answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s, too many: got %d", path, answer.StatusCode)
		}
		if answer, _ := b.from(t, "203.0.113.8", path, nil); answer.StatusCode == http.StatusTooManyRequests {
			t.Errorf("%s, from elsewhere: got 429", path)
		}
	}
}
