package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// keyLife is how long a key signs before the next one is made by itself.
const keyLife = 90 * 24 * time.Hour

// SigningKey is a key of ours as an operator sees it.
type SigningKey struct {
	ID        string // kid, its RFC 7638 thumbprint
	CreatedAt time.Time
	SignsFrom time.Time
	RetiresAt *time.Time // no token of it is believed from then on; nil: in use, or next
}

const listKeysSQL = `
select id, created_at, signs_from, retires_at
  from auth.signing_key
 order by signs_from desc, id`

// SigningKeys lists the keys there are, the newest first, with those retired
// an hour ago or less. It needs no Prepare.
func (s *Server) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	keys, err := pg.All[SigningKey](ctx, s.DB, listKeysSQL)
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	return keys, nil
}

const (
	lockKeysSQL   = `lock table auth.signing_key in share row exclusive mode`
	newestKeySQL  = `select coalesce(max(signs_from), 'epoch') from auth.signing_key where retires_at is null`
	retireKeysSQL = `
update auth.signing_key
   set retires_at = $2
 where id <> $1 and retires_at is null`
)

// withKeys does work while no other node changes the keys. It gives work the
// time from which the newest of them signs, "epoch" when there is none.
func (s *Server) withKeys(ctx context.Context, work func(tx pgx.Tx, newest time.Time) error) error {
	return pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockKeysSQL); err != nil {
			return fmt.Errorf("lock signing keys: %w", err)
		}
		var newest time.Time
		if err := tx.QueryRow(ctx, newestKeySQL).Scan(&newest); err != nil {
			return fmt.Errorf("read signing keys: %w", err)
		}
		return work(tx, newest)
	})
}

// makeFirstKey makes a key when there is none; of nodes that start together one does.
func (s *Server) makeFirstKey(ctx context.Context) error {
	return s.withKeys(ctx, func(tx pgx.Tx, newest time.Time) error {
		if newest.Unix() > 0 {
			return nil
		}
		_, err := s.addKey(ctx, tx, s.Now().UTC())
		return err
	})
}

// RotateKey makes a new signing key. It is published at once and signs after
// two minutes, when every node has read it; the old ones stop signing then and
// are believed until their last ID token has expired. It returns the new kid.
func (s *Server) RotateKey(ctx context.Context, who auth.Principal) (string, error) {
	var kid string
	err := s.withKeys(ctx, func(tx pgx.Tx, _ time.Time) error {
		var err error
		kid, err = s.rotate(ctx, tx, who)
		return err
	})
	if err != nil {
		return "", err
	}
	return kid, s.ReloadKeys(ctx)
}

// rotateInTime makes a new key when the newest has signed for keyLife; of all
// nodes one does.
func (s *Server) rotateInTime(ctx context.Context) error {
	old := func(newest time.Time) bool { return s.Now().Sub(newest) >= keyLife }
	if !old(s.keys.Load().newest) {
		return nil
	}
	err := s.withKeys(ctx, func(tx pgx.Tx, newest time.Time) error {
		if !old(newest) {
			return nil // another node was first
		}
		_, err := s.rotate(ctx, tx, auth.Platform("schedule of signing keys"))
		return err
	})
	if err != nil {
		return err
	}
	return s.ReloadKeys(ctx)
}

func (s *Server) rotate(ctx context.Context, tx pgx.Tx, who auth.Principal) (string, error) {
	signsFrom := s.Now().UTC().Add(keyNotice)
	kid, err := s.addKey(ctx, tx, signsFrom)
	if err != nil {
		return "", err
	}
	// A node may read that it is no longer to sign a minute late.
	if _, err := tx.Exec(ctx, retireKeysSQL, kid, signsFrom.Add(idTokenLife+reloadEvery)); err != nil {
		return "", fmt.Errorf("retire signing keys: %w", err)
	}
	return kid, s.Record(ctx, tx, auth.Act{Who: who, Verb: "signing-key.rotate", Detail: map[string]any{"kid": kid}})
}

const (
	revokeKeySQL = `
update auth.signing_key
   set retires_at = $2
 where id = $1 and (retires_at is null or retires_at > $2)`
	promoteKeySQL = `
update auth.signing_key
   set signs_from = $1
 where retires_at is null and signs_from > $1`
)

// RevokeKey ends a signing key at once, as after a leak: every token it signed
// is refused as soon as the nodes have heard, which is within a second. A key
// that waited to sign signs now; when there is none left, one is made. It fails
// with NotFound when there is no such key, or it is retired.
func (s *Server) RevokeKey(ctx context.Context, who auth.Principal, kid string) error {
	now := s.Now().UTC()
	err := s.withKeys(ctx, func(tx pgx.Tx, _ time.Time) error {
		done, err := tx.Exec(ctx, revokeKeySQL, kid, now)
		if err != nil {
			return fmt.Errorf("revoke signing key %s: %w", kid, err)
		}
		if done.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "no signing key %s is in use", kid).Coded("signing-key-unknown", "kid", kid)
		}
		if _, err := tx.Exec(ctx, promoteKeySQL, now); err != nil {
			return fmt.Errorf("promote signing key: %w", err)
		}
		var newest time.Time
		if err := tx.QueryRow(ctx, newestKeySQL).Scan(&newest); err != nil {
			return fmt.Errorf("read signing keys: %w", err)
		}
		if newest.Unix() <= 0 {
			if _, err := s.addKey(ctx, tx, now); err != nil {
				return err
			}
		}
		if err := pg.Notify(ctx, tx, "gateway", "revoked"); err != nil {
			return err
		}
		return s.Record(ctx, tx, auth.Act{Who: who, Verb: "signing-key.revoke", Detail: map[string]any{"kid": kid}})
	})
	if err != nil {
		return err
	}
	return s.ReloadKeys(ctx)
}

const (
	oldKeySealsSQL = `
select id, public_x, public_y, sealed, seal_version as version, signs_from, retires_at
  from auth.signing_key
 where seal_version < $1`
	resealKeySQL = `
update auth.signing_key set sealed = $2, seal_version = $3 where id = $1`
)

// Reseal seals the private halves anew, by the current key. It needs no
// Prepare.
func (s *Server) Reseal(ctx context.Context) error {
	return s.withKeys(ctx, func(tx pgx.Tx, _ time.Time) error {
		rows, err := pg.All[signingKey](ctx, tx, oldKeySealsSQL, s.Seals.Current())
		if err != nil {
			return fmt.Errorf("list what old keys have sealed: %w", err)
		}
		for _, row := range rows {
			scalar, err := s.Seals.Open(row.Sealed, row.Version, []byte(row.ID))
			if err != nil {
				return fmt.Errorf("signing key %s (was LGSP_SECRET_FILE replaced?): %w", row.ID, err)
			}
			sealed, version, err := s.Seals.Seal(scalar, []byte(row.ID))
			if err != nil {
				return fmt.Errorf("signing key %s: %w", row.ID, err)
			}
			if _, err := tx.Exec(ctx, resealKeySQL, row.ID, sealed, version); err != nil {
				return fmt.Errorf("seal signing key %s anew: %w", row.ID, err)
			}
		}
		return nil
	})
}
