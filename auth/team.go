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

// The roles of those who work on an application. Of an agency's, its
// publishers and stewards are the owners, and there is no team besides.
const (
	TeamOwner     = "owner"     // may do everything with it
	TeamDeveloper = "developer" // sees it and its use; makes, limits, rotates and revokes its keys

	TeamTransfer = "transfer" // of an invitation alone: to be owner in the place of who invites
)

const (
	maxTeam        = 20 // who works on an application, or is invited to
	maxTeamLetters = 20 // that one person has written in an hour, whatever became of the invitations
)

const teamRoleSQL = `select role from auth.application_member where application_id = $1 and person_id = $2`

// roleOn is what who is on an application: TeamOwner, TeamDeveloper, or ""
// for a stranger.
func roleOn(ctx context.Context, db pg.DB, who Principal, app Application) (string, error) {
	if app.OwnerAgency != nil {
		if speaksFor(who, *app.OwnerAgency) {
			return TeamOwner, nil
		}
		return "", nil
	}
	if who.Person == uuid.Nil {
		return "", nil
	}
	if who.Person == *app.OwnerPerson {
		return TeamOwner, nil
	}
	var role string
	err := db.QueryRow(ctx, teamRoleSQL, app.ID, who.Person).Scan(&role)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read role on application %s: %w", app.ID, err)
	}
	return role, nil
}

// mayOn is the one place that decides who reads or changes an application: nil
// for an owner, and for a developer where no more is needed. A developer is
// told that an owner is needed; to a stranger there is no such application.
func mayOn(ctx context.Context, db pg.DB, who Principal, app Application, need string) error {
	role, err := roleOn(ctx, db, who, app)
	switch {
	case err != nil:
		return err
	case role == TeamOwner || role == TeamDeveloper && need == TeamDeveloper:
		return nil
	case role == TeamDeveloper:
		return problem.Errorf(problem.Forbidden, "only an owner of application %s may", app.ID).Coded("team-owner-only")
	}
	return applicationUnknown(app.ID)
}

// OwnsApplication is nil when who owns the application: the person, another
// owner in the team, or a publisher or steward of the agency. A developer of
// the team gets Forbidden, everybody else NotFound, as if there were none.
func (a *Auth) OwnsApplication(ctx context.Context, who Principal, id uuid.UUID) error {
	app, err := a.Application(ctx, id)
	if err != nil {
		return err
	}
	return mayOn(ctx, a.DB, who, app, TeamOwner)
}

// WorksOn is nil when who owns the application or is a developer in its team.
// Else it is NotFound, as if there were none.
func (a *Auth) WorksOn(ctx context.Context, who Principal, id uuid.UUID) error {
	_, err := a.Worked(ctx, who, id)
	return err
}

// Worked is an application that who works on, with their Role. It fails with
// NotFound.
func (a *Auth) Worked(ctx context.Context, who Principal, id uuid.UUID) (Application, error) {
	app, err := a.Application(ctx, id)
	if err != nil {
		return Application{}, err
	}
	if app.Role, err = roleOn(ctx, a.DB, who, app); err != nil {
		return Application{}, err
	}
	if app.Role == "" {
		return Application{}, applicationUnknown(id)
	}
	return app, nil
}

// TeamMember is one of those who work on a person's application.
type TeamMember struct {
	Person uuid.UUID  `json:"person"`
	Name   string     `json:"name"`
	Email  string     `json:"email,omitempty"` // for owners to read
	Role   string     `json:"role"`            // owner, developer
	First  bool       `json:"first"`           // the owner whose account the application stands on
	Since  *time.Time `json:"since"`           // null: from the beginning, or since it was passed on to them
}

// Team is who works on an application, and who is invited to.
type Team struct {
	Members     []TeamMember     `json:"members"`
	Invitations []TeamInvitation `json:"invitations"` // for owners to read
}

const teamSQL = `
select p.id as person, p.name, p.email, 'owner' as role, true as first, null::timestamptz as since
  from auth.application a join auth.person p on p.id = a.owner_person
 where a.id = $1
union all
select p.id, p.name, p.email, m.role, false, m.added_at
  from auth.application_member m join auth.person p on p.id = m.person_id
 where m.application_id = $1
 order by first desc, role desc, since, name`

// Team is who works on an application; of an agency's nobody is listed, since
// its officials do. It fails with NotFound unless who works on it.
func (a *Auth) Team(ctx context.Context, who Principal, id uuid.UUID) (Team, error) {
	app, err := a.Worked(ctx, who, id)
	if err != nil {
		return Team{}, err
	}
	members, err := pg.All[TeamMember](ctx, a.DB, teamSQL, id)
	if err != nil {
		return Team{}, fmt.Errorf("list team of application %s: %w", id, err)
	}
	team := Team{Members: members, Invitations: []TeamInvitation{}}
	if app.Role == TeamOwner {
		team.Invitations, err = a.teamInvitations(ctx, id)
		return team, err
	}
	for n := range team.Members {
		team.Members[n].Email = ""
	}
	return team, nil
}

const teamsSQL = `
select application_id as application, person_id as person from auth.application_member where application_id = any($1) order by added_at, person_id`

// Teams are who works on applications beside their first owner, by application.
func (a *Auth) Teams(ctx context.Context, applications []uuid.UUID) (map[uuid.UUID][]uuid.UUID, error) {
	rows, err := pg.All[seatOf](ctx, a.DB, teamsSQL, applications)
	if err != nil {
		return nil, fmt.Errorf("list teams of %d applications: %w", len(applications), err)
	}
	teams := map[uuid.UUID][]uuid.UUID{}
	for _, row := range rows {
		teams[row.Application] = append(teams[row.Application], row.Person)
	}
	return teams, nil
}

// TeamSeat is one application that a person works on with others.
type TeamSeat struct {
	Application uuid.UUID `json:"application"`
	Name        string    `json:"name"`
	Role        string    `json:"role"`
	AddedAt     time.Time `json:"added_at"`
}

const teamSeatsSQL = `
select m.application_id as application, a.name, m.role, m.added_at
  from auth.application_member m join auth.application a on a.id = m.application_id
 where m.person_id = $1
 order by m.added_at, a.id`

// TeamNotice is what people are told of a team.
type TeamNotice struct {
	What        string      `json:"what"` // Team…
	Application uuid.UUID   `json:"application"`
	Name        string      `json:"name"`   // of the application
	Person      uuid.UUID   `json:"person"` // who it is about
	PersonName  string      `json:"person_name"`
	Role        string      `json:"role"` // owner, developer
	People      []uuid.UUID `json:"-"`    // who is told
}

// What is told of a team.
const (
	TeamInvited     = "invited"     // to the other owners
	TeamDeclined    = "declined"    // to the owners
	TeamJoined      = "joined"      // to the others
	TeamLeft        = "left"        // to the others: by themselves
	TeamRemoved     = "removed"     // to the others: by an owner
	TeamYouRemoved  = "you-removed" // to who was
	TeamRole        = "role"        // to everybody
	TeamTransferred = "transferred" // to everybody: an owner gave their place to another
	TeamPassed      = "passed"      // to everybody: the first owner left, or their account ended
	TeamToAgency    = "to-agency"   // to everybody: it is an agency's now, and the team over
)

const teamPeopleSQL = `
select owner_person from auth.application where id = $1 and owner_person is not null
union
select person_id from auth.application_member where application_id = $1 and ($3 = '' or role = $3)
except
select $2::uuid`

// TeamIn is who works on a person's application, read in a transaction; of an
// agency's, and of one that there is not, it is nobody.
func (a *Auth) TeamIn(ctx context.Context, tx pgx.Tx, application uuid.UUID) ([]uuid.UUID, error) {
	rows, _ := tx.Query(ctx, teamPeopleSQL, application, uuid.Nil, "") // the error comes back from Collect
	people, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list team of application %s: %w", application, err)
	}
	return people, nil
}

// tellTeam tells those who work on an application, all but one, of what was
// done; only is a role in the team, "" for both. A portal without notices
// tells nobody.
func (a *Auth) tellTeam(ctx context.Context, tx pgx.Tx, n TeamNotice, but uuid.UUID, only string) error {
	if a.TellTeam == nil {
		return nil
	}
	rows, _ := tx.Query(ctx, teamPeopleSQL, n.Application, but, only) // the error comes back from Collect
	people, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("list team of application %s: %w", n.Application, err)
	}
	if n.People = append(n.People, people...); len(n.People) == 0 {
		return nil
	}
	return a.TellTeam(ctx, tx, n)
}
