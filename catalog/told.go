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
	Ratings    Ratings         // of the API
	Followed   bool            // the API is, by the reader
}

const toldSQL = `
with v as materialized (
  select v.id, v.traffic, v.pages, v.plan_slug, r.useful, r.not_useful, r.mine,
         exists (select from catalog.follow f where f.person = $3 and f.kind = 'api' and f.target = v.api_id) as followed
    from catalog.version v
   cross join lateral (select count(*) filter (where useful) as useful, count(*) filter (where not useful) as not_useful,
                              bool_or(useful) filter (where person = $3) as mine
                         from catalog.rating where api_id = v.api_id) r
   where v.id = $1)
select o.id, o.version_id, o.slug, o.method, o.path, o.access, o.classification, o.subject_in, o.subject_name, o.doc, v.traffic, v.pages,
       coalesce(p.slug, '') as plan_slug, coalesce(p.title_vi, '') as plan_vi, coalesce(p.title_en, '') as plan_en,
       coalesce(p.rate_per_minute, 0) as plan_rate, coalesce(p.quota_per_day, 0) as plan_day, coalesce(p.quota_per_month, 0) as plan_month,
       coalesce(p.decision, '') as plan_decision, v.useful, v.not_useful, v.mine, v.followed
  from catalog.operation o
  join v on v.id = o.version_id
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
		Ratings
		Followed bool
	}
	if !sees(who, v.AgencyID) && !isPublic(v.State) && v.State != Sandbox {
		return Told{}, problem.Errorf(problem.NotFound, "no version %s", v.ID)
	}
	rows, err := pg.All[row](ctx, c.DB, toldSQL, v.ID, operation, personOf(who))
	if err != nil {
		return Told{}, fmt.Errorf("read what is told of %s: %w", v.ID, err)
	}
	told := Told{Operations: make([]Operation, len(rows))}
	for i, r := range rows {
		told.Operations[i] = r.Operation
		told.Traffic, told.Pages, told.Ratings, told.Followed = r.Traffic, r.Pages, r.Ratings, r.Followed
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
