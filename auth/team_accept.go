package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// TeamOffer is what the link of a letter invites to.
type TeamOffer struct {
	TeamInvitation
	Name    string // of the application
	By      string // the name of who invites
	ByEmail string // and their address
	Known   bool   // the invited address has an account
}

const (
	linkTeamSQL = `
update auth.team_invitation set hash = $2 where id = $1 and expires_at > $3
returning ` + teamInvitationColumns

	// Who invited must still own the application, and it be in service.
	teamOffers = `
select i.id, i.application_id as application, i.role, i.email, i.locale, i.invited_by, i.sent_at, i.expires_at,
       a.name, b.name as by, b.email as by_email, p.id is not null as known
  from auth.team_invitation i
  join auth.application a on a.id = i.application_id and a.disabled_at is null
  join auth.person b on b.id = i.invited_by and b.disabled_at is null
  left join auth.person p on p.email = i.email
 where i.expires_at > $2 and p.disabled_at is null and (a.owner_person = b.id
    or exists (select from auth.application_member m where m.application_id = a.id and m.person_id = b.id and m.role = 'owner'))`

	teamOfferByLinkSQL = teamOffers + ` and i.hash = $1`
	teamOfferByIDSQL   = teamOffers + ` and i.id = $1`
)

// composeTeam makes the link of an invitation's letter; nil: it is not open any more.
func (a *Auth) composeTeam(ctx context.Context, letter *Letter) (*Letter, error) {
	if letter.About.Team == nil {
		return nil, nil
	}
	now := a.Now().UTC()
	offer, err := pg.One[TeamOffer](ctx, a.DB, teamOfferByIDSQL, *letter.About.Team, now)
	if err == nil {
		token, hash := newSecret()
		letter.Token, letter.Team = token, &offer
		_, err = pg.One[TeamInvitation](ctx, a.DB, linkTeamSQL, offer.ID, hash, now)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("make link of invitation %s: %w", *letter.About.Team, err)
	}
	return letter, nil
}

// InvitedToTeam says what a link invites to, without using it up. It fails with
// NotFound when the link is unknown, used, taken back or too old, who invited
// owns the application no longer, or an account is locked out.
func (a *Auth) InvitedToTeam(ctx context.Context, token string) (TeamOffer, error) {
	return a.teamOffer(ctx, a.DB, token)
}

func (a *Auth) teamOffer(ctx context.Context, db pg.DB, token string) (TeamOffer, error) {
	offer, err := pg.One[TeamOffer](ctx, db, teamOfferByLinkSQL, hashSecret(token), a.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return offer, invitationUnknown()
	} else if err != nil {
		return offer, fmt.Errorf("find invitation to a team: %w", err)
	}
	offer.State = InvitationWaiting
	return offer, nil
}

const (
	joinTeamSQL = `
insert into auth.application_member (application_id, person_id, role, added_by, added_at) values ($1, $2, $3, $4, $5)
on conflict on constraint application_member_key do update set role = excluded.role where excluded.role = 'owner'`
	shareSQL = `update auth.application set shared = true where id = $1 and not shared`
)

// JoinTeam gives the place to the person of the address, who has shown by the
// link that it is theirs; where it has no account it makes one of that name
// and password. With a transfer they become owner and who invited leaves. It
// signs nobody in. It fails with NotFound as InvitedToTeam does, and Invalid
// when name or password are needed and not good enough, which leaves the link
// unused.
func (a *Auth) JoinTeam(ctx context.Context, token, name, password string) (Application, error) {
	offer, err := a.InvitedToTeam(ctx, token)
	if err != nil {
		return Application{}, err
	}
	stored, newcomer := "", Invitation{Email: offer.Email, Name: name, Locale: offer.Locale}
	if !offer.Known {
		p, wrong := NewPerson{Email: offer.Email, Name: name, Locale: offer.Locale}.tidy()
		if err := asError(wrong); err != nil {
			return Application{}, err
		}
		newcomer.Name = p.Name
		if stored, err = a.newPassword(ctx, password, Person{Email: p.Email, Name: p.Name}); err != nil {
			return Application{}, err
		}
	}
	var app Application
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if app, err = readApplication(ctx, tx, lockApplicationSQL, offer.Application); err != nil {
			return err
		}
		if offer, err = a.teamOffer(ctx, tx, token); err != nil {
			return err // somebody was quicker
		}
		p, err := a.invitee(ctx, tx, newcomer, stored)
		if err != nil {
			return err
		}
		if app.Role, err = roleOn(ctx, tx, Principal{Person: p.ID}, app); err != nil {
			return err
		}
		app, err = a.join(ctx, tx, app, offer, p)
		return err
	})
	return app, err
}

// join is JoinTeam on the locked application.
func (a *Auth) join(ctx context.Context, tx pgx.Tx, app Application, offer TeamOffer, p Person) (Application, error) {
	done, err := tx.Exec(ctx, dropTeamSQL, offer.ID)
	if err != nil {
		return app, fmt.Errorf("take up invitation %s: %w", offer.ID, err)
	}
	if done.RowsAffected() == 0 {
		return app, invitationUnknown() // declined at this moment
	}
	if _, err := tx.Exec(ctx, shareSQL, app.ID); err != nil {
		return app, fmt.Errorf("share application %s: %w", app.ID, err)
	}
	n := TeamNotice{What: TeamJoined, Application: app.ID, Name: app.Name, Person: p.ID, PersonName: p.Name, Role: offer.Role}
	verb, from := "application.team-join", *offer.InvitedBy
	if offer.Role == TeamTransfer {
		n.What, n.Role, verb, n.People = TeamTransferred, TeamOwner, "application.transfer", []uuid.UUID{from}
		if *app.OwnerPerson == from {
			if app, err = a.makeFirst(ctx, tx, app.ID, p.ID); err != nil {
				return app, err
			}
		}
		for _, sql := range []string{removeFromTeamSQL, dropSentBySQL} {
			if _, err := tx.Exec(ctx, sql, app.ID, from); err != nil {
				return app, fmt.Errorf("take person %s out of the team of %s: %w", from, app.ID, err)
			}
		}
	}
	if *app.OwnerPerson != p.ID {
		if _, err := tx.Exec(ctx, joinTeamSQL, app.ID, p.ID, n.Role, from, a.Now().UTC()); err != nil {
			return app, fmt.Errorf("add person %s to the team of %s: %w", p.ID, app.ID, err)
		}
	}
	if err := pg.Notify(ctx, tx, "gateway", "credential"); err != nil {
		return app, err
	}
	if err := a.tellTeam(ctx, tx, n, p.ID, ""); err != nil {
		return app, err
	}
	return app, a.Record(ctx, tx, Act{Who: Principal{Person: p.ID, Name: p.Name}, Verb: verb, About: app.ID,
		Detail: map[string]any{"invitation": offer.ID, "role": n.Role, "by": from}})
}

// DeclineTeam ends an invitation by its link; the owners are told. It fails
// with NotFound as InvitedToTeam does.
func (a *Auth) DeclineTeam(ctx context.Context, token string) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		offer, err := a.teamOffer(ctx, tx, token)
		if err != nil {
			return err
		}
		done, err := tx.Exec(ctx, dropTeamSQL, offer.ID)
		if err != nil {
			return fmt.Errorf("decline invitation %s: %w", offer.ID, err)
		}
		if done.RowsAffected() == 0 {
			return invitationUnknown()
		}
		told := TeamNotice{What: TeamDeclined, Application: offer.Application, Name: offer.Name, Role: offer.Role}
		if err := a.tellTeam(ctx, tx, told, uuid.Nil, TeamOwner); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: Principal{Name: "letter"}, Verb: "application.team-decline", About: offer.Application,
			Detail: map[string]any{"invitation": offer.ID, "role": offer.Role}})
	})
}
