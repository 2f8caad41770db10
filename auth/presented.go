package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"lgsp/internal/problem"
)

// The schemes of Authorization that carry an access token (RFC 6750 §2.1, RFC 9449 §7.1).
const (
	BearerScheme = "Bearer"
	DPoPScheme   = "DPoP"
)

// SigningAlgorithms are those that a client may sign with, assertions and DPoP
// proofs, as a challenge lists them (RFC 9449 §7.1).
const SigningAlgorithms = "ES256 PS256 EdDSA Ed25519"

// CodeProofWeak is the code of a 401 for a token whose person has proved too
// little; its argument acr is the level to sign in with.
const CodeProofWeak = "proof-weak"

// CodeAssuranceLow is that of a 401 where the operation asks for more than the
// token's person has proved, with the same argument.
const CodeAssuranceLow = "assurance-low"

// Presented is an access token and all that came along with it to show that
// it is used by whom it was made for.
type Presented struct {
	Scheme string // BearerScheme or DPoPScheme; "" when no token came
	Token  string
	Proofs []string // the values of the DPoP header; more than one is refused
	Method string   // of the request
	URL    string   // its public address as the caller sees it; a query does not count
	X5T    string   // SHA-256 of the certificate shown in the TLS handshake, base64url; "" without one
}

// PresentedBy reads the Authorization header of a request, whose public
// address is url. It fails with Invalid (two-credentials) when there are two.
func PresentedBy(r *http.Request, url string) (Presented, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return Presented{}, problem.Errorf(problem.Invalid, "the call carries more than one credential; send one").Coded("two-credentials")
	}
	p := Presented{Proofs: r.Header["Dpop"], Method: r.Method, URL: url, X5T: CertificateHash(r)}
	if len(headers) == 1 {
		p.Scheme, p.Token, _ = strings.Cut(headers[0], " ")
		p.Token = strings.TrimSpace(p.Token)
		for _, known := range []string{BearerScheme, DPoPScheme} {
			if p.Is(known) {
				p.Scheme = known
			}
		}
	}
	return p, nil
}

// CertificateHash is the SHA-256, in base64url, of the certificate that the
// client of a request has shown (RFC 8705 §3.1), "" when it has shown none.
func CertificateHash(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// OriginOf is the public origin that a request came to: usual, or the one for
// clients with certificates, when it shows one.
func OriginOf(r *http.Request, usual, forClients string) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return usual
	}
	return forClients
}

// Is reports whether the token came by that scheme.
func (p Presented) Is(scheme string) bool { return strings.EqualFold(p.Scheme, scheme) }

// Challenge adds to a 401 about a presented token what would be accepted: one
// challenge a scheme (RFC 6750 §3, RFC 9449 §7.1), the error on that of the
// scheme that was used. metadata is the address of RFC 9728 §5.1, or "".
func (p Presented) Challenge(e *problem.Error, metadata string) {
	said, more := "", ""
	if p.Is(BearerScheme) || p.Is(DPoPScheme) { // who sent no token hears no error
		said = `, error="` + tokenError(e.Code) + `", error_description="` + quotable(e.Detail) + `"`
		if e.Code == CodeProofWeak || e.Code == CodeAssuranceLow {
			said += `, acr_values="` + e.Args["acr"] + `"`
		}
	}
	if metadata != "" {
		more = `, resource_metadata="` + metadata + `"`
	}
	algorithms := `, algs="` + SigningAlgorithms + `"`
	if p.Is(DPoPScheme) {
		e.Sends("WWW-Authenticate", `DPoP realm="lgsp"`+said+algorithms+more)
		return
	}
	e.Sends("WWW-Authenticate", `Bearer realm="lgsp"`+said+more)
	e.Sends("WWW-Authenticate", `DPoP realm="lgsp"`+algorithms+more)
}

// tokenError is the error of RFC 6750 §3.1, RFC 9449 §12.2 or RFC 9470 §3 for a
// problem's code.
func tokenError(code string) string {
	switch code {
	case CodeProofWeak, CodeAssuranceLow:
		return "insufficient_user_authentication" // RFC 9470 §3
	case "dpop-nonce":
		return "use_dpop_nonce"
	case "dpop-proof", "dpop-address", "dpop-time", "dpop-replayed", "dpop-token":
		return "invalid_dpop_proof"
	}
	return "invalid_token"
}

// quotable leaves of a text what error_description may hold (RFC 6750 §3).
func quotable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}
