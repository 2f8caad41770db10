package ckan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// told is a query as it was read.
func told(n *node) string {
	list := make([]string, len(n.children))
	for i, child := range n.children {
		list[i] = told(child)
	}
	switch n.kind {
	case every:
		return "*:*"
	case all:
		return "(" + strings.Join(list, " & ") + ")"
	case some:
		return "(" + strings.Join(list, " | ") + ")"
	case not:
		return "!" + list[0]
	case span:
		return n.field + map[bool]string{true: "[", false: "{"}[n.low.inclusive] + n.low.value + "," + n.high.value + map[bool]string{true: "]", false: "}"}[n.high.inclusive]
	case words:
		return "«" + n.value + "»"
	}
	if n.wild != nil {
		return n.field + "~" + likePattern(n)
	}
	return n.field + "=" + n.value
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"", "*:*"}, {"  ", "*:*"}, {"*:*", "*:*"},
		{"name:a", "name=a"}, {`title:"two words"`, "title=two words"}, {"+name:a", "name=a"}, {"-name:a", "!name=a"}, {"NOT name:a", "!name=a"}, {"!name:a", "!name=a"}, {"--name:a", "name=a"},
		{"name:a tags:b", "(name=a & tags=b)"}, {"name:a AND tags:b", "(name=a & tags=b)"}, {"name:a && tags:b", "(name=a & tags=b)"},
		{"name:a OR tags:b", "(name=a | tags=b)"}, {"name:a||tags:b", "name=a||tags:b"}, {"name:a OR tags:b res_format:CSV", "(name=a | (tags=b & res_format=CSV))"},
		{"id:(a OR b)", "(id=a | id=b)"}, {"id:(a b)", "(id=a & id=b)"}, {"tags:(a OR (b AND -c))", "(tags=a | (tags=b & !tags=c))"},
		{`(name:a OR name:b) +dataset_type:dataset`, "((name=a | name=b) & dataset_type=dataset)"},
		{"metadata_modified:[2026-01-01T00:00:00Z TO *]", "metadata_modified[2026-01-01T00:00:00Z,*]"}, {"metadata_modified:{NOW-7DAY TO NOW}", "metadata_modified{NOW-7DAY,NOW}"},
		{`metadata_modified:["2026-01-01T00:00:00Z" TO NOW/DAY}`, "metadata_modified[2026-01-01T00:00:00Z,NOW/DAY}"}, {"notes:[* TO *]", "notes[*,*]"},
		{"name:abc*", "name~abc%"}, {`name:a\*b`, "name=a*b"}, {"name:a_b?", `name~a\_b_`}, {"tags:*", "tags~%"},
		{"title:lúa^2 tags:b^0.5", "(title=lúa & tags=b)"}, {"title: lúa", "title=lúa"}, {"res_url:http://a.vn/x?y", "res_url~http://a.vn/x_y"}, {`res_url:"http://a.vn/x"`, "res_url=http://a.vn/x"},
		{"lúa gạo name:a", "(«lúa gạo» & name=a)"}, {`name:"a \"b\" \\ c"`, `name=a "b" \ c`}, {"extras_frequency:DAILY vocab_X:y", "(extras_frequency=DAILY & vocab_X=y)"},
		{"ORANGE NOTE ANDY", "«ORANGE NOTE ANDY»"},
	} {
		n, err := parseFilter(tt.text)
		if err != nil || told(n) != tt.want {
			t.Errorf("%s: got %v, %v, want %s", tt.text, n, err, tt.want)
			if n != nil {
				t.Log(told(n))
			}
		}
	}
}

func TestParseTextWithColons(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"Danh sách chợ: địa chỉ", "«Danh sách chợ địa chỉ»"}, {"tỷ lệ 1:5000", "«tỷ lệ 1 5000»"}, {"title:lúa gạo", "(title=lúa & «gạo»)"}, {"Bước: 1", "«Bước 1»"},
	} {
		n, err := parseFielded(tt.text)
		if err != nil || told(n) != tt.want {
			t.Errorf("%s: got %v, want %s", tt.text, err, tt.want)
			if n != nil {
				t.Log(told(n))
			}
		}
	}
}

func TestParseRefusals(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("(", maxDepth+2) + "name:a" + strings.Repeat(")", maxDepth+2)
	for _, tt := range []struct{ text, want string }{
		{"(name:a", "not closed"}, {"name:a)", "not opened"}, {"name:", "term is missing"}, {"name:a AND", "after AND"}, {"name:a OR", "term is missing"}, {"OR name:a", "term is missing"},
		{"-", "term is missing"}, {`name:"a`, "not closed"}, {`name:"a\`, "not closed"}, {`name:a\`, `after \`}, {"[a TO b]", "no field"}, {"name:[a b]", "lacks TO"}, {"name:[a TO b", "not closed"},
		{"name:[ TO b]", "lacks"}, {"name:a~2", "~ is not offered"}, {"name:a^x", "after ^"}, {"nosuch:a", "undefined field nosuch"}, {"{!parent}name:a", "Local parameters"},
		{deep, "nested too deep"}, {strings.Repeat("a ", maxTerms+1), "too many terms"}, {strings.Repeat("a", maxFilter+1), "longer than"}, {"name:\x00", "no text"}, {"name:\xff", "no text"}, {"()", "term is missing"},
	} {
		_, err := parseFilter(tt.text)
		var f *failure
		if !errors.As(err, &f) || f.status != 409 || f.kind != searchWrong || !strings.Contains(f.message, tt.want) {
			t.Errorf("%s: got %v, want %q", shorten(tt.text), err, tt.want)
		}
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 31, 12, 34, 56, 789, time.UTC)
	for _, tt := range []struct{ text, want string }{
		{"NOW", "2026-03-31T12:34:56.000000789Z"}, {"NOW-7DAY", "2026-03-24T12:34:56.000000789Z"}, {"NOW-7DAYS/DAY", "2026-03-24T00:00:00Z"}, {"NOW/MONTH+1MONTH", "2026-04-01T00:00:00Z"},
		{"NOW-1YEAR/YEAR", "2025-01-01T00:00:00Z"}, {"NOW-2HOURS/HOUR", "2026-03-31T10:00:00Z"}, {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"}, {"2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.5Z"},
		{"2026-01-01T07:00:00+07:00", "2026-01-01T00:00:00Z"}, {"2026-01-01T00:00:00Z/YEAR+1DAY", "2026-01-02T00:00:00Z"}, {"2026-01-01T00:00:00.123456", "2026-01-01T00:00:00.123456Z"}, {"2026-01-01", "2026-01-01T00:00:00Z"}, {"2026", "2026-01-01T00:00:00Z"},
		{"", ""}, {"yesterday", ""}, {"NOW-", ""}, {"NOW-7", ""}, {"NOW-7WEEKS", ""}, {"NOW-999999DAYS", ""}, {"NOW/", ""}, {"NOW+99999YEARS", ""}, {"NOW" + strings.Repeat("+1DAY", 11), ""}, {"2026-02-30", ""}, {"NOWX", ""},
	} {
		at, err := moment(tt.text, now)
		got := at.Format(time.RFC3339Nano)
		if tt.want == "" && err == nil || tt.want != "" && (err != nil || got != tt.want) {
			t.Errorf("%s: got %s, %v, want %q", tt.text, got, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"name:a OR -tags:(b c*) \"x\"", `title:"a \" b"^2 +metadata_modified:[NOW-7DAY TO *]`, "a: b (c", "*:* {!x}", `\`, "name:[\"a", "((((", "--!+x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(string) (*node, error){parseFilter, parseFielded} {
			n, err := read(text)
			if (n == nil) == (err == nil) {
				t.Fatalf("%q: got %v, %v", text, n, err)
			}
			if n != nil {
				check(t, n, 0)
			}
		}
	})
}

// check holds what a compiler relies on.
func check(t *testing.T, n *node, depth int) {
	t.Helper()
	if depth > 3*maxDepth+maxFilter {
		t.Fatal("too deep")
	}
	if n.wild != nil && len(n.wild) != len([]rune(n.value)) {
		t.Fatalf("%q has %d marks", n.value, len(n.wild))
	}
	if (n.kind == all || n.kind == some) && len(n.children) < 2 || n.kind == not && len(n.children) != 1 {
		t.Fatalf("%d has %d children", n.kind, len(n.children))
	}
	if n.kind == span {
		_, _ = moment(n.low.value, time.Unix(0, 0))
	}
	for _, child := range n.children {
		check(t, child, depth+1)
	}
}

func FuzzMoment(f *testing.F) {
	f.Add("NOW-7DAYS/DAY")
	f.Add("2026-01-01T00:00:00Z+1MONTH")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := moment(text, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		if err == nil && (at.Year() < 1 || at.Year() > 9999) {
			t.Fatal(fmt.Sprint(text, at))
		}
	})
}
