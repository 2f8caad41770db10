package rows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Slice is a question about a table that counts from its beginning, as clients
// of the CKAN DataStore ask it. Columns are named by key or as the file's
// header has them; _id is the row's number, from 1.
type Slice struct {
	Equal    []Equal
	Words    string       // each of them somewhere in the row, in either case
	Within   []Words      // the same in one column
	Columns  []string     // none: _id and all
	Sort     []SliceOrder // none: by _id
	Distinct bool         // each answer once
	Offset   int64        // rows left out
	Limit    int64        // rows at most; negative: all
	Export   bool         // it may take as long as an export, not as a page
}

// Equal holds the rows whose column has one of the values; nil is null.
type Equal struct {
	Column string
	Values []*string
}

// Words are words to be found in one column.
type Words struct{ Column, Text string }

// SliceOrder is one column to sort by.
type SliceOrder struct {
	Column     string
	Desc       bool
	NullsFirst bool
}

// maxSliceWords is how many words of a text count.
const maxSliceWords = 20

// number is the row's own number as a column.
var number = Column{Key: "_id", Name: "_id", Type: Integer, Field: "_id"}

// Asked is a slice that fits a table's columns.
type Asked struct {
	Columns []Column // of the answer, in order
	Plain   bool     // nothing narrows it: every row of the table counts

	slice Slice
	all   []Column
	where statement // its conditions and their arguments
	order string
}

// Ask fits a slice to a table's columns. It fails with Invalid; the field that
// is wrong is filters, fields, sort or q.
func (s Slice) Ask(columns []Column) (Asked, error) {
	a := Asked{slice: s, all: columns, Plain: len(s.Equal) == 0 && len(s.Within) == 0 && s.Words == "" && !s.Distinct}
	if err := a.choose(); err != nil {
		return a, err
	}
	var conditions []string
	for _, e := range s.Equal {
		condition, err := a.equal(e)
		if err != nil {
			return a, err
		}
		conditions = append(conditions, condition)
	}
	for _, w := range s.Within {
		c, err := a.column("q", w.Column)
		if err != nil {
			return a, err
		}
		conditions = append(conditions, a.words(w.Text, at(c)+"::text")...)
	}
	whole := make([]string, len(columns))
	for i, c := range columns {
		whole[i] = at(c) + "::text"
	}
	conditions = append(conditions, a.words(s.Words, "concat_ws(' ', "+strings.Join(whole, ", ")+")")...)
	if len(conditions) > maxFilters {
		return a, wrongSlice("filters", "rows-many-filters", "more than 30 filters")
	}
	a.where.text = strings.Join(conditions, " and ")
	return a, a.sort()
}

// choose finds the columns of the answer.
func (a *Asked) choose() error {
	for _, name := range a.slice.Columns {
		c, err := a.column("fields", name)
		if err != nil {
			return err
		}
		if !slices.Contains(a.Columns, c) {
			a.Columns = append(a.Columns, c)
		}
	}
	if len(a.Columns) == 0 {
		if !a.slice.Distinct {
			a.Columns = append(a.Columns, number)
		}
		a.Columns = append(a.Columns, a.all...)
	}
	return nil
}

func (a *Asked) column(parameter, name string) (Column, error) {
	if name == number.Key {
		return number, nil
	}
	for _, c := range a.all {
		if c.Key == name {
			return c, nil
		}
	}
	for _, c := range a.all {
		if c.Name == name {
			return c, nil
		}
	}
	return Column{}, wrongSlice(parameter, "rows-value", fmt.Sprintf("invalid value %q", shorten(name)), "value", shorten(name))
}

func wrongSlice(parameter, code, detail string, pairs ...string) error {
	return problem.Errorf(problem.Invalid, "%s: %s", parameter, detail).Coded(code, pairs...).Wrong(parameter, code, detail, pairs...)
}

func (a *Asked) equal(e Equal) (string, error) {
	c, err := a.column("filters", e.Column)
	if err != nil {
		return "", err
	}
	if len(e.Values) > maxIn {
		return "", wrongSlice("filters", "rows-in-many", fmt.Sprintf("at most %d values", maxIn))
	}
	var list, either []string
	for _, value := range e.Values {
		if value == nil {
			either = append(either, at(c)+" is null")
			continue
		}
		text, err := operand(c, *value)
		if err != nil {
			detail := fmt.Sprintf("invalid value %q", shorten(*value))
			return "", wrongSlice("filters", "rows-value", detail, "value", shorten(*value))
		}
		list = append(list, a.where.typed(c, text))
	}
	if len(list) > 0 {
		either = append(either, at(c)+" in ("+strings.Join(list, ", ")+")")
	}
	if len(either) == 0 { // none of no values
		return "false", nil
	}
	return "(" + strings.Join(either, " or ") + ")", nil
}

// words are conditions that an expression of ours holds every word of a text.
func (a *Asked) words(text, expression string) []string {
	words := strings.Fields(nfc(text))
	if len(words) > maxSliceWords {
		words = words[:maxSliceWords]
	}
	var list []string
	for _, word := range words {
		list = append(list, "position(lower("+a.where.arg(word)+"::text) in lower("+expression+")) > 0")
	}
	return list
}

func (a *Asked) sort() error {
	if len(a.slice.Sort) > maxSort {
		return wrongSlice("sort", "rows-sort-many", "sort takes at most 3 columns")
	}
	var list []string
	for _, o := range a.slice.Sort {
		c, err := a.column("sort", o.Column)
		if err != nil {
			return err
		}
		if a.slice.Distinct && !slices.Contains(a.Columns, c) {
			return wrongSlice("sort", "rows-value", fmt.Sprintf("invalid value %q", shorten(o.Column)), "value", shorten(o.Column))
		}
		expression := at(c)
		if o.Desc {
			expression += " desc"
		}
		expression += map[bool]string{true: " nulls first", false: " nulls last"}[o.NullsFirst]
		list = append(list, expression)
	}
	if !a.slice.Distinct {
		list = append(list, at(number))
	} else {
		for _, c := range a.Columns {
			list = append(list, at(c)+" nulls last")
		}
	}
	a.order = strings.Join(list, ", ")
	return nil
}

// from is the question without its page. Rows are numbered from 1 without a
// gap, so that an offset into a whole table costs nothing.
func (a Asked) from(table string) statement {
	s := statement{args: slices.Clone(a.where.args)}
	fields := make([]string, len(a.Columns))
	for i, c := range a.Columns {
		fields[i] = at(c)
	}
	s.text = "select " + map[bool]string{true: "distinct "}[a.slice.Distinct] + strings.Join(fields, ", ") + " from " + table + " r"
	if a.where.text != "" {
		s.text += " where " + a.where.text
	}
	return s
}

func (a Asked) page(table string) statement {
	s := a.from(table)
	if a.Plain && len(a.slice.Sort) == 0 && a.slice.Offset > 0 {
		s.text += " where r._id > " + s.arg(a.slice.Offset) + "::bigint order by r._id"
	} else {
		s.text += " order by " + a.order
		if a.slice.Offset > 0 {
			s.text += " offset " + s.arg(a.slice.Offset) + "::bigint"
		}
	}
	if a.slice.Limit >= 0 {
		s.text += " limit " + s.arg(a.slice.Limit) + "::bigint"
	}
	texts := make([]string, len(a.Columns))
	for i, c := range a.Columns {
		texts[i] = "p." + c.Field + "::text"
	}
	s.text = "select " + strings.Join(texts, ", ") + " from (" + s.text + ") p"
	return s
}

// Count counts the rows of the whole answer. It fails with Timeout.
func (a Asked) Count(ctx context.Context, db pg.DB, table string) (int64, error) {
	name, err := address(table)
	if err != nil {
		return 0, err
	}
	s := a.from(name)
	var total int64
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if err := a.bound(ctx, tx); err != nil {
			return err
		}
		return slow(tx.QueryRow(ctx, "select count(*) from ("+s.text+") p", s.args...).Scan(&total))
	})
	return total, err
}

// Each hands every row of the page to take, its values as text, nil for null.
// They are overwritten by the next row. It fails with Timeout.
func (a Asked) Each(ctx context.Context, db pg.DB, table string, take func([][]byte) error) error {
	name, err := address(table)
	if err != nil {
		return err
	}
	s := a.page(name)
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if err := a.bound(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, s.text, s.args...)
		if err != nil {
			return slow(err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := take(rows.RawValues()); err != nil {
				return err
			}
		}
		return slow(rows.Err())
	})
}

func (a Asked) bound(ctx context.Context, tx pgx.Tx) error {
	most := queryTime
	if a.slice.Export {
		most = exportTime
	}
	if _, err := tx.Exec(ctx, fmt.Sprintf("set local statement_timeout = %d", most.Milliseconds())); err != nil {
		return fmt.Errorf("bound the time: %w", err)
	}
	return nil
}

const sizesSQL = `select pg_total_relation_size($1::text::regclass) as whole, pg_indexes_size($1::text::regclass) as indexes`

// Sizes are how much a table takes, in bytes.
type Sizes struct {
	Whole   int64
	Indexes int64
}

// SizesOf measures a table.
func SizesOf(ctx context.Context, db pg.DB, table string) (Sizes, error) {
	name, err := address(table)
	if err != nil {
		return Sizes{}, err
	}
	sizes, err := pg.One[Sizes](ctx, db, sizesSQL, name)
	if err != nil {
		return sizes, fmt.Errorf("measure %s: %w", table, err)
	}
	return sizes, nil
}
