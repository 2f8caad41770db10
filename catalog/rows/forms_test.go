package rows

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"runtime"
	"strconv"
	"testing"

	"github.com/parquet-go/parquet-go"

	"lgsp/internal/problem"
)

var places = []Column{
	{Key: "ma", Name: "Mã", Type: Text, Field: "c1"}, {Key: "so", Name: "Số", Type: Integer, Field: "c2"},
	{Key: "vi_do", Name: "Vĩ độ", Type: Decimal, Field: "c3"}, {Key: "kinh_do", Name: "Kinh độ", Type: Decimal, Field: "c4"},
	{Key: "ngay", Name: "Ngày", Type: Date, Field: "c5"}, {Key: "con", Name: "Còn", Type: Boolean, Field: "c6"},
}

func cells(values ...string) []*string {
	row := make([]*string, len(values))
	for i := range values {
		if values[i] != "NULL" {
			row[i] = &values[i]
		}
	}
	return row
}

func TestParquetKeepsTypesAndNulls(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	w := newParquet(&file, places)
	for _, row := range [][]*string{cells("01", "-5", "15.12", "108.8", "1960-02-29", "true"), cells("", "NULL", "NULL", "NULL", "NULL", "false")} {
		if err := w.row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	type place struct {
		Ma     *string  `parquet:"ma,optional"`
		So     *int64   `parquet:"so,optional"`
		ViDo   *float64 `parquet:"vi_do,optional"`
		KinhDo *float64 `parquet:"kinh_do,optional"`
		Ngay   *int32   `parquet:"ngay,optional,date"`
		Con    *bool    `parquet:"con,optional"`
	}
	got, err := parquet.Read[place](bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil || len(got) != 2 {
		t.Fatalf("%d rows, error %v", len(got), err)
	}
	first, second := got[0], got[1]
	if *first.Ma != "01" || *first.So != -5 || *first.ViDo != 15.12 || *first.KinhDo != 108.8 || *first.Ngay != -3594 || !*first.Con {
		t.Errorf("first row %v %v %v %v %v %v", *first.Ma, *first.So, *first.ViDo, *first.KinhDo, *first.Ngay, *first.Con)
	}
	if *second.Ma != "" || second.So != nil || second.ViDo != nil || second.Ngay != nil || *second.Con {
		t.Errorf("second row %+v", second)
	}
	if err := newParquet(io.Discard, places).row(cells("1", "x", "1", "1", "2020-01-01", "true")); err == nil {
		t.Error("a text was written as an integer")
	}
}

func TestParquetOfManyRowsIsFlatInMemory(t *testing.T) {
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := newParquet(io.Discard, places)
	most := uint64(0)
	for i := range 600_000 {
		n := strconv.Itoa(i)
		if err := w.row(cells("Xã số "+n+" của tỉnh", n, "15."+n, "108."+n, "2020-01-01", "true")); err != nil {
			t.Fatal(err)
		}
		if i%100_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&during)
			most = max(most, during.HeapAlloc)
		}
	}
	if err := w.end(); err != nil {
		t.Fatal(err)
	}
	if grown := int64(most) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("grown by %d MiB", grown>>20)
	}
}

func TestFeaturesHaveTheirPlaces(t *testing.T) {
	t.Parallel()
	shaped := append([]Column{{Key: "geometry", Name: "geometry", Type: Text, Field: "c7"}}, places[:2]...)
	for _, tt := range []struct {
		name    string
		columns []Column
		rows    [][]*string
		want    string
	}{
		{"no rows", places, nil, `{"type":"FeatureCollection","features":[]}`},
		{"points", places, [][]*string{cells(`"a"`, "1", "15.12", "108.80", "NULL", "true"), cells("b", "2", "NULL", "108", "NULL", "NULL"), cells("c", "3", "108.8", "15.1", "NULL", "NULL")},
			`{"type":"FeatureCollection","features":[` +
				`{"type":"Feature","geometry":{"type":"Point","coordinates":[108.80,15.12]},"properties":{"ma":"\"a\"","so":1,"vi_do":15.12,"kinh_do":108.80,"ngay":null,"con":true}},` +
				`{"type":"Feature","geometry":null,"properties":{"ma":"b","so":2,"vi_do":null,"kinh_do":108,"ngay":null,"con":null}},` +
				`{"type":"Feature","geometry":null,"properties":{"ma":"c","so":3,"vi_do":108.8,"kinh_do":15.1,"ngay":null,"con":null}}]}`},
		{"shapes", shaped, [][]*string{cells(`{"type":"Point","coordinates":[108,15]}`, "a", "1"), cells(`}]`, "b", "2")},
			`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[108,15]},"properties":{"ma":"a","so":1}},` +
				`{"type":"Feature","geometry":null,"properties":{"ma":"b","so":2}}]}`},
	} {
		var file, got bytes.Buffer
		out := bufio.NewWriter(&file)
		w, err := newFeatures(out, tt.columns)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range tt.rows {
			if err := w.row(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.end(); err != nil {
			t.Fatal(err)
		}
		_ = out.Flush() // into a buffer
		if err := json.Compact(&got, file.Bytes()); err != nil {
			t.Errorf("%s: %v in %s", tt.name, err, file.Bytes())
		}
		if got.String() != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got.String(), tt.want)
		}
	}
	if _, err := newFeatures(nil, places[:3]); problem.Code(err) != "rows-no-place" {
		t.Errorf("without longitude: %v", err)
	}
	if n, all := len(FormatsOf(places[:2])), len(Formats()); n != all-1 || len(FormatsOf(places)) != all {
		t.Errorf("a table without a place has %d forms of %d", n, all)
	}
}
