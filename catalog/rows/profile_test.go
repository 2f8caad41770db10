package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestProfile(t *testing.T) {
	t.Parallel()
	_, table := loaded(t, "CSV", crops+"06,Lúa,1200,\"12,5\",1/12/2019,\n")
	var got []string
	for i, p := range table.Profiles {
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, table.Columns[i].Key+" "+string(text))
	}
	want := []string{
		`ma {"nulls":0,"distinct":6,"approximate":false,"min":"01","max":"06"}`,
		`cay {"nulls":0,"distinct":4,"approximate":false,"min":"=1+1","max":"Mía, tím","top":[{"value":"Lúa","count":3},{"value":"=1+1","count":1},{"value":"Mì","count":1},{"value":"Mía, tím","count":1}]}`,
		`dien_tich {"nulls":1,"distinct":4,"approximate":false,"min":"-5","max":"1200","top":[{"value":"1200","count":2},{"value":"-5","count":1},{"value":"300","count":1},{"value":"800","count":1}],"histogram":[1,0,0,0,0,1,0,0,0,0,0,0,0,1,0,0,0,0,0,2]}`,
		`gia {"nulls":1,"distinct":4,"approximate":false,"min":"1","max":"12.5","top":[{"value":"12.5","count":2},{"value":"1","count":1},{"value":"3.25","count":1},{"value":"7","count":1}],"histogram":[1,0,0,1,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,2]}`,
		`ngay {"nulls":1,"distinct":5,"approximate":false,"min":"2019-07-30","max":"2019-12-01","histogram":[4,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]}`,
		`ban {"nulls":2,"distinct":2,"approximate":false,"top":[{"value":"false","count":2},{"value":"true","count":2}]}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// large is a table with enough rows for indexes.
func large() string {
	var b strings.Builder
	b.WriteString("mã số,loại,ngày,ghi chú,giá trị,mã dài\n")
	for i := range leastIndexed {
		long := ""
		if i == 7 {
			long = strings.Repeat("x", longestIndexed+1)
		}
		fmt.Fprintf(&b, "%05d,%s,%d/1/2020,ghi chú %d,%d,%s\n", i, []string{"A", "B", ""}[i%3], i%28+1, i, i*7, long)
	}
	return b.String()
}

func TestIndexesServePages(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "CSV", large())
	var indexed []string
	for _, c := range table.Columns {
		if c.Indexed {
			indexed = append(indexed, c.Key)
		}
	}
	if got, want := strings.Join(indexed, " "), "ma_so loai ngay"; got != want {
		t.Errorf("indexed %s, want %s", got, want)
	}
	if _, err := tx.Exec(t.Context(), "set local enable_seqscan = off; set local enable_sort = off"); err != nil {
		t.Fatal(err)
	}
	for question, holds := range map[string]string{
		"sort=ma_so&limit=10": "Index", "sort=-loai&limit=10": "Index", "sort=ngay&limit=10&loai__exact=A": `Index Cond: \(\(c3 .*\(c2 = 'A'`,
	} {
		values, _ := url.ParseQuery(question)
		for page := range 3 {
			q, err := Parse(values, table.Columns)
			if err != nil {
				t.Fatal(err)
			}
			q.fetch = 11
			s := q.statement("catalog." + testTable)
			rows, err := tx.Query(t.Context(), "explain "+s.text, s.args...)
			if err != nil {
				t.Fatal(err)
			}
			var plan strings.Builder
			for rows.Next() {
				var line string
				if err := rows.Scan(&line); err != nil {
					t.Fatal(err)
				}
				plan.WriteString(line + "\n")
			}
			if strings.Contains(plan.String(), "Seq Scan") || !regexp.MustCompile(holds).MatchString(plan.String()) {
				t.Errorf("%s, page %d, is read without an index:\n%s", question, page, &plan)
			}
			a, err := q.Ask(t.Context(), tx, Held{testTable, table.Rows})
			if err != nil || a.Next == "" {
				t.Fatalf("%s: next %q, error %v", question, a.Next, err)
			}
			values.Set("after", a.Next)
		}
	}
}

func TestTotals(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "CSV", large())
	for _, tt := range []struct{ question, want string }{
		{"", "2000"}, {"loai__exact=A", "none"}, {"total=true&loai__exact=A", "667"}, {"total=true&loai__exact=A&limit=1000", "667"},
		{"total=true&loai__exact=none", "0"}, {"total=true&group=loai", "none"}, {"total=false", "2000"},
	} {
		values, _ := url.ParseQuery(tt.question)
		q, err := Parse(values, table.Columns)
		if err != nil {
			t.Fatal(err)
		}
		a, err := q.Ask(t.Context(), tx, Held{testTable, table.Rows})
		if err != nil {
			t.Fatal(err)
		}
		got := "none"
		if a.Total != nil {
			got = fmt.Sprint(*a.Total)
		}
		if got != tt.want || a.AtLeast {
			t.Errorf("%s: total %s, want %s; at least %t", tt.question, got, tt.want, a.AtLeast)
		}
	}
	q, err := Parse(url.Values{"loai__exact": {"A"}}, table.Columns)
	if err != nil {
		t.Fatal(err)
	}
	s := q.counting("catalog."+testTable, 100)
	var capped string
	if err := tx.QueryRow(t.Context(), s.text, s.args...).Scan(&capped); err != nil || capped != "100" {
		t.Errorf("counted %s past the cap, error %v", capped, err)
	}
}

// A larger table is profiled from a part of its rows, and says so.
func TestEstimatedProfile(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "CSV", large())
	p := table.Profiles[1]
	exact := p
	if err := table.estimate(t.Context(), tx, estimated{testTable, "catalog." + testTable, table.Columns[1], 3}, &p); err != nil {
		t.Fatal(err)
	}
	if !p.Approximate || p.Distinct != exact.Distinct || p.Nulls != exact.Nulls || p.Min != "A" || p.Max != "B" || p.Top[0].Count != 3*667 {
		t.Errorf("estimated %+v", p)
	}
	code := table.Profiles[0]
	if err := table.estimate(t.Context(), tx, estimated{testTable, "catalog." + testTable, table.Columns[0], 1}, &code); err != nil || code.Distinct != 2000 {
		t.Errorf("estimated %+v of codes, error %v", code, err)
	}
}

func TestSlowGroupsNameTheQuickColumns(t *testing.T) {
	t.Parallel()
	q := Query{columns: []Column{{Key: "a"}, {Key: "b", Indexed: true}}}
	err := q.slowGroups(problem.Errorf(problem.Timeout, "slow").Coded("rows-slow"))
	if problem.Code(err) != "rows-slow-groups" || !strings.Contains(err.Error(), "count by b") {
		t.Errorf("got %v", err)
	}
	q.columns = q.columns[:1]
	if err := q.slowGroups(problem.Errorf(problem.Timeout, "slow").Coded("rows-slow")); problem.Code(err) != "rows-slow" {
		t.Errorf("without an index: %v", err)
	}
}

// What filters are given stays a value, whatever it holds.
func TestExportTakesValuesAsTheyAre(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "CSV", crops+"06,\"O'Neil \\ \"\"x\"\"; drop table y\",1,1,,\n")
	for value, want := range map[string]string{
		`O'Neil \ "x"; drop table y`: "Mã\n06\n", `' or true --`: "Mã\n", "Mía, tím": "Mã\n03\n", "$1": "Mã\n", "": "Mã\n",
	} {
		values := url.Values{"columns": {"ma"}, "cay__exact": {value}}
		q, err := Parse(values, table.Columns)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := q.Unlimited(values).Export(t.Context(), tx, testTable, Format{Name: "csv"}, &b); err != nil || b.String() != want {
			t.Errorf("%q: got %q, want %q, error %v", value, b.String(), want, err)
		}
	}
}

// A table is loaded twice into one database, as when a file is replaced.
func TestLoadInATransactionOfItsOwn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	table, err := scan(t, "CSV", crops)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		tx, err := db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := Drop(t.Context(), tx, testTable); err != nil {
			t.Fatal(err)
		}
		if err := table.Load(t.Context(), tx, testTable); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
