package gateway

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/project"
)

// filled is an exchange none of whose fields is empty: a field that the record
// forgets is found by it.
func filled(t testing.TB) Exchange {
	var e Exchange
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case uuid.UUID:
			f.Set(reflect.ValueOf(uuid.UUID{byte(i + 1), 15: 9}))
		case Sum:
			f.Set(reflect.ValueOf(Sum{byte(i + 1), 31: 8}))
		case time.Time:
			f.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)))
		case string:
			f.SetString("text " + v.Type().Field(i).Name)
		case []string:
			f.Set(reflect.ValueOf([]string{"/a", "", "/b/*/c"}))
		case []project.Masked:
			f.Set(reflect.ValueOf([]project.Masked{{Path: "/a", Mask: "last-4"}, {Path: "/b/*/c", Mask: "hash"}}))
		case bool:
			f.SetBool(true)
		case int, int64, time.Duration:
			f.SetInt(int64(1000*i + 7))
		default:
			t.Fatalf("%s is of a kind this test does not know", v.Type().Field(i).Name)
		}
	}
	return e
}

// TestExchangeRecord: what is written is read back, and so is what an earlier
// version wrote.
func TestExchangeRecord(t *testing.T) {
	t.Parallel()
	for _, e := range []Exchange{filled(t), {At: time.Unix(0, 0).UTC()}} {
		old, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range [][]byte{e.appendTo(nil), old} {
			got, err := readExchange(record)
			if err != nil || !reflect.DeepEqual(got, e) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, e)
			}
		}
	}
}

// FuzzReadExchange: what is no record is refused, and what is taken is written
// as the same again.
func FuzzReadExchange(f *testing.F) {
	e := filled(f)
	f.Add(e.appendTo(nil))
	f.Add([]byte{recordFormat, 0})
	f.Add([]byte(`{"id":"x"}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		e, err := readExchange(record)
		if err != nil {
			return
		}
		again, err := readExchange(e.appendTo(nil))
		if err != nil || len(again.Fields)+len(e.Fields) > 0 && !reflect.DeepEqual(again.Fields, e.Fields) || again.ID != e.ID || again.Code != e.Code {
			t.Fatalf("got %+v, %v, want %+v", again, err, e)
		}
	})
}

func BenchmarkExchangeRecord(b *testing.B) {
	e := filled(b)
	b.ReportAllocs()
	for buf := []byte(nil); b.Loop(); {
		buf = e.appendTo(buf[:0])
	}
}
