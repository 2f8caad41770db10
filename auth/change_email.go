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

// AskEmail has a letter written to a new address of who is signed in: with the
// link that makes it theirs, or, when it has an account, saying so. It says
// the same for every address. It fails with Unauthorized, Invalid and TooMany.
// The caller has seen that the proof of the session is recent.
func (a *Auth) AskEmail(ctx context.Context, who Principal, email string) error {
	p, err := a.person(ctx, who)
	if err != nil {
		return err
	}
	n, wrong := NewPerson{Email: email, Name: p.Name, Locale: p.Locale}.tidy()
	if len(wrong.Fields) == 0 && n.Email == p.Email {
		wrong.Wrong("email", "email-same", "this is the address of the account already")
	}
	if err := asError(wrong); err != nil {
		return err
	}
	return a.askLetter(ctx, a.DB, Letter{Kind: LetterEmail, Email: n.Email, Name: n.Name, Locale: n.Locale}, p.ID)
}

const addEmailChangeSQL = `
insert into auth.email_change (hash, person_id, email, undo, expires_at) values ($1, $2, $3, $4, $5)`

const endOldEmailChangesSQL = `
delete from auth.email_change where expires_at <= $1`

func (a *Auth) makeEmailLink(ctx context.Context, asked askedLetter, letter *Letter, undo bool, expires time.Time) error {
	if _, err := a.DB.Exec(ctx, endOldEmailChangesSQL, a.Now().UTC()); err != nil {
		return fmt.Errorf("end old changes of address: %w", err)
	}
	token, hash := newSecret()
	if _, err := a.DB.Exec(ctx, addEmailChangeSQL, hash, asked.Person, asked.Email, undo, expires); err != nil {
		return fmt.Errorf("add change of address of person %s: %w", asked.Person, err)
	}
	letter.Token = token
	return nil
}

// EmailChange is what the link of a letter does: the person's account gets
// the address Email.
type EmailChange struct {
	Person Person // as it is now
	Email  string
	Undo   bool // it had this address before; the password ends with the change
}

const emailChangeSQL = `
select person_id as person, email, undo from auth.email_change where hash = $1 and expires_at > $2`

// EmailChange says what a link does, without using it up. It fails with
// NotFound when the link is unknown, used or too old.
func (a *Auth) EmailChange(ctx context.Context, token string) (EmailChange, error) {
	type row struct {
		Person uuid.UUID
		Email  string
		Undo   bool
	}
	unknown := problem.Errorf(problem.NotFound, "this link was used already or is too old").Coded("email-link-unknown")
	found, err := pg.One[row](ctx, a.DB, emailChangeSQL, hashSecret(token), a.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return EmailChange{}, unknown
	} else if err != nil {
		return EmailChange{}, fmt.Errorf("find change of address: %w", err)
	}
	p, err := a.person(ctx, Principal{Person: found.Person})
	if problem.Is(err, problem.Unauthorized) {
		return EmailChange{}, unknown
	}
	return EmailChange{Person: p, Email: found.Email, Undo: found.Undo}, err
}

const takeEmailChangeSQL = `
delete from auth.email_change where hash = $1 and expires_at > $2 returning person_id`

const endEmailChangesSQL = `
delete from auth.email_change where person_id = $1 and (not undo or $2)`

const setEmailSQL = `
update auth.person set email = $2, email_proved_at = $3 where id = $1`

const dropPasswordSQL = `
update auth.person set password = null where id = $1`

const (
	dropIdentitiesSQL = `
delete from auth.identity where person_id = $1 and linked_at > $2`
	dropNewPasskeysSQL = `
delete from auth.passkey where person_id = $1 and created_at > $2`
	dropNewAppSQL = `
delete from auth.totp where person_id = $1 and coalesce(confirmed_at, created_at) > $2`
)

// ChangeEmail uses up a link and changes the address. A change is told to the
// address before, with the way back, and ends the links to a new password that
// lie there. The way back also ends the password, recovery codes, second
// factors and identities that came meanwhile, and all that was let in by them,
// since somebody else may have added them. It fails with
// NotFound as EmailChange does, and with Conflict when the address has got an
// account meanwhile.
func (a *Auth) ChangeEmail(ctx context.Context, token string) (EmailChange, error) {
	change, err := a.EmailChange(ctx, token)
	if err != nil {
		return EmailChange{}, err
	}
	p := change.Person
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, takeEmailChangeSQL, hashSecret(token), a.Now().UTC())
		if err != nil {
			return fmt.Errorf("take change of address: %w", err)
		}
		if done.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "this link was used already").Coded("email-link-unknown")
		}
		if _, err := tx.Exec(ctx, endEmailChangesSQL, p.ID, change.Undo); err != nil {
			return fmt.Errorf("end other changes of address: %w", err)
		}
		_, err = tx.Exec(ctx, setEmailSQL, p.ID, change.Email, a.Now().UTC())
		if pg.IsUnique(err, "person_email_key") {
			return emailTaken()
		} else if err != nil {
			return fmt.Errorf("set address of person %s: %w", p.ID, err)
		}
		if err := a.afterEmail(ctx, tx, change); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: Principal{Person: p.ID, Name: p.Name}, Verb: "person.email", About: p.ID,
			Detail: map[string]any{"undo": change.Undo}})
	})
	return change, err
}

func (a *Auth) afterEmail(ctx context.Context, tx pgx.Tx, change EmailChange) error {
	person := change.Person.ID
	if !change.Undo {
		if _, err := tx.Exec(ctx, endLinksSQL, person); err != nil {
			return fmt.Errorf("end links of person %s: %w", person, err)
		}
		return a.askAndTell(ctx, tx, letterTo(change.Person, LetterEmailChanged), person)
	}
	before, err := factorsOf(ctx, tx, person)
	if err != nil {
		return err
	}
	for _, sql := range []string{dropPasswordSQL, dropCodesSQL} {
		if _, err := tx.Exec(ctx, sql, person); err != nil {
			return fmt.Errorf("end proofs of person %s: %w", person, err)
		}
	}
	for _, sql := range []string{dropIdentitiesSQL, dropNewPasskeysSQL, dropNewAppSQL} {
		if _, err := tx.Exec(ctx, sql, person, a.Now().UTC().Add(-undoLasts)); err != nil {
			return fmt.Errorf("end new proofs of person %s: %w", person, err)
		}
	}
	if _, err := a.afterDrop(ctx, tx, person, before.Any()); err != nil {
		return err
	}
	return a.endAll(ctx, tx, person)
}
