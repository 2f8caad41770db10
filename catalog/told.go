package catalog

import (
	"context"
	"encoding/json"
	"fmt"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Told is what a page says of a version beside its name.
type Told struct {
	Operations []Operation     // in the order of the document
	Traffic    json.RawMessage // of which pages tell callers the part that concerns them
	Plan       Plan            // the zero Plan: none yet
	Pages      []DocPage       // that the agency wrote beside the document
}

const toldSQL = `
select o.id, o.version_id, o.slug, o.method, o.path, o.access, o.classification, o.subject_in, o.subject_name, o.doc, v.traffic, v.pages,
       coalesce(p.slug, '') as plan_slug, coalesce(p.title_vi, '') as plan_vi, coalesce(p.title_en, '') as plan_en,
       coalesce(p.rate_per_minute, 0) as plan_rate, coalesce(p.quota_per_day, 0) as plan_day, coalesce(p.quota_per_month, 0) as plan_month,
       coalesce(p.decision, '') as plan_decision
  from catalog.operation o
  join catalog.version v on v.id = o.version_id
  left join catalog.plan p on p.slug = v.plan_slug
 where o.version_id = $1 and ($2 = '' or o.slug = $2)
 order by o.position`

// Told reads, of a version that who was given, one operation, or all with "". It
// fails with NotFound for an operation that there is not, or that is not
// offered, and when who may not see the version.
func (c *Catalog) Told(ctx context.Context, who auth.Principal, v Version, operation string) (Told, error) {
	type row struct {
		Operation
		Traffic                      json.RawMessage
		PlanSlug, PlanVI, PlanEN     string
		PlanRate, PlanDay, PlanMonth int
		PlanDecision                 string
		Pages                        []DocPage
	}
	if !sees(who, v.AgencyID) && !isPublic(v.State) && v.State != Sandbox {
		return Told{}, problem.Errorf(problem.NotFound, "no version %s", v.ID)
	}
	rows, err := pg.All[row](ctx, c.DB, toldSQL, v.ID, operation)
	if err != nil {
		return Told{}, fmt.Errorf("read what is told of %s: %w", v.ID, err)
	}
	told := Told{Operations: make([]Operation, len(rows))}
	for i, r := range rows {
		told.Operations[i] = r.Operation
		told.Traffic, told.Pages = r.Traffic, r.Pages
		told.Plan = Plan{Slug: r.PlanSlug, TitleVI: r.PlanVI, TitleEN: r.PlanEN, RatePerMinute: r.PlanRate, QuotaPerDay: r.PlanDay, QuotaPerMonth: r.PlanMonth, Decision: r.PlanDecision}
	}
	if !sees(who, v.AgencyID) {
		told.Operations = marked(told.Operations)
	}
	if operation != "" && len(told.Operations) == 0 {
		return Told{}, problem.Errorf(problem.NotFound, "no operation %s", operation)
	}
	return told, nil
}
