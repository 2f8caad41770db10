package ckan

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
	"lgsp/internal/pg"
)

// $1 to $6 are terms, each to be found in one field in either case.
const searchResourcesSQL = `
select d.id, d.dataset_id, d.position, d.title_vi, d.title_en, f.format, f.media_type, f.file_name, f.size, f.hash, f.uploaded_at,
       f.link_url, d.rows_table, d.created_at, count(*) over () as total
  from catalog.distribution d
  join lateral (select v.format, v.media_type, v.file_name, v.size, v.hash, v.uploaded_at, '' as link_url
                  from catalog.file_version v where v.distribution_id = d.id and v.version = d.version
                union all
                select l.format, l.media_type, '', l.size, '', l.set_at, l.url from catalog.link l where l.distribution_id = d.id) f on true
  join catalog.dataset s on s.id = d.dataset_id and s.state = 'published' and s.access_rights <> 'RESTRICTED'
 where not exists (select from unnest($1::text[]) term where strpos(lower(d.title_vi), lower(term)) = 0)
   and not exists (select from unnest($2::text[]) term where strpos(lower(d.title_en), lower(term)) = 0)
   and not exists (select from unnest($3::text[]) term where strpos(lower(f.format), lower(term)) = 0)
   and not exists (select from unnest($4::text[]) term where strpos(lower(f.media_type), lower(term)) = 0)
   and not exists (select from unnest($5::text[]) term where strpos(f.hash, lower(term)) = 0)
   and not exists (select from unnest($6::text[]) term
                    where strpos(lower(case f.link_url when '' then d.dataset_id || '/resource/' || d.id || '/download/' || f.file_name else f.link_url end), lower(term)) = 0)
 order by d.dataset_id, d.position
 limit $7 offset $8`

// resourceFields are the fields of a resource that can be searched, by the
// place of their terms.
var resourceFields = map[string]int{"name": 0, "description": 1, "format": 2, "mimetype": 3, "hash": 4, "url": 5}

func resourceSearch(s *Server, c *call) (any, error) {
	list, err := c.list("query")
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, invalid("query", "Missing value")
	}
	terms := [6][]string{{}, {}, {}, {}, {}, {}}
	for _, text := range list {
		name, term, found := strings.Cut(text, ":")
		if !found {
			return nil, invalid("query", "Must be <field>:<value> pair(s)")
		}
		at, known := resourceFields[strings.TrimSpace(name)]
		if !known {
			return nil, invalid("query", "Field %q not recognised in resource_search.", shorten(name))
		}
		terms[at] = append(terms[at], strings.TrimPrefix(term, s.Origin+"/dataset/"))
	}
	most := maxRows
	limit, offset, err := c.page(&most)
	if err != nil {
		return nil, err
	}
	type row struct {
		ID         uuid.UUID
		DatasetID  uuid.UUID
		Position   int
		TitleVI    string
		TitleEN    string
		Format     string
		MediaType  string
		FileName   string
		Size       int64
		Hash       string
		UploadedAt time.Time
		LinkURL    string
		RowsTable  string
		CreatedAt  time.Time
		Total      int
	}
	rows, err := pg.All[row](c.ctx, s.DB, searchResourcesSQL, terms[0], terms[1], terms[2], terms[3], terms[4], terms[5], min(*limit, maxRows), offset)
	if err != nil {
		return nil, fmt.Errorf("search resources: %w", err)
	}
	count, results := 0, []resource{}
	for _, r := range rows {
		count = r.Total
		results = append(results, s.resource(catalog.Distribution{ID: r.ID, DatasetID: r.DatasetID, Position: r.Position, TitleVI: r.TitleVI, TitleEN: r.TitleEN,
			FileVersion: catalog.FileVersion{Format: r.Format, MediaType: r.MediaType, FileName: r.FileName, Size: r.Size, Hash: r.Hash, UploadedAt: r.UploadedAt},
			Link:        catalog.Link{LinkURL: r.LinkURL}, RowsTable: r.RowsTable, CreatedAt: r.CreatedAt}))
	}
	return map[string]any{"count": count, "results": results}, nil
}
