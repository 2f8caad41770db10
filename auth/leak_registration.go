package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

const (
	leakedRegistrationTokenSQL = `
select id, owner_agency, created_by, hash, pepper_version, name, revoked_at is null and expires_at > $2 and uses < max_uses as live
  from auth.registration_token
 where lookup = $1`
	endRegistrationTokenSQL = `
update auth.registration_token set revoked_at = $2 where id = $1 and revoked_at is null`
)

// registrationTokenLeaked revokes an initial access token. The applications
// that were registered with it stay, and its maker is told.
func (a *Auth) registrationTokenLeaked(ctx context.Context, scanner Scanner, l Leak, key Key) (ours bool, err error) {
	type row struct {
		ID            uuid.UUID
		OwnerAgency   *uuid.UUID
		CreatedBy     uuid.UUID
		Hash          []byte
		PepperVersion int
		Name          string
		Live          bool
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		now := a.Now().UTC()
		t, err := pg.One[row](ctx, tx, leakedRegistrationTokenSQL, key.Lookup, now)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return fmt.Errorf("find leaked registration token: %w", err)
		}
		if ours = key.Matches(a.Peppers, t.PepperVersion, t.Hash); !ours || !t.Live {
			return nil
		}
		if _, err := tx.Exec(ctx, endRegistrationTokenSQL, t.ID, now); err != nil {
			return fmt.Errorf("revoke leaked registration token %s: %w", t.ID, err)
		}
		return a.tellLeak(ctx, tx, scanner, leakOf{agency: agencyOf(Application{OwnerAgency: t.OwnerAgency}), to: []uuid.UUID{t.CreatedBy},
			letter: KeyLetter{About: t.ID, Detail: KeyLetterDetail{What: RegistrationLeak, Name: t.Name, Shown: shown(key), Found: l.URL}}})
	})
	return ours, err
}

const (
	leakedRegistrationSQL = `
select application_id as application, hash, pepper_version from auth.registration where lookup = $1`
	endRegistrationSQL = `
delete from auth.registration where application_id = $1`
)

// registrationLeaked ends what an application manages itself with, and all
// that it proves itself by (revokeEverything): its owner sets it up anew.
func (a *Auth) registrationLeaked(ctx context.Context, scanner Scanner, l Leak, key Key) (ours bool, err error) {
	type row struct {
		Application   uuid.UUID
		Hash          []byte
		PepperVersion int
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		r, err := pg.One[row](ctx, tx, leakedRegistrationSQL, key.Lookup)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return fmt.Errorf("find leaked registration: %w", err)
		}
		if ours = key.Matches(a.Peppers, r.PepperVersion, r.Hash); !ours {
			return nil
		}
		if _, err := tx.Exec(ctx, endRegistrationSQL, r.Application); err != nil {
			return fmt.Errorf("end leaked registration of application %s: %w", r.Application, err)
		}
		if _, err := a.revokeEverything(ctx, tx, r.Application, uuid.Nil); err != nil {
			return err
		}
		app, err := readApplication(ctx, tx, applicationSQL, r.Application)
		if err != nil {
			return err
		}
		to, err := owners(ctx, tx, app.ID)
		if err != nil {
			return err
		}
		return a.tellLeak(ctx, tx, scanner, leakOf{agency: agencyOf(app), to: to, letter: KeyLetter{About: app.ID, Detail: KeyLetterDetail{
			What: ClientLeak, Shown: shown(key), Application: app.Name, ID: &app.ID, Found: l.URL}}})
	})
	return ours, err
}
