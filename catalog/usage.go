package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// The kinds of use that are counted.
const (
	UseView     = "view"     // a person opened the dataset's page
	UseDownload = "download" // somebody fetched a file, the rows as a file, or followed a link
	UseRows     = "rows"     // a program asked for a page of rows
)

// Use is one use of a dataset. It says nothing of who.
type Use struct {
	Kind    string
	Part    uuid.UUID // the distribution; uuid.Nil: the page, or all files in one
	Dataset uuid.UUID // not needed beside a part
}

// usesEvery is how often counts are written down: what a kill may lose.
const usesEvery = 5 * time.Second

// usageZone is the calendar that months are counted by: UTC+7, as the
// province's clock.
var usageZone = time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)

// useKey is what is counted by itself: a dataset's part in a month, or with a
// format the whole catalogue.
type useKey struct {
	month         time.Time
	dataset, part uuid.UUID
	format        string
}

// useCount is how often that was used.
type useCount struct{ views, downloads, rows int64 }

// uses are counted and not written down yet. Its zero value is ready.
type uses struct {
	mu      sync.Mutex
	waiting map[useKey]useCount
}

func (u *uses) add(key useKey, n useCount) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.waiting == nil {
		u.waiting = map[useKey]useCount{}
	}
	had := u.waiting[key]
	u.waiting[key] = useCount{had.views + n.views, had.downloads + n.downloads, had.rows + n.rows}
}

// take gives what waits, and begins anew.
func (u *uses) take() map[useKey]useCount {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.waiting
	u.waiting = nil
	return taken
}

// usageMonth is the first day of the month that a moment lies in.
func usageMonth(at time.Time) time.Time {
	at = at.In(usageZone)
	return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// CountUse counts a use of a dataset that the reader could see, in memory: it
// asks nobody and waits for nothing. What is not public when it is written down
// is not counted.
func (c *Catalog) CountUse(u Use) {
	n := useCount{views: 1}
	switch u.Kind {
	case UseDownload:
		n = useCount{downloads: 1}
	case UseRows:
		n = useCount{rows: 1}
	}
	if u.Part != uuid.Nil { // what it belongs to is found when it is written down
		u.Dataset = uuid.Nil
	}
	c.uses.add(useKey{month: usageMonth(c.Now()), dataset: u.Dataset, part: u.Part}, n)
}

// CountCatalogue counts that somebody fetched the whole catalogue in a format.
func (c *Catalog) CountCatalogue(format string) {
	c.uses.add(useKey{month: usageMonth(c.Now()), format: format}, useCount{downloads: 1})
}

// robot is how programs that read the whole web call themselves.
var robot = regexp.MustCompile(`bot\b|crawl|spider|slurp|archiver|scrapy|facebookexternalhit|bingpreview|feedfetcher|pingdom|uptime|link check|lighthouse`)

// IsRobot reports whether a program names itself as one that reads the web
// without anybody asking for this page. "Cubot" is a telephone.
func IsRobot(userAgent string) bool {
	return robot.MatchString(strings.ReplaceAll(strings.ToLower(userAgent), "cubot", ""))
}

// Written in one order, so that two processes never wait for each other; one
// that is not public any more is left out.
const (
	saveUsesSQL = `
with counted as (
  select n.month, d.id, n.part, n.views, n.downloads, n.row_calls
    from unnest($1::date[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[])
         as n (month, dataset_id, part, views, downloads, row_calls)
    left join catalog.distribution p on p.id = n.part
    join catalog.dataset d on d.id = coalesce(p.dataset_id, n.dataset_id) and d.state = 'published'),
summed as (
  insert into catalog.usage_sum as u (dataset_id, uses, views_recent, views_total)
  select id, sum(views + downloads + row_calls), sum(views), sum(views) from counted group by id order by id
      on conflict on constraint usage_sum_key
      do update set uses = u.uses + excluded.uses, views_recent = u.views_recent + excluded.views_recent, views_total = u.views_total + excluded.views_total)
insert into catalog.usage as u (month, dataset_id, part, views, downloads, row_calls)
select month, id, part, views, downloads, row_calls
  from counted
 order by id, month, part
    on conflict on constraint usage_key
    do update set views = u.views + excluded.views, downloads = u.downloads + excluded.downloads, row_calls = u.row_calls + excluded.row_calls`

	sumUsesSQL = `
insert into catalog.usage_sum as s (dataset_id, uses, views_recent, views_total)
select dataset_id, coalesce(sum(views + downloads + row_calls) filter (where month > $1::date - interval '12 months'), 0),
       coalesce(sum(views) filter (where month > $1::date - interval '2 months'), 0), sum(views)
  from catalog.usage
 group by dataset_id
 order by dataset_id
    on conflict on constraint usage_sum_key
    do update set uses = excluded.uses, views_recent = excluded.views_recent, views_total = excluded.views_total
    where (s.uses, s.views_recent, s.views_total) <> (excluded.uses, excluded.views_recent, excluded.views_total)`

	saveCatalogueUsesSQL = `
insert into catalog.usage_catalogue as u (month, format, reads)
select n.month, n.format, n.reads
  from unnest($1::date[], $2::text[], $3::bigint[]) as n (month, format, reads)
 order by n.month, n.format
    on conflict on constraint usage_catalogue_key do update set reads = u.reads + excluded.reads`
)

// SaveUses writes down what was counted since it last did. What cannot be
// written is kept for the next time.
func (c *Catalog) SaveUses(ctx context.Context) error {
	taken := c.uses.take()
	var whole, parts []useKey
	for key := range taken {
		if key.format != "" {
			whole = append(whole, key)
		} else {
			parts = append(parts, key)
		}
	}
	err := c.saveParts(ctx, parts, taken)
	if err == nil {
		parts = nil
		err = c.saveWhole(ctx, whole, taken)
	}
	if err != nil {
		for _, key := range slices.Concat(parts, whole) {
			c.uses.add(key, taken[key])
		}
	}
	return err
}

func (c *Catalog) saveParts(ctx context.Context, keys []useKey, of map[useKey]useCount) error {
	if len(keys) == 0 {
		return nil
	}
	n := len(keys)
	months, datasets, parts := make([]time.Time, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	views, downloads, rows := make([]int64, n), make([]int64, n), make([]int64, n)
	for i, key := range keys {
		months[i], datasets[i], parts[i] = key.month, key.dataset, key.part
		views[i], downloads[i], rows[i] = of[key].views, of[key].downloads, of[key].rows
	}
	if _, err := c.DB.Exec(ctx, saveUsesSQL, months, datasets, parts, views, downloads, rows); err != nil {
		return fmt.Errorf("write down the use of %d datasets: %w", n, err)
	}
	return nil
}

// SumUses reckons the sums anew that lists are sorted by, as a month falls out of
// them. What is counted at that very moment may be missing from the sums until
// it does so again; the counts themselves are whole.
func (c *Catalog) SumUses(ctx context.Context) error {
	if _, err := c.DB.Exec(ctx, sumUsesSQL, usageMonth(c.Now())); err != nil {
		return fmt.Errorf("sum up the use of datasets: %w", err)
	}
	return nil
}

func (c *Catalog) saveWhole(ctx context.Context, keys []useKey, of map[useKey]useCount) error {
	if len(keys) == 0 {
		return nil
	}
	n := len(keys)
	months, formats, reads := make([]time.Time, n), make([]string, n), make([]int64, n)
	for i, key := range keys {
		months[i], formats[i], reads[i] = key.month, key.format, of[key].downloads
	}
	if _, err := c.DB.Exec(ctx, saveCatalogueUsesSQL, months, formats, reads); err != nil {
		return fmt.Errorf("write down the use of the catalogue: %w", err)
	}
	return nil
}

// KeepUses writes down what is counted every five seconds until ctx ends, and
// then once more. A process that is killed loses what it counted since.
func (c *Catalog) KeepUses(ctx context.Context) error {
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-time.After(usesEvery):
		}
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		if err := c.SaveUses(late); err != nil {
			slog.ErrorContext(ctx, "use of datasets is not written down; trying again", "err", err)
		}
		cancel()
	}
	return nil
}

// UsageCounts are how often something was used.
type UsageCounts struct {
	Views     int64 `json:"views"`     // of its page, by people
	Downloads int64 `json:"downloads"` // of files, of rows as a file, of links
	RowCalls  int64 `json:"row_calls"` // pages of rows, by programs
}

// Total is every use.
func (u UsageCounts) Total() int64 { return u.Views + u.Downloads + u.RowCalls }

// UsagePart is the use of one distribution.
type UsagePart struct {
	ID uuid.UUID `json:"id"`
	UsageCounts
}

// UsageMonth is the use in one month.
type UsageMonth struct {
	Month string `json:"month"` // 2026-11
	UsageCounts
	Distributions []UsagePart `json:"distributions"` // those that were used
}

// MaxUsageMonths is how far back months are given.
const MaxUsageMonths = 60

const datasetUsageSQL = `
select month, part, views, downloads, row_calls
  from catalog.usage
 where dataset_id = $1 and month >= $2
 order by month, part`

// UsageOf gives the use of a dataset that the reader has before them, month by
// month: as many months as asked for (1 to 60), the oldest first, this one last.
func (c *Catalog) UsageOf(ctx context.Context, d Dataset, months int) ([]UsageMonth, error) {
	list, first := c.monthsUntilNow(months)
	type row struct {
		Month time.Time
		Part  uuid.UUID
		UsageCounts
	}
	found, err := pg.All[row](ctx, c.DB, datasetUsageSQL, d.ID, first)
	if err != nil {
		return nil, fmt.Errorf("read use of dataset %s: %w", d.ID, err)
	}
	for _, r := range found {
		i := monthsBetween(first, r.Month)
		if i >= len(list) {
			continue // counted by a process whose clock is ahead
		}
		m := &list[i]
		m.UsageCounts = m.plus(r.UsageCounts)
		if slices.ContainsFunc(d.Distributions, func(p Distribution) bool { return p.ID == r.Part }) {
			m.Distributions = append(m.Distributions, UsagePart{r.Part, r.UsageCounts})
		}
	}
	return list, nil
}

func (u UsageCounts) plus(v UsageCounts) UsageCounts {
	return UsageCounts{u.Views + v.Views, u.Downloads + v.Downloads, u.RowCalls + v.RowCalls}
}

// monthsUntilNow are so many empty months, this one the last, and the first.
func (c *Catalog) monthsUntilNow(months int) ([]UsageMonth, time.Time) {
	months = min(max(months, 1), MaxUsageMonths)
	first := usageMonth(c.Now()).AddDate(0, 1-months, 0)
	list := make([]UsageMonth, months)
	for i := range list {
		list[i] = UsageMonth{Month: first.AddDate(0, i, 0).Format("2006-01"), Distributions: []UsagePart{}}
	}
	return list, first
}

// monthsBetween counts months from one first day to another, never below 0.
func monthsBetween(from, to time.Time) int {
	return max(0, (to.Year()-from.Year())*12+int(to.Month()-from.Month()))
}
