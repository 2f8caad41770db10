package oauth

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"lgsp/auth"
)

var everyGrant = []string{auth.GrantCode, auth.GrantRefresh, auth.GrantClient, auth.GrantDevice}

// registrationToken is an initial access token of the applications' owner.
func (w *world) registrationToken(n auth.NewRegistrationToken) (auth.RegistrationToken, string) {
	w.t.Helper()
	if n.Name == "" {
		n.Name = "Đợt thử"
	}
	if n.GrantTypes == nil {
		n.GrantTypes = everyGrant
	}
	made, text, err := w.auth.CreateRegistrationToken(w.t.Context(), w.owner, n)
	w.must(err)
	return made, text
}

// manage sends JSON with a bearer token.
func (w *world) manage(method, address, token, body string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(body))
	w.must(err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return w.send(r)
}

func (w *world) registers(token, body string) answer {
	w.t.Helper()
	return w.manage(http.MethodPost, w.http.URL+"/oauth2/register", token, body)
}

const webClient = `{"client_name":"Ứng dụng tự đăng ký","redirect_uris":["https://app.test/cb"],"client_uri":"https://app.test",
	"policy_uri":"https://App.test:8443/rieng-tu","logo_uri":"https://app.test/logo.png",
	"grant_types":["authorization_code","client_credentials"],"contacts":["a@app.test"],"unknown":{"to":["us"]}}`

func TestRegisterAndManage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token := w.registrationToken(auth.NewRegistrationToken{})
	made := w.registers(token, webClient)
	made.want(t, 201, "")
	id, address, own := made.body["client_id"].(string), made.body["registration_client_uri"].(string), made.body["registration_access_token"].(string)
	secret := made.body["client_secret"].(string)
	for name, want := range map[string]any{
		"client_name": "Ứng dụng tự đăng ký", "token_endpoint_auth_method": "client_secret_basic", "id_token_signed_response_alg": "RS256",
		"scope": "openid profile email offline_access", "registration_client_uri": w.http.URL + "/oauth2/register/" + id, "unknown": nil, "jwks": nil,
		"client_uri": "https://app.test", "policy_uri": "https://App.test:8443/rieng-tu", "tos_uri": nil, "logo_uri": nil,
		"client_secret_expires_at": float64(w.Now().AddDate(1, 0, 0).Unix()), "client_id_issued_at": float64(w.Now().Unix()),
	} {
		if got := made.body[name]; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if !strings.HasPrefix(own, "lgsp_client_") || !strings.HasPrefix(secret, "lgsp_secret_") || made.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %v", made.body)
	}

	grant := func(scope string) answer {
		return w.post("/oauth2/token", nil, url.Values{"grant_type": {auth.GrantClient}, "client_id": {id}, "client_secret": {secret}, "scope": {scope}})
	}
	grant(ScopeManage).want(t, 400, "invalid_scope")
	grant("").want(t, 400, "invalid_target") // it has no agreement
	w.agree(auth.Application{ID: uuid.MustParse(id)}, landAPI)
	grant("").want(t, 200, "")

	read := w.manage(http.MethodGet, address, own, "")
	read.want(t, 200, "")
	if read.body["client_secret"] != nil || read.body["registration_access_token"] != own || read.body["client_name"] != made.body["client_name"] {
		t.Errorf("read: got %v", read.body)
	}
	edited := w.manage(http.MethodPut, address, own, `{"client_id":"`+id+`","client_secret":"`+secret+`","client_name":"Tên mới","redirect_uris":["https://app.test/b"],"scope":"openid"}`)
	edited.want(t, 200, "")
	if edited.body["client_name"] != "Tên mới" || edited.body["scope"] != "openid" || edited.body["client_uri"] != nil || len(edited.body["grant_types"].([]any)) != 1 || edited.body["client_secret"] != nil {
		t.Errorf("edited: got %v", edited.body)
	}
	grant("").want(t, 400, "unauthorized_client") // the update left client_credentials out
	w.manage(http.MethodDelete, address, own, "").want(t, 204, "")
	w.manage(http.MethodGet, address, own, "").want(t, 401, "invalid_token")
	grant("").want(t, 401, "invalid_client")
	var verbs []string
	for _, act := range w.acts {
		verbs = append(verbs, act.Verb)
	}
	for _, verb := range []string{"registration-token.create", "application.register", "application.edit", "application.disable"} {
		if !slices.Contains(verbs, verb) {
			t.Errorf("%s is not recorded: %v", verb, verbs)
		}
	}
}

func TestRegisterWithKeysAndWithout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token := w.registrationToken(auth.NewRegistrationToken{MaxUses: 10})
	pair := newPair(t, jose.ES256)
	byKey := w.registers(token, `{"token_endpoint_auth_method":"private_key_jwt","grant_types":["client_credentials"],"response_types":[],"jwks":{"keys":[`+string(pair.jwk(t, "k1"))+`]}}`)
	byKey.want(t, 201, "")
	if byKey.body["client_secret"] != nil || byKey.body["jwks"] == nil {
		t.Errorf("got %v", byKey.body)
	}
	app := auth.Application{ID: uuid.MustParse(byKey.body["client_id"].(string))}
	w.agree(app, landAPI)
	w.post("/oauth2/token", nil, url.Values{"grant_type": {auth.GrantClient}, "client_assertion_type": {assertionType},
		"client_assertion": {pair.sign(t, w.statement(app, nil), nil)}}).want(t, 200, "")
	native := w.registers(token, `{"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"redirect_uris":["http://127.0.0.1/cb"]}`)
	native.want(t, 201, "")
	if native.body["client_secret"] != nil || native.body["client_secret_expires_at"] != nil || native.body["client_name"] != "127.0.0.1" {
		t.Errorf("got %v", native.body)
	}
	// One that turns to a secret gets its first.
	put := `{"client_id":"` + app.ID.String() + `","grant_types":["client_credentials"]}`
	turned := w.manage(http.MethodPut, byKey.body["registration_client_uri"].(string), byKey.body["registration_access_token"].(string), put)
	turned.want(t, 200, "")
	if turned.body["client_secret"] == nil || turned.body["jwks"] != nil {
		t.Errorf("got %v", turned.body)
	}
}

func TestRegisterRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token := w.registrationToken(auth.NewRegistrationToken{MaxUses: 5, GrantTypes: []string{auth.GrantCode}})
	with := func(members string) string { return `{"redirect_uris":["https://app.test/cb"],` + members + `}` }
	key := string(newPair(t, jose.ES256).jwk(t, "k"))
	for name, tt := range map[string]struct{ body, want string }{
		"no JSON":                        {"client_name=x", "invalid_client_metadata"},
		"a list":                         {"[]", "invalid_client_metadata"},
		"two objects":                    {"{}{}", "invalid_client_metadata"},
		"a member twice":                 {with(`"client_name":"a","client_name":"b"`), "invalid_client_metadata"},
		"a member twice, in other case":  {with(`"client_name":"a","CLIENT_NAME":"b"`), "invalid_client_metadata"},
		"too deep":                       {with(`"x":` + strings.Repeat("[", 9) + strings.Repeat("]", 9)), "invalid_client_metadata"},
		"of another type":                {with(`"client_name":1`), "invalid_client_metadata"},
		"broken UTF-8":                   {with(`"client_name":"` + "\xff" + `"`), "invalid_client_metadata"},
		"no redirect URI":                {`{}`, "invalid_redirect_uri"},
		"a redirect URI without TLS":     {`{"redirect_uris":["http://app.test/cb"]}`, "invalid_redirect_uri"},
		"a redirect URI with a fragment": {`{"redirect_uris":["https://app.test/cb#a"]}`, "invalid_redirect_uri"},
		"a grant the token has not":      {with(`"grant_types":["authorization_code","client_credentials"]`), "invalid_client_metadata"},
		"an unknown grant":               {with(`"grant_types":["password"]`), "invalid_client_metadata"},
		"an unknown method":              {with(`"token_endpoint_auth_method":"client_secret_jwt"`), "invalid_client_metadata"},
		"jwks and jwks_uri":              {with(`"jwks":{"keys":[` + key + `]},"jwks_uri":"https://app.test/jwks"`), "invalid_client_metadata"},
		"jwks of a public client":        {with(`"token_endpoint_auth_method":"none","jwks":{"keys":[` + key + `]}`), "invalid_client_metadata"},
		"private_key_jwt without keys":   {with(`"token_endpoint_auth_method":"private_key_jwt"`), "invalid_client_metadata"},
		"a key that is none":             {with(`"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{}]}`), "invalid_client_metadata"},
		"a page over http":               {with(`"client_uri":"http://app.test"`), "invalid_client_metadata"},
		"a page of script":               {with(`"policy_uri":"javascript:alert(1)"`), "invalid_client_metadata"},
		"a page at a host that deceives": {with(`"tos_uri":"https://аpp.test/"`), "invalid_client_metadata"},
		"implicit":                       {with(`"response_types":["token"]`), "invalid_client_metadata"},
		"another signature":              {with(`"id_token_signed_response_alg":"HS256"`), "invalid_client_metadata"},
		"management":                     {with(`"scope":"openid lgsp.manage"`), "invalid_client_metadata"},
		"an unknown scope":               {with(`"scope":"all"`), "invalid_client_metadata"},
		"its own id":                     {with(`"client_id":"me"`), "invalid_client_metadata"},
		"a software statement":           {with(`"software_statement":"a.b.c"`), "unapproved_software_statement"},
	} {
		t.Run(name, func(t *testing.T) { w.registers(token, tt.body).want(t, 400, tt.want) })
	}
	w.registers(token, `{"x":"`+strings.Repeat("x", bodyLimit)+`"}`).want(t, 413, "invalid_request")
	if got := w.count("registration"); got != 0 {
		t.Errorf("%d applications were registered", got)
	}
	var uses int
	w.must(w.db.QueryRow(t.Context(), "select uses from auth.registration_token").Scan(&uses))
	if uses != 0 {
		t.Errorf("what was refused counted %d uses", uses)
	}
}

func TestRegistrationTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const body = `{"redirect_uris":["https://app.test/cb"]}`
	refused := func(name string, token string) {
		t.Helper()
		got := w.registers(token, body)
		if got.status != 401 || got.error() != "invalid_token" || got.header.Get("WWW-Authenticate") != `Bearer realm="lgsp", error="invalid_token"` {
			t.Errorf("%s: got %d %v %q", name, got.status, got.body, got.header.Get("WWW-Authenticate"))
		}
	}
	_, once := w.registrationToken(auth.NewRegistrationToken{})
	refused("nobody", "")
	refused("nonsense", "x")
	refused("another kind of key", w.secret)
	refused("one that was never made", auth.NewKey(auth.KindRegistration).Secret())
	w.registers(once, body).want(t, 201, "")
	refused("used up", once)

	token, text := w.registrationToken(auth.NewRegistrationToken{MaxUses: 3})
	w.must(w.auth.RevokeRegistrationToken(t.Context(), w.owner, token.ID))
	refused("revoked", text)
	_, text = w.registrationToken(auth.NewRegistrationToken{Days: 1})
	w.pass(24 * time.Hour)
	refused("expired", text)
	_, text = w.registrationToken(auth.NewRegistrationToken{})
	w.must(w.auth.DisablePerson(t.Context(), auth.Platform("test"), w.owner.Person))
	refused("of somebody locked out", text)
}

func TestARegistrationTokenDiesWithTheRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agency, err := w.auth.CreateAgency(t.Context(), auth.Platform("test"), auth.Agency{Slug: "so-thu", Code: "H48.98", NameVI: "Sở Thử", NameEN: "Test", ValidFrom: w.Now()})
	w.must(err)
	role := auth.Membership{Agency: agency.ID, Role: auth.RolePublisher}
	w.must(w.auth.AddMembership(t.Context(), auth.Platform("test"), w.owner.Person, role))
	w.owner.Memberships = []auth.Membership{role}
	_, text := w.registrationToken(auth.NewRegistrationToken{Agency: agency.ID, MaxUses: 5})
	made := w.registers(text, `{"redirect_uris":["https://app.test/cb"]}`)
	made.want(t, 201, "")
	app, err := w.auth.Application(t.Context(), uuid.MustParse(made.body["client_id"].(string)))
	w.must(err)
	if app.OwnerAgency == nil || *app.OwnerAgency != agency.ID || app.OwnerPerson != nil {
		t.Errorf("its owner: got %v, %v", app.OwnerAgency, app.OwnerPerson)
	}
	w.must(w.auth.RemoveMembership(t.Context(), auth.Platform("test"), w.owner.Person, role))
	w.registers(text, `{"redirect_uris":["https://app.test/cb"]}`).want(t, 401, "invalid_token")
	w.manage(http.MethodGet, made.body["registration_client_uri"].(string), made.body["registration_access_token"].(string), "").want(t, 401, "invalid_token")
}

func TestOneOfFiftyTakesTheLastUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token := w.registrationToken(auth.NewRegistrationToken{})
	var wg sync.WaitGroup
	answers := make([]answer, 50)
	for i := range answers {
		wg.Go(func() { answers[i] = w.registers(token, `{"redirect_uris":["https://app.test/cb"]}`) })
	}
	wg.Wait()
	statuses := map[int]int{}
	for _, a := range answers {
		statuses[a.status]++
	}
	if !maps.Equal(statuses, map[int]int{201: 1, 401: 49}) {
		t.Errorf("got %v, want one 201", statuses)
	}
}

func TestAnotherClientsRegistration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token := w.registrationToken(auth.NewRegistrationToken{MaxUses: 2})
	one, two := w.registers(token, webClient), w.registers(token, webClient)
	address, own := one.body["registration_client_uri"].(string), two.body["registration_access_token"].(string)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		w.manage(method, address, own, `{"client_id":"x"}`).want(t, 401, "invalid_token")
		w.manage(method, address, token, `{"client_id":"x"}`).want(t, 401, "invalid_token")
		w.manage(method, w.http.URL+"/oauth2/register/"+w.app.ID.String(), own, `{"client_id":"x"}`).want(t, 401, "invalid_token")
		w.manage(method, w.http.URL+"/oauth2/register/x", own, `{"client_id":"x"}`).want(t, 401, "invalid_token")
	}
	own = one.body["registration_access_token"].(string)
	id := `"client_id":"` + one.body["client_id"].(string) + `",`
	for name, body := range map[string]string{
		"another client_id":   `{"client_id":"` + two.body["client_id"].(string) + `","redirect_uris":["https://app.test/cb"]}`,
		"another secret":      `{` + id + `"client_secret":"` + two.body["client_secret"].(string) + `","redirect_uris":["https://app.test/cb"]}`,
		"a token":             `{` + id + `"registration_access_token":"x","redirect_uris":["https://app.test/cb"]}`,
		"another kind":        `{` + id + `"token_endpoint_auth_method":"none","redirect_uris":["https://app.test/cb"]}`,
		"management":          `{` + id + `"scope":"lgsp.manage","redirect_uris":["https://app.test/cb"]}`,
		"a grant not granted": `{` + id + `"grant_types":["` + auth.GrantExchange + `"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			w.manage(http.MethodPut, address, own, body).want(t, 400, "invalid_client_metadata")
		})
	}
	if got := w.manage(http.MethodGet, address, own, ""); got.body["client_name"] != "Ứng dụng tự đăng ký" {
		t.Errorf("a refused update changed %v", got.body)
	}
}

func FuzzParseMetadata(f *testing.F) {
	for _, seed := range []string{webClient, "{}", "[]", `{"a":[[[[[[[[[1]]]]]]]]]}`, `{"a":1,"A":2}`, `{"jwks":{"keys":[{}]}}`, `{"a":{}}}`, ``, `{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sent, err := parseMetadata(body)
		if err != nil {
			return
		}
		var any map[string]json.RawMessage
		if json.Unmarshal(body, &any) != nil {
			t.Fatalf("%q was taken for an object", body)
		}
		if asked, err := sent.registering(""); err == nil && (slices.Contains(asked.Scopes, ScopeManage) || len(asked.Scopes) == 0 || len(asked.GrantTypes) == 0) {
			t.Errorf("%q gives %+v", body, asked)
		}
	})
}

// What an application says of itself is shown where it is decided on, the host
// spelt out; nothing is fetched of it, and a logo is not even kept.
func TestPagesOnTheConsentPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, token := w.registrationToken(auth.NewRegistrationToken{})
	made := w.registers(token, strings.Replace(webClient, "client_credentials", auth.GrantDevice, 1))
	made.want(t, 201, "")
	want := []ClientPage{
		{Kind: "client", URI: "https://app.test", Host: "app.test"},
		{Kind: "policy", URI: "https://App.test:8443/rieng-tu", Host: "app.test:8443"},
	}
	conf := w.config(scopeOpenID)
	conf.ClientID = text(made, "client_id")
	page := w.browse(w.ask(conf))
	view, err := w.server.Consent(t.Context(), w.who(), page.Query().Get("request"))
	w.must(err)
	if !slices.Equal(view.Pages, want) {
		t.Errorf("got %+v, want %+v", view.Pages, want)
	}
	begun := w.post("/oauth2/device_authorization", nil, url.Values{"client_id": {conf.ClientID}, "client_secret": {text(made, "client_secret")}, "scope": {scopeOpenID}})
	begun.want(t, 200, "")
	view, err = w.server.Device(t.Context(), text(begun, "user_code"))
	w.must(err)
	if !slices.Equal(view.Pages, want) {
		t.Errorf("a device: got %+v, want %+v", view.Pages, want)
	}
}
