package gateway

import (
	"fmt"
	"strings"
	"testing"
)

// TestAttackFraming: a message whose end two programs could see in two places
// is refused and its connection closed; what was put behind it is no request.
func TestAttackFraming(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	behind := asks("GET", "{P}/danh-muc/smuggled")
	post := func(framing, body string) string {
		return "POST {P}/tra-cuu HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {T}\r\nContent-Type: application/json\r\n" + framing + "\r\n\r\n" + body
	}
	body := `{"nguoi":{"so":"{N}"}}`
	chunked := func(text string) string { return post("Transfer-Encoding: chunked", text) }
	var attacks []attack
	for name, sent := range map[string]string{
		"length and chunks":              post("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
		"chunks and length":              post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"),
		"two lengths":                    post("Content-Length: 0\r\nContent-Length: 22", body),
		"the same length twice":          post("Content-Length: 2\r\nContent-Length: 2", "{}"),
		"a list of lengths":              post("Content-Length: 2, 2", "{}"),
		"a length with a sign":           post("Content-Length: +2", "{}"),
		"a negative length":              post("Content-Length: -2", "{}"),
		"a length in hexadecimal":        post("Content-Length: 0x2", "{}"),
		"a length past 64 bits":          post("Content-Length: 18446744073709551618", "{}"),
		"a length of nothing":            post("Content-Length:", "{}"),
		"space before the colon":         post("Content-Length : 2", "{}"),
		"encoding, space before a colon": post("Transfer-Encoding : chunked", "0\r\n\r\n"),
		"a folded line":                  post("Content-Length: 2\r\nX: a\r\n b", "{}"),
		"LF alone":                       strings.ReplaceAll(post("Content-Length: 2", ""), "\r\n", "\n") + "{}",
		"LF alone before a field":        post("X: a\nContent-Length: 2", "{}"),
		"CR alone in a value":            post("X: a\rContent-Length: 5\r\nContent-Length: 2", "{}"),
		"NUL in a value":                 post("X: a\x00\r\nContent-Length: 2", "{}"),
		"NUL in a name":                  post("X\x00: a\r\nContent-Length: 2", "{}"),
		"a line without a colon":         post("Content-Length\r\nContent-Length: 2", "{}"),
		"a line without a name":          post(": 2\r\nContent-Length: 2", "{}"),
		"an empty first line":            "\r\n\n" + post("Content-Length: 2", "{}"),
		"tab in the first line":          strings.Replace(post("Content-Length: 2", "{}"), " HTTP", "\tHTTP", 1),
		"two spaces in the first line":   strings.Replace(post("Content-Length: 2", "{}"), " HTTP", "  HTTP", 1),
		"no version":                     strings.Replace(post("Content-Length: 2", "{}"), " HTTP/1.1", "", 1),
		"a version in small letters":     strings.Replace(post("Content-Length: 2", "{}"), "HTTP/1.1", "http/1.1", 1),
		"two encodings":                  post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
		"no host":                        strings.Replace(post("Content-Length: 2", "{}"), "Host", "X-Host", 1),
		"two hosts":                      post("Host: other.test\r\nContent-Length: 2", "{}"),
		"a host with a path":             strings.Replace(post("Content-Length: 2", "{}"), "gateway.test", "gateway.test/x", 1),
		"a host with a space":            strings.Replace(post("Content-Length: 2", "{}"), "gateway.test", "gateway test", 1),
		"chunks in HTTP/1.0":             strings.Replace(chunked("0\r\n\r\n"), "HTTP/1.1", "HTTP/1.0", 1),
		"a method that is none":          strings.Replace(post("Content-Length: 2", "{}"), "POST", "PO(ST", 1),
	} {
		attacks = append(attacks, attack{name: name, sent: sent + behind, status: 400, code: "request-malformed"})
	}
	for _, encoding := range []string{"xchunked", "chunked, identity", "identity", "gzip, chunked", "chunked, chunked", "\"chunked\"", "chunked;q=1", "", "\vchunked", "\r\n chunked"} {
		status := 501
		if encoding == "\vchunked" {
			status = 400
		}
		attacks = append(attacks, attack{name: fmt.Sprintf("encoding %q", encoding), sent: post("Transfer-Encoding: "+encoding, "0\r\n\r\n") + behind, status: status, code: "request-malformed"})
	}
	for name, text := range map[string]string{
		"a chunk that is no number":      "zz\r\n{}\r\n0\r\n\r\n",
		"a chunk with a sign":            "+2\r\n{}\r\n0\r\n\r\n",
		"a chunk with 0x":                "0x2\r\n{}\r\n0\r\n\r\n",
		"a chunk behind a space":         " 2\r\n{}\r\n0\r\n\r\n",
		"a chunk past 64 bits":           "10000000000000002\r\n{}\r\n0\r\n\r\n",
		"a chunk longer than said":       "2\r\n{}x\r\n0\r\n\r\n",
		"a chunk shorter than said":      "5\r\n{}\r\n0\r\n\r\n",
		"a chunk that ends with LF":      "2\n{}\r\n0\r\n\r\n",
		"data that end with LF":          "2\r\n{}\n0\r\n\r\n",
		"an extension that ends with LF": "2;a=b\n{}\r\n0\r\n\r\n",
		"an extension without end":       "2;" + strings.Repeat("a", 5000) + "\r\n{}\r\n0\r\n\r\n",
		"a trailer of framing":           "2\r\n{}\r\n0\r\nContent-Length: 5\r\nbad line\r\n\r\n",
		"a last chunk that ends with LF": "2\r\n{}\r\n0\n\n",
		"no last chunk":                  "2\r\n{}\r\n",
	} {
		sent := chunked(text) + behind
		cut := strings.HasPrefix(name, "no last")
		if cut {
			sent = chunked(text)
		}
		attacks = append(attacks, attack{name: name, sent: sent, status: 400, code: "body-broken", cut: cut})
	}
	attacks = append(attacks,
		attack{name: "a body shorter than said", sent: post("Content-Length: 100", body), status: 400, code: "body-broken", cut: true},
		attack{name: "HTTP/2 in the clear", sent: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + behind, status: 505, code: "request-malformed"},
		attack{name: "a longer version", sent: strings.Replace(behind, "HTTP/1.1", "HTTP/1.10", 1), status: 505, code: "request-malformed"},
		attack{name: "HTTP/3", sent: strings.Replace(behind, "HTTP/1.1", "HTTP/3.0", 1), status: 505, code: "request-malformed"},
		attack{name: "an expectation that is not known", sent: post("Content-Length: 2\r\nExpect: 200-ok", "{}"), status: 417, code: "request-malformed"},
		attack{name: "two expectations", sent: post("Content-Length: 2\r\nExpect: 100-continue\r\nExpect: 100-continue", "{}"), status: 417, code: "request-malformed"},
		attack{name: "a wish for h2c", sent: asks("GET", "{P}/danh-muc/1", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Connection: Upgrade, HTTP2-Settings"), status: 200, reached: 1},
		attack{name: "a body that is longer than said: what is too much is no request", sent: post("Connection: close\r\nContent-Length: 2", "{}GET /x"), status: 400, code: "subject-missing"},
	)
	a.each(t, attacks)
	if r, _ := a.last(); r.Header.Get("Upgrade") != "" || r.Header.Get("Http2-Settings") != "" || r.ProtoMajor != 1 {
		t.Errorf("the upstream got %v", r.Header)
	}
}

// TestAttackPipeline: two requests on one connection are two calls, answered in
// order, with nothing of one in the other.
func TestAttackPipeline(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	first := "GET {P}/ho-so HTTP/1.1\r\nHost: gateway.test\r\nX-API-Key: {K}\r\nX-Request-Id: mot\r\n\r\n"
	all := a.exchangeBytes(t, first+asks("GET", "{P}/ho-so"))
	one, two, ok := strings.Cut(all, "HTTP/1.1 401")
	if !ok || !strings.Contains(one, `{"tong":1`) || !strings.Contains(two, `"code":"no-credential"`) || strings.Contains(two, "mot") || a.reachedCount() != 1 {
		t.Errorf("got %s", all)
	}
}
