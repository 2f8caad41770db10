package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"regexp"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"

	"lgsp/auth"
)

// codeGrant is the authorization code grant: fosite's, with PKCE (RFC 7636,
// S256 for every client) bound to the row of the code itself. fosite keeps the
// challenge apart and deletes it before the verifier is checked, so that a
// second try needs none (F1).
type codeGrant struct {
	*oauth2.AuthorizeExplicitGrantHandler
	server *Server
}

var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// HandleAuthorizeEndpointRequest issues a code for a request with a challenge.
func (g *codeGrant) HandleAuthorizeEndpointRequest(ctx context.Context, request fosite.AuthorizeRequester, response fosite.AuthorizeResponder) error {
	if err := checkChallenge(request); err != nil {
		return err
	}
	return g.AuthorizeExplicitGrantHandler.HandleAuthorizeEndpointRequest(ctx, request, response)
}

func checkChallenge(request fosite.AuthorizeRequester) error {
	form := request.GetRequestForm()
	if form.Get("code_challenge_method") != "S256" || !challengeForm.MatchString(form.Get("code_challenge")) {
		return fosite.ErrInvalidRequest.WithHint("Every client must use PKCE: send code_challenge and code_challenge_method=S256 (RFC 7636).")
	}
	return nil
}

// HandleTokenEndpointRequest checks, in this order: the code's HMAC, whose it
// is, the verifier, the key it is bound to, and only then whether it was used, which ends its family.
// So neither another client nor who lacks the verifier can end it.
func (g *codeGrant) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !g.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	form := request.GetRequestForm()
	code := form.Get("code")
	if err := g.AuthorizeCodeStrategy.ValidateAuthorizeCode(ctx, request, code); err != nil {
		return fosite.ErrInvalidGrant.WithHint("The code is not one of ours; it may have been cut.").WithWrap(err)
	}
	kept, err := g.server.store.read(ctx, readCodeSQL, g.AuthorizeCodeStrategy.AuthorizeCodeSignature(ctx, code))
	if err != nil {
		return notFoundIsInvalidGrant(err)
	}
	if kept.ClientID.String() != request.GetClient().GetID() {
		return fosite.ErrInvalidGrant.WithHint("The code was issued to another client.")
	}
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(got), []byte(kept.Challenge)) != 1 {
		return fosite.ErrInvalidGrant.WithHint("The code_verifier does not belong to the code_challenge (RFC 7636).")
	}
	if err := kept.shownTo(request); err != nil {
		return err
	}
	if err := g.server.sameAudience(request, kept.Audience); err != nil {
		return err
	}
	return g.AuthorizeExplicitGrantHandler.HandleTokenEndpointRequest(ctx, request)
}

// PopulateTokenEndpointResponse leaves other grants alone: fosite's own would
// collect a stack trace to say so, at each of their tokens.
func (g *codeGrant) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !g.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	return g.AuthorizeExplicitGrantHandler.PopulateTokenEndpointResponse(ctx, request, response)
}

// idTokenIssue adds an ID token to what a person's grant with scope openid
// gives. The nonce is the grant's own: no code is kept for it (F16).
type idTokenIssue struct{ server *Server }

// CanHandleTokenEndpointRequest reports whether the grant is a person's.
func (*idTokenIssue) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	grant := request.GetGrantTypes()
	return grant.ExactOne(auth.GrantCode) || grant.ExactOne(auth.GrantRefresh) || grant.ExactOne(auth.GrantDevice)
}

// CanSkipClientAuth is never.
func (*idTokenIssue) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// HandleTokenEndpointRequest leaves the grant to its own handler.
func (*idTokenIssue) HandleTokenEndpointRequest(context.Context, fosite.AccessRequester) error {
	return fosite.ErrUnknownRequest
}

// PopulateTokenEndpointResponse adds the ID token.
func (i *idTokenIssue) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !i.CanHandleTokenEndpointRequest(ctx, request) || !request.GetGrantedScopes().Has(scopeOpenID) {
		return fosite.ErrUnknownRequest
	}
	token, err := i.server.strategy.idToken(request, response.GetAccessToken())
	if err != nil {
		return err
	}
	response.SetExtra("id_token", token)
	return nil
}
