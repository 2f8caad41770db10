package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog/search"
	"lgsp/internal/pg"
)

// Alike is something public that holds fields which another thing holds too:
// what is shared once need not be collected and shared again.
type Alike struct {
	Kind     string    `json:"kind"` // dataset, api
	ID       uuid.UUID `json:"id"`
	Slug     string    `json:"slug"` // of an API behind its agency's: so-noi-vu/can-bo
	TitleVI  string    `json:"title_vi"`
	TitleEN  string    `json:"title_en"`
	AgencyID uuid.UUID `json:"-"`
	Agency   Agency    `json:"agency" db:"-"`
	Shared   []string  `json:"shared"` // names of the fields, as the thing that was asked about writes them
}

// Address is where it stands on the portal, without the language.
func (a Alike) Address() string {
	if a.Kind == "api" {
		return "/apis/" + a.Slug
	}
	return "/dataset/" + a.Slug
}

// Fewer fields than leastAlike in common are chance; the maxAlike that hold most
// are told.
const (
	leastAlike = 3
	maxAlike   = 5
)

const alikeSQL = `
with shared as (
  select coalesce(s.parent, s.id) as id, array_agg(distinct f) as keys
    from catalog.search_doc s, unnest(s.fields) f
   where s.fields && $1 and f = any($1) and s.kind in ('dataset', 'operation') and coalesce(s.parent, s.id) <> $2
   group by coalesce(s.parent, s.id))
select d.kind, d.id, d.slug, d.title_vi, d.title_en, d.agency_id, s.keys as shared
  from shared s
  join catalog.search_doc d on d.id = s.id and d.kind in ('dataset', 'api')
 where cardinality(s.keys) >= $3
 order by cardinality(s.keys) desc, d.slug
 limit $4`

// AlikeVersion lists what is public and answers fields that a version's
// operations answer too, the most of them first, at most five; of other APIs and
// of datasets, whosever. It fails as Operations does.
func (c *Catalog) AlikeVersion(ctx context.Context, who auth.Principal, version uuid.UUID) ([]Alike, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return nil, err
	}
	operations, err := c.Operations(ctx, who, version)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, op := range operations {
		names = append(names, fieldNames(op)...)
	}
	return c.alike(ctx, v.APIID, names)
}

// AlikeDataset is AlikeVersion for the columns of a dataset's tables, as far as
// who may have them. It fails as Dataset does.
func (c *Catalog) AlikeDataset(ctx context.Context, who auth.Principal, dataset uuid.UUID) ([]Alike, error) {
	d, err := c.Dataset(ctx, who, dataset)
	if err != nil {
		return nil, err
	}
	contents, err := c.Contents(ctx, who, d)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, part := range d.Distributions {
		for _, column := range contents.Columns[part.ID] {
			names = append(names, column.Name)
		}
	}
	return c.alike(ctx, d.ID, names)
}

func (c *Catalog) alike(ctx context.Context, id uuid.UUID, names []string) ([]Alike, error) {
	keys, written := fieldKeys(names), map[string]string{}
	for _, name := range names {
		if key := fieldKey(name); written[key] == "" {
			written[key] = name
		}
	}
	if len(keys) < leastAlike {
		return []Alike{}, nil
	}
	list, err := pg.All[Alike](ctx, c.DB, alikeSQL, keys, id, leastAlike, maxAlike)
	if err != nil {
		return nil, fmt.Errorf("look for what is like %s: %w", id, err)
	}
	owners := make([]uuid.UUID, len(list))
	for i, a := range list {
		owners[i] = a.AgencyID
	}
	agencies, err := c.Agencies(ctx, owners)
	if err != nil {
		return nil, err
	}
	for i, a := range list {
		list[i].Agency = agencies[a.AgencyID]
		for n, key := range a.Shared {
			list[i].Shared[n] = written[key]
		}
		slices.Sort(list[i].Shared)
	}
	return list, nil
}

// fieldNames are the names of the fields that an operation answers, without the
// objects that they are in.
func fieldNames(op Operation) []string {
	var names []string
	for _, f := range op.Doc.Fields {
		names = append(names, strings.Trim(f.Path[strings.LastIndexByte(f.Path, '.')+1:], "[]/"))
	}
	return names
}

// envelope are names that say nothing of what is in a thing: of its pages, its
// rows and its errors.
var envelope = []string{"data", "items", "item", "results", "result", "total", "page", "size", "limit", "offset", "next", "cursor", "count", "links",
	"meta", "code", "message", "status", "success", "error", "errors", "detail", "type", "instance", "title", "id", "stt", "tt", "trang", "tongso", "dulieu", "ghichu"}

// maxFields is how many fields of a thing are compared.
const maxFields = 500

// fieldKeys are the names as they are compared, each once, sorted; those of
// envelope are left out.
func fieldKeys(names []string) []string {
	keys := []string{}
	for _, name := range names {
		if key := fieldKey(name); len(key) > 1 && !slices.Contains(envelope, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	return keys[:min(len(keys), maxFields)]
}

// fieldKey is a name as it is compared: hoTen, ho_ten and “Họ tên” are one.
func fieldKey(name string) string {
	return cut(strings.ReplaceAll(search.Fold(name), " ", ""), 60)
}
