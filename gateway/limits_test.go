package gateway

import (
	"context"
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TestAKeyIsHeldToItsLimits: from its networks and for its versions it is
// taken, else refused with 403 and a record under its application.
func TestAKeyIsHeldToItsLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	elsewhere := w.route
	elsewhere.Version, elsewhere.APISlug = uuid.Must(uuid.NewV7()), "khac"
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, elsewhere) })
	w.until("another version served", func() bool { return w.do("GET", "@"+elsewhere.Prefix()+"/danh-muc/1").status == 200 })
	limit := func(networks []netip.Prefix, versions ...uuid.UUID) {
		t.Helper()
		w.mu.Lock()
		w.keys[0].Networks, w.keys[0].Versions = networks, versions
		known := w.keys[0]
		w.mu.Unlock()
		w.tell("credential")
		w.until("limited", func() bool { return reflect.DeepEqual(w.node.current.Load().credentials[known.Lookup], known) })
	}
	office := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:7::/48")}
	for i, tt := range []struct {
		name     string
		networks []netip.Prefix
		versions []uuid.UUID
		from     string // told by a trusted proxy
		target   string
		status   int
		code     string
	}{
		{name: "no limits", from: "198.51.100.1", target: "/ho-so", status: 200},
		{name: "from the office", networks: office, from: "203.0.113.9", target: "/ho-so", status: 200},
		{name: "from the office by IPv6", networks: office, from: "2001:db8:7:1::9", target: "/ho-so", status: 200},
		{name: "from elsewhere", networks: office, from: "198.51.100.1", target: "/ho-so", status: 403, code: "address-not-allowed"},
		{name: "from elsewhere by IPv6", networks: office, from: "2001:db8:8::1", target: "/ho-so", status: 403, code: "address-not-allowed"},
		{name: "a caller who says where they are", networks: office, from: "203.0.113.9, 198.51.100.1", target: "/ho-so", status: 403, code: "address-not-allowed"},
		{name: "from elsewhere to an open operation", networks: office, from: "198.51.100.1", target: "/danh-muc/1", status: 403, code: "address-not-allowed"},
		{name: "for this version", versions: []uuid.UUID{w.route.Version}, from: "198.51.100.1", target: "/ho-so", status: 200},
		{name: "for another version", versions: []uuid.UUID{elsewhere.Version}, from: "198.51.100.1", target: "/ho-so", status: 403, code: "key-for-another-api"},
		{name: "that other version", versions: []uuid.UUID{elsewhere.Version}, from: "198.51.100.1", target: "@" + elsewhere.Prefix() + "/danh-muc/1", status: 200},
	} {
		limit(tt.networks, tt.versions...)
		trace := "4bf92f3577b34da6a3ce929d0e0e50" + string(rune('a'+i/6)) + string(rune('0'+i%6))
		got := w.do("GET", tt.target, "X-API-Key", w.key, "X-Forwarded-For", tt.from, "traceparent", traceparent(trace))
		if got.status != tt.status || got.code != tt.code {
			t.Errorf("%s: got %d %s %s, want %d %s", tt.name, got.status, got.code, got.body, tt.status, tt.code)
		}
		if e := w.recorded(trace); e.Application != w.app || e.Code != tt.code {
			t.Errorf("%s: recorded %+v, want it under the application with code %q", tt.name, e, tt.code)
		}
	}
}

// TestKeyUseIsTold: when, from where and how often, once.
func TestKeyUseIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.do("GET", "/ho-so", "X-API-Key", w.key)
	}
	for range 2 {
		if err := within(t.Context(), askPatience, w.node.touch); err != nil {
			t.Fatal(err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.used) != 1 || w.used[0].Lookup != w.keys[0].Lookup || w.used[0].Count != 3 || !w.used[0].From.IsLoopback() || w.used[0].At.IsZero() {
		t.Errorf("told %+v, want three uses of the one key, from this machine", w.used)
	}
}
