package auth

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const transferApplicationSQL = `
update auth.application set owner_person = null, owner_agency = $2 where id = $1
returning ` + applicationColumns

// TransferApplication gives a person's application to an agency: from then on
// its publishers and stewards own it, and the person only as one of them; the
// team is over. To another person it is offered by InviteToTeam. It fails with
// NotFound and Forbidden as OwnsApplication does, Forbidden
// (not-of-agency) unless who is publisher or steward of the agency, and
// Conflict when it is an agency's already, or disabled.
func (a *Auth) TransferApplication(ctx context.Context, who Principal, id, agency uuid.UUID) (Application, error) {
	if who.Person == uuid.Nil {
		return Application{}, signInFirst()
	}
	if err := a.OwnsApplication(ctx, who, id); err != nil {
		return Application{}, err
	}
	if agency == uuid.Nil || !speaksFor(who, agency) {
		return Application{}, problem.Errorf(problem.Forbidden, "only a publisher or steward of the agency takes applications over for it").
			Coded("not-of-agency")
	}
	var app Application
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		before, err := lockFor(ctx, tx, who, id, TeamOwner)
		if err != nil {
			return err
		}
		if before.OwnerAgency != nil {
			return problem.Errorf(problem.Conflict, "application %s is an agency's already", id).Coded("application-of-agency")
		}
		if app, err = pg.One[Application](ctx, tx, transferApplicationSQL, id, agency); err != nil {
			return fmt.Errorf("transfer application %s: %w", id, err)
		}
		if err := a.endTeam(ctx, tx, app); err != nil {
			return err
		}
		if err := a.ownerChanges(ctx, tx, app); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "application.transfer", Agency: agency, About: id,
			Detail: map[string]any{"person": who.Person}})
	})
	return app, err
}
