package ledger

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// asEncoded is an exchange's entry as encoding/json makes it.
type asEncoded struct {
	Kind string `json:"kind"`
	Exchange
}

// The payload that is written at once is, letter by letter, the canonical form
// of the encoded struct: for whatever fields Exchange has, empty or not.
func TestPayloadIsCanonical(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", "a", "Xã Ba Tơ", "\"\\\b\t\n\v\f\r\x00\x1f", "\u2028<&>", "bad \xff\xfe utf8", "𝄞", strings.Repeat("ệ", 300)}
	for i := range 2000 {
		var e Exchange
		v := reflect.ValueOf(&e).Elem()
		for f := range v.NumField() {
			if i > 0 && random.IntN(3) == 0 {
				continue // left empty; in the first exchange nothing is
			}
			text := func() string { return texts[1+random.IntN(len(texts)-1)] }
			switch field := v.Field(f); field.Interface().(type) {
			case string:
				field.SetString(text())
			case int, int64:
				field.SetInt(1 + random.Int64N(1<<31))
			case uuid.UUID:
				field.Set(reflect.ValueOf(uuid.New()))
			case time.Time:
				field.Set(reflect.ValueOf(time.UnixMicro(random.Int64N(1 << 51)).UTC()))
			case bool:
				field.SetBool(true)
			case []string:
				field.Set(reflect.ValueOf([]string{text(), text()}))
			default:
				t.Fatalf("Exchange.%s is of a type that this test does not know", v.Type().Field(f).Name)
			}
		}
		want, err := canonical(asEncoded{e.kind(), e})
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.payload()
		if err != nil || got != want {
			t.Fatalf("got %s, %v\nwant %s", got, err, want)
		}
		read, err := columnsOf(got)
		if err != nil {
			t.Fatal(err)
		}
		if column := read.differing(e.columns()); column != "" && !strings.Contains(want, "\ufffd") { // which mends what is no UTF-8
			t.Fatalf("column %s is not as the payload says", column)
		}
	}
}

func TestPayloadRefuses(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Exchange{
		"too large":   {Purpose: strings.Repeat("a", maxPayload)},
		"beyond 2^53": {Micros: 1 << 53},
	} {
		if _, err := e.payload(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := canonical(asEncoded{kindExchange, e}); err == nil {
			t.Errorf("%s: canonical takes it", name)
		}
	}
}

func BenchmarkPayload(b *testing.B) {
	e := Exchange{ID: uuid.New(), At: time.Now().UTC().Truncate(time.Microsecond), TraceID: strings.Repeat("a", 32), AgencyID: uuid.New(), APIID: uuid.New(),
		VersionID: uuid.New(), ApplicationID: uuid.New(), AgreementID: uuid.New(), Revision: 1, Purpose: "kiem-thu", Operation: "get-thu-tuc", Template: "/a/b/v1/thu-tuc",
		Access: "open", Method: "GET", Status: 200, Outcome: "complete", Micros: 1234, ResponseBytes: 833, ResponseHash: strings.Repeat("b", 64)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.payload(); err != nil {
			b.Fatal(err)
		}
	}
}
