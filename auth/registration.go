package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Registering is what an application registers itself with.
type Registering struct {
	NewApplication                   // its Agency is not looked at: the token has an owner
	Keys           []json.RawMessage // JWKs, instead of JWKSURI
	Scopes         []string          // the only ones it may ask for
}

// Registered is an application that registered itself.
type Registered struct {
	Application
	Keys   []ApplicationKey
	Secret *Issued // with its secret, when one was made just now
	Token  string  // registration access token (lgsp_client_…, RFC 7592 §3)
}

func registrationRefused() error {
	return problem.Errorf(problem.Unauthorized, "the token is unknown, used up, revoked or expired").Coded("registration-refused")
}

// tokenOwner is for whom a registration token speaks, as far as that goes.
type tokenOwner struct {
	ID            uuid.UUID
	Hash          []byte // of what was presented
	PepperVersion int
	OwnerPerson   *uuid.UUID
	OwnerAgency   *uuid.UUID
	GrantTypes    []string
	Maker         uuid.UUID
	Name          string
}

// who is the maker of the token, in the one role that counts here.
func (t tokenOwner) who() Principal {
	who := Principal{Person: t.Maker, Name: t.Name}
	if t.OwnerAgency != nil {
		who.Memberships = []Membership{{Agency: *t.OwnerAgency, Role: RolePublisher}}
	}
	return who
}

// mayHave refuses a grant that the token does not name.
func (t tokenOwner) mayHave(grants []string) error {
	for _, grant := range grants {
		if !slices.Contains(t.GrantTypes, grant) {
			return fieldsWrong().Wrong("grant_types", "grant-not-given", "one of those that the registration token names", "grant", grant)
		}
	}
	return nil
}

// The maker of a token must still be let in, and speak for the agency.
const (
	makerStands = `
   and p.disabled_at is null
   and (t.owner_agency is null or exists (select from auth.membership m
        where m.person_id = t.created_by and m.agency_id = t.owner_agency and m.role in ('publisher', 'steward')))`
	useRegistrationTokenSQL = `
update auth.registration_token t
   set uses = uses + 1
  from auth.person p
 where t.lookup = $1 and t.revoked_at is null and t.expires_at > $2 and t.uses < t.max_uses and p.id = t.created_by` + makerStands + `
returning t.id, t.hash, t.pepper_version, t.owner_person, t.owner_agency, t.grant_types, t.created_by as maker, p.name`
	renewRegistrationTokenSQL = `
update auth.registration_token set hash = $2, pepper_version = $3 where id = $1 and pepper_version < $3`
	renewRegistrationSQL = `
update auth.registration set hash = $2, pepper_version = $3 where application_id = $1 and pepper_version < $3`
	keepRegistrationSQL = `
insert into auth.registration (application_id, token_id, lookup, hash, pepper_version)
values ($1, $2, $3, $4, $5)`
	limitScopesSQL = `
update auth.application set scopes = $2 where id = $1
returning ` + applicationColumns
)

// Register makes the application that the bearer of an initial access token
// asks for, and counts the token's use; all of it or nothing. It fails with
// Unauthorized (registration-refused), and Invalid with the fields that are wrong.
func (a *Auth) Register(ctx context.Context, token string, r Registering) (Registered, error) {
	key, err := ParseKey(token)
	if err != nil || key.Kind != KindRegistration {
		return Registered{}, registrationRefused()
	}
	var made Registered
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		t, err := pg.One[tokenOwner](ctx, tx, useRegistrationTokenSQL, key.Lookup, a.Now().UTC())
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("use registration token: %w", err)
		}
		if !key.Matches(a.Peppers, t.PepperVersion, t.Hash) {
			return registrationRefused()
		}
		if err := a.renew(ctx, tx, renewRegistrationTokenSQL, renewed{t.ID, key, t.PepperVersion}); err != nil {
			return err
		}
		made, err = a.within(tx).register(ctx, tx, t, r)
		return err
	})
	if err != nil {
		return Registered{}, err
	}
	return made, nil
}

// within is a whose methods take part in tx.
func (a *Auth) within(tx pgx.Tx) *Auth {
	return &Auth{DB: tx, Now: a.Now, Peppers: a.Peppers, Passwords: a.Passwords, May: a.May, Record: a.Record}
}

func (a *Auth) register(ctx context.Context, tx pgx.Tx, t tokenOwner, r Registering) (Registered, error) {
	if t.OwnerAgency != nil {
		r.Agency = *t.OwnerAgency
	}
	n, err := r.NewApplication.tidy()
	if err == nil {
		err = t.mayHave(n.GrantTypes)
	}
	if err != nil {
		return Registered{}, err
	}
	app, err := a.insertApplication(ctx, tx, t.OwnerPerson, t.OwnerAgency, n)
	if err != nil {
		return Registered{}, err
	}
	who, key := t.who(), NewKey(KindClient)
	made := Registered{Token: key.Secret()}
	if made.Application, err = pg.One[Application](ctx, tx, limitScopesSQL, app.ID, r.Scopes); err != nil {
		return Registered{}, fmt.Errorf("limit scopes of application %s: %w", app.ID, err)
	}
	if _, err := tx.Exec(ctx, keepRegistrationSQL, app.ID, t.ID, key.Lookup, key.Hash(a.Peppers.Key()), a.Peppers.Current()); err != nil {
		return Registered{}, fmt.Errorf("keep registration of application %s: %w", app.ID, err)
	}
	err = a.Record(ctx, tx, Act{Who: who, Verb: "application.register", Agency: agencyOf(app), About: app.ID,
		Detail: map[string]any{"kind": app.Kind, "registration_token": t.ID, "grant_types": app.GrantTypes}})
	if err != nil {
		return Registered{}, err
	}
	return a.equip(ctx, who, made, r.Keys)
}

// equip gives a registered application its keys, and a secret when it proves
// itself by one and has none.
func (a *Auth) equip(ctx context.Context, who Principal, made Registered, keys []json.RawMessage) (Registered, error) {
	if made.Kind == Public {
		return made, nil
	}
	var err error
	if made.JWKSURI == "" {
		if made.Keys, err = a.SetKeys(ctx, who, made.ID, keys); err != nil {
			return Registered{}, err
		}
	}
	if made.AuthMethod != SecretBasic {
		return made, nil
	}
	list, err := a.Credentials(ctx, who, made.ID)
	if err != nil {
		return Registered{}, err
	}
	for _, c := range list {
		if c.Kind == ClientSecret && c.RevokedAt == nil && c.ExpiresAt.After(a.Now()) {
			return made, nil
		}
	}
	issued, err := a.AddCredential(ctx, who, made.ID, NewCredential{Kind: ClientSecret})
	made.Secret = &issued
	return made, err
}

const registrationSQL = `
select t.id, r.hash, r.pepper_version, t.owner_person, t.owner_agency, t.grant_types, t.created_by as maker, p.name
  from auth.registration r
  join auth.application a on a.id = r.application_id
  join auth.registration_token t on t.id = r.token_id
  join auth.person p on p.id = t.created_by
 where r.lookup = $1 and r.application_id = $2 and a.disabled_at is null` + makerStands

// bearer is who manages an application with its registration access token, or
// Unauthorized.
func (a *Auth) bearer(ctx context.Context, application uuid.UUID, token string) (tokenOwner, error) {
	key, err := ParseKey(token)
	if err != nil || key.Kind != KindClient {
		return tokenOwner{}, registrationRefused()
	}
	t, err := pg.One[tokenOwner](ctx, a.DB, registrationSQL, key.Lookup, application)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return tokenOwner{}, fmt.Errorf("read registration of application %s: %w", application, err)
	}
	if !key.Matches(a.Peppers, t.PepperVersion, t.Hash) {
		return tokenOwner{}, registrationRefused()
	}
	return t, a.renew(ctx, a.DB, renewRegistrationSQL, renewed{application, key, t.PepperVersion})
}

// Registration is an application as it reads itself (RFC 7592 §2.1). Its
// secret is not known here. It fails with Unauthorized (registration-refused).
func (a *Auth) Registration(ctx context.Context, application uuid.UUID, token string) (Registered, error) {
	if _, err := a.bearer(ctx, application, token); err != nil {
		return Registered{}, err
	}
	app, err := a.Application(ctx, application)
	if err != nil {
		return Registered{}, err
	}
	keys, err := readKeys(ctx, a.DB, application)
	return Registered{Application: app, Keys: keys, Token: token}, err
}

// EditRegistration puts everything that an application says of itself in the
// place of what it said before (RFC 7592 §2.2). Secret and token stay as they
// are; one that begins to prove itself by a secret gets its first. It fails
// with Unauthorized (registration-refused), and Invalid with the fields that
// are wrong.
func (a *Auth) EditRegistration(ctx context.Context, application uuid.UUID, token string, r Registering) (Registered, error) {
	edited := Registered{Token: token}
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		inner := a.within(tx)
		t, err := inner.bearer(ctx, application, token)
		if err != nil {
			return err
		}
		app, err := inner.Application(ctx, application)
		if err != nil {
			return err
		}
		if r.Kind != app.Kind {
			return fieldsWrong().Wrong("token_endpoint_auth_method", "auth-method-unknown", "a way that this kind of application can prove itself")
		}
		if err := t.mayHave(r.GrantTypes); err != nil {
			return err
		}
		who := t.who()
		// What its owner has set, and no metadata names, stays.
		r.Description, r.Profile, r.LegacyAudience, r.RefreshGrace = app.Description, app.Profile, app.LegacyAudience, app.RefreshGrace
		if _, err := inner.EditApplication(ctx, who, application, r.NewApplication); err != nil {
			return err
		}
		if edited.Application, err = pg.One[Application](ctx, tx, limitScopesSQL, application, r.Scopes); err != nil {
			return fmt.Errorf("limit scopes of application %s: %w", application, err)
		}
		edited, err = inner.equip(ctx, who, edited, r.Keys)
		return err
	})
	if err != nil {
		return Registered{}, err
	}
	return edited, nil
}

// EndRegistration takes an application out of service at its own word (RFC
// 7592 §2.3). It fails with Unauthorized (registration-refused).
func (a *Auth) EndRegistration(ctx context.Context, application uuid.UUID, token string) error {
	t, err := a.bearer(ctx, application, token)
	if err != nil {
		return err
	}
	return a.DisableApplication(ctx, t.who(), application)
}
