package portal

import (
	"testing"

	"lgsp/catalog"
	"lgsp/catalog/rows"
)

// TestSummaryTellsWhatIsWorthTelling: days and quantities by their ends, words
// by the most frequent; no codes, no columns of one value, no estimates.
func TestSummaryTellsWhatIsWorthTelling(t *testing.T) {
	t.Parallel()
	column := func(key string, kind rows.Type, p rows.Profile) catalog.Column {
		return catalog.Column{Column: rows.Column{Key: key, Name: key, Type: kind}, Profile: &p}
	}
	top := []rows.Frequent{{Value: "Lúa", Count: 5}, {Value: "Ngô", Count: 3}, {Value: "Sắn", Count: 2}, {Value: "Mía", Count: 1}}
	table := &tableView{Total: 11, Columns: []catalog.Column{
		column("gia", rows.Integer, rows.Profile{Distinct: 9, Min: "1000", Max: "90000"}),
		column("ngay", rows.Date, rows.Profile{Distinct: 3, Min: "2026-01-31", Max: "2026-10-31"}),
		column("ma_xa", rows.Integer, rows.Profile{Distinct: 5, Min: "1", Max: "5"}),
		column("cay", rows.Text, rows.Profile{Distinct: 4, Top: top}),
		column("nguon", rows.Text, rows.Profile{Distinct: 1, Top: top[:1]}),
		column("ghi_chu", rows.Text, rows.Profile{Distinct: 61, Top: top}),
		column("xap_xi", rows.Text, rows.Profile{Distinct: 4, Top: top, Approximate: true}),
		{Column: rows.Column{Key: "chua_dem", Type: rows.Text}},
	}}
	s := summaryOf(table)
	if s == nil || s.Rows != 11 || s.Columns != 8 || len(s.Spans) != 2 || len(s.Words) != 1 {
		t.Fatalf("summary %+v", s)
	}
	if s.Spans[0].Key != "ngay" || s.Spans[0].Least.Day.IsZero() || s.Spans[1].Key != "gia" || s.Spans[1].Most.Text != "90000" {
		t.Errorf("spans %+v", s.Spans)
	}
	if w := s.Words[0]; w.Key != "cay" || w.Distinct != 4 || len(w.Named) != 3 || w.Named[0].Text != "Lúa" {
		t.Errorf("words %+v", w)
	}
	if s := summaryOf(&tableView{Total: 3, Columns: table.Columns[7:]}); s != nil {
		t.Errorf("of columns that nobody counted it tells %+v", s)
	}
}
