package check

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRequest holds a body of 1 KiB with 20 members to a schema that says
// something of each.
func BenchmarkRequest(b *testing.B) {
	var schema, body strings.Builder
	for i := range 20 {
		fmt.Fprintf(&schema, `,"truong%02d":%s`, i, []string{`{"type":"string","maxLength":80}`, `{"type":"integer","minimum":0}`,
			`{"type":"string","pattern":"^[A-Z][0-9. -]+$"}`, `{"type":"array","items":{"type":"string"}}`}[i%4])
		fmt.Fprintf(&body, `,"truong%02d":%s`, i, []string{`"` + strings.Repeat("Quảng Ngãi ", 4) + `"`, `1234567`, `"H48.11-2026-000123"`, `["một","hai","ba"]`}[i%4])
	}
	o, _ := made(b, ofSchema("3.1.0", `{"type":"object","required":["truong00","truong01"],"properties":{`+schema.String()[1:]+`}}`, ""))
	in := sent("{" + body.String()[1:] + "}")
	if found := o.Request(in); len(found) > 0 {
		b.Fatal(found)
	}
	b.SetBytes(int64(in.Body.Size))
	b.ReportAllocs()
	for b.Loop() {
		o.Request(in)
	}
}
