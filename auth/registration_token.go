package auth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// RegistrationToken is an initial access token (lgsp_reg_…, RFC 7591 §3):
// whoever holds it registers applications for its owner, MaxUses in all, until
// ExpiresAt, with GrantTypes and no others. It works for as long as the person
// who made it may make applications for the owner themselves. Exactly one of
// its owners is set.
type RegistrationToken struct {
	ID          uuid.UUID  `json:"id"`
	OwnerPerson *uuid.UUID `json:"owner_person"`
	OwnerAgency *uuid.UUID `json:"owner_agency"`
	Name        string     `json:"name"`
	Lookup      string     `json:"lookup"` // the 12 characters after the prefix
	Last4       string     `json:"last4"`
	GrantTypes  []string   `json:"grant_types"`
	MaxUses     int        `json:"max_uses"`
	Uses        int        `json:"uses"`
	CreatedBy   uuid.UUID  `json:"created_by"`
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   time.Time  `json:"expires_at"`
	RevokedAt   *time.Time `json:"revoked_at"`
}

// NewRegistrationToken is what one is made of.
type NewRegistrationToken struct {
	Agency     uuid.UUID // the owner; uuid.Nil: the person who asks
	Name       string
	GrantTypes []string
	MaxUses    int // 1 to 10,000; 0 is 1
	Days       int // 1 to 365; 0 is 7
}

const maxRegistrations = 10_000

const registrationTokenColumns = `
id, owner_person, owner_agency, name, lookup, last4, grant_types, max_uses, uses, created_by, created_at, expires_at, revoked_at`

const createRegistrationTokenSQL = `
insert into auth.registration_token (id, owner_person, owner_agency, name, lookup, hash, pepper_version, last4, grant_types, max_uses,
  created_by, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
returning ` + registrationTokenColumns

// CreateRegistrationToken makes an initial access token, whose text is shown
// once. It fails with Unauthorized unless who is a person, Forbidden unless
// who is publisher or steward of the owning agency, and Invalid with the
// fields that are wrong.
func (a *Auth) CreateRegistrationToken(ctx context.Context, who Principal, n NewRegistrationToken) (RegistrationToken, string, error) {
	if who.Person == uuid.Nil {
		return RegistrationToken{}, "", signInFirst()
	}
	if err := secondFactorFirst(who); err != nil {
		return RegistrationToken{}, "", err
	}
	var person, agency *uuid.UUID
	if n.Agency == uuid.Nil {
		person = &who.Person
	} else if agency = &n.Agency; !speaksFor(who, n.Agency) {
		return RegistrationToken{}, "", problem.Errorf(problem.Forbidden, "only a publisher or steward of the agency makes applications for it").
			Coded("not-of-agency")
	}
	n, err := n.tidy()
	if err != nil {
		return RegistrationToken{}, "", err
	}
	key, now := NewKey(KindRegistration), a.Now().UTC()
	var t RegistrationToken
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		t, err = pg.One[RegistrationToken](ctx, tx, createRegistrationTokenSQL, uuid.Must(uuid.NewV7()), person, agency, n.Name, key.Lookup,
			key.Hash(a.Peppers.Key()), a.Peppers.Current(), key.Last4, n.GrantTypes, n.MaxUses, who.Person, now, now.AddDate(0, 0, n.Days))
		if err != nil {
			return fmt.Errorf("create registration token: %w", err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "registration-token.create", Agency: n.Agency, About: t.ID, Detail: map[string]any{
			"lookup": t.Lookup, "grant_types": t.GrantTypes, "max_uses": t.MaxUses, "expires_at": t.ExpiresAt}})
	})
	if err != nil {
		return RegistrationToken{}, "", err
	}
	return t, key.Secret(), nil
}

func (n NewRegistrationToken) tidy() (NewRegistrationToken, error) {
	wrong := fieldsWrong()
	n.Name = checkName(wrong, "name", n.Name)
	if len(n.GrantTypes) == 0 {
		wrong.Wrong("grant_types", "grant-types-missing", "the grants that applications may register with it")
	}
	for _, grant := range n.GrantTypes {
		if !slices.Contains([]string{GrantCode, GrantRefresh, GrantClient, GrantDevice, GrantExchange}, grant) {
			wrong.Wrong("grant_types", "grant-type-unknown", "a grant of applications", "grant", grant)
			break
		}
	}
	if n.MaxUses == 0 {
		n.MaxUses = 1
	}
	if n.MaxUses < 1 || n.MaxUses > maxRegistrations {
		wrong.Wrong("max_uses", "max-uses-range", "from 1 to 10,000", "max", fmt.Sprint(maxRegistrations))
	}
	if n.Days == 0 {
		n.Days = 7
	}
	if n.Days < 1 || n.Days > 365 {
		wrong.Wrong("days", "lasts-range", "1 to 365", "max", "365")
	}
	return n, asError(wrong)
}

const registrationTokensSQL = `
select ` + registrationTokenColumns + `
  from auth.registration_token
 where (owner_person = $1 or owner_agency = any($2)) and ($3::uuid is null or id < $3)
 order by id desc
 limit $4`

// RegistrationTokens lists the initial access tokens of who, oneself or for an
// agency, newest first; next is "" at the end. It fails with Invalid for a
// cursor that is not ours.
func (a *Auth) RegistrationTokens(ctx context.Context, who Principal, page Page) ([]RegistrationToken, string, error) {
	var after *uuid.UUID
	if page.After != "" {
		id, err := uuid.Parse(page.After)
		if err != nil {
			return nil, "", problem.Errorf(problem.Invalid, "the cursor is not one of this list").Coded("cursor-wrong")
		}
		after = &id
	}
	agencies := []uuid.UUID{}
	for _, m := range who.Memberships {
		if m.Role == RolePublisher || m.Role == RoleSteward {
			agencies = append(agencies, m.Agency)
		}
	}
	list, err := pg.All[RegistrationToken](ctx, a.DB, registrationTokensSQL, who.Person, agencies, after, page.size()+1)
	if err != nil {
		return nil, "", fmt.Errorf("list registration tokens: %w", err)
	}
	list, next := cut(list, page.size(), func(t RegistrationToken) string { return t.ID.String() })
	return list, next, nil
}

const revokeRegistrationTokenSQL = `
update auth.registration_token
   set revoked_at = coalesce(revoked_at, $2)
 where id = $1 and (owner_person = $3 or owner_agency = any($4) or $5)
returning owner_agency`

// RevokeRegistrationToken ends an initial access token; the applications that
// were registered with it stay. It fails with NotFound unless who owns it or
// may person.edit.
func (a *Auth) RevokeRegistrationToken(ctx context.Context, who Principal, id uuid.UUID) error {
	agencies := []uuid.UUID{}
	for _, m := range who.Memberships {
		if m.Role == RolePublisher || m.Role == RoleSteward {
			agencies = append(agencies, m.Agency)
		}
	}
	any := a.May(ctx, who, "person.edit", uuid.Nil) == nil
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, revokeRegistrationTokenSQL, id, a.Now().UTC(), who.Person, agencies, any) // the error comes back from Collect
		owners, err := pgx.CollectRows(rows, pgx.RowTo[*uuid.UUID])
		if err != nil {
			return fmt.Errorf("revoke registration token %s: %w", id, err)
		}
		if len(owners) == 0 {
			return problem.Errorf(problem.NotFound, "no registration token %s", id).Coded("registration-token-unknown")
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "registration-token.revoke", Agency: agencyOf(Application{OwnerAgency: owners[0]}), About: id})
	})
}
