package mcp

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"lgsp/internal/problem"
)

func rowsCall() call { return call{&caller{site: &Server{}, locale: "en"}, "query_rows"} }

func TestQuestionsBecomeTheRowsGrammar(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, arguments, want, code string }{
		{"nothing", `{"distribution":"x"}`, "", ""},
		{"a text", `{"filters":[{"column":"xa","value":"Ba Tơ"}]}`, "xa__exact=Ba Tơ", ""},
		{"a number", `{"filters":[{"column":"so","comparison":"greater","value":12.5}]}`, "so__greater=12.5", ""},
		{"a large number as it was written", `{"filters":[{"column":"so","value":12345678901234567890}]}`, "so__exact=12345678901234567890", ""},
		{"yes", `{"filters":[{"column":"co","value":true}]}`, "co__exact=true", ""},
		{"several", `{"filters":[{"column":"xa","values":["a,b","c \"d\"",3]}]}`, `xa__in="a,b","c ""d""",3`, ""},
		{"one that is empty", `{"filters":[{"column":"xa","comparison":"in","values":[""]}]}`, `xa__in=""`, ""},
		{"empty cells", `{"filters":[{"column":"xa","comparison":"isnull"}]}`, "xa__isnull=true", ""},
		{"filled cells", `{"filters":[{"column":"xa","comparison":"isnull","value":false}]}`, "xa__isnull=false", ""},
		{"two bounds", `{"filters":[{"column":"so","comparison":"greater","value":1},{"column":"so","comparison":"less","value":2}]}`, "so__greater=1&so__less=2", ""},
		{"the rest", `{"columns":["a","b"],"sort":["-a"],"total":true,"after":"c"}`, "after=c&columns=a,b&sort=-a&total=true", ""},
		{"groups", `{"group":["a"],"aggregates":[{"function":"sum","column":"b"},{"function":"sum","column":"c"},{"function":"count"}]}`, "count=*&group=a&sum=b,c", ""},
		{"the same filter twice", `{"filters":[{"column":"a","value":1},{"column":"a","value":2}]}`, "", "rows-twice"},
		{"no column", `{"filters":[{"value":1}]}`, "", "mcp-argument-missing"},
		{"no value", `{"filters":[{"column":"a"}]}`, "", "mcp-argument-missing"},
		{"no values", `{"filters":[{"column":"a","comparison":"in"}]}`, "", "mcp-argument-missing"},
		{"values for one", `{"filters":[{"column":"a","comparison":"exact","values":[1]}]}`, "", "mcp-argument-missing"},
		{"value and values", `{"filters":[{"column":"a","value":1,"values":[1]}]}`, "", "mcp-argument-missing"},
		{"a list for a value", `{"filters":[{"column":"a","value":[1]}]}`, "", "mcp-value"},
		{"no such function", `{"aggregates":[{"function":"median","column":"a"}]}`, "", "mcp-function"},
		{"nothing to sum", `{"aggregates":[{"function":"sum"}]}`, "", "mcp-argument-missing"},
		{"no such argument", `{"where":"1=1"}`, "", "mcp-argument-unknown"},
		{"no such member", `{"filters":[{"column":"a","op":"="}]}`, "", "mcp-argument-unknown"},
		{"another type", `{"columns":"a,b"}`, "", "mcp-argument-type"},
		{"no object", `["a"]`, "", "mcp-arguments"},
		{"no text", `{"after":"\u0000"}`, "", "text-unreadable"},
	} {
		a, err := decode[rowsArguments](rowsCall(), json.RawMessage(tt.arguments))
		var question url.Values
		if err == nil {
			question, err = a.question(rowsCall())
		}
		got, _ := url.QueryUnescape(question.Encode())
		if err != nil {
			got = ""
		}
		if got != tt.want || problem.Code(err) != tt.code {
			t.Errorf("%s: got %q and %q (%v), want %q and %q", tt.name, got, problem.Code(err), err, tt.want, tt.code)
		}
	}
}

// TestListsAreReadAsOneLine: what in is given is one line of CSV, as the rows read it.
func TestListsAreReadAsOneLine(t *testing.T) {
	t.Parallel()
	for _, list := range [][]scalar{{""}, {"a", ""}, {`"`, ","}, {" a "}, {"a", "b,c"}} {
		_, value, err := filter{Column: "a", Values: list}.written(rowsCall())
		if err != nil {
			t.Fatal(err)
		}
		got, err := csv.NewReader(strings.NewReader(value)).Read()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(list) {
			t.Errorf("%q as %q: got %q, %v", list, value, got, err)
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"dan-so": "dan-so", " /dataset/dan-so ": "dan-so", "https://x.example/en/dataset/dan-so?table=2#rows": "dan-so", "": "", "https://x.example/dataset/": "",
	} {
		if got := nameIn(text, "/dataset/"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if _, err := distributionIn("https://x.example/r/0199aaaa-0000-7000-8000-000000000001"); err != nil {
		t.Error(err)
	}
	if _, err := distributionIn("dan-so.csv"); problem.Code(err) != "mcp-distribution" {
		t.Errorf("a name: %v", err)
	}
}

// TestToolsAreDescribed: every argument that is read is in the schema, and
// everything in it has words in both languages, and no word stands alone.
func TestToolsAreDescribed(t *testing.T) {
	t.Parallel()
	var schemas map[string]map[string]any
	embedded("tools.json", &schemas)
	for name, arguments := range map[string]any{"search_catalogue": searchArguments{}, "describe_dataset": describeArguments{}, "query_rows": rowsArguments{}} {
		want := []string{}
		for i := range reflect.TypeOf(arguments).NumField() {
			want = append(want, reflect.TypeOf(arguments).Field(i).Tag.Get("json"))
		}
		properties, _ := schemas[name]["properties"].(map[string]any)
		if got := slices.Sorted(maps.Keys(properties)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: the schema has %v, the tool reads %v", name, got, want)
		}
		if got := argumentsOf(name); got != strings.Join(want, ", ") {
			t.Errorf("%s: told %s, reads %v", name, got, want)
		}
	}
	used := map[string]bool{"instructions": true}
	for name, schema := range schemas {
		used[name], used[name+".title"] = true, true
		describedIn(schema, name, used)
	}
	for _, locale := range []string{"vi", "en"} {
		if got := slices.Sorted(maps.Keys(wordsIn(locale))); !slices.Equal(got, slices.Sorted(maps.Keys(used))) {
			t.Errorf("%s has %v, needed are %v", locale, got, slices.Sorted(maps.Keys(used)))
		}
	}
}

func describedIn(schema map[string]any, key string, used map[string]bool) {
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		used[key+"."+name] = true
		if items, ok := property.(map[string]any)["items"].(map[string]any); ok {
			describedIn(items, key+"."+name, used)
		}
	}
}

// FuzzArguments: whatever comes is a question with one value a name, or a
// problem with a code.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{`{}`, `{"filters":[{"column":"a","values":["x",1,true]}],"sort":["-a"],"limit":3}`, `{"filters":[{"column":"a__b","comparison":"isnull","value":null}]}`,
		`{"group":["a"],"aggregates":[{"function":"count"}],"language":"en"}`, `[`, `{"limit":1e9}`, `{"filters":[{"column":"limit","value":"\ud800"}]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := decode[rowsArguments](rowsCall(), json.RawMessage(text))
		if err == nil {
			_, err = limit(a.Limit, usualRows, mostRows)
		}
		if err == nil {
			var question url.Values
			question, err = a.question(rowsCall())
			for name, values := range question {
				if len(values) != 1 || !utf8.ValidString(values[0]) {
					t.Errorf("%q: %s is %q", text, name, values)
				}
			}
		}
		if err != nil && problem.Code(err) == "" {
			t.Errorf("%q: no problem but %v", text, err)
		}
		if got := languageIn(json.RawMessage(text), "vi"); got != "vi" && got != "en" {
			t.Errorf("%q: language %q", text, got)
		}
	})
}
