package gateway

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// counting starts an upstream, and tells how many connections to it are open.
func counting(t *testing.T, secured bool, protocols string) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	open := &atomic.Int32{}
	s := speakingOf(t, secured, protocols, answers(200, "{}"), func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	})
	return s, open
}

// TestIdleConnectionsGo: what is kept to an upstream is closed when the
// version has another address or is withdrawn, or the approval ends, whatever
// protocol it is of; and nothing else is.
func TestIdleConnectionsGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var withdrawn atomic.Value
	withdrawn.Store("")
	w.node, w.server = w.startWith(t.TempDir(), func(n *Node) {
		n.Approved = func(hostPort string) bool { return hostPort != withdrawn.Load() }
	})
	neighbour, beside := counting(t, false, HTTP1)
	other := w.route
	other.Version, other.APISlug, other.Upstream = uuid.Must(uuid.NewV7()), "ben-canh", neighbour.URL
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, other) })
	w.until("served", func() bool { return w.do("GET", "@"+other.Prefix()+"/danh-muc/1").status == 200 })
	for _, tt := range []struct {
		secured  bool
		protocol string
	}{{false, HTTP1}, {true, HTTP1}, {false, HTTP2}, {true, HTTP2}, {true, ""}} {
		for _, end := range []struct {
			how  string
			ends func(s *httptest.Server)
		}{
			{"another address", func(*httptest.Server) { w.expose(Upstream{neighbour.URL, 1}) }},
			{"withdrawn", func(*httptest.Server) {
				w.commit(func(ctx context.Context, tx pgx.Tx) error {
					return Withdraw(ctx, tx, End{Version: w.route.Version, At: time.Now()})
				})
			}},
			{"not approved", func(s *httptest.Server) {
				withdrawn.Store(strings.TrimPrefix(strings.TrimPrefix(s.URL, "http://"), "https://"))
				w.tell("revoked")
			}},
		} {
			s, open := counting(t, tt.secured, or(tt.protocol, HTTP1))
			w.sendsTo(s, tt.protocol)
			for range 2 {
				if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
					t.Fatalf("%v: %d %s", tt, got.status, got.code)
				}
			}
			if open.Load() == 0 {
				t.Errorf("%v: no connection is kept", tt)
			}
			end.ends(s)
			w.until(end.how, func() bool { return open.Load() == 0 })
		}
	}
	if beside.Load() != 1 {
		t.Errorf("%d connections to the other version's upstream, want the one that was there", beside.Load())
	}
}
