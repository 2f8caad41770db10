package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/xuri/excelize/v2"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

const testTable = "rows_0123456789abcdef0123456789abcdef"

// loaded is a table of crops on PostgreSQL, with its columns.
func loaded(t *testing.T, format, content string) (pgx.Tx, Table) {
	t.Helper()
	tx := pgtest.Tx(t)
	table, err := scan(t, format, content)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&table).Load(t.Context(), tx, testTable); err != nil {
		t.Fatal(err)
	}
	return tx, table
}

const crops = `Mã,Cây,Diện tích,Giá,Ngày,Bán
01,Lúa,1200,"12,5",30/7/2019,có
02,Mì,800,"3,25",31/7/2019,không
03,"Mía, tím",,7,1/8/2019,có
04,Lúa,300,,2/8/2019,
05,=1+1,-5,1,,không
`

func ask(t *testing.T, tx pgx.Tx, table Table, query string) (string, error) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Parse(values, table.Columns)
	if err != nil {
		return "", err
	}
	a, err := q.Ask(t.Context(), tx, Held{testTable, table.Rows})
	if err != nil {
		return "", err
	}
	var answer struct{ Items json.RawMessage }
	text, err := json.Marshal(a)
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	return string(answer.Items), err
}

func TestAsk(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "CSV", crops)
	for _, tt := range []struct{ query, want string }{
		{"ma__exact=01", `[{"ma":"01","cay":"Lúa","dien_tich":1200,"gia":12.5,"ngay":"2019-07-30","ban":true}]`},
		{"cay__contains=l%C3%9A&columns=ma", `[{"ma":"01"},{"ma":"04"}]`},
		{"cay__in=L%C3%BAa,%22M%C3%ADa, t%C3%ADm%22&columns=ma", `[{"ma":"01"},{"ma":"03"},{"ma":"04"}]`},
		{"dien_tich__in=300&dien_tich__in=800&columns=ma", `[{"ma":"02"},{"ma":"04"}]`},
		{"gia__less=3,25&columns=ma", `[{"ma":"02"},{"ma":"05"}]`},
		{"gia__greater=7&dien_tich__isnull=false&columns=ma", `[{"ma":"01"}]`},
		{"ngay__greater=1/8/2019&columns=ma", `[{"ma":"03"},{"ma":"04"}]`},
		{"ban__exact=kh%C3%B4ng&columns=ma", `[{"ma":"02"},{"ma":"05"}]`},
		{"ban__isnull=true&columns=ma", `[{"ma":"04"}]`},
		{"sort=-dien_tich&columns=ma", `[{"ma":"01"},{"ma":"02"},{"ma":"04"},{"ma":"05"},{"ma":"03"}]`},
		{"sort=cay,-ma&limit=2&columns=ma", `[{"ma":"05"},{"ma":"04"}]`},
		{"group=cay&sum=dien_tich&count=*&sort=-count", `[{"cay":"Lúa","count":2,"dien_tich__sum":1500},{"cay":"=1+1","count":1,"dien_tich__sum":-5},{"cay":"Mì","count":1,"dien_tich__sum":800},{"cay":"Mía, tím","count":1,"dien_tich__sum":null}]`},
		{"count=*", `[{"count":5}]`},
		{"avg=gia&min=ngay&max=ma", `[{"gia__avg":5.9375,"ma__max":"05","ngay__min":"2019-07-30"}]`},
		{"group=ban", `[{"ban":false,"count":2},{"ban":true,"count":2},{"ban":null,"count":1}]`},
		{"cay__exact=%27%3B drop table x%3B --", `[]`},
	} {
		if got, err := ask(t, tx, table, tt.query); err != nil || got != tt.want {
			t.Errorf("%s: got %s, want %s, error %v", tt.query, got, tt.want, err)
		}
	}
}

func TestRefusedQuestions(t *testing.T) {
	t.Parallel()
	table, err := scan(t, "CSV", crops)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ query, code, says string }{
		{"rows=5", "rows-parameter", "use limit"},
		{"offset=5", "rows-parameter", "use after"},
		{"order_by=ma", "rows-parameter", "use sort"},
		{"ma=01", "rows-parameter", "use ma__exact"},
		{"x=1", "rows-parameter", "limit, after"},
		{"limit=0", "rows-limit", ""},
		{"limit=1001", "rows-limit", ""},
		{"limit=5&limit=6", "rows-twice", ""},
		{"khong__exact=1", "rows-column", "ma, cay"},
		{"sort=c1", "rows-column", ""},
		{"columns=_id", "rows-column", ""},
		{"ma__like=1", "rows-comparison", ""},
		{"gia__exact=abc", "rows-operand", ""},
		{"ngay__less=31/2/2019", "rows-operand", ""},
		{"ban__exact=1", "rows-operand", ""},
		{"gia__contains=1", "rows-contains-type", ""},
		{"gia__isnull=1", "rows-isnull", ""},
		{"cay__in=%22a", "rows-in", ""},
		{"dien_tich__in=" + strings.Repeat("1,", 300) + "1", "rows-in-many", ""},
		{"sum=cay", "rows-aggregate-type", ""},
		{"count=ma", "rows-count", ""},
		{"group=cay&columns=ma", "rows-columns-grouped", ""},
		{"group=cay&sort=ma", "rows-sort-grouped", ""},
		{"group=cay&after=x", "rows-after-grouped", ""},
		{"sort=ma,cay,gia,ban", "rows-sort-many", ""},
		{"after=x", "rows-after", ""},
		{"total=1", "rows-total", ""},
		{"include_total=1", "rows-parameter", "use total"},
	} {
		values, _ := url.ParseQuery(tt.query)
		_, err := Parse(values, table.Columns)
		if problem.Code(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: got %v, want code %s and %q", tt.query, err, tt.code, tt.says)
		}
	}
}

func TestPagesByKeyMeetEveryRowOnce(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("a,b,c\n")
	for i := range 97 {
		a := fmt.Sprint(i % 7)
		if i%5 == 0 {
			a = ""
		}
		fmt.Fprintf(&b, "%s,\"%d,5\",%d/1/2020\n", a, i%3, i%28+1)
	}
	tx, table := loaded(t, "CSV", b.String())
	for _, sort := range []string{"", "a", "-a", "c", "-c", "b,-a", "-c,a,-b"} {
		table.Columns[2].Indexed = len(sort) > 1 // how it is read changes, what is read does not
		table.Columns[0].Indexed = true
		seen := map[string]int{}
		values := url.Values{"limit": {"10"}, "sort": {sort}}
		whole, err := ask(t, tx, table, "limit=1000&sort="+sort)
		if err != nil {
			t.Fatal(err)
		}
		var joined []string
		for {
			q, err := Parse(values, table.Columns)
			if err != nil {
				t.Fatal(err)
			}
			a, err := q.Ask(t.Context(), tx, Held{testTable, table.Rows})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range a.Rows {
				var one bytes.Buffer
				writeObject(&one, a.Columns, row)
				seen[one.String()]++
				joined = append(joined, one.String())
			}
			if a.Next == "" {
				break
			}
			values.Set("after", a.Next)
		}
		if got := "[" + strings.Join(joined, ",") + "]"; got != whole {
			t.Errorf("sort %q: pages differ from the whole", sort)
		}
		values.Set("sort", "-b")
		if _, err := Parse(values, table.Columns); sort != "" && problem.Code(err) != "rows-after" {
			t.Errorf("a cursor of sort %q serves another: %v", sort, err)
		}
	}
}

func TestExports(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "CSV", crops+"06,x,7,1,,không,thừa 1,thừa 2\n")
	for _, tt := range []struct{ format, query, want string }{
		{"csv", "columns=ma,cay,dien_tich,cot_thua&ma__in=05,06", "Mã,Cây,Diện tích,cột thừa\n05,=1+1,-5,\n06,x,7,\"thừa 1,thừa 2\"\n"},
		{"csv-excel", "columns=ma,cay,dien_tich&ma__in=05", "\uFEFFMã,Cây,Diện tích\n05,'=1+1,-5\n"},
		{"csv", "columns=ma&ma__exact=none", "Mã\n"},
		{"json", "columns=ma,gia&limit=2", "[\n{\"ma\":\"01\",\"gia\":12.5},\n{\"ma\":\"02\",\"gia\":3.25}\n]\n"},
		{"json", "ma__exact=none", "[]\n"},
		{"jsonl", "columns=ma&ma__less=02", "{\"ma\":\"01\"}\n{\"ma\":\"02\"}\n"},
	} {
		values, _ := url.ParseQuery(tt.query)
		q, err := Parse(values, table.Columns)
		if err != nil {
			t.Fatal(err)
		}
		q = q.Unlimited(values)
		var b bytes.Buffer
		if err := q.Export(t.Context(), tx, testTable, Format{Name: tt.format}, &b); err != nil || b.String() != tt.want {
			t.Errorf("%s %s: got %q, want %q, error %v", tt.format, tt.query, b.String(), tt.want, err)
		}
	}
}

func TestExportWorkbookComesBack(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "XLSX", string(workbookOf(t)))
	q, err := Parse(nil, table.Columns)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := q.Unlimited(nil).Export(t.Context(), tx, testTable, Format{Name: "xlsx"}, &b); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.GetRows("Sheet1")
	want := "[[Mã Ngày Số Tỷ lệ] [01 2019-07-30 1350 0.125] [02 2019-07-31 95000 12.5]]"
	if fmt.Sprint(got) != want || err != nil {
		t.Errorf("got %v, want %s, error %v", got, want, err)
	}
}

func TestSlowQuestionEnds(t *testing.T) {
	t.Parallel()
	tx, table := loaded(t, "CSV", crops)
	q, err := Parse(nil, table.Columns)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `create function pg_temp.slow() returns boolean language sql volatile as 'select pg_sleep(0.05) is not null';
		alter table catalog.`+testTable+` rename to hidden;
		create view catalog.`+testTable+` as select * from catalog.hidden where pg_temp.slow()`); err != nil {
		t.Fatal(err)
	}
	err = q.each(t.Context(), tx, tableTime{testTable, 20 * time.Millisecond}, func([]*string) error { return nil })
	if problem.Code(err) != "rows-slow" {
		t.Errorf("got %v, want rows-slow", err)
	}
}

func TestOnlyOurTablesAreNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "rows_", "auth.person", `rows_0123456789abcdef0123456789abcdef" --`, "ROWS_0123456789abcdef0123456789abcdef"} {
		if _, err := address(name); err == nil {
			t.Errorf("%q is taken for a table", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ma__exact=01&sort=-gia&limit=5")
	f.Add("group=cay&sum=dien_tich&sort=-count")
	f.Add("after=eyJzIjoiIiwidiI6WyIxIl19&ma__in=%22a,b%22")
	table, err := Scan(f.Context(), write(f, "CSV", []byte(crops)))
	if err != nil {
		f.Fatal(err)
	}
	table.Columns[0].Indexed = true
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil || len(query) > 2000 {
			return
		}
		q, err := Parse(values, table.Columns)
		if err != nil {
			if problem.Code(err) == "" {
				t.Fatalf("%q: %v is no problem", query, err)
			}
			return
		}
		q.fetch = 10
		settings := regexp.MustCompile(`current_setting\('lgsp\.a[0-9]+'\)`)
		for _, text := range []string{q.statement("t").text, q.counting("t", 5).text, settings.ReplaceAllString(q.copying("t", excelForm).text, "")} {
			for _, bad := range []string{";", "--", "'", `"`, `\`} {
				if strings.Contains(text, bad) {
					t.Fatalf("%q gets into the statement: %s", query, text)
				}
			}
		}
		if q.limit < 1 || q.limit > MaxLimit {
			t.Fatalf("%q: limit %d", query, q.limit)
		}
	})
}
