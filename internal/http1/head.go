package http1

import (
	"errors"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// isToken are the bytes of a method or a field's name (RFC 9110 §5.6.2), and
// isValue those of a field's value (§5.5).
var isToken, isValue = tokenBytes(), valueBytes()

func tokenBytes() (is [256]bool) {
	for c := range is {
		is[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c < 0x80 && strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0
	}
	return is
}

func valueBytes() (is [256]bool) {
	for c := range is {
		is[c] = c == '\t' || c >= 0x20 && c != 0x7f
	}
	return is
}

// isText reports whether a text may be a field's value. Most are long and
// plain, so eight bytes are looked at together: each below 0x80 (which is let
// through as it is), none below a space, none DEL. Only where one of the eight
// may not be so, each is asked for itself.
func isText(text string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(text) >= 8 {
		b := text[:8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		if ((w-0x20*ones)|(w+ones)|w)&tops != 0 && !all(b, &isValue) {
			return false
		}
		text = text[8:]
	}
	return all(text, &isValue)
}

func all(text string, is *[256]bool) bool {
	for i := range len(text) {
		if !is[text[i]] {
			return false
		}
	}
	return true
}

// head is what stands before a body, with what decides how the body is read.
type head struct {
	fields  Fields
	length  int64 // Content-Length; -1: none
	lengths int   // lines of it
	chunked bool  // Transfer-Encoding: chunked
	codings int   // lines of Transfer-Encoding
	close   bool  // Connection: close
	keep    bool  // Connection: keep-alive
	upgrade bool  // Connection: upgrade
}

// parse reads the lines behind the first one. Of the fields that say how the
// body is framed there is one reading or none (RFC 9112 §6.3): a length and a
// coding together, two lengths, a length that is no number and any coding but
// chunked alone are refused.
func (h *head) parse(lines string) error {
	h.fields, h.length, h.lengths, h.chunked, h.codings = h.fields[:0], -1, 0, false, 0
	h.close, h.keep, h.upgrade = false, false, false
	for lines != "\r\n" {
		line, rest, _ := strings.Cut(lines, "\r\n")
		lines = rest
		colon := strings.IndexByte(line, ':')
		if colon < 1 || !all(line[:colon], &isToken) {
			return refuse(http.StatusBadRequest, "a line of the header has no name before its colon")
		}
		value := strings.Trim(line[colon+1:], " \t")
		if !isText(value) {
			return refuse(http.StatusBadRequest, "a field of the header holds a control character")
		}
		if len(h.fields) == maxFields {
			return errFields
		}
		name := canonical(line[:colon])
		if err := h.frame(name, value); err != nil {
			return err
		}
		h.fields = append(h.fields, Field{name, value})
	}
	switch {
	case h.lengths > 0 && h.codings > 0:
		return refuse(http.StatusBadRequest, "the header has Content-Length and Transfer-Encoding")
	case h.lengths > 1 || h.codings > 1:
		return refuse(http.StatusBadRequest, "the header says twice how long the body is")
	}
	return nil
}

// frame takes what a field says of the body and the connection.
func (h *head) frame(name, value string) error {
	switch name {
	case "Content-Length":
		length, ok := decimal(value)
		if !ok {
			return refuse(http.StatusBadRequest, "Content-Length is no number")
		}
		h.length = length
		h.lengths++
	case "Transfer-Encoding":
		if !strings.EqualFold(value, "chunked") {
			return refuse(http.StatusNotImplemented, "Transfer-Encoding is not chunked alone")
		}
		h.chunked = true
		h.codings++
	case "Connection":
		for token := range strings.SplitSeq(value, ",") {
			switch token = strings.Trim(token, " \t"); {
			case strings.EqualFold(token, "close"):
				h.close = true
			case strings.EqualFold(token, "keep-alive"):
				h.keep = true
			case strings.EqualFold(token, "upgrade"):
				h.upgrade = true
			}
		}
	}
	return nil
}

// decimal reads digits, without sign or space, below 10^18.
func decimal(text string) (int64, bool) {
	if text == "" || len(text) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// requestLine is the first line of a request.
type requestLine struct {
	method, target string
	minor          int // of HTTP/1.x
}

func parseRequestLine(line string) (requestLine, error) {
	method, rest, ok := strings.Cut(line, " ")
	target, proto, spaced := strings.Cut(rest, " ")
	if !ok || !spaced || method == "" || len(method) > 32 || !all(method, &isToken) {
		return requestLine{}, refuse(http.StatusBadRequest, "the first line is not method, target and version")
	}
	for i := range len(target) {
		if c := target[i]; c <= 0x20 || c >= 0x7f {
			return requestLine{}, refuse(http.StatusBadRequest, "the target holds a character that must be percent-encoded")
		}
	}
	r := requestLine{method: method, target: target, minor: 1}
	switch proto {
	case "HTTP/1.1":
	case "HTTP/1.0":
		r.minor = 0
	default:
		if strings.HasPrefix(proto, "HTTP/") {
			return r, refuse(http.StatusHTTPVersionNotSupported, "the version is neither HTTP/1.1 nor HTTP/1.0")
		}
		return r, refuse(http.StatusBadRequest, "the first line is not method, target and version")
	}
	return r, nil
}

// errNoAnswer says that what came from an upstream is no HTTP/1.1.
var errNoAnswer = errors.New("the answer does not begin as one of HTTP/1.1 does")

// statusLine reads the first line of an answer.
func statusLine(line string) (status, minor int, err error) {
	version, rest, _ := strings.Cut(line, " ")
	switch version {
	case "HTTP/1.1":
		minor = 1
	case "HTTP/1.0":
	default:
		return 0, 0, errNoAnswer
	}
	code, reason, _ := strings.Cut(rest, " ")
	n, ok := decimal(code)
	if !ok || len(code) != 3 || n < 100 || !all(reason, &isValue) {
		return 0, 0, errNoAnswer
	}
	return int(n), minor, nil
}

// canonical is the form of a field's name that everything here goes by. A name
// that is so already costs nothing, a common one in lower case a look-up.
func canonical(name string) string {
	upper, plain := true, true
	for i := range len(name) {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			plain = false
			break
		}
		upper = c == '-'
	}
	if plain {
		return name
	}
	if known, ok := common[name]; ok {
		return known
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

// common are the names that programs send in lower case.
var common = func() map[string]string {
	names := map[string]string{"X-API-Key": "X-Api-Key", "DPoP": "Dpop", "ETag": "Etag"}
	for _, name := range []string{"accept", "accept-encoding", "accept-language", "authorization", "cache-control", "connection", "content-encoding",
		"content-length", "content-type", "cookie", "date", "dpop", "etag", "expires", "host", "if-match", "if-modified-since", "if-none-match", "last-modified",
		"lgsp-purpose", "link", "location", "origin", "range", "referer", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "server", "te", "traceparent",
		"tracestate", "transfer-encoding", "upgrade", "user-agent", "vary", "via", "x-api-key", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"} {
		names[name] = textproto.CanonicalMIMEHeaderKey(name)
	}
	return names
}()

func sortedNames(header http.Header) []string {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
