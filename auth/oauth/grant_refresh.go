package oauth

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// refreshGrant is the refresh token grant: fosite's rotation, with the owner
// checked before reuse is judged (F5), scopes that can be narrowed (F6), and
// person and agreement asked again.
type refreshGrant struct {
	*oauth2.RefreshTokenGrantHandler
	server *Server
}

// HandleTokenEndpointRequest checks the token's HMAC, whose it is, whether the
// person may still act and the client still have the audience; then fosite
// judges reuse, which ends the family.
func (g *refreshGrant) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !g.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	token := request.GetRequestForm().Get("refresh_token")
	if err := g.RefreshTokenStrategy.ValidateRefreshToken(ctx, request, token); err != nil {
		return fosite.ErrInvalidGrant.WithHint("The refresh token is not one of ours; it may have been cut.").WithWrap(err)
	}
	signature := g.RefreshTokenStrategy.RefreshTokenSignature(ctx, token)
	kept, err := g.server.store.read(ctx, readRefreshSQL, signature)
	if err != nil {
		return notFoundIsInvalidGrant(err)
	}
	if kept.ClientID.String() != request.GetClient().GetID() {
		return fosite.ErrInvalidGrant.WithHint("The refresh token was issued to another client.")
	}
	if request.GetClient().IsPublic() { // another proves itself, and may change its key (RFC 9449 §5)
		if err := kept.shownTo(request); err != nil {
			return err
		}
	}
	if err := g.server.sameAudience(request, kept.Audience); err != nil {
		return err
	}
	wanted := request.GetRequestedScopes() // fosite replaces them by the grant's
	if err := g.RefreshTokenGrantHandler.HandleTokenEndpointRequest(ctx, request); err != nil {
		return err
	}
	if known, ok := request.GetSession().(*session); ok {
		known.refreshes = signature
	}
	if _, err := g.server.WhoByPerson(ctx, kept.PersonID); isProblem(err) {
		return fosite.ErrInvalidGrant.WithHint("The person who granted this may not sign in any more.").WithWrap(err)
	} else if err != nil {
		return err
	}
	if err := g.server.audience(ctx, request.GetClient(), kept.Audience); err != nil {
		return err
	}
	return narrow(request, wanted, kept.Scopes)
}

// PopulateTokenEndpointResponse spends the refresh token and mints its
// successor, as fosite does; for a client of FAPI 2.0 it mints an access token
// and leaves the refresh token as it is, for another 30 days. That profile
// forbids rotation (§5.3.2.1): where a stolen refresh token is of no use
// without the client's own key, rotation guards nothing, and a lost answer
// would cost the person a new sign-in (RFC 9700 §4.14.2 leaves the choice).
func (g *refreshGrant) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !g.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest // fosite would collect a stack trace to say so
	}
	known, ok := request.GetClient().(*client)
	if !ok || known.Profile != auth.FAPI2 {
		return g.RefreshTokenGrantHandler.PopulateTokenEndpointResponse(ctx, request, response)
	}
	access, jti, err := g.AccessTokenStrategy.GenerateAccessToken(ctx, request)
	if err != nil {
		return err
	}
	signature := g.RefreshTokenStrategy.RefreshTokenSignature(ctx, request.GetRequestForm().Get("refresh_token"))
	err = pgx.BeginFunc(ctx, g.server.DB, func(tx pgx.Tx) error {
		ctx := context.WithValue(ctx, txKey{}, tx)
		if err := g.server.store.keepRefreshToken(ctx, signature); err != nil {
			return err
		}
		return g.server.store.CreateAccessTokenSession(ctx, jti, request)
	})
	if err != nil {
		return err
	}
	response.SetAccessToken(access)
	response.SetTokenType("bearer") // fosite asks that some is set; see Server.token
	response.SetScopes(request.GetGrantedScopes())
	return nil
}

// narrow grants the wanted scopes only, when any are named (RFC 6749 §6).
func narrow(request fosite.AccessRequester, wanted, granted []string) error {
	if len(wanted) == 0 {
		return nil
	}
	for _, scope := range wanted {
		if !slices.Contains(granted, scope) {
			return fosite.ErrInvalidScope.WithHintf("Scope %q was not granted; a refresh can only narrow (granted: %s).", scope, strings.Join(granted, " "))
		}
	}
	access, ok := request.(*fosite.AccessRequest)
	if !ok {
		return errors.New("narrow scopes: not fosite's own request")
	}
	access.GrantedScope = wanted
	return nil
}

// notFoundIsInvalidGrant is what a client hears of a code or refresh token that
// is not there; any other error stays as it is.
func notFoundIsInvalidGrant(err error) error {
	if errors.Is(err, fosite.ErrNotFound) {
		return fosite.ErrInvalidGrant.WithHint("It is unknown, expired or revoked; send the person through /oauth2/authorize again.")
	}
	return err
}

// isProblem reports whether err says that something may not be, and not that
// a part of the platform is broken.
func isProblem(err error) bool {
	var e *problem.Error
	return errors.As(err, &e) && e.Kind < problem.Internal
}
