package cache

import (
	"net/http"
	"strings"
	"time"

	"lgsp/internal/http1"
)

// entityTag is the answer's tag, "" when it has none, or what is none
// (RFC 9110 §8.8.3).
func entityTag(fields http1.Fields) string {
	tags := values(fields, "Etag")
	if len(tags) != 1 || !isEntityTag(tags[0]) {
		return ""
	}
	return tags[0]
}

func isEntityTag(tag string) bool {
	body := opaque(tag)
	if len(body) < 2 || body[0] != '"' || body[len(body)-1] != '"' {
		return false
	}
	for i := 1; i < len(body)-1; i++ {
		if c := body[i]; c <= ' ' || c == '"' || c == 0x7f {
			return false
		}
	}
	return true
}

// opaque is a tag without the mark of a weak one: what weak comparison compares.
func opaque(tag string) string { return strings.TrimPrefix(tag, "W/") }

// NotModified reports whether a call with these headers has the answer already
// (RFC 9110 §13.2.2). If-None-Match goes before If-Modified-Since.
func (a *Answer) NotModified(header http.Header) bool {
	if a.Status != http.StatusOK && a.Status != http.StatusNonAuthoritativeInfo {
		return false
	}
	if tags := header["If-None-Match"]; len(tags) > 0 {
		return a.matches(tags)
	}
	dates := header["If-Modified-Since"]
	if len(dates) != 1 || a.modified.IsZero() {
		return false
	}
	since, err := http.ParseTime(dates[0])
	return err == nil && !a.modified.After(since)
}

func (a *Answer) matches(lines []string) bool {
	found := false
	for _, line := range lines {
		eachElement(line, func(tag string) {
			found = found || tag == "*" || a.ETag != "" && opaque(tag) == opaque(a.ETag)
		})
	}
	return found
}

// Part is what a Range asks of a body: bytes First up to but not with End.
type Part struct{ First, End int64 }

// Partly says how a call with these headers is answered: whole (nil), with a
// part, or not at all, when no byte asked for is there (RFC 9110 §14.2). Several
// ranges, and what is no range of bytes, are answered whole.
func (a *Answer) Partly(header http.Header) (part *Part, possible bool) {
	ranges := header["Range"]
	if len(ranges) != 1 || a.Status != http.StatusOK || !a.sameAs(header["If-Range"]) {
		return nil, true
	}
	spec, ok := strings.CutPrefix(ranges[0], "bytes=")
	first, last, dash := strings.Cut(strings.Trim(spec, " \t"), "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return nil, true
	}
	size := int64(len(a.Plain.Body))
	from, hasFirst := number(first)
	to, hasLast := number(last)
	switch {
	case first == "" && hasLast: // the last bytes
		if to == 0 {
			return nil, false
		}
		return &Part{max(0, size-to), size}, size > 0
	case !hasFirst, last != "" && (!hasLast || to < from):
		return nil, true
	case from >= size:
		return nil, false
	case last == "" || to >= size:
		to = size - 1
	}
	return &Part{from, to + 1}, true
}

// sameAs reports whether what If-Range names is this answer, by strong
// comparison (RFC 9110 §13.1.5).
func (a *Answer) sameAs(lines []string) bool {
	switch {
	case len(lines) == 0:
		return true
	case len(lines) > 1:
		return false
	case strings.HasPrefix(lines[0], `"`):
		return lines[0] == a.ETag
	}
	at, err := http.ParseTime(lines[0])
	return err == nil && !a.modified.IsZero() && a.modified.Equal(at) && a.received.Sub(at) > time.Minute // a date is strong only then (§8.8.2.2)
}
