package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Novelty is something that lately changed in what everyone may see.
type Novelty struct {
	Kind    string // dataset, api
	What    string // new, changed; of an API's version new or ending
	Slug    string // of the dataset or the API
	Number  string // of the API's version, as v2
	TitleVI string
	TitleEN string
	Agency  Agency `db:"-"`
	At      time.Time

	AgencyID uuid.UUID
}

// Address is where it stands on the portal, without the language.
func (n Novelty) Address() string {
	if n.Kind == "api" {
		return "/apis/" + n.Agency.Slug + "/" + n.Slug + "/" + n.Number
	}
	return "/dataset/" + n.Slug
}

const latelySQL = `
select kind, what, slug, number, title_vi, title_en, agency_id, at
  from (select 'dataset' as kind, case when d.published_at >= $1 then 'new' else 'changed' end as what, d.slug, '' as number,
               d.title_vi, d.title_en, d.agency_id, ` + changedAt + ` as at
          from catalog.dataset d
         where d.state = 'published'
        union all
        select 'api', case v.state when 'deprecated' then 'ending' else 'new' end, a.slug, v.number,
               a.title_vi, a.title_en, a.agency_id, case v.state when 'deprecated' then v.deprecated_at else v.published_at end
          from catalog.version v
          join catalog.api a on a.id = v.api_id
         where v.state in ('published', 'deprecated')) n
 where at >= $1
 order by at desc, kind, slug, number
 limit $2`

// Lately lists what changed since then, the last first. It reads every public
// dataset: ask once for many readers.
func (c *Catalog) Lately(ctx context.Context, since time.Time, limit int) ([]Novelty, error) {
	list, err := pg.All[Novelty](ctx, c.DB, latelySQL, since, limit)
	if err != nil {
		return nil, fmt.Errorf("list what changed: %w", err)
	}
	ids := make([]uuid.UUID, len(list))
	for i, n := range list {
		ids[i] = n.AgencyID
	}
	agencies, err := c.Agencies(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Agency = agencies[list[i].AgencyID]
	}
	return list, nil
}
