package rows

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Answer is a page of rows, or of groups.
type Answer struct {
	Columns []Column    // of the answer, in order
	Rows    [][]*string // values as text, nil for null
	Limit   int         // in force
	Next    string      // cursor of the next page, "" at the end
	Cut     bool        // a grouped answer that had more groups than the limit
	Total   *int64      // rows on all pages; nil when it was not asked, or could not be counted in time
	AtLeast bool        // there are more than Total
}

// MarshalJSON writes {"columns":…,"items":[{key: value}],"limit":…,"next":…,"truncated":…,
// "total":…,"total_at_least":…} with the members of each item in the columns' order.
func (a Answer) MarshalJSON() ([]byte, error) {
	columns, err := json.Marshal(a.Columns)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"columns":%s,"items":[`, columns)
	for i, row := range a.Rows {
		if i > 0 {
			b.WriteByte(',')
		}
		writeObject(&b, a.Columns, row)
	}
	fmt.Fprintf(&b, `],"limit":%d,"next":%q,"truncated":%t`, a.Limit, a.Next, a.Cut)
	if a.Total != nil {
		fmt.Fprintf(&b, `,"total":%d,"total_at_least":%t`, *a.Total, a.AtLeast)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// writeObject writes one row as a JSON object.
func writeObject(b *bytes.Buffer, columns []Column, row []*string) {
	b.WriteByte('{')
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(c.Key) // a string always marshals
		b.Write(key)
		b.WriteByte(':')
		switch v := row[i]; {
		case v == nil:
			b.WriteString("null")
		case c.Type == Integer, c.Type == Decimal, c.Type == Boolean, c.Type == Geometry && json.Valid([]byte(*v)):
			b.WriteString(*v)
		default:
			text, _ := json.Marshal(*v)
			b.Write(text)
		}
	}
	b.WriteByte('}')
}

// Output gives the columns of the answer.
func (q Query) Output() []Column {
	if len(q.sums) == 0 {
		return q.show
	}
	list := append([]Column{}, q.groups...)
	for _, a := range q.sums {
		kind := a.column.Type
		switch a.fn {
		case "count":
			kind = Integer
		case "sum", "avg":
			kind = Decimal
		}
		list = append(list, Column{Key: a.name(), Name: a.name(), Type: kind, Position: len(list) + 1})
	}
	return list
}

// How long a question may take, one that groups, the counting beside it, and
// an export.
const (
	queryTime  = 5 * time.Second
	groupTime  = time.Second
	countTime  = time.Second
	exportTime = 10 * time.Minute
)

// mostCounted is up to where filtered rows are counted.
const mostCounted = 100_000

// Held is a loaded table.
type Held struct {
	Name string // of the physical table
	Rows int64
}

// Ask answers a question about a table. Its rows are known; what filters leave
// is counted when total was asked, up to 100,000, if that takes no longer than
// a second. It fails with Timeout when the answer would take too long.
func (q Query) Ask(ctx context.Context, db pg.DB, table Held) (Answer, error) {
	q.fetch = q.limit + 1
	most := queryTime
	if q.Groups() {
		most = groupTime
	}
	a := Answer{Columns: q.Output(), Limit: q.limit, Rows: [][]*string{}}
	err := q.each(ctx, db, tableTime{table.Name, most}, func(row []*string) error {
		a.Rows = append(a.Rows, row)
		return nil
	})
	if problem.Code(err) == "rows-slow" && len(q.groups) > 0 {
		return Answer{}, q.slowGroups(err)
	}
	if err != nil {
		return Answer{}, err
	}
	if len(a.Rows) > q.limit {
		a.Rows = a.Rows[:q.limit]
		if q.Groups() {
			a.Cut = true
		} else {
			a.Next = q.cursorOf(a.Rows[q.limit-1][len(q.show):])
		}
	}
	for i, row := range a.Rows {
		a.Rows[i] = row[:len(a.Columns)]
	}
	return a, q.count(ctx, db, table, &a)
}

// count fills in Total.
func (q Query) count(ctx context.Context, db pg.DB, table Held, a *Answer) error {
	switch {
	case q.Groups():
		return nil
	case len(q.filters) == 0:
		a.Total = &table.Rows
		return nil
	case !q.total:
		return nil
	}
	if q.after == nil && a.Next == "" {
		n := int64(len(a.Rows))
		a.Total = &n
		return nil
	}
	name, err := address(table.Name)
	if err != nil {
		return err
	}
	err = run(ctx, db, q.counting(name, mostCounted+1), countTime, func(row []*string) error {
		n, err := strconv.ParseInt(*row[0], 10, 64)
		if err != nil {
			return fmt.Errorf("count rows of %s: %w", table.Name, err)
		}
		a.AtLeast = n > mostCounted
		n = min(n, mostCounted)
		a.Total = &n
		return nil
	})
	if problem.Code(err) == "rows-slow" {
		return nil // the page is worth having without it
	}
	return err
}

// slowGroups says which columns are grouped quickly.
func (q Query) slowGroups(err error) error {
	var quick []string
	for _, c := range q.columns {
		if c.Indexed {
			quick = append(quick, c.Key)
		}
	}
	if len(quick) == 0 {
		return err
	}
	return problem.Errorf(problem.Timeout, "grouping takes longer than a second; narrow it with filters, or count by %s", strings.Join(quick, ", ")).
		Coded("rows-slow-groups", "columns", strings.Join(quick, ", ")).Because(err)
}

type tableTime struct {
	table string
	most  time.Duration
}

// each hands every row to take as it arrives.
func (q Query) each(ctx context.Context, db pg.DB, t tableTime, take func([]*string) error) error {
	name, err := address(t.table)
	if err != nil {
		return err
	}
	return run(ctx, db, q.statement(name), t.most, take)
}

// bound keeps a transaction from taking longer than most. Compiling (jit) costs
// more than our questions do.
func bound(ctx context.Context, tx pgx.Tx, most time.Duration) error {
	if _, err := tx.Exec(ctx, fmt.Sprintf("set local statement_timeout = %d; set local jit = off", most.Milliseconds())); err != nil {
		return fmt.Errorf("bound the time: %w", err)
	}
	return nil
}

func run(ctx context.Context, db pg.DB, s statement, most time.Duration, take func([]*string) error) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if err := bound(ctx, tx, most); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, s.text, s.args...)
		if err != nil {
			return slow(err)
		}
		defer rows.Close()
		for rows.Next() {
			row := make([]*string, len(rows.FieldDescriptions()))
			into := make([]any, len(row))
			for i := range row {
				into[i] = &row[i]
			}
			if err := rows.Scan(into...); err != nil {
				return fmt.Errorf("read a row: %w", err)
			}
			if err := take(row); err != nil {
				return err
			}
		}
		return slow(rows.Err())
	})
}

func slow(err error) error {
	var e *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e) && e.Code == "57014":
		return problem.Errorf(problem.Timeout, "the answer takes too long; narrow it with filters").Coded("rows-slow").Because(err)
	case errors.As(err, &e) && e.Code == "42P01":
		return problem.Errorf(problem.NotFound, "the rows were replaced meanwhile; ask again").Coded("rows-gone").Because(err)
	}
	return fmt.Errorf("ask rows: %w", err)
}
