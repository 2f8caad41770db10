package portal

import (
	"lgsp/catalog"
	"lgsp/catalog/rows"
)

// What a table's summary tells at most: columns of each kind, and how many
// values a column of words has for them to be worth counting, and to be named.
const (
	toldColumns = 2
	toldValues  = 60
	namedValues = 3
)

// summaryView is a table in plain words, from what its columns hold.
type summaryView struct {
	Rows    int64
	Columns int
	Spans   []toldSpan // days first, then quantities
	Words   []toldWords
}

// toldSpan is a column with its least and its greatest value.
type toldSpan struct {
	catalog.Column
	Least, Most cell
}

// toldWords is a column with how many values it has, and the most frequent.
type toldWords struct {
	catalog.Column
	Distinct int64
	Named    []cell
}

// summaryOf tells what a table holds; nil when its columns were never counted.
func summaryOf(t *tableView) *summaryView {
	s := &summaryView{Rows: t.Total, Columns: len(t.Columns)}
	var days, quantities []toldSpan
	for _, c := range t.Columns {
		p := c.Profile
		if p == nil || p.Distinct < 2 {
			continue
		}
		span := toldSpan{c, cellOf(c, &p.Min), cellOf(c, &p.Max)}
		switch {
		case c.Type == rows.Date && len(days) < toldColumns:
			days = append(days, span)
		case isQuantity(c) && len(quantities) < toldColumns:
			quantities = append(quantities, span)
		case c.Type == rows.Text && !namesAThing.MatchString(c.Key) && !isQualifier(c) && p.Distinct <= toldValues && !p.Approximate && len(p.Top) > 0 && len(s.Words) < toldColumns:
			words := toldWords{Column: c, Distinct: p.Distinct}
			for _, f := range p.Top[:min(len(p.Top), namedValues)] {
				words.Named = append(words.Named, cellOf(c, &f.Value))
			}
			s.Words = append(s.Words, words)
		}
	}
	s.Spans = append(days, quantities...)
	if len(s.Spans)+len(s.Words) == 0 {
		return nil
	}
	return s
}
