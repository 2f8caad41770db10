package ledger

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{`{"b":1,"a":[true,null,"x"]}`, `{"a":[true,null,"x"],"b":1}`},
		{` { "z" : { } , "đ" : "Nguyễn" } `, `{"z":{},"đ":"Nguyễn"}`},
		{`[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001,-0,1e21]`, `[333333333.3333333,1e+30,4.5,0.002,1e-27,0,1e+21]`}, // RFC 8785 §3.2.2
		{`"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"`, `"€$\u000f\nA'B\"\\\\\"/"`},                                                    // RFC 8785 §3.2.2.2
		{`"<&>\u2028"`, "\"<&>\u2028\""},
		{`"\b\t\n\u000b\f\r"`, `"\b\t\n\u000b\f\r"`},
		{`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`, "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}"}, // §3.2.3
	} {
		if got, err := canonicalise([]byte(tt.in)); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{"", "{", "1 2", "9007199254740993", "1e20", "1000000000000000000001", "1e999", "\xff", strings.Repeat("[", 40) + strings.Repeat("]", 40),
		`"` + strings.Repeat("x", maxPayload) + `"`} {
		if got, err := canonicalise([]byte(in)); err == nil {
			t.Errorf("%.20q: got %.20q", in, got)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add([]byte(`{"b":[1.5,{"a":"\u0000ệ"}],"a":-0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		once, err := canonicalise(text)
		if err != nil {
			return
		}
		if len(once) > 6*maxPayload {
			t.Fatalf("%d bytes became %d", len(text), len(once))
		}
		var before, after any
		if err := json.Unmarshal(text, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(once), &after); err != nil {
			t.Fatalf("%q is no JSON: %v", once, err)
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%q became %q", text, once)
		}
		if len(once) <= maxPayload {
			if again, err := canonicalise([]byte(once)); err != nil || again != once {
				t.Errorf("%q became %q, %v", once, again, err)
			}
		}
	})
}
