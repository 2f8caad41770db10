package gateway

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth/policy"
	"lgsp/gateway/project"
	"lgsp/gateway/route"
	"lgsp/internal/http1"
)

// headerOf reads lines of a header as net/http does, false when it does not.
func headerOf(lines string) (http.Header, bool) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n\r\n")))
	if err != nil {
		return nil, false
	}
	return r.Header, true
}

// fuzzed is a call of a version with one restricted operation, made of a
// request's header.
func fuzzed(t testing.TB, header http.Header, query string) (*call, *http.Request) {
	v, err := compileRoute(Route{Version: uuid.Must(uuid.NewV7()), AgencySlug: "so", APISlug: "a", Number: "v1", Upstream: "http://x", Plan: Plan{RatePerMinute: 1}, Traffic: Traffic{Basic: true},
		Operations: []Operation{{ID: "a", Method: "GET", Path: "/a", Access: Restricted, Fields: []string{"/hoTen", "/so/*/ma"}}}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/so/a/v1/a", nil)
	r.Header = header
	c := &call{node: &Node{GatewayURL: "https://gateway.test", PortalURL: portalURL}, snapshot: newSnapshot(), version: v, operation: v.byID["a"]}
	c.node.via, c.exchange.Trace = "gateway.test", strings.Repeat("a", 32)
	c.answer.start(httptest.NewRecorder(), r, c.exchange.Trace)
	if c.query, err = url.ParseQuery(query); err != nil {
		return nil, nil
	}
	return c, r
}

// squeezed is a header's name as the laxest upstream reads it.
func squeezed(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name))
}

// FuzzOutgoing: whatever header a caller sends, of what speaks for the caller
// or the connection the upstream gets ours alone, and each once.
func FuzzOutgoing(f *testing.F) {
	f.Add("Connection: Lgsp-Agency, x\r\nX: 1\r\nLGSP_Application: a\r\nlgsp.purpose: b\r\nAuthorization: Bearer x", true)
	f.Add("Via: 1.1 a\r\nX_Forwarded_For: a\r\nTransfer-Encoding_: x\r\nUpgrade: h2c\r\nTE: trailers\r\nCookie: a", false)
	f.Add("x-request-id: a b\r\ntraceparent: 00\r\nX.Api.Key: a\r\nRange: bytes=0-", true)
	f.Fuzz(func(t *testing.T, lines string, projected bool) {
		header, ok := headerOf(lines)
		if !ok {
			return
		}
		c, r := fuzzed(t, header, "")
		c.exchange.Application = official
		if projected {
			c.grant = &grant{Agreement: official, terms: &terms{}}
		}
		count := map[string]int{}
		for _, line := range c.outgoing(r).Fields {
			name := squeezed(line.Name)
			switch {
			case strings.HasPrefix(name, "lgsp-"), name == "x-request-id", name == "traceparent":
				count[name]++
			case strings.HasPrefix(name, "x-lgsp-"), strings.HasPrefix(name, "x-forwarded"), slices.Contains([]string{"authorization", "cookie", "x-api-key", "dpop", "forwarded", "x-real-ip", "client-cert",
				"connection", "transfer-encoding", "content-length", "host", "te", "trailer", "upgrade", "keep-alive", "proxy-authorization", "expect", "x-http-method-override", "x-original-url"}, name):
				t.Errorf("%s: %q reaches the upstream", line.Name, line.Value)
			case projected && (name == "range" || name == "if-none-match" || name == "accept-encoding" && line.Value != "identity") && line.Name == http.CanonicalHeaderKey(name):
				t.Errorf("%s: %q asks for a part", line.Name, line.Value)
			}
		}
		for name, n := range count {
			if n != 1 {
				t.Errorf("%s is there %d times", name, n)
			}
		}
		if count["lgsp-application"] != 1 || count["lgsp-agency"] != 1 || count["x-request-id"] != 1 || count["traceparent"] != 1 || (count["lgsp-agreement"] == 1) != projected {
			t.Errorf("ours are %v", count)
		}
	})
}

// FuzzCleaned: whatever header an upstream answers with, nothing of it speaks
// for the gateway or its connection.
func FuzzCleaned(f *testing.F) {
	f.Add("Set-Cookie: a\r\nConnection: x, Etag\r\nX: 1\r\nEtag: a\r\nAccess-Control-Allow-Origin: *")
	f.Add("Lgsp-A: 1\r\nRateLimit: 1\r\nX-RateLimit-Limit: 1\r\nserver: x\r\nDPoP-Nonce: a\r\nTransfer-Encoding: chunked")
	f.Fuzz(func(t *testing.T, lines string) {
		header, ok := headerOf(lines)
		if !ok {
			return
		}
		for _, line := range cleaned(http1.FieldsOf(header)) {
			name := strings.ToLower(line.Name)
			if strings.HasPrefix(name, "lgsp-") || strings.HasPrefix(name, "access-control-") || strings.HasPrefix(name, "ratelimit") || strings.HasPrefix(name, "x-ratelimit") ||
				slices.Contains([]string{"set-cookie", "connection", "transfer-encoding", "upgrade", "keep-alive", "trailer", "server", "alt-svc", "clear-site-data", "service-worker-allowed", "dpop-nonce"}, name) {
				t.Errorf("%s: %q leaves", line.Name, line.Value)
			}
		}
	})
}

// FuzzCredential: of whatever a caller sends there is one credential, or the
// call is refused; and nothing in the query is one.
func FuzzCredential(f *testing.F) {
	f.Add("X-API-Key: lgsp_key_a", "a=b")
	f.Add("Authorization: Bearer a\r\nAuthorization: DPoP b\r\nDPoP: x", "")
	f.Add("authorization: apikey lgsp_key_x", "k=lgsp_pat_a")
	f.Add("Authorization:   bearer\tx y", "Access_Token=1")
	f.Add("Authorization: Basic MDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxOmxnc3Bfa2V5X2E=", "")
	f.Fuzz(func(t *testing.T, lines, query string) {
		header, ok := headerOf(lines)
		if !ok {
			return
		}
		c, r := fuzzed(t, header, query)
		if c == nil {
			return
		}
		kind, secret, err := c.credential(r)
		sent := len(header["X-Api-Key"]) + len(header["Authorization"])
		switch {
		case err != nil:
			if kind != "" || secret != "" {
				t.Errorf("%q %q beside %v", kind, secret, err)
			}
		case sent > 1:
			t.Errorf("%d credentials, taken as %q", sent, kind)
		case (kind == policy.NoCredential) != (sent == 0):
			t.Errorf("%d credentials, taken as %q", sent, kind)
		case c.caller.named != uuid.Nil && (kind != policy.APIKey || !strings.EqualFold(header.Get("Authorization")[:5], basicScheme)):
			t.Errorf("named by %q", header)
		case kind == policy.Token && (strings.HasPrefix(c.caller.presented.Token, "lgsp_") || header.Get("X-Api-Key") != ""):
			t.Errorf("a key is taken for a token")
		case strings.Contains(query, "lgsp_key_") && strings.HasPrefix(query, "lgsp_key_"):
			t.Errorf("a key in the query is taken: %q", query)
		}
	})
}

// FuzzTarget: the path that is judged is the path that is forwarded, whatever
// the target; and a query that is judged is the one that is forwarded.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"/a/b?c=d", "http://h/a%2fb", "//a", "/a/../b", "HTTP://h/a", "http://h?a=b", "/a?b?c", "http://h", "http:/a", "/%2e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n")))
		if err != nil {
			return
		}
		path, err := route.Canonical(rawPath(r.RequestURI))
		if err != nil {
			return
		}
		if theirs := or(r.URL.EscapedPath(), "/"); !strings.EqualFold(path, theirs) || strings.ContainsAny(path, "?#\\; ") {
			t.Errorf("%q is judged as %q, net/http has %q", target, path, theirs)
		}
		again, err := route.Canonical(path)
		if err != nil || again != path {
			t.Errorf("%q is not canonical: %q, %v", path, again, err)
		}
	})
}

// FuzzParameters: whatever a parameter is called, and whatever stands in it, it
// does not choose by a field that was not agreed.
func FuzzParameters(f *testing.F) {
	filter, err := project.Compile([]string{"/ma"})
	if err != nil {
		f.Fatal(err)
	}
	o := &operation{Operation: Operation{ID: "a", Fields: []string{"/ma", "/hoTen"}}, names: []string{"ma", "hoten"}}
	f.Add("sort", "-hoTen")
	f.Add("filter[hoTen]", "x")
	f.Add("q", "hoTen:An")
	f.Add("hoTen__contains", "a")
	f.Add("ma", "hoTen")
	f.Fuzz(func(t *testing.T, name, value string) {
		err := checkParameters(map[string][]string{name: {value}}, o, filter)
		if err == nil && (strings.EqualFold(name, "hoTen") || slices.Contains(choosers, strings.ToLower(name)) && strings.EqualFold(strings.Trim(value, "-+, "), "hoTen")) {
			t.Errorf("%q=%q chooses by what was not agreed", name, value)
		}
		if err := checkParameters(map[string][]string{name: {value}}, &operation{}, filter); err == nil && value != "" && slices.Contains(choosers, strings.ToLower(name)) {
			t.Errorf("%q=%q chooses where no fields are known", name, value)
		}
	})
}

// FuzzSubject: the person a body is about is the one that encoding/json reads
// in it, or nobody; a body that two programs could read in two ways has none.
func FuzzSubject(f *testing.F) {
	f.Add([]byte(`{"nguoi":{"so":"0123"}}`))
	f.Add([]byte(`{"nguoi":{"so":123}}`))
	f.Add([]byte(`{"nguoi":{"so":"1","so":"2"}}`))
	f.Add([]byte(`{"nguoi":{"so":"1"},"nguoi":{}}`))
	f.Add([]byte(`{"nguoi":{"so":"1"},"x":[[[[]]]]} `))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := at(body, "/nguoi/so")
		if !ok {
			return
		}
		var want struct {
			Nguoi map[string]json.RawMessage `json:"nguoi"`
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("%q is read of what is no JSON: %v", got, err)
		}
		var all map[string]map[string]any
		if json.Unmarshal(body, &all) == nil {
			if text, is := all["nguoi"]["so"].(string); is && text != got {
				t.Errorf("got %q, encoding/json %q", got, text)
			}
		}
	})
}
