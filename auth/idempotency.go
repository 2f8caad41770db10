package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// idempotencyLasts is how long an Idempotency-Key is remembered.
const idempotencyLasts = 24 * time.Hour

// OnceKey is the Idempotency-Key of one caller's POST, bound to what it asks for.
type OnceKey struct {
	Caller  string // who: the same key of another caller is another key
	Key     string
	Request []byte // SHA-256 of method, path and body
}

// OnceAnswer is what a POST was answered. Body is nil when it showed a secret.
type OnceAnswer struct {
	Status   int
	Location string
	Body     []byte
}

const beginOnceSQL = `
insert into auth.idempotency (caller, key, request, created_at)
values ($1, $2, $3, $4)
on conflict (caller, key) do update
   set request = excluded.request, created_at = excluded.created_at, status = null, location = '', answer = null
 where auth.idempotency.created_at < $5`

const readOnceSQL = `select request, status, location, answer from auth.idempotency where caller = $1 and key = $2`

// BeginOnce claims a key. It returns nil when the caller goes first, the
// stored answer when the same was asked before, and a Conflict problem when
// the key was used for something else, is still at work, or showed a secret
// (which is shown once).
func (a *Auth) BeginOnce(ctx context.Context, k OnceKey) (*OnceAnswer, error) {
	now := a.Now().UTC()
	tag, err := a.DB.Exec(ctx, beginOnceSQL, k.Caller, k.Key, k.Request, now, now.Add(-idempotencyLasts))
	if err != nil {
		return nil, fmt.Errorf("claim idempotency key: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return nil, nil
	}
	return a.storedOnce(ctx, k)
}

func (a *Auth) storedOnce(ctx context.Context, k OnceKey) (*OnceAnswer, error) {
	type row struct {
		Request  []byte
		Status   *int
		Location string
		Answer   []byte
	}
	stored, err := pg.One[row](ctx, a.DB, readOnceSQL, k.Caller, k.Key)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // the first one has just failed
		return nil, problem.Errorf(problem.Conflict, "a call with this Idempotency-Key is at work").Coded("idempotency-busy")
	case err != nil:
		return nil, fmt.Errorf("read idempotency key: %w", err)
	case !bytes.Equal(stored.Request, k.Request):
		return nil, problem.Errorf(problem.Conflict, "this Idempotency-Key was used for another request").Coded("idempotency-reused")
	case stored.Status == nil:
		return nil, problem.Errorf(problem.Conflict, "a call with this Idempotency-Key is at work").Coded("idempotency-busy")
	case stored.Answer == nil:
		return nil, problem.Errorf(problem.Conflict, "done before, at %s; its secret was shown once", stored.Location).
			Coded("idempotency-secret", "location", stored.Location).Sends("Location", stored.Location)
	}
	return &OnceAnswer{Status: *stored.Status, Location: stored.Location, Body: stored.Answer}, nil
}

const endOnceSQL = `
update auth.idempotency set status = $3, location = $4, answer = $5 where caller = $1 and key = $2`

// EndOnce keeps the answer for repeats.
func (a *Auth) EndOnce(ctx context.Context, k OnceKey, answer OnceAnswer) error {
	if _, err := a.DB.Exec(ctx, endOnceSQL, k.Caller, k.Key, answer.Status, answer.Location, answer.Body); err != nil {
		return fmt.Errorf("keep idempotent answer: %w", err)
	}
	return nil
}

const dropOnceSQL = `delete from auth.idempotency where caller = $1 and key = $2`

// DropOnce frees a key whose call failed, so that it may be tried again.
func (a *Auth) DropOnce(ctx context.Context, k OnceKey) error {
	if _, err := a.DB.Exec(ctx, dropOnceSQL, k.Caller, k.Key); err != nil {
		return fmt.Errorf("free idempotency key: %w", err)
	}
	return nil
}

const purgeOnceSQL = `delete from auth.idempotency where created_at < $1`

// PurgeOnce forgets keys older than a day.
func (a *Auth) PurgeOnce(ctx context.Context) error {
	if _, err := a.DB.Exec(ctx, purgeOnceSQL, a.Now().UTC().Add(-idempotencyLasts)); err != nil {
		return fmt.Errorf("purge idempotency keys: %w", err)
	}
	return nil
}
