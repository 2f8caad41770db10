package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Member is a person in an agency.
type Member struct {
	Person uuid.UUID `json:"person"`
	Name   string    `json:"name"`
	Email  string    `json:"email"`
	Role   string    `json:"role"`
}

// editMembers asks whether who may change the members of agency: its steward,
// or for the whole platform (uuid.Nil) whoever may edit persons.
func (a *Auth) editMembers(ctx context.Context, who Principal, agency uuid.UUID) error {
	if agency == uuid.Nil {
		return a.May(ctx, who, "person.edit", uuid.Nil)
	}
	return a.May(ctx, who, "member.edit", agency)
}

const addMembershipSQL = `
insert into auth.membership (person_id, agency_id, role, created_at)
values ($1, nullif($2, '00000000-0000-0000-0000-000000000000'::uuid), $3, $4)
on conflict on constraint membership_key do nothing`

// AddMembership gives a person a role; one they have already is no error. It
// fails with Forbidden unless who may member.edit of the agency (person.edit
// for the whole platform), and with Invalid for a role that is not of an
// agency (publisher, steward) or of the platform (operator, auditor), or for
// an unknown person or agency.
func (a *Auth) AddMembership(ctx context.Context, who Principal, person uuid.UUID, m Membership) error {
	if err := a.editMembers(ctx, who, m.Agency); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, addMembershipSQL, person, m.Agency, m.Role, a.Now().UTC())
		switch {
		case pg.IsCheck(err, "membership_role"):
			return fieldsWrong().Wrong("role", "role-unknown", "publisher or steward of an agency, operator or auditor of the platform")
		case pg.IsForeign(err, "membership_person_fk"):
			return fieldsWrong().Wrong("person", "person-unknown", "no such person")
		case pg.IsForeign(err, "membership_agency_fk"):
			return fieldsWrong().Wrong("agency", "agency-unknown", "no such agency")
		case err != nil:
			return fmt.Errorf("add membership of person %s: %w", person, err)
		case done.RowsAffected() == 0:
			return nil
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "membership.add", Agency: m.Agency, About: person,
			Detail: map[string]any{"role": m.Role}})
	})
}

const removeMembershipSQL = `
delete from auth.membership
 where person_id = $1 and agency_id is not distinct from nullif($2, '00000000-0000-0000-0000-000000000000'::uuid) and role = $3`

// RemoveMembership takes a role back. It fails with Forbidden as AddMembership
// does, with NotFound when the person has not the role, and with Conflict for the
// last operator.
func (a *Auth) RemoveMembership(ctx context.Context, who Principal, person uuid.UUID, m Membership) error {
	if err := a.editMembers(ctx, who, m.Agency); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if m.Agency == uuid.Nil && m.Role == RoleOperator {
			if err := a.notTheLast(ctx, tx, person); err != nil {
				return err
			}
		}
		done, err := tx.Exec(ctx, removeMembershipSQL, person, m.Agency, m.Role)
		if err != nil {
			return fmt.Errorf("remove membership of person %s: %w", person, err)
		}
		if done.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "person %s is no %s here", person, m.Role).Coded("membership-unknown")
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "membership.remove", Agency: m.Agency, About: person,
			Detail: map[string]any{"role": m.Role}})
	})
}

const membershipsSQL = `
select coalesce(agency_id, '00000000-0000-0000-0000-000000000000'::uuid) as agency, role
  from auth.membership
 where person_id = $1
 order by agency, role`

// Memberships lists the roles of a person.
func (a *Auth) Memberships(ctx context.Context, person uuid.UUID) ([]Membership, error) {
	memberships, err := pg.All[Membership](ctx, a.DB, membershipsSQL, person)
	if err != nil {
		return nil, fmt.Errorf("list memberships of person %s: %w", person, err)
	}
	return memberships, nil
}

const membersSQL = `
select p.id as person, p.name, p.email, m.role
  from auth.membership m join auth.person p on p.id = m.person_id
 where m.agency_id is not distinct from nullif($1, '00000000-0000-0000-0000-000000000000'::uuid) and p.disabled_at is null
 order by p.name, m.role`

// Members lists the persons of an agency, or with uuid.Nil those of the whole
// platform, by name. It fails with Forbidden as AddMembership does.
func (a *Auth) Members(ctx context.Context, who Principal, agency uuid.UUID) ([]Member, error) {
	if err := a.editMembers(ctx, who, agency); err != nil {
		return nil, err
	}
	members, err := pg.All[Member](ctx, a.DB, membersSQL, agency)
	if err != nil {
		return nil, fmt.Errorf("list members of agency %s: %w", agency, err)
	}
	return members, nil
}

const holdersSQL = `
select m.person_id from auth.membership m join auth.person p on p.id = m.person_id
 where m.role = $1 and m.agency_id is not distinct from nullif($2, '00000000-0000-0000-0000-000000000000'::uuid) and p.disabled_at is null
 order by m.person_id`

// Holders are the persons who hold role in agency.
func (a *Auth) Holders(ctx context.Context, role string, agency uuid.UUID) ([]uuid.UUID, error) {
	rows, _ := a.DB.Query(ctx, holdersSQL, role, agency) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list %ss of agency %s: %w", role, agency, err)
	}
	return ids, nil
}
