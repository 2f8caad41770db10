package cache

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"lgsp/internal/http1"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// fields are the lines of a header, "Name: value" with | between.
func fields(text string) http1.Fields {
	var list http1.Fields
	for line := range strings.SplitSeq(text, "|") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			list.Add(name, value)
		}
	}
	return list
}

func head(status int, text string) Head {
	return Head{Status: status, Fields: fields(text), Asked: noon, Came: noon}
}

// TestJudge says what is stored of an answer, and for how long it is fresh.
func TestJudge(t *testing.T) {
	t.Parallel()
	const fresh = "Cache-Control: max-age=60|"
	for _, tt := range []struct {
		name, fields string
		status       int
		rules        Rules
		stored       bool
		left         time.Duration
	}{
		{"max-age", fresh, 200, Rules{}, true, time.Minute},
		{"s-maxage", "Cache-Control: max-age=60, s-maxage=10", 200, Rules{}, true, 10 * time.Second},
		{"Expires", "Date: Mon, 30 Nov 2026 12:00:00 GMT|Expires: Mon, 30 Nov 2026 12:00:30 GMT", 200, Rules{}, true, 30 * time.Second},
		{"Expires without Date", "Expires: Mon, 30 Nov 2026 12:00:30 GMT", 200, Rules{}, true, 30 * time.Second},
		{"Expires in a thousand years", "Expires: Mon, 30 Nov 3026 12:00:30 GMT", 200, Rules{}, true, longest},
		{"made earlier", fresh + "Date: Mon, 30 Nov 2026 11:59:50 GMT", 200, Rules{}, true, 50 * time.Second},
		{"older", fresh + "Age: 20|Date: Mon, 30 Nov 2026 11:59:50 GMT", 200, Rules{}, true, 40 * time.Second},
		{"nothing said", "", 200, Rules{}, false, 0},
		{"nothing said, to be validated", `Etag: "a"`, 200, Rules{}, true, 0},
		{"nothing said, by rules", "", 200, Rules{Fresh: time.Minute}, true, time.Minute},
		{"nothing said of what is not there", "", 404, Rules{Fresh: time.Minute, WhileAsked: time.Minute, AfterError: time.Minute}, false, 0},
		{"rules are not for what is said", "Cache-Control: max-age=5", 200, Rules{Fresh: time.Minute}, true, 5 * time.Second},
		{"over when it comes", fresh + "Age: 60", 200, Rules{}, false, 0},
		{"over when it comes, good after an error", fresh + "Age: 60", 200, Rules{AfterError: time.Hour}, true, 0},
		{"over when it comes, and strict", fresh + "Cache-Control: must-revalidate|Age: 60", 200, Rules{AfterError: time.Hour}, false, 0},
		{"no-cache without a validator", "Cache-Control: no-cache, max-age=60", 200, Rules{AfterError: time.Hour}, false, 0},
		{"no-store", fresh + "Cache-Control: no-store", 200, Rules{}, false, 0},
		{"private", fresh + "Cache-Control: private", 200, Rules{}, false, 0},
		{"a cookie", fresh + "Set-Cookie: a=b", 200, Rules{}, false, 0},
		{"a challenge", fresh + "Www-Authenticate: Basic", 200, Rules{}, false, 0},
		{"compressed", fresh + "Content-Encoding: gzip", 200, Rules{}, false, 0},
		{"not compressed, and says so", fresh + "Content-Encoding: identity", 200, Rules{}, true, time.Minute},
		{"a part", fresh, 206, Rules{}, false, 0},
		{"a part that does not say so", fresh + "Content-Range: bytes 0-1/2", 200, Rules{}, false, 0},
		{"Vary: *", fresh + "Vary: *", 200, Rules{}, false, 0},
		{"Vary: * among others", fresh + "Vary: Accept, *", 200, Rules{}, false, 0},
		{"Vary: who asks", fresh + "Vary: accept, AUTHORIZATION", 200, Rules{}, false, 0},
		{"Vary: what the key holds", fresh + "Vary: Accept, Accept-Language,Accept-Encoding", 200, Rules{}, true, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, ok := Judge(head(tt.status, tt.fields), tt.rules)
			if ok != tt.stored || ok && a.Left(noon) != tt.left {
				t.Errorf("got %v, %+v", ok, a)
			}
		})
	}
	slow := Head{Status: 200, Fields: fields(fresh + "Age: 5"), Asked: noon.Add(-3 * time.Second), Came: noon}
	if a, ok := Judge(slow, Rules{}); !ok || a.Age(noon.Add(time.Second)) != 9*time.Second {
		t.Errorf("the time on the way does not count: %+v", a)
	}
}

// TestFailure: what tells of a fault is for all who wait, unless it says that
// it is one's alone.
func TestFailure(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{500: true, 501: false, 502: true, 503: true, 504: true, 505: false, 429: false, 404: false} {
		if _, ok := Failure(head(status, "")); ok != want {
			t.Errorf("%d: got %t", status, ok)
		}
	}
	for _, alone := range []string{"Cache-Control: no-store", "Set-Cookie: a=b"} {
		if _, ok := Failure(head(503, alone)); ok {
			t.Errorf("%s is everybody's", alone)
		}
	}
}

// TestStored: of what is passed on, an answer keeps what is everybody's, in
// memory of its own.
func TestStored(t *testing.T) {
	t.Parallel()
	a, _ := Judge(head(200, "Cache-Control: max-age=60"), Rules{})
	a.Fill(fields("Cache-Control: max-age=60|Age: 5|Content-Length: 9|Traceparent: 00-a|X-Request-Id: r|Via: 1.1 x|Cache-Status: other|X-A: 1|X-A: 2"), []byte("body"))
	want := fields("Cache-Control: max-age=60|X-A: 1|X-A: 2|Date: Mon, 30 Nov 2026 12:00:00 GMT|Content-Length: 4")
	if !reflect.DeepEqual(a.Plain.Fields, want) {
		t.Errorf("got %v, want %v", a.Plain.Fields, want)
	}
	whole, updated, ok := a.Freshen(head(304, "X-A: 3|Content-Type: text/html|Set-Cookie: a=b"), fields("X-A: 3|Content-Type: text/html|Age: 1"))
	if want := fields("Cache-Control: max-age=60|Date: Mon, 30 Nov 2026 12:00:00 GMT|X-A: 3"); !ok || !reflect.DeepEqual(updated, want) || whole.Status != 200 {
		t.Errorf("freshened: got %v, want %v", updated, want)
	}
	if _, ok := Judge(whole, Rules{}); ok {
		t.Error("a 304 with a cookie freshens what everybody gets")
	}
}

// TestUse says what is done with a stored answer as time goes by, and as calls ask.
func TestUse(t *testing.T) {
	t.Parallel()
	const both = ", stale-while-revalidate=20, stale-if-error=60"
	for _, tt := range []struct {
		control string
		after   time.Duration
		ask     string
		want    Use
		onError bool
	}{
		{"max-age=10", 9 * time.Second, "", Fresh, false},
		{"max-age=10", 10 * time.Second, "", Ask, false},
		{"max-age=10" + both, 9 * time.Second, "", Fresh, true},
		{"max-age=10" + both, 30 * time.Second, "", Stale, true},
		{"max-age=10" + both, 31 * time.Second, "", Ask, true},
		{"max-age=10" + both, 70 * time.Second, "", Ask, true},
		{"max-age=10" + both, 71 * time.Second, "", Ask, false},
		{"max-age=10, must-revalidate" + both, 11 * time.Second, "", Ask, false},
		{"max-age=10, must-revalidate" + both, 11 * time.Second, "max-stale", Ask, false},
		{"max-age=10, proxy-revalidate" + both, 11 * time.Second, "", Ask, false},
		{"s-maxage=10" + both, 11 * time.Second, "", Ask, false},
		{"max-age=10, no-cache" + both, 0, "", Ask, false},
		{"max-age=10" + both, 5 * time.Second, "no-cache", Ask, true},
		{"max-age=10" + both, 5 * time.Second, "max-age=5", Fresh, true},
		{"max-age=10" + both, 5 * time.Second, "max-age=4", Ask, true},
		{"max-age=10" + both, 5 * time.Second, "min-fresh=5", Fresh, true},
		{"max-age=10" + both, 5 * time.Second, "min-fresh=6", Ask, true},
		{"max-age=10" + both, 11 * time.Second, "max-age=5", Ask, true},
		{"max-age=10", 15 * time.Second, "max-stale=5", Fresh, false},
		{"max-age=10", 15 * time.Second, "max-stale=4", Ask, false},
	} {
		h := head(200, "Cache-Control: "+tt.control+"|Etag: \"a\"")
		a, ok := Judge(h, Rules{})
		now := noon.Add(tt.after)
		if got := a.Use(now, ParseControl([]string{tt.ask})); !ok || got != tt.want || a.AfterError(now) != tt.onError {
			t.Errorf("%s after %s, asked for %q: got %d, after an error %t", tt.control, tt.after, tt.ask, got, a.AfterError(now))
		}
	}
	var none *Answer
	if none.Use(noon, Control{}) != Ask || none.AfterError(noon) || none.EachAsks(noon) || none.IsAlone(noon) || none.Validates() {
		t.Error("nothing is of use")
	}
	alone := Alone(noon)
	if alone.Use(noon, ParseControl([]string{"max-stale"})) != Ask || !alone.IsAlone(noon) || !alone.EachAsks(noon) || alone.IsAlone(noon.Add(aloneFor)) || alone.EachAsks(noon.Add(aloneFor)) || alone.AfterError(noon) {
		t.Error("what is not stored is of use, or for ever not stored")
	}
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	a, _ := Judge(head(200, "Cache-Control: max-age=60|Etag: W/\"a\"|Last-Modified: Mon, 30 Nov 2026 10:00:00 GMT"), Rules{})
	untagged, _ := Judge(head(200, "Cache-Control: max-age=60"), Rules{})
	missing, _ := Judge(head(404, "Cache-Control: max-age=60|Etag: \"a\""), Rules{})
	for _, tt := range []struct {
		a            *Answer
		match, since string
		want         bool
	}{
		{a, "", "", false},
		{a, `"a"`, "", true},
		{a, `W/"a"`, "", true},
		{a, `"b", W/"a"`, "", true},
		{a, `"b,", "a"`, "", true},
		{a, `"b, "a"`, "", false},
		{a, "*", "", true},
		{a, `"b"`, "Mon, 30 Nov 2026 10:00:00 GMT", false},
		{a, "", "Mon, 30 Nov 2026 10:00:00 GMT", true},
		{a, "", "Mon, 30 Nov 2026 09:59:59 GMT", false},
		{a, "", "yesterday", false},
		{untagged, `"a"`, "", false},
		{untagged, "", "Mon, 30 Nov 2026 10:00:00 GMT", false},
		{missing, `"a"`, "", false},
	} {
		h := http.Header{}
		if tt.match != "" {
			h.Set("If-None-Match", tt.match)
		}
		if tt.since != "" {
			h.Set("If-Modified-Since", tt.since)
		}
		if got := tt.a.NotModified(h); got != tt.want {
			t.Errorf("%s %s: got %t", tt.match, tt.since, got)
		}
	}
}

func TestPartly(t *testing.T) {
	t.Parallel()
	a, _ := Judge(head(200, "Cache-Control: max-age=60|Etag: \"a\"|Last-Modified: Mon, 30 Nov 2026 10:00:00 GMT"), Rules{})
	a.Fill(nil, []byte("0123456789"))
	for _, tt := range []struct {
		of, only string
		want     string // "": whole, "-": impossible
	}{
		{"", "", ""},
		{"bytes=0-1", "", "01"},
		{"bytes=8-", "", "89"},
		{"bytes=-3", "", "789"},
		{"bytes=-30", "", "0123456789"},
		{"bytes=5-99", "", "56789"},
		{"bytes=0-99999999999999999999999", "", "0123456789"},
		{"bytes=10-", "", "-"},
		{"bytes=-0", "", "-"},
		{"bytes=3-2", "", ""},
		{"bytes=a-b", "", ""},
		{"bytes=-", "", ""},
		{"bytes=--1", "", ""},
		{"bytes=0-1,3-4", "", ""},
		{"items=0-1", "", ""},
		{"bytes=0-1", `"a"`, "01"},
		{"bytes=0-1", `"b"`, ""},
		{"bytes=0-1", `W/"a"`, ""},
		{"bytes=0-1", "Mon, 30 Nov 2026 10:00:00 GMT", "01"},
		{"bytes=0-1", "Mon, 30 Nov 2026 10:00:01 GMT", ""},
	} {
		h := http.Header{}
		if tt.of != "" {
			h.Set("Range", tt.of)
		}
		if tt.only != "" {
			h.Set("If-Range", tt.only)
		}
		part, possible := a.Partly(h)
		got := ""
		switch {
		case !possible:
			got = "-"
		case part != nil:
			got = string(a.Plain.Body[part.First:part.End])
		}
		if got != tt.want {
			t.Errorf("%s if %s: got %q, want %q", tt.of, tt.only, got, tt.want)
		}
	}
}

// FuzzPartly: a part lies within the body, whatever is asked.
func FuzzPartly(f *testing.F) {
	for _, seed := range []string{"bytes=0-1", "bytes=-1", "bytes=5-", "bytes=9223372036854775807-", "bytes=0-9223372036854775808", "bytes= 0-1 ", "bytes=1-0"} {
		f.Add(seed, 10)
		f.Add(seed, 0)
	}
	f.Fuzz(func(t *testing.T, asked string, size int) {
		a, _ := Judge(head(200, "Cache-Control: max-age=60"), Rules{})
		a.Fill(nil, make([]byte, max(0, size%1000)))
		part, possible := a.Partly(http.Header{"Range": {asked}})
		if part != nil && possible && (part.First < 0 || part.First >= part.End || part.End > int64(len(a.Plain.Body))) {
			t.Errorf("of %d bytes: %+v", len(a.Plain.Body), part)
		}
	})
}

// FuzzVary: what is read as many names says no less than any of them alone.
func FuzzVary(f *testing.F) {
	for _, seed := range []string{"", "*", "Accept", "accept , *", "Authorization,", "a b", `"x"`, "x-forwarded-for", ",,\t*"} {
		f.Add(seed, "Accept-Language")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		if varies(one+","+other) != (varies(one) && varies(other)) {
			t.Errorf("%q with %q", one, other)
		}
		if varies(one) && strings.Contains(strings.ToLower(one), "*") {
			t.Errorf("%q is stored", one)
		}
	})
}
