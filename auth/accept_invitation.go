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

const linkInvitationSQL = `
update auth.invitation set hash = $2
 where id = $1 and accepted_at is null and withdrawn_at is null and expires_at > $3
returning ` + invitationColumns

// composeInvitation makes the link of an invitation's letter; nil: it is not
// open any more.
func (a *Auth) composeInvitation(ctx context.Context, letter *Letter) (*Letter, error) {
	if letter.About.Invitation == nil {
		return nil, nil
	}
	token, hash := newSecret()
	i, err := pg.One[Invitation](ctx, a.DB, linkInvitationSQL, *letter.About.Invitation, hash, a.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("make link of invitation %s: %w", *letter.About.Invitation, err)
	}
	letter.Token, letter.Invites = token, &i
	if i.AgencyID == nil {
		return letter, nil
	}
	agencies, err := a.Agencies(ctx, []uuid.UUID{*i.AgencyID})
	agency := agencies[*i.AgencyID]
	letter.InvitesTo = &agency
	return letter, err
}

const invitationByLinkSQL = `
select ` + invitationColumns + `
  from auth.invitation
 where hash = $1 and accepted_at is null and withdrawn_at is null and expires_at > $2`

func invitationUnknown() error {
	return problem.Errorf(problem.NotFound, "this invitation was taken up or taken back already, or is too old; ask for a new one").Coded("invitation-link-unknown")
}

// Invited says what a link invites to, and whether its address has an account,
// without using it up. It fails with NotFound when the link is unknown, used,
// taken back or too old, or the account is locked out.
func (a *Auth) Invited(ctx context.Context, token string) (Invitation, bool, error) {
	i, err := pg.One[Invitation](ctx, a.DB, invitationByLinkSQL, hashSecret(token), a.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return Invitation{}, false, invitationUnknown()
	} else if err != nil {
		return Invitation{}, false, fmt.Errorf("find invitation: %w", err)
	}
	i.State = InvitationWaiting
	person, err := pg.One[Person](ctx, a.DB, personByEmailSQL, i.Email)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return i, false, nil
	case err != nil:
		return i, false, fmt.Errorf("find person: %w", err)
	case person.DisabledAt != nil:
		return Invitation{}, false, invitationUnknown()
	}
	return i, true, nil
}

const (
	lockInvitationSQL = invitationByLinkSQL + ` for update`

	acceptInvitationSQL = `update auth.invitation set accepted_at = $2, person_id = $3, hash = null where id = $1`
)

// AcceptInvitation gives the role to the person of the address, who has shown
// by the link that it is theirs; where it has no account it makes one with
// password. It signs nobody in: officials prove two factors there. It fails
// with NotFound as Invited does, Invalid when a password is needed and not good
// enough, which leaves the link unused, Conflict when the agency's service has
// ended, and TooMany when too many passwords are being hashed.
func (a *Auth) AcceptInvitation(ctx context.Context, token, password string) (Person, error) {
	i, known, err := a.Invited(ctx, token)
	if err != nil {
		return Person{}, err
	}
	stored := ""
	if !known {
		if stored, err = a.newPassword(ctx, password, Person{Email: i.Email, Name: i.Name}); err != nil {
			return Person{}, err
		}
	}
	var p Person
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := pg.One[Invitation](ctx, tx, lockInvitationSQL, hashSecret(token), a.Now().UTC()); errors.Is(err, pgx.ErrNoRows) {
			return invitationUnknown() // somebody was quicker
		} else if err != nil {
			return fmt.Errorf("lock invitation %s: %w", i.ID, err)
		}
		if i.AgencyID != nil {
			if _, err := lockAgency(ctx, tx, *i.AgencyID); err != nil {
				return err
			}
		}
		var err error
		if p, err = a.invitee(ctx, tx, i, stored); err != nil {
			return err
		}
		who := Principal{Person: p.ID, Name: p.Name}
		now := a.Now().UTC()
		if _, err := tx.Exec(ctx, addMembershipSQL, p.ID, i.agency(), i.Role, now); err != nil {
			return fmt.Errorf("add membership of person %s: %w", p.ID, err)
		}
		if _, err := tx.Exec(ctx, acceptInvitationSQL, i.ID, now, p.ID); err != nil {
			return fmt.Errorf("accept invitation %s: %w", i.ID, err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "invitation.accept", Agency: i.agency(), About: p.ID,
			Detail: map[string]any{"invitation": i.ID.String(), "role": i.Role}})
	})
	return p, err
}

// invitee is the person of the invitation's address, made when there is none.
func (a *Auth) invitee(ctx context.Context, tx pgx.Tx, i Invitation, stored string) (Person, error) {
	p, err := pg.One[Person](ctx, tx, personByEmailSQL, i.Email)
	switch {
	case err == nil && p.DisabledAt != nil:
		return Person{}, invitationUnknown()
	case err == nil:
		return p, nil
	case !errors.Is(err, pgx.ErrNoRows):
		return Person{}, fmt.Errorf("find person: %w", err)
	case stored == "": // the account was deleted meanwhile
		return Person{}, problem.Errorf(problem.Conflict, "the account was deleted; open the link again").Coded("invitation-changed")
	}
	return a.settle(ctx, tx, NewPerson{Email: i.Email, Name: i.Name, Locale: i.Locale}, stored)
}
