package oauth

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// pushing is the form of a good request of the application, and its verifier.
func (w *world) pushing(pairs ...string) (url.Values, string) {
	verifier := oauth2.GenerateVerifier()
	form := url.Values{
		"response_type": {"code"}, "redirect_uri": {callback}, "scope": {scopeOpenID}, "state": {"xyz"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form, verifier
}

// pushed is the address that a browser takes a fresh pushed request to.
func (w *world) pushed() (address, verifier string) {
	w.t.Helper()
	form, verifier := w.pushing()
	got := w.post("/oauth2/par", &w.app, form)
	uri, _ := got.body["request_uri"].(string)
	if got.status != 201 || !strings.HasPrefix(uri, pushedPrefix) || got.body["expires_in"] != float64(60) || got.header.Get("Cache-Control") != "no-store" {
		w.t.Fatalf("push: got %d %v", got.status, got.body)
	}
	return w.bring(w.app, uri), verifier
}

func (w *world) bring(app auth.Application, uri string) string {
	return w.http.URL + "/oauth2/authorize?" + url.Values{"client_id": {app.ID.String()}, "request_uri": {uri}}.Encode()
}

// gone asserts that the address is answered here, with invalid_request_uri.
func (w *world) gone(name, address string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	w.must(err)
	if got := w.send(r); got.status != 400 || got.error() != "invalid_request_uri" {
		w.t.Errorf("%s: got %d %v, want 400 invalid_request_uri", name, got.status, got.body)
	}
}

func TestPushedRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address, verifier := w.pushed()
	back := w.allow(address + "&scope=" + ScopeManage + "&state=forged") // what stands beside counts for nothing
	if back.Query().Get("state") != "xyz" || back.Query().Get("iss") != w.http.URL {
		t.Errorf("the client got %s", back)
	}
	got := w.redeem(back.Query().Get("code"), verifier)
	if got.status != 200 || got.body["scope"] != scopeOpenID {
		t.Errorf("redeem: got %d %v", got.status, got.body)
	}
	w.gone("a second time", address)
}

func TestPushedRequestWaitsForTheSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signOut()
	address, verifier := w.pushed()
	page := w.browse(address)
	if page.Path != "/sign-in" || w.http.URL+page.Query().Get("next") != address {
		t.Fatalf("got %s, want the sign-in page, and back to the same request_uri", page)
	}
	w.pass(5 * time.Minute)
	if again := w.browse(address); again.String() != page.String() {
		t.Errorf("loaded again: got %s", again)
	}
	w.signIn()
	w.redeem(w.allow(address).Query().Get("code"), verifier).want(t, 200, "")
	w.gone("answered", address)
}

// A page may be loaded again until the request is answered, and of the pages
// that are open then one gives the answer (FAPI 2.0 Security Profile §5.3.2.2,
// note 3).
func TestAPushedRequestIsUsedWhenItIsAnswered(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"allow", "deny"} {
		w := newWorld(t)
		address, _ := w.pushed()
		one, two := w.browse(address).Query().Get("request"), w.browse(address).Query().Get("request")
		if one == "" || two == "" || one == two {
			t.Fatalf("two pages: %q, %q", one, two)
		}
		_, err := w.server.Decide(t.Context(), w.who(), one, word)
		w.must(err)
		if _, err := w.server.Decide(t.Context(), w.who(), two, "allow"); problem.Code(err) != "consent-unknown" {
			t.Errorf("after %s: the other page gave %v", word, err)
		}
		w.gone("after "+word, address)
	}
}

// Loading a page again does not keep a request alive for ever.
func TestAnOpenedRequestEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signOut()
	address, _ := w.pushed()
	for passed := time.Duration(0); passed < openedLife; passed += 5 * time.Minute {
		w.browse(address)
		w.pass(5 * time.Minute)
	}
	w.gone("20 minutes after it was opened", address)
}

func TestF12_APushedRequestLivesAMinuteAndServesItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address, _ := w.pushed()
	w.gone("another client", strings.Replace(address, w.app.ID.String(), w.other.ID.String(), 1))
	w.gone("no client", strings.Replace(address, w.app.ID.String(), "x", 1))
	w.gone("a client by another spelling", strings.Replace(address, w.app.ID.String(), "urn:uuid:"+w.app.ID.String(), 1))
	w.gone("an unknown one", w.bring(w.app, pushedPrefix+"x"))
	w.pass(pushedLife)
	w.gone("expired", address)
	w.pass(3 * time.Hour)
	w.must(w.server.sweep(t.Context()))
	if got := w.count("oauth_pushed"); got != 0 {
		t.Errorf("%d expired requests are kept", got)
	}
}

func TestF12_OneOfFiftyTakesAPushedRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(scopeOpenID) // so that nobody is asked
	address, _ := w.pushed()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	won := w.takers(50, "invalid_request_uri", func() answer {
		response, err := client.Get(address)
		if err != nil {
			t.Error(err)
			return answer{}
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		said := "another answer"
		if back, err := response.Location(); err == nil { // too late by a moment: the client is told
			said = back.Query().Get("error")
			if back.Query().Has("code") {
				return answer{status: 200}
			}
		} else if strings.Contains(string(body), `"invalid_request_uri"`) {
			said = "invalid_request_uri"
		}
		return answer{status: 400, body: map[string]any{"error": said}}
	})
	if won != 1 {
		t.Errorf("%d of 50 took the request, want 1", won)
	}
}

func TestF12_NothingSecretInTheAddressOfAPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form, _ := w.pushing()
	secret := url.Values{"client_id": {w.app.ID.String()}, "client_secret": {w.secret}}
	w.post("/oauth2/par?"+secret.Encode(), nil, form).want(t, 400, "invalid_request")
	w.post("/oauth2/par", nil, form).want(t, 401, "invalid_client")
	if got := w.count("oauth_pushed"); got != 0 {
		t.Errorf("%d requests were kept", got)
	}
}

func TestAPushIsCheckedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct{ parameter, value, want string }{
		"no challenge":          {"code_challenge", "", "invalid_request"},
		"a strange address":     {"redirect_uri", callback + "/x", "invalid_request"},
		"another client_id":     {"client_id", w.other.ID.String(), "invalid_request"},
		"a request_uri":         {"request_uri", pushedPrefix + "x", "invalid_request"},
		"a request object":      {"request", "a.b.c", "request_not_supported"},
		"an unknown scope":      {"scope", "all", "invalid_scope"},
		"an audience not open":  {"resource", landAPI, "invalid_target"},
		"the implicit grant":    {"response_type", "token", "unsupported_response_type"},
		"another response mode": {"response_mode", "fragment", "unsupported_response_mode"},
	} {
		t.Run(name, func(t *testing.T) {
			form, _ := w.pushing(tt.parameter, tt.value)
			w.post("/oauth2/par", &w.app, form).want(t, 400, tt.want)
		})
	}
	if got := w.count("oauth_pushed"); got != 0 {
		t.Errorf("%d requests were kept", got)
	}
}

// What proves the client is not kept with its request.
func TestAPushByEveryWayOfProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	byKey, _ := w.pushing("client_assertion_type", assertionType, "client_assertion", pair.sign(t, w.statement(w.app, nil), nil))
	bySecret, _ := w.pushing("client_id", w.app.ID.String(), "client_secret", w.secret)
	public, _ := w.pushing("client_id", w.native.ID.String(), "redirect_uri", "http://127.0.0.1:5000/cb")
	for name, form := range map[string]url.Values{"a key": byKey, "a secret": bySecret, "a public client": public} {
		if got := w.post("/oauth2/par", nil, form); got.status != 201 {
			t.Errorf("%s: got %d %v", name, got.status, got.body)
		}
	}
	var secrets int
	w.must(w.db.QueryRow(t.Context(), "select count(*) from auth.oauth_pushed where request ~ 'client_(secret|assertion)'").Scan(&secrets))
	if secrets != 0 {
		t.Errorf("%d kept requests hold a proof", secrets)
	}
}

func TestAClientThatMustPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.auth.EditApplication(t.Context(), w.owner, w.app.ID, auth.NewApplication{Name: w.app.Name, RedirectURIs: w.app.RedirectURIs, Protocol: auth.Protocol{PushedOnly: true}})
	w.must(err)
	plain := w.browse(w.config(scopeOpenID).AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	if got := plain.Query().Get("error"); plain.Host != "app.test" || got != "invalid_request" {
		t.Errorf("not pushed: got %s, want invalid_request at the client", plain)
	}
	address, verifier := w.pushed()
	w.redeem(w.allow(address).Query().Get("code"), verifier).want(t, 200, "")
}
