package rows

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lgsp/internal/problem"
)

// The bounds of a question.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
	maxFilters   = 30
	maxSort      = 3
	maxIn        = 200
)

// Query is a question about the rows of a table. Its grammar, in the query
// string of an address, where col is a column's key:
//
//	col__exact=v  col__contains=v  col__in=v,w  col__less=v (or equal)
//	col__greater=v (or equal)  col__isnull=true|false
//	sort=-a,b  columns=a,b  limit=1…1000 (100)  after=cursor
//	group=a,b  sum=c  avg=c  min=c  max=c  count=*
//	total=true
type Query struct {
	columns []Column // of the table
	filters []filter
	sort    []order
	show    []Column
	groups  []Column
	sums    []aggregate
	limit   int // 0: all
	fetch   int // how many are read: one more than limit tells whether there is a next page
	after   []*string
	total   bool // the rows that the filters leave are counted
}

type filter struct {
	column Column
	op     string
	values []string
}

type order struct {
	name   string // of an output column
	column Column // zero for an aggregate
	desc   bool
}

type aggregate struct {
	fn     string // sum, avg, min, max, count
	column Column // zero for count
}

func (a aggregate) name() string {
	if a.fn == "count" {
		return "count"
	}
	return a.column.Key + "__" + a.fn
}

var aggregates = []string{"count", "sum", "avg", "min", "max"}

// Parse reads a question. It fails with Invalid, naming the parameter and what
// would be right. The parameter format is the caller's and is passed over.
func Parse(values url.Values, columns []Column) (Query, error) {
	q := Query{columns: columns, limit: DefaultLimit}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := q.parameter(name, values[name]); err != nil {
			return q, err
		}
	}
	if err := q.parseSort(values.Get("sort")); err != nil {
		return q, err
	}
	if len(q.groups) == 0 && len(q.sums) == 0 {
		if q.show == nil {
			q.show = columns
		}
		return q, q.parseAfter(values.Get("after"))
	}
	if q.show != nil {
		return q, bad("columns", "rows-columns-grouped", "columns and group exclude each other")
	}
	if values.Get("after") != "" {
		return q, bad("after", "rows-after-grouped", "a grouped answer has one page; narrow it with filters")
	}
	if len(q.sums) == 0 {
		q.sums = []aggregate{{fn: "count"}}
	}
	return q, nil
}

// Groups reports whether the answer is of groups of rows.
func (q Query) Groups() bool { return len(q.sums) > 0 }

// Unlimited is the question without its default page; an asked limit stays.
func (q Query) Unlimited(values url.Values) Query {
	if values.Get("limit") == "" {
		q.limit = 0
	}
	return q
}

func (q *Query) parameter(name string, values []string) error {
	value := values[0]
	if len(values) > 1 && !strings.HasSuffix(name, "__in") {
		return bad(name, "rows-twice", name+" stands twice")
	}
	switch name {
	case "format", "sort", "after":
		return nil
	case "limit":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > MaxLimit {
			return bad("limit", "rows-limit", fmt.Sprintf("limit is 1 to %d", MaxLimit))
		}
		q.limit = n
		return nil
	case "total":
		if value != "true" && value != "false" {
			return bad("total", "rows-total", "total is true or false")
		}
		q.total = value == "true"
		return nil
	case "columns", "group":
		list, err := q.list(name, value)
		if name == "columns" {
			q.show = list
		} else {
			q.groups = list
		}
		return err
	}
	if slices.Contains(aggregates, name) {
		return q.aggregate(name, value)
	}
	if key, op, ok := cutLast(name, "__"); ok {
		return q.filter(key, op, values)
	}
	return q.unknown(name)
}

// unknown refuses a parameter and names the one that was likely meant.
func (q *Query) unknown(name string) error {
	hint := map[string]string{
		"rows": "limit", "per_page": "limit", "page_size": "limit", "size": "limit", "top": "limit", "offset": "after", "start": "after", "page": "after", "cursor": "after",
		"order": "sort", "order_by": "sort", "orderby": "sort", "sortby": "sort", "select": "columns", "fields": "columns",
		"groupby": "group", "group_by": "group", "where": "<col>__exact", "include_total": "total", "with_count": "total", "filter": "<col>__exact", "filters": "<col>__exact", "q": "<col>__contains",
	}[strings.ToLower(name)]
	if _, ok := q.column(name); ok {
		hint = name + "__exact"
	}
	if hint == "" {
		hint = "limit, after, sort, columns, total, group, count, sum, avg, min, max, <col>__exact"
	}
	return problem.Errorf(problem.Invalid, "there is no parameter %s; use %s", shorten(name), hint).
		Coded("rows-parameter", "name", shorten(name), "hint", hint)
}

func bad(name, code, detail string) error {
	return problem.Errorf(problem.Invalid, "%s", detail).Coded(code, "name", shorten(name))
}

func (q *Query) column(key string) (Column, bool) {
	for _, c := range q.columns {
		if c.Key == key {
			return c, true
		}
	}
	return Column{}, false
}

func (q *Query) known(parameter, key string) (Column, error) {
	if c, ok := q.column(key); ok {
		return c, nil
	}
	keys := make([]string, len(q.columns))
	for i, c := range q.columns {
		keys[i] = c.Key
	}
	return Column{}, problem.Errorf(problem.Invalid, "%s: there is no column %s; there are %s", parameter, shorten(key), strings.Join(keys, ", ")).
		Coded("rows-column", "name", shorten(key), "columns", strings.Join(keys, ", "))
}

// orderable is known for a column that has an order and equals.
func (q *Query) orderable(parameter, key string) (Column, error) {
	c, err := q.known(parameter, key)
	if err == nil && c.Type == Geometry {
		err = shapesOnly(c)
	}
	return c, err
}

func shapesOnly(c Column) error {
	return problem.Errorf(problem.Invalid, "%s holds shapes; only isnull can be asked of it", c.Key).
		Coded("rows-geometry-ask", "column", c.Key)
}

func (q *Query) list(parameter, value string) ([]Column, error) {
	var list []Column
	find := q.orderable
	if parameter == "columns" {
		find = q.known
	}
	for _, key := range strings.Split(value, ",") {
		c, err := find(parameter, strings.TrimSpace(key))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list, nil
}

func (q *Query) aggregate(fn, value string) error {
	if fn == "count" {
		if value != "*" && value != "" {
			return bad(fn, "rows-count", "count counts rows: count=*")
		}
		q.sums = append(q.sums, aggregate{fn: fn})
		return nil
	}
	list, err := q.list(fn, value)
	for _, c := range list {
		if (fn == "sum" || fn == "avg") && c.Type != Integer && c.Type != Decimal || c.Type == Boolean {
			return problem.Errorf(problem.Invalid, "%s is for numbers; %s is %s", fn, c.Key, c.Type).
				Coded("rows-aggregate-type", "name", fn, "column", c.Key, "type", string(c.Type))
		}
		q.sums = append(q.sums, aggregate{fn, c})
	}
	return err
}

func (q *Query) filter(key, op string, values []string) error {
	c, err := q.known(key+"__"+op, key)
	if err != nil {
		return err
	}
	if c.Type == Geometry && op != "isnull" {
		return shapesOnly(c)
	}
	f := filter{column: c, op: op, values: slices.Clone(values)}
	switch op {
	case "exact", "less", "greater":
		f.values[0], err = operand(c, values[0])
	case "contains":
		if c.Type != Text {
			return problem.Errorf(problem.Invalid, "contains is for text; %s is %s", key, c.Type).
				Coded("rows-contains-type", "column", key, "type", string(c.Type))
		}
	case "in":
		f.values, err = operands(c, values)
	case "isnull":
		if values[0] != "true" && values[0] != "false" {
			return bad(key+"__isnull", "rows-isnull", key+"__isnull is true or false")
		}
	default:
		return problem.Errorf(problem.Invalid, "there is no comparison %s; there are exact, contains, in, less, greater, isnull", shorten(op)).
			Coded("rows-comparison", "name", shorten(op))
	}
	if q.filters = append(q.filters, f); len(q.filters) > maxFilters {
		return bad(key, "rows-many-filters", "more than 30 filters")
	}
	return err
}

// operand reads a value as the column's type has it, in Vietnamese writing or
// the international one.
func operand(c Column, value string) (string, error) {
	s := nfc(strings.TrimSpace(value))
	ok := true
	switch c.Type {
	case Integer, Decimal:
		s = strings.Replace(s, ",", ".", 1)
		whole, decimal := isPlainNumber(s)
		ok = whole || decimal
	case Date:
		if d, is := dayFirstDate(s); is {
			s = d.Format(time.DateOnly)
		}
		ok = dateForm(s) == "iso"
	case Boolean:
		var yes bool
		if yes, ok = truth(s); ok {
			s = strconv.FormatBool(yes)
		}
	default:
		s = nfc(value)
		ok = !strings.ContainsRune(s, 0)
	}
	if !ok {
		return "", problem.Errorf(problem.Invalid, "%s is %s; %s is not", c.Key, c.Type, shorten(value)).
			Coded("rows-operand", "column", c.Key, "type", string(c.Type), "value", shorten(value))
	}
	return s, nil
}

// operands reads one CSV line, or several, of values.
func operands(c Column, lines []string) ([]string, error) {
	var list []string
	for _, line := range lines {
		fields, err := csv.NewReader(strings.NewReader(line)).Read()
		if err != nil {
			return nil, bad(c.Key+"__in", "rows-in", "in takes values with commas between them, quoted where needed")
		}
		for _, field := range fields {
			value, err := operand(c, field)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
	}
	if len(list) > maxIn {
		return nil, bad(c.Key+"__in", "rows-in-many", fmt.Sprintf("in takes at most %d values", maxIn))
	}
	return list, nil
}

func (q *Query) parseSort(value string) error {
	if value == "" {
		return nil
	}
	for _, key := range strings.Split(value, ",") {
		key = strings.TrimSpace(key)
		name, desc := strings.CutPrefix(key, "-")
		o := order{name: name, desc: desc}
		if len(q.groups) > 0 || len(q.sums) > 0 {
			if !q.isOutput(name) {
				return problem.Errorf(problem.Invalid, "sort: %s is not in the grouped answer", shorten(name)).
					Coded("rows-sort-grouped", "name", shorten(name))
			}
		} else {
			c, err := q.orderable("sort", name)
			if err != nil {
				return err
			}
			o.column = c
		}
		q.sort = append(q.sort, o)
	}
	if len(q.sort) > maxSort {
		return bad("sort", "rows-sort-many", "sort takes at most 3 columns")
	}
	return nil
}

// isOutput reports whether a grouped answer has that column.
func (q *Query) isOutput(name string) bool {
	return slices.ContainsFunc(q.groups, func(c Column) bool { return c.Key == name }) ||
		slices.ContainsFunc(q.sums, func(a aggregate) bool { return a.name() == name }) ||
		len(q.sums) == 0 && name == "count"
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 1 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
