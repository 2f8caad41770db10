package oauth

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"lgsp/auth"
)

// metadata is what is found under both .well-known addresses (RFC 8414 §2,
// OpenID Connect Discovery 1.0 §3). Nothing stands here that does not work.
type metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	PushedEndpoint        string   `json:"pushed_authorization_request_endpoint"`
	DeviceEndpoint        string   `json:"device_authorization_endpoint"` // RFC 8628 §4
	EndSessionEndpoint    string   `json:"end_session_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint"` // RFC 7591
	Scopes                []string `json:"scopes_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	TokenAuthAlgorithms   []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationAlgorithms  []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectAlgorithms  []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	DPoPAlgorithms        []string `json:"dpop_signing_alg_values_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgorithms     []string `json:"id_token_signing_alg_values_supported"`
	Claims                []string `json:"claims_supported"`
	Prompts               []string `json:"prompt_values_supported"`
	Levels                []string `json:"acr_values_supported"`
	Locales               []string `json:"ui_locales_supported"`
	IssuerInAnswer        bool     `json:"authorization_response_iss_parameter_supported"`
	RequestObjects        bool     `json:"request_parameter_supported"`
	RequestObjectsByURI   bool     `json:"request_uri_parameter_supported"`
	ClaimsParameter       bool     `json:"claims_parameter_supported"`
	BackchannelLogout     bool     `json:"backchannel_logout_supported"`
	BackchannelSession    bool     `json:"backchannel_logout_session_supported"`

	CertBound bool              `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	Aliases   map[string]string `json:"mtls_endpoint_aliases,omitempty"` // RFC 8705 §5
}

// discovery answers both .well-known addresses.
func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	confidential := append([]string{"client_secret_basic", "client_secret_post", "private_key_jwt"}, s.certificateMethods()...)
	writeCacheable(w, metadata{
		Issuer:                s.Issuer,
		AuthorizationEndpoint: s.Issuer + "/oauth2/authorize",
		TokenEndpoint:         s.Issuer + "/oauth2/token",
		JWKSURI:               s.Issuer + "/oauth2/jwks",
		UserinfoEndpoint:      s.Issuer + "/oauth2/userinfo",
		IntrospectionEndpoint: s.Issuer + "/oauth2/introspect",
		RevocationEndpoint:    s.Issuer + "/oauth2/revoke",
		PushedEndpoint:        s.Issuer + "/oauth2/par",
		DeviceEndpoint:        s.Issuer + "/oauth2/device_authorization",
		EndSessionEndpoint:    s.Issuer + "/oauth2/logout",
		RegistrationEndpoint:  s.Issuer + "/oauth2/register",
		Scopes:                allScopes,
		ResponseTypes:         []string{"code"},
		ResponseModes:         []string{"query"},
		GrantTypes:            grantTypes,
		TokenAuthMethods:      append(confidential, "none"),
		RevocationAuthMethods: append(confidential, "none"),
		IntrospectAuthMethods: confidential,
		TokenAuthAlgorithms:   signingAlgorithms,
		RevocationAlgorithms:  signingAlgorithms,
		IntrospectAlgorithms:  signingAlgorithms,
		DPoPAlgorithms:        signingAlgorithms,
		ChallengeMethods:      []string{"S256"},
		SubjectTypes:          []string{"public"},
		IDTokenAlgorithms:     tokenAlgorithms,
		Claims:                []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "amr", "sid", "name", "locale", "email", "email_verified"},
		Prompts:               []string{"none", "login", "consent"},
		Levels:                []string{auth.AAL1, auth.AAL2},
		Locales:               []string{"vi", "en"},
		IssuerInAnswer:        true,
		BackchannelLogout:     true,
		BackchannelSession:    true,
		CertBound:             s.ClientURL != "",
		Aliases:               s.aliases(),
	})
}

// publicJWK is a P-256 or RSA key for verifying (RFC 7517 §4, RFC 7518 §6.2, §6.3).
type publicJWK struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	Modulus   string `json:"n,omitempty"`
	Exponent  string `json:"e,omitempty"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

// jwks answers GET /oauth2/jwks: the keys that sign, will sign soon, or signed
// what may still be valid. Those of ES256 come first, for whoever looks at the
// first alone.
func (s *Server) jwks(w http.ResponseWriter, r *http.Request) {
	set := struct {
		Keys []publicJWK `json:"keys"`
	}{}
	ring, b64 := s.keys.Load(), base64.RawURLEncoding
	for kid, key := range ring.es256 {
		x, y, err := coordinates(key)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		set.Keys = append(set.Keys, publicJWK{Type: "EC", Curve: "P-256", X: b64.EncodeToString(x), Y: b64.EncodeToString(y),
			ID: kid, Use: "sig", Algorithm: auth.ES256})
	}
	for kid, key := range ring.rs256 {
		set.Keys = append(set.Keys, publicJWK{Type: "RSA", Modulus: b64.EncodeToString(key.N.Bytes()), Exponent: "AQAB",
			ID: kid, Use: "sig", Algorithm: auth.RS256})
	}
	slices.SortFunc(set.Keys, func(a, b publicJWK) int {
		return cmp.Or(strings.Compare(a.Algorithm, b.Algorithm), strings.Compare(a.ID, b.ID))
	})
	writeCacheable(w, set)
}

// writeCacheable answers with what anyone may keep for a minute: shorter than
// a new key is known before it signs.
func writeCacheable(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=60")
	_ = json.NewEncoder(w).Encode(answer) // the caller may have gone
}
