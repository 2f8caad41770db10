package cache

import (
	"strings"
	"testing"
	"time"
)

func TestParseControl(t *testing.T) {
	t.Parallel()
	of := func(n int) Span { return Span{true, time.Duration(n) * time.Second} }
	for _, tt := range []struct {
		lines string // | between them
		want  Control
	}{
		{"", Control{}},
		{" , ,,", Control{}},
		{"no-store", Control{NoStore: true}},
		{"No-StOrE , MAX-age=5", Control{NoStore: true, MaxAge: of(5)}},
		{"no-cache", Control{NoCache: true}},
		{`no-cache="set-cookie, x"`, Control{NoCache: true}},
		{`private="x"`, Control{Private: true}},
		{"public, must-revalidate,proxy-revalidate", Control{MustRevalidate: true, ProxyRevalidate: true}},
		{"only-if-cached, no-transform", Control{OnlyIfCached: true, NoTransform: true}},
		{"max-age=60", Control{MaxAge: of(60)}},
		{"max-age=60|max-age=30", Control{MaxAge: of(30)}},
		{"max-age=30, max-age=60", Control{MaxAge: of(30)}},
		{`max-age="60"`, Control{MaxAge: of(60)}},
		{"max-age='60'", Control{MaxAge: of(0)}},
		{"max-age=003600", Control{MaxAge: of(3600)}},
		{"max-age=60.5", Control{MaxAge: of(0)}},
		{"max-age=-1", Control{MaxAge: of(0)}},
		{"max-age=", Control{MaxAge: of(0)}},
		{"max-age", Control{MaxAge: of(0)}},
		{"max-age= 60", Control{MaxAge: of(0)}},
		{"max-age =60", Control{MaxAge: of(0)}},
		{"max-age=99999999999999999999999999", Control{MaxAge: of(1 << 31)}},
		{`extension="max-age=3600, no-store", max-age=1`, Control{MaxAge: of(1)}},
		{`extension="a\",max-age=3600", max-age=1`, Control{MaxAge: of(1)}},
		{`extension="no end, max-age=60`, Control{NoStore: true}},
		{`extension="no end\`, Control{NoStore: true}},
		{`extension="no end|max-age=60`, Control{NoStore: true, MaxAge: of(60)}},
		{"s-maxage=5", Control{SMaxAge: of(5)}},
		{"stale-while-revalidate=5, stale-if-error=6", Control{StaleWhileRevalidate: of(5), StaleIfError: of(6)}},
		{"stale-if-error", Control{StaleIfError: of(0)}},
		{"max-stale", Control{MaxStale: of(1 << 31)}},
		{"max-stale, max-stale=5", Control{MaxStale: of(5)}},
		{"min-fresh=5, min-fresh=10", Control{MinFresh: of(10)}},
		{"min-fresh=x", Control{}},
	} {
		if got := ParseControl(strings.Split(tt.lines, "|")); got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.lines, got, tt.want)
		}
	}
}

// FuzzParseControl: whatever else a header says, a line that forbids is
// heard, and one that is narrower holds.
func FuzzParseControl(f *testing.F) {
	for _, seed := range []string{"", "max-age=60, public", `a="b, c", max-age=1`, `"`, `\`, `a="\"`, ",,,", "max-age=99999999999999999999", "s-maxage=0,,max-stale", "Max-Age=1;no-store"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		alone := ParseControl([]string{line})
		if c := ParseControl([]string{line, "no-store"}); !c.NoStore {
			t.Error("no-store is lost behind it")
		}
		if c := ParseControl([]string{"no-cache, private", line}); !c.NoCache || !c.Private {
			t.Error("no-cache and private are lost before it")
		}
		c := ParseControl([]string{"max-age=1, s-maxage=2, stale-if-error=3", line})
		if c.MaxAge.Of > time.Second || c.SMaxAge.Of > 2*time.Second || c.StaleIfError.Of > 3*time.Second {
			t.Errorf("it is wider: %+v", c)
		}
		for _, s := range []Span{alone.MaxAge, alone.SMaxAge, alone.MinFresh, alone.MaxStale, alone.StaleWhileRevalidate, alone.StaleIfError} {
			if s.Of < 0 || s.Of > longest || !s.Given && s.Of != 0 {
				t.Errorf("out of bounds: %+v", s)
			}
		}
	})
}
