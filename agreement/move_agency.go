package agreement

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// Holdings is what stands between an agency and others.
type Holdings struct {
	Given    int `json:"given"`    // running agreements on its own services
	Waiting  int `json:"waiting"`  // requests for them
	Received int `json:"received"` // agreements and requests of its applications
}

const heldSQL = `
select (select count(*) from agreement.agreement where agency_id = $1 and state in ('active', 'suspended'))::int as given,
       (select count(*) from agreement.agreement where agency_id = $1 and state = 'requested')::int as waiting,
       (select count(*) from agreement.agreement where owner_agency_id = $1 and state in ('requested', 'active', 'suspended'))::int as received`

// HeldBy counts what an agency has here that its end would pass on.
func (a *Agreements) HeldBy(ctx context.Context, agency uuid.UUID) (Holdings, error) {
	h, err := pg.One[Holdings](ctx, a.DB, heldSQL, agency)
	if err != nil {
		return Holdings{}, fmt.Errorf("count agreements of agency %s: %w", agency, err)
	}
	return h, nil
}

const (
	// Who decides, and who answers for what was decided before.
	moveGivenSQL    = `update agreement.agreement set agency_id = $2 where agency_id = $1`
	moveReceivedSQL = `update agreement.agreement set owner_agency_id = $2 where owner_agency_id = $1`
	// What is over keeps the name under which it was agreed.
	renameOwnerSQL = `
update agreement.agreement set owner_name = $2 where owner_agency_id = $1 and state in ('requested', 'active', 'suspended')`

	// The stricter of two agencies' demands holds for both.
	moveRulesSQL = `
insert into agreement.rule as r (agency_id, two_persons, confirm_months)
select $2, two_persons, confirm_months from agreement.rule where agency_id = $1
on conflict (agency_id) do update set two_persons = r.two_persons or excluded.two_persons,
       confirm_months = least(r.confirm_months, excluded.confirm_months)`
	dropRulesSQL = `delete from agreement.rule where agency_id = $1`

	moveDelegationsSQL = `update agreement.delegation set agency_id = $2 where agency_id = $1`
	endDelegationsSQL  = `update agreement.delegation set ended_at = $2 where agency_id = $1 and ended_at is null`
)

// MoveAgency gives what an agency decides on and what its applications have
// agreed to its successor, inside the transaction that ends the agency.
// Agreements run on as they are.
func MoveAgency(ctx context.Context, tx pgx.Tx, from, to uuid.UUID, name string) error {
	for _, step := range []struct {
		sql string
		to  any
	}{{moveGivenSQL, to}, {renameOwnerSQL, name}, {moveReceivedSQL, to}, {moveRulesSQL, to}, {moveDelegationsSQL, to}} {
		if _, err := tx.Exec(ctx, step.sql, from, step.to); err != nil {
			return fmt.Errorf("move agreements of agency %s: %w", from, err)
		}
	}
	if _, err := tx.Exec(ctx, dropRulesSQL, from); err != nil {
		return fmt.Errorf("end rules of agency %s: %w", from, err)
	}
	return nil
}

const givenSQL = agreementColumns + `
 where agency_id = $1 and state in ('requested', 'active', 'suspended')
 order by id
   for update`

// EndAgency ends what an agency without a successor has agreed on its own
// services, whose calls are over by then; both sides are told why. Those of its
// applications end with these.
func (a *Agreements) EndAgency(ctx context.Context, tx pgx.Tx, who auth.Principal, agency uuid.UUID, reason string) error {
	list, err := pg.All[Agreement](ctx, tx, givenSQL, agency)
	if err != nil {
		return fmt.Errorf("list agreements of agency %s: %w", agency, err)
	}
	for _, g := range list {
		if _, err := a.change(ctx, tx, who, g, change{from: []string{g.State}, to: Ended, verb: "end", what: "ended", text: reason}); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, endDelegationsSQL, agency, a.Now().UTC()); err != nil {
		return fmt.Errorf("end delegations of agency %s: %w", agency, err)
	}
	if _, err := tx.Exec(ctx, dropRulesSQL, agency); err != nil {
		return fmt.Errorf("end rules of agency %s: %w", agency, err)
	}
	return nil
}
