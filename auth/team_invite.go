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

// LetterTeam is the kind of a letter that invites to a team.
const LetterTeam = "team"

const teamInvitationLasts = 7 * 24 * time.Hour

// TeamInvitation is a place in a team that somebody was invited to and has not
// taken yet.
type TeamInvitation struct {
	ID          uuid.UUID  `json:"id"`
	Application uuid.UUID  `json:"application"`
	Role        string     `json:"role"` // owner, developer; transfer: owner in the place of who invites
	Email       string     `json:"email"`
	Locale      string     `json:"locale"`     // of the letter: vi, en
	InvitedBy   *uuid.UUID `json:"invited_by"` // null: the account is gone
	SentAt      time.Time  `json:"sent_at"`
	ExpiresAt   time.Time  `json:"expires_at"`
	State       string     `json:"state" db:"-"` // waiting, expired
}

// NewTeamInvitation is who is to be invited to what.
type NewTeamInvitation struct {
	Role   string // TeamOwner, TeamDeveloper, TeamTransfer
	Email  string
	Locale string // vi, en; "" is vi
}

const (
	teamInvitationColumns = `id, application_id as application, role, email, locale, invited_by, sent_at, expires_at`

	addTeamInvitationSQL = `
insert into auth.team_invitation (id, application_id, role, email, locale, invited_by, sent_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning ` + teamInvitationColumns

	inTeamSQL = `
select exists (select from auth.person p join auth.application a on a.id = $1
                where p.email = $2 and (a.owner_person = p.id
                   or exists (select from auth.application_member m where m.application_id = a.id and m.person_id = p.id)))`

	teamSizeSQL = `
select 1 + (select count(*) from auth.application_member where application_id = $1)
         + (select count(*) from auth.team_invitation where application_id = $1 and role <> 'transfer')`

	teamLettersSQL = `select count(*) from auth.account_letter where kind = 'team' and about ->> 'by' = $1::text and asked_at > $2`
)

// InviteToTeam has a letter written with a link, good once and for a week, by
// which somebody joins the team of a person's application, or takes the
// inviter's own place; who has no account makes one by it. It fails with
// Unauthorized unless who is a person, NotFound and Forbidden as
// OwnsApplication does, Invalid with the fields that are wrong, Conflict when
// the application is disabled or an agency's, they are in the team or invited
// already, or it is full, and TooMany as askTeamLetter does.
func (a *Auth) InviteToTeam(ctx context.Context, who Principal, id uuid.UUID, n NewTeamInvitation) (TeamInvitation, error) {
	if who.Person == uuid.Nil {
		return TeamInvitation{}, signInFirst()
	}
	if err := secondFactorFirst(who); err != nil {
		return TeamInvitation{}, err
	}
	person, wrong := NewPerson{Email: n.Email, Name: "-", Locale: n.Locale}.tidy()
	if n.Role != TeamOwner && n.Role != TeamDeveloper && n.Role != TeamTransfer {
		wrong.Wrong("role", "team-role-unknown", "owner, developer or transfer")
	}
	var i TeamInvitation
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		app, err := lockFor(ctx, tx, who, id, TeamOwner)
		if err != nil {
			return err
		}
		if app.OwnerAgency != nil {
			return teamOfAgency(id)
		}
		if err := asError(wrong); err != nil {
			return err
		}
		if err := a.roomForOne(ctx, tx, id, person.Email); err != nil {
			return err
		}
		now := a.Now().UTC()
		i, err = pg.One[TeamInvitation](ctx, tx, addTeamInvitationSQL, uuid.Must(uuid.NewV7()), id, n.Role, person.Email, person.Locale,
			who.Person, now, now.Add(teamInvitationLasts))
		switch {
		case pg.IsUnique(err, "team_invitation_open_key"):
			return problem.Errorf(problem.Conflict, "the address is invited already").Coded("invited-already").
				Wrong("email", "invited-already", "send that invitation again, or take it back")
		case pg.IsUnique(err, "team_invitation_transfer_key"):
			return problem.Errorf(problem.Conflict, "the application is offered to somebody else already").Coded("transfer-waits").
				Wrong("email", "transfer-waits", "take that offer back first")
		case err != nil:
			return fmt.Errorf("add invitation to the team of %s: %w", id, err)
		}
		if err := a.askTeamLetter(ctx, tx, who, i); err != nil {
			return err
		}
		told := TeamNotice{What: TeamInvited, Application: id, Name: app.Name, Person: who.Person, PersonName: who.Name, Role: n.Role}
		if err := a.tellTeam(ctx, tx, told, who.Person, TeamOwner); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "application.team-invite", About: id, Detail: map[string]any{"invitation": i.ID, "role": i.Role}})
	})
	i.State = InvitationWaiting
	return i, err
}

// roomForOne is nil when one more may be invited to the team.
func (a *Auth) roomForOne(ctx context.Context, tx pgx.Tx, id uuid.UUID, email string) error {
	var in bool
	if err := tx.QueryRow(ctx, inTeamSQL, id, email).Scan(&in); err != nil {
		return fmt.Errorf("look for an address in the team of %s: %w", id, err)
	}
	if in {
		return problem.Errorf(problem.Conflict, "the person works on this application already").Coded("team-member-already").
			Wrong("email", "team-member-already", "change their role in the list instead")
	}
	var size int
	if err := tx.QueryRow(ctx, teamSizeSQL, id).Scan(&size); err != nil {
		return fmt.Errorf("count team of %s: %w", id, err)
	}
	if size >= maxTeam {
		return problem.Errorf(problem.Conflict, "%d work on this application or are invited", size).Coded("team-full", "max", fmt.Sprint(maxTeam))
	}
	return nil
}

// askTeamLetter has the letter of an invitation written. It fails with TooMany
// for who had too many written lately: anybody may invite any address, in words
// of their own.
func (a *Auth) askTeamLetter(ctx context.Context, tx pgx.Tx, who Principal, i TeamInvitation) error {
	var written int
	if err := tx.QueryRow(ctx, teamLettersSQL, who.Person, a.Now().UTC().Add(-letterMemory)).Scan(&written); err != nil {
		return fmt.Errorf("count letters of person %s: %w", who.Person, err)
	}
	if written >= maxTeamLetters {
		return problem.Errorf(problem.TooMany, "one person had %d letters written in an hour", written).
			Coded("team-invitations-many", "max", fmt.Sprint(maxTeamLetters)).Sends("Retry-After", "3600")
	}
	return a.askLetter(ctx, tx, Letter{Kind: LetterTeam, Email: i.Email, Name: i.Email, Locale: i.Locale, About: LetterAbout{Team: &i.ID, By: &who.Person}}, uuid.Nil)
}

const teamInvitationsSQL = `
select ` + teamInvitationColumns + ` from auth.team_invitation where application_id = $1 order by sent_at desc, id`

func (a *Auth) teamInvitations(ctx context.Context, id uuid.UUID) ([]TeamInvitation, error) {
	list, err := pg.All[TeamInvitation](ctx, a.DB, teamInvitationsSQL, id)
	if err != nil {
		return nil, fmt.Errorf("list invitations to the team of %s: %w", id, err)
	}
	for n := range list {
		list[n].State = InvitationWaiting
		if !list[n].ExpiresAt.After(a.Now()) {
			list[n].State = InvitationExpired
		}
	}
	return list, nil
}

const (
	teamInvitationSQL = `select ` + teamInvitationColumns + ` from auth.team_invitation where id = $1 and application_id = $2 for update`
	sendTeamSQL       = `update auth.team_invitation set sent_at = $2, expires_at = $3, hash = null where id = $1`
	dropTeamSQL       = `delete from auth.team_invitation where id = $1`
)

// openTeamInvitation is an invitation to the team of an application, which an
// owner changes. It fails as OwnsApplication does, and with NotFound.
func (a *Auth) openTeamInvitation(ctx context.Context, tx pgx.Tx, who Principal, application, id uuid.UUID) (TeamInvitation, error) {
	app, err := readApplication(ctx, tx, lockApplicationSQL, application)
	if err != nil {
		return TeamInvitation{}, err
	}
	if err := mayOn(ctx, tx, who, app, TeamOwner); err != nil {
		return TeamInvitation{}, err
	}
	i, err := pg.One[TeamInvitation](ctx, tx, teamInvitationSQL, id, application)
	if errors.Is(err, pgx.ErrNoRows) {
		return i, problem.Errorf(problem.NotFound, "no open invitation %s", id).Coded("invitation-unknown")
	} else if err != nil {
		return i, fmt.Errorf("lock invitation %s: %w", id, err)
	}
	i.State = InvitationWaiting
	return i, nil
}

// SendTeamInvitation has the letter written again, with another link; the one
// before ends. It fails with NotFound and Forbidden as OwnsApplication does,
// NotFound for an invitation that is not open, and TooMany within five minutes
// of the last letter and as askTeamLetter does.
func (a *Auth) SendTeamInvitation(ctx context.Context, who Principal, application, id uuid.UUID) (TeamInvitation, error) {
	var i TeamInvitation
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		if i, err = a.openTeamInvitation(ctx, tx, who, application, id); err != nil {
			return err
		}
		now := a.Now().UTC()
		if i.SentAt.Add(teamLetterPause).After(now) {
			return problem.Errorf(problem.TooMany, "the letter was sent a moment ago").Coded("invitation-just-sent").Sends("Retry-After", "300")
		}
		i.SentAt, i.ExpiresAt = now, now.Add(teamInvitationLasts)
		if _, err := tx.Exec(ctx, sendTeamSQL, id, i.SentAt, i.ExpiresAt); err != nil {
			return fmt.Errorf("send invitation %s: %w", id, err)
		}
		if err := a.askTeamLetter(ctx, tx, who, i); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "application.team-invite-again", About: application, Detail: map[string]any{"invitation": id, "role": i.Role}})
	})
	return i, err
}

// WithdrawTeamInvitation takes an invitation back: its link ends. It fails as
// SendTeamInvitation does.
func (a *Auth) WithdrawTeamInvitation(ctx context.Context, who Principal, application, id uuid.UUID) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		i, err := a.openTeamInvitation(ctx, tx, who, application, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, dropTeamSQL, id); err != nil {
			return fmt.Errorf("withdraw invitation %s: %w", id, err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "application.team-uninvite", About: application, Detail: map[string]any{"invitation": id, "role": i.Role}})
	})
}

const purgeTeamInvitationsSQL = `delete from auth.team_invitation where expires_at < $1`

// PurgeTeamInvitations forgets those that were over for three months.
func (a *Auth) PurgeTeamInvitations(ctx context.Context) error {
	if _, err := a.DB.Exec(ctx, purgeTeamInvitationsSQL, a.Now().UTC().AddDate(0, -3, 0)); err != nil {
		return fmt.Errorf("purge invitations to teams: %w", err)
	}
	return nil
}
