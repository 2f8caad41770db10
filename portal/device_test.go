package portal

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

// television is an application whose device asks to be let in: the code that
// its person types, and the acts recorded.
type television struct {
	portal *Portal
	server http.Handler
	app    auth.Application
	acts   []string
}

func newTelevision(t *testing.T) *television {
	t.Helper()
	tv := &television{portal: newPortal(t)}
	p := tv.portal
	p.OAuth = &oauth.Server{
		DB: p.Auth.DB, Now: func() time.Time { return p.Now() }, Issuer: p.Origin, Portal: p.Origin,
		HMACs: keyring.Of([]byte(strings.Repeat("h", 32))), Seals: keyring.Of([]byte(strings.Repeat("s", 32))), Nonces: keyring.Of(make([]byte, 32)),
		Client: p.Auth.Application, SessionPerson: func(r *http.Request) (oauth.SignedIn, error) {
			who, proof, err := p.SessionOf(r)
			return oauth.SignedIn{Who: who, Proof: proof}, err
		},
		WhoByPerson: p.Auth.WhoByPerson,
		Record: func(_ context.Context, _ pgx.Tx, act auth.Act) error {
			tv.acts = append(tv.acts, act.Verb)
			return nil
		},
	}
	if err := errors.Join(p.OAuth.Prepare(), p.OAuth.MakeKeys(t.Context())); err != nil {
		t.Fatal(err)
	}
	router := mux.NewRouter()
	p.OAuth.Routes(router)
	tv.server = router
	owner, err := p.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: "chu@example.vn", Name: "Chủ", Locale: "vi"})
	if err != nil {
		t.Fatal(err)
	}
	tv.app, _, err = p.Auth.CreateApplication(t.Context(), auth.Principal{Person: owner.ID}, auth.NewApplication{
		Name: "Bảng tra cứu", Kind: auth.Public, Protocol: auth.Protocol{GrantTypes: []string{auth.GrantDevice}}})
	if err != nil {
		t.Fatal(err)
	}
	return tv
}

func (tv *television) post(t *testing.T, path string, form url.Values) map[string]any {
	t.Helper()
	form.Set("client_id", tv.app.ID.String())
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	tv.server.ServeHTTP(w, r)
	var said map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	return said
}

func (tv *television) ask(t *testing.T) (device, typed string) {
	t.Helper()
	said := tv.post(t, "/oauth2/device_authorization", url.Values{"scope": {"openid"}})
	return said["device_code"].(string), said["user_code"].(string)
}

func (tv *television) poll(t *testing.T, device string) map[string]any {
	t.Helper()
	return tv.post(t, "/oauth2/token", url.Values{"grant_type": {auth.GrantDevice}, "device_code": {device}})
}

// person is somebody signed in at a browser.
func (tv *television) person(t *testing.T, email string) *browser {
	t.Helper()
	b := newBrowser(tv.portal)
	_, err := tv.portal.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: email, Name: "Lan", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	if answer, body := b.post(t, "/sign-in", url.Values{"email": {email}, "password": {goodPassword}}); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign in: got %d:\n%s", answer.StatusCode, body)
	}
	return b
}

func TestDevicePage(t *testing.T) {
	t.Parallel()
	tv := newTelevision(t)
	device, typed := tv.ask(t)

	nobody := newBrowser(tv.portal)
	answer, _ := nobody.get(t, "/en/device?user_code="+typed)
	if got, want := answer.Header.Get("Location"), "/en/sign-in?next="+url.QueryEscape("/device?user_code="+typed); got != want {
		t.Errorf("nobody signed in: got %d to %q", answer.StatusCode, got)
	}
	if answer, _ := nobody.post(t, "/device", url.Values{"user_code": {typed}, "answer": {"allow"}}); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody allows: got %d", answer.StatusCode)
	}

	b := tv.person(t, "lan@example.vn")
	for path, want := range map[string]string{"/device?user_code=" + typed: "Cơ quan nhà nước không bao giờ", "/en/device?user_code=" + typed: "stop here"} {
		answer, body := b.get(t, path)
		if answer.StatusCode != 200 || !strings.Contains(body, want) || !strings.Contains(body, `value="`+typed+`"`) {
			t.Errorf("%s: got %d:\n%s", path, answer.StatusCode, body)
		}
	}
	answer, body := b.post(t, "/device", url.Values{"user_code": {"bcdf ghj"}})
	if answer.StatusCode != int(problem.Invalid) || !strings.Contains(body, `value="bcdf ghj"`) || !strings.Contains(body, "đã quá 10 phút") {
		t.Errorf("a wrong code: got %d:\n%s", answer.StatusCode, body)
	}
	for path, want := range map[string]string{"/device": "Biết bạn là ai", "/en/device": "Know who you are"} {
		answer, body := b.post(t, path, url.Values{"user_code": {strings.ToLower(strings.ReplaceAll(typed, "-", " "))}})
		if answer.StatusCode != 200 || !strings.Contains(body, "“Bảng tra cứu”") || !strings.Contains(body, want) || !strings.Contains(body, `value="deny"`) {
			t.Errorf("%s with the code: got %d:\n%s", path, answer.StatusCode, body)
		}
	}
	if said := tv.poll(t, device); said["error"] != "authorization_pending" {
		t.Errorf("looking at the page answered the device: %v", said)
	}
	if answer, body := b.post(t, "/device", url.Values{"user_code": {typed}, "answer": {"allow"}}); answer.StatusCode != 200 || !strings.Contains(body, "Thiết bị đã được phép") {
		t.Errorf("allow: got %d:\n%s", answer.StatusCode, body)
	}
	if said := tv.poll(t, device); said["access_token"] == nil || said["id_token"] == nil {
		t.Errorf("the device got %v", said)
	}
	if len(tv.acts) != 1 || tv.acts[0] != "device.allow" {
		t.Errorf("recorded: %v", tv.acts)
	}

	device, typed = tv.ask(t)
	if answer, body := b.post(t, "/en/device", url.Values{"user_code": {typed}, "answer": {"deny"}}); answer.StatusCode != 200 || !strings.Contains(body, "The device is not allowed") {
		t.Errorf("deny: got %d:\n%s", answer.StatusCode, body)
	}
	if said := tv.poll(t, device); said["error"] != "access_denied" {
		t.Errorf("the device got %v", said)
	}
}

func TestNewcomersBrake(t *testing.T) {
	t.Parallel()
	tv := newTelevision(t)
	tv.portal.Protocols = map[string]http.Handler{"/oauth2/": tv.server}
	b := newBrowser(tv.portal)
	for path, limit := range map[string]int{"/oauth2/device_authorization": maxNetworkDevices, "/oauth2/register": maxNetworkRegistrations} {
		for range limit {
			tv.portal.attempts.take(tries{network(netip.MustParseAddr("203.0.113.7")), path}, limit, monday)
		}
		if answer, body := b.from(t, "203.0.113.7", path, nil); answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" || !strings.Contains(body, "temporarily_unavailable") {
			t.Errorf("%s, too many: got %d %s", path, answer.StatusCode, body)
		}
		if answer, _ := b.from(t, "203.0.113.8", path, nil); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s, from elsewhere: got %d, want 401", path, answer.StatusCode)
		}
	}
}

func TestDeviceCodeBrake(t *testing.T) {
	t.Parallel()
	tv := newTelevision(t)
	now := monday
	tv.portal.Now = func() time.Time { return now }
	_, typed := tv.ask(t)
	guesser := tv.person(t, "doan@example.vn")
	guess := func(b *browser, from string, code string) int {
		answer, _ := b.from(t, from, "/device", url.Values{"user_code": {code}})
		return answer.StatusCode
	}
	wrong := guess(guesser, "203.0.113.7", "BCDF-GHJK")
	for try := range maxPersonCodes - 1 {
		if got := guess(guesser, "198.51.100."+string(rune('1'+try)), "BCDF-GHJK"); got != wrong {
			t.Fatalf("guess %d: got %d, want %d", try+2, got, wrong)
		}
	}
	if got := guess(guesser, "192.0.2.1", typed); got != http.StatusTooManyRequests {
		t.Errorf("the right code after too many wrong ones, from another network: got %d, want 429", got)
	}
	other := tv.person(t, "khac@example.vn")
	if got := guess(other, "203.0.113.7", typed); got != 200 {
		t.Errorf("somebody else: got %d, want 200", got)
	}
	for range maxNetworkCodes {
		tv.portal.attempts.take(tries{network(netip.MustParseAddr("203.0.113.9")), "device codes"}, maxNetworkCodes, now)
	}
	if got := guess(other, "203.0.113.9", typed); got != http.StatusTooManyRequests {
		t.Errorf("a network with too many: got %d, want 429", got)
	}
	now = now.Add(attemptWindow - time.Minute)
	_, typed = tv.ask(t)
	now = now.Add(time.Minute)
	if got := guess(guesser, "203.0.113.7", typed); got != 200 {
		t.Errorf("after the wait: got %d, want 200", got)
	}
}
