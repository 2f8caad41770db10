package rows

import (
	"fmt"
	"strconv"
	"strings"
)

// statement is a question in SQL. Every name in it is ours (c1 … c200, _id),
// every value an argument.
type statement struct {
	text   string
	args   []any
	copied bool // it stands in a COPY, which takes no arguments: they are settings of the transaction
}

// at is the column in the table; without the r it could also be the text that
// comes out, in an order by.
func at(c Column) string { return "r." + c.Field }

func (s *statement) arg(value any) string {
	s.args = append(s.args, value)
	if s.copied {
		return fmt.Sprintf("current_setting('lgsp.a%d')", len(s.args))
	}
	return fmt.Sprintf("$%d", len(s.args))
}

// typed is a value as the column's type.
func (s *statement) typed(c Column, value string) string {
	kind := physical[c.Type]
	if _, err := strconv.ParseInt(value, 10, 64); err != nil && c.Type == Integer {
		kind = "numeric" // so that 1.5 can be compared with; an index then is of no use
	}
	return s.arg(value) + "::text::" + kind
}

// statement puts the question to a table. The rows come out as text: what is
// shown, then for a page the sort values and the row's number.
func (q Query) statement(table string) statement {
	var s statement
	where := s.where(q)
	if q.byIndex() {
		s.text = s.parts(q, table, where)
		return s
	}
	if q.after != nil {
		where = append(where, s.beyond(q))
	}
	s.text = "select " + strings.Join(q.out(), ", ") + " from " + table + " r" + conditions(where) + q.groupBy() + q.orderBy()
	if q.fetch > 0 {
		s.text += fmt.Sprintf(" limit %d", q.fetch)
	}
	return s
}

func (q Query) out() []string {
	if q.Groups() {
		return q.grouped()
	}
	var out []string
	for _, c := range q.show {
		out = append(out, at(c)+"::text")
	}
	for _, o := range q.sort {
		out = append(out, at(o.column)+"::text")
	}
	return append(out, "r._id::text")
}

func (s *statement) where(q Query) []string {
	var where []string
	for _, f := range q.filters {
		where = append(where, s.filter(f))
	}
	return where
}

func conditions(where []string) string {
	if len(where) == 0 {
		return ""
	}
	return " where " + strings.Join(where, " and ")
}

func (q Query) groupBy() string {
	if len(q.groups) == 0 {
		return ""
	}
	fields := make([]string, len(q.groups))
	for i, c := range q.groups {
		fields[i] = at(c)
	}
	return " group by " + strings.Join(fields, ", ")
}

// byIndex reports whether a page is read along an index.
func (q Query) byIndex() bool {
	return len(q.sums) == 0 && len(q.sort) == 1 && q.sort[0].column.Indexed && q.fetch > 0
}

// parts asks for a page along the index of its only sort column: what equals
// the cursor's value, what lies beyond it, and last the nulls, each bounded, so
// that a page deep in the table costs what the first one costs.
func (s *statement) parts(q Query, table string, where []string) string {
	o := q.sort[0]
	field, mark := at(o.column), " > "
	if o.desc {
		mark = " < "
	}
	var parts []string
	part := func(order string, conditionsOfPart ...string) {
		all := append(append([]string{}, where...), conditionsOfPart...)
		columns := q.out()
		for i := range columns {
			columns[i] += fmt.Sprintf(" as o%d", i+1)
		}
		parts = append(parts, fmt.Sprintf("(select %s, %d as part, %s as value, r._id as id from %s r%s order by %s limit %d)",
			strings.Join(columns, ", "), len(parts), field, table, conditions(all), order, q.fetch))
	}
	id, beyond := "r._id"+direction(o.desc), "r._id"+mark
	along := field + direction(o.desc) + ", " + id
	switch {
	case q.after == nil:
		part(along, field+" is not null")
		part(id, field+" is null")
	case q.after[0] == nil:
		part(id, field+" is null", beyond+s.arg(*q.after[1])+"::text::bigint")
	default:
		value := s.typed(o.column, *q.after[0])
		part(id, field+" = "+value, beyond+s.arg(*q.after[1])+"::text::bigint")
		part(along, field+mark+value)
		part(id, field+" is null")
	}
	names := make([]string, len(q.out()))
	for i := range names {
		names[i] = fmt.Sprintf("o%d", i+1)
	}
	return fmt.Sprintf("select %s from (%s) p order by part, value%s, id%s limit %d",
		strings.Join(names, ", "), strings.Join(parts, " union all "), direction(o.desc), direction(o.desc), q.fetch)
}

func direction(desc bool) string {
	if desc {
		return " desc"
	}
	return ""
}

// counting asks how many rows the filters leave, up to most.
func (q Query) counting(table string, most int) statement {
	var s statement
	s.text = fmt.Sprintf("select count(*)::text from (select 1 from %s r%s limit %d) c", table, conditions(s.where(q)), most)
	return s
}

func (q Query) grouped() []string {
	var out []string
	for _, c := range q.groups {
		out = append(out, at(c)+"::text")
	}
	for _, a := range q.sums {
		out = append(out, a.expression()+"::text")
	}
	return out
}

func (a aggregate) expression() string {
	if a.fn == "count" {
		return "count(*)"
	}
	if a.fn == "avg" { // 12.5, not 12.500000000000
		return "trim_scale(avg(" + at(a.column) + "))"
	}
	return a.fn + "(" + at(a.column) + ")"
}

func (q Query) orderBy() string {
	var list []string
	for _, o := range q.sort {
		expression := at(o.column)
		if q.Groups() {
			expression = q.outputExpression(o.name)
		}
		list = append(list, expression+direction(o.desc)+" nulls last")
	}
	if len(q.sums) == 0 {
		list = append(list, "r._id"+direction(q.backward()))
	}
	for _, c := range q.groups {
		list = append(list, at(c)+" nulls last")
	}
	if len(list) == 0 {
		return ""
	}
	return " order by " + strings.Join(list, ", ")
}

// backward reports whether equal rows come in the reverse order of the file: as
// the last sort column does, so that one index serves both ways.
func (q Query) backward() bool { return len(q.sort) > 0 && q.sort[len(q.sort)-1].desc }

func (q Query) outputExpression(name string) string {
	for _, c := range q.groups {
		if c.Key == name {
			return at(c)
		}
	}
	for _, a := range q.sums {
		if a.name() == name {
			return a.expression()
		}
	}
	return "count(*)"
}

func (s *statement) filter(f filter) string {
	field := at(f.column)
	switch f.op {
	case "exact":
		return field + " = " + s.typed(f.column, f.values[0])
	case "less":
		return field + " <= " + s.typed(f.column, f.values[0])
	case "greater":
		return field + " >= " + s.typed(f.column, f.values[0])
	case "contains":
		return "position(lower(" + s.arg(nfc(f.values[0])) + "::text) in lower(" + field + ")) > 0"
	case "in":
		list := make([]string, len(f.values))
		for i, v := range f.values {
			list[i] = s.typed(f.column, v)
		}
		return field + " in (" + strings.Join(list, ", ") + ")"
	}
	if f.values[0] == "true" {
		return field + " is null"
	}
	return field + " is not null"
}

// beyond is the condition for what stands after the cursor, column by column,
// nulls last, the row's number deciding among equals.
func (s *statement) beyond(q Query) string {
	condition := "r._id > "
	if q.backward() {
		condition = "r._id < "
	}
	condition += s.arg(*q.after[len(q.sort)]) + "::text::bigint"
	for i := len(q.sort) - 1; i >= 0; i-- {
		o, last := q.sort[i], q.after[i]
		field := at(o.column)
		if last == nil {
			condition = "(" + field + " is null and " + condition + ")"
			continue
		}
		mark := " > "
		if o.desc {
			mark = " < "
		}
		value := s.typed(o.column, *last)
		condition = "(" + field + mark + value + " or " + field + " is null or (" + field + " = " + value + " and " + condition + "))"
	}
	return condition
}
