package rows

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Profile is what a column of a loaded table holds, as PostgreSQL counted it.
type Profile struct {
	Nulls       int64      `json:"nulls"`               // rows without a value
	Distinct    int64      `json:"distinct"`            // different values
	Approximate bool       `json:"approximate"`         // distinct, top and histogram are estimates from a part of the rows
	Min         string     `json:"min,omitempty"`       // smallest value, of text its first letters
	Max         string     `json:"max,omitempty"`       // largest value
	Top         []Frequent `json:"top,omitempty"`       // the most frequent values, most frequent first
	Histogram   []int64    `json:"histogram,omitempty"` // rows in equal steps from min to max, of whole numbers and days in whole steps
}

// Frequent is a value with how many rows have it.
type Frequent struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

const (
	topValues    = 10
	topLetters   = 200 // of a value in a profile
	steps        = 20  // of a histogram
	exactRows    = 2_000_000
	sampledRows  = 500_000
	profileSpace = "set local work_mem = '64MB'; set local jit = off"
)

// profile fills in Profiles. Up to exactRows everything is exact; of a larger
// table nulls, min and max are, and the rest is estimated.
func (t *Table) profile(ctx context.Context, tx pgx.Tx, table, name string) error {
	if _, err := tx.Exec(ctx, profileSpace+"; analyze "+name); err != nil {
		return fmt.Errorf("analyze %s: %w", table, err)
	}
	t.Profiles = make([]Profile, len(t.Columns))
	from, scale := name+" r", 1.0
	if t.Rows > exactRows {
		share := 100 * float64(sampledRows) / float64(t.Rows)
		from = fmt.Sprintf("%s r tablesample system (%f) repeatable (1)", name, share)
		var sampled int64
		if err := tx.QueryRow(ctx, "select count(*) from "+from).Scan(&sampled); err != nil {
			return fmt.Errorf("sample %s: %w", table, err)
		}
		scale = float64(t.Rows) / float64(max(sampled, 1))
	}
	for i, c := range t.Columns {
		p := &t.Profiles[i]
		err := tx.QueryRow(ctx, profileStatement(c, from)).Scan(&p.Nulls, &p.Distinct, &p.Min, &p.Max, &p.Top, &p.Histogram)
		if err != nil {
			return fmt.Errorf("profile %s of %s: %w", c.Key, table, err)
		}
		if len(p.Top) > 0 && p.Top[0].Count == 1 {
			p.Top = nil // all differ: none is frequent
		}
		if t.Rows > exactRows {
			if err := t.estimate(ctx, tx, estimated{table, name, c, scale}, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// profileStatement asks for everything about a column at once: each value is
// counted, and the rest is read off the counts.
func profileStatement(c Column, from string) string {
	field, least, most, bars := at(c), "min(v)::text", "max(v)::text", "null::bigint[]"
	switch c.Type {
	case Geometry:
		return "select count(*) filter (where " + field + " is null), count(distinct md5(" + field + ")), '', '', null::jsonb, null::bigint[] from " + from
	case Boolean:
		least, most = "''", "''"
	case Decimal:
		bars = histogram("(hi - lo)::float8 / "+fmt.Sprint(steps), "(v - lo)::float8")
	case Integer, Date: // steps of whole numbers, or of days
		bars = histogram("ceil((hi - lo + 1)::float8 / "+fmt.Sprint(steps)+")", "(v - lo)::float8")
	}
	return fmt.Sprintf(`with g as materialized (select %s as v, count(*) as n from %s group by 1)
select coalesce(sum(n) filter (where v is null), 0)::bigint, count(v), left(coalesce(%[3]s, ''), %[5]d), left(coalesce(%[4]s, ''), %[5]d),
  (select jsonb_agg(jsonb_build_object('value', left(v::text, %[5]d), 'count', n)) from (select v, n from g where v is not null order by n desc, v limit %[6]d) f), %[7]s
from g`, field, from, least, most, topLetters, topValues, bars)
}

// histogram counts rows in steps of a width from the smallest value on; null
// when there is only one value.
func histogram(width, distance string) string {
	return fmt.Sprintf(`(select array_agg(coalesce(c.n, 0) order by i) from
  (select lo, hi, %[1]s as width from (select min(v) as lo, max(v) as hi from g) r where hi > lo) b
  cross join lateral generate_series(0, least(%[3]d, floor(%[2]s / width))::int) i
  left join (select least(%[3]d, floor(%[4]s / width))::int as step, sum(g.n)::bigint as n
               from g, (select lo, hi, %[1]s as width from (select min(v) as lo, max(v) as hi from g) r where hi > lo) b
              where v is not null group by 1) c on c.step = i)`, width, "(hi - lo)::float8", steps-1, distance)
}

// WholeStep is how wide the steps of a histogram of whole numbers, or days, are
// when its ends lie span apart.
func WholeStep(span float64) int { return int(math.Ceil((span + 1) / steps)) }

// estimated is a column of a table that is too large to be counted.
type estimated struct {
	table, name string
	column      Column
	scale       float64 // rows of the table for each row of the sample
}

const distinctSQL = `
select n_distinct
  from pg_stats
 where schemaname = 'catalog' and tablename = $1 and attname = $2`

func (t *Table) estimate(ctx context.Context, tx pgx.Tx, e estimated, p *Profile) error {
	p.Approximate = true
	least, most := "min("+at(e.column)+")::text", "max("+at(e.column)+")::text"
	if e.column.Type == Boolean || e.column.Type == Geometry {
		least, most = "''", "''"
	}
	err := tx.QueryRow(ctx, fmt.Sprintf("select count(*) filter (where %[1]s is null), left(coalesce(%[2]s, ''), %[4]d), left(coalesce(%[3]s, ''), %[4]d) from %[5]s r",
		at(e.column), least, most, topLetters, e.name)).Scan(&p.Nulls, &p.Min, &p.Max)
	if err != nil {
		return fmt.Errorf("measure %s of %s: %w", e.column.Key, e.table, err)
	}
	var distinct float64
	if err := tx.QueryRow(ctx, distinctSQL, e.table, e.column.Field).Scan(&distinct); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("estimate %s of %s: %w", e.column.Key, e.table, err)
	}
	if distinct < 0 { // a share of the rows (PostgreSQL manual, pg_stats)
		distinct *= -float64(t.Rows)
	}
	p.Distinct = max(p.Distinct, int64(distinct))
	for i := range p.Top {
		p.Top[i].Count = int64(float64(p.Top[i].Count) * e.scale)
	}
	for i := range p.Histogram {
		p.Histogram[i] = int64(float64(p.Histogram[i]) * e.scale)
	}
	return nil
}

// Rules for indexes: which columns people filter, sort and group by.
const (
	leastIndexed = 2_000 // rows; a smaller table is read whole in no time
	mostIndexes  = 8
	fewDistinct  = 2_000
	// A value of an index has at most 2,704 bytes (PostgreSQL manual, B-tree indexes).
	longestIndexed = 1_000
	mostFilters    = 4 // beside a day, in its index
	longestFilter  = 100
)

// index makes an index for each column that is likely to be asked: codes by
// their names, dates, and what has few values. The row's number comes second,
// for pages. Behind a day stand the columns that it is likely to be filtered
// by, so that one place's rows in the order of time are found without a look at
// the rows of all others.
func (t *Table) index(ctx context.Context, tx pgx.Tx, name string) error {
	if t.Rows < leastIndexed {
		return nil
	}
	chosen := t.choose()
	for _, i := range chosen {
		keys := t.Columns[i].Field + ", _id"
		if t.Columns[i].Type == Date {
			keys += t.filters(chosen, i)
		}
		if _, err := tx.Exec(ctx, "create index on "+name+" ("+keys+")"); err != nil {
			return fmt.Errorf("index %s of %s: %w", t.Columns[i].Key, name, err)
		}
	}
	return nil
}

// choose marks the columns that have an index, and gives their places.
func (t *Table) choose() []int {
	var chosen []int
	for _, wanted := range []func(Column, Profile) bool{
		func(c Column, _ Profile) bool { return c.Type == Text && isCode(c.Name) },
		func(c Column, _ Profile) bool { return c.Type == Date },
		func(c Column, p Profile) bool {
			return c.Type != Boolean && c.Type != Geometry && p.Distinct > 1 && p.Distinct <= t.few()
		},
	} {
		for i, c := range t.Columns {
			if c.Indexed || len(chosen) == mostIndexes || t.longest[i] > longestIndexed || !wanted(c, t.Profiles[i]) {
				continue
			}
			t.Columns[i].Indexed = true
			chosen = append(chosen, i)
		}
	}
	return chosen
}

// few is how many values a column has at most that a filter by one of them
// still leaves a list.
func (t *Table) few() int64 { return min(fewDistinct, t.Rows/5) }

// filters are the keys behind those of a day's index.
func (t *Table) filters(chosen []int, day int) string {
	var keys strings.Builder
	count := 0
	for _, i := range chosen {
		if i != day && count < mostFilters && t.longest[i] <= longestFilter && t.Profiles[i].Distinct <= t.few() {
			keys.WriteString(", " + t.Columns[i].Field)
			count++
		}
	}
	return keys.String()
}
