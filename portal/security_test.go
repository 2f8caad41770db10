package portal

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/keyring"
)

// TestOfficialIsLedToASecondFactor: from the one-time link to the desk, with
// nothing of it before the second factor, without scripts.
func TestOfficialIsLedToASecondFactor(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	now := monday
	p.Auth.Now = func() time.Time { return now }
	p.Auth.Seals = keyring.Of([]byte("a seal of thirty-two bytes ......")[:32])
	var letters []auth.FactorNotice
	p.Auth.Notify = func(_ context.Context, _ pgx.Tx, n auth.FactorNotice) error {
		letters = append(letters, n)
		return nil
	}
	root := auth.Platform("test")
	person, err := p.Auth.CreatePerson(t.Context(), root, auth.NewPerson{Email: "o@example.vn", Name: "Vận hành", Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Auth.AddMembership(t.Context(), root, person.ID, auth.Membership{Agency: uuid.Nil, Role: auth.RoleOperator}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(p)
	goes := func(answer *http.Response, want string) {
		t.Helper()
		if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || got != want {
			t.Fatalf("got %d to %q, want %q", answer.StatusCode, got, want)
		}
	}
	credentials := url.Values{"email": {"o@example.vn"}, "password": {goodPassword}}
	answer, _ := b.post(t, "/sign-in", credentials)
	goes(answer, "/operator")
	for _, path := range []string{"/operator", "/en/operator", "/", "/account", "/khong-co"} {
		answer, _ = b.get(t, path)
		if !strings.Contains(answer.Header.Get("Location"), "/account/security?next=") {
			t.Errorf("%s: got %d to %q", path, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	if answer, body := b.get(t, "/account/security?next=%2Foperator"); answer.StatusCode != 200 || !strings.Contains(body, "Tài khoản cán bộ cần xác thực hai bước") {
		t.Fatalf("the page: got %d:\n%s", answer.StatusCode, body)
	}
	answer, _ = b.post(t, "/account/security/app", url.Values{"next": {"/operator"}})
	goes(answer, "/account/security/app?next=%2Foperator")
	_, body := b.get(t, "/account/security/app?next=%2Foperator")
	for _, text := range []string{`<path d="M4 4h1v1h-1z`, "otpauth://totp/LGSP%20Qu%E1%BA%A3ng%20Ng%C3%A3i:o@example.vn?", `value="/operator"`} {
		if !strings.Contains(body, text) {
			t.Errorf("the page of the app lacks %q:\n%s", text, body)
		}
	}
	if strings.Contains(body, " style=") || strings.Contains(body, "ZgotmplZ") {
		t.Errorf("it has what its policy forbids:\n%s", body)
	}
	if answer, body := b.post(t, "/account/security/app/confirm", url.Values{"code": {"000000"}}); answer.StatusCode != 401 || !strings.Contains(body, "Chưa xác thực được") {
		t.Errorf("a wrong code: got %d:\n%s", answer.StatusCode, body)
	}
	secret := strings.ReplaceAll(regexp.MustCompile(`class="secret">([A-Z2-7 ]+)<`).FindStringSubmatch(body)[1], " ", "")
	before := b.cookies["lgsp_session"]
	answer, body = b.post(t, "/account/security/app/confirm", url.Values{"code": {totp(t, secret, now)}, "next": {"/operator"}})
	codes := regexp.MustCompile(`[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}`).FindAllString(body, -1)
	if answer.StatusCode != http.StatusCreated || len(codes) != 10 || !strings.Contains(body, `href="/operator"`) || b.cookies["lgsp_session"] == before {
		t.Fatalf("enrolled: got %d, %d codes:\n%s", answer.StatusCode, len(codes), body)
	}
	if answer, body = b.get(t, "/account"); answer.StatusCode != 200 || !strings.Contains(body, `href="/operator"`) {
		t.Errorf("with the role: got %d:\n%s", answer.StatusCode, body)
	}

	other := newBrowser(p)
	answer, _ = other.post(t, "/sign-in", credentials)
	goes(answer, "/sign-in/second?next=")
	if other.cookies["lgsp_session"] != "" || other.cookies["lgsp_second"] == "" {
		t.Errorf("between the steps: cookies %v", other.cookies)
	}
	if answer, body := other.post(t, "/sign-in/second", url.Values{"code": {"123"}}); answer.StatusCode != 401 || !strings.Contains(body, "Dùng mã khôi phục") {
		t.Errorf("a wrong second factor: got %d:\n%s", answer.StatusCode, body)
	}
	answer, _ = other.post(t, "/sign-in/second", url.Values{"recovery": {codes[0]}})
	goes(answer, "/operator")
	if other.cookies["lgsp_second"] != "" || other.cookies["lgsp_session"] == "" {
		t.Errorf("after the steps: cookies %v", other.cookies)
	}
	now = now.Add(11 * time.Minute)
	answer, _ = other.post(t, "/account/security/app/remove", nil)
	goes(answer, "/sign-in/confirm?next=%2Faccount%2Fsecurity")
	if answer, body := other.get(t, "/sign-in/confirm?next=%2Faccount%2Fsecurity"); answer.StatusCode != 200 || !strings.Contains(body, `name="present"`) || !strings.Contains(body, `name="code"`) {
		t.Errorf("it asks for one of two: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, body := other.post(t, "/sign-in/confirm", url.Values{"present": {goodPassword}}); answer.StatusCode != 401 || !strings.Contains(body, "Chưa xác thực được") {
		t.Errorf("the password alone: got %d:\n%s", answer.StatusCode, body)
	}
	answer, _ = other.post(t, "/sign-in/confirm", url.Values{"present": {goodPassword}, "code": {totp(t, secret, now)}, "next": {"/account/security"}})
	goes(answer, "/account/security")
	answer, _ = other.post(t, "/account/security/app/remove", nil)
	goes(answer, "/account/security")
	if len(letters) != 3 || letters[0].What != "factor-added" || letters[1].What != "recovery-used" || letters[2].What != "factor-removed" {
		t.Errorf("letters: got %+v", letters)
	}
	letters = append(letters, auth.FactorNotice{What: "codes-wrong"}, auth.FactorNotice{What: "factor-removed"})
	for _, n := range letters {
		if letter, err := p.agreementWords(auth.Person{Locale: "en"}, n.What, agreementTold{Factor: n.Kind}); err != nil || !strings.Contains(letter.Text, p.Origin+"/en/account/security") {
			t.Errorf("%s: got %v, %v", n.What, letter, err)
		}
	}
}

// totp is what an authenticator app would show (RFC 6238).
func totp(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}
