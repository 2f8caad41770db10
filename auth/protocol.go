package auth

import (
	"net/url"
	"regexp"
	"slices"

	"lgsp/internal/problem"
)

// Protocol is how an application takes part in OAuth 2: its client metadata,
// by their names of RFC 7591 §2 where they have one there.
type Protocol struct {
	Profile              string   `json:"profile"`                                    // FAPI2, or ""
	AuthMethod           string   `json:"token_endpoint_auth_method"`                 // the only way it may prove itself; "": any it has credentials for
	GrantTypes           []string `json:"grant_types"`                                // empty: those of its kind
	PushedOnly           bool     `json:"require_pushed_authorization_requests"`      // RFC 9126
	DPoPBound            bool     `json:"dpop_bound_access_tokens"`                   // RFC 9449
	CertBound            bool     `json:"tls_client_certificate_bound_access_tokens"` // RFC 8705
	CertSubjectDN        string   `json:"tls_client_auth_subject_dn"`                 // RFC 4514
	CertSANDNS           string   `json:"tls_client_auth_san_dns"`
	JWKSURI              string   `json:"jwks_uri"`        // where its public keys are, instead of those set here
	LegacyAudience       bool     `json:"legacy_audience"` // its assertions may name the token address as aud
	RefreshGrace         bool     `json:"refresh_grace"`   // a lost refresh answer may be asked for again within 10 s
	LogoutURIs           []string `json:"post_logout_redirect_uris"`
	BackchannelLogoutURI string   `json:"backchannel_logout_uri"`
	IDTokenAlgorithm     string   `json:"id_token_signed_response_alg"` // ES256, RS256; "": ES256. Of its logout tokens too
	ClientURI            string   `json:"client_uri"`                   // pages that it gives people to read of itself, https
	PolicyURI            string   `json:"policy_uri"`                   // what it does with personal data
	TermsURI             string   `json:"tos_uri"`                      // its terms of use
}

const protocolColumns = `profile, auth_method, grant_types, pushed_only, dpop_bound, cert_bound, cert_subject_dn, cert_san_dns,
jwks_uri, legacy_audience, refresh_grace, logout_uris, backchannel_logout_uri, id_token_algorithm,
client_uri, policy_uri, terms_uri`

// FAPI2 is the FAPI 2.0 Security Profile: pushed requests, bound tokens, and a
// client that proves itself by a key or a certificate.
const FAPI2 = "fapi2"

// The algorithms by which tokens are signed (RFC 7518 §3.1): access tokens by
// ES256, ID tokens by either.
const (
	ES256 = "ES256"
	RS256 = "RS256"
)

// The ways a client proves itself (RFC 7591 §2, RFC 8705 §2).
const (
	SecretBasic   = "client_secret_basic" // or in the body: client_secret_post
	PrivateKeyJWT = "private_key_jwt"
	TLSAuth       = "tls_client_auth"
	TLSSelfSigned = "self_signed_tls_client_auth"
	NoAuth        = "none"
)

// The grants of RFC 6749, 8628 and 8693.
const (
	GrantCode     = "authorization_code"
	GrantRefresh  = "refresh_token"
	GrantClient   = "client_credentials"
	GrantDevice   = "urn:ietf:params:oauth:grant-type:device_code"
	GrantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// tidy fills in what the kind of an application says by itself, and adds what
// is wrong.
func (p Protocol) tidy(wrong *problem.Error, kind string) Protocol {
	allowed := []string{GrantCode, GrantRefresh, GrantDevice, GrantClient, GrantExchange}
	methods := []string{"", SecretBasic, PrivateKeyJWT, TLSAuth, TLSSelfSigned}
	standard := []string{GrantCode, GrantRefresh, GrantClient}
	if kind == Public {
		allowed, methods, standard = allowed[:3], []string{"", NoAuth}, standard[:2]
	}
	if len(p.GrantTypes) == 0 {
		p.GrantTypes = standard
	}
	for _, grant := range p.GrantTypes {
		if !slices.Contains(allowed, grant) {
			wrong.Wrong("grant_types", "grant-type-unknown", "a grant of this kind of application", "grant", grant)
			break
		}
	}
	if !slices.Contains(methods, p.AuthMethod) {
		wrong.Wrong("token_endpoint_auth_method", "auth-method-unknown", "a way that this kind of application can prove itself")
	}
	p.checkCertificate(wrong)
	if p.IDTokenAlgorithm == "" {
		p.IDTokenAlgorithm = ES256
	}
	if p.IDTokenAlgorithm != ES256 && p.IDTokenAlgorithm != RS256 {
		wrong.Wrong("id_token_signed_response_alg", "id-token-alg", "ES256 or RS256")
	}
	if p.Profile != "" && p.Profile != FAPI2 {
		wrong.Wrong("profile", "profile-unknown", "fapi2, or nothing")
	}
	if p.LogoutURIs == nil {
		p.LogoutURIs = []string{}
	}
	if len(p.LogoutURIs) > 10 {
		wrong.Wrong("post_logout_redirect_uris", "redirect-many", "at most 10 addresses")
	}
	for _, uri := range p.LogoutURIs {
		if !redirectAllowed(uri, kind) {
			wrong.Wrong("post_logout_redirect_uris", "redirect-form", "an address of the kind that redirect_uris may be", "uri", uri)
			break
		}
	}
	if p.BackchannelLogoutURI != "" && !fetchable(p.BackchannelLogoutURI) {
		wrong.Wrong("backchannel_logout_uri", "fetch-form", "an http or https address without fragment and user name", "uri", p.BackchannelLogoutURI)
	}
	if p.JWKSURI != "" && (!fetchable(p.JWKSURI) || !redirectAllowed(p.JWKSURI, Confidential)) {
		wrong.Wrong("jwks_uri", "keys-form", "an https address without fragment and user name", "uri", p.JWKSURI)
	}
	for _, page := range []struct{ name, uri string }{{"client_uri", p.ClientURI}, {"policy_uri", p.PolicyURI}, {"tos_uri", p.TermsURI}} {
		if page.uri != "" && !linkable(page.uri) {
			wrong.Wrong(page.name, "link-form", "an https address at a host of plain letters, without a user name", "uri", page.uri)
		}
	}
	if p.Profile == FAPI2 {
		return p.tidyFAPI(wrong, kind)
	}
	return p
}

// tidyFAPI fills in what the FAPI 2.0 Security Profile says by itself, and
// adds what goes against it (its §5.3.2). Where neither way of binding tokens
// is chosen, it is the one that goes with how the client proves itself.
func (p Protocol) tidyFAPI(wrong *problem.Error, kind string) Protocol {
	byTLS := p.AuthMethod == TLSAuth || p.AuthMethod == TLSSelfSigned
	switch {
	case kind == Public:
		wrong.Wrong("profile", "fapi-public", "only a confidential application follows FAPI 2.0")
	case p.AuthMethod != PrivateKeyJWT && !byTLS:
		wrong.Wrong("token_endpoint_auth_method", "fapi-auth-method", "with FAPI 2.0 private_key_jwt or a certificate")
	}
	if p.LegacyAudience {
		wrong.Wrong("legacy_audience", "fapi-audience", "with FAPI 2.0 aud is the issuer and nothing else")
	}
	if p.RefreshGrace {
		wrong.Wrong("refresh_grace", "fapi-refresh", "with FAPI 2.0 refresh tokens stay the same, so that none is lost")
	}
	if p.IDTokenAlgorithm == RS256 {
		wrong.Wrong("id_token_signed_response_alg", "fapi-id-token-alg", "with FAPI 2.0 ES256")
	}
	if p.JWKSURI != "" && !isHTTPS(p.JWKSURI) {
		wrong.Wrong("jwks_uri", "fapi-https", "with FAPI 2.0 an https address", "uri", p.JWKSURI)
	}
	p.PushedOnly = true
	if !p.DPoPBound && !p.CertBound {
		p.DPoPBound, p.CertBound = !byTLS, byTLS
	}
	return p
}

func isHTTPS(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "https"
}

// checkCertificate adds what is wrong with how the certificate of an
// application is known: by exactly one name (RFC 8705 §2.1.2).
func (p Protocol) checkCertificate(wrong *problem.Error) {
	if p.AuthMethod == TLSAuth && (p.CertSubjectDN == "") == (p.CertSANDNS == "") {
		wrong.Wrong("tls_client_auth_subject_dn", "cert-name-one", "exactly one of tls_client_auth_subject_dn and tls_client_auth_san_dns")
	}
	if _, err := ParseDN(p.CertSubjectDN); p.CertSubjectDN != "" && err != nil {
		wrong.Wrong("tls_client_auth_subject_dn", "cert-dn-form", "a name as RFC 4514 writes it, the most specific part first", "reason", err.Error())
	}
	if p.CertSANDNS != "" && (len(p.CertSANDNS) > 253 || !dnsName.MatchString(p.CertSANDNS)) {
		wrong.Wrong("tls_client_auth_san_dns", "cert-dns-form", "a host name such as may-chu-01.example.vn")
	}
}

// dnsName is what a dNSName of a certificate holds (RFC 5280 §4.2.1.6), without wildcard.
var dnsName = regexp.MustCompile(`^(?i)([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// linkable reports whether people may be shown uri as a link, its host spelt
// out: https, and a host whose every letter is what it seems to be (a name in
// another script stands in its xn-- form).
func linkable(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && len(uri) <= 2000 && isASCII(uri) && u.Scheme == "https" && u.User == nil && len(u.Hostname()) <= 253 && dnsName.MatchString(u.Hostname())
}

// fetchable reports whether we could call uri; where it leads is judged when
// it is dialled.
func fetchable(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && len(uri) <= 2000 && isASCII(uri) && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && u.Fragment == ""
}
