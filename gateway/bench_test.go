package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth/policy"
	"lgsp/gateway/project"
	"lgsp/internal/http1"
)

func mustPrefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// benchRoutes gives a snapshot of so many versions.
func benchRoutes(b *testing.B, count int) (*snapshot, []*version) {
	b.Helper()
	s := newSnapshot()
	var versions []*version
	for i := range count {
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
	return s, versions
}

// BenchmarkRoute finds the version and the operation of a random path.
func BenchmarkRoute(b *testing.B) {
	for _, count := range []int{10, 100, 10_000} {
		b.Run(fmt.Sprintf("routes=%d", count), func(b *testing.B) {
			s, versions := benchRoutes(b, count)
			paths := make([]string, len(versions))
			for k, i := range rand.Perm(len(versions)) {
				paths[k] = versions[i].prefix + "/ho-so/H48.11-2026"
			}
			b.ReportAllocs()
			runtime.GC() // what setting up left is not the look-up's cost
			for i := 0; b.Loop(); i++ {
				v, rest := s.match(paths[i%len(paths)])
				if o, _, ok := v.tree.Match("GET", rest); !ok || o.ID != "b" {
					b.Fatal("no operation")
				}
			}
		})
	}
}

// BenchmarkDecide finds the agreement of a random caller on a random version
// and has the policy's verdict, which is remembered. The map is a look-up alone
// in as many agreements, with the same random callers: the floor.
func BenchmarkDecide(b *testing.B) {
	for _, count := range []int{100, 10_000, 1_000_000} {
		s, versions := benchRoutes(b, 100)
		common, now := newInterned(), time.Now()
		apps, plain := make([]uuid.UUID, count), make(map[[2]uuid.UUID]*grant, count)
		for i := range apps {
			apps[i] = uuid.Must(uuid.NewRandom())
			g, err := common.grant(grantRow{AgreementID: uuid.Must(uuid.NewV7()), ApplicationID: apps[i], VersionID: versions[i%len(versions)].Version, State: "active",
				Starts: now.Add(-time.Hour), Ends: now.Add(time.Hour), Operations: []byte(`[{"operation":"b","fields":["/ma"]}]`)})
			if err != nil {
				b.Fatal(err)
			}
			s.grants.put(g)
			plain[[2]uuid.UUID{g.Application, g.Version}] = g
		}
		asked := make([]struct {
			application uuid.UUID
			version     *version
		}, count)
		for k, i := range rand.Perm(count) { // asked in turn: how the benchmark finds them is not measured
			asked[k].application, asked[k].version = apps[i], versions[i%len(versions)]
		}
		runtime.GC() // what setting up left is not the decision's cost
		b.Run(fmt.Sprintf("agreements=%d/map", count), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				by := &asked[i%count]
				if plain[[2]uuid.UUID{by.application, by.version.Version}] == nil {
					b.Fatal("none")
				}
			}
		})
		b.Run(fmt.Sprintf("agreements=%d", count), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				by := &asked[i%count]
				_, verdict, err := s.judge(question{version: by.version, operation: by.version.operations[1], application: by.application, credential: policy.APIKey, now: now})
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
	w.node.first.Dial = func(context.Context, string, string) (net.Conn, error) { return &canned{text: text}, nil }
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
			w.node.first.Dial = func(context.Context, string, string) (net.Conn, error) { return &canned{text: []byte(text)}, nil }
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

// BenchmarkProjectedCall is a call that answers 10 KB of JSON, as BenchmarkCall
// otherwise: passed whole, or cut to agreed fields, some of them masked.
func BenchmarkProjectedCall(b *testing.B) {
	row := `{"maHoSo":"H48.11-2026-000123","hoTen":"Nguyễn Văn An","soDinhDanh":"000123456789","diaChi":{"xa":"Đình Lập","thon":"3"},"ngayNop":"2026-03-02","lePhi":125000,"trangThai":"dang-xu-ly"}`
	body := `{"tong":50,"items":[` + strings.TrimSuffix(strings.Repeat(row+",", 50), ",") + `]}`
	text := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\n\r\n%s", len(body), body)
	for _, tt := range []struct {
		name   string
		fields []string
		masks  []project.Masked
	}{
		{"whole", []string{""}, nil},
		{"fields", []string{"/tong", "/items/*/maHoSo", "/items/*/diaChi", "/items/*/ngayNop", "/items/*/trangThai"}, nil},
		{"masked", []string{"/tong", "/items"}, []project.Masked{{Path: "/items/*/soDinhDanh", Mask: "last-4"}}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			w := newWorld(b)
			w.node.first.Dial = func(context.Context, string, string) (net.Conn, error) { return &canned{text: text}, nil }
			w.put(func(g *Grant) {
				g.Plan.RatePerMinute, g.Plan.QuotaPerDay = 600_000_000, 2_000_000_000
				g.Operations[0].Fields, g.Operations[0].Masks = tt.fields, tt.masks
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
		})
	}
}
