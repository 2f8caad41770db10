package oauth

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
)

// clientGrant is the client credentials grant: fosite's, which grants nothing
// by itself, with scopes and the audience granted here.
type clientGrant struct {
	*oauth2.ClientCredentialsGrantHandler
	server *Server
}

// HandleTokenEndpointRequest grants an application a token for itself.
func (g *clientGrant) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !g.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	if request.GetClient().IsPublic() {
		return fosite.ErrUnauthorizedClient.WithHint("A public client has no credentials of its own; use the authorization code grant.")
	}
	if err := g.ClientCredentialsGrantHandler.HandleTokenEndpointRequest(ctx, request); err != nil {
		return err
	}
	for _, scope := range request.GetRequestedScopes() {
		if scope != ScopeManage {
			return fosite.ErrInvalidScope.WithHintf("Scope %q is about a person, and no person takes part in client_credentials.", scope)
		}
		request.GrantScope(scope)
	}
	audience, err := g.server.chooseAudience(ctx, request)
	if err != nil {
		return err
	}
	request.GrantAudience(audience)
	return nil
}

// chooseAudience is the audience asked for, or the only one there is.
func (s *Server) chooseAudience(ctx context.Context, request fosite.AccessRequester) (string, error) {
	if asked := request.GetRequestedAudience(); len(asked) == 1 {
		return asked[0], s.audience(ctx, request.GetClient(), asked[0])
	}
	if request.GetRequestedScopes().Has(ScopeManage) {
		return s.Issuer, nil
	}
	id, err := uuid.Parse(request.GetClient().GetID())
	if err != nil {
		return "", fmt.Errorf("list audiences: %w", err)
	}
	open, err := s.Audiences(ctx, id)
	if err != nil {
		return "", fmt.Errorf("list audiences of %s: %w", id, err)
	}
	switch {
	case len(open) == 1:
		return open[0], nil
	case len(open) == 0:
		return "", errInvalidTarget.WithHint("The application has no agreement in force that a token could be for; ask for one in the portal.")
	}
	shown := open[:min(len(open), 5)]
	return "", errInvalidTarget.WithHintf("The application may call %d API versions and one token serves one of them; send audience= (or resource=) with the base address of the version, such as %s.",
		len(open), strings.Join(shown, " or "))
}

// audience is nil when the client may have a token for it: the platform's own
// API, or a version that it has an agreement for.
func (s *Server) audience(ctx context.Context, client fosite.Client, audience string) error {
	if audience == s.Issuer {
		return nil
	}
	id, err := uuid.Parse(client.GetID())
	if err != nil {
		return fmt.Errorf("check audience: %w", err)
	}
	err = s.Audience(ctx, id, audience)
	if isProblem(err) {
		return errInvalidTarget.WithHintf("The application has no agreement in force for %q; compare it with the base address on the API's page, or ask for an agreement.", audience).WithWrap(err)
	} else if err != nil {
		return fmt.Errorf("check audience: %w", err)
	}
	return nil
}

// sameAudience refuses a token request that names another audience than its
// grant has (RFC 8707 §2.2).
func (s *Server) sameAudience(request fosite.AccessRequester, granted string) error {
	if asked := request.GetRequestedAudience(); len(asked) == 1 && asked[0] != granted {
		return errInvalidTarget.WithHintf("This grant is for %q; one grant serves one audience.", granted)
	}
	return nil
}
