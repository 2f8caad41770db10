package mcp

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

// rowsArguments are those of query_rows: the rows' own structured language
// (rows.Query), as JSON.
type rowsArguments struct {
	Distribution string      `json:"distribution"`
	Filters      []filter    `json:"filters"`
	Columns      []string    `json:"columns"`
	Sort         []string    `json:"sort"`
	Group        []string    `json:"group"`
	Aggregates   []aggregate `json:"aggregates"`
	Total        bool        `json:"total"`
	Limit        *int        `json:"limit"`
	After        string      `json:"after"`
	Language     string      `json:"language"`
}

type filter struct {
	Column     string   `json:"column"`
	Comparison string   `json:"comparison"` // "" is exact, or in where there are values
	Value      *scalar  `json:"value"`
	Values     []scalar `json:"values"`
}

type aggregate struct {
	Function string `json:"function"`
	Column   string `json:"column"`
}

// asked is what query_rows answers: the rows, and where they come from.
type asked struct {
	Source source          `json:"source"`
	Answer json.RawMessage `json:"answer"` // as /api/v1/datasets/…/rows answers
	Cut    bool            `json:"page_cut,omitempty"`
}

// How many rows an answer has.
const (
	usualRows = 20
	mostRows  = 100
)

// queryRows asks the rows of an open table. An answer of more than maxAnswer
// bytes is asked for again with half the rows, so that its cursor is right.
func queryRows(ctx context.Context, c call, arguments json.RawMessage) (any, error) {
	a, err := decode[rowsArguments](c, arguments)
	if err != nil {
		return nil, err
	}
	if err := language(a.Language); err != nil {
		return nil, err
	}
	if a.Distribution == "" {
		return nil, missing(c, "distribution")
	}
	id, err := distributionIn(a.Distribution)
	if err != nil {
		return nil, err
	}
	question, err := a.question(c)
	if err != nil {
		return nil, err
	}
	n, err := limit(a.Limit, usualRows, mostRows)
	if err != nil {
		return nil, err
	}
	return c.ask(ctx, id, question, n)
}

func (c call) ask(ctx context.Context, id uuid.UUID, question url.Values, most int) (any, error) {
	part, err := c.site.Catalog.Distribution(ctx, c.who, id)
	if err != nil {
		return nil, err
	}
	d, err := c.site.Catalog.Dataset(ctx, c.who, part.DatasetID)
	if err != nil {
		return nil, err
	}
	for n := most; n >= 1; n /= 2 {
		question.Set("limit", strconv.Itoa(n))
		page, err := c.site.Catalog.QueryRows(ctx, c.who, id, question)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(page)
		if err != nil {
			return nil, err
		}
		if len(text) <= maxAnswer {
			return asked{Source: c.sourceOf(d), Answer: text, Cut: n < most}, nil
		}
		n = min(n, len(page.Rows))
	}
	return nil, problem.Errorf(problem.TooLarge, "one row is longer than %d bytes; name fewer columns", maxAnswer).
		Coded("mcp-row-too-large", "most", strconv.Itoa(maxAnswer))
}

// question writes the arguments as the rows' own grammar has them. It fails
// with Invalid for what that grammar would take for something else.
func (a rowsArguments) question(c call) (url.Values, error) {
	question := url.Values{}
	for _, f := range a.Filters {
		name, value, err := f.written(c)
		if err != nil {
			return nil, err
		}
		if question.Has(name) {
			return nil, problem.Errorf(problem.Invalid, "%s stands twice", shorten(name)).Coded("rows-twice", "name", shorten(name))
		}
		question.Set(name, value)
	}
	for name, list := range map[string][]string{"columns": a.Columns, "sort": a.Sort, "group": a.Group} {
		if len(list) > 0 {
			question.Set(name, strings.Join(list, ","))
		}
	}
	for _, of := range a.Aggregates {
		if err := of.add(c, question); err != nil {
			return nil, err
		}
	}
	if a.Total {
		question.Set("total", "true")
	}
	if a.After != "" {
		question.Set("after", a.After)
	}
	return question, nil
}

// written is a filter as a parameter of an address.
func (f filter) written(c call) (name, value string, err error) {
	if f.Column == "" {
		return "", "", missing(c, "filters.column")
	}
	comparison := f.Comparison
	if comparison == "" {
		comparison = map[bool]string{true: "in", false: "exact"}[f.Values != nil]
	}
	name = f.Column + "__" + comparison
	switch {
	case comparison == "in" && len(f.Values) > 0 && f.Value == nil:
		line := make([]string, len(f.Values))
		for i, v := range f.Values {
			line[i] = string(v)
		}
		value, err = lineOf(line)
		return name, value, err
	case comparison == "in" || f.Values != nil:
		return "", "", missing(c, "filters.values")
	case f.Value == nil && comparison == "isnull":
		return name, "true", nil
	case f.Value == nil:
		return "", "", missing(c, "filters.value")
	}
	return name, string(*f.Value), nil
}

// lineOf is one line of CSV.
func lineOf(values []string) (string, error) {
	if len(values) == 1 && values[0] == "" {
		return `""`, nil // an empty line is none
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.Write(values); err != nil {
		return "", err
	}
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n"), w.Error()
}

// add puts an aggregate beside the others of its function.
func (a aggregate) add(c call, question url.Values) error {
	switch a.Function {
	case "count":
		question.Set("count", "*")
		return nil
	case "sum", "avg", "min", "max":
	default:
		return problem.Errorf(problem.Invalid, "there is no function %s", shorten(a.Function)).Coded("mcp-function", "name", shorten(a.Function))
	}
	if a.Column == "" {
		return missing(c, "aggregates.column")
	}
	list := a.Column
	if before := question.Get(a.Function); before != "" {
		list = before + "," + list
	}
	question.Set(a.Function, list)
	return nil
}
