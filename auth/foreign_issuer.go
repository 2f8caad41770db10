package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// ForeignIssuer is another authorization server, whose tokens versions may take
// (gateway.Traffic): it is asked whose they are (RFC 7662).
type ForeignIssuer struct {
	ID        uuid.UUID       `json:"id"`
	Name      string          `json:"name"`
	Issuer    string          `json:"issuer"`                                   // its identifier (RFC 8414 §2), as its answers name it
	URL       string          `json:"introspection_url" db:"introspection_url"` // https, or http to this machine
	ClientID  string          `json:"client_id"`                                // what the platform is to it
	Audience  string          `json:"audience"`                                 // what its tokens for the platform are for; "": it does not say, and any token of its is taken
	CreatedAt time.Time       `json:"created_at"`
	Clients   []ForeignClient `json:"clients" db:"-"`
}

// ForeignClient says which application here a client of an issuer is.
type ForeignClient struct {
	IssuerID    uuid.UUID `json:"-"`
	ClientID    string    `json:"client_id"` // there
	Application uuid.UUID `json:"application" db:"application_id"`
}

// NewForeignIssuer is what one is made of; ForeignIssuer says what each is.
type NewForeignIssuer struct {
	Name     string `json:"name"`
	Issuer   string `json:"issuer"`
	URL      string `json:"introspection_url"`
	ClientID string `json:"client_id"`
	Secret   string `json:"client_secret"` // sealed, and never shown again; "" in a change: as it was
	Audience string `json:"audience"`
}

// SealedForeignIssuer is an issuer as nodes load it.
type SealedForeignIssuer struct {
	ID          uuid.UUID
	Issuer      string
	URL         string `db:"introspection_url"`
	ClientID    string
	Audience    string
	Sealed      []byte
	SealVersion int
	Clients     map[string]uuid.UUID `db:"-"`
}

const (
	maxForeignIssuers = 50
	maxForeignClients = 1000 // of one issuer
	foreignEdit       = "foreign-issuer.edit"
)

const foreignIssuerColumns = `id, name, issuer, introspection_url, client_id, audience, created_at`

const foreignIssuersSQL = `select ` + foreignIssuerColumns + ` from auth.foreign_issuer order by id`

const foreignClientsSQL = `
select issuer_id, client_id, application_id from auth.foreign_client
 where $1::uuid is null or issuer_id = $1 order by issuer_id, client_id`

// ForeignIssuers lists the issuers that are believed. It fails with Forbidden
// unless who may foreign-issuer.edit.
func (a *Auth) ForeignIssuers(ctx context.Context, who Principal) ([]ForeignIssuer, error) {
	if err := a.May(ctx, who, foreignEdit, uuid.Nil); err != nil {
		return nil, err
	}
	list, err := pg.All[ForeignIssuer](ctx, a.DB, foreignIssuersSQL)
	if err != nil {
		return nil, fmt.Errorf("list foreign issuers: %w", err)
	}
	clients, err := pg.All[ForeignClient](ctx, a.DB, foreignClientsSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("list clients of foreign issuers: %w", err)
	}
	for i := range list {
		list[i].Clients = []ForeignClient{}
		for _, c := range clients {
			if c.IssuerID == list[i].ID {
				list[i].Clients = append(list[i].Clients, c)
			}
		}
	}
	return list, nil
}

const foreignIssuerSQL = `select ` + foreignIssuerColumns + ` from auth.foreign_issuer where id = $1`

// ForeignIssuer gives one issuer. It fails with Forbidden unless who may
// foreign-issuer.edit, and NotFound.
func (a *Auth) ForeignIssuer(ctx context.Context, who Principal, id uuid.UUID) (ForeignIssuer, error) {
	if err := a.May(ctx, who, foreignEdit, uuid.Nil); err != nil {
		return ForeignIssuer{}, err
	}
	i, err := pg.One[ForeignIssuer](ctx, a.DB, foreignIssuerSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return i, noForeignIssuer(id)
	} else if err != nil {
		return i, fmt.Errorf("read foreign issuer %s: %w", id, err)
	}
	if i.Clients, err = pg.All[ForeignClient](ctx, a.DB, foreignClientsSQL, id); err != nil {
		return i, fmt.Errorf("list clients of foreign issuer %s: %w", id, err)
	}
	return i, nil
}

// BelievedIssuer is an issuer whose tokens a version may take.
type BelievedIssuer struct{ Name, Issuer string }

const believedIssuersSQL = `select name, issuer from auth.foreign_issuer order by name, issuer`

// BelievedIssuers are those that operators set up, for agencies to choose from.
func (a *Auth) BelievedIssuers(ctx context.Context) ([]BelievedIssuer, error) {
	list, err := pg.All[BelievedIssuer](ctx, a.DB, believedIssuersSQL)
	if err != nil {
		return nil, fmt.Errorf("list foreign issuers: %w", err)
	}
	return list, nil
}

const (
	addForeignIssuerSQL = `
insert into auth.foreign_issuer (id, name, issuer, introspection_url, client_id, sealed, seal_version, audience, created_at)
select $1, $2, $3, $4, $5, $6, $7, $8, $9 where (select count(*) from auth.foreign_issuer) < $10
returning ` + foreignIssuerColumns
	editForeignIssuerSQL = `
update auth.foreign_issuer
   set name = $2, issuer = $3, introspection_url = $4, client_id = $5, audience = $6,
       sealed = coalesce($7, sealed), seal_version = coalesce($8, seal_version)
 where id = $1
returning ` + foreignIssuerColumns
)

// AddForeignIssuer believes another issuer. It fails with Forbidden unless who
// may foreign-issuer.edit, Invalid with the fields that are wrong, and Conflict
// when the issuer is there, or there are 50.
func (a *Auth) AddForeignIssuer(ctx context.Context, who Principal, n NewForeignIssuer) (ForeignIssuer, error) {
	if err := a.May(ctx, who, foreignEdit, uuid.Nil); err != nil {
		return ForeignIssuer{}, err
	}
	wrong := n.tidy()
	if n.Secret == "" {
		wrong.Wrong("client_secret", "foreign-secret-missing", "the secret of client_id there")
	}
	if err := asError(wrong); err != nil {
		return ForeignIssuer{}, err
	}
	id := uuid.Must(uuid.NewV7())
	sealed, version, err := a.Seals.Seal([]byte(n.Secret), id[:])
	if err != nil {
		return ForeignIssuer{}, fmt.Errorf("secret at foreign issuer: %w", err)
	}
	var made ForeignIssuer
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		made, err = pg.One[ForeignIssuer](ctx, tx, addForeignIssuerSQL, id, n.Name, n.Issuer, n.URL, n.ClientID, sealed, version, n.Audience,
			a.Now().UTC(), maxForeignIssuers)
		if errors.Is(err, pgx.ErrNoRows) {
			return problem.Errorf(problem.Conflict, "there are %d issuers already", maxForeignIssuers).Coded("foreign-issuers-many", "max", fmt.Sprint(maxForeignIssuers))
		}
		if err != nil {
			return foreignFault(err, n.Issuer)
		}
		return a.foreignChanged(ctx, tx, Act{Who: who, Verb: "foreign-issuer.add"}, made)
	})
	made.Clients = []ForeignClient{}
	return made, err
}

// EditForeignIssuer changes what is known of an issuer; its clients stay the
// applications that they are. It fails as AddForeignIssuer does, and with NotFound.
func (a *Auth) EditForeignIssuer(ctx context.Context, who Principal, id uuid.UUID, n NewForeignIssuer) (ForeignIssuer, error) {
	if err := a.May(ctx, who, foreignEdit, uuid.Nil); err != nil {
		return ForeignIssuer{}, err
	}
	if err := asError(n.tidy()); err != nil {
		return ForeignIssuer{}, err
	}
	var sealed []byte
	var version *int
	if n.Secret != "" {
		text, by, err := a.Seals.Seal([]byte(n.Secret), id[:])
		if err != nil {
			return ForeignIssuer{}, fmt.Errorf("secret at foreign issuer %s: %w", id, err)
		}
		sealed, version = text, &by
	}
	var made ForeignIssuer
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		made, err = pg.One[ForeignIssuer](ctx, tx, editForeignIssuerSQL, id, n.Name, n.Issuer, n.URL, n.ClientID, n.Audience, sealed, version)
		if errors.Is(err, pgx.ErrNoRows) {
			return noForeignIssuer(id)
		}
		if err != nil {
			return foreignFault(err, n.Issuer)
		}
		if err := a.foreignChanged(ctx, tx, Act{Who: who, Verb: "foreign-issuer.edit"}, made); err != nil {
			return err
		}
		made.Clients, err = pg.All[ForeignClient](ctx, tx, foreignClientsSQL, id)
		return err
	})
	return made, err
}

// foreignChanged tells the nodes that an issuer changed, and records it.
func (a *Auth) foreignChanged(ctx context.Context, tx pgx.Tx, act Act, i ForeignIssuer) error {
	if err := pg.Notify(ctx, tx, "gateway", "revoked"); err != nil {
		return err
	}
	act.About = i.ID
	act.Detail = map[string]any{"issuer": i.Issuer, "introspection_url": i.URL, "client_id": i.ClientID, "audience": i.Audience}
	return a.Record(ctx, tx, act)
}

// foreignFault says what a failed change of an issuer means.
func foreignFault(err error, identifier string) error {
	if pg.IsUnique(err, "foreign_issuer_issuer_key") {
		return problem.Errorf(problem.Conflict, "%s is there already", identifier).Coded("foreign-issuer-taken").
			Wrong("issuer", "foreign-issuer-taken", "is there already")
	}
	return fmt.Errorf("change foreign issuer %s: %w", identifier, err)
}

func noForeignIssuer(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no issuer %s", id).Coded("foreign-issuer-unknown")
}

// tidy puts what was typed into its one form, and says what of it is wrong.
func (n *NewForeignIssuer) tidy() *problem.Error {
	wrong := fieldsWrong()
	n.Name = checkName(wrong, "name", n.Name)
	n.Issuer, n.URL = strings.TrimSpace(n.Issuer), strings.TrimSpace(n.URL)
	for _, address := range []struct{ field, text string }{{"issuer", n.Issuer}, {"introspection_url", n.URL}} {
		if !secretSafe(address.text) {
			wrong.Wrong(address.field, "foreign-address", "an https address without user name, query and fragment", "uri", address.text)
		}
	}
	for _, text := range []struct {
		field, value string
		most         int
	}{{"client_id", n.ClientID, 200}, {"client_secret", n.Secret, 1000}, {"audience", n.Audience, 500}} {
		if len(text.value) > text.most || strings.ContainsFunc(text.value, func(r rune) bool { return r < ' ' || r > '~' }) ||
			text.field == "client_id" && text.value == "" {
			wrong.Wrong(text.field, "foreign-text", "visible ASCII characters", "max", fmt.Sprint(text.most))
		}
	}
	return wrong
}

// secretSafe reports whether a secret may be sent to an address: over TLS, or
// to this machine.
func secretSafe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || !fetchable(address) || u.RawQuery != "" || u.ForceQuery {
		return false
	}
	return u.Scheme == "https" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost"
}

const removeForeignIssuerSQL = `delete from auth.foreign_issuer where id = $1 returning ` + foreignIssuerColumns

// RemoveForeignIssuer believes an issuer no longer, within a second. It fails
// with Forbidden unless who may foreign-issuer.edit, and NotFound.
func (a *Auth) RemoveForeignIssuer(ctx context.Context, who Principal, id uuid.UUID) error {
	if err := a.May(ctx, who, foreignEdit, uuid.Nil); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		gone, err := pg.One[ForeignIssuer](ctx, tx, removeForeignIssuerSQL, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return noForeignIssuer(id)
		}
		if err != nil {
			return fmt.Errorf("remove foreign issuer %s: %w", id, err)
		}
		return a.foreignChanged(ctx, tx, Act{Who: who, Verb: "foreign-issuer.remove"}, gone)
	})
}

const (
	lockForeignIssuerSQL = `select ` + foreignIssuerColumns + ` from auth.foreign_issuer where id = $1 for update`
	setForeignClientSQL  = `
insert into auth.foreign_client (issuer_id, client_id, application_id, added_at)
select $1, $2, $3, $4 where (select count(*) from auth.foreign_client where issuer_id = $1 and client_id <> $2) < $5
on conflict (issuer_id, client_id) do update set application_id = excluded.application_id, added_at = excluded.added_at`
	endForeignClientSQL = `delete from auth.foreign_client where issuer_id = $1 and client_id = $2`
)

// SetForeignClient says which application here a client of an issuer is; with
// uuid.Nil, that it is none. In force within a second. It fails with Forbidden
// unless who may foreign-issuer.edit, NotFound for the issuer or the client,
// Invalid for the application, and Conflict when the issuer has 1000 clients.
func (a *Auth) SetForeignClient(ctx context.Context, who Principal, issuer uuid.UUID, c ForeignClient) error {
	if err := a.May(ctx, who, foreignEdit, uuid.Nil); err != nil {
		return err
	}
	wrong := fieldsWrong()
	if c.ClientID == "" || len(c.ClientID) > 200 || strings.ContainsFunc(c.ClientID, func(r rune) bool { return r < ' ' || r > '~' }) {
		wrong.Wrong("client_id", "foreign-text", "visible ASCII characters", "max", "200")
		return wrong
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		i, err := pg.One[ForeignIssuer](ctx, tx, lockForeignIssuerSQL, issuer)
		if errors.Is(err, pgx.ErrNoRows) {
			return noForeignIssuer(issuer)
		} else if err != nil {
			return fmt.Errorf("read foreign issuer %s: %w", issuer, err)
		}
		if err := a.putForeignClient(ctx, tx, issuer, c); err != nil {
			return err
		}
		if err := pg.Notify(ctx, tx, "gateway", "revoked"); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "foreign-issuer.client", About: issuer,
			Detail: map[string]any{"issuer": i.Issuer, "client_id": c.ClientID, "application": c.Application}})
	})
}

func (a *Auth) putForeignClient(ctx context.Context, tx pgx.Tx, issuer uuid.UUID, c ForeignClient) error {
	if c.Application == uuid.Nil {
		done, err := tx.Exec(ctx, endForeignClientSQL, issuer, c.ClientID)
		if err == nil && done.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "%s is no client of the issuer here", c.ClientID).Coded("foreign-client-absent", "client", c.ClientID)
		}
		return err
	}
	done, err := tx.Exec(ctx, setForeignClientSQL, issuer, c.ClientID, c.Application, a.Now().UTC(), maxForeignClients)
	switch {
	case pg.IsForeign(err, "foreign_client_application_fkey"):
		return fieldsWrong().Wrong("application", "application-unknown", "no such application")
	case err != nil:
		return fmt.Errorf("set client of foreign issuer %s: %w", issuer, err)
	case done.RowsAffected() == 0:
		return problem.Errorf(problem.Conflict, "the issuer has %d clients already", maxForeignClients).Coded("foreign-clients-many", "max", fmt.Sprint(maxForeignClients))
	}
	return nil
}

const sealedForeignIssuersSQL = `
select id, issuer, introspection_url, client_id, audience, sealed, seal_version from auth.foreign_issuer order by id`

// SealedForeignIssuers are all issuers, for nodes.
func (a *Auth) SealedForeignIssuers(ctx context.Context) ([]SealedForeignIssuer, error) {
	list, err := pg.All[SealedForeignIssuer](ctx, a.DB, sealedForeignIssuersSQL)
	if err != nil {
		return nil, fmt.Errorf("list foreign issuers: %w", err)
	}
	clients, err := pg.All[ForeignClient](ctx, a.DB, foreignClientsSQL, nil)
	if err != nil {
		return nil, fmt.Errorf("list clients of foreign issuers: %w", err)
	}
	at := make(map[uuid.UUID]int, len(list))
	for i := range list {
		list[i].Clients, at[list[i].ID] = map[string]uuid.UUID{}, i
	}
	for _, c := range clients {
		if i, known := at[c.IssuerID]; known {
			list[i].Clients[c.ClientID] = c.Application
		}
	}
	return list, nil
}

// ForeignSecret opens what the platform proves itself to an issuer with.
func (a *Auth) ForeignSecret(i SealedForeignIssuer) (string, error) {
	secret, err := a.Seals.Open(i.Sealed, i.SealVersion, i.ID[:])
	if err != nil {
		return "", fmt.Errorf("secret at foreign issuer %s: %w", i.Issuer, err)
	}
	return string(secret), nil
}

const (
	oldForeignSealsSQL = `
select id, issuer, introspection_url, client_id, audience, sealed, seal_version from auth.foreign_issuer where seal_version < $1 for update`
	resealForeignSQL = `update auth.foreign_issuer set sealed = $2, seal_version = $3 where id = $1`
)

// resealForeign seals the secrets at issuers anew, by the current key, and
// counts those that cannot be opened any more.
func (a *Auth) resealForeign(ctx context.Context, tx pgx.Tx) (lost int, _ error) {
	list, err := pg.All[SealedForeignIssuer](ctx, tx, oldForeignSealsSQL, a.Seals.Current())
	if err != nil {
		return 0, fmt.Errorf("list what old keys have sealed: %w", err)
	}
	for _, old := range list {
		secret, err := a.ForeignSecret(old)
		if err != nil {
			lost++
			continue
		}
		sealed, version, err := a.Seals.Seal([]byte(secret), old.ID[:])
		if err != nil {
			return lost, err
		}
		if _, err := tx.Exec(ctx, resealForeignSQL, old.ID, sealed, version); err != nil {
			return lost, fmt.Errorf("seal secret at foreign issuer %s anew: %w", old.Issuer, err)
		}
	}
	return lost, nil
}
