package cache

import (
	"strings"
	"time"
)

// Control are the directives of Cache-Control that count here (RFC 9111 §5.2,
// RFC 5861), of a request or of an answer. Where a directive stands twice, or
// says what cannot be read, the narrower reading is taken.
type Control struct {
	NoStore, NoCache, Private, MustRevalidate, ProxyRevalidate, OnlyIfCached, NoTransform bool

	MaxAge, SMaxAge, MinFresh, MaxStale, StaleWhileRevalidate, StaleIfError Span
}

// Span is the argument of a directive; the zero Span is that of none.
type Span struct {
	Given bool
	Of    time.Duration
}

// longest is what longer times are taken for (RFC 9111 §1.2.2).
const longest = 1 << 31 * time.Second

// ParseControl reads the lines of Cache-Control. One whose quotes do not end
// might say anything: nothing is stored of it.
func ParseControl(lines []string) Control {
	var c Control
	for _, line := range lines {
		if !eachElement(line, c.take) {
			c.NoStore = true
		}
	}
	return c
}

func (c *Control) take(element string) {
	name, argument, given := strings.Cut(element, "=")
	if trimmed := strings.TrimRight(name, " \t"); trimmed != name {
		name, argument = trimmed, "" // no space belongs there, and what follows is no number
	}
	switch strings.ToLower(name) {
	case "no-store":
		c.NoStore = true
	case "no-cache": // with names of fields too: the whole is validated then
		c.NoCache = true
	case "private":
		c.Private = true
	case "must-revalidate":
		c.MustRevalidate = true
	case "proxy-revalidate":
		c.ProxyRevalidate = true
	case "only-if-cached":
		c.OnlyIfCached = true
	case "no-transform":
		c.NoTransform = true
	case "max-age":
		c.MaxAge.narrow(argument)
	case "s-maxage":
		c.SMaxAge.narrow(argument)
	case "stale-while-revalidate":
		c.StaleWhileRevalidate.narrow(argument)
	case "stale-if-error":
		c.StaleIfError.narrow(argument)
	case "max-stale":
		if !given {
			argument = "2147483648" // however stale
		}
		c.MaxStale.narrow(argument)
	case "min-fresh":
		if d, ok := seconds(argument); ok && d > c.MinFresh.Of {
			c.MinFresh = Span{true, d}
		}
	}
}

// narrow takes one more argument; one that is no number is 0.
func (s *Span) narrow(argument string) {
	d, ok := seconds(argument)
	if !ok {
		d = 0
	}
	if !s.Given || d < s.Of {
		*s = Span{true, d}
	}
}

// seconds reads delta-seconds (RFC 9111 §1.2.2), also in quotes.
func seconds(text string) (time.Duration, bool) {
	if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
		text = text[1 : len(text)-1]
	}
	n, ok := number(text)
	return time.Duration(n) * time.Second, ok
}

// number reads digits; what is larger than most is taken for it.
func number(text string) (int64, bool) {
	const most = 1 << 31
	n := int64(0)
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int64(c-'0'), most)
	}
	return n, text != ""
}

// eachElement gives the elements of a list (RFC 9110 §5.6.1), without spaces
// around them. Commas within quotes are no ends. It reports whether the quotes end.
func eachElement(line string, do func(element string)) bool {
	start, quoted := 0, false
	for i := 0; i <= len(line); i++ {
		switch {
		case i < len(line) && quoted && line[i] == '\\':
			i++
		case i < len(line) && line[i] == '"':
			quoted = !quoted
		case i == len(line) && quoted:
			return false
		case i == len(line) || line[i] == ',' && !quoted:
			if element := strings.Trim(line[start:i], " \t"); element != "" {
				do(element)
			}
			start = i + 1
		}
	}
	return !quoted
}
