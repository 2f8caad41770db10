package auth

import (
	"maps"
	"testing"
)

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
