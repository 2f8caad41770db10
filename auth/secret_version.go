package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// SecretVersion is a version of the platform's secret that it has begun to use.
type SecretVersion struct {
	Version    int
	CheckValue []byte // derived from the secret; tells nothing of it
	InUseSince time.Time
}

const secretVersionsSQL = `
select version, check_value, in_use_since from auth.secret_version order by version`

// SecretVersions lists the versions that the platform has used, the one that
// makes what is new last. None before the first start.
func (a *Auth) SecretVersions(ctx context.Context) ([]SecretVersion, error) {
	list, err := pg.All[SecretVersion](ctx, a.DB, secretVersionsSQL)
	if err != nil {
		return nil, fmt.Errorf("list versions of the secret: %w", err)
	}
	return list, nil
}

const beginSecretSQL = `
insert into auth.secret_version (version, check_value, in_use_since) values ($1, $2, $3)
on conflict (version) do nothing`

// BeginSecret says that a version makes what is new from now on, and tells the
// nodes. Again, it changes nothing.
func (a *Auth) BeginSecret(ctx context.Context, version int, check []byte) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, beginSecretSQL, version, check, a.Now().UTC())
		if err != nil {
			return fmt.Errorf("begin version %d of the secret: %w", version, err)
		}
		if done.RowsAffected() == 0 {
			return nil
		}
		if err := pg.Notify(ctx, tx, "gateway", "credential"); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: Platform("lgsp serve"), Verb: "secret.begin", Detail: map[string]any{"version": version}})
	})
}

// What of the stored depends on a version of the secret, in the order in which
// people read it. SealedKeys are what nothing works without.
const (
	SealedKeys    = "signing_key"
	SealedApps    = "authenticator_app"
	SealedForeign = "foreign_issuer_secret"
	SealedHooks   = "webhook_secret"
	RefreshTexts  = "refresh_token"
)

// StoredKinds are the kinds that StoredUnder counts.
func StoredKinds() []string {
	return []string{APIKey, ClientSecret, TokenLeak, RegistrationLeak, ClientLeak, "recovery_code", honeyLetter, RefreshTexts, SealedApps, SealedForeign, SealedHooks, SealedKeys}
}

const storedUnderSQL = `
select version::int, kind, count(*) as n
  from (select pepper_version as version, kind from auth.credential where revoked_at is null and expires_at > $1
        union all select pepper_version, 'personal_token' from auth.personal_token where expires_at > $1
        union all select pepper_version, 'registration_token' from auth.registration_token
                   where revoked_at is null and expires_at > $1 and uses < max_uses
        union all select r.pepper_version, 'registration_access_token' from auth.registration r
                    join auth.application a on a.id = r.application_id and a.disabled_at is null
        union all select pepper_version, 'recovery_code' from auth.recovery_code
        union all select pepper_version, 'honey_key' from auth.honey_key where revoked_at is null
        union all select r.hmac_version, 'refresh_token' from auth.oauth_refresh r
                    join auth.oauth_grant g on g.id = r.grant_id and g.revoked_at is null and g.expires_at > $1
                   where r.used_at is null and r.expires_at > $1
        union all select seal_version, 'authenticator_app' from auth.totp
        union all select seal_version, 'foreign_issuer_secret' from auth.foreign_issuer
        union all select seal_version, 'webhook_secret' from auth.webhook
        union all select seal_version, 'signing_key' from auth.token_key where retires_at is null or retires_at > $1) as stored
 group by version, kind`

// StoredUnder counts by version of the secret, and by kind, what is stored and
// still good, and would not be without that version. Codes and DPoP nonces,
// which live for minutes, are left out.
func (a *Auth) StoredUnder(ctx context.Context) (map[int]map[string]int, error) {
	type row struct {
		Version int
		Kind    string
		N       int
	}
	list, err := pg.All[row](ctx, a.DB, storedUnderSQL, a.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("count what the secret protects: %w", err)
	}
	counts := map[int]map[string]int{}
	for _, r := range list {
		if counts[r.Version] == nil {
			counts[r.Version] = map[string]int{}
		}
		counts[r.Version][r.Kind] = r.N
	}
	return counts, nil
}

const (
	oldSealsSQL = `
select person_id, sealed, seal_version from auth.totp
 where seal_version < $1 and person_id > $2 order by person_id limit $3 for update`
	resealSQL = `
update auth.totp set sealed = $2, seal_version = $3 where person_id = $1`
)

// oldSeal is the secret of an app that an old key has sealed.
type oldSeal struct {
	PersonID    uuid.UUID
	Sealed      []byte
	SealVersion int
}

// resealAtOnce is how many apps are sealed anew in one transaction.
const resealAtOnce = 500

// Reseal seals the secrets of authenticator apps, and those at foreign issuers,
// anew, by the current key. What cannot be opened any more stays as it is, and
// is counted: its person adds the app again, an operator types the secret again.
func (a *Auth) Reseal(ctx context.Context) (int, error) {
	lost := 0
	for after, full := uuid.Nil, true; full; {
		err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
			seals, err := pg.All[oldSeal](ctx, tx, oldSealsSQL, a.Seals.Current(), after, resealAtOnce)
			if err != nil {
				return fmt.Errorf("list what old keys have sealed: %w", err)
			}
			for _, old := range seals {
				after = old.PersonID
				secret, err := a.unseal(old.Sealed, old.SealVersion, old.PersonID)
				if err != nil {
					lost++
					continue
				}
				sealed, version, err := a.Seals.Seal(secret, old.PersonID[:])
				if err != nil {
					return fmt.Errorf("authenticator app of person %s: %w", old.PersonID, err)
				}
				if _, err := tx.Exec(ctx, resealSQL, old.PersonID, sealed, version); err != nil {
					return fmt.Errorf("seal authenticator app of person %s anew: %w", old.PersonID, err)
				}
			}
			full = len(seals) == resealAtOnce
			return nil
		})
		if err != nil {
			return lost, err
		}
	}
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		for _, reseal := range []func(context.Context, pgx.Tx) (int, error){a.resealForeign, a.resealWebhooks} {
			also, err := reseal(ctx, tx)
			if err != nil {
				return err
			}
			lost += also
		}
		return nil
	})
	return lost, err
}

// renewed is a key that has just proved itself, and where it is stored under an
// old pepper.
type renewed struct {
	id      uuid.UUID
	key     Key
	version int
}

// renew stores what was presented under the current pepper, by sql.
func (a *Auth) renew(ctx context.Context, db pg.DB, sql string, r renewed) error {
	if !a.Peppers.Old(r.version) {
		return nil
	}
	if _, err := db.Exec(ctx, sql, r.id, r.key.Hash(a.Peppers.Key()), a.Peppers.Current()); err != nil {
		return fmt.Errorf("store %s under the new pepper: %w", r.key, err)
	}
	return nil
}
