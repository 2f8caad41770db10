package rows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The bounds of a comparison: tables beyond are compared by their columns only.
const (
	compareRows = 1_000_000
	compareTime = 30 * time.Second
	compareKeys = 5 // columns that are tried as the key
)

// Stored is a table as it lies in the database.
type Stored struct {
	Table   string // rows_ and 32 hexadecimal digits
	Columns []Column
	Rows    int64
}

// Changes is what became of a table when its file was replaced.
type Changes struct {
	Counted bool   `json:"counted"` // the rows were compared
	Key     string `json:"key"`     // column that rows are told by; "": by all they hold, and none is called changed
	KeyName string `json:"key_name"`
	Added   int64  `json:"added"` // rows
	Removed int64  `json:"removed"`
	Changed int64  `json:"changed"`

	NewColumns     []string `json:"new_columns"` // by name
	GoneColumns    []string `json:"gone_columns"`
	RetypedColumns []string `json:"retyped_columns"`
}

// None reports whether the two tables say the same.
func (c Changes) None() bool {
	return c.Counted && c.Added == 0 && c.Removed == 0 && c.Changed == 0 && len(c.NewColumns)+len(c.GoneColumns)+len(c.RetypedColumns) == 0
}

// shared is a column that both tables have.
type shared struct{ before, after Column }

// Compare tells two tables apart, within the transaction tx, which is left as
// it was. Rows are counted only of tables of up to a million rows, and for half
// a minute at most.
func Compare(ctx context.Context, tx pgx.Tx, before, after Stored) (Changes, error) {
	c := Changes{NewColumns: []string{}, GoneColumns: []string{}, RetypedColumns: []string{}}
	var both []shared
	for _, column := range after.Columns {
		i := slices.IndexFunc(before.Columns, func(b Column) bool { return b.Key == column.Key })
		if i < 0 {
			c.NewColumns = append(c.NewColumns, column.Name)
			continue
		}
		both = append(both, shared{before.Columns[i], column})
		if before.Columns[i].Type != column.Type {
			c.RetypedColumns = append(c.RetypedColumns, column.Name)
		}
	}
	for _, column := range before.Columns {
		if !slices.ContainsFunc(after.Columns, func(a Column) bool { return a.Key == column.Key }) {
			c.GoneColumns = append(c.GoneColumns, column.Name)
		}
	}
	if len(both) == 0 || max(before.Rows, after.Rows) > compareRows {
		return c, nil
	}
	counted, err := countChanges(ctx, tx, [2]string{before.Table, after.Table}, both, c)
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == "57014" && ctx.Err() == nil { // it takes too long
		return c, nil
	}
	return counted, err
}

// countChanges compares the rows in a savepoint that it goes back to, so that
// neither the bound nor a refusal outlives it.
func countChanges(ctx context.Context, tx pgx.Tx, tables [2]string, both []shared, c Changes) (_ Changes, err error) {
	var names [2]string
	for i, table := range tables {
		if names[i], err = address(table); err != nil {
			return c, err
		}
	}
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return c, fmt.Errorf("begin comparison: %w", err)
	}
	defer func() { err = errors.Join(err, savepoint.Rollback(context.WithoutCancel(ctx))) }()
	if _, err := savepoint.Exec(ctx, fmt.Sprintf("set local statement_timeout = %d", compareTime.Milliseconds())); err != nil {
		return c, fmt.Errorf("bound the time: %w", err)
	}
	key, found, err := sharedKey(ctx, savepoint, names, both)
	if err != nil {
		return c, err
	}
	if !found {
		return c, countWhole(ctx, savepoint, names, both, &c)
	}
	c.Key, c.KeyName = key.after.Key, key.after.Name
	var differ []string
	for _, s := range both {
		differ = append(differ, "b."+s.before.Field+"::text is distinct from a."+s.after.Field+"::text")
	}
	sql := fmt.Sprintf(`select count(*) filter (where b._id is null), count(*) filter (where a._id is null),
       count(*) filter (where a._id is not null and b._id is not null and (%s))
  from %s b full join %s a on b.%s = a.%s`, strings.Join(differ, " or "), names[0], names[1], key.before.Field, key.after.Field)
	if err := savepoint.QueryRow(ctx, sql).Scan(&c.Added, &c.Removed, &c.Changed); err != nil {
		return c, fmt.Errorf("compare rows: %w", err)
	}
	c.Counted = true
	return c, nil
}

// countWhole compares tables without a key: a row that differs in anything is
// another row.
func countWhole(ctx context.Context, tx pgx.Tx, names [2]string, both []shared, c *Changes) error {
	var fields [2][]string
	for _, s := range both {
		fields[0], fields[1] = append(fields[0], s.before.Field+"::text"), append(fields[1], s.after.Field+"::text")
	}
	of := func(i int) string { return "select " + strings.Join(fields[i], ", ") + " from " + names[i] }
	sql := "select (select count(*) from (" + of(1) + " except all " + of(0) + ") n), (select count(*) from (" + of(0) + " except all " + of(1) + ") g)"
	if err := tx.QueryRow(ctx, sql).Scan(&c.Added, &c.Removed); err != nil {
		return fmt.Errorf("compare rows: %w", err)
	}
	c.Counted = true
	return nil
}

// noKeys are columns that number the rows and say nothing of what they are.
var noKeys = []string{"stt", "tt", "so_thu_tu", "so_tt", "no", "row", "index"}

// sharedKey finds the first column, of the first few, that tells the rows of
// both tables apart.
func sharedKey(ctx context.Context, tx pgx.Tx, names [2]string, both []shared) (shared, bool, error) {
	tried := 0
	for _, s := range both {
		if s.before.Type != s.after.Type || s.after.Type != Text && s.after.Type != Integer || slices.Contains(noKeys, s.after.Key) {
			continue
		}
		if tried++; tried > compareKeys {
			break
		}
		unique := true
		for i, field := range []string{s.before.Field, s.after.Field} {
			if !unique {
				break
			}
			sql := "select count(*) = count(distinct " + field + ") from " + names[i] // null is none of the distinct
			if err := tx.QueryRow(ctx, sql).Scan(&unique); err != nil {
				return s, false, fmt.Errorf("look for a key: %w", err)
			}
		}
		if unique {
			return s, true, nil
		}
	}
	return shared{}, false, nil
}
