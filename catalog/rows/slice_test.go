package rows

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// sliced loads a small table and answers a slice as text: rows by line, values
// with | between, null as ∅.
func sliced(t *testing.T, tx pgx.Tx, table string, columns []Column, s Slice) (string, int64, error) {
	t.Helper()
	a, err := s.Ask(columns)
	if err != nil {
		return "", 0, err
	}
	var lines []string
	err = a.Each(t.Context(), tx, table, func(row [][]byte) error {
		line := make([]string, len(row))
		for i, v := range row {
			if line[i] = string(v); v == nil {
				line[i] = "∅"
			}
		}
		lines = append(lines, strings.Join(line, "|"))
		return nil
	})
	if err != nil {
		return "", 0, err
	}
	total, err := a.Count(t.Context(), tx, table)
	return strings.Join(lines, " "), total, err
}

func sliceTable(t *testing.T, tx pgx.Tx) (string, []Column) {
	t.Helper()
	table := "rows_" + strings.Repeat("a", 32)
	columns := []Column{{"ma", "Mã", Text, 1, "c1"}, {"so", "Số lượng", Decimal, 2, "c2"}, {"ngay", "Ngày", Date, 3, "c3"}, {"dung", "Đúng", Boolean, 4, "c4"}}
	for _, sql := range []string{`create table catalog."` + table + `" (_id bigint primary key, c1 text, c2 numeric, c3 date, c4 boolean)`,
		`insert into catalog."` + table + `" values (1,'Ba Tơ',12.5,'2026-01-31',true),(2,'Trà Bồng',null,'2026-02-28',false),(3,'Ba Tơ',7,null,null),(4,'100%_',7,'2026-01-31',true)`} {
		if _, err := tx.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return table, columns
}

func TestSlice(t *testing.T) {
	t.Parallel()
	tx := pgtest.Tx(t)
	table, columns := sliceTable(t, tx)
	text := func(s string) *string { return &s }
	for _, tt := range []struct {
		name  string
		slice Slice
		want  string
		total int64
	}{
		{"all", Slice{Limit: -1, Columns: []string{"_id"}}, "1 2 3 4", 4},
		{"a page", Slice{Limit: 2, Offset: 1, Columns: []string{"_id"}}, "2 3", 4},
		{"past the end", Slice{Limit: 2, Offset: 9, Columns: []string{"_id"}}, "", 4},
		{"none", Slice{Limit: 0}, "", 4},
		{"whole rows", Slice{Limit: 1, Offset: 1}, "2|Trà Bồng|∅|2026-02-28|false", 4},
		{"equal, by the header's name", Slice{Limit: -1, Columns: []string{"_id"}, Equal: []Equal{{"Mã", []*string{text("Ba Tơ")}}}}, "1 3", 2},
		{"equal, with offset", Slice{Limit: 1, Offset: 1, Columns: []string{"_id"}, Equal: []Equal{{"ma", []*string{text("Ba Tơ")}}}}, "3", 2},
		{"any of values and null", Slice{Limit: -1, Columns: []string{"_id"}, Equal: []Equal{{"so", []*string{text("12,5"), nil}}}}, "1 2", 2},
		{"a date as people write it", Slice{Limit: -1, Columns: []string{"_id"}, Equal: []Equal{{"ngay", []*string{text("31/1/2026")}}}}, "1 4", 2},
		{"by number", Slice{Limit: -1, Columns: []string{"ma"}, Equal: []Equal{{"_id", []*string{text("4")}}}}, "100%_", 1},
		{"none of no values", Slice{Limit: -1, Equal: []Equal{{"ma", []*string{}}}}, "", 0},
		{"words anywhere", Slice{Limit: -1, Columns: []string{"_id"}, Words: "ba TƠ 2026"}, "1", 1},
		{"signs of patterns are text", Slice{Limit: -1, Columns: []string{"_id"}, Words: "%_"}, "4", 1},
		{"words in a column", Slice{Limit: -1, Columns: []string{"_id"}, Within: []Words{{"ngay", "2026-01"}}}, "1 4", 2},
		{"sorted", Slice{Limit: -1, Columns: []string{"_id"}, Sort: []SliceOrder{{"so", true, false}}}, "1 3 4 2", 4},
		{"nulls first", Slice{Limit: -1, Columns: []string{"_id"}, Sort: []SliceOrder{{"ngay", false, true}, {"_id", true, false}}}, "3 4 1 2", 4},
		{"distinct", Slice{Limit: -1, Columns: []string{"ma", "so"}, Distinct: true, Sort: []SliceOrder{{"so", true, false}}}, "Ba Tơ|12.5 100%_|7 Ba Tơ|7 Trà Bồng|∅", 4},
		{"distinct values", Slice{Limit: 1, Offset: 1, Columns: []string{"ma"}, Distinct: true, Sort: []SliceOrder{{"ma", true, false}}}, "Ba Tơ", 3},
	} {
		got, total, err := sliced(t, tx, table, columns, tt.slice)
		if err != nil || got != tt.want || total != tt.total {
			t.Errorf("%s: got %q of %d, %v, want %q of %d", tt.name, got, total, err, tt.want, tt.total)
		}
	}
}

func TestSliceRefusals(t *testing.T) {
	t.Parallel()
	tx := pgtest.Tx(t)
	table, columns := sliceTable(t, tx)
	value := "nhiều"
	many := make([]*string, maxIn+1)
	for name, slice := range map[string]Slice{
		"filters: an unknown column": {Equal: []Equal{{"x", nil}}}, "filters: a value of another type": {Equal: []Equal{{"so", []*string{&value}}}}, "filters: too many values": {Equal: []Equal{{"so", many}}},
		"fields: an unknown column": {Columns: []string{"c1"}}, "sort: an unknown column": {Sort: []SliceOrder{{Column: "c1; drop table x"}}}, "q: an unknown column": {Within: []Words{{"x", "y"}}},
		"sort: not among what is distinct": {Distinct: true, Columns: []string{"ma"}, Sort: []SliceOrder{{Column: "so"}}},
		"sort: too many":                   {Sort: make([]SliceOrder, maxSort+1)},
		"filters: too many words":          {Words: strings.Repeat("a ", 15), Within: []Words{{"ma", strings.Repeat("b ", 16)}}},
	} {
		_, _, err := sliced(t, tx, table, columns, slice)
		field, _, _ := strings.Cut(name, ":")
		if e := problem.Of(err); !problem.Is(err, problem.Invalid) || len(e.Fields) != 1 || e.Fields[0].Name != field || e.Fields[0].Words("vi") == e.Fields[0].Detail {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, err := sliced(t, tx, "rows_"+strings.Repeat("b", 32), columns, Slice{}); problem.Code(err) != "rows-gone" {
		t.Errorf("a table that is gone: %v", err)
	}
}

func FuzzSlice(f *testing.F) {
	f.Add("ma", "Ba Tơ", "so", int64(3))
	f.Add("_id", "1", "ngay", int64(-1))
	f.Fuzz(func(t *testing.T, column, value, sort string, limit int64) {
		columns := []Column{{"ma", "Mã", Text, 1, "c1"}, {"so", "Số", Decimal, 2, "c2"}, {"ngay", "Ngày", Date, 3, "c3"}}
		a, err := Slice{Equal: []Equal{{column, []*string{&value}}}, Words: value, Columns: []string{column}, Sort: []SliceOrder{{Column: sort}}, Limit: limit}.Ask(columns)
		if err != nil {
			return
		}
		s := a.page("t")
		for i, arg := range s.args { // whatever was sent is an argument
			if !strings.Contains(s.text, fmt.Sprintf("$%d::", i+1)) {
				t.Fatalf("argument %d %v has no place in %s", i+1, arg, s.text)
			}
		}
		other := value + "x"
		b, err := Slice{Equal: []Equal{{column, []*string{&other}}}, Words: value, Columns: []string{column}, Sort: []SliceOrder{{Column: sort}}, Limit: limit}.Ask(columns)
		if err == nil && b.page("t").text != s.text {
			t.Fatalf("another value makes another statement: %s, %s", s.text, b.page("t").text)
		}
	})
}
