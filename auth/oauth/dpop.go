package oauth

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// proofPast is how old a DPoP proof may be. Its nonce is the real limit: it
// comes from us, so no proof can be made long before it is used.
const proofPast = 5 * time.Minute

// proof is a DPoP proof that holds (RFC 9449 §4.3), but for the token it goes
// with and whether it was used before.
type proof struct {
	jkt       string    // RFC 7638 thumbprint of its key
	tokenHash string    // ath, "" where no token went along
	id        [32]byte  // of key and jti together
	until     time.Time // it cannot be used from then on
}

type proofClaims struct {
	ID        string  `json:"jti"`
	Method    string  `json:"htm"`
	Address   string  `json:"htu"`
	Issued    float64 `json:"iat"` // NumericDate may have a fraction (RFC 7519 §2)
	Nonce     string  `json:"nonce"`
	TokenHash string  `json:"ath"`
}

// readProof checks the one proof of a request. It returns an Unauthorized
// problem: dpop-proof, dpop-address, dpop-time, or dpop-nonce when all else
// holds, so that who tries again with our nonce is not refused for the rest.
func (v *Verifier) readProof(p auth.Presented) (proof, error) {
	if err := v.Nonces.Check(); err != nil {
		return proof{}, fmt.Errorf("read DPoP proof: the key of nonces: %w", err)
	}
	if len(p.Proofs) != 1 {
		return proof{}, badProof("the request has %d DPoP headers, not one", len(p.Proofs))
	}
	var c proofClaims
	j, err := readJWS(p.Proofs[0], &c)
	if err != nil {
		return proof{}, badProof("it is no signed JWT that can be read").Because(err)
	}
	if j.header.Type != "dpop+jwt" {
		return proof{}, badProof("its typ is not dpop+jwt")
	}
	key, err := auth.ReadJWK(j.header.JWK)
	if err != nil {
		return proof{}, badProof("its jwk is no public key that is taken: EC P-256, RSA of 2048 to 4096 bits, or Ed25519").Because(err)
	}
	if !j.signedBy(key.Key) {
		return proof{}, badProof("its signature does not hold; it is to be one of %s, by the key in its jwk", auth.SigningAlgorithms)
	}
	if c.Method != p.Method || !sameAddress(c.Address, p.URL) {
		return proof{}, refused("dpop-address", "the DPoP proof is for %s %s, the request is %s %s", clip(c.Method), clip(c.Address), p.Method, p.URL).
			Coded("dpop-address", "method", p.Method, "url", p.URL)
	}
	now := v.Now()
	if age := float64(now.Unix()) - c.Issued; age > proofPast.Seconds() || age < -clockLeeway.Seconds() {
		return proof{}, refused("dpop-time", "the DPoP proof was made too long ago or in the future; check the clock and make one for each request")
	}
	if c.ID == "" {
		return proof{}, badProof("it has no jti")
	}
	until, ok := v.nonceEnds(c.Nonce, now)
	if !ok {
		return proof{}, refused("dpop-nonce", "the DPoP proof lacks our nonce, or it is too old; take the one in DPoP-Nonce")
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return proof{}, fmt.Errorf("make thumbprint: %w", err)
	}
	jkt := base64.RawURLEncoding.EncodeToString(sum)
	return proof{jkt: jkt, tokenHash: c.TokenHash, id: sha256.Sum256([]byte(jkt + c.ID)), until: until}, nil
}

func badProof(format string, args ...any) *problem.Error {
	reason := fmt.Sprintf(format, args...)
	return refused("dpop-proof", "the DPoP proof does not hold: %s", reason).Coded("dpop-proof", "reason", reason)
}

// sameAddress compares htu with the address of the request: without query and
// fragment, scheme and host in lower case, the default port and needless
// escapes left out (RFC 9449 §4.3, RFC 3986 §6.2.2 and §6.2.3).
func sameAddress(htu, address string) bool {
	a, ok1 := plainAddress(htu)
	b, ok2 := plainAddress(address)
	return ok1 && ok2 && a == b
}

func plainAddress(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(u.Host, "%") {
		return "", false
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + strings.TrimSuffix(host, ":") + escape.ReplaceAllStringFunc(path, plainEscape), true
}

// unreserved characters mean the same escaped and not (RFC 3986 §2.3).
const unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// plainEscape spells an escape in one way: an unreserved character as itself,
// any other in capitals.
func plainEscape(e string) string {
	if text, err := url.PathUnescape(e); err == nil && strings.Contains(unreserved, text) {
		return text
	}
	return strings.ToUpper(e)
}

// holds checks that a token is presented by whom it is bound to (RFC 9449 §7,
// RFC 8705 §3), at every use. It returns an Unauthorized problem, or
// Unavailable when no more proofs can be remembered.
func (v *Verifier) holds(ctx context.Context, t *Token, p auth.Presented) error {
	if t.Bound.X5T != "" && subtle.ConstantTimeCompare([]byte(t.Bound.X5T), []byte(p.X5T)) != 1 {
		return refused("token-certificate", "the token is bound to a certificate; present it over a TLS connection made with that certificate")
	}
	switch bound, dpop := t.Bound.JKT != "", p.Is(auth.DPoPScheme); {
	case !dpop && !p.Is(auth.BearerScheme):
		return refused("token-absent", "send the access token in the Authorization header")
	case !bound && !dpop:
		return nil
	case !bound:
		return refused("dpop-unbound", "the token is not bound to a key; send it as Bearer")
	case !dpop:
		return refused("dpop-absent", "the token is bound to a key; send it as DPoP, with a proof made with that key")
	}
	shown, err := v.readProof(p)
	if err != nil {
		return err
	}
	if shown.jkt != t.Bound.JKT {
		return refused("dpop-key", "the token is bound to another key than the DPoP proof is made with")
	}
	hash := sha256.Sum256([]byte(p.Token))
	if shown.tokenHash != base64.RawURLEncoding.EncodeToString(hash[:]) {
		return refused("dpop-token", "the DPoP proof does not go with this token: its ath is not the token's SHA-256")
	}
	return v.spend(ctx, shown)
}

// spend takes a proof, which counts once.
func (v *Verifier) spend(ctx context.Context, shown proof) error {
	first, err := v.Spend(ctx, shown.id, shown.until)
	if err == nil && !first {
		return refused("dpop-replayed", "the DPoP proof was used before; make a new one, with a new jti, for each request")
	}
	return err
}
