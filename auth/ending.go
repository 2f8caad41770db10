package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// What ends what. Each function runs in the transaction of the act that asks
// for it. Applications are told by auth/oauth, which sends what is kept in
// auth.logout_notice here (OpenID Connect Back-Channel Logout 1.0).

const (
	endGrantsSQL = `
with family as (
  select id from auth.oauth_grant where id = any($1) and revoked_at is null order by id for no key update)
update auth.oauth_grant g
   set revoked_at = $2
  from family
 where g.id = family.id`
	revokeFamiliesSQL = `
insert into auth.revoked_token (jti, expires_at)
select jti, expires_at from auth.oauth_access where grant_id = any($1) and expires_at > $2
on conflict on constraint revoked_token_pkey do nothing`
)

// EndGrants ends what persons let applications do: no code or refresh token of
// these grants works again, and the gateways hear of their access tokens.
func EndGrants(ctx context.Context, tx pgx.Tx, now time.Time, grants []uuid.UUID) error {
	if _, err := tx.Exec(ctx, endGrantsSQL, grants, now); err != nil {
		return fmt.Errorf("revoke %d grants: %w", len(grants), err)
	}
	// A second statement: it sees what the transaction it waited for has minted.
	if _, err := tx.Exec(ctx, revokeFamiliesSQL, grants, now); err != nil {
		return fmt.Errorf("revoke tokens of %d grants: %w", len(grants), err)
	}
	return pg.Notify(ctx, tx, "gateway", "revoked")
}

const (
	noticeSessionsSQL = `
insert into auth.logout_notice (id, client_id, person_id, session_id, created_at, due_at, attempts, failure)
select gen_random_uuid(), c.client_id, s.person_id, s.id, $2, $2, 0, ''
  from auth.session s join auth.session_client c on c.session_id = s.id join auth.application a on a.id = c.client_id
 where s.id = any($1) and a.backchannel_logout_uri <> '' and a.disabled_at is null`
	endSessionsSQL = `
delete from auth.session where id = any($1)`
	endWaitingSQL = `
delete from auth.oauth_consent where session_id = any($1)`
	sessionGrantsSQL = `
select id from auth.oauth_grant
 where session_id = any($1) and revoked_at is null and not 'offline_access' = any(scopes)`
)

// EndSessions ends sessions, by their public ids: the applications that were
// given tokens in them are told, and their grants end. A grant with
// offline_access goes on: it was given for the time when nobody is there
// (OpenID Connect Back-Channel Logout 1.0 §2.7).
func EndSessions(ctx context.Context, tx pgx.Tx, now time.Time, sessions []uuid.UUID) error {
	// Who is to be told goes with the session, so that is noted first.
	if _, err := tx.Exec(ctx, noticeSessionsSQL, sessions, now); err != nil {
		return fmt.Errorf("note the end of sessions: %w", err)
	}
	for _, sql := range []string{endWaitingSQL, endSessionsSQL} {
		if _, err := tx.Exec(ctx, sql, sessions); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
	}
	return endGrantsOf(ctx, tx, now, sessionGrantsSQL, sessions)
}

// endGrantsOf ends the grants that a statement finds for its one argument.
func endGrantsOf(ctx context.Context, tx pgx.Tx, now time.Time, sql string, of any) error {
	rows, err := tx.Query(ctx, sql, of)
	if err != nil {
		return fmt.Errorf("find grants: %w", err)
	}
	grants, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("find grants: %w", err)
	}
	if len(grants) == 0 {
		return nil
	}
	return EndGrants(ctx, tx, now, grants)
}

const (
	// A grant may outlive the session it began in: then every session of the
	// person is meant, and no sid is named.
	noticePersonSQL = `
insert into auth.logout_notice (id, client_id, person_id, session_id, created_at, due_at, attempts, failure)
select gen_random_uuid(), g.client_id, $1, null, $2, $2, 0, ''
  from (select distinct client_id from auth.oauth_grant where person_id = $1 and revoked_at is null and expires_at > $2) g
  join auth.application a on a.id = g.client_id
 where a.backchannel_logout_uri <> '' and a.disabled_at is null
   and not exists (select from auth.session s join auth.session_client c on c.session_id = s.id
                    where s.person_id = $1 and c.client_id = g.client_id)`
	personSessionsSQL = `
select id from auth.session where person_id = $1 and id <> $2`
	personGrantsSQL = `
select id from auth.oauth_grant where person_id = $1 and revoked_at is null`
	endTokensSQL = `
delete from auth.personal_token where person_id = $1`
)

// EndPerson ends all that stands on a person's proof of who they are, when
// that proof changes or counts no more: sessions, except keep (uuid.Nil keeps
// none), grants, those with offline_access too, and personal access tokens.
func EndPerson(ctx context.Context, tx pgx.Tx, now time.Time, person, keep uuid.UUID) error {
	if _, err := tx.Exec(ctx, noticePersonSQL, person, now); err != nil {
		return fmt.Errorf("note the end of grants of person %s: %w", person, err)
	}
	if _, err := tx.Exec(ctx, dropPendingSQL, person); err != nil {
		return fmt.Errorf("end second steps of person %s: %w", person, err)
	}
	if err := endOthers(ctx, tx, now, person, keep); err != nil {
		return err
	}
	if err := endGrantsOf(ctx, tx, now, personGrantsSQL, person); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, endTokensSQL, person); err != nil {
		return fmt.Errorf("end tokens of person %s: %w", person, err)
	}
	return nil
}

// endOthers ends every session of a person but one.
func endOthers(ctx context.Context, tx pgx.Tx, now time.Time, person, keep uuid.UUID) error {
	rows, err := tx.Query(ctx, personSessionsSQL, person, keep)
	if err != nil {
		return fmt.Errorf("find sessions of person %s: %w", person, err)
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("find sessions of person %s: %w", person, err)
	}
	return EndSessions(ctx, tx, now, sessions)
}

const applicationGrantsSQL = `
select id from auth.oauth_grant where client_id = $1 and revoked_at is null`

// EndApplication ends all that persons let an application do.
func EndApplication(ctx context.Context, tx pgx.Tx, now time.Time, application uuid.UUID) error {
	return endGrantsOf(ctx, tx, now, applicationGrantsSQL, application)
}
