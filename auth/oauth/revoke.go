package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"

	"lgsp/internal/pg"
)

// revoke answers POST /oauth2/revoke (RFC 7009): 200 when the token will not
// work any more, whether it ever did or not; unauthorized_client when it is
// another client's. A refresh token takes its whole family along.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := readForm(w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	caller, err := s.authenticate(ctx, r, r.PostForm)
	token := r.PostForm.Get("token")
	switch {
	case err != nil:
	case token == "":
		err = fosite.ErrInvalidRequest.WithHint("token is missing.")
	case strings.HasPrefix(token, refreshPrefix):
		err = s.revokeRefresh(ctx, caller, token)
	default:
		err = s.revokeAccess(ctx, caller, token)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.forget()
	s.fosite.WriteRevocationResponse(ctx, w, nil)
}

var errForeign = fosite.ErrUnauthorizedClient.WithHint("The token was issued to another client.")

func (s *Server) revokeRefresh(ctx context.Context, caller fosite.Client, token string) error {
	if s.strategy.ValidateRefreshToken(ctx, nil, token) != nil {
		return nil // none of ours: it does not work already
	}
	kept, err := s.store.read(ctx, readRefreshSQL, s.strategy.RefreshTokenSignature(ctx, token))
	if errors.Is(err, fosite.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if kept.ClientID.String() != caller.GetID() {
		return errForeign
	}
	return s.store.endGrant(ctx, kept.GrantID.String())
}

// GrantOfRefresh is the grant that a refresh token belongs to, whatever its
// state; uuid.Nil when it is none of ours. A text without our HMAC costs no
// look at the database.
func (s *Server) GrantOfRefresh(ctx context.Context, token string) (uuid.UUID, error) {
	if s.strategy.ValidateRefreshToken(ctx, nil, token) != nil {
		return uuid.Nil, nil
	}
	kept, err := s.store.read(ctx, readRefreshSQL, s.strategy.RefreshTokenSignature(ctx, token))
	if errors.Is(err, fosite.ErrNotFound) {
		return uuid.Nil, nil
	}
	return kept.GrantID, err
}

const revokeAccessSQL = `
insert into auth.revoked_token (jti, expires_at)
values ($1, $2)
on conflict on constraint revoked_token_pkey do nothing`

func (s *Server) revokeAccess(ctx context.Context, caller fosite.Client, token string) error {
	t, err := s.verifier.verify(token)
	if err != nil {
		return nil // forged, cut or expired: it does not work already
	}
	if t.Client != caller.GetID() {
		return errForeign
	}
	return pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, revokeAccessSQL, t.ID, t.Expires); err != nil {
			return fmt.Errorf("revoke token %s: %w", t.ID, err)
		}
		return pg.Notify(ctx, tx, "gateway", "revoked")
	})
}

const revokedTokensSQL = `
select jti, expires_at
  from auth.revoked_token
 where expires_at > $1
 order by jti`

// RevokedTokens lists the access tokens that are revoked and not expired. A
// gateway reads it at its start and at each notice "revoked" on the channel
// "gateway". It needs no Prepare.
func (s *Server) RevokedTokens(ctx context.Context) ([]RevokedToken, error) {
	tokens, err := pg.All[RevokedToken](ctx, s.DB, revokedTokensSQL, s.Now().UTC().Add(-time.Minute))
	if err != nil {
		return nil, fmt.Errorf("list revoked tokens: %w", err)
	}
	return tokens, nil
}
