package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// What a device hears until its person has decided (RFC 8628 §3.5).
var (
	errAuthorizationPending = &fosite.RFC6749Error{
		ErrorField: "authorization_pending", CodeField: 400,
		DescriptionField: "The person has not answered yet.",
	}
	errSlowDown = &fosite.RFC6749Error{
		ErrorField: "slow_down", CodeField: 400,
		DescriptionField: "The person has not answered yet, and the device asks too often: wait 5 seconds longer each time.",
	}
	errDeviceDenied = &fosite.RFC6749Error{ // fosite's own is 403, which is not for this address
		ErrorField: "access_denied", CodeField: 400,
		DescriptionField: "The person said no, or may not say yes any more.",
	}
	errExpiredToken = &fosite.RFC6749Error{
		ErrorField: "expired_token", CodeField: 400,
		DescriptionField: "The person did not answer in time; begin again at the device.",
	}
)

// deviceGrant is the device authorization grant (RFC 8628 §3.4), which fosite
// v0.49.0 has not.
type deviceGrant struct{ server *Server }

// CanSkipClientAuth is never.
func (*deviceGrant) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest reports whether a device asks.
func (*deviceGrant) CanHandleTokenEndpointRequest(_ context.Context, request fosite.AccessRequester) bool {
	return request.GetGrantTypes().ExactOne(auth.GrantDevice)
}

const pollDeviceSQL = `
with before as (
  select device_code, coalesce(polled_at > $3::timestamptz + $4::interval - wait, false) as hasty
    from auth.oauth_device
   where device_code = $1 and client_id = $2
     for update)
update auth.oauth_device d
   set polled_at = $3, wait = d.wait + case when before.hasty then interval '5 seconds' else interval '0' end
  from before
 where d.device_code = before.device_code
returning d.grant_id, d.denied_at is not null as denied, d.expires_at > $3 as live, before.hasty`

// HandleTokenEndpointRequest says how it stands with the person's answer. Once
// they have allowed it, person and agreement are asked again.
func (g *deviceGrant) HandleTokenEndpointRequest(ctx context.Context, request fosite.AccessRequester) error {
	if !g.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	known, ok := request.GetClient().(*client)
	if !ok {
		return errors.New("poll device: not our own client")
	}
	if err := mayUse(known, auth.GrantDevice); err != nil {
		return err
	}
	type row struct {
		GrantID *uuid.UUID
		Denied  bool
		Live    bool
		Hasty   bool
	}
	device, err := pg.One[row](ctx, g.server.DB, pollDeviceSQL, deviceHash(request), known.ID, g.server.Now().UTC(), waitJitter)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return errNoDeviceCode
	case err != nil:
		return fmt.Errorf("poll device: %w", err)
	case device.Denied:
		return errDeviceDenied
	case !device.Live:
		return errExpiredToken
	case device.GrantID == nil && device.Hasty:
		return errSlowDown
	case device.GrantID == nil:
		return errAuthorizationPending
	}
	return g.granted(ctx, request, *device.GrantID)
}

var errNoDeviceCode = fosite.ErrInvalidGrant.WithHint("The device_code is unknown, another client's, used, or its grant was revoked; begin again at the device.")

// deviceHash is what the device_code of a request is kept as.
func deviceHash(request fosite.AccessRequester) []byte {
	return hashHandle(strings.TrimPrefix(request.GetRequestForm().Get("device_code"), devicePrefix))
}

const readDeviceGrantSQL = `
select ` + grantColumns + `, '' as redirect_uri, '' as challenge, false as used,
       g.expires_at > $2 and g.revoked_at is null as live
  from auth.oauth_grant g
 where g.id::text = $1`

// granted puts what the person allowed into the request.
func (g *deviceGrant) granted(ctx context.Context, request fosite.AccessRequester, id uuid.UUID) error {
	kept, err := g.server.store.read(ctx, readDeviceGrantSQL, id.String())
	if errors.Is(err, fosite.ErrNotFound) || err == nil && !kept.Live {
		return errNoDeviceCode
	} else if err != nil {
		return err
	}
	if err := g.server.sameAudience(request, kept.Audience); err != nil {
		return err
	}
	if _, err := g.server.WhoByPerson(ctx, kept.PersonID); isProblem(err) {
		return errDeviceDenied.WithHint("They may not sign in any more.").WithWrap(err)
	} else if err != nil {
		return err
	}
	if err := g.server.audience(ctx, request.GetClient(), kept.Audience); err != nil {
		return err
	}
	allowed, err := g.server.store.request(ctx, kept)
	if err != nil {
		return err
	}
	request.SetID(allowed.GetID())
	request.SetSession(allowed.GetSession())
	for _, scope := range kept.Scopes {
		request.GrantScope(scope)
	}
	request.GrantAudience(kept.Audience)
	return nil
}

// takeDeviceSQL takes the code and its person's answer in one statement: of
// any number of devices with the same code one finds the row. Locking the
// grant makes a revocation wait for the tokens being minted.
const takeDeviceSQL = `
with family as (
  select g.id from auth.oauth_grant g join auth.oauth_device d on d.grant_id = g.id
   where d.device_code = $1 and g.revoked_at is null
     for no key update of g)
delete from auth.oauth_device d
 using family
 where d.device_code = $1 and d.grant_id = family.id and d.expires_at > $2
returning d.grant_id`

// PopulateTokenEndpointResponse takes the code and mints the tokens, both or
// neither.
func (g *deviceGrant) PopulateTokenEndpointResponse(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	if !g.CanHandleTokenEndpointRequest(ctx, request) {
		return fosite.ErrUnknownRequest
	}
	return pgx.BeginFunc(ctx, g.server.DB, func(tx pgx.Tx) error {
		var grant uuid.UUID
		err := tx.QueryRow(ctx, takeDeviceSQL, deviceHash(request), g.server.Now().UTC()).Scan(&grant)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNoDeviceCode
		} else if err != nil {
			return fmt.Errorf("take device code: %w", err)
		}
		return g.server.mint(context.WithValue(ctx, txKey{}, tx), request, response)
	})
}

// mint makes the tokens of a person's grant that fosite has no handler for, in
// the transaction that ctx carries.
func (s *Server) mint(ctx context.Context, request fosite.AccessRequester, response fosite.AccessResponder) error {
	token, jti, err := s.strategy.GenerateAccessToken(ctx, request)
	if err != nil {
		return err
	}
	if err := s.store.CreateAccessTokenSession(ctx, jti, request); err != nil {
		return err
	}
	response.SetAccessToken(token)
	response.SetTokenType("Bearer") // fosite asks that some is set; see Server.token
	response.SetScopes(request.GetGrantedScopes())
	if !request.GetGrantedScopes().Has(scopeOffline) {
		return nil
	}
	refresh, signature, err := s.strategy.GenerateRefreshToken(ctx, request)
	if err != nil {
		return err
	}
	response.SetExtra("refresh_token", refresh)
	return s.store.CreateRefreshTokenSession(ctx, signature, jti, request)
}
