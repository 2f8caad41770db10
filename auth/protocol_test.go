package auth

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Who proves itself by a key or certificate is given no secret.
func TestASecretForWhoUsesOne(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "dev@x.vn")
	for method, want := range map[string]int{"": 2, SecretBasic: 2, PrivateKeyJWT: 1, TLSSelfSigned: 1} {
		_, issued, err := d.CreateApplication(ctx, who, NewApplication{Name: "Một cửa", Protocol: Protocol{AuthMethod: method}})
		if err != nil || len(issued) != want || issued[0].Kind != APIKey {
			t.Errorf("%q: got %d credentials, %v; want %d", method, len(issued), err, want)
		}
	}
}

// An official's tokens are exchanged by an agency's application alone, however
// it is made.
func TestWhoExchangesTokens(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "so-noi-vu", "H48.11").ID
	who := d.person(t, "dev@x.vn", Membership{Agency: agency, Role: RolePublisher})
	exchanging := NewApplication{Name: "Một cửa", Protocol: Protocol{GrantTypes: []string{GrantExchange}}}
	_, _, err := d.CreateApplication(ctx, who, exchanging)
	if got := fields(err)["grant_types"]; got != "exchange-of-agency" {
		t.Errorf("a person's: got %v", err)
	}
	own, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Một cửa"})
	ok(t, "create", err)
	if _, err := d.EditApplication(ctx, who, own.ID, exchanging); fields(err)["grant_types"] != "exchange-of-agency" {
		t.Errorf("a person's, edited: got %v", err)
	}
	_, err = d.TransferApplication(ctx, who, own.ID, agency)
	ok(t, "transfer", err)
	_, err = d.EditApplication(ctx, who, own.ID, exchanging)
	ok(t, "edit the agency's", err)
	public := exchanging
	public.Agency, public.Kind = agency, Public
	if _, _, err := d.CreateApplication(ctx, who, public); fields(err)["grant_types"] != "grant-type-unknown" {
		t.Errorf("a public one: got %v", err)
	}
	for owner, want := range map[uuid.UUID]string{uuid.Nil: "exchange-of-agency", agency: ""} {
		_, token, err := d.CreateRegistrationToken(ctx, who, NewRegistrationToken{Name: "Đợt thử", Agency: owner, GrantTypes: []string{GrantExchange}})
		ok(t, "registration token", err)
		_, err = d.Register(ctx, token, Registering{NewApplication: exchanging})
		if got := fields(err)["grant_types"]; got != want || (err == nil) != (want == "") {
			t.Errorf("registered for %s: got %v, want %q", owner, err, want)
		}
	}
}

func TestFAPISettingsGoTogether(t *testing.T) {
	t.Parallel()
	good := NewApplication{Name: "Ngân hàng", RedirectURIs: []string{"https://bank.test/cb"}, Protocol: Protocol{Profile: FAPI2, AuthMethod: PrivateKeyJWT}}
	for name, tt := range map[string]struct {
		change func(*NewApplication)
		want   map[string]string
	}{
		"as it should be":      {func(*NewApplication) {}, map[string]string{}},
		"a certificate":        {func(n *NewApplication) { n.AuthMethod, n.CertSANDNS = TLSAuth, "bank.test" }, map[string]string{}},
		"any way":              {func(n *NewApplication) { n.AuthMethod = "" }, map[string]string{"token_endpoint_auth_method": "fapi-auth-method"}},
		"a secret":             {func(n *NewApplication) { n.AuthMethod = SecretBasic }, map[string]string{"token_endpoint_auth_method": "fapi-auth-method"}},
		"public":               {func(n *NewApplication) { n.Kind, n.AuthMethod = Public, NoAuth }, map[string]string{"profile": "fapi-public"}},
		"the old audience":     {func(n *NewApplication) { n.LegacyAudience = true }, map[string]string{"legacy_audience": "fapi-audience"}},
		"grace":                {func(n *NewApplication) { n.RefreshGrace = true }, map[string]string{"refresh_grace": "fapi-refresh"}},
		"RS256":                {func(n *NewApplication) { n.IDTokenAlgorithm = RS256 }, map[string]string{"id_token_signed_response_alg": "fapi-id-token-alg"}},
		"ES256":                {func(n *NewApplication) { n.IDTokenAlgorithm = ES256 }, map[string]string{}},
		"loopback":             {func(n *NewApplication) { n.RedirectURIs = []string{"http://127.0.0.1/cb"} }, map[string]string{"redirect_uris": "fapi-https"}},
		"keys over http":       {func(n *NewApplication) { n.JWKSURI = "http://localhost/keys" }, map[string]string{"jwks_uri": "fapi-https"}},
		"two things at a time": {func(n *NewApplication) { n.AuthMethod, n.RefreshGrace = "", true }, map[string]string{"token_endpoint_auth_method": "fapi-auth-method", "refresh_grace": "fapi-refresh"}},
		"another profile":      {func(n *NewApplication) { n.Profile = "fapi1" }, map[string]string{"profile": "profile-unknown"}},
	} {
		n := good
		tt.change(&n)
		_, err := n.tidy()
		if got := fields(err); !maps.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	for _, tt := range []struct {
		method     string
		dpop, cert bool // as chosen
		wantDPoP   bool
		wantCert   bool
	}{
		{PrivateKeyJWT, false, false, true, false},
		{TLSSelfSigned, false, false, false, true},
		{PrivateKeyJWT, false, true, false, true},
		{TLSSelfSigned, true, false, true, false},
	} {
		n := good
		n.AuthMethod, n.DPoPBound, n.CertBound = tt.method, tt.dpop, tt.cert
		n, err := n.tidy()
		ok(t, "tidy", err)
		if !n.PushedOnly || n.DPoPBound != tt.wantDPoP || n.CertBound != tt.wantCert {
			t.Errorf("%+v: got %+v", tt, n.Protocol)
		}
	}
}

// ID tokens are signed with ES256 unless RS256 is named, by that name.
func TestIDTokenAlgorithms(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "dev@x.vn")
	for _, kind := range []string{Confidential, Public} {
		for algorithm, want := range map[string]string{"": ES256, ES256: ES256, RS256: RS256} {
			app, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Một cửa", Kind: kind, Protocol: Protocol{IDTokenAlgorithm: algorithm}})
			if err != nil || app.IDTokenAlgorithm != want {
				t.Errorf("%s, %q: got %q, %v", kind, algorithm, app.IDTokenAlgorithm, err)
			}
			app, err = d.EditApplication(ctx, who, app.ID, NewApplication{Name: "Một cửa", Protocol: Protocol{IDTokenAlgorithm: RS256}})
			if err != nil || app.IDTokenAlgorithm != RS256 {
				t.Errorf("%s, %q, edited: got %q, %v", kind, algorithm, app.IDTokenAlgorithm, err)
			}
		}
		for _, algorithm := range []string{"none", "HS256", "PS256", "EdDSA", "es256"} {
			_, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Một cửa", Kind: kind, Protocol: Protocol{IDTokenAlgorithm: algorithm}})
			if got := fields(err)["id_token_signed_response_alg"]; got != "id-token-alg" {
				t.Errorf("%s, %q: got %v", kind, algorithm, err)
			}
		}
	}
}

// Where people are led is https, and its host is what it seems to be.
func TestPagesOfAnApplication(t *testing.T) {
	t.Parallel()
	for uri, good := range map[string]bool{
		"https://app.example.vn": true, "https://app.example.vn:8443/vi/riêng tư": false, "https://app.example.vn:8443/vi/rieng-tu?a=1#dau": true,
		"https://xn--bo-ve-1qa.vn/": true, "https://APP.example.vn/": true,
		"http://app.example.vn": false, "https://": false, "app.example.vn": false, "//app.example.vn/": false, "javascript:alert(1)": false,
		"data:text/html,x": false, "https://app.example.vn@evil.test/": false, "https://аpp.example.vn/": false, "https://%D0%B0pp.example.vn/": false,
		"https://[::1]/": false, "https://app.example.vn\\@evil.test/": false, "https:app.example.vn": false, "https://a b.vn/": false,
		"https://app.example.vn/" + strings.Repeat("x", 2000): false, "https://" + strings.Repeat("a.", 127) + "vn/": false,
	} {
		for name, p := range map[string]Protocol{"client_uri": {ClientURI: uri}, "policy_uri": {PolicyURI: uri}, "tos_uri": {TermsURI: uri}} {
			want := map[string]string{name: "link-form"}
			if good {
				want = map[string]string{}
			}
			if _, err := (NewApplication{Name: "Một cửa", Protocol: p}).tidy(); !maps.Equal(fields(err), want) {
				t.Errorf("%s %q: got %v, want %v", name, uri, err, want)
			}
		}
	}
}

func TestCertificateSettingsGoTogether(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		p    Protocol
		want map[string]string
	}{
		{"a subject", Protocol{AuthMethod: TLSAuth, CertSubjectDN: "CN=a,O=b"}, map[string]string{}},
		{"a host", Protocol{AuthMethod: TLSAuth, CertSANDNS: "_may.Chu-01.example.vn"}, map[string]string{}},
		{"its own certificate", Protocol{AuthMethod: TLSSelfSigned}, map[string]string{}},
		{"no name", Protocol{AuthMethod: TLSAuth}, map[string]string{"tls_client_auth_subject_dn": "cert-name-one"}},
		{"two names", Protocol{AuthMethod: TLSAuth, CertSubjectDN: "CN=a", CertSANDNS: "a"}, map[string]string{"tls_client_auth_subject_dn": "cert-name-one"}},
		{"no subject", Protocol{AuthMethod: TLSAuth, CertSubjectDN: "a"}, map[string]string{"tls_client_auth_subject_dn": "cert-dn-form"}},
		{"a wildcard", Protocol{AuthMethod: TLSAuth, CertSANDNS: "*.example.vn"}, map[string]string{"tls_client_auth_san_dns": "cert-dns-form"}},
		{"an address", Protocol{AuthMethod: TLSAuth, CertSANDNS: "https://example.vn"}, map[string]string{"tls_client_auth_san_dns": "cert-dns-form"}},
		{"a long host", Protocol{AuthMethod: TLSAuth, CertSANDNS: strings.Repeat("a.", 127)}, map[string]string{"tls_client_auth_san_dns": "cert-dns-form"}},
		{"not read, and wrong", Protocol{CertSubjectDN: "=", CertSANDNS: "-"}, map[string]string{"tls_client_auth_subject_dn": "cert-dn-form", "tls_client_auth_san_dns": "cert-dns-form"}},
	} {
		_, err := NewApplication{Name: "Một cửa", Protocol: tt.p}.tidy()
		if got := fields(err); !maps.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
