package agreement

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const (
	// What stands on a clause: asked for, in force or suspended.
	standingSQL = agreementColumns + `
 where legal_basis = $1 and state in ('requested', 'active', 'suspended') and ($2::uuid is null or id < $2)
 order by id desc
 limit $3`
	standingCountsSQL = `
select legal_basis as basis, count(*) as n
  from agreement.agreement
 where state in ('requested', 'active', 'suspended')
 group by legal_basis`

	// What stands on a clause that is no longer in force, of an agency.
	flaggedSQL = agreementColumns + `
 where state in ('requested', 'active', 'suspended') and agency_id = $2
   and legal_basis in (select b.id from agreement.legal_basis b where b.valid_to < $1::date)
 order by id desc
 limit 100`
)

// Standing lists what stands on a clause (asked for, in force or suspended) in
// all agencies, newest first. It fails with what May says of agreement.read for
// the platform, NotFound, and Invalid for a bad page.
func (a *Agreements) Standing(ctx context.Context, who auth.Principal, basis string, f Filter) (Page, error) {
	if err := a.May(ctx, who, "agreement.read", uuid.Nil); err != nil {
		return Page{}, err
	}
	if _, err := a.Basis(ctx, basis); err != nil {
		return Page{}, err
	}
	limit, after, err := f.page()
	if err != nil {
		return Page{}, err
	}
	items, err := pg.All[Agreement](ctx, a.DB, standingSQL, basis, after, limit+1)
	if err != nil {
		return Page{}, fmt.Errorf("list what stands on %s: %w", basis, err)
	}
	if len(items) <= limit {
		return Page{Items: items}, nil
	}
	return Page{Items: items[:limit], Next: items[limit-1].ID.String()}, nil
}

// page is the limit and the cursor of a filter.
func (f Filter) page() (int, *uuid.UUID, error) {
	if f.Limit == 0 {
		f.Limit = 20
	}
	if f.Limit < 1 || f.Limit > 100 {
		return 0, nil, problem.Errorf(problem.Invalid, "limit is 1 to 100")
	}
	if f.After == "" {
		return f.Limit, nil, nil
	}
	id, err := uuid.Parse(f.After)
	if err != nil {
		return 0, nil, problem.Errorf(problem.Invalid, "after is not a cursor that a page gave")
	}
	return f.Limit, &id, nil
}

// StandingCounts counts what stands on each clause, for who may agreement.read
// on the platform.
func (a *Agreements) StandingCounts(ctx context.Context, who auth.Principal) (map[string]int, error) {
	if err := a.May(ctx, who, "agreement.read", uuid.Nil); err != nil {
		return nil, err
	}
	rows, err := pg.All[struct {
		Basis string
		N     int
	}](ctx, a.DB, standingCountsSQL)
	if err != nil {
		return nil, fmt.Errorf("count what stands on clauses: %w", err)
	}
	counts := map[string]int{}
	for _, row := range rows {
		counts[row.Basis] = row.N
	}
	return counts, nil
}

// Flagged lists an agency's agreements and requests, at most 100, whose clause
// is no longer in force: its stewards decide what becomes of each.
func (a *Agreements) Flagged(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]Agreement, error) {
	if err := a.May(ctx, who, "agreement.read", agency); err != nil {
		return nil, err
	}
	list, err := pg.All[Agreement](ctx, a.DB, flaggedSQL, a.today(), agency)
	if err != nil {
		return nil, fmt.Errorf("list flagged agreements of %s: %w", agency, err)
	}
	return list, nil
}

// basisHolds refuses what would come into force on a clause that is not.
func (a *Agreements) basisHolds(ctx context.Context, tx pgx.Tx, id string) error {
	b, err := a.basis(ctx, tx, id)
	if err != nil || b.InForce {
		return err
	}
	return problem.Errorf(problem.Conflict, "the clause %s is not in force", id).Coded("basis-over")
}
