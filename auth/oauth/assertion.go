package oauth

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"lgsp/auth"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLife = 5 * time.Minute // that an assertion may have left, at most
)

const takeAssertionSQL = `
insert into auth.oauth_assertion (client_id, jti, expires_at)
values ($1, $2, $3)
on conflict on constraint oauth_assertion_pkey do nothing`

// byAssertion authenticates a client by private_key_jwt (RFC 7523 §3): a
// statement that it signed itself, for us, now, once. fosite answers 500 to an
// expired one, spends the jti of one for somebody else and shares jtis between
// clients (F7), and wants the token address as audience (F8). Here the jti is
// spent by one statement, last, each client's apart; the audience is the issuer
// (or the token address, for a client marked as of the old way).
func (s *Server) byAssertion(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	if r.Header.Get("Authorization") != "" || form.Has("client_secret") {
		return nil, fosite.ErrInvalidRequest.WithHint("The client proved itself twice, by client_assertion and by a secret; use one.")
	}
	if form.Get("client_assertion_type") != assertionType {
		return nil, fosite.ErrInvalidClient.WithHintf("client_assertion_type is %s.", assertionType)
	}
	a, err := readAssertion(form.Get("client_assertion"))
	if err != nil {
		return nil, fosite.ErrInvalidClient.WithHint("client_assertion is no signed JWT that can be read.").WithWrap(err)
	}
	if a.claims.Issuer != a.claims.Subject || form.Get("client_id") != "" && form.Get("client_id") != a.claims.Subject {
		return nil, fosite.ErrInvalidClient.WithHint("iss and sub of the client_assertion, and client_id, are to be the same.")
	}
	known, err := s.client(ctx, a.claims.Subject)
	if err != nil {
		return nil, err
	}
	if err := known.mayProve(auth.PrivateKeyJWT); err != nil {
		return nil, err
	}
	keys, err := s.keysOf(ctx, known.Application, a.header.Key)
	if err != nil {
		return nil, err
	}
	if !a.signedByOneOf(keys) {
		return nil, fosite.ErrInvalidClient.WithHint("The client_assertion is not signed by a key that is set for this application, with ES256, PS256 or EdDSA.")
	}
	audiences := []string{s.Issuer}
	if known.LegacyAudience && known.Profile != auth.FAPI2 {
		audiences = append(audiences, s.Issuer+"/oauth2/token")
	}
	if err := a.claims.check(audiences, s.Now()); err != nil {
		return nil, err
	}
	jti := sha256.Sum256([]byte(a.claims.ID))
	taken, err := s.DB.Exec(ctx, takeAssertionSQL, known.ID, jti[:], time.Unix(int64(a.claims.Expires)+1, 0).UTC())
	if err != nil {
		return nil, fmt.Errorf("take assertion: %w", err)
	}
	if taken.RowsAffected() == 0 {
		return nil, fosite.ErrInvalidClient.WithHint("The client_assertion was used before; make a new one, with a new jti, for each request.")
	}
	return known, nil
}

// assertion is a signed statement of a client about itself.
type assertion struct {
	jws
	claims assertionClaims
}

type assertionClaims struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  json.RawMessage `json:"aud"`
	ID        string          `json:"jti"`
	Expires   float64         `json:"exp"` // NumericDate may have a fraction (RFC 7519 §2)
	Issued    float64         `json:"iat"`
	NotBefore float64         `json:"nbf"`
}

// readAssertion reads an assertion; its signature is not checked yet.
func readAssertion(text string) (assertion, error) {
	var a assertion
	var err error
	if a.jws, err = readJWS(text, &a.claims); err != nil {
		return assertion{}, err
	}
	switch strings.ToLower(a.header.Type) {
	case "", "jwt", "client-authentication+jwt": // so that no other kind of JWT passes as one
	default:
		return assertion{}, fmt.Errorf("typ is %q", clip(a.header.Type))
	}
	return a, nil
}

func (a assertion) signedByOneOf(keys map[string]crypto.PublicKey) bool {
	if a.header.Key != "" { // else any key of the client
		return a.signedBy(keys[a.header.Key])
	}
	for _, key := range keys {
		if a.signedBy(key) {
			return true
		}
	}
	return false
}

// check says whether the claims are for us, by one of the names we go by, and
// for now.
func (c assertionClaims) check(audiences []string, now time.Time) error {
	var audience string
	seconds, leeway := float64(now.Unix()), clockLeeway.Seconds()
	switch {
	case json.Unmarshal(c.Audience, &audience) != nil || !slices.Contains(audiences, audience):
		return fosite.ErrInvalidClient.WithHintf("aud of the client_assertion is to be exactly %q, one string.", audiences[0])
	case c.Expires <= seconds:
		return fosite.ErrInvalidClient.WithHint("The client_assertion has expired, or has no exp; make a new one for each request.")
	case c.Expires > seconds+assertionLife.Seconds():
		return fosite.ErrInvalidClient.WithHint("exp of the client_assertion is more than 5 minutes ahead.")
	case c.Issued > seconds+leeway || c.NotBefore > seconds+leeway:
		return fosite.ErrInvalidClient.WithHint("The client_assertion is not valid yet; check the clock.")
	case c.ID == "":
		return fosite.ErrInvalidClient.WithHint("The client_assertion has no jti.")
	}
	return nil
}
