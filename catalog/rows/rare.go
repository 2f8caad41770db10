package rows

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/problem"
)

// The bounds of looking for small groups.
const (
	MaxGroupedBy = 8 // columns
	rareTime     = 20 * time.Second
	rarePlaces   = 3 // that are shown of a column
)

// Rare is how many rows of a table stand in groups of fewer than k rows that
// have the same values in some columns.
type Rare struct {
	Total    int64         `json:"total"`    // rows of the table
	Rows     int64         `json:"rows"`     // in groups smaller than k
	Groups   int64         `json:"groups"`   // smaller than k
	Smallest int64         `json:"smallest"` // rows of the smallest group
	Slow     bool          `json:"slow"`     // it took too long, and nothing was counted
	Places   []RarePlace   `json:"places"`   // where such rows lie, column by column
	Without  []RareWithout `json:"without"`  // what would be left of them
}

// RarePlace is a range of one column in which k or more such rows lie, so that
// no fewer are told of. A range of a text or a truth is one value.
type RarePlace struct {
	Column string  `json:"column"` // its key
	From   *string `json:"from"`   // null: no value
	To     string  `json:"to"`     // below this; "" for one value, a year or a month
	Rows   int64   `json:"rows"`
}

// RareWithout is how many such rows there would be if one column were left out.
type RareWithout struct {
	Column string `json:"column"`
	Rows   int64  `json:"rows"`
}

// FindRare counts the groups of a loaded table that are smaller than k. It takes
// at most a minute; what takes longer is Slow, and no error.
func FindRare(ctx context.Context, tx pgx.Tx, table string, by []Column, k int) (Rare, error) {
	name, err := address(table)
	if err != nil {
		return Rare{}, err
	}
	if len(by) == 0 || len(by) > MaxGroupedBy {
		return Rare{}, fmt.Errorf("look for small groups by %d columns", len(by))
	}
	return findRare(ctx, tx, rareQuestion{name, by, k}, rareTime)
}

// findRare is FindRare with so much time for each of its three questions.
func findRare(ctx context.Context, tx pgx.Tx, q rareQuestion, most time.Duration) (found Rare, err error) {
	savepoint, err := tx.Begin(ctx) // that it goes back to: neither the bound nor a refusal outlives it
	if err != nil {
		return found, fmt.Errorf("begin to look for small groups: %w", err)
	}
	defer func() { err = errors.Join(err, savepoint.Rollback(context.WithoutCancel(ctx))) }()
	if err := bound(ctx, savepoint, most); err != nil {
		return found, err
	}
	found = Rare{Places: []RarePlace{}, Without: []RareWithout{}}
	for _, step := range []func(context.Context, pgx.Tx, rareQuestion, *Rare) error{countRare, placeRare, rareWithout} {
		err := step(ctx, savepoint, q, &found)
		if problem.Is(slow(err), problem.Timeout) {
			found.Slow = found.Total == 0 // else what comes beside the count is left out
			return found, nil
		}
		if err != nil {
			return found, fmt.Errorf("look for small groups: %w", err)
		}
		if found.Rows == 0 {
			return found, nil
		}
	}
	return found, nil
}

// rareQuestion is which groups of which table; the names are ours.
type rareQuestion struct {
	name string
	by   []Column
	k    int
}

// groups are the groups with their sizes, n; their values are a1, a2 ….
func (q rareQuestion) groups() string {
	var values, numbers []string
	for i, c := range q.by {
		values = append(values, fmt.Sprintf("%s as a%d", at(c), i+1))
		numbers = append(numbers, strconv.Itoa(i+1))
	}
	return "select " + strings.Join(values, ", ") + ", count(*) as n from " + q.name + " r group by " + strings.Join(numbers, ", ")
}

func countRare(ctx context.Context, tx pgx.Tx, q rareQuestion, found *Rare) error {
	sql := fmt.Sprintf(`select coalesce(sum(n), 0)::bigint, coalesce(sum(n) filter (where n < %[1]d), 0)::bigint, count(*) filter (where n < %[1]d),
       coalesce(min(n), 0) from (%[2]s) g`, q.k, q.groups())
	return tx.QueryRow(ctx, sql).Scan(&found.Total, &found.Rows, &found.Groups, &found.Smallest)
}

// placeRare finds the ranges of each column in which most of the rows lie.
func placeRare(ctx context.Context, tx pgx.Tx, q rareQuestion, found *Rare) error {
	var parts []string
	for i, c := range q.by {
		from, to, err := q.ranges(ctx, tx, i, c)
		if err != nil {
			return err
		}
		parts = append(parts, fmt.Sprintf("(select %d as at, %s as from_, %s as to_, sum(n)::bigint as rows from g group by 2, 3 having sum(n) >= %d order by 4 desc, 2 limit %d)",
			i, from, to, q.k, rarePlaces))
	}
	rows, err := tx.Query(ctx, fmt.Sprintf("with g as materialized (select * from (%s) every where n < %d) select * from (%s) p order by 1, 4 desc, 2",
		q.groups(), q.k, strings.Join(parts, " union all ")))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var column int
		var p RarePlace
		var to *string
		if err := rows.Scan(&column, &p.From, &to, &p.Rows); err != nil {
			return err
		}
		p.Column = q.by[column].Key
		if to != nil {
			p.To = *to
		}
		found.Places = append(found.Places, p)
	}
	return rows.Err()
}

// ranges are how a column's values are put into ranges: numbers between round
// ones, about ten in all, dates by year, or by month where they span less.
func (q rareQuestion) ranges(ctx context.Context, tx pgx.Tx, i int, c Column) (from, to string, err error) {
	value := fmt.Sprintf("a%d", i+1)
	switch c.Type {
	case Integer, Decimal:
		var low, high *float64
		if err := tx.QueryRow(ctx, "select min("+at(c)+")::float8, max("+at(c)+")::float8 from "+q.name+" r").Scan(&low, &high); err != nil {
			return "", "", err
		}
		width := 1.0
		if low != nil && *high > *low && !math.IsInf(*high-*low, 0) {
			width = round((*high - *low) / 10)
		}
		if c.Type == Integer {
			width = max(width, 1)
		}
		step := strconv.FormatFloat(width, 'f', -1, 64) + "::numeric"
		begin := "floor(" + value + " / " + step + ") * " + step
		return "trim_scale(" + begin + ")::text", "trim_scale(" + begin + " + " + step + ")::text", nil
	case Date:
		var days *int
		if err := tx.QueryRow(ctx, "select max("+at(c)+") - min("+at(c)+") from "+q.name+" r").Scan(&days); err != nil {
			return "", "", err
		}
		if days != nil && *days < 3*365 {
			return "to_char(" + value + ", 'YYYY-MM')", "null::text", nil
		}
		return "to_char(" + value + ", 'YYYY')", "null::text", nil
	}
	return "left(" + value + "::text, 60)", "null::text", nil
}

// round is the next larger number of 1, 2 and 5 times a power of ten.
func round(width float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(width)))
	for _, times := range []float64{1, 2, 5} {
		if times*power >= width {
			return times * power
		}
	}
	return 10 * power
}

// rareWithout counts once more for each column that could be left out.
func rareWithout(ctx context.Context, tx pgx.Tx, q rareQuestion, found *Rare) error {
	if len(q.by) == 1 {
		found.Without = append(found.Without, RareWithout{Column: q.by[0].Key})
		return nil
	}
	var all, sets []string
	for _, c := range q.by {
		all = append(all, at(c))
	}
	for i := range q.by {
		var others []string
		for j, c := range q.by {
			if j != i {
				others = append(others, at(c))
			}
		}
		sets = append(sets, "("+strings.Join(others, ", ")+")")
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`select left_out, coalesce(sum(n) filter (where n < %d), 0)::bigint
  from (select grouping(%s) as left_out, count(*) as n from %s r group by grouping sets (%s)) g group by left_out`,
		q.k, strings.Join(all, ", "), q.name, strings.Join(sets, ", ")))
	if err != nil {
		return err
	}
	defer rows.Close()
	left := map[int]int64{}
	for rows.Next() {
		var bits int
		var n int64
		if err := rows.Scan(&bits, &n); err != nil {
			return err
		}
		left[bits] = n
	}
	for i, c := range q.by { // the first column is the highest bit (PostgreSQL manual, GROUPING)
		found.Without = append(found.Without, RareWithout{c.Key, left[1<<(len(q.by)-1-i)]})
	}
	return rows.Err()
}
