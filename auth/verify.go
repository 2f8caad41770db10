package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const secretSQL = `
select c.hash, c.last_used_at as used
  from auth.credential c
  join auth.application a on a.id = c.application_id
  left join auth.person p on p.id = a.owner_person
 where c.lookup = $1 and c.application_id = $2 and c.kind = 'client_secret'
   and c.revoked_at is null and c.expires_at > $3 and a.disabled_at is null and p.disabled_at is null`

// VerifySecret gives the application that a client secret proves. Any of its
// live secrets will do. It fails with Unauthorized, code client-refused,
// whatever is wrong: the client_id, the secret, or that either has ended.
func (a *Auth) VerifySecret(ctx context.Context, clientID, secret string) (Application, error) {
	type row struct {
		Hash []byte
		Used *time.Time
	}
	refused := problem.Errorf(problem.Unauthorized, "client_id or client_secret is wrong, revoked or expired").Coded("client-refused")
	id, err := uuid.Parse(clientID)
	if err != nil || id.String() != clientID {
		return Application{}, refused
	}
	key, err := ParseKey(secret)
	if err != nil || key.Kind != KindSecret {
		return Application{}, refused
	}
	now := a.Now().UTC()
	c, err := pg.One[row](ctx, a.DB, secretSQL, key.Lookup, id, now)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Application{}, fmt.Errorf("find client secret: %w", err)
	}
	if !key.Matches(a.Pepper, c.Hash) {
		return Application{}, refused
	}
	if c.Used == nil || now.Sub(*c.Used) >= seenStep {
		if err := a.TouchCredentials(ctx, map[string]time.Time{key.Lookup: now}); err != nil {
			return Application{}, err
		}
	}
	return a.Application(ctx, id)
}

const touchCredentialsSQL = `
update auth.credential c set last_used_at = u.at
  from unnest($1::text[], $2::timestamptz[]) as u (lookup, at)
 where c.lookup = u.lookup and (c.last_used_at is null or c.last_used_at < u.at)`

// TouchCredentials keeps when credentials, by their lookup, were last used: one
// statement for all that a node saw since it last told, every minute or so.
func (a *Auth) TouchCredentials(ctx context.Context, used map[string]time.Time) error {
	lookups, times := make([]string, 0, len(used)), make([]time.Time, 0, len(used))
	for lookup, at := range used {
		lookups, times = append(lookups, lookup), append(times, at.UTC())
	}
	if _, err := a.DB.Exec(ctx, touchCredentialsSQL, lookups, times); err != nil {
		return fmt.Errorf("note use of %d credentials: %w", len(used), err)
	}
	return nil
}

// GatewayCredential is what a gateway node knows of an API key.
type GatewayCredential struct {
	Lookup        string // found by Key.Lookup
	Hash          []byte // compared by Key.Matches
	PepperVersion int
	Application   uuid.UUID
	Name          string // of the application
	Expires       time.Time
	Disabled      bool // the application, or the person who owns it
}

const gatewayCredentialsSQL = `
select c.lookup, c.hash, c.pepper_version, c.application_id as application, a.name, c.expires_at as expires,
       a.disabled_at is not null or p.disabled_at is not null as disabled
  from auth.credential c
  join auth.application a on a.id = c.application_id
  left join auth.person p on p.id = a.owner_person
 where c.kind = 'api_key' and c.revoked_at is null and c.expires_at > $1`

// GatewayCredentials lists every API key that is neither revoked nor expired,
// those of disabled applications too. Each change of it is told on the channel
// gateway, payload credential.
func (a *Auth) GatewayCredentials(ctx context.Context) ([]GatewayCredential, error) {
	credentials, err := pg.All[GatewayCredential](ctx, a.DB, gatewayCredentialsSQL, a.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	return credentials, nil
}

const disabledApplicationsSQL = `
select a.id
  from auth.application a left join auth.person p on p.id = a.owner_person
 where a.disabled_at is not null or p.disabled_at is not null`

// DisabledApplications lists the applications that are disabled or whose owner
// is: their tokens are refused, though signed and not expired.
func (a *Auth) DisabledApplications(ctx context.Context) ([]uuid.UUID, error) {
	rows, _ := a.DB.Query(ctx, disabledApplicationsSQL) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list disabled applications: %w", err)
	}
	return ids, nil
}
