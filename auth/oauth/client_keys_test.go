package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"lgsp/auth"
	"lgsp/internal/egress"
)

// edit gives w.app other settings, as its owner does.
func (w *world) edit(p auth.Protocol) {
	w.t.Helper()
	var err error
	w.app, err = w.auth.EditApplication(w.t.Context(), w.owner, w.app.ID, auth.NewApplication{Name: w.app.Name, RedirectURIs: w.app.RedirectURIs, Protocol: p})
	w.must(err)
}

func TestAClientProvesItselfInTheWayItHasChosen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {ScopeManage}}
	inBody := url.Values{"client_id": {w.app.ID.String()}, "client_secret": {w.secret}}
	for name, values := range form {
		inBody[name] = values
	}
	for _, tt := range []struct {
		method           string
		secret, ownKey   int
		secretSays, says string
	}{
		{"", 200, 200, "", ""},
		{auth.SecretBasic, 200, 401, "", "invalid_client"},
		{auth.PrivateKeyJWT, 401, 200, "invalid_client", ""},
		{auth.TLSAuth, 401, 401, "invalid_client", "invalid_client"},
	} {
		w.edit(auth.Protocol{AuthMethod: tt.method, CertSANDNS: "app.test"})
		w.post("/oauth2/token", &w.app, form).want(t, tt.secret, tt.secretSays)
		w.post("/oauth2/token", nil, inBody).want(t, tt.secret, tt.secretSays)
		w.prove(pair.sign(t, w.statement(w.app, nil), nil)).want(t, tt.ownKey, tt.says)
	}
	w.edit(auth.Protocol{AuthMethod: auth.SecretBasic})
	spent := w.count("oauth_assertion")
	w.prove(pair.sign(t, w.statement(w.app, nil), nil)).want(t, 401, "invalid_client")
	if got := w.count("oauth_assertion"); got != spent {
		t.Error("a refused assertion was spent")
	}
}

func TestTheTokenAddressAsAudienceForAClientOfTheOldWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	w.edit(auth.Protocol{LegacyAudience: true})
	ask := func(audience any) answer {
		return w.prove(pair.sign(t, w.statement(w.app, map[string]any{"aud": audience}), nil))
	}
	ask(w.http.URL+"/oauth2/token").want(t, 200, "")
	ask(w.http.URL).want(t, 200, "")
	ask([]string{w.http.URL + "/oauth2/token"}).want(t, 401, "invalid_client")
	ask(w.http.URL+"/oauth2/par").want(t, 401, "invalid_client")
	_, err := w.db.Exec(t.Context(), `update auth.application set profile = 'fapi2' where id = $1`, w.app.ID)
	w.must(err)
	ask(w.http.URL+"/oauth2/token").want(t, 401, "invalid_client")
}

// keyHost is a client's own server of its keys.
type keyHost struct {
	*httptest.Server
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
}

func newKeyHost(t *testing.T) *keyHost {
	t.Helper()
	h := &keyHost{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		(*h.answer.Load())(w, r)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *keyHost) says(serve http.HandlerFunc) { h.answer.Store(&serve) }

func (h *keyHost) shows(keys ...json.RawMessage) {
	h.says(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
	})
}

func TestKeysAtTheClientsOwnAddress(t *testing.T) {
	t.Parallel()
	w, host := newWorld(t), newKeyHost(t)
	w.server.Fetch = host.Client()
	first, second, third := newPair(t, jose.ES256), newPair(t, jose.PS256), newPair(t, jose.EdDSA)
	w.setKeys(w.app, third.jwk(t, "3")) // its place is taken by the address
	w.edit(auth.Protocol{AuthMethod: auth.PrivateKeyJWT, JWKSURI: host.URL + "/keys"})
	prove := func(pair keyPair, kid string) answer {
		return w.prove(pair.sign(t, w.statement(w.app, nil), map[jose.HeaderKey]any{"kid": kid}))
	}
	asked := func(want int64, when string) {
		t.Helper()
		if got := host.asked.Load(); got != want {
			t.Errorf("%s: asked %d times, want %d", when, got, want)
		}
	}
	host.shows(first.jwk(t, "1"), json.RawMessage(`{"kty":"EC","crv":"P-384","kid":"other"}`), json.RawMessage(`{"kty":"AKP"}`))
	prove(third, "3").want(t, 401, "invalid_client")
	asked(1, "the first time")
	prove(first, "1").want(t, 200, "")
	w.prove(first.sign(t, w.statement(w.app, nil), nil)).want(t, 200, "")
	asked(1, "kept")

	host.shows(first.jwk(t, "1"), second.jwk(t, "2"))
	prove(second, "2").want(t, 401, "invalid_client") // within the minute of the first
	asked(1, "an unknown kid too soon")
	w.pass(keysPause)
	prove(second, "2").want(t, 200, "")
	prove(second, "9").want(t, 401, "invalid_client")
	prove(second, "9").want(t, 401, "invalid_client")
	asked(2, "unknown kids")

	host.shows(second.jwk(t, "2"))
	prove(first, "1").want(t, 200, "") // not known yet that it is gone
	w.pass(keysFresh)
	prove(first, "1").want(t, 401, "invalid_client")
	asked(3, "ten minutes later")

	host.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	w.pass(keysFresh)
	prove(second, "2").want(t, 200, "")
	prove(second, "2").want(t, 200, "")
	asked(4, "an address that is down, once a minute")
	w.pass(keysKept)
	prove(second, "2").want(t, 401, "invalid_client")

	host.shows(second.jwk(t, "2"))
	w.pass(keysPause)
	prove(second, "2").want(t, 200, "")
	elsewhere := newKeyHost(t)
	elsewhere.shows(third.jwk(t, "2"))
	w.edit(auth.Protocol{JWKSURI: elsewhere.URL})
	prove(second, "2").want(t, 401, "invalid_client")
	prove(third, "2").want(t, 200, "")
}

func TestAnAddressOfKeysThatWillNotDo(t *testing.T) {
	t.Parallel()
	pair := newPair(t, jose.ES256)
	private, err := json.Marshal(jose.JSONWebKey{Key: pair.private, KeyID: "p"})
	if err != nil {
		t.Fatal(err)
	}
	set := func(keys ...json.RawMessage) string {
		text, err := json.Marshal(map[string]any{"keys": keys})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var many []json.RawMessage
	for i := range 11 {
		many = append(many, pair.jwk(t, fmt.Sprint(i)))
	}
	for name, serve := range map[string]http.HandlerFunc{
		"not there":           http.NotFound,
		"somewhere else":      http.RedirectHandler("/keys2", http.StatusFound).ServeHTTP,
		"no JSON":             says("<html>"),
		"no set":              says(string(pair.jwk(t, "1"))),
		"a list":              says("[]"),
		"private":             says(set(pair.jwk(t, "1"), private)),
		"one kid twice":       says(set(pair.jwk(t, "1"), pair.jwk(t, "1"))),
		"eleven keys":         says(set(many...)),
		"more than 64 KiB":    says(set(pair.jwk(t, "1")) + strings.Repeat(" ", keysLimit)),
		"symmetric":           says(`{"keys":[{"kty":"oct","k":"AAAA"}]}`),
		"slower than we wait": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			fmt.Fprint(w, "{")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, host := newWorld(t), newKeyHost(t)
			w.server.Fetch = host.Client()
			w.server.Fetch.Timeout = 300 * time.Millisecond
			host.says(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/keys2" {
					says(set(pair.jwk(t, "1")))(w, r)
					return
				}
				serve(w, r)
			})
			w.edit(auth.Protocol{JWKSURI: host.URL})
			w.prove(pair.sign(t, w.statement(w.app, nil), nil)).want(t, 401, "invalid_client")
		})
	}
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// The address is judged when it is dialled, whatever name leads there.
func TestKeysAreNotFetchedFromInside(t *testing.T) {
	t.Parallel()
	w, host := newWorld(t), newKeyHost(t)
	pair := newPair(t, jose.ES256)
	host.shows(pair.jwk(t, ""))
	w.server.Fetch = egress.Fetch{}.Client(keysTimeout)
	w.edit(auth.Protocol{JWKSURI: host.URL})
	w.prove(pair.sign(t, w.statement(w.app, nil), nil)).want(t, 401, "invalid_client")
	if got := host.asked.Load(); got != 0 {
		t.Errorf("the platform's own host was asked %d times", got)
	}
}
