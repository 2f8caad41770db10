package rows

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// excelForm is the name of the CSV that Excel opens by a double click.
const excelForm = "csv-excel"

const setArgumentSQL = `select set_config('lgsp.a' || $1::int, $2::text, true)`

// copyCSV lets PostgreSQL write the CSV itself (PostgreSQL manual, COPY): no
// row passes through memory of ours. COPY takes no arguments, so the values of
// filters are settings of the transaction. For Excel it begins with a
// byte-order mark, and text that a spreadsheet would run as a formula has an
// apostrophe before it (OWASP, CSV injection).
func (q Query) copyCSV(ctx context.Context, db pg.DB, t tableTime, w io.Writer, form string) error {
	name, err := address(t.table)
	if err != nil {
		return err
	}
	s := q.copying(name, form)
	if err := writeHeader(w, q.Output(), form); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if err := bound(ctx, tx, t.most); err != nil {
			return err
		}
		for i, value := range s.args {
			if _, err := tx.Exec(ctx, setArgumentSQL, i+1, value); err != nil {
				return fmt.Errorf("set a value of the export: %w", err)
			}
		}
		_, err := tx.Conn().PgConn().CopyTo(ctx, w, s.text)
		return slow(err)
	})
}

func writeHeader(w io.Writer, columns []Column, form string) error {
	if form == excelForm {
		if _, err := io.WriteString(w, "\uFEFF"); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
		if form == excelForm && names[i] != "" && strings.IndexByte(formulaBegins, names[i][0]) >= 0 {
			names[i] = "'" + names[i]
		}
	}
	out := csv.NewWriter(w)
	_ = out.Write(names) // Flush tells
	out.Flush()
	return out.Error()
}

// formulaBegins are the letters that make a cell a formula.
const formulaBegins = "=+-@\t\r"

// copying is the whole answer as CSV.
func (q Query) copying(table, form string) statement {
	s := statement{copied: true}
	out := q.grouped()
	if len(q.sums) == 0 {
		for _, c := range q.show {
			out = append(out, at(c))
		}
	}
	for i, c := range q.Output() {
		switch {
		case c.Type == Text && form == excelForm:
			out[i] = fmt.Sprintf("case when ascii(%[1]s) in (61, 43, 45, 64, 9, 13) then chr(39) || %[1]s else %[1]s end", out[i])
		case c.Type == Boolean:
			out[i] += "::text" // true, where COPY alone writes t
		}
	}
	where := s.where(q)
	if q.after != nil {
		where = append(where, s.beyond(q))
	}
	s.text = "copy (select " + strings.Join(out, ", ") + " from " + table + " r" + conditions(where) + q.groupBy() + q.orderBy()
	if q.fetch > 0 {
		s.text += fmt.Sprintf(" limit %d", q.fetch)
	}
	s.text += ") to stdout (format csv)"
	return s
}
