package catalog

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Column is one column of a distribution's rows: the data dictionary.
type Column struct {
	rows.Column
	TitleVI string `json:"title_vi"`
	TitleEN string `json:"title_en"`
	NotesVI string `json:"notes_vi"`
	NotesEN string `json:"notes_en"`
	Unit    string `json:"unit"`
	Place   string `json:"place"` // code or name of a commune, none; "": as its name says

	Profile *rows.Profile `json:"profile,omitempty"` // what it holds, counted when the file was read
}

const rowsTableSQL = `select rows_table from catalog.distribution where id = $1`

const setRowsSQL = `update catalog.distribution set rows = $2, report = $3, rows_table = $4 where id = $1`

const retireColumnsSQL = `update catalog.column_info set field = '' where distribution_id = $1`

const putColumnSQL = `
insert into catalog.column_info (distribution_id, key, position, field, name, type, indexed, profile)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict on constraint column_info_key
do update set position = excluded.position, field = excluded.field, name = excluded.name, type = excluded.type,
              indexed = excluded.indexed, profile = excluded.profile`

// loadRows puts the rows of a table, or none, in place of the former ones.
func loadRows(ctx context.Context, tx pgx.Tx, distribution uuid.UUID, table *rows.Table) error {
	var former string
	if err := tx.QueryRow(ctx, rowsTableSQL, distribution).Scan(&former); err != nil {
		return fmt.Errorf("read rows table of %s: %w", distribution, err)
	}
	if former != "" {
		if err := rows.Drop(ctx, tx, former); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, retireColumnsSQL, distribution); err != nil {
		return fmt.Errorf("retire columns of %s: %w", distribution, err)
	}
	if table == nil {
		return execOne(ctx, tx, setRowsSQL, distribution, nil, nil, "")
	}
	id := uuid.Must(uuid.NewV7())
	name := "rows_" + hex.EncodeToString(id[:])
	if err := table.Load(ctx, tx, name); err != nil {
		return err
	}
	for i, column := range table.Columns {
		if _, err := tx.Exec(ctx, putColumnSQL, distribution, column.Key, column.Position, column.Field, column.Name, column.Type,
			column.Indexed, table.Profiles[i]); err != nil {
			return fmt.Errorf("put column %s of %s: %w", column.Key, distribution, err)
		}
	}
	return execOne(ctx, tx, setRowsSQL, distribution, table.Rows, table.Report, name)
}

const columnsSQL = `
select key, name, type, position, field, indexed, title_vi, title_en, notes_vi, notes_en, unit, place, profile
  from catalog.column_info
 where distribution_id = $1 and field <> ''
 order by position`

// Columns gives the data dictionary of a distribution's rows, in order; none
// when it is no table.
func (c *Catalog) Columns(ctx context.Context, who auth.Principal, distribution uuid.UUID) ([]Column, error) {
	if _, err := c.Distribution(ctx, who, distribution); err != nil {
		return nil, err
	}
	return columnsOf(ctx, c.DB, distribution)
}

func columnsOf(ctx context.Context, db pg.DB, distribution uuid.UUID) ([]Column, error) {
	list, err := pg.All[Column](ctx, db, columnsSQL, distribution)
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", distribution, err)
	}
	return list, nil
}

const describeColumnSQL = `
update catalog.column_info
   set title_vi = $3, title_en = $4, notes_vi = $5, notes_en = $6, unit = $7, place = $8
 where distribution_id = $1 and key = $2`

// DescribeColumns writes titles, notes, units and places of columns, found by
// key. It fails with Invalid for a key the distribution does not have, and for
// a place that is none.
func (c *Catalog) DescribeColumns(ctx context.Context, who auth.Principal, distribution uuid.UUID, columns []Column) error {
	d, err := c.Distribution(ctx, who, distribution)
	if err != nil {
		return err
	}
	for _, column := range columns {
		if err := checkPlace(column); err != nil {
			return err
		}
	}
	ch := datasetChange{who: who, id: d.DatasetID, act: "dataset.edit", verb: "distribution.describe", from: editable}
	_, err = c.changeDataset(ctx, ch, func(tx pgx.Tx, _ Dataset) error {
		for _, column := range columns {
			tag, err := tx.Exec(ctx, describeColumnSQL, distribution, column.Key, column.TitleVI, column.TitleEN,
				column.NotesVI, column.NotesEN, column.Unit, column.Place)
			if err != nil {
				return fmt.Errorf("describe column %s: %w", column.Key, err)
			}
			if tag.RowsAffected() == 0 {
				return problem.Errorf(problem.Invalid, "there is no column %s", column.Key).
					Coded("column-unknown", "name", column.Key)
			}
		}
		return nil
	})
	return err
}

// QueryRows answers a question about a distribution's rows; rows.Query says
// the grammar. It fails with Invalid, NotFound when there are no rows, and
// Timeout.
func (c *Catalog) QueryRows(ctx context.Context, who auth.Principal, distribution uuid.UUID, question url.Values) (rows.Answer, error) {
	q, d, err := c.question(ctx, who, distribution, question)
	if err != nil {
		return rows.Answer{}, err
	}
	ask := func(ctx context.Context) (rows.Answer, error) {
		return q.Ask(ctx, c.DB, rows.Held{Name: d.RowsTable, Rows: *d.Rows})
	}
	if q.Groups() {
		return c.grouped.ask(ctx, d.RowsTable, question, ask)
	}
	return ask(ctx)
}

// ExportRows writes the answer to w in the format named (csv, csv-excel,
// xlsx, json, jsonl); without a limit it is all rows. See rows.Query.Export
// for what a failure means. Call rows.FormatOf first for the headers.
func (c *Catalog) ExportRows(ctx context.Context, who auth.Principal, distribution uuid.UUID, question url.Values, w io.Writer) error {
	format, err := rows.FormatOf(question.Get("format"))
	if err != nil {
		return err
	}
	q, d, err := c.question(ctx, who, distribution, question)
	if err != nil {
		return err
	}
	return q.Unlimited(question).Export(ctx, c.DB, d.RowsTable, format, w)
}

// DescribeRows gives the OpenAPI document of a distribution's rows, which
// answer at address/rows, in a locale. It fails with NotFound when there are none.
func (c *Catalog) DescribeRows(ctx context.Context, who auth.Principal, distribution uuid.UUID, address, locale string) (map[string]any, error) {
	_, part, err := c.question(ctx, who, distribution, nil)
	if err != nil {
		return nil, err
	}
	d, err := c.Dataset(ctx, who, part.DatasetID)
	if err != nil {
		return nil, err
	}
	columns, err := columnsOf(ctx, c.DB, distribution)
	if err != nil {
		return nil, err
	}
	in := func(vi, en string) string {
		if vi == "" || locale == "en" && en != "" {
			return en
		}
		return vi
	}
	list := make([]rows.Described, len(columns))
	for i, column := range columns {
		title := in(column.TitleVI, column.TitleEN)
		if title == "" {
			title = column.Name
		}
		list[i] = rows.Described{Column: column.Column, Title: title, Notes: in(column.NotesVI, column.NotesEN), Unit: column.Unit, Profile: column.Profile}
	}
	return rows.OpenAPI(rows.Document{
		Title: in(d.TitleVI, d.TitleEN) + ": " + in(part.TitleVI, part.TitleEN), Notes: in(d.NotesVI, d.NotesEN),
		Version: fmt.Sprint(part.Version), Address: address, Licence: d.Licence, Rows: *part.Rows,
	}, list), nil
}

func (c *Catalog) question(ctx context.Context, who auth.Principal, distribution uuid.UUID, question url.Values) (rows.Query, Distribution, error) {
	d, err := c.Distribution(ctx, who, distribution)
	if err != nil {
		return rows.Query{}, d, err
	}
	if d.RowsTable == "" || d.Rows == nil {
		return rows.Query{}, d, problem.Errorf(problem.NotFound, "the file is no table and has no rows").Coded("rows-none")
	}
	described, err := columnsOf(ctx, c.DB, distribution)
	if err != nil {
		return rows.Query{}, d, err
	}
	columns := make([]rows.Column, len(described))
	for i, column := range described {
		columns[i] = column.Column
	}
	q, err := rows.Parse(question, columns)
	return q, d, err
}
