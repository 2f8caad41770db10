package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/catalog/rows"
)

// rowsExample is a question to a table that can be tried. Key is the message
// that says what it asks.
type rowsExample struct {
	Key  string
	Text string // the question, as people type it
	Href string // the whole address
}

// guideData is the data of the page "dataset-guide".
type guideData struct {
	Dataset      *catalog.Dataset // whose rows the examples ask; nil when none is published
	Address      string           // of its rows
	Examples     []rowsExample
	Comparisons  []string
	DefaultLimit int
	MaxLimit     int
	Formats      []rows.Format
}

// wholeGrammar is how many examples a table with texts, numbers and dates gives.
const wholeGrammar = 9

// rowsGuide answers GET /docs/rows: how to ask a table by its address, with
// examples on a table that is published now.
func (p *Portal) rowsGuide(r *http.Request) (page, error) {
	data := guideData{Comparisons: comparisons(), DefaultLimit: rows.DefaultLimit, MaxLimit: rows.MaxLimit, Formats: rows.Formats()}
	best := 0
	list, _, err := p.Catalog.ListDatasets(r.Context(), auth.Principal{}, catalog.DatasetFilter{State: catalog.Published})
	if err != nil {
		return page{}, err
	}
	for _, listed := range list {
		if best == wholeGrammar {
			break
		}
		d, err := p.Catalog.DatasetBySlug(r.Context(), auth.Principal{}, listed.Slug)
		if err != nil {
			return page{}, err
		}
		part := tableOf(d, "")
		if part == nil {
			continue
		}
		address := p.rowsAddress(d, *part)
		examples, err := p.guideExamples(r, *part, address)
		if err != nil {
			return page{}, err
		}
		if len(examples) > best { // the table that shows most
			best, data.Dataset, data.Address, data.Examples = len(examples), &d, address, examples
		}
	}
	return page{Name: "dataset-guide", Data: data}, nil
}

// rowsAddress is where a table's rows answer.
func (p *Portal) rowsAddress(d catalog.Dataset, part catalog.Distribution) string {
	return p.Origin + "/api/v1/datasets/" + d.Slug + "/distributions/" + part.ID.String() + "/rows"
}

// guideExamples are questions about a table's first row, one for each part of
// the grammar that its columns allow.
func (p *Portal) guideExamples(r *http.Request, part catalog.Distribution, address string) ([]rowsExample, error) {
	answer, err := p.Catalog.QueryRows(r.Context(), auth.Principal{}, part.ID, url.Values{"limit": {"1"}})
	if err != nil || len(answer.Rows) == 0 {
		return nil, err
	}
	return examplesOf(address, answer), nil
}

// examplesOf builds the questions from a first row.
func examplesOf(address string, answer rows.Answer) []rowsExample {
	find := func(fits func(catalog.Column) bool) (key, value string) {
		i := slices.IndexFunc(answer.Columns, func(c rows.Column) bool { return fits(catalog.Column{Column: c}) })
		if i < 0 || len(answer.Rows) == 0 || answer.Rows[0][i] == nil {
			return "", ""
		}
		return answer.Columns[i].Key, *answer.Rows[0][i]
	}
	text, name := find(func(c catalog.Column) bool {
		return c.Type == rows.Text && !isQualifier(c) && !namesAThing.MatchString(c.Key)
	})
	number, amount := find(isQuantity)
	date, when := find(func(c catalog.Column) bool { return c.Type == rows.Date })
	list := []rowsExample{{Key: "dataset.example-limit", Text: "limit=5"}}
	add := func(key string, pairs ...string) {
		var typed []string
		for i := 0; i < len(pairs); i += 2 {
			typed = append(typed, pairs[i]+"="+pairs[i+1])
		}
		list = append(list, rowsExample{Key: key, Text: strings.Join(typed, "&")})
	}
	if text != "" {
		add("dataset.example-exact", text+"__exact", name)
		add("dataset.example-contains", text+"__contains", strings.Fields(name + " ")[0])
	}
	if number != "" {
		add("dataset.example-greater", number+"__greater", amount)
		add("dataset.example-sort", "sort", "-"+number, "limit", "3")
	}
	if date != "" {
		add("dataset.example-date", date+"__greater", when)
	}
	if text != "" && number != "" {
		add("dataset.example-columns", "columns", text+","+number)
		add("dataset.example-group", "group", text, "avg", number, "count", "*")
	}
	add("dataset.example-file", "format", "csv")
	for i, example := range list {
		list[i].Href = address + "?" + encoded(example.Text)
	}
	return list
}

// encoded writes a question, as people type it, for an address. The values of
// examples hold an & only where a cell does.
func encoded(question string) string {
	values := url.Values{}
	for _, pair := range strings.Split(question, "&") {
		name, value, _ := strings.Cut(pair, "=")
		values.Add(name, value)
	}
	return values.Encode()
}
