package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const plansSQL = `
select slug, title_vi, title_en, rate_per_minute, quota_per_day, quota_per_month, decision
  from catalog.plan
 order by position`

// Plans gives the plans, the freest first.
func (c *Catalog) Plans(ctx context.Context) ([]Plan, error) {
	list, err := pg.All[Plan](ctx, c.DB, plansSQL)
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	return list, nil
}

const planSQL = `
select slug, title_vi, title_en, rate_per_minute, quota_per_day, quota_per_month, decision
  from catalog.plan
 where slug = $1`

const setPlanSQL = `update catalog.version set plan_slug = $2 where id = $1`

// SetPlan chooses the plan of a version; of a published one, at the gateway at
// once. It fails with Invalid for a plan that does not exist or does not fit
// the operations, and as changeVersion does for api.edit.
func (c *Catalog) SetPlan(ctx context.Context, who auth.Principal, version uuid.UUID, plan string) (Version, error) {
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.plan", part: PartPlan,
		from: []string{Draft, Review, Sandbox, Published, Deprecated}, detail: map[string]any{"plan": plan}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		_, err := tx.Exec(ctx, setPlanSQL, v.ID, plan)
		if err := planError(err, v.ID, plan); err != nil {
			return err
		}
		v.PlanSlug = plan
		return c.stillFits(ctx, tx, v) // of others PublishVersion looks whether it fits
	})
}

// planError is what became of choosing a plan, in words.
func planError(err error, version uuid.UUID, plan string) error {
	if pg.IsForeign(err, "version_plan_fkey") {
		return problem.Errorf(problem.Invalid, "no plan %s", plan).Coded("plan-unknown").
			Wrong("plan", "plan-unknown", "no such plan")
	}
	if err != nil {
		return fmt.Errorf("set plan of %s: %w", version, err)
	}
	return nil
}
