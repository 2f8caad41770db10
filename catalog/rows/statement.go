package rows

import (
	"fmt"
	"strings"
)

// statement is a question in SQL. Every name in it is ours (c1 … c200, _id),
// every value an argument.
type statement struct {
	text string
	args []any
}

// at is the column in the table; without the r it could also be the text that
// comes out, in an order by.
func at(c Column) string { return "r." + c.Field }

func (s *statement) arg(value any) string {
	s.args = append(s.args, value)
	return fmt.Sprintf("$%d", len(s.args))
}

// typed is a value as the column's type.
func (s *statement) typed(c Column, value string) string {
	kind := physical[c.Type]
	if c.Type == Integer {
		kind = "numeric" // so that 1.5 can be compared with
	}
	return s.arg(value) + "::text::" + kind
}

// statement puts the question to a table. The rows come out as text: what is
// shown, then for a page the sort values and the row's number.
func (q Query) statement(table string) statement {
	var s statement
	var out, where []string
	if len(q.sums) > 0 {
		out = q.grouped()
	} else {
		for _, c := range q.show {
			out = append(out, at(c)+"::text")
		}
		for _, o := range q.sort {
			out = append(out, at(o.column)+"::text")
		}
		out = append(out, "r._id::text")
	}
	for _, f := range q.filters {
		where = append(where, s.filter(f))
	}
	if q.after != nil {
		where = append(where, s.beyond(q))
	}
	s.text = "select " + strings.Join(out, ", ") + " from " + table + " r"
	if len(where) > 0 {
		s.text += " where " + strings.Join(where, " and ")
	}
	if len(q.groups) > 0 {
		fields := make([]string, len(q.groups))
		for i, c := range q.groups {
			fields[i] = at(c)
		}
		s.text += " group by " + strings.Join(fields, ", ")
	}
	s.text += q.orderBy()
	if q.fetch > 0 {
		s.text += fmt.Sprintf(" limit %d", q.fetch)
	}
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
		if len(q.sums) > 0 {
			expression = q.outputExpression(o.name)
		}
		if o.desc {
			expression += " desc"
		}
		list = append(list, expression+" nulls last")
	}
	if len(q.sums) == 0 {
		list = append(list, "r._id")
	}
	for _, c := range q.groups {
		list = append(list, at(c)+" nulls last")
	}
	if len(list) == 0 {
		return ""
	}
	return " order by " + strings.Join(list, ", ")
}

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
	condition := "r._id > " + s.arg(*q.after[len(q.sort)]) + "::text::bigint"
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
