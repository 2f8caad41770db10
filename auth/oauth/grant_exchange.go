package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// typeAccessToken is what is exchanged, and what for (RFC 8693 §3).
const typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"

// exchangeGrant is token exchange (RFC 8693), which fosite v0.49.0 has not: an
// application of an agency shows the token of an official, its own or that of
// another application of the agency, and gets one to act for them elsewhere.
// Who acts stays visible: the new token names the application in act.
type exchangeGrant struct{ server *Server }

// exchanged is what the token of an exchange comes of.
type exchanged struct {
	subject Token
	who     auth.Principal
	agency  uuid.UUID
}

// CanSkipClientAuth is never.
func (*exchangeGrant) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest reports whether a token is to be exchanged.
func (*exchangeGrant) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	return request.GetGrantTypes().ExactOne(auth.GrantExchange)
}

// HandleTokenEndpointRequest checks, in this order: the caller, the form, the
// token and whose it is, its family, the person's standing and the policy, the
// scopes and the audience. What the token is bound to, Server.token asks for.
func (g *exchangeGrant) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !g.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	known, ok := request.GetClient().(*client)
	held, fine := request.GetSession().(*session)
	if !ok || !fine {
		return errors.New("exchange token: not a client or session of ours")
	}
	if err := mayUse(known, auth.GrantExchange); err != nil {
		return err
	}
	if known.IsPublic() || known.OwnerAgency == nil { // it may have had the grant before this was asked
		return fosite.ErrUnauthorizedClient.WithHint("Only a confidential application of an agency exchanges tokens.")
	}
	if err := checkExchange(request.GetRequestForm()); err != nil {
		return err
	}
	subject, err := g.subject(ctx, known, request.GetRequestForm().Get("subject_token"))
	if err != nil {
		return err
	}
	if subject.Bound.JKT != "" && subject.Bound.JKT != held.binding.JKT {
		return badSubject("it is bound to a key; send a DPoP proof made with that key")
	}
	kept, err := g.server.store.read(ctx, readSubjectSQL, subject.ID)
	if errors.Is(err, fosite.ErrNotFound) || err == nil && !kept.Live {
		return errSubjectEnded
	} else if err != nil {
		return err
	}
	who, err := g.mayActThrough(ctx, kept.PersonID, subject.Level, *known.OwnerAgency)
	if err != nil {
		return err
	}
	if err := g.choose(ctx, request, subject); err != nil {
		return err
	}
	held.person, held.proof = kept.PersonID, auth.Proof{Session: kept.SessionID, At: subject.AuthTime, Methods: subject.Methods}
	held.binding.X5T = subject.Bound.X5T // see bindCertificate
	held.exchange = &exchanged{subject: subject, who: who, agency: *known.OwnerAgency}
	request.SetID(kept.GrantID.String())
	return nil
}

// checkExchange refuses what RFC 8693 §2.1 knows and is not done here.
func checkExchange(form url.Values) error {
	switch wanted := form.Get("requested_token_type"); {
	case form.Has("actor_token"), form.Has("actor_token_type"):
		return fosite.ErrInvalidRequest.WithHint("actor_token is not taken: who acts is the application that calls, and it has proved itself.")
	case form.Get("subject_token") == "":
		return fosite.ErrInvalidRequest.WithHint("subject_token is missing.")
	case form.Get("subject_token_type") != typeAccessToken:
		return fosite.ErrInvalidRequest.WithHintf("subject_token_type is %s: no other kind of token is exchanged.", typeAccessToken)
	case wanted != "" && wanted != typeAccessToken:
		return fosite.ErrInvalidRequest.WithHintf("requested_token_type is %s, or left out: nothing else is given.", typeAccessToken)
	}
	return nil
}

// badSubject is the error of a token that is not to be exchanged, also when
// the policy says so (RFC 8693 §2.2.2).
func badSubject(why string) *fosite.RFC6749Error {
	return fosite.ErrInvalidRequest.WithHintf("The subject_token cannot be exchanged: %s.", why)
}

var errSubjectEnded = badSubject("it expired or was revoked, alone or with all that came of the same authorization")

// subject is the token to be exchanged: a person's, for the caller or another
// application of its agency, so that one stolen elsewhere is of no use.
func (g *exchangeGrant) subject(ctx context.Context, known *client, text string) (Token, error) {
	if strings.HasPrefix(text, refreshPrefix) {
		return Token{}, badSubject("it is a refresh token")
	}
	t, err := g.server.live(ctx, text)
	switch {
	case isProblem(err):
		return Token{}, badSubject(problem.Of(err).Detail).WithWrap(err)
	case err != nil:
		return Token{}, err
	case t.Actor != "":
		return Token{}, badSubject("it is from an exchange itself")
	case t.Subject == t.Client:
		return Token{}, badSubject("it is an application's own and names no person")
	case t.Client == known.GetID():
		return t, nil
	}
	from, err := g.server.client(ctx, t.Client)
	if errors.Is(err, fosite.ErrInvalidClient) || err == nil && (from.OwnerAgency == nil || *from.OwnerAgency != *known.OwnerAgency) {
		return Token{}, badSubject("it was issued to an application that is not of the same agency, or is disabled")
	}
	return t, err
}

// mayActThrough gives the official as what they proved makes them, when policy
// lets them act through applications of agency.
func (g *exchangeGrant) mayActThrough(ctx context.Context, person uuid.UUID, level string, agency uuid.UUID) (auth.Principal, error) {
	who, err := g.server.WhoByProof(ctx, person, level)
	if isProblem(err) {
		return who, badSubject("its person may not sign in any more").WithWrap(err)
	} else if err != nil {
		return who, fmt.Errorf("read person %s: %w", person, err)
	}
	err = g.server.MayActThrough(ctx, who, agency)
	switch {
	case isProblem(err) && who.Needs != "":
		return who, badSubject("its person is an official and signed in with one factor; send them through /oauth2/authorize with acr_values=" + who.Needs).WithWrap(err)
	case isProblem(err):
		return who, badSubject(problem.Of(err).Detail).WithWrap(err)
	case err != nil:
		return who, fmt.Errorf("ask policy about person %s: %w", person, err)
	}
	return who, nil
}

// choose grants the scopes, which the subject must have, and the audience: the
// platform itself only when the subject is for it too.
func (g *exchangeGrant) choose(ctx context.Context, request fosite.AccessRequester, subject Token) error {
	for _, scope := range request.GetRequestedScopes() {
		switch {
		case scope == scopeOpenID || scope == scopeOffline:
			return fosite.ErrInvalidScope.WithHintf("Scope %q is not given in an exchange: its token signs nobody in and is not refreshed.", scope)
		case !request.GetClient().GetScopes().Has(scope):
			return fosite.ErrInvalidScope.WithHintf("Scope %q is not one that this client may ask for.", clip(scope))
		case !subject.Has(scope):
			return fosite.ErrInvalidScope.WithHintf("The subject_token lacks scope %q; an exchange can only narrow.", clip(scope))
		}
		request.GrantScope(scope)
	}
	audience, err := g.server.chooseAudience(ctx, request)
	switch {
	case err != nil:
		return err
	case audience == g.server.Issuer && subject.Audience != audience:
		return errInvalidTarget.WithHint("The subject_token is not for the platform itself, and neither can what is given for it be.")
	case audience != g.server.Issuer && request.GetRequestedScopes().Has(ScopeManage):
		return fosite.ErrInvalidScope.WithHintf("Scope %q is of the platform itself, and the audience is another.", ScopeManage)
	}
	request.GrantAudience(audience)
	return nil
}

const (
	readSubjectSQL = `
select ` + grantColumns + `, '' as redirect_uri, '' as challenge, false as used,
       a.expires_at > $2 and g.expires_at > $2 and g.revoked_at is null as live
  from auth.oauth_access a join auth.oauth_grant g on g.id = a.grant_id
 where a.jti = $1`
	// Exchanges go side by side, and a revocation waits for them: it then finds
	// what they have made.
	lockSubjectSQL = `
select g.id
  from auth.oauth_grant g join auth.oauth_access a on a.grant_id = g.id
 where a.jti = $1 and a.expires_at > $2 and g.revoked_at is null
   and not exists (select from auth.revoked_token r where r.jti = a.jti)
   for share of g`
)

// PopulateTokenEndpointResponse mints the token into the family of the
// subject, and records the act, both or neither.
func (g *exchangeGrant) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !g.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	held, ok := request.GetSession().(*session)
	known, fine := request.GetClient().(*client)
	if !ok || !fine || held.exchange == nil {
		return errors.New("exchange token: not a request that was checked")
	}
	of := held.exchange
	return pgx.BeginFunc(ctx, g.server.DB, func(tx pgx.Tx) error {
		var grant uuid.UUID
		err := tx.QueryRow(ctx, lockSubjectSQL, of.subject.ID, g.server.Now().UTC()).Scan(&grant)
		if errors.Is(err, pgx.ErrNoRows) {
			return errSubjectEnded
		} else if err != nil {
			return fmt.Errorf("lock grant of token %s: %w", of.subject.ID, err)
		}
		if err := g.server.mint(context.WithValue(ctx, txKey{}, tx), request, response); err != nil {
			return err
		}
		response.SetExtra("issued_token_type", typeAccessToken)
		return g.server.Record(ctx, tx, auth.Act{
			Who: of.who, Verb: "token.exchange", Agency: of.agency, About: known.ID,
			Detail: map[string]any{"audience": request.GetGrantedAudience()[0], "scopes": request.GetGrantedScopes(), "from": of.subject.Client},
		})
	})
}
