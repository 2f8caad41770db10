package gateway

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/problem"
)

// TestFormerAddress: once its agency has another slug a version is called at
// both addresses, is told where it is, and stays so when it is exposed again,
// by a node that starts from its disk, and when its calls have ended.
func TestFormerAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, at := "@"+w.route.Prefix(), w.now().Truncate(time.Second)
	before := w.token("t1")
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		return Readdress(ctx, tx, Readdressing{From: w.route.Agency, To: w.route.Agency, Slug: "so-moi", At: at})
	})
	w.until("moved", func() bool { return w.do("GET", "@/so-moi/ho-so/v1/danh-muc/1").status == 200 })
	check := func(when string, s *site) {
		t.Helper()
		got := w.send(s, "GET", old+"/danh-muc/1", "")
		to := links(got.header)
		if got.status != 200 || got.header.Get("Deprecation") != "@"+itoa(at.Unix()) || got.header.Get("Sunset") != "" || to["latest-version"] != w.node.GatewayURL+"/so-moi/ho-so/v1" {
			t.Errorf("%s, the old address: %d %v", when, got.status, got.header)
		}
		if got := w.send(s, "GET", "@/so-moi/ho-so/v1/danh-muc/1", ""); got.status != 200 || got.header.Get("Deprecation") != "" || links(got.header)["latest-version"] != "" {
			t.Errorf("%s, the new address: %d %v", when, got.status, got.header)
		}
	}
	check("moved", w.server)
	w.route.AgencySlug = "so-moi"
	after := w.token("t2")
	for _, tt := range []struct {
		name, target, token string
		status              int
	}{
		{"a token by the old address, there", old + "/ho-so", before, 200},
		{"a token by the new address, at the old one", old + "/ho-so", after, 200},
		{"a token by the new address, there", "@" + w.route.Prefix() + "/ho-so", after, 200},
		{"a token by the old address, at the new one", "@" + w.route.Prefix() + "/ho-so", before, 401},
		{"a key at the old address", old + "/ho-so", "", 200},
	} {
		headers := []string{"Authorization", "Bearer " + tt.token}
		if tt.token == "" {
			headers = []string{"X-API-Key", w.key}
		}
		if got := w.do("GET", tt.target, headers...); got.status != tt.status {
			t.Errorf("%s: got %d %s, want %d", tt.name, got.status, got.body, tt.status)
		}
	}
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		w.route.TitleVI = "Hồ sơ mới"
		return Expose(ctx, tx, w.route)
	})
	w.until("exposed again", func() bool { return w.node.current.Load().byVersion[w.route.Version].TitleVI == "Hồ sơ mới" })
	check("exposed again", w.server)
	for prefix, want := range map[string]string{old[1:]: "/so-moi/ho-so/v1", "/so-moi/ho-so/v1": "", "/khong/co/v1": ""} {
		if got, err := NowAt(t.Context(), w.db, prefix); err != nil || got != want {
			t.Errorf("%s is now at %q, %v, want %q", prefix, got, err, want)
		}
	}
	if err := w.node.keep(); err != nil {
		t.Fatal(err)
	}
	n := &Node{DataDir: w.node.DataDir, Now: w.now, ClientSeals: w.seals}
	if err := n.restore(); err != nil {
		t.Fatal(err)
	}
	if v, _ := n.current.Load().match(old[1:] + "/danh-muc/1"); v == nil {
		t.Error("the snapshot on disk has forgotten the old address")
	}
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		return Withdraw(ctx, tx, End{Version: w.route.Version, At: w.now()})
	})
	w.until("ended", func() bool { return w.do("GET", old+"/danh-muc/1").code == "version-ended" })
}

func TestReaddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.route
	other.Version, other.API, other.Agency, other.AgencySlug, other.Successor = uuid.New(), uuid.New(), uuid.New(), "so-b", w.route.Prefix()
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, other) })
	w.until("both", func() bool { return len(w.node.current.Load().routes) == 2 })
	err := pgx.BeginFunc(t.Context(), w.db, func(tx pgx.Tx) error {
		return Readdress(t.Context(), tx, Readdressing{From: w.route.Agency, To: other.Agency, Slug: "so-b", At: w.now()})
	})
	if !problem.Is(err, problem.Conflict) || problem.Code(err) != "route-taken" {
		t.Errorf("an address that is another's: got %v", err)
	}
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		return Readdress(ctx, tx, Readdressing{From: w.route.Agency, To: other.Agency, Slug: "so-b", At: w.now(),
			APIs: map[uuid.UUID]string{w.route.API: "ho-so-so-noi-vu"}})
	})
	w.until("merged", func() bool { return w.do("GET", "@/so-b/ho-so-so-noi-vu/v1/danh-muc/1").status == 200 })
	if got := w.do("GET", "/danh-muc/1"); got.status != 200 || links(got.header)["latest-version"] != w.node.GatewayURL+"/so-b/ho-so-so-noi-vu/v1" {
		t.Errorf("the old address: %d %v", got.status, got.header)
	}
	s := w.node.current.Load()
	if v := s.byVersion[w.route.Version]; v.Agency != other.Agency || s.byVersion[other.Version].Successor != v.prefix {
		t.Errorf("moved to %v, and named as successor %q", v.Agency, s.byVersion[other.Version].Successor)
	}
}

// TestSandboxMovesWithItsVersion: its address of before goes on too, also once
// it is exposed again.
func TestSandboxMovesWithItsVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opensSandbox()
	old, now := "@"+w.route.Prefix()+SandboxSuffix, "@/so-moi/ho-so/v1"+SandboxSuffix
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		return Readdress(ctx, tx, Readdressing{From: w.route.Agency, To: w.route.Agency, Slug: "so-moi", At: w.now()})
	})
	w.until("moved", func() bool { return w.do("GET", now+"/danh-muc/1").status == 200 })
	for range 2 {
		if got := w.do("GET", old+"/danh-muc/1"); got.status != 200 || got.header.Get("Deprecation") == "" || links(got.header)["latest-version"] != w.node.GatewayURL+now[1:] {
			t.Errorf("the old address: %d %v", got.status, got.header)
		}
		w.route.AgencySlug = "so-moi"
		w.opensSandbox()
	}
	s := w.node.current.Load()
	if len(s.sandboxes) != 2 || s.sandboxes[old[1:]] != s.sandboxes[now[1:]] {
		t.Errorf("the node has %d sandboxes", len(s.sandboxes))
	}
}
