package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The numbers every authenticator app knows (RFC 6238 §4, RFC 4226 §4), and
// how many wrong codes a person may try within a window, from wherever: only
// who knows the password comes so far.
const (
	codeStep    = 30 * time.Second
	codeSkew    = 1 // steps early or late
	totpSecret  = 20
	maxCodeTry  = 10
	codeTryOver = 10 * time.Minute
)

// totpCode is the six-digit code of a time step (RFC 4226 §5.3).
func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// matchCode is the newest step after last, around now, whose code was typed.
func matchCode(secret []byte, typed string, now time.Time, last int64) (int64, bool) {
	typed = strings.Join(strings.Fields(typed), "") // apps show 123 456
	at := now.Unix() / int64(codeStep/time.Second)
	for step := at + codeSkew; step >= at-codeSkew && step > last; step-- {
		if subtle.ConstantTimeCompare([]byte(totpCode(secret, step)), []byte(typed)) == 1 {
			return step, true
		}
	}
	return 0, false
}

// unseal opens the secret of an app, sealed by a version, bound to the person.
func (a *Auth) unseal(sealed []byte, version int, person uuid.UUID) ([]byte, error) {
	secret, err := a.Seals.Open(sealed, version, person[:])
	if err != nil {
		return nil, fmt.Errorf("authenticator app of person %s (was LGSP_SECRET_FILE replaced?): %w", person, err)
	}
	return secret, nil
}

const startAppSQL = `
insert into auth.totp as t (person_id, sealed, seal_version, created_at, tried_since)
values ($1, $2, $3, $4, $4)
on conflict (person_id) do update
   set sealed = excluded.sealed, seal_version = excluded.seal_version, created_at = excluded.created_at, last_step = 0, tries = 0, tried_since = excluded.created_at
 where t.confirmed_at is null`

// StartApp makes the secret of an authenticator app, in place of one that was
// not confirmed. It fails with Forbidden (proof-old), and with Conflict when
// there is an app already.
func (a *Auth) StartApp(ctx context.Context, session string) error {
	h, err := a.enroller(ctx, session)
	if err != nil {
		return err
	}
	secret := make([]byte, totpSecret)
	rand.Read(secret) // never fails (crypto/rand)
	sealed, version, err := a.Seals.Seal(secret, h.ID[:])
	if err != nil {
		return fmt.Errorf("authenticator app of person %s: %w", h.ID, err)
	}
	done, err := a.DB.Exec(ctx, startAppSQL, h.ID, sealed, version, a.Now().UTC())
	if err != nil {
		return fmt.Errorf("start authenticator app of person %s: %w", h.ID, err)
	}
	if done.RowsAffected() == 0 {
		return problem.Errorf(problem.Conflict, "there is an authenticator app already; remove it first").Coded("app-taken")
	}
	return nil
}

const startedAppSQL = `
select sealed, seal_version from auth.totp where person_id = $1 and confirmed_at is null`

func appUnknown() error {
	return problem.Errorf(problem.NotFound, "no authenticator app is being added; begin again").Coded("app-unknown")
}

// StartedApp is the secret of the app that is being added, in the base32 that
// apps read (RFC 4648 §6, no padding). It fails with Forbidden (proof-old) and
// NotFound.
func (a *Auth) StartedApp(ctx context.Context, session string) (string, error) {
	h, err := a.freshHolder(ctx, session)
	if err != nil {
		return "", err
	}
	secret, err := a.startedApp(ctx, a.DB, h.ID)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret), err
}

func (a *Auth) startedApp(ctx context.Context, db pg.DB, person uuid.UUID) ([]byte, error) {
	var sealed []byte
	var version int
	err := db.QueryRow(ctx, startedAppSQL, person).Scan(&sealed, &version)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, appUnknown()
	} else if err != nil {
		return nil, fmt.Errorf("find authenticator app of person %s: %w", person, err)
	}
	return a.unseal(sealed, version, person)
}

const confirmAppSQL = `
update auth.totp t
   set confirmed_at = $2, last_used_at = $2, last_step = $3, added_agent = s.agent, added_address = s.address
  from auth.session s
 where t.person_id = $1 and t.confirmed_at is null and s.hash = $4`

// ConfirmApp ends adding an app with a code of it. It fails with Forbidden
// (proof-old), NotFound, and Unauthorized for a wrong code, which may be tried
// again.
func (a *Auth) ConfirmApp(ctx context.Context, session, code string) (Enrolled, error) {
	h, err := a.enroller(ctx, session)
	if err != nil {
		return Enrolled{}, err
	}
	var e Enrolled
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if err := lockPerson(ctx, tx, h.ID); err != nil {
			return err
		}
		secret, err := a.startedApp(ctx, tx, h.ID)
		if err != nil {
			return err
		}
		step, ok := matchCode(secret, code, a.Now(), 0)
		if !ok {
			return codeWrong()
		}
		done, err := tx.Exec(ctx, confirmAppSQL, h.ID, a.Now().UTC(), step, hashSecret(h.secret))
		if err != nil {
			return fmt.Errorf("confirm authenticator app of person %s: %w", h.ID, err)
		}
		if done.RowsAffected() == 0 {
			return appUnknown()
		}
		e, err = a.enrol(ctx, tx, h, FactorNotice{Kind: KindApp}, []string{ByCode, ByTwo})
		return err
	})
	return e, err
}

const removeAppSQL = `
delete from auth.totp where person_id = $1 and confirmed_at is not null`

// RemoveApp takes the authenticator app away. It fails with Forbidden
// (proof-old) and NotFound.
func (a *Auth) RemoveApp(ctx context.Context, session string) error {
	h, err := a.freshHolder(ctx, session)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, removeAppSQL, h.ID)
		if err != nil {
			return fmt.Errorf("remove authenticator app of person %s: %w", h.ID, err)
		}
		if done.RowsAffected() == 0 {
			return appUnknown()
		}
		return a.unenrol(ctx, tx, h, FactorNotice{Kind: KindApp})
	})
}

func codeWrong() error {
	return problem.Errorf(problem.Unauthorized, "the code is wrong, too old or was used already").Coded("code-wrong")
}

const (
	tryCodeSQL = `
update auth.totp
   set tries = case when tried_since <= $3 then 1 else tries + 1 end,
       tried_since = case when tried_since <= $3 then $2 else tried_since end
 where person_id = $1 and confirmed_at is not null and (tried_since <= $3 or tries < $4)
returning sealed, seal_version, last_step`

	takeCodeSQL = `
update auth.totp
   set last_step = $2, last_used_at = $3, tries = greatest(tries - 1, 0)
 where person_id = $1 and confirmed_at is not null and last_step < $2`
)

// takeCode takes a code of the authenticator app, once (RFC 6238 §5.2). A try
// is counted before it is judged, so that many at once are no way around.
func (a *Auth) takeCode(ctx context.Context, person uuid.UUID, typed string) error {
	type row struct {
		Sealed      []byte
		SealVersion int
		LastStep    int64
	}
	now := a.Now().UTC()
	app, err := pg.One[row](ctx, a.DB, tryCodeSQL, person, now, now.Add(-codeTryOver), maxCodeTry)
	if errors.Is(err, pgx.ErrNoRows) {
		factors, err := a.Factors(ctx, person)
		if err != nil || factors.App == nil {
			return errors.Join(err, codeWrong())
		}
		if err := a.tellOfCodes(ctx, person); err != nil {
			return err
		}
		return problem.Errorf(problem.TooMany, "too many wrong codes").Coded("too-many-codes").
			Sends("Retry-After", fmt.Sprint(int(codeTryOver.Seconds())))
	} else if err != nil {
		return fmt.Errorf("try code of person %s: %w", person, err)
	}
	secret, err := a.unseal(app.Sealed, app.SealVersion, person)
	if err != nil {
		return err
	}
	step, ok := matchCode(secret, typed, now, app.LastStep)
	if !ok {
		return a.countWrong(ctx, person)
	}
	done, err := a.DB.Exec(ctx, takeCodeSQL, person, step, now)
	if err != nil {
		return fmt.Errorf("take code of person %s: %w", person, err)
	}
	if done.RowsAffected() == 0 {
		return codeWrong() // somebody else was faster
	}
	return nil
}
