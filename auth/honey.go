package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// HoneyKey is a key that opens nothing, to be left where a thief would look:
// in a repository, a mailbox, a share. Whoever shows it anywhere is answered
// as with any unknown key, and its people are told (TouchCredentials).
type HoneyKey struct {
	ID          uuid.UUID  `json:"id"`
	Application *uuid.UUID `json:"application"` // whose owners are told; null: only who made it, and the operators
	Kind        string     `json:"kind"`        // what it looks like: api_key, client_secret, personal_token
	Lookup      string     `json:"lookup"`      // the 12 characters after the prefix
	Last4       string     `json:"last4"`
	Name        string     `json:"name"` // where it was left
	CreatedBy   *uuid.UUID `json:"created_by"`
	CreatedAt   time.Time  `json:"created_at"`
	RevokedAt   *time.Time `json:"revoked_at"`

	Uses          int64      `json:"uses"`            // told each minute
	LastUsedAt    *time.Time `json:"last_used_at"`    // to the minute
	LastUsedFrom  string     `json:"last_used_from"`  // an IPv4 address or IPv6 /64
	LastUsedWhere string     `json:"last_used_where"` // gateway, oauth, api, leaks; "" before the first use
}

// NewHoneyKey is a honey key to be made.
type NewHoneyKey struct {
	Application uuid.UUID // uuid.Nil: the platform's
	Kind        string    // one of HoneyKinds
	Name        string
}

// IssuedHoneyKey is a new honey key with its text, shown once.
type IssuedHoneyKey struct {
	HoneyKey
	Secret string `json:"secret"`
}

// keyKinds are what honey keys may look like, and the kind of Key that does.
var keyKinds = map[string]string{APIKey: KindKey, ClientSecret: KindSecret, TokenLeak: KindToken}

// HoneyKinds are what a honey key may look like: APIKey, ClientSecret, or
// personal_token, in the order of the alphabet.
func HoneyKinds() []string { return slices.Sorted(maps.Keys(keyKinds)) }

// maxHoney is how many honey keys an application, or the platform, has at
// once: each is known by every node.
const maxHoney = 20

const honeyColumns = `id, application_id as application, kind, lookup, last4, name, created_by, created_at, revoked_at,
  uses, last_used_at, last_used_from, last_used_where`

const (
	liveHoneySQL = `
select count(*) from auth.honey_key where application_id is not distinct from $1 and revoked_at is null`
	addHoneySQL = `
insert into auth.honey_key (id, application_id, kind, lookup, hash, pepper_version, last4, name, created_by, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
returning ` + honeyColumns
)

// AddHoneyKey makes a honey key: for an application that who, a person, owns
// (else NotFound), or with uuid.Nil for the platform, which who may
// honey-key.edit (else Forbidden). It is known on every node within a second.
// It fails with Invalid with the fields that are wrong, and Conflict when 20
// are in force (honey-full) or the application is disabled.
func (a *Auth) AddHoneyKey(ctx context.Context, who Principal, n NewHoneyKey) (IssuedHoneyKey, error) {
	if who.Person == uuid.Nil {
		return IssuedHoneyKey{}, signInFirst()
	}
	if err := secondFactorFirst(who); err != nil {
		return IssuedHoneyKey{}, err
	}
	wrong := fieldsWrong()
	n.Name = checkName(wrong, "name", n.Name)
	if keyKinds[n.Kind] == "" {
		wrong.Wrong("kind", "honey-kind", "api_key, client_secret or personal_token")
	}
	if err := asError(wrong); err != nil {
		return IssuedHoneyKey{}, err
	}
	key := NewKey(keyKinds[n.Kind])
	issued := IssuedHoneyKey{Secret: key.Secret()}
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		agency, of, err := a.honeyOwner(ctx, tx, who, n.Application)
		if err != nil {
			return err
		}
		var live int
		if err := tx.QueryRow(ctx, liveHoneySQL, of).Scan(&live); err != nil {
			return fmt.Errorf("count honey keys: %w", err)
		}
		if live >= maxHoney {
			return problem.Errorf(problem.Conflict, "%d honey keys are in force; end one first", maxHoney).Coded("honey-full", "max", fmt.Sprint(maxHoney))
		}
		issued.HoneyKey, err = pg.One[HoneyKey](ctx, tx, addHoneySQL, uuid.Must(uuid.NewV7()), of, n.Kind, key.Lookup,
			key.Hash(a.Peppers.Key()), a.Peppers.Current(), key.Last4, n.Name, who.Person, a.Now().UTC())
		if err != nil {
			return fmt.Errorf("add honey key: %w", err)
		}
		if err := pg.Notify(ctx, tx, "gateway", "credential"); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "honey-key.add", Agency: agency, About: issued.ID,
			Detail: map[string]any{"application": of, "kind": n.Kind, "lookup": issued.Lookup}})
	})
	if err != nil {
		return IssuedHoneyKey{}, err
	}
	return issued, nil
}

// honeyOwner checks for whom who may make a honey key: the agency, if it is
// one's, and the application, nil for the platform.
func (a *Auth) honeyOwner(ctx context.Context, tx pgx.Tx, who Principal, application uuid.UUID) (uuid.UUID, *uuid.UUID, error) {
	if application == uuid.Nil {
		return uuid.Nil, nil, a.May(ctx, who, "honey-key.edit", uuid.Nil)
	}
	app, err := lockFor(ctx, tx, who, application, TeamOwner)
	return agencyOf(app), &app.ID, err
}

const honeyKeysSQL = `
select ` + honeyColumns + `
  from auth.honey_key
 where $1::uuid is null or application_id = $1
 order by id desc`

// HoneyKeys lists the honey keys of an application, newest first, those that
// have ended too; with uuid.Nil every one there is. It fails with NotFound
// unless who owns the application, and Forbidden unless who may honey-key.edit.
func (a *Auth) HoneyKeys(ctx context.Context, who Principal, application uuid.UUID) ([]HoneyKey, error) {
	var of *uuid.UUID
	err := a.May(ctx, who, "honey-key.edit", uuid.Nil)
	if application != uuid.Nil {
		of, err = &application, a.OwnsApplication(ctx, who, application)
	}
	if err != nil {
		return nil, err
	}
	list, err := pg.All[HoneyKey](ctx, a.DB, honeyKeysSQL, of)
	if err != nil {
		return nil, fmt.Errorf("list honey keys: %w", err)
	}
	return list, nil
}

const (
	honeyKeySQL = `
select ` + honeyColumns + ` from auth.honey_key where id = $1`
	endHoneySQL = `
update auth.honey_key set revoked_at = $2 where id = $1 and revoked_at is null`
)

// EndHoneyKey has a honey key forgotten: nobody is told of it any more. Ending
// twice changes nothing. It fails with NotFound unless who owns its
// application or may honey-key.edit.
func (a *Auth) EndHoneyKey(ctx context.Context, who Principal, id uuid.UUID) error {
	unknown := problem.Errorf(problem.NotFound, "no honey key %s", id).Coded("honey-unknown")
	k, err := pg.One[HoneyKey](ctx, a.DB, honeyKeySQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return unknown
	} else if err != nil {
		return fmt.Errorf("read honey key %s: %w", id, err)
	}
	var app Application
	if k.Application != nil {
		if app, err = a.Application(ctx, *k.Application); err != nil {
			return err
		}
	}
	mayEdit := a.May(ctx, who, "honey-key.edit", uuid.Nil) == nil
	if !mayEdit && (k.Application == nil || mayOn(ctx, a.DB, who, app, TeamOwner) != nil) {
		return unknown
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, endHoneySQL, id, a.Now().UTC())
		if err != nil {
			return fmt.Errorf("end honey key %s: %w", id, err)
		}
		if done.RowsAffected() == 0 {
			return nil
		}
		if err := pg.Notify(ctx, tx, "gateway", "credential"); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "honey-key.end", Agency: agencyOf(app), About: id,
			Detail: map[string]any{"application": k.Application, "lookup": k.Lookup, "uses": k.Uses}})
	})
}

// Shown is the honey key as its people know it, without its secret.
func (k HoneyKey) Shown() string {
	return "lgsp_" + keyKinds[k.Kind] + "_" + k.Lookup + "…" + k.Last4
}
