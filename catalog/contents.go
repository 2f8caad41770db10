package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// Contents is what there is to tell of a dataset's distributions, by their ids:
// what FileVersions and Columns give of each.
type Contents struct {
	Versions map[uuid.UUID][]FileVersion
	Columns  map[uuid.UUID][]Column
}

const versionsOfDatasetSQL = `
select p.id as distribution, f.first, v.version, v.format, v.media_type, v.file_name, v.size, v.hash, v.uploaded_at, v.changes
  from catalog.distribution p
  join catalog.dataset s on s.id = p.dataset_id
 cross join lateral (
       select case when $2 then 1 else coalesce((select max(e.version) from catalog.file_version e
                                                  where e.distribution_id = p.id and e.uploaded_at < s.published_at), 1) end as first) f
 cross join lateral (
       select * from catalog.file_version
        where distribution_id = p.id and version >= f.first
        order by version desc
        limit 100) v
 where p.dataset_id = $1
 order by p.position, v.version desc`

const columnsOfDatasetSQL = `
select c.distribution_id as distribution, c.key, c.name, c.type, c.position, c.field, c.indexed, c.title_vi, c.title_en, c.notes_vi, c.notes_en, c.unit, c.place, c.profile
  from catalog.column_info c
  join catalog.distribution p on p.id = c.distribution_id
 where p.dataset_id = $1 and c.field <> ''
 order by p.position, c.position`

// Contents tells of all distributions of a dataset at once, to those who may
// have its data: two queries, however many there are. It is empty for who may
// read the description alone, and was given no distributions. It fails with NotFound.
func (c *Catalog) Contents(ctx context.Context, who auth.Principal, d Dataset) (Contents, error) {
	all := Contents{map[uuid.UUID][]FileVersion{}, map[uuid.UUID][]Column{}}
	if err := c.seeData(ctx, who, d); err != nil {
		if len(d.Distributions) == 0 && c.seeDataset(ctx, who, d) == nil {
			return all, nil
		}
		return all, err
	}
	type version struct {
		Distribution uuid.UUID
		First        int // that who sees
		FileVersion
	}
	versions, err := pg.All[version](ctx, c.DB, versionsOfDatasetSQL, d.ID, c.worksOn(ctx, who, d.AgencyID))
	if err != nil {
		return all, fmt.Errorf("read files of dataset %s: %w", d.ID, err)
	}
	for _, v := range versions {
		if v.Version == v.First {
			v.Changes = nil // it says something of a version that is not shown
		}
		all.Versions[v.Distribution] = append(all.Versions[v.Distribution], v.FileVersion)
	}
	type column struct {
		Distribution uuid.UUID
		Column
	}
	columns, err := pg.All[column](ctx, c.DB, columnsOfDatasetSQL, d.ID)
	if err != nil {
		return all, fmt.Errorf("read columns of dataset %s: %w", d.ID, err)
	}
	for _, one := range columns {
		all.Columns[one.Distribution] = append(all.Columns[one.Distribution], one.Column)
	}
	return all, nil
}
