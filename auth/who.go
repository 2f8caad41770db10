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

// personRow is what a principal is made of.
type personRow struct {
	ID   uuid.UUID
	Name string
	Demo bool
}

// asPerson is principalOf a person whose roles are looked up.
func (a *Auth) asPerson(ctx context.Context, p personRow, level string) (Principal, error) {
	memberships, err := a.Memberships(ctx, p.ID)
	if err != nil {
		return Principal{}, err
	}
	return principalOf(p, memberships, level), nil
}

// principalOf is the principal of a person who has proved level. The roles of an
// official count only at AAL2, so that a password that leaked opens none of
// them; the demonstration's officials are exempt.
func principalOf(p personRow, memberships []Membership, level string) Principal {
	who := Principal{Person: p.ID, Name: p.Name, Memberships: memberships, Level: level}
	if level != AAL2 && !p.Demo && len(memberships) > 0 {
		who.Memberships, who.Needs = []Membership{}, AAL2
	}
	return who
}

const personNameSQL = `
select id, name, demo from auth.person where id = $1 and disabled_at is null`

func (a *Auth) activePerson(ctx context.Context, person uuid.UUID) (personRow, error) {
	p, err := pg.One[personRow](ctx, a.DB, personNameSQL, person)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, problem.Errorf(problem.Unauthorized, "no person %s", person).Coded("person-unknown")
	} else if err != nil {
		return p, fmt.Errorf("find person %s: %w", person, err)
	}
	return p, nil
}

// WhoByProof is the principal of the person whom a token of ours names as its
// subject, and who had proved level then. It fails with Unauthorized when they
// are unknown or locked out.
func (a *Auth) WhoByProof(ctx context.Context, person uuid.UUID, level string) (Principal, error) {
	p, err := a.activePerson(ctx, person)
	if err != nil {
		return Principal{}, err
	}
	return a.asPerson(ctx, p, level)
}

// WhoByPerson is a person with all their roles, to look at: whoever acts comes
// from WhoBySession, WhoByToken or WhoByProof. It fails like WhoByProof.
func (a *Auth) WhoByPerson(ctx context.Context, person uuid.UUID) (Principal, error) {
	who, err := a.WhoByProof(ctx, person, AAL2)
	who.Level = ""
	return who, err
}

// secondFactorFirst is Forbidden for an official who has not shown a second
// factor: what they made now would keep their roles for longer than this proof.
func secondFactorFirst(who Principal) error {
	if who.Needs == "" {
		return nil
	}
	return problem.Errorf(problem.Forbidden, "an official's account needs two-step verification first").Coded("second-factor-first")
}

const callerSQL = `
select a.name, a.owner_person, a.owner_agency, a.shared
  from auth.application a left join auth.person p on p.id = a.owner_person
 where a.id = $1 and a.disabled_at is null and p.disabled_at is null`

// WhoByApplication is the principal of an application that acts by itself. An
// agency's application is a publisher there; a person's carries the person's
// publisher and auditor roles. One that others work on, or did, has no role:
// they know its keys, and would act by its owner's. To decide and to administer is for humans, so
// no application is ever steward or operator. It fails with Unauthorized when
// the application or its owner is unknown or disabled.
func (a *Auth) WhoByApplication(ctx context.Context, application uuid.UUID) (Principal, error) {
	type row struct {
		Name        string
		OwnerPerson *uuid.UUID
		OwnerAgency *uuid.UUID
		Shared      bool
	}
	app, err := pg.One[row](ctx, a.DB, callerSQL, application)
	if errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, problem.Errorf(problem.Unauthorized, "application %s is unknown or disabled", application).
			Coded("application-disabled")
	} else if err != nil {
		return Principal{}, fmt.Errorf("find application %s: %w", application, err)
	}
	who := Principal{Application: application, Name: app.Name}
	if app.Shared {
		return who, nil
	}
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
