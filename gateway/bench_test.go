package gateway

import (
	"context"
	"fmt"
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

	"lgsp/auth/policy"
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
