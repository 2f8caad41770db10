package portal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"lgsp/auth"
	"lgsp/auth/outside"
	"lgsp/internal/egress"
)

// provider is an OpenID provider that may err.
type provider struct {
	*httptest.Server
	key    *ecdsa.PrivateKey // that it publishes
	signs  *ecdsa.PrivateKey
	to     *url.URL // where the last browser was sent
	nonce  string
	claims map[string]any // over those of an honest answer
	down   bool
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &provider{key: key, signs: key}
	o.Server = httptest.NewServer(http.HandlerFunc(o.serve))
	t.Cleanup(o.Close)
	return o
}

func (o *provider) serve(w http.ResponseWriter, r *http.Request) {
	if o.down {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	var out any
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		out = map[string]any{"issuer": o.URL, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token", "jwks_uri": o.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"}, "authorization_response_iss_parameter_supported": true}
	case "/keys":
		out = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}}
	case "/token":
		if r.PostFormValue("code") != "a code" || r.PostFormValue("code_verifier") == "" {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		out = map[string]any{"access_token": "t", "token_type": "Bearer", "id_token": o.token()}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (o *provider) token() string {
	claims := map[string]any{"iss": o.URL, "aud": "lgsp", "sub": "s-1", "nonce": o.nonce, "iat": monday.Unix(), "exp": monday.Add(time.Minute).Unix(), "auth_time": monday.Unix(),
		"email": "b@example.vn", "email_verified": true, "name": "Trần Thị B"}
	for name, value := range o.claims {
		claims[name] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: o.signs, KeyID: "k"}}, nil)
	if err != nil {
		panic(err)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return text
}

// outsidePortal is a portal whose people may sign in with o.
func outsidePortal(t *testing.T, o *provider) *Portal {
	t.Helper()
	p := newPortal(t)
	p.Outside = &outside.Provider{Issuer: o.URL, ClientID: "lgsp", ClientSecret: "secret", NameVI: "Cổng khác", NameEN: "Another portal",
		Redirect: p.Origin + "/sign-in/outside/callback", Now: p.Now,
		Client: egress.Fetch{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}.Client(time.Second)}
	return p
}

// leave begins a visit and gives the parameters that an honest provider sends back.
func (b *browser) leave(t *testing.T, o *provider, path string) url.Values {
	t.Helper()
	answer, body := b.post(t, path, nil)
	found := regexp.MustCompile(`content="0;url=([^"]+)"`).FindStringSubmatch(body)
	if answer.StatusCode != 200 || found == nil {
		t.Fatalf("%s: got %d:\n%s", path, answer.StatusCode, body)
	}
	to, err := url.Parse(html.UnescapeString(found[1]))
	if err != nil || !strings.HasPrefix(to.String(), o.URL+"/authorize?") || to.Query().Get("code_challenge_method") != "S256" {
		t.Fatalf("it leads to %s", to)
	}
	o.to, o.nonce = to, to.Query().Get("nonce")
	return url.Values{"state": {to.Query().Get("state")}, "code": {"a code"}, "iss": {o.URL}}
}

func (b *browser) back(t *testing.T, answer url.Values) (*http.Response, string) {
	t.Helper()
	return b.get(t, "/sign-in/outside/callback?"+answer.Encode())
}

// An identity that opens no account never opens one by its address alone: its
// owner signs in and links it, or makes an account when nobody has the address.
func TestOutsideIdentityIsLinkedByItsOwnerOnly(t *testing.T) {
	t.Parallel()
	o := newProvider(t)
	p := outsidePortal(t, o)
	if _, err := p.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: "b@example.vn", Name: "Trần Thị B", Password: goodPassword}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(p)
	if _, body := b.get(t, "/en/sign-in"); !strings.Contains(body, "Sign in with Another portal") {
		t.Errorf("no button:\n%s", body)
	}
	answer, _ := b.back(t, b.leave(t, o, "/en/sign-in/outside"))
	if got := answer.Header.Get("Location"); got != "/en/sign-in/outside/new" || b.cookies["lgsp_session"] != "" {
		t.Fatalf("unknown: got %d %q, cookies %v", answer.StatusCode, got, b.cookies)
	}
	if answer, body := b.get(t, "/en/sign-in/outside/new"); answer.StatusCode != 200 || !strings.Contains(body, "b@example.vn") {
		t.Errorf("got %d:\n%s", answer.StatusCode, body)
	}
	form := url.Values{"name": {"B"}, "terms": {"yes"}}
	if answer, body := b.post(t, "/en/sign-in/outside/new", form); answer.StatusCode != 409 || b.cookies["lgsp_session"] != "" {
		t.Errorf("a new account with an address that has one: got %d:\n%s", answer.StatusCode, body)
	}
	stranger := newBrowser(p)
	if answer, _ := stranger.get(t, "/sign-in/outside/new"); answer.StatusCode != 404 {
		t.Errorf("in another browser: got %d", answer.StatusCode)
	}
	b.post(t, "/sign-in", url.Values{"email": {"b@example.vn"}, "password": {goodPassword}})
	if answer, body := b.get(t, "/account/identities/link"); answer.StatusCode != 200 || !strings.Contains(body, "Cổng khác") {
		t.Fatalf("link: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ := b.post(t, "/account/identities/link", nil); answer.Header.Get("Location") != "/account" {
		t.Errorf("link: got %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer, _ := b.post(t, "/account/identities/link", nil); answer.StatusCode != 404 {
		t.Errorf("again: got %d", answer.StatusCode)
	}
	b.cookies = map[string]string{}
	if answer, _ := b.back(t, b.leave(t, o, "/sign-in/outside")); answer.Header.Get("Location") != "/developer" || b.cookies["lgsp_session"] == "" {
		t.Errorf("sign in: got %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	unlink := url.Values{"issuer": {o.URL}, "subject": {"s-1"}}
	if answer, body := b.post(t, "/account/identities/unlink", unlink); answer.StatusCode != 303 {
		t.Errorf("unlink: got %d:\n%s", answer.StatusCode, body)
	}
	if answer, _ := b.back(t, b.leave(t, o, "/account/identities/begin")); answer.Header.Get("Location") != "/account" {
		t.Errorf("link while signed in: got %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
}

// What the provider let pass without asking proves nothing lately here.
func TestOutsideProofIsAsOldAsTheProviderSays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		at    any // auth_time
		again any // the same after the person was sent there to prove it once more
		want  [2]bool
	}{
		{"just now", monday.Unix(), nil, [2]bool{true, true}},
		{"an hour ago, then just now", monday.Unix() - 3600, monday.Unix(), [2]bool{false, true}},
		{"by a clock that is behind", monday.Unix() - 3600, monday.Unix() - 50, [2]bool{false, true}},
		{"by a clock that is ahead", monday.Unix() + 50, nil, [2]bool{true, true}},
		{"an hour ago, and nobody was asked", monday.Unix() - 3600, monday.Unix() - 3600, [2]bool{false, false}},
		{"it does not say", nil, nil, [2]bool{false, false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newProvider(t)
			p := outsidePortal(t, o)
			b := newBrowser(p)
			b.back(t, b.leave(t, o, "/sign-in/outside"))
			b.post(t, "/sign-in/outside/new", url.Values{"name": {"Trần Thị B"}, "terms": {"yes"}})
			fresh := func() bool {
				answer, _ := b.get(t, "/account/data")
				return answer.StatusCode == 200
			}
			if delete(b.cookies, "lgsp_session"); o.to.Query().Get("max_age") != "43200" || o.to.Query().Get("prompt") != "" {
				t.Errorf("nobody is signed in: it leads to %s", o.to)
			}
			o.claims = map[string]any{"auth_time": tt.at}
			b.back(t, b.leave(t, o, "/sign-in/outside"))
			got := [2]bool{fresh(), false}
			if tt.again != nil {
				o.claims = map[string]any{"auth_time": tt.again}
			}
			b.back(t, b.leave(t, o, "/sign-in/outside"))
			if got[1] = fresh(); got != tt.want {
				t.Errorf("fresh: got %v, want %v", got, tt.want)
			}
			if o.to.Query().Get("max_age") != "600" || o.to.Query().Get("prompt") != "login" {
				t.Errorf("who is signed in is let pass: it leads to %s", o.to)
			}
		})
	}
}

func TestOutsideMakesAnAccount(t *testing.T) {
	t.Parallel()
	o := newProvider(t)
	p := outsidePortal(t, o)
	b := newBrowser(p)
	b.back(t, b.leave(t, o, "/sign-in/outside"))
	if answer, _ := b.post(t, "/sign-in/outside/new", url.Values{"name": {"B"}}); answer.StatusCode != 400 {
		t.Errorf("without the terms: got %d", answer.StatusCode)
	}
	answer, body := b.post(t, "/sign-in/outside/new", url.Values{"name": {"Trần Thị B"}, "terms": {"yes"}})
	if answer.StatusCode != 201 || !strings.Contains(body, "lgsp_key_") || b.cookies["lgsp_session"] == "" {
		t.Fatalf("got %d:\n%s", answer.StatusCode, body)
	}
	if answer, body := b.post(t, "/account/identities/unlink", url.Values{"issuer": {o.URL}, "subject": {"s-1"}}); answer.StatusCode != 409 || !strings.Contains(body, "cách đăng nhập duy nhất") {
		t.Errorf("the only way in: got %d:\n%s", answer.StatusCode, body)
	}
	o.claims = map[string]any{"sub": "s-2", "email_verified": false}
	other := newBrowser(p)
	other.back(t, other.leave(t, o, "/sign-in/outside"))
	if _, body := other.get(t, "/sign-in/outside/new"); strings.Contains(body, `name="terms"`) || !strings.Contains(body, "chưa xác nhận địa chỉ") {
		t.Errorf("an address that is not verified makes an account:\n%s", body)
	}
	if answer, _ := other.post(t, "/sign-in/outside/new", url.Values{"name": {"B"}, "terms": {"yes"}}); answer.StatusCode != 409 {
		t.Errorf("the same, sent anyway: got %d", answer.StatusCode)
	}
}

func TestOutsideAnswersThatDoNotHold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		spoil  func(p *Portal, o *provider, b *browser, answer url.Values)
		status int
	}{
		{"another nonce", func(_ *Portal, o *provider, _ *browser, _ url.Values) { o.nonce = "x" }, 502},
		{"for another client", func(_ *Portal, o *provider, _ *browser, _ url.Values) { o.claims = map[string]any{"aud": "other"} }, 502},
		{"of another issuer", func(_ *Portal, o *provider, _ *browser, _ url.Values) {
			o.claims = map[string]any{"iss": "https://other.test"}
		}, 502},
		{"expired", func(_ *Portal, o *provider, _ *browser, _ url.Values) {
			o.claims = map[string]any{"exp": monday.Unix() - 1}
		}, 502},
		{"signed by another key", func(_ *Portal, o *provider, _ *browser, _ url.Values) {
			o.signs, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		}, 502},
		{"no subject", func(_ *Portal, o *provider, _ *browser, _ url.Values) { o.claims = map[string]any{"sub": ""} }, 502},
		{"iss of another", func(_ *Portal, _ *provider, _ *browser, a url.Values) { a.Set("iss", "https://other.test") }, 502},
		{"without iss", func(_ *Portal, _ *provider, _ *browser, a url.Values) { a.Del("iss") }, 502},
		{"a code it does not know", func(_ *Portal, _ *provider, _ *browser, a url.Values) { a.Set("code", "x") }, 502},
		{"refused there", func(_ *Portal, _ *provider, _ *browser, a url.Values) { a.Set("error", "access_denied") }, 403},
		{"another state", func(_ *Portal, _ *provider, _ *browser, a url.Values) { a.Set("state", "x") }, 404},
		{"another browser", func(_ *Portal, _ *provider, b *browser, _ url.Values) { b.cookies = map[string]string{} }, 404},
		{"ten minutes later", func(p *Portal, _ *provider, _ *browser, _ url.Values) {
			p.Auth.Now = func() time.Time { return monday.Add(10 * time.Minute) }
		}, 404},
		{"away meanwhile", func(_ *Portal, o *provider, _ *browser, _ url.Values) { o.down = true }, 502},
		{"honest", func(*Portal, *provider, *browser, url.Values) {}, 303},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newProvider(t)
			p := outsidePortal(t, o)
			b := newBrowser(p)
			answer := b.leave(t, o, "/sign-in/outside")
			tt.spoil(p, o, b, answer)
			got, body := b.back(t, answer)
			if got.StatusCode != tt.status || b.cookies["lgsp_session"] != "" || strings.Contains(body, "secret") {
				t.Errorf("got %d, want %d, cookies %v:\n%s", got.StatusCode, tt.status, b.cookies, body)
			}
			if again, _ := b.back(t, answer); tt.name == "honest" && again.StatusCode != 404 {
				t.Errorf("the same answer again: got %d, want 404", again.StatusCode)
			}
		})
	}
}

func TestOutsideProviderDown(t *testing.T) {
	t.Parallel()
	o := newProvider(t)
	p := outsidePortal(t, o)
	b := newBrowser(p)
	o.down = true
	if answer, body := b.post(t, "/sign-in/outside", nil); answer.StatusCode != 502 || !strings.Contains(body, "không trả lời") {
		t.Errorf("got %d:\n%s", answer.StatusCode, body)
	}
	o.down = false
	if answer, _ := b.post(t, "/sign-in/outside", nil); answer.StatusCode != 502 {
		t.Errorf("it is asked again at once: got %d", answer.StatusCode)
	}
	p.Outside.Now = func() time.Time { return monday.Add(5 * time.Second) }
	b.leave(t, o, "/sign-in/outside")
	o.down = true
	b.leave(t, o, "/sign-in/outside") // what it said is a moment old
	p.Outside.Now = func() time.Time { return monday.Add(66 * time.Second) }
	if answer, _ := b.post(t, "/sign-in/outside", nil); answer.StatusCode != 502 {
		t.Errorf("away since: got %d", answer.StatusCode)
	}
	p.Outside = nil
	if answer, _ := b.post(t, "/sign-in/outside", nil); answer.StatusCode != 404 {
		t.Errorf("without a provider: got %d", answer.StatusCode)
	}
}
