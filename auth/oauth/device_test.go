package oauth

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

// allowGrants lets an application use more grants than its kind does by itself.
func (w *world) allowGrants(app auth.Application, grants ...string) {
	w.t.Helper()
	_, err := w.auth.EditApplication(w.t.Context(), w.owner, app.ID, auth.NewApplication{
		Name: app.Name, RedirectURIs: app.RedirectURIs, Protocol: auth.Protocol{GrantTypes: append(app.GrantTypes, grants...)},
	})
	w.must(err)
}

// device is an application whose device asks for scopes: its own code, and
// what its person types.
func (w *world) device(scopes ...string) (code, typed string) {
	w.t.Helper()
	w.allowGrants(w.app, auth.GrantDevice)
	got := w.post("/oauth2/device_authorization", &w.app, url.Values{"scope": {strings.Join(scopes, " ")}})
	if got.status != 200 {
		w.t.Fatalf("device authorization: got %d %v", got.status, got.body)
	}
	return got.body["device_code"].(string), got.body["user_code"].(string)
}

func (w *world) poll(code string) answer {
	w.t.Helper()
	return w.post("/oauth2/token", &w.app, url.Values{"grant_type": {auth.GrantDevice}, "device_code": {code}})
}

func (w *world) answerDevice(typed, word string) {
	w.t.Helper()
	w.must(w.server.DecideDevice(w.t.Context(), *w.signedIn, typed, word))
}

// A television as golang.org/x/oauth2 would write it.
func TestDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allowGrants(w.native, auth.GrantDevice)
	conf := &oauth2.Config{ClientID: w.native.ID.String(), Scopes: []string{scopeOpenID, scopeOffline}, Endpoint: oauth2.Endpoint{
		DeviceAuthURL: w.http.URL + "/oauth2/device_authorization", TokenURL: w.http.URL + "/oauth2/token", AuthStyle: oauth2.AuthStyleInParams}}
	asked, err := conf.DeviceAuth(t.Context())
	w.must(err)
	if asked.VerificationURI != portal+"/device" || asked.VerificationURIComplete != portal+"/device?user_code="+asked.UserCode || asked.Interval != 5 {
		t.Errorf("the device was told %+v", asked)
	}
	view, err := w.server.Device(t.Context(), asked.UserCode)
	w.must(err)
	if view.ClientName != w.native.Name || view.Audience != w.http.URL || len(view.Scopes) != 2 {
		t.Errorf("the page shows %+v", view)
	}
	w.answerDevice(asked.UserCode, "allow")
	// conf.DeviceAccessToken would wait 5 real seconds; test/oauth-grants.test.mjs does.
	token := w.post("/oauth2/token", nil, url.Values{"grant_type": {auth.GrantDevice}, "device_code": {asked.DeviceCode}, "client_id": {conf.ClientID}})
	token.want(t, 200, "")
	access, err := w.server.verifier.Verify(t.Context(), bearer(token.body["access_token"].(string)), w.http.URL)
	w.must(err)
	if access.Subject != w.person.ID.String() || access.Client != w.native.ID.String() {
		t.Errorf("sub %s, client_id %s", access.Subject, access.Client)
	}
	id := payload(t, token.body["id_token"].(string))
	if id["sub"] != w.person.ID.String() || id["sid"] != w.session.String() {
		t.Errorf("ID token: got %v", id)
	}
	w.post("/oauth2/token", nil, url.Values{"grant_type": {"refresh_token"}, "client_id": {conf.ClientID},
		"refresh_token": {token.body["refresh_token"].(string)}}).want(t, 200, "")
	if last := w.acts[len(w.acts)-1]; last.Verb != "device.allow" || last.About != w.native.ID {
		t.Errorf("recorded: %+v", last)
	}
}

func TestADeviceWaitsForItsPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, typed := w.device(scopeOpenID)
	w.poll(code).want(t, 400, "authorization_pending")
	w.poll(code).want(t, 400, "slow_down") // 10 s from here on
	w.pass(6 * time.Second)
	w.poll(code).want(t, 400, "slow_down") // 15 s
	w.pass(15 * time.Second)
	w.poll(code).want(t, 400, "authorization_pending")
	w.pass(14 * time.Second) // a second early is the network's
	w.poll(code).want(t, 400, "authorization_pending")
	w.answerDevice(strings.ToLower(typed[:2]+" "+typed[2:]), "allow") // as people type
	w.poll(code).want(t, 200, "")
	w.poll(code).want(t, 400, "invalid_grant")
	if got := w.count("oauth_device"); got != 0 {
		t.Errorf("%d devices are kept", got)
	}
}

func TestOneOfFiftyTakesADeviceCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, typed := w.device(scopeOffline)
	w.answerDevice(typed, "allow")
	if won := w.takers(50, "invalid_grant", func() answer { return w.poll(code) }); won != 1 {
		t.Errorf("%d of 50 took the code, want 1", won)
	}
	if access, refresh := w.count("oauth_access"), w.count("oauth_refresh"); access != 1 || refresh != 1 {
		t.Errorf("%d access and %d refresh tokens are kept, want one each", access, refresh)
	}
	if got := w.count("oauth_grant where revoked_at is null"); got != 1 {
		t.Errorf("the winner's family is dead")
	}
}

func TestOneOfManyAnswersADevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, typed := w.device(scopeOpenID)
	w.answerDevice(typed, "deny")
	for name, word := range map[string]string{"allowed after denied": "allow", "denied twice": "deny"} {
		if err := w.server.DecideDevice(t.Context(), *w.signedIn, typed, word); problem.Code(err) != "device-code-unknown" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	w.poll(code).want(t, 400, "access_denied")
	code, typed = w.device(scopeOpenID)
	w.answerDevice(typed, "allow")
	if err := w.server.DecideDevice(t.Context(), *w.signedIn, typed, "deny"); problem.Code(err) != "device-code-unknown" {
		t.Errorf("denied after allowed: got %v", err)
	}
	w.poll(code).want(t, 200, "")
	if err := w.server.DecideDevice(t.Context(), *w.signedIn, typed, "perhaps"); problem.Code(err) != "consent-answer" {
		t.Errorf("another word: got %v", err)
	}
}

func TestADeviceCodeLivesTenMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	waiting, typed := w.device(scopeOpenID)
	allowed, second := w.device(scopeOpenID)
	w.answerDevice(second, "allow")
	w.pass(deviceLife)
	w.poll(waiting).want(t, 400, "expired_token")
	w.poll(allowed).want(t, 400, "expired_token")
	if _, err := w.server.Device(t.Context(), typed); problem.Code(err) != "device-code-unknown" {
		t.Errorf("the page of an expired code: got %v", err)
	}
	w.pass(3 * time.Hour)
	w.must(w.server.sweep(t.Context()))
	if got := w.count("oauth_device") + w.count("oauth_grant"); got != 0 {
		t.Errorf("%d expired rows are kept", got)
	}
}

func TestDeviceRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(form url.Values) answer { return w.post("/oauth2/device_authorization", &w.app, form) }
	ask(nil).want(t, 400, "unauthorized_client")
	w.poll(devicePrefix+"x").want(t, 400, "unauthorized_client")
	code, _ := w.device()
	w.post("/oauth2/device_authorization", nil, nil).want(t, 401, "invalid_client")
	ask(url.Values{"scope": {"all"}}).want(t, 400, "invalid_scope")
	ask(url.Values{"resource": {landAPI}}).want(t, 400, "invalid_target")
	ask(url.Values{"scope": {"openid", "email"}}).want(t, 400, "invalid_request")
	ask(url.Values{"scope": {strings.Repeat("x", bodyLimit)}}).want(t, 413, "invalid_request")
	w.poll("").want(t, 400, "invalid_grant")
	w.poll(code[:len(code)-1]).want(t, 400, "invalid_grant")
	w.allowGrants(w.other, auth.GrantDevice)
	other := w.post("/oauth2/token", &w.other, url.Values{"grant_type": {auth.GrantDevice}, "device_code": {code}})
	other.want(t, 400, "invalid_grant")
	w.poll(code).want(t, 400, "authorization_pending") // the stranger's question did not count

	_, err := w.auth.EditApplication(t.Context(), w.owner, w.app.ID, auth.NewApplication{Name: w.app.Name, RedirectURIs: w.app.RedirectURIs,
		Protocol: auth.Protocol{GrantTypes: []string{auth.GrantDevice}, Profile: auth.FAPI2}})
	if err == nil { // what else the profile asks of an application is not this test's
		ask(nil).want(t, 400, "unauthorized_client")
	}
}

// Between the answer and the fetch, everything may change.
func TestADeviceAsksAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(w *world)
		want   string
	}{
		"the person is locked out": {func(w *world) { w.must(w.auth.DisablePerson(w.t.Context(), auth.Platform("test"), w.person.ID)) }, "invalid_grant"},
		"the agreement ended":      {func(w *world) { w.agree(w.app) }, "invalid_target"},
		"the grant was revoked": {func(w *world) {
			_, err := w.db.Exec(w.t.Context(), "update auth.oauth_grant set revoked_at = now()")
			w.must(err)
		}, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.allowGrants(w.app, auth.GrantDevice)
			w.agree(w.app, landAPI)
			got := w.post("/oauth2/device_authorization", &w.app, url.Values{"audience": {landAPI}})
			w.answerDevice(got.body["user_code"].(string), "allow")
			tt.change(w)
			w.poll(got.body["device_code"].(string)).want(t, 400, tt.want)
			if n := w.count("oauth_access"); n != 0 {
				t.Errorf("%d tokens were minted", n)
			}
		})
	}
}

// A device whose client is disabled meanwhile waits for nobody.
func TestADeviceOfADisabledClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, typed := w.device(scopeOpenID)
	w.must(w.auth.DisableApplication(t.Context(), w.owner, w.app.ID))
	if _, err := w.server.Device(t.Context(), typed); problem.Code(err) != "device-code-unknown" {
		t.Errorf("its page: got %v", err)
	}
	w.poll(code).want(t, 401, "invalid_client")
}

func TestDeviceCodesAreKeptHashed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, typed := w.device()
	var kept string
	w.must(w.db.QueryRow(t.Context(), "select d::text || convert_from(decode(encode(user_code, 'hex'), 'escape'), 'utf8') from auth.oauth_device d").Scan(&kept))
	for _, secret := range []string{code, strings.TrimPrefix(code, devicePrefix), typed, readUserCode(typed)} {
		if strings.Contains(kept, secret) {
			t.Errorf("%q stands in the row", secret)
		}
	}
	other := w.newServer(w.http.URL)
	other.HMACs = keyring.Of([]byte(strings.Repeat("x", 32)))
	if text := userCodeText(readUserCode(typed)); string(other.HMACs.Sum(text)) == string(w.server.HMACs.Sum(text)) {
		t.Error("the letters are hashed without a key")
	}
}

func TestAFailedMintLeavesTheDeviceCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, typed := w.device(scopeOffline)
	w.answerDevice(typed, "allow")
	w.disturb(func(sql string) error {
		if sql == createRefreshSQL {
			return errors.New("forced")
		}
		return nil
	})
	if got := w.poll(code); got.status != 500 {
		t.Errorf("got %d %v, want 500", got.status, got.body)
	}
	w.disturb(func(string) error { return nil })
	w.poll(code).want(t, 200, "")
}

func TestUserCodes(t *testing.T) {
	t.Parallel()
	seen := map[rune]bool{}
	for range 300 {
		letters := newUserCode()
		if readUserCode(letters) != letters {
			t.Fatalf("%q is none of our codes", letters)
		}
		for _, r := range letters {
			seen[r] = true
		}
	}
	if len(seen) != len(userCodeLetters) {
		t.Errorf("%d letters are drawn, want %d", len(seen), len(userCodeLetters))
	}
	for typed, want := range map[string]string{
		"WDJB-MJHT": "WDJBMJHT", "wdjbmjht": "WDJBMJHT", " wd jb – mj ht ": "WDJBMJHT",
		"WDJB-MJH": "", "WDJB-MJHTT": "", "WDJB-MJHA": "", "WDJB-MJH1": "", "": "", "WDJB/MJHT": "", "ＷDJBMJHT": "",
	} {
		if got := readUserCode(typed); got != want {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
}

func FuzzReadUserCode(f *testing.F) {
	f.Add("WDJB-MJHT")
	f.Add(" wdjb mjht\u00a0")
	f.Fuzz(func(t *testing.T, typed string) {
		if got := readUserCode(typed); got != "" && (len(got) != userCodeLength || strings.Trim(got, userCodeLetters) != "" || readUserCode(got) != got) {
			t.Errorf("%q: got %q", typed, got)
		}
	})
}
