package main

import (
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/internal/certtest"
)

// secureWorld is a world whose doors speak TLS, with one for clients whose
// certificates ca signs.
func secureWorld(t *testing.T) (*world, certtest.CA) {
	t.Helper()
	ca, dir := certtest.NewCA(t, time.Now()), t.TempDir()
	return newWorldWith(t, func(w *world, c *config) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		w.must(err)
		w.doors.mtls = l
		c.TLSCert, c.TLSKey, c.MTLSCA = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
		certtest.Write(t, ca.Server(time.Now()), c.TLSCert, c.TLSKey)
		certtest.Write(t, tls.Certificate{Certificate: [][]byte{ca.Certificate.Raw}}, c.MTLSCA, "")
		c.files, err = openTLS(*c)
		w.must(err)
		c.MTLSAddr, c.MTLSURL = l.Addr().String(), "https://"+l.Addr().String()
		c.PortalURL, c.GatewayURL = "https://"+c.PortalAddr, "https://"+c.GatewayAddr
	}), ca
}

// caller is a program with a certificate, or without.
type caller struct {
	w      *world
	client http.Client
	asked  atomic.Bool // for a certificate, by any door
}

func (w *world) caller(ca certtest.CA, shown *tls.Certificate) *caller {
	c := &caller{w: w}
	c.client.Transport = &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.asked.Store(true)
		if shown == nil {
			return &tls.Certificate{}, nil
		}
		return shown, nil
	}}}
	w.t.Cleanup(c.client.CloseIdleConnections)
	return c
}

// call gives status and JSON of an answer; a form makes it a POST.
func (c *caller) call(address string, form url.Values, headers ...string) (int, map[string]any) {
	c.w.t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(c.w.t.Context(), method, address, strings.NewReader(form.Encode()))
	c.w.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.client.Do(r)
	c.w.must(err)
	defer answer.Body.Close()
	if answer.ProtoMajor != 2 {
		c.w.t.Errorf("%s answered by %s, want HTTP/2", address, answer.Proto)
	}
	text, err := io.ReadAll(answer.Body)
	c.w.must(err)
	var body map[string]any
	_ = json.Unmarshal(text, &body) // pages have none
	return answer.StatusCode, body
}

// TestClientCertificates: an application that proves itself by a certificate
// gets tokens bound to it, and who holds such a token calls with that
// certificate or not at all: at the gateway, /api/v1 and userinfo.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	w, ca := secureWorld(t)
	w.serve()
	name := pkix.Name{Organization: []string{"Tổ một cửa"}, CommonName: "may-chu-01"}
	ownCertificate, otherCertificate := ca.Client(time.Now(), name), ca.Client(time.Now(), name)
	own, thief, nobody := w.caller(ca, &ownCertificate), w.caller(ca, &otherCertificate), w.caller(ca, nil)
	_, err := w.auth.EditApplication(t.Context(), w.people["developer"], w.uuid("application"), auth.NewApplication{Name: "Tra cứu",
		Protocol: auth.Protocol{AuthMethod: auth.TLSAuth, CertSubjectDN: "CN=may-chu-01,O=Tổ một cửa", CertBound: true}})
	w.must(err)
	mtls, path := w.config.MTLSURL, "/so-a/dich-vu-public/v1"
	token := func(form url.Values) string {
		t.Helper()
		form.Set("grant_type", "client_credentials")
		form.Set("client_id", w.id["application"])
		for name, refused := range map[string]struct {
			who *caller
			at  string
		}{"without a certificate": {nobody, mtls}, "at the portal's door": {own, w.config.PortalURL}} {
			if status, body := refused.who.call(refused.at+"/oauth2/token", form); status != 401 || body["error"] != "invalid_client" {
				t.Errorf("token %s: got %d %v", name, status, body)
			}
		}
		var status int
		var body map[string]any
		w.until("the edit is known", func() bool { // applications are remembered for a moment
			status, body = own.call(mtls+"/oauth2/token", form)
			return status == 200
		})
		return body["access_token"].(string)
	}
	calls, manage := token(url.Values{"audience": {w.config.GatewayURL + path}}), token(url.Values{"scope": {"lgsp.manage"}})
	for _, tt := range []struct {
		name   string
		who    *caller
		at     string
		status int
	}{
		{"with the certificate", own, mtls, 200}, {"with another that is as good", thief, mtls, 401}, {"with none", nobody, mtls, 401},
		{"at the usual door", own, "", 401},
	} {
		for _, call := range []struct{ usual, path, token, code string }{
			{w.config.GatewayURL, path + "/thua-dat/9", calls, "token-certificate"},
			{w.config.PortalURL, "/api/v1/me", manage, "token-certificate"},
		} {
			address := tt.at + call.path
			if tt.at == "" {
				address = call.usual + call.path
			}
			status, body := tt.who.call(address, nil, "Authorization", "Bearer "+call.token, "LGSP-Purpose", "dich-vu")
			if status != tt.status || status == 401 && body["code"] != call.code {
				t.Errorf("%s %s: got %d %v, want %d", call.path, tt.name, status, body, tt.status)
			}
		}
	}
	if status, body := nobody.call(mtls+path+"/thua-dat/9", nil, "X-API-Key", w.key, "LGSP-Purpose", "dich-vu"); status != 200 {
		t.Errorf("a key without a certificate: got %d %v", status, body)
	}
	if _, body := nobody.call(w.config.GatewayURL+"/.well-known/oauth-protected-resource"+path, nil); body["tls_client_certificate_bound_access_tokens"] != true {
		t.Errorf("the resource's metadata: got %v", body)
	}
	for _, page := range []string{"/", "/sign-in", "/en/", "/oauth2/authorize", "/static/x", "/metrics", "/api/v1"} {
		if status, _ := nobody.call(mtls+page, nil); status != 404 {
			t.Errorf("%s at the door for clients: got %d, want 404", page, status)
		}
	}
}

// TestWhoIsAskedForACertificate: nobody at the doors where browsers come.
func TestWhoIsAskedForACertificate(t *testing.T) {
	t.Parallel()
	w, ca := secureWorld(t)
	w.serve()
	for address, asked := range map[string]bool{
		w.config.PortalURL + "/sign-in": false, w.config.GatewayURL + "/.well-known/api-catalog": false, w.config.MTLSURL + "/.well-known/api-catalog": true,
	} {
		c := w.caller(ca, nil)
		if status, _ := c.call(address, nil); status != 200 || c.asked.Load() != asked {
			t.Errorf("%s: got %d, asked for a certificate: %v", address, status, c.asked.Load())
		}
	}
	if answer, err := w.caller(ca, nil).client.Get(w.config.PortalURL + "/"); err != nil || answer.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("no Strict-Transport-Security over TLS (%v)", err)
	}
}

// TestGatewayNodeSpeaksTLS: a node alone has the same doors, for calls.
func TestGatewayNodeSpeaksTLS(t *testing.T) {
	t.Parallel()
	w, ca := secureWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- w.runNode(ctx, doors{gateway: w.doors.gateway, mtls: w.doors.mtls, ops: w.doors.ops}, nil)
	}()
	t.Cleanup(func() { stop(); w.must(<-ended) })
	c := w.caller(ca, nil)
	for _, origin := range []string{w.config.GatewayURL, w.config.MTLSURL} {
		w.until("an open call at "+origin, func() bool {
			status, _ := c.call(origin+"/so-a/dich-vu-public/v1/danh-muc", nil)
			return status == 200
		})
		if status, _ := c.call(origin+"/oauth2/token", url.Values{}); status != 404 {
			t.Errorf("/oauth2/token at a node: got %d", status)
		}
	}
}

// TestClientCert: a header tells of a certificate when a proxy of ours sends
// it; a proxy's own certificate is nobody's.
func TestClientCert(t *testing.T) {
	t.Parallel()
	shown, proxys := certtest.SelfSigned(t, time.Now()), certtest.SelfSigned(t, time.Now())
	header := ":" + base64.StdEncoding.EncodeToString(shown.Leaf.Raw) + ":"
	for _, tt := range []struct {
		name   string
		from   string
		values []string
		status int
		want   string
	}{
		{"a proxy of ours", "10.0.0.1:5", []string{header}, 200, auth.CertificateHash(request(shown))},
		{"mapped into IPv6", "[::ffff:10.0.0.1]:5", []string{header}, 200, auth.CertificateHash(request(shown))},
		{"a proxy whose client showed none", "10.0.0.1:5", nil, 200, ""},
		{"somebody else", "10.0.0.2:5", []string{header}, 200, auth.CertificateHash(request(proxys))},
		{"twice", "10.0.0.1:5", []string{header, header}, 400, ""},
		{"empty", "10.0.0.1:5", []string{""}, 400, ""},
		{"without colons", "10.0.0.1:5", []string{strings.Trim(header, ":")}, 400, ""},
		{"one colon", "10.0.0.1:5", []string{":"}, 400, ""},
		{"parameters", "10.0.0.1:5", []string{header + ";a=b"}, 400, ""},
		{"a list", "10.0.0.1:5", []string{header + ", " + header}, 400, ""},
		{"no base64", "10.0.0.1:5", []string{":%%:"}, 400, ""},
		{"no certificate", "10.0.0.1:5", []string{":AAAA:"}, 400, ""},
	} {
		r := request(proxys)
		r.RemoteAddr, r.Header = tt.from, http.Header{"Client-Cert": tt.values}
		got, w := "", httptest.NewRecorder()
		withCertificate([]netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = auth.CertificateHash(r)
		})).ServeHTTP(w, r)
		if w.Code != tt.status || got != tt.want {
			t.Errorf("%s: got %d %q, want %d %q", tt.name, w.Code, got, tt.status, tt.want)
		}
	}
}

// request comes over a connection where a certificate was shown.
func request(shown tls.Certificate) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://localhost/", nil)
	r.TLS.PeerCertificates = append(r.TLS.PeerCertificates, shown.Leaf)
	return r
}

func FuzzToldCertificate(f *testing.F) {
	f.Add(":AAAA:")
	f.Add(":" + base64.StdEncoding.EncodeToString(certtest.SelfSigned(f, time.Now()).Leaf.Raw) + ":")
	f.Fuzz(func(t *testing.T, text string) {
		if told, err := toldCertificate([]string{text}); err == nil && (len(told) != 1 || told[0] == nil) {
			t.Errorf("%q: got %v without an error", text, told)
		}
	})
}
