package gateway

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/internal/problem"
)

// caller is who calls, and what proved it.
type caller struct {
	application uuid.UUID // uuid.Nil: nobody known
	person      uuid.UUID // whose token it is; uuid.Nil: the application's own, or a key
	credential  string    // policy.NoCredential, APIKey, Token, ForeignToken, Signature
	level       string    // what its person signed in with (Token.Level)
	presented   auth.Presented
	named       uuid.UUID // the application that the key is said to be of; uuid.Nil: it is not said
}

// identify reads the call's credential and finds whose it is. A credential
// that is wrong is refused even where none is needed.
func (c *call) identify(r *http.Request) error {
	kind, secret, err := c.credential(r)
	if c.caller.presented.Is(auth.DPoPScheme) {
		c.answer.own.Set("Dpop-Nonce", c.node.Nonce())
	}
	if err != nil {
		c.noteHoney(r)
		return c.challenge(err)
	}
	c.caller.credential, c.exchange.Credential = kind, kind
	switch kind {
	case policy.NoCredential:
		return nil
	case policy.APIKey:
		err = c.byKey(r, secret)
	case policy.ForeignToken:
		err = c.byForeignToken(r.Context())
	case policy.Signature:
		err = c.bySignature(r)
	default:
		err = c.byToken(r.Context())
	}
	if err != nil {
		c.noteHoney(r)
		return c.challenge(err)
	}
	if c.snapshot.disabled[c.caller.application] {
		c.caller.application = uuid.Nil
		return c.challenge(problem.Errorf(problem.Unauthorized, "the application, or its owner's account, is disabled").
			Coded("caller-disabled"))
	}
	c.exchange.Application, c.exchange.Person = c.caller.application, c.caller.person
	return nil
}

// credential takes the one credential of a call from its headers.
func (c *call) credential(r *http.Request) (kind, secret string, err error) {
	for name, values := range c.query {
		if secretInQuery(name, values) {
			if secretText.MatchString(name) {
				name = "lgsp_…"
			}
			return "", "", problem.Errorf(problem.Invalid, "a credential stands in the query, where logs keep it; send it in a header and replace it").
				Coded("credential-in-query", "name", name)
		}
	}
	keys, authorization := r.Header.Values("X-Api-Key"), r.Header.Values("Authorization")
	signed := c.isSigned(r)
	switch {
	case len(keys)+len(authorization) > 1, signed && len(keys)+len(authorization) > 0:
		return "", "", problem.Errorf(problem.Invalid, "the call carries more than one credential; send one").Coded("two-credentials")
	case len(keys) == 1:
		return policy.APIKey, keys[0], nil
	case signed:
		return policy.Signature, "", nil
	case len(authorization) == 0:
		return policy.NoCredential, "", nil
	}
	p, err := auth.PresentedBy(r, auth.OriginOf(r, c.node.GatewayURL, c.node.ClientURL)+c.path)
	switch {
	case err != nil:
		return "", "", err
	case strings.EqualFold(p.Scheme, "ApiKey"):
		return policy.APIKey, p.Token, nil
	case p.Is(basicScheme) && c.basicOffered():
		secret, err = c.byBasic(r, p.Token)
		return policy.APIKey, secret, err
	case !p.Is(auth.BearerScheme) && !p.Is(auth.DPoPScheme):
		return "", "", problem.Errorf(problem.Unauthorized, "the scheme of Authorization is neither Bearer, DPoP nor ApiKey").
			Coded("credential-scheme")
	}
	c.caller.presented = p
	if strings.HasPrefix(p.Token, "lgsp_") {
		return "", "", problem.Errorf(problem.Unauthorized, "an API key is sent as X-API-Key; Bearer takes an access token").
			Coded("key-as-bearer")
	}
	if c.isForeign(p) {
		return policy.ForeignToken, "", nil
	}
	return policy.Token, "", nil
}

func secretInQuery(name string, values []string) bool {
	switch strings.ToLower(name) {
	case "access_token", "api_key", "apikey", "api-key", "x-api-key":
		return true
	}
	return secretText.MatchString(name) || slices.ContainsFunc(values, secretText.MatchString)
}

// secretText is what every secret of ours begins with (docs/security.md).
var secretText = regexp.MustCompile(`^lgsp_(key|secret|pat|refresh|code|reg|client)_`)

// byKey finds the application of an API key, and holds the key to its owner's
// limits. All wrong keys get one answer, honey keys too, save those that are no
// keys at all.
func (c *call) byKey(r *http.Request, text string) error {
	key, err := auth.ParseKey(text)
	if err != nil {
		return err
	}
	if key.Kind != auth.KindKey {
		return problem.Errorf(problem.Unauthorized, "this is no API key but another secret of yours; it was sent to the wrong place").Coded("not-a-key")
	}
	known, ours := c.lookUp(key)
	if !ours || known.Honey || !c.now.Before(known.Expires) || c.caller.named != uuid.Nil && c.caller.named != known.Application {
		return problem.Errorf(problem.Unauthorized, "the API key is unknown, expired or revoked").Coded("key-wrong")
	}
	if known.Disabled {
		return problem.Errorf(problem.Unauthorized, "the application, or its owner's account, is disabled").Coded("caller-disabled")
	}
	from := c.address
	c.exchange.Application = known.Application // its owner is to see where the key is tried
	if !auth.Within(known.Networks, from) {
		return problem.Errorf(problem.Forbidden, "the key may not be used from this address; its owner limits it to certain networks").
			Coded("address-not-allowed")
	}
	if err := withinLimits(known, c.version, c.operation.ID, r.Method); err != nil {
		return err
	}
	c.caller.application = known.Application
	c.node.used.Note(auth.Use{Lookup: key.Lookup, At: c.now, From: from}.Renewing(key, c.node.Peppers, known.PepperVersion))
	return nil
}

// byToken finds the application of an access token made for this version.
func (c *call) byToken(ctx context.Context) error {
	if c.version == nil || c.caller.presented.Token == "" {
		return problem.Errorf(problem.Unauthorized, "the access token is empty").Coded("token-malformed")
	}
	token, err := c.node.Verify(ctx, c.caller.presented, c.node.audience(c.version))
	if problem.Code(err) == "token-audience" && c.former != "" { // asked for by the address that is called
		token, err = c.node.Verify(ctx, c.caller.presented, c.node.GatewayURL+c.former)
	}
	if err != nil {
		return err
	}
	if c.snapshot.revoked[token.ID] || token.Issued.Before(c.snapshot.notBefore[token.Application]) {
		return problem.Errorf(problem.Unauthorized, "the token was revoked; ask for a new one").Coded("token-revoked")
	}
	c.caller.application, c.caller.person, c.caller.level = token.Application, token.Person, token.Level
	return nil
}

// challenge adds to a 401 what would be accepted here: one challenge a scheme
// (RFC 9110 §11.6.1).
func (c *call) challenge(err error) error {
	e := problem.Of(err)
	if e == nil || e.Kind != problem.Unauthorized || c.version == nil {
		return err
	}
	c.caller.presented.Challenge(e, c.node.GatewayURL+protectedResource+c.version.prefix)
	if c.operation != nil && c.operation.Access != Personal {
		c.asksForSignature(e)
		e.Sends("WWW-Authenticate", `ApiKey realm="lgsp", header="X-API-Key"`)
		if c.basicOffered() && strings.HasPrefix(c.node.GatewayURL, "https://") {
			e.Sends("WWW-Authenticate", `Basic realm="lgsp", charset="UTF-8"`)
		}
	}
	return e
}
