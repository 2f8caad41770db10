package oauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"

	"lgsp/internal/pg"
)

// The statement that decides. A token never used is spent; one used up to ten
// seconds ago, by a client with refresh_grace, is spent again unless it is
// settled. Requests at once wait for each other at the grant, and each finds
// the row as the one before it left it.
const spendRefreshSQL = `
with family as (
  select g.id, a.refresh_grace
    from auth.oauth_grant g join auth.application a on a.id = g.client_id
   where g.id = (select grant_id from auth.oauth_refresh where signature = $1) and g.revoked_at is null
     for no key update of g)
update auth.oauth_refresh r
   set used_at = coalesce(r.used_at, $2)
  from family
 where r.signature = $1 and r.grant_id = family.id and r.expires_at > $2
   and (r.used_at is null or family.refresh_grace and not r.settled and r.used_at + interval '10 seconds' > $2)
returning r.grant_id`

// Using a token settles the one it came of: that cannot be presented again.
// And a token spent again takes back what came of it before, of which the
// access token is revoked. A second statement, so that it sees what the
// request it waited for has made.
const settleRefreshSQL = `
with settled as (
  update auth.oauth_refresh set settled = true
   where signature = (select parent from auth.oauth_refresh where signature = $1)),
taken as (
  update auth.oauth_refresh set used_at = $2, settled = true
   where parent = $1 and used_at is null
  returning jti)
insert into auth.revoked_token (jti, expires_at)
select a.jti, a.expires_at
  from auth.oauth_access a join taken on taken.jti = a.jti
 where a.expires_at > $2
on conflict on constraint revoked_token_pkey do nothing`

// RotateRefreshToken spends a refresh token: of any number of requests at
// once, one succeeds and the others get errSpent (F2). Where a client has the
// grace for a lost answer, each takes back what the one before it was given,
// so that one pair of tokens is left.
func (s *store) RotateRefreshToken(ctx context.Context, _ string, signature string) error {
	now := s.server.Now().UTC()
	var grant uuid.UUID
	err := s.db(ctx).QueryRow(ctx, spendRefreshSQL, signature, now).Scan(&grant)
	if errors.Is(err, pgx.ErrNoRows) {
		return errSpent
	} else if err != nil {
		return fmt.Errorf("spend refresh token: %w", err)
	}
	taken, err := s.db(ctx).Exec(ctx, settleRefreshSQL, signature, now)
	if err != nil {
		return fmt.Errorf("settle refresh token: %w", err)
	}
	if taken.RowsAffected() == 0 {
		return nil
	}
	return pg.Notify(ctx, s.db(ctx), "gateway", "revoked")
}

const keepRefreshSQL = `
with family as (
  select g.id from auth.oauth_grant g
   where g.id = (select grant_id from auth.oauth_refresh where signature = $1) and g.revoked_at is null
     for no key update)
update auth.oauth_refresh r
   set expires_at = $3
  from family
 where r.signature = $1 and r.grant_id = family.id and r.used_at is null and r.expires_at > $2
returning r.grant_id`

// keepRefreshToken lets a refresh token live on after its use. It fails with
// errSpent when it, or its family, has come to its end.
func (s *store) keepRefreshToken(ctx context.Context, signature string) error {
	now := s.server.Now().UTC()
	var grant uuid.UUID
	err := s.db(ctx).QueryRow(ctx, keepRefreshSQL, signature, now, now.Add(refreshLife)).Scan(&grant)
	if errors.Is(err, pgx.ErrNoRows) {
		return errSpent
	} else if err != nil {
		return fmt.Errorf("keep refresh token: %w", err)
	}
	return nil
}

const createRefreshSQL = `
insert into auth.oauth_refresh (signature, grant_id, created_at, expires_at, parent, jti, hmac_version)
values ($1, $2, $3, $4, $5, $6, $7)`

const bindGrantSQL = `
update auth.oauth_grant set jkt = $2, x5t = $3 where id = $1`

// CreateRefreshTokenSession keeps a refresh token. Its scopes are the grant's,
// whatever the access token beside it was narrowed to (RFC 6749 §6). That of a
// public client is good only with the key or certificate of the first: it has
// nothing else to prove itself by (RFC 8705 §4, RFC 9449 §5).
func (s *store) CreateRefreshTokenSession(ctx context.Context, signature, jti string, request fosite.Requester) error {
	known, ok := request.GetSession().(*session)
	if !ok {
		return errors.New("keep refresh token: the request has no session")
	}
	now := s.server.Now().UTC()
	if _, err := s.db(ctx).Exec(ctx, createRefreshSQL, signature, request.GetID(), now, now.Add(refreshLife), known.refreshes, jti, s.server.HMACs.Current()); err != nil {
		return fmt.Errorf("keep refresh token: %w", err)
	}
	if !request.GetClient().IsPublic() || known.binding == (binding{}) {
		return nil
	}
	if _, err := s.db(ctx).Exec(ctx, bindGrantSQL, request.GetID(), known.binding.JKT, known.binding.X5T); err != nil {
		return fmt.Errorf("bind grant: %w", err)
	}
	return nil
}
