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

// asPerson is the principal of a person, with all that they are a member of.
func (a *Auth) asPerson(ctx context.Context, person uuid.UUID, name string) (Principal, error) {
	memberships, err := a.Memberships(ctx, person)
	if err != nil {
		return Principal{}, err
	}
	return Principal{Person: person, Name: name, Memberships: memberships}, nil
}

const personNameSQL = `
select name from auth.person where id = $1 and disabled_at is null`

// WhoByPerson is the principal of the person whom a token of ours names as
// its subject. It fails with Unauthorized when they are unknown or locked out.
func (a *Auth) WhoByPerson(ctx context.Context, person uuid.UUID) (Principal, error) {
	var name string
	err := a.DB.QueryRow(ctx, personNameSQL, person).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, problem.Errorf(problem.Unauthorized, "no person %s", person).Coded("person-unknown")
	} else if err != nil {
		return Principal{}, fmt.Errorf("find person %s: %w", person, err)
	}
	return a.asPerson(ctx, person, name)
}

const callerSQL = `
select a.name, a.owner_person, a.owner_agency
  from auth.application a left join auth.person p on p.id = a.owner_person
 where a.id = $1 and a.disabled_at is null and p.disabled_at is null`

// WhoByApplication is the principal of an application that acts by itself. An
// agency's application is a publisher there; a person's carries the person's
// publisher and auditor roles. To decide and to administer is for humans, so
// no application is ever steward or operator. It fails with Unauthorized when
// the application or its owner is unknown or disabled.
func (a *Auth) WhoByApplication(ctx context.Context, application uuid.UUID) (Principal, error) {
	type row struct {
		Name        string
		OwnerPerson *uuid.UUID
		OwnerAgency *uuid.UUID
	}
	app, err := pg.One[row](ctx, a.DB, callerSQL, application)
	if errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, problem.Errorf(problem.Unauthorized, "application %s is unknown or disabled", application).
			Coded("application-disabled")
	} else if err != nil {
		return Principal{}, fmt.Errorf("find application %s: %w", application, err)
	}
	who := Principal{Application: application, Name: app.Name}
	if app.OwnerAgency != nil {
		who.Memberships = []Membership{{Agency: *app.OwnerAgency, Role: RolePublisher}}
		return who, nil
	}
	memberships, err := a.Memberships(ctx, *app.OwnerPerson)
	if err != nil {
		return Principal{}, err
	}
	for _, m := range memberships {
		if m.Role == RolePublisher || m.Role == RoleAuditor {
			who.Memberships = append(who.Memberships, m)
		}
	}
	return who, nil
}
