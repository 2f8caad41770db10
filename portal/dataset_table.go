package portal

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lgsp/catalog"
	"lgsp/catalog/rows"
	"lgsp/internal/problem"
)

// tableRows is how many rows a page of the table shows.
const tableRows = 20

// tableView is a page of a distribution's rows, as people read a table.
type tableView struct {
	Part    catalog.Distribution
	Others  []tableLink // the dataset's other tables
	Columns []catalog.Column
	Head    []headCell
	Rows    [][]cell
	Total   int64  // rows of the whole table
	Found   *int64 // rows that the filters leave; nil when nobody counted
	AtLeast bool   // there are more than Found
	Filters []filterLink
	Carried []keptPair  // what the filter form carries along
	Problem string      // what was wrong with the question, "" for nothing
	Tried   filterLink  // the filter that was wrong, to be mended
	Asked   bool        // the rows are filtered
	Filter  string      // the filters that are on, as a query
	Next    string      // address of the next page, "" at the end
	First   string      // address of the first page, "" when on it
	Address string      // of the rows, with the filters that are on
	Example rowsExample // a question to the rows, to be copied and tried

	query url.Values // of the page, as it was answered
}

// Whole reports whether every row that was asked for is shown.
func (t *tableView) Whole() bool { return t.Next == "" && t.First == "" }

// tableLink leads to another table of the dataset.
type tableLink struct {
	catalog.Distribution
	Href string
}

// headCell is the head of a column; Href sorts by it.
type headCell struct {
	catalog.Column
	Number bool
	Sorted string // ascending, descending or ""
	Href   string
}

// cell is one value. Kind is none, text, wide, long, shape, qualifier, digits (a code or a
// year), number (a quantity), date, yes or no.
type cell struct {
	Kind string
	Text string
	Day  time.Time
	Head bool // it names its row
}

// filterLink is a filter that is on; Href takes it off.
type filterLink struct {
	catalog.Column
	Comparison string
	Value      string
	Href       string
}

// tableOf is the table of a dataset at that position, or else its first; nil
// when it has none.
func tableOf(d catalog.Dataset, position string) *catalog.Distribution {
	var first *catalog.Distribution
	for i, part := range d.Distributions {
		if part.Rows == nil {
			continue
		}
		if strconv.Itoa(part.Position) == position {
			return &d.Distributions[i]
		}
		if first == nil {
			first = &d.Distributions[i]
		}
	}
	return first
}

// questionIn is the part of a page's query that is put to the rows: filters,
// sort and page. What else an address carries along is passed over.
func questionIn(typed url.Values) url.Values {
	question := url.Values{}
	for name, values := range typed {
		if name == "sort" || name == "after" || strings.Contains(name, "__") {
			question[name] = values
		}
	}
	return question
}

// filterAsked is where the filter form leads: its three fields (column,
// comparison, value) become one filter of the rows' own grammar.
func filterAsked(d catalog.Dataset, typed url.Values) (to string, ok bool) {
	column := typed.Get("column")
	if column == "" {
		return "", false
	}
	query := drawnBy(typed, with(questionIn(typed), "after", ""))
	if value := strings.TrimSpace(typed.Get("value")); value != "" {
		query.Set(column+"__"+typed.Get("comparison"), value)
	}
	return tableAddress(d, with(query, "table", typed.Get("table"))), true
}

// drawnBy adds the choice of a chart to a query.
func drawnBy(typed, query url.Values) url.Values {
	for _, name := range chartParameters {
		if typed.Has(name) {
			query.Set(name, typed.Get(name))
		}
	}
	return query
}

// keptOf is a query as hidden fields of a form.
func keptOf(query url.Values) []keptPair {
	var list []keptPair
	for name, values := range query {
		list = append(list, keptPair{name, values[0]})
	}
	slices.SortFunc(list, func(a, b keptPair) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func tableAddress(d catalog.Dataset, query url.Values) string {
	to := "/dataset/" + d.Slug
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	return to + "#rows"
}

// table reads a page of rows. A question that is wrong, or that takes too
// long, is told, and the first rows are shown instead.
func (p *Portal) table(r *http.Request, d catalog.Dataset, part catalog.Distribution) (*tableView, error) {
	ctx, who := r.Context(), whoever(r)
	columns, err := p.Catalog.Columns(ctx, who, part.ID)
	if err != nil {
		return nil, err
	}
	typed := r.URL.Query()
	t := &tableView{Part: part, Columns: columns, Total: *part.Rows, query: drawnBy(typed, with(questionIn(typed), "table", typed.Get("table")))}
	answer, err := p.Catalog.QueryRows(ctx, who, part.ID, with(with(forgiving(questionIn(typed), columns), "limit", strconv.Itoa(tableRows)), "total", "true"))
	if problem.Is(err, problem.Invalid) || problem.Is(err, problem.Timeout) {
		t.query = with(url.Values{}, "table", typed.Get("table"))
		t.Tried = triedFilter(questionIn(typed), columns)
		if t.Problem, err = p.questionProblem(r, err, t.Tried); err != nil {
			return nil, err
		}
		answer, err = p.Catalog.QueryRows(ctx, who, part.ID, url.Values{"limit": {strconv.Itoa(tableRows)}})
	}
	if err != nil {
		return nil, err
	}
	t.Found, t.AtLeast = answer.Total, answer.AtLeast
	t.fill(answer)
	t.link(d, answer.Next)
	t.Address = p.rowsAddress(d, part)
	if examples := examplesOf(t.Address, answer); len(examples) > 0 {
		t.Example = examples[min(len(examples)-1, 4)]
	}
	if filters := with(with(questionIn(t.query), "after", ""), "sort", ""); len(filters) > 0 {
		t.Asked, t.Filter = true, filters.Encode()
		t.Address += "?" + t.Filter
	}
	return t, nil
}

// triedFilter is a filter of a question, to be shown in the form again.
func triedFilter(question url.Values, columns []catalog.Column) filterLink {
	for _, c := range columns {
		for _, comparison := range comparisons() {
			if value := question.Get(c.Key + "__" + comparison); value != "" {
				return filterLink{Column: c, Comparison: comparison, Value: value}
			}
		}
	}
	return filterLink{}
}

// questionProblem says what is wrong with a question: of a value, in the words
// of the page rather than of the rows' own address.
func (p *Portal) questionProblem(r *http.Request, err error, tried filterLink) (string, error) {
	if problem.Code(err) != "rows-operand" || tried.Key == "" {
		_, detail := words(r, problem.Of(err))
		return detail, nil
	}
	kind, err := p.Pages.Text(localeOf(r), "dataset.type-"+string(tried.Type))
	if err != nil {
		return "", err
	}
	title := inLanguage(r, tried.TitleVI, tried.TitleEN)
	if title == "" {
		title = tried.Name
	}
	return p.Pages.Text(localeOf(r), "dataset.value-wrong", "value", tried.Value, "column", title, "type", strings.ToLower(kind))
}

// forgiving lets "contains" stand for "is" where a column holds no text, as
// people will leave the form's first choice.
func forgiving(question url.Values, columns []catalog.Column) url.Values {
	for _, c := range columns {
		if value, ok := question[c.Key+"__contains"]; ok && c.Type != rows.Text {
			question.Del(c.Key + "__contains")
			question[c.Key+"__exact"] = value
		}
	}
	return question
}

// fill sets the rows as cells, each with its naming cell as its head.
func (t *tableView) fill(answer rows.Answer) {
	for _, row := range answer.Rows {
		cells := make([]cell, len(row))
		for i, value := range row {
			cells[i] = cellOf(t.Columns[i], value)
		}
		t.Rows = append(t.Rows, cells)
	}
	if naming := t.naming(); naming >= 0 {
		for _, row := range t.Rows {
			row[naming].Head = true
		}
	}
}

// naming is the column that names the rows: the first text that tells them
// apart, else the first text; -1 when there is none.
func (t *tableView) naming() int {
	first := -1
	for i, c := range t.Columns {
		if c.Type != rows.Text || isQualifier(c) || namesAThing.MatchString(c.Key) {
			continue
		}
		if t.tellsApart(i) {
			return i
		}
		if first < 0 {
			first = i
		}
	}
	return first
}

// tellsApart reports whether a column holds a text in every row, no two alike.
func (t *tableView) tellsApart(column int) bool {
	seen := map[string]bool{}
	for _, row := range t.Rows {
		text := row[column].Text
		if text == "" || seen[text] {
			return false
		}
		seen[text] = true
	}
	return true
}

// link fills in every address that the table leads to.
func (t *tableView) link(d catalog.Dataset, next string) {
	sorted := t.query.Get("sort")
	for _, c := range t.Columns {
		h := headCell{Column: c, Number: isQuantity(c)}
		by := c.Key
		switch sorted {
		case c.Key:
			h.Sorted, by = "ascending", "-"+c.Key
		case "-" + c.Key:
			h.Sorted = "descending"
		}
		h.Href = tableAddress(d, with(with(t.query, "after", ""), "sort", by))
		t.Head = append(t.Head, h)
		for _, comparison := range comparisons() {
			if value := t.query.Get(c.Key + "__" + comparison); value != "" {
				t.Filters = append(t.Filters, filterLink{c, comparison, value,
					tableAddress(d, with(with(t.query, "after", ""), c.Key+"__"+comparison, ""))})
			}
		}
	}
	t.Carried = keptOf(with(t.query, "after", ""))
	if next != "" {
		t.Next = tableAddress(d, with(t.query, "after", next))
	}
	if t.query.Get("after") != "" {
		t.First = tableAddress(d, with(t.query, "after", ""))
	}
	for _, other := range d.Distributions {
		if other.Rows != nil && other.ID != t.Part.ID {
			t.Others = append(t.Others, tableLink{other, tableAddress(d, url.Values{"table": {strconv.Itoa(other.Position)}})})
		}
	}
}

// comparisons are how a filter compares, those of the form first.
func comparisons() []string { return []string{"contains", "exact", "greater", "less", "in", "isnull"} }

// From how many characters on a text gets a wide column, and a wider one.
const (
	wideText = 20
	longText = 40
)

func cellOf(c catalog.Column, value *string) cell {
	switch {
	case value == nil || *value == "":
		return cell{Kind: "none"}
	case isQuantity(c):
		return cell{Kind: "number", Text: *value}
	case c.Type == rows.Integer || c.Type == rows.Decimal:
		return cell{Kind: "digits", Text: *value}
	case c.Type == rows.Date && !day(*value).IsZero():
		return cell{Kind: "date", Day: day(*value)}
	case c.Type == rows.Boolean && *value == "true":
		return cell{Kind: "yes"}
	case c.Type == rows.Boolean:
		return cell{Kind: "no"}
	case isQualifier(c):
		return cell{Kind: "qualifier", Text: *value}
	case c.Type == rows.Geometry:
		return cell{Kind: "shape", Text: shapeName(*value)}
	case utf8.RuneCountInString(*value) > longText:
		return cell{Kind: "long", Text: *value}
	case utf8.RuneCountInString(*value) > wideText:
		return cell{Kind: "wide", Text: *value}
	}
	return cell{Kind: "text", Text: *value}
}

// shapeName is the kind of a geometry, which stands for it in a table.
func shapeName(text string) string {
	var g struct{ Type string }
	if _, err := rows.Shapes(text); err != nil || json.Unmarshal([]byte(text), &g) != nil {
		return "other"
	}
	return g.Type
}

// namesAThing are keys of columns whose numbers count nothing: codes, years,
// numbers of rows.
var namesAThing = regexp.MustCompile(`^(ma|nam|stt|tt|so_thu_tu|so_hieu|id|code|year)(_|$)`)

// isQuantity reports whether a column's numbers are quantities, to be written
// with groups, set right and drawn.
func isQuantity(c catalog.Column) bool {
	return (c.Type == rows.Integer || c.Type == rows.Decimal) && !namesAThing.MatchString(c.Key)
}

// isQualifier reports whether a column says how sure its row's number is:
// "khoảng", "ước", "hơn".
func isQualifier(c catalog.Column) bool { return c.Key == "uoc_luong" }
