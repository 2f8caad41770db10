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

// LetterInvitation is the kind of a letter that invites an official.
const LetterInvitation = "invitation"

const (
	invitationLasts = 7 * 24 * time.Hour
	invitationPause = 5 * time.Minute // between two letters of one invitation
)

// The states of an invitation.
const (
	InvitationWaiting = "waiting"
	InvitationExpired = "expired"
)

// Invitation is a role that somebody was invited to and has not taken up yet.
type Invitation struct {
	ID        uuid.UUID  `json:"id"`
	AgencyID  *uuid.UUID `json:"agency"` // null: the whole platform
	Role      string     `json:"role"`
	Email     string     `json:"email"`
	Name      string     `json:"name"`
	Locale    string     `json:"locale"`     // of the letter: vi, en
	InvitedBy *uuid.UUID `json:"invited_by"` // null: the command line, or the account is gone
	SentAt    time.Time  `json:"sent_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	State     string     `json:"state" db:"-"` // waiting, expired
}

// agency is the invitation's agency, uuid.Nil: the platform.
func (i Invitation) agency() uuid.UUID {
	if i.AgencyID == nil {
		return uuid.Nil
	}
	return *i.AgencyID
}

// NewInvitation is who is to be invited to what.
type NewInvitation struct {
	Agency uuid.UUID // uuid.Nil: the whole platform
	Role   string
	Email  string
	Name   string
	Locale string // vi, en; "" is vi
}

const (
	invitationColumns = `id, agency_id, role, email, name, locale, invited_by, sent_at, expires_at`

	addInvitationSQL = `
insert into auth.invitation (id, agency_id, role, email, name, locale, invited_by, created_at, sent_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
returning ` + invitationColumns

	holdsRoleSQL = `
select exists (select from auth.membership m join auth.person p on p.id = m.person_id
                where p.email = $1 and m.role = $2 and m.agency_id is not distinct from $3)`
)

// Invite has a letter written with a link, good once and for a week, by which
// somebody takes up a role; who has no account makes one by it. It fails with
// Forbidden as AddMembership does, NotFound for an unknown agency, Conflict
// when its service has ended, the person has the role, or is invited to it
// already, Invalid with the fields that are wrong, and TooMany.
func (a *Auth) Invite(ctx context.Context, who Principal, n NewInvitation) (Invitation, error) {
	if err := a.editMembers(ctx, who, n.Agency); err != nil {
		return Invitation{}, err
	}
	person, wrong := NewPerson{Email: n.Email, Name: n.Name, Locale: n.Locale}.tidy()
	if err := asError(wrong); err != nil {
		return Invitation{}, err
	}
	i := Invitation{ID: uuid.Must(uuid.NewV7()), Role: n.Role, Email: person.Email, Name: person.Name, Locale: person.Locale}
	if n.Agency != uuid.Nil {
		i.AgencyID = &n.Agency
	}
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if i.AgencyID != nil {
			if _, err := lockAgency(ctx, tx, n.Agency); err != nil {
				return err
			}
		}
		var has bool
		if err := tx.QueryRow(ctx, holdsRoleSQL, i.Email, i.Role, i.AgencyID).Scan(&has); err != nil {
			return fmt.Errorf("find whether %s is held: %w", i.Role, err)
		}
		if has {
			return problem.Errorf(problem.Conflict, "the person is %s here already", i.Role).Coded("role-held").
				Wrong("email", "role-held", "this person has the role already")
		}
		var by *uuid.UUID
		if who.Person != uuid.Nil {
			by = &who.Person
		}
		now := a.Now().UTC()
		var err error
		i, err = pg.One[Invitation](ctx, tx, addInvitationSQL, i.ID, i.AgencyID, i.Role, i.Email, i.Name, i.Locale, by, now, now.Add(invitationLasts))
		switch {
		case pg.IsCheck(err, "invitation_role"):
			return fieldsWrong().Wrong("role", "role-unknown", "publisher or steward of an agency, operator or auditor of the platform")
		case pg.IsUnique(err, "invitation_open_key"):
			return problem.Errorf(problem.Conflict, "the person is invited to this already").Coded("invited-already").
				Wrong("email", "invited-already", "send that invitation again, or take it back")
		case err != nil:
			return fmt.Errorf("add invitation: %w", err)
		}
		if err := a.askInvitation(ctx, tx, i); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "invitation.create", Agency: n.Agency, About: i.ID, Detail: map[string]any{"role": i.Role}})
	})
	i.State = InvitationWaiting
	return i, err
}

func (a *Auth) askInvitation(ctx context.Context, tx pgx.Tx, i Invitation) error {
	return a.askLetter(ctx, tx, Letter{Kind: LetterInvitation, Email: i.Email, Name: i.Name, Locale: i.Locale, About: LetterAbout{Invitation: &i.ID}}, uuid.Nil)
}

const listInvitationsSQL = `
select ` + invitationColumns + `
  from auth.invitation
 where agency_id is not distinct from nullif($1, '00000000-0000-0000-0000-000000000000'::uuid)
   and accepted_at is null and withdrawn_at is null
 order by sent_at desc, id`

// Invitations lists what is open of an agency, uuid.Nil: of the platform, the
// last sent first. It fails with Forbidden as AddMembership does.
func (a *Auth) Invitations(ctx context.Context, who Principal, agency uuid.UUID) ([]Invitation, error) {
	if err := a.editMembers(ctx, who, agency); err != nil {
		return nil, err
	}
	list, err := pg.All[Invitation](ctx, a.DB, listInvitationsSQL, agency)
	if err != nil {
		return nil, fmt.Errorf("list invitations of agency %s: %w", agency, err)
	}
	for n := range list {
		list[n].State = InvitationWaiting
		if !list[n].ExpiresAt.After(a.Now()) {
			list[n].State = InvitationExpired
		}
	}
	return list, nil
}

const openInvitationSQL = `
select ` + invitationColumns + ` from auth.invitation where id = $1 and accepted_at is null and withdrawn_at is null for update`

// openInvitation is an invitation that is to be changed, when who may. To who
// may not it is as if there were none.
func (a *Auth) openInvitation(ctx context.Context, tx pgx.Tx, who Principal, id uuid.UUID) (Invitation, error) {
	if !who.SignedIn() && len(who.Memberships) == 0 {
		return Invitation{}, signInFirst()
	}
	absent := problem.Errorf(problem.NotFound, "no open invitation %s", id).Coded("invitation-unknown")
	i, err := pg.One[Invitation](ctx, tx, openInvitationSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Invitation{}, absent
	} else if err != nil {
		return Invitation{}, fmt.Errorf("lock invitation %s: %w", id, err)
	}
	if err := a.editMembers(ctx, who, i.agency()); problem.Is(err, problem.Forbidden) {
		return Invitation{}, absent
	} else if err != nil {
		return Invitation{}, err
	}
	i.State = InvitationWaiting
	return i, nil
}

// The link of the letter before is dead from here on.
const sendInvitationSQL = `update auth.invitation set sent_at = $2, expires_at = $3, hash = null where id = $1`

// SendInvitation has the letter written again, with another link; the one
// before ends. It fails with NotFound for an invitation that is not open, or
// not who's to send, and with TooMany within five minutes of the last letter.
func (a *Auth) SendInvitation(ctx context.Context, who Principal, id uuid.UUID) (Invitation, error) {
	var i Invitation
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		if i, err = a.openInvitation(ctx, tx, who, id); err != nil {
			return err
		}
		now := a.Now().UTC()
		if wait := i.SentAt.Add(invitationPause).Sub(now); wait > 0 {
			return problem.Errorf(problem.TooMany, "the letter was sent a moment ago").Coded("invitation-just-sent").Sends("Retry-After", "300")
		}
		i.SentAt, i.ExpiresAt = now, now.Add(invitationLasts)
		if _, err := tx.Exec(ctx, sendInvitationSQL, id, i.SentAt, i.ExpiresAt); err != nil {
			return fmt.Errorf("send invitation %s: %w", id, err)
		}
		if err := a.askInvitation(ctx, tx, i); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "invitation.send", Agency: i.agency(), About: id, Detail: map[string]any{"role": i.Role}})
	})
	return i, err
}

const purgeInvitationsSQL = `
delete from auth.invitation where least(accepted_at, withdrawn_at, expires_at) < $1`

// PurgeInvitations forgets those that were over for three months.
func (a *Auth) PurgeInvitations(ctx context.Context) error {
	if _, err := a.DB.Exec(ctx, purgeInvitationsSQL, a.Now().UTC().AddDate(0, -3, 0)); err != nil {
		return fmt.Errorf("purge invitations: %w", err)
	}
	return nil
}

const withdrawInvitationSQL = `update auth.invitation set withdrawn_at = $2, hash = null where id = $1`

// WithdrawInvitation takes an invitation back. It fails as SendInvitation does.
func (a *Auth) WithdrawInvitation(ctx context.Context, who Principal, id uuid.UUID) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		i, err := a.openInvitation(ctx, tx, who, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, withdrawInvitationSQL, id, a.Now().UTC()); err != nil {
			return fmt.Errorf("withdraw invitation %s: %w", id, err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "invitation.withdraw", Agency: i.agency(), About: id, Detail: map[string]any{"role": i.Role}})
	})
}
