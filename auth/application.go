package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Application is a program that calls: an OAuth2 client, whose client_id is ID.
// Exactly one of its owners is set.
type Application struct {
	ID           uuid.UUID  `json:"id"`
	OwnerPerson  *uuid.UUID `json:"owner_person"`
	OwnerAgency  *uuid.UUID `json:"owner_agency"`
	Name         string     `json:"name"`
	Description  string     `json:"description"`
	Kind         string     `json:"kind"` // confidential, public
	RedirectURIs []string   `json:"redirect_uris"`
	CreatedAt    time.Time  `json:"created_at"`
	DisabledAt   *time.Time `json:"disabled_at"`

	ScopeLimit []string `json:"scope_limit" db:"scopes"` // the only scopes it may ask for, as it registered itself; null: all

	TokensNotBefore *time.Time `json:"tokens_not_before"` // its tokens that were made earlier are not believed; see RevokeEverything

	Shared bool   `json:"shared"`                // others work on it, or did: it acts with no roles of its owner
	Role   string `json:"role,omitempty" db:"-"` // of who asked, where it is known: TeamOwner, TeamDeveloper
	Protocol
}

// The kinds of application: one that can keep a secret, and one that cannot
// (a browser page, a phone; RFC 6749 §2.1).
const (
	Confidential = "confidential"
	Public       = "public"
)

// NewApplication is what an application is made of.
type NewApplication struct {
	Agency       uuid.UUID // the owner; uuid.Nil: the person who asks. Not changed by an edit
	Name         string
	Description  string
	Kind         string // Confidential, Public; "" is Confidential
	RedirectURIs []string
	Protocol
}

const applicationColumns = `
id, owner_person, owner_agency, name, description, kind, redirect_uris, created_at, disabled_at, scopes, tokens_not_before, shared, ` + protocolColumns

const createApplicationSQL = `
insert into auth.application (id, owner_person, owner_agency, name, description, kind, redirect_uris, created_at, ` + protocolColumns + `)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
returning ` + applicationColumns

// CreateApplication makes an application. A confidential one comes with an API
// key and, unless it proves itself in another way, a client secret, in this
// order, whose secrets are shown this once; a public one has neither. It fails with Unauthorized unless who is a person,
// Forbidden unless who is publisher or steward of the owning agency, and with
// Invalid and the fields that are wrong.
func (a *Auth) CreateApplication(ctx context.Context, who Principal, n NewApplication) (Application, []Issued, error) {
	if who.Person == uuid.Nil {
		return Application{}, nil, signInFirst()
	}
	if err := secondFactorFirst(who); err != nil {
		return Application{}, nil, err
	}
	var person, agency *uuid.UUID
	if n.Agency == uuid.Nil {
		person = &who.Person
	} else if agency = &n.Agency; !speaksFor(who, n.Agency) {
		return Application{}, nil, problem.Errorf(problem.Forbidden, "only a publisher or steward of the agency makes applications for it").
			Coded("not-of-agency")
	}
	n, err := n.tidy()
	if err != nil {
		return Application{}, nil, err
	}
	var app Application
	var issued []Issued
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if app, err = a.insertApplication(ctx, tx, person, agency, n); err != nil {
			return err
		}
		err := a.Record(ctx, tx, Act{Who: who, Verb: "application.create", Agency: n.Agency, About: app.ID,
			Detail: map[string]any{"kind": app.Kind}})
		if err != nil || app.Kind == Public {
			return err
		}
		kinds := []string{APIKey, ClientSecret}
		if app.AuthMethod != "" && app.AuthMethod != SecretBasic {
			kinds = kinds[:1] // a secret would open nothing
		}
		for _, kind := range kinds {
			one, err := a.issue(ctx, tx, who, app, NewCredential{Kind: kind})
			if err != nil {
				return err
			}
			issued = append(issued, one)
		}
		return nil
	})
	if err != nil {
		return Application{}, nil, err
	}
	return app, issued, nil
}

// insertApplication keeps an application whose fields are in order, for one of
// its owners.
func (a *Auth) insertApplication(ctx context.Context, tx pgx.Tx, person, agency *uuid.UUID, n NewApplication) (Application, error) {
	app, err := pg.One[Application](ctx, tx, createApplicationSQL, uuid.Must(uuid.NewV7()), person, agency,
		n.Name, n.Description, n.Kind, n.RedirectURIs, a.Now().UTC(), n.Profile, n.AuthMethod, n.GrantTypes, n.PushedOnly, n.DPoPBound,
		n.CertBound, n.CertSubjectDN, n.CertSANDNS, n.JWKSURI, n.LegacyAudience, n.RefreshGrace, n.LogoutURIs, n.BackchannelLogoutURI,
		n.IDTokenAlgorithm, n.ClientURI, n.PolicyURI, n.TermsURI)
	if err != nil {
		return Application{}, fmt.Errorf("create application: %w", err)
	}
	return app, nil
}

// tidy gives the same application with spaces put right and defaults filled
// in, or an Invalid problem with the fields that are wrong.
func (n NewApplication) tidy() (NewApplication, error) {
	wrong := fieldsWrong()
	n.Name = checkName(wrong, "name", n.Name)
	n.Description = strings.TrimSpace(n.Description)
	if utf8.RuneCountInString(n.Description) > 2000 {
		wrong.Wrong("description", "text-long", "at most 2000 characters", "max", "2000")
	} else if !utf8.ValidString(n.Description) || strings.ContainsRune(n.Description, 0) {
		wrong.Wrong("description", "text-unreadable", "it holds characters that cannot be shown")
	}
	if n.Kind == "" {
		n.Kind = Confidential
	}
	if n.Kind != Confidential && n.Kind != Public {
		wrong.Wrong("kind", "kind-unknown", "confidential or public")
	}
	if n.RedirectURIs == nil {
		n.RedirectURIs = []string{}
	}
	if len(n.RedirectURIs) > 10 {
		wrong.Wrong("redirect_uris", "redirect-many", "at most 10 addresses")
	}
	for _, uri := range n.RedirectURIs {
		if !redirectAllowed(uri, n.Kind) {
			wrong.Wrong("redirect_uris", "redirect-form",
				"an https address without fragment and user name; http only for this computer; a private scheme only for a public application", "uri", uri)
			break
		}
		if n.Profile == FAPI2 && !isHTTPS(uri) {
			wrong.Wrong("redirect_uris", "fapi-https", "with FAPI 2.0 an https address", "uri", uri)
			break
		}
	}
	n.Protocol = n.Protocol.tidy(wrong, n.Kind)
	if n.Kind == Confidential && n.Agency == uuid.Nil && slices.Contains(n.GrantTypes, GrantExchange) {
		wrong.Wrong("grant_types", "exchange-of-agency", "only an agency's application exchanges the tokens of officials")
	}
	return n, asError(wrong)
}

// redirectAllowed reports whether an application of a kind may be sent back to
// uri: https, http to the caller's own computer (RFC 8252 §7.3), or for a
// public one a private scheme with a dot (§7.1). No fragment (RFC 6749
// §3.1.2), no user name.
func redirectAllowed(uri, kind string) bool {
	if len(uri) > 2000 || strings.Contains(uri, "#") || !isASCII(uri) {
		return false
	}
	u, err := url.Parse(uri)
	if err != nil || u.User != nil {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Hostname() != ""
	case "http":
		host := u.Hostname()
		return host == "127.0.0.1" || host == "::1" || host == "localhost"
	}
	return kind == Public && strings.Contains(u.Scheme, ".") && (u.Opaque != "" || u.Path != "")
}

const applicationSQL = `
select ` + applicationColumns + `
  from auth.application
 where id = $1`

// Application is one application by id, whoever owns it. It fails with NotFound.
func (a *Auth) Application(ctx context.Context, id uuid.UUID) (Application, error) {
	return readApplication(ctx, a.DB, applicationSQL, id)
}

// Client is an application as the authorization server takes it: one whose
// owner is locked out is disabled too. It fails with NotFound.
func (a *Auth) Client(ctx context.Context, id uuid.UUID) (Application, error) {
	app, err := a.Application(ctx, id)
	if err != nil || app.OwnerPerson == nil || app.DisabledAt != nil {
		return app, err
	}
	people, err := a.Persons(ctx, []uuid.UUID{*app.OwnerPerson})
	app.DisabledAt = people[*app.OwnerPerson].DisabledAt
	return app, err
}

func readApplication(ctx context.Context, db pg.DB, sql string, id uuid.UUID) (Application, error) {
	app, err := pg.One[Application](ctx, db, sql, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Application{}, applicationUnknown(id)
	} else if err != nil {
		return Application{}, fmt.Errorf("read application %s: %w", id, err)
	}
	return app, nil
}

func applicationUnknown(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no application %s", id).Coded("application-unknown")
}

// speaksFor reports whether who acts for an agency in what it owns.
func speaksFor(who Principal, agency uuid.UUID) bool {
	return who.Has(RolePublisher, agency) || who.Has(RoleSteward, agency)
}

const applicationsSQL = `
select ` + applicationColumns + `
  from auth.application
 where (owner_person = $1 or owner_agency = any($2) or id in (select application_id from auth.application_member where person_id = $1))
   and ($3::uuid is null or id < $3)
 order by id desc
 limit $4`

// Applications lists what who works on, oneself, in a team or for an agency, newest first;
// next is "" at the end. It fails with Invalid for a cursor that is not ours.
func (a *Auth) Applications(ctx context.Context, who Principal, page Page) ([]Application, string, error) {
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
	apps, err := pg.All[Application](ctx, a.DB, applicationsSQL, who.Person, agencies, after, page.size()+1)
	if err != nil {
		return nil, "", fmt.Errorf("list applications: %w", err)
	}
	apps, next := cut(apps, page.size(), func(app Application) string { return app.ID.String() })
	return apps, next, nil
}

const applicationsByIDSQL = `
select ` + applicationColumns + `
  from auth.application
 where id = any($1)`

// ApplicationsByID gives the applications of these ids, by id; unknown ids are
// left out.
func (a *Auth) ApplicationsByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Application, error) {
	apps, err := pg.All[Application](ctx, a.DB, applicationsByIDSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d applications: %w", len(ids), err)
	}
	byID := make(map[uuid.UUID]Application, len(apps))
	for _, app := range apps {
		byID[app.ID] = app
	}
	return byID, nil
}

const editApplicationSQL = `
update auth.application
   set name = $2, description = $3, redirect_uris = $4, (` + protocolColumns + `) =
       ($5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
 where id = $1
returning ` + applicationColumns

// EditApplication changes name, description, redirect URIs and Protocol; owner
// and kind stay. A jwks_uri takes the place of the keys that were set. It fails as OwnsApplication does, and with
// Invalid and the fields that are wrong.
func (a *Auth) EditApplication(ctx context.Context, who Principal, id uuid.UUID, n NewApplication) (Application, error) {
	app, err := a.Application(ctx, id)
	if err != nil {
		return Application{}, err
	}
	if err := mayOn(ctx, a.DB, who, app, TeamOwner); err != nil {
		return Application{}, err
	}
	if err := secondFactorFirst(who); err != nil {
		return Application{}, err
	}
	n.Kind, n.Agency = app.Kind, agencyOf(app)
	if n, err = n.tidy(); err != nil {
		return Application{}, err
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		app, err = pg.One[Application](ctx, tx, editApplicationSQL, id, n.Name, n.Description, n.RedirectURIs, n.Profile, n.AuthMethod,
			n.GrantTypes, n.PushedOnly, n.DPoPBound, n.CertBound, n.CertSubjectDN, n.CertSANDNS, n.JWKSURI, n.LegacyAudience, n.RefreshGrace,
			n.LogoutURIs, n.BackchannelLogoutURI, n.IDTokenAlgorithm, n.ClientURI, n.PolicyURI, n.TermsURI)
		if err != nil {
			return fmt.Errorf("edit application %s: %w", id, err)
		}
		if app.JWKSURI != "" { // its keys stand in one place (RFC 7591 §2)
			if _, err := tx.Exec(ctx, dropKeysSQL, id); err != nil {
				return fmt.Errorf("drop keys of application %s: %w", id, err)
			}
		}
		if err := pg.Notify(ctx, tx, "gateway", "credential"); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "application.edit", Agency: agencyOf(app), About: id})
	})
	return app, err
}

// agencyOf is the agency that owns the application, or uuid.Nil.
func agencyOf(app Application) uuid.UUID {
	if app.OwnerAgency == nil {
		return uuid.Nil
	}
	return *app.OwnerAgency
}

// mayEnd is nil when who may take an application or credential out of service:
// an owner or developer as mayOn says, or whoever may edit persons.
func (a *Auth) mayEnd(ctx context.Context, who Principal, app Application, need string) error {
	err := mayOn(ctx, a.DB, who, app, need)
	if err != nil && a.May(ctx, who, "person.edit", uuid.Nil) == nil {
		return nil
	}
	return err
}

// applicationGoes tells the other rooms.
func (a *Auth) applicationGoes(ctx context.Context, tx pgx.Tx, who Principal, id uuid.UUID) error {
	if a.ApplicationGoes == nil {
		return nil
	}
	return a.ApplicationGoes(ctx, tx, who, id)
}

const disableApplicationSQL = `
update auth.application set disabled_at = $2 where id = $1 and disabled_at is null`

// DisableApplication takes an application out of service: its keys, secrets
// and tokens are refused. Disabling twice changes nothing. It fails with
// NotFound unless who owns it or may person.edit.
func (a *Auth) DisableApplication(ctx context.Context, who Principal, id uuid.UUID) error {
	app, err := a.Application(ctx, id)
	if err != nil {
		return err
	}
	if err := a.mayEnd(ctx, who, app, TeamOwner); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, disableApplicationSQL, id, a.Now().UTC())
		if err != nil {
			return fmt.Errorf("disable application %s: %w", id, err)
		}
		if done.RowsAffected() == 0 {
			return nil
		}
		if err := EndApplication(ctx, tx, a.Now().UTC(), id); err != nil {
			return err
		}
		if err := a.applicationGoes(ctx, tx, who, id); err != nil {
			return err
		}
		if err := pg.Notify(ctx, tx, "gateway", "credential"); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "application.disable", Agency: agencyOf(app), About: id})
	})
}
