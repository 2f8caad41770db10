package rows

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

var tableForm = regexp.MustCompile(`^rows_[0-9a-f]{32}$`)

// address is the physical table's quoted name.
func address(table string) (string, error) {
	if !tableForm.MatchString(table) {
		return "", fmt.Errorf("%q is not the name of a rows table", table)
	}
	return `catalog."` + table + `"`, nil
}

var physical = map[Type]string{Integer: "bigint", Decimal: "numeric", Date: "date", Boolean: "boolean", Text: "text", Geometry: "text"}

// Load makes the physical table, fills it with the rows of the scanned file,
// read once more, counts what its columns hold and makes the indexes that
// questions will need. The table's name is rows_ and 32 hexadecimal digits.
func (t *Table) Load(ctx context.Context, tx pgx.Tx, table string) error {
	name, err := address(table)
	if err != nil {
		return err
	}
	var ddl strings.Builder
	ddl.WriteString("create table " + name + " (_id bigint primary key")
	for _, c := range t.Columns {
		ddl.WriteString(", " + c.Field + " " + physical[c.Type])
	}
	ddl.WriteString(")")
	if _, err := tx.Exec(ctx, ddl.String()); err != nil {
		return fmt.Errorf("create %s: %w", table, err)
	}
	if err := t.fill(ctx, tx, table, name); err != nil {
		return err
	}
	if err := t.profile(ctx, tx, table, name); err != nil {
		return err
	}
	return t.index(ctx, tx, name)
}

// fill copies the rows. They are frozen, so that an index alone can answer
// from the start (PostgreSQL manual, COPY).
func (t *Table) fill(ctx context.Context, tx pgx.Tx, table, name string) error {
	r, err := t.source.open(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	pipe, out := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		err := t.write(out, r)
		_ = out.CloseWithError(err) // never fails
		sent <- err
	}()
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, pipe, "copy "+name+" from stdin (format csv, freeze)")
	_ = pipe.CloseWithError(context.Canceled) // lets the writer end when the copy broke
	if wrote := <-sent; wrote != nil && !errors.Is(wrote, context.Canceled) {
		return wrote
	}
	if err != nil {
		return fmt.Errorf("copy into %s: %w", table, err)
	}
	if tag.RowsAffected() != t.Rows {
		return fmt.Errorf("copy into %s: %d rows arrived, %d were read", table, tag.RowsAffected(), t.Rows)
	}
	return nil
}

// Drop removes a physical table.
func Drop(ctx context.Context, tx pgx.Tx, table string) error {
	name, err := address(table)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "drop table if exists "+name); err != nil {
		return fmt.Errorf("drop %s: %w", table, err)
	}
	return nil
}

// write sends the rows as CSV in which only null is bare (PostgreSQL manual, COPY).
func (t *Table) write(out io.Writer, r reader) error {
	w := bufio.NewWriterSize(out, 1<<16)
	width, own := len(t.Columns), len(r.header())
	for id := int64(1); ; id++ {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return w.Flush()
		} else if err != nil {
			return err
		}
		fmt.Fprintf(w, "%d", id)
		for i := range width {
			_ = w.WriteByte(',') // Flush tells
			c := cell{null: true}
			switch {
			case i >= own && len(rec.cells) > own:
				c = extraText(rec.cells[own:])
			case i < own && i < len(rec.cells):
				c = rec.cells[i]
			}
			if c.null || t.Columns[i].Type != Text && strings.TrimSpace(c.text) == "" {
				continue
			}
			_ = w.WriteByte('"')
			_, _ = w.WriteString(strings.ReplaceAll(t.value(i, c), `"`, `""`))
			_ = w.WriteByte('"')
		}
		if err := w.WriteByte('\n'); err != nil {
			return err
		}
	}
}

// value writes a cell as PostgreSQL reads its type.
func (t *Table) value(i int, c cell) string {
	switch t.Columns[i].Type {
	case Integer, Decimal:
		s := strings.TrimSpace(c.text)
		if t.numbers[i] == english {
			return strings.ReplaceAll(s, ",", "")
		}
		return strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), ",", ".")
	case Date:
		s := strings.TrimSpace(c.text)
		if d, ok := dayFirstDate(s); ok {
			return d.Format(time.DateOnly)
		}
		return s
	case Boolean:
		if yes, _ := truth(strings.TrimSpace(c.text)); yes {
			return "true"
		}
		return "false"
	}
	return c.text
}
