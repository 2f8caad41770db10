package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	Algorithm string // auth.ES256, auth.RS256
	CreatedAt time.Time
	SignsFrom time.Time
	RetiresAt *time.Time // no token of it is believed from then on; nil: in use, or next
}

const listKeysSQL = `
select id, algorithm, created_at, signs_from, retires_at
  from auth.token_key
 order by signs_from desc, algorithm, id`

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
	lockKeysSQL   = `lock table auth.token_key in share row exclusive mode`
	newestKeySQL  = `select coalesce(max(signs_from), 'epoch') from auth.token_key where algorithm = $1 and retires_at is null`
	retireKeysSQL = `
update auth.token_key
   set retires_at = $3
 where algorithm = $2 and id <> $1 and retires_at is null`
)

// withKeys does work while no other node changes the keys.
func (s *Server) withKeys(ctx context.Context, work func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockKeysSQL); err != nil {
			return fmt.Errorf("lock signing keys: %w", err)
		}
		return work(tx)
	})
}

// newestKey is the time from which the newest key of an algorithm signs,
// "epoch" when there is none.
func newestKey(ctx context.Context, tx pgx.Tx, algorithm string) (time.Time, error) {
	var newest time.Time
	if err := tx.QueryRow(ctx, newestKeySQL, algorithm).Scan(&newest); err != nil {
		return time.Time{}, fmt.Errorf("read signing keys: %w", err)
	}
	return newest, nil
}

// addMissing makes a key of an algorithm that has none which signs or will.
func (s *Server) addMissing(ctx context.Context, tx pgx.Tx, algorithm string) error {
	newest, err := newestKey(ctx, tx, algorithm)
	if err != nil || newest.Unix() > 0 {
		return err
	}
	_, err = s.addKey(ctx, tx, algorithm, s.Now().UTC())
	return err
}

// MakeKeys reads the signing keys; the first node makes the first ones.
func (s *Server) MakeKeys(ctx context.Context) error {
	if err := s.makeFirstKeys(ctx); err != nil {
		return err
	}
	return s.ReloadKeys(ctx)
}

// makeFirstKeys makes a key of each algorithm that has none; of nodes that
// start together one does.
func (s *Server) makeFirstKeys(ctx context.Context) error {
	return s.withKeys(ctx, func(tx pgx.Tx) error {
		for _, algorithm := range tokenAlgorithms {
			if err := s.addMissing(ctx, tx, algorithm); err != nil {
				return err
			}
		}
		return nil
	})
}

// RotateKeys makes a new signing key of each algorithm. They are published at
// once and sign after two minutes, when every node has read them; the old ones
// stop signing then and are believed until their last ID token has expired. It
// returns the new kids, that of ES256 first.
func (s *Server) RotateKeys(ctx context.Context, who auth.Principal) ([]string, error) {
	var kids []string
	err := s.withKeys(ctx, func(tx pgx.Tx) error {
		for _, algorithm := range tokenAlgorithms {
			kid, err := s.rotate(ctx, tx, who, algorithm)
			if err != nil {
				return err
			}
			kids = append(kids, kid)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return kids, s.ReloadKeys(ctx)
}

// rotateInTime makes a new key where the newest of its algorithm has signed for
// keyLife; of all nodes one does.
func (s *Server) rotateInTime(ctx context.Context) error {
	old := func(newest time.Time) bool { return s.Now().Sub(newest) >= keyLife }
	if newest := s.keys.Load().newest; !slices.ContainsFunc(tokenAlgorithms, func(a string) bool { return old(newest[a]) }) {
		return nil
	}
	err := s.withKeys(ctx, func(tx pgx.Tx) error {
		for _, algorithm := range tokenAlgorithms {
			newest, err := newestKey(ctx, tx, algorithm)
			if err != nil {
				return err
			}
			if !old(newest) { // or another node was first
				continue
			}
			if _, err := s.rotate(ctx, tx, auth.Platform("schedule of signing keys"), algorithm); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.ReloadKeys(ctx)
}

func (s *Server) rotate(ctx context.Context, tx pgx.Tx, who auth.Principal, algorithm string) (string, error) {
	signsFrom := s.Now().UTC().Add(keyNotice)
	kid, err := s.addKey(ctx, tx, algorithm, signsFrom)
	if err != nil {
		return "", err
	}
	// A node may read that it is no longer to sign a minute late.
	if _, err := tx.Exec(ctx, retireKeysSQL, kid, algorithm, signsFrom.Add(idTokenLife+reloadEvery)); err != nil {
		return "", fmt.Errorf("retire signing keys: %w", err)
	}
	return kid, s.Record(ctx, tx, auth.Act{Who: who, Verb: "signing-key.rotate", Detail: map[string]any{"kid": kid, "alg": algorithm}})
}

const (
	revokeKeySQL = `
update auth.token_key
   set retires_at = $2
 where id = $1 and (retires_at is null or retires_at > $2)
returning algorithm`
	promoteKeySQL = `
update auth.token_key
   set signs_from = $2
 where algorithm = $1 and retires_at is null and signs_from > $2`
)

// RevokeKey ends a signing key at once, as after a leak: every token it signed
// is refused as soon as the nodes have heard, which is within a second. A key of
// the same algorithm that waited to sign signs now; when there is none left, one
// is made. It fails with NotFound when there is no such key, or it is retired.
func (s *Server) RevokeKey(ctx context.Context, who auth.Principal, kid string) error {
	now := s.Now().UTC()
	err := s.withKeys(ctx, func(tx pgx.Tx) error {
		var algorithm string
		err := tx.QueryRow(ctx, revokeKeySQL, kid, now).Scan(&algorithm)
		if errors.Is(err, pgx.ErrNoRows) {
			return problem.Errorf(problem.NotFound, "no signing key %s is in use", kid).Coded("signing-key-unknown", "kid", kid)
		} else if err != nil {
			return fmt.Errorf("revoke signing key %s: %w", kid, err)
		}
		if _, err := tx.Exec(ctx, promoteKeySQL, algorithm, now); err != nil {
			return fmt.Errorf("promote signing key: %w", err)
		}
		if err := s.addMissing(ctx, tx, algorithm); err != nil {
			return err
		}
		if err := pg.Notify(ctx, tx, "gateway", "revoked"); err != nil {
			return err
		}
		return s.Record(ctx, tx, auth.Act{Who: who, Verb: "signing-key.revoke", Detail: map[string]any{"kid": kid, "alg": algorithm}})
	})
	if err != nil {
		return err
	}
	return s.ReloadKeys(ctx)
}

const (
	oldKeySealsSQL = `
select id, algorithm, public_x, public_y, public_n, sealed, seal_version as version, signs_from, retires_at
  from auth.token_key
 where seal_version < $1`
	resealKeySQL = `
update auth.token_key set sealed = $2, seal_version = $3 where id = $1`
)

// Reseal seals the private halves anew, by the current key. It needs no
// Prepare.
func (s *Server) Reseal(ctx context.Context) error {
	return s.withKeys(ctx, func(tx pgx.Tx) error {
		rows, err := pg.All[tokenKey](ctx, tx, oldKeySealsSQL, s.Seals.Current())
		if err != nil {
			return fmt.Errorf("list what old keys have sealed: %w", err)
		}
		for _, row := range rows {
			private, err := s.Seals.Open(row.Sealed, row.Version, []byte(row.ID))
			if err != nil {
				return fmt.Errorf("signing key %s (was LGSP_SECRET_FILE replaced?): %w", row.ID, err)
			}
			sealed, version, err := s.Seals.Seal(private, []byte(row.ID))
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
