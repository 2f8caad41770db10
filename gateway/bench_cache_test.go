package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lgsp/internal/http1"
)

// BenchmarkCachedCall is what a call of an open operation costs, from the
// upstream (over loopback, which answers at once) and from what is stored.
func BenchmarkCachedCall(b *testing.B) {
	w := newWorld(b)
	body := strings.Repeat("x", 1024)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Cache-Control", "max-age=86400")
		fmt.Fprint(rw, body)
	})
	w.route.Plan.RatePerMinute = 600_000_000
	w.traffic(func(tr *Traffic) { tr.Cache, tr.Compress = []Cache{{Operations: []string{"mo"}}}, true })
	for _, tt := range []struct {
		name    string
		headers http.Header
		status  int
	}{
		{"upstream", http.Header{"Cache-Control": {"no-store"}}, 200},
		{"hit", nil, 200},
		{"hit, browser", http.Header{"Accept-Language": {"vi-VN,vi;q=0.9,en;q=0.8"}, "Accept-Encoding": {"gzip, deflate, br"}}, 200},
		{"unchanged", http.Header{"If-None-Match": {"*"}}, 304},
	} {
		b.Run(tt.name, func(b *testing.B) {
			target := w.route.Prefix() + "/danh-muc/1"
			r := httptest.NewRequest("GET", target, nil)
			r.RequestURI, r.Body = target, http.NoBody
			r.Header = http.Header{"User-Agent": {"bench"}, "Accept": {"*/*"}}
			for name, values := range tt.headers {
				r.Header[name] = values
			}
			to := &noting{taker: taker{header: http.Header{}}}
			w.node.ServeHTTP(to, r)
			if to.status != tt.status {
				b.Fatalf("got %d", to.status)
			}
			b.ReportAllocs()
			for b.Loop() {
				w.node.ServeHTTP(to, r)
			}
		})
	}
}

// noting is a taker that knows the status.
type noting struct {
	taker
	status int
}

func (n *noting) WriteFields(status int, _ http1.Fields) { n.status = status }
