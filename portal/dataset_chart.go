package portal

import (
	"strconv"
	"strings"

	"lgsp/catalog"
)

// The bars that a chart may have; fewer compare nothing, more are read in the
// table.
const (
	leastBars = 2
	mostBars  = tableRows
)

// chart is bars beside each other's names, drawn from zero.
type chart struct {
	Measure catalog.Column
	Bars    []bar
}

// bar is one row of the table. Width is the share of the longest, in percent.
type bar struct {
	Label     string
	Value     string // as the table has it
	Qualifier string // "khoảng", "ước", "hơn"; "" when the source states it flatly
	Width     string
	Total     bool // it sums the others up
}

// chartOf draws a table that is shown whole and has one measure, in one unit;
// else it is nil.
func chartOf(t *tableView) *chart {
	measure, qualifier, unit := -1, -1, -1
	for i, c := range t.Columns {
		switch {
		case isQuantity(c) && measure >= 0:
			return nil
		case isQuantity(c):
			measure = i
		case isQualifier(c):
			qualifier = i
		case c.Key == "don_vi_tinh":
			unit = i
		}
	}
	label := t.naming()
	if measure < 0 || label < 0 || !t.tellsApart(label) || !t.Whole() || unit >= 0 && !sameEverywhere(t, unit) {
		return nil
	}
	drawn := &chart{Measure: t.Columns[measure]}
	var values []float64
	most := 0.0
	for _, row := range t.Rows {
		value, err := strconv.ParseFloat(row[measure].Text, 64)
		if err != nil {
			continue // an empty cell
		}
		if value < 0 {
			return nil
		}
		most = max(most, value)
		values = append(values, value)
		b := bar{Label: row[label].Text, Value: row[measure].Text, Total: strings.HasPrefix(row[label].Text, "Tổng")}
		if qualifier >= 0 {
			b.Qualifier = row[qualifier].Text
		}
		drawn.Bars = append(drawn.Bars, b)
	}
	if len(drawn.Bars) < leastBars || len(drawn.Bars) > mostBars || most == 0 {
		return nil
	}
	for i, value := range values {
		drawn.Bars[i].Width = strconv.FormatFloat(100*value/most, 'f', 2, 64) + "%"
	}
	return drawn
}

// sameEverywhere reports whether a column holds one value in every row.
func sameEverywhere(t *tableView, column int) bool {
	for _, row := range t.Rows {
		if row[column].Text != t.Rows[0][column].Text {
			return false
		}
	}
	return true
}
