package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// KnownSecret is what a client secret is compared with.
type KnownSecret struct {
	Hash          []byte
	PepperVersion int
	Networks      []netip.Prefix // from where it may be used; none: anywhere
	Expires       time.Time
}

const secretSQL = `
select c.hash, c.pepper_version, c.networks, c.expires_at as expires
  from auth.credential c
  join auth.application a on a.id = c.application_id
  left join auth.person p on p.id = a.owner_person
 where c.lookup = $1 and c.application_id = $2 and c.kind = 'client_secret'
   and c.revoked_at is null and a.disabled_at is null and p.disabled_at is null`

// VerifySecret is nil when a client secret, used from an address, proves the
// application. Any of its live secrets will do. It fails with Unauthorized,
// code client-refused, whatever is wrong: the client_id, the secret, or that
// either has ended; and code address-not-allowed when the secret is right but
// not for this address. SaveUses keeps the use.
func (a *Auth) VerifySecret(ctx context.Context, clientID, secret string, from netip.Addr) error {
	refused := problem.Errorf(problem.Unauthorized, "client_id or client_secret is wrong, revoked or expired").Coded("client-refused")
	id, err := uuid.Parse(clientID)
	if err != nil || id.String() != clientID {
		return refused
	}
	key, err := ParseKey(secret)
	if err != nil || key.Kind != KindSecret {
		return refused
	}
	c, err := a.Secrets.Get(ctx, key.Lookup+clientID, func(ctx context.Context) (KnownSecret, error) {
		return pg.One[KnownSecret](ctx, a.DB, secretSQL, key.Lookup, id)
	})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("find client secret: %w", err)
	}
	now := a.Now().UTC()
	if !key.Matches(a.Peppers, c.PepperVersion, c.Hash) || !now.Before(c.Expires) {
		return refused
	}
	if !Within(c.Networks, from) {
		return addressNotAllowed(problem.Unauthorized)
	}
	a.uses.Note(Use{Lookup: key.Lookup, At: now, From: from}.Renewing(key, a.Peppers, c.PepperVersion))
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
	Disabled      bool           // the application, or the person who owns it
	Networks      []netip.Prefix // from where it may be used; none: anywhere
	Versions      []uuid.UUID    // that it may call; none: all its application may
	Scopes        []string       // asked with ScopesAllow; none: all its application may
	Honey         bool           // it opens nothing: it is answered as unknown, and noted (Use.Where)
}

const gatewayCredentialsSQL = `
select c.lookup, c.hash, c.pepper_version, c.application_id as application, a.name, c.expires_at as expires, c.networks, c.versions, c.scopes,
       a.disabled_at is not null or p.disabled_at is not null as disabled, false as honey
  from auth.credential c
  join auth.application a on a.id = c.application_id
  left join auth.person p on p.id = a.owner_person
 where c.kind = 'api_key' and c.revoked_at is null and c.expires_at > $1`

// GatewayCredentials lists every API key that is neither revoked nor expired,
// those of disabled applications too, and every honey key. Each change of it is
// told on the channel gateway, payload credential, with a space and the id of
// the application behind it when only that one's keys changed.
func (a *Auth) GatewayCredentials(ctx context.Context) ([]GatewayCredential, error) {
	credentials, err := pg.All[GatewayCredential](ctx, a.DB, gatewayCredentialsSQL, a.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	honey, err := a.knownHoney(ctx)
	for _, h := range honey {
		credentials = append(credentials, GatewayCredential{Lookup: h.Lookup, Hash: h.Hash, PepperVersion: h.PepperVersion, Honey: true})
	}
	return credentials, err
}

const credentialsOfSQL = gatewayCredentialsSQL + `
   and c.application_id = any($2)`

// GatewayCredentialsOf are those of these applications.
func (a *Auth) GatewayCredentialsOf(ctx context.Context, applications []uuid.UUID) ([]GatewayCredential, error) {
	credentials, err := pg.All[GatewayCredential](ctx, a.DB, credentialsOfSQL, a.Now().UTC(), applications)
	if err != nil {
		return nil, fmt.Errorf("list API keys of %d applications: %w", len(applications), err)
	}
	return credentials, nil
}

// keysChanged tells the gateways, when tx commits, that the keys of one
// application changed.
func keysChanged(ctx context.Context, tx pgx.Tx, application uuid.UUID) error {
	return pg.Notify(ctx, tx, "gateway", "credential "+application.String())
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

const tokensNotBeforeSQL = `
select id, tokens_not_before from auth.application where tokens_not_before > $1`

// TokensNotBefore gives, by application, the moment that its tokens must not
// have been made before, to be believed; an application whose earlier tokens
// have all expired by themselves is left out. Each change is told on the
// channel gateway, payload revoked.
func (a *Auth) TokensNotBefore(ctx context.Context) (map[uuid.UUID]time.Time, error) {
	moments := map[uuid.UUID]time.Time{}
	rows, _ := a.DB.Query(ctx, tokensNotBeforeSQL, a.Now().UTC().Add(-longestToken)) // the error comes back from ForEachRow
	var id uuid.UUID
	var at time.Time
	_, err := pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		moments[id] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list moments that tokens must be younger than: %w", err)
	}
	return moments, nil
}

// longestToken is more than any access token lives.
const longestToken = 24 * time.Hour
