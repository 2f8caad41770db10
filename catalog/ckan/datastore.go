package ckan

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The bounds of datastore_search.
const (
	defaultRecords = 100
	maxRecords     = 32_000 // more are clamped to it, and the answer says so
)

// question is a datastore_search, read: it also stands behind a dump.
type question struct {
	slice   catalog.RowSlice
	limit   int // in force; -1: all
	filters any // as they came, echoed
	q       any
}

// readQuestion reads filters, q, fields, sort, distinct and the page.
func readQuestion(c *call) (question, error) {
	var q question
	for _, read := range []func(*call) error{q.readFilters, q.readWords, q.readSort, q.readPage} {
		if err := read(c); err != nil {
			return q, err
		}
	}
	return q, nil
}

// object is a parameter that is a JSON object, or one in a text.
func (c *call) object(name string) (map[string]any, error) {
	switch v := c.params[name].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	case string:
		if strings.TrimSpace(v) == "" {
			return nil, nil
		}
		decoder := json.NewDecoder(strings.NewReader(v))
		decoder.UseNumber()
		var object map[string]any
		if err := decoder.Decode(&object); err != nil || object == nil {
			return nil, invalid(name, "Cannot parse JSON")
		}
		return object, nil
	}
	return nil, invalid(name, "Must be an object")
}

func (q *question) readFilters(c *call) error {
	filters, err := c.object("filters")
	if err != nil || len(filters) == 0 {
		return err
	}
	q.filters = filters
	names := make([]string, 0, len(filters))
	for name := range filters {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		equal := catalog.RowEqual{Column: name, Values: []*string{}}
		values, many := filters[name].([]any)
		if !many {
			values = []any{filters[name]}
		}
		for _, value := range values {
			text, err := scalar(value)
			if err != nil {
				return err
			}
			equal.Values = append(equal.Values, text)
		}
		q.slice.Equal = append(q.slice.Equal, equal)
	}
	return nil
}

// scalar is a value of a filter as text, nil for null.
func scalar(value any) (*string, error) {
	var text string
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	default:
		return nil, invalid("filters", "a filter is a value or a list of values")
	}
	return &text, nil
}

// readWords reads q, a text or one for each column.
func (q *question) readWords(c *call) error {
	name := "q"
	if !c.has(name) {
		name = "full_text"
	}
	if !c.yes("plain", true) {
		return invalid("plain", "only plain words are looked for")
	}
	columns, isText := map[string]any(nil), false
	switch v := c.params[name].(type) {
	case nil:
		return nil
	case map[string]any:
		columns = v
	case string:
		if q.slice.Words, isText = v, true; strings.HasPrefix(strings.TrimSpace(v), "{") {
			object, err := c.object(name)
			if err == nil {
				columns, isText, q.slice.Words = object, false, ""
			}
		}
	default:
		return invalid(name, "Must be a string or an object")
	}
	if isText {
		if q.slice.Words != "" {
			q.q = q.slice.Words
		}
		return nil
	}
	q.q = columns
	names := make([]string, 0, len(columns))
	for column := range columns {
		names = append(names, column)
	}
	slices.Sort(names)
	for _, column := range names {
		text, ok := columns[column].(string)
		if !ok {
			return invalid(name, "Must be a string for each column")
		}
		q.slice.Within = append(q.slice.Within, catalog.RowWords{Column: column, Text: text})
	}
	return nil
}

func (q *question) readSort(c *call) error {
	list, err := c.commas("sort")
	if err != nil {
		return err
	}
	for _, text := range list {
		o := catalog.RowOrder{Column: strings.TrimSpace(text)}
		lower := strings.ToLower(o.Column)
		for _, end := range []struct {
			word string
			set  func()
		}{{" nulls first", func() { o.NullsFirst = true }}, {" nulls last", func() {}}, {" desc", func() { o.Desc = true }}, {" asc", func() {}}} {
			if strings.HasSuffix(lower, end.word) {
				o.Column = strings.TrimSpace(o.Column[:len(o.Column)-len(end.word)])
				lower = strings.ToLower(o.Column)
				end.set()
			}
		}
		if name, err := strconv.Unquote(o.Column); err == nil {
			o.Column = name
		}
		q.slice.Sort = append(q.slice.Sort, o)
	}
	return nil
}

func (q *question) readPage(c *call) error {
	var err error
	if q.slice.Columns, err = c.commas("fields"); err != nil {
		return err
	}
	q.slice.Distinct = c.yes("distinct", false)
	limit, err := c.number("limit", defaultRecords)
	if err != nil {
		return err
	}
	q.limit = min(limit, maxRecords)
	offset, err := c.number("offset", 0)
	q.slice.Limit, q.slice.Offset = int64(q.limit), int64(offset)
	return err
}

// typeOf is a column's type in PostgreSQL.
var typeOf = map[string]string{"integer": "int8", "decimal": "numeric", "date": "date", "boolean": "bool", "text": "text"}

// fieldInfo is what the data dictionary says of a column.
type fieldInfo struct {
	Label        string `json:"label"`
	Notes        string `json:"notes"`
	TypeOverride string `json:"type_override"`
	Unit         string `json:"unit,omitempty"`
}

// dataField is a column of an answer.
type dataField struct {
	ID   string     `json:"id"`
	Type string     `json:"type"`
	Info *fieldInfo `json:"info,omitempty"`
}

// dataFields are the columns of an answer, in order.
func dataFields(open catalog.OpenRows, asked catalog.RowAsked) []dataField {
	list := make([]dataField, len(asked.Columns))
	for i, column := range asked.Columns {
		list[i] = dataField{ID: column.Key, Type: typeOf[string(column.Type)]}
		if column.Key == "_id" {
			list[i].Type = "int"
			continue
		}
		for _, described := range open.Columns {
			if described.Key == column.Key {
				list[i].Info = infoOf(described)
			}
		}
	}
	return list
}

func infoOf(column catalog.Column) *fieldInfo {
	label := column.TitleVI
	if label == "" {
		label = column.Name
	}
	return &fieldInfo{Label: label, Notes: column.NotesVI, Unit: column.Unit}
}

// openTable opens the table that an action names.
func (s *Server) openTable(c *call, names ...string) (catalog.OpenRows, error) {
	id, err := c.id(names...)
	if err != nil {
		return catalog.OpenRows{}, err
	}
	rows, err := s.Catalog.OpenRows(c.ctx, c.who, id)
	if problem.Is(err, problem.NotFound) || problem.Is(err, problem.Gone) {
		err = missing(`Resource "` + id.String() + `" was not found.`)
	}
	return rows, err
}

func datastoreSearch(s *Server, c *call) (any, error) {
	if name, err := c.text("resource_id", "id"); err == nil && name == "_table_metadata" {
		return s.tableList(c)
	}
	format, err := c.text("records_format")
	if err != nil {
		return nil, err
	}
	if format == "" {
		format = "objects"
	}
	if !slices.Contains([]string{"objects", "lists", "csv", "tsv"}, format) {
		return nil, invalid("records_format", `Value must be one of ["objects", "lists", "csv", "tsv"]`)
	}
	table, err := s.openTable(c, "resource_id", "id")
	if err != nil {
		return nil, err
	}
	q, err := readQuestion(c)
	if err != nil {
		return nil, err
	}
	asked, err := table.Ask(q.slice)
	if err != nil {
		return nil, err
	}
	a := map[string]any{"resource_id": table.ID, "limit": q.limit, "records_format": format, "include_total": c.yes("include_total", true)}
	fields := dataFields(table, asked)
	records := &recordList{fields: fields, format: format, ranked: q.q != nil}
	if q.limit > 0 {
		if err := table.Each(c.ctx, asked, records.add); err != nil {
			return nil, err
		}
	}
	if a["records"], err = records.end(); err != nil {
		return nil, err
	}
	s.Catalog.CountUse(catalog.Use{Kind: catalog.UseRows, Part: table.ID})
	if records.ranked {
		fields = append(fields, dataField{ID: "rank", Type: "float4"})
	}
	a["fields"] = fields
	for name, value := range map[string]any{"filters": q.filters, "q": q.q} {
		if value != nil {
			a[name] = value
		}
	}
	if q.slice.Offset > 0 {
		a["offset"] = q.slice.Offset
	}
	if a["include_total"] == true {
		total, err := table.Count(c.ctx, asked)
		if err != nil {
			return nil, err
		}
		a["total"], a["total_was_estimated"] = total, false
	}
	a["_links"] = links(c, q)
	return a, nil
}

// links are the addresses of the first, the next and the former page.
func links(c *call, q question) map[string]string {
	values := url.Values{}
	for name, value := range c.params {
		if text, ok := value.(string); ok {
			values.Set(name, text)
		} else if value != nil {
			text, _ := json.Marshal(value) // it came as JSON
			values.Set(name, string(text))
		}
	}
	at := func(offset int64) string {
		values.Del("offset")
		if offset > 0 {
			values.Set("offset", strconv.FormatInt(offset, 10))
		}
		return "/api/3/action/datastore_search?" + values.Encode()
	}
	if q.limit > 0 {
		values.Set("limit", strconv.Itoa(q.limit))
	}
	list := map[string]string{"start": at(0), "next": at(q.slice.Offset + int64(max(q.limit, 1)))}
	if q.slice.Offset > 0 {
		list["prev"] = at(max(0, q.slice.Offset-int64(q.limit)))
	}
	return list
}

// recordList gathers rows in the form asked for.
type recordList struct {
	fields []dataField
	format string
	ranked bool // each row also says how well it fits: all do fully

	keys  [][]byte
	out   bytes.Buffer
	lines *csv.Writer
	line  []string
}

func (r *recordList) add(row [][]byte) error {
	switch r.format {
	case "csv", "tsv":
		return r.addLine(row)
	}
	if r.out.Len() == 0 {
		r.out.WriteByte('[')
	} else {
		r.out.WriteByte(',')
	}
	if r.format == "lists" {
		r.out.WriteByte('[')
		r.values(row, func(int) {})
		r.out.WriteByte(']')
		return nil
	}
	if r.keys == nil {
		for _, f := range r.fields {
			key, _ := json.Marshal(f.ID) // a string always marshals
			r.keys = append(r.keys, append(key, ':'))
		}
	}
	r.out.WriteByte('{')
	r.values(row, func(i int) { r.out.Write(r.keys[i]) })
	r.out.WriteByte('}')
	return nil
}

// values writes a row's values, each after what before writes.
func (r *recordList) values(row [][]byte, before func(int)) {
	for i, value := range row {
		if i > 0 {
			r.out.WriteByte(',')
		}
		before(i)
		writeValue(&r.out, r.fields[i].Type, value)
	}
	if r.ranked {
		r.out.WriteString(map[bool]string{true: `,"rank":1`, false: ",1"}[r.format == "objects"])
	}
}

// writeValue writes a value as JSON.
func writeValue(out *bytes.Buffer, kind string, value []byte) {
	switch {
	case value == nil:
		out.WriteString("null")
	case kind == "int" || kind == "int8" || kind == "bool" || kind == "numeric" && !bytes.ContainsAny(value, "Nn"): // NaN
		out.Write(value)
	default:
		text, _ := json.Marshal(string(value)) // a string always marshals
		out.Write(text)
	}
}

func (r *recordList) addLine(row [][]byte) error {
	if r.lines == nil {
		r.lines = csv.NewWriter(&r.out)
		if r.format == "tsv" {
			r.lines.Comma = '\t'
		}
	}
	r.line = r.line[:0]
	for _, value := range row {
		r.line = append(r.line, string(value))
	}
	if r.ranked {
		r.line = append(r.line, "1")
	}
	return r.lines.Write(r.line)
}

// end gives the rows as they stand in an answer.
func (r *recordList) end() (any, error) {
	if r.format == "csv" || r.format == "tsv" {
		if r.lines != nil {
			r.lines.Flush()
		}
		return r.out.String(), nil
	}
	if r.out.Len() == 0 {
		r.out.WriteByte('[')
	}
	r.out.WriteByte(']')
	if !json.Valid(r.out.Bytes()) {
		return nil, errors.New("rows are no JSON")
	}
	return json.RawMessage(r.out.Bytes()), nil
}

func datastoreInfo(s *Server, c *call) (any, error) {
	table, err := s.openTable(c, "id", "resource_id")
	if err != nil {
		return nil, err
	}
	sizes, err := table.Sizes(c.ctx)
	if err != nil {
		return nil, err
	}
	type schema struct {
		NativeType string  `json:"native_type"`
		NotNull    bool    `json:"notnull"`
		IndexName  *string `json:"index_name"`
		IsIndex    bool    `json:"is_index"`
		UniqueKey  bool    `json:"uniquekey"`
	}
	type field struct {
		ID     string     `json:"id"`
		Type   string     `json:"type"`
		Schema schema     `json:"schema"`
		Info   *fieldInfo `json:"info"`
	}
	fields := []field{}
	for _, column := range table.Columns {
		kind := typeOf[string(column.Type)]
		fields = append(fields, field{ID: column.Key, Type: kind, Schema: schema{NativeType: kind}, Info: infoOf(column)})
	}
	return map[string]any{
		"meta": map[string]any{"id": table.ID, "count": *table.Rows, "size": sizes.Whole, "db_size": nil, "idx_size": sizes.Indexes,
			"aliases": []string{}, "table_type": "BASE TABLE"},
		"fields": fields,
	}, nil
}

const tablesSQL = `
select d.id, count(*) over () as total
  from catalog.distribution d
  join catalog.package_index p on p.id = d.dataset_id and p.state = 'published'
 where d.rows_table <> ''
 order by d.id
 limit $1 offset $2`

// tableList answers for the list of all public tables, _table_metadata.
func (s *Server) tableList(c *call) (any, error) {
	limit, err := c.number("limit", defaultRecords)
	if err != nil {
		return nil, err
	}
	limit = min(limit, maxRecords)
	offset, err := c.number("offset", 0)
	if err != nil {
		return nil, err
	}
	type row struct {
		ID    uuid.UUID
		Total int
	}
	rows, err := pg.All[row](c.ctx, s.DB, tablesSQL, limit, offset)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	total, records := 0, []map[string]any{}
	for i, r := range rows {
		total = r.Total
		records = append(records, map[string]any{"_id": offset + i + 1, "name": r.ID, "alias_of": nil})
	}
	return map[string]any{
		"resource_id": "_table_metadata", "records_format": "objects", "include_total": true, "limit": limit, "total": total, "total_was_estimated": false,
		"fields":  []dataField{{ID: "_id", Type: "int"}, {ID: "name", Type: "text"}, {ID: "alias_of", Type: "text"}},
		"records": records, "_links": links(c, question{limit: limit, slice: catalog.RowSlice{Offset: int64(offset)}}),
	}, nil
}
