package rows

import (
	"strconv"
	"strings"
)

// Described is a column with what its agency says of it.
type Described struct {
	Column
	Title, Notes, Unit string
	Profile            *Profile
}

// Document is what a table's own description says besides its columns.
type Document struct {
	Title   string // of the dataset and the table
	Notes   string
	Version string // of the file
	Address string // of the distribution, absolute; /rows lies under it
	Licence string
	Rows    int64
}

// schema is an object of JSON.
type schema = map[string]any

// OpenAPI describes a table's rows for programs: OpenAPI 3.0.3, one operation,
// with each column's comparisons as parameters.
func OpenAPI(d Document, columns []Described) map[string]any {
	properties, parameters := schema{}, []any{}
	keys := make([]string, 0, len(columns))
	for _, c := range columns {
		properties[c.Key] = columnSchema(c)
		if c.Type != Geometry {
			keys = append(keys, c.Key)
		}
		for _, op := range comparisonsOf(c.Type) {
			parameters = append(parameters, schema{"name": c.Key + "__" + op, "in": "query", "description": comparisonText[op],
				"schema": operandSchema(c, op)})
		}
	}
	parameters = append(parameters, questionParameters(keys)...)
	info := schema{"title": d.Title, "version": d.Version, "description": d.Notes}
	if d.Licence != "" {
		info["license"] = schema{"name": d.Licence}
	}
	return schema{
		"openapi": "3.0.3", "info": info, "servers": []any{schema{"url": d.Address}},
		"paths": schema{"/rows": schema{"get": schema{
			"operationId": "rows", "summary": "Rows of the table: filtered, sorted, grouped, page by page or as a file",
			"description": "The table has " + grouped(d.Rows) + " rows. No account and no key.",
			"parameters":  parameters,
			"responses": schema{
				"200":     schema{"description": "a page of rows, or a file of all of them", "content": answerKinds(properties)},
				"400":     problemAnswer("the question is wrong; the answer names the parameter and what would be right"),
				"404":     problemAnswer("there is no such table, or it is not public"),
				"408":     problemAnswer("the answer would take too long; filter, or group by a column with an index"),
				"default": problemAnswer("another problem"),
			},
		}}},
	}
}

func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

var comparisonText = map[string]string{
	"exact": "equal to", "contains": "holds this text, whatever its capitals", "in": "one of these values, commas between",
	"less": "at most", "greater": "at least", "isnull": "empty (true) or not (false)",
}

func comparisonsOf(kind Type) []string {
	switch kind {
	case Geometry:
		return []string{"isnull"}
	case Text:
		return []string{"exact", "contains", "in", "less", "greater", "isnull"}
	}
	return []string{"exact", "in", "less", "greater", "isnull"}
}

func columnSchema(c Described) schema {
	s := schema{"nullable": true, "title": c.Title}
	switch c.Type {
	case Integer:
		s["type"], s["format"] = "integer", "int64"
	case Decimal:
		s["type"] = "number"
	case Boolean:
		s["type"] = "boolean"
	case Date:
		s["type"], s["format"] = "string", "date"
	case Geometry:
		s["type"], s["description"] = "object", "GeoJSON geometry (RFC 7946 §3.1)"
		return s
	default:
		s["type"] = "string"
	}
	var says []string
	for _, text := range []string{c.Notes, c.Unit} {
		if text != "" {
			says = append(says, text)
		}
	}
	if c.Indexed {
		says = append(says, "Indexed: filters, sorts and groups are quick.")
	}
	if len(says) > 0 {
		s["description"] = strings.Join(says, ". ")
	}
	if c.Profile != nil && len(c.Profile.Top) > 0 && c.Type == Text {
		s["example"] = c.Profile.Top[0].Value
	}
	return s
}

// operandSchema is what a comparison takes. Numbers and dates may be written
// as people here write them, so that they are text.
func operandSchema(c Described, op string) schema {
	switch {
	case op == "isnull":
		return schema{"type": "string", "enum": []any{"true", "false"}}
	case op == "in":
		return schema{"type": "string", "description": "up to 200 values"}
	case c.Type == Date:
		return schema{"type": "string", "description": "2019-07-30 or 30/7/2019"}
	case c.Type == Integer || c.Type == Decimal:
		return schema{"type": "string", "pattern": `^-?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?$`}
	case c.Type == Boolean:
		return schema{"type": "string", "enum": []any{"true", "false", "có", "không"}}
	}
	return schema{"type": "string"}
}

func questionParameters(keys []string) []any {
	query := func(name, says string, of schema) any {
		return schema{"name": name, "in": "query", "description": says, "schema": of}
	}
	text := schema{"type": "string"}
	all := strings.Join(keys, ", ")
	forms := []any{}
	for _, f := range Formats() {
		forms = append(forms, f.Name)
	}
	list := []any{
		query("sort", "up to three columns, commas between, a minus before it for descending: "+all, text),
		query("columns", "the columns that are answered", text),
		query("limit", "rows a page", schema{"type": "integer", "minimum": 1, "maximum": MaxLimit, "default": DefaultLimit}),
		query("after", "next of the page before", text),
		query("total", "count the rows that the filters leave, up to 100,000", schema{"type": "string", "enum": []any{"true", "false"}}),
		query("group", "columns to group by", text),
		query("count", "count=*: rows of each group", schema{"type": "string", "enum": []any{"*"}}),
		query("format", "json: a page; the others: all rows as a file", schema{"type": "string", "enum": forms, "default": "json"}),
	}
	for _, fn := range []string{"sum", "avg", "min", "max"} {
		list = append(list, query(fn, "columns; the answer has column__"+fn, text))
	}
	return list
}

func answerKinds(properties schema) schema {
	kinds := schema{"application/json": schema{"schema": schema{
		"type": "object", "required": []any{"columns", "items", "limit", "next", "truncated"},
		"properties": schema{
			"columns": schema{"type": "array", "items": schema{"type": "object"}},
			"items": schema{"type": "array", "items": schema{"type": "object", "properties": properties,
				"additionalProperties": true}},
			"limit":          schema{"type": "integer", "description": "in force"},
			"next":           schema{"type": "string", "description": "for after; empty on the last page"},
			"truncated":      schema{"type": "boolean", "description": "a grouped answer had more groups than limit"},
			"total":          schema{"type": "integer", "description": "rows on all pages"},
			"total_at_least": schema{"type": "boolean", "description": "there are more than total"},
		},
	}}}
	for _, f := range Formats() {
		kind, _, _ := strings.Cut(f.MediaType, ";")
		if _, ok := kinds[kind]; !ok {
			kinds[kind] = schema{"schema": schema{"type": "string", "format": "binary"}}
		}
	}
	return kinds
}

func problemAnswer(says string) schema {
	return schema{"description": says, "content": schema{"application/problem+json": schema{"schema": schema{
		"type": "object", "properties": schema{
			"code": schema{"type": "string"}, "title": schema{"type": "string"}, "detail": schema{"type": "string"}, "status": schema{"type": "integer"},
		}}}}}
}
