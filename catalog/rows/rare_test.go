package rows

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// people is a table of 200 made-up rows in 40 groups of five, behind them the
// given ones.
func people(more ...string) string {
	var b strings.Builder
	b.WriteString("Xã,Tuổi,Ngày sinh,Nữ,Cân\n")
	for i := range 200 {
		fmt.Fprintf(&b, "Xã %d,%d,%d-01-15,%t,%d.5\n", i%4, 20+i%40, 1960+i%40, i%2 == 0, 40+i%40)
	}
	return b.String() + strings.Join(more, "\n") + "\n"
}

func TestFindsSmallGroups(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "CSV", people("Xã 0,91,1935-03-03,true,41.5", "Xã 0,93,1933-03-03,true,42.5", "Xã 1,97,1929-03-03,true,43.5", ",99,1927-03-03,true,44.5"))
	column := func(key string) Column {
		for _, c := range table.Columns {
			if c.Key == key {
				return c
			}
		}
		t.Fatalf("no column %s in %+v", key, table.Columns)
		return Column{}
	}
	for _, tt := range []struct {
		by   string
		k    int
		want string
	}{
		{"xa", 5, `{"total":204,"rows":1,"groups":1,"smallest":1,"slow":false,"places":[],"without":[{"column":"xa","rows":0}]}`},
		{"xa", 2, `{"total":204,"rows":1,"groups":1,"smallest":1,"slow":false,"places":[],"without":[{"column":"xa","rows":0}]}`},
		{"nu", 5, `{"total":204,"rows":0,"groups":0,"smallest":100,"slow":false,"places":[],"without":[]}`},
		{"xa tuoi", 5, `{"total":204,"rows":4,"groups":4,"smallest":1,"slow":false,"places":[],"without":[{"column":"xa","rows":4},{"column":"tuoi","rows":1}]}`},
		{"xa tuoi", 4, `{"total":204,"rows":4,"groups":4,"smallest":1,"slow":false,"places":[{"column":"tuoi","from":"90","to":"100","rows":4}],"without":[{"column":"xa","rows":4},{"column":"tuoi","rows":1}]}`},
		{"xa tuoi", 2, `{"total":204,"rows":4,"groups":4,"smallest":1,"slow":false,"places":[{"column":"xa","from":"Xã 0","to":"","rows":2},{"column":"tuoi","from":"90","to":"100","rows":4}],"without":[{"column":"xa","rows":4},{"column":"tuoi","rows":1}]}`},
	} {
		var by []Column
		for _, key := range strings.Fields(tt.by) {
			by = append(by, column(key))
		}
		found, err := FindRare(t.Context(), tx, testTable, by, tt.k)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(found); string(got) != tt.want {
			t.Errorf("by %s, k %d\n got %s\nwant %s", tt.by, tt.k, got, tt.want)
		}
	}
	// Everything is rare: dates go by year, decimals by round ranges, no place
	// is told of that has fewer rows than k.
	found, err := FindRare(t.Context(), tx, testTable, []Column{column("ngay_sinh"), column("can"), column("nu")}, 100)
	if err != nil || found.Rows != 204 || len(found.Places) != 2 {
		t.Errorf("found %+v, %v", found, err)
	}
	for _, p := range found.Places {
		if p.Rows < 100 {
			t.Errorf("told of %+v", p)
		}
	}
	found, err = FindRare(t.Context(), tx, testTable, []Column{column("ngay_sinh"), column("can")}, 6)
	if err != nil || found.Rows != 204 || len(found.Places) != 3 || *found.Places[0].From != "40" || found.Places[0].To != "45" {
		t.Errorf("found %+v, %v", found, err)
	}
	if none, err := FindRare(t.Context(), tx, testTable, nil, 5); err == nil {
		t.Errorf("by nothing: %+v", none)
	}
	if err := tx.QueryRow(t.Context(), "select current_setting('statement_timeout')").Scan(&found.Places[0].To); err != nil || found.Places[0].To != "0" {
		t.Errorf("the bound is left behind: %s, %v", found.Places[0].To, err)
	}
}

// What takes too long is told as that, and the transaction goes on.
func TestSmallGroupsInTime(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "CSV", people())
	sleeping := table.Columns[1]
	sleeping.Field = "_id + (select 0 from pg_sleep(1))"
	found, err := findRare(t.Context(), tx, rareQuestion{"catalog." + testTable, []Column{sleeping}, 5}, 50*time.Millisecond)
	if err != nil || !found.Slow || found.Total != 0 {
		t.Errorf("found %+v, %v", found, err)
	}
	if _, err := tx.Exec(t.Context(), "select 1"); err != nil {
		t.Errorf("the transaction is broken: %v", err)
	}
}
