package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// newPassword checks a person's new password and gives what is stored of it.
// It fails with Invalid, and with TooMany when too many are being hashed.
func (a *Auth) newPassword(ctx context.Context, password string, p Person) (string, error) {
	if err := CheckNewPassword(password, p.Email, p.Name); err != nil {
		return "", err
	}
	return a.Passwords.hash(ctx, password)
}

const passwordOfSQL = `
select coalesce(password, '') as password from auth.person where id = $1 and disabled_at is null`

// CheckPassword fails with Unauthorized unless it is the person's password,
// and with TooMany when too many are being hashed.
func (a *Auth) CheckPassword(ctx context.Context, person uuid.UUID, password string) error {
	type row struct{ Password string }
	stored, err := pg.One[row](ctx, a.DB, passwordOfSQL, person)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read password of person %s: %w", person, err)
	}
	if len(password) > maxPassword {
		password = "" // longer than any that could be set
	}
	ok, err := a.Passwords.match(ctx, stored.Password, password)
	if err != nil {
		return err
	}
	if !ok {
		return problem.Errorf(problem.Unauthorized, "the present password is wrong").Coded("password-wrong").
			Wrong("present", "password-wrong", "this is not the present password")
	}
	return nil
}

// HasPassword reports whether the person can sign in with a password.
func (a *Auth) HasPassword(ctx context.Context, person uuid.UUID) (bool, error) {
	type row struct{ Password string }
	stored, err := pg.One[row](ctx, a.DB, passwordOfSQL, person)
	if err != nil {
		return false, fmt.Errorf("read password of person %s: %w", person, err)
	}
	return stored.Password != "", nil
}

// ChangePassword sets another password of who is signed in; everything else
// that was let in ends (endAll), and the caller starts a new session. It fails
// with Unauthorized when present is not the password, Invalid when the new one
// is not good enough, and TooMany when too many are being hashed.
func (a *Auth) ChangePassword(ctx context.Context, who Principal, present, password string) error {
	p, err := a.person(ctx, who)
	if err != nil {
		return err
	}
	if err := a.CheckPassword(ctx, p.ID, present); err != nil {
		return err
	}
	stored, err := a.newPassword(ctx, password, p)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, setPasswordSQL, p.ID, stored); err != nil {
			return fmt.Errorf("set password of person %s: %w", p.ID, err)
		}
		if err := a.endAll(ctx, tx, p.ID); err != nil {
			return err
		}
		if err := a.askAndTell(ctx, tx, letterTo(p, LetterPasswordChanged), p.ID); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "person.password", About: p.ID})
	})
}

// Account is the account of who is signed in. It fails with Unauthorized.
func (a *Auth) Account(ctx context.Context, who Principal) (Person, error) { return a.person(ctx, who) }

// person is the account of who is signed in. It fails with Unauthorized for
// nobody and for an application.
func (a *Auth) person(ctx context.Context, who Principal) (Person, error) {
	if who.Person == uuid.Nil {
		return Person{}, signInFirst()
	}
	p, err := pg.One[Person](ctx, a.DB, personsSQL, []uuid.UUID{who.Person})
	if errors.Is(err, pgx.ErrNoRows) || err == nil && p.DisabledAt != nil {
		return Person{}, signInFirst()
	} else if err != nil {
		return Person{}, fmt.Errorf("read person %s: %w", who.Person, err)
	}
	return p, nil
}

const endLinksSQL = `
delete from auth.link where person_id = $1`

const endPendingEmailsSQL = `
delete from auth.email_change where person_id = $1 and not undo`

const endVisitsSQL = `
delete from auth.outside_visit where person_id = $1`

// endAll ends everything that lets somebody in as the person without the
// password: one-time links and what else is under way, sessions, and tokens,
// of their own and of applications, which must ask again for what they were
// allowed. The way back of a changed address stays.
func (a *Auth) endAll(ctx context.Context, tx pgx.Tx, person uuid.UUID) error {
	for _, sql := range []string{endLinksSQL, endPendingEmailsSQL, endVisitsSQL, endAllowedSQL} {
		if _, err := tx.Exec(ctx, sql, person); err != nil {
			return fmt.Errorf("end what is under way for person %s: %w", person, err)
		}
	}
	return EndPerson(ctx, tx, a.Now().UTC(), person, uuid.Nil)
}
