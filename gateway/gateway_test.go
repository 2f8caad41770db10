package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/auth"
	"lgsp/gateway/quota"
	"lgsp/internal/keyring"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// world is one province in a test: a database, an upstream, a node, and what
// they were told.
type world struct {
	t        testing.TB
	db       *pgxpool.Pool
	node     *Node
	server   *site
	upstream *httptest.Server
	flush    func(*os.File) error // of the journals of nodes that start from now on
	storage  int64                // of nodes that start from now on, 0: 8 MiB, negative: none
	patience time.Duration        // of nodes that start from now on, 0: 3 s
	peppers  keyring.Ring         // of nodes that start from now on
	seals    keyring.Ring         // the same, of client keys
	shared   *quota.Redis         // of the next node that starts; nil: it counts by itself
	route    Route
	app      uuid.UUID
	key      string
	grant    Grant
	clock    atomic.Int64 // added to the clock

	mu        sync.Mutex
	reached   []*http.Request // by the upstream
	bodies    []string
	answer    http.HandlerFunc
	stream    http.HandlerFunc // in place of answer, with the body unread
	keys      []auth.GatewayCredential
	signing   []auth.SigningKey
	disabled  []uuid.UUID
	revoked   []string
	exchanges []Exchange
	notBefore map[uuid.UUID]time.Time
	used      []auth.Use
}

var pepper = []byte("pepper of the tests, 32 bytes !!")

const portalURL = "https://portal.test"

// newWorld starts a province with one API of four operations and one
// application with an agreement on three of them.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t), app: uuid.Must(uuid.NewV7()), peppers: keyring.Of(pepper), seals: keyring.Of(pepper)}
	w.answer = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Etag", `"1"`)
		rw.Header().Set("Set-Cookie", "a=b")
		_, _ = io.WriteString(rw, `{"tong":1,"items":[{"hoTen":"Nguyễn An","maHoSo":"H1","soDinhDanh":"0123"}]}`)
	}
	w.upstream = httptest.NewServer(http.HandlerFunc(w.serveUpstream))
	t.Cleanup(w.upstream.Close)
	key := auth.NewKey(auth.KindKey)
	w.key = key.Secret()
	w.keys = []auth.GatewayCredential{{Lookup: key.Lookup, Hash: key.Hash(pepper), PepperVersion: 1, Application: w.app, Expires: w.now().Add(time.Hour)}}
	w.route = Route{
		Version: uuid.Must(uuid.NewV7()), Agency: uuid.Must(uuid.NewV7()), API: uuid.Must(uuid.NewV7()),
		AgencySlug: "so-noi-vu", APISlug: "ho-so", Number: "v1", TitleVI: "Hồ sơ", TitleEN: "Dossiers",
		Upstream: w.upstream.URL + "/goc", Plan: Plan{Slug: "mo", RatePerMinute: 1000, QuotaPerDay: 100000},
		Operations: []Operation{
			{ID: "mo", Method: "GET", Path: "/danh-muc/{ma}", Access: Open},
			{ID: "tim", Method: "GET", Path: "/ho-so", Access: Restricted, Fields: []string{"/tong", "/items", "/items/*/hoTen", "/items/*/maHoSo", "/items/*/soDinhDanh"}},
			{ID: "gui", Method: "POST", Path: "/ho-so", Access: Restricted},
			{ID: "nguoi", Method: "GET", Path: "/nguoi/{so}", Access: Personal, SubjectIn: "path", SubjectName: "so"},
			{ID: "tra-cuu", Method: "POST", Path: "/tra-cuu", Access: Personal, SubjectIn: "body", SubjectName: "/nguoi/so"},
		},
	}
	w.grant = w.newGrant("tra-cuu")
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		if err := Expose(ctx, tx, w.route); err != nil {
			return err
		}
		return PutGrant(ctx, tx, w.grant)
	})
	w.node, w.server = w.start(t.TempDir())
	return w
}

func (w *world) newGrant(purpose string) Grant {
	return Grant{
		Agreement: uuid.Must(uuid.NewV7()), Revision: 1, Application: w.app, Version: w.route.Version, Purpose: purpose, State: "active",
		Starts: w.now().Add(-time.Hour), Ends: w.now().Add(24 * time.Hour), Plan: Plan{RatePerMinute: 1000, QuotaPerDay: 100000},
		Operations: []GrantedOperation{
			{Operation: "tim", Fields: []string{"/tong", "/items/*/maHoSo"}},
			{Operation: "nguoi", Fields: []string{"/items/*/hoTen"}},
			{Operation: "tra-cuu", Fields: []string{""}},
		},
	}
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.clock.Load())) }

// site is where a node is served as callers find it.
type site struct {
	URL    string
	client *http.Client
}

// Client calls the site.
func (s *site) Client() *http.Client { return s.client }

// serve serves a node at a listener until the test ends or close is called.
func serve(t testing.TB, n *Node, l net.Listener) (s *site, closed func()) {
	t.Helper()
	server, done := n.Server(nil), make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	transport := &http.Transport{}
	closed = sync.OnceFunc(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(closed)
	return &site{URL: "http://" + l.Addr().String(), client: &http.Client{Transport: transport}}, closed
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// start runs one more node of the province.
func (w *world) start(dir string) (*Node, *site) {
	w.t.Helper()
	return w.startWith(dir, func(*Node) {})
}

// startWith is start for a node that change changes first.
func (w *world) startWith(dir string, change func(n *Node)) (*Node, *site) {
	w.t.Helper()
	l := listen(w.t)
	n := &Node{
		DB: w.db, Now: w.now, GatewayURL: "http://" + l.Addr().String(), PortalURL: portalURL, Issuer: portalURL, DataDir: dir,
		Peppers: w.peppers, SubjectKey: []byte("subject key of the tests"), Dial: (&net.Dialer{}).DialContext,
		Credentials: func(ctx context.Context) ([]auth.GatewayCredential, error) {
			w.bounded(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.keys), nil
		},
		CredentialsOf: func(ctx context.Context, applications []uuid.UUID) ([]auth.GatewayCredential, error) {
			w.bounded(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.DeleteFunc(slices.Clone(w.keys), func(k auth.GatewayCredential) bool { return !slices.Contains(applications, k.Application) }), nil
		},
		SigningKeys: func(ctx context.Context, applications []uuid.UUID) ([]auth.SigningKey, error) {
			w.bounded(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.DeleteFunc(slices.Clone(w.signing), func(k auth.SigningKey) bool {
				return applications != nil && !slices.Contains(applications, k.Application)
			}), nil
		},
		Disabled: func(ctx context.Context) ([]uuid.UUID, error) {
			w.bounded(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.disabled), nil
		},
		Revoked: func(ctx context.Context) ([]string, error) {
			w.bounded(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.revoked), nil
		},
		NotBefore: func(ctx context.Context) (map[uuid.UUID]time.Time, error) {
			w.bounded(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			return maps.Clone(w.notBefore), nil
		},
		ClientSeals: w.seals, Verify: w.verify,
		Nonce: func() string { return "nonce-1" },
		Ship:  w.ship,
		Touch: func(ctx context.Context, uses []auth.Use) error {
			w.bounded(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.used = append(w.used, uses...)
			return nil
		},
		Metrics:  NewMetrics(),
		Patience: or(w.patience, 3*time.Second), CacheSize: or(w.storage, 8<<20),
	}
	n.flush, n.Shared = w.flush, w.shared
	change(n)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	server, closed := serve(w.t, n, l)
	w.t.Cleanup(func() {
		closed()
		stop()
		if err := <-done; err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	w.until("ready", func() bool { return n.Ready() == nil })
	return n, server
}

// official is whom every token of the tests is of.
var official = uuid.MustParse("0198a000-0000-7000-8000-000000000001")

// verify takes tokens of the form "jti application audience".
func (w *world) verify(_ context.Context, p auth.Presented, audience string) (Token, error) {
	parts := strings.Split(p.Token, "|")
	if len(parts) != 3 || parts[2] != audience {
		return Token{}, problem.Errorf(problem.Unauthorized, "the token is not for %s", audience).Coded("token-audience", "has", "", "want", audience)
	}
	if p.Is(auth.DPoPScheme) && (len(p.Proofs) != 1 || p.Proofs[0] != p.Method+" "+p.URL) {
		return Token{}, problem.Errorf(problem.Unauthorized, "the proof is for elsewhere").Coded("dpop-address", "method", p.Method, "url", p.URL)
	}
	level := auth.AAL1
	if strings.HasPrefix(parts[0], auth.AAL2) {
		level = auth.AAL2
	}
	return Token{ID: parts[0], Application: uuid.MustParse(parts[1]), Person: official, Issued: w.now(), Level: level}, nil
}

func (w *world) token(jti string) string {
	return jti + "|" + w.app.String() + "|" + w.node.GatewayURL + w.route.Prefix()
}

// bounded: no room is asked without a deadline.
func (w *world) bounded(ctx context.Context) {
	if _, ok := ctx.Deadline(); !ok {
		w.t.Error("asked without a deadline")
	}
}

func (w *world) ship(ctx context.Context, s Shipment) error {
	w.bounded(ctx)
	list, err := ReadShipment(s.Body)
	if err != nil || len(list) != s.Count {
		w.t.Errorf("shipment of %d holds %d: %v", s.Count, len(list), err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges = append(w.exchanges, list...)
	return nil
}

// streams lets the upstream answer while it reads the request.
func (w *world) streams(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stream = h
}

func (w *world) serveUpstream(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	stream := w.stream
	if stream != nil {
		w.reached, w.bodies = append(w.reached, r), append(w.bodies, "")
	}
	w.mu.Unlock()
	if stream != nil {
		stream(rw, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.reached, w.bodies = append(w.reached, r), append(w.bodies, string(body))
	answer := w.answer
	w.mu.Unlock()
	answer(rw, r)
}

func (w *world) answers(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = h
}

func (w *world) reachedCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.reached)
}

func (w *world) last() (*http.Request, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reached[len(w.reached)-1], w.bodies[len(w.bodies)-1]
}

func (w *world) commit(do func(ctx context.Context, tx pgx.Tx) error) {
	w.t.Helper()
	ctx := context.Background()
	if err := pgx.BeginFunc(ctx, w.db, func(tx pgx.Tx) error { return do(ctx, tx) }); err != nil {
		w.t.Fatalf("commit: %v", err)
	}
}

// put changes the agreement, one revision on.
func (w *world) put(change func(g *Grant)) {
	w.t.Helper()
	w.grant.Revision++
	change(&w.grant)
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return PutGrant(ctx, tx, w.grant) })
	w.until("grant loaded", func() bool {
		for g := w.node.current.Load().grants.of(w.app, w.route.Version); g != nil; g = g.next {
			if g.Agreement == w.grant.Agreement && g.Revision == w.grant.Revision {
				return true
			}
		}
		return false
	})
}

func (w *world) tell(payload string) {
	w.t.Helper()
	if err := pg.Notify(context.Background(), w.db, "gateway", payload); err != nil {
		w.t.Fatal(err)
	}
}

// until polls for something that is to become true soon.
func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not %s within 10 s", what)
		}
	}
}

// reply is an answer read to its end.
type reply struct {
	status int
	header http.Header
	body   string
	code   string // of a problem
}

// do calls the node; target begins behind the version's prefix unless it is "//…".
func (w *world) do(method, target string, headers ...string) reply {
	w.t.Helper()
	return w.send(w.server, method, target, "", headers...)
}

func (w *world) send(server *site, method, target, body string, headers ...string) reply {
	w.t.Helper()
	if rest, ok := strings.CutPrefix(target, "@"); ok {
		target = rest
	} else {
		target = w.route.Prefix() + target
	}
	r, err := http.NewRequest(method, server.URL, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.URL.Opaque = target
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := server.Client().Do(r)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatalf("%s %s: read: %v", method, target, err)
	}
	got := reply{status: res.StatusCode, header: res.Header, body: string(text)}
	if res.Header.Get("Content-Type") == "application/problem+json" {
		var p struct{ Code string }
		if err := json.Unmarshal(text, &p); err != nil && method != http.MethodHead {
			w.t.Fatalf("problem is no JSON: %v: %s", err, text)
		}
		got.code = p.Code
	}
	return got
}

// recorded waits for the exchange with that trace.
func (w *world) recorded(trace string) Exchange {
	w.t.Helper()
	var found Exchange
	w.until("recorded "+trace, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, e := range w.exchanges {
			if e.Trace == trace {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

func traceparent(trace string) string { return "00-" + trace + "-00f067aa0ba902b7-01" }

// knows is what the node knows of a key; nothing when there is none.
func (n *Node) knows(lookup string) auth.GatewayCredential {
	if c := n.current.Load().keys.of(lookup); c != nil {
		return *c
	}
	return auth.GatewayCredential{}
}
