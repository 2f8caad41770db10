package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// Ended is what RevokeEverything ended.
type Ended struct {
	Credentials     int64     `json:"credentials"`       // API keys and client secrets
	Keys            int64     `json:"keys"`              // public keys
	Grants          int64     `json:"grants"`            // what persons had allowed, with its refresh tokens
	TokensNotBefore time.Time `json:"tokens_not_before"` // access tokens made earlier are not believed any more
}

// mintMargin is how long a request that had proved itself before everything
// was revoked may still be making its token.
const mintMargin = 3 * time.Second

const (
	revokeCredentialsSQL = `
update auth.credential set revoked_at = $2
 where application_id = $1 and revoked_at is null and expires_at > $2 and ($3 or id = $4)`
	countGrantsSQL = `
select count(*) from auth.oauth_grant where client_id = $1 and revoked_at is null and expires_at > $2`
	dropConsentsSQL = `
delete from auth.oauth_consent where client_id = $1`
	forgetTokensSQL = `
update auth.application
   set tokens_not_before = $2, jwks_uri = case when $3 then '' else jwks_uri end
 where id = $1`
)

// RevokeEverything ends, in one step and on every node within a second, what
// a leak has put into strange hands: one credential, or with uuid.Nil all of
// the application's API keys, client secrets and public keys; and in either
// case all that persons have allowed the application and every access token it
// has. Tokens made in the next three seconds are refused too: a request may
// have proved itself a moment before. It fails with NotFound unless who owns
// the application or may person.edit, and when the credential is not its.
func (a *Auth) RevokeEverything(ctx context.Context, who Principal, application, credential uuid.UUID) (Ended, error) {
	app, err := a.Application(ctx, application)
	if err != nil {
		return Ended{}, err
	}
	if err := a.mayEnd(ctx, who, app, TeamOwner); err != nil {
		return Ended{}, err
	}
	if credential != uuid.Nil {
		c, err := a.credential(ctx, credential)
		if err == nil && c.Application != application {
			err = credentialUnknown(credential)
		}
		if err != nil {
			return Ended{}, err
		}
	}
	var ended Ended
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		ended, err = a.revokeEverything(ctx, tx, application, credential)
		if err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "application.revoke-everything", Agency: agencyOf(app), About: application,
			Detail: map[string]any{"credential": credential, "credentials": ended.Credentials, "keys": ended.Keys, "grants": ended.Grants}})
	})
	return ended, err
}

func (a *Auth) revokeEverything(ctx context.Context, tx pgx.Tx, application, credential uuid.UUID) (Ended, error) {
	if _, err := readApplication(ctx, tx, lockApplicationSQL, application); err != nil {
		return Ended{}, err
	}
	var ended Ended
	now, all := a.Now().UTC(), credential == uuid.Nil
	done, err := tx.Exec(ctx, revokeCredentialsSQL, application, now, all, credential)
	if err != nil {
		return Ended{}, fmt.Errorf("revoke credentials of application %s: %w", application, err)
	}
	ended.Credentials = done.RowsAffected()
	if all {
		if done, err = tx.Exec(ctx, dropKeysSQL, application); err != nil {
			return Ended{}, fmt.Errorf("drop keys of application %s: %w", application, err)
		}
		ended.Keys = done.RowsAffected()
	}
	if err := tx.QueryRow(ctx, countGrantsSQL, application, now).Scan(&ended.Grants); err != nil {
		return Ended{}, fmt.Errorf("count grants of application %s: %w", application, err)
	}
	if _, err := tx.Exec(ctx, dropConsentsSQL, application); err != nil {
		return Ended{}, fmt.Errorf("drop what waits for consent to application %s: %w", application, err)
	}
	if err := EndApplication(ctx, tx, now, application); err != nil {
		return Ended{}, err
	}
	// Now, and not before: ending grants has waited for the tokens being made
	// of them. A token tells the second it was made in.
	ended.TokensNotBefore = a.Now().UTC().Add(mintMargin).Truncate(time.Second).Add(time.Second)
	if _, err := tx.Exec(ctx, forgetTokensSQL, application, ended.TokensNotBefore, all); err != nil {
		return Ended{}, fmt.Errorf("forget tokens of application %s: %w", application, err)
	}
	for _, what := range []string{"credential", "revoked"} {
		if err := pg.Notify(ctx, tx, "gateway", what); err != nil {
			return Ended{}, err
		}
	}
	return ended, nil
}
