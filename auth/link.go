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

const createLinkSQL = `
insert into auth.link (hash, person_id, expires_at, vouched)
select $1, id, $3, $4 from auth.person where id = $2 and disabled_at is null`

const endOldLinksSQL = `
delete from auth.link where expires_at <= $1`

// CreateLink makes a one-time link with which a person sets a password, and
// gives the token for its URL. Who makes it vouches that it reaches the person
// themself. It lasts at most 7 days. It fails with
// Forbidden unless who may person.edit, and with NotFound.
func (a *Auth) CreateLink(ctx context.Context, who Principal, person uuid.UUID, lasts time.Duration) (string, error) {
	if err := a.May(ctx, who, "person.edit", uuid.Nil); err != nil {
		return "", err
	}
	if lasts <= 0 || lasts > 7*24*time.Hour {
		return "", problem.Errorf(problem.Invalid, "a link lasts at most 7 days").Coded("lasts-range", "max", "7")
	}
	token, hash := newSecret()
	now := a.Now().UTC()
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, endOldLinksSQL, now); err != nil {
			return fmt.Errorf("end old links: %w", err)
		}
		done, err := tx.Exec(ctx, createLinkSQL, hash, person, now.Add(lasts), true)
		if err != nil {
			return fmt.Errorf("create link for person %s: %w", person, err)
		}
		if done.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "no person %s", person).Coded("person-unknown")
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "link.create", About: person})
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

const linkPersonSQL = `
select p.id, p.email, p.name, p.locale, p.demo, p.created_at, p.disabled_at, l.vouched
  from auth.link l join auth.person p on p.id = l.person_id
 where l.hash = $1 and l.expires_at > $2 and p.disabled_at is null`

// LinkPerson says whom a link is for, without using it up. It fails with
// NotFound when the link is unknown, used or too old.
func (a *Auth) LinkPerson(ctx context.Context, token string) (Person, error) {
	link, err := a.openLink(ctx, token)
	return link.Person, err
}

// link is a one-time link to a new password.
type link struct {
	Person
	Vouched bool // an operator made it
}

func (a *Auth) openLink(ctx context.Context, token string) (link, error) {
	l, err := pg.One[link](ctx, a.DB, linkPersonSQL, hashSecret(token), a.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return link{}, linkUnknown()
	} else if err != nil {
		return link{}, fmt.Errorf("find link: %w", err)
	}
	return l, nil
}

func linkUnknown() error {
	return problem.Errorf(problem.NotFound, "this link was used already or is too old; ask for a new one").Coded("link-unknown")
}

// AskReset has a letter written to an address, with a link to a new password
// when it has an account. It says and does the same for every address, and
// fails with Invalid for what is no address, and with TooMany.
func (a *Auth) AskReset(ctx context.Context, email, locale string) error {
	n, wrong := NewPerson{Email: email, Name: "-", Locale: locale}.tidy()
	if err := asError(wrong); err != nil {
		return err
	}
	return a.askLetter(ctx, a.DB, Letter{Kind: LetterReset, Email: n.Email, Locale: n.Locale}, uuid.Nil)
}

func (a *Auth) makeResetLink(ctx context.Context, letter *Letter, person uuid.UUID, now time.Time) error {
	token, hash := newSecret()
	if _, err := a.DB.Exec(ctx, createLinkSQL, hash, person, now.Add(resetLasts), false); err != nil {
		return fmt.Errorf("create link for person %s: %w", person, err)
	}
	letter.Token = token
	return nil
}

// letterTo is a letter to the person's own address.
func letterTo(p Person, kind string) Letter {
	return Letter{Kind: kind, Email: p.Email, Name: p.Name, Locale: p.Locale}
}
