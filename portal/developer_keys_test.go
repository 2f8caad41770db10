package portal

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"lgsp/auth"
	"lgsp/ledger"
)

func TestSettingsOfAnApplication(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	at := "/developer/applications/" + w.app.ID.String() + "/settings"
	w.sees(t, at, 200, "FAPI 2.0", "private_key_jwt")
	save := func(section string, form url.Values) {
		t.Helper()
		form.Set("section", section)
		if answer, body := w.post(t, at, form); answer.StatusCode != 303 {
			t.Fatalf("save %s: got %d:\n%s", section, answer.StatusCode, body)
		}
	}
	save("about", url.Values{"name": {"Tên mới"}})
	save("people", url.Values{"redirect_uris": {"https://a.example/cb\nhttps://b.example/cb"}, "grant_types": {auth.GrantCode, auth.GrantRefresh}})
	save("proof", url.Values{"token_endpoint_auth_method": {auth.PrivateKeyJWT}, "dpop_bound_access_tokens": {"yes"}, "refresh_grace": {"yes"}})
	save("logout", url.Values{"post_logout_redirect_uris": {"https://a.example/out"}, "backchannel_logout_uri": {" https://a.example/told "}})
	want := func(app auth.Application, err error) {
		t.Helper()
		if err != nil || app.Name != "Tên mới" || len(app.RedirectURIs) != 2 || app.AuthMethod != auth.PrivateKeyJWT || !app.DPoPBound || !app.RefreshGrace ||
			app.PushedOnly || len(app.GrantTypes) != 2 || len(app.LogoutURIs) != 1 || app.BackchannelLogoutURI != "https://a.example/told" {
			t.Errorf("saved %+v, %v", app, err)
		}
	}
	want(w.Auth.Application(t.Context(), w.app.ID))
	answer, body := w.post(t, at, url.Values{"section": {"people"}, "redirect_uris": {"ftp://sai.example"}})
	if answer.StatusCode != 400 || !strings.Contains(body, "ftp://sai.example</textarea>") {
		t.Errorf("a wrong address: got %d, want what was typed kept:\n%s", answer.StatusCode, body)
	}
	for _, kept := range []string{`name="dpop_bound_access_tokens" value="yes" checked`, `name="refresh_grace" value="yes" checked`, `value="private_key_jwt" checked`,
		`value="Tên mới"`, "https://a.example/out</textarea>", `value="https://a.example/told"`} {
		if !strings.Contains(body, kept) {
			t.Errorf("another section does not show what is saved: lacks %s:\n%s", kept, body)
		}
	}
	if strings.Contains(body, `value="authorization_code" checked`) || strings.Contains(body, `name="profile" value="yes" checked`) {
		t.Errorf("a box that was not ticked is:\n%s", body)
	}
	if _, body := w.post(t, at, url.Values{"section": {"about"}, "name": {""}}); !strings.Contains(body, `value="authorization_code" checked`) || !strings.Contains(body, "https://b.example/cb</textarea>") {
		t.Errorf("the grants are forgotten beside a wrong name:\n%s", body)
	}
	if _, body := w.post(t, at, url.Values{"section": {"proof"}, "profile": {"yes"}, "refresh_grace": {"yes"}}); strings.Contains(body, `name="dpop_bound_access_tokens" value="yes" checked`) || !strings.Contains(body, `name="profile" value="yes" checked`) {
		t.Errorf("of its own section what was sent is shown:\n%s", body)
	}
	if answer, _ := w.post(t, at, url.Values{"section": {"x"}, "name": {"Khác"}}); answer.StatusCode != 400 {
		t.Errorf("no such section: got %d", answer.StatusCode)
	}
	want(w.Auth.Application(t.Context(), w.app.ID))
	if answer, _ := w.post(t, strings.TrimSuffix(at, "settings")+"transfer", url.Values{"agency": {w.app.ID.String()}}); answer.StatusCode != 403 {
		t.Errorf("to an agency of others: got %d", answer.StatusCode)
	}
}

func TestPublicKeysOfAnApplication(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	at := "/developer/applications/" + w.app.ID.String() + "/keys"
	w.sees(t, at, 200, "Chưa có khoá công khai")
	const key = `{"kty":"OKP","crv":"Ed25519","kid":"may-chu","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	for _, set := range []string{key, `{"keys":[` + key + `]}`} {
		if answer, body := w.post(t, at, url.Values{"keys": {set}}); answer.StatusCode != 303 {
			t.Fatalf("set %s: got %d:\n%s", set, answer.StatusCode, body)
		}
		w.sees(t, at, 200, "may-chu", "EdDSA")
	}
	for _, wrong := range []string{"{", "7", "{}", strings.Replace(key, `"x"`, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x"`, 1)} {
		if answer, body := w.post(t, at, url.Values{"keys": {wrong}}); answer.StatusCode != 400 || !strings.Contains(body, "usa-error-message") {
			t.Errorf("%s: got %d", wrong, answer.StatusCode)
		}
	}
	pem := "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n" // of RFC 8410 §10.1
	const thumbprint = "3YZxBJ12jO3n_mXt_q-j_Z-TFP1vt-NiI3OCf-fEnHQ"                                                              // RFC 7638, RFC 8037 §2
	for _, set := range []string{pem, "\n" + key + "\n" + pem, `{"keys":[` + key + `]}` + pem} {
		if answer, body := w.post(t, at, url.Values{"keys": {set}}); answer.StatusCode != 303 {
			t.Fatalf("set %s: got %d:\n%s", set, answer.StatusCode, body)
		}
		if body := w.sees(t, at, 200, "Ed25519", thumbprint); strings.Contains(body, "may-chu") != strings.Contains(set, "may-chu") {
			t.Errorf("set %s: got\n%s", set, body)
		}
	}
	for wrong, says := range map[string]string{pem[:60]: "Hãy dán nguyên từng khối", key + "x": "Hãy dán nguyên từng khối", key + key: "Hãy dán nguyên từng khối",
		strings.ReplaceAll(pem, "PUBLIC", "RSA PUBLIC"): "Có khối “RSA PUBLIC KEY”"} {
		if answer, body := w.post(t, at, url.Values{"keys": {wrong}}); answer.StatusCode != 400 || !strings.Contains(body, says) {
			t.Errorf("%s: got %d, want %s:\n%s", wrong, answer.StatusCode, says, body)
		}
	}
	// A private key is not written on a page once more.
	private := strings.ReplaceAll(pem, "PUBLIC", "PRIVATE")
	if answer, body := w.post(t, at, url.Values{"keys": {private}}); answer.StatusCode != 400 || !strings.Contains(body, "Khoá riêng này đã bị lộ") || strings.Contains(body, "MCowBQ") || strings.Contains(body, "vẫn còn nguyên") {
		t.Errorf("a private key: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ := w.post(t, at, url.Values{"keys": {key}, "jwks_uri": {"https://a.example/jwks"}}); answer.StatusCode != 303 {
		t.Errorf("jwks_uri: got %d", answer.StatusCode)
	}
	w.sees(t, at, 200, "https://a.example/jwks")
	if answer, _ := w.post(t, at, url.Values{"keys": {""}}); answer.StatusCode != 303 {
		t.Errorf("none: got %d", answer.StatusCode)
	}
	w.sees(t, at, 200, "Chưa có khoá công khai")
}

func TestLimitsOfACredentialAndALeak(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	own := "/developer/applications/" + w.app.ID.String()
	at := own + "/credentials/" + w.key.ID.String()
	w.sees(t, at, 200, w.key.Last4)
	if answer, body := w.post(t, at, url.Values{"name": {"Máy chủ"}, "networks": {"10.1.2.3/8 mạng"}}); answer.StatusCode != 400 || !strings.Contains(body, "10.1.2.3/8 mạng</textarea>") {
		t.Errorf("a wrong network: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ := w.post(t, at, url.Values{"name": {"Máy chủ"}, "networks": {"10.1.2.3/8\n203.0.113.7"}}); answer.StatusCode != 303 {
		t.Errorf("limit: got %d", answer.StatusCode)
	}
	w.sees(t, own, 200, "Máy chủ", "10.0.0.0/8", "203.0.113.7/32")
	w.sees(t, own+"/credentials/"+w.app.ID.String(), 404)

	w.sees(t, own+"/leak", 200, "Máy chủ", w.key.Last4)
	calls := make([]ledger.Exchange, 51)
	for i := range calls {
		calls[i] = ledger.Exchange{ID: uuid.Must(uuid.NewV7()), At: monday, TraceID: fmt.Sprintf("%032d", i+1), AgencyID: w.version.AgencyID,
			VersionID: w.version.ID, ApplicationID: w.app.ID, Operation: "xem-nguoi-co-cong", Credential: "api_key", Status: 200, Outcome: "complete"}
	}
	w.shipped(t, calls...)
	w.sends(t, own+"/leak", url.Values{"credential": {w.key.ID.String()}}, own+"/leak")
	if answer, body := w.get(t, own+"/leak"); answer.StatusCode != 200 || strings.Count(body, `<tr`) != 51 || !strings.Contains(body, "Xem 50 lời gọi") {
		t.Errorf("after it: got %d with %d rows, want what was done, a head and the last 50 calls:\n%s", answer.StatusCode, strings.Count(body, `<tr`), body)
	}
	body := w.sees(t, own, 200, "Đã thu hồi")
	if strings.Contains(body, `/credentials/`+w.key.ID.String()+`/rotate`) {
		t.Error("the leaked key is shown as live")
	}
	app, err := w.Auth.Application(t.Context(), w.app.ID)
	if err != nil || app.TokensNotBefore == nil {
		t.Errorf("got %+v, %v, want its tokens ended", app, err)
	}
}

// TestUntoldLogouts shows on the application's page what it was not told.
func TestUntoldLogouts(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	at := "/developer/applications/" + w.app.ID.String()
	if _, body := w.get(t, at); strings.Contains(body, "chưa báo được") {
		t.Error("an application that was told everything hears of notices")
	}
	for _, due := range []any{monday, nil} {
		if _, err := w.Auth.DB.Exec(t.Context(), `insert into auth.logout_notice (id, client_id, person_id, created_at, due_at, attempts, failure)
			values ($1, $2, $1, $3, $4, 1, 'timeout')`, uuid.Must(uuid.NewV7()), w.app.ID, monday, due); err != nil {
			t.Fatal(err)
		}
	}
	if _, body := w.get(t, at); !strings.Contains(body, "2 lần đăng xuất chưa báo được cho ứng dụng, trong đó 1 lần đã thôi báo") {
		t.Error("the page does not say what the application was not told")
	}
}
