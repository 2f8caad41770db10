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

// tokenLast is the longest that a personal access token lasts.
const tokenLast = 365 * 24 * time.Hour

// PersonalToken is a personal access token (lgsp_pat_…): its person, for
// scripts, on /api/v1 and /api/3.
type PersonalToken struct {
	ID         uuid.UUID  `json:"id"`
	Name       string     `json:"name"`
	Lookup     string     `json:"lookup"` // the 12 characters after the prefix
	Last4      string     `json:"last4"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
}

const createTokenSQL = `
insert into auth.personal_token (id, person_id, name, lookup, hash, pepper_version, last4, created_at, expires_at, level)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
returning id, name, lookup, last4, created_at, last_used_at, expires_at`

// CreateToken makes a personal access token for who, worth what who has
// proved; the text is shown once. It lasts at most a year. It fails with
// Unauthorized unless who is a person, with Forbidden (second-factor-first),
// and with Invalid.
func (a *Auth) CreateToken(ctx context.Context, who Principal, name string, lasts time.Duration) (PersonalToken, string, error) {
	if who.Person == uuid.Nil {
		return PersonalToken{}, "", signInFirst()
	}
	if err := secondFactorFirst(who); err != nil {
		return PersonalToken{}, "", err
	}
	level := AAL1
	if who.Level == AAL2 {
		level = AAL2
	}
	wrong := fieldsWrong()
	name = checkName(wrong, "name", name)
	if lasts <= 0 || lasts > tokenLast {
		wrong.Wrong("lasts", "lasts-range", "more than nothing, at most 365 days", "max", "365")
	}
	if err := asError(wrong); err != nil {
		return PersonalToken{}, "", err
	}
	key, now := NewKey(KindToken), a.Now().UTC()
	var t PersonalToken
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		t, err = pg.One[PersonalToken](ctx, tx, createTokenSQL, uuid.Must(uuid.NewV7()), who.Person, name,
			key.Lookup, key.Hash(a.Peppers.Key()), a.Peppers.Current(), key.Last4, now, now.Add(lasts), level)
		if err != nil {
			return fmt.Errorf("create token of person %s: %w", who.Person, err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "token.create", About: t.ID,
			Detail: map[string]any{"lookup": t.Lookup, "expires_at": t.ExpiresAt}})
	})
	if err != nil {
		return PersonalToken{}, "", err
	}
	return t, key.Secret(), nil
}

const tokensSQL = `
select id, name, lookup, last4, created_at, last_used_at, expires_at
  from auth.personal_token
 where person_id = $1
 order by id desc`

// Tokens lists the personal access tokens of who, newest first.
func (a *Auth) Tokens(ctx context.Context, who Principal) ([]PersonalToken, error) {
	tokens, err := pg.All[PersonalToken](ctx, a.DB, tokensSQL, who.Person)
	if err != nil {
		return nil, fmt.Errorf("list tokens of person %s: %w", who.Person, err)
	}
	return tokens, nil
}

const revokeTokenSQL = `
delete from auth.personal_token where id = $1 and person_id = $2`

// RevokeToken deletes a personal access token of who. It fails with NotFound.
func (a *Auth) RevokeToken(ctx context.Context, who Principal, id uuid.UUID) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, revokeTokenSQL, id, who.Person)
		if err != nil {
			return fmt.Errorf("revoke token %s: %w", id, err)
		}
		if done.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "no token %s", id).Coded("token-unknown")
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "token.revoke", About: id})
	})
}

const tokenByLookupSQL = `
select t.id, t.hash, t.pepper_version, t.last_used_at as used, t.person_id as person, t.level, p.name, p.demo
  from auth.personal_token t join auth.person p on p.id = t.person_id
 where t.lookup = $1 and t.expires_at > $2 and p.disabled_at is null`

const (
	seeTokenSQL = `
update auth.personal_token set last_used_at = $2 where id = $1`
	renewTokenSQL = `
update auth.personal_token set hash = $2, pepper_version = $3 where id = $1 and pepper_version < $3`
)

// WhoByToken is the principal of a personal access token. It fails with
// Unauthorized when it is malformed, unknown, revoked or expired.
func (a *Auth) WhoByToken(ctx context.Context, token string) (Principal, error) {
	type row struct {
		ID            uuid.UUID
		Hash          []byte
		PepperVersion int
		Used          *time.Time
		Person        uuid.UUID
		Level         string
		Name          string
		Demo          bool
	}
	key, err := ParseKey(token)
	if err != nil {
		return Principal{}, err
	}
	now := a.Now().UTC()
	t, err := pg.One[row](ctx, a.DB, tokenByLookupSQL, key.Lookup, now)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, fmt.Errorf("find token: %w", err)
	}
	if !key.Matches(a.Peppers, t.PepperVersion, t.Hash) {
		return Principal{}, problem.Errorf(problem.Unauthorized, "the token is unknown, revoked or expired; make a new one").
			Coded("token-refused").Sends("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	if err := a.renew(ctx, a.DB, renewTokenSQL, renewed{t.ID, key, t.PepperVersion}); err != nil {
		return Principal{}, err
	}
	if t.Used == nil || now.Sub(*t.Used) >= seenStep {
		if _, err := a.DB.Exec(ctx, seeTokenSQL, t.ID, now); err != nil {
			return Principal{}, fmt.Errorf("note use of token %s: %w", t.ID, err)
		}
	}
	return a.asPerson(ctx, personRow{t.Person, t.Name, t.Demo}, t.Level)
}
