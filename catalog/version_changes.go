package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog/rows"
	"lgsp/internal/pg"
)

const (
	storedRowsSQL = `select rows_table as table, coalesce(rows, 0) as rows from catalog.distribution where id = $1`

	// setAsideSQL leaves the former table to whoever compares with it.
	setAsideSQL = `update catalog.distribution set rows_table = '' where id = $1`

	noteChangesSQL = `
update catalog.file_version f
   set changes = $2
  from catalog.distribution d
 where d.id = $1 and f.distribution_id = d.id and f.version = d.version`
)

// replaceRows puts the rows of a table, or none, in place of the former ones,
// and notes with the new version what has changed.
func replaceRows(ctx context.Context, tx pgx.Tx, distribution uuid.UUID, table *rows.Table) error {
	former, err := storedRows(ctx, tx, distribution)
	if err != nil {
		return err
	}
	if former.Table == "" || table == nil {
		return loadRows(ctx, tx, distribution, table)
	}
	if _, err := tx.Exec(ctx, setAsideSQL, distribution); err != nil {
		return fmt.Errorf("set rows of %s aside: %w", distribution, err)
	}
	if err := loadRows(ctx, tx, distribution, table); err != nil {
		return err
	}
	current, err := storedRows(ctx, tx, distribution)
	if err != nil {
		return err
	}
	changes, err := rows.Compare(ctx, tx, former, current)
	if err != nil {
		return err
	}
	if err := rows.Drop(ctx, tx, former.Table); err != nil {
		return err
	}
	if err := execOne(ctx, tx, noteChangesSQL, distribution, changes); err != nil {
		return fmt.Errorf("note changes of %s: %w", distribution, err)
	}
	return nil
}

// storedRows are the rows of a distribution as they lie in the database; no
// Table: there are none.
func storedRows(ctx context.Context, tx pgx.Tx, distribution uuid.UUID) (rows.Stored, error) {
	type place struct {
		Table string
		Rows  int64
	}
	at, err := pg.One[place](ctx, tx, storedRowsSQL, distribution)
	if err != nil {
		return rows.Stored{}, fmt.Errorf("read rows table of %s: %w", distribution, err)
	}
	described, err := columnsOf(ctx, tx, distribution)
	if err != nil {
		return rows.Stored{}, err
	}
	stored := rows.Stored{Table: at.Table, Rows: at.Rows}
	for _, column := range described {
		stored.Columns = append(stored.Columns, column.Column)
	}
	return stored, nil
}
