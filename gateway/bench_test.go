package gateway

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"fmt"
	"lgsp/internal/http1"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth/policy"
)

func mustPrefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// BenchmarkDecide finds the route, the operation and the agreement, and asks
// the policy, with random callers: flat however many there are.
func BenchmarkDecide(b *testing.B) {
	for _, size := range []struct{ routes, grants int }{{10, 100}, {100, 10_000}, {10_000, 100_000}} {
		b.Run(fmt.Sprintf("routes=%d/grants=%d", size.routes, size.grants), func(b *testing.B) {
			s, common := newSnapshot(), newInterned()
			var versions []*version
			for i := range size.routes {
				v, err := compileRoute(Route{Version: uuid.Must(uuid.NewV7()), AgencySlug: fmt.Sprintf("co-quan-%d", i%50), APISlug: fmt.Sprintf("api-%d", i), Number: "v1",
					Upstream: "http://x", Plan: Plan{RatePerMinute: 1}, Operations: []Operation{
						{ID: "a", Method: "GET", Path: "/ho-so", Access: Restricted}, {ID: "b", Method: "GET", Path: "/ho-so/{ma}", Access: Restricted},
						{ID: "c", Method: "GET", Path: "/ho-so/{ma}/tep/{so}", Access: Personal, SubjectIn: "path", SubjectName: "ma"},
					}})
				if err != nil {
					b.Fatal(err)
				}
				s.routes[v.prefix] = v
				versions = append(versions, v)
			}
			apps, now := make([]uuid.UUID, size.grants), time.Now()
			for i := range apps {
				apps[i] = uuid.Must(uuid.NewV7())
				g, err := common.grant(grantRow{AgreementID: uuid.Must(uuid.NewV7()), ApplicationID: apps[i], VersionID: versions[i%len(versions)].Version, State: "active",
					Starts: now.Add(-time.Hour), Ends: now.Add(time.Hour), Operations: []byte(`[{"operation":"b","fields":["/ma"]}]`)})
				if err != nil {
					b.Fatal(err)
				}
				s.grants.put(g)
			}
			paths := make([]string, len(versions))
			for i, v := range versions {
				paths[i] = v.prefix + "/ho-so/H48.11-2026"
			}
			for _, v := range versions { // Casbin is asked once an operation, standing and credential
				if _, err := v.rules.Decide(policy.Call{Operation: "b", Credential: policy.APIKey, Agreed: []string{"b"}}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			runtime.GC() // what setting up left is not the decision's cost
			i := 0
			for b.Loop() {
				i = (i + 7919) % len(apps)
				v, rest := s.match(paths[i%len(paths)])
				o, _, ok := v.tree.Match("GET", rest)
				if !ok {
					b.Fatal("no operation")
				}
				_, verdict, err := s.judge(question{version: v, operation: o, application: apps[i], credential: policy.APIKey, now: now})
				if err != nil || !verdict.Allowed {
					b.Fatalf("%+v, %v", verdict, err)
				}
			}
		})
	}
}

// canned is a connection to an upstream that answers each request at once with
// the same text, without the system having to do anything.
type canned struct {
	net.Conn
	text []byte
	left []byte
}

func (c *canned) Write(p []byte) (int, error) {
	c.left = c.text
	return len(p), nil
}

func (c *canned) Read(p []byte) (int, error) {
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *canned) Close() error                { return nil }
func (c *canned) SetDeadline(time.Time) error { return nil }

// taker takes an answer as our own server does.
type taker struct{ header http.Header }

func (t *taker) Header() http.Header           { return t.header }
func (t *taker) Write(p []byte) (int, error)   { return len(p), nil }
func (t *taker) WriteHeader(int)               {}
func (t *taker) WriteFields(int, http1.Fields) {}
func (t *taker) FlushError() error             { return nil }

// BenchmarkCall is all that a call with an API key costs but for the network:
// the pipeline, the transport's reading and writing, the record.
func BenchmarkCall(b *testing.B) {
	w := newWorld(b)
	body := strings.Repeat("x", 1024)
	text := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\n\r\n%s", len(body), body)
	w.node.plain.Dial = func(context.Context, string, string) (net.Conn, error) { return &canned{text: text}, nil }
	w.put(func(g *Grant) {
		g.Plan.RatePerMinute, g.Plan.QuotaPerDay = 600_000_000, 2_000_000_000
		g.Operations[0].Fields = []string{""}
	})
	target := w.route.Prefix() + "/ho-so"
	r := httptest.NewRequest("GET", target, nil)
	r.RequestURI, r.Body = target, http.NoBody
	r.Header = http.Header{"X-Api-Key": {w.key}, "User-Agent": {"bench"}, "Accept": {"*/*"}}
	to := &taker{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		w.node.ServeHTTP(to, r)
	}
}

// BenchmarkCheckedCall is a call that sends 1 KiB of JSON with 20 members, as
// BenchmarkCall otherwise: held to its document, or not.
func BenchmarkCheckedCall(b *testing.B) {
	var schema, body strings.Builder
	for i := range 20 {
		fmt.Fprintf(&schema, `,"truong%02d":%s`, i, []string{`{"type":"string","maxLength":80}`, `{"type":"integer","minimum":0}`,
			`{"type":"string","pattern":"^[A-Z][0-9. -]+$"}`, `{"type":"array","items":{"type":"string"}}`}[i%4])
		fmt.Fprintf(&body, `,"truong%02d":%s`, i, []string{`"` + strings.Repeat("Quảng Ngãi ", 4) + `"`, `1234567`, `"H48.11-2026-000123"`, `["một","hai","ba"]`}[i%4])
	}
	document := `{"openapi":"3.1.0","paths":{"/ho-so":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["truong00"],"properties":{` +
		schema.String()[1:] + `}}}}},"responses":{"200":{"content":{"application/json":{"schema":{"type":"string"}}}}}}}}}`
	for _, set := range []Check{{}, {Requests: CheckReport}, {Requests: CheckEnforce}, {Answers: CheckSample, SamplePercent: 1}} {
		b.Run("requests="+or(set.Requests, CheckOff)+"/answers="+or(set.Answers, CheckOff), func(b *testing.B) {
			w := newWorld(b)
			text := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\n\r\n\"\""
			w.node.plain.Dial = func(context.Context, string, string) (net.Conn, error) { return &canned{text: []byte(text)}, nil }
			w.put(func(g *Grant) {
				g.Plan.RatePerMinute, g.Plan.QuotaPerDay = 600_000_000, 2_000_000_000
				g.Operations = []GrantedOperation{{Operation: "gui", Fields: []string{""}}}
			})
			described, _, err := Describe([]byte(document), w.route.Operations)
			if err != nil {
				b.Fatal(err)
			}
			w.route.Traffic.Check, w.route.Described = set, described
			w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
			w.until("checks in force", func() bool { return w.node.current.Load().byVersion[w.route.Version].Traffic.Check == set })
			target, sent := w.route.Prefix()+"/ho-so", []byte("{"+body.String()[1:]+"}")
			r := httptest.NewRequest("POST", target, nil)
			r.RequestURI, r.ContentLength = target, int64(len(sent))
			r.Header = http.Header{"X-Api-Key": {w.key}, "User-Agent": {"bench"}, "Accept": {"*/*"}, "Content-Type": {"application/json"}}
			to, from := &taker{header: http.Header{}}, bytes.NewReader(sent)
			r.Body = io.NopCloser(from)
			b.ReportAllocs()
			for b.Loop() {
				from.Reset(sent)
				w.node.ServeHTTP(to, r)
			}
		})
	}
}
