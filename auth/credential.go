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

// The kinds of credential.
const (
	APIKey       = "api_key"
	ClientSecret = "client_secret"
)

// How long a replaced credential works on.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 90 * 24 * time.Hour
)

// lastDays is the longest that a credential lasts.
const lastDays = 365

// maxLive is how many credentials of one kind an application has in force.
const maxLive = 2

// Credential is what an application proves itself with, without its secret. It
// is live until ExpiresAt unless RevokedAt is set.
type Credential struct {
	ID          uuid.UUID  `json:"id"`
	Application uuid.UUID  `json:"application"`
	Kind        string     `json:"kind"`   // APIKey, ClientSecret
	Lookup      string     `json:"lookup"` // the 12 characters after the prefix
	Last4       string     `json:"last4"`
	Name        string     `json:"name"` // what its owner calls it
	CreatedBy   *uuid.UUID `json:"created_by"`
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   time.Time  `json:"expires_at"`
	RevokedAt   *time.Time `json:"revoked_at"`

	LastUsedAt   *time.Time `json:"last_used_at"`   // to the minute
	LastUsedFrom string     `json:"last_used_from"` // an IPv4 address or IPv6 /64
	Uses         int64      `json:"uses"`           // told each minute

	Networks []netip.Prefix `json:"networks" swaggertype:"array,string"` // from where it may be used; none: anywhere
	Versions []uuid.UUID    `json:"versions"`                            // of APIs that a key may call; none: all its application may
	Scopes   []string       `json:"scopes"`                              // of a key: "read", "{version}/{operation}"; none: all its application may
}

const credentialColumns = `id, application_id as application, kind, lookup, last4, name, created_by, created_at, expires_at, revoked_at,
  last_used_at, last_used_from, uses, networks, versions, scopes`

// NewCredential is a credential to be made.
type NewCredential struct {
	Kind string // APIKey, ClientSecret
	Days int    // how long it lasts, 1 to 365; 0 is 365
	Limits
}

// Issued is a new credential with its secret, which is shown once and not stored.
type Issued struct {
	Credential
	Secret string `json:"secret"`
}

const credentialsSQL = `
select ` + credentialColumns + `
  from auth.credential
 where application_id = $1
 order by id desc`

// Credentials lists the credentials of an application, newest first, those
// that have ended too. It fails with NotFound unless who works on the application.
func (a *Auth) Credentials(ctx context.Context, who Principal, application uuid.UUID) ([]Credential, error) {
	if err := a.WorksOn(ctx, who, application); err != nil {
		return nil, err
	}
	credentials, err := pg.All[Credential](ctx, a.DB, credentialsSQL, application)
	if err != nil {
		return nil, fmt.Errorf("list credentials of application %s: %w", application, err)
	}
	return credentials, nil
}

const lockApplicationSQL = `
select ` + applicationColumns + `
  from auth.application
 where id = $1
   for update`

// lockFor locks an application that is in service and that who works on in the
// role that is needed, so that credentials are counted and added one at a time.
func lockFor(ctx context.Context, tx pgx.Tx, who Principal, id uuid.UUID, need string) (Application, error) {
	app, err := readApplication(ctx, tx, lockApplicationSQL, id)
	if err != nil {
		return Application{}, err
	}
	if err := mayOn(ctx, tx, who, app, need); err != nil {
		return Application{}, err
	}
	if app.DisabledAt != nil {
		return Application{}, problem.Errorf(problem.Conflict, "application %s is disabled", id).Coded("application-disabled")
	}
	return app, nil
}

const liveCredentialsSQL = `
select count(*) from auth.credential where application_id = $1 and kind = $2 and revoked_at is null and expires_at > $3`

const issueCredentialSQL = `
insert into auth.credential (id, application_id, kind, lookup, hash, pepper_version, last4, created_by, created_at, expires_at,
  expiry_set_at, name, networks, versions, scopes)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11, $12, $13, $14)
returning ` + credentialColumns

// issue adds a credential to a locked or new application, tells the gateways
// and the ledger. What it is to be is checked here.
func (a *Auth) issue(ctx context.Context, tx pgx.Tx, who Principal, app Application, n NewCredential) (Issued, error) {
	if err := secondFactorFirst(who); err != nil {
		return Issued{}, err
	}
	now, kind, wrong := a.Now().UTC(), n.Kind, fieldsWrong()
	limits, networks := n.tidy(wrong, kind)
	if n.Days < 0 || n.Days > lastDays {
		wrong.Wrong("days", "lasts-range", "1 to 365", "max", fmt.Sprint(lastDays))
	}
	if err := asError(wrong); err != nil {
		return Issued{}, err
	}
	ends := now.AddDate(1, 0, 0)
	if n.Days > 0 {
		ends = now.AddDate(0, 0, n.Days)
	}
	var live int
	if err := tx.QueryRow(ctx, liveCredentialsSQL, app.ID, kind, now).Scan(&live); err != nil {
		return Issued{}, fmt.Errorf("count credentials of application %s: %w", app.ID, err)
	}
	if live >= maxLive {
		return Issued{}, problem.Errorf(problem.Conflict, "two of this kind are in force; revoke one first").Coded("credentials-full")
	}
	key := NewKey(KindKey)
	if kind == ClientSecret {
		key = NewKey(KindSecret)
	}
	c, err := pg.One[Credential](ctx, tx, issueCredentialSQL, uuid.Must(uuid.NewV7()), app.ID, kind, key.Lookup,
		key.Hash(a.Peppers.Key()), a.Peppers.Current(), key.Last4, who.Person, now, ends, limits.Name, networks, limits.Versions, limits.Scopes)
	if err != nil {
		return Issued{}, fmt.Errorf("add %s to application %s: %w", kind, app.ID, err)
	}
	if err := keysChanged(ctx, tx, app.ID); err != nil {
		return Issued{}, err
	}
	err = a.Record(ctx, tx, Act{Who: who, Verb: "credential.add", Agency: agencyOf(app), About: c.ID, Detail: map[string]any{
		"application": app.ID, "kind": kind, "lookup": c.Lookup, "expires_at": c.ExpiresAt, "networks": c.Networks, "versions": c.Versions,
		"scopes": c.Scopes}})
	return Issued{Credential: c, Secret: key.Secret()}, err
}

// AddCredential adds a credential, which lasts a year unless it is to last
// less. It fails with NotFound unless who, a person, owns the application,
// Invalid with the fields that are wrong, and Conflict when two of the kind
// are in force, or the application is public or disabled.
func (a *Auth) AddCredential(ctx context.Context, who Principal, application uuid.UUID, n NewCredential) (Issued, error) {
	if who.Person == uuid.Nil {
		return Issued{}, signInFirst()
	}
	if n.Kind != APIKey && n.Kind != ClientSecret {
		return Issued{}, fieldsWrong().Wrong("kind", "credential-kind", "api_key or client_secret")
	}
	var issued Issued
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		app, err := lockFor(ctx, tx, who, application, TeamDeveloper)
		if err != nil {
			return err
		}
		if app.Kind == Public {
			return problem.Errorf(problem.Conflict, "a public application keeps no secret").Coded("application-public")
		}
		issued, err = a.issue(ctx, tx, who, app, n)
		return err
	})
	return issued, err
}

const credentialSQL = `
select ` + credentialColumns + `
  from auth.credential
 where id = $1`

func (a *Auth) credential(ctx context.Context, id uuid.UUID) (Credential, error) {
	c, err := pg.One[Credential](ctx, a.DB, credentialSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Credential{}, credentialUnknown(id)
	} else if err != nil {
		return Credential{}, fmt.Errorf("read credential %s: %w", id, err)
	}
	return c, nil
}

func credentialUnknown(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no credential %s", id).Coded("credential-unknown")
}

func credentialEnded(id uuid.UUID) error {
	return problem.Errorf(problem.Conflict, "credential %s has ended; add a new one", id).Coded("credential-ended")
}

// limits are the Limits that a credential has.
func (c Credential) limits() Limits {
	l := Limits{Name: c.Name, Versions: c.Versions, Scopes: c.Scopes}
	for _, network := range c.Networks {
		l.Networks = append(l.Networks, network.String())
	}
	return l
}

const expireCredentialSQL = `
update auth.credential set expires_at = least(expires_at, $2), expiry_set_at = $3
 where id = $1 and revoked_at is null and expires_at > $3`

// RotateCredential adds a credential of the same kind, name and limits, while the old one works
// on for overlap: 0 ends it now, DefaultOverlap is what people expect,
// MaxOverlap the most. It fails with NotFound unless who, a person, owns the
// credential, Invalid for an overlap out of bounds, and Conflict when the old
// one has ended, when two of the kind are in force, or the application is disabled.
func (a *Auth) RotateCredential(ctx context.Context, who Principal, id uuid.UUID, overlap time.Duration) (Issued, error) {
	if who.Person == uuid.Nil {
		return Issued{}, signInFirst()
	}
	if overlap < 0 || overlap > MaxOverlap {
		return Issued{}, fieldsWrong().Wrong("overlap", "overlap-range", "from 0 to 90 days")
	}
	old, err := a.credential(ctx, id)
	if err != nil {
		return Issued{}, err
	}
	var issued Issued
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		app, err := lockFor(ctx, tx, who, old.Application, TeamDeveloper)
		if problem.Is(err, problem.NotFound) {
			return credentialUnknown(id)
		} else if err != nil {
			return err
		}
		now := a.Now().UTC()
		done, err := tx.Exec(ctx, expireCredentialSQL, id, now.Add(overlap), now)
		if err != nil {
			return fmt.Errorf("expire credential %s: %w", id, err)
		}
		if done.RowsAffected() == 0 {
			return credentialEnded(id)
		}
		if issued, err = a.issue(ctx, tx, who, app, NewCredential{Kind: old.Kind, Limits: old.limits()}); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "credential.rotate", Agency: agencyOf(app), About: id, Detail: map[string]any{
			"application": app.ID, "kind": old.Kind, "lookup": old.Lookup, "by": issued.ID, "overlap_hours": overlap.Hours()}})
	})
	return issued, err
}

const revokeCredentialSQL = `
update auth.credential set revoked_at = $2 where id = $1 and revoked_at is null`

// RevokeCredential ends a credential now, on every gateway within a second.
// Revoking twice changes nothing. It fails with NotFound unless who owns the
// credential or may person.edit.
func (a *Auth) RevokeCredential(ctx context.Context, who Principal, id uuid.UUID) error {
	c, err := a.credential(ctx, id)
	if err != nil {
		return err
	}
	app, err := a.Application(ctx, c.Application)
	if err != nil {
		return err
	}
	if a.mayEnd(ctx, who, app, TeamDeveloper) != nil {
		return credentialUnknown(id)
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, revokeCredentialSQL, id, a.Now().UTC())
		if err != nil {
			return fmt.Errorf("revoke credential %s: %w", id, err)
		}
		if done.RowsAffected() == 0 {
			return nil
		}
		if err := keysChanged(ctx, tx, app.ID); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "credential.revoke", Agency: agencyOf(app), About: id, Detail: map[string]any{
			"application": app.ID, "kind": c.Kind, "lookup": c.Lookup}})
	})
}
