package gateway

import (
	"strings"
	"testing"
)

// TestCORSOfAVersion: the pages that a version names may read its answers,
// refusals too, and ask before they send a credential; no others may.
func TestCORSOfAVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const page, other = "https://ung-dung.tinh.gov.vn", "https://khac.vn"
	key := []string{"X-API-Key", w.key}
	said := func(what, method, target, origin string, status int, want string, headers ...string) reply {
		t.Helper()
		got := w.do(method, target, append(headers, "Origin", origin)...)
		if got.status != status || got.header.Get("Access-Control-Allow-Origin") != want || !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Origin") || got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: got %d %s, origin %q, want %d, %q", what, got.status, got.code, got.header.Get("Access-Control-Allow-Origin"), status, want)
		}
		return got
	}
	said("nothing is set", "GET", "/ho-so", page, 200, "", key...)
	w.traffic(func(tr *Traffic) {
		tr.CORS = CORS{Origins: []string{"https://a.vn", page}, Headers: []string{"X-Phien"}, Exposed: []string{"X-Tong"}}
	})
	got := said("asks first, without a credential", "OPTIONS", "/ho-so", page, 204, page, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-api-key")
	if h := got.header; !strings.HasSuffix(h.Get("Access-Control-Allow-Headers"), ", X-Phien") || !strings.HasPrefix(h.Get("Access-Control-Allow-Headers"), "Authorization, ") ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "GET") || h.Get("Access-Control-Max-Age") == "" {
		t.Errorf("asks first: %v", h)
	}
	if got := said("asks first from elsewhere", "OPTIONS", "/ho-so", other, 204, "", "Access-Control-Request-Method", "GET"); got.header.Get("Access-Control-Allow-Methods") != "" {
		t.Error("another page may call")
	}
	if got := said("calls", "GET", "/ho-so", page, 200, page, key...); !strings.HasSuffix(got.header.Get("Access-Control-Expose-Headers"), ", X-Tong") {
		t.Errorf("exposed: %v", got.header)
	}
	said("calls without a credential", "GET", "/ho-so", page, 401, page)
	said("by a method that is not there", "DELETE", "/ho-so", page, 405, page, key...)
	said("from elsewhere", "GET", "/ho-so", other, 200, "", key...)
	said("from a longer name", "GET", "/ho-so", page+".evil.vn", 200, "", key...)
	said("from nowhere", "GET", "/ho-so", "null", 200, "", key...)
	said("an open one", "GET", "/danh-muc/1", other, 200, "*")
	said("the portal", "GET", "/ho-so", portalURL, 200, portalURL, key...)
	w.answers(answers(500, "x"))
	said("the upstream fails", "GET", "/ho-so", page, 502, page, key...)
	w.answers(answers(200, `{}`))
	w.traffic(func(tr *Traffic) { tr.CORS = CORS{Origins: []string{"*"}} })
	said("every page", "GET", "/ho-so", other, 401, "*")
}

// TestCORSBounds: what is no origin or header is refused by its field.
func TestCORSBounds(t *testing.T) {
	t.Parallel()
	many := make([]string, 33)
	for i := range many {
		many[i] = "https://a.vn"
	}
	for _, tt := range []struct {
		name string
		c    CORS
		ok   bool
	}{
		{"none", CORS{}, true},
		{"every page", CORS{Origins: []string{"*"}}, true},
		{"two", CORS{Origins: []string{"https://a.vn", "http://localhost:3000"}, Headers: []string{"X-A"}, Exposed: []string{"Etag"}}, true},
		{"every page, and one", CORS{Origins: []string{"*", "https://a.vn"}}, false},
		{"a path", CORS{Origins: []string{"https://a.vn/"}}, false},
		{"upper case", CORS{Origins: []string{"https://A.vn"}}, false},
		{"null", CORS{Origins: []string{"null"}}, false},
		{"a wildcard", CORS{Origins: []string{"https://*.vn"}}, false},
		{"a user", CORS{Origins: []string{"https://a@b.vn"}}, false},
		{"a line", CORS{Origins: []string{"https://a.vn\r\nX: y"}}, false},
		{"no host", CORS{Origins: []string{"https://"}}, false},
		{"too many", CORS{Origins: many}, false},
		{"every header", CORS{Headers: []string{"*"}}, false},
		{"a list in a name", CORS{Exposed: []string{"A, B"}}, false},
		{"too many headers", CORS{Headers: many[:17]}, false},
	} {
		if err := (Traffic{CORS: tt.c}).check(); (err == nil) != tt.ok {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
