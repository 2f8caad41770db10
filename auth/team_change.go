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

func notInTeam(person uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "person %s does not work on this application", person).Coded("team-member-unknown")
}

func lastOwner() error {
	return problem.Errorf(problem.Conflict, "nobody else owns the application; make another owner first, or take it out of service").Coded("last-owner")
}

const (
	setTeamRoleSQL    = `update auth.application_member set role = $3 where application_id = $1 and person_id = $2 and role <> $3`
	removeFromTeamSQL = `delete from auth.application_member where application_id = $1 and person_id = $2`
	dropSentBySQL     = `delete from auth.team_invitation where application_id = $1 and invited_by = $2`
	teamNameSQL       = `select name from auth.person where id = $1`
)

// teamOf locks an application whose team who changes, and tells what person is
// in it. It fails as lockFor does, with NotFound for who is not in the team,
// and Conflict for an agency's application.
func (a *Auth) teamOf(ctx context.Context, tx pgx.Tx, who Principal, id, person uuid.UUID) (Application, TeamNotice, error) {
	need := TeamOwner
	if who.Person == person && person != uuid.Nil {
		need = TeamDeveloper // leaving is everybody's own
	}
	app, err := readApplication(ctx, tx, lockApplicationSQL, id)
	if err != nil {
		return app, TeamNotice{}, err
	}
	if err := mayOn(ctx, tx, who, app, need); err != nil {
		return app, TeamNotice{}, err
	}
	if app.OwnerAgency != nil {
		return app, TeamNotice{}, teamOfAgency(id)
	}
	n := TeamNotice{Application: id, Name: app.Name, Person: person}
	if n.Role, err = roleOn(ctx, tx, Principal{Person: person}, app); err != nil {
		return app, n, err
	}
	if n.Role == "" {
		return app, n, notInTeam(person)
	}
	if err := tx.QueryRow(ctx, teamNameSQL, person).Scan(&n.PersonName); err != nil {
		return app, n, fmt.Errorf("read name of person %s: %w", person, err)
	}
	return app, n, nil
}

func teamOfAgency(id uuid.UUID) error {
	return problem.Errorf(problem.Conflict, "application %s is an agency's: its publishers and stewards work on it", id).Coded("application-of-agency")
}

// SetTeamRole makes somebody in the team owner or developer; what is so
// already changes nothing. It fails with NotFound and Forbidden as
// OwnsApplication does, NotFound for who is not in the team, Invalid for
// another role, and Conflict (last-owner) where nobody would own it.
func (a *Auth) SetTeamRole(ctx context.Context, who Principal, id, person uuid.UUID, role string) error {
	if role != TeamOwner && role != TeamDeveloper {
		return fieldsWrong().Wrong("role", "team-role-unknown", "owner or developer")
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		app, n, err := a.teamOf(ctx, tx, who, id, person)
		if err != nil {
			return err
		}
		if n.Role == role {
			return nil
		}
		if err := mayOn(ctx, tx, who, app, TeamOwner); err != nil { // of themselves too
			return err
		}
		if *app.OwnerPerson == person {
			if err := a.replaceFirst(ctx, tx, app); err != nil {
				return err
			}
			if err := a.stayInTeam(ctx, tx, id, person); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, setTeamRoleSQL, id, person, role); err != nil {
			return fmt.Errorf("set role of person %s on application %s: %w", person, id, err)
		}
		if role == TeamDeveloper {
			if _, err := tx.Exec(ctx, dropSentBySQL, id, person); err != nil {
				return fmt.Errorf("take back invitations of person %s: %w", person, err)
			}
		}
		n.What, n.Role = TeamRole, role
		if err := a.tellTeam(ctx, tx, n, who.Person, ""); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "application.team-role", About: id, Detail: map[string]any{"person": person, "role": role}})
	})
}

// LeaveTeam takes somebody out of the team: an owner anybody, everybody
// themselves. What they invited to is taken back. Keys that they know go on:
// rotating them is for those who stay. It fails as SetTeamRole does.
func (a *Auth) LeaveTeam(ctx context.Context, who Principal, id, person uuid.UUID) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		app, n, err := a.teamOf(ctx, tx, who, id, person)
		if err != nil {
			return err
		}
		if *app.OwnerPerson == person {
			if err := a.replaceFirst(ctx, tx, app); err != nil {
				return err
			}
		}
		for _, sql := range []string{removeFromTeamSQL, dropSentBySQL} {
			if _, err := tx.Exec(ctx, sql, id, person); err != nil {
				return fmt.Errorf("take person %s out of the team of %s: %w", person, id, err)
			}
		}
		n.What = TeamLeft
		verb := "application.team-leave"
		if who.Person != person {
			n.What, verb = TeamRemoved, "application.team-remove"
			if a.TellTeam != nil {
				told := n
				told.What, told.People = TeamYouRemoved, []uuid.UUID{person}
				if err := a.TellTeam(ctx, tx, told); err != nil {
					return err
				}
			}
		}
		if err := a.tellTeam(ctx, tx, n, who.Person, ""); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: verb, About: id, Detail: map[string]any{"person": person, "role": n.Role}})
	})
}

const (
	// Whoever is being locked out or deleted at this moment is passed over.
	heirsSQL = `
select a.id as application, h.person_id as person
  from auth.application a
  join lateral (
    select m.person_id from auth.application_member m join auth.person p on p.id = m.person_id and p.disabled_at is null
     where m.application_id = a.id and m.role = 'owner'
     order by m.added_at, m.person_id limit 1 for share of p skip locked) h on true
 where a.owner_person = $1 and ($2::uuid is null or a.id = $2)
   for update of a`
	setFirstSQL     = `update auth.application set owner_person = $2, owner_agency = null where id = $1 returning ` + applicationColumns
	stayInTeamSQL   = `insert into auth.application_member (application_id, person_id, role, added_at) values ($1, $2, 'owner', $3)`
	leaveAllTeamSQL = `delete from auth.application_member where person_id = $1`
	dropSentAllSQL  = `delete from auth.team_invitation where invited_by = $1 or email = $2`
)

// seatOf is a person on an application.
type seatOf struct {
	Application uuid.UUID
	Person      uuid.UUID
}

// replaceFirst makes the owner who is longest in the team the first in the place
// of who is. It fails with Conflict (last-owner) where there is no other.
func (a *Auth) replaceFirst(ctx context.Context, tx pgx.Tx, app Application) error {
	h, err := pg.One[seatOf](ctx, tx, heirsSQL, *app.OwnerPerson, app.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return lastOwner()
	} else if err != nil {
		return fmt.Errorf("find the next owner of application %s: %w", app.ID, err)
	}
	_, err = a.makeFirst(ctx, tx, app.ID, h.Person)
	return err
}

// stayInTeam keeps who was the first owner an owner beside the next.
func (a *Auth) stayInTeam(ctx context.Context, tx pgx.Tx, application, person uuid.UUID) error {
	if _, err := tx.Exec(ctx, stayInTeamSQL, application, person, a.Now().UTC()); err != nil {
		return fmt.Errorf("keep person %s in the team of %s: %w", person, application, err)
	}
	return nil
}

// makeFirst gives an application to a person, and tells gateways and the other
// rooms whose it is.
func (a *Auth) makeFirst(ctx context.Context, tx pgx.Tx, application, person uuid.UUID) (Application, error) {
	app, err := pg.One[Application](ctx, tx, setFirstSQL, application, person)
	if err != nil {
		return app, fmt.Errorf("give application %s to person %s: %w", application, person, err)
	}
	if _, err := tx.Exec(ctx, removeFromTeamSQL, application, person); err != nil {
		return app, fmt.Errorf("take person %s from the list of %s: %w", person, application, err)
	}
	return app, a.ownerChanges(ctx, tx, app)
}

// ownerChanges tells gateways and the other rooms whose an application is.
func (a *Auth) ownerChanges(ctx context.Context, tx pgx.Tx, app Application) error {
	if a.OwnerChanges != nil {
		name, err := ownerName(ctx, tx, app)
		if err != nil {
			return err
		}
		if err := a.OwnerChanges(ctx, tx, app, name); err != nil {
			return err
		}
	}
	return pg.Notify(ctx, tx, "gateway", "credential")
}

const agencyNameSQL = `select name_vi from auth.agency where id = $1`

// ownerName is what who owns an application is called, read in the transaction.
func ownerName(ctx context.Context, tx pgx.Tx, app Application) (string, error) {
	if app.OwnerPerson != nil {
		return NameIn(ctx, tx, *app.OwnerPerson)
	}
	var name string
	if err := tx.QueryRow(ctx, agencyNameSQL, *app.OwnerAgency).Scan(&name); err != nil {
		return "", fmt.Errorf("read name of agency %s: %w", *app.OwnerAgency, err)
	}
	return name, nil
}

// passApplications gives what a person owns with others to the next owner, as
// their account ends, and tells which; what they own alone stays.
func (a *Auth) passApplications(ctx context.Context, tx pgx.Tx, who Principal, person uuid.UUID) ([]uuid.UUID, error) {
	heirs, err := pg.All[seatOf](ctx, tx, heirsSQL, person, nil)
	if err != nil {
		return nil, fmt.Errorf("find who follows person %s: %w", person, err)
	}
	var passed []uuid.UUID
	for _, h := range heirs {
		app, err := a.makeFirst(ctx, tx, h.Application, h.Person)
		if err != nil {
			return nil, err
		}
		passed = append(passed, app.ID)
		n := TeamNotice{What: TeamPassed, Application: app.ID, Name: app.Name, Person: h.Person, Role: TeamOwner}
		if err := tx.QueryRow(ctx, teamNameSQL, h.Person).Scan(&n.PersonName); err != nil {
			return nil, fmt.Errorf("read name of person %s: %w", h.Person, err)
		}
		if err := a.tellTeam(ctx, tx, n, person, ""); err != nil {
			return nil, err
		}
		err = a.Record(ctx, tx, Act{Who: who, Verb: "application.pass", About: app.ID, Detail: map[string]any{"from": person, "to": h.Person}})
		if err != nil {
			return nil, err
		}
	}
	return passed, nil
}

// leaveTeams takes who deletes their account out of every team, which is told,
// and takes back what they invited to.
func (a *Auth) leaveTeams(ctx context.Context, tx pgx.Tx, gone Principal, email string) error {
	seats, err := pg.All[TeamSeat](ctx, tx, teamSeatsSQL, gone.Person)
	if err != nil {
		return fmt.Errorf("list teams of person %s: %w", gone.Person, err)
	}
	if _, err := tx.Exec(ctx, leaveAllTeamSQL, gone.Person); err != nil {
		return fmt.Errorf("take person %s out of teams: %w", gone.Person, err)
	}
	if _, err := tx.Exec(ctx, dropSentAllSQL, gone.Person, email); err != nil {
		return fmt.Errorf("take back invitations of person %s: %w", gone.Person, err)
	}
	for _, s := range seats {
		n := TeamNotice{What: TeamLeft, Application: s.Application, Name: s.Name, Person: gone.Person, PersonName: gone.Name, Role: s.Role}
		if err := a.tellTeam(ctx, tx, n, gone.Person, ""); err != nil {
			return err
		}
		err := a.Record(ctx, tx, Act{Who: gone, Verb: "application.team-leave", About: s.Application,
			Detail: map[string]any{"person": gone.Person, "role": s.Role}})
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	teamRowsSQL        = `select person_id from auth.application_member where application_id = $1`
	endTeamSQL         = `delete from auth.application_member where application_id = $1`
	dropInvitationsSQL = `delete from auth.team_invitation where application_id = $1`
)

// endTeam ends the team of an application that an agency takes over, and tells
// those who were in it.
func (a *Auth) endTeam(ctx context.Context, tx pgx.Tx, app Application) error {
	rows, _ := tx.Query(ctx, teamRowsSQL, app.ID) // the error comes back from Collect
	people, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("list team of application %s: %w", app.ID, err)
	}
	for _, sql := range []string{endTeamSQL, dropInvitationsSQL} {
		if _, err := tx.Exec(ctx, sql, app.ID); err != nil {
			return fmt.Errorf("end team of application %s: %w", app.ID, err)
		}
	}
	if len(people) == 0 || a.TellTeam == nil {
		return nil
	}
	return a.TellTeam(ctx, tx, TeamNotice{What: TeamToAgency, Application: app.ID, Name: app.Name, People: people})
}

// teamLetterPause is between two letters of one invitation.
const teamLetterPause = 5 * time.Minute
