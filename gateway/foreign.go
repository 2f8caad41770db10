package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// isForeign reports whether a token is for the issuer that the version also
// believes: a bearer token that is no JWT of ours.
func (c *call) isForeign(p auth.Presented) bool {
	return c.version != nil && c.version.Traffic.ForeignIssuer != "" && p.Is(auth.BearerScheme) && p.Token != "" && issuerNamed(p.Token) != c.node.Issuer
}

// issuerNamed is the issuer that a token says it is of; "" when it is no JWT.
// Nothing is believed by it: it says whom to ask.
func issuerNamed(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > 8<<10 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// byForeignToken finds the application that another issuer's client is, when
// that issuer says that the token is good. It names no person: no condition on
// one is met, and no personal data is opened.
func (c *call) byForeignToken(ctx context.Context) error {
	issuer := c.version.Traffic.ForeignIssuer
	if c.node.Introspect == nil {
		return problem.Errorf(problem.Unavailable, "tokens of %s are taken here, but that issuer is not set up", issuer).
			Coded("foreign-issuer-absent", "issuer", issuer)
	}
	token, err := c.node.Introspect(ctx, issuer, c.caller.presented.Token)
	if err != nil {
		return err
	}
	if token.Issued.Before(c.snapshot.notBefore[token.Application]) {
		return problem.Errorf(problem.Unauthorized, "the token was revoked; ask for a new one").Coded("token-revoked")
	}
	c.caller.application = token.Application
	return nil
}
