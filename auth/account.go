package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const renameSQL = `
update auth.person set name = $2, locale = $3 where id = $1`

// Rename changes the name and the language of who is signed in. It fails with
// Unauthorized, and Invalid with the fields that are wrong.
func (a *Auth) Rename(ctx context.Context, who Principal, name, locale string) error {
	p, err := a.person(ctx, who)
	if err != nil {
		return err
	}
	n, wrong := NewPerson{Email: p.Email, Name: name, Locale: locale}.tidy()
	if err := asError(wrong); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, renameSQL, p.ID, n.Name, n.Locale); err != nil {
			return fmt.Errorf("rename person %s: %w", p.ID, err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "person.rename", About: p.ID})
	})
}

// Export is what this room holds about a person, without secrets.
type Export struct {
	Person       Person                `json:"person"`
	Memberships  []Membership          `json:"memberships"`
	Identities   []Identity            `json:"identities"`
	Factors      Factors               `json:"second_factors"`
	Sessions     []OpenSession         `json:"sessions"`
	Tokens       []PersonalToken       `json:"personal_tokens"`
	Applications []ExportedApplication `json:"applications"` // their own, not their agencies'
	Teams        []TeamSeat            `json:"teams"`        // in which they work on another's application
}

// ExportedApplication is an application of a person with what it proves itself with.
type ExportedApplication struct {
	Application
	Credentials []Credential     `json:"credentials"`
	Keys        []ApplicationKey `json:"public_keys"`
}

// ExportPerson gathers what this room holds about who is signed in.
func (a *Auth) ExportPerson(ctx context.Context, who Principal) (Export, error) {
	p, err := a.person(ctx, who)
	if err != nil {
		return Export{}, err
	}
	out := Export{Person: p, Applications: []ExportedApplication{}}
	if out.Memberships, err = a.Memberships(ctx, p.ID); err != nil {
		return Export{}, err
	}
	if out.Identities, err = a.Identities(ctx, who); err != nil {
		return Export{}, err
	}
	if out.Factors, err = a.Factors(ctx, p.ID); err != nil {
		return Export{}, err
	}
	if out.Sessions, err = a.OpenSessions(ctx, who); err != nil {
		return Export{}, err
	}
	if out.Tokens, err = a.Tokens(ctx, who); err != nil {
		return Export{}, err
	}
	if out.Teams, err = pg.All[TeamSeat](ctx, a.DB, teamSeatsSQL, p.ID); err != nil {
		return Export{}, fmt.Errorf("list teams of person %s: %w", p.ID, err)
	}
	for page := (Page{Limit: 100}); ; {
		list, next, err := a.Applications(ctx, who, page)
		if err != nil {
			return Export{}, err
		}
		for _, app := range list {
			if app.OwnerPerson == nil || *app.OwnerPerson != p.ID {
				continue // an agency's, or another's
			}
			one := ExportedApplication{Application: app}
			if one.Credentials, err = a.Credentials(ctx, who, app.ID); err != nil {
				return Export{}, err
			}
			if one.Keys, err = a.Keys(ctx, who, app.ID); err != nil {
				return Export{}, err
			}
			out.Applications = append(out.Applications, one)
		}
		if next == "" {
			return out, nil
		}
		page.After = next
	}
}

// Deleted is the name of an account that its person deleted.
const Deleted = "(đã xoá / deleted)"

const keepNameSQL = `
select name from auth.person where id = $1 for key share`

// NameIn is the name of a person for what another room keeps of them: whoever
// deletes the account waits for tx, and blanks it then (Auth.Forget).
func NameIn(ctx context.Context, tx pgx.Tx, person uuid.UUID) (string, error) {
	var name string
	if err := tx.QueryRow(ctx, keepNameSQL, person).Scan(&name); err != nil {
		return "", fmt.Errorf("read the name of person %s: %w", person, err)
	}
	return name, nil
}

const (
	lockOperatorsSQL = `
select p.id from auth.membership m join auth.person p on p.id = m.person_id
 where m.role = 'operator' and p.disabled_at is null
 order by p.id for update of p`
	emptyPersonSQL = `
update auth.person set email = id || '@deleted.invalid', name = $2, password = null, disabled_at = $3 where id = $1`
	disableOwnSQL = `
update auth.application set name = $2, description = '', redirect_uris = '{}', disabled_at = coalesce(disabled_at, $3)
 where owner_person = $1
returning id`
	endMembershipsSQL = `
delete from auth.membership where person_id = $1`
	endIdentitiesSQL = `
delete from auth.identity where person_id = $1`
	endWaysBackSQL = `
delete from auth.email_change where person_id = $1`
	endAllowedSQL = `
delete from auth.oauth_allowed where person_id = $1`
	endAppSQL = `
delete from auth.totp where person_id = $1`
	endPasskeysSQL = `
delete from auth.passkey where person_id = $1`
	endLettersOfSQL = `
with invited as (delete from auth.invitation where person_id = $1 or email = $2)
delete from auth.account_letter where person_id = $1 or email = $2`
)

// DeletePerson deletes the account of who is signed in: address, name,
// password, roles, identities and consents go, sessions and tokens end, their
// own applications pass to the next owner in the team or are disabled, and the other rooms forget the name. The id
// stays, with nothing to it, since acts and agreements name it. email is what they typed to confirm it. It fails with
// Unauthorized, Invalid when email is not theirs, and Conflict for the last
// operator. The caller has seen that the proof of the session is recent.
func (a *Auth) DeletePerson(ctx context.Context, who Principal, email string) error {
	p, err := a.person(ctx, who)
	if err != nil {
		return err
	}
	if foldEmail(email) != p.Email {
		return fieldsWrong().Wrong("email", "email-not-yours", "type the address of this account to confirm")
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if err := a.notTheLast(ctx, tx, p.ID); err != nil {
			return err
		}
		now := a.Now().UTC()
		if _, err := tx.Exec(ctx, emptyPersonSQL, p.ID, Deleted, now); err != nil { // first: who writes the name elsewhere is done, or waits
			return fmt.Errorf("empty person %s: %w", p.ID, err)
		}
		if err := a.endAll(ctx, tx, p.ID); err != nil {
			return err
		}
		gone := Principal{Person: p.ID, Name: Deleted}
		if _, err := a.passApplications(ctx, tx, gone, p.ID); err != nil {
			return err
		}
		if err := a.leaveTeams(ctx, tx, gone, p.Email); err != nil {
			return err
		}
		own, err := a.disableOwn(ctx, tx, p.ID, now)
		if err != nil {
			return err
		}
		for _, application := range own {
			if err := a.applicationGoes(ctx, tx, gone, application); err != nil {
				return err
			}
		}
		if err := a.Forget(ctx, tx, p.ID, own); err != nil {
			return err
		}
		for _, sql := range []string{endMembershipsSQL, endIdentitiesSQL, endWaysBackSQL,
			endAppSQL, dropCodesSQL, endPasskeysSQL, dropPendingSQL} {
			if _, err := tx.Exec(ctx, sql, p.ID); err != nil {
				return fmt.Errorf("delete what is of person %s: %w", p.ID, err)
			}
		}
		if _, err := tx.Exec(ctx, endLettersOfSQL, p.ID, p.Email); err != nil {
			return fmt.Errorf("delete letters to person %s: %w", p.ID, err)
		}
		return a.Record(ctx, tx, Act{Who: gone, Verb: "person.delete", About: p.ID})
	})
}

// notTheLast fails with Conflict when nobody else could operate the platform.
func (a *Auth) notTheLast(ctx context.Context, tx pgx.Tx, person uuid.UUID) error {
	rows, _ := tx.Query(ctx, lockOperatorsSQL) // the error comes back from Collect
	operators, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("lock operators: %w", err)
	}
	if len(operators) == 1 && operators[0] == person {
		return problem.Errorf(problem.Conflict, "nobody else operates the platform; make another operator first").Coded("last-operator")
	}
	return nil
}

// disableOwn disables the applications of a person and gives their ids.
func (a *Auth) disableOwn(ctx context.Context, tx pgx.Tx, person uuid.UUID, now time.Time) ([]uuid.UUID, error) {
	rows, _ := tx.Query(ctx, disableOwnSQL, person, Deleted, now) // the error comes back from Collect
	applications, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("disable applications of person %s: %w", person, err)
	}
	for _, application := range applications {
		if err := EndApplication(ctx, tx, now, application); err != nil {
			return nil, err
		}
	}
	return applications, pg.Notify(ctx, tx, "gateway", "credential")
}
