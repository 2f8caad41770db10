package catalog

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// DatasetUsage is the use of one public dataset over some months.
type DatasetUsage struct {
	ID       uuid.UUID `json:"id"`
	Slug     string    `json:"slug"`
	TitleVI  string    `json:"title_vi"`
	TitleEN  string    `json:"title_en"`
	AgencyID uuid.UUID `json:"agency_id"`
	Agency   Agency    `json:"agency" db:"-"`
	UsageCounts
}

// UsageFilter says of what the use is listed.
type UsageFilter struct {
	Agency   uuid.UUID // uuid.Nil: of all
	From, To string    // months as 2026-11, both counted; "": the last twelve
	Limit    int       // 1 to 100, 0 is 20
	After    string    // next of the page before
}

const mostUsedSQL = `
select id, slug, title_vi, title_en, agency_id, views, downloads, row_calls
  from (select d.id, d.slug, d.title_vi, d.title_en, d.agency_id, coalesce(u.views, 0) as views,
               coalesce(u.downloads, 0) as downloads, coalesce(u.row_calls, 0) as row_calls
          from catalog.dataset d
          left join lateral (select sum(views)::bigint as views, sum(downloads)::bigint as downloads, sum(row_calls)::bigint as row_calls
                               from catalog.usage where dataset_id = d.id and month between $2 and $3) u on true
         where d.state = 'published' and ($1 = '00000000-0000-0000-0000-000000000000'::uuid or d.agency_id = $1)) used
 where $4::bigint is null or (views + downloads + row_calls, id) < ($4, $5::uuid)
 order by views + downloads + row_calls desc, id desc
 limit $6`

// MostUsed lists public datasets by their use, the most used first, and the
// cursor of the next page. It fails with Invalid for a month, limit or cursor
// that is not right.
func (c *Catalog) MostUsed(ctx context.Context, f UsageFilter) ([]DatasetUsage, string, error) {
	limit, err := pageLimit(f.Limit)
	if err != nil {
		return nil, "", err
	}
	from, to, err := c.usagePeriod(f)
	if err != nil {
		return nil, "", err
	}
	uses, id, err := usageCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	list, err := pg.All[DatasetUsage](ctx, c.DB, mostUsedSQL, f.Agency, from, to, uses, id, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list datasets by use: %w", err)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(last.Total(), 10) + " " + last.ID.String()))
	}
	ids := make([]uuid.UUID, len(list))
	for i, d := range list {
		ids[i] = d.AgencyID
	}
	agencies, err := c.Agencies(ctx, ids)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		list[i].Agency = agencies[list[i].AgencyID]
	}
	return list, next, nil
}

// usagePeriod are the first days of the first and the last month asked for.
func (c *Catalog) usagePeriod(f UsageFilter) (time.Time, time.Time, error) {
	now := usageMonth(c.Now())
	from, to := now.AddDate(0, -11, 0), now
	for _, asked := range []struct {
		text string
		into *time.Time
	}{{f.From, &from}, {f.To, &to}} {
		if asked.text == "" {
			continue
		}
		month, err := time.Parse("2006-01", asked.text)
		if err != nil || month.Year() < 1 {
			return from, to, problem.Errorf(problem.Invalid, "%q is no month as 2026-11", asked.text).Coded("usage-month", "value", asked.text)
		}
		*asked.into = month
	}
	return from, to, nil
}

// usageCursor reads where the next page begins; nil at the beginning.
func usageCursor(after string) (*int64, *uuid.UUID, error) {
	if after == "" {
		return nil, nil, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(after)
	if err != nil {
		return nil, nil, badCursor()
	}
	number, name, _ := strings.Cut(string(text), " ")
	uses, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, nil, badCursor()
	}
	id, err := uuid.Parse(name)
	if err != nil {
		return nil, nil, badCursor()
	}
	return &uses, &id, nil
}

// PortalUsage is the use of everything in one month.
type PortalUsage struct {
	Month string `json:"month"` // 2026-11
	UsageCounts
	Catalogue map[string]int64 `json:"catalogue"` // how often the whole catalogue was fetched, by format: ttl, rdf, jsonld, data.json
}

const (
	portalUsageSQL = `
select month, sum(views)::bigint as views, sum(downloads)::bigint as downloads, sum(row_calls)::bigint as row_calls
  from catalog.usage u
  join catalog.dataset d on d.id = u.dataset_id and d.state = 'published'
 where month >= $1
 group by month`

	catalogueUsageSQL = `select month, format, reads from catalog.usage_catalogue where month >= $1`
)

// PortalUsageOf gives the use of all that is public, month by month: as many
// months as asked for (1 to 60), the oldest first, this one last.
func (c *Catalog) PortalUsageOf(ctx context.Context, months int) ([]PortalUsage, error) {
	empty, first := c.monthsUntilNow(months)
	list := make([]PortalUsage, len(empty))
	for i, m := range empty {
		list[i] = PortalUsage{Month: m.Month, Catalogue: map[string]int64{}}
	}
	type month struct {
		Month time.Time
		UsageCounts
	}
	found, err := pg.All[month](ctx, c.DB, portalUsageSQL, first)
	if err != nil {
		return nil, fmt.Errorf("read use of the portal: %w", err)
	}
	for _, m := range found {
		if i := monthsBetween(first, m.Month); i < len(list) {
			list[i].UsageCounts = m.UsageCounts
		}
	}
	type read struct {
		Month  time.Time
		Format string
		Reads  int64
	}
	reads, err := pg.All[read](ctx, c.DB, catalogueUsageSQL, first)
	if err != nil {
		return nil, fmt.Errorf("read use of the catalogue: %w", err)
	}
	for _, r := range reads {
		if i := monthsBetween(first, r.Month); i < len(list) {
			list[i].Catalogue[r.Format] = r.Reads
		}
	}
	return list, nil
}
