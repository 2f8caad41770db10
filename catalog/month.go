package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Fresh is what became of public datasets between two moments, and how many
// wait for new data now.
type Fresh struct {
	Published int
	Renewed   int // were public already, and got new data
	Overdue   int // new data is due, now
}

// freshSQL counts for $3, or where it is uuid.Nil for all agencies; a row of
// uuid.Nil is all together. What was published and withdrawn again was
// published all the same.
const freshSQL = `
select coalesce(agency_id, '00000000-0000-0000-0000-000000000000') as agency, coalesce(sum(published), 0)::int as published,
       coalesce(sum(renewed), 0)::int as renewed, coalesce(sum(overdue), 0)::int as overdue
  from (select agency_id, 1 as published, 0 as renewed, 0 as overdue
          from catalog.dataset
         where published_at >= $1 and published_at < $2
        union all
        select d.agency_id, 0, 1, 0
          from catalog.file_version f
          join catalog.distribution p on p.id = f.distribution_id
          join catalog.dataset d on d.id = p.dataset_id
         where f.uploaded_at >= $1 and f.uploaded_at < $2 and d.published_at < f.uploaded_at
         group by d.id, d.agency_id
        union all
        select d.agency_id, 0, 0, 1
          from unnest($4::text[], $5::float8[]) as n (frequency, seconds)
          join catalog.dataset d on d.frequency = n.frequency
         where d.state = 'published' and d.data_at <= $6::timestamptz - make_interval(secs => n.seconds)) every
 where $3::uuid = '00000000-0000-0000-0000-000000000000' or agency_id = $3
 group by grouping sets ((), (agency_id))`

// FreshBetween is what became of an agency's datasets from a moment up to
// another, by agency; of uuid.Nil it is all agencies'. Under uuid.Nil lies the
// sum. It is for the other rooms, which ask the policy themselves.
func (c *Catalog) FreshBetween(ctx context.Context, agency uuid.UUID, from, until time.Time) (map[uuid.UUID]Fresh, error) {
	type row struct {
		Agency uuid.UUID
		Fresh
	}
	frequencies, seconds := c.Terms.renewals()
	list, err := pg.All[row](ctx, c.DB, freshSQL, from, until, agency, frequencies, seconds, c.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("count what became of datasets: %w", err)
	}
	fresh := map[uuid.UUID]Fresh{}
	for _, r := range list {
		fresh[r.Agency] = r.Fresh
	}
	return fresh, nil
}

// ServiceName is how people know a version, and its address at the gateway.
type ServiceName struct {
	ID      uuid.UUID `json:"version_id"`
	TitleVI string    `json:"title_vi"`
	TitleEN string    `json:"title_en"`
	Number  string    `json:"number"`
	Prefix  string    `json:"prefix"` // under the gateway's origin
}

const serviceNamesSQL = `
select v.id, a.agency_id, a.slug, a.title_vi, a.title_en, v.number
  from catalog.version v
  join catalog.api a on a.id = v.api_id
 where v.id = any($1)`

// ServiceNames gives the names of these versions, by id; unknown ids are left
// out. It is for the other rooms, which ask the policy themselves.
func (c *Catalog) ServiceNames(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]ServiceName, error) {
	type row struct {
		ID, AgencyID                   uuid.UUID
		Slug, TitleVI, TitleEN, Number string
	}
	list, err := pg.All[row](ctx, c.DB, serviceNamesSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read names of versions: %w", err)
	}
	var owners []uuid.UUID
	for _, r := range list {
		owners = append(owners, r.AgencyID)
	}
	agencies, err := c.Agencies(ctx, owners)
	if err != nil {
		return nil, err
	}
	names := map[uuid.UUID]ServiceName{}
	for _, r := range list {
		names[r.ID] = ServiceName{r.ID, r.TitleVI, r.TitleEN, r.Number,
			Version{Agency: agencies[r.AgencyID], APISlug: r.Slug, Number: r.Number}.Prefix()}
	}
	return names, nil
}
