package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth/policy"
	"lgsp/gateway/quota"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// TestAgreementDecides follows one agreement through its states; Explain says
// the same as the call.
func TestAgreementDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to := w.grant.Starts, w.grant.Ends
	for _, tt := range []struct {
		name   string
		change func(g *Grant)
		status int
		code   string
		turn   string
	}{
		{"in force", func(*Grant) {}, 200, "", ""},
		{"suspended", func(g *Grant) { g.State = "suspended" }, 403, "agreement-suspended", "resume-agreement"},
		{"ended", func(g *Grant) { g.State = "ended" }, 403, "agreement-ended", "renew-agreement"},
		{"resumed", func(g *Grant) { g.State = "active" }, 200, "", ""},
		{"not begun", func(g *Grant) { g.Starts = w.now().Add(time.Hour) }, 403, "agreement-not-begun", "wait"},
		{"expired", func(g *Grant) { g.Starts, g.Ends = from, w.now() }, 403, "agreement-expired", "renew-agreement"},
		{"narrowed", func(g *Grant) { g.Ends, g.Operations = to, g.Operations[1:] }, 403, "operation-not-agreed", "extend-agreement"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.put(tt.change)
			got := w.do("GET", "/ho-so", "X-API-Key", w.key)
			if got.status != tt.status || got.code != tt.code {
				t.Errorf("got %d %s, want %d %s: %s", got.status, got.code, tt.status, tt.code, got.body)
			}
			e, err := w.node.Explain(Imagined{Version: w.route.Version, Operation: "tim", Application: w.app, Credential: policy.APIKey})
			if err != nil {
				t.Fatal(err)
			}
			if e.Allowed != (tt.status == 200) || e.Code != tt.code || e.Agreement != w.grant.Agreement || e.Rule == "" {
				t.Errorf("explained %+v", e)
			}
			if tt.turn != "" && (len(e.Change) != 1 || e.Change[0] != tt.turn) {
				t.Errorf("explained %+v, want change %s", e, tt.turn)
			}
		})
	}
}

// TestExpiryByTheNodesClock needs no change to arrive.
func TestExpiryByTheNodesClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	w.put(func(g *Grant) { g.Ends = w.now().Add(30 * time.Minute) })
	w.clock.Store(int64(31 * time.Minute))
	w.node.fresh.Store(w.now().UnixNano())
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.code != "agreement-expired" {
		t.Errorf("got %d %s", got.status, got.code)
	}
}

// TestPurposes: several agreements are never joined.
func TestPurposes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := w.newGrant("thong-ke")
	second.Operations = []GrantedOperation{{Operation: "tim", Fields: []string{"/tong"}}, {Operation: "gui", Fields: nil}}
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return PutGrant(ctx, tx, second) })
	w.until("second grant loaded", func() bool { return w.node.current.Load().grants.of(w.app, w.route.Version).next != nil })
	for _, tt := range []struct {
		name, purpose, body string
		status              int
	}{
		{"none named", "", "", 400},
		{"the first", "tra-cuu", `{"tong":1,"items":[{"maHoSo":"H1"}]}`, 200},
		{"the second", "thong-ke", `{"tong":1}`, 200},
		{"another", "khac", "", 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{"X-API-Key", w.key}
			if tt.purpose != "" {
				headers = append(headers, "LGSP-Purpose", tt.purpose)
			}
			got := w.do("GET", "/ho-so", headers...)
			if got.status != tt.status || tt.body != "" && got.body != tt.body {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.code != "purpose-required" {
		t.Errorf("got %s", got.code)
	} else {
		var body struct{ Purposes []string }
		if err := json.Unmarshal([]byte(got.body), &body); err != nil || len(body.Purposes) != 2 {
			t.Errorf("the purposes are not told: %s", got.body)
		}
	}
	if got := w.send(w.server, "POST", "/ho-so", `{}`, "X-API-Key", w.key, "LGSP-Purpose", "thong-ke"); got.status != 200 || got.body != "{}" {
		t.Errorf("no field agreed: got %d %s", got.status, got.body)
	}
}

// TestSuspendedOnEveryNode: a change is in force on two nodes within a second,
// from warm caches too; a token revoked and a key withdrawn as well.
func TestSuspendedOnEveryNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, other := w.start(t.TempDir())
	call := func(headers ...string) (a, b reply) {
		return w.send(w.server, "GET", "/ho-so", "", headers...), w.send(other, "GET", "/ho-so", "", headers...)
	}
	refusedWithin := func(what string, code string, headers ...string) {
		t.Helper()
		begun := time.Now()
		w.until(what, func() bool {
			a, b := call(headers...)
			return a.code == code && b.code == code
		})
		if took := time.Since(begun); took > time.Second {
			t.Errorf("%s took %s", what, took)
		}
	}
	if a, b := call("X-API-Key", w.key); a.status != 200 || b.status != 200 {
		t.Fatalf("got %d and %d", a.status, b.status)
	}
	w.grant.Revision, w.grant.State = 2, "suspended"
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return PutGrant(ctx, tx, w.grant) })
	refusedWithin("suspended", "agreement-suspended", "X-API-Key", w.key)
	w.put(func(g *Grant) { g.State = "active" })
	w.until("resumed on the other", func() bool { _, b := call("X-API-Key", w.key); return b.status == 200 })

	w.mu.Lock()
	w.keys[0].Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	w.mu.Unlock()
	w.tell("credential")
	refusedWithin("key limited to networks", "address-not-allowed", "X-API-Key", w.key)

	w.mu.Lock()
	w.keys = nil
	w.mu.Unlock()
	w.tell("credential")
	refusedWithin("key withdrawn", "key-wrong", "X-API-Key", w.key)

	// A token tells its audience, which is the node's own address here.
	token := func(server *site) []string {
		return []string{"Authorization", "Bearer 1|" + w.app.String() + "|" + server.URL + w.route.Prefix()}
	}
	for _, server := range []*site{w.server, other} {
		if got := w.send(server, "GET", "/ho-so", "", token(server)...); got.status != 200 {
			t.Fatalf("a token: got %d %s", got.status, got.body)
		}
	}
	w.mu.Lock()
	w.notBefore = map[uuid.UUID]time.Time{w.app: w.now().Add(time.Minute)}
	w.mu.Unlock()
	w.tell("revoked")
	begun := time.Now()
	w.until("all tokens of the application refused", func() bool {
		a, b := w.send(w.server, "GET", "/ho-so", "", token(w.server)...), w.send(other, "GET", "/ho-so", "", token(other)...)
		return a.code == "token-revoked" && b.code == "token-revoked"
	})
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the moment took %s", took)
	}

	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		return Withdraw(ctx, tx, End{Version: w.route.Version, At: time.Now()})
	})
	refusedWithin("withdrawn", "version-ended")
}

// TestLateCommitIsSeen: a change committed after a later one is not missed, nor
// one whose notice was lost.
func TestLateCommitIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	early, err := w.db.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	second := w.newGrant("som")
	if err := PutGrant(ctx, early, second); err != nil {
		t.Fatal(err)
	}
	w.put(func(g *Grant) { g.State = "suspended" }) // begun later, committed and loaded earlier
	if err := early.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	w.until("both loaded", func() bool { return w.node.current.Load().grants.of(w.app, w.route.Version).next != nil })
}

// TestCorruptRowsDisableThemselves: a route or agreement that cannot be read
// takes no other down.
func TestCorruptRowsDisableThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := w.route
	second.Version, second.APISlug = uuid.Must(uuid.NewV7()), "ho-so-2"
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, second) })
	w.until("second served", func() bool { return w.do("GET", "@"+second.Prefix()+"/danh-muc/1").status == 200 })
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update gateway.route set document = '{"upstream": 7}' where version_id = $1`, second.Version); err != nil {
			return err
		}
		return changed(ctx, tx, "route", second.Version)
	})
	w.until("second out", func() bool { return w.do("GET", "@"+second.Prefix()+"/danh-muc/1").status == 404 })
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update gateway.grant set operations = '7' where agreement_id = $1`, w.grant.Agreement); err != nil {
			return err
		}
		return changed(ctx, tx, "grant", w.grant.Agreement)
	})
	w.until("agreement out", func() bool { return w.do("GET", "/ho-so", "X-API-Key", w.key).code == "agreement-ended" })
	if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
		t.Errorf("the sound route: got %d", got.status)
	}
	node, server := w.start(t.TempDir())
	if got := w.send(server, "GET", "/danh-muc/1", ""); got.status != 200 || len(node.current.Load().corrupt) != 2 {
		t.Errorf("a new node: got %d, %d corrupt rows", got.status, len(node.current.Load().corrupt))
	}
}

// TestSilentFeed: what needs an agreement is refused, what is open goes on.
func TestSilentFeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node.fresh.Store(w.now().Add(-11 * time.Minute).UnixNano())
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 503 || got.code != "config-stale" {
		t.Errorf("restricted: got %d %s", got.status, got.code)
	}
	if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
		t.Errorf("open: got %d %s", got.status, got.code)
	}
}

// TestNotReady: a node answers 503 before its first load.
func TestNotReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := &Node{Now: time.Now}
	server, _ := serve(t, n, listen(t))
	if got := w.send(server, "GET", "/danh-muc/1", ""); got.status != 503 || got.code != "gateway-starting" || n.Ready() == nil {
		t.Errorf("got %d %s", got.status, got.code)
	}
}

// TestRateAndQuota: refused calls consume nothing, the day's quota outlives
// the node and is one for all nodes.
func TestRateAndQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(func(g *Grant) { g.Plan = Plan{RatePerMinute: 3, QuotaPerDay: 100} })
	for range 3 {
		if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
	}
	got := w.do("GET", "/ho-so", "X-API-Key", w.key)
	if got.status != 429 || got.code != "rate-exceeded" || got.header.Get("Retry-After") == "" || got.header.Get("X-RateLimit-Remaining") != "0" {
		t.Fatalf("got %d %s %v", got.status, got.code, got.header)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || body["type"] != quotaExceeded || fmt.Sprint(body["violated-policies"]) != "[minute]" {
		t.Errorf("got %s", got.body)
	}
	w.put(func(g *Grant) { g.Plan = Plan{RatePerMinute: 1000, QuotaPerDay: 5} })
	for range 2 {
		if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
	}
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 429 || got.code != "quota-exceeded" {
		t.Fatalf("got %d %s", got.status, got.code)
	}
	w.until("saved", func() bool {
		var used int
		_ = w.db.QueryRow(context.Background(), `select coalesce(sum(used), 0) from gateway.quota_count where key = $1`, w.grant.Agreement).Scan(&used)
		return used == 5
	})
	_, other := w.start(t.TempDir())
	if got := w.send(other, "GET", "/ho-so", "", "X-API-Key", w.key); got.code != "quota-exceeded" {
		t.Errorf("a new node: got %d %s", got.status, got.code)
	}
	left, ok := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement)
	if !ok || left.LeftToday != 0 || left.QuotaPerDay != 5 || !left.Midnight.After(w.now()) {
		t.Errorf("remaining: got %+v, %v", left, ok)
	}
}

// TestRemainingWhileSaving: a call that is being saved is told once, and one
// given back not at all.
func TestRemainingWhileSaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for used := 1; used <= 200; used++ {
		if _, ok := w.node.limiter.Counts.Take(w.grant.Agreement, quota.Day, w.grant.Plan.QuotaPerDay, w.now()); !ok {
			t.Fatal("not counted")
		}
		saved := make(chan error, 1)
		go func() { saved <- w.node.saveUse(context.Background()) }()
		for range 3 {
			if left, _ := w.node.Remaining(t.Context(), w.app, w.route.Version, w.grant.Agreement); left.LeftToday != w.grant.Plan.QuotaPerDay-used {
				t.Fatalf("%d left after %d of %d", left.LeftToday, used, w.grant.Plan.QuotaPerDay)
			}
		}
		if err := <-saved; err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnonymousRate: by address, IPv6 by /64, the caller's word on its address
// not taken.
func TestAnonymousRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.route.Plan.RatePerMinute = 2
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("plan loaded", func() bool {
		return w.node.current.Load().byVersion[w.route.Version].Plan.RatePerMinute == 2
	})
	for i, want := range []int{200, 200, 429} {
		if got := w.do("GET", "/danh-muc/1", "X-Forwarded-For", fmt.Sprintf("10.0.0.%d", i)); got.status != want {
			t.Errorf("call %d: got %d, want %d", i, got.status, want)
		}
	}
}

// TestEvidenceFirst: personal data leaves only when its intent is on disk.
func TestEvidenceFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.node.journal.Close(); err != nil {
		t.Fatal(err)
	}
	before := w.reachedCount()
	if got := w.do("GET", "/nguoi/079", "Authorization", "Bearer "+w.token("1")); got.status != 503 || got.code != "evidence-unavailable" || w.reachedCount() != before {
		t.Errorf("got %d %s, upstream reached %d times", got.status, got.code, w.reachedCount()-before)
	}
	if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
		t.Errorf("open: got %d %s", got.status, got.code)
	}
	if lost := w.node.journal.Figures().Lost; lost == 0 {
		t.Error("the open call's record was lost and not counted")
	}
}

// TestManyCallsManyChanges looks for races: none is answered by half a change.
func TestManyCallsManyChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var calls sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		calls.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got := w.do("GET", "/ho-so", "X-API-Key", w.key)
				if got.status != 200 && got.status != 429 {
					t.Errorf("got %d %s", got.status, got.body)
					return
				}
			}
		})
	}
	for range 20 {
		w.put(func(g *Grant) { g.Plan.RatePerMinute++ })
	}
	close(stop)
	calls.Wait()
}

// TestFaces: what other rooms call refuses what no node could serve.
func TestFaces(t *testing.T) {
	t.Parallel()
	tx, ctx := pgtest.Tx(t), t.Context()
	good := Route{Version: uuid.New(), AgencySlug: "a", APISlug: "b", Number: "v1", Upstream: "http://x", Plan: Plan{RatePerMinute: 1},
		Operations: []Operation{{ID: "x", Method: "GET", Path: "/x", Access: Open}}}
	with := func(change func(r *Route)) Route {
		r := good
		r.Operations = append([]Operation(nil), good.Operations...)
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name string
		r    Route
		want problem.Kind
	}{
		{"good", good, 0},
		{"again", good, 0},
		{"address taken", with(func(r *Route) { r.Version = uuid.New() }), problem.Conflict},
		{"upstream by ftp", with(func(r *Route) { r.Upstream = "ftp://x" }), problem.Invalid},
		{"upstream with a user", with(func(r *Route) { r.Upstream = "http://u:p@x" }), problem.Invalid},
		{"no rate", with(func(r *Route) { r.Plan.RatePerMinute = 0 }), problem.Invalid},
		{"two operations alike", with(func(r *Route) {
			r.Operations = append(r.Operations, Operation{ID: "y", Method: "GET", Path: "/x", Access: Open})
		}), problem.Invalid},
		{"personal without subject", with(func(r *Route) { r.Operations[0].Access = Personal }), problem.Invalid},
		{"subject not in the path", with(func(r *Route) {
			r.Operations[0] = Operation{ID: "x", Method: "GET", Path: "/x", Access: Personal, SubjectIn: "path", SubjectName: "so"}
		}), problem.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return Expose(ctx, tx, tt.r) })
			if (err == nil) != (tt.want == 0) || err != nil && !problem.Is(err, tt.want) {
				t.Errorf("got %v, want %d", err, tt.want)
			}
		})
	}
	g := Grant{Agreement: uuid.New(), Revision: 2, Application: uuid.New(), Version: good.Version, State: "active", Starts: time.Unix(0, 0), Ends: time.Unix(9, 0),
		Plan: Plan{RatePerMinute: 1, QuotaPerDay: 1}, Operations: []GrantedOperation{{Operation: "x", Fields: []string{"/a"}}}}
	put := func(g Grant) error {
		return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return PutGrant(ctx, tx, g) })
	}
	if err := put(g); err != nil {
		t.Errorf("grant: %v", err)
	}
	if err := put(g); !problem.Is(err, problem.Conflict) {
		t.Errorf("the same revision: got %v", err)
	}
	g.Revision, g.Operations[0].Fields = 3, []string{"a"}
	if err := put(g); !problem.Is(err, problem.Invalid) {
		t.Errorf("a field path that is none: got %v", err)
	}
}

// TestAddress: the caller's address is the right-most hop not trusted.
func TestAddress(t *testing.T) {
	t.Parallel()
	n := &Node{TrustedProxies: mustPrefixes("10.0.0.0/8", "fd00::/8")}
	for _, tt := range []struct{ name, remote, forwarded, want string }{
		{"direct", "1.2.3.4:5", "", "1.2.3.4"},
		{"direct, claiming", "1.2.3.4:5", "9.9.9.9", "1.2.3.4"},
		{"one proxy", "10.0.0.1:5", "9.9.9.9", "9.9.9.9"},
		{"two proxies, caller claiming", "10.0.0.1:5", "8.8.8.8, 9.9.9.9, 10.0.0.2", "9.9.9.9"},
		{"garbage", "10.0.0.1:5", "evil, 10.0.0.2", "10.0.0.2"},
		{"IPv6 by /64", "[2400:1:2:3:4::5]:6", "", "2400:1:2:3::"},
		{"mapped", "[::ffff:1.2.3.4]:5", "", "1.2.3.4"},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := network(n.address(r)).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestPersonalDataWaitsForItsIntent: the upstream has answered, and nothing of
// it leaves because the disk does not take the intent.
func TestPersonalDataWaitsForItsIntent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var failing atomic.Bool
	w.flush = func(f *os.File) error {
		if failing.Load() {
			return errors.New("the disk fails")
		}
		return f.Sync()
	}
	node, server := w.start(t.TempDir())
	ask := func() reply {
		token := "1|" + w.app.String() + "|" + node.GatewayURL + w.route.Prefix()
		return w.send(server, "GET", "/nguoi/079123456789", "", "Authorization", "Bearer "+token)
	}
	if got := ask(); got.status != 200 {
		t.Fatalf("with a disk that works: got %d %s", got.status, got.body)
	}
	before := w.reachedCount()
	failing.Store(true)
	got := ask()
	if got.status != 503 || got.code != "evidence-unavailable" || strings.Contains(got.body, "Nguyễn") {
		t.Errorf("with a disk that fails: got %d %s", got.status, got.body)
	}
	if w.reachedCount() != before+1 {
		t.Error("the upstream was not asked: this shows nothing of the answer's wait")
	}
	failing.Store(false)
	w.until("the disk is well again", func() bool { return ask().status == 200 })
}
