package oauth

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/certtest"
	"lgsp/internal/problem"
)

// door opens a second door of the server, where clients are asked for a
// certificate; ca vouches for theirs.
func (w *world) door(ca certtest.CA) string {
	w.t.Helper()
	door := httptest.NewUnstartedServer(w.http.Config.Handler)
	door.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	door.StartTLS()
	w.t.Cleanup(door.Close)
	w.server.ClientURL, w.server.ClientCAs = door.URL, ca.Pool
	return door.URL
}

// with calls an address of the door over a connection of its own; shown may be
// nil, and form too, for a GET with a token.
func (w *world) with(shown *tls.Certificate, path string, form url.Values, headers ...string) answer {
	w.t.Helper()
	method, body := http.MethodPost, strings.NewReader(form.Encode())
	if form == nil {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.ClientURL+path, body)
	w.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true} // who the server is, is no matter here
	if shown != nil {
		transport.TLSClientConfig.Certificates = []tls.Certificate{*shown}
	}
	response, err := transport.RoundTrip(r)
	w.must(err)
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	text, err := io.ReadAll(response.Body)
	w.must(err)
	if err := json.Unmarshal(text, &a.body); err != nil && len(text) > 0 {
		w.t.Fatalf("%s answered %q", path, text)
	}
	return a
}

func machine(app auth.Application) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "scope": {ScopeManage}, "client_id": {app.ID.String()}}
}

// x5t is what a token bound to a certificate says of it.
func x5t(shown tls.Certificate) string {
	sum := sha256.Sum256(shown.Leaf.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

var ourName = pkix.Name{Country: []string{"VN"}, Organization: []string{"Sở Nội vụ"}, CommonName: "may-chu-01"}

// TestCertifiedClient: tls_client_auth takes a certificate that an authority
// of ours vouches for now, for clients, in the application's name; and no other.
func TestCertifiedClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca, stranger := certtest.NewCA(t, w.Now()), certtest.NewCA(t, w.Now())
	w.door(ca)
	between := ca.Between(w.Now())
	far, whole := between.Client(w.Now(), ourName, "may-chu-01.example.vn"), between.Client(w.Now(), ourName, "may-chu-01.example.vn")
	whole.Certificate = append(whole.Certificate, between.Certificate.Raw)
	good := ca.Client(w.Now(), ourName, "khac.example.vn", "May-Chu-01.example.vn")
	usage := func(use ...x509.ExtKeyUsage) tls.Certificate {
		return ca.Sign(x509.Certificate{Subject: ourName, DNSNames: []string{"may-chu-01.example.vn"}, NotBefore: w.Now(), NotAfter: w.Now().Add(time.Hour), ExtKeyUsage: use})
	}
	const name, dns = "CN=may-chu-01,O=Sở Nội vụ,C=VN", "may-chu-01.example.vn"
	for _, tt := range []struct {
		name    string
		dn, dns string
		shown   tls.Certificate
		ok      bool
	}{
		{"the name", name, "", good, true},
		{"a name of the host", "", dns, good, true},
		{"through an authority that the client sends along", name, "", whole, true},
		{"through an authority that nobody knows", name, "", far, false},
		{"no use is said", name, "", usage(), true},
		{"for servers only", name, "", usage(x509.ExtKeyUsageServerAuth), false},
		{"another authority", name, "", stranger.Client(w.Now(), ourName, dns), false},
		{"another authority, by the host", "", dns, stranger.Client(w.Now(), ourName, dns), false},
		{"expired", name, "", ca.Client(w.Now().Add(-24*time.Hour), ourName), false},
		{"not yet", name, "", ca.Client(w.Now().Add(24*time.Hour), ourName), false},
		{"another name", name, "", ca.Client(w.Now(), pkix.Name{Country: ourName.Country, Organization: ourName.Organization, CommonName: "may-chu-02"}), false},
		{"one level more", name, "", ca.Client(w.Now(), pkix.Name{Country: ourName.Country, Organization: ourName.Organization, OrganizationalUnit: []string{"x"}, CommonName: "may-chu-01"}), false},
		{"another host", "", dns, ca.Client(w.Now(), ourName, "may-chu-02.example.vn"), false},
		{"a wildcard", "", dns, ca.Client(w.Now(), ourName, "*.example.vn"), false},
		{"the host as common name", "", dns, ca.Client(w.Now(), pkix.Name{CommonName: dns}), false},
		{"vouched for by itself", name, "", certtest.SelfSigned(t, w.Now()), false},
	} {
		w.edit(auth.Protocol{AuthMethod: auth.TLSAuth, CertSubjectDN: tt.dn, CertSANDNS: tt.dns})
		got := w.with(&tt.shown, "/oauth2/token", machine(w.app))
		if tt.ok && got.status != http.StatusOK || !tt.ok && (got.status != http.StatusUnauthorized || got.error() != "invalid_client") {
			t.Errorf("%s: got %d %v", tt.name, got.status, got.body)
		}
	}

	w.edit(auth.Protocol{AuthMethod: auth.TLSAuth, CertSubjectDN: name})
	w.with(nil, "/oauth2/token", machine(w.app)).want(t, 401, "invalid_client")
	w.post("/oauth2/token", nil, machine(w.app)).want(t, 401, "invalid_client") // the other door
	w.with(&good, "/oauth2/token", machine(w.other)).want(t, 401, "invalid_client")
	both := machine(w.app)
	both.Set("client_secret", w.secret)
	w.with(&good, "/oauth2/token", both).want(t, 401, "invalid_client")
	w.with(&good, "/oauth2/token", machine(w.app), "Authorization", "Basic "+basic(w.app.ID.String(), w.secret)).want(t, 401, "invalid_client")
	pair := newPair(t, jose.ES256)
	w.setKeys(w.app, pair.jwk(t, ""))
	both = machine(w.app)
	both.Set("client_assertion_type", assertionType)
	both.Set("client_assertion", pair.sign(t, w.statement(w.app, nil), nil))
	w.with(&good, "/oauth2/token", both).want(t, 401, "invalid_client")
	for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
		form := url.Values{"client_id": {w.app.ID.String()}, "token": {"x"}}
		w.with(nil, path, form).want(t, 401, "invalid_client")
	}
	w.with(&good, "/oauth2/introspect", url.Values{"client_id": {w.app.ID.String()}, "token": {"x"}}).want(t, 200, "")
	form := w.asked(oauth2.GenerateVerifier())
	form.Set("client_id", w.app.ID.String())
	w.with(&good, "/oauth2/par", form).want(t, 201, "")

	w.server.ClientCAs = func() *x509.CertPool { return nil }
	w.with(&good, "/oauth2/token", machine(w.app)).want(t, 401, "invalid_client")
}

func basic(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
}

// TestSelfSignedClient: self_signed_tls_client_auth takes any certificate of a
// key that is set for the application.
func TestSelfSignedClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca := certtest.NewCA(t, w.Now())
	w.door(ca)
	own, old, foreign := certtest.SelfSigned(t, w.Now()), certtest.SelfSigned(t, w.Now().AddDate(-1, 0, 0)), certtest.SelfSigned(t, w.Now())
	jwk := func(shown tls.Certificate) json.RawMessage {
		text, err := json.Marshal(jose.JSONWebKey{Key: shown.Leaf.PublicKey})
		w.must(err)
		return text
	}
	w.edit(auth.Protocol{AuthMethod: auth.TLSSelfSigned})
	w.with(&own, "/oauth2/token", machine(w.app)).want(t, 401, "invalid_client") // no keys yet
	w.setKeys(w.app, jwk(own), jwk(old))
	w.with(&own, "/oauth2/token", machine(w.app)).want(t, 200, "")
	w.with(&old, "/oauth2/token", machine(w.app)).want(t, 200, "") // expired, which says nothing
	w.with(&foreign, "/oauth2/token", machine(w.app)).want(t, 401, "invalid_client")
	w.with(nil, "/oauth2/token", machine(w.app)).want(t, 401, "invalid_client")
	certified := ca.Client(w.Now(), ourName)
	w.with(&certified, "/oauth2/token", machine(w.app)).want(t, 401, "invalid_client")
	w.setKeys(w.app, jwk(old))
	w.with(&own, "/oauth2/token", machine(w.app)).want(t, 401, "invalid_client")
}

// TestCertificateBoundToken: a token bound to a certificate is of use with
// that certificate and nothing else (RFC 8705 §3).
func TestCertificateBoundToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca := certtest.NewCA(t, w.Now())
	w.door(ca)
	own, stolen := ca.Client(w.Now(), ourName), ca.Client(w.Now(), ourName)
	secret := basic(w.app.ID.String(), w.secret)
	w.edit(auth.Protocol{CertBound: true})

	w.post("/oauth2/token", &w.app, machine(w.app)).want(t, 400, "invalid_request")
	w.with(nil, "/oauth2/token", machine(w.app), "Authorization", "Basic "+secret).want(t, 400, "invalid_request")
	got := w.with(&own, "/oauth2/token", machine(w.app), "Authorization", "Basic "+secret)
	got.want(t, 200, "")
	if got.body["token_type"] != "Bearer" {
		t.Errorf("token_type: got %v", got.body["token_type"])
	}
	token := got.body["access_token"].(string)
	bound := map[string]any{"x5t#S256": x5t(own)}
	if cnf, _ := payload(t, token)["cnf"].(map[string]any); len(cnf) != 1 || cnf["x5t#S256"] != bound["x5t#S256"] {
		t.Errorf("cnf: got %v, want %v", cnf, bound)
	}
	told := w.with(&stolen, "/oauth2/introspect", url.Values{"token": {token}}, "Authorization", "Basic "+secret)
	if cnf, _ := told.body["cnf"].(map[string]any); told.body["active"] != true || cnf["x5t#S256"] != bound["x5t#S256"] {
		t.Errorf("introspection: got %v", told.body)
	}
	for name, tt := range map[string]struct {
		x5t  string
		code string
	}{
		"its own certificate": {x5t(own), ""}, "another": {x5t(stolen), "token-certificate"}, "none": {"", "token-certificate"},
	} {
		p := bearer(token)
		p.X5T = tt.x5t
		_, err := w.server.WhoByAccessToken(t.Context(), p)
		if e := problem.Of(err); err != nil && (e == nil || e.Code != tt.code) || (err == nil) != (tt.code == "") {
			t.Errorf("/api/v1 with %s: got %v", name, err)
		}
	}
}

// TestCertificateBoundGrant: a person's tokens, of a client that can prove
// itself and may change its certificate, and of one that can not.
func TestCertificateBoundGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca := certtest.NewCA(t, w.Now())
	w.door(ca)
	own, other := ca.Client(w.Now(), ourName), certtest.SelfSigned(t, w.Now())
	var err error
	w.native, err = w.auth.EditApplication(t.Context(), w.owner, w.native.ID, auth.NewApplication{Name: w.native.Name, RedirectURIs: []string{callback}, Protocol: auth.Protocol{CertBound: true}})
	w.must(err)
	w.edit(auth.Protocol{CertBound: true})
	for _, tt := range []struct {
		name  string
		app   auth.Application
		proof []string
		other int // status of a refresh with another certificate
	}{
		{"confidential", w.app, []string{"Authorization", "Basic " + basic(w.app.ID.String(), w.secret)}, 200},
		{"public", w.native, nil, 400},
	} {
		verifier := oauth2.GenerateVerifier()
		conf := w.config(scopeOpenID, scopeOffline)
		conf.ClientID = tt.app.ID.String()
		back := w.allow(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
		form := url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {callback},
			"code_verifier": {verifier}, "client_id": {tt.app.ID.String()}}
		w.with(nil, "/oauth2/token", form, tt.proof...).want(t, 400, "invalid_request") // and the code is not spent
		first := w.with(&own, "/oauth2/token", form, tt.proof...)
		first.want(t, 200, "")
		access, refresh := first.body["access_token"].(string), first.body["refresh_token"].(string)
		for shown, want := range map[*tls.Certificate]int{&own: 200, &other: 401, nil: 401} {
			got := w.with(shown, "/oauth2/userinfo", nil, "Authorization", "Bearer "+access)
			if got.status != want || want == 401 && (got.body["code"] != "token-certificate" || !strings.Contains(got.header.Get("WWW-Authenticate"), `error="invalid_token"`)) {
				t.Errorf("%s: userinfo: got %d %v %v", tt.name, got.status, got.body, got.header)
			}
		}
		form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {tt.app.ID.String()}}
		w.with(nil, "/oauth2/token", form, tt.proof...).want(t, 400, "invalid_request")
		next := w.with(&other, "/oauth2/token", form, tt.proof...)
		if next.status != tt.other || tt.other == 400 && next.error() != "invalid_grant" {
			t.Errorf("%s: refresh with another certificate: got %d %v", tt.name, next.status, next.body)
		}
		if tt.other == 200 {
			if cnf, _ := payload(t, next.body["access_token"].(string))["cnf"].(map[string]any); cnf["x5t#S256"] != x5t(other) {
				t.Errorf("%s: bound to %v", tt.name, cnf)
			}
			continue
		}
		again := w.with(&own, "/oauth2/token", form, tt.proof...)
		again.want(t, 200, "")
		form.Set("refresh_token", again.body["refresh_token"].(string))
		w.with(&other, "/oauth2/token", form, tt.proof...).want(t, 400, "invalid_grant")
	}
}

// TestDiscoveryOfCertificates: what is told of certificates works here, and
// nothing is told where they are not taken.
func TestDiscoveryOfCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	read := func() map[string]any {
		response, err := http.Get(w.http.URL + "/.well-known/openid-configuration")
		w.must(err)
		defer response.Body.Close()
		var all map[string]any
		w.must(json.NewDecoder(response.Body).Decode(&all))
		return all
	}
	if all := read(); all["mtls_endpoint_aliases"] != nil || all["tls_client_certificate_bound_access_tokens"] != nil || methods(all) != "" {
		t.Errorf("without the door: got %v", all)
	}
	ca := certtest.NewCA(t, w.Now())
	at := w.door(ca)
	all := read()
	if methods(all) != "tls_client_auth self_signed_tls_client_auth" || all["tls_client_certificate_bound_access_tokens"] != true {
		t.Errorf("got %v", all)
	}
	aliases, _ := all["mtls_endpoint_aliases"].(map[string]any)
	for name, address := range aliases {
		address, there := strings.CutPrefix(address.(string), at)
		if own, _ := all[name].(string); !there || own != w.http.URL+address {
			t.Errorf("%s: %v beside %s", name, aliases[name], own)
		}
		if got := w.with(nil, address, url.Values{}); got.status == http.StatusNotFound {
			t.Errorf("%s: nothing answers there", name)
		}
	}
	if len(aliases) < 5 {
		t.Errorf("aliases: got %v", aliases)
	}
	w.server.ClientCAs = func() *x509.CertPool { return nil }
	if got := methods(read()); got != "self_signed_tls_client_auth" {
		t.Errorf("without an authority: got %s", got)
	}
}

// methods are those of client authentication that take a certificate.
func methods(metadata map[string]any) string {
	var list []string
	for _, method := range metadata["token_endpoint_auth_methods_supported"].([]any) {
		if strings.Contains(method.(string), "tls") {
			list = append(list, method.(string))
		}
	}
	return strings.Join(list, " ")
}
