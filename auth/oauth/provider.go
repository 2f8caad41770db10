package oauth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"

	"lgsp/auth"
)

// newProvider puts fosite together: authorization code, refresh token and
// client credentials, and no other grant. ROPC and implicit are not composed.
func (s *Server) newProvider() *fosite.Fosite {
	config := &fosite.Config{
		AccessTokenLifespan: accessLife, RefreshTokenLifespan: refreshLife, AuthorizeCodeLifespan: codeLife,
		RefreshTokenScopes: []string{scopeOffline},
		ScopeStrategy:      fosite.ExactScopeStrategy, // the default takes wildcards (F14)
		// Server.audience asks whether the client may, which needs the
		// database; fosite's own strategies see only two lists.
		AudienceMatchingStrategy:     func([]string, []string) error { return nil },
		ClientAuthenticationStrategy: s.authenticate,
		RedirectSecureChecker:        fosite.IsRedirectURISecure,
		SanitationWhiteList:          []string{"redirect_uri", "code_challenge"},
		OmitRedirectScopeParam:       true, // RFC 6749 §4.1.2 knows no scope there
		MinParameterEntropy:          1,    // a state of 8 characters is not asked for by any client's rules (F10)
		// Never used, but each would be filled in by the first request, without a lock (F17).
		ClientSecretsHasher:  noHasher{},
		JWKSFetcherStrategy:  noFetcher{},
		FormPostHTMLTemplate: fosite.DefaultFormPostTemplate,
	}
	code := &codeGrant{server: s, AuthorizeExplicitGrantHandler: &oauth2.AuthorizeExplicitGrantHandler{
		AccessTokenStrategy: s.strategy, RefreshTokenStrategy: s.strategy, AuthorizeCodeStrategy: s.strategy,
		CoreStorage: s.store, TokenRevocationStorage: s.store, Config: config,
	}}
	config.AuthorizeEndpointHandlers = fosite.AuthorizeEndpointHandlers{code}
	config.TokenEndpointHandlers = fosite.TokenEndpointHandlers{
		code,
		&refreshGrant{server: s, RefreshTokenGrantHandler: &oauth2.RefreshTokenGrantHandler{
			AccessTokenStrategy: s.strategy, RefreshTokenStrategy: s.strategy, TokenRevocationStorage: s.store, Config: config,
		}},
		&clientGrant{server: s, ClientCredentialsGrantHandler: &oauth2.ClientCredentialsGrantHandler{
			HandleHelper: &oauth2.HandleHelper{AccessTokenStrategy: s.strategy, AccessTokenStorage: s.store, Config: config}, Config: config,
		}},
		&deviceGrant{server: s},
		&exchangeGrant{server: s},
		&idTokenIssue{server: s}, // last: it hashes the access token
	}
	return &fosite.Fosite{Store: s.store, Config: config}
}

// client is an application as fosite sees it.
type client struct{ auth.Application }

func (c *client) GetID() string                      { return c.ID.String() }
func (c *client) GetHashedSecret() []byte            { return nil } // see Server.authenticate
func (c *client) GetRedirectURIs() []string          { return c.RedirectURIs }
func (c *client) GetResponseTypes() fosite.Arguments { return fosite.Arguments{"code"} }
func (c *client) GetAudience() fosite.Arguments      { return nil } // see Server.audience
func (c *client) IsPublic() bool                     { return c.Kind == auth.Public }

func (c *client) GetResponseModes() []fosite.ResponseModeType {
	return []fosite.ResponseModeType{fosite.ResponseModeQuery}
}

func (c *client) GetScopes() fosite.Arguments {
	if c.ScopeLimit != nil {
		return c.ScopeLimit
	}
	return allScopes
}

func (c *client) GetGrantTypes() fosite.Arguments {
	return c.GrantTypes
}

// session is what fosite carries for us from one step to the next. Its person
// is Nil when an application acts by itself.
type session struct {
	person  uuid.UUID
	nonce   string
	proof   auth.Proof // of the person
	binding binding

	refreshes string     // signature of the refresh token that this one replaces
	exchange  *exchanged // nil: no token was exchanged for this one
}

// binding is the key or certificate that a token is bound to: who presents it
// must also hold that (RFC 7800 §3.1). Both empty: a bearer token.
type binding struct {
	JKT string `json:"jkt,omitempty"`      // SHA-256 thumbprint of a DPoP key (RFC 9449 §6.1)
	X5T string `json:"x5t#S256,omitempty"` // SHA-256 of a certificate (RFC 8705 §3.1)
}

// tokenType is how a token so bound is presented.
func (b binding) tokenType() string {
	if b.JKT != "" {
		return auth.DPoPScheme
	}
	return auth.BearerScheme
}

// SetExpiresAt and GetExpiresAt do nothing: expiry is the store's and the strategy's.
func (s *session) SetExpiresAt(fosite.TokenType, time.Time) {}

func (s *session) GetExpiresAt(fosite.TokenType) time.Time { return time.Time{} }

func (s *session) GetUsername() string { return "" }

func (s *session) GetSubject() string {
	if s.person == uuid.Nil {
		return ""
	}
	return s.person.String()
}

func (s *session) Clone() fosite.Session {
	clone := *s
	return &clone
}

type noFetcher struct{ fosite.JWKSFetcherStrategy }

type noHasher struct{}

func (noHasher) Compare(context.Context, []byte, []byte) error { return fosite.ErrInvalidClient }

func (noHasher) Hash(context.Context, []byte) ([]byte, error) { return nil, fosite.ErrServerError }

// redirectMatches reports whether requested is one of the registered redirect
// URIs, letter by letter; on the loopback interface by IP, with any port (RFC
// 8252 §7.3, RFC 9700 §2.1). fosite's own match takes user names and does not
// compare the scheme (F14).
func redirectMatches(requested string, registered []string) bool {
	want, err := url.Parse(requested)
	if err != nil || requested == "" || want.User != nil || want.Fragment != "" || !want.IsAbs() {
		return false
	}
	if slices.Contains(registered, requested) {
		return true
	}
	host := want.Hostname()
	if want.Scheme != "http" || host != "127.0.0.1" && host != "::1" {
		return false
	}
	for _, text := range registered {
		have, err := url.Parse(text)
		if err == nil && have.Scheme == "http" && have.User == nil && have.Hostname() == host &&
			have.EscapedPath() == want.EscapedPath() && have.RawQuery == want.RawQuery && want.ForceQuery == have.ForceQuery {
			return true
		}
	}
	return false
}

var errInvalidTarget = &fosite.RFC6749Error{ // RFC 8707 §2
	ErrorField: "invalid_target", CodeField: http.StatusBadRequest,
	DescriptionField: "The requested audience is invalid, unknown, or not open to this client.",
}
