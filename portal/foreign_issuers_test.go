package portal

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/internal/keyring"
)

// TestForeignIssuersOnTheirPages: an operator sets another server up, says
// which application its client is, and takes both back; nothing shows the secret.
func TestForeignIssuersOnTheirPages(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	enforcer, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	w.Auth.May = enforcer.May
	w.Auth.Seals = keyring.Of(make([]byte, 32))
	const at = "/operator/issuers"
	w.sees(t, at, 403)
	boss := w.person(t, "operator@example.vn")
	w.as(t, "operator")
	if err := w.Auth.AddMembership(t.Context(), auth.Platform("test"), boss.Person, auth.Membership{Role: auth.RoleOperator}); err != nil {
		t.Fatal(err)
	}
	w.sees(t, at, 200, "Chưa khai báo máy chủ nào", `value="`+w.Gateway+`"`)
	typed := url.Values{"name": {"Bộ <X>"}, "issuer": {"https://sso.example.vn"}, "introspection_url": {"http://sso.example.vn/hoi"}, "client_id": {"tinh"}, "client_secret": {"bi-mat"}, "audience": {""}}
	_, body := w.post(t, at, typed)
	if !strings.Contains(body, "usa-error-message") || !strings.Contains(body, "http://sso.example.vn/hoi") || strings.Contains(body, "bi-mat") {
		t.Errorf("an address in the clear:\n%s", body)
	}
	typed.Set("introspection_url", "https://sso.example.vn/hoi")
	answer, _ := w.post(t, at, typed)
	own := answer.Header.Get("Location")
	if answer.StatusCode != 303 || !strings.HasPrefix(own, at+"/") {
		t.Fatalf("add: got %d %s", answer.StatusCode, own)
	}
	w.sees(t, at, 200, "Bộ &lt;X&gt;", "https://sso.example.vn")
	if body := w.sees(t, own, 200, "Bộ &lt;X&gt;", "chưa mã nào của máy chủ này được nhận"); strings.Contains(body, "bi-mat") {
		t.Error("the secret is shown")
	}
	w.refused(t, own+"/clients", url.Values{"client": {"he-thong"}, "application": {"khong"}}, 400, "usa-error-message")
	w.refused(t, own+"/clients", url.Values{"client": {""}, "application": {w.app.ID.String()}}, 400, `href="#f-client"`)
	w.sends(t, own+"/clients", url.Values{"client": {"he-thong"}, "application": {w.app.ID.String()}}, own)
	w.sees(t, own, 200, "he-thong", w.app.ID.String())
	w.sends(t, own+"/clients", url.Values{"client": {"he-thong"}, "end": {"yes"}}, own)
	if body := w.sees(t, own, 200); strings.Contains(body, "he-thong") {
		t.Error("a client that is none any more is shown")
	}
	typed.Set("name", "Bộ Y")
	typed.Del("client_secret")
	w.sends(t, own, typed, own)
	w.sees(t, own, 200, "Bộ Y")
	w.sends(t, own+"/remove", nil, at)
	w.sees(t, own, 404)
	w.sees(t, at+"/"+uuid.NewString(), 404)
}
