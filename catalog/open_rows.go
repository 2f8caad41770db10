package catalog

import (
	"context"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The parts of a question that counts rows off from the beginning.
type (
	RowSlice = rows.Slice
	RowEqual = rows.Equal
	RowWords = rows.Words
	RowOrder = rows.SliceOrder
	RowAsked = rows.Asked
	RowSizes = rows.Sizes
)

// OpenRows is the table of a distribution, opened for somebody who may see it.
type OpenRows struct {
	Distribution
	Columns []Column

	db pg.DB
}

// OpenRows opens the rows of a distribution. It fails with NotFound, also for a
// file that is no table.
func (c *Catalog) OpenRows(ctx context.Context, who auth.Principal, distribution uuid.UUID) (OpenRows, error) {
	d, err := c.Distribution(ctx, who, distribution)
	if err != nil {
		return OpenRows{}, err
	}
	if d.RowsTable == "" || d.Rows == nil {
		return OpenRows{}, problem.Errorf(problem.NotFound, "the file is no table and has no rows").Coded("rows-none")
	}
	columns, err := columnsOf(ctx, c.DB, distribution)
	return OpenRows{d, columns, c.DB}, err
}

// Ask fits a question to the table; see rows.Slice.
func (o OpenRows) Ask(s RowSlice) (RowAsked, error) {
	columns := make([]rows.Column, len(o.Columns))
	for i, c := range o.Columns {
		columns[i] = c.Column
	}
	return s.Ask(columns)
}

// Count counts the rows of the whole answer; of the whole table they are known.
func (o OpenRows) Count(ctx context.Context, a RowAsked) (int64, error) {
	if a.Plain {
		return *o.Rows, nil
	}
	return a.Count(ctx, o.db, o.RowsTable)
}

// Each hands every row of the page to take, its values as text, nil for null,
// overwritten by the next row.
func (o OpenRows) Each(ctx context.Context, a RowAsked, take func([][]byte) error) error {
	return a.Each(ctx, o.db, o.RowsTable, take)
}

// Sizes measures the table.
func (o OpenRows) Sizes(ctx context.Context) (RowSizes, error) {
	return rows.SizesOf(ctx, o.db, o.RowsTable)
}
