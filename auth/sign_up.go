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

// Newcomer is who has shown that an address is theirs and has no account yet.
type Newcomer struct {
	Email  string
	Name   string
	Locale string // vi, en
}

// AskSignUp has a letter written to who wants an account: with the way there,
// or, when the address has one, saying so. It says and does the same for every
// address, and fails with Invalid and the fields that are wrong, and TooMany.
func (a *Auth) AskSignUp(ctx context.Context, n NewPerson) error {
	n, wrong := n.tidy()
	if err := asError(wrong); err != nil {
		return err
	}
	return a.askLetter(ctx, a.DB, Letter{Kind: LetterSignUp, Email: n.Email, Name: n.Name, Locale: n.Locale}, uuid.Nil)
}

const addNewcomerSQL = `
insert into auth.newcomer (hash, email, name, locale, expires_at) values ($1, $2, $3, $4, $5)`

const endOldNewcomersSQL = `
delete from auth.newcomer where expires_at <= $1`

func (a *Auth) makeNewcomer(ctx context.Context, letter *Letter, now time.Time) error {
	if _, err := a.DB.Exec(ctx, endOldNewcomersSQL, now); err != nil {
		return fmt.Errorf("end old links: %w", err)
	}
	token, hash := newSecret()
	if _, err := a.DB.Exec(ctx, addNewcomerSQL, hash, letter.Email, letter.Name, letter.Locale, now.Add(signUpLasts)); err != nil {
		return fmt.Errorf("add newcomer: %w", err)
	}
	letter.Token = token
	return nil
}

const newcomerSQL = `
select email, name, locale from auth.newcomer where hash = $1 and expires_at > $2`

// Newcomer says whom the link of a letter is for, without using it up. It
// fails with NotFound when the link is unknown, used or too old.
func (a *Auth) Newcomer(ctx context.Context, token string) (Newcomer, error) {
	n, err := pg.One[Newcomer](ctx, a.DB, newcomerSQL, hashSecret(token), a.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return Newcomer{}, problem.Errorf(problem.NotFound, "this link was used already or is too old; sign up once more").Coded("sign-up-link-unknown")
	} else if err != nil {
		return Newcomer{}, fmt.Errorf("find newcomer: %w", err)
	}
	return n, nil
}

const endNewcomerSQL = `
delete from auth.newcomer where email = $1`

// SignUp makes the account of a newcomer with a password, and ends all links
// to it. It fails with NotFound as Newcomer does, Invalid when the password is
// not good enough, which leaves the link unused, Conflict when the address has
// got an account meanwhile, and TooMany when too many passwords are being hashed.
func (a *Auth) SignUp(ctx context.Context, token, password string) (Person, error) {
	n, err := a.Newcomer(ctx, token)
	if err != nil {
		return Person{}, err
	}
	stored, err := a.newPassword(ctx, password, Person{Email: n.Email, Name: n.Name})
	if err != nil {
		return Person{}, err
	}
	var p Person
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		p, err = a.settle(ctx, tx, NewPerson{Email: n.Email, Name: n.Name, Locale: n.Locale}, stored)
		return err
	})
	return p, err
}

const proveEmailSQL = `
update auth.person set email_proved_at = $2 where id = $1`

// settle adds who has proved the address by themself, and ends the links to it.
func (a *Auth) settle(ctx context.Context, tx pgx.Tx, n NewPerson, stored string) (Person, error) {
	p, err := a.insertPerson(ctx, tx, n, stored)
	if err != nil {
		return Person{}, err
	}
	if _, err := tx.Exec(ctx, endNewcomerSQL, p.Email); err != nil {
		return Person{}, fmt.Errorf("end links of newcomer: %w", err)
	}
	if _, err := tx.Exec(ctx, proveEmailSQL, p.ID, a.Now().UTC()); err != nil {
		return Person{}, fmt.Errorf("note proof of address: %w", err)
	}
	return p, a.Record(ctx, tx, Act{Who: Principal{Person: p.ID, Name: p.Name}, Verb: "person.signup", About: p.ID})
}

const emailProvedSQL = `
select email_proved_at is not null from auth.person where id = $1`

// EmailProved reports whether the person has shown that they read the letters
// of their address: by the link of a sign-up or of a change of address, or to
// the outside provider that the account came from. An account that an operator
// made is not proved, and so is one from before this was noted.
func (a *Auth) EmailProved(ctx context.Context, person uuid.UUID) (bool, error) {
	var proved bool
	if err := a.DB.QueryRow(ctx, emailProvedSQL, person).Scan(&proved); err != nil {
		return false, fmt.Errorf("read proof of address of person %s: %w", person, err)
	}
	return proved, nil
}
