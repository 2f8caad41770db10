package gateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

// TestAttackHopByHop: what a caller calls a matter of its connection is left
// out of the upstream's request; what is ours is there all the same.
func TestAttackHopByHop(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	a.secrets = append(a.secrets, "bi-mat-proxy")
	ours := []string{"Lgsp-Application", "Lgsp-Agreement", "Lgsp-Agency", "Lgsp-Purpose", "Via", "Traceparent", "X-Request-Id"}
	for i, lines := range [][]string{
		{"Connection: LGSP-Application, LGSP-Agreement, lgsp-agency, Lgsp-Purpose, Via, Traceparent, X-Request-Id, X-Hop", "X-Hop: 1"},
		{"Connection: x-hop", "Connection: Lgsp-Application", "X-Hop: 1", "x-hop: 2"},
		{"Connection: X-API-Key, Host, Content-Length, X-Hop", "X-Hop: 1"},
		{"Connection: close,, ,X-Hop,\tLgsp-Agreement", "X-Hop: 1"},
		{"Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic bi-mat-proxy", "Proxy-Authenticate: Basic", "TE: trailers, deflate", "Trailer: X-API-Key", "Upgrade: websocket, h2c", "Http2-Settings: AAMA"},
		{"Proxy_Authorization: bi-mat-proxy", "Proxy.Connection: a", "Transfer_Encoding: chunked", "Content_Length: 9", "Upgrade_: x"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			a.try(t, a.server, attack{sent: keyed("{P}/ho-so", lines...), status: 200, reached: 1})
			r, body := a.last()
			for _, name := range ours {
				if len(r.Header[name]) != 1 || r.Header.Get(name) == "" {
					t.Errorf("%s: %q", name, r.Header[name])
				}
			}
			for _, name := range []string{"X-Hop", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "Te", "Trailer", "Upgrade", "Http2-Settings",
				"Proxy_authorization", "Proxy.connection", "Transfer_encoding", "Content_length"} {
				if len(r.Header[name]) > 0 {
					t.Errorf("%s: %q reached the upstream", name, r.Header[name])
				}
			}
			if len(r.TransferEncoding) > 0 || r.ContentLength != 0 || body != "" || strings.Contains(fmt.Sprint(r.Header), a.key) {
				t.Errorf("the upstream got %v and %q", r.Header, body)
			}
		})
	}
	a.settle()
}

// TestAttackIdentity: what a caller says of itself, in whatever spelling,
// reaches nobody, and changes neither record nor route.
func TestAttackIdentity(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	own := a.node.addressHash(mustPrefixes("127.0.0.1/32")[0].Addr())
	for i, lines := range [][]string{
		{"LGSP-Application: ke-gian", "lgsp-agreement: ke-gian", "LGSP_Application: ke-gian", "Lgsp.Application: ke-gian", "LGSP_Agreement: ke-gian", "lgsp_agency: ke-gian", "X-LGSP-Who: ke-gian", "X_Lgsp_Who: ke-gian", "Lgsp.Purpose: ke-gian"},
		{"X-Forwarded-For: 10.9.8.7, ke-gian", "X-Forwarded-Host: ke-gian", "X-Forwarded-Proto: ke-gian", "X_Forwarded_For: ke-gian", "X-Forwarded: ke-gian", "X.Forwarded.For: ke-gian", "Forwarded: for=ke-gian",
			"X-Real-IP: ke-gian", "X_Real_Ip: ke-gian", "X-Client-IP: ke-gian", "True-Client-IP: ke-gian", "CF-Connecting-IP: ke-gian"},
		{"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X_Http_Method_Override: DELETE", "X-Method-Override: DELETE", "X-Original-URL: /ke-gian", "X-Rewrite-URL: /ke-gian", "X_Original_Url: /ke-gian", "X-Original-Host: ke-gian"},
		{"Client-Cert: :ke-gian:", "Client_Cert: :ke-gian:", "Client-Cert-Chain: ke-gian", "Cookie: ke-gian=1", "Cookie: b=ke-gian", "DPoP: ke-gian", "D_PoP: x", "X_Api_Key: ke-gian", "X.Api.Key: ke-gian"},
		{"Traceparent: 00-ke-gian", "X-Request-Id: <ke-gian>", "X-Request-Id: ke-gian"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			a.try(t, a.server, attack{sent: keyed("{P}/ho-so", lines...), status: 200, reached: 1})
			r, _ := a.last()
			if all := fmt.Sprint(r.Header); strings.Contains(all, "ke-gian") || strings.Contains(all, "DELETE") || strings.Contains(all, a.key) {
				t.Errorf("the upstream got %v", r.Header)
			}
			if r.Method != "GET" || r.URL.Path != "/goc/ho-so" || r.Host != strings.TrimPrefix(a.upstream.URL, "http://") || r.Header.Get("Lgsp-Application") != a.app.String() {
				t.Errorf("the upstream was asked %s %s of %s for %s", r.Method, r.URL, r.Host, r.Header.Get("Lgsp-Application"))
			}
			if e := a.recorded(a.traces[len(a.traces)-1]); e.Application != a.app || e.Address != own || e.Method != "GET" {
				t.Errorf("recorded %+v", e)
			}
		})
	}
	for _, tt := range []attack{
		{name: "a name with NUL", sent: keyed("{P}/ho-so", "LGSP-Application\x00: a"), status: 400, code: "request-malformed"},
		{name: "a name with a space", sent: keyed("{P}/ho-so", "LGSP-Application : a"), status: 400, code: "request-malformed"},
		{name: "a name with another hyphen", sent: keyed("{P}/ho-so", "LGSP\u2010Application: a"), status: 400, code: "request-malformed"},
		{name: "a name with a slash", sent: keyed("{P}/ho-so", "LGSP/Application: a"), status: 400, code: "request-malformed"},
		{name: "a purpose that is not agreed", sent: keyed("{P}/ho-so", "LGSP-Purpose: ke-gian"), status: 403, code: "purpose-not-agreed"},
		{name: "two purposes", sent: keyed("{P}/ho-so", "LGSP-Purpose: tra-cuu", "LGSP-Purpose: ke-gian"), status: 400, code: "purpose-twice"},
	} {
		t.Run(tt.name, func(t *testing.T) { a.try(t, a.server, tt) })
	}
	a.settle()
}

// smith makes tokens, also such as nobody should.
type smith struct {
	key *ecdsa.PrivateKey
	now func() time.Time
	app uuid.UUID
	aud string
}

func (s *smith) token(header, claims map[string]any) string {
	h := map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": "k1"}
	c := map[string]any{"iss": portalURL, "aud": s.aud, "sub": s.app.String(), "client_id": s.app.String(), "jti": uuid.NewString(), "iat": s.now().Unix(), "exp": s.now().Add(5 * time.Minute).Unix(), "scope": ""}
	for into, from := range map[*map[string]any]map[string]any{&h: header, &c: claims} {
		for name, value := range from {
			(*into)[name] = value
		}
	}
	text := part64(h) + "." + part64(c)
	sum := sha256.Sum256([]byte(text))
	switch h["alg"] {
	case "none":
		return text + "."
	case "HS256":
		public, _ := s.key.PublicKey.Bytes()
		mac := hmac.New(sha256.New, public)
		mac.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	r, sig, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		panic(err)
	}
	var both [64]byte
	r.FillBytes(both[:32])
	sig.FillBytes(both[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(both[:])
}

func part64(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// TestAttackTokens sends tokens that are not to be believed to a node with the
// verifier that the platform has.
func TestAttackTokens(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var fetched atomic.Int32
	keyServer := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	t.Cleanup(keyServer.Close)
	keys := map[string]*ecdsa.PublicKey{"k1": &key.PublicKey}
	var spent oauth.Spent
	a.node, a.server = a.another(func(n *Node) {
		v := &oauth.Verifier{Issuer: portalURL, Keys: func() map[string]*ecdsa.PublicKey { return keys }, Now: a.now, Revoked: n.IsRevoked,
			Nonces: keyring.Of(make([]byte, 32)), Spend: spent.Take}
		n.Nonce = v.Nonce
		n.Verify = func(ctx context.Context, p auth.Presented, audience string) (Token, error) {
			got, err := v.Verify(ctx, p, audience)
			if err != nil {
				return Token{}, err
			}
			app, err := uuid.Parse(got.Client)
			if err != nil {
				return Token{}, problem.Errorf(problem.Unauthorized, "no application").Coded("token-untrusted")
			}
			return Token{ID: got.ID, Application: app, Issued: got.Issued}, nil
		}
	})
	s := &smith{key: key, now: a.now, app: a.app, aud: a.node.GatewayURL + a.route.Prefix()}
	good := s.token(nil, nil)
	type of = map[string]any
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	foreign := &smith{key: stranger, now: a.now, app: a.app, aud: s.aud}
	for _, tt := range []struct{ name, token, code string }{
		{"alg none", s.token(of{"alg": "none"}, nil), "token-untrusted"},
		{"alg none, without its last dot", strings.TrimSuffix(s.token(of{"alg": "none"}, nil), "."), "token-malformed"},
		{"HS256 with our public key", s.token(of{"alg": "HS256"}, nil), "token-untrusted"},
		{"signed by a stranger", foreign.token(nil, nil), "token-untrusted"},
		{"kid as a path", s.token(of{"kid": "../../../../dev/null"}, nil), "token-untrusted"},
		{"kid as SQL", s.token(of{"kid": "k1' or '1'='1"}, nil), "token-untrusted"},
		{"kid of nobody", s.token(of{"kid": ""}, nil), "token-untrusted"},
		{"jku", s.token(of{"jku": keyServer.URL}, nil), "token-malformed"},
		{"x5u", s.token(of{"x5u": keyServer.URL}, nil), "token-malformed"},
		{"jwk", foreign.token(of{"jwk": of{"kty": "EC", "crv": "P-256"}}, nil), "token-malformed"},
		{"crit", s.token(of{"crit": []string{"exp"}}, nil), "token-malformed"},
		{"an ID token", s.token(of{"typ": "JWT"}, nil), "token-untrusted"},
		{"another issuer", s.token(nil, of{"iss": keyServer.URL}), "token-untrusted"},
		{"another audience", s.token(nil, of{"aud": a.node.GatewayURL + "/so-noi-vu/khac/v1"}), "token-audience"},
		{"two audiences", s.token(nil, of{"aud": []string{s.aud, "x"}}), "token-malformed"},
		{"expired", s.token(nil, of{"iat": a.now().Unix() - 600, "exp": a.now().Unix() - 1}), "token-expired"},
		{"not yet valid", s.token(nil, of{"nbf": a.now().Unix() + 600}), "token-untrusted"},
		{"bound to a key that is not shown", s.token(nil, of{"cnf": of{"jkt": "x"}}), "dpop-absent"},
		{"a claim that is not known", s.token(nil, of{"admin": true}), "token-malformed"},
		{"cut", good[:len(good)-2], "token-untrusted"},
		{"with another's claims", good[:strings.IndexByte(good, '.')] + foreign.token(nil, nil)[strings.IndexByte(good, '.'):], "token-untrusted"},
		{"padded", good + "=", "token-untrusted"},
		{"huge", strings.Repeat("a", 9<<10), "token-malformed"},
		{"empty", "", "token-malformed"},
		{"a list", good + ", Bearer " + good, "token-malformed"},
		{"a key", a.key, "key-as-bearer"},
	} {
		if tt.token != "" {
			a.secrets = append(a.secrets, tt.token)
		}
		t.Run(tt.name, func(t *testing.T) {
			header, _ := a.try(t, a.server, attack{sent: asks("GET", "{P}/nguoi/{N}?q={Q}", "Authorization: Bearer "+tt.token), status: 401, code: tt.code})
			if !strings.Contains(strings.Join(header.Values("WWW-Authenticate"), ""), "Bearer") {
				t.Errorf("challenge: %v", header)
			}
		})
	}
	for _, tt := range []attack{
		{name: "key and token", sent: keyed("{P}/ho-so", "Authorization: Bearer "+good), status: 400, code: "two-credentials"},
		{name: "two tokens", sent: asks("GET", "{P}/ho-so", "Authorization: Bearer "+good, "Authorization: Bearer "+good), status: 400, code: "two-credentials"},
		{name: "two keys", sent: keyed("{P}/ho-so", "X-API-Key: {K}"), status: 400, code: "two-credentials"},
		{name: "token and key by Authorization", sent: asks("GET", "{P}/ho-so", "Authorization: ApiKey {K}", "authorization: Bearer "+good), status: 400, code: "two-credentials"},
		{name: "a key where a token is needed", sent: keyed("{P}/nguoi/{N}"), status: 401, code: "key-for-personal-data"},
		{name: "a token in a cookie", sent: asks("GET", "{P}/ho-so", "Cookie: access_token="+good), status: 401, code: "no-credential"},
		{name: "a token in the query", sent: asks("GET", "{P}/ho-so?access_token="+good), status: 400, code: "credential-in-query"},
		{name: "a key in the query, in capitals", sent: asks("GET", "{P}/ho-so?Api_Key={K}"), status: 400, code: "credential-in-query"},
		{name: "a scheme without a credential", sent: asks("GET", "{P}/ho-so", "Authorization: "), status: 401, code: "credential-scheme"},
		{name: "an old scheme", sent: asks("GET", "{P}/ho-so", "Authorization: Digest username=\"{K}\""), status: 401, code: "credential-scheme"},
		{name: "larger than a header", sent: asks("GET", "{P}/ho-so", "Authorization: Bearer "+strings.Repeat("a", 65<<10)), status: 431, code: "header-too-large"},
		{name: "a good one", sent: asks("GET", "{P}/ho-so", "Authorization: Bearer "+good), status: 200, reached: 1},
	} {
		t.Run(tt.name, func(t *testing.T) { a.try(t, a.server, tt) })
	}
	a.settle()
	if n := fetched.Load(); n > 0 {
		t.Errorf("%d addresses that tokens named were fetched", n)
	}
}

// TestAttackStale: what is over is refused on two nodes within a second of its
// end, though both have just let it pass.
func TestAttackStale(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, code, sent string
		end              func(w *world, key *auth.GatewayCredential)
	}{
		{"a key revoked", "key-wrong", "X-API-Key: {K}", func(w *world, _ *auth.GatewayCredential) { w.keys = nil }},
		{"a key rotated, past its grace", "key-wrong", "X-API-Key: {K}", func(w *world, k *auth.GatewayCredential) { k.Expires = w.now() }},
		{"an owner suspended", "caller-disabled", "X-API-Key: {K}", func(_ *world, k *auth.GatewayCredential) { k.Disabled = true }},
		{"an application disabled", "caller-disabled", "Authorization: Bearer {T}", func(w *world, _ *auth.GatewayCredential) { w.disabled = []uuid.UUID{w.app} }},
		{"a token revoked", "token-revoked", "Authorization: Bearer {T}", func(w *world, _ *auth.GatewayCredential) { w.revoked = []string{"1"} }},
		{"all tokens revoked", "token-revoked", "Authorization: Bearer {T}", func(w *world, _ *auth.GatewayCredential) {
			w.notBefore = map[uuid.UUID]time.Time{w.app: w.now().Add(time.Minute)}
		}},
		{"an agreement suspended", "agreement-suspended", "X-API-Key: {K}", func(w *world, _ *auth.GatewayCredential) { w.grant.State = "suspended" }},
		{"an agreement ended", "agreement-ended", "X-API-Key: {K}", func(w *world, _ *auth.GatewayCredential) { w.grant.State = "ended" }},
		{"an agreement that expires", "agreement-expired", "X-API-Key: {K}", func(w *world, _ *auth.GatewayCredential) { w.grant.Ends = w.now() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newArena(t)
			_, other := a.another(func(*Node) {})
			at := func(to *site) string { // a token is for the gateway's address, which is the node's here
				token := strings.ReplaceAll(a.token("1"), a.node.GatewayURL, to.URL)
				a.secrets = append(a.secrets, token)
				return asks("GET", "{P}/ho-so", strings.ReplaceAll(tt.sent, "{T}", token))
			}
			for _, to := range []*site{a.server, other} {
				a.try(t, to, attack{sent: at(to), status: 200, reached: 1})
			}
			before := a.grant
			a.mu.Lock()
			tt.end(a.world, &a.keys[0])
			a.mu.Unlock()
			if a.grant.State != before.State || !a.grant.Ends.Equal(before.Ends) {
				a.grant.Revision++
				a.commit(func(ctx context.Context, tx pgx.Tx) error { return PutGrant(ctx, tx, a.grant) })
			}
			a.tell("credential")
			time.Sleep(time.Second)
			for _, to := range []*site{a.server, other} {
				a.try(t, to, attack{sent: at(to), status: map[bool]int{true: 403, false: 401}[strings.HasPrefix(tt.code, "agreement")], code: tt.code})
			}
			a.settle()
		})
	}
}
