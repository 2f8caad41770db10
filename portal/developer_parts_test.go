package portal

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"lgsp/catalog"
)

func TestFieldRows(t *testing.T) {
	t.Parallel()
	rows := fieldRows("a200", []catalog.Field{
		{Path: "/items"}, {Path: "/items/*/ten"}, {Path: "/items/*/con", SameAs: "/items/*"}, {Path: "/the/*"}, {Path: "/a~1b"}, {Path: "/me", SameAs: "/"},
	})
	for i, want := range []struct {
		name  string
		depth int
		same  string
	}{
		{"items", 0, ""}, {"ten", 1, ""}, {"con", 1, "#a200-0"}, {"", 1, ""}, {"a/b", 0, ""}, {"me", 0, "#a200"},
	} {
		if got := rows[i]; got.Name != want.name || got.Depth != want.depth || got.SameHref != want.same {
			t.Errorf("%s: got %q %d %q, want %q %d %q", got.Path, got.Name, got.Depth, got.SameHref, want.name, want.depth, want.same)
		}
	}
}

func TestChoicesAreLeaves(t *testing.T) {
	t.Parallel()
	tree := choices("o", []catalog.Field{{Path: "/tong"}, {Path: "/items"}, {Path: "/items/*/ten"}, {Path: "/items/*/cha"}, {Path: "/items/*/cha/ten"}, {Path: "/cut"}})
	got, want := leaves(tree), []string{"/tong", "/items/*/ten", "/items/*/cha/ten", "/cut"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(tree) != 3 || len(tree[1].Parts) != 2 || len(tree[1].Parts[1].Parts) != 1 {
		t.Errorf("the tree is not grouped: %+v", tree)
	}
	if leaves(choices("o", nil)) != nil {
		t.Error("nothing has leaves")
	}
}

func TestSamples(t *testing.T) {
	t.Parallel()
	o := catalog.Operation{Method: "POST", Path: "/ho-so/{so}/{ma-xa}", Mark: catalog.Mark{Access: catalog.Personal}}
	o.Doc.Parameters = []catalog.Parameter{
		{Name: "so", In: "path", Required: true, Example: "0/1'2"}, {Name: "ma-xa", In: "path", Required: true},
		{Name: "năm", In: "query", Required: true, Default: "2026"}, {Name: "trang", In: "query", Example: "1"},
	}
	call := callOf("http://gateway.test/a/b/v1", o)
	if want := "http://gateway.test/a/b/v1/ho-so/0%2F1%272/MA_XA?n%C4%83m=2026"; call.URL != want {
		t.Errorf("URL: got %s, want %s", call.URL, want)
	}
	call.Type, call.Body = "application/json", `{"ten":"O'Brien \"x\" </script>"}`
	call.Headers = append(call.Headers, sampleHeader{Name: "Content-Type", Value: call.Type})
	for _, s := range call.samples() {
		if !strings.Contains(s.Code, "LGSP_TOKEN") || !strings.Contains(s.Code, "application/json") || strings.Contains(s.Code, "LGSP_KEY") {
			t.Errorf("%s lacks something:\n%s", s.Label, s.Code)
		}
	}
	if want := `-d '{"ten":"O'\''Brien`; !strings.Contains(call.curl(), want) {
		t.Errorf("curl is not quoted:\n%s", call.curl())
	}
	program := call.golang()
	if _, err := parser.ParseFile(token.NewFileSet(), "sample.go", program, 0); err != nil {
		t.Errorf("the Go sample: %v\n%s", err, program)
	}
	o = catalog.Operation{Method: "GET", Path: "/x", Mark: catalog.Mark{Access: catalog.Open}}
	if got, want := callOf("http://g", o).curl(), "curl 'http://g/x'"; got != want {
		t.Errorf("open: got %s, want %s", got, want)
	}
	o.Access = catalog.Restricted
	if got := callOf("http://g", o).curl(); !strings.Contains(got, `-H "X-API-Key: $LGSP_KEY"`) {
		t.Errorf("restricted: got %s", got)
	}
}

func FuzzQuote(f *testing.F) {
	for _, text := range []string{"", "a", `"\`, "</script>", "\u2028", "\xff", "\x00\n", "’"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var back string
		if err := json.Unmarshal([]byte(quote(text)), &back); err != nil {
			t.Fatalf("%q is quoted as %s: %v", text, quote(text), err)
		}
		if utf8.ValidString(text) && back != text {
			t.Errorf("%q comes back as %q", text, back)
		}
		if strings.ContainsAny(quote(text), "\n\x00") {
			t.Errorf("%q is broken over lines", text)
		}
	})
}

func TestUsageIsDrawnFromZero(t *testing.T) {
	t.Parallel()
	u := drawUsage([]usageDay{{Calls: 0}, {Calls: 1}, {Calls: 1000, Refused: 250}})
	if u.Calls != 1001 || u.Width != 3*usageStep {
		t.Errorf("got %d calls, width %d", u.Calls, u.Width)
	}
	if d := u.Days[0]; d.H != 0 || d.RefH != 0 {
		t.Errorf("no calls have a bar: %+v", d)
	}
	if d := u.Days[1]; d.H != 2 || d.Y != u.Base-2 {
		t.Errorf("one call cannot be seen: %+v", d)
	}
	if d := u.Days[2]; d.H != 75 || d.RefH != 25 || d.RefusedY != usageTop {
		t.Errorf("a quarter refused: %+v", d)
	}
}
