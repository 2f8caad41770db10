package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// tidyReason gives the reason of an act on a person with single spaces. It
// fails with Invalid unless it is 5 to 500 characters long and can be shown.
func tidyReason(reason string) (string, error) {
	reason = strings.Join(strings.Fields(reason), " ")
	if n := utf8.RuneCountInString(reason); n < 5 || n > 500 || !utf8.ValidString(reason) || strings.ContainsFunc(reason, hides) {
		return "", fieldsWrong().Wrong("reason", "register-reason", "say why, in 5 to 500 characters")
	}
	return reason, nil
}

// onPerson does what an operator does to a person for a reason, in one
// transaction with its ledger entry. It fails with Forbidden unless who may
// person.edit, Invalid without a reason, and NotFound for nobody, or who
// deleted their account.
func (a *Auth) onPerson(ctx context.Context, act Act, reason string, do func(tx pgx.Tx, p Person) error) error {
	if err := a.May(ctx, act.Who, "person.edit", uuid.Nil); err != nil {
		return err
	}
	reason, err := tidyReason(reason)
	if err != nil {
		return err
	}
	act.Detail = map[string]any{"reason": reason}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		p, err := lockAccount(ctx, tx, act.About)
		if err != nil {
			return err
		}
		if err := do(tx, p); err != nil {
			return err
		}
		return a.Record(ctx, tx, act)
	})
}

// lockAccount locks a person's row, and before it those of the operators: two
// of them who lock each other out come one after the other. It fails with
// NotFound for nobody, or who deleted their account.
func lockAccount(ctx context.Context, tx pgx.Tx, person uuid.UUID) (Person, error) {
	if _, err := tx.Exec(ctx, lockOperatorsSQL); err != nil {
		return Person{}, fmt.Errorf("lock operators: %w", err)
	}
	p, err := pg.One[Person](ctx, tx, lockAccountSQL, person)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, noPerson(person)
	} else if err != nil {
		return p, fmt.Errorf("lock person %s: %w", person, err)
	}
	return p, nil
}

const lockAccountSQL = `
select id, email, name, locale, demo, created_at, disabled_at from auth.person
 where id = $1 and email not like '%@deleted.invalid' for update`

// LockPerson is DisablePerson with the reason, which the ledger keeps. It fails
// as onPerson does, with Conflict for the last operator, and for who is locked
// out already.
func (a *Auth) LockPerson(ctx context.Context, who Principal, person uuid.UUID, reason string) error {
	return a.onPerson(ctx, Act{Who: who, Verb: "person.disable", About: person}, reason, func(tx pgx.Tx, p Person) error {
		if p.DisabledAt != nil {
			return problem.Errorf(problem.Conflict, "person %s is locked out already", person).Coded("person-locked")
		}
		return a.disable(ctx, tx, who, person)
	})
}

const enablePersonSQL = `
update auth.person set disabled_at = null where id = $1`

// UnlockPerson lets a person in again who was locked out: they sign in anew, and
// what ended stays ended. Their applications work again. It fails as onPerson
// does, and with Conflict for who is not locked out.
func (a *Auth) UnlockPerson(ctx context.Context, who Principal, person uuid.UUID, reason string) error {
	return a.onPerson(ctx, Act{Who: who, Verb: "person.enable", About: person}, reason, func(tx pgx.Tx, p Person) error {
		if p.DisabledAt == nil {
			return problem.Errorf(problem.Conflict, "person %s is not locked out", person).Coded("person-not-locked")
		}
		if _, err := tx.Exec(ctx, enablePersonSQL, person); err != nil {
			return fmt.Errorf("enable person %s: %w", person, err)
		}
		return pg.Notify(ctx, tx, "gateway", "credential")
	})
}

// EndSessionsOf signs a person out everywhere; their grants with
// offline_access and their tokens go on (see EndSessions). It fails as
// onPerson does.
func (a *Auth) EndSessionsOf(ctx context.Context, who Principal, person uuid.UUID, reason string) error {
	return a.onPerson(ctx, Act{Who: who, Verb: "person.end-sessions", About: person}, reason, func(tx pgx.Tx, _ Person) error {
		if _, err := tx.Exec(ctx, dropPendingSQL, person); err != nil {
			return fmt.Errorf("end second steps of person %s: %w", person, err)
		}
		return endOthers(ctx, tx, a.Now().UTC(), person, uuid.Nil)
	})
}
