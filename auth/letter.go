package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The kinds of letters about an account.
const (
	LetterSignUp          = "sign-up"          // the way to an account, or: there is one
	LetterReset           = "reset"            // the way to a new password
	LetterEmail           = "email"            // the way to this address, or: it has an account
	LetterEmailChanged    = "email-changed"    // to the address before, with the way back
	LetterPasswordChanged = "password-changed" // no link
)

// How long the link of a letter works.
const (
	signUpLasts = 24 * time.Hour
	resetLasts  = time.Hour
	emailLasts  = 24 * time.Hour
	undoLasts   = 72 * time.Hour
)

// How letters are held back and tried again.
const (
	maxWaiting    = 10_000 // letters that wait at once
	maxAnHour     = 3      // letters of one kind to one address, that anybody can ask for
	maxTries      = 9      // the last of them two hours after the first
	firstWait     = 15 * time.Second
	letterMemory  = time.Hour      // of one that is done
	letterGivenUp = 24 * time.Hour // when one that cannot be sent is forgotten
)

// LetterChannel is notified when a letter has been asked for.
const LetterChannel = "letter"

// Letter is a letter about an account, to be written now.
type Letter struct {
	ID     uuid.UUID
	Kind   string // Letter…
	Email  string // where it goes
	Name   string // of who reads it
	Locale string // vi, en
	Known  bool   // the address has an account already (LetterSignUp, LetterEmail)
	Token  string // of its one-time link; "" where there is none
	About  LetterAbout

	Team      *TeamOffer  // of LetterTeam: what to
	Invites   *Invitation // of LetterInvitation: what to
	InvitesTo *Agency     // its agency; nil: the platform
}

// LetterAbout is what a letter tells besides its kind.
type LetterAbout struct {
	Dropped []Way `json:"dropped,omitempty"` // ways in that a new password ended
	Vouch   bool  `json:"vouch,omitempty"`   // an operator must vouch before a second factor is added

	Invitation *uuid.UUID `json:"invitation,omitempty"` // of LetterInvitation
	Team       *uuid.UUID `json:"team,omitempty"`       // of LetterTeam: the invitation
	By         *uuid.UUID `json:"by,omitempty"`         // of LetterTeam: who has it written
}

const askLetterSQL = `
insert into auth.account_letter (id, kind, email, name, locale, person_id, asked_at, due_at, about)
select $1, $2, $3, $4, $5, nullif($6, '00000000-0000-0000-0000-000000000000'::uuid), $7, $7, $9
 where (select count(*) from auth.account_letter where done_at is null) < $8`

// askLetter has a letter written once db has committed. It does the same
// whoever the address belongs to, and fails with TooMany when too many wait.
func (a *Auth) askLetter(ctx context.Context, db pg.DB, l Letter, person uuid.UUID) error {
	about, err := json.Marshal(l.About)
	if err != nil {
		return fmt.Errorf("encode what a letter is about: %w", err)
	}
	done, err := db.Exec(ctx, askLetterSQL, uuid.Must(uuid.NewV7()), l.Kind, l.Email, l.Name, l.Locale, person, a.Now().UTC(), maxWaiting, about)
	if err != nil {
		return fmt.Errorf("ask for a letter: %w", err)
	}
	if done.RowsAffected() == 0 {
		return problem.Errorf(problem.TooMany, "too many letters are waiting; try again in a few minutes").
			Coded("letters-busy").Sends("Retry-After", "300")
	}
	return pg.Notify(ctx, db, LetterChannel, "")
}

// askAndTell is askLetter for what the person finds in the portal too.
func (a *Auth) askAndTell(ctx context.Context, tx pgx.Tx, l Letter, person uuid.UUID) error {
	if err := a.askLetter(ctx, tx, l, person); err != nil {
		return err
	}
	return a.Notify(ctx, tx, FactorNotice{What: l.Kind, Person: person, Mailed: true})
}

const takeLetterSQL = `
update auth.account_letter
   set tries = tries + 1, due_at = $1::timestamptz + make_interval(secs => $2 * 2 ^ tries)
 where id = (select id from auth.account_letter where done_at is null and due_at <= $1 and tries < $3
              order by due_at, id limit 1 for update skip locked)
returning id, kind, email, name, locale, coalesce(person_id, '00000000-0000-0000-0000-000000000000'::uuid) as person, asked_at,
       coalesce(about, '{}') as about`

const forgetLettersSQL = `
delete from auth.account_letter where done_at <= $1 or asked_at <= $2`

// askedLetter is a letter as it was asked for.
type askedLetter struct {
	ID                        uuid.UUID
	Kind, Email, Name, Locale string
	Person                    uuid.UUID
	AskedAt                   time.Time
	About                     LetterAbout
}

// NextLetter takes the next letter that is due, with a new one-time link; nil:
// there is none. Unless LetterSent is told, it is taken again later, after ever
// longer waits. What is not to be sent, since nobody is there or too much was
// sent already, is passed over.
func (a *Auth) NextLetter(ctx context.Context) (*Letter, error) {
	for {
		now := a.Now().UTC()
		if _, err := a.DB.Exec(ctx, forgetLettersSQL, now.Add(-letterMemory), now.Add(-letterGivenUp)); err != nil {
			return nil, fmt.Errorf("forget letters: %w", err)
		}
		asked, err := pg.One[askedLetter](ctx, a.DB, takeLetterSQL, now, firstWait.Seconds(), maxTries)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil
		} else if err != nil {
			return nil, fmt.Errorf("take letter: %w", err)
		}
		letter, err := a.compose(ctx, asked)
		if err != nil || letter != nil {
			return letter, err
		}
		// It is forgotten, and not counted: who asks without pause for another's
		// address would else keep every letter from them.
		if _, err := a.DB.Exec(ctx, passOverSQL, asked.ID); err != nil {
			return nil, fmt.Errorf("pass over letter %s: %w", asked.ID, err)
		}
	}
}

const passOverSQL = `
delete from auth.account_letter where id = $1`

const letterSentSQL = `
update auth.account_letter set done_at = $2 where id = $1`

// LetterSent says that the letter has left.
func (a *Auth) LetterSent(ctx context.Context, id uuid.UUID) error {
	if _, err := a.DB.Exec(ctx, letterSentSQL, id, a.Now().UTC()); err != nil {
		return fmt.Errorf("letter %s is sent: %w", id, err)
	}
	return nil
}

const lettersBeforeSQL = `
select count(*) from auth.account_letter where email = $1 and kind = $2 and asked_at < $3 and asked_at > $4 and done_at is not null`

// compose finds out who is behind the address and makes the link; nil: nothing
// is to be sent.
func (a *Auth) compose(ctx context.Context, asked askedLetter) (*Letter, error) {
	letter := &Letter{ID: asked.ID, Kind: asked.Kind, Email: asked.Email, Name: asked.Name, Locale: asked.Locale, About: asked.About}
	if asked.Kind == LetterPasswordChanged {
		return letter, nil
	}
	if asked.Kind == LetterInvitation {
		return a.composeInvitation(ctx, letter)
	}
	now := a.Now().UTC()
	if asked.Kind == LetterEmailChanged {
		return letter, a.makeEmailLink(ctx, asked, letter, true, now.Add(undoLasts))
	}
	var before int
	if err := a.DB.QueryRow(ctx, lettersBeforeSQL, asked.Email, asked.Kind, asked.AskedAt, now.Add(-letterMemory)).Scan(&before); err != nil {
		return nil, fmt.Errorf("count letters: %w", err)
	}
	if before >= maxAnHour {
		return nil, nil
	}
	if asked.Kind == LetterTeam {
		return a.composeTeam(ctx, letter)
	}
	person, err := pg.One[Person](ctx, a.DB, personByEmailSQL, asked.Email)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("find person: %w", err)
	}
	if letter.Known = err == nil; letter.Known {
		letter.Name, letter.Locale = person.Name, person.Locale
	}
	switch {
	case asked.Kind == LetterReset && (!letter.Known || person.DisabledAt != nil):
		return nil, nil
	case asked.Kind == LetterReset:
		return letter, a.makeResetLink(ctx, letter, person.ID, now)
	case letter.Known:
		return letter, nil
	case asked.Kind == LetterEmail:
		return letter, a.makeEmailLink(ctx, asked, letter, false, now.Add(emailLasts))
	default:
		return letter, a.makeNewcomer(ctx, letter, now)
	}
}
