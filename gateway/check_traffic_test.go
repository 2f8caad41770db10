package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lgsp/gateway/check"
	"lgsp/internal/problem"
)

// TestCheckTraffic: what no node could do is told by field, with words in both
// languages, whether or not the operations are marked.
func TestCheckTraffic(t *testing.T) {
	t.Parallel()
	unmarked := []Operation{{ID: "a", Method: "GET", Path: "/a"}, {ID: "b", Method: "GET", Path: "/b/{so}", Access: Personal, SubjectIn: "path", SubjectName: "so"}}
	unfit := []Operation{{ID: "a", Method: "GET", Path: "/a"}, {ID: "a", Method: "POST", Path: "/a"}}
	for _, tt := range []struct {
		name, traffic string
		document      string
		code          string
		fields        []string
	}{
		{name: "nothing", traffic: `{}`},
		{name: "a limit", traffic: `{"limits":[{"per":"application","calls":9,"window":"1s"}]}`},
		{name: "the same for two", traffic: `{"limits":[{"per":"api","calls":9,"window":"day"},{"per":"address","calls":9,"window":"day"}]}`},
		{name: "a misspelt member", traffic: `{"limit":[]}`, code: "traffic-invalid"},
		{name: "a limit of text", traffic: `{"limits":"many"}`, code: "traffic-invalid"},
		{name: "no JSON", traffic: `{`, code: "traffic-invalid"},
		{name: "more than fits", traffic: `{"limits":[` + strings.Repeat(" ", maxTraffic) + `]}`, code: "traffic-invalid"},
		{name: "everything wrong", traffic: `{"limits":[{"per":"api","calls":9,"window":"1s"},{"per":"moon","calls":0,"window":"13h"}]}`, code: "limits-invalid",
			fields: []string{"limits/1/window:limit-window", "limits/1/per:limit-per", "limits/1/calls:limit-calls"}},
		{name: "the same twice", traffic: `{"limits":[{"per":"api","calls":9,"window":"60s"},{"per":"api","calls":1,"window":"1m"}]}`, code: "limits-invalid",
			fields: []string{"limits/1/window:limit-twice"}},
		{name: "more calls than can be counted", traffic: `{"limits":[{"per":"api","calls":1000000001,"window":"1s"}]}`, code: "limits-invalid",
			fields: []string{"limits/0/calls:limit-calls"}},
		{name: "nine", traffic: `{"limits":[{},{},{},{},{},{},{},{},{}]}`, code: "limits-invalid", fields: []string{"limits:limits-too-many"}},
		{name: "sizes and times", traffic: `{"request_bytes":-1,"timeouts":{"answer_seconds":601,"whole_seconds":86401}}`, code: "traffic-wrong",
			fields: []string{"request_bytes:traffic-range", "timeouts/answer_seconds:traffic-range", "timeouts/whole_seconds:traffic-range"}},
		{name: "ways of checking that there are not", traffic: `{"check":{"requests":"sample","answers":"report","sample_percent":101}}`, code: "traffic-wrong",
			fields: []string{"check/requests:check-mode", "check/answers:check-mode", "check/sample_percent:traffic-range"}},
		{name: "checks", traffic: `{"check":{"requests":"report","answers":"sample","sample_percent":1}}`, document: `{"openapi":"3.0.3"}`},
		{name: "checks off", traffic: `{"check":{"requests":"off","answers":"off"}}`, document: `{`},
		{name: "no document", traffic: `{"check":{"requests":"enforce"}}`, document: `{`, code: "traffic-invalid"},
		{name: "nothing to store", traffic: `{"cache":[{"seconds":-1,"stale_if_error_seconds":604801,"stale_while_revalidate_seconds":86401}]}`, code: "traffic-wrong",
			fields: []string{"cache/0/seconds:traffic-range", "cache/0/stale_while_revalidate_seconds:traffic-range", "cache/0/stale_if_error_seconds:traffic-range", "cache/0/operations:cache-empty"}},
		{name: "too much to store", traffic: `{"cache":[{},{},{},{},{},{},{},{},{}]}`, code: "traffic-wrong", fields: []string{"cache:caches-too-many"}},
		{name: "an operation that is not there", traffic: `{"cache":[{"operations":["z"]}],"compress":true}`, code: "traffic-wrong", fields: []string{"cache/0/operations:cache-operation"}},
	} {
		for of, operations := range map[string][]Operation{"none": nil, "unmarked": unmarked, "unfit": unfit} {
			err := CheckTraffic([]byte(tt.traffic), operations, func() ([]byte, error) { return []byte(tt.document), nil })
			if tt.code == "" {
				if err != nil {
					t.Errorf("%s, operations %s: got %v", tt.name, of, err)
				}
				continue
			}
			var got []string
			for _, f := range problem.Of(err).Fields {
				got = append(got, f.Name+":"+f.Code)
				if f.Words("vi") == f.Detail || f.Words("en") == f.Detail {
					t.Errorf("%s has no words", f.Code)
				}
			}
			if !problem.Is(err, problem.Invalid) || problem.Code(err) != tt.code || !slices.Equal(got, tt.fields) {
				t.Errorf("%s, operations %s: got %s %q (%v), want %s %q", tt.name, of, problem.Code(err), got, err, tt.code, tt.fields)
			}
		}
	}
}

// TestTooMuchToCheck: a document of which too much would have to be held is
// refused when it is to be checked by.
func TestTooMuchToCheck(t *testing.T) {
	t.Parallel()
	var wide strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&wide, `,"truong%d":{"type":"string"}`, i)
	}
	document := `{"openapi":"3.0.3","paths":{"/a":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"properties":{` + wide.String()[1:] + `}}}}}}}}}}`
	operations := []Operation{{ID: "a", Method: "GET", Path: "/a"}}
	err := CheckTraffic([]byte(`{"check":{"answers":"enforce"}}`), operations, func() ([]byte, error) { return []byte(document), nil })
	if problem.Code(err) != "check-too-large" || len(problem.Of(err).Fields) != 1 {
		t.Errorf("got %v", err)
	}
	if err := CheckTraffic([]byte(`{}`), operations, nil); err != nil {
		t.Errorf("nothing is to be checked: got %v", err)
	}
}

// TestFindingsHaveWords in both languages.
func TestFindingsHaveWords(t *testing.T) {
	t.Parallel()
	for _, code := range []string{check.Required, check.Type, check.Value, check.Range, check.Multiple, check.Length, check.Pattern, check.Format, check.Count, check.Unique,
		check.NotAllowed, check.NotNamed, check.OneOf, check.Several, check.Not, check.WriteOnly, check.MediaType, check.Encoded, check.Status, check.NotJSON, check.NotDescribed, check.TooComplex} {
		f := problem.Field{Code: "check-" + code, Detail: "?"}
		if f.Words("vi") == "?" || f.Words("en") == "?" || f.Words("vi") == f.Words("en") {
			t.Errorf("%s has no words", code)
		}
	}
}

// TestCheckCache: what is stored is an open GET's, and in one entry only.
func TestCheckCache(t *testing.T) {
	t.Parallel()
	operations := []Operation{{ID: "a", Method: "GET", Path: "/a"}, {ID: "b", Method: "GET", Path: "/b", Access: Restricted}, {ID: "c", Method: "POST", Path: "/a"}}
	if err := CheckTraffic([]byte(`{"cache":[{"operations":["a"],"seconds":86400}]}`), operations, nil); err != nil {
		t.Error(err)
	}
	err := CheckTraffic([]byte(`{"cache":[{"operations":["a","b","c"]},{"operations":["a"]}]}`), operations, nil)
	var got []string
	for _, f := range problem.Of(err).Fields {
		got = append(got, f.Name+":"+f.Code+":"+f.Args["operation"])
		if f.Words("vi") == f.Detail || f.Words("en") == f.Detail {
			t.Errorf("%s has no words", f.Code)
		}
	}
	if want := []string{"cache/0/operations:cache-not-open:b", "cache/0/operations:cache-not-open:c", "cache/1/operations:cache-twice:a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
