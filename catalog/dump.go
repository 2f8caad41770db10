package catalog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// DumpFilter narrows what is given away whole to other catalogues; a zero value
// narrows nothing.
type DumpFilter struct {
	IDs    []uuid.UUID // only these datasets; nil: all
	Agency uuid.UUID
	Theme  string
	Format string
	Since  time.Time // changed at that time or later, text or files
}

// DumpPage is where a page of a dump begins, in the order of ids, and how much
// it holds. An id is given when the dataset is begun, so what is published
// during a harvest rarely lands on a page that was read.
type DumpPage struct {
	After uuid.UUID // behind this one
	Skip  int       // and behind that many more
	Limit int
}

// changedAt is when a dataset d last changed: its text, its state, a file or a link.
const changedAt = `greatest(d.updated_at, (select max(p.changed_at) from catalog.part p where p.dataset_id = d.id))`

const dumped = `
  from catalog.dataset d
 where d.state = 'published'
   and ($1::uuid[] is null or d.id = any($1))
   and ($2 = '00000000-0000-0000-0000-000000000000'::uuid or d.agency_id = $2)
   and ($3 = '' or d.theme = $3)
   and ($4 = '' or exists (select from catalog.part p where p.dataset_id = d.id and p.format = $4))
   and ($5::timestamptz is null or ` + changedAt + ` >= $5)`

const dumpDatasetsSQL = `select ` + datasetColumns + dumped + ` and d.id > $6 order by d.id limit $7 offset $8`

const countDumpedSQL = `select count(*)` + dumped

func (f DumpFilter) args() []any {
	return []any{f.IDs, f.Agency, f.Theme, f.Format, f.since()}
}

func (f DumpFilter) since() *time.Time {
	if f.Since.IsZero() {
		return nil
	}
	return &f.Since
}

// DumpDatasets gives a page of what everyone may see, in the order of ids,
// whole: with agency and distributions. It also gives the id that the next
// page comes behind, uuid.Nil at the end.
func (c *Catalog) DumpDatasets(ctx context.Context, f DumpFilter, p DumpPage) ([]Dataset, uuid.UUID, error) {
	list, err := pg.All[Dataset](ctx, c.DB, dumpDatasetsSQL, append(f.args(), p.After, p.Limit+1, p.Skip)...)
	if err != nil {
		return nil, uuid.Nil, fmt.Errorf("dump datasets: %w", err)
	}
	next := uuid.Nil
	if len(list) > p.Limit {
		list = list[:p.Limit]
		next = list[p.Limit-1].ID
	}
	list, err = c.forEveryone(ctx, list)
	return list, next, err
}

// CountDatasets counts what DumpDatasets gives on all its pages.
func (c *Catalog) CountDatasets(ctx context.Context, f DumpFilter) (int, error) {
	var n int
	if err := c.DB.QueryRow(ctx, countDumpedSQL, f.args()...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count datasets: %w", err)
	}
	return n, nil
}

const distributionsOfManySQL = `select ` + distributionColumns + ` where d.dataset_id = any($1) order by d.dataset_id, d.position`

// forEveryone leaves of a list what nobody has to be signed in for, and adds
// agencies and, of those whose data are for everyone too, distributions.
func (c *Catalog) forEveryone(ctx context.Context, list []Dataset) ([]Dataset, error) {
	list = slices.DeleteFunc(list, func(d Dataset) bool { return c.seeDataset(ctx, auth.Principal{}, d) != nil })
	ids, owners := make([]uuid.UUID, len(list)), make([]uuid.UUID, len(list))
	for i, d := range list {
		ids[i], owners[i] = d.ID, d.AgencyID
	}
	parts, err := pg.All[Distribution](ctx, c.DB, distributionsOfManySQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read distributions of %d datasets: %w", len(ids), err)
	}
	of := map[uuid.UUID][]Distribution{}
	for _, part := range parts {
		of[part.DatasetID] = append(of[part.DatasetID], part)
	}
	agencies, err := c.Agencies(ctx, owners)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Agency = agencies[list[i].AgencyID]
		if c.seeData(ctx, auth.Principal{}, list[i]) == nil {
			list[i].Distributions = of[list[i].ID]
		}
	}
	return list, c.seeFields(ctx, auth.Principal{}, list)
}

// ChangedAt is when the dataset last changed: its text, its state or a file.
func (d Dataset) ChangedAt() time.Time {
	at := d.UpdatedAt
	for _, part := range d.Distributions {
		if part.UploadedAt.After(at) {
			at = part.UploadedAt
		}
	}
	return at
}

// What was published and is withdrawn counts: its going is a change.
const publicChangeSQL = `
select coalesce(greatest(max(d.updated_at), max(p.changed_at),
         (select max(greatest(a.updated_at, v.updated_at))
            from catalog.version v
            join catalog.api a on a.id = v.api_id
           where v.published_at is not null and ($1 = '00000000-0000-0000-0000-000000000000'::uuid or a.agency_id = $1))), 'epoch')
  from catalog.dataset d
  left join catalog.part p on p.dataset_id = d.id
 where d.published_at is not null
   and ($1 = '00000000-0000-0000-0000-000000000000'::uuid or d.agency_id = $1)`

// LastChange is when the public datasets and APIs, of one agency or with
// uuid.Nil of all, last changed; withdrawing one is a change too.
func (c *Catalog) LastChange(ctx context.Context, agency uuid.UUID) (time.Time, error) {
	var at time.Time
	if err := c.DB.QueryRow(ctx, publicChangeSQL, agency).Scan(&at); err != nil {
		return at, fmt.Errorf("read last change of the catalogue: %w", err)
	}
	return at, nil
}

const recentDatasetsSQL = `
select r.id, r.changed
  from (select d.id, ` + changedAt + ` as changed
          from catalog.dataset d
         where d.state = 'published'
           and ($1 = '00000000-0000-0000-0000-000000000000'::uuid or d.agency_id = $1)) r
 where $2::timestamptz is null or (r.changed, r.id) < ($2, $3)
 order by r.changed desc, r.id desc
 limit $4`

// Recent is a place in the order of RecentDatasets.
type Recent struct {
	ID      uuid.UUID
	Changed time.Time
}

// RecentDatasets gives a page of what everyone may see, last changed first, of
// one agency or with uuid.Nil of all, behind a place, nil at first. It also
// gives the place of the next page, nil at the end.
func (c *Catalog) RecentDatasets(ctx context.Context, agency uuid.UUID, after *Recent, limit int) ([]Dataset, *Recent, error) {
	var at *time.Time
	var id uuid.UUID
	if after != nil {
		at, id = &after.Changed, after.ID
	}
	found, err := pg.All[Recent](ctx, c.DB, recentDatasetsSQL, agency, at, id, limit+1)
	if err != nil {
		return nil, nil, fmt.Errorf("list recent datasets: %w", err)
	}
	var next *Recent
	if len(found) > limit {
		found = found[:limit]
		next = &found[limit-1]
	}
	ids := make([]uuid.UUID, len(found))
	for i, row := range found {
		ids[i] = row.ID
	}
	list, _, err := c.DumpDatasets(ctx, DumpFilter{IDs: ids}, DumpPage{Limit: len(ids)})
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(list, func(a, b Dataset) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	return list, next, nil
}

// Service is an API that can be called, with the versions that can be.
type Service struct {
	API
	Open bool // every operation is: no credential is asked for
}

// A retired version has an address no more.
const dumpedAPIs = `
  from catalog.api a
 where exists (select from catalog.version v
                where v.api_id = a.id and v.state in ('published', 'deprecated')
                  and ($1::timestamptz is null or greatest(a.updated_at, v.updated_at) >= $1))
   and ($2 = '00000000-0000-0000-0000-000000000000'::uuid or a.agency_id = $2)`

const dumpAPIsSQL = `
select id, agency_id, slug, title_vi, title_en, description_vi, description_en, created_at, updated_at` + dumpedAPIs + `
   and a.id > $3
 order by a.id
 limit $4 offset $5`

const countDumpedAPIsSQL = `select count(*)` + dumpedAPIs

const closedVersionsSQL = `
select distinct version_id as id
  from catalog.operation
 where version_id = any($1) and access <> 'open'`

// DumpServices gives a page of the APIs that can be called, in the order of
// ids, and the id that the next page comes behind, uuid.Nil at the end. Of the
// filter, Agency and Since count.
func (c *Catalog) DumpServices(ctx context.Context, f DumpFilter, p DumpPage) ([]Service, uuid.UUID, error) {
	list, err := pg.All[API](ctx, c.DB, dumpAPIsSQL, f.since(), f.Agency, p.After, p.Limit+1, p.Skip)
	if err != nil {
		return nil, uuid.Nil, fmt.Errorf("dump apis: %w", err)
	}
	next := uuid.Nil
	if len(list) > p.Limit {
		list = list[:p.Limit]
		next = list[p.Limit-1].ID
	}
	if err := c.complete(ctx, auth.Principal{}, list, nil); err != nil {
		return nil, uuid.Nil, err
	}
	services := make([]Service, len(list))
	versions := []uuid.UUID{}
	for i, a := range list {
		a.Versions = slices.DeleteFunc(a.Versions, func(v Version) bool { return v.State == Retired || v.State == Sandbox })
		for _, v := range a.Versions {
			versions = append(versions, v.ID)
		}
		services[i].API = a
	}
	closed, err := pg.All[struct{ ID uuid.UUID }](ctx, c.DB, closedVersionsSQL, versions)
	if err != nil {
		return nil, uuid.Nil, fmt.Errorf("read access of versions: %w", err)
	}
	for i := range services {
		services[i].Open = !slices.ContainsFunc(services[i].Versions, func(v Version) bool {
			return slices.Contains(closed, struct{ ID uuid.UUID }{v.ID})
		})
	}
	return services, next, nil
}

// CountServices counts what DumpServices gives on all its pages.
func (c *Catalog) CountServices(ctx context.Context, f DumpFilter) (int, error) {
	var n int
	if err := c.DB.QueryRow(ctx, countDumpedAPIsSQL, f.since(), f.Agency).Scan(&n); err != nil {
		return 0, fmt.Errorf("count apis: %w", err)
	}
	return n, nil
}

// Address is where a public dataset stands, and when it last changed.
type Address struct {
	Slug    string
	Changed time.Time
}

const addressesSQL = `
select d.slug, ` + changedAt + ` as changed
  from catalog.dataset d
 where d.state = 'published'
 order by d.id
 limit $1 offset $2`

// Addresses gives the addresses of the public datasets in the order of ids,
// limit of them behind the first skip.
func (c *Catalog) Addresses(ctx context.Context, skip, limit int) ([]Address, error) {
	list, err := pg.All[Address](ctx, c.DB, addressesSQL, limit, skip)
	if err != nil {
		return nil, fmt.Errorf("list addresses of datasets: %w", err)
	}
	return list, nil
}
