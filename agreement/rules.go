package agreement

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Rules are what an agency demands of its own decisions.
type Rules struct {
	TwoPersons    bool `json:"two_persons"`    // an agreement on personal data needs the approval of two persons
	ConfirmMonths int  `json:"confirm_months"` // after how many months a running agreement is to be confirmed again, 1 to 24
}

// usual are the rules of an agency that has set none.
var usual = Rules{ConfirmMonths: 12}

const (
	rulesSQL    = `select two_persons, confirm_months from agreement.rule where agency_id = $1`
	setRulesSQL = `
insert into agreement.rule (agency_id, two_persons, confirm_months) values ($1, $2, $3)
on conflict (agency_id) do update set two_persons = excluded.two_persons, confirm_months = excluded.confirm_months`
	lockRulesSQL = `select pg_advisory_xact_lock(hashtextextended('agreement.rule ' || $1::uuid, 0))`
)

// RulesOf gives an agency's rules to who may read its agreements; else it fails
// with what May returned.
func (a *Agreements) RulesOf(ctx context.Context, who auth.Principal, agency uuid.UUID) (Rules, error) {
	if err := a.May(ctx, who, "agreement.read", agency); err != nil {
		return Rules{}, err
	}
	return a.rulesOf(ctx, a.DB, agency)
}

func (a *Agreements) rulesOf(ctx context.Context, db pg.DB, agency uuid.UUID) (Rules, error) {
	r, err := pg.One[Rules](ctx, db, rulesSQL, agency)
	if errors.Is(err, pgx.ErrNoRows) {
		return usual, nil
	} else if err != nil {
		return Rules{}, fmt.Errorf("read the rules of agency %s: %w", agency, err)
	}
	return r, nil
}

// SetRules sets an agency's rules; they hold for requests that wait too. Who
// decides for the agency may; but only the platform's operator sets it back to
// one person, so that nobody approves alone by first changing the rule. It
// fails with Invalid for months that are none, and with what May returned.
func (a *Agreements) SetRules(ctx context.Context, who auth.Principal, agency uuid.UUID, r Rules) (Rules, error) {
	if r.ConfirmMonths < 1 || r.ConfirmMonths > maxMonths {
		return Rules{}, problem.Errorf(problem.Invalid, "1 to 24 months").Coded("rules-invalid").
			Wrong("confirm_months", "months-invalid", "1 to 24 months")
	}
	operates := a.May(ctx, who, "agency.edit", agency) == nil
	if !operates {
		if err := a.May(ctx, who, "agreement.decide", agency); err != nil {
			return Rules{}, err
		}
	}
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockRulesSQL, agency); err != nil {
			return fmt.Errorf("lock the rules of agency %s: %w", agency, err)
		}
		was, err := a.rulesOf(ctx, tx, agency)
		if err != nil || was == r {
			return err
		}
		if was.TwoPersons && !r.TwoPersons && !operates {
			return problem.Errorf(problem.Forbidden, "only the operator sets it back to one person").Coded("two-persons-stay")
		}
		if _, err := tx.Exec(ctx, setRulesSQL, agency, r.TwoPersons, r.ConfirmMonths); err != nil {
			return fmt.Errorf("set the rules of agency %s: %w", agency, err)
		}
		return a.Record(ctx, tx, auth.Act{Who: who, Verb: "agreement.set-rules", Agency: agency, About: agency, Detail: map[string]any{
			"two_persons": r.TwoPersons, "confirm_months": r.ConfirmMonths, "was_two_persons": was.TwoPersons, "was_confirm_months": was.ConfirmMonths}})
	})
	return r, err
}
