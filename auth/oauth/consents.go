package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Allowed is what a person has allowed an application, and need not be asked again.
type Allowed struct {
	ClientID   uuid.UUID  `json:"client_id"`
	ClientName string     `json:"client_name"`
	Audience   string     `json:"audience"` // an API version's address, or the issuer: the platform itself
	Scopes     []string   `json:"scopes"`
	AllowedAt  time.Time  `json:"allowed_at"`
	UsedAt     *time.Time `json:"used_at"` // when tokens last came of it, to the minute
}

const consentsSQL = `
select o.client_id, a.name as client_name, o.audience, o.scopes, o.allowed_at, o.used_at
  from auth.oauth_allowed o join auth.application a on a.id = o.client_id
 where o.person_id = $1
 order by a.name, o.client_id, o.audience`

// Consents lists what who has allowed, by the application's name.
func (s *Server) Consents(ctx context.Context, who auth.Principal) ([]Allowed, error) {
	list, err := pg.All[Allowed](ctx, s.DB, consentsSQL, who.Person)
	if err != nil {
		return nil, fmt.Errorf("list consents of person %s: %w", who.Person, err)
	}
	return list, nil
}

const (
	clientGrantsSQL = `
select id from auth.oauth_grant where person_id = $1 and client_id = $2 and revoked_at is null`
	forgetConsentSQL = `
delete from auth.oauth_allowed where person_id = $1 and client_id = $2`
)

// RevokeConsent takes back all that who has allowed an application: it is
// asked anew next time, and what it was given before ends. It fails with
// NotFound when nothing was allowed.
func (s *Server) RevokeConsent(ctx context.Context, who auth.Principal, client uuid.UUID) error {
	return pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, clientGrantsSQL, who.Person, client)
		if err != nil {
			return fmt.Errorf("find grants to application %s: %w", client, err)
		}
		grants, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return fmt.Errorf("find grants to application %s: %w", client, err)
		}
		// Grants first, as a refresh locks them: grant, then consent.
		if err := auth.EndGrants(ctx, tx, s.Now().UTC(), grants); err != nil {
			return err
		}
		gone, err := tx.Exec(ctx, forgetConsentSQL, who.Person, client)
		if err != nil {
			return fmt.Errorf("forget consent to application %s: %w", client, err)
		}
		if gone.RowsAffected() == 0 && len(grants) == 0 {
			return problem.Errorf(problem.NotFound, "nothing was allowed to application %s", client).Coded("consent-none")
		}
		return s.Record(ctx, tx, auth.Act{Who: who, Verb: "consent.revoke", About: client})
	})
}
