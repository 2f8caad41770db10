package oauth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// trialLife is how long a token lasts that a person gets to try calls with.
const trialLife = 15 * time.Minute

// Trial is an access token for a person to try an application's calls with.
type Trial struct {
	Token   string    `json:"access_token"`
	Expires time.Time `json:"expires_at"` // UTC
}

// TryToken makes an access token for app at audience as its own client secret
// would get one, but for a quarter of an hour, and writes to the ledger who
// did. The caller has checked that who owns app. It fails with Conflict
// (application-public, application-disabled, trial-bound) where app has no
// token that is good for whoever holds it, and with Forbidden (trial-agreement)
// when it has no agreement for audience.
func (s *Server) TryToken(ctx context.Context, who auth.Principal, app auth.Application, audience string) (Trial, error) {
	switch {
	case app.DisabledAt != nil:
		return Trial{}, problem.Errorf(problem.Conflict, "application %s is disabled", app.ID).Coded("application-disabled")
	case app.Kind == auth.Public:
		return Trial{}, problem.Errorf(problem.Conflict, "a public application acts for its users alone").Coded("application-public")
	case app.Profile == auth.FAPI2 || app.DPoPBound || app.CertBound ||
		len(app.GrantTypes) > 0 && !slices.Contains(app.GrantTypes, auth.GrantClient):
		return Trial{}, problem.Errorf(problem.Conflict, "the application gets no token that is good for whoever holds it").Coded("trial-bound")
	}
	if err := s.Audience(ctx, app.ID, audience); isProblem(err) {
		return Trial{}, problem.Errorf(problem.Forbidden, "no agreement in force for %s", audience).Coded("trial-agreement").Because(err)
	} else if err != nil {
		return Trial{}, fmt.Errorf("check audience of %s: %w", app.ID, err)
	}
	now, id := s.Now().UTC(), uuid.New() // random: it tells nothing about when or where
	trial := Trial{Expires: now.Add(trialLife)}
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		record := issued{id: id, client: app.ID, at: now, audience: audience}
		if err := insertIssued(context.WithValue(ctx, txKey{}, tx), s.store, []issued{record}); err != nil {
			return err
		}
		return s.Record(ctx, tx, auth.Act{Who: who, Verb: "token.try", Agency: agencyOf(app), About: app.ID,
			Detail: map[string]any{"jti": id, "audience": audience, "expires_at": trial.Expires}})
	})
	if err != nil {
		return Trial{}, err
	}
	trial.Token, err = s.sign(auth.ES256, "at+jwt", accessClaims{
		Issuer: s.Issuer, Audience: audience, Subject: app.ID.String(), Client: app.ID.String(), ID: id.String(),
		Issued: now.Unix(), Expires: trial.Expires.Unix(),
	})
	return trial, err
}

// agencyOf is the agency that owns an application; uuid.Nil: a person does.
func agencyOf(app auth.Application) uuid.UUID {
	if app.OwnerAgency == nil {
		return uuid.Nil
	}
	return *app.OwnerAgency
}
