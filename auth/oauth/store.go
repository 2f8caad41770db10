package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// errSpent says that a code or refresh token was spent by another request a
// moment ago: its family dies, and the client hears invalid_grant.
var errSpent = errors.New("already used")

// store is fosite's storage. What fosite calls by a "signature" is the HMAC
// part of a code or refresh token, and the jti of an access token.
type store struct{ server *Server }

type txKey struct{}

// db is the transaction that BeginTX put in ctx, or the pool: fosite hands its
// storage a context and nothing else (fosite v0.49.0, storage/transactional.go).
func (s *store) db(ctx context.Context) pg.DB {
	if tx, ok := ctx.Value(txKey{}).(pgx.Tx); ok {
		return tx
	}
	return s.server.DB
}

// BeginTX opens the transaction in which a code or refresh token is spent and
// what it buys is kept.
func (s *store) BeginTX(ctx context.Context) (context.Context, error) {
	tx, err := s.server.DB.Begin(ctx)
	if err != nil {
		return ctx, fmt.Errorf("begin: %w", err)
	}
	return context.WithValue(ctx, txKey{}, tx), nil
}

// Commit ends it well.
func (s *store) Commit(ctx context.Context) error {
	return ctx.Value(txKey{}).(pgx.Tx).Commit(ctx)
}

// Rollback undoes it, also for a caller that has gone away.
func (s *store) Rollback(ctx context.Context) error {
	err := ctx.Value(txKey{}).(pgx.Tx).Rollback(context.WithoutCancel(ctx))
	if errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}

// GetClient gives an application to fosite. A disabled one is not found.
func (s *store) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	return s.server.client(ctx, id)
}

// ClientAssertionJWTValid refuses: see Server.byAssertion.
func (s *store) ClientAssertionJWTValid(context.Context, string) error { return fosite.ErrJTIKnown }

// SetClientAssertionJWT refuses; see ClientAssertionJWTValid.
func (s *store) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrJTIKnown
}

const (
	// The application is told when the session ends; see auth.EndSessions.
	createGrantSQL = `
with known as (
  insert into auth.session_client (session_id, client_id)
  select id, $2 from auth.session where id = $10
  on conflict on constraint session_client_key do nothing)
insert into auth.oauth_grant (id, client_id, person_id, scopes, audience, nonce, auth_time, created_at, expires_at,
  session_id, methods, jkt, x5t)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	createCodeSQL = `
insert into auth.oauth_code (signature, grant_id, redirect_uri, challenge, expires_at)
values ($1, $2, $3, $4, $5)`
)

// CreateAuthorizeCodeSession keeps a code and the grant that begins with it.
func (s *store) CreateAuthorizeCodeSession(ctx context.Context, signature string, request fosite.Requester) error {
	who, ok := request.GetSession().(*session)
	if !ok || len(request.GetGrantedAudience()) != 1 {
		return errors.New("keep code: the request has no session or no audience")
	}
	now, life := s.server.Now().UTC(), codeLife+accessLife
	if request.GetGrantedScopes().Has(scopeOffline) {
		life = grantLife
	}
	return pgx.BeginFunc(ctx, s.db(ctx), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, createGrantSQL, request.GetID(), request.GetClient().GetID(), who.person,
			[]string(request.GetGrantedScopes()), request.GetGrantedAudience()[0], who.nonce, who.proof.At, now, now.Add(life),
			who.proof.Session, who.proof.Methods, who.binding.JKT, who.binding.X5T); err != nil {
			return fmt.Errorf("keep grant: %w", err)
		}
		form := request.GetRequestForm()
		if _, err := tx.Exec(ctx, createCodeSQL, signature, request.GetID(), form.Get("redirect_uri"), form.Get("code_challenge"), now.Add(codeLife)); err != nil {
			return fmt.Errorf("keep code: %w", err)
		}
		return nil
	})
}

// granted is a code or refresh token with its grant.
type granted struct {
	GrantID     uuid.UUID
	ClientID    uuid.UUID
	PersonID    uuid.UUID
	Scopes      []string
	Audience    string
	Nonce       string
	AuthTime    time.Time
	SessionID   uuid.UUID
	Methods     []string
	JKT         string
	X5T         string
	CreatedAt   time.Time
	RedirectURI string
	Challenge   string
	Used        bool
	Live        bool // neither it nor its grant is expired or revoked
}

const grantColumns = `g.id as grant_id, g.client_id, g.person_id, g.scopes, g.audience, g.nonce, g.auth_time,
       coalesce(g.session_id, '00000000-0000-0000-0000-000000000000') as session_id, g.methods, g.jkt, g.x5t, g.created_at`

const (
	readCodeSQL = `
select ` + grantColumns + `, c.redirect_uri, c.challenge, c.used_at is not null as used,
       c.expires_at > $2 and g.expires_at > $2 and g.revoked_at is null as live
  from auth.oauth_code c join auth.oauth_grant g on g.id = c.grant_id
 where c.signature = $1`
	readRefreshSQL = `
select ` + grantColumns + `, '' as redirect_uri, '' as challenge,
       r.used_at is not null and not (a.refresh_grace and not r.settled and r.used_at + interval '10 seconds' > $2) as used,
       r.expires_at > $2 and g.expires_at > $2 and g.revoked_at is null as live
  from auth.oauth_refresh r join auth.oauth_grant g on g.id = r.grant_id join auth.application a on a.id = g.client_id
 where r.signature = $1`
)

// read finds a code or refresh token by one of the two statements above;
// fosite.ErrNotFound when there is none.
func (s *store) read(ctx context.Context, sql, signature string) (granted, error) {
	g, err := pg.One[granted](ctx, s.db(ctx), sql, signature, s.server.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return granted{}, fosite.ErrNotFound
	} else if err != nil {
		return granted{}, fmt.Errorf("read grant: %w", err)
	}
	return g, nil
}

// request puts a grant into the form that fosite works on.
func (s *store) request(ctx context.Context, g granted) (fosite.Requester, error) {
	client, err := s.server.client(ctx, g.ClientID.String())
	if err != nil {
		return nil, err
	}
	return &fosite.Request{
		ID: g.GrantID.String(), RequestedAt: g.CreatedAt, Client: client, Form: url.Values{"redirect_uri": {g.RedirectURI}},
		RequestedScope: g.Scopes, GrantedScope: g.Scopes,
		RequestedAudience: fosite.Arguments{g.Audience}, GrantedAudience: fosite.Arguments{g.Audience},
		Session: &session{
			person: g.PersonID, nonce: g.Nonce, proof: auth.Proof{Session: g.SessionID, At: g.AuthTime, Methods: g.Methods},
			binding: binding{g.JKT, g.X5T},
		},
	}, nil
}

// GetAuthorizeCodeSession gives the request behind a code, with
// ErrInvalidatedAuthorizeCode when it was used. An expired one is not found.
func (s *store) GetAuthorizeCodeSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	return s.find(ctx, readCodeSQL, signature, fosite.ErrInvalidatedAuthorizeCode)
}

// GetRefreshTokenSession gives the request behind a refresh token, with
// ErrInactiveToken when it was used. An expired or revoked one is not found.
func (s *store) GetRefreshTokenSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	return s.find(ctx, readRefreshSQL, signature, fosite.ErrInactiveToken)
}

func (s *store) find(ctx context.Context, sql, signature string, used error) (fosite.Requester, error) {
	g, err := s.read(ctx, sql, signature)
	if err != nil {
		return nil, err
	}
	if !g.Used && !g.Live {
		return nil, fosite.ErrNotFound
	}
	request, err := s.request(ctx, g)
	if err == nil && g.Used {
		err = used
	}
	return request, err
}

// Locking the grant makes a revocation wait for the tokens being minted, and
// then find them.
const spendCodeSQL = `
with family as (
  select g.id from auth.oauth_grant g
   where g.id = (select grant_id from auth.oauth_code where signature = $1) and g.revoked_at is null
     for no key update)
update auth.oauth_code c
   set used_at = $2
  from family
 where c.signature = $1 and c.grant_id = family.id and c.used_at is null and c.expires_at > $2
returning c.grant_id`

// InvalidateAuthorizeCodeSession spends a code: of any number of requests at
// once, one succeeds and the others get errSpent (F2).
func (s *store) InvalidateAuthorizeCodeSession(ctx context.Context, signature string) error {
	var grant uuid.UUID
	err := s.db(ctx).QueryRow(ctx, spendCodeSQL, signature, s.server.Now().UTC()).Scan(&grant)
	if errors.Is(err, pgx.ErrNoRows) {
		return errSpent
	} else if err != nil {
		return fmt.Errorf("spend code: %w", err)
	}
	return nil
}

// The consent it came of was used now; which minute is exact enough.
const createAccessSQL = `
with used as (
  update auth.oauth_allowed a set used_at = $4
    from auth.oauth_grant g
   where g.id = $2 and a.person_id = g.person_id and a.client_id = g.client_id and a.audience = g.audience
     and (a.used_at is null or a.used_at <= $4::timestamptz - interval '1 minute'))
insert into auth.oauth_access (jti, grant_id, expires_at)
values ($1, $2, $3)`

// CreateAccessTokenSession records that an access token was issued. Of one that
// a person granted it also keeps the jti with its family, so that it can be
// revoked with it; the token itself is never kept (F18).
func (s *store) CreateAccessTokenSession(ctx context.Context, jti string, request fosite.Requester) error {
	now := s.server.Now().UTC()
	record := issued{at: now, audience: request.GetGrantedAudience()[0], scopes: strings.Join(request.GetGrantedScopes(), " ")}
	var err1, err2 error
	record.id, err1 = uuid.Parse(jti)
	record.client, err2 = uuid.Parse(request.GetClient().GetID())
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("record access token: %w", err)
	}
	known, ok := request.GetSession().(*session)
	if !ok || known.person == uuid.Nil {
		return s.server.register.keep(ctx, record)
	}
	if _, err := s.db(ctx).Exec(ctx, createAccessSQL, jti, request.GetID(), now.Add(lifeOf(request, now)), now); err != nil {
		return fmt.Errorf("keep access token: %w", err)
	}
	record.person = known.person
	var err error
	if record.grant, err = uuid.Parse(request.GetID()); err != nil {
		return fmt.Errorf("record access token: %w", err)
	}
	return insertIssued(ctx, s, []issued{record})
}

// GetAccessTokenSession finds nothing: access tokens are checked by the Verifier.
func (s *store) GetAccessTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, fosite.ErrNotFound
}

// DeleteAccessTokenSession does nothing; see GetAccessTokenSession.
func (s *store) DeleteAccessTokenSession(context.Context, string) error { return nil }

// DeleteRefreshTokenSession does nothing: fosite calls it only before RevokeRefreshToken.
func (s *store) DeleteRefreshTokenSession(context.Context, string) error { return nil }

// RevokeRefreshToken ends a family.
func (s *store) RevokeRefreshToken(ctx context.Context, grant string) error {
	return s.endGrant(ctx, grant)
}

// RevokeAccessToken does nothing: fosite calls it beside RevokeRefreshToken,
// which ends the access tokens too.
func (s *store) RevokeAccessToken(context.Context, string) error { return nil }

// endGrant ends a family; see auth.EndGrants.
func (s *store) endGrant(ctx context.Context, grant string) error {
	id, err := uuid.Parse(grant)
	if err != nil {
		return fmt.Errorf("revoke grant %q: %w", grant, err)
	}
	return pgx.BeginFunc(ctx, s.db(ctx), func(tx pgx.Tx) error {
		return auth.EndGrants(ctx, tx, s.server.Now().UTC(), []uuid.UUID{id})
	})
}

// client gives an enabled application; fosite.ErrInvalidClient when there is none.
func (s *Server) client(ctx context.Context, id string) (*client, error) {
	unknown := fosite.ErrInvalidClient.WithHint("No enabled application has this client_id.")
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.String() != id {
		return nil, unknown
	}
	app, err := s.Client(ctx, parsed)
	if problem.Is(err, problem.NotFound) || err == nil && app.DisabledAt != nil {
		return nil, unknown
	} else if err != nil {
		return nil, fmt.Errorf("read application %s: %w", id, err)
	}
	return &client{app}, nil
}

const sweepSQL = `
with old_access as (delete from auth.oauth_access where expires_at < $1),
     old_revoked as (delete from auth.revoked_token where expires_at < $1),
     old_consent as (delete from auth.oauth_consent where expires_at < $1),
     old_notice as (delete from auth.logout_notice where created_at < $1::timestamptz - interval '30 days'),
     old_pushed as (delete from auth.oauth_pushed where expires_at < $1),
     old_proof as (delete from auth.oauth_proof where expires_at < $1),
     old_device as (delete from auth.oauth_device where expires_at < $1),
     old_assertion as (delete from auth.oauth_assertion where expires_at < $1),
     old_key as (delete from auth.token_key where retires_at < $1)
delete from auth.oauth_grant where expires_at < $1`

// How long the record of an issued token is kept, and how many go at a time.
const (
	issuedKept  = 400 * 24 * time.Hour
	issuedSwept = 50_000
)

const sweepIssuedSQL = `
delete from auth.issued_token
 where jti in (select jti from auth.issued_token where issued_at < $1 limit $2)`

// sweep deletes what has expired an hour ago or earlier, and old records.
func (s *Server) sweep(ctx context.Context) error {
	now := s.Now().UTC()
	if _, err := s.DB.Exec(ctx, sweepSQL, now.Add(-time.Hour)); err != nil {
		return fmt.Errorf("delete expired grants: %w", err)
	}
	if _, err := s.DB.Exec(ctx, sweepIssuedSQL, now.Add(-issuedKept), issuedSwept); err != nil {
		return fmt.Errorf("delete old records of tokens: %w", err)
	}
	return nil
}
