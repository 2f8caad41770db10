package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The states of PersonFilter.
const (
	PersonActive   = "active"
	PersonOfficial = "official" // with a role
	PersonDisabled = "disabled"
)

// PersonFilter narrows FindPersons.
type PersonFilter struct {
	Query string // words of name and address; marks and case do not matter
	State string // active, official, disabled; "": all
	Page
}

// FoundPerson is a person with what an operator needs to know of how they sign
// in: counts, and nothing that opens anything.
type FoundPerson struct {
	Person
	Memberships []Membership `json:"memberships"`
	Sessions    int          `json:"sessions"` // that are open
	SeenAt      *time.Time   `json:"seen_at"`  // in the last of them; null: none is open
	App         bool         `json:"authenticator_app"`
	Passkeys    int          `json:"passkeys"`
	Codes       int          `json:"recovery_codes"` // that are left
	Identities  int          `json:"identities"`     // other providers that may sign them in
	Tokens      int          `json:"personal_tokens"`
	Apps        int          `json:"applications"` // of their own, in service
}

// Factored reports whether they have a second factor.
func (p FoundPerson) Factored() bool { return p.App || p.Passkeys > 0 }

// foundRow is a FoundPerson as it is stored.
type foundRow struct {
	Person
	Roles                                         []string // "agency role", " role" on the platform
	Sessions, Passkeys, Codes, Identities, Tokens int
	Apps                                          int
	App                                           bool
	SeenAt                                        *time.Time
}

const (
	personColumns = `
select p.id, p.email, p.name, p.locale, p.demo, p.created_at, p.disabled_at,
       array(select coalesce(m.agency_id::text, '') || ' ' || m.role from auth.membership m where m.person_id = p.id
              order by m.agency_id nulls first, m.role) as roles,
       (select count(*) from auth.session s where s.person_id = p.id and s.created_at > $1 and s.seen_at > $2)::int as sessions,
       (select max(s.seen_at) from auth.session s where s.person_id = p.id and s.created_at > $1 and s.seen_at > $2) as seen_at,
       exists (select from auth.totp f where f.person_id = p.id and f.confirmed_at is not null) as app,
       (select count(*) from auth.passkey k where k.person_id = p.id)::int as passkeys,
       (select count(*) from auth.recovery_code c where c.person_id = p.id)::int as codes,
       (select count(*) from auth.identity i where i.person_id = p.id)::int as identities,
       (select count(*) from auth.personal_token o where o.person_id = p.id and o.expires_at > $3)::int as tokens,
       (select count(*) from auth.application a where a.owner_person = p.id and a.disabled_at is null)::int as apps
  from auth.person p`
	findPersonsSQL = personColumns + `
 where p.email not like '%@deleted.invalid'
   and not exists (select from unnest($4::text[]) as w(word) where strpos(p.sought, w.word) = 0)
   and ($5 = '' or $5 = 'active' and p.disabled_at is null or $5 = 'disabled' and p.disabled_at is not null
        or $5 = 'official' and exists (select from auth.membership m where m.person_id = p.id))
   and ($6::uuid is null or (p.sought, p.id) > (select c.sought, c.id from auth.person c where c.id = $6))
 order by p.sought, p.id
 limit $7`
	foundPersonSQL = personColumns + `
 where p.id = $4 and p.email not like '%@deleted.invalid'`
)

// FindPersons lists people by name; next is "" at the end. It fails with
// Forbidden unless who may person.edit, and Invalid for a state or a cursor
// that is none. Who deleted their account is nobody any more.
func (a *Auth) FindPersons(ctx context.Context, who Principal, f PersonFilter) ([]FoundPerson, string, error) {
	if err := a.May(ctx, who, "person.edit", uuid.Nil); err != nil {
		return nil, "", err
	}
	switch f.State {
	case "", PersonActive, PersonOfficial, PersonDisabled:
	default:
		return nil, "", problem.Errorf(problem.Invalid, "state must be active, official or disabled").
			Coded("parameter-invalid", "parameter", "state", "type", "active, official, disabled")
	}
	var after *uuid.UUID
	if f.After != "" {
		id, err := uuid.Parse(f.After)
		if err != nil {
			return nil, "", problem.Errorf(problem.Invalid, "after is not a cursor that a page gave")
		}
		after = &id
	}
	now := a.Now().UTC()
	words := strings.Fields(plainLetters(f.Query))
	rows, err := pg.All[foundRow](ctx, a.DB, findPersonsSQL, now.Add(-sessionLast), now.Add(-sessionIdle), now, words, f.State, after, f.size()+1)
	if err != nil {
		return nil, "", fmt.Errorf("find persons: %w", err)
	}
	found := make([]FoundPerson, len(rows))
	for i, row := range rows {
		if found[i], err = row.found(); err != nil {
			return nil, "", err
		}
	}
	found, next := cut(found, f.size(), func(p FoundPerson) string { return p.ID.String() })
	return found, next, nil
}

// FoundPerson is one person as FindPersons gives them. It fails with Forbidden
// unless who may person.edit, and with NotFound.
func (a *Auth) FoundPerson(ctx context.Context, who Principal, id uuid.UUID) (FoundPerson, error) {
	if err := a.May(ctx, who, "person.edit", uuid.Nil); err != nil {
		return FoundPerson{}, err
	}
	now := a.Now().UTC()
	row, err := pg.One[foundRow](ctx, a.DB, foundPersonSQL, now.Add(-sessionLast), now.Add(-sessionIdle), now, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return FoundPerson{}, noPerson(id)
	} else if err != nil {
		return FoundPerson{}, fmt.Errorf("read person %s: %w", id, err)
	}
	return row.found()
}

func noPerson(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no person %s", id).Coded("person-unknown")
}

func (r foundRow) found() (FoundPerson, error) {
	p := FoundPerson{Person: r.Person, Sessions: r.Sessions, SeenAt: r.SeenAt, App: r.App, Passkeys: r.Passkeys, Codes: r.Codes,
		Identities: r.Identities, Tokens: r.Tokens, Apps: r.Apps}
	var err error
	p.Memberships, err = readRoles(r.Roles)
	if err != nil {
		return p, fmt.Errorf("read memberships of person %s: %w", p.ID, err)
	}
	return p, nil
}

// readRoles reads memberships written as "agency role", on the platform " role".
func readRoles(roles []string) ([]Membership, error) {
	memberships := make([]Membership, len(roles))
	for i, role := range roles {
		agency, name, _ := strings.Cut(role, " ")
		memberships[i].Role = name
		if agency == "" {
			continue
		}
		var err error
		if memberships[i].Agency, err = uuid.Parse(agency); err != nil {
			return nil, err
		}
	}
	return memberships, nil
}
